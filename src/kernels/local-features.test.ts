import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { hammingDistance } from './hamming-index.ts'
import { descriptorWords, localFeatures, variantFeatures, type LocalFeatures } from './local-features.ts'
import { shrinkLuma, type Luma } from './luma-shrink.ts'
import { paintPicture, pictureStyles } from './picture.ts'

const painted = (seed: number): Luma => {
  const { rgb, width, height } = paintPicture(seed, pictureStyles[seed % pictureStyles.length]!, 320, 240)
  return shrinkLuma(rgb, width, height, 110_000)
}
const mapped = (luma: Luma, value: (x: number, y: number) => number): Luma => ({
  ...luma,
  pixels: luma.pixels.map((_, at) => value(at % luma.width, Math.floor(at / luma.width))),
})

/** Share of the features of one that the other has too: near the same place, described in nearly the same bits. */
function shared(one: LocalFeatures, other: LocalFeatures): number {
  let found = 0
  for (let a = 0; a < one.count; a++)
    for (let b = 0; b < other.count; b++)
      if (
        Math.hypot(one.x[a]! - other.x[b]!, one.y[a]! - other.y[b]!) < 1 &&
        hammingDistance(one.descriptors, a * descriptorWords, other.descriptors, b * descriptorWords) <= 24
      ) {
        found++
        break
      }
  return found / one.count
}

test('the features of a mirrored and of an inverted picture follow from those of the original', () => {
  for (const seed of [3, 4, 11]) {
    const luma = painted(seed)
    const { pixels, width } = luma
    const features = localFeatures(luma, 200)
    assert.ok(features.count >= 40, `seed ${seed}: ${features.count}`)
    const mirror = mapped(luma, (x, y) => pixels[y * width + width - 1 - x]!)
    const inverse = mapped(luma, (x, y) => 255 - pixels[y * width + x]!)
    const both = mapped(luma, (x, y) => 255 - pixels[y * width + width - 1 - x]!)
    for (const [turned, variant] of [
      [mirror, { mirrored: true, inverted: false }],
      [inverse, { mirrored: false, inverted: true }],
      [both, { mirrored: true, inverted: true }],
    ] as const) {
      const share = shared(variantFeatures(features, variant), localFeatures(turned, 200))
      assert.ok(share > 0.9, `seed ${seed} ${JSON.stringify(variant)}: ${share}`)
    }
  }
})

test('a variant of a variant is the picture again', () => {
  const features = localFeatures(painted(8), 100)
  const variant = { mirrored: true, inverted: true }
  const again = variantFeatures(variantFeatures(features, variant), variant)
  assert.deepEqual(again.descriptors, features.descriptors)
  assert.ok(again.x.every((x, at) => Math.abs(x - features.x[at]!) < 1e-3))
})

test('flat, tiny and smooth pictures have no features, and busy ones no more than asked for', () => {
  const flat: Luma = { pixels: new Float32Array(90_000).fill(120), width: 300, height: 300 }
  assert.equal(localFeatures(flat, 200).count, 0)
  assert.equal(localFeatures({ pixels: new Float32Array(64), width: 8, height: 8 }, 200).count, 0)
  assert.equal(
    localFeatures(
      mapped(flat, (x, y) => (x + y) / 3),
      200,
    ).count,
    0,
  )
  assert.equal(localFeatures(painted(4), 50).count, 50)
})

test('features are the same every time, strongest first, inside the picture, whatever the pixels', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 70 }),
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 40 }),
      (width, height, values) => {
        const pixels = Float32Array.from({ length: width * height }, (_, at) => values[(at * at) % values.length]!)
        const features = localFeatures({ pixels, width, height }, 60)
        assert.deepEqual(localFeatures({ pixels, width, height }, 60), features)
        assert.deepEqual(localFeatures({ pixels, width, height }, 7).x, features.x.slice(0, 7))
        for (let at = 0; at < features.count; at++) {
          assert.ok(
            features.x[at]! >= 0 && features.x[at]! <= width && features.y[at]! >= 0 && features.y[at]! <= height,
          )
          assert.ok(Number.isFinite(features.angle[at]!) && features.size[at]! > 0)
        }
      },
    ),
    { numRuns: 60 },
  )
})
