// An immutable part of the index: up to 2^24 hashes, listed by each of their sixteen 16-bit chunks.
//
// Two hashes within r bits of each other have, going round the ring of chunks, one where it and the next l - 1 chunks
// together differ by at most floor(l r / 16) bits, for every l (Qin and Xiao, "Pigeonring", VLDB 2018; the cycle lemma
// over the distances less r / 16). The search uses l = 1 and l = 2: for radius 31, at most 1 bit in a chunk and at most
// 3 in it and its successor. A bucket therefore holds, beside the entries with one value of a chunk, their values of
// the next chunk ("keys"): eight keys are compared at once, one after the other in memory, and 998 of 1,000 candidates
// are dropped without ever touching their hash. Multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012) has to visit
// each. Equal hashes are listed once: the first is the leader, the others are its twins.
import { hashBytes, hashWords } from './hamming-distance.ts'
import { plainHammingOver } from './hamming-plain.ts'
import { askFor } from './hamming-scan.ts'
import { hammingOver, sharedMemory, type HammingFunctions } from './wasm/hamming.ts'

export const chunks = 16
export const bucketsPerChunk = 65_536
export const partEntriesMax = 2 ** 24
const tableBytes = 4 * (bucketsPerChunk + 1)

/** What fixes how a part lies in memory. */
export type PartShape = {
  /** For how many entries there is room; at least as many as there are. */
  room: number
  entries: number
  /** Entries that are no twins. */
  listed: number
  /** Entries that are leaders of twins. */
  leaders: number
}

/** Where the sections of a part begin, in bytes. */
export type PartLayout = ReturnType<typeof partLayout>

/** Where everything in a part lies: each section begins at a multiple of 64 bytes. */
export function partLayout({ room, entries, listed, leaders }: PartShape) {
  let end = 0
  const take = (bytes: number) => {
    const at = end
    end = 64 * Math.ceil((at + bytes) / 64)
    return at
  }
  const bitmapBytes = Math.ceil(room / 8)
  return {
    ids: take(4 * room),
    hashes: take(hashBytes * room),
    removed: take(bitmapBytes),
    twins: take(bitmapBytes),
    leaders: take(bitmapBytes),
    /** For each leader and one more, where its twins begin; then the twins. */
    twinStarts: take(4 * (leaders + 1)),
    twinEntries: take(4 * (entries - listed)),
    tables: take(chunks * tableBytes),
    // The search reads whole vectors and words: up to 16 bytes beyond.
    keys: take(chunks * listed * 2 + 16),
    slots: take(chunks * listed * 3 + 16),
    bytes: end,
  }
}

/** Which engine to use: the compiled one wherever it runs, or the plain twin. */
export type Engine = 'fastest' | 'plain'

/** Bytes that threads may share, and the functions over them. */
export type PartMemory = { memory: WebAssembly.Memory } | { buffer: SharedArrayBuffer }

/** Zeroed memory for a part, with the compiled functions' kind of memory where these are to be used. */
export function partMemory(bytes: number, engine: Engine): PartMemory {
  return engine === 'fastest' ? { memory: sharedMemory(bytes) } : { buffer: new SharedArrayBuffer(bytes) }
}

/** The bytes themselves. */
export function partBuffer(room: PartMemory): SharedArrayBuffer {
  return 'memory' in room ? (room.memory.buffer as unknown as SharedArrayBuffer) : room.buffer
}

/** The functions over some memory: compiled where that is possible. */
export function functionsOver(room: PartMemory, hit: (entry: number, distance: number) => void): HammingFunctions {
  const compiled = 'memory' in room ? hammingOver(room.memory, hit) : undefined
  return compiled ?? plainHammingOver(partBuffer(room), hit)
}

/** Takes what a search finds: an id and its distance. */
export type Found = (id: number, distance: number) => void

export type Part = {
  readonly room: PartMemory
  readonly shape: PartShape
  readonly layout: PartLayout
  /** Ascending; the entry at a place of this list has the hash at the same place of `hashes`. */
  readonly ids: Uint32Array
  readonly hashes: Uint32Array
  /** Bit by entry. */
  readonly removed: Uint8Array
  /** Entries that were removed since the part was made, as far as this thread did it. */
  removedCount: number
  /** The entry with an id that is not removed, or -1. */
  entryOf: (id: number) => number
  remove: (entry: number) => void
  /** Tells every entry within the radius (0 to 64) that is not removed, once, in no order. */
  search: (words: Uint32Array, offset: number, radius: number, found: Found) => void
  /** The same by comparing with every entry. */
  scan: (words: Uint32Array, offset: number, radius: number, found: Found) => void
}

const scanSlice = 16_384

/** Opens a part that lies in some memory, without reading it. Several threads may open and search the same. */
export function openPart(room: PartMemory, shape: PartShape): Part {
  const layout = partLayout(shape)
  const buffer = partBuffer(room)
  const { entries, listed } = shape
  const ids = new Uint32Array(buffer, layout.ids, entries)
  const hashes = new Uint32Array(buffer, layout.hashes, entries * hashWords)
  const removed = new Uint8Array(buffer, layout.removed, Math.ceil(entries / 8))
  const leaders = new Uint8Array(buffer, layout.leaders, Math.ceil(entries / 8))
  const twinStarts = new Uint32Array(buffer, layout.twinStarts, shape.leaders + 1)
  const twinEntries = new Uint32Array(buffer, layout.twinEntries, entries - listed)
  /** Leaders among the entries before each 512th: counted when first needed. */
  let ranks: Uint32Array | undefined

  const marked = (bitmap: Uint8Array, entry: number) => (bitmap[entry >>> 3]! & (1 << (entry & 7))) !== 0
  const leaderNumber = (entry: number) => {
    ranks ??= bitmapRanks(leaders)
    return rankIn(leaders, ranks, entry)
  }

  /** Hits of the search that goes on: entry and distance. */
  let hits: number[] = []
  const functions = functionsOver(room, (entry, distance) => void hits.push(entry, distance))
  functions.place(layout.hashes, layout.keys, layout.slots, layout.tables, listed)

  const scanEntries = (radius: number) => {
    for (let from = 0; from < entries; from += scanSlice)
      functions.scan(layout.hashes, from, Math.min(entries, from + scanSlice), radius)
  }
  const tell = (expand: boolean, found: Found) => {
    for (let at = 0; at < hits.length; at += 2) {
      const entry = hits[at]!
      const distance = hits[at + 1]!
      if (!marked(removed, entry)) found(ids[entry]!, distance)
      if (!expand || shape.leaders === 0 || !marked(leaders, entry)) continue
      const number = leaderNumber(entry)
      for (let twin = twinStarts[number]!; twin < twinStarts[number + 1]!; twin++)
        if (!marked(removed, twinEntries[twin]!)) found(ids[twinEntries[twin]!]!, distance)
    }
    hits = []
  }

  return {
    room,
    shape,
    layout,
    ids,
    hashes,
    removed,
    removedCount: 0,
    entryOf(id) {
      if (entries === 0 || id < ids[0]! || id > ids[entries - 1]!) return -1
      let low = 0
      for (let high = entries - 1; low < high;) {
        const middle = (low + high) >>> 1
        if (ids[middle]! < id) low = middle + 1
        else high = middle
      }
      return ids[low] === id && !marked(removed, low) ? low : -1
    },
    remove(entry) {
      removed[entry >>> 3]! |= 1 << (entry & 7)
      this.removedCount++
    },
    search(words, offset, radius, found) {
      hits = []
      askFor(functions, words, offset)
      let complete = false
      const { nearest, pair, reads } = searchPlan(radius, listed)
      // A bucket costs about as much as two hashes of a scan, a key a fifth of one, and a hash out of order eight.
      if (reads.buckets * 2 + reads.keys / 5 < entries)
        complete = functions.search(nearest, pair, radius, 5 * entries, entries / 8 + 256) === 0
      // Skewed lists, where the buckets hold much of everything, end here: nothing costs more than twice a scan.
      if (!complete) {
        hits = []
        scanEntries(radius)
      }
      tell(complete, found)
    },
    scan(words, offset, radius, found) {
      hits = []
      askFor(functions, words, offset)
      scanEntries(radius)
      tell(false, found)
    },
  }
}

const choose = Array.from({ length: 17 }, (_, ones) => {
  let ways = 1
  for (let each = 0; each < ones; each++) ways = (ways * (16 - each)) / (each + 1)
  return ways
})

/** Most bits in a chunk and in a pair of chunks, and what a search of evenly spread hashes reads. */
export function searchPlan(radius: number, listed: number) {
  const nearest = Math.floor(radius / chunks)
  const buckets = chunks * choose.slice(0, nearest + 1).reduce((sum, ways) => sum + ways, 0)
  return {
    nearest,
    pair: Math.floor((2 * radius) / chunks),
    reads: { buckets, keys: (buckets * listed) / bucketsPerChunk },
  }
}

const rankBytes = 64

/** Bits set before each 64th byte of a bitmap. */
export function bitmapRanks(bitmap: Uint8Array): Uint32Array {
  const ranks = new Uint32Array(Math.ceil(bitmap.length / rankBytes) + 1)
  let total = 0
  for (let at = 0; at < bitmap.length; at++) {
    if (at % rankBytes === 0) ranks[at / rankBytes] = total
    total += onesOfByte[bitmap[at]!]!
  }
  ranks[ranks.length - 1] = total
  return ranks
}

/** Bits set before the bit of an entry. */
export function rankIn(bitmap: Uint8Array, ranks: Uint32Array, entry: number): number {
  const end = entry >>> 3
  let rank = ranks[Math.floor(end / rankBytes)]!
  for (let at = end - (end % rankBytes); at < end; at++) rank += onesOfByte[bitmap[at]!]!
  return rank + onesOfByte[bitmap[end]! & ((1 << (entry & 7)) - 1)]!
}

const onesOfByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0
  for (let rest = byte; rest > 0; rest >>>= 1) ones += rest & 1
  return ones
})
