import type { ByteReader, ByteWriter } from './byte-stream.ts'

/**
 * Counts and sums over a sliding window of event time, for one key.
 *
 * Samples lie in buckets sorted by time, one sample a bucket, so answers are exact. The newest 1,000 samples always stay
 * apart; older ones are merged once there are more than `bucketsMax`, each bucket holding at most 1 % of what is newer
 * than it. Only the bucket that the edge of the window cuts is estimated, so a count is at most 1 % off, and exact up
 * to 1,000 (after Datar, Gionis, Indyk and Motwani, "Maintaining stream statistics over sliding windows", 2002, with
 * times kept so that late samples can be put where they belong). A sum is off by at most the share of that one bucket.
 * Reads of a moment in the past, for late samples, are exact as long as nothing newer than that window is merged.
 */
export type TallyWindow = {
  /** Four numbers a bucket: first time, last time, samples, their sum. */
  cells: Float64Array
  head: number
  tail: number
  // What follows is derived: the samples in the buckets from `edge` on, all of which end after `edgeMs`.
  edge: number
  edgeMs: number
  live: number
}

export const exactSamplesMax = 1_000
export const bucketsMax = 4_096
const mergeShare = 0.01
const stride = 4

/** A window that has counted nothing. */
export function createTally(): TallyWindow {
  return { cells: new Float64Array(stride), head: 0, tail: 0, edge: 0, edgeMs: Infinity, live: 0 }
}

/** Index of the first bucket whose last time is above `timeMs`. */
function tallyAbove(tally: TallyWindow, timeMs: number): number {
  let low = tally.head
  let high = tally.tail
  while (low < high) {
    const middle = (low + high) >>> 1
    if (tally.cells[middle * stride + 1]! > timeMs) high = middle
    else low = middle + 1
  }
  return low
}

/** Adds a sample. `horizonMs`: samples at or before it are no longer needed by anyone and are dropped. */
export function tallyAdd(tally: TallyWindow, timeMs: number, addend: number, horizonMs: number): void {
  while (tally.head < tally.tail && tally.cells[tally.head * stride + 1]! <= horizonMs) tally.head++
  if (tally.edge < tally.head) tally.edgeMs = Infinity
  if (timeMs <= horizonMs) return
  if (tally.tail * stride === tally.cells.length) makeRoom(tally)
  let at = tally.tail
  tally.live++
  if (at > tally.head && tally.cells[(at - 1) * stride + 1]! > timeMs) {
    at = tallyAbove(tally, timeMs)
    tally.edgeMs = Infinity
    const cell = at * stride
    if (tally.cells[cell]! <= timeMs && tally.cells[cell + 2]! > 1) {
      tally.cells[cell + 2]! += 1
      tally.cells[cell + 3]! += addend
      return
    }
    tally.cells.copyWithin((at + 1) * stride, at * stride, tally.tail * stride)
  }
  const cell = at * stride
  tally.cells[cell] = timeMs
  tally.cells[cell + 1] = timeMs
  tally.cells[cell + 2] = 1
  tally.cells[cell + 3] = addend
  tally.tail++
  // An edge that a read of a later moment has left beyond this sample must be found again.
  if (timeMs <= tally.edgeMs) tally.edgeMs = Infinity
  if (tally.tail - tally.head > bucketsMax) mergeOld(tally)
}

function makeRoom(tally: TallyWindow): void {
  const used = tally.tail - tally.head
  if (tally.head > used) tally.cells.copyWithin(0, tally.head * stride, tally.tail * stride)
  else {
    const grown = new Float64Array(tally.cells.length * 2)
    grown.set(tally.cells.subarray(tally.head * stride, tally.tail * stride))
    tally.cells = grown
  }
  tally.edge = Math.max(0, tally.edge - tally.head)
  tally.head = 0
  tally.tail = used
}

function mergeOld(tally: TallyWindow): void {
  tally.edgeMs = Infinity
  const { cells } = tally
  let newer = 0
  let from = tally.tail - 1
  while (from >= tally.head && newer + cells[from * stride + 2]! <= exactSamplesMax) {
    newer += cells[from * stride + 2]!
    from--
  }
  let to = from
  for (let at = from - 1; at >= tally.head; at--) {
    const target = to * stride
    const source = at * stride
    if (cells[target + 2]! + cells[source + 2]! <= newer * mergeShare) {
      cells[target] = cells[source]!
      cells[target + 2]! += cells[source + 2]!
      cells[target + 3]! += cells[source + 3]!
    } else {
      newer += cells[target + 2]!
      to--
      cells.copyWithin(to * stride, source, source + stride)
    }
  }
  tally.head = Math.max(tally.head, to)
}

/** Samples in (fromMs, untilMs]. */
export function tallyCount(tally: TallyWindow, fromMs: number, untilMs: number): number {
  const { cells } = tally
  const last = tally.tail - 1
  if (last < tally.head) return 0
  if (cells[last * stride + 1]! <= untilMs) {
    moveEdge(tally, fromMs)
    if (tally.edge > last) return 0
    const cut = cells[tally.edge * stride + 2]!
    return tally.live - cut + Math.round(cut * shareWithin(cells, tally.edge, fromMs, untilMs))
  }
  let count = 0
  for (let at = tallyAbove(tally, fromMs); at <= last && cells[at * stride]! <= untilMs; at++)
    count += Math.round(cells[at * stride + 2]! * shareWithin(cells, at, fromMs, untilMs))
  return count
}

function moveEdge(tally: TallyWindow, fromMs: number): void {
  if (fromMs < tally.edgeMs) {
    tally.edge = tallyAbove(tally, fromMs)
    tally.live = 0
    for (let at = tally.edge; at < tally.tail; at++) tally.live += tally.cells[at * stride + 2]!
  }
  tally.edgeMs = fromMs
  while (tally.edge < tally.tail && tally.cells[tally.edge * stride + 1]! <= fromMs) {
    tally.live -= tally.cells[tally.edge * stride + 2]!
    tally.edge++
  }
}

/** Sum of the samples in (fromMs, untilMs], added up from the oldest to the newest. */
export function tallySum(tally: TallyWindow, fromMs: number, untilMs: number): number {
  const { cells } = tally
  let sum = 0
  for (let at = tallyAbove(tally, fromMs); at < tally.tail && cells[at * stride]! <= untilMs; at++)
    sum += cells[at * stride + 3]! * shareWithin(cells, at, fromMs, untilMs)
  return sum
}

/** Share of a bucket that lies in the window, its samples taken as evenly spread. 1 for a single sample. */
function shareWithin(cells: Float64Array, at: number, fromMs: number, untilMs: number): number {
  const first = cells[at * stride]!
  const last = cells[at * stride + 1]!
  if (first > fromMs && last <= untilMs) return 1
  return (Math.min(last, untilMs) - Math.max(first, fromMs)) / (last - first)
}

/** Whether nothing after `horizonMs` was counted, so that the window reads as an empty one does. */
export function tallyIsOver(tally: TallyWindow, horizonMs: number): boolean {
  return tally.head === tally.tail || tally.cells[(tally.tail - 1) * stride + 1]! <= horizonMs
}

/** Writes the window, so that `readTally` makes one that answers the same for ever after. */
export function writeTally(tally: TallyWindow, out: ByteWriter): void {
  out.f64s(tally.cells, tally.head * stride, tally.tail * stride)
}

/** Reads what `writeTally` wrote. */
export function readTally(from: ByteReader): TallyWindow {
  const stored = from.f64s()
  const cells = new Float64Array(Math.max(stride, stored.length))
  cells.set(stored)
  return { ...createTally(), cells, tail: stored.length / stride }
}

/** The value at the newest time up to `untilMs` and after `fromMs`; of equal times the one that came last. */
export type LastWindow = { times: number[]; values: (string | number | boolean)[] }

const lastSamplesMax = 256

/** A window without any value. */
export function createLast(): LastWindow {
  return { times: [], values: [] }
}

/** Adds a value. Of those at or before `settledMs` (no late reads before it) only the newest is kept, 256 in all. */
export function lastAdd(
  window: LastWindow,
  timeMs: number,
  value: string | number | boolean,
  settledMs: number,
  horizonMs: number,
): void {
  if (timeMs <= horizonMs) return
  const { times, values } = window
  let at = times.length
  while (at > 0 && times[at - 1]! > timeMs) at--
  times.splice(at, 0, timeMs)
  values.splice(at, 0, value)
  let drop = Math.max(0, times.length - lastSamplesMax)
  while (drop + 1 < times.length && times[drop + 1]! <= settledMs) drop++
  while (drop < times.length && times[drop]! <= horizonMs) drop++
  if (drop > 0) {
    times.splice(0, drop)
    values.splice(0, drop)
  }
}

/** The newest value in (fromMs, untilMs], or null. */
export function lastRead(window: LastWindow, fromMs: number, untilMs: number): string | number | boolean | null {
  let at = window.times.length - 1
  while (at >= 0 && window.times[at]! > untilMs) at--
  return at >= 0 && window.times[at]! > fromMs ? window.values[at]! : null
}

/** Whether no value came after `horizonMs`, so that the window reads as an empty one does. */
export function lastIsOver(window: LastWindow, horizonMs: number): boolean {
  return window.times.length === 0 || window.times[window.times.length - 1]! <= horizonMs
}

/** Writes the window, so that `readLast` makes one that answers the same for ever after. */
export function writeLast(window: LastWindow, out: ByteWriter): void {
  out.u32(window.times.length)
  for (let at = 0; at < window.times.length; at++) {
    out.f64(window.times[at]!)
    out.text(JSON.stringify(window.values[at]))
  }
}

/** Reads what `writeLast` wrote. */
export function readLast(from: ByteReader): LastWindow {
  const window = createLast()
  for (let left = from.u32(); left > 0; left--) {
    window.times.push(from.f64())
    window.values.push(JSON.parse(from.text()) as string | number | boolean)
  }
  return window
}
