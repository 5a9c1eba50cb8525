import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hammingDistance } from '../kernels/hamming-index.ts'
import { alterPicture, paintPicture, pictureStyles } from '../kernels/picture.ts'
import { pdqHash, pdqStages } from '../kernels/pdq.ts'
import { createRandom } from '../kernels/random.ts'
import { copyOf } from './catalog.ts'
import { photoHeight, photoWidth } from './photos.ts'

test('photos are distinct under PDQ, copies by sharers are near, and all are detailed enough to match', () => {
  const random = createRandom(11)
  const hashes: Uint32Array[] = []
  const light: number[] = []
  const heavy: number[] = []
  const distance = (one: Uint32Array, other: Uint32Array): number => hammingDistance(one, 0, other, 0)
  for (const style of pictureStyles)
    for (let index = 0; index < 16; index++) {
      const seed = random.uint32()
      const original = paintPicture(seed, style, photoWidth, photoHeight)
      const stages = pdqStages(original.rgb, original.width, original.height)!
      assert.ok(stages.quality >= 50, `${style} ${seed} has quality ${stages.quality}`)
      const hash = pdqHash(stages)
      hashes.push(hash)
      for (const effort of ['light', 'heavy'] as const) {
        const copy = alterPicture(original, copyOf({ seed, style, quality: 80 }, random, effort).change!)
        const far = distance(hash, pdqHash(pdqStages(copy.rgb, copy.width, copy.height)!))
        ;(effort === 'light' ? light : heavy).push(far)
      }
    }
  let nearest = 256
  for (let one = 0; one < hashes.length; one++)
    for (let other = 0; other < one; other++) nearest = Math.min(nearest, distance(hashes[one]!, hashes[other]!))
  // 31 bits is the radius that PDQ recommends for matching.
  assert.ok(nearest > 40, `two different photos are ${nearest} bits apart`)
  const found = (distances: number[]): number => distances.filter((bits) => bits <= 31).length / distances.length
  assert.ok(found(light) > 0.95, `light copies within 31 bits: ${found(light)}`)
  assert.ok(found(heavy) > 0.3, `heavy copies within 31 bits: ${found(heavy)}`)
})
