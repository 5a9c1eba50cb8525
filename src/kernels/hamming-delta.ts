// The part of an index that takes what is new: rows that are only ever appended, found by linked lists of equal chunks
// (multi-index hashing: Norouzi, Punjani, Fleet, CVPR 2012), and by a plain scan while they are few. Equal hashes are
// linked once. Whoever reads it from another thread sees a row when it is complete.
import { distanceUpTo, hashWords, ones32 } from './hamming-distance.ts'
import { bucketsPerChunk, chunks, type Found } from './hamming-part.ts'
import { forMasks } from './hamming-plain.ts'

/** What a search reads; all of it may be shared between threads. A number that points to a row is the row plus one. */
export type DeltaRows = {
  /** At 0, how many rows there are. */
  control: Int32Array
  ids: Uint32Array
  hashes: Uint32Array
  removed: Uint8Array
  /** From a row to one with the same hash. */
  twins: Int32Array
  /**
   * First row of each bucket, from each row to the next in each of its buckets, and a bit for each bucket that holds
   * any; missing while rows are few.
   */
  links: { heads: Int32Array; nexts: Int32Array; filled: Int32Array } | undefined
}

export type Delta = {
  readonly rows: DeltaRows
  /** Rows that were not removed. */
  readonly live: number
  readonly used: number
  readonly bytes: number
  /** Adds an id that is not in it. Answers false, and adds nothing, when it is full. */
  add: (id: number, words: Uint32Array, offset: number) => boolean
  /** The row of an id that is not removed, or -1. */
  rowOf: (id: number) => number
  remove: (row: number) => void
}

export type DeltaOptions = {
  rowsMax: number
  /** Up to so many rows are scanned; beyond, four megabytes of bucket heads are worth having. */
  flatRows: number
  /** Whether many rows are expected: room for all is taken at once, though the system gives it only as it is used. */
  large?: boolean
  /** Called when the arrays are replaced by larger ones. */
  grown?: () => void
}

/** An empty delta. It begins small, doubles up to `flatRows` rows, and then has room for `rowsMax`. */
export function createDelta({ rowsMax, flatRows, large = false, grown = () => {} }: DeltaOptions): Delta {
  let capacity = large ? rowsMax : Math.min(64, rowsMax)
  const linksFor = (room: number) =>
    room > flatRows
      ? {
          heads: sharedInts(chunks * bucketsPerChunk),
          nexts: sharedInts(room * chunks),
          filled: sharedInts((chunks * bucketsPerChunk) / 32),
        }
      : undefined
  let used = 0
  let live = 0
  let rows: DeltaRows = {
    control: sharedInts(1),
    ids: sharedWords(capacity),
    hashes: sharedWords(capacity * hashWords),
    removed: sharedBytes(capacity),
    twins: sharedInts(capacity),
    links: linksFor(capacity),
  }
  // Open-addressed, by id and by hash; rows plus one.
  let byId = new Int32Array(tableLength(capacity))
  let byHash = new Int32Array(byId.length)

  const placeId = (row: number) => {
    let place = mixed(rows.ids[row]!) & (byId.length - 1)
    while (byId[place] !== 0) place = (place + 1) & (byId.length - 1)
    byId[place] = row + 1
  }
  /** The first row with the same hash, which is the row itself when there was none. */
  const leaderOf = (row: number) => {
    let hash = 0
    for (let word = 0; word < hashWords; word++) hash = mixed(hash ^ rows.hashes[row * hashWords + word]!)
    let place = hash & (byHash.length - 1)
    for (; byHash[place] !== 0; place = (place + 1) & (byHash.length - 1)) {
      const other = byHash[place]! - 1
      if (distanceUpTo(rows.hashes, other * hashWords, rows.hashes, row * hashWords, 0) === 0) return other
    }
    byHash[place] = row + 1
    return row
  }
  const link = (row: number, { heads, nexts, filled }: NonNullable<DeltaRows['links']>) => {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const bucket = chunk * bucketsPerChunk + chunkOf(rows.hashes, row * hashWords, chunk)
      nexts[row * chunks + chunk] = heads[bucket]!
      Atomics.store(heads, bucket, row + 1)
      filled[bucket >>> 5]! |= 1 << (bucket & 31)
    }
  }
  const enter = (row: number) => {
    placeId(row)
    const leader = leaderOf(row)
    if (leader === row) {
      if (rows.links !== undefined) link(row, rows.links)
    } else {
      rows.twins[row] = rows.twins[leader]!
      rows.twins[leader] = row + 1
    }
  }
  const grow = () => {
    capacity = capacity * 2 <= flatRows ? Math.min(rowsMax, capacity * 2) : rowsMax
    const ids = sharedWords(capacity)
    const hashes = sharedWords(capacity * hashWords)
    const removed = sharedBytes(capacity)
    ids.set(rows.ids)
    hashes.set(rows.hashes)
    removed.set(rows.removed)
    rows = {
      control: sharedInts(1),
      ids,
      hashes,
      removed,
      twins: sharedInts(capacity),
      links: linksFor(capacity),
    }
    rows.control[0] = used
    byId = new Int32Array(tableLength(capacity))
    byHash = new Int32Array(byId.length)
    for (let row = 0; row < used; row++) enter(row)
    grown()
  }

  return {
    get rows() {
      return rows
    },
    get live() {
      return live
    },
    get used() {
      return used
    },
    get bytes() {
      const links =
        rows.links === undefined ? 0 : rows.links.heads.byteLength * (1 + 1 / 32) + rows.links.nexts.byteLength
      return capacity * (4 + 4 * hashWords + 4 + 1 / 8) + links + byId.byteLength + byHash.byteLength
    },
    add(id, words, offset) {
      // Mostly removed and small: whoever holds it makes it anew sooner than it grows.
      if (used === rowsMax || (used === capacity && live * 2 <= used && live <= flatRows)) return false
      if (used === capacity) grow()
      const row = used++
      rows.ids[row] = id
      rows.hashes.set(words.subarray(offset, offset + hashWords), row * hashWords)
      enter(row)
      Atomics.store(rows.control, 0, used)
      live++
      return true
    },
    rowOf(id) {
      for (let place = mixed(id) & (byId.length - 1); byId[place] !== 0; place = (place + 1) & (byId.length - 1)) {
        const row = byId[place]! - 1
        if (rows.ids[row] === id && !isRemoved(rows, row)) return row
      }
      return -1
    },
    remove(row) {
      rows.removed[row >>> 3]! |= 1 << (row & 7)
      live--
    },
  }
}

/** Tells every row within the radius that is not removed, once, in no order. */
export function searchDelta(rows: DeltaRows, words: Uint32Array, offset: number, radius: number, found: Found): void {
  const used = Atomics.load(rows.control, 0)
  const { links } = rows
  const nearest = Math.floor(radius / chunks)
  if (links === undefined || chunks * ballSize(nearest) > used)
    return scanRows(rows, used, words, offset, radius, found)
  const { heads, nexts, filled } = links
  const masks = masksUpTo(nearest)
  const hits: number[] = []
  let steps = 0
  for (let chunk = 0; chunk < chunks; chunk++) {
    const own = chunkOf(words, offset, chunk)
    const chunkHeads = chunk * bucketsPerChunk
    for (let at = 0; at < masks.length; at++) {
      const bucket = chunkHeads + (own ^ masks[at]!)
      // One bit a bucket stays in the core's own cache; the heads do not, and most are empty.
      if ((filled[bucket >>> 5]! & (1 << (bucket & 31))) === 0) continue
      let next = heads[bucket]!
      for (; next > 0 && steps <= used; steps++) {
        const row = next - 1
        next = nexts[row * chunks + chunk]!
        const distance = distanceUpTo(rows.hashes, row * hashWords, words, offset, radius)
        if (distance > radius || !isFirst(rows.hashes, row * hashWords, words, offset, chunk, nearest)) continue
        hits.push(row, distance)
      }
    }
    // Few values of a chunk for very many rows: looking at each row once is the cheaper way.
    if (steps > used) return scanRows(rows, used, words, offset, radius, found)
  }
  for (let at = 0; at < hits.length; at += 2)
    for (let row = hits[at]!; row >= 0; row = rows.twins[row]! - 1)
      if (!isRemoved(rows, row)) found(rows.ids[row]!, hits[at + 1]!)
}

function scanRows(
  rows: DeltaRows,
  used: number,
  words: Uint32Array,
  offset: number,
  radius: number,
  found: Found,
): void {
  for (let row = 0; row < used; row++) {
    const distance = distanceUpTo(rows.hashes, row * hashWords, words, offset, radius)
    if (distance <= radius && !isRemoved(rows, row)) found(rows.ids[row]!, distance)
  }
}

/** The rows that are not removed, by ascending id (radix sort by bytes, least significant first). */
export function rowsById(delta: Delta): Uint32Array {
  const { ids } = delta.rows
  let order = new Uint32Array(delta.live)
  let next = new Uint32Array(delta.live)
  let length = 0
  for (let row = 0; row < delta.used; row++) if (!isRemoved(delta.rows, row)) order[length++] = row
  const starts = new Uint32Array(257)
  for (let shift = 0; shift < 32; shift += 8) {
    starts.fill(0)
    for (let at = 0; at < length; at++) starts[((ids[order[at]!]! >>> shift) & 0xff) + 1]!++
    // All the same here: nothing would move.
    if (starts.includes(length)) continue
    for (let byte = 1; byte < 257; byte++) starts[byte]! += starts[byte - 1]!
    for (let at = 0; at < length; at++) next[starts[(ids[order[at]!]! >>> shift) & 0xff]!++] = order[at]!
    ;[order, next] = [next, order]
  }
  return order
}

/** Whether the row of a delta was removed. */
export function isRemoved(rows: DeltaRows, row: number): boolean {
  return (rows.removed[row >>> 3]! & (1 << (row & 7))) !== 0
}

const maskLists: (Uint16Array | undefined)[] = []
/** All 16-bit masks with at most so many ones. */
function masksUpTo(ones: number): Uint16Array {
  const known = maskLists[ones]
  if (known !== undefined) return known
  const masks: number[] = []
  forMasks(ones, (mask) => void masks.push(mask))
  return (maskLists[ones] = Uint16Array.from(masks))
}

function ballSize(radius: number): number {
  let size = 1
  for (let ones = 1, ways = 1; ones <= radius; ones++) size += ways = (ways * (17 - ones)) / ones
  return size
}

function chunkOf(words: Uint32Array, offset: number, chunk: number): number {
  return (words[offset + (chunk >>> 1)]! >>> ((chunk & 1) << 4)) & 0xffff
}

/** Whether no chunk before this one is near as well. */
function isFirst(left: Uint32Array, a: number, right: Uint32Array, b: number, chunk: number, nearest: number): boolean {
  for (let before = 0; before < chunk; before++)
    if (ones32(chunkOf(left, a, before) ^ chunkOf(right, b, before)) <= nearest) return false
  return true
}

/** A number in which every bit of the given one has a say (MurmurHash3's finaliser, Appleby 2011). */
function mixed(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

const tableLength = (capacity: number) => 2 ** Math.ceil(Math.log2(2 * capacity))
const sharedWords = (length: number) => new Uint32Array(new SharedArrayBuffer(4 * length))
const sharedInts = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length))
const sharedBytes = (bits: number) => new Uint8Array(new SharedArrayBuffer(Math.ceil(bits / 8)))
