import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { InputError } from '../../domain/error.ts'
import { pdqDihedralOfHash, pdqToHex } from '../../kernels/pdq.ts'
import { createRandom } from '../../kernels/random.ts'
import { createTmk, writeTmk } from '../../kernels/tmk.ts'
import { vpdqFromText, vpdqToText } from '../../kernels/vpdq-text.ts'
import { vpdqWithReadings } from '../../kernels/vpdq.ts'
import { tmkType } from './tmk.ts'
import { vpdqType } from './vpdq.ts'

const random = createRandom(80)
const picture = () => Uint32Array.from({ length: 8 }, () => random.int(0x100000000))
type Shot = { hash: Uint32Array; quality?: number }
const signalOf = (shots: Shot[]) =>
  vpdqToText({
    words: Uint32Array.from(shots.flatMap(({ hash }) => [...hash])),
    qualities: Uint8Array.from(shots, ({ quality }) => quality ?? 100),
    timesMs: Float64Array.from(shots, (_, at) => at * 1_000),
  })
const video = (seconds: number): Shot[] => Array.from({ length: seconds }, () => ({ hash: picture() }))
/** As after encoding again: up to 12 bits of each hash differ. */
const encoded = (shots: Shot[]): Shot[] =>
  shots.map(({ hash, quality }) => {
    const near = hash.slice()
    for (let flip = 0; flip < 12; flip++) near[random.int(8)]! ^= 1 << random.int(32)
    return quality === undefined ? { hash: near } : { hash: near, quality }
  })
const search = (index: ReturnType<typeof vpdqType.createIndex>, shots: Shot[], threshold = 20) =>
  index.search(vpdqType.contentOf(signalOf(shots)), { radiusMax: threshold, thresholdOf: () => threshold })

test('the texts of other programs are read, and equal frames are equal texts', () => {
  const hash = pdqToHex(picture())
  const expected = JSON.stringify([`${hash},100,0`, `${hash},49,1.033`])
  for (const text of [
    expected,
    JSON.stringify([`${hash.toUpperCase()},100,0.0`, `${hash},49,1.0333333`], undefined, 2),
    `0,100,${hash},0.000\n31,49,${hash},1.033\n`,
    `31,49,${hash},1.033\r\n0,100,${hash},0.000`,
  ])
    assert.equal(vpdqType.parse('signal', text), expected)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), fc.nat(10_000_000)), { minLength: 1 }), (rows) => {
      const text = JSON.stringify(rows.map(([quality, ms]) => `${hash},${quality},${ms / 1_000}`))
      const canonical = vpdqType.parse('signal', text)
      assert.equal(vpdqType.parse('signal', canonical), canonical)
      assert.equal(vpdqFromText(canonical).qualities.length, rows.length)
    }),
  )
})

test('what is no list of frames is refused by field, with the frame that is wrong', () => {
  const hash = pdqToHex(picture())
  for (const [text, problem] of [
    ['', /no frames/],
    ['[]', /no frames/],
    ['[1]', /frame 1 whose hash/],
    ['[', /not JSON/],
    [`["${hash},101,0"]`, /frame 1 whose quality/],
    [`["${hash},50,0","${hash},50,-1"]`, /frame 2 whose time/],
    [`["${hash},50,0,7"]`, /frame 1 that is not/],
    [`0,50,${hash.slice(1)},0`, /frame 1 whose hash/],
    [hash, /line 1 that is not/],
    ['x'.repeat(1_500_000), /1440000/],
    [`0,50,${hash},0\n`.repeat(14_401), /14401 frames and may have 14400/],
  ] as const)
    assert.throws(
      () => vpdqType.parse('signals.vpdq', text),
      (error) =>
        error instanceof InputError && problem.test(error.message) && error.problems[0]!.field === 'signals.vpdq',
      text.slice(0, 40),
    )
})

test('entries are found by their copies, clips and mirror images, at the threshold of their bank', () => {
  const index = vpdqType.createIndex()
  const videos = Array.from({ length: 50 }, () => video(40))
  for (const [slot, shots] of videos.entries()) index.add(slot, signalOf(shots), null)
  const known = videos[7]!

  const [copy] = search(index, encoded(known))
  assert.deepEqual(
    { slot: copy!.slot, distance: copy!.distance, similarity: copy!.similarity, transformation: copy!.transformation },
    { slot: 7, distance: 0, similarity: 1, transformation: undefined },
  )
  const [clip, ...others] = search(index, encoded(known.slice(10, 20)))
  assert.deepEqual([clip!.slot, clip!.distance, clip!.transformation, others.length], [7, 0, 'clip', 0])
  assert.ok(clip!.confidence < copy!.confidence)
  const mirrored = known.map(({ hash }) => ({ hash: pdqDihedralOfHash(hash).slice(5 * 8, 6 * 8) }))
  assert.deepEqual(
    search(index, mirrored).map(({ slot, distance, transformation }) => [slot, distance, transformation]),
    [[7, 0, 'flipY']],
  )
  // 30 of 40 frames are known: 25 of 100 are not.
  const partly = [...encoded(known.slice(0, 30)), ...video(10)]
  assert.deepEqual(search(index, partly, 24), [])
  assert.equal(search(index, partly, 25)[0]!.distance, 25)
  assert.deepEqual(search(index, video(40), 60), [])
  assert.deepEqual(
    search(
      index,
      known.map((shot) => ({ ...shot, quality: 49 })),
    ),
    [],
    'frames of low quality',
  )
  assert.deepEqual(
    index.search(vpdqType.contentOf(signalOf(known)), {
      radiusMax: 20,
      thresholdOf: () => 20,
      wanted: (slot) => slot !== 7,
    }),
    [],
  )
})

/** A video with bars: its frames, and the same without them. */
const barred = (outer: Shot[], inner: Shot[]) =>
  vpdqToText(vpdqWithReadings(vpdqFromText(signalOf(outer)), vpdqFromText(signalOf(inner))))

test('a frame with two readings is one frame, and either of them is enough', () => {
  const [clean, bars, others] = [video(20), video(20), video(20)]
  const asks = (signal: string, held: string) => {
    const index = vpdqType.createIndex()
    index.add(3, signalOf(others), null)
    index.add(7, held, null)
    const compared = vpdqType.compare(signal, held)
    const hits = index.search(vpdqType.contentOf(signal), { radiusMax: 60, thresholdOf: () => 60 })
    assert.deepEqual(
      hits.map(({ slot, distance }) => [slot, distance]),
      compared.distance <= 60 ? [[7, compared.distance]] : [],
    )
    return { distance: compared.distance, entryShare: compared.entryShare, transformation: hits[0]?.transformation }
  }
  const known = barred(bars, clean)
  assert.equal(vpdqType.parse('signal', known), known)
  const expected = { distance: 0, entryShare: 1, transformation: undefined }
  assert.deepEqual(asks(barred(encoded(video(20)), encoded(clean)), signalOf(clean)), {
    ...expected,
    transformation: 'letterbox',
  })
  assert.deepEqual(asks(signalOf(encoded(clean)), known), expected, 'an entry with bars')
  assert.deepEqual(asks(barred(encoded(bars), encoded(clean)), known), expected)
  const half = encoded(clean).map((shot, at) => (at < 10 ? shot : { hash: picture() }))
  assert.equal(asks(barred(video(20), half), signalOf(clean)).distance, 50)
  const [span] = vpdqType.compare(barred(bars, encoded(clean)), known).spans!
  assert.deepEqual([span!.queryFromMs, span!.queryToMs, span!.frames], [0, 19_000, 20])
})

test('many frames without times are frames, not readings of one', () => {
  const hashes = video(10).map(({ hash }) => pdqToHex(hash))
  const timeless = (list: string[]) => JSON.stringify(list.map((hash) => `${hash},100,0`))
  const { distance } = vpdqType.compare(timeless(hashes), timeless(hashes.slice(0, 4)))
  assert.equal(distance, 60)
})

test('an index answers the same as comparing one by one, whatever was added and removed before', () => {
  const index = vpdqType.createIndex()
  const scenes = video(30)
  const held = new Map<number, string>()
  for (let round = 0; round < 120; round++) {
    const slot = random.int(20)
    if (random.int(3) === 0) {
      index.remove(slot)
      held.delete(slot)
    } else {
      const signal = signalOf(Array.from({ length: 1 + random.int(12) }, () => encoded([scenes[random.int(30)]!])[0]!))
      index.add(slot, signal, null)
      held.set(slot, signal)
    }
    const query = signalOf(Array.from({ length: 1 + random.int(12) }, () => encoded([scenes[random.int(30)]!])[0]!))
    const found = index
      .search(vpdqType.contentOf(query), { radiusMax: 60, thresholdOf: () => 60, unturned: true })
      .map(({ slot: each, distance }) => [each, distance])
    const expected = [...held]
      .map(([each, signal]) => [each, vpdqType.compare(query, signal).distance])
      .filter(([, distance]) => distance! <= 60)
    assert.deepEqual(
      found.sort((a, b) => a[0]! - b[0]!),
      expected.sort((a, b) => a[0]! - b[0]!),
    )
  }
})

test('comparing tells shares both ways and the seconds that are the same', () => {
  const known = video(60)
  const clip = encoded(known.slice(20, 35))
  const { distance, entryShare, spans } = vpdqType.compare(signalOf(clip), signalOf(known))
  assert.deepEqual([distance, entryShare], [0, 0.25])
  assert.deepEqual(spans, [{ queryFromMs: 0, queryToMs: 14_000, entryFromMs: 20_000, entryToMs: 34_000, frames: 15 }])
  assert.equal(vpdqType.compare(signalOf(known), signalOf(clip)).distance, 75)
  assert.equal(vpdqType.describe(25), '75 % of the frames')
})

/** Features of a video that moves through a few scenes. */
function tmkSignal(scenes: Float32Array[], framesEach: number): string {
  const tmk = createTmk()
  for (const scene of scenes)
    for (let frame = 0; frame < framesEach; frame++)
      tmk.add(scene.map((value) => value + (random.between(0, 1) - 0.5) * 0.2))
  return Buffer.from(writeTmk(tmk.finish())).toString('base64')
}
const scene = () => Float32Array.from({ length: 256 }, () => random.between(0, 1) - 0.5)

test('TMK files of other platforms are found by both levels, and are not what they are not', () => {
  const scenes = [scene(), scene(), scene()]
  const [known, copy, other] = [tmkSignal(scenes, 20), tmkSignal(scenes, 20), tmkSignal([scene(), scene()], 20)]
  assert.equal(tmkType.parse('tmk', known.replaceAll(/.{76}/g, '$&\n')), known)
  const index = tmkType.createIndex()
  index.add(1, known, null)
  index.add(2, other, null)
  const find = (signal: string) =>
    index.search(tmkType.contentOf(signal), { radiusMax: 0.3, thresholdOf: () => 0.3 }).map(({ slot }) => slot)
  assert.deepEqual([find(copy), find(other)], [[1], [2]])
  assert.ok(tmkType.compare(copy, known).distance < 0.1)
  assert.equal(tmkType.compare(known, known).distance, 0)
  assert.ok(tmkType.compare(known, other).distance > 0.3)
  index.remove(1)
  assert.deepEqual(find(copy), [])
  const bytes = Buffer.from(known, 'base64')
  const changed = (at: number, value: number) => {
    const copied = Buffer.from(bytes)
    copied.writeInt32LE(value, at)
    return copied.toString('base64')
  }
  for (const [text, problem] of [
    ['%%%', /not base64/],
    ['', /head alone/],
    [bytes.subarray(0, 1_000).toString('base64'), /has 1000 bytes where its head announces 263344/],
    [Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64'), /263345 bytes/],
    [Buffer.from('GIF89a'.padEnd(100)).toString('base64'), /does not begin with TMK1/],
    [Buffer.from('TMK1VSTR'.padEnd(100)).toString('base64'), /not the feature vectors/],
    [changed(16, 1_000_000), /1000000 periods/],
    [changed(24, 64), /64 dimensions/],
    [changed(200, 0x7fc00000), /no number/],
    ['A'.repeat(500_000), /500000 characters/],
  ] as const)
    assert.throws(
      () => tmkType.parse('tmk', text),
      (error) => error instanceof InputError && problem.test(error.message),
      problem.source,
    )
})
