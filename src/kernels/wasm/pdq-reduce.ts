import { pdqReduceWasm } from './pdq-reduce.wasm.ts'

type Exports = {
  memory: WebAssembly.Memory
  boxRgb4: (
    rgb: number,
    rgbStride: number,
    width: number,
    window: number,
    counts: number,
    lanes: number,
    out: number,
    stride: number,
  ) => void
  boxRows4: (rows: number, stride: number, width: number, window: number, lanes: number) => void
  sample4: (sums: number, counts: number, columns: number, out: number) => void
  slide: (sums: number, enters: number, leaves: number, count: number, averages: number, stride: number) => void
}

/** How one image is filtered: window and true counts along rows and columns, and the 64 columns that are sampled. */
export type ReducePlan = {
  width: number
  height: number
  rowWindow: number
  rowCounts: Float32Array
  window: number
  /** How many rows a window reaches ahead of its own, itself included. */
  ahead: number
  counts: Float32Array
  columns: Int32Array
}

const pageBytes = 65_536
let loaded: Exports | undefined | false

function load(): Exports | undefined {
  if (loaded === undefined)
    try {
      const bytes = Uint8Array.from(atob(pdqReduceWasm), (char) => char.charCodeAt(0))
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { abort: () => {} } })
      loaded = exports as unknown as Exports
    } catch {
      // A runtime without SIMD: the readable twin answers the same, slower.
      loaded = false
    }
  return loaded === false ? undefined : loaded
}

/**
 * Both row passes and the first column pass of PDQ's filter: 64 sampled columns for each row of the image, in rows of
 * 64. Undefined where WebAssembly with SIMD is missing.
 */
export function reduceRows(rgb: Uint8Array, plan: ReducePlan): Float32Array | undefined {
  const wasm = load()
  if (wasm === undefined) return undefined
  const { width, height, window, ahead } = plan
  const stride = 16 * Math.ceil(width / 4)
  const ringRows = 4 * Math.ceil((window + 8) / 4)

  let end = 0
  const take = (bytes: number) => {
    const at = end
    end += 16 * Math.ceil(bytes / 16)
    return at
  }
  const rgbAt = take(4 * width * 3 + 16)
  const rowCountsAt = take(stride)
  const columnsAt = take(256)
  const lanesAt = take(8 * stride)
  const ringAt = take(ringRows * stride)
  const zerosAt = take(stride)
  const sumsAt = take(stride)
  const averagesAt = take(4 * stride)
  const narrowAt = take(4 * 256)
  if (wasm.memory.buffer.byteLength < end)
    wasm.memory.grow(Math.ceil((end - wasm.memory.buffer.byteLength) / pageBytes))
  const bytes = new Uint8Array(wasm.memory.buffer)
  const floats = new Float32Array(wasm.memory.buffer)
  // What another image left behind must not be read: rows beyond the last, and padding.
  bytes.fill(0, rgbAt, end)
  floats.set(plan.rowCounts, rowCountsAt / 4)
  new Int32Array(wasm.memory.buffer).set(plan.columns, columnsAt / 4)

  const narrow = new Float32Array(4 * Math.ceil(height / 4) * 64)
  const rowAt = (row: number) => ringAt + (row % ringRows) * stride
  let read = 0
  const readTo = (row: number) => {
    for (; read <= row && read < height; read += 4) {
      bytes.set(rgb.subarray(read * width * 3, Math.min(height, read + 4) * width * 3), rgbAt)
      wasm.boxRgb4(rgbAt, width * 3, width, plan.rowWindow, rowCountsAt, lanesAt, rowAt(read), stride)
    }
  }
  for (let row = 0; row < ahead - 1; row++) {
    readTo(row)
    if (row < height) wasm.slide(sumsAt, rowAt(row), zerosAt, 1, averagesAt, stride)
  }
  for (let row = 0; row < height; row++) {
    readTo(row + ahead - 1)
    const enters = row + ahead <= height ? rowAt(row + ahead - 1) : zerosAt
    const leaves = row + ahead > window ? rowAt(row + ahead - window - 1) : zerosAt
    wasm.slide(sumsAt, enters, leaves, plan.counts[row]!, averagesAt + (row & 3) * stride, stride)
    if ((row & 3) === 3 || row === height - 1) {
      wasm.boxRows4(averagesAt, stride, width, plan.rowWindow, lanesAt)
      wasm.sample4(lanesAt + 4 * stride, rowCountsAt, columnsAt, narrowAt)
      narrow.set(floats.subarray(narrowAt / 4, narrowAt / 4 + 256), (row & ~3) * 64)
    }
  }
  return narrow
}
