import { newPhotoKernel, takeFrom, type PhotoKernel, type Take } from './photo.ts'

/** How an image is filtered along one side. */
export type SidePlan = {
  /** Pixels of the side. */
  length: number
  window: number
  /** How many samples a window reaches ahead of its own, itself included. */
  ahead: number
  /** True count of samples in the window around each place. */
  counts: Float32Array
  /** The 64 places that are kept, ascending. */
  samples: Int32Array
}

export type Reduced = {
  luma64: Float32Array
  dct16: Float32Array
  /** Sum of quantised gradients. */
  gradients: number
}

const block = 16
const side = 64
const rowBytes = side * 4
/** Five vectors: where the bytes of four RGB pixels go to become words, the lowest byte of each word, and three weights. */
const lumaConstants = new Uint8Array(80)
lumaConstants.set([0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255])
new Uint32Array(lumaConstants.buffer, 16, 4).fill(255)
for (const [at, weight] of [0.299, 0.587, 0.114].entries())
  new Float32Array(lumaConstants.buffer, 32 + at * 16, 4).fill(weight)

let kernel: PhotoKernel | undefined

/** What filters pixels that lie elsewhere, or undefined where WebAssembly with SIMD is missing. */
const pixelKernel = () => (kernel ??= newPhotoKernel())

/**
 * All stages of PDQ for interleaved RGB: box filter along rows and columns, twice, 64 x 64 samples, DCT and gradients.
 * `matrix` is the 16 x 64 DCT matrix. Memory is the window and a strip, not the image. Undefined where WebAssembly with
 * SIMD is missing: the readable twin answers the same, slower.
 */
export function reduceInWasm(
  rgb: Uint8Array,
  columns: SidePlan,
  rows: SidePlan,
  matrix: Float32Array,
): Reduced | undefined {
  const wasm = pixelKernel()
  if (wasm === undefined) return undefined
  const width = columns.length
  const take = takeFrom(wasm, 0)
  const rgbAt = take(block * width * 3 + 16)
  const constantsAt = take(lumaConstants.length)
  const reduceStrips = prepareReduction(wasm, take, columns, rows)
  const bytes = new Uint8Array(wasm.memory.buffer)
  bytes.set(lumaConstants, constantsAt)
  return reduceStrips(matrix, (strip, lanesAt) => {
    const from = strip * block
    bytes.set(rgb.subarray(from * width * 3, Math.min(rows.length, from + block) * width * 3), rgbAt)
    for (let lane = 0; lane < block; lane += 4)
      wasm.lumaRgb4(rgbAt + lane * width * 3, width * 3, width, lanesAt + lane * 4, constantsAt)
    return true
  })
}

/**
 * Writes luma of the next 16 rows into lanes, see pdq-reduce.as; up to four columns more than there are, and anything in
 * rows that are not there. Answers whether there was any.
 */
export type FillLanes = (strip: number, lanesAt: number) => boolean

/**
 * Takes the memory that a reduction needs. What it answers, called once, asks for luma strip by strip and answers all
 * stages, or undefined where a strip is missing. `alternate`: lanes hold even rows and then odd rows.
 */
export function prepareReduction(
  wasm: PhotoKernel,
  take: Take,
  columns: SidePlan,
  rows: SidePlan,
  alternate = false,
): (matrix: Float32Array, fill: FillLanes) => Reduced | undefined {
  const width = columns.length
  const height = rows.length
  const stride = 16 * Math.ceil(width / 4)
  const ringRows = block * Math.ceil((rows.window + 2 * block) / block)
  const blocks = Math.ceil(height / block)
  const lanesBytes = (columns.window + columns.ahead + 8) * 64 + 16 * stride

  const stages = takeStages(take)
  const columnCountsAt = take(stride + 16)
  const rowCountsAt = take((blocks + 1) * block * 4)
  const columnsAt = take(side * 4)
  const samplesAt = take(side * 4)
  const pointersAt = take(32)
  // Zeros in front of and behind the lanes are what enters and leaves beyond the ends of a row.
  const lanesFrom = take(lanesBytes)
  const lanesAt = lanesFrom + columns.window * 64
  const turnedLanesFrom = take(lanesBytes)
  const turnedLanesAt = turnedLanesFrom + columns.window * 64
  const zerosAt = take(stride)
  const sumsAt = take(stride)
  const narrowFrom = take((rows.window + rows.ahead + blocks * block) * rowBytes)
  const narrowAt = narrowFrom + rows.window * rowBytes
  const ringAt = take(ringRows * stride)

  return (matrix, fill) => {
    const bytes = new Uint8Array(wasm.memory.buffer)
    for (const from of [lanesFrom, turnedLanesFrom]) {
      bytes.fill(0, from, from + columns.window * 64)
      bytes.fill(0, from + (columns.window + width) * 64, from + lanesBytes)
    }
    bytes.fill(0, zerosAt, narrowAt)
    new Float32Array(wasm.memory.buffer, columnCountsAt).set(columns.counts)
    new Float32Array(wasm.memory.buffer, rowCountsAt).set(rows.counts)
    new Int32Array(wasm.memory.buffer, columnsAt).set(columns.samples)
    new Int32Array(wasm.memory.buffer, samplesAt).set(rows.samples)
    const pointers = new Uint32Array(wasm.memory.buffer, pointersAt, 8)

    const rowAt = (row: number) => (row < 0 || row >= height ? zerosAt : ringAt + (row % ringRows) * stride)
    /** What is computed beyond the width is not there. */
    const clearTail = (lanes: number) =>
      width % 4 === 0 ? bytes : bytes.fill(0, lanes + width * 64, lanes + (width + 4) * 64)

    let read = 0
    const readTo = (row: number) => {
      for (; read <= row && read < height; read += block) {
        if (!fill(read / block, lanesAt)) return false
        clearTail(lanesAt)
        wasm.boxRows16(
          lanesAt,
          width,
          columns.window,
          columns.ahead,
          columnCountsAt,
          ringAt + (read % ringRows) * stride,
          stride,
          alternate ? 1 : 0,
        )
      }
      return true
    }
    if (!readTo(Math.max(0, rows.ahead - 2))) return undefined
    for (let row = 0; row < Math.min(height, rows.ahead - 1); row++) wasm.addRow(sumsAt, rowAt(row), stride)
    for (let row = 0; row < height; row += block) {
      for (let lane = 0; lane < block; lane += 4) {
        if (!readTo(row + lane + 3 + rows.ahead - 1)) return undefined
        for (let step = 0; step < 4; step++) {
          const enters = row + lane + step + rows.ahead - 1
          pointers[step] = rowAt(enters)
          pointers[4 + step] = rowAt(enters - rows.window)
        }
        wasm.slide4(sumsAt, pointersAt, rowCountsAt + (row + lane) * 4, stride, turnedLanesAt + lane * 4)
      }
      clearTail(turnedLanesAt)
      wasm.sampleRows16(
        turnedLanesAt,
        columns.window,
        columns.ahead,
        columnsAt,
        columnCountsAt,
        narrowAt + row * rowBytes,
      )
    }
    bytes.fill(0, narrowAt + height * rowBytes, narrowAt + (height + rows.ahead) * rowBytes)
    wasm.sampleColumns(narrowAt, rows.window, rows.ahead, samplesAt, rowCountsAt, stages.luma64)
    return finish(wasm, stages, matrix)
  }
}

/** DCT and gradients of 64 x 64 luma. Undefined where WebAssembly with SIMD is missing. */
export function transformInWasm(luma64: Float32Array, matrix: Float32Array): Reduced | undefined {
  const wasm = pixelKernel()
  if (wasm === undefined) return undefined
  const stages = takeStages(takeFrom(wasm, 0))
  new Float32Array(wasm.memory.buffer, stages.luma64).set(luma64)
  return finish(wasm, stages, matrix)
}

type Stages = ReturnType<typeof takeStages>
const takeStages = (take: Take) => ({
  luma64: take(side * rowBytes + 16),
  matrix: take(16 * rowBytes),
  turned: take(16 * rowBytes),
  half: take(16 * rowBytes),
  out: take(16 * 64),
})

function finish(wasm: PhotoKernel, stages: Stages, matrix: Float32Array): Reduced {
  const floats = new Float32Array(wasm.memory.buffer)
  floats.set(matrix, stages.matrix / 4)
  for (let row = 0; row < 16; row++)
    for (let at = 0; at < side; at++) floats[stages.turned / 4 + at * 16 + row] = matrix[row * side + at]!
  wasm.dct(stages.luma64, stages.matrix, stages.turned, stages.half, stages.out)
  return {
    luma64: floats.slice(stages.luma64 / 4, stages.luma64 / 4 + side * side),
    dct16: floats.slice(stages.out / 4, stages.out / 4 + 256),
    gradients: wasm.gradients(stages.luma64),
  }
}
