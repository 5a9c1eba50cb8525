import { signalTypes } from '../signal-types/all.ts'
import type { LookupContent, MatchedPart, SignalType } from '../signal-types/signal-type.ts'
import { shareReadings } from '../signal-types/text-readings.ts'

/** What a classifier looks at: one kind of part, or the item as a whole. */
export const scopes = ['photo', 'video', 'audio', 'text', 'link', 'composite'] as const
export type Scope = (typeof scopes)[number]

/**
 * How alike a piece of content and a bank entry are, by name: for each signal type that both have, the similarity of
 * the nearest parts (0 to 1); `quality` of the photo (0 to 1); `agreeing`, the share of those types that are within
 * their own threshold. What one of the two lacks is missing.
 */
export type PairFeatures = Record<string, number>

/** What the search itself found for the pair, which may be nearer than the plain comparison: a turned photo, say. */
export type FoundSignal = { signalType: string; distance: number; similarity: number; quality?: number }

const rounded = (value: number) => Math.round(value * 10_000) / 10_000

/** The features of a piece of content against the signals of a bank entry. */
export function pairFeatures(
  content: LookupContent,
  entrySignals: Readonly<Record<string, string>>,
  found: readonly FoundSignal[] = [],
): PairFeatures {
  const features: PairFeatures = {}
  const parts = partsOf(content)
  let [compared, agreeing] = [0, 0]
  for (const type of signalTypes) {
    const entry = entrySignals[type.name]
    const nearest = entry === undefined ? undefined : nearestOf(type, parts, entry, found)
    if (nearest === undefined) continue
    features[type.name] = rounded(nearest.similarity)
    compared++
    if (nearest.distance <= type.threshold) agreeing++
  }
  const quality = Math.max(
    ...found.map((one) => one.quality ?? -1),
    ...(found.length === 0 ? (content.photos ?? []).map((photo) => photo.quality ?? -1) : []),
  )
  if (quality >= 0) features.quality = rounded(quality / 100)
  if (compared > 0) features.agreeing = rounded(agreeing / compared)
  return features
}

/** The features that a classifier of a scope may use, in a fixed order. */
export function featureNames(scope: Scope): string[] {
  const types = signalTypes.filter((type) => scope === 'composite' || looksAt(type, scope)).map((type) => type.name)
  return [...types, ...(scope === 'photo' || scope === 'composite' ? ['quality'] : []), 'agreeing']
}

/** A row for a classifier: the features in their order, NaN where missing. */
export function rowOf(names: readonly string[], features: Readonly<PairFeatures>): Float64Array {
  return Float64Array.from(names, (name) => features[name] ?? Number.NaN)
}

const looksAt = (type: SignalType, scope: MatchedPart['kind']) => type.part === scope

const parts = new WeakMap<LookupContent, LookupContent[]>()
/**
 * Each part of the content alone, as a piece of content of its own. A lookup that matches many entries asks for the same
 * ones again and again; what was made of their text is remembered with them.
 */
function partsOf(content: LookupContent): LookupContent[] {
  const known = parts.get(content)
  if (known !== undefined) return known
  const made = [
    ...(content.photos ?? []).map((photo) => ({ photos: [photo] })),
    ...(content.videos ?? []).map((video) => ({ videos: [video] })),
    ...(content.audios ?? []).map((audio) => ({ audios: [audio] })),
    ...(content.links ?? []).map((link) => ({ links: [link] })),
    ...(content.text === undefined ? [] : [shareReadings(textOf(content), content)]),
  ]
  parts.set(content, made)
  return made
}

const textOf = ({ text, textSignals }: LookupContent): LookupContent => ({
  ...(text === undefined ? {} : { text }),
  ...(textSignals === undefined ? {} : { textSignals }),
})

function nearestOf(
  type: SignalType,
  parts: readonly LookupContent[],
  entry: string,
  found: readonly FoundSignal[],
): { distance: number; similarity: number } | undefined {
  const candidates: { distance: number; similarity: number }[] = found.filter((one) => one.signalType === type.name)
  for (const part of parts) {
    const signal = type.signalOf(part)
    if (signal !== undefined) candidates.push(type.compare(signal, entry))
  }
  return candidates.reduce<{ distance: number; similarity: number } | undefined>(
    (best, one) => (best === undefined || one.similarity > best.similarity ? one : best),
    undefined,
  )
}
