import type { FeatureVariant, LocalFeatures } from '../../kernels/local-features.ts'
import { createLocalIndex, type LocalIndex } from '../../kernels/local-index.ts'
import {
  compareFeatures,
  featureVariants,
  matchVariant,
  turnedVariants,
  type LocalMatch,
} from '../../kernels/local-match.ts'
import { unpackFeatures } from '../../kernels/local-packed.ts'
import { createLocalVotes, type LocalVotes } from '../../kernels/local-votes.ts'

/** Fewer features than this are not kept: a chance agreement could not be told from a copy. */
export const featuresMin = 12
/** Features that are kept of a photo that passed. */
export const seenFeaturesMax = 96

/** How a photo lies over another one; places in pixels of the pictures in which the features were found. */
export type Laid = Pick<LocalMatch, 'inliers' | 'shareOfEntry' | 'shareOfQuery' | 'coverage' | 'overlap' | 'matrix'> & {
  variant: FeatureVariant
  query: Size
  entry: Size
}
type Size = { width: number; height: number }

/** Signals travel as text in canonical form (base64), what passed as its packed bytes. */
export type Asked =
  | { op: 'search'; index: number; signal: string; unturned: boolean; unwanted?: Uint32Array }
  | { op: 'likely'; index: number; signal: string; limit: number }
  | { op: 'lay'; signal: string; over: readonly { variant: number; packed: Uint8Array }[] }
export type Told =
  | { op: 'add'; index: number; id: number; signal: string }
  | { op: 'remove'; index: number; id: number }
  | { op: 'see'; index: number; photos: readonly { id: number; packed: Uint8Array }[] }
  | { op: 'forget'; index: number; below: number }
  | { op: 'drop'; index: number }
export type Answers = {
  search: (Laid & { id: number })[]
  likely: { ids: Float64Array; variants: Uint8Array }
  lay: (Laid | undefined)[]
}

/** What is searched by local features, by the number of its index: entries of banks, and photos that passed. */
export type PlacesDesk = {
  tell: (told: Told) => void
  ask: <A extends Asked>(asked: A) => Answers[A['op']]
}

/** Reads a signal of local features, or what was kept of one; undefined for anything else, or too few features. */
export function readFeatures(signal: string | Uint8Array): LocalFeatures | undefined {
  const features = unpackFeatures(typeof signal === 'string' ? Buffer.from(signal, 'base64') : signal)
  return features === undefined || features.count < featuresMin ? undefined : features
}

/** The better way to lay one photo over another, mirrored or inverted too; undefined where none agrees at all. */
export function layFeatures(query: LocalFeatures, entry: LocalFeatures): Laid | undefined {
  const found = compareFeatures(query, entry)
  return found === undefined ? undefined : laid(found.match, found.variant, query, entry)
}

/** Everything in memory, with nothing in it. */
export function createPlacesDesk(): PlacesDesk {
  const indexes = new Map<number, LocalIndex>()
  const passed = new Map<number, LocalVotes>()
  const of = <T>(all: Map<number, T>, index: number, make: () => T): T => {
    const known = all.get(index) ?? make()
    all.set(index, known)
    return known
  }
  const answers: { [Op in Asked['op']]: (asked: Extract<Asked, { op: Op }>) => Answers[Op] } = {
    search({ index, signal, unturned, unwanted }) {
      const features = readFeatures(signal)
      if (features === undefined) return []
      const left = unwanted === undefined ? undefined : new Set(unwanted)
      const wanted = left === undefined ? {} : { wanted: (id: number) => !left.has(id) }
      return (indexes.get(index)?.query(features, { unturned, ...wanted }) ?? []).map(
        ({ id, variant, match, entry }) => ({
          id,
          ...laid(match, variant, features, entry),
        }),
      )
    },
    likely({ index, signal, limit }) {
      const features = readFeatures(signal)
      const votes = passed.get(index)
      const found =
        features === undefined || votes === undefined ? [] : votes.candidates(turnedVariants(features), { limit })
      return {
        ids: Float64Array.from(found, ({ id }) => id),
        variants: Uint8Array.from(found, ({ variant }) => variant),
      }
    },
    lay({ signal, over }) {
      const entry = readFeatures(signal)
      return over.map(({ variant, packed }) => {
        const query = readFeatures(packed)
        if (entry === undefined || query === undefined) return undefined
        const match = matchVariant(query, featureVariants[variant]!, entry)
        return match === undefined ? undefined : laid(match, featureVariants[variant]!, query, entry)
      })
    },
  }
  return {
    tell(told) {
      switch (told.op) {
        case 'add': {
          const features = readFeatures(told.signal)
          if (features !== undefined) of(indexes, told.index, createLocalIndex).add(told.id, features)
          return
        }
        case 'remove':
          indexes.get(told.index)?.remove(told.id)
          return
        case 'see': {
          const votes = of(passed, told.index, () => createLocalVotes(seenFeaturesMax))
          for (const { id, packed } of told.photos) {
            const features = readFeatures(packed)
            if (features !== undefined) votes.add(id, features)
          }
          return
        }
        case 'forget':
          passed.get(told.index)?.forgetBelow(told.below)
          return
        case 'drop':
          indexes.delete(told.index)
          passed.delete(told.index)
      }
    },
    ask: (asked) => answers[asked.op](asked as never) as never,
  }
}

function laid(
  { inliers, shareOfEntry, shareOfQuery, coverage, overlap, matrix }: LocalMatch,
  variant: FeatureVariant,
  query: Size,
  entry: Size,
): Laid {
  const sizeOf = ({ width, height }: Size) => ({ width, height })
  return {
    inliers,
    shareOfEntry,
    shareOfQuery,
    coverage,
    overlap,
    matrix,
    variant,
    query: sizeOf(query),
    entry: sizeOf(entry),
  }
}
