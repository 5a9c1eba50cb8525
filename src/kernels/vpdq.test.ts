import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createRandom } from './random.ts'
import { vpdqAlign, vpdqCompare, vpdqDistance, vpdqMatchable, vpdqStep, type VpdqFrames } from './vpdq.ts'

const random = createRandom(31)
const hashes = Array.from({ length: 200 }, () => Uint32Array.from({ length: 8 }, () => random.int(0x100000000)))

/** A video of one frame a second that shows these pictures; each is off by a few bits. */
function video(
  pictures: number[],
  options: { qualities?: number[]; startMs?: number; flips?: number } = {},
): VpdqFrames {
  const words = new Uint32Array(pictures.length * 8)
  for (const [at, picture] of pictures.entries()) {
    words.set(hashes[picture]!, at * 8)
    for (let flip = 0; flip < (options.flips ?? 0); flip++) words[at * 8 + (flip & 7)]! ^= 1 << (flip >> 3)
  }
  return {
    words,
    qualities: Uint8Array.from(pictures, (_, at) => options.qualities?.[at] ?? 100),
    timesMs: Float64Array.from(pictures, (_, at) => (options.startMs ?? 0) + at * 1_000),
  }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

test('a step is the whole number of frames in the seconds, and never none', () => {
  assert.equal(vpdqStep(1, 30), 30)
  assert.equal(vpdqStep(1, 29.97), 29)
  assert.equal(vpdqStep(0, 25), 1)
  assert.equal(vpdqStep(1, 0.5), 1)
  for (const [seconds, fps] of [
    [1, 0],
    [-1, 30],
    [Number.NaN, 30],
    [1, Infinity],
  ] as const)
    assert.throws(() => vpdqStep(seconds, fps), RangeError)
})

test('frames within 31 bits match, frames 32 bits away do not', () => {
  const entry = video([1, 2, 3, 4, 5])
  assert.equal(vpdqDistance(vpdqCompare(video([1, 2, 3, 4, 5], { flips: 31 }), entry)), 0)
  assert.equal(vpdqDistance(vpdqCompare(video([1, 2, 3, 4, 5], { flips: 32 }), entry)), 100)
})

test('frames of low quality and repeated frames do not count, and a video without any other matches nothing', () => {
  const entry = video([1, 2, 3])
  const query = video([1, 1, 1, 1, 9, 2], { qualities: [100, 100, 100, 100, 49, 50] })
  assert.deepEqual(vpdqCompare(query, entry), { queryFrames: 2, entryFrames: 3, queryMatched: 2, entryMatched: 2 })
  for (const empty of [video([]), video([1, 2], { qualities: [49, 0] })]) {
    assert.equal(vpdqMatchable(empty).qualities.length, 0)
    assert.equal(vpdqDistance(vpdqCompare(empty, entry)), 100)
    assert.equal(vpdqDistance(vpdqCompare(entry, empty)), 100)
    assert.deepEqual(vpdqAlign(empty, entry), [])
  }
})

test('a distance of at most 20 is exactly a match of at least 80 in 100', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.nat(150), (frames, matched) => {
      fc.pre(matched <= frames)
      const query = video([...range(0, matched), ...range(matched, frames)])
      const match = vpdqCompare(query, video(range(0, matched)))
      assert.equal(match.queryMatched, matched)
      assert.equal(vpdqDistance(match) <= 20, matched * 100 >= 80 * frames)
    }),
  )
})

test('a clip of a longer video matches wholly, the longer one only by a part, and the seconds are told', () => {
  const long = video(range(0, 60))
  const clip = video(range(20, 35), { flips: 9 })
  assert.equal(vpdqDistance(vpdqCompare(clip, long)), 0)
  assert.equal(vpdqDistance(vpdqCompare(long, clip)), 75)
  assert.deepEqual(vpdqAlign(clip, long), [
    { queryFromMs: 0, queryToMs: 14_000, entryFromMs: 20_000, entryToMs: 34_000, frames: 15 },
  ])
})

test('pieces in another order are told one by one, longest first', () => {
  const entry = video(range(0, 60))
  const cut = video([...range(40, 46), ...range(100, 110), ...range(3, 15)])
  assert.deepEqual(vpdqAlign(cut, entry), [
    { queryFromMs: 16_000, queryToMs: 27_000, entryFromMs: 3_000, entryToMs: 14_000, frames: 12 },
    { queryFromMs: 0, queryToMs: 5_000, entryFromMs: 40_000, entryToMs: 45_000, frames: 6 },
  ])
})

test('long videos answer the same through an index as pair by pair', () => {
  const [a, b] = [video(Array.from({ length: 600 }, (_, at) => at % 120)), video(range(60, 200))]
  const pairwise = vpdqCompare(video(range(0, 120)), b)
  assert.deepEqual(vpdqCompare(a, b), pairwise)
  const spans = vpdqAlign(a, video(Array.from({ length: 500 }, (_, at) => at % 120)))
  assert.ok(spans.length >= 1 && spans[0]!.frames === 500, JSON.stringify(spans))
})
