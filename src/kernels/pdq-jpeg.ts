// PDQ of ordinary JPEG photos straight from the decoder: strips of samples become luma while they are in the processor's
// caches, and no picture is written.

import { readJpegHeader } from './jpeg-header.ts'
import { openScan, scanReservedBytes } from './jpeg-scan.ts'
import { colourConstants, jpegKernel, unlessOutOfBounds } from './jpeg.ts'
import { pdqSideMin, preparePdq, type PdqStages } from './pdq.ts'
import { takeFrom } from './wasm/photo.ts'

export type JpegStages = { width: number; height: number; stages: PdqStages }

const stripRows = 16

/**
 * The stages of PDQ at full resolution, the same as those of the pixels that `decodeJpeg` answers. For YCbCr with chroma
 * at half the width and height (4:2:0), as cameras and phones write it; undefined for everything else, and for what
 * `decodeJpeg` refuses.
 */
export function pdqStagesOfJpeg(bytes: Uint8Array): JpegStages | undefined {
  const header = readJpegHeader(bytes)
  if (header === undefined) return undefined
  const { width, height, components } = header
  const [luma, ...chroma] = components
  if (luma?.across !== 2 || luma.down !== 2 || chroma.length !== 2) return undefined
  if (width < pdqSideMin || height < pdqSideMin || (width === 64 && height === 64)) return undefined
  const kernel = jpegKernel()
  if (kernel === undefined) return undefined

  const mcusAcross = Math.ceil(width / stripRows)
  const chromaBytes = mcusAcross * 64
  const chromaWidth = Math.ceil(width / 2)
  const chromaHeight = Math.ceil(height / 2)
  const take = takeFrom(kernel, scanReservedBytes)
  const colourAt = take(colourConstants.length)
  // A strip can be coloured when the one below it is there, and needs the one above.
  const lumaAt = [take(mcusAcross * 256), take(mcusAcross * 256)]
  const chromaAt = [take(2 * chromaBytes), take(2 * chromaBytes), take(2 * chromaBytes)]
  const hash = preparePdq(kernel, take, width, height)
  return unlessOutOfBounds(() => {
    const scan = openScan(kernel, take, bytes, header, false)
    if (scan === undefined) return undefined
    const all = new Uint8Array(kernel.memory.buffer)
    all.set(colourConstants, colourAt)
    const lumaOf = (strip: number) => lumaAt[strip % 2]!
    const chromaOf = (strip: number) => chromaAt[(strip + 3) % 3]!
    /** Repeats a row of chroma where there is no more. Columns are 8 bytes. */
    const repeat = (fromAt: number, toAt: number) => {
      for (let at = 0; at < 2 * chromaBytes; at += 8) all[toAt + at] = all[fromAt + at]!
    }
    const last = scan.strips - 1
    let read = 0
    const stages = hash((strip, lanesAt) => {
      for (; read <= Math.min(strip + 1, last); read++) {
        const cbAt = chromaOf(read)
        const planes = [
          { at: lumaOf(read), step: 16 },
          { at: cbAt, step: 8 },
          { at: cbAt + chromaBytes, step: 8 },
        ]
        if (!scan.read(planes)) return false
      }
      const [above, own, below] = [chromaOf(strip - 1), chromaOf(strip), chromaOf(strip + 1)]
      if (strip === 0) repeat(own, above + 7)
      if (strip === last) {
        const row = (chromaHeight - 1) % 8
        repeat(own + row, row === 7 ? below : own + row + 1)
      }
      kernel.lumaColumns(
        lumaOf(strip),
        own,
        own + chromaBytes,
        above,
        below,
        chromaBytes,
        chromaWidth,
        lanesAt,
        colourAt,
      )
      return true
    })
    return stages === undefined || !scan.ended() ? undefined : { width, height, stages }
  })
}
