// One of the hands of match.derivatives.bench.ts: edits, decodes and hashes photos with the product's own code.
import { parentPort } from 'node:worker_threads'
import sharp from 'sharp'
import { localFeatures } from '../src/kernels/local-features.ts'
import { shrinkLuma } from '../src/kernels/luma-shrink.ts'
import { paintPicture, pictureStyles } from '../src/kernels/picture.ts'
import { dihedrals, pdqDihedral, pdqStages, pdqToHex, pdqWords } from '../src/kernels/pdq.ts'
import type { PhotoContent } from '../src/match/signal-types/signal-type.ts'
import { decodeImage } from '../src/media/decode.ts'
import { derivativesOf } from '../src/media/derivatives.ts'
import { edits, furtherEdits, type Source } from './photo-edits.ts'

/** A photo by its path, or a painted picture by its number; as it is, or after every edit. */
export type PhotoJob = { number: number; from: string | number; edited: boolean }
/** CPU of one thread in milliseconds: margins and readings, and local features. */
export type PhotoCost = { first: number; second: number; photos: number }
export type PhotoMade = { number: number; contents: PhotoContent[]; cost: PhotoCost }

sharp.concurrency(1)
const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

async function contentOf(bytes: Uint8Array, cost?: PhotoCost): Promise<PhotoContent> {
  const image = await decodeImage(bytes)
  const stages = pdqStages(image.rgb, image.width, image.height)!
  const began = cpuMs()
  const made = derivativesOf(image, stages)
  if (cost !== undefined) {
    const all = cpuMs() - began
    const again = cpuMs()
    localFeatures(shrinkLuma(image.rgb, image.width, image.height, 110_000), 240)
    const second = cpuMs() - again
    cost.second += second
    cost.first += Math.max(0, all - second)
    cost.photos++
  }
  const words = pdqDihedral(stages)
  const dihedral = dihedrals.map((_, turn) => pdqToHex(words, turn * pdqWords))
  return { pdq: dihedral[0]!, quality: stages.quality, dihedral, ...made }
}

/** As a photo lies on a platform: at most 1,024 pixels, JPEG. */
async function sourceOf(from: string | number): Promise<Source> {
  if (typeof from === 'number') {
    const { rgb, width, height } = paintPicture(from, pictureStyles[from % pictureStyles.length]!, 480, 360)
    return { rgb: Buffer.from(rgb), width, height }
  }
  const { data, info } = await sharp(from)
    .flatten()
    .toColourspace('srgb')
    .removeAlpha()
    .resize(1_024, 1_024, { fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { rgb: data, width: info.width, height: info.height }
}
const fileOf = ({ rgb, width, height }: Source) =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()

async function make({ number, from, edited }: PhotoJob): Promise<PhotoMade> {
  const source = await sourceOf(from)
  const cost = { first: 0, second: 0, photos: 0 }
  if (!edited) return { number, contents: [await contentOf(await fileOf(source))], cost }
  const contents: PhotoContent[] = []
  for (const [at, edit] of [...edits, ...furtherEdits].entries())
    contents.push(await contentOf(await edit.make(source), at % 7 === 0 ? cost : undefined))
  return { number, contents, cost }
}

// One after the other, so that each has its thread to itself.
let last = Promise.resolve()
parentPort?.on('message', (job: PhotoJob) => {
  last = last.then(async () => parentPort!.postMessage(await make(job)))
})
