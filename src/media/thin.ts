import type { AvcTrack, ReadAt } from './mp4.ts'

/** A video stream of H.264 with less in it: FLV, for a decoder's standard input. */
export type ThinStream = {
  chunks: AsyncGenerator<Uint8Array>
  /** What is known once the chunks have been read: whether the file ended early, and how many frames were left in. */
  told: { truncated: boolean; frames: number }
}

/**
 * The filter that lets the frames asked for through. Times in the stream are twice the place in the order of showing, in
 * milliseconds, and one more for frames that are only referred to: whatever the step, one filter serves.
 */
export const thinFilter = "select='not(mod(pts,2))'"
const placeMs = 2

const readBytesMax = 1024 * 1024
const flvHead = Uint8Array.from([0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0])

/**
 * Of an H.264 track, what a decoder needs for every `step`-th frame as shown, and nothing else: pictures that no other
 * refers to (nal_ref_idc 0; ITU-T H.264, 7.4.1) are left out unless asked for, and so is what follows the last frame
 * asked for until the next instantaneous refresh. The frames asked for decode to the same pixels as in the whole video.
 */
export function thinStream(track: AvcTrack, step: number, read: ReadAt): ThinStream {
  const told = { truncated: false, frames: 0 }
  return { chunks: chunksOf(track, step, read, told), told }
}

async function* chunksOf(
  track: AvcTrack,
  step: number,
  read: ReadAt,
  told: ThinStream['told'],
): AsyncGenerator<Uint8Array> {
  // No frame is shown before it is decoded.
  let delay = 0
  for (const [sample, place] of track.shown.entries()) delay = Math.max(delay, sample - place)
  yield flvHead
  yield tag(0x17, 0, 0, 0, track.avcC)
  // Pictures since the last one asked for: needed only if another one is asked for before the next refresh.
  let held: Uint8Array[] = []
  for await (const { sample, bytes } of samplesOf(track, read, told)) {
    const wanted = track.shown[sample]! % step === 0
    const { needed, refresh } = readPicture(bytes, track.nalLengthBytes)
    if (refresh) held = []
    if (!needed && !wanted) continue
    const showAfterMs = placeMs * (track.shown[sample]! + delay - sample) + (wanted ? 0 : 1)
    held.push(tag(refresh ? 0x17 : 0x27, 1, placeMs * sample, showAfterMs, bytes))
    if (!wanted) continue
    for (const chunk of held) yield chunk
    told.frames += held.length
    held = []
  }
}

async function* samplesOf(
  { offsets, sizes }: AvcTrack,
  read: ReadAt,
  told: ThinStream['told'],
): AsyncGenerator<{ sample: number; bytes: Uint8Array }> {
  for (let from = 0; from < sizes.length;) {
    // Frames that lie close together, sound between them or not, are read in one go.
    const start = offsets[from]!
    let to = from + 1
    let end = start + sizes[from]!
    while (to < sizes.length && offsets[to]! >= end && offsets[to]! + sizes[to]! - start <= readBytesMax)
      end = offsets[to]! + sizes[to++]!
    const bytes = await read(start, end - start)
    for (let sample = from; sample < to; sample++) {
      const at = offsets[sample]! - start
      if (at + sizes[sample]! > bytes.length) {
        told.truncated = true
        return
      }
      if (sizes[sample]! > 0) yield { sample, bytes: bytes.subarray(at, at + sizes[sample]!) }
    }
    from = to
  }
}

/** Whether other pictures may refer to this one, and whether it makes all before it needless. */
function readPicture(bytes: Uint8Array, lengthBytes: number): { needed: boolean; refresh: boolean } {
  let needed = false
  let slices = 0
  let refresh = false
  for (let at = 0; at + lengthBytes < bytes.length;) {
    let length = 0
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + bytes[at + byte]!
    const head = bytes[at + lengthBytes]!
    const type = head & 31
    if (type >= 1 && type <= 5) {
      slices++
      if ((head & 0x60) !== 0) needed = true
      if (type === 5) refresh = true
    }
    // Parameter sets that travel with a picture are needed by those after it.
    if (type === 7 || type === 8 || type === 13 || type === 15) needed = true
    at += lengthBytes + length
  }
  return { needed: needed || slices === 0, refresh }
}

/** One FLV video tag (Adobe, Video File Format Specification 10.1, E.4.3), with the size that follows it. */
function tag(kind: number, packet: number, timeMs: number, showAfterMs: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(11 + 5 + data.length + 4)
  const view = new DataView(bytes.buffer)
  bytes[0] = 9
  write24(view, 1, 5 + data.length)
  write24(view, 4, timeMs & 0xffffff)
  bytes[7] = timeMs >>> 24
  bytes[11] = kind
  bytes[12] = packet
  write24(view, 13, showAfterMs)
  bytes.set(data, 16)
  view.setUint32(16 + data.length, 16 + data.length)
  return bytes
}

function write24(view: DataView, at: number, value: number): void {
  view.setUint8(at, value >>> 16)
  view.setUint16(at + 1, value & 0xffff)
}
