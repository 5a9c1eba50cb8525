// Nearest vectors by cosine: hierarchical navigable small worlds (Malkov and Yashunin, "Efficient and robust approximate
// nearest neighbor search using hierarchical navigable small world graphs", 2018; algorithms 1, 2, 4 and 5), over flat
// arrays. A vector is found from the moment it is added: until `maintain` has linked it, searches scan it. Removed ones
// stay as bridges, are never answered, and `maintain` lays links around them (the consolidation of Singh and others,
// "FreshDiskANN", 2021, section 4), so that nothing is ever made anew as a whole.

import { bounded, createByteVectors } from './byte-vectors.ts'
import { createRandom } from './random.ts'
import { createSlotHeap } from './slot-heap.ts'

export type VectorHit = { id: number; distance: number }

export type VectorIndex = {
  readonly size: number
  readonly dimensions: number
  /** Vectors that are not linked yet, and removed ones that still are: what `maintain` has to do. */
  readonly waiting: number
  /** Adds a vector under an id from 0 to 2^32 - 1; only its direction counts. One that is there already is replaced. */
  add: (id: number, vector: Int8Array) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /** Links what was added and unlinks what was removed, for about so long; answers whether there is more to do. */
  maintain: (budgetNs: number) => boolean
  /**
   * The nearest `count` vectors, nearest first, by cosine distance (0 the same direction, 2 the opposite). Approximate
   * above `scanMax` vectors: `effort` candidates are followed, more find more.
   */
  nearest: (vector: Int8Array, count: number, effort?: number) => VectorHit[]
  /** Those within a distance, nearest first; the search widens until what it finds goes beyond the distance. */
  within: (vector: Int8Array, distance: number, effort?: number) => VectorHit[]
  /** The nearest `count` within a distance, by looking at every vector: the measure of the others' recall. */
  exact: (vector: Int8Array, count: number, distance?: number) => VectorHit[]
  bytes: () => number
}

export type VectorIndexOptions = {
  dimensions: number
  /** Neighbours a vector is linked to, on the ground level twice that; 16 unless said. */
  links?: number
  /** Candidates followed while linking; 120 unless said. */
  buildEffort?: number
  /** Up to so many vectors are scanned and not linked; 2,000 unless said. */
  scanMax?: number
}

const effortDefault = 96
const levelMax = 16
/** Links are laid around removed vectors once they are so large a share of all linked ones. */
const removedShareMax = 0.1
const removedMin = 64

// States of a slot: empty, waiting to be linked, linked, removed but linked, removed and being unlinked.
const [empty, fresh, linked, gone, leaving] = [0, 1, 2, 3, 4]

/** An empty index. The same calls in the same order give the same graph on every machine. */
export function createVectorIndex(options: VectorIndexOptions): VectorIndex {
  const { dimensions, links = 16, buildEffort = 120, scanMax = 2_000 } = options
  const vectors = createByteVectors(dimensions)
  const groundLinks = links * 2
  const levelScale = 1 / Math.log(links)
  /** What one distance costs, about, in nanoseconds: to work within a budget without a clock. */
  const distanceNs = 40 + dimensions / 6
  const random = createRandom(1)
  let capacity = 64
  /** On the ground level: how many neighbours, then they. */
  let ground = new Int32Array(capacity * (groundLinks + 1))
  let upper: (Int32Array | undefined)[] = []
  let levels = new Uint8Array(capacity)
  let ids = new Uint32Array(capacity)
  let state = new Uint8Array(capacity)
  let seen = new Uint32Array(capacity)
  let stamp = 0
  let used = 0
  const free: number[] = []
  const slotOf = new Map<number, number>()
  /** Slots that are not linked yet, and the place of each among them. */
  let waiting = new Int32Array(capacity)
  let placeOf = new Int32Array(capacity)
  let waits = 0
  let linkedCount = 0
  let goneCount = 0
  /** Where the unlinking of what leaves is, by slot; -1 while nothing leaves. */
  let unlinkingAt = -1
  let entry = -1
  let top = -1
  let spent = 0

  let distances = new Float64Array(1_024)
  const near = new Int32Array(groundLinks + 1)
  const open = createSlotHeap(false)
  const best = createSlotHeap(true)
  let foundSlots: number[] = []
  let foundDistances: number[] = []

  const room = (count: number) => {
    if (distances.length < count) distances = new Float64Array(count * 2)
    return distances
  }
  const grow = () => {
    capacity *= 2
    ground = resized(ground, new Int32Array(capacity * (groundLinks + 1)))
    levels = resized(levels, new Uint8Array(capacity))
    ids = resized(ids, new Uint32Array(capacity))
    state = resized(state, new Uint8Array(capacity))
    seen = resized(seen, new Uint32Array(capacity))
    waiting = resized(waiting, new Int32Array(capacity))
    placeOf = resized(placeOf, new Int32Array(capacity))
  }
  /** The list of a slot on a level, and where in it: a count, then the neighbours. */
  const listOf = (slot: number, level: number) => (level === 0 ? ground : upper[slot]!)
  const listAt = (slot: number, level: number) => (level === 0 ? slot * (groundLinks + 1) : (level - 1) * (links + 1))
  const roomOn = (level: number) => (level === 0 ? groundLinks : links)

  /**
   * Algorithm 2, from what was asked: the nearest `effort` slots on a level that can be reached from the start, nearest
   * first, into `foundSlots` and `foundDistances`. With `live`, removed ones are passed through and not found.
   */
  const searchLevel = (effort: number, level: number, live: boolean) => {
    if (++stamp > 0xffff_ffff) {
      seen.fill(0)
      stamp = 1
    }
    open.clear()
    best.clear()
    for (const [at, slot] of foundSlots.entries()) {
      seen[slot] = stamp
      open.push(slot, foundDistances[at]!)
      if (!live || state[slot] === linked) best.push(slot, foundDistances[at]!)
    }
    while (open.size > 0) {
      const distance = open.firstDistance()
      if (best.size >= effort && distance > best.firstDistance()) break
      const slot = open.pop()
      const list = listOf(slot, level)
      const from = listAt(slot, level)
      let count = 0
      for (let at = from + 1, end = from + list[from]!; at <= end; at++) {
        const other = list[at]!
        if (seen[other] === stamp) continue
        seen[other] = stamp
        near[count++] = other
      }
      if (count === 0) continue
      spent += count
      vectors.distances(near, count, distances)
      for (let at = 0; at < count; at++) {
        const far = distances[at]!
        if (best.size >= effort && far >= best.firstDistance()) continue
        const other = near[at]!
        open.push(other, far)
        if (live && state[other] !== linked) continue
        best.push(other, far)
        if (best.size > effort) best.pop()
      }
    }
    const count = best.size
    foundSlots = Array.from({ length: count })
    foundDistances = Array.from({ length: count })
    for (let at = count - 1; at >= 0; at--) {
      foundDistances[at] = best.firstDistance()
      foundSlots[at] = best.pop()
    }
  }

  /** To the place on a level from which a search begins, by what was asked. */
  const descend = (level: number) => {
    near[0] = entry
    vectors.distances(near, 1, distances)
    foundSlots = [entry]
    foundDistances = [distances[0]!]
    for (let at = top; at > level; at--) searchLevel(1, at, false)
  }

  /** Algorithm 4: of candidates, nearest first, those that lie in different directions, then the nearest of the rest. */
  const choose = (slots: readonly number[], distancesOf: readonly number[], count: number): number[] => {
    const chosen: number[] = []
    const rest: number[] = []
    for (const [at, slot] of slots.entries()) {
      if (chosen.length >= count) break
      const distance = distancesOf[at]!
      let apart = true
      for (let other = 0; apart && other < chosen.length; other++) {
        spent++
        apart = vectors.between(slot, chosen[other]!) >= distance
      }
      if (apart) chosen.push(slot)
      else rest.push(slot)
    }
    for (let at = 0; chosen.length < count && at < rest.length; at++) chosen.push(rest[at]!)
    return chosen
  }

  /** The best `count` neighbours for a slot, of any candidates. */
  const chooseFor = (slot: number, candidates: readonly number[], count: number): number[] => {
    const all = candidates.map((other) => ({ other, distance: vectors.between(slot, other) }))
    spent += all.length
    all.sort((a, b) => a.distance - b.distance || a.other - b.other)
    return choose(
      all.map(({ other }) => other),
      all.map(({ distance }) => distance),
      count,
    )
  }

  const setList = (slot: number, level: number, neighbours: readonly number[]) => {
    const list = listOf(slot, level)
    const from = listAt(slot, level)
    list[from] = neighbours.length
    for (const [at, other] of neighbours.entries()) list[from + 1 + at] = other
  }

  const link = (slot: number, other: number, level: number) => {
    const list = listOf(slot, level)
    const from = listAt(slot, level)
    const count = list[from]!
    if (count < roomOn(level)) {
      list[from + 1 + count] = other
      list[from] = count + 1
      return
    }
    const candidates = [other]
    for (let at = from + 1; at <= from + count; at++) if (state[list[at]!] === linked) candidates.push(list[at]!)
    setList(slot, level, chooseFor(slot, candidates, roomOn(level)))
  }

  /** Algorithm 1. */
  const insert = (slot: number) => {
    const level = Math.min(levelMax, Math.floor(-Math.log(1 - random.float()) * levelScale))
    levels[slot] = level
    upper[slot] = level === 0 ? undefined : new Int32Array(level * (links + 1))
    ground[slot * (groundLinks + 1)] = 0
    linkedCount++
    if (entry < 0) {
      state[slot] = linked
      entry = slot
      top = level
      return
    }
    vectors.askSlot(slot)
    descend(level)
    for (let at = Math.min(level, top); at >= 0; at--) {
      const [startSlots, startDistances] = [foundSlots, foundDistances]
      searchLevel(buildEffort, at, true)
      const chosen = choose(foundSlots, foundDistances, links)
      setList(slot, at, chosen)
      for (const other of chosen) link(other, slot, at)
      // Everything near on this level is removed: the next begins where this one began.
      if (foundSlots.length === 0) [foundSlots, foundDistances] = [startSlots, startDistances]
    }
    state[slot] = linked
    if (level > top) {
      entry = slot
      top = level
    }
  }

  /** Takes a slot from those that wait. */
  const unwait = (slot: number) => {
    const last = waiting[--waits]!
    const place = placeOf[slot]!
    waiting[place] = last
    placeOf[last] = place
  }

  const release = (slot: number) => {
    state[slot] = empty
    upper[slot] = undefined
    free.push(slot)
  }

  const remove = (id: number) => {
    const slot = slotOf.get(id)
    if (slot === undefined) return false
    slotOf.delete(id)
    if (state[slot] === fresh) {
      unwait(slot)
      release(slot)
    } else {
      state[slot] = gone
      goneCount++
    }
    return true
  }

  /** Decides who leaves: everything that was removed by now. Searches go on from a vector that stays. */
  const beginUnlinking = () => {
    let next = -1
    for (let slot = 0; slot < used; slot++) {
      if (state[slot] === gone) state[slot] = leaving
      else if (state[slot] === linked && (next < 0 || levels[slot]! > levels[next]!)) next = slot
    }
    spent += used / 64
    entry = next
    top = next < 0 ? -1 : levels[next]!
    unlinkingAt = 0
  }

  /** Neighbours that leave are replaced by the best of theirs. */
  const repair = (slot: number, level: number) => {
    const list = listOf(slot, level)
    const from = listAt(slot, level)
    const candidates = new Set<number>()
    let touched = false
    for (let at = from + 1, end = from + list[from]!; at <= end; at++) {
      const other = list[at]!
      if (state[other] !== leaving) {
        candidates.add(other)
        continue
      }
      touched = true
      const theirs = listOf(other, level)
      const there = listAt(other, level)
      for (let next = there + 1; next <= there + theirs[there]!; next++)
        if (theirs[next] !== slot && state[theirs[next]!] === linked) candidates.add(theirs[next]!)
    }
    if (touched) setList(slot, level, chooseFor(slot, [...candidates], roomOn(level)))
  }

  const unlinkSome = (budget: number) => {
    for (; spent < budget && unlinkingAt < used; unlinkingAt++) {
      spent += 0.2
      const here = state[unlinkingAt]
      if (here === linked || here === gone)
        for (let level = levels[unlinkingAt]!; level >= 0; level--) repair(unlinkingAt, level)
    }
    if (unlinkingAt < used) return
    for (let slot = 0; slot < used; slot++)
      if (state[slot] === leaving) {
        release(slot)
        goneCount--
        linkedCount--
      }
    spent += used / 64
    unlinkingAt = -1
  }

  const unlinkingDue = () =>
    goneCount > 0 &&
    (goneCount === linkedCount || (goneCount > removedMin && goneCount > linkedCount * removedShareMax))
  const linkingDue = () => waits > 0 && (linkedCount > 0 || waits > scanMax)

  /** What waits within a distance of what was asked. */
  const scanWaiting = (within: number): VectorHit[] => {
    const hits: VectorHit[] = []
    const out = room(waits)
    vectors.distances(waiting, waits, out)
    for (let at = 0; at < waits; at++) if (out[at]! <= within) hits.push(hitAt(waiting[at]!, out[at]!))
    return hits
  }
  const hitAt = (slot: number, distance: number): VectorHit => ({ id: ids[slot]!, distance: bounded(distance) })

  const follow = (effort: number): VectorHit[] => {
    if (entry < 0 || linkedCount === goneCount) return []
    descend(0)
    searchLevel(effort, 0, true)
    return foundSlots.map((slot, at) => hitAt(slot, foundDistances[at]!))
  }

  return {
    get size() {
      return slotOf.size
    },
    dimensions,
    get waiting() {
      return (linkingDue() ? waits : 0) + (unlinkingAt >= 0 || unlinkingDue() ? goneCount : 0)
    },
    add(id, vector) {
      if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff)
        throw new RangeError(`A vector id must be a whole number from 0 to 4294967295, not ${id}`)
      const known = slotOf.get(id)
      if (known !== undefined && equal(vectors.get(known), vector)) return
      const slot = free.at(-1) ?? used
      vectors.set(slot, vector)
      if (slot === used) {
        if (++used > capacity) grow()
      } else free.pop()
      if (known !== undefined) remove(id)
      ids[slot] = id
      state[slot] = fresh
      slotOf.set(id, slot)
      placeOf[slot] = waits
      waiting[waits++] = slot
    },
    remove,
    maintain(budgetNs) {
      const budget = budgetNs / distanceNs
      for (spent = 0; spent < budget;) {
        if (unlinkingAt >= 0) unlinkSome(budget)
        else if (unlinkingDue()) beginUnlinking()
        else if (linkingDue()) {
          const slot = waiting[waits - 1]!
          unwait(slot)
          insert(slot)
        } else return false
      }
      return true
    },
    nearest(vector, count, effort = effortDefault) {
      vectors.ask(vector)
      const hits = [...follow(Math.max(effort, count)), ...scanWaiting(2)]
      return hits.sort(byDistance).slice(0, count)
    },
    within(vector, distance, effort = effortDefault) {
      vectors.ask(vector)
      for (let wide = effort; ; wide *= 4) {
        const hits = follow(wide)
        if (hits.length < wide || hits.at(-1)!.distance > distance)
          return [...hits.filter((hit) => hit.distance <= distance), ...scanWaiting(distance)].sort(byDistance)
      }
    },
    exact(vector, count, distance = 2) {
      vectors.ask(vector)
      const out = room(used)
      vectors.scan(0, used, out)
      best.clear()
      for (let slot = 0; slot < used; slot++) {
        const far = out[slot]!
        if (far > distance || (best.size >= count && far >= best.firstDistance())) continue
        if (state[slot] !== linked && state[slot] !== fresh) continue
        best.push(slot, far)
        if (best.size > count) best.pop()
      }
      const hits: VectorHit[] = []
      while (best.size > 0) {
        const far = best.firstDistance()
        hits.push(hitAt(best.pop(), far))
      }
      return hits.sort(byDistance)
    },
    bytes: () =>
      [ground, levels, ids, state, seen, waiting, placeOf].reduce(
        (sum, { byteLength }) => sum + byteLength,
        vectors.bytes(),
      ) + upper.reduce((sum, list) => sum + (list?.byteLength ?? 0), 0),
  }
}

const byDistance = (a: VectorHit, b: VectorHit) => a.distance - b.distance || a.id - b.id

function equal(a: Int8Array, b: Int8Array): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}

function resized<A extends Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(
  from: A,
  to: A,
): A {
  to.set(from)
  return to
}
