// Exact radius search over 256-bit hashes: multi-index hashing (Norouzi, Punjani, Fleet, "Fast search in Hamming space
// with multi-index hashing", CVPR 2012) over flat arrays, with a plain scan where that is cheaper.

import { checkRadius, checkWords, distanceUpTo, hashWords, ones32 } from './hamming-distance.ts'

export { hammingDistance, hashWords, ones32 } from './hamming-distance.ts'
/** Radii above this answer from every chunk what a scan answers sooner, and mean nothing for perceptual hashes. */
export const radiusMax = 64

const chunks = 16
const bucketsPerChunk = 65_536
/** Below this a scan of everything takes under 100 µs, and the 4 MB of bucket heads are not worth having. */
const scanEntriesMax = 2_048

export type HammingHit = { id: number; distance: number }

export type HammingIndex = {
  readonly size: number
  /** Adds 8 words (from `offset`) under an id from 0 to 2^32 - 1. An id that is already there is replaced. */
  add: (id: number, words: Uint32Array, offset?: number) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  has: (id: number) => boolean
  /** Every id within `radius` bits (0 to 64, inclusive), nearest first, then by id. */
  query: (words: Uint32Array, radius: number, offset?: number) => HammingHit[]
}

/** All 16-bit masks, by the number of their bits: what to flip in a chunk to reach its neighbours. */
const masksByOnes: Uint16Array[] = Array.from({ length: 17 }, (_, ones) =>
  Uint16Array.from({ length: bucketsPerChunk }, (_, mask) => mask).filter((mask) => ones32(mask) === ones),
)

/** An empty index. Adding, removing and searching may alternate freely; nothing is ever rebuilt. */
export function createHammingIndex(): HammingIndex {
  let capacity = 64
  let hashes = new Uint32Array(capacity * hashWords)
  let ids = new Float64Array(capacity)
  /** Buckets are doubly linked lists of slots; slot -1 ends a list. */
  let nexts = new Int32Array(0)
  let previous = new Int32Array(0)
  let heads: Int32Array | undefined
  let seen = new Uint32Array(capacity)
  let stamp = 0
  const slotOf = new Map<number, number>()

  const chunkOf = (words: Uint32Array, offset: number, chunk: number) =>
    (words[offset + (chunk >>> 1)]! >>> ((chunk & 1) << 4)) & 0xffff

  const grow = () => {
    capacity *= 2
    hashes = resized(hashes, new Uint32Array(capacity * hashWords))
    ids = resized(ids, new Float64Array(capacity))
    seen = resized(seen, new Uint32Array(capacity))
    if (heads === undefined) return
    nexts = resized(nexts, new Int32Array(capacity * chunks))
    previous = resized(previous, new Int32Array(capacity * chunks))
  }

  const link = (slot: number) => {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const bucket = chunk * bucketsPerChunk + chunkOf(hashes, slot * hashWords, chunk)
      const head = heads![bucket]!
      nexts[slot * chunks + chunk] = head
      previous[slot * chunks + chunk] = -1
      if (head >= 0) previous[head * chunks + chunk] = slot
      heads![bucket] = slot
    }
  }

  const unlink = (slot: number) => {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const after = nexts[slot * chunks + chunk]!
      const before = previous[slot * chunks + chunk]!
      if (after >= 0) previous[after * chunks + chunk] = before
      if (before >= 0) nexts[before * chunks + chunk] = after
      else heads![chunk * bucketsPerChunk + chunkOf(hashes, slot * hashWords, chunk)] = after
    }
  }

  const startBuckets = () => {
    heads = new Int32Array(chunks * bucketsPerChunk).fill(-1)
    nexts = new Int32Array(capacity * chunks)
    previous = new Int32Array(capacity * chunks)
    for (let slot = 0; slot < slotOf.size; slot++) link(slot)
  }

  const remove = (id: number): boolean => {
    const slot = slotOf.get(id)
    if (slot === undefined) return false
    const last = slotOf.size - 1
    if (heads !== undefined) unlink(slot)
    // The last slot moves into the hole, so that slots stay dense.
    if (slot !== last) {
      if (heads !== undefined) unlink(last)
      hashes.copyWithin(slot * hashWords, last * hashWords, (last + 1) * hashWords)
      ids[slot] = ids[last]!
      slotOf.set(ids[slot]!, slot)
      if (heads !== undefined) link(slot)
    }
    slotOf.delete(id)
    return true
  }

  return {
    get size() {
      return slotOf.size
    },
    has: (id) => slotOf.has(id),
    add(id, words, offset = 0) {
      if (!Number.isInteger(id) || id < 0 || id > 0xffffffff)
        throw new RangeError(`A hash id must be a whole number from 0 to 4294967295, not ${id}`)
      checkWords(words, offset)
      remove(id)
      const slot = slotOf.size
      if (slot === capacity) grow()
      hashes.set(words.subarray(offset, offset + hashWords), slot * hashWords)
      ids[slot] = id
      slotOf.set(id, slot)
      if (heads !== undefined) link(slot)
      else if (slotOf.size > scanEntriesMax) startBuckets()
    },
    remove,
    query(words, radius, offset = 0) {
      checkWords(words, offset)
      checkRadius(radius, radiusMax)
      const found: HammingHit[] = []
      const size = slotOf.size
      // A pair within the radius is within floor(radius / 16) in at least one of 16 chunks.
      const chunkRadius = Math.floor(radius / chunks)
      const ballSize = masksByOnes.slice(0, chunkRadius + 1).reduce((sum, masks) => sum + masks.length, 0)
      // Random access to a candidate costs about four sequential ones.
      const worthwhile = heads !== undefined && ballSize * chunks * (1 + (4 * size) / bucketsPerChunk) < size
      if (!worthwhile) {
        for (let slot = 0; slot < size; slot++) {
          const distance = distanceUpTo(hashes, slot * hashWords, words, offset, radius)
          if (distance <= radius) found.push({ id: ids[slot]!, distance })
        }
      } else {
        if (++stamp > 0xffffffff) {
          seen.fill(0)
          stamp = 1
        }
        for (let chunk = 0; chunk < chunks; chunk++) {
          const own = chunkOf(words, offset, chunk)
          for (let ones = 0; ones <= chunkRadius; ones++)
            for (const mask of masksByOnes[ones]!)
              for (
                let slot = heads![chunk * bucketsPerChunk + (own ^ mask)]!;
                slot >= 0;
                slot = nexts[slot * chunks + chunk]!
              ) {
                if (seen[slot] === stamp) continue
                seen[slot] = stamp
                const distance = distanceUpTo(hashes, slot * hashWords, words, offset, radius)
                if (distance <= radius) found.push({ id: ids[slot]!, distance })
              }
        }
      }
      return found.sort((a, b) => a.distance - b.distance || a.id - b.id)
    },
  }
}

function resized<A extends Uint32Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
