// Nearest vectors by cosine: hierarchical navigable small worlds (Malkov and Yashunin, "Efficient and robust approximate
// nearest neighbor search using hierarchical navigable small world graphs", 2018; algorithms 1, 2, 4 and 5), over flat
// arrays, with a plain scan while that is as quick.

import { createRandom } from './random.ts'

export type VectorHit = { id: number; distance: number }

export type VectorIndex = {
  readonly size: number
  readonly dimensions: number
  /** Adds a vector under an id from 0 to 2^32 - 1; it is normalised. An id that is there already is replaced. */
  add: (id: number, vector: Float32Array) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /**
   * The nearest `count` vectors, nearest first, by cosine distance (0 the same direction, 2 the opposite). Approximate
   * above `scanMax` vectors: `effort` candidates are followed, more find more.
   */
  nearest: (vector: Float32Array, count: number, effort?: number) => VectorHit[]
  /** Those within a distance, nearest first; the search widens until what it finds goes beyond the distance. */
  within: (vector: Float32Array, distance: number, effort?: number) => VectorHit[]
  /** The same as `nearest`, by looking at every vector: the measure of the other's recall. */
  exact: (vector: Float32Array, count: number) => VectorHit[]
  bytes: () => number
}

export type VectorIndexOptions = {
  dimensions: number
  /** Neighbours a vector is linked to, on the ground level twice that; 16 unless said. */
  links?: number
  /** Candidates followed while linking; 100 unless said. */
  buildEffort?: number
  /** Up to so many vectors every search is a scan; 2,000 unless said. */
  scanMax?: number
}

const effortDefault = 64
/** Removed vectors stay as bridges until they are so large a share of all; then the graph is made anew. */
const removedShareMax = 0.3

/** An empty index. The same calls in the same order give the same graph on every machine. */
export function createVectorIndex(options: VectorIndexOptions): VectorIndex {
  const { dimensions, links = 16, buildEffort = 100, scanMax = 2_000 } = options
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 8_192)
    throw new RangeError(`Vectors must have 1 to 8192 dimensions, not ${dimensions}`)
  const groundLinks = links * 2
  const levelScale = 1 / Math.log(links)
  let random = createRandom(1)
  let capacity = 64
  let vectors = new Float32Array(capacity * dimensions)
  /** On the ground level: how many neighbours, then they. */
  let ground = new Int32Array(capacity * (groundLinks + 1))
  let upper: (Int32Array | undefined)[] = []
  let levels: number[] = []
  let ids = new Float64Array(capacity)
  let gone = new Uint8Array(capacity)
  let seen = new Uint32Array(capacity)
  let stamp = 0
  let used = 0
  let removed = 0
  let entry = -1
  let top = -1
  const slotOf = new Map<number, number>()

  const distanceTo = (query: Float32Array, slot: number) => {
    let [a, b, c, d] = [0, 0, 0, 0]
    const from = slot * dimensions
    let at = 0
    for (; at + 3 < dimensions; at += 4) {
      a += query[at]! * vectors[from + at]!
      b += query[at + 1]! * vectors[from + at + 1]!
      c += query[at + 2]! * vectors[from + at + 2]!
      d += query[at + 3]! * vectors[from + at + 3]!
    }
    for (; at < dimensions; at++) a += query[at]! * vectors[from + at]!
    return 1 - (a + b + c + d)
  }
  const vectorOf = (slot: number) => vectors.subarray(slot * dimensions, (slot + 1) * dimensions)

  const neighbours = (slot: number, level: number): Int32Array => {
    if (level === 0) return ground.subarray(slot * (groundLinks + 1), (slot + 1) * (groundLinks + 1))
    const width = links + 1
    return upper[slot]!.subarray((level - 1) * width, level * width)
  }

  const grow = () => {
    capacity *= 2
    vectors = resized(vectors, new Float32Array(capacity * dimensions))
    ground = resized(ground, new Int32Array(capacity * (groundLinks + 1)))
    ids = resized(ids, new Float64Array(capacity))
    gone = resized(gone, new Uint8Array(capacity))
    seen = resized(seen, new Uint32Array(capacity))
  }

  /** Algorithm 2: the nearest `effort` slots on a level that can be reached from the start. */
  const searchLevel = (query: Float32Array, start: Candidate[], effort: number, level: number): Candidate[] => {
    if (++stamp > 0xffff_ffff) {
      seen.fill(0)
      stamp = 1
    }
    const open = createHeap((a, b) => a.distance < b.distance)
    const best = createHeap((a, b) => a.distance > b.distance)
    for (const one of start) {
      seen[one.slot] = stamp
      open.push(one)
      best.push(one)
    }
    while (open.size() > 0) {
      const next = open.pop()!
      if (best.size() >= effort && next.distance > best.peek()!.distance) break
      const near = neighbours(next.slot, level)
      for (let at = 1; at <= near[0]!; at++) {
        const slot = near[at]!
        if (seen[slot] === stamp) continue
        seen[slot] = stamp
        const distance = distanceTo(query, slot)
        if (best.size() < effort || distance < best.peek()!.distance) {
          open.push({ slot, distance })
          best.push({ slot, distance })
          if (best.size() > effort) best.pop()
        }
      }
    }
    return best.drain().reverse()
  }

  /** Algorithm 4: neighbours that lie in different directions, then the nearest of the rest. */
  const choose = (candidates: readonly Candidate[], count: number): Candidate[] => {
    const chosen: Candidate[] = []
    const rest: Candidate[] = []
    for (const candidate of candidates) {
      if (chosen.length >= count) break
      const own = vectorOf(candidate.slot)
      if (chosen.every((other) => distanceTo(own, other.slot) >= candidate.distance)) chosen.push(candidate)
      else rest.push(candidate)
    }
    return [...chosen, ...rest.slice(0, count - chosen.length)]
  }

  const link = (slot: number, other: number, distance: number, level: number) => {
    const list = neighbours(slot, level)
    const room = level === 0 ? groundLinks : links
    if (list[0]! < room) {
      list[++list[0]!] = other
      return
    }
    const own = vectorOf(slot)
    const all = Array.from(list.subarray(1, 1 + room), (near) => ({ slot: near, distance: distanceTo(own, near) }))
    all.push({ slot: other, distance })
    all.sort((a, b) => a.distance - b.distance || a.slot - b.slot)
    const kept = choose(all, room)
    list[0] = kept.length
    for (const [at, one] of kept.entries()) list[at + 1] = one.slot
  }

  /** Algorithm 1. */
  const insert = (id: number, vector: Float32Array) => {
    const slot = used++
    if (slot === capacity) grow()
    vectors.set(vector, slot * dimensions)
    ids[slot] = id
    gone[slot] = 0
    slotOf.set(id, slot)
    const level = Math.min(16, Math.floor(-Math.log(1 - random.float()) * levelScale))
    levels[slot] = level
    upper[slot] = level === 0 ? undefined : new Int32Array(level * (links + 1))
    ground[slot * (groundLinks + 1)] = 0
    if (entry < 0) {
      entry = slot
      top = level
      return
    }
    let near: Candidate[] = [{ slot: entry, distance: distanceTo(vector, entry) }]
    for (let at = top; at > level; at--) near = searchLevel(vector, near, 1, at)
    for (let at = Math.min(level, top); at >= 0; at--) {
      near = searchLevel(vector, near, buildEffort, at)
      const chosen = choose(near, links)
      const list = neighbours(slot, at)
      list[0] = chosen.length
      for (const [index, one] of chosen.entries()) {
        list[index + 1] = one.slot
        link(one.slot, slot, one.distance, at)
      }
    }
    if (level > top) {
      entry = slot
      top = level
    }
  }

  /** Without what was removed, in the order in which it was added. */
  const rebuild = () => {
    const kept = Array.from({ length: used }, (_, slot) => slot)
      .filter((slot) => gone[slot] === 0)
      .map((slot) => ({ id: ids[slot]!, vector: vectorOf(slot).slice() }))
    random = createRandom(1)
    upper = []
    levels = []
    used = 0
    removed = 0
    entry = -1
    top = -1
    slotOf.clear()
    for (const { id, vector } of kept) insert(id, vector)
  }

  const remove = (id: number) => {
    const slot = slotOf.get(id)
    if (slot === undefined) return false
    slotOf.delete(id)
    gone[slot] = 1
    removed++
    if (removed > 64 && removed > used * removedShareMax) rebuild()
    return true
  }

  const scan = (query: Float32Array, wanted: (distance: number) => boolean): VectorHit[] => {
    const hits: VectorHit[] = []
    for (let slot = 0; slot < used; slot++) {
      if (gone[slot] === 1) continue
      const distance = distanceTo(query, slot)
      if (wanted(distance)) hits.push({ id: ids[slot]!, distance: Math.max(0, distance) })
    }
    return hits.sort(byDistance)
  }

  const follow = (query: Float32Array, effort: number): VectorHit[] => {
    let near: Candidate[] = [{ slot: entry, distance: distanceTo(query, entry) }]
    for (let level = top; level > 0; level--) near = searchLevel(query, near, 1, level)
    return searchLevel(query, near, effort, 0)
      .filter(({ slot }) => gone[slot] === 0)
      .map(({ slot, distance }) => ({ id: ids[slot]!, distance: Math.max(0, distance) }))
      .sort(byDistance)
  }

  return {
    get size() {
      return slotOf.size
    },
    dimensions,
    add(id, vector) {
      if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff)
        throw new RangeError(`A vector id must be a whole number from 0 to 4294967295, not ${id}`)
      const unit = normalised(vector, dimensions)
      remove(id)
      insert(id, unit)
    },
    remove,
    nearest(vector, count, effort = effortDefault) {
      const query = normalised(vector, dimensions)
      if (slotOf.size === 0) return []
      if (used <= scanMax) return scan(query, () => true).slice(0, count)
      return follow(query, Math.max(effort, count) + (removed > 0 ? count : 0)).slice(0, count)
    },
    within(vector, distance, effort = effortDefault) {
      const query = normalised(vector, dimensions)
      if (slotOf.size === 0) return []
      if (used <= scanMax) return scan(query, (found) => found <= distance)
      for (let wide = effort; ; wide *= 4) {
        const hits = follow(query, wide)
        if (hits.length === 0 || hits.at(-1)!.distance > distance || wide >= used)
          return hits.filter((hit) => hit.distance <= distance)
      }
    },
    exact(vector, count) {
      return scan(normalised(vector, dimensions), () => true).slice(0, count)
    },
    bytes: () =>
      vectors.byteLength +
      ground.byteLength +
      ids.byteLength +
      gone.byteLength +
      seen.byteLength +
      upper.reduce((sum, list) => sum + (list?.byteLength ?? 0), 0),
  }
}

/**
 * Cosine distance of two vectors of equal length: 0 the same direction, 2 the opposite. Throws a RangeError for vectors
 * of other lengths, and for one without direction.
 */
export function cosineDistance(left: Float32Array, right: Float32Array): number {
  if (left.length !== right.length)
    throw new RangeError(`Vectors of ${left.length} and ${right.length} dimensions cannot be compared`)
  const a = normalised(left, left.length)
  const b = normalised(right, right.length)
  let dot = 0
  for (let at = 0; at < a.length; at++) dot += a[at]! * b[at]!
  return Math.min(2, Math.max(0, 1 - dot))
}

/** The vector of length 1 in the same direction. */
export function normalised(vector: Float32Array, dimensions: number): Float32Array {
  if (!(vector instanceof Float32Array) || vector.length !== dimensions)
    throw new RangeError(`A vector must have ${dimensions} dimensions, not ${vector?.length}`)
  let sum = 0
  for (const value of vector) sum += value * value
  if (!(sum > 0) || !Number.isFinite(sum)) throw new RangeError('A vector must be finite and not all zero')
  const scale = 1 / Math.sqrt(sum)
  return vector.map((value) => value * scale)
}

type Candidate = { slot: number; distance: number }

const byDistance = (a: VectorHit, b: VectorHit) => a.distance - b.distance || a.id - b.id

/** A binary heap; `before` says which of two comes out first. */
function createHeap(before: (a: Candidate, b: Candidate) => boolean) {
  const items: Candidate[] = []
  const pop = (): Candidate | undefined => {
    const first = items[0]
    const last = items.pop()
    if (items.length > 0 && last !== undefined) {
      let at = 0
      for (;;) {
        const left = 2 * at + 1
        if (left >= items.length) break
        const child = left + 1 < items.length && before(items[left + 1]!, items[left]!) ? left + 1 : left
        if (!before(items[child]!, last)) break
        items[at] = items[child]!
        at = child
      }
      items[at] = last
    }
    return first
  }
  return {
    size: () => items.length,
    peek: () => items[0],
    push(item: Candidate) {
      let at = items.push(item) - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(item, items[parent]!)) break
        items[at] = items[parent]!
        at = parent
      }
      items[at] = item
    },
    pop,
    /** Everything, first out first. */
    drain(): Candidate[] {
      const all: Candidate[] = []
      for (let next = pop(); next !== undefined; next = pop()) all.push(next)
      return all
    },
  }
}

function resized<A extends Float32Array | Int32Array | Float64Array | Uint8Array | Uint32Array>(from: A, to: A): A {
  to.set(from)
  return to
}
