// Makes an immutable part in bounded steps, so that whoever makes it can answer searches in between. A radix sort in two
// passes for each chunk keeps all writing inside the cache: 10 million hashes take some four seconds, where writing
// straight to 65,536 buckets takes twelve.
import { hashWords } from './hamming-distance.ts'
import {
  bitmapRanks,
  chunks,
  functionsOver,
  openPart,
  partBuffer,
  partLayout,
  partMemory,
  rankIn,
  type Engine,
  type Part,
} from './hamming-part.ts'

/** Entries to make a part of, by ascending id. Each call gives the next of them; 0 says there are no more. */
export type PartSource = {
  /** At most so many will come. */
  entriesMax: number
  /** Called once before the first `take`. */
  prepare?: () => void
  take: (ids: Uint32Array, hashes: Uint32Array, from: number, count: number) => number
}

export type PartBuilder = {
  /** Works for about so many nanoseconds (of a slow core) and answers the part when it is done. */
  step: (budgetNs: number) => Part | undefined
  /** From 0 to 1, roughly. */
  progress: () => number
}

const sliceEntries = 2_048
// What a step costs for an entry, in nanoseconds: measured on one core at 2.5 GHz with other work beside it.
const prepareNs = 1_000_000
const takeNs = 40
const pairNs = 100
const countNs = 30
const dealNs = 12
const settleNs = 15
const beginNs = 1_500
const countsBytes = chunks * 1_024
const cursorsBytes = 2_048

/** Begins to make a part. Nothing is read from the source before the first step. */
export function createPartBuilder(source: PartSource, engine: Engine): PartBuilder {
  const room = source.entriesMax
  // Everything at its largest: no twins. With twins the later sections move forward.
  const widest = partLayout({ room, entries: room, listed: room, leaders: 0 })
  const counts = widest.bytes
  const cursors = counts + countsBytes
  const spare = cursors + cursorsBytes
  const spareBytes = 128 * 1_024 + 64 * Math.ceil((0.8 * room) / 64)
  const memory = partMemory(spare + spareBytes, engine)
  const buffer = partBuffer(memory)
  const functions = functionsOver(memory, () => {})
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2)

  const work = steps()
  let done = 0
  const total = room * (takeNs + pairNs + countNs + chunks * (dealNs + settleNs)) + chunks * 256 * beginNs

  /** Yields what it has cost so far, in nanoseconds; returns the part. */
  function* steps(): Generator<number, Part> {
    source.prepare?.()
    yield prepareNs
    const entries = yield* fill()
    const { listed, leaders, layout } = yield* findTwins(entries)
    functions.place(layout.hashes, layout.keys, layout.slots, layout.tables, listed)
    yield* slices(entries, countNs, (from, to) => functions.count(from, to, layout.twins, counts))
    for (let chunk = 0; chunk < chunks; chunk++) yield* sortChunk(chunk, entries, listed, layout)
    return openPart(memory, { room, entries, listed, leaders })
  }

  function* slices(count: number, costNs: number, each: (from: number, to: number) => void): Generator<number> {
    for (let from = 0; from < count; from += sliceEntries) {
      const to = Math.min(count, from + sliceEntries)
      each(from, to)
      yield (to - from) * costNs
    }
  }

  function* fill(): Generator<number, number> {
    const ids = new Uint32Array(buffer, widest.ids, room)
    const hashes = new Uint32Array(buffer, widest.hashes, room * hashWords)
    let entries = 0
    for (;;) {
      const taken = source.take(ids, hashes, entries, Math.min(sliceEntries, room - entries))
      if (taken === 0) break
      entries += taken
      yield taken * takeNs
    }
    return entries
  }

  /** Marks leaders and twins and lists the twins of each leader. */
  function* findTwins(entries: number) {
    functions.place(widest.hashes, 0, 0, 0, 0)
    // Fresh memory is zero. The hash table lies where the sections after the bitmaps will be, and the leader of each twin at the very end.
    const slotCount = 2 ** Math.ceil(Math.log2(1.2 * entries + 64))
    const table = widest.twinStarts
    const firsts = 64 * Math.floor((counts - 4 * entries) / 64)
    let twins = 0
    yield* slices(entries, pairNs, (from, to) => {
      twins += functions.pairUp(from, to, table, slotCount - 1, widest.twins, widest.leaders, firsts)
    })
    const listed = entries - twins
    const bits = new Uint8Array(buffer, widest.leaders, Math.ceil(entries / 8))
    const ranks = bitmapRanks(bits)
    const leaders = ranks.at(-1)!
    const layout = partLayout({ room, entries, listed, leaders })
    if (twins > 0) {
      const starts = new Uint32Array(buffer, layout.twinStarts, leaders + 1)
      const members = new Uint32Array(buffer, layout.twinEntries, twins)
      const twinBits = new Uint8Array(buffer, layout.twins, Math.ceil(entries / 8))
      const each = (from: number, to: number, twin: (entry: number, leader: number) => void) => {
        for (let entry = from; entry < to; entry++)
          if ((twinBits[entry >>> 3]! & (1 << (entry & 7))) !== 0)
            twin(entry, rankIn(bits, ranks, words[(firsts >>> 2) + entry]!))
      }
      // Counted one place behind, so that filling leaves every start where it belongs.
      const behind = new Uint32Array(leaders + 2)
      yield* slices(entries, 10, (from, to) => each(from, to, (_, leader) => void behind[leader + 2]!++))
      for (let leader = 1; leader < behind.length; leader++) behind[leader]! += behind[leader - 1]!
      yield* slices(entries, 20, (from, to) =>
        each(from, to, (entry, leader) => void (members[behind[leader + 1]!++] = entry)),
      )
      starts.set(behind.subarray(0, leaders + 1))
    }
    return { listed, leaders, layout }
  }

  /** Sorts the listed entries by one chunk: first by its high byte into records, then each of these by the low byte. */
  function* sortChunk(chunk: number, entries: number, listed: number, layout: ReturnType<typeof partLayout>) {
    const byHigh = words.subarray((counts >>> 2) + chunk * 256, (counts >>> 2) + (chunk + 1) * 256)
    const highCursors = cursors >>> 2
    const lowCursors = cursors + 1_024
    const low = words.subarray(lowCursors >>> 2, (lowCursors >>> 2) + 256)
    const table = (layout.tables >>> 2) + chunk * (bucketWords + 1)
    // Records lie where the lists of later chunks will be, or for the last in the small spare room.
    const later = 64 * Math.ceil((layout.slots + (chunk + 1) * 3 * listed) / 64)
    const laterBytes = layout.slots + chunks * 3 * listed - later
    const [at, roomBytes] = laterBytes > spareBytes ? [later, laterBytes] : [spare, spareBytes]
    const capacity = Math.floor(roomBytes / 8)
    let start = 0

    const begin = (high: number) => {
      for (let byte = 0; byte < 256; byte++) {
        const size = low[byte]!
        words[table + high * 256 + byte] = start
        low[byte] = start
        start += size
      }
    }
    const deal = (from: number, to: number, high: number, highEnd: number) =>
      functions.deal(chunk, from, to, layout.twins, cursors, high, highEnd)

    for (let high = 0; high < 256;) {
      let end = high
      let size = 0
      while (end < 256 && size + byHigh[end]! <= capacity) size += byHigh[end++]!
      if (end > high) {
        let next = at
        for (let byte = high; byte < end; byte++) {
          words[highCursors + byte] = next
          next += 8 * byHigh[byte]!
        }
        yield* slices(entries, dealNs, (from, to) => deal(from, to, high, end))
        next = at
        for (; high < end; high++) {
          const after = next + 8 * byHigh[high]!
          low.fill(0)
          functions.tally(next, after, lowCursors)
          begin(high)
          functions.settle(chunk, next, after, lowCursors)
          yield beginNs + byHigh[high]! * settleNs
          next = after
        }
        continue
      }
      // More entries with this high byte than there is room for records: slice after slice, counted first.
      low.fill(0)
      const sliced = (each: (recordsEnd: number) => void) =>
        slices(entries, dealNs + settleNs, (from, to) => {
          words[highCursors + high] = at
          deal(from, to, high, high + 1)
          each(words[highCursors + high]!)
        })
      yield* sliced((recordsEnd) => functions.tally(at, recordsEnd, lowCursors))
      begin(high)
      yield* sliced((recordsEnd) => functions.settle(chunk, at, recordsEnd, lowCursors))
      high++
    }
    words[table + bucketWords] = start
  }

  return {
    step(budgetNs) {
      for (let spent = 0; spent < budgetNs;) {
        const next = work.next()
        if (next.done === true) return next.value
        spent += next.value
        done += next.value
      }
      return undefined
    },
    progress: () => Math.min(1, done / total),
  }
}

const bucketWords = 65_536
