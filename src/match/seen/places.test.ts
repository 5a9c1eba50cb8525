import assert from 'node:assert/strict'
import test from 'node:test'
import { alterPicture, paintPicture, type Picture } from '../../kernels/picture.ts'
import { pdqStages } from '../../kernels/pdq.ts'
import { derivativesOf } from '../../media/derivatives.ts'
import { insertSeen } from '../../storage/seen-records.ts'
import { testDatabase } from '../../../test/database.ts'
import { photoLocalType } from '../signal-types/photo-local.ts'
import { createSeenPlaces } from './places.ts'
import { packSignal, unpackSignal } from './rows.ts'

const signalOf = (picture: Picture) =>
  derivativesOf(picture, pdqStages(picture.rgb, picture.width, picture.height)!).signals.local!
const painted = (seed: number) => paintPicture(seed, 'room', 320, 240)
const cropped = (picture: Picture) => alterPicture(picture, { cropShare: 0.06, scale: 0.9, brightness: 1, contrast: 1 })
const { threshold } = photoLocalType

test('a photo that passed is kept in a third of its signal, and what was kept as text is read too', () => {
  const signal = signalOf(painted(1))
  const packed = packSignal('local', signal)
  assert.ok(packed.length < 3_600, `${packed.length}`)
  const again = unpackSignal('local', packed)
  assert.equal(photoLocalType.parse('signal', again), again)
  assert.equal(unpackSignal('local', Buffer.from(signal)), signal)
})

test('copies that passed are found by the photo, in their tenant, until they are forgotten', async () => {
  const db = await testDatabase()
  const keep = (tenantId: string, itemId: string, signal: Buffer, keptAtMs: number) =>
    db.transaction((tx) =>
      insertSeen(tx, [
        { tenantId, eventId: itemId, itemId, part: 'photo:0', type: 'local', signal, occurredAtMs: keptAtMs, keptAtMs },
      ]),
    )
  const packed = (picture: Picture) => packSignal('local', signalOf(picture))
  await keep('a', 'copy', packed(cropped(painted(1))), 1_000)
  await keep('a', 'as text', Buffer.from(signalOf(cropped(painted(1)))), 2_000)
  for (const seed of [2, 3]) await keep('a', `other ${seed}`, packed(painted(seed)), 3_000)
  await keep('b', 'elsewhere', packed(painted(1)), 4_000)

  const places = createSeenPlaces(db.query)
  const seqs = async (itemIds: string[]) =>
    (await db.query<{ seq: number }>('SELECT seq FROM seen WHERE item_id = ANY($1) ORDER BY seq', [itemIds])).map(
      ({ seq }) => seq,
    )
  const found = async (picture: Picture, limit = 100) => {
    const { hits, complete } = await places.find('a', signalOf(picture), threshold, limit)
    return { seqs: hits.map(({ seq }) => seq).toSorted((x, y) => x - y), complete, hits }
  }
  const first = await found(painted(1))
  assert.deepEqual(first.seqs, await seqs(['copy', 'as text']))
  assert.equal(first.complete, true)
  assert.match(first.hits[0]!.transformation!, /crop:\d+/)
  assert.deepEqual((await found(painted(1), 1)).complete, false)
  assert.deepEqual((await found(painted(9))).seqs, [])

  await keep('a', 'later', packed(painted(9)), 5_000)
  assert.deepEqual((await found(cropped(painted(9)))).seqs, await seqs(['later']))
  await db.query("DELETE FROM seen WHERE item_id = 'copy'", [])
  assert.deepEqual((await found(painted(1))).seqs, await seqs(['as text']))
  places.prune('a', 9_000)
  assert.deepEqual((await found(cropped(painted(9)))).seqs, [])
})

test('no more photos are kept in memory than may be, and the answer then says that it is not all', async () => {
  const db = await testDatabase()
  const rows = Array.from({ length: 1_200 }, (_, at) => ({
    tenantId: 'a',
    eventId: `e${at}`,
    itemId: `i${at}`,
    part: 'photo:0',
    type: 'local',
    signal: packSignal('local', signalOfSeed(at % 3)),
    occurredAtMs: at,
    keptAtMs: at,
  }))
  await db.transaction((tx) => insertSeen(tx, rows))
  const places = createSeenPlaces(db.query, 800)
  const { hits, complete } = await places.find('a', signalOfSeed(0), threshold, 10_000)
  assert.equal(complete, false)
  // Whole blocks of 256 go at a time.
  assert.ok(hits.length > 200 && hits.length < 400, `${hits.length}`)
})

const signals = new Map<number, string>()
function signalOfSeed(seed: number): string {
  const signal = signals.get(seed) ?? signalOf(painted(seed))
  signals.set(seed, signal)
  return signal
}
