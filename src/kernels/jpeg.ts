// Ordinary JPEG files to the same pixels as libjpeg-turbo, faster: photos spend most of their hashing time in a Huffman
// decoder. What is unusual, or not perfectly in order, is refused and left to another decoder.

import { readJpegHeader, type JpegComponent } from './jpeg-header.ts'
import { openScan, scanReservedBytes, type Plane } from './jpeg-scan.ts'
import { newPhotoKernel, takeFrom, type PhotoKernel } from './wasm/photo.ts'

export type JpegPicture = {
  width: number
  height: number
  /** Interleaved. A view into the decoder's memory: valid until the next call. */
  rgb: Uint8Array
}

/**
 * What jpeg-colour.as needs: factors of red, blue (by 32,768) and green (by 65,536, the second less 1), what rounds the
 * last, and the order of bytes; then for PDQ's luma 255, three weights, and what rounds upsampled chroma.
 */
export const colourConstants = (() => {
  const bytes = new Uint8Array(176)
  const shorts = new Int16Array(bytes.buffer)
  shorts.fill(13_174, 0, 8).fill(-7_471, 8, 16)
  for (let lane = 16; lane < 24; lane += 2) shorts.set([-22_554, 18_734], lane)
  new Int32Array(bytes.buffer, 48, 4).fill(1 << 15)
  bytes.set([0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255], 64)
  shorts.fill(255, 40, 48)
  for (const [at, weight] of [0.299, 0.587, 0.114].entries())
    new Float32Array(bytes.buffer, 96 + at * 16, 4).fill(weight)
  shorts.fill(8, 72, 80).fill(-1, 80, 88)
  return bytes
})()

let kernel: PhotoKernel | undefined

/** What decodes in a memory that nothing else uses, or undefined where WebAssembly with SIMD is missing. */
export const jpegKernel = (): PhotoKernel | undefined => (kernel ??= newPhotoKernel())

/** The answer of work on a file, or undefined where damage made it read beyond its memory. */
export function unlessOutOfBounds<Answer>(work: () => Answer): Answer | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  }
}

/** The picture, or undefined for what this decoder does not do and where there is no WebAssembly with SIMD. */
export function decodeJpeg(bytes: Uint8Array): JpegPicture | undefined {
  const header = readJpegHeader(bytes)
  if (header === undefined) return undefined
  const wasm = jpegKernel()
  if (wasm === undefined) return undefined
  const { width, height, components } = header
  const luma = components[0]!
  const take = takeFrom(wasm, scanReservedBytes)
  const colourAt = take(colourConstants.length)
  const chromaWide = 2 * (16 * Math.ceil(width / 16) + 32)
  const sumsAt = take(chromaWide + 64)
  const cbAt = take(chromaWide)
  const crAt = take(chromaWide)
  const mcusAcross = Math.ceil(width / (8 * luma.across))
  const strips = Math.ceil(height / (8 * luma.down))
  const planes = components.map(({ across, down }): Plane => {
    const step = mcusAcross * across * 8
    return { step, at: take(step * strips * down * 8 + 16) }
  })
  const rgbAt = take(width * height * 3 + 64)
  return unlessOutOfBounds(() => {
    const scan = openScan(wasm, take, bytes, header, true)
    if (scan === undefined) return undefined
    const all = new Uint8Array(wasm.memory.buffer)
    all.set(colourConstants, colourAt)
    const colour = colourRows(wasm, { width, height, luma, planes, sumsAt, cbAt, crAt, colourAt, rgbAt })
    for (let strip = 0; strip < strips; strip++) {
      const parts = planes.map(({ at, step }, index) => ({ at: at + strip * components[index]!.down * 8 * step, step }))
      if (!scan.read(parts)) return undefined
      // The last row of a strip looks at the strip below it.
      colour(strip === strips - 1 ? height : (strip + 1) * luma.down * 8 - (luma.down === 2 ? 1 : 0))
    }
    if (!scan.ended()) return undefined
    return { width, height, rgb: all.subarray(rgbAt, rgbAt + width * height * 3) }
  })
}

type Rows = {
  width: number
  height: number
  luma: JpegComponent
  planes: Plane[]
  sumsAt: number
  cbAt: number
  crAt: number
  colourAt: number
  rgbAt: number
}

/** Answers what turns planes into RGB, from where it was left to before a row. */
function colourRows(wasm: PhotoKernel, rows: Rows): (stop: number) => void {
  const { width, height, luma, planes, sumsAt, cbAt, crAt, colourAt, rgbAt } = rows
  const [y, cb, cr] = planes as [Rows['planes'][0], ...Rows['planes']]
  const chromaWidth = Math.ceil(width / luma.across)
  const chromaHeight = Math.ceil(height / luma.down)
  const chroma = (plane: Plane, row: number, to: number) => {
    const rowAt = (index: number) => plane.at + Math.max(0, Math.min(chromaHeight - 1, index)) * plane.step
    if (luma.across === 1) wasm.widen(rowAt(row), chromaWidth, to)
    else if (luma.down === 1) wasm.upsampleAcross(rowAt(row), chromaWidth, sumsAt, to)
    else wasm.upsampleBoth(rowAt(row >> 1), rowAt((row >> 1) + (row & 1 ? 1 : -1)), chromaWidth, sumsAt, to)
  }
  let row = 0
  return (stop) => {
    for (; row < stop; row++) {
      const lumaAt = y.at + row * y.step
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
