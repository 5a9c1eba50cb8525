// Which of many pictures share local features with one: features vote for pictures by agreeing in samples of their bits
// (locality-sensitive hashing; Gionis, Indyk, Motwani, VLDB 1999), votes count together when they agree on the turn and
// the size (weak geometric consistency; Jégou, Douze, Schmid, ECCV 2008), and the best are then compared in full.
import { descriptorWords, variantFeatures, type FeatureVariant, type LocalFeatures } from './local-features.ts'
import { featureVariants, matchFeatures, type LocalMatch } from './local-match.ts'
import { packFeatures, packedFeatureBytes, unpackFeatures } from './local-packed.ts'

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

// Bits whose values are even among pictures and steady under edits, chosen on photos that no benchmark reports on.
const tableBits = [
  [
    3, 9, 12, 19, 26, 37, 55, 61, 68, 73, 79, 97, 110, 131, 136, 137, 138, 140, 169, 173, 192, 200, 203, 211, 234, 238,
    244, 249,
  ],
  [
    1, 4, 6, 16, 41, 42, 43, 70, 74, 76, 83, 116, 126, 129, 132, 144, 157, 170, 174, 189, 195, 196, 202, 204, 216, 218,
    229, 253,
  ],
  [
    1, 3, 42, 49, 61, 62, 67, 68, 74, 76, 79, 101, 106, 107, 129, 131, 138, 141, 157, 169, 174, 192, 196, 200, 207, 221,
    233, 234,
  ],
  [
    6, 17, 41, 47, 54, 68, 73, 74, 75, 83, 90, 116, 137, 138, 150, 152, 165, 174, 175, 195, 196, 198, 200, 202, 205,
    216, 221, 241,
  ],
] as const
const tables = tableBits.length
/** Features that everybody has (corners of boxes, letters) fill buckets; beyond this many they say nothing. */
const bucketWalkMax = 256
const shortlistMax = 192
const comparedMax = 16
const votesMin = 4
const angleBins = 16
const sizeBins = 16
const bins = angleBins * sizeBins

/** An empty index. Adding, removing and searching may alternate freely. */
export function createLocalIndex(): LocalIndex {
  let capacity = 16
  let headBits = 12
  let heads = Array.from({ length: tables }, () => new Int32Array(1 << headBits).fill(-1))
  let nexts = Array.from({ length: tables }, () => new Int32Array(capacity * indexedFeaturesMax))
  let packed: (Uint8Array | undefined)[] = []
  let ids = new Float64Array(capacity)
  let votes = new Uint16Array(capacity * featureVariants.length)
  const slotOf = new Map<number, number>()
  const free: number[] = []
  let postings = 0

  const bucketOf = (descriptors: Uint32Array, offset: number, table: number) => {
    let key = 0
    for (const bit of tableBits[table]!) key = (key << 1) | ((descriptors[offset + (bit >>> 5)]! >>> (bit & 31)) & 1)
    return Math.imul(key + 1, 0x9e3779b1) >>> (32 - headBits)
  }
  const link = (slot: number, features: LocalFeatures) => {
    for (let feature = 0; feature < features.count; feature++)
      for (let table = 0; table < tables; table++) {
        const bucket = bucketOf(features.descriptors, feature * descriptorWords, table)
        const posting = slot * indexedFeaturesMax + feature
        nexts[table]![posting] = heads[table]![bucket]!
        heads[table]![bucket] = posting
      }
  }
  const unlink = (slot: number, features: LocalFeatures) => {
    for (let feature = 0; feature < features.count; feature++)
      for (let table = 0; table < tables; table++) {
        const bucket = bucketOf(features.descriptors, feature * descriptorWords, table)
        const posting = slot * indexedFeaturesMax + feature
        const next = nexts[table]!
        if (heads[table]![bucket] === posting) heads[table]![bucket] = next[posting]!
        else
          for (let at = heads[table]![bucket]!; at >= 0; at = next[at]!)
            if (next[at] === posting) {
              next[at] = next[posting]!
              break
            }
      }
  }
  const grow = () => {
    capacity *= 2
    nexts = nexts.map((next) => {
      const larger = new Int32Array(capacity * indexedFeaturesMax)
      larger.set(next)
      return larger
    })
    const moreIds = new Float64Array(capacity)
    moreIds.set(ids)
    ids = moreIds
    votes = new Uint16Array(capacity * featureVariants.length)
  }
  const widen = () => {
    headBits += 2
    heads = heads.map(() => new Int32Array(1 << headBits).fill(-1))
    for (const [slot, bytes] of packed.entries()) if (bytes !== undefined) link(slot, unpackFeatures(bytes)!)
  }
  const remove = (id: number) => {
    const slot = slotOf.get(id)
    if (slot === undefined) return false
    const features = unpackFeatures(packed[slot]!)!
    unlink(slot, features)
    postings -= features.count
    packed[slot] = undefined
    slotOf.delete(id)
    free.push(slot)
    return true
  }

  // Votes of one query, in the order in which they were cast.
  let castFor = new Int32Array(1 << 14)
  let castBin = new Uint8Array(1 << 14)

  const cast = (
    features: LocalFeatures,
    variant: number,
    wanted: ((id: number) => boolean) | undefined,
    from: number,
  ) => {
    let count = from
    for (let feature = 0; feature < features.count; feature++) {
      const turn = features.angle[feature]! / (2 * Math.PI)
      const size = Math.log2(features.size[feature]!)
      for (let table = 0; table < tables; table++) {
        const next = nexts[table]!
        let at = heads[table]![bucketOf(features.descriptors, feature * descriptorWords, table)]!
        for (let walked = 0; at >= 0 && walked < bucketWalkMax; at = next[at]!, walked++) {
          const slot = Math.floor(at / indexedFeaturesMax)
          if (wanted?.(ids[slot]!) === false) continue
          const key = slot * featureVariants.length + variant
          votes[key]!++
          if (count === castFor.length) {
            const moreFor = new Int32Array(count * 2)
            moreFor.set(castFor)
            castFor = moreFor
            const moreBin = new Uint8Array(count * 2)
            moreBin.set(castBin)
            castBin = moreBin
          }
          const record = packed[slot]!
          const byte = 5 + (at - slot * indexedFeaturesMax) * packedFeatureBytes
          const turnBin = Math.floor((record[byte + 4]! / 256 - turn + 4) * angleBins) & (angleBins - 1)
          const sizeBin = Math.floor((record[byte + 3]! / 24 - size) * 2 + 8) & (sizeBins - 1)
          castFor[count] = key
          castBin[count++] = turnBin * sizeBins + sizeBin
        }
      }
    }
    return count
  }

  return {
    get size() {
      return slotOf.size
    },
    add(id, features) {
      remove(id)
      const slot = free.pop() ?? packed.length
      if (slot >= capacity) grow()
      packed[slot] = packFeatures(features, indexedFeaturesMax)
      ids[slot] = id
      slotOf.set(id, slot)
      const kept = unpackFeatures(packed[slot])!
      link(slot, kept)
      postings += kept.count
      if (postings > 4 << headBits && headBits < 24) widen()
    },
    remove,
    query(features, { unturned, wanted } = {}) {
      if (slotOf.size === 0) return []
      const asked = unturned === true ? featureVariants.slice(0, 1) : featureVariants
      const turned = asked.map((variant) => variantFeatures(features, variant))
      let count = 0
      for (const [variant, one] of turned.entries()) count = cast(one, variant, wanted, count)
      const candidates: number[] = []
      for (let at = 0; at < count; at++) {
        const key = castFor[at]!
        const total = votes[key]!
        // Zero marks what is listed already.
        if (total >= votesMin) candidates.push(key * 65_536 + total)
        votes[key] = 0
      }
      candidates.sort((a, b) => (b % 65_536) - (a % 65_536) || a - b)
      const shortlist = new Map(
        candidates.slice(0, shortlistMax).map((value, rank) => [Math.floor(value / 65_536), rank]),
      )
      const histograms = new Uint8Array(shortlist.size * bins)
      for (let at = 0; at < count; at++) {
        const rank = shortlist.get(castFor[at]!)
        if (rank === undefined) continue
        const bin = rank * bins + castBin[at]!
        if (histograms[bin]! < 255) histograms[bin]!++
      }
      const agreeing = [...shortlist]
        .map(([key, rank]) => ({ key, agreed: largestWindow(histograms, rank * bins) }))
        .filter(({ agreed }) => agreed >= votesMin)
        .sort((a, b) => b.agreed - a.agreed || a.key - b.key)
      const best = new Map<number, LocalHit>()
      for (const { key } of agreeing.slice(0, comparedMax)) {
        const slot = Math.floor(key / featureVariants.length)
        const variant = key % featureVariants.length
        const entry = unpackFeatures(packed[slot]!)!
        const match = matchFeatures(turned[variant]!, entry)
        const id = ids[slot]!
        if (match !== undefined && match.inliers > (best.get(id)?.match.inliers ?? 0))
          best.set(id, { id, variant: featureVariants[variant]!, match, entry })
      }
      return [...best.values()].sort((a, b) => b.match.inliers - a.match.inliers || a.id - b.id)
    },
  }
}

/** The most votes in two neighbouring turns and two neighbouring sizes. */
function largestWindow(histograms: Uint8Array, offset: number): number {
  let most = 0
  for (let turn = 0; turn < angleBins; turn++) {
    const here = offset + turn * sizeBins
    const after = offset + ((turn + 1) & (angleBins - 1)) * sizeBins
    for (let size = 0; size < sizeBins; size++) {
      const over = (size + 1) & (sizeBins - 1)
      const sum =
        histograms[here + size]! + histograms[here + over]! + histograms[after + size]! + histograms[after + over]!
      if (sum > most) most = sum
    }
  }
  return most
}
