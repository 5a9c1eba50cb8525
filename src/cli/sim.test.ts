import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseEvent, type Event } from '../domain/event.ts'
import type { Truth } from '../sim/truth.ts'
import { UsageError } from './command.ts'
import { command } from './sim.ts'

const folder = await mkdtemp(join(tmpdir(), 'custos-sim-'))
after(() => rm(folder, { recursive: true }))

function terminal() {
  const said = { out: '', err: '' }
  const io = {
    stdout: { write: (text: string) => void (said.out += text) },
    stderr: { write: (text: string) => void (said.err += text) },
    cwd: folder,
    env: {},
  }
  return { io, said }
}

const sha256 = async (name: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(folder, name)))
    .digest('hex')

test('two runs with one seed write the same bytes, photos included, and the truth beside them', async () => {
  const args = ['--seed', '7', '--actors', '60', '--days', '1']
  const { io, said } = terminal()
  assert.equal(await command.run([...args, '--out', 'a.ndjson', '--truth', 'truth.ndjson'], io), 0)
  assert.equal(await command.run([...args, '--out', 'b.ndjson'], io), 0)
  assert.equal(await sha256('a.ndjson'), await sha256('b.ndjson'))
  assert.match(said.err, /events of 1 days in .* violating/)

  const lines = async <T>(name: string): Promise<T[]> =>
    (await readFile(join(folder, name), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T)
  const events = await lines<Event>('a.ndjson')
  const truth = await lines<Truth>('truth.ndjson')
  assert.deepEqual(
    truth.map(({ eventId }) => eventId),
    events.map(({ id }) => id),
  )
  const nowMs = Date.UTC(2026, 10, 2)
  for (const event of events) parseEvent(event, { nowMs, acceptUnknownTypes: false })
  const photos = events.flatMap((event) => event.item?.media ?? [])
  assert.ok(photos.length > 0)
  for (const photo of photos) {
    const bytes = Buffer.from(photo.bytes!, 'base64')
    assert.equal(bytes.readUInt16BE(0), 0xffd8, 'JPEG')
    assert.ok(bytes.length < 25 * 1024, `${bytes.length} bytes`)
  }
})

test('events can be written without photos, to standard output', async () => {
  const { io, said } = terminal()
  assert.equal(await command.run(['--actors', '60', '--days', '1', '--no-photos', '--out', '-'], io), 0)
  assert.ok(!said.out.includes('"bytes"'))
  for (const line of said.out.trim().split('\n'))
    parseEvent(JSON.parse(line), { nowMs: Date.UTC(2026, 10, 2), acceptUnknownTypes: false })
})

test('wrong options are refused by name and nothing is written', async () => {
  const { io } = terminal()
  const refused = (args: string[], pattern: RegExp) =>
    assert.rejects(command.run(args, io), (error) => error instanceof UsageError && pattern.test(error.message))
  await refused(['--actors', 'many', '--out', 'x'], /--actors "many"/)
  await refused(['--days', '999', '--out', 'x'], /--days "999".*366/)
  await refused(['--start', 'yesterday', '--out', 'x'], /--start "yesterday"/)
  await refused(['--sed', '7'], /--sed/)
  await refused([], /--out/)
  await assert.rejects(command.run(['--actors', '60', '--days', '1', '--out', 'no/such/folder/x'], io), /Cannot write/)
})
