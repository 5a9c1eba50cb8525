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

/** The turn of the query that lays it over the entry, as CSS; the transformations are those of `turnText`. */
export function layOver(transformation: string | undefined): { transform: string; filter?: string; exact: boolean } {
  const steps: string[] = []
  let filter: string | undefined
  let exact = true
  for (const part of (transformation ?? '').split('+')) {
    const [name, amount] = part.split(':') as [string, string?]
    if (name === '' || name === 'original') continue
    if (amount === undefined && turns[name] !== undefined) steps.push(turns[name])
    else if (name === 'invert') filter = 'invert(1)'
    else if (name === 'crop' && amount !== undefined)
      // The share of the entry's area that is left; where it was cut out is not told, so the middle is assumed.
      steps.push(`scale(${Math.sqrt(Number(amount) / 100).toFixed(3)})`)
    if (name === 'crop' || name === 'rotate' || ['border', 'letterbox', 'caption', 'frame'].includes(name))
      exact = false
  }
  return {
    transform: steps.length === 0 ? 'none' : steps.join(' '),
    ...(filter === undefined ? {} : { filter }),
    exact,
  }
}

// Turning the query in this way makes it look like the entry.
const turns: Record<string, string> = {
  rotate90: 'rotate(-90deg)',
  rotate180: 'rotate(180deg)',
  rotate270: 'rotate(90deg)',
  flipX: 'scaleY(-1)',
  flipY: 'scaleX(-1)',
  flipPlus1: 'rotate(-90deg) scaleX(-1)',
  flipMinus1: 'rotate(90deg) scaleX(-1)',
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
