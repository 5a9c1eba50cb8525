// The package as a library: `import { pdq } from 'custos/match'`. Hashes are text here, as platforms exchange them.

import { createHammingIndex as createWordIndex, hammingDistance as wordDistance } from '../kernels/hamming-index.ts'
import {
  dihedrals,
  pdqDihedral,
  pdqDihedralOfHash,
  pdqFromHex,
  pdqHash,
  pdqStages,
  pdqToHex,
  pdqWords,
  type Dihedral,
  type PdqConvention,
} from '../kernels/pdq.ts'
import { skeletonOf } from '../kernels/skeleton.ts'
import { foldText } from '../kernels/text-fold.ts'
import { resemblance, sketchOf } from '../kernels/text-sketch.ts'
import { tlshDistance as tlshBytesDistance, tlshFromText, tlshOf, tlshToText } from '../kernels/tlsh.ts'
import { withPixels, type ImageMime } from '../media/decode.ts'

export type { Dihedral, PdqConvention } from '../kernels/pdq.ts'

export type Pdq = {
  /** 64 lower-case hexadecimal digits. */
  hash: string
  /** 0 (flat) to 100. Hashes under 50 are too unspecific to match. */
  quality: number
  /** The hashes of the eight turned and mirrored versions; `original` is `hash`. */
  dihedral: Record<Dihedral, string>
  convention: PdqConvention
}

export type PdqOptions = {
  /** `full` (default): all pixels, as Java, Python and HMA hash. `512`: as the C++ tool. They differ by up to 10 bits. */
  convention?: PdqConvention
}

/**
 * PDQ of interleaved 8-bit RGB, `width * height * 3` bytes. Undefined when a side is under 5 pixels. Throws a RangeError
 * for sides and bytes that do not fit.
 */
export function pdqOfPixels(
  rgb: Uint8Array,
  width: number,
  height: number,
  { convention = 'full' }: PdqOptions = {},
): Pdq | undefined {
  const stages = pdqStages(rgb, width, height, convention)
  if (stages === undefined) return undefined
  const dihedral = named(pdqDihedral(stages))
  return { hash: pdqToHex(pdqHash(stages)), quality: stages.quality, dihedral, convention }
}

export type PdqOfImage = { mime: ImageMime; width: number; height: number; pdq?: Pdq }

/**
 * PDQ of the bytes of an image: JPEG, PNG, WebP, AVIF, HEIC, GIF or TIFF; of an animation, the first frame. EXIF
 * orientation and alpha are ignored. `pdq` is missing when a side is under 5 pixels. Throws an Error whose `problems`
 * name the limit for what is no image, hostile or broken. Decodes in this process: put strangers' files into another.
 */
export async function pdq(bytes: Uint8Array, options: PdqOptions = {}): Promise<PdqOfImage> {
  return withPixels(bytes, ({ mime, width, height, rgb }): PdqOfImage => {
    const hashed = pdqOfPixels(rgb, width, height, options)
    return { mime, width, height, ...(hashed === undefined ? {} : { pdq: hashed }) }
  })
}

/**
 * The hashes of the eight turned and mirrored versions, from a hash alone: within a few bits of those from the pixels.
 * Throws a TypeError for what is no hash.
 */
export function dihedral(hash: string): Record<Dihedral, string> {
  return named(pdqDihedralOfHash(pdqFromHex(hash)))
}

function named(words: Uint32Array): Record<Dihedral, string> {
  return Object.fromEntries(dihedrals.map((name, turn) => [name, pdqToHex(words, turn * pdqWords)])) as Record<
    Dihedral,
    string
  >
}

/** How many of 256 bits differ. 31 and less is a match. Throws a TypeError for what is no hash. */
export function hammingDistance(a: string, b: string): number {
  return wordDistance(pdqFromHex(a), 0, pdqFromHex(b), 0)
}

export type IndexHit = {
  id: number
  distance: number
  /** How the photo asked for lies against the one found, where it was asked for in all eight positions. */
  turn?: Dihedral
}

export type HashIndex = {
  readonly size: number
  /** Adds a hash under an id, a whole number from 0 to 4294967295; an id that is there is replaced. */
  add: (id: number, hash: string) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  has: (id: number) => boolean
  /**
   * Every id within `radius` bits (0 to 64, default 31), nearest first, then by id. Given all eight hashes of a photo
   * (`pdq.dihedral`), each id once, in the position in which it is nearest.
   */
  query: (hash: string | Record<Dihedral, string>, radius?: number) => IndexHit[]
}

/** An exact index of 256-bit hashes in memory: no rebuilds, adding and asking may alternate. */
export function createHammingIndex(): HashIndex {
  const index = createWordIndex()
  return {
    get size() {
      return index.size
    },
    add: (id, hash) => index.add(id, pdqFromHex(hash)),
    remove: (id) => index.remove(id),
    has: (id) => index.has(id),
    query(hash, radius = 31) {
      if (typeof hash === 'string') return index.query(pdqFromHex(hash), radius)
      const best = new Map<number, IndexHit>()
      for (const turn of dihedrals)
        for (const { id, distance } of index.query(pdqFromHex(hash[turn]), radius))
          if (distance < (best.get(id)?.distance ?? Infinity)) best.set(id, { id, distance, turn })
      return [...best.values()].sort((a, b) => a.distance - b.distance || a.id - b.id)
    },
  }
}

/** What a reader takes for the same words, as the same text: case, width, look-alike spaces and marks are gone. */
export function fold(text: string): string {
  return foldText(text).text
}

/** The skeleton of a text: what is left when look-alike letters, digits for letters and separators are undone as well. */
export function skeleton(text: string): string {
  return skeletonOf(text).text
}

/** How much two texts have in common, 0 to 1, after folding: 1 for the same words, about 0.6 for one word in ten changed. */
export function textResemblance(a: string, b: string): number {
  return resemblance(sketchOf(fold(a)), sketchOf(fold(b)))
}

/** The TLSH digest of bytes; undefined under 50 bytes and for bytes without variety. */
export function tlsh(bytes: Uint8Array): string | undefined {
  const digest = tlshOf(bytes)
  return digest === undefined ? undefined : tlshToText(digest)
}

/** How far two TLSH digests are apart: 0 for equal ones, 30 and less for near ones. Throws a TypeError for what is none. */
export function tlshDistance(a: string, b: string): number {
  const [left, right] = [tlshFromText(a), tlshFromText(b)]
  if (left === undefined || right === undefined) throw new TypeError('A TLSH digest must be 70 hexadecimal digits')
  return tlshBytesDistance(left, right)
}

/** Video hashes: frames as flat arrays, compared as the reference does. */
export {
  vpdqAlign,
  vpdqCompare,
  vpdqDistance,
  type VpdqFrames,
  type VpdqMatch,
  type VpdqSpan,
} from '../kernels/vpdq.ts'
export { readTmk, tmkLevel1, tmkLevel2, writeTmk, type TmkFeatures } from '../kernels/tmk.ts'
/** Groups of near hashes around verified centres. */
export { nearGroups, type NearGroup, type NearMember } from '../kernels/near-groups.ts'
