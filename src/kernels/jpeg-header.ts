// The headers of ordinary JPEG files: sequential, Huffman, 8 bits, one scan, grey or YCbCr at 4:4:4, 4:2:2 or 4:2:0
// (ITU-T T.81, 1992).

/** Larger pictures are left to decoders that need less memory. */
export const jpegPixelsMax = 16_000_000

export type JpegComponent = { id: number; across: number; down: number; quantiser: number; dc: number; ac: number }
export type JpegHeader = {
  width: number
  height: number
  components: JpegComponent[]
  /** Quantisers in zigzag order. */
  quantisers: (Uint16Array | undefined)[]
  /** Counts of codes by length (1 to 16), then the symbols, as in the file: four for DC, four for AC. */
  tables: (Uint8Array | undefined)[]
  restartMcus: number
  /** Where the entropy-coded bytes begin. */
  dataAt: number
}

/** What precedes the scan of a JPEG file that jpeg-scan.ts can read; undefined for any other. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined
  let frame: Pick<JpegHeader, 'width' | 'height' | 'components'> | undefined
  const quantisers: JpegHeader['quantisers'] = []
  const tables: JpegHeader['tables'] = []
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

function isYCbCr(components: readonly JpegComponent[], jfif: boolean, adobe: number | undefined): boolean {
  if (adobe !== undefined) return adobe === 1
  return jfif || components.every(({ id }, index) => id === index + 1)
}

function readFrame(
  view: DataView,
  from: number,
  end: number,
): Pick<JpegHeader, 'width' | 'height' | 'components'> | undefined {
  if (end - from < 6 || view.getUint8(from) !== 8) return undefined
  const [height, width, count] = [view.getUint16(from + 1), view.getUint16(from + 3), view.getUint8(from + 5)]
  if ((count !== 1 && count !== 3) || end - from !== 6 + 3 * count) return undefined
  if (width === 0 || height === 0 || width * height > jpegPixelsMax) return undefined
  const components = Array.from({ length: count }, (_, index): JpegComponent => {
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
  const [luma, ...chroma] = components as [JpegComponent, ...JpegComponent[]]
  // The blocks of a single component follow each other row by row, whatever its factors say.
  if (count === 1) return { width, height, components: [{ ...luma, across: 1, down: 1 }] }
  const known = (luma.across === 1 || luma.across === 2) && (luma.down === 1 || (luma.down === 2 && luma.across === 2))
  if (!known || chroma.some(({ across, down }) => across !== 1 || down !== 1)) return undefined
  // So narrow pictures are not smoothed by libjpeg.
  if (luma.across === 2 && width <= 4) return undefined
  return { width, height, components }
}

/** Fills in which tables the components use; whether the scan is the only one and in order. */
function readScan(bytes: Uint8Array, from: number, end: number, components: JpegComponent[]): boolean {
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
