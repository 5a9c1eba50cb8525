// The scan of an ordinary JPEG file, strip by strip (one row of MCUs), into planes of samples. Whatever is not perfectly
// in order is refused, so that one decoder alone decides what damaged files look like.

import type { JpegHeader } from './jpeg-header.ts'
import type { PhotoKernel, Take } from './wasm/photo.ts'

const zigzag = Uint8Array.from(
  [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
  ].concat(
    [28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61],
    [54, 47, 55, 62, 63],
  ),
)

/**
 * What jpeg.as needs for the inverse DCT: pairs of factors by 8,192 (jidctint.c, those of each output gathered), what
 * rounds in either pass, and the two centres of samples: 128 or none.
 */
const transformConstants = (() => {
  const bytes = new Uint8Array(320)
  const pairs = [
    // Even part of 0 and 4; 2 and 6.
    [8192, 8192, 8192, -8192, 10703, 4433, 4433, -10704],
    // Odd part, from the inmost output outwards, of 1 and 3; 5 and 7.
    [2260, -6436, 9633, -11363, 6437, -11362, 2261, 9633, 9633, -2259, -11362, -6436, 11363, 9633, 6437, 2260],
    // Even part of 0 and 2 alone.
    [8192, 10703, 8192, 4433, 8192, -4433, 8192, -10703],
  ].flat()
  const shorts = new Int16Array(bytes.buffer)
  for (let at = 0; at < 128; at++) shorts[at] = pairs[(at >> 3) * 2 + (at & 1)]!
  new Int32Array(bytes.buffer, 256, 4).fill(1 << 10)
  new Int32Array(bytes.buffer, 272, 4).fill(1 << 17)
  return bytes.fill(128, 288, 304)
})()

const pairBits = 11
const singleBits = 12
const singleAt = 4 << pairBits
const largestAt = singleAt + (2 << singleBits)
const offsetAt = largestAt + 72
const symbolsAt = offsetAt + 72
const tableBytes = symbolsAt + 256
const endOfBlock = 63

// The same in every scan, at the beginning of memory; behind it, what changes with each.
const transformAt = 0
const placesAt = 320
const tablesAt = 512
/** What lies before this stays from file to file. */
export const scanReservedBytes = tablesAt + 8 * tableBytes

/** Which tables lie in a kernel's memory, so that the next file with the same finds them. */
const written = new WeakMap<PhotoKernel, (Uint8Array | undefined)[]>()

/** Puts a table where jpeg.as reads it. Answers whether its codes are possible. */
function placeTable(kernel: PhotoKernel, index: number, table: Uint8Array): boolean {
  const known = written.get(kernel)!
  const before = known[index]
  if (before?.length === table.length && before.every((byte, at) => byte === table[at])) return true
  known[index] = undefined
  if (!writeTable(kernel.memory.buffer, tablesAt + index * tableBytes, table, index >= 4)) return false
  known[index] = table.slice()
  return true
}

function writeTable(memory: ArrayBuffer, at: number, table: Uint8Array, ac: boolean): boolean {
  const singles = new Uint16Array(memory, at + singleAt, 1 << singleBits).fill(0)
  const largest = new Int32Array(memory, at + largestAt, 18).fill(-1)
  const offsets = new Int32Array(memory, at + offsetAt, 18).fill(0)
  const symbols = table.subarray(16)
  new Uint8Array(memory, at + symbolsAt, 256).fill(0).set(symbols)
  let code = 0
  let index = 0
  for (let length = 1; length <= 16; length++, code <<= 1) {
    const count = table[length - 1]!
    offsets[length] = index - code
    for (let end = index + count; index < end; index++, code++) {
      // A code of ones alone is not allowed.
      if (code >= (1 << length) - 1) return false
      const symbol = symbols[index]!
      // Coefficients of 8-bit samples have no more bits; the decoder counts on it.
      if ((symbol & 15) > (ac ? 10 : 11) || symbol > (ac ? 255 : 11)) return false
      if (length > singleBits) continue
      const free = singleBits - length
      singles.fill(length | (symbol << 8), code << free, (code + 1) << free)
    }
    if (count > 0) largest[length] = code - 1
  }
  if (ac) writePairs(singles, new Int32Array(memory, at, 1 << pairBits))
  return true
}

/** One or two whole coefficients, or the end of the block with none or one before it, for each prefix: see jpeg.as. */
function writePairs(singles: Uint16Array, pairs: Int32Array): void {
  // Of each prefix, the first symbol alone: bits taken, places to advance, value.
  const first = pairs.map((_, prefix) => {
    const single = singles[prefix << (singleBits - pairBits)]!
    const [length, symbol] = [single & 255, single >> 8]
    const size = symbol & 15
    const bits = length + size
    if (length === 0 || bits > pairBits || size > 7) return 0
    if (size === 0) return symbol === 0 ? bits | (endOfBlock << 4) : symbol === 0xf0 ? bits | (16 << 4) : 0
    const raw = (prefix >> (pairBits - bits)) & ((1 << size) - 1)
    const value = raw < 1 << (size - 1) ? raw - (1 << size) + 1 : raw
    return bits | (((symbol >> 4) + 1) << 4) | (value << 24)
  })
  const advance = (entry: number) => (entry >> 4) & 63
  for (const [prefix, one] of first.entries()) {
    const bits = one & 15
    if (bits === 0) pairs[prefix] = (endOfBlock << 4) | (endOfBlock << 10)
    else if (advance(one) === endOfBlock) pairs[prefix] = bits | (endOfBlock << 10)
    else {
      const two = first[(prefix << bits) & ((1 << pairBits) - 1)]!
      const fits = two !== 0 && bits + (two & 15) <= pairBits
      pairs[prefix] = fits ? one + (two & 15) + (advance(two) << 10) + (((two >> 24) & 255) << 16) : one
    }
  }
}

/** Where a strip of one component goes, and the bytes from one of its rows (or columns) to the next. */
export type Plane = { at: number; step: number }

export type JpegScan = {
  /** Blocks across and down in a strip's MCUs are those of its header. */
  mcusAcross: number
  strips: number
  /** Reads the next strip into one plane for each component. Answers whether it was in order. */
  read: (planes: readonly Plane[]) => boolean
  /** Whether the stream ended where the last strip did. */
  ended: () => boolean
}

/**
 * The scan of a file in the kernel's memory, where it takes what it needs. Samples come in rows around 128 where
 * `upright`; otherwise in columns, luma around 128 and chroma around 0. Undefined for what is not in order.
 */
export function openScan(
  kernel: PhotoKernel,
  take: Take,
  bytes: Uint8Array,
  header: JpegHeader,
  upright: boolean,
): JpegScan | undefined {
  const { width, height, components, restartMcus } = header
  const luma = components[0]!
  const mcusAcross = Math.ceil(width / (8 * luma.across))
  const strips = Math.ceil(height / (8 * luma.down))
  const intervals = restartMcus === 0 ? 1 : Math.ceil((mcusAcross * strips) / restartMcus)
  const data = bytes.subarray(header.dataAt)

  const componentsAt = take(32 * 3)
  const blocksAt = take(144 * 6)
  const quantisersAt = take(256 * 3)
  const startsAt = take(4 * intervals)
  // Damaged data may be read a little beyond its end, which lies below.
  take(4_096)
  const streamEnd = take(data.length + 16) + data.length + 16
  const fileAt = take(data.length + 16)
  const all = new Uint8Array(kernel.memory.buffer)
  if (!written.has(kernel)) {
    written.set(kernel, [])
    all.set(transformConstants, transformAt)
    // Places behind the last one lie behind the block.
    for (let place = 1; place <= 80; place++) all[placesAt + place] = place > 64 ? 128 : zigzag[place - 1]! * 2
  }
  const view = new DataView(kernel.memory.buffer)
  for (const [index, { across, down, quantiser, dc, ac }] of components.entries()) {
    const factors = header.quantisers[quantiser]
    if (factors === undefined) return undefined
    const own = quantisersAt + index * 256
    for (let place = 0; place < 64; place++) {
      view.setUint16(own + zigzag[place]! * 2, factors[place]!, true)
      view.setUint16(own + 128 + zigzag[place]! * 2, Math.floor(4095 / Math.max(1, factors[place]!)), true)
    }
    for (const table of [dc, ac]) {
      const found = header.tables[table]
      if (found === undefined || !placeTable(kernel, table, found)) return undefined
    }
    const at = componentsAt + index * 32
    all.set([across, down, upright || index === 0 ? 0 : 1], at)
    view.setUint32(at + 4, tablesAt + dc * tableBytes, true)
    view.setUint32(at + 8, tablesAt + ac * tableBytes, true)
    view.setUint32(at + 12, own, true)
  }
  all.set(data, fileAt)
  if (kernel.unstuff(fileAt, fileAt + data.length, streamEnd, startsAt, intervals) !== intervals) return undefined
  const words = new Uint32Array(kernel.memory.buffer)
  const restart = (interval: number) => {
    for (let index = 0; index < components.length; index++) words[(componentsAt + index * 32 + 16) / 4] = 0
    kernel.seek(words[startsAt / 4 + interval]!)
  }
  /** Whether an interval was read to its last byte and no further. */
  const closed = (interval: number) => {
    const rest = kernel.rest(interval + 1 < intervals ? words[startsAt / 4 + interval + 1]! : kernel.ended.value)
    return rest >= 0 && rest < 8
  }
  restart(0)
  let done = 0
  return {
    mcusAcross,
    strips,
    read(planes) {
      for (const [index, { at, step }] of planes.entries()) {
        words[(componentsAt + index * 32 + 20) / 4] = at
        words[(componentsAt + index * 32 + 24) / 4] = step
      }
      for (let left = mcusAcross; left > 0;) {
        const interval = restartMcus === 0 ? 0 : Math.floor(done / restartMcus)
        if (restartMcus !== 0 && done > 0 && done % restartMcus === 0) {
          if (!closed(interval - 1)) return false
          restart(interval)
        }
        const count = restartMcus === 0 ? left : Math.min(left, (interval + 1) * restartMcus - done)
        if (!kernel.readMcus(count, componentsAt, components.length, blocksAt, placesAt, transformAt, upright ? 1 : 0))
          return false
        left -= count
        done += count
      }
      return restartMcus !== 0 || kernel.rest(kernel.ended.value) >= 0
    },
    ended: () => closed(intervals - 1),
  }
}
