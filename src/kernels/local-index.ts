// Which of many pictures share local features with one: those that most features vote for are compared in full.
import type { FeatureVariant, LocalFeatures } from './local-features.ts'
import { featureVariants, matchFeatures, turnedVariants, type LocalMatch } from './local-match.ts'
import { packFeatures, unpackFeatures } from './local-packed.ts'
import { createLocalVotes } from './local-votes.ts'

/** More features of a picture than this are not kept; they are the weakest. */
export const indexedFeaturesMax = 160

export type LocalHit = { id: number; variant: FeatureVariant; match: LocalMatch; entry: LocalFeatures }

export type LocalIndex = {
  readonly size: number
  /** Adds a picture under an id; one that is already there is replaced. */
  add: (id: number, features: LocalFeatures) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /**
   * Pictures that the query lies over, mirrored or inverted too, with the better way for each, most agreeing places
   * first, then by id. Not exact: of weak matches in large collections some are missed.
   */
  query: (features: LocalFeatures, options?: { unturned?: boolean; wanted?: (id: number) => boolean }) => LocalHit[]
}

const comparedMax = 16

/** An empty index. Adding, removing and searching may alternate freely. */
export function createLocalIndex(): LocalIndex {
  const votes = createLocalVotes(indexedFeaturesMax)
  const packed = new Map<number, Uint8Array>()
  const remove = (id: number) => packed.delete(id) && votes.remove(id)
  return {
    get size() {
      return packed.size
    },
    add(id, features) {
      remove(id)
      packed.set(id, packFeatures(features, indexedFeaturesMax))
      votes.add(id, features)
    },
    remove,
    query(features, { unturned = false, wanted } = {}) {
      if (packed.size === 0) return []
      const turned = unturned ? [features] : turnedVariants(features)
      const best = new Map<number, LocalHit>()
      const options = { limit: comparedMax, ...(wanted === undefined ? {} : { wanted }) }
      for (const { id, variant } of votes.candidates(turned, options)) {
        const entry = unpackFeatures(packed.get(id)!)!
        const match = matchFeatures(turned[variant]!, entry)
        if (match !== undefined && match.inliers > (best.get(id)?.match.inliers ?? 0))
          best.set(id, { id, variant: featureVariants[variant]!, match, entry })
      }
      return [...best.values()].sort((a, b) => b.match.inliers - a.match.inliers || a.id - b.id)
    },
  }
}
