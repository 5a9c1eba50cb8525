import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findEmbedded } from '../src/storage/embedded.ts'
import { makeDataDir } from './product.ts'

const launcher = fileURLToPath(new URL('../bin/custos.mjs', import.meta.url))
let dir: string
let dataDir: string
const children: ChildProcess[] = []
before(() => {
  dir = makeDataDir('start me ')
  dataDir = join(dir, 'my data')
})
after(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
  const left = await findEmbedded(dataDir)
  if (left !== undefined) process.kill(left.pid, 'SIGINT')
  await rm(dir, { recursive: true, force: true })
})

type Running = { child: ChildProcess; said: () => string; url: Promise<string>; exit: Promise<number | null> }

/** `custos start` through the launcher, from another folder, on any free port. */
function start(...args: string[]): Running {
  const child = spawn(process.execPath, [launcher, 'start', '--data', dataDir, '--port', '0', ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  })
  children.push(child)
  let said = ''
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  const url = new Promise<string>((done, fail) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      const found = /Custos is at (http:\S+)/.exec(said)?.[1]
      if (found !== undefined) done(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', () => fail(new Error(`ended: ${said}`)))
  })
  // Looked at only by those who expect it to start.
  url.catch(() => {})
  return { child, said: () => said, url, exit }
}

/** Process id of the server itself, behind the launcher. */
const serverPid = (refusal: string) => Number(/custos process (\d+)/.exec(refusal)?.[1])

test('a start serves the console, refuses a second one by name, and Ctrl-C stops everything', async () => {
  const first = start()
  const url = await first.url
  assert.equal((await fetch(`${url}/sign-in`)).status, 200)
  const second = start()
  assert.equal(await second.exit, 1)
  assert.match(second.said(), /Cannot start: .*my data is in use by custos process \d+ \(start\) since \d{4}-/)
  assert.equal((await fetch(`${url}/sign-in`)).status, 200)
  first.child.kill('SIGINT')
  assert.equal(await first.exit, 0)
  assert.match(first.said(), /Stopped\./)
  assert.equal(await findEmbedded(dataDir), undefined, 'PostgreSQL has stopped as well')
  assert.ok(!(await readdir(dataDir)).includes('custos.lock'))
})

test('after kill -9 of the server the next start takes the folder over', async () => {
  const first = start()
  await first.url
  const refused = start()
  await refused.exit
  process.kill(serverPid(refused.said()), 'SIGKILL')
  await first.exit
  const next = start()
  assert.equal((await fetch(`${await next.url}/sign-in`)).status, 200)
  next.child.kill('SIGTERM')
  assert.equal(await next.exit, 0)
})

test('a launcher that is killed takes its server along, in order', async () => {
  const first = start()
  const url = await first.url
  first.child.kill('SIGKILL')
  for (let tries = 0; tries < 200; tries++) {
    if ((await findEmbedded(dataDir)) === undefined && !(await readdir(dataDir)).includes('custos.lock')) break
    await new Promise((done) => setTimeout(done, 50))
  }
  assert.ok(!(await readdir(dataDir)).includes('custos.lock'))
  await assert.rejects(fetch(url))
})

test('a port that another program uses is told, and nothing stays behind', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const refused = start('--port', String(port))
  assert.equal(await refused.exit, 1)
  assert.match(refused.said(), new RegExp(`Cannot start: port ${port} on 127.0.0.1 is in use by another program`))
  assert.ok(!(await readdir(dataDir)).includes('custos.lock'))
  other.close()
})
