// Distances of a few hashes to very many, one after the other: what finds past items that are like a new entry, and
// what the index is checked against. Memory bandwidth is the limit: about 300 million hashes a second and core.
import { checkRadius, distanceUpTo, hashBits, hashBytes, hashWords } from './hamming-distance.ts'
import { hammingOver, sharedMemory, type HammingFunctions } from './wasm/hamming.ts'

/** Hits in the order of the block, then of the queries. The arrays are as long as there are hits. */
export type ScanHits = {
  /** Which hash of the block, from 0. */
  positions: Uint32Array
  /** Which of the queries, from 0. */
  queries: Uint32Array
  distances: Uint16Array
}

/** So many hashes (512 KiB) stay in a core's own cache while all queries are compared with them. */
const sliceHashes = 16_384

type Scanner = { wasm: HammingFunctions; at: number }
/** The functions over the memories that createHashBlock made. */
const scanners = new WeakMap<ArrayBufferLike, Scanner>()
let copying: { scanner: Scanner; words: Uint32Array } | undefined | false

let hits: number[] = []
let query = 0
const onHit = (position: number, distance: number) => void hits.push(position, query, distance)

/**
 * Room for `capacity` hashes of 8 words where `scanHashes` reads them without copying; all zero. The words lie in a
 * SharedArrayBuffer: threads may fill and read it together. Throws a RangeError above 2^27 - 1 hashes (4 GiB).
 */
export function createHashBlock(capacity: number): Uint32Array {
  if (!Number.isInteger(capacity) || capacity < 1)
    throw new RangeError(`A block holds 1 or more hashes, not ${capacity}`)
  const memory = sharedMemory(capacity * hashBytes)
  const wasm = hammingOver(memory, onHit)
  if (wasm !== undefined) scanners.set(memory.buffer, { wasm, at: 0 })
  return new Uint32Array(memory.buffer, 0, capacity * hashWords)
}

/**
 * Every pair of one of the first `count` hashes in `words` (8 words each) and one of the hashes in `queryWords` that
 * are within `radius` bits (0 to 256, inclusive) of each other. `words` from `createHashBlock` (or a view of it that
 * begins at whole hashes) are read in place, others are copied through a small buffer, which takes half as long again.
 * Several queries at once cost less than one after the other. Answers in order of position, then query.
 */
export function scanHashes(words: Uint32Array, count: number, queryWords: Uint32Array, radius: number): ScanHits {
  checkRadius(radius, hashBits)
  if (!Number.isInteger(count) || count < 0 || count * hashWords > words.length)
    throw new RangeError(`${count} hashes need ${count * hashWords} words, but there are ${words.length}`)
  if (queryWords.length % hashWords !== 0)
    throw new RangeError(`Hashes have ${hashWords} words each, but there are ${queryWords.length}`)
  const inPlace = scanners.get(words.buffer)
  const copier = inPlace === undefined ? copyScanner() : undefined
  const scanner = inPlace ?? copier?.scanner
  hits = []
  for (let from = 0; from < count; from += sliceHashes) {
    const to = Math.min(count, from + sliceHashes)
    if (scanner === undefined) {
      for (query = 0; query * hashWords < queryWords.length; query++)
        scanPlain(words, from, to, queryWords, query * hashWords, radius, onHit)
      continue
    }
    copier?.words.set(words.subarray(from * hashWords, to * hashWords))
    const base = copier === undefined ? words.byteOffset : scanner.at - from * hashBytes
    for (query = 0; query * hashWords < queryWords.length; query++) {
      askFor(scanner.wasm, queryWords, query * hashWords)
      scanner.wasm.scan(base, from, to, radius)
    }
  }
  const found = hits
  hits = []
  return sorted(found, queryWords.length > hashWords)
}

/** The plain twin of `scan` in wasm/hamming.as. */
export function scanPlain(
  words: Uint32Array,
  from: number,
  to: number,
  queryWords: Uint32Array,
  offset: number,
  radius: number,
  hit: (position: number, distance: number) => void,
): void {
  for (let position = from; position < to; position++) {
    const distance = distanceUpTo(words, position * hashWords, queryWords, offset, radius)
    if (distance <= radius) hit(position, distance)
  }
}

/** Hands the hash at a word offset to the compiled functions. */
export function askFor(wasm: HammingFunctions, words: Uint32Array, offset: number): void {
  wasm.ask(
    words[offset]!,
    words[offset + 1]!,
    words[offset + 2]!,
    words[offset + 3]!,
    words[offset + 4]!,
    words[offset + 5]!,
    words[offset + 6]!,
    words[offset + 7]!,
  )
}

function copyScanner() {
  if (copying === undefined) {
    // The functions subtract where a slice begins from where it was copied to; both stay far below 4 GiB together.
    const memory = sharedMemory(sliceHashes * hashBytes)
    const wasm = hammingOver(memory, onHit)
    copying = wasm === undefined ? false : { scanner: { wasm, at: 0 }, words: new Uint32Array(memory.buffer) }
  }
  return copying === false ? undefined : copying
}

function sorted(found: number[], several: boolean): ScanHits {
  const order = Uint32Array.from({ length: found.length / 3 }, (_, at) => at * 3)
  if (several) order.sort((a, b) => found[a]! - found[b]! || found[a + 1]! - found[b + 1]!)
  return {
    positions: Uint32Array.from(order, (at) => found[at]!),
    queries: Uint32Array.from(order, (at) => found[at + 1]!),
    distances: Uint16Array.from(order, (at) => found[at + 2]!),
  }
}
