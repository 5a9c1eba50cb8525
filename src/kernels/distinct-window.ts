import type { ByteReader, ByteWriter } from './byte-stream.ts'

/**
 * How many different values were seen in a sliding window of event time, for one key. Values are 53-bit hashes.
 *
 * Exact while at most `samplesMax` sightings are kept. Beyond, sightings that a later one of the same value makes
 * unneeded go first; then values outside the newest 1,024 are sampled by their hash, each kept one standing for 2^level
 * (adaptive sampling: Flajolet, "On adaptive sampling", 1990). At least 24,000 stay in the sample when it is halved, so
 * the standard error is at most 0.65 %. The newest 1,024 stay exact, so counts below 1,000 are exact even after a flood.
 */
export type DistinctWindow = {
  /** Sightings sorted by time. */
  times: Float64Array
  hashes: Float64Array
  head: number
  tail: number
  level: number
  /** Sightings up to this time are sampled; above it all are kept. */
  sampledUntilMs: number
  // What follows is derived from the above: the values in the window that ends at the newest sighting or later.
  edge: number
  edgeMs: number
  /** Undefined while there are few sightings: then they are counted one by one. */
  lastSeen: Map<number, number> | undefined
  liveExact: number
  liveSampled: number
}

export const samplesMax = 65_536
const newestExact = 1_024
/** Up to this many sightings, going through them is cheaper than a map for each key. */
const fewMax = 32

/** A window that has seen nothing. */
export function createDistinct(): DistinctWindow {
  return {
    times: new Float64Array(2),
    hashes: new Float64Array(2),
    head: 0,
    tail: 0,
    level: 0,
    sampledUntilMs: -Infinity,
    edge: 0,
    edgeMs: -Infinity,
    lastSeen: undefined,
    liveExact: 0,
    liveSampled: 0,
  }
}

/** Index of the first sighting after `timeMs`. */
function above(window: DistinctWindow, timeMs: number): number {
  let low = window.head
  let high = window.tail
  while (low < high) {
    const middle = (low + high) >>> 1
    if (window.times[middle]! > timeMs) high = middle
    else low = middle + 1
  }
  return low
}

/** Moves the lower edge of the live window forward and forgets the values last seen before it. */
function advance(window: DistinctWindow, lastSeen: Map<number, number>, edgeMs: number): void {
  window.edgeMs = edgeMs
  while (window.edge < window.tail && window.times[window.edge]! <= edgeMs) {
    const seenMs = window.times[window.edge]!
    const hash = window.hashes[window.edge]!
    if (lastSeen.get(hash) === seenMs) {
      lastSeen.delete(hash)
      if (seenMs <= window.sampledUntilMs) window.liveSampled--
      else window.liveExact--
    }
    window.edge++
  }
}

/** Derives the live values again from the sightings after `edgeMs`. */
function derive(window: DistinctWindow, edgeMs: number): void {
  window.edgeMs = edgeMs
  window.edge = above(window, edgeMs)
  window.liveExact = 0
  window.liveSampled = 0
  const lastSeen = (window.lastSeen = new Map<number, number>())
  for (let at = window.edge; at < window.tail; at++) lastSeen.set(window.hashes[at]!, window.times[at]!)
  for (const seenMs of lastSeen.values()) {
    if (seenMs <= window.sampledUntilMs) window.liveSampled++
    else window.liveExact++
  }
}

/**
 * Adds a sighting. Nothing at or before `horizonMs` is needed any more; reads before `settledMs` no longer happen.
 */
export function distinctAdd(
  window: DistinctWindow,
  timeMs: number,
  hash: number,
  settledMs: number,
  horizonMs: number,
): void {
  while (window.head < window.tail && window.times[window.head]! <= horizonMs) window.head++
  if (window.lastSeen !== undefined && window.edge < window.head)
    advance(window, window.lastSeen, Math.max(window.edgeMs, horizonMs))
  if (window.level > 0 && (window.head === window.tail || window.times[window.head]! > window.sampledUntilMs)) {
    window.level = 0
    window.sampledUntilMs = -Infinity
  }
  if (timeMs <= horizonMs) return
  if (timeMs <= window.sampledUntilMs && hash % 2 ** window.level !== 0) return
  if (window.tail === window.times.length) makeRoom(window)
  const late = window.tail > window.head && window.times[window.tail - 1]! > timeMs
  const at = late ? above(window, timeMs) : window.tail
  for (let same = at - 1; same >= window.head && window.times[same] === timeMs; same--)
    if (window.hashes[same] === hash) return
  if (late) {
    window.times.copyWithin(at + 1, at, window.tail)
    window.hashes.copyWithin(at + 1, at, window.tail)
  }
  window.times[at] = timeMs
  window.hashes[at] = hash
  window.tail++
  if (window.lastSeen === undefined) {
    if (window.tail - window.head > fewMax) derive(window, horizonMs)
  } else if (late || timeMs <= window.edgeMs) {
    // A read of a later moment may have left the edge beyond this sighting; it must not be overlooked.
    derive(window, late ? window.edgeMs : horizonMs)
  } else {
    const before = window.lastSeen.get(hash)
    if (before !== undefined) {
      if (before <= window.sampledUntilMs) window.liveSampled--
      else window.liveExact--
    }
    window.lastSeen.set(hash, timeMs)
    if (timeMs <= window.sampledUntilMs) window.liveSampled++
    else window.liveExact++
  }
  if (window.tail - window.head > samplesMax) thin(window, settledMs)
}

function makeRoom(window: DistinctWindow): void {
  const used = window.tail - window.head
  if (window.head > used) {
    window.times.copyWithin(0, window.head, window.tail)
    window.hashes.copyWithin(0, window.head, window.tail)
  } else {
    const times = new Float64Array(window.times.length * 2)
    const hashes = new Float64Array(window.times.length * 2)
    times.set(window.times.subarray(window.head, window.tail))
    hashes.set(window.hashes.subarray(window.head, window.tail))
    window.times = times
    window.hashes = hashes
  }
  window.edge = Math.max(0, window.edge - window.head)
  window.head = 0
  window.tail = used
}

function thin(window: DistinctWindow, settledMs: number): void {
  keepOnly(
    window,
    (() => {
      const nextMs = new Map<number, number>()
      return (timeMs, hash) => {
        const later = nextMs.get(hash)
        nextMs.set(hash, timeMs)
        return later === undefined || later > settledMs
      }
    })(),
  )
  const roomy = samplesMax * 0.75
  if (window.tail - window.head > roomy) {
    const seen = new Set<number>()
    keepOnly(window, (_, hash) => !seen.has(hash) && seen.add(hash) !== undefined)
  }
  // What came since the last thinning is sampled like the rest; only if that is not enough, the sample is halved.
  for (let level = Math.max(1, window.level); window.tail - window.head > roomy; level++) {
    window.level = level
    window.sampledUntilMs = window.times[window.tail - newestExact - 1]!
    const modulus = 2 ** level
    keepOnly(window, (timeMs, hash) => timeMs > window.sampledUntilMs || hash % modulus === 0)
  }
  derive(window, window.edgeMs)
}

/** Keeps the sightings for which `keep` holds, asked from the newest to the oldest. */
function keepOnly(window: DistinctWindow, keep: (timeMs: number, hash: number) => boolean): void {
  let to = window.tail
  for (let at = window.tail - 1; at >= window.head; at--) {
    if (!keep(window.times[at]!, window.hashes[at]!)) continue
    to--
    window.times[to] = window.times[at]!
    window.hashes[to] = window.hashes[at]!
  }
  window.head = to
}

/** Different values seen in (fromMs, untilMs]. */
export function distinctCount(window: DistinctWindow, fromMs: number, untilMs: number): number {
  if (window.head === window.tail) return 0
  const atFront = untilMs >= window.times[window.tail - 1]!
  if (window.lastSeen !== undefined && atFront && fromMs >= window.edgeMs) {
    advance(window, window.lastSeen, fromMs)
    return window.liveExact + window.liveSampled * 2 ** window.level
  }
  const low = above(window, fromMs)
  const high = atFront ? window.tail : above(window, untilMs)
  let count = 0
  if (high - low <= fewMax) {
    for (let at = low; at < high; at++)
      if (!seenLater(window, at, high)) count += window.times[at]! <= window.sampledUntilMs ? 2 ** window.level : 1
    return count
  }
  const seen = new Set<number>()
  for (let at = high - 1; at >= low; at--) {
    const hash = window.hashes[at]!
    if (seen.has(hash)) continue
    seen.add(hash)
    count += window.times[at]! <= window.sampledUntilMs ? 2 ** window.level : 1
  }
  return count
}

function seenLater({ hashes }: DistinctWindow, at: number, high: number): boolean {
  const hash = hashes[at]!
  for (let later = at + 1; later < high; later++) if (hashes[later] === hash) return true
  return false
}

/** Whether nothing after `horizonMs` was seen, so that the window reads as an empty one does. */
export function distinctIsOver(window: DistinctWindow, horizonMs: number): boolean {
  return window.head === window.tail || window.times[window.tail - 1]! <= horizonMs
}

/** Writes the window, so that `readDistinct` makes one that answers the same for ever after. */
export function writeDistinct(window: DistinctWindow, out: ByteWriter): void {
  out.u32(window.level)
  out.f64(window.sampledUntilMs)
  out.f64s(window.times, window.head, window.tail)
  out.f64s(window.hashes, window.head, window.tail)
}

/** Reads what `writeDistinct` wrote. */
export function readDistinct(from: ByteReader): DistinctWindow {
  const window = createDistinct()
  window.level = from.u32()
  window.sampledUntilMs = from.f64()
  const times = from.f64s()
  const hashes = from.f64s()
  window.tail = times.length
  window.times = new Float64Array(Math.max(2, times.length))
  window.times.set(times)
  window.hashes = new Float64Array(Math.max(2, hashes.length))
  window.hashes.set(hashes)
  if (window.tail > fewMax) derive(window, -Infinity)
  return window
}
