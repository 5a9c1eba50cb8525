// vPDQ: videos as lists of PDQ hashes, one every so many frames, compared as sets. Frame choice, filter and rule follow
// the reference (facebook/ThreatExchange, vpdq/README and python-threatexchange's vpdq extension, 2023).

import { createHammingIndex, hammingDistance, hashWords } from './hamming-index.ts'

/** Frames match within this many of 256 bits, inclusive. */
export const vpdqRadius = 31
/** Frames under this quality are too unspecific and are dropped before anything is compared. */
export const vpdqQualityMin = 50

/**
 * Frames in the order of their times. Two at the same time are two readings of one picture: as it is, and without the bars
 * around it. One of them suffices wherever pictures are counted.
 */
export type VpdqFrames = {
  /** 8 words a frame, least significant first. */
  words: Uint32Array
  /** 0 to 100. */
  qualities: Uint8Array
  timesMs: Float64Array
}

/** Frames of sufficient quality, and where among them each picture begins; one more place at the end. */
export type VpdqPictures = VpdqFrames & { starts: Uint32Array }

/** How much of two videos is the same: shares of their distinct pictures of sufficient quality. */
export type VpdqMatch = {
  queryFrames: number
  entryFrames: number
  /** Pictures of the query that some frame of the entry matches, and the other way round. */
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
 * The frames that are compared: of quality 50 and more and, where `distinct`, each picture once, at its first time. A
 * title that stands for ten seconds then weighs as much as any other picture.
 */
export function vpdqMatchable(frames: VpdqFrames, distinct = true): VpdqPictures {
  const { words, qualities, timesMs } = frames
  const kept: number[] = []
  const starts: number[] = []
  const seen = new Set<string>()
  for (let from = 0, to = 0; from < qualities.length; from = to) {
    to = from + 1
    while (to < qualities.length && timesMs[to] === timesMs[from]) to++
    // More than two at one time are no readings: somebody left the times out.
    if (to - from > 2 || timesMs[from - 1] === timesMs[from]) to = from + 1
    const readings: number[] = []
    for (let frame = from; frame < to; frame++) if (qualities[frame]! >= vpdqQualityMin) readings.push(frame)
    if (readings.length === 0) continue
    if (distinct) {
      const key = readings.map((frame) => words.subarray(frame * hashWords, (frame + 1) * hashWords).join()).join(';')
      if (seen.has(key)) continue
      seen.add(key)
    }
    starts.push(kept.length)
    kept.push(...readings)
  }
  starts.push(kept.length)
  const keptWords = new Uint32Array(kept.length * hashWords)
  for (const [to, from] of kept.entries())
    keptWords.set(words.subarray(from * hashWords, (from + 1) * hashWords), to * hashWords)
  return {
    words: keptWords,
    qualities: Uint8Array.from(kept, (frame) => qualities[frame]!),
    timesMs: Float64Array.from(kept, (frame) => timesMs[frame]!),
    starts: Uint32Array.from(starts),
  }
}

/** Both lists of one video, in the order of time: each frame as it is, and then without the bars around it. */
export function vpdqWithReadings(frames: VpdqFrames, inner: VpdqFrames): VpdqFrames {
  const all = [frames, inner].flatMap((list) =>
    Array.from(list.timesMs, (timeMs, at) => ({
      timeMs,
      quality: list.qualities[at]!,
      words: list.words.subarray(at * hashWords, (at + 1) * hashWords),
    })),
  )
  all.sort((a, b) => a.timeMs - b.timeMs)
  const words = new Uint32Array(all.length * hashWords)
  for (const [at, one] of all.entries()) words.set(one.words, at * hashWords)
  return {
    words,
    qualities: Uint8Array.from(all, ({ quality }) => quality),
    timesMs: Float64Array.from(all, ({ timeMs }) => timeMs),
  }
}

/** Compares two videos frame by frame. A video without a single frame of sufficient quality matches nothing. */
export function vpdqCompare(query: VpdqFrames, entry: VpdqFrames, radius = vpdqRadius): VpdqMatch {
  const [asked, held] = [vpdqMatchable(query), vpdqMatchable(entry)]
  const [queryOf, entryOf] = [picturesOf(asked), picturesOf(held)]
  const [queryHit, entryHit] = [new Uint8Array(asked.starts.length - 1), new Uint8Array(held.starts.length - 1)]
  eachPair(asked, held, radius, (a, b) => {
    queryHit[queryOf[a]!] = 1
    entryHit[entryOf[b]!] = 1
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
  const pictureOf = picturesOf(asked)
  eachPair(asked, held, radius, (a, b) => {
    if (pairs.length === alignPairsMax) return
    const [queryMs, entryMs] = [asked.timesMs[a]!, held.timesMs[b]!]
    pairs.push({ at: pictureOf[a]!, queryMs, entryMs, offsetMs: entryMs - queryMs })
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

/** Which picture each frame is a reading of. */
function picturesOf({ starts }: VpdqPictures): Uint32Array {
  const pictures = new Uint32Array(starts.at(-1)!)
  for (let picture = 0; picture + 1 < starts.length; picture++)
    pictures.fill(picture, starts[picture], starts[picture + 1])
  return pictures
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

/** Median time between pictures. */
function paceOf({ timesMs }: VpdqFrames): number {
  const steps = timesMs
    .subarray(1)
    .map((timeMs, at) => timeMs - timesMs[at]!)
    .filter((stepMs) => stepMs > 0)
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
