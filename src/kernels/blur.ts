import { blurWasm } from './wasm/blur.wasm.ts'
import { growTo, instanceOf, moduleOf } from './wasm/compiled.ts'

/** Which of two implementations computes; their results are the same to the bit. */
export type BlurEngine = 'wasm' | 'typescript'
export type Plane = { pixels: Float32Array; width: number; height: number }

const f = Math.fround

/** Gaussian blur by a standard deviation in pixels, along rows and then columns; a picture goes on as it ends. */
export function blurred(from: Plane, deviation: number, engine: BlurEngine = 'wasm'): Plane {
  const reach = Math.max(1, Math.ceil(deviation * 3))
  const weights = weightsOf(deviation, reach)
  const wasm = engine === 'wasm' ? load() : undefined
  return wasm === undefined ? blurPlain(from, weights, reach) : blurFast(wasm, from, weights, reach)
}

function weightsOf(deviation: number, reach: number): Float32Array {
  const weights = Float64Array.from({ length: reach + 1 }, (_, at) =>
    Math.exp(-(at * at) / (2 * deviation * deviation)),
  )
  const sum = 2 * weights.reduce((total, weight) => total + weight, 0) - weights[0]!
  return Float32Array.from(weights, (weight) => weight / sum)
}

function blurPlain({ pixels, width, height }: Plane, weights: Float32Array, reach: number): Plane {
  const rows = new Float32Array(width * height)
  const padded = new Float32Array(width + 2 * reach)
  for (let y = 0; y < height; y++) {
    const row = y * width
    padded.fill(pixels[row]!, 0, reach)
    padded.set(pixels.subarray(row, row + width), reach)
    padded.fill(pixels[row + width - 1]!, reach + width)
    for (let x = 0; x < width; x++) {
      let sum = f(weights[0]! * padded[x + reach]!)
      for (let at = 1; at <= reach; at++)
        sum = f(sum + f(weights[at]! * f(padded[x + reach - at]! + padded[x + reach + at]!)))
      rows[row + x] = sum
    }
  }
  const out = new Float32Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = f(weights[0]! * rows[y * width + x]!)
      for (let at = 1; at <= reach; at++)
        sum = f(
          sum +
            f(
              weights[at]! *
                f(rows[Math.max(0, y - at) * width + x]! + rows[Math.min(height - 1, y + at) * width + x]!),
            ),
        )
      out[y * width + x] = sum
    }
  return { pixels: out, width, height }
}

type Exports = {
  memory: WebAssembly.Memory
  blur: (
    from: number,
    to: number,
    rows: number,
    padded: number,
    width: number,
    height: number,
    stride: number,
    weights: number,
    reach: number,
  ) => void
}
const compiled = moduleOf(blurWasm)
let loaded: Exports | undefined

function load(): Exports | undefined {
  const module = compiled()
  if (module !== undefined) loaded ??= instanceOf(module)
  return loaded
}

function blurFast(wasm: Exports, { pixels, width, height }: Plane, weights: Float32Array, reach: number): Plane {
  const stride = 16 * Math.ceil(width / 4)
  const plane = stride * height
  const paddedBytes = stride + 16 * Math.ceil((2 * reach + 8) / 4)
  const weightsAt = 0
  const paddedAt = 16 * Math.ceil((reach + 1) / 4)
  const fromAt = paddedAt + paddedBytes
  const end = fromAt + 3 * plane
  growTo(wasm.memory, end)
  const floats = new Float32Array(wasm.memory.buffer)
  floats.set(weights, weightsAt / 4)
  for (let y = 0; y < height; y++) floats.set(pixels.subarray(y * width, (y + 1) * width), (fromAt + y * stride) / 4)
  wasm.blur(fromAt, fromAt + plane, fromAt + 2 * plane, paddedAt, width, height, stride, weightsAt, reach)
  const out = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    const at = (fromAt + plane + y * stride) / 4
    out.set(floats.subarray(at, at + width), y * width)
  }
  return { pixels: out, width, height }
}
