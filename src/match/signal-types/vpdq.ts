import { InputError, quote } from '../../domain/error.ts'
import { createHammingIndex } from '../../kernels/hamming-index.ts'
import { hammingStats } from '../../kernels/hamming-stats.ts'
import { dihedrals, pdqDihedralOfHash, pdqWords } from '../../kernels/pdq.ts'
import { vpdqFromText, vpdqFramesMax, vpdqToText } from '../../kernels/vpdq-text.ts'
import { vpdqAlign, vpdqCompare, vpdqDistance, vpdqMatchable, vpdqRadius } from '../../kernels/vpdq.ts'
import type { SignalHit, SignalIndex, SyncSignalType } from './signal-type.ts'

/** An entry of which less than this is in the video was cut. */
const wholeShare = 0.8

/**
 * Videos and animated images by vPDQ, as they are and mirrored: the distance is 100 less the percentage of the video's
 * distinct frames that some frame of the entry matches within 31 bits. A clip of a longer entry is therefore near it.
 * Where a frame has two readings, with the bars around the picture and without, either may match.
 */
export const vpdqType: SyncSignalType = {
  name: 'vpdq',
  version: 'vpdq@1',
  threshold: 20,
  thresholdMax: 60,
  part: 'video',
  thresholdStep: 1,
  words: {
    title: 'Video, vPDQ',
    about:
      'Videos and animated images by the PDQ hashes of their frames: found again recompressed, resized and as clips.',
    media: ['video', 'photo'],
    scale: { zero: 100, perDistance: -1, decimals: 0, unit: '% of the frames the same' },
    finds: [
      { upTo: 20, what: 'the whole video or a clip of it, recompressed or resized' },
      { upTo: 60, what: 'also videos that hold a part of it among other things' },
    ],
  },
  describe: (distance) => `${100 - distance} % of the frames`,
  parse(field, signal) {
    try {
      return vpdqToText(vpdqFromText(signal))
    } catch (error) {
      const problem = (error as TypeError).message
      throw new InputError(`${field} ${problem}`, [{ field, problem, value: quote(signal), limit: vpdqFramesMax }])
    }
  },
  contentOf: (signal) => ({ videos: [{ signals: { vpdq: signal } }] }),
  signalOf: (content) => content.videos?.[0]?.signals.vpdq,
  compare(query, entry) {
    const [asked, held] = [vpdqFromText(query), vpdqFromText(entry)]
    const match = vpdqCompare(asked, held)
    const distance = vpdqDistance(match)
    return {
      distance,
      similarity: shareOf(match.queryMatched, match.queryFrames),
      entryShare: shareOf(match.entryMatched, match.entryFrames),
      spans: vpdqAlign(asked, held),
    }
  },
  createIndex: createVpdqIndex,
}

const shareOf = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)

/** Frames of all entries in one Hamming index; each frame of a query votes for the entries that have one like it. */
function createVpdqIndex(): SignalIndex<SignalHit[]> {
  const index = createHammingIndex()
  /** Which slot a frame belongs to, by its id in the index. */
  let slotOfFrame = new Int32Array(1_024)
  /** The first frame that reads the same picture. */
  let pictureOfFrame = new Int32Array(slotOfFrame.length)
  let framesUsed = 0
  const freeFrames: number[] = []
  const entries = new Map<number, { frames: Int32Array; pictures: number }>()
  let seen = new Uint32Array(slotOfFrame.length)
  let stamp = 0

  const takeFrame = (slot: number): number => {
    const frame = freeFrames.pop() ?? framesUsed++
    if (frame >= slotOfFrame.length) {
      const [slots, pictures, stamps] = [
        new Int32Array(frame * 2),
        new Int32Array(frame * 2),
        new Uint32Array(frame * 2),
      ]
      slots.set(slotOfFrame)
      pictures.set(pictureOfFrame)
      stamps.set(seen)
      slotOfFrame = slots
      pictureOfFrame = pictures
      seen = stamps
    }
    slotOfFrame[frame] = slot
    return frame
  }
  const remove = (slot: number) => {
    for (const frame of entries.get(slot)?.frames ?? []) {
      index.remove(frame)
      freeFrames.push(frame)
    }
    entries.delete(slot)
  }

  /** Votes by slot: pictures of the query that found the entry, in how many of them only the inner reading did, and pictures of the entry that were found. */
  const vote = (
    words: Uint32Array,
    starts: Uint32Array,
    distanceMax: number,
    wanted: ((slot: number) => boolean) | undefined,
  ) => {
    const votes = new Map<number, { query: number; inner: number; entry: number; last: number }>()
    const count = starts.length - 1
    const needed = Math.ceil(((100 - distanceMax) * count) / 100)
    const stride = strideFor(count)
    stamp = stamp === 0xffffffff ? (seen.fill(0), 1) : stamp + 1
    let most = 0
    for (let turn = 0, at = 0; turn < count; turn++, at = (at + stride) % count) {
      // Nobody can reach the threshold any more: most videos are known to be unknown after a fifth of their frames.
      if (most + count - turn < needed) return new Map<number, never>()
      for (let reading = starts[at]!; reading < starts[at + 1]!; reading++)
        for (const { id } of index.query(words, vpdqRadius, reading * pdqWords)) {
          const slot = slotOfFrame[id]!
          if (wanted?.(slot) === false) continue
          let held = votes.get(slot)
          if (held === undefined) votes.set(slot, (held = { query: 0, inner: 0, entry: 0, last: -1 }))
          if (held.last !== turn) {
            held.last = turn
            most = Math.max(most, ++held.query)
            if (reading > starts[at]!) held.inner++
          }
          const picture = pictureOfFrame[id]!
          if (seen[picture] !== stamp) {
            seen[picture] = stamp
            held.entry++
          }
        }
    }
    return votes
  }

  return {
    add(slot, signal) {
      remove(slot)
      const { words, qualities, starts } = vpdqMatchable(vpdqFromText(signal))
      const frames = Int32Array.from(qualities, (_, at) => {
        const frame = takeFrame(slot)
        index.add(frame, words, at * pdqWords)
        return frame
      })
      for (let picture = 0; picture + 1 < starts.length; picture++)
        for (let at = starts[picture]!; at < starts[picture + 1]!; at++)
          pictureOfFrame[frames[at]!] = frames[starts[picture]!]!
      entries.set(slot, { frames, pictures: starts.length - 1 })
    },
    remove,
    stats: () => hammingStats(index),
    search(content, { radiusMax, thresholdOf, wanted, unturned }) {
      const hits: SignalHit[] = []
      for (const [at, video] of (content.videos ?? []).entries()) {
        if (video.signals.vpdq === undefined || index.size === 0) continue
        const { words, qualities, starts } = vpdqMatchable(vpdqFromText(video.signals.vpdq))
        const count = starts.length - 1
        if (count === 0) continue
        const best = new Map<number, SignalHit>()
        for (const mirrored of unturned === true ? [false] : [false, true])
          for (const [slot, votes] of vote(mirrored ? mirror(words) : words, starts, radiusMax, wanted)) {
            const distance = vpdqDistance({
              queryFrames: count,
              queryMatched: votes.query,
              entryFrames: 0,
              entryMatched: 0,
            })
            if (distance > thresholdOf(slot) || distance >= (best.get(slot)?.distance ?? Infinity)) continue
            const similarity = votes.query / count
            const entryShare = votes.entry / entries.get(slot)!.pictures
            const turns = [...(mirrored ? ['flipY'] : []), ...(votes.inner * 2 > votes.query ? ['letterbox'] : [])]
            const transformation = turns.length > 0 ? turns.join('+') : entryShare < wholeShare ? 'clip' : undefined
            best.set(slot, {
              slot,
              part: { kind: 'video', index: at, ...(video.sha256 === undefined ? {} : { mediaSha256: video.sha256 }) },
              distance,
              similarity,
              confidence: similarity * (0.8 + 0.2 * entryShare),
              quality: Math.round(qualities.reduce((sum, quality) => sum + quality, 0) / qualities.length),
              ...(transformation === undefined ? {} : { transformation }),
            })
          }
        hits.push(...best.values())
      }
      return hits
    },
  }
}

const flipY = dihedrals.indexOf('flipY')

/** The hashes of the mirrored frames, estimated from the hashes. */
function mirror(words: Uint32Array): Uint32Array {
  const mirrored = new Uint32Array(words.length)
  for (let at = 0; at < words.length; at += pdqWords)
    mirrored.set(
      pdqDihedralOfHash(words.subarray(at, at + pdqWords)).subarray(flipY * pdqWords, (flipY + 1) * pdqWords),
      at,
    )
  return mirrored
}

/** A stride that visits every one of `count` frames once, far-apart ones first. */
function strideFor(count: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
  let stride = Math.max(1, Math.round(count * 0.618))
  while (gcd(stride, count) !== 1) stride++
  return stride
}
