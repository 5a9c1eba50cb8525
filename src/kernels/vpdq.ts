// vPDQ: videos as lists of PDQ hashes, one every so many frames, compared as sets. Frame choice, filter and rule follow
// the reference (facebook/ThreatExchange, vpdq/README and python-threatexchange's vpdq extension, 2023).

import { createHammingIndex, hammingDistance, hashWords } from './hamming-index.ts'

/** Frames match within this many of 256 bits, inclusive. */
export const vpdqRadius = 31
/** Frames under this quality are too unspecific and are dropped before anything is compared. */
export const vpdqQualityMin = 50

/** Frames in the order of their times. */
export type VpdqFrames = {
  /** 8 words a frame, least significant first. */
  words: Uint32Array
  /** 0 to 100. */
  qualities: Uint8Array
  timesMs: Float64Array
}

/** How much of two videos is the same: shares of their distinct frames of sufficient quality. */
export type VpdqMatch = {
  queryFrames: number
  entryFrames: number
  /** Frames of the query that some frame of the entry matches, and the other way round. */
  queryMatched: number
  entryMatched: number
}

/** A stretch in which both videos show the same, at the same pace. */
export type VpdqSpan = {
  queryFromMs: number
  queryToMs: number
  entryFromMs: number
  entryToMs: number
  /** Pairs of frames that match on this stretch. */
  frames: number
}

/** Every how many frames one is hashed: `int(seconds * fps)`, at least 1. */
export function vpdqStep(secondsPerHash: number, fps: number): number {
  if (!(secondsPerHash >= 0) || !(fps > 0) || !Number.isFinite(secondsPerHash * fps))
    throw new RangeError(`vPDQ needs seconds from 0 and a frame rate above 0, not ${secondsPerHash} and ${fps}`)
  return Math.max(1, Math.trunc(secondsPerHash * fps))
}

/**
 * The frames that are compared: of quality 50 and more and, where `distinct`, each hash once, at its first time. A
 * title that stands for ten seconds then weighs as much as any other picture.
 */
export function vpdqMatchable(frames: VpdqFrames, distinct = true): VpdqFrames {
  const kept: number[] = []
  const seen = new Set<string>()
  for (let frame = 0; frame < frames.qualities.length; frame++) {
    if (frames.qualities[frame]! < vpdqQualityMin) continue
    if (distinct) {
      const key = frames.words.subarray(frame * hashWords, (frame + 1) * hashWords).join()
      if (seen.has(key)) continue
      seen.add(key)
    }
    kept.push(frame)
  }
  const words = new Uint32Array(kept.length * hashWords)
  for (const [to, from] of kept.entries())
    words.set(frames.words.subarray(from * hashWords, (from + 1) * hashWords), to * hashWords)
  return {
    words,
    qualities: Uint8Array.from(kept, (frame) => frames.qualities[frame]!),
    timesMs: Float64Array.from(kept, (frame) => frames.timesMs[frame]!),
  }
}

/** Compares two videos frame by frame. A video without a single frame of sufficient quality matches nothing. */
export function vpdqCompare(query: VpdqFrames, entry: VpdqFrames, radius = vpdqRadius): VpdqMatch {
  const [asked, held] = [vpdqMatchable(query), vpdqMatchable(entry)]
  const [queryHit, entryHit] = [new Uint8Array(asked.qualities.length), new Uint8Array(held.qualities.length)]
  eachPair(asked, held, radius, (a, b) => {
    queryHit[a] = 1
    entryHit[b] = 1
  })
  return {
    queryFrames: queryHit.length,
    entryFrames: entryHit.length,
    queryMatched: queryHit.reduce((sum, hit) => sum + hit, 0),
    entryMatched: entryHit.reduce((sum, hit) => sum + hit, 0),
  }
}

/**
 * 100 less the percentage of the query's frames that match, rounded up, so that `vpdqDistance <= 20` says exactly that
 * at least 80 % match. 100 where there is nothing to compare.
 */
export function vpdqDistance({ queryFrames, queryMatched }: VpdqMatch): number {
  return queryFrames === 0 ? 100 : Math.ceil((100 * (queryFrames - queryMatched)) / queryFrames)
}

/**
 * Which seconds of the query are which seconds of the entry: stretches of at least two pairs of frames at one offset,
 * longest first; each frame of the query is told once. A gap of up to `gapMs` without a match does not end a stretch.
 * Of videos that stand still for hours, the first 100,000 pairs are looked at.
 */
export function vpdqAlign(query: VpdqFrames, entry: VpdqFrames, gapMs = 5_000, radius = vpdqRadius): VpdqSpan[] {
  const [asked, held] = [vpdqMatchable(query, false), vpdqMatchable(entry, false)]
  // Hashes are taken once a second or so: offsets within one step of each other are the same offset.
  const toleranceMs = Math.max(paceOf(asked), paceOf(held))
  const pairs: { at: number; queryMs: number; entryMs: number; offsetMs: number }[] = []
  eachPair(asked, held, radius, (a, b) => {
    if (pairs.length === alignPairsMax) return
    const [queryMs, entryMs] = [asked.timesMs[a]!, held.timesMs[b]!]
    pairs.push({ at: a, queryMs, entryMs, offsetMs: entryMs - queryMs })
  })
  pairs.sort((a, b) => a.offsetMs - b.offsetMs || a.queryMs - b.queryMs)
  const spans: VpdqSpan[] = []
  const told = new Set<number>()
  while (spans.length < spansMax) {
    const open = pairs.filter(({ at }) => !told.has(at))
    const best = densest(open, toleranceMs / 2)
    if (best === undefined) break
    const near = open.filter(({ offsetMs }) => Math.abs(offsetMs - best) <= toleranceMs / 2)
    const stretch = longest(
      near.toSorted((a, b) => a.queryMs - b.queryMs),
      Math.max(gapMs, toleranceMs * 1.5),
    )
    if (new Set(stretch.map(({ at }) => at)).size < 2) break
    for (const { at } of stretch) told.add(at)
    spans.push({
      queryFromMs: stretch[0]!.queryMs,
      queryToMs: stretch.at(-1)!.queryMs,
      entryFromMs: Math.min(...stretch.map(({ entryMs }) => entryMs)),
      entryToMs: Math.max(...stretch.map(({ entryMs }) => entryMs)),
      frames: new Set(stretch.map(({ at }) => at)).size,
    })
  }
  return spans.sort((a, b) => b.frames - a.frames || a.queryFromMs - b.queryFromMs)
}

const alignPairsMax = 100_000
/** Nobody reads more. */
const spansMax = 50
/** Below this a scan of all pairs is quicker than an index. */
const scanPairsMax = 250_000

function eachPair(query: VpdqFrames, entry: VpdqFrames, radius: number, see: (a: number, b: number) => void): void {
  const [left, right] = [query.qualities.length, entry.qualities.length]
  if (left * right <= scanPairsMax) {
    for (let a = 0; a < left; a++)
      for (let b = 0; b < right; b++)
        if (hammingDistance(query.words, a * hashWords, entry.words, b * hashWords) <= radius) see(a, b)
    return
  }
  const index = createHammingIndex()
  for (let b = 0; b < right; b++) index.add(b, entry.words, b * hashWords)
  for (let a = 0; a < left; a++) for (const { id } of index.query(query.words, radius, a * hashWords)) see(a, id)
}

/** Median time between frames. */
function paceOf({ timesMs }: VpdqFrames): number {
  const steps = timesMs.subarray(1).map((timeMs, at) => timeMs - timesMs[at]!)
  return steps.length === 0 ? 1_000 : steps.sort()[steps.length >> 1]!
}

/** The offset around which, within the tolerance, most frames of the query agree. Pairs come in order of offset. */
function densest(pairs: { at: number; offsetMs: number }[], toleranceMs: number): number | undefined {
  const inside = new Map<number, number>()
  let best: number | undefined
  let most = 0
  for (let from = 0, to = 0, middle = 0; middle < pairs.length; middle++) {
    const { offsetMs } = pairs[middle]!
    for (; to < pairs.length && pairs[to]!.offsetMs <= offsetMs + toleranceMs; to++)
      inside.set(pairs[to]!.at, (inside.get(pairs[to]!.at) ?? 0) + 1)
    for (; pairs[from]!.offsetMs < offsetMs - toleranceMs; from++) {
      const left = inside.get(pairs[from]!.at)! - 1
      if (left === 0) inside.delete(pairs[from]!.at)
      else inside.set(pairs[from]!.at, left)
    }
    // Of equals, the smallest shift: a still that stands for long agrees with many.
    if (inside.size > most || (inside.size === most && best !== undefined && Math.abs(offsetMs) < Math.abs(best))) {
      most = inside.size
      best = offsetMs
    }
  }
  return best
}

function longest<P extends { queryMs: number }>(pairs: P[], gapMs: number): P[] {
  let best: P[] = []
  let run: P[] = []
  for (const pair of pairs) {
    if (run.length > 0 && pair.queryMs - run.at(-1)!.queryMs > gapMs) run = []
    run.push(pair)
    if (run.length > best.length) best = run
  }
  return best
}
