import { assert } from '../domain/error.ts'

/** Reads up to `length` bytes at a place of a file; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

/** The H.264 track of an MP4 or QuickTime file as its index describes it, one place for each frame, in decoding order. */
export type AvcTrack = {
  width: number
  height: number
  fps: number
  /** The decoder configuration record (ISO/IEC 14496-15, 5.3.3). */
  avcC: Uint8Array
  /** Bytes of the length before each NAL unit. */
  nalLengthBytes: number
  offsets: Float64Array
  sizes: Uint32Array
  /** Place of each frame in the order of showing. */
  shown: Uint32Array
}

const moovBytesMax = 64 * 1024 * 1024
const samplesMax = 2_000_000
/** What a tag of FLV holds, less its head. */
const sampleBytesMax = 0xffffff - 64

/**
 * Reads the index of an MP4 or QuickTime file (ISO/IEC 14496-12) whose first video track is plain H.264: one sample
 * description, no fragments, no edit that cuts frames away. Undefined for everything else, however broken: a demuxer that
 * knows all the rest takes it then. The frame rate is that of libavformat: samples over the sum of their durations.
 */
export async function readAvcTrack(read: ReadAt, fileBytes: number): Promise<AvcTrack | undefined> {
  try {
    for (let at = 0, boxes = 0; at + 8 <= fileBytes && boxes < 64; boxes++) {
      const head = viewOf(await read(at, 16))
      const size = head.getUint32(0) === 1 ? Number(head.getBigUint64(8)) : head.getUint32(0)
      const bytes = size === 0 ? fileBytes - at : size
      assert(bytes >= 8, 'a box is as long as its head')
      const type = nameAt(head, 4)
      if (type === 'moof') return undefined
      if (type === 'moov') {
        assert(bytes <= moovBytesMax && at + bytes <= fileBytes, 'the index fits')
        return trackOf(viewOf(await read(at, bytes)))
      }
      at += bytes
    }
  } catch {
    // Indexes that contradict themselves are read by the demuxer, in its own process.
  }
  return undefined
}

type Box = { view: DataView; type: string }

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const nameAt = (view: DataView, at: number) =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)))

function boxesIn(view: DataView, from = 0): Box[] {
  const boxes: Box[] = []
  for (let at = from; at + 8 <= view.byteLength;) {
    const wide = view.getUint32(at) === 1
    const size = wide ? Number(view.getBigUint64(at + 8)) : view.getUint32(at) || view.byteLength - at
    const head = wide ? 16 : 8
    assert(size >= head && at + size <= view.byteLength, 'a box fits into its parent')
    boxes.push({
      type: nameAt(view, at + 4),
      view: new DataView(view.buffer, view.byteOffset + at + head, size - head),
    })
    at += size
  }
  return boxes
}

function child(boxes: Box[], type: string): DataView {
  const box = boxes.find((one) => one.type === type)
  assert(box !== undefined, `there is a ${type}`)
  return box.view
}

function trackOf(moov: DataView): AvcTrack | undefined {
  const inMoov = boxesIn(moov, 8)
  if (inMoov.some(({ type }) => type === 'mvex')) return undefined
  const movieTimescale = timescaleOf(child(inMoov, 'mvhd'))
  for (const { type, view } of inMoov) {
    if (type !== 'trak') continue
    const inTrak = boxesIn(view)
    const inMdia = boxesIn(child(inTrak, 'mdia'))
    if (nameAt(child(inMdia, 'hdlr'), 8) !== 'vide') continue
    const inStbl = boxesIn(child(boxesIn(child(inMdia, 'minf')), 'stbl'))
    const description = descriptionOf(child(inStbl, 'stsd'))
    if (description === undefined) return undefined
    const sizes = sizesOf(child(inStbl, 'stsz'))
    const { dts, endTicks } = decodeTimesOf(child(inStbl, 'stts'), sizes.length)
    if (sizes.length === 0 || endTicks <= 0) return undefined
    const offsets = offsetsOf(inStbl, sizes)
    for (const [sample, offset] of offsets.entries())
      // What ends behind the end is a truncated file; its index is still good for what is there.
      assert(offset > 0 && offset < 2 ** 52 && sizes[sample]! <= sampleBytesMax, 'a sample has a place and a size')
    const cts = showTimesOf(inStbl, dts)
    const timescale = timescaleOf(child(inMdia, 'mdhd'))
    const order = Uint32Array.from(cts, (_, sample) => sample).sort((a, b) => cts[a]! - cts[b]!)
    for (let at = 1; at < order.length; at++) if (cts[order[at]!] === cts[order[at - 1]!]) return undefined
    const edits = inTrak.find((box) => box.type === 'edts')
    const last = cts[order.at(-1)!]!
    if (edits !== undefined && cuts(edits.view, cts[order[0]!]!, last, timescale, movieTimescale)) return undefined
    const shown = new Uint32Array(order.length)
    for (const [place, sample] of order.entries()) shown[sample] = place
    return { ...description, fps: (timescale * sizes.length) / endTicks, offsets, sizes, shown }
  }
  return undefined
}

function timescaleOf(view: DataView): number {
  const timescale = view.getUint32(view.getUint8(0) === 1 ? 20 : 12)
  assert(timescale > 0, 'time passes')
  return timescale
}

function descriptionOf(stsd: DataView): Pick<AvcTrack, 'width' | 'height' | 'avcC' | 'nalLengthBytes'> | undefined {
  const entries = boxesIn(stsd, 8)
  if (entries.length !== 1 || entries[0]!.type !== 'avc1') return undefined
  const { view } = entries[0]!
  const avcC = child(boxesIn(view, 78), 'avcC')
  assert(avcC.byteLength >= 7, 'the decoder configuration is whole')
  return {
    width: view.getUint16(24),
    height: view.getUint16(26),
    avcC: new Uint8Array(avcC.buffer, avcC.byteOffset, avcC.byteLength),
    nalLengthBytes: (avcC.getUint8(4) & 3) + 1,
  }
}

function sizesOf(stsz: DataView): Uint32Array {
  const [same, count] = [stsz.getUint32(4), stsz.getUint32(8)]
  assert(count <= samplesMax && (same !== 0 || stsz.byteLength >= 12 + 4 * count), 'every sample has a size')
  return Uint32Array.from({ length: count }, (_, sample) => (same === 0 ? stsz.getUint32(12 + 4 * sample) : same))
}

function decodeTimesOf(stts: DataView, count: number): { dts: Float64Array; endTicks: number } {
  const dts = new Float64Array(count)
  let sample = 0
  let ticks = 0
  for (let entry = 0; entry < stts.getUint32(4); entry++) {
    const [run, delta] = [stts.getUint32(8 + 8 * entry), stts.getInt32(12 + 8 * entry)]
    assert(run <= count - sample && delta >= 0, 'times run forward')
    for (let left = run; left > 0; left--, ticks += delta) dts[sample++] = ticks
  }
  assert(sample === count, 'every sample has a time')
  return { dts, endTicks: ticks }
}

function showTimesOf(inStbl: Box[], dts: Float64Array): Float64Array {
  const ctts = inStbl.find(({ type }) => type === 'ctts')?.view
  const cts = dts.slice()
  if (ctts === undefined) return cts
  let sample = 0
  for (let entry = 0; entry < ctts.getUint32(4); entry++) {
    const [run, offset] = [ctts.getUint32(8 + 8 * entry), ctts.getInt32(12 + 8 * entry)]
    assert(run <= cts.length - sample, 'no more times than samples')
    for (let left = run; left > 0; left--) cts[sample++]! += offset
  }
  return cts
}

function offsetsOf(inStbl: Box[], sizes: Uint32Array): Float64Array {
  const wide = inStbl.find(({ type }) => type === 'co64')?.view
  const chunks = wide ?? child(inStbl, 'stco')
  const chunkCount = chunks.getUint32(4)
  const runs = child(inStbl, 'stsc')
  const runCount = runs.getUint32(4)
  const offsets = new Float64Array(sizes.length)
  let sample = 0
  for (let run = 0; run < runCount; run++) {
    const first = runs.getUint32(8 + 12 * run)
    const perChunk = runs.getUint32(12 + 12 * run)
    const end = run + 1 < runCount ? runs.getUint32(20 + 12 * run) : chunkCount + 1
    assert(first >= 1 && end <= chunkCount + 1 && runs.getUint32(16 + 12 * run) === 1, 'chunks are as described')
    for (let chunk = first; chunk < end && sample < sizes.length; chunk++) {
      let at =
        wide === undefined ? chunks.getUint32(8 + 4 * (chunk - 1)) : Number(chunks.getBigUint64(8 + 8 * (chunk - 1)))
      for (let left = perChunk; left > 0 && sample < sizes.length; left--) {
        offsets[sample] = at
        at += sizes[sample++]!
      }
    }
  }
  assert(sample === sizes.length, 'every sample has a place')
  return offsets
}

/** Whether the edit list does more than delay the start: then some frames are not shown, and not counted. */
function cuts(edts: DataView, first: number, last: number, timescale: number, movieTimescale: number): boolean {
  const elst = child(boxesIn(edts), 'elst')
  const wide = elst.getUint8(0) === 1
  const count = elst.getUint32(4)
  const entries = Array.from({ length: Math.min(count, 3) }, (_, entry) => {
    const at = 8 + entry * (wide ? 20 : 12)
    return {
      duration: wide ? Number(elst.getBigUint64(at)) : elst.getUint32(at),
      start: wide ? Number(elst.getBigInt64(at + 8)) : elst.getInt32(at + 4),
      rate: elst.getInt16(at + (wide ? 16 : 8)),
    }
  })
  const shown = entries.filter(({ start }) => start !== -1)
  if (count > 2 || shown.length !== 1) return true
  const { duration, start, rate } = shown[0]!
  // Durations are rounded to the ticks of the movie.
  const slack = timescale / movieTimescale
  return rate !== 1 || start > first || (duration / movieTimescale) * timescale + start + slack <= last
}
