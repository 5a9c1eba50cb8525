import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from './random.ts'
import { createSteadyMargins } from './steady-margins.ts'

const [width, height] = [320, 240]
/** Noise with bars of one shade above and below. */
function barred(seed: number, top: number, bottom: number): Uint8Array {
  const random = createRandom(seed)
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => random.int(256))
  rgb.fill(3, 0, top * width * 3)
  rgb.fill(3, (height - bottom) * width * 3)
  return rgb
}
const found = (...frames: Uint8Array[]) => {
  const margins = createSteadyMargins()
  for (const rgb of frames) margins.add(rgb, width, height)
  return margins.found()
}

test('of bars that differ from frame to frame the narrowest hold, and one frame without ends it', () => {
  const margins = found(barred(2, 40, 36), barred(3, 60, 30), barred(4, 44, 50))!
  assert.ok(Math.abs(margins.top - 40 / height) < 0.01, String(margins.top))
  assert.ok(Math.abs(margins.bottom - 30 / height) < 0.01, String(margins.bottom))
  assert.deepEqual([margins.left, margins.right], [0, 0])
  assert.equal(found(barred(2, 40, 40), barred(3, 0, 0), barred(4, 40, 40)), undefined)
  assert.equal(found(barred(2, 40, 0), barred(3, 0, 40)), undefined)
  assert.equal(found(), undefined)
})
