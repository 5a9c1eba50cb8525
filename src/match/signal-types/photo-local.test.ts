import assert from 'node:assert/strict'
import test from 'node:test'
import { InputError } from '../../domain/error.ts'
import { alterPicture, paintPicture, type Picture } from '../../kernels/picture.ts'
import { pdqStages } from '../../kernels/pdq.ts'
import { derivativesOf } from '../../media/derivatives.ts'
import { photoLocalType, placesMax } from './photo-local.ts'

const signalOf = (picture: Picture) =>
  derivativesOf(picture, pdqStages(picture.rgb, picture.width, picture.height)!).signals.local!
function mirror({ rgb, width, height }: Picture): Picture {
  const out = new Uint8Array(rgb.length)
  for (let at = 0; at < width * height; at++) {
    const from = (at - (at % width) + width - 1 - (at % width)) * 3
    out.set(rgb.subarray(from, from + 3), at * 3)
  }
  return { rgb: out, width, height }
}
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

test('an index answers one hit an entry and photo, within the bank’s threshold and among the banks asked', async () => {
  const index = photoLocalType.createIndex()
  for (const [slot, one] of [signal, ...others].entries()) index.add(slot, one, null)
  const photos = [{ signals: { local: others[1]! } }, { sha256: 'ab', signals: { local: cropped } }, {}]
  const hits = await index.search({ photos }, asked)
  assert.deepEqual(
    hits.map(({ slot, part }) => [slot, part]),
    [
      [2, { kind: 'photo', index: 0 }],
      [0, { kind: 'photo', index: 1, mediaSha256: 'ab' }],
    ],
  )
  assert.ok(hits.every(({ confidence }) => confidence > 0.5 && confidence <= 0.99))
  assert.deepEqual(await index.search({ photos }, { ...asked, thresholdOf: () => -1 }), [])
  assert.deepEqual(
    (await index.search({ photos }, { ...asked, wanted: (slot) => slot !== 0 })).map(({ slot }) => slot),
    [2],
  )
  index.remove(0)
  assert.deepEqual(await index.search({ photos: [photos[1]!] }, asked), [])
})

test('an entry that is removed while it is looked for is not found, and its slot may be used again at once', async () => {
  const index = photoLocalType.createIndex()
  index.add(0, signal, null)
  index.add(1, others[0]!, null)
  const searched = index.search({ photos: [{ signals: { local: cropped } }] }, asked)
  index.remove(0)
  index.add(0, others[1]!, null)
  assert.deepEqual(await searched, [])
  const [hit] = await index.search({ photos: [{ signals: { local: others[1]! } }] }, asked)
  assert.equal(hit?.slot, 0)
})

test('other work goes on while a photo is looked for', async () => {
  const index = photoLocalType.createIndex()
  for (let slot = 0; slot < 40; slot++) index.add(slot, others[slot % others.length]!, null)
  let done = false
  const searched = Promise.resolve(
    index.search({ photos: Array.from({ length: 20 }, () => ({ signals: { local: others[0]! } })) }, asked),
  ).finally(() => (done = true))
  let turns = 0
  while (!done) {
    await new Promise((next) => setImmediate(next))
    turns++
  }
  assert.equal((await searched).length, 20 * 14)
  // The search alone takes many times as long as one turn of the loop.
  assert.ok(turns > 20, `${turns}`)
})

test('the matrix says where places of the copy are in the original, mirrored ones too', async () => {
  const mirrored = signalOf(mirror(alterPicture(original, { cropShare: 0.08, scale: 1, brightness: 1, contrast: 1 })))
  for (const [copy, x] of [
    [cropped, (share: number) => 0.08 + 0.84 * share],
    [mirrored, (share: number) => 0.92 - 0.84 * share],
  ] as const) {
    const [a, b, c, d, e, f, g, h, i] = photoLocalType.compare(copy, signal).transformationMatrix!
    for (const [u, v] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [0.5, 0.5],
      [1, 1],
    ] as const) {
      const w = g * u + h * v + i
      assert.ok(Math.abs((a * u + b * v + c) / w - x(u)) < 0.02, `${u} ${v}: ${a} ${b} ${c}`)
      assert.ok(Math.abs((d * u + e * v + f) / w - (0.08 + 0.84 * v)) < 0.02, `${u} ${v}: ${d} ${e} ${f}`)
    }
  }
})
