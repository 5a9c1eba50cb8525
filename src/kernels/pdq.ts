// PDQ: "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" (Facebook, 2019), sections 5 to 7.
// Every float operation is rounded to 32 bits in the order of the reference, so that equal bytes give equal hashes.

import {
  prepareReduction,
  reduceInWasm,
  transformInWasm,
  type FillLanes,
  type Reduced,
  type SidePlan,
} from './wasm/pdq-reduce.ts'
import type { PhotoKernel, Take } from './wasm/photo.ts'

export const pdqWords = 8
export const pdqBits = 256
/** Sides below this have no hash (reference: MIN_HASHABLE_DIM). */
export const pdqSideMin = 5

/**
 * Which pixels are hashed: all of them (Java, Python), or a 512 x 512 nearest-neighbour reduction of larger images (the
 * C++ tool). The two differ by up to 10 bits.
 */
export type PdqConvention = 'full' | '512'

/** `wasm` falls back to `typescript`, its readable twin with the same bits, where there is no WebAssembly with SIMD. */
export type PdqEngine = 'wasm' | 'typescript'

/** The eight symmetries of a square, in the order of the hashes that `pdqDihedral` answers. */
export const dihedrals = [
  'original',
  'rotate90',
  'rotate180',
  'rotate270',
  'flipX',
  'flipY',
  'flipPlus1',
  'flipMinus1',
] as const
export type Dihedral = (typeof dihedrals)[number]

export type PdqStages = {
  /** 64 x 64, row-major. */
  luma64: Float32Array
  /** Frequencies 1 to 16 in both directions, row-major. */
  dct16: Float32Array
  /** 0 (flat) to 100. Hashes under 50 are too unspecific to match. */
  quality: number
}

const f = Math.fround
const side = 64
const kept = 16

const redLuma = new Float32Array(256)
const greenLuma = new Float32Array(256)
const blueLuma = new Float32Array(256)
for (let value = 0; value < 256; value++) {
  redLuma[value] = f(0.299) * value
  greenLuma[value] = f(0.587) * value
  blueLuma[value] = f(0.114) * value
}

const dctMatrix = new Float32Array(kept * side)
for (let row = 0; row < kept; row++)
  for (let column = 0; column < side; column++)
    dctMatrix[row * side + column] =
      f(Math.sqrt(2 / side)) * Math.cos((Math.PI / 2 / side) * (row + 1) * (2 * column + 1))

/**
 * The stages of PDQ for interleaved 8-bit RGB, or undefined when a side is under 5 pixels. EXIF orientation and alpha
 * are the business of the decoder, which must ignore both.
 */
export function pdqStages(
  rgb: Uint8Array,
  width: number,
  height: number,
  convention: PdqConvention = 'full',
  engine: PdqEngine = 'wasm',
): PdqStages | undefined {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new RangeError(`PDQ needs whole sides from 1, not ${width} x ${height}`)
  if (rgb.length !== width * height * 3)
    throw new RangeError(`PDQ needs ${width * height * 3} bytes for ${width} x ${height} RGB, not ${rgb.length}`)
  if (width < pdqSideMin || height < pdqSideMin) return undefined
  if (convention === '512' && (width > 512 || height > 512)) {
    rgb = nearest512(rgb, width, height)
    width = height = 512
  }
  const whole = width === side && height === side ? plainLuma(rgb) : undefined
  if (engine === 'wasm') {
    const reduced =
      whole === undefined
        ? reduceInWasm(rgb, sidePlan(width), sidePlan(height), dctMatrix)
        : transformInWasm(whole, dctMatrix)
    if (reduced !== undefined) return stagesOf(reduced)
  }
  const luma64 = whole ?? reduce(rgb, width, height)
  return { luma64, dct16: dct(luma64), quality: qualityOf(gradientsOf(luma64)) }
}

/** The 256-bit hash of one stage dump: 8 words, least significant first. */
export function pdqHash(stages: PdqStages): Uint32Array {
  const words = new Uint32Array(pdqWords)
  writeBits(stages.dct16, words, 0)
  return words
}

/**
 * Hashes of the eight dihedral transformations, 8 words each, in the order of `dihedrals`. They come from sign changes
 * and transposition of the DCT and differ by 0 to 18 bits from hashing the turned pixels.
 */
export function pdqDihedral(stages: PdqStages): Uint32Array {
  const words = new Uint32Array(dihedrals.length * pdqWords)
  const turned = new Float32Array(kept * kept)
  dihedrals.forEach((name, index) => {
    const { transpose, negative } = symmetries[name]
    for (let row = 0; row < kept; row++)
      for (let column = 0; column < kept; column++) {
        const value = stages.dct16[row * kept + column]!
        turned[transpose ? column * kept + row : row * kept + column] = negative(row, column) ? -value : value
      }
    writeBits(turned, words, index * pdqWords)
  })
  return words
}

/**
 * The eight dihedral hashes estimated from a hash alone, for platforms that send no content: signs are taken around the
 * median where the transformation needs them around zero, which costs a few bits.
 */
export function pdqDihedralOfHash(hash: Uint32Array): Uint32Array {
  const words = new Uint32Array(dihedrals.length * pdqWords)
  dihedrals.forEach((name, index) => {
    const { transpose, negative } = symmetries[name]
    for (let row = 0; row < kept; row++)
      for (let column = 0; column < kept; column++) {
        const from = row * kept + column
        const bit = ((hash[from >>> 5]! >>> (from & 31)) & 1) ^ (negative(row, column) ? 1 : 0)
        const to = transpose ? column * kept + row : from
        if (bit === 1) words[index * pdqWords + (to >>> 5)]! |= 1 << (to & 31)
      }
  })
  return words
}

/** 64 lower-case digits, bit 255 first. */
export function pdqToHex(words: Uint32Array, offset = 0): string {
  let text = ''
  for (let word = pdqWords - 1; word >= 0; word--) text += words[offset + word]!.toString(16).padStart(8, '0')
  return text
}

/** The words of 64 hexadecimal digits. Throws a TypeError for anything else. */
export function pdqFromHex(text: string): Uint32Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new TypeError('A PDQ hash must be 64 hexadecimal digits')
  const words = new Uint32Array(pdqWords)
  for (let word = 0; word < pdqWords; word++)
    words[word] = Number.parseInt(text.slice((pdqWords - 1 - word) * 8, (pdqWords - word) * 8), 16)
  return words
}

type Symmetry = { transpose: boolean; negative: (row: number, column: number) => boolean }
const symmetries = {
  original: { transpose: false, negative: () => false },
  rotate90: { transpose: true, negative: (_row, column) => (column & 1) === 0 },
  rotate180: { transpose: false, negative: (row, column) => ((row + column) & 1) === 1 },
  rotate270: { transpose: true, negative: (row) => (row & 1) === 0 },
  flipX: { transpose: false, negative: (row) => (row & 1) === 0 },
  flipY: { transpose: false, negative: (_row, column) => (column & 1) === 0 },
  flipPlus1: { transpose: true, negative: () => false },
  flipMinus1: { transpose: true, negative: (row, column) => ((row + column) & 1) === 1 },
} satisfies Record<Dihedral, Symmetry> as Record<Dihedral, Symmetry>

function nearest512(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const small = new Uint8Array(512 * 512 * 3)
  let to = 0
  for (let row = 0; row < 512; row++) {
    const from = Math.floor((row * height) / 512) * width
    for (let column = 0; column < 512; column++) {
      const at = (from + Math.floor((column * width) / 512)) * 3
      small[to++] = rgb[at]!
      small[to++] = rgb[at + 1]!
      small[to++] = rgb[at + 2]!
    }
  }
  return small
}

function plainLuma(rgb: Uint8Array): Float32Array {
  const luma = new Float32Array(side * side)
  fillLuma(rgb, 0, luma.length, luma)
  return luma
}

/** Window of one box pass: half a block, since two passes make a tent (Jarosz, SIGGRAPH 2001). */
const windowOf = (length: number) => Math.floor((length + 127) / 128)
/** How many samples a window reaches ahead of its own, itself included. */
const aheadOf = (window: number) => Math.floor((window + 2) / 2)
const sampledAt = (index: number, length: number) => Math.floor(((index + 0.5) * length) / side)

/** How many samples really lie in the window around each place: fewer at both ends. */
function countsOf(length: number, window: number): Float32Array {
  const ahead = aheadOf(window)
  const counts = new Float32Array(length)
  for (let at = 0; at < length; at++) counts[at] = Math.min(length, at + ahead) - Math.max(0, at + ahead - window)
  return counts
}

function sidePlan(length: number): SidePlan {
  const window = windowOf(length)
  return {
    length,
    window,
    ahead: aheadOf(window),
    counts: countsOf(length, window),
    samples: Int32Array.from({ length: side }, (_, index) => sampledAt(index, length)),
  }
}

/**
 * Box filter along rows and columns, twice, then 64 x 64 samples. Rows stream through in blocks of four; of the second
 * round only what is sampled is kept, so that memory is the window and a strip, not the image.
 */
function reduce(rgb: Uint8Array, width: number, height: number): Float32Array {
  const rowWindow = windowOf(width)
  const rowCounts = countsOf(width, rowWindow)
  const window = windowOf(height)
  const ahead = aheadOf(window)
  const counts = countsOf(height, window)
  const ringRows = 4 * Math.ceil((window + 8) / 4)
  const ring = new Float32Array((ringRows + 1) * width)
  const zeros = ringRows * width
  const strip = new Float32Array(4 * width)
  const sums = new Float32Array(width)
  const averages = new Float32Array(4 * width)
  const narrow = new Float32Array(4 * Math.ceil(height / 4) * side)

  let read = 0
  let entered = 0
  for (let row = 0; row < height; row++) {
    // At the top a whole half window enters before the first average; from then on one row a step.
    for (; entered < Math.min(height, row + ahead); entered++) {
      if (entered === read) {
        const at = (read % ringRows) * width
        fillLuma(rgb, read * width, Math.min(4, height - read) * width, strip)
        boxSums4(strip, ring, at, width, rowWindow)
        for (let lane = 0; lane < 4; lane++) divideRow(ring, at + lane * width, rowCounts)
        read += 4
      }
      if (entered + 1 < row + ahead) addRow(sums, ring, (entered % ringRows) * width)
    }
    // The row that enters with this one and the row that leaves, each a row of zeros at an end of the image.
    const enters = row + ahead <= height ? ((row + ahead - 1) % ringRows) * width : zeros
    const leaves = row + ahead > window ? ((row + ahead - window - 1) % ringRows) * width : zeros
    slideRow(sums, ring, enters, leaves, counts[row]!, averages, (row & 3) * width)
    if ((row & 3) === 3 || row === height - 1) {
      boxSums4(averages, strip, 0, width, rowWindow)
      for (let lane = 0; lane < 4; lane++)
        for (let at = 0; at < side; at++) {
          const column = sampledAt(at, width)
          narrow[((row & ~3) + lane) * side + at] = strip[lane * width + column]! / rowCounts[column]!
        }
    }
  }
  return lastColumnPass(narrow, height, window)
}

function lastColumnPass(narrow: Float32Array, height: number, window: number): Float32Array {
  const ahead = aheadOf(window)
  const counts = countsOf(height, window)
  const sums = new Float32Array(side)
  const luma64 = new Float32Array(side * side)
  let entered = 0
  let sample = 0
  for (let row = 0; row < height; row++) {
    for (; entered < Math.min(height, row + ahead); entered++) addRow(sums, narrow, entered * side)
    if (row + ahead > window) subtractRow(sums, narrow, (row + ahead - window - 1) * side)
    // Images under 64 rows sample a row more than once.
    for (; sample < side && sampledAt(sample, height) === row; sample++)
      for (let at = 0; at < side; at++) luma64[sample * side + at] = sums[at]! / counts[row]!
  }
  return luma64
}

function addRow(sums: Float32Array, rows: Float32Array, offset: number): void {
  for (let at = 0; at < sums.length; at++) sums[at] = sums[at]! + rows[offset + at]!
}

function subtractRow(sums: Float32Array, rows: Float32Array, offset: number): void {
  for (let at = 0; at < sums.length; at++) sums[at] = sums[at]! - rows[offset + at]!
}

function divideRow(rows: Float32Array, offset: number, counts: Float32Array): void {
  for (let at = 0; at < counts.length; at++) rows[offset + at] = rows[offset + at]! / counts[at]!
}

/** One step of the column filter over a whole row: add, subtract, write the averages. */
function slideRow(
  sums: Float32Array,
  rows: Float32Array,
  enters: number,
  leaves: number,
  count: number,
  averages: Float32Array,
  offset: number,
): void {
  for (let at = 0; at < sums.length; at++) {
    const sum = f(f(sums[at]! + rows[enters + at]!) - rows[leaves + at]!)
    sums[at] = sum
    averages[offset + at] = sum / count
  }
}

function fillLuma(rgb: Uint8Array, fromPixel: number, pixels: number, luma: Float32Array): void {
  for (let at = 0, from = fromPixel * 3; at < pixels; at++, from += 3)
    luma[at] = f(f(redLuma[rgb[from]!]!) + f(greenLuma[rgb[from + 1]!]!)) + f(blueLuma[rgb[from + 2]!]!)
}

/**
 * Window sums along four rows at once: one running sum alone would wait for its own last addition. Sums, not averages:
 * the caller divides by the true counts, where it needs them.
 */
function boxSums4(from: Float32Array, to: Float32Array, offset: number, width: number, window: number): void {
  const ahead = aheadOf(window)
  const from1 = width
  const from2 = 2 * width
  const from3 = 3 * width
  let sum0 = f(0)
  let sum1 = f(0)
  let sum2 = f(0)
  let sum3 = f(0)
  let enter = 0
  for (; enter < ahead - 1; enter++) {
    sum0 = f(sum0 + from[enter]!)
    sum1 = f(sum1 + from[enter + from1]!)
    sum2 = f(sum2 + from[enter + from2]!)
    sum3 = f(sum3 + from[enter + from3]!)
  }
  let at = offset
  for (; enter < window; enter++, at++) {
    to[at] = sum0 = f(sum0 + from[enter]!)
    to[at + from1] = sum1 = f(sum1 + from[enter + from1]!)
    to[at + from2] = sum2 = f(sum2 + from[enter + from2]!)
    to[at + from3] = sum3 = f(sum3 + from[enter + from3]!)
  }
  let leave = 0
  for (; enter < width; enter++, leave++, at++) {
    to[at] = sum0 = f(f(sum0 + f(from[enter]!)) - f(from[leave]!))
    to[at + from1] = sum1 = f(f(sum1 + f(from[enter + from1]!)) - f(from[leave + from1]!))
    to[at + from2] = sum2 = f(f(sum2 + f(from[enter + from2]!)) - f(from[leave + from2]!))
    to[at + from3] = sum3 = f(f(sum3 + f(from[enter + from3]!)) - f(from[leave + from3]!))
  }
  for (const end = offset + width; at < end; leave++, at++) {
    to[at] = sum0 = f(sum0 - from[leave]!)
    to[at + from1] = sum1 = f(sum1 - from[leave + from1]!)
    to[at + from2] = sum2 = f(sum2 - from[leave + from2]!)
    to[at + from3] = sum3 = f(sum3 - from[leave + from3]!)
  }
}

const stagesOf = ({ luma64, dct16, gradients }: Reduced): PdqStages => ({
  luma64,
  dct16,
  quality: qualityOf(gradients),
})

/**
 * The stages of PDQ for pixels that a kernel already has: `fill` writes their luma, even rows and then odd rows. Takes
 * memory when called; what it answers asks for the luma. For sides of at least 5 pixels that are not both 64.
 */
export function preparePdq(
  kernel: PhotoKernel,
  take: Take,
  width: number,
  height: number,
): (fill: FillLanes) => PdqStages | undefined {
  const reduce = prepareReduction(kernel, take, sidePlan(width), sidePlan(height), true)
  return (fill) => {
    const reduced = reduce(dctMatrix, fill)
    return reduced && stagesOf(reduced)
  }
}

/** The sum of quantised gradients, scaled and capped (PDQ paper, section 6; all integers as in the reference). */
const qualityOf = (gradients: number) => Math.min(100, Math.floor(gradients / 90))

function gradientsOf(luma64: Float32Array): number {
  let gradients = 0
  const step = (u: number, v: number) => Math.abs(Math.trunc(f(f(f(u - v) * 100) / 255)))
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const at = row * side + column
      if (row < side - 1) gradients += step(luma64[at]!, luma64[at + side]!)
      if (column < side - 1) gradients += step(luma64[at]!, luma64[at + 1]!)
    }
  return gradients
}

function dct(luma64: Float32Array): Float32Array {
  const half = new Float32Array(kept * side)
  for (let row = 0; row < kept; row++)
    for (let column = 0; column < side; column++) {
      let sum = f(0)
      for (let at = 0; at < side; at++) sum = f(sum + f(dctMatrix[row * side + at]! * luma64[at * side + column]!))
      half[row * side + column] = sum
    }
  const out = new Float32Array(kept * kept)
  for (let row = 0; row < kept; row++)
    for (let column = 0; column < kept; column++) {
      let sum = f(0)
      for (let at = 0; at < side; at++) sum = f(sum + f(half[row * side + at]! * dctMatrix[column * side + at]!))
      out[row * kept + column] = sum
    }
  return out
}

/** Bit row * 16 + column is set where the coefficient is strictly above the lower median. */
function writeBits(coefficients: Float32Array, words: Uint32Array, offset: number): void {
  const median = coefficients.slice().sort()[pdqBits / 2 - 1]!
  for (let at = 0; at < pdqBits; at++) if (coefficients[at]! > median) words[offset + (at >>> 5)]! |= 1 << (at & 31)
}
