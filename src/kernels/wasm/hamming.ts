import { hammingWasm } from './hamming.wasm.ts'
import { moduleOf } from './compiled.ts'

/** What hamming.as and its plain twin can do with one memory; hamming.as says what. Places are bytes in that memory. */
export type HammingFunctions = {
  ask: (a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number) => void
  place: (hashesAt: number, keysAt: number, slotsAt: number, tablesAt: number, listed: number) => void
  scan: (base: number, from: number, to: number, radius: number) => void
  search: (nearest: number, pair: number, radius: number, readsMax: number, checksMax: number) => number
  pairUp: (
    from: number,
    to: number,
    table: number,
    slotMask: number,
    twins: number,
    leaders: number,
    firsts: number,
  ) => number
  count: (from: number, to: number, twins: number, counts: number) => void
  deal: (chunk: number, from: number, to: number, twins: number, cursors: number, low: number, high: number) => void
  tally: (from: number, to: number, counts: number) => void
  settle: (chunk: number, from: number, to: number, cursors: number) => void
}

const pageBytes = 65_536
const pagesMax = 65_536
const compiled = moduleOf(hammingWasm)

/** The compiled functions over a shared memory; undefined where WebAssembly lacks SIMD or threads. */
export function hammingOver(
  memory: WebAssembly.Memory,
  hit: (entry: number, distance: number) => void,
): HammingFunctions | undefined {
  const module = compiled()
  if (module === undefined) return undefined
  const { exports } = new WebAssembly.Instance(module, {
    env: { memory, abort: () => {}, hit: (entry: number, distance: number) => hit(entry >>> 0, distance) },
  })
  return exports as unknown as HammingFunctions
}

/** Memory for `hammingOver` of at least so many bytes, all zero, that may later grow. Throws a RangeError without room. */
export function sharedMemory(bytes: number, bytesMax = bytes): WebAssembly.Memory {
  const pages = (size: number) => Math.max(1, Math.ceil(size / pageBytes))
  if (pages(bytesMax) > pagesMax) throw new RangeError(`A memory holds at most 4 GiB, not ${bytesMax} bytes`)
  return new WebAssembly.Memory({ initial: pages(bytes), maximum: pages(bytesMax), shared: true })
}
