import sharp, { type Sharp } from 'sharp'
import { InputError } from '../domain/error.ts'
import { decodeJpeg } from '../kernels/jpeg.ts'
import { decodeHeic } from './heic.ts'

export const mediaBytesMax = 25 * 1024 * 1024
/** 50 megapixels: above the largest phone cameras in common use, and 150 MB decoded. */
export const mediaPixelsMax = 50_000_000
/** The limit of JPEG itself; a strip of a million pixels by five is no photo, and costs memory by its width. */
export const mediaSideMax = 65_535
export const decodeTimeoutMs = 10_000

/** Types that are decoded; what everything else is called is only for the refusal. */
export const imageMimes = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/avif',
  'image/heic',
  'image/gif',
  'image/tiff',
] as const
export type ImageMime = (typeof imageMimes)[number]

export type DecodedImage = { mime: ImageMime; width: number; height: number; rgb: Uint8Array }

// libvips keeps decoded tiles by default; hostile files must leave nothing behind.
sharp.cache(false)

const isImageMime = (mime: string): mime is ImageMime => (imageMimes as readonly string[]).includes(mime)

/** What the bytes are, by their first bytes alone; names and declared types are not looked at. */
export function sniffMime(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1_024))
  const at = (offset: number, text: string) => head.toString('latin1', offset, offset + text.length) === text
  if (head.length >= 3 && head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg'
  if (at(0, '\x89PNG\r\n\x1a\n')) return 'image/png'
  if (at(0, 'GIF87a') || at(0, 'GIF89a')) return 'image/gif'
  if (at(0, 'RIFF') && at(8, 'WEBP')) return 'image/webp'
  if (at(0, 'II*\0') || at(0, 'MM\0*') || at(0, 'II+\0') || at(0, 'MM\0+')) return 'image/tiff'
  if (at(4, 'ftyp')) {
    const brands = head.toString('latin1', 8, Math.min(head.length, Math.max(12, head.readUInt32BE(0))))
    if (/avi[fs]/.test(brands)) return 'image/avif'
    return /hei[cfsx]|mif1|msf1|hevc/.test(brands) ? 'image/heic' : 'video/mp4'
  }
  if (at(0, '%PDF')) return 'application/pdf'
  if (at(0, 'PK\x03\x04')) return 'application/zip'
  if (at(0, 'BM')) return 'image/bmp'
  if (at(0, '\x1aE\xdf\xa3')) return 'video/webm'
  const text = head
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart()
    .toLowerCase()
  if (/<svg[\s>]/.test(text)) return 'image/svg+xml'
  if (/^<!doctype html|^<html|^<head|^<body|^<script/.test(text)) return 'text/html'
  if (text.startsWith('<?xml')) return 'application/xml'
  return 'application/octet-stream'
}

/** Refuses empty, oversized and unknown files before anything decodes them; answers the real type. */
export function checkImageBytes(bytes: Uint8Array): ImageMime {
  if (bytes.length === 0) throw refuse('is empty', '0 bytes', 1)
  if (bytes.length > mediaBytesMax)
    throw refuse(`is larger than ${mediaBytesMax} bytes`, `${bytes.length} bytes`, mediaBytesMax)
  const mime = sniffMime(bytes)
  if (!isImageMime(mime)) throw refuse(`is ${mime}, not an image that can be matched`, mime, imageMimes.join(', '))
  return mime
}

/**
 * The pixels of the first frame as interleaved 8-bit RGB: EXIF orientation and colour profiles ignored and alpha
 * dropped, as PDQ wants them. Of an animation or a file with pages, the first. Throws an InputError that names the limit
 * for anything hostile or broken.
 */
export async function decodeImage(bytes: Uint8Array): Promise<DecodedImage> {
  return withPixels(bytes, (image) => ({ ...image, rgb: image.rgb.slice() }))
}

/**
 * Shows the pixels that `decodeImage` would answer to `use`, and answers what it makes of them. They may lie in memory
 * that the next picture is decoded into: `use` must be done with them when it returns.
 */
export async function withPixels<Result>(
  bytes: Uint8Array,
  use: (image: DecodedImage) => Result,
): Promise<Awaited<Result>> {
  const mime = checkImageBytes(bytes)
  const ordinary = mime === 'image/jpeg' ? decodeJpeg(bytes) : undefined
  return await use({ mime, ...(ordinary ?? (await decodeAny(mime, bytes))) })
}

async function decodeAny(mime: ImageMime, bytes: Uint8Array): Promise<Omit<DecodedImage, 'mime'>> {
  try {
    if (mime === 'image/heic') return await decodeHeic(bytes, checkSides)
    const { width, height, hasAlpha } = await sharp(bytes, { limitInputPixels: false }).metadata()
    checkSides(width, height)
    let picture = openImage(bytes)
    if (hasAlpha) picture = picture.removeAlpha()
    const { data, info } = await picture
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, rgb: info.channels === 3 ? data : spread(data, info.channels) }
  } catch (error) {
    throw asRefusal(error)
  }
}

/** Opens an image under our limits. Warnings are tolerated as browsers do; missing and wrong pixels are not. */
export function openImage(bytes: Uint8Array, options: { ignoreIcc?: boolean } = { ignoreIcc: true }): Sharp {
  return sharp(bytes, { ...options, failOn: 'error', limitInputPixels: mediaPixelsMax, sequentialRead: true }).timeout({
    seconds: decodeTimeoutMs / 1_000,
  })
}

function checkSides(width: number, height: number): void {
  if (width * height > mediaPixelsMax)
    throw refuse(`has more than ${mediaPixelsMax} pixels`, `${width} x ${height}`, mediaPixelsMax)
  if (Math.max(width, height) > mediaSideMax)
    throw refuse(`has a side of more than ${mediaSideMax} pixels`, `${width} x ${height}`, mediaSideMax)
}

/** What the decoder complains of, in the words of our limits. */
export function asRefusal(error: unknown): InputError {
  if (error instanceof InputError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (/pixel limit|too large|dimensions exceed/i.test(message))
    return refuse(`has more than ${mediaPixelsMax} pixels`, message, mediaPixelsMax)
  if (/timeout/i.test(message))
    return refuse(`took longer than ${decodeTimeoutMs} ms to decode`, message, decodeTimeoutMs)
  if (/premature|truncat|end of (file|image|input|stream)|read error|short|out of data|unexpected eof/i.test(message))
    return refuse('is truncated', message)
  return refuse('is damaged and cannot be decoded', message)
}

function refuse(problem: string, value: string, limit?: number | string): InputError {
  return new InputError(`The image ${problem}`, [
    { field: 'media', problem, value: value.slice(0, 200), ...(limit === undefined ? {} : { limit }) },
  ])
}

function spread(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels
  const rgb = new Uint8Array(pixels * 3)
  for (let at = 0; at < pixels; at++)
    for (let channel = 0; channel < 3; channel++)
      rgb[at * 3 + channel] = data[at * channels + (channels < 3 ? 0 : channel)]!
  return rgb
}
