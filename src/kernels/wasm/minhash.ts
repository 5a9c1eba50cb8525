import { minhashWasm } from './minhash.wasm.ts'
import { instanceOf, moduleOf } from './compiled.ts'

type Exports = {
  memory: WebAssembly.Memory
  minhash: (hashes: number, count: number, factors: number, terms: number, rows: number, out: number) => void
}

const compiled = moduleOf(minhashWasm)

/** Makes a signature of a sketch: `minhashOf` for these rows. */
export type MinhashRows = (sketch: Uint32Array) => Int32Array

/**
 * The fast twin of `minhashOf` for a multiple of four rows and sketches of up to `hashesMax`; undefined where
 * WebAssembly with SIMD is missing.
 */
export function createMinhashRows(factors: Int32Array, terms: Int32Array, hashesMax: number): MinhashRows | undefined {
  const module = compiled()
  if (module === undefined) return undefined
  const wasm = instanceOf<Exports>(module)
  const rows = factors.length
  const words = new Int32Array(wasm.memory.buffer)
  words.set(factors, 0)
  words.set(terms, rows)
  const out = 2 * rows
  const hashes = 3 * rows
  if (rows % 4 !== 0 || hashes + hashesMax > words.length) throw new RangeError('The rows do not fit')
  return (sketch) => {
    words.set(sketch, hashes)
    wasm.minhash(4 * hashes, sketch.length, 0, 4 * rows, rows, 4 * out)
    return words.slice(out, out + rows)
  }
}
