import type { Query } from '../../storage/database.ts'
import { signalTypes } from '../signal-types/all.ts'
import type { LookupContent, MatchedPart, MediaContent } from '../signal-types/signal-type.ts'
import { selectSearchedEntriesById } from '../memory/store.ts'
import type { Lookup, SimilarityJudgement } from '../lookup.ts'
import { judgePair, type JudgedPair } from './classifier.ts'
import { pairFeatures, type FoundSignal, type PairFeatures } from './features.ts'
import { selectActiveClassifiers, type Classifier } from './store.ts'

export type JudgedMatch = { pair: { part: string; features: PairFeatures }; judgements: SimilarityJudgement[] }

export type MatchToJudge = FoundSignal & { entryId: string; part: MatchedPart }

/**
 * For each match, the features of content and entry over all signals that both have, and what every classifier that is
 * live or in shadow says of them: that of the matched kind of part, and that of the item as a whole. In the order of
 * the matches; undefined where the entry is gone.
 */
export async function judgeMatches(
  query: Query,
  tenantId: string,
  content: LookupContent,
  matches: readonly MatchToJudge[],
  classifiers: readonly Classifier[],
): Promise<(JudgedMatch | undefined)[]> {
  if (matches.length === 0) return []
  const entryIds = [...new Set(matches.map((match) => match.entryId))]
  const entries = await selectSearchedEntriesById(query, tenantId, entryIds)
  const signalsOf = new Map(entries.map((entry) => [entry.entryId, entry.signals]))
  return matches.map((match) => {
    const signals = signalsOf.get(match.entryId)
    if (signals === undefined) return undefined
    const found = matches.filter((one) => one.entryId === match.entryId)
    const features = pairFeatures(content, signals, found)
    return {
      pair: { part: match.part.kind, features },
      judgements: classifiers
        .filter(({ scope, mode }) => mode !== 'retired' && (scope === 'composite' || scope === match.part.kind))
        .map((classifier) => ({
          ...judgePair(classifier.model, features),
          classifierId: classifier.classifierId,
          scope: classifier.scope,
          version: classifier.version,
          mode: classifier.mode as 'shadow' | 'live',
        })),
    }
  })
}

/** The judgement that counts: a live one of the whole item before a live one of the part; none while all are in shadow. */
export function liveJudgement(judgements: readonly SimilarityJudgement[]): SimilarityJudgement | undefined {
  const live = judgements.filter((one) => one.mode === 'live')
  return live.find((one) => one.scope === 'composite') ?? live[0]
}

/**
 * A lookup whose matches carry what they were compared by and what the tenant's classifiers say. The probability of a
 * live classifier is the confidence of the match.
 */
export function withJudgements<L extends Pick<Lookup, 'lookup'>>(
  lookup: L,
  deps: { query: Query; clock: () => number },
): L {
  const book = createClassifierBook(deps)
  return {
    ...lookup,
    async lookup(tenantId, content, options) {
      const matches = await lookup.lookup(tenantId, content, options)
      if (matches.length === 0) return matches
      const judged = await judgeMatches(deps.query, tenantId, content, matches, await book.current(tenantId))
      return matches.map((match, index) => {
        const own = judged[index]
        if (own === undefined) return match
        const live = liveJudgement(own.judgements)
        return { ...match, ...own, ...(live === undefined ? {} : { confidence: live.probability }) }
      })
    },
  }
}

/** The classifiers of each tenant, read again when they are older than `freshMs`. */
export function createClassifierBook(deps: { query: Query; clock: () => number; freshMs?: number }): {
  current: (tenantId: string) => Promise<Classifier[]>
} {
  const { query, clock, freshMs = 1_000 } = deps
  const held = new Map<string, { readMs: number; classifiers: Promise<Classifier[]> }>()
  return {
    async current(tenantId) {
      const known = held.get(tenantId)
      const nowMs = clock()
      if (known !== undefined && nowMs - known.readMs < freshMs && nowMs >= known.readMs) return known.classifiers
      const classifiers = selectActiveClassifiers(query, tenantId)
      held.set(tenantId, { readMs: nowMs, classifiers })
      classifiers.catch(() => held.delete(tenantId))
      return classifiers
    },
  }
}

/** Content that has all signals of a bank entry, as if the entry itself had been posted. */
export function contentOfSignals(signals: Readonly<Record<string, string>>): LookupContent {
  let [photo, text] = [{}, undefined as string | undefined]
  const media: Record<'videos' | 'audios', MediaContent | undefined> = { videos: undefined, audios: undefined }
  const links: { url: string }[] = []
  let textSignals: Record<string, string> = {}
  for (const type of signalTypes) {
    const signal = signals[type.name]
    if (signal === undefined) continue
    const content = type.contentOf(signal)
    const own = content.photos?.[0]
    if (own !== undefined)
      photo = { ...photo, ...own, signals: { ...(photo as { signals?: object }).signals, ...own.signals } }
    for (const kind of ['videos', 'audios'] as const) {
      const part = content[kind]?.[0]
      if (part !== undefined)
        media[kind] = { ...media[kind], ...part, signals: { ...media[kind]?.signals, ...part.signals } }
    }
    text ??= content.text
    textSignals = { ...textSignals, ...content.textSignals }
    links.push(...(content.links ?? []))
  }
  return {
    ...(Object.keys(photo).length === 0 ? {} : { photos: [photo] }),
    ...(media.videos === undefined ? {} : { videos: [media.videos] }),
    ...(media.audios === undefined ? {} : { audios: [media.audios] }),
    ...(text === undefined ? {} : { text }),
    ...(Object.keys(textSignals).length === 0 ? {} : { textSignals }),
    ...(links.length === 0 ? {} : { links }),
  }
}

const backgroundWeight = 0.25

/**
 * Pairs of different entries of the banks that no threshold takes for the same: examples of what unrelated content looks
 * like, which people are hardly ever asked about. At most `pairsMax`, spread evenly.
 */
export function backgroundPairs(
  entries: readonly { entryId: string; signals: Record<string, string>; quality: number | null }[],
  pairsMax: number,
): JudgedPair[] {
  const pairs: JudgedPair[] = []
  const all = (entries.length * (entries.length - 1)) / 2
  const step = Math.max(1, Math.ceil(all / Math.max(1, pairsMax)))
  let at = 0
  for (const [index, left] of entries.entries())
    for (const right of entries.slice(index + 1)) {
      if (at++ % step !== 0) continue
      const features = pairFeatures(contentOfSignals(left.signals), right.signals)
      if (features.agreeing !== 0) continue
      if (left.quality !== null && 'pdq' in features) features.quality = left.quality / 100
      pairs.push({ entryId: right.entryId, features, same: false, weight: backgroundWeight })
    }
  return pairs
}
