import { InputError, quote } from '../../domain/error.ts'
import { createLocalIndex } from '../../kernels/local-index.ts'
import type { FeatureVariant, LocalFeatures } from '../../kernels/local-features.ts'
import { compareFeatures, type LocalMatch } from '../../kernels/local-match.ts'
import { packFeatures, unpackFeatures } from '../../kernels/local-packed.ts'
import type { SignalHit, SignalType } from './signal-type.ts'

/** Beyond so many places in common, more say nothing more: the distance counts down from here. */
export const placesMax = 64
/** Features of one signal: 12 KB of base64. */
export const featuresMax = 240
/** Fewer features than this are not kept: a chance agreement could not be told from a copy. */
export const featuresMin = 12

const placesThreshold = 12
const placesMin = 8
/**
 * Share of an entry's features that a copy has, of those that it can show. Measured: copies .41 and more (the weakest
 * screenshots), two photos of one printed coaster .32.
 */
const shareMin = 0.36

/**
 * Photos by local features: copies that were cut, turned by some degrees, framed, written on, inverted, mirrored, or
 * photographed from a screen inside other pictures. A signal is base64 of `kernels/local-packed.ts`; its distance is
 * how many places in common are missing from 64.
 */
export const photoLocalType: SignalType = {
  name: 'local',
  version: 'local@1',
  threshold: placesMax - placesThreshold,
  thresholdMax: placesMax - placesMin,
  thresholdStep: 1,
  part: 'photo',
  words: {
    title: 'Photo, details',
    about:
      'Photos by places that they have in common: found again cut, framed, written on or photographed from a screen.',
    media: ['photo'],
    scale: { zero: placesMax, perDistance: -1, decimals: 0, unit: 'places in common' },
    finds: [{ upTo: placesMax - placesMin, what: 'cut, framed, written on or photographed from a screen' }],
  },
  describe: (distance) => `${placesMax - distance}${distance === 0 ? ' or more' : ''} places in common`,
  parse(field, signal) {
    const features = featuresOf(signal)
    if (features !== undefined && features.count >= featuresMin) return canonical(features)
    throw new InputError(`${field} is not a signal of local features`, [
      { field, problem: 'is not a signal of local features', value: quote(signal.slice(0, 80)) },
    ])
  },
  contentOf: (signal) => ({ photos: [{ signals: { local: signal } }] }),
  signalOf(content) {
    const signal = content.photos?.[0]?.signals?.local
    const features = signal === undefined ? undefined : featuresOf(signal)
    return features === undefined || features.count < featuresMin ? undefined : canonical(features)
  },
  compare(query, entry) {
    const [one, other] = [featuresOf(query), featuresOf(entry)]
    const found = one === undefined || other === undefined ? undefined : compareFeatures(one, other)
    if (found === undefined) return { distance: placesMax, similarity: 0 }
    const distance = distanceOf(found.match)
    // Places that agree by chance say nothing of how a copy was made.
    if (distance > placesMax - placesMin) return { distance, similarity: similarityOf(distance) }
    return {
      distance,
      similarity: similarityOf(distance),
      transformation: transformationOf(found.variant, found.match, one!, other!),
    }
  },
  createIndex() {
    const index = createLocalIndex()
    return {
      add(slot, signal) {
        const features = featuresOf(signal)
        if (features !== undefined && features.count >= featuresMin) index.add(slot, features)
      },
      remove: (slot) => void index.remove(slot),
      search(content, { thresholdOf, wanted, unturned }) {
        if (index.size === 0) return []
        const hits: SignalHit[] = []
        for (const [at, photo] of (content.photos ?? []).entries()) {
          const signal = photo.signals?.local
          const features = signal === undefined ? undefined : featuresOf(signal)
          if (features === undefined || features.count < featuresMin) continue
          for (const { id, variant, match, entry } of index.query(features, { unturned, wanted })) {
            const distance = distanceOf(match)
            if (distance > thresholdOf(id)) continue
            hits.push({
              slot: id,
              part: {
                kind: 'photo',
                index: at,
                ...(photo.sha256 === undefined ? {} : { mediaSha256: photo.sha256 }),
              },
              distance,
              similarity: similarityOf(distance),
              confidence: confidenceOf(match),
              ...(photo.quality === undefined ? {} : { quality: photo.quality }),
              transformation: transformationOf(variant, match, features, entry),
            })
          }
        }
        return hits
      },
    }
  },
}

function featuresOf(signal: string): LocalFeatures | undefined {
  return unpackFeatures(Buffer.from(signal, 'base64'))
}

const canonical = (features: LocalFeatures) => Buffer.from(packFeatures(features, featuresMax)).toString('base64')

function distanceOf({ inliers, shareOfEntry }: LocalMatch): number {
  // The same object in two photos, a logo: much agrees there, and little elsewhere.
  const places = shareOfEntry < shareMin ? Math.min(inliers, placesMin - 1) : inliers
  return placesMax - Math.min(placesMax, places)
}

/** Below what equal hashes have: who is found by both is nearest by the hash. */
const similarityOf = (distance: number) => 0.95 * (1 - (distance / placesMax) ** 3)

/** More places agree by chance in busy pictures: what counts is also how many of the entry's places are found again. */
function confidenceOf({ inliers, shareOfEntry, coverage }: LocalMatch): number {
  const many = 1 - Math.exp(-(inliers - 6) / 8)
  const dense = Math.min(1, 0.5 + shareOfEntry)
  const wide = Math.min(1, 0.6 + coverage)
  return Math.max(0, Math.min(0.99, many * dense * wide))
}

/** How the copy was made, in the names of `domain/plain-words.ts`, joined by plus signs. */
function transformationOf(
  { mirrored, inverted }: FeatureVariant,
  { matrix, overlap }: LocalMatch,
  query: LocalFeatures,
  entry: LocalFeatures,
): string | undefined {
  const [a, b, c, d, e, f] = matrix
  const determinant = a * e - b * d
  const corners = [
    [0, 0],
    [entry.width, 0],
    [0, entry.height],
    [entry.width, entry.height],
  ].map(([u, v]) => [
    (e * (u! - c) - b * (v! - f)) / determinant / query.width,
    (a * (v! - f) - d * (u! - c)) / determinant / query.height,
  ])
  const spanOf = (axis: 0 | 1) => {
    const places = corners.map((corner) => Math.max(0, Math.min(1, corner[axis]!)))
    return Math.max(...places) - Math.min(...places)
  }
  const degrees = Math.round((Math.atan2(d - b, a + e) * 180) / Math.PI)
  const [wide, tall] = [spanOf(0) >= 0.96, spanOf(1) >= 0.96]
  const names = [
    ...(mirrored ? ['flipY'] : []),
    ...(inverted ? ['invert'] : []),
    ...(Math.abs(degrees) >= 2 ? [`rotate:${Math.abs(degrees)}`] : []),
    ...(overlap < 0.97 ? [`crop:${Math.round(overlap * 100)}`] : []),
    ...(wide && tall ? [] : wide || tall ? ['letterbox'] : ['frame']),
  ]
  return names.length === 0 ? undefined : names.join('+')
}
