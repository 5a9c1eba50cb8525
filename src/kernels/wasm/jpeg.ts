import { jpegWasm } from './jpeg.wasm.ts'

/** See jpeg.as. */
export type JpegExports = {
  memory: WebAssembly.Memory
  ended: WebAssembly.Global<'i32'>
  unstuff: (from: number, stop: number, to: number, starts: number, most: number) => number
  seek: (start: number) => void
  rest: (end: number) => number
  readMcus: (count: number, components: number, componentCount: number, block: number, constants: number) => number
  upsampleBoth: (nearer: number, farther: number, count: number, sums: number, to: number) => void
  upsampleAcross: (row: number, count: number, sums: number, to: number) => void
  widen: (row: number, count: number, to: number) => void
  colourRow: (luma: number, cb: number, cr: number, width: number, to: number, constants: number) => void
  greyRow: (luma: number, width: number, to: number, constants: number) => void
}

let loaded: JpegExports | undefined | false

/** The compiled decoder, or undefined where WebAssembly with SIMD is missing. */
export function loadJpeg(): JpegExports | undefined {
  if (loaded === undefined)
    try {
      const bytes = Uint8Array.from(atob(jpegWasm), (char) => char.charCodeAt(0))
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { abort: () => {} } })
      loaded = exports as unknown as JpegExports
    } catch {
      loaded = false
    }
  return loaded === false ? undefined : loaded
}
