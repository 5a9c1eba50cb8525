import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Event } from '../domain/event.ts'
import type { Database } from '../storage/database.ts'
import { testDatabase } from '../../test/database.ts'
import { createInProcessStream } from './in-process.ts'
import { start, type NewStreamEvent, type Stream } from './stream.ts'

let db: Database
let stream: Stream
before(async () => {
  db = await testDatabase()
  stream = createInProcessStream({ db, clock: () => 1_700_000_000_000 })
})
const event = (id: string, more: Partial<Event> = {}): NewStreamEvent => ({
  tenantId: 't',
  event: { id, type: 'message.sent', time: '2023-11-14T22:13:20Z', context: 'feed', actor: { id: 'u1' }, ...more },
  occurredAtMs: 1_700_000_000_000,
  late: false,
})

test('an event is accepted once, then a duplicate, and refused with other content', async () => {
  assert.equal((await stream.append([event('e1')]))[0]?.status, 'accepted')
  assert.equal((await stream.append([event('e1')]))[0]?.status, 'duplicate')
  assert.equal((await stream.append([event('e1', { context: 'genai' })]))[0]?.status, 'conflict')
})

test('the same event with its keys in another order is a duplicate', async () => {
  await stream.append([event('e2', { origin: { ip: '1.1.1.1', device: 'd' } })])
  assert.equal((await stream.append([event('e2', { origin: { device: 'd', ip: '1.1.1.1' } })]))[0]?.status, 'duplicate')
})

test('the same id twice in one batch is told apart, and tenants do not collide', async () => {
  const answers = await stream.append([
    event('e3'),
    event('e3'),
    event('e3', { context: 'genai' }),
    { ...event('e3'), tenantId: 'other' },
  ])
  assert.deepEqual(
    answers.map((answer) => answer.status),
    ['accepted', 'duplicate', 'conflict', 'accepted'],
  )
})

test('many writers at once: every event is read once and in an order that never changes', async () => {
  const other = createInProcessStream({ db, clock: () => 1 })
  const read = new Set<string>()
  let cursor = start
  let writing = true
  // The horizon is that of the whole server: a transaction in another test's database may hold readers up for a while.
  const giveUpMs = Date.now() + 30_000
  const missing = () =>
    Array.from({ length: 400 }, (_, n) => n).filter((n) => !read.has(`t/m${n}a`) || !read.has(`t/m${n}b`))
  const reading = (async () => {
    while (writing || (missing().length > 0 && Date.now() < giveUpMs)) {
      const page = await stream.read(0, cursor, 37)
      for (const one of page) {
        assert.ok(!read.has(`${one.tenantId}/${one.event.id}`), 'read twice')
        read.add(`${one.tenantId}/${one.event.id}`)
      }
      cursor = page.at(-1)?.at ?? cursor
    }
  })()
  await Promise.all(
    Array.from({ length: 400 }, (_, n) => (n % 2 === 0 ? stream : other).append([event(`m${n}a`), event(`m${n}b`)])),
  )
  writing = false
  await reading
  assert.deepEqual(missing(), [], 'events that no reader will ever see')
})

test('what was just written is read the same from memory as from the database', async () => {
  const writer = createInProcessStream({ db, clock: () => 5 })
  const odd = event('held', { attributes: { zero: 0, text: 'ü\u2028"', deep: [{ a: null }] } })
  await writer.append([odd, event('held2')])
  const read = async (from: Stream) => {
    for (;;) {
      const all = (await from.read(0, start, 10_000)).filter((one) => one.event.id.startsWith('held'))
      if (all.length === 2) return all
    }
  }
  const fromMemory = await read(writer)
  assert.deepEqual(fromMemory, await read(stream))
  assert.deepEqual(fromMemory, await read(writer), 'and again, when it is no longer held')
  assert.deepEqual(fromMemory[0]!.event, odd.event)
})

test('a claim that was taken over writes nothing', async () => {
  const old = await stream.claim('c', 0, 'one')
  let [first] = await stream.read(0, start, 1)
  while (first === undefined) [first] = await stream.read(0, start, 1)
  const young = await stream.claim('c', 0, 'two')
  assert.equal(await db.transaction((tx) => stream.advance(tx, old, first.at, 1)), false)
  assert.equal(await db.transaction((tx) => stream.advance(tx, young, first.at, 1)), true)
  assert.equal(
    await db.transaction((tx) => stream.advance(tx, young, first.at, 1)),
    false,
    'the cursor no longer stands where the claim says',
  )
})
