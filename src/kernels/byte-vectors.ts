// Vectors of signed bytes side by side, and their cosine distances. Only directions count, so that eight bits a dimension
// lose next to nothing (a few 1e-5 of cosine at 384 dimensions) and take a quarter of the memory. Sums are integers: the
// plain code and its compiled twin in wasm/byte-dots.as agree in every bit.

import { byteDotsWasm } from './wasm/byte-dots.wasm.ts'
import { instanceOf, moduleOf } from './wasm/compiled.ts'

/** Vectors by slot: whole numbers from 0. */
export type ByteVectors = {
  /** Room is made as needed. Throws a RangeError beyond 4 GiB. */
  set: (slot: number, vector: Int8Array) => void
  /** A copy. */
  get: (slot: number) => Int8Array
  /** What the next distances are from. */
  ask: (vector: Int8Array) => void
  askSlot: (slot: number) => void
  /** Cosine distances (0 the same direction, 2 the opposite) of the first `count` slots of `list`, into `out`. */
  distances: (list: Int32Array, count: number, out: Float64Array) => void
  /** The same for `count` slots that follow each other. */
  scan: (from: number, count: number, out: Float64Array) => void
  /** The distance of two slots. */
  between: (a: number, b: number) => number
  bytes: () => number
}

export const dimensionsMax = 8_192
/** Compiled code is given so many slots in one call. */
const batch = 1_024
/** Smaller sets stay plain: each compiled one reserves address space, and there may be many. */
const plainMax = 1_024

type Dots = {
  memory: WebAssembly.Memory
  dots: (query: number, vectors: number, length: number, list: number, count: number, out: number) => void
  scan: (query: number, vectors: number, length: number, count: number, out: number) => void
  pair: (a: number, b: number, length: number) => number
}
const listAt = 2 * dimensionsMax
const outAt = listAt + 4 * batch
const vectorsAt = outAt + 4 * batch

/** No vectors yet. `plain` keeps away from compiled code. Throws a RangeError for other than 1 to 8192 dimensions. */
export function createByteVectors(dimensions: number, { plain = false } = {}): ByteVectors {
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > dimensionsMax)
    throw new RangeError(`Vectors must have 1 to ${dimensionsMax} dimensions, not ${dimensions}`)
  // Zeros at the end change no sum.
  const length = (dimensions + 15) & ~15
  let capacity = 64
  let vectors = new Int8Array(capacity * length)
  let inverse = new Float64Array(capacity)
  const query = new Int8Array(length)
  let queryInverse = 0
  let wasm: Dots | undefined
  let list = new Int32Array(0)
  let sums = new Int32Array(0)
  let wide = new Int16Array(0)

  const view = (dots: Dots) => {
    vectors = new Int8Array(dots.memory.buffer, vectorsAt, capacity * length)
    list = new Int32Array(dots.memory.buffer, listAt, batch)
    sums = new Int32Array(dots.memory.buffer, outAt, batch)
    wide = new Int16Array(dots.memory.buffer, 0, length)
  }
  const grow = (slots: number) => {
    while (capacity < slots) capacity *= 2
    const before = inverse
    inverse = new Float64Array(capacity)
    inverse.set(before)
    const compiled = wasm ?? (plain || capacity <= plainMax ? undefined : load())
    if (compiled === undefined) {
      const old = vectors
      vectors = new Int8Array(capacity * length)
      vectors.set(old)
      return
    }
    const old = wasm === undefined ? vectors : undefined
    const pages = Math.ceil((vectorsAt + capacity * length) / 65_536) - compiled.memory.buffer.byteLength / 65_536
    if (pages > 0) compiled.memory.grow(pages)
    wasm = compiled
    view(compiled)
    if (old !== undefined) vectors.set(old)
  }
  const distanceOf = (sum: number, slot: number) => 1 - sum * (inverse[slot]! * queryInverse)
  const plainSum = (a: Int8Array, from: number, b: Int8Array, other: number) => {
    let sum = 0
    for (let at = 0; at < length; at++) sum += a[from + at]! * b[other + at]!
    return sum
  }
  const setQuery = (norm: number) => {
    queryInverse = norm
    if (wasm !== undefined) wide.set(query)
  }

  return {
    set(slot, vector) {
      const norm = inverseNorm(vector, dimensions)
      if (slot >= capacity) grow(slot + 1)
      vectors.fill(0, slot * length, (slot + 1) * length)
      vectors.set(vector, slot * length)
      inverse[slot] = norm
    },
    get: (slot) => vectors.slice(slot * length, slot * length + dimensions),
    ask(vector) {
      const norm = inverseNorm(vector, dimensions)
      query.fill(0)
      query.set(vector)
      setQuery(norm)
    },
    askSlot(slot) {
      query.set(vectors.subarray(slot * length, (slot + 1) * length))
      setQuery(inverse[slot]!)
    },
    distances(slots, count, out) {
      if (wasm === undefined) {
        for (let at = 0; at < count; at++)
          out[at] = distanceOf(plainSum(query, 0, vectors, slots[at]! * length), slots[at]!)
        return
      }
      for (let from = 0; from < count; from += batch) {
        const many = Math.min(batch, count - from)
        for (let at = 0; at < many; at++) list[at] = slots[from + at]!
        wasm.dots(0, vectorsAt, length, listAt, many, outAt)
        for (let at = 0; at < many; at++) out[from + at] = distanceOf(sums[at]!, slots[from + at]!)
      }
    },
    scan(first, count, out) {
      if (wasm === undefined) {
        for (let at = 0; at < count; at++)
          out[at] = distanceOf(plainSum(query, 0, vectors, (first + at) * length), first + at)
        return
      }
      for (let from = 0; from < count; from += batch) {
        const many = Math.min(batch, count - from)
        wasm.scan(0, vectorsAt + (first + from) * length, length, many, outAt)
        for (let at = 0; at < many; at++) out[from + at] = distanceOf(sums[at]!, first + from + at)
      }
    },
    between(a, b) {
      const sum =
        wasm === undefined
          ? plainSum(vectors, a * length, vectors, b * length)
          : wasm.pair(vectorsAt + a * length, vectorsAt + b * length, length)
      return 1 - sum * (inverse[a]! * inverse[b]!)
    },
    bytes: () => (wasm === undefined ? vectors.byteLength : wasm.memory.buffer.byteLength) + inverse.byteLength,
  }
}

/**
 * Cosine distance of two vectors of equal length: 0 the same direction, 2 the opposite. Throws a RangeError for vectors
 * of other lengths, and for one without direction.
 */
export function vectorDistance(left: Int8Array, right: Int8Array): number {
  if (left.length !== right.length)
    throw new RangeError(`Vectors of ${left.length} and ${right.length} dimensions cannot be compared`)
  let sum = 0
  for (let at = 0; at < left.length; at++) sum += left[at]! * right[at]!
  return bounded(1 - sum * (inverseNorm(left, left.length) * inverseNorm(right, right.length)))
}

/** A distance without what rounding added at either end. */
export const bounded = (distance: number): number => Math.min(2, Math.max(0, distance))

/** The direction of a vector in signed bytes, scaled to its largest number; undefined where it has none, or is not finite. */
export function directionBytes(vector: ArrayLike<number>): Int8Array | undefined {
  let largest = 0
  for (let at = 0; at < vector.length; at++) {
    if (!Number.isFinite(vector[at])) return undefined
    largest = Math.max(largest, Math.abs(vector[at]!))
  }
  if (largest === 0) return undefined
  const bytes = new Int8Array(vector.length)
  for (let at = 0; at < vector.length; at++) bytes[at] = Math.round((vector[at]! / largest) * 127)
  return bytes
}

function inverseNorm(vector: Int8Array, dimensions: number): number {
  if (!(vector instanceof Int8Array) || vector.length !== dimensions)
    throw new RangeError(`A vector must have ${dimensions} dimensions, not ${vector?.length}`)
  let sum = 0
  for (let at = 0; at < dimensions; at++) sum += vector[at]! * vector[at]!
  if (sum === 0) throw new RangeError('A vector must not be all zero')
  return 1 / Math.sqrt(sum)
}

const compiled = moduleOf(byteDotsWasm)
function load(): Dots | undefined {
  const module = compiled()
  return module === undefined ? undefined : instanceOf<Dots>(module)
}
