// start.first_page: from spawning the server to the first complete page of the console, on an initialised data folder.
// start.idle_memory: resident memory of the Custos process 20 s after its start, without PostgreSQL.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeDataDir, nodeFlags } from '../test/product.ts'
import { claim, say } from './load.ts'

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const rounds = 3
const idleMs = 20_000

const dir = makeDataDir('bench-start')

let running: ChildProcess | undefined

/** A server on a port that was free a moment ago. */
async function startServer(): Promise<{ child: ChildProcess; url: string; startedMs: number }> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const startedMs = performance.now()
  const child = spawn(
    process.execPath,
    [...nodeFlags, main, 'start', '--data', join(dir, 'data'), '--port', String(port)],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: process.env.PATH, HOME: process.env.HOME } },
  )
  running = child
  return { child, url: `http://127.0.0.1:${port}/`, startedMs }
}

/** Seconds until the page is there, whole: the document and the script that it names. */
async function firstPage(url: string, startedMs: number): Promise<number> {
  for (;;) {
    assert.ok(performance.now() - startedMs < 60_000, 'no page after 60 s')
    const response = await fetch(url).catch(() => undefined)
    if (response?.status === 200) {
      const page = await response.text()
      assert.match(page, /<title>[^<]*Custos/i, 'the first page is the console')
      const script = /<script[^>]+src="([^"]+)"/.exec(page)?.[1]
      assert.ok(script !== undefined, 'the page names its script')
      const served = await fetch(new URL(script, url))
      assert.equal(served.status, 200)
      await served.arrayBuffer()
      return (performance.now() - startedMs) / 1_000
    }
    await new Promise((done) => setTimeout(done, 10))
  }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]
  assert.equal(code, 0, 'the server stops in order')
}

/** Resident megabytes of one process (proc(5), VmRSS). */
async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1_024) / 1_000_000
}

try {
  const first = await startServer()
  say(`start on an empty folder: ${(await firstPage(first.url, first.startedMs)).toFixed(2)} s`)
  await stop(first.child)
  const seconds: number[] = []
  let memoryMb = 0
  for (let round = 0; round < rounds; round++) {
    const server = await startServer()
    seconds.push(await firstPage(server.url, server.startedMs))
    if (round === rounds - 1) {
      await new Promise((done) => setTimeout(done, Math.max(0, idleMs - (performance.now() - server.startedMs))))
      memoryMb = await residentMb(server.child.pid!)
    }
    await stop(server.child)
  }
  say(`rounds: ${seconds.map((value) => value.toFixed(2)).join(', ')} s`)
  // The worst round: a bar on the best one would hide a slow start.
  claim('start.first_page', Math.max(...seconds), 's')
  claim('start.idle_memory', memoryMb, 'MB')
} finally {
  if (running?.exitCode === null) await stop(running)
  await rm(dir, { recursive: true, force: true })
}
