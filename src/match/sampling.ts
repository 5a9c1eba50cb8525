import { hash53 } from '../kernels/string-hash.ts'
import type { LookupContent } from './signal-types/signal-type.ts'

/** A name of the content that is the same whenever it comes again. */
function contentKey({ photos, videos, audios, text, links }: LookupContent): string {
  return JSON.stringify([
    photos?.map(({ sha256, pdq }) => sha256 ?? pdq),
    [...(videos ?? []), ...(audios ?? [])].map(({ sha256, signals }) => sha256 ?? signals),
    text,
    links?.map(({ url }) => url),
  ])
}

/**
 * Whether this content falls into a share (0 to 1) of all content, for a purpose: the same content always gives the same
 * answer, and another purpose an independent one.
 */
export function fallsInto(share: number, purpose: string, content: LookupContent): boolean {
  if (share >= 1) return true
  if (share <= 0) return false
  return hash53(`${purpose}:${contentKey(content)}`) / 2 ** 53 < share
}
