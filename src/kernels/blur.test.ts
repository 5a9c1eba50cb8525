import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { blurred } from './blur.ts'

test('both engines answer the same bits, whatever the size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0.4, max: 6, noNaN: true }),
      fc.array(fc.float({ min: 0, max: 255, noNaN: true }), { minLength: 1, maxLength: 60 }),
      (width, height, deviation, values) => {
        const pixels = Float32Array.from({ length: width * height }, (_, at) => values[(at * 7) % values.length]!)
        const plane = { pixels, width, height }
        assert.deepEqual(blurred(plane, deviation), blurred(plane, deviation, 'typescript'))
      },
    ),
    { numRuns: 120 },
  )
})

test('a blur spreads a point as a bell, keeps its sum and leaves one shade alone', () => {
  const pixels = new Float32Array(41 * 41)
  pixels[20 * 41 + 20] = 1_000
  const { pixels: out } = blurred({ pixels, width: 41, height: 41 }, 2)
  assert.ok(Math.abs(out.reduce((sum, value) => sum + value, 0) - 1_000) < 0.1)
  assert.ok(Math.abs(out[20 * 41 + 22]! / out[20 * 41 + 20]! - Math.exp(-0.5)) < 0.01)
  const flat = blurred({ pixels: new Float32Array(600).fill(77), width: 30, height: 20 }, 3)
  assert.ok(flat.pixels.every((value) => Math.abs(value - 77) < 0.01))
})
