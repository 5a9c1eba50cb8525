import type { Match } from './lookup.ts'
import type { MatchedPart } from './signal-types/signal-type.ts'

/** What a post or ad as a whole matches: each entry once, with the parts that caused it. */
export type Composite = {
  /** Surest first. */
  entries: {
    bankId: string
    entryId: string
    /** Of the surest part. */
    confidence: number
    similarity: number
    parts: MatchedPart[]
  }[]
  /** The part that matches anything most surely. */
  strongest: MatchedPart | null
  confidence: number
}

/** Sums the matches of all parts of one item up. */
export function compositeOf(matches: readonly Match[]): Composite {
  const entries = new Map<string, Composite['entries'][number]>()
  for (const { bank, entryId, confidence, similarity, part } of matches) {
    const known = entries.get(entryId)
    if (known === undefined) entries.set(entryId, { bankId: bank.id, entryId, confidence, similarity, parts: [part] })
    else {
      known.parts.push(part)
      known.confidence = Math.max(known.confidence, confidence)
      known.similarity = Math.max(known.similarity, similarity)
    }
  }
  const best = matches.reduce<Match | undefined>(
    (most, match) => (most === undefined || match.confidence > most.confidence ? match : most),
    undefined,
  )
  return {
    entries: [...entries.values()].sort((a, b) => b.confidence - a.confidence),
    strongest: best?.part ?? null,
    confidence: best?.confidence ?? 0,
  }
}
