import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alterPicture, paintPicture, pictureStyles, type Picture } from './picture.ts'

/** Mean brightness on a grid of 16 x 16, the coarse layout that perceptual hashes look at. */
function layoutOf({ rgb, width, height }: Picture): Float64Array {
  const grid = new Float64Array(256)
  const counts = new Float64Array(256)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * 16) / height) * 16 + Math.floor((x * 16) / width)
      const at = (y * width + x) * 3
      grid[cell]! += 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!
      counts[cell]!++
    }
  return grid.map((sum, cell) => sum / counts[cell]!)
}

/** Correlation of two layouts: 1 for the same picture, near 0 for unrelated ones. */
function likeness(one: Float64Array, other: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [a, b] = [mean(one), mean(other)]
  let dot = 0
  let left = 0
  let right = 0
  for (let index = 0; index < one.length; index++) {
    dot += (one[index]! - a) * (other[index]! - b)
    left += (one[index]! - a) ** 2
    right += (other[index]! - b) ** 2
  }
  return dot / Math.sqrt(left * right)
}

test('the same seed paints the same bytes, another seed or style another picture', () => {
  for (const style of pictureStyles) {
    const picture = paintPicture(5, style, 96, 64)
    assert.deepEqual(picture, paintPicture(5, style, 96, 64))
    assert.equal(picture.rgb.length, 96 * 64 * 3)
    assert.notDeepEqual(picture.rgb, paintPicture(6, style, 96, 64).rgb)
  }
  assert.notDeepEqual(paintPicture(5, 'room', 96, 64).rgb, paintPicture(5, 'poster', 96, 64).rgb)
})

test('an altered copy looks like its original and not like another picture of the same style', () => {
  for (const style of pictureStyles)
    for (let seed = 0; seed < 4; seed++) {
      const original = paintPicture(seed, style, 240, 160)
      const copy = alterPicture(original, { cropShare: 0.02, scale: 0.7, brightness: 1.1, contrast: 0.9 })
      assert.equal(copy.width, 168)
      assert.equal(copy.rgb.length, copy.width * copy.height * 3)
      const same = likeness(layoutOf(original), layoutOf(copy))
      const other = likeness(layoutOf(original), layoutOf(paintPicture(seed + 100, style, 240, 160)))
      assert.ok(same > 0.9, `${style} ${seed}: ${same}`)
      assert.ok(other < same - 0.08, `${style} ${seed}: other ${other}, same ${same}`)
    }
})

test('an unchanged copy has the bytes of its original', () => {
  const original = paintPicture(9, 'landscape', 64, 48)
  const copy = alterPicture(original, { cropShare: 0, scale: 1, brightness: 1, contrast: 1 })
  let differing = 0
  for (let index = 0; index < copy.rgb.length; index++) if (copy.rgb[index] !== original.rgb[index]) differing++
  // The last row and column are interpolated from just inside the edge.
  assert.ok(differing <= (64 + 48) * 3, `${differing}`)
})
