import { InputError } from '../domain/error.ts'
import { mediaBytesMax, sniffMime } from './decode.ts'

export const mediaKinds = ['photo', 'video', 'audio'] as const
export type MediaKind = (typeof mediaKinds)[number]

/** What the bytes are, whatever they were called. */
export type MediaType = {
  kind: MediaKind
  mime: string
  /** Whether a photo has more than one frame: it is then hashed as a photo and as a video. */
  animated: boolean
}

/** Largest file of each kind, in bytes. A file is held in memory once while it is hashed. */
export const kindBytesMax = {
  photo: mediaBytesMax,
  video: 100 * 1024 * 1024,
  audio: 50 * 1024 * 1024,
} as const satisfies Record<MediaKind, number>
export const anyMediaBytesMax = Math.max(...Object.values(kindBytesMax))

const mediaNames = {
  photo: 'a photo',
  video: 'a video',
  audio: 'a sound',
} as const satisfies Record<MediaKind, string>

/**
 * Kind and type by the first bytes alone. Throws an InputError that names the limit for what is empty, too large for its
 * kind, or none of photo, video and audio.
 */
export function mediaTypeOf(bytes: Uint8Array, field = 'media'): MediaType {
  const refuse = (problem: string, value: string, limit: number | string) =>
    new InputError(`The file ${problem}`, [{ field, problem, value: value.slice(0, 200), limit }])
  if (bytes.length === 0) throw refuse('is empty', '0 bytes', 1)
  const type = sniffMedia(bytes)
  if (type === undefined) {
    const mime = sniffMime(bytes)
    throw refuse(`is ${mime}, not an image, video or sound that can be matched`, mime, mediaKinds.join(', '))
  }
  const bytesMax = kindBytesMax[type.kind]
  if (bytes.length > bytesMax)
    throw refuse(
      `is larger than ${bytesMax} bytes, the most for ${mediaNames[type.kind]}`,
      `${bytes.length} bytes`,
      bytesMax,
    )
  return type
}

/** Kind and type by the first bytes, or undefined for what is no medium. */
export function sniffMedia(bytes: Uint8Array): MediaType | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4_096))
  const at = (offset: number, text: string) => head.toString('latin1', offset, offset + text.length) === text
  const of = (kind: MediaKind, mime: string, animated = false): MediaType => ({ kind, mime, animated })
  if (at(4, 'ftyp')) {
    const brand = head.toString('latin1', 8, 12)
    if (brand === 'qt  ') return of('video', 'video/quicktime')
    if (/^M4[AB] /.test(brand)) return of('audio', 'audio/mp4')
  }
  if (at(4, 'moov') || at(4, 'mdat') || at(4, 'wide')) return of('video', 'video/quicktime')
  if (at(0, '\x1aE\xdf\xa3')) {
    const matroska = head.includes('matroska')
    return of('video', matroska ? 'video/x-matroska' : 'video/webm')
  }
  if (at(0, 'RIFF') && at(8, 'AVI ')) return of('video', 'video/x-msvideo')
  if (at(0, 'RIFF') && at(8, 'WAVE')) return of('audio', 'audio/wav')
  if (at(0, 'FLV\x01')) return of('video', 'video/x-flv')
  if (at(0, '0&\xb2u\x8ef\xcf\x11')) return of('video', 'video/x-ms-asf')
  if (at(0, '\0\0\x01\xba') || at(0, '\0\0\x01\xb3')) return of('video', 'video/mpeg')
  if (head[0] === 0x47 && bytes.length > 376 && bytes[188] === 0x47 && bytes[376] === 0x47)
    return of('video', 'video/mp2t')
  if (at(0, 'OggS')) return head.includes('theora') ? of('video', 'video/ogg') : of('audio', 'audio/ogg')
  if (at(0, 'fLaC')) return of('audio', 'audio/flac')
  if (at(0, 'ID3')) return of('audio', 'audio/mpeg')
  if (at(0, '#!AMR')) return of('audio', 'audio/amr')
  if (at(0, 'FORM') && (at(8, 'AIFF') || at(8, 'AIFC'))) return of('audio', 'audio/aiff')
  // Frame headers without a container: eleven bits of synchronisation (ISO/IEC 11172-3, 13818-7).
  if (head.length >= 4 && head[0] === 0xff && (head[1]! & 0xf6) === 0xf0) return of('audio', 'audio/aac')
  if (head.length >= 4 && head[0] === 0xff && (head[1]! & 0xe0) === 0xe0 && isLayer3(head))
    return of('audio', 'audio/mpeg')
  const mime = sniffMime(bytes)
  if (mime.startsWith('video/')) return of('video', mime)
  if (mime.startsWith('image/')) return of('photo', mime, isAnimated(mime, bytes))
  return undefined
}

/** An MPEG audio header: a version, a layer, a bit rate and a sampling rate that exist. */
function isLayer3(head: Buffer): boolean {
  const version = (head[1]! >>> 3) & 3
  const layer = (head[1]! >>> 1) & 3
  const bitRate = head[2]! >>> 4
  const sampling = (head[2]! >>> 2) & 3
  return version !== 1 && layer !== 0 && bitRate !== 15 && bitRate !== 0 && sampling !== 3
}

function isAnimated(mime: string, bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4_096))
  if (mime === 'image/gif') return gifFrames(bytes, 2) > 1
  // Animation control stands before the image data (PNG, third edition, section 11.3.6; WebP container, VP8X).
  if (mime === 'image/png') return head.includes('acTL')
  if (mime === 'image/webp') return head.toString('latin1', 12, 16) === 'VP8X' && (head[20]! & 0x02) !== 0
  return mime === 'image/avif' && head.toString('latin1', 8, 12) === 'avis'
}

/** Frames of a GIF, counted up to a limit (GIF89a, section 12 onwards); a broken file ends the count. */
function gifFrames(bytes: Uint8Array, limit: number): number {
  const table = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  const blocks = (from: number) => {
    let at = from
    while (at < bytes.length && bytes[at] !== 0) at += bytes[at]! + 1
    return at + 1
  }
  let frames = 0
  let at = 13 + table(bytes[10] ?? 0)
  while (at < bytes.length && frames < limit) {
    if (bytes[at] === 0x21) at = blocks(at + 2)
    else if (bytes[at] === 0x2c) {
      frames++
      at = blocks(at + 10 + table(bytes[at + 9] ?? 0) + 1)
    } else break
  }
  return frames
}
