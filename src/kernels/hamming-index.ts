// Exact radius search over 256-bit hashes that change at any time: a small delta takes what is new, and immutable parts
// (hamming-part.ts) hold the rest. Full deltas and small parts are merged into larger parts (a log-structured merge:
// O'Neil, Cheng, Gawlick, O'Neil, 1996) in slices of about a millisecond, done by additions, removals and `maintain`;
// until a merge is done, searches read what it merges.
import { createPartBuilder, type PartBuilder } from './hamming-build.ts'
import { createDelta, searchDelta, type Delta } from './hamming-delta.ts'
import { checkRadius, checkWords, hashWords } from './hamming-distance.ts'
import { createLater, type Later } from './hamming-later.ts'
import { listSource, mergedSource } from './hamming-merge.ts'
import { partEntriesMax, type Engine, type Found, type Part } from './hamming-part.ts'

export { hammingDistance, hashWords, ones32 } from './hamming-distance.ts'

/** Radii above this mean nothing for perceptual hashes; hamming-scan.ts answers them. */
export const radiusMax = 64

export type HammingHit = { id: number; distance: number }

export type HammingQuery = {
  /** Only ids for which this is true are found. */
  wanted?: (id: number) => boolean
  /** Only ids whose bit is set are found: bit `id % 8` of byte `id / 8`; ids beyond the end are not. */
  among?: Uint8Array
  /** Only so many of the nearest. */
  limit?: number
}

export type HammingIndex = {
  readonly size: number
  /** Adds 8 words (from `offset`) under an id from 0 to 2^32 - 1. An id that is already there is replaced. */
  add: (id: number, words: Uint32Array, offset?: number) => void
  /**
   * The same for many: `words` has 8 for each id, and of equal ids the last counts. From 8,192 on it makes a part at
   * once, a million in half a second, and does nothing else meanwhile.
   */
  addMany: (ids: Uint32Array, words: Uint32Array) => void
  /**
   * As `add`, but it may be found, shared and written to snapshots only once `maintain` has nothing more to do. Very many
   * with ascending ids become one part in slices: what loads an index pauses nobody.
   */
  addLater: (id: number, words: Uint32Array, offset?: number) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  has: (id: number) => boolean
  /** Every id within `radius` bits (0 to 64, inclusive), nearest first, then by id. */
  query: (words: Uint32Array, radius: number, offset?: number, options?: HammingQuery) => HammingHit[]
  /**
   * Merges for about so long, in nanoseconds of a slow core, and answers whether there is more to do. Not needed:
   * additions and removals do the same a little at a time. Fewer parts make searches faster.
   */
  maintain: (budgetNs: number) => boolean
  /** What it is made of at the moment, for statistics, snapshots and other threads. The arrays are not copies. */
  inside: () => HammingInside
}

export type HammingInside = {
  parts: readonly Part[]
  /** The first takes additions; the others are full and wait for their merge. */
  deltas: readonly Delta[]
  merging: { entries: number; progress: number } | undefined
  /** Grows whenever the parts are others, or arrays of a delta were replaced. */
  generation: number
}

export type HammingOptions = {
  /** The plain twin answers the same, slower. */
  engine?: Engine
  /** Rows of a delta. More make merges rarer and searches slower. */
  deltaRows?: number
  /** Rows up to which a delta is scanned. */
  flatRows?: number
  /** Parts to begin with, whose ids all differ; the index owns them from here on. */
  parts?: Part[]
}

/** A merge may take this long for each addition or removal; saved up until it is worth a slice. */
const mergeNsPerChange = 20_000
const sliceNs = 500_000

/** An index of the given parts, or empty. Adding, removing and searching may alternate freely, without a pause. */
export function createHammingIndex(options: HammingOptions = {}): HammingIndex {
  const { engine = 'fastest', deltaRows = 16_384, flatRows = 1_024 } = options
  let parts = options.parts ?? []
  let generation = 0
  const newDelta = (large: boolean) =>
    createDelta({ rowsMax: deltaRows, flatRows, large, grown: () => void generation++ })
  let deltas = [newDelta(parts.length > 0)]
  let size = parts.reduce((sum, part) => sum + liveIn(part), 0)
  let savedNs = 0
  type Merge = { builder: PartBuilder; entries: number; parts: Part[]; deltas: Delta[]; removedIds: number[] }
  let merge: (Merge & { later: Later | undefined }) | undefined
  /** What comes later and is in no merge yet. */
  let laters: Later[] = []

  const changed = () => {
    if (merge === undefined) return
    savedNs += mergeNsPerChange
    if (savedNs < sliceNs) return
    proceed(savedNs)
    savedNs = 0
  }

  const proceed = (budgetNs: number) => {
    const part = merge!.builder.step(budgetNs)
    if (part === undefined) return
    const { parts: oldParts, deltas: oldDeltas, removedIds } = merge!
    // Removed after the merge had taken them.
    for (const id of removedIds) {
      const entry = part.entryOf(id)
      if (entry >= 0) part.remove(entry)
    }
    parts = [...parts.filter((each) => !oldParts.includes(each)), ...(liveIn(part) === 0 ? [] : [part])]
    deltas = deltas.filter((each) => !oldDeltas.includes(each))
    // With room from the start: linking a thousand rows anew when it grows would take milliseconds at once.
    if (deltas[0]!.used === 0 && parts.length > 0) deltas = [newDelta(true), ...deltas.slice(1)]
    merge = undefined
    generation++
    planMerge()
  }

  /** Begins the next merge, if one is due: of all full deltas, and parts that are not much larger than the rest. */
  const planMerge = () => {
    if (merge !== undefined) return
    const later = laters.shift()
    if (later !== undefined) {
      const builder = createPartBuilder(later.source(), engine)
      merge = { builder, entries: later.live, parts: [], deltas: [], removedIds: [], later }
      return
    }
    const full = deltas.slice(1)
    const picked: Part[] = []
    let entries = full.reduce((sum, delta) => sum + delta.live, 0)
    // A part that is mostly removed is made anew by itself.
    const bySize = parts.toSorted((a, b) => liveIn(a) - liveIn(b))
    const sparse = bySize.find((part) => part.removedCount * 2 > part.shape.entries)
    for (const part of bySize) {
      const similar = entries === 0 || liveIn(part) <= 2 * entries || part === sparse
      if (!similar || entries + liveIn(part) > partEntriesMax) break
      picked.push(part)
      entries += liveIn(part)
    }
    if (full.length === 0 && picked.length < 2 && sparse === undefined) return
    if (full.length === 0 && picked.length < 2) picked.splice(0, picked.length, sparse!)
    merge = {
      builder: createPartBuilder(mergedSource(full, picked), engine),
      entries: full.reduce((sum, delta) => sum + delta.live, 0) + picked.reduce((sum, part) => sum + liveIn(part), 0),
      parts: picked,
      deltas: full,
      removedIds: [],
      later: undefined,
    }
  }

  /** Makes room in the first delta: a new one, or the same without what was removed, where that takes no time. */
  const renewDelta = () => {
    const [old, ...others] = deltas as [Delta, ...Delta[]]
    const small = old.live * 2 <= old.used && old.live <= flatRows
    const fresh = newDelta(!small)
    if (small) {
      const { ids, hashes } = old.rows
      for (let row = 0; row < old.used; row++)
        if (old.rowOf(ids[row]!) === row) fresh.add(ids[row]!, hashes, row * hashWords)
      deltas = [fresh, ...others]
    } else deltas = [fresh, old, ...others]
    generation++
    planMerge()
  }

  const remove = (id: number): boolean => {
    for (const delta of deltas) {
      const row = delta.rowOf(id)
      if (row < 0) continue
      delta.remove(row)
      if (merge?.deltas.includes(delta) === true) merge.removedIds.push(id)
      size--
      return true
    }
    for (const part of parts) {
      const entry = part.entryOf(id)
      if (entry < 0) continue
      part.remove(entry)
      if (merge?.parts.includes(part) === true) merge.removedIds.push(id)
      size--
      if (part.removedCount * 2 > part.shape.entries) planMerge()
      return true
    }
    if (merge?.later?.remove(id) === true) merge.removedIds.push(id)
    else if (!laters.some((later) => later.remove(id))) return false
    size--
    return true
  }

  const checkId = (id: number) => {
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff)
      throw new RangeError(`A hash id must be a whole number from 0 to 4294967295, not ${id}`)
  }

  const add = (id: number, words: Uint32Array, offset: number) => {
    remove(id)
    while (!deltas[0]!.add(id, words, offset)) renewDelta()
    size++
    changed()
  }

  return {
    get size() {
      return size
    },
    has: (id) =>
      deltas.some((delta) => delta.rowOf(id) >= 0) ||
      parts.some((part) => part.entryOf(id) >= 0) ||
      laters.some((later) => later.has(id)) ||
      merge?.later?.has(id) === true,
    add(id, words, offset = 0) {
      checkId(id)
      checkWords(words, offset)
      add(id, words, offset)
    },
    addMany(ids, words) {
      if (words.length !== ids.length * hashWords)
        throw new RangeError(`${ids.length} ids need ${ids.length * hashWords} words, but there are ${words.length}`)
      if (ids.length < deltaRows / 2) {
        for (let at = 0; at < ids.length; at++) add(ids[at]!, words, at * hashWords)
        return
      }
      if (size > 0) for (const id of ids) remove(id)
      for (const source of listSource(ids, words)) {
        const builder = createPartBuilder(source, engine)
        let part: Part | undefined
        while (part === undefined) part = builder.step(Infinity)
        parts = [...parts, part]
        size += part.shape.entries
      }
      generation++
      planMerge()
    },
    addLater(id, words, offset = 0) {
      checkId(id)
      checkWords(words, offset)
      remove(id)
      if (laters.at(-1)?.full !== false) laters.push(createLater(partEntriesMax))
      if (laters.at(-1)!.append(id, words, offset)) size++
      else add(id, words, offset)
    },
    remove(id) {
      const was = remove(id)
      changed()
      return was
    },
    query(words, radius, offset = 0, filter) {
      checkWords(words, offset)
      checkRadius(radius, radiusMax)
      return gather(filter, (found) => {
        for (const delta of deltas) searchDelta(delta.rows, words, offset, radius, found)
        for (const part of parts) part.search(words, offset, radius, found)
      })
    },
    maintain(budgetNs) {
      planMerge()
      if (merge !== undefined) proceed(budgetNs)
      return merge !== undefined
    },
    inside: () => ({
      parts,
      deltas,
      merging: merge && { entries: merge.entries, progress: merge.builder.progress() },
      generation,
    }),
  }
}

const liveIn = (part: Part) => part.shape.entries - part.removedCount

/** Collects what a search tells, as far as it is wanted, nearest first and then by id. */
export function gather(filter: HammingQuery | undefined, search: (found: Found) => void): HammingHit[] {
  const { wanted, among, limit = Infinity } = filter ?? {}
  if (limit < 1) return []
  // One number for both, so that a million hits sort fast: a distance has 9 bits and an id 32.
  let hits: number[] = []
  let farthest = Infinity
  search((id, distance) => {
    const hit = distance * 2 ** 32 + id
    if (hit > farthest) return
    if (among !== undefined && ((among[id >>> 3] ?? 0) & (1 << (id & 7))) === 0) return
    if (wanted?.(id) === false) return
    hits.push(hit)
    if (hits.length < 4 * limit + 1_024) return
    // Of a million equal hashes only so many are ever kept.
    hits = Array.from(Float64Array.from(hits).sort().subarray(0, limit))
    farthest = hits.at(-1)!
  })
  const sorted = Float64Array.from(hits).sort()
  const nearest = limit === Infinity ? sorted : sorted.subarray(0, limit)
  return Array.from(nearest, (hit) => ({ id: hit % 2 ** 32, distance: Math.floor(hit / 2 ** 32) }))
}
