import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createStandby } from './standby.ts'

const skip = process.platform === 'win32' ? 'needs /bin/sh' : false
const limits = { timeoutMs: 20_000, memoryBytes: 4 * 1024 ** 3 }
// Answers with its process id and what it was fed.
const script = ['-c', 'echo $$; cat']

async function* once(text: string) {
  yield Buffer.from(text)
}

async function ask(standby: ReturnType<typeof createStandby>, text: string, args = script) {
  let heard = ''
  const ran = await standby.run('/bin/sh', args, limits, {
    feed: once(text),
    read: (chunk) => void (heard += chunk.toString()),
  })
  const [pid, said] = heard.split('\n')
  return { pid: Number(pid), said, code: ran.code }
}

const lives = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
/** Processes of ours that run this script. */
const waiting = (mark: string) =>
  spawnSync('ps', ['-A', '-o', 'pid=,args='])
    .stdout.toString()
    .split('\n')
    .filter((line) => line.includes(mark) && !line.includes('ps -A'))
    .map((line) => Number(line.trim().split(' ')[0]))
async function until(holds: () => boolean) {
  for (let tries = 0; tries < 500 && !holds(); tries++) await sleep(20)
  assert.ok(holds())
}

test('each input has a process of its own, started before the input was there', { skip }, async () => {
  const standby = createStandby(60_000)
  const mark = 'standby-test-a'
  const args = ['-c', `: ${mark}; echo $$; cat`]
  assert.deepEqual(waiting(mark), [], 'nothing before the first run')
  const first = await ask(standby, 'one', args)
  await until(() => waiting(mark).length === 1)
  const [ready] = waiting(mark)
  const second = await ask(standby, 'two', args)
  assert.deepEqual([first.said, second.said, first.code, second.code], ['one', 'two', 0, 0])
  assert.notEqual(second.pid, first.pid)
  assert.equal(second.pid, ready)
  standby.end()
  await until(() => waiting(mark).length === 0)
})

test('what died while it waited, and what waits with other arguments, is not used', { skip }, async () => {
  const standby = createStandby(60_000)
  const mark = 'standby-test-b'
  const args = ['-c', `: ${mark}; echo $$; cat`]
  await ask(standby, 'one', args)
  await until(() => waiting(mark).length === 1)
  const [killed] = waiting(mark)
  process.kill(killed!, 'SIGKILL')
  await until(() => !lives(killed!))
  const after = await ask(standby, 'two', args)
  assert.equal(after.said, 'two')
  assert.equal((await ask(standby, 'three')).said, 'three')
  await until(() => waiting(mark).length === 0)
  standby.end()
})

test('what waits in vain is ended, and keeps no program alive or outlives it', { skip }, async () => {
  const mark = 'standby-test-c'
  const standby = createStandby(50)
  await ask(standby, 'one', ['-c', `: ${mark}; echo $$; cat`])
  await until(() => waiting(mark).length === 0)
  const source = fileURLToPath(new URL('./standby.ts', import.meta.url))
  const program = `
    import { createStandby } from ${JSON.stringify(source)}
    const feed = (async function* () { yield Buffer.from('x') })()
    const limits = ${JSON.stringify(limits)}
    await createStandby(3_600_000).run('/bin/sh', ['-c', ': ${mark}; cat'], limits, { feed, read() {} })
    console.log('done')`
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000 })
  assert.equal(ran.stdout.toString(), 'done\n', ran.stderr.toString())
  await until(() => waiting(mark).length === 0)
})
