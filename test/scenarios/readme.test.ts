import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createClient } from '../../src/http/client.ts'
import { decideJob, nextJob } from '../../src/http/contract/jobs.ts'
import { makeDataDir } from '../product.ts'

// The five minutes of README.md: the commands as they are printed, and between them what one does in the browser.

const root = fileURLToPath(new URL('../../', import.meta.url))
const walk = /^## Five minutes$(.*?)^## /ms.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1]!
const blocks = [...walk.matchAll(/^( *)```sh\n(.*?)^ *```/gms)].map(([, indent, text]) =>
  text!.replaceAll(new RegExp(`^${indent!}`, 'gm'), ''),
)

type Shell = { run: (script: string) => Promise<string>; said: () => string; end: () => Promise<void> }

/** One shell for all commands, as in a terminal: variables stay. */
function openShell(cwd: string, env: Record<string, string>): Shell {
  const shell = spawn('bash', ['--noprofile', '--norc', '-e'], {
    cwd,
    env: { PATH: process.env.PATH!, HOME: process.env.HOME!, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exit = new Promise<number | null>((done) => void shell.once('exit', done))
  let out = ''
  let err = ''
  let heard: () => void = () => {}
  shell.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    heard()
  })
  shell.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()))
  return {
    async run(script) {
      out = ''
      const done = new Promise<void>((found) => (heard = () => out.includes('\n--end--\n') && found()))
      shell.stdin.write(`set -o pipefail\n${script}\necho\necho --end--\n`)
      const code = await Promise.race([done.then(() => 'said' as const), exit])
      assert.equal(code, 'said', `${script}\nends the shell with ${code}: ${err}${out}`)
      return out.slice(0, out.indexOf('\n--end--\n')).trim()
    },
    said: () => err,
    async end() {
      shell.stdin.end()
      await exit
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((done) => void server.close(() => done()))
  return port
}

const skip = ['curl', 'npm', 'bash'].filter(
  (program) => !process.env.PATH!.split(':').some((folder) => existsSync(join(folder, program))),
)

test(
  'every command of the five minutes works as printed',
  { skip: skip.length > 0 && `needs ${skip.join(', ')}`, timeout: 120_000 },
  async () => {
    const dir = makeDataDir('readme')
    const port = await freePort()
    const here = `http://127.0.0.1:${port}`
    const product = spawn(
      process.execPath,
      [join(root, 'bin/custos.mjs'), 'start', '--data', join(dir, 'data'), '--port', String(port)],
      { cwd: root, env: { PATH: process.env.PATH!, HOME: process.env.HOME! }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const ended = new Promise<number | null>((done) => void product.once('exit', done))
    let shell: Shell | undefined
    try {
      let said = ''
      const signInLink = await new Promise<string>((found, fail) => {
        const hear = (chunk: Buffer) => {
          said += chunk.toString()
          const link = /Sign in as the administrator: (\S+)/.exec(said)?.[1]
          if (link !== undefined && said.includes('Ctrl-C')) found(link)
        }
        product.stdout.on('data', hear)
        product.stderr.on('data', hear)
        void ended.then((code) => fail(new Error(`it ends with ${code}: ${said}`)))
      })
      const admin = await signIn(here, signInLink)

      // The files that the walk writes land in the folder of the checkout, where a newcomer stands; here elsewhere.
      shell = openShell(dir, { CUSTOS_DATA: join(dir, 'data') })
      await shell.run(`npm() { command npm --prefix '${root}' "$@"; }`)
      const run = (block: string) => shell!.run(block.replaceAll('localhost:7070', `localhost:${port}`))
      assert.equal(blocks.length, 6)
      const [key, rule, events, link, colleague, explain] = blocks as [string, string, string, string, string, string]
      await run(key)
      assert.match(await run('echo $KEY'), /^ck_/)
      assert.deepEqual((JSON.parse(await run(rule)) as { rules: unknown }).rules, [
        { ruleId: 'cold-messages', version: 1, mode: 'live', changed: true },
      ])
      const answer = JSON.parse(await run(events)) as { accepted: number; refused: number }
      assert.deepEqual([answer.accepted, answer.refused], [4, 0])

      // In the console: the job, decided.
      const found = await taken(admin, 'default')
      assert.equal(found.job.violation, 'scam')
      assert.equal((found.item as { text: string }).text, 'guaranteed returns, write me')
      await admin.call(decideJob, {
        params: { jobId: found.job.jobId },
        headers: { 'if-match': found.etag },
        body: { verdict: 'violation', violation: 'scam' },
      })

      // The person's page, with its links and form.
      const page = await run(link)
      assert.match(page, new RegExp(`^http://localhost:${port}/me/\\S+$`))
      const account = await (await fetch(page)).text()
      const decision = new URL(/href="(\/me\/[^"]+\/decisions\/[^"]+)"/.exec(account)![1]!, page).href
      const asked = new URL(/href="([^"]+\/appeal)"/.exec(await (await fetch(decision)).text())![1]!, page).href
      const form = /name="form" value="([^"]+)"/.exec(await (await fetch(asked)).text())![1]!
      const filed = await fetch(asked, { method: 'POST', body: new URLSearchParams({ form, text: 'It was a joke.' }) })
      assert.equal(filed.status, 200)
      assert.match(await filed.text(), /We are looking again/)

      assert.equal((await admin.call(nextJob, { body: { queue: 'appeals' } })).job, null, 'not by who decided')
      const invitation = await run(colleague)
      assert.ok(invitation.startsWith(`${here}/sign-in?token=`), invitation)
      const other = await signIn(here, invitation)
      const appeal = await taken(other, 'appeals')
      assert.equal(appeal.appeal?.statement, 'It was a joke.')
      await other.call(decideJob, {
        params: { jobId: appeal.job.jobId },
        headers: { 'if-match': appeal.etag },
        body: { verdict: 'overturn', note: 'It was indeed.' },
      })
      assert.match(await (await fetch(decision)).text(), /The decision was wrong\. We took it back\./)

      const told = await run(explain)
      assert.match(told, /^message\.sent by u1 in private_messaging$/m)
      assert.match(told, /Decision reversed: It was indeed\./)
      assert.match(told, /^same +rule:/m)
      assert.match(told, /^same +consequences:/m)
    } finally {
      await shell?.end()
      product.kill('SIGINT')
      await ended
      await rm(dir, { recursive: true, force: true })
    }
  },
)

async function signIn(baseUrl: string, link: string) {
  const token = new URL(link).searchParams.get('token')!
  const entered = await fetch(`${baseUrl}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: baseUrl },
    body: new URLSearchParams({ token }),
  })
  const cookie = entered.headers.getSetCookie()[0]!.split(';')[0]!
  return createClient({ baseUrl, headers: { cookie, origin: baseUrl } })
}

/** The next job of a queue, once there is one. */
async function taken(client: ReturnType<typeof createClient>, queue: string) {
  for (let tries = 0; tries < 100; tries++) {
    const { job } = await client.call(nextJob, { body: { queue } })
    if (job !== null) return job
    await new Promise<void>((done) => void setTimeout(done, 100))
  }
  return assert.fail(`no job comes into the queue ${queue}`)
}
