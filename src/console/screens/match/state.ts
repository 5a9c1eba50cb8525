import type { FullMatch, hashContent, lookupMatches } from '../../../http/contract/match.ts'
import type { ResponseOf } from '../../../http/contract/route.ts'
import { signalsOfHash } from '../../parts/hash-words.ts'

export type Hashes = ResponseOf<typeof hashContent>
export type Answer = ResponseOf<typeof lookupMatches>

/** What the words in the field may be. */
export const typedKinds = ['hash', 'link', 'media', 'text'] as const
export type TypedKind = (typeof typedKinds)[number]
export const typedWords: Record<TypedKind, string> = {
  hash: 'Hash',
  link: 'Link',
  media: 'File at this address',
  text: 'Text',
}

const mediaName = /\.(jpe?g|png|webp|gif|avif|heic|tiff?|bmp|mp4|mov|webm|mkv|mp3|m4a|wav|ogg|flac)(\?|#|$)/i

/** What the words can be read as, likeliest first. */
export function readingsOf(words: string): TypedKind[] {
  const text = words.trim()
  if (text === '') return []
  if (signalsOfHash(text) !== undefined) return ['hash', 'text']
  if (/^https?:\/\/\S+$/i.test(text))
    return mediaName.test(text) ? ['media', 'link', 'text'] : ['link', 'media', 'text']
  return /^[\w-]+(\.[\w-]+)+(\/\S*)?$/.test(text) ? ['link', 'text'] : ['text']
}

/** All matches of one entry: the same content is often found by several signals. */
export type Found = {
  entryId: string
  bank: FullMatch['bank']
  best: FullMatch
  matches: FullMatch[]
}

/** Matches by entry, surest first; within one, the surest signal first. */
export function byEntry(matches: readonly FullMatch[]): Found[] {
  const found = new Map<string, FullMatch[]>()
  for (const match of matches) found.set(match.entryId, [...(found.get(match.entryId) ?? []), match])
  return [...found.values()]
    .map((all) => {
      const sorted = all.toSorted((a, b) => b.confidence - a.confidence)
      return { entryId: sorted[0]!.entryId, bank: sorted[0]!.bank, best: sorted[0]!, matches: sorted }
    })
    .toSorted((a, b) => b.best.confidence - a.best.confidence)
}

const sideBits = 16

/**
 * The 256 bits of a PDQ hash as rows of 16: row i, column j is the wave with i + 1 half periods down and j + 1 across.
 * Its text begins with row 15, and each row with column 15 ("The TMK+PDQF video-hashing algorithm and the PDQ
 * image-hashing algorithm", Facebook, 2019).
 */
export function bitsOf(hex: string): boolean[][] {
  return Array.from({ length: sideBits }, (_, row) => {
    const at = (sideBits - 1 - row) * 4
    const word = Number.parseInt(hex.slice(at, at + 4), 16)
    return Array.from({ length: sideBits }, (_bit, column) => ((word >> column) & 1) === 1)
  })
}

/** How many bits of two PDQ hashes differ. */
export function differingBits(a: string, b: string): number {
  const [left, right] = [bitsOf(a), bitsOf(b)]
  return left.flatMap((row, i) => row.filter((bit, j) => bit !== right[i]![j])).length
}

const dihedrals = ['original', 'rotate90', 'rotate180', 'rotate270', 'flipX', 'flipY', 'flipPlus1', 'flipMinus1']

/** That of the query's hashes (turned, read without its border, inverted) which is nearest to the entry's. */
export function nearestReading(hashes: Hashes, entryPdq: string): { pdq: string; name: string } | undefined {
  const readings = [
    ...(hashes.signals['pdq'] === undefined ? [] : [{ pdq: hashes.signals['pdq'], name: 'original' }]),
    ...(hashes.dihedral ?? []).map((pdq, turn) => ({ pdq, name: dihedrals[turn] ?? 'original' })),
    ...(hashes.readings ?? []).map(({ pdq, transformation }) => ({ pdq, name: transformation })),
  ].map((reading) => ({ ...reading, bits: differingBits(reading.pdq, entryPdq) }))
  return readings.reduce<(typeof readings)[number] | undefined>(
    (best, one) => (best === undefined || one.bits < best.bits ? one : best),
    undefined,
  )
}

export type Matrix = readonly number[]

/** Both photos lie alike, corner on corner. */
const asItIs: Matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1]

/** How the query lies over the known photo, where a match says so; else as it is. */
export function matrixOf(matches: readonly Pick<FullMatch, 'transformationMatrix'>[]): {
  matrix: Matrix
  known: boolean
} {
  const matrix = matches.find((match) => match.transformationMatrix !== undefined)?.transformationMatrix
  return { matrix: matrix ?? asItIs, known: matrix !== undefined }
}

/**
 * CSS that puts the query, stretched over a box of this size in pixels that shows the known photo, to where it lies;
 * around the upper left corner. The matrix is that of a match: shares of both photos.
 */
export function layOver(matrix: Matrix, width: number, height: number): string {
  const [a, b, c, d, e, f, g, h, i] = matrix as [number, number, number, number, number, number, number, number, number]
  const columns = [
    [a, (d * height) / width, 0, g / width],
    [(b * width) / height, e, 0, h / height],
    [0, 0, 1, 0],
    [c * width, f * height, 0, i],
  ]
  return `matrix3d(${columns.flat().join(', ')})`
}

/** The corners of the query on the known photo, in shares of it, from its upper left around. */
export function cornersOf(matrix: Matrix): [x: number, y: number][] {
  const [a, b, c, d, e, f, g, h, i] = matrix as [number, number, number, number, number, number, number, number, number]
  return [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ].map(([x, y]) => {
    const w = g * x! + h * y! + i
    return [(a * x! + b * y! + c) / w, (d * x! + e * y! + f) / w]
  })
}

/** The part of the known photo that a convex query with these corners covers, in shares; fewer than three corners for none. */
export function sharedRegion(corners: readonly [number, number][]): [x: number, y: number][] {
  // Cut along each edge of the photo in turn (Sutherland and Hodgman, "Reentrant polygon clipping", CACM 1974).
  const edges: [axis: 0 | 1, sign: 1 | -1, limit: number][] = [
    [0, 1, 0],
    [0, -1, -1],
    [1, 1, 0],
    [1, -1, -1],
  ]
  return edges.reduce<[number, number][]>(
    (left, [axis, sign, limit]) =>
      left.flatMap((here, at) => {
        const before = left.at(at - 1)!
        const [depth, depthBefore] = [here[axis] * sign - limit, before[axis] * sign - limit]
        const share = depthBefore / (depthBefore - depth)
        const crossing: [number, number] = [
          before[0] + (here[0] - before[0]) * share,
          before[1] + (here[1] - before[1]) * share,
        ]
        return [...(depth >= 0 !== depthBefore >= 0 ? [crossing] : []), ...(depth >= 0 ? [here] : [])]
      }),
    [...corners],
  )
}

/** The quality of a photo's hash in words. */
export function qualityText(quality: number): string {
  if (quality < 50) return `${quality} of 100: too plain to match safely`
  return quality < 80 ? `${quality} of 100: good enough to match` : `${quality} of 100: rich in detail`
}

export type Frame = { pdq: string; quality: number; seconds: number }

/** The frames of a vPDQ signal; none when it is not one. */
export function framesOf(signal: string | undefined): Frame[] {
  if (signal === undefined) return []
  try {
    return (JSON.parse(signal) as string[]).map((row) => {
      const [pdq = '', quality = '0', seconds = '0'] = row.split(',')
      return { pdq, quality: Number(quality), seconds: Number(seconds) }
    })
  } catch {
    return []
  }
}

/** `0:07`, `1:02:30`. */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** `812 KiB`, `4.2 MiB`. */
export function bytesText(bytes: number): string {
  return bytes < 1_024 * 1_024
    ? `${Math.max(1, Math.round(bytes / 1_024)).toLocaleString('en')} KiB`
    : `${(bytes / 1_024 / 1_024).toFixed(1)} MiB`
}

/** `+1.24`, `−0.30`, with the true minus sign. */
export function signedText(value: number): string {
  const text = Math.abs(value).toFixed(2)
  return text === '0.00' ? '0.00' : `${value > 0 ? '+' : '−'}${text}`
}
