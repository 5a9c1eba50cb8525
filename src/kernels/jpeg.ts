// Ordinary JPEG files (sequential, Huffman, 8 bits, grey or YCbCr at 4:4:4, 4:2:2 or 4:2:0; ITU-T T.81, 1992) to the
// same pixels as libjpeg-turbo, faster: photos spend most of their hashing time in a Huffman decoder. Whatever is unusual
// or not perfectly in order is refused, so that one decoder alone decides what damaged files look like.

import { loadJpeg, type JpegExports } from './wasm/jpeg.ts'

export type JpegPicture = {
  width: number
  height: number
  /** Interleaved. A view into the decoder's memory: valid until the next call. */
  rgb: Uint8Array
}

/** Larger pictures are left to decoders that need less memory. */
export const jpegPixelsMax = 16_000_000

type Component = { id: number; across: number; down: number; quantiser: number; dc: number; ac: number }
type Header = {
  width: number
  height: number
  components: Component[]
  /** Quantisers in zigzag order. */
  quantisers: (Uint16Array | undefined)[]
  /** Counts of codes by length (1 to 16), then the symbols, as in the file: four for DC, four for AC. */
  tables: (Uint8Array | undefined)[]
  restartMcus: number
  /** Where the entropy-coded bytes begin. */
  dataAt: number
}

/** The picture, or undefined for what this decoder does not do and where there is no WebAssembly with SIMD. */
export function decodeJpeg(bytes: Uint8Array): JpegPicture | undefined {
  const header = readHeader(bytes)
  if (header === undefined) return undefined
  const wasm = loadJpeg()
  if (wasm === undefined) return undefined
  try {
    return decode(wasm, bytes, header)
  } catch (error) {
    // Damaged data made it read beyond its memory.
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  }
}

function readHeader(bytes: Uint8Array): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined
  let frame: Pick<Header, 'width' | 'height' | 'components'> | undefined
  const quantisers: Header['quantisers'] = []
  const tables: Header['tables'] = []
  let restartMcus = 0
  let jfif = false
  let adobe: number | undefined
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    const end = at + 2 + view.getUint16(at + 2)
    const from = at + 4
    if (end > bytes.length || end < from) return undefined
    if (marker === 0xc0 || marker === 0xc1) {
      if (frame !== undefined) return undefined
      frame = readFrame(view, from, end)
      if (frame === undefined) return undefined
    } else if (marker === 0xdb) {
      for (let place = from; place < end;) {
        const [wide, index] = [bytes[place]! >> 4, bytes[place]! & 15]
        if (wide > 1 || index > 3 || place + 1 + 64 * (wide + 1) > end) return undefined
        const start = place + 1
        quantisers[index] = Uint16Array.from({ length: 64 }, (_, zigzag) =>
          wide === 1 ? view.getUint16(start + 2 * zigzag) : bytes[start + zigzag]!,
        )
        place = start + 64 * (wide + 1)
      }
    } else if (marker === 0xc4) {
      for (let place = from; place < end;) {
        const [kind, index] = [bytes[place]! >> 4, bytes[place]! & 15]
        if (kind > 1 || index > 3 || place + 17 > end) return undefined
        const symbols = bytes.subarray(place + 1, place + 17).reduce((sum, count) => sum + count, 0)
        if (symbols > 256 || place + 17 + symbols > end) return undefined
        tables[kind * 4 + index] = bytes.subarray(place + 1, place + 17 + symbols)
        place += 17 + symbols
      }
    } else if (marker === 0xdd) restartMcus = view.getUint16(from)
    else if (marker === 0xe0) jfif ||= end - from >= 14 && text(bytes, from, 5) === 'JFIF\0'
    else if (marker === 0xee) {
      if (end - from >= 12 && text(bytes, from, 5) === 'Adobe') adobe = bytes[from + 11]!
    } else if (marker === 0xda) {
      if (frame === undefined || !readScan(bytes, from, end, frame.components)) return undefined
      if (frame.components.length === 3 && !isYCbCr(frame.components, jfif, adobe)) return undefined
      return { ...frame, quantisers, tables, restartMcus, dataAt: end }
    } else if (!((marker >= 0xe1 && marker <= 0xef) || marker === 0xfe)) return undefined
    at = end
  }
  return undefined
}

const text = (bytes: Uint8Array, at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length))

function isYCbCr(components: readonly Component[], jfif: boolean, adobe: number | undefined): boolean {
  if (adobe !== undefined) return adobe === 1
  return jfif || components.every(({ id }, index) => id === index + 1)
}

function readFrame(
  view: DataView,
  from: number,
  end: number,
): Pick<Header, 'width' | 'height' | 'components'> | undefined {
  if (end - from < 6 || view.getUint8(from) !== 8) return undefined
  const [height, width, count] = [view.getUint16(from + 1), view.getUint16(from + 3), view.getUint8(from + 5)]
  if ((count !== 1 && count !== 3) || end - from !== 6 + 3 * count) return undefined
  if (width === 0 || height === 0 || width * height > jpegPixelsMax) return undefined
  const components = Array.from({ length: count }, (_, index): Component => {
    const at = from + 6 + 3 * index
    const factors = view.getUint8(at + 1)
    return {
      id: view.getUint8(at),
      across: factors >> 4,
      down: factors & 15,
      quantiser: view.getUint8(at + 2),
      dc: 0,
      ac: 0,
    }
  })
  const [luma, ...chroma] = components as [Component, ...Component[]]
  // The blocks of a single component follow each other row by row, whatever its factors say.
  if (count === 1) return { width, height, components: [{ ...luma, across: 1, down: 1 }] }
  const known = (luma.across === 1 || luma.across === 2) && (luma.down === 1 || (luma.down === 2 && luma.across === 2))
  if (!known || chroma.some(({ across, down }) => across !== 1 || down !== 1)) return undefined
  // So narrow pictures are not smoothed by libjpeg.
  if (luma.across === 2 && width <= 4) return undefined
  return { width, height, components }
}

/** Fills in which tables the components use; whether the scan is the only one and in order. */
function readScan(bytes: Uint8Array, from: number, end: number, components: Component[]): boolean {
  if (bytes[from] !== components.length || end - from !== 4 + 2 * components.length) return false
  for (const [index, component] of components.entries()) {
    const tables = bytes[from + 2 + 2 * index]!
    if (bytes[from + 1 + 2 * index] !== component.id || tables >> 4 > 3 || (tables & 15) > 3) return false
    component.dc = tables >> 4
    component.ac = 4 + (tables & 15)
  }
  const after = from + 1 + 2 * components.length
  return bytes[after] === 0 && bytes[after + 1] === 63 && bytes[after + 2] === 0
}

const zigzag = Uint8Array.from(
  [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
  ].concat(
    [28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61],
    [54, 47, 55, 62, 63],
  ),
)

/** Factors of the inverse DCT by 8,192, in pairs (jidctint.c); what rounds in either pass; and the middle of a byte. */
const transformConstants = (() => {
  const bytes = new Uint8Array(176)
  const pairs = [
    4433, -10704, 10703, 4433, -6436, 9633, 9633, 6437, -4927, -7373, -7373, 4926, -4176, -20995, -20995, 4177,
  ]
  const shorts = new Int16Array(bytes.buffer)
  for (let at = 0; at < 64; at++) shorts[at] = pairs[(at >> 3) * 2 + (at & 1)]!
  new Int32Array(bytes.buffer, 128, 4).fill(1 << 10)
  new Int32Array(bytes.buffer, 144, 4).fill(1 << 17)
  return bytes.fill(128, 160)
})()

/** Factors of red (1.402 less 1), blue (1.772 less 2) and green (-.34414, -.71414 and 1) by 65,536, and what goes with them. */
const colourConstants = (() => {
  const bytes = new Uint8Array(96)
  const shorts = new Int16Array(bytes.buffer)
  for (const [at, pair] of [
    [26345, 16384],
    [-14942, 16384],
    [-22554, 18734],
    [2, 2],
  ].entries())
    for (let lane = 0; lane < 8; lane++) shorts[at * 8 + lane] = pair[lane & 1]!
  new Int32Array(bytes.buffer, 64, 4).fill(1 << 15)
  bytes.set([0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255], 80)
  return bytes
})()

const lookupBits = 12
const tableBytes = (4 << lookupBits) + 72 + 72 + 256

/**
 * Writes a Huffman table as jpeg.as reads it: prefixes of 12 bits answered at once, with the value where both fit.
 * Answers whether the codes are possible.
 */
function writeTable(memory: ArrayBuffer, at: number, table: Uint8Array, ac: boolean): boolean {
  const lookup = new Int32Array(memory, at, 1 << lookupBits).fill(0)
  const largest = new Int32Array(memory, at + (4 << lookupBits), 18).fill(-1)
  const offsets = new Int32Array(memory, at + (4 << lookupBits) + 72, 18).fill(0)
  const symbols = table.subarray(16)
  new Uint8Array(memory, at + (4 << lookupBits) + 144, 256).fill(0).set(symbols)
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
      if (length > lookupBits) continue
      const free = lookupBits - length
      const size = symbol & 15
      const first = code << free
      if (!ac || size === 0 || size > free) lookup.fill(length | (symbol << 8), first, first + (1 << free))
      else
        for (let next = 0; next < 1 << free; next++) {
          const bits = next >> (free - size)
          const value = bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits
          lookup[first + next] = (length + size) | (((symbol >> 4) + 1) << 8) | (value << 16)
        }
    }
    if (count > 0) largest[length] = code - 1
  }
  return true
}

function decode(wasm: JpegExports, bytes: Uint8Array, header: Header): JpegPicture | undefined {
  const { width, height, components, restartMcus } = header
  const [luma] = components as [Component, ...Component[]]
  const mcusAcross = Math.ceil(width / (8 * luma.across))
  const mcusDown = Math.ceil(height / (8 * luma.down))
  const mcus = mcusAcross * mcusDown
  const intervals = restartMcus === 0 ? 1 : Math.ceil(mcus / restartMcus)
  const data = bytes.subarray(header.dataAt)

  let end = 0
  const take = (size: number) => {
    const at = end
    end += 16 * Math.ceil(size / 16)
    return at
  }
  const constantsAt = take(transformConstants.length)
  const colourAt = take(colourConstants.length)
  const componentsAt = take(32 * 3)
  const blockAt = take(128)
  const placesAt = take(4 * 320)
  const tablesAt = take(8 * tableBytes)
  const startsAt = take(4 * intervals)
  const chromaWide = 2 * (16 * Math.ceil(width / 16) + 32)
  const sumsAt = take(chromaWide + 64)
  const cbAt = take(chromaWide)
  const crAt = take(chromaWide)
  const planes = components.map(({ across, down }) => {
    const stride = mcusAcross * across * 8
    return { stride, at: take(stride * mcusDown * down * 8 + 16) }
  })
  // Damaged data may be read a little beyond its end, which lies below.
  take(4_096)
  const streamEnd = take(data.length + 16) + data.length + 16
  const rgbAt = take(width * height * 3 + 64)
  // The file is needed until its stream is turned round, and the pixels only after that.
  const fileAt = rgbAt
  end = Math.max(end, fileAt + data.length + 16)
  const { memory } = wasm
  if (memory.buffer.byteLength < end) memory.grow(Math.ceil((end - memory.buffer.byteLength) / 65_536))
  const all = new Uint8Array(memory.buffer)
  const words = new Uint32Array(memory.buffer)
  all.set(transformConstants, constantsAt)
  all.set(colourConstants, colourAt)

  const view = new DataView(memory.buffer)
  for (const [index, { across, down, quantiser, dc, ac }] of components.entries()) {
    const factors = header.quantisers[quantiser]
    if (factors === undefined) return undefined
    const places = placesAt + index * 320
    for (let at = 0; at < 80; at++) words[places / 4 + at] = at < 64 ? zigzag[at]! * 2 + factors[at]! * 65_536 : 126
    for (const table of [dc, ac]) {
      const found = header.tables[table]
      if (found === undefined || !writeTable(memory.buffer, tablesAt + table * tableBytes, found, table >= 4))
        return undefined
    }
    const at = componentsAt + index * 32
    view.setUint16(at, across, true)
    view.setUint16(at + 2, down, true)
    view.setUint32(at + 4, tablesAt + dc * tableBytes, true)
    view.setUint32(at + 8, tablesAt + ac * tableBytes, true)
    view.setUint32(at + 12, places, true)
    view.setUint32(at + 24, planes[index]!.stride, true)
  }
  const restart = (interval: number) => {
    for (let index = 0; index < components.length; index++) words[(componentsAt + index * 32 + 16) / 4] = 0
    wasm.seek(words[startsAt / 4 + interval]!)
  }
  /** Whether an interval was read to its last byte and no further. */
  const closed = (interval: number) => {
    const rest = wasm.rest(interval + 1 < intervals ? words[startsAt / 4 + interval + 1]! : wasm.ended.value)
    return rest >= 0 && rest < 8
  }

  all.set(data, fileAt)
  if (wasm.unstuff(fileAt, fileAt + data.length, streamEnd, startsAt, intervals) !== intervals) return undefined
  restart(0)
  const colour = colourRows(wasm, { width, height, luma, planes, sumsAt, cbAt, crAt, colourAt, rgbAt })
  let done = 0
  for (let row = 0; row < mcusDown; row++) {
    for (const [index, { down }] of components.entries())
      words[(componentsAt + index * 32 + 20) / 4] = planes[index]!.at + row * down * 8 * planes[index]!.stride
    for (let left = mcusAcross; left > 0;) {
      const interval = restartMcus === 0 ? 0 : Math.floor(done / restartMcus)
      if (restartMcus !== 0 && done > 0 && done % restartMcus === 0) {
        if (!closed(interval - 1)) return undefined
        restart(interval)
      }
      const count = restartMcus === 0 ? left : Math.min(left, (interval + 1) * restartMcus - done)
      if (!wasm.readMcus(count, componentsAt, components.length, blockAt, constantsAt)) return undefined
      left -= count
      done += count
    }
    if (restartMcus === 0 && wasm.rest(wasm.ended.value) < 0) return undefined
    // The last row of a strip looks at the strip below it.
    colour(row === mcusDown - 1 ? height : (row + 1) * luma.down * 8 - (luma.down === 2 ? 1 : 0))
  }
  if (!closed(intervals - 1)) return undefined
  return { width, height, rgb: all.subarray(rgbAt, rgbAt + width * height * 3) }
}

type Rows = {
  width: number
  height: number
  luma: Component
  planes: { stride: number; at: number }[]
  sumsAt: number
  cbAt: number
  crAt: number
  colourAt: number
  rgbAt: number
}

/** Answers what turns planes into RGB, from where it was left to before a row. */
function colourRows(wasm: JpegExports, rows: Rows): (stop: number) => void {
  const { width, height, luma, planes, sumsAt, cbAt, crAt, colourAt, rgbAt } = rows
  const [y, cb, cr] = planes as [Rows['planes'][0], ...Rows['planes']]
  const chromaWidth = Math.ceil(width / luma.across)
  const chromaHeight = Math.ceil(height / luma.down)
  const chroma = (plane: { stride: number; at: number }, row: number, to: number) => {
    const rowAt = (index: number) => plane.at + Math.max(0, Math.min(chromaHeight - 1, index)) * plane.stride
    if (luma.across === 1) wasm.widen(rowAt(row), chromaWidth, to)
    else if (luma.down === 1) wasm.upsampleAcross(rowAt(row), chromaWidth, sumsAt, to)
    else wasm.upsampleBoth(rowAt(row >> 1), rowAt((row >> 1) + (row & 1 ? 1 : -1)), chromaWidth, sumsAt, to)
  }
  let row = 0
  return (stop) => {
    for (; row < stop; row++) {
      const lumaAt = y.at + row * y.stride
      const to = rgbAt + row * width * 3
      if (cb === undefined || cr === undefined) wasm.greyRow(lumaAt, width, to, colourAt)
      else {
        chroma(cb, row, cbAt)
        chroma(cr, row, crAt)
        wasm.colourRow(lumaAt, cbAt, crAt, width, to, colourAt)
      }
    }
  }
}
