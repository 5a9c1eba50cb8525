import assert from 'node:assert/strict'
import test from 'node:test'
import { paintPicture, type Picture } from '../../kernels/picture.ts'
import { dihedrals, pdqDihedral, pdqStages, pdqToHex, pdqWords } from '../../kernels/pdq.ts'
import { derivativesOf } from '../../media/derivatives.ts'
import { photoType } from './photo.ts'
import type { PhotoContent, TransformationMatrix } from './signal-type.ts'

const original = paintPicture(4, 'room', 320, 240)

/** A picture of this size whose pixels are taken from the original; grey where there is none. */
function made(width: number, height: number, from: (x: number, y: number) => [x: number, y: number]): Picture {
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = from(x, y)
      const inside = u >= 0 && v >= 0 && u < original.width && v < original.height
      const at = (v * original.width + u) * 3
      rgb.set(inside ? original.rgb.subarray(at, at + 3) : [20, 20, 20], (y * width + x) * 3)
    }
  return { rgb, width, height }
}

function contentOf(picture: Picture): PhotoContent {
  const stages = pdqStages(picture.rgb, picture.width, picture.height)!
  const words = pdqDihedral(stages)
  const dihedral = dihedrals.map((_, turn) => pdqToHex(words, turn * pdqWords))
  return { pdq: dihedral[0]!, quality: stages.quality, dihedral, ...derivativesOf(picture, stages) }
}

const [wide, tall] = [original.width, original.height]
const copies: [name: string, Picture][] = [
  ['as it is', original],
  ['turned right', made(tall, wide, (x, y) => [y, tall - 1 - x])],
  ['turned left', made(tall, wide, (x, y) => [wide - 1 - y, x])],
  ['upside down', made(wide, tall, (x, y) => [wide - 1 - x, tall - 1 - y])],
  ['mirrored', made(wide, tall, (x, y) => [wide - 1 - x, y])],
  ['mirrored and upside down', made(wide, tall, (x, y) => [x, tall - 1 - y])],
  ['mirrored and turned', made(tall, wide, (x, y) => [y, x])],
  ['mirrored and turned back', made(tall, wide, (x, y) => [wide - 1 - y, tall - 1 - x])],
  ['letterboxed', made(wide, tall + 120, (x, y) => [x, y - 60])],
  ['with a bar above', made(wide, tall + 60, (x, y) => [x, y - 60])],
]

const at = ({ rgb, width, height }: Picture, x: number, y: number) => {
  const place = (Math.floor(y * height) * width + Math.floor(x * width)) * 3
  return [rgb[place]!, rgb[place + 1]!, rgb[place + 2]!]
}

for (const [name, copy] of copies)
  test(`what the matrix takes to a place of the known photo looks like that place: ${name}`, () => {
    const index = photoType.createIndex()
    index.add(0, contentOf(original).pdq!, 100)
    const [hit] = index.search({ photos: [contentOf(copy)] }, { radiusMax: 31, thresholdOf: () => 31 })
    const [a, b, c, d, e, f, g, h, i]: TransformationMatrix = hit!.transformationMatrix!
    let [compared, off] = [0, 0]
    for (let y = 0.013; y < 1; y += 0.03)
      for (let x = 0.011; x < 1; x += 0.03) {
        const w = g * x + h * y + i
        const [u, v] = [(a * x + b * y + c) / w, (d * x + e * y + f) / w]
        if (u < 0 || v < 0 || u >= 1 || v >= 1) continue
        const [one, other] = [at(copy, x, y), at(original, u, v)]
        compared++
        off += one.reduce((sum, value, channel) => sum + Math.abs(value - other[channel]!), 0) / 3
      }
    assert.ok(compared > 500, `${compared}`)
    // Half a line at the seam of a bar is all that may be off.
    assert.ok(off / compared < 12, `${hit!.transformation}: ${off / compared}`)
  })
