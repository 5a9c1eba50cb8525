import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { createLocalIndex, indexedFeaturesMax } from './local-index.ts'
import { localFeatures, type LocalFeatures } from './local-features.ts'
import { compareFeatures, matchFeatures, turnedVariants } from './local-match.ts'
import { likePairs } from './local-pairs.ts'
import { packFeatures, unpackFeatures } from './local-packed.ts'
import { createLocalVotes } from './local-votes.ts'
import { shrinkLuma } from './luma-shrink.ts'
import { alterPicture, paintPicture, pictureStyles, type Picture } from './picture.ts'

const kept = new Map<number, Picture>()
function painted(seed: number): Picture {
  const picture = kept.get(seed) ?? paintPicture(seed, pictureStyles[seed % pictureStyles.length]!, 320, 240)
  kept.set(seed, picture)
  return picture
}
const featuresOf = ({ rgb, width, height }: Picture): LocalFeatures =>
  localFeatures(shrinkLuma(rgb, width, height, 110_000), 240)
const cropped = (picture: Picture, cropShare: number, scale = 1) =>
  alterPicture(picture, { cropShare, scale, brightness: 1, contrast: 1 })
function turned({ rgb, width, height }: Picture, degrees: number): Picture {
  const out = new Uint8Array(rgb.length)
  const cos = Math.cos((degrees / 180) * Math.PI)
  const sin = Math.sin((degrees / 180) * Math.PI)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const fromX = Math.round(cos * (x - width / 2) + sin * (y - height / 2) + width / 2)
      const fromY = Math.round(-sin * (x - width / 2) + cos * (y - height / 2) + height / 2)
      if (fromX < 0 || fromY < 0 || fromX >= width || fromY >= height) continue
      for (let channel = 0; channel < 3; channel++)
        out[(y * width + x) * 3 + channel] = rgb[(fromY * width + fromX) * 3 + channel]!
    }
  return { rgb: out, width, height }
}

test('a cropped copy lies over its original where it was cut', () => {
  for (const seed of [3, 4, 9]) {
    const entry = featuresOf(painted(seed))
    const match = matchFeatures(featuresOf(cropped(painted(seed), 0.1)), entry)
    assert.ok(match !== undefined && match.inliers >= 20, `seed ${seed}: ${match?.inliers}`)
    const [a, b, c, d, e, f] = match.matrix
    // The copy keeps its size in pixels while it shows 80 % of each side.
    for (const [value, expected, off] of [
      [a, 0.8, 0.05],
      [e, 0.8, 0.05],
      [b, 0, 0.04],
      [d, 0, 0.04],
      [c / entry.width, 0.1, 0.03],
      [f / entry.height, 0.1, 0.03],
    ] as const)
      assert.ok(Math.abs(value - expected) < off, `seed ${seed}: ${match.matrix.join(' ')}`)
    assert.ok(Math.abs(match.overlap - 0.64) < 0.08, `${match.overlap}`)
  }
})

test('the angle of a turned copy is measured', () => {
  const match = matchFeatures(featuresOf(turned(painted(4), 7)), featuresOf(painted(4)))
  assert.ok(match !== undefined && match.inliers >= 20)
  const degrees = (Math.atan2(match.matrix[3] - match.matrix[1], match.matrix[0] + match.matrix[4]) * 180) / Math.PI
  assert.ok(Math.abs(Math.abs(degrees) - 7) < 1, `${degrees}`)
})

test('mirrored and inverted copies are found as what they are', () => {
  const { rgb, width, height } = painted(11)
  const copy = new Uint8Array(rgb.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++)
        copy[(y * width + x) * 3 + channel] = 255 - rgb[(y * width + width - 1 - x) * 3 + channel]!
  const found = compareFeatures(featuresOf({ rgb: copy, width, height }), featuresOf(painted(11)))
  assert.ok(found !== undefined && found.match.inliers >= 40)
  assert.deepEqual(found.variant, { mirrored: true, inverted: true })
})

test('unrelated pictures agree in a handful of places at most', () => {
  const all = Array.from({ length: 14 }, (_, seed) => featuresOf(painted(seed)))
  let most = 0
  for (const [a, one] of all.entries())
    for (const [b, other] of all.entries()) if (a !== b) most = Math.max(most, matchFeatures(one, other)?.inliers ?? 0)
  assert.ok(most < 8, `${most}`)
})

test('an index finds what is in it, no longer what was removed, and the newer of two under one id', () => {
  const index = createLocalIndex()
  const seeds = [1, 3, 4, 9, 11]
  for (const seed of seeds) index.add(seed, featuresOf(painted(seed)))
  const found = (seed: number) =>
    index
      .query(featuresOf(cropped(painted(seed), 0.06, 0.8)))
      .filter(({ match }) => match.inliers >= 12)
      .map(({ id }) => id)
  for (const seed of seeds) assert.deepEqual(found(seed), [seed])
  assert.equal(index.remove(4), true)
  assert.equal(index.remove(4), false)
  assert.deepEqual(found(4), [])
  index.add(9, featuresOf(painted(4)))
  assert.deepEqual(found(4), [9])
  assert.deepEqual(found(9), [])
  assert.equal(index.size, seeds.length - 1)
  assert.deepEqual(
    index
      .query(featuresOf(cropped(painted(4), 0.06)), { wanted: (id) => id !== 9 })
      .filter(({ match }) => match.inliers >= 8),
    [],
  )
})

test('an index that grew past its first tables still finds and forgets', () => {
  const index = createLocalIndex()
  const features = Array.from({ length: 12 }, (_, seed) => featuresOf(painted(seed)))
  for (let round = 0; round < 4; round++)
    for (const [seed, one] of features.entries()) index.add(round * 100 + seed, one)
  assert.equal(index.size, 4 * 12)
  for (let id = 100; id < 400; id++) index.remove(id)
  assert.equal(index.size, 12)
  for (const seed of [3, 8, 11]) assert.equal(index.query(features[seed]!)[0]?.id, seed)
})

test('features survive packing to within a step, and other bytes are no features', () => {
  const features = featuresOf(painted(3))
  const bytes = packFeatures(features, indexedFeaturesMax)
  const again = unpackFeatures(bytes)!
  assert.equal(again.count, Math.min(features.count, indexedFeaturesMax))
  assert.deepEqual([again.width, again.height], [features.width, features.height])
  assert.deepEqual(again.descriptors, features.descriptors.slice(0, again.descriptors.length))
  for (let at = 0; at < again.count; at++) {
    assert.ok(Math.abs(again.x[at]! - features.x[at]!) < 0.1 && Math.abs(again.y[at]! - features.y[at]!) < 0.1)
    assert.ok(Math.abs(Math.log2(again.size[at]! / features.size[at]!)) < 0.03)
    const off = again.angle[at]! - features.angle[at]!
    assert.ok(Math.abs(off - 2 * Math.PI * Math.round(off / (2 * Math.PI))) < 0.02)
  }
  assert.deepEqual(packFeatures(again, indexedFeaturesMax), bytes)
  assert.equal(unpackFeatures(bytes.subarray(0, bytes.length - 1)), undefined)
  assert.equal(unpackFeatures(new Uint8Array(0)), undefined)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (any) => {
      const read = unpackFeatures(any)
      // Whatever claims to be features can be compared without harm.
      if (read !== undefined) compareFeatures(read, features)
    }),
  )
})

test('the fast and the readable search for like pairs find the same', () => {
  const [one, other] = [featuresOf(painted(3)), featuresOf(cropped(painted(3), 0.1))]
  for (const [query, entry] of [
    [one, other],
    [other, one],
    [one, featuresOf(painted(4))],
  ] as const)
    assert.deepEqual(likePairs(query, entry, 'wasm'), likePairs(query, entry, 'typescript'))
  assert.ok(likePairs(one, other).count > 20)
})

test('votes are the same whether pictures came one by one, were merged into larger blocks, or others were removed', () => {
  const copies = Array.from({ length: 6 }, (_, seed) => featuresOf(cropped(painted(seed), 0.05)))
  const small = createLocalVotes(96)
  const large = createLocalVotes(96)
  for (const [seed, one] of copies.entries()) small.add(seed, one)
  // Eight full blocks become one of the next size.
  for (let id = 0; id < 2_100; id++) large.add(id, copies[id % copies.length]!)
  for (let id = 6; id < 2_100; id++) assert.equal(large.remove(id), true)
  assert.equal(large.remove(6), false)
  assert.deepEqual([small.size, large.size], [6, 6])
  for (let seed = 0; seed < 6; seed++) {
    const asked = turnedVariants(featuresOf(painted(seed)))
    const found = small.candidates(asked, { limit: 4 })
    assert.equal(found[0]?.id, seed)
    assert.deepEqual(large.candidates(asked, { limit: 4 }), found)
  }
  small.forgetBelow(4)
  assert.equal(small.size, 2)
})
