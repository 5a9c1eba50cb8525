// One WebAssembly module decodes JPEG files (jpeg.as, jpeg-colour.as) and filters pictures for PDQ (pdq-reduce.as), so
// that a photo can be hashed in the memory that it was decoded into. jpeg.as says how to build it.

import { photoWasm } from './photo.wasm.ts'
import { growTo, instanceOf, moduleOf } from './compiled.ts'

/** See jpeg.as, jpeg-colour.as and pdq-reduce.as. */
export type PhotoKernel = {
  memory: WebAssembly.Memory
  ended: WebAssembly.Global<'i32'>
  unstuff: (from: number, stop: number, to: number, starts: number, most: number) => number
  seek: (start: number) => void
  rest: (end: number) => number
  readMcus: (
    count: number,
    components: number,
    componentCount: number,
    blocks: number,
    places: number,
    constants: number,
    upright: number,
  ) => number
  upsampleBoth: (nearer: number, farther: number, count: number, sums: number, to: number) => void
  upsampleAcross: (row: number, count: number, sums: number, to: number) => void
  widen: (row: number, count: number, to: number) => void
  colourRow: (luma: number, cb: number, cr: number, width: number, to: number, constants: number) => void
  greyRow: (luma: number, width: number, to: number, constants: number) => void
  lumaColumns: (
    luma: number,
    cb: number,
    cr: number,
    above: number,
    below: number,
    crFromCb: number,
    count: number,
    lanes: number,
    constants: number,
  ) => void
  lumaRgb4: (rgb: number, rgbStride: number, width: number, lanes: number, constants: number) => void
  boxRows16: (
    lanes: number,
    width: number,
    window: number,
    ahead: number,
    counts: number,
    out: number,
    stride: number,
    alternate: number,
  ) => void
  addRow: (sums: number, row: number, stride: number) => void
  slide4: (sums: number, rows: number, counts: number, stride: number, lanes: number) => void
  sampleRows16: (lanes: number, window: number, ahead: number, columns: number, counts: number, out: number) => void
  sampleColumns: (rows: number, window: number, ahead: number, samples: number, counts: number, luma64: number) => void
  dct: (luma64: number, matrix: number, turned: number, half: number, out: number) => void
  gradients: (luma64: number) => number
}

/** Where the next so many bytes of a kernel's memory begin, aligned to 16, once there are so many. */
export type Take = (bytes: number) => number

const compiled = moduleOf(photoWasm)

/** A kernel with a memory of its own, or undefined where WebAssembly with SIMD is missing. */
export function newPhotoKernel(): PhotoKernel | undefined {
  const module = compiled()
  return module === undefined ? undefined : instanceOf<PhotoKernel>(module)
}

/** Shares out a kernel's memory from a place on. What grows the memory detaches every view of it: take first, view later. */
export function takeFrom(kernel: PhotoKernel, start: number): Take {
  let end = start
  return (bytes) => {
    const at = end
    end += 16 * Math.ceil(bytes / 16)
    growTo(kernel.memory, end)
    return at
  }
}
