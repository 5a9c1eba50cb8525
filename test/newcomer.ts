import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, type Client } from '../src/http/client.ts'
import { nextJob, type JobView } from '../src/http/contract/jobs.ts'
import { makeDataDir } from './product.ts'

// Somebody who has just cloned the repository and types what the pages say.

const root = fileURLToPath(new URL('../', import.meta.url))

/** Why pages cannot be typed here; false when they can. */
export const cannotType = (() => {
  const missing = ['curl', 'npm', 'bash'].filter(
    (program) => !process.env.PATH!.split(':').some((folder) => existsSync(join(folder, program))),
  )
  return missing.length > 0 && `needs ${missing.join(', ')}`
})()

/** The code blocks of one language on a page, from one heading to the next of the same level when one is named. */
export function blocksOf(page: string, language: string, heading?: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const part = heading === undefined ? text : new RegExp(`^## ${heading}$(.*?)(?=^## )`, 'ms').exec(text + '\n## ')![1]!
  return [...part.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^ *\`\`\``, 'gms'))].map(([, indent, block]) =>
    block!.replaceAll(new RegExp(`^${indent!}`, 'gm'), ''),
  )
}

export type Newcomer = {
  dir: string
  url: string
  port: number
  signInLink: string
  /** Types a block into one shell that stays open, with the port replaced; answers what it printed. Fails when it does. */
  type: (block: string) => Promise<string>
  stop: () => Promise<void>
}

/** Starts the product as the pages say, on a free port and an empty folder, and opens a shell in that folder. */
export async function newcomer(): Promise<Newcomer> {
  const dir = makeDataDir('newcomer')
  const port = await freePort()
  const dataDir = join(dir, 'data')
  const product = spawn(
    process.execPath,
    [join(root, 'bin/custos.mjs'), 'start', '--data', dataDir, '--port', String(port)],
    { cwd: root, env: { PATH: process.env.PATH!, HOME: process.env.HOME! }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const ended = new Promise<number | null>((done) => void product.once('exit', done))
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
  // A newcomer stands in the checkout; here the files that the pages write land elsewhere.
  const shell = openShell(dir, { CUSTOS_DATA: dataDir })
  await shell.run(`npm() { command npm --prefix '${root}' "$@"; }
custos() { '${process.execPath}' '${join(root, 'bin/custos.mjs')}' "$@"; }`)
  return {
    dir,
    port,
    url: `http://127.0.0.1:${port}`,
    signInLink,
    type: (block) => shell.run(block.replaceAll(/(localhost|127\.0\.0\.1):7070/g, `$1:${port}`)),
    async stop() {
      await shell.end()
      product.kill('SIGINT')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

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

/** Signs a member of the staff in by a link, as the console does. */
export async function signIn(baseUrl: string, link: string): Promise<Client> {
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
export async function taken(client: Client, queue: string): Promise<JobView> {
  for (let tries = 0; tries < 100; tries++) {
    const { job } = await client.call(nextJob, { body: { queue } })
    if (job !== null) return job
    await new Promise<void>((done) => void setTimeout(done, 100))
  }
  return assert.fail(`no job comes into the queue ${queue}`)
}
