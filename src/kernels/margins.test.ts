import assert from 'node:assert/strict'
import test from 'node:test'
import { shrinkLuma } from './luma-shrink.ts'
import { findMargins } from './margins.ts'
import { paintPicture, pictureStyles, type Picture } from './picture.ts'

type Frame = { left: number; top: number; right: number; bottom: number }
/** Lays the picture on a sheet of one shade, with a little noise as compression leaves it. */
function framed(picture: Picture, { left, top, right, bottom }: Frame, shade: number, lines = false): Picture {
  const width = picture.width + left + right
  const height = picture.height + top + bottom
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inside = x >= left && y >= top && x < left + picture.width && y < top + picture.height
      const from = ((y - top) * picture.width + x - left) * 3
      const ink = lines && y > 12 && y < top - 12 && x > 40 && x < width - 40 && y % 16 < 10 && x % 12 < 5
      for (let channel = 0; channel < 3; channel++)
        rgb[(y * width + x) * 3 + channel] = inside
          ? picture.rgb[from + channel]!
          : ink
            ? 255 - shade
            : Math.max(0, Math.min(255, shade + ((x * 7 + y * 3) % 5) - 2))
    }
  return { rgb, width, height }
}
const marginsOf = ({ rgb, width, height }: Picture) => findMargins(shrinkLuma(rgb, width, height, 110_000))

test('borders, letterboxes and captions are measured to within a pixel or two', () => {
  for (const [style, seed] of pictureStyles.map((one, at) => [one, at + 2] as const)) {
    const picture = paintPicture(seed, style, 360, 270)
    for (const [frame, shade, lines] of [
      [{ left: 20, top: 20, right: 20, bottom: 20 }, 255, false],
      [{ left: 0, top: 60, right: 0, bottom: 60 }, 0, false],
      [{ left: 90, top: 0, right: 90, bottom: 0 }, 0, false],
      [{ left: 0, top: 70, right: 0, bottom: 0 }, 252, true],
    ] as const) {
      const sheet = framed(picture, frame, shade, lines)
      const found = marginsOf(sheet)
      assert.ok(found !== undefined, `${style} ${JSON.stringify(frame)}`)
      // A picture may be as dark or light as its frame at the seam: then more goes away, never less.
      assert.ok(found.left * sheet.width >= frame.left - 3 && found.right * sheet.width >= frame.right - 3)
      assert.ok(found.top * sheet.height >= frame.top - 3 && found.bottom * sheet.height >= frame.bottom - 3)
      assert.equal(found.written, lines)
    }
  }
})

test('pictures without bars, flat pictures and tiny ones have no margins', () => {
  let none = 0
  for (let seed = 0; seed < 30; seed++)
    if (marginsOf(paintPicture(seed, pictureStyles[seed % 6]!, 240, 180)) === undefined) none++
  assert.ok(none >= 24, `${none} of 30`)
  assert.equal(marginsOf({ rgb: new Uint8Array(300 * 200 * 3).fill(90), width: 300, height: 200 }), undefined)
  assert.equal(marginsOf({ rgb: new Uint8Array(9 * 9 * 3), width: 9, height: 9 }), undefined)
})
