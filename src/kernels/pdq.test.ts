import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hammingDistance } from './hamming-index.ts'
import { dihedrals, pdqDihedral, pdqFromHex, pdqHash, pdqStages, pdqToHex } from './pdq.ts'

/** A smooth picture with structure in both directions, so that its hash means something. */
function picture(width: number, height: number, at = (x: number, y: number) => [x, y]): Uint8Array {
  const rgb = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [x, y] = at((column + 0.5) / width, (row + 0.5) / height) as [number, number]
      const value = 127 + 60 * Math.sin(9 * x + 17 * y * y) + 60 * Math.cos(23 * x * y + 5 * x)
      rgb.fill(value, (row * width + column) * 3, (row * width + column) * 3 + 3)
    }
  return rgb
}
const stagesOf = (rgb: Uint8Array, width: number, height: number) => pdqStages(rgb, width, height)!

test('hex and words are the same hash, bit 255 first', () => {
  fc.assert(
    fc.property(fc.uint32Array({ minLength: 8, maxLength: 8 }), (words) => {
      const text = pdqToHex(words)
      assert.match(text, /^[0-9a-f]{64}$/)
      assert.deepEqual(pdqFromHex(text.toUpperCase()), words)
    }),
  )
  const top = new Uint32Array(8)
  top[7] = 0x80000000
  assert.equal(pdqToHex(top), `8${'0'.repeat(63)}`)
  for (const wrong of ['', 'f'.repeat(63), 'g'.repeat(64)]) assert.throws(() => pdqFromHex(wrong), TypeError)
})

test('a picture keeps its hash through any size, odd ones and ones under 64 pixels included', () => {
  const whole = pdqHash(stagesOf(picture(640, 480), 640, 480))
  for (const [width, height] of [
    [1_281, 963],
    [333, 251],
    [129, 127],
    [64, 64],
    [40, 30],
  ] as [number, number][]) {
    const bits = hammingDistance(whole, 0, pdqHash(stagesOf(picture(width, height), width, height)), 0)
    assert.ok(bits <= 31, `${width} x ${height}: ${bits} bits`)
  }
})

test('both engines give the same bits, whatever the size', () => {
  const sizes = fc.record({ width: fc.integer({ min: 5, max: 700 }), height: fc.integer({ min: 5, max: 300 }) })
  fc.assert(
    fc.property(sizes, fc.uint8Array({ minLength: 64, maxLength: 64 }), ({ width, height }, pattern) => {
      const rgb = Uint8Array.from({ length: width * height * 3 }, (_, at) => pattern[(at * 7 + (at >> 9)) & 63]!)
      assert.deepEqual(
        pdqStages(rgb, width, height, 'full', 'wasm'),
        pdqStages(rgb, width, height, 'full', 'typescript'),
      )
    }),
    { numRuns: 60 },
  )
})

test('every dihedral hash finds the picture that was turned that way', () => {
  const turns = [
    (x: number, y: number) => [x, y],
    (x: number, y: number) => [1 - y, x],
    (x: number, y: number) => [1 - x, 1 - y],
    (x: number, y: number) => [y, 1 - x],
    (x: number, y: number) => [x, 1 - y],
    (x: number, y: number) => [1 - x, y],
    (x: number, y: number) => [y, x],
    (x: number, y: number) => [1 - y, 1 - x],
  ]
  const hashes = pdqDihedral(stagesOf(picture(300, 300), 300, 300))
  const nearest = turns.map((turn) => {
    const turned = pdqHash(stagesOf(picture(300, 300, turn), 300, 300))
    const bits = dihedrals.map((_, index) => hammingDistance(turned, 0, hashes, index * 8))
    assert.ok(Math.min(...bits) <= 18, `nearest at ${Math.min(...bits)} bits`)
    return bits.indexOf(Math.min(...bits))
  })
  assert.equal(new Set(nearest).size, 8, 'each turn has a hash of its own')
})

test('images under 5 pixels have no hash, flat ones have no quality, wrong sizes are refused', () => {
  assert.equal(pdqStages(new Uint8Array(4 * 100 * 3), 4, 100), undefined)
  assert.equal(stagesOf(new Uint8Array(100 * 100 * 3).fill(200), 100, 100).quality, 0)
  assert.throws(() => pdqStages(new Uint8Array(10), 5, 5), RangeError)
  assert.throws(() => pdqStages(new Uint8Array(0), 0, 5), RangeError)
})
