// What an index is made of, for whoever runs one.
import { hashBytes } from './hamming-distance.ts'
import type { HammingIndex } from './hamming-index.ts'
import { bucketsPerChunk, chunks, partBuffer, type Part } from './hamming-part.ts'

export type HammingStats = {
  entries: number
  chunks: number
  /** Entries that are still in memory, though removed. */
  tombstones: number
  /** Entries with the same hash as another, which are listed only once. */
  twins: number
  parts: { entries: number; listed: number; tombstones: number; bytes: number }[]
  delta: { entries: number; tombstones: number; waiting: number }
  /** Entries that are being merged into a new part, and the share that is done. */
  merging: { entries: number; progress: number } | undefined
  bytes: {
    hashes: number
    ids: number
    keys: number
    slots: number
    tables: number
    other: number
    delta: number
    total: number
  }
  /** Entries of the buckets that hold any, over all chunks and parts. */
  buckets: { filled: number; p50: number; p90: number; p99: number; p999: number; max: number }
  /** The fullest buckets: a chunk of the hash (0 to 15, lowest bits first), its value in hexadecimal, and entries. */
  largest: { chunk: number; value: string; entries: number }[]
}

const largestShown = 5
type Buckets = { sizes: Map<number, number>; largest: HammingStats['largest'] }
/** Parts never change in this, so that each is counted once. */
const counted = new WeakMap<Part, Buckets>()

/** Statistics of an index. The first call after a merge reads the bucket tables: milliseconds for each part. */
export function hammingStats(index: HammingIndex): HammingStats {
  const { parts, deltas, merging } = index.inside()
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0)
  const bytes = {
    hashes: sum(({ shape }) => shape.room * hashBytes),
    ids: sum(({ shape }) => shape.room * 4),
    keys: sum(({ shape }) => shape.listed * chunks * 2),
    slots: sum(({ shape }) => shape.listed * chunks * 3),
    tables: sum(({ layout }) => layout.keys - layout.tables),
    other: 0,
    delta: deltas.reduce((total, delta) => total + delta.bytes, 0),
    total: 0,
  }
  bytes.total = sum(({ room }) => partBuffer(room).byteLength) + bytes.delta
  bytes.other = bytes.total - bytes.hashes - bytes.ids - bytes.keys - bytes.slots - bytes.tables - bytes.delta
  const buckets = parts.map(bucketsOf)
  const sizes = new Map<number, number>()
  for (const each of buckets) for (const [size, count] of each.sizes) sizes.set(size, (sizes.get(size) ?? 0) + count)
  return {
    entries: index.size,
    chunks,
    tombstones: sum((part) => part.removedCount) + deltas.reduce((total, { used, live }) => total + used - live, 0),
    twins: sum(({ shape }) => shape.entries - shape.listed),
    parts: parts.map((part) => ({
      entries: part.shape.entries - part.removedCount,
      listed: part.shape.listed,
      tombstones: part.removedCount,
      bytes: partBuffer(part.room).byteLength,
    })),
    delta: {
      entries: deltas.reduce((total, { live }) => total + live, 0),
      tombstones: deltas.reduce((total, { used, live }) => total + used - live, 0),
      waiting: deltas.length - 1,
    },
    merging,
    bytes,
    buckets: percentiles(sizes),
    largest: buckets
      .flatMap((each) => each.largest)
      .sort((a, b) => b.entries - a.entries)
      .slice(0, largestShown),
  }
}

function bucketsOf(part: Part): Buckets {
  const known = counted.get(part)
  if (known !== undefined) return known
  const tables = new Uint32Array(partBuffer(part.room), part.layout.tables, chunks * (bucketsPerChunk + 1))
  const sizes = new Map<number, number>()
  // Most buckets are small, and counting these in an array is twenty times as fast.
  const small = new Uint32Array(4_096)
  const largest: Buckets['largest'] = []
  for (let chunk = 0; chunk < chunks; chunk++)
    for (let value = 0, at = chunk * (bucketsPerChunk + 1); value < bucketsPerChunk; value++, at++) {
      const entries = tables[at + 1]! - tables[at]!
      if (entries < small.length) small[entries]!++
      else sizes.set(entries, (sizes.get(entries) ?? 0) + 1)
      if (entries <= (largest.length < largestShown ? 0 : largest.at(-1)!.entries)) continue
      largest.push({ chunk, value: value.toString(16).padStart(4, '0'), entries })
      largest.sort((a, b) => b.entries - a.entries)
      if (largest.length > largestShown) largest.pop()
    }
  for (let size = 1; size < small.length; size++) if (small[size]! > 0) sizes.set(size, small[size]!)
  const found = { sizes, largest }
  counted.set(part, found)
  return found
}

function percentiles(sizes: Map<number, number>): HammingStats['buckets'] {
  const ascending = [...sizes].sort((a, b) => a[0] - b[0])
  const filled = ascending.reduce((total, [, count]) => total + count, 0)
  const at = (share: number) => {
    let passed = 0
    for (const [size, count] of ascending) if ((passed += count) >= share * filled) return size
    return 0
  }
  return { filled, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: ascending.at(-1)?.[0] ?? 0 }
}
