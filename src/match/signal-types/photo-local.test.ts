import assert from 'node:assert/strict'
import test from 'node:test'
import { InputError } from '../../domain/error.ts'
import { alterPicture, paintPicture, type Picture } from '../../kernels/picture.ts'
import { pdqStages } from '../../kernels/pdq.ts'
import { derivativesOf } from '../../media/derivatives.ts'
import { photoLocalType, placesMax } from './photo-local.ts'

const signalOf = (picture: Picture) =>
  derivativesOf(picture, pdqStages(picture.rgb, picture.width, picture.height)!).signals.local!
const original = paintPicture(4, 'room', 320, 240)
const signal = signalOf(original)
const cropped = signalOf(alterPicture(original, { cropShare: 0.08, scale: 1, brightness: 1, contrast: 1 }))
const others = [1, 2, 3].map((seed) => signalOf(paintPicture(seed, 'room', 320, 240)))
const asked = { radiusMax: photoLocalType.threshold, thresholdOf: () => photoLocalType.threshold }

test('a signal is canonical text of at most 12 KB, and anything else is refused by field', () => {
  assert.ok(signal.length <= 12_000)
  assert.equal(photoLocalType.parse('signals.local', signal), signal)
  assert.equal(photoLocalType.signalOf(photoLocalType.contentOf(signal)), signal)
  assert.equal(photoLocalType.signalOf({ photos: [{}] }), undefined)
  for (const wrong of ['', 'AAAA', 'no features', signal.slice(8)])
    assert.throws(
      () => photoLocalType.parse('signals.local', wrong),
      (error: unknown) => error instanceof InputError && error.problems[0]?.field === 'signals.local',
    )
})

test('a copy is near and named, another picture is as far as can be', () => {
  assert.deepEqual(photoLocalType.compare(signal, signal).distance, 0)
  const { distance, transformation, similarity } = photoLocalType.compare(cropped, signal)
  assert.ok(distance <= photoLocalType.threshold && similarity > 0.4)
  assert.match(transformation!, /^crop:\d+$/)
  assert.equal(
    photoLocalType.describe(distance),
    `${placesMax - distance}${distance === 0 ? ' or more' : ''} places in common`,
  )
  for (const other of others) {
    const compared = photoLocalType.compare(other, signal)
    assert.ok(compared.distance > photoLocalType.thresholdMax, `${compared.distance}`)
    assert.equal(compared.transformation, undefined)
  }
})

test('an index answers one hit an entry and photo, within the bank’s threshold and among the banks asked', () => {
  const index = photoLocalType.createIndex()
  for (const [slot, one] of [signal, ...others].entries()) index.add(slot, one, null)
  const photos = [{ signals: { local: others[1]! } }, { sha256: 'ab', signals: { local: cropped } }, {}]
  const hits = index.search({ photos }, asked)
  assert.deepEqual(
    hits.map(({ slot, part }) => [slot, part]),
    [
      [2, { kind: 'photo', index: 0 }],
      [0, { kind: 'photo', index: 1, mediaSha256: 'ab' }],
    ],
  )
  assert.ok(hits.every(({ confidence }) => confidence > 0.5 && confidence <= 0.99))
  assert.deepEqual(index.search({ photos }, { ...asked, thresholdOf: () => -1 }), [])
  assert.deepEqual(
    index.search({ photos }, { ...asked, wanted: (slot) => slot !== 0 }).map(({ slot }) => slot),
    [2],
  )
  index.remove(0)
  assert.deepEqual(index.search({ photos: [photos[1]!] }, asked), [])
})
