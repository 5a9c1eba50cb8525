import assert from 'node:assert/strict'
import test from 'node:test'
import * as fc from 'fast-check'
import { shrinkLuma } from './luma-shrink.ts'

test('one shade stays that shade, pictures are never enlarged, and about as many pixels remain as asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 16, max: 20_000 }),
      fc.integer({ min: 0, max: 255 }),
      (width, height, pixelsMax, shade) => {
        const luma = shrinkLuma(new Uint8Array(width * height * 3).fill(shade), width, height, pixelsMax)
        assert.ok(luma.width <= width && luma.height <= height && luma.width >= 1 && luma.height >= 1)
        assert.equal(luma.pixels.length, luma.width * luma.height)
        if (width * height <= pixelsMax) assert.deepEqual([luma.width, luma.height], [width, height])
        else if (Math.min(width, height) > 20) assert.ok(luma.width * luma.height <= pixelsMax * 1.3 + 20)
        for (const pixel of luma.pixels) assert.ok(Math.abs(pixel - shade) < 0.51)
      },
    ),
    { numRuns: 80 },
  )
})

test('green weighs most and blue least', () => {
  const one = (red: number, green: number, blue: number) =>
    shrinkLuma(Uint8Array.from([red, green, blue]), 1, 1, 100).pixels[0]!
  assert.ok(one(0, 255, 0) > one(255, 0, 0) && one(255, 0, 0) > one(0, 0, 255))
})
