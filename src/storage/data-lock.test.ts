import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { dataHolder, lockData } from './data-lock.ts'

const folder = async (t: TestContext) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'custos-lock-'))
  t.after(() => rm(dataDir, { recursive: true }))
  return dataDir
}
const clock = () => Date.now()

/** A process of its own that takes the folder and holds it. */
async function holderProcess(dataDir: string) {
  const source = `import { lockData } from ${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)}
    await lockData(${JSON.stringify(dataDir)}, 'start', () => Date.now())
    console.log('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

test('a folder held by a live process is refused by name, and free once that process is killed', async (t) => {
  const dataDir = await folder(t)
  const child = await holderProcess(dataDir)
  await assert.rejects(
    lockData(dataDir, 'start', clock),
    new RegExp(`Cannot start: ${dataDir} is in use by custos process ${child.pid} \\(start\\) since \\d{4}-`),
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(await dataHolder(dataDir, clock), undefined)
  const lock = await lockData(dataDir, 'start', clock)
  assert.equal((await dataHolder(dataDir, clock))?.pid, process.pid)
  await lock.release()
  assert.deepEqual(await readdir(dataDir), [])
})

test('of many that start at once, one gets the folder', async (t) => {
  for (let round = 0; round < 20; round++) {
    const dataDir = await folder(t)
    // Left behind by a process that no longer exists: all of them try to take it over.
    await writeFile(
      join(dataDir, 'custos.lock'),
      JSON.stringify({ pid: 2 ** 22 + 1, purpose: 'start', sinceMs: 0, host: hostname() }),
    )
    const all = await Promise.allSettled([...'abcdefgh'].map((purpose) => lockData(dataDir, purpose, clock)))
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1, `round ${round}`)
    assert.deepEqual(await readdir(dataDir), ['custos.lock'])
  }
})

test('whoever serves says where, and still lets go', async (t) => {
  const dataDir = await folder(t)
  const lock = await lockData(dataDir, 'start', clock)
  await lock.serving('http://127.0.0.1:7471')
  assert.equal((await dataHolder(dataDir, clock))?.url, 'http://127.0.0.1:7471')
  await lock.release()
  assert.deepEqual(await readdir(dataDir), [])
})

test('a process id that now belongs to another process does not hold the folder', async (t) => {
  const dataDir = await folder(t)
  const lock = await lockData(dataDir, 'start', clock)
  const holder = JSON.parse(await readFile(join(dataDir, 'custos.lock'), 'utf8')) as Record<string, unknown>
  await lock.release()
  if (holder.processStart === undefined) return t.skip('this system does not tell when a process started')
  await writeFile(join(dataDir, 'custos.lock'), JSON.stringify({ ...holder, processStart: '1' }))
  assert.equal(await dataHolder(dataDir, clock), undefined)
})

test('a lock of another machine holds while it is touched, and lapses when it is not', async (t) => {
  const dataDir = await folder(t)
  await writeFile(
    join(dataDir, 'custos.lock'),
    JSON.stringify({ pid: 1, purpose: 'start', sinceMs: 0, host: 'some-other-host' }),
  )
  await assert.rejects(lockData(dataDir, 'start', clock), /on some-other-host since/)
  const later = () => Date.now() + 60_000
  await (await lockData(dataDir, 'start', later)).release()
})

test('a torn lock file does not lock anyone out', async (t) => {
  const dataDir = await folder(t)
  await writeFile(join(dataDir, 'custos.lock'), '{"pid": 1')
  await (await lockData(dataDir, 'start', clock)).release()
})
