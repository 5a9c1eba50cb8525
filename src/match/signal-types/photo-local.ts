import { InputError, quote } from '../../domain/error.ts'
import { packFeatures } from '../../kernels/local-packed.ts'
import { layFeatures, readFeatures, type Laid } from '../places/desk.ts'
import { createPlacesIndex } from '../places/thread.ts'
import type { Comparison, SignalHit, SignalType, TransformationMatrix } from './signal-type.ts'

/** Beyond so many places in common, more say nothing more: the distance counts down from here. */
export const placesMax = 64
/** Features of one signal: 12 KB of base64. */
export const featuresMax = 240

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
    const read = canonical(signal)
    if (read !== undefined) return read
    throw new InputError(`${field} is not a signal of local features`, [
      { field, problem: 'is not a signal of local features', value: quote(signal.slice(0, 80)) },
    ])
  },
  contentOf: (signal) => ({ photos: [{ signals: { local: signal } }] }),
  signalOf(content) {
    const signal = content.photos?.[0]?.signals?.local
    return signal === undefined ? undefined : canonical(signal)
  },
  compare(query, entry) {
    const [one, other] = [readFeatures(query), readFeatures(entry)]
    return comparisonOf(one === undefined || other === undefined ? undefined : layFeatures(one, other))
  },
  createIndex() {
    const index = createPlacesIndex()
    const slots = new Set<number>()
    /** What was removed since each search that is still running began. */
    const running = new Set<Set<number>>()
    return {
      add(slot, signal) {
        slots.add(slot)
        index.tell({ op: 'add', id: slot, signal })
      },
      remove(slot) {
        if (!slots.delete(slot)) return
        index.tell({ op: 'remove', id: slot })
        for (const gone of running) gone.add(slot)
      },
      search(content, { thresholdOf, wanted, unturned = false }) {
        const photos = [...(content.photos ?? []).entries()].filter(([, { signals }]) => signals?.local !== undefined)
        if (slots.size === 0 || photos.length === 0) return []
        const unwanted =
          wanted === undefined ? {} : { unwanted: Uint32Array.from([...slots].filter((slot) => !wanted(slot))) }
        const gone = new Set<number>()
        running.add(gone)
        const searched = photos.map(async ([at, { sha256, quality, signals }]): Promise<SignalHit[]> => {
          const laid = await index.ask({ op: 'search', signal: signals!.local!, unturned, ...unwanted })
          return laid
            .filter(({ id }) => !gone.has(id))
            .map((one) => ({
              slot: one.id,
              part: { kind: 'photo', index: at, ...(sha256 === undefined ? {} : { mediaSha256: sha256 }) },
              ...comparisonOf(one),
              confidence: confidenceOf(one),
              ...(quality === undefined ? {} : { quality }),
            }))
        })
        return Promise.all(searched)
          .then((hits) => hits.flat().filter(({ slot, distance }) => distance <= thresholdOf(slot)))
          .finally(() => running.delete(gone))
      },
    }
  },
}

/** The signal with no more features than are kept; undefined for what is none. */
function canonical(signal: string): string | undefined {
  const features = readFeatures(signal)
  return features === undefined ? undefined : Buffer.from(packFeatures(features, featuresMax)).toString('base64')
}

/**
 * How near two photos are, and how the one was made of the other. Of a query that passed few features are `kept`: what of
 * them is in the entry then counts as much as what of the entry is among them.
 */
export function comparisonOf(laid: Laid | undefined, kept = false): Comparison {
  const distance = laid === undefined ? placesMax : distanceOf(laid, kept)
  // Places that agree by chance say nothing of how a copy was made.
  if (laid === undefined || distance > placesMax - placesMin) return { distance, similarity: similarityOf(distance) }
  const transformation = transformationOf(laid)
  return {
    distance,
    similarity: similarityOf(distance),
    ...(transformation === undefined ? {} : { transformation }),
    transformationMatrix: matrixOf(laid),
  }
}

function distanceOf({ inliers, shareOfEntry, shareOfQuery }: Laid, kept: boolean): number {
  const share = kept ? Math.max(shareOfEntry, shareOfQuery) : shareOfEntry
  // The same object in two photos, a logo: much agrees there, and little elsewhere.
  const places = share < shareMin ? Math.min(inliers, placesMin - 1) : inliers
  return placesMax - Math.min(placesMax, places)
}

/** Below what equal hashes have: who is found by both is nearest by the hash. */
const similarityOf = (distance: number) => 0.95 * (1 - (distance / placesMax) ** 3)

/** More places agree by chance in busy pictures: what counts is also how many of the entry's places are found again. */
function confidenceOf({ inliers, shareOfEntry, coverage }: Laid): number {
  const many = 1 - Math.exp(-(inliers - 6) / 8)
  const dense = Math.min(1, 0.5 + shareOfEntry)
  const wide = Math.min(1, 0.6 + coverage)
  return Math.max(0, Math.min(0.99, many * dense * wide))
}

/** How the copy was made, in the names of `domain/plain-words.ts`, joined by plus signs. */
function transformationOf({ variant, matrix, overlap, query, entry }: Laid): string | undefined {
  const { mirrored, inverted } = variant
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

/** In shares of both photos, the mirroring taken in. */
function matrixOf({ variant, matrix: [a, b, c, d, e, f], query, entry }: Laid): TransformationMatrix {
  const [wide, tall] = [query.width, query.height]
  const across = variant.mirrored ? -1 : 1
  return rounded([
    (across * a * wide) / entry.width,
    (b * tall) / entry.width,
    ((variant.mirrored ? a * wide : 0) + c) / entry.width,
    (across * d * wide) / entry.height,
    (e * tall) / entry.height,
    ((variant.mirrored ? d * wide : 0) + f) / entry.height,
    0,
    0,
    1,
  ])
}

/** Finer than a pixel of any photo. */
const rounded = (matrix: TransformationMatrix) =>
  matrix.map((value) => Math.round(value * 100_000) / 100_000) as TransformationMatrix
