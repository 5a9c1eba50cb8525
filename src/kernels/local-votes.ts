// Which of many pictures may share local features with one: features vote for pictures by agreeing in samples of their
// bits (locality-sensitive hashing; Gionis, Indyk, Motwani, VLDB 1999), and votes count together when they agree on the
// turn and the size (weak geometric consistency; Jégou, Douze, Schmid, ECCV 2008).
//
// Votes lie in immutable blocks, 4 bytes each, sorted by their samples: a search reads runs of memory. New pictures fill a
// small open block; full blocks are merged into larger ones (O'Neil, Cheng, Gawlick, O'Neil, "The log-structured
// merge-tree", Acta Informatica 1996).
import { descriptorWords, type LocalFeatures } from './local-features.ts'

export type Candidate = {
  id: number
  /** Which of the given feature lists voted for it. */
  variant: number
  /** Votes that agree on one turn and size. */
  agreed: number
}

export type LocalVotes = {
  /** Pictures that can be found. */
  readonly size: number
  /** Takes the strongest features of a picture under an id that is not in use. */
  add: (id: number, features: LocalFeatures) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /** Lets go of blocks in which every id is below this one, and of such ids in the open block. */
  forgetBelow: (id: number) => void
  /** At most `limit` pictures for each of which several features vote, most agreeing votes first, then by id. */
  candidates: (
    variants: readonly LocalFeatures[],
    options: { limit: number; wanted?: (id: number) => boolean },
  ) => Candidate[]
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
const sampleBits = 28
/** Of the mixed samples so many bits are kept; a block sorts by the upper ones and keeps the lower ones in its votes. */
const keyBits = 23

// A vote, from the highest bit: what its block does not sort by of the key, direction, size, and picture.
const turnBits = 6
const sizeBits = 6
const poseBits = turnBits + sizeBits
/** Pictures of the blocks of each tier, as powers of two: eight of one tier make one of the next. */
const tierBits = [8, 11, 14] as const
const openMax = 1 << tierBits[0]
const fan = 8
/** Blocks sort by so many more bits than they count pictures by. */
const bucketBitsMore = 4
const bucketBitsOf = (bits: number) => bits + bucketBitsMore

/** Features that everybody has (corners of boxes, letters) fill buckets; beyond this many they say nothing. */
const bucketWalkMax = 512
const shortlistMax = 192
const votesMin = 4
const angleBins = 16
const sizeBins = 16
const bins = angleBins * sizeBins
/** Steps of a size in a vote, per octave: sizes lie between 1 and 2 ** 10 pixels. */
const sizeSteps = 6

type Block = {
  /** Pictures as a power of two, and how many there are. */
  bits: number
  count: number
  ids: Float64Array
  dead: Uint8Array
  deadCount: number
  /** Where the votes of a bucket begin, for each table one after the other; one more at the end. */
  starts: Uint32Array
  votes: Uint32Array
}

/** A vote on its way into a block: key, direction and size, and the picture's place in the block. */
type Loose = { count: number; keys: Uint32Array; poses: Uint16Array; pictures: Uint16Array }

/** An empty collection that keeps at most `featuresMax` features of each picture. */
export function createLocalVotes(featuresMax: number): LocalVotes {
  let blocks: Block[] = []
  // The open block: votes as they came, sorted when somebody asks.
  let loose = roomFor(featuresMax * tables)
  let openIds: number[] = []
  let openCounts: number[] = []
  let sorted: Block | undefined
  let size = 0

  const closeOpen = () => {
    blocks.push(blockOf(tierBits[0], Float64Array.from(openIds), loose))
    openIds = []
    openCounts = []
    loose.count = 0
    sorted = undefined
    for (const [tier, bits] of tierBits.slice(0, -1).entries()) {
      const full = blocks.filter((block) => block.bits === bits)
      if (full.length < fan) break
      blocks = [...blocks.filter((block) => block.bits !== bits), merged(full, tierBits[tier + 1]!)]
    }
  }
  const searched = (): Block[] => {
    if (openIds.length === 0) return blocks
    sorted ??= blockOf(tierBits[0], Float64Array.from(openIds), loose)
    return [...blocks, sorted]
  }

  // Votes of one query in one block, in the order in which they were cast.
  let castFor = new Uint32Array(1 << 12)
  let castBin = new Uint8Array(1 << 12)
  const totals = new Uint16Array(4 << tierBits.at(-1)!)

  const searchBlock = (
    block: Block,
    asked: readonly Asked[],
    wanted: ((id: number) => boolean) | undefined,
    into: Candidate[],
  ) => {
    const { bits, starts, votes, ids, dead } = block
    const shift = keyBits - bucketBitsOf(bits)
    const buckets = 1 << bucketBitsOf(bits)
    const pictureMask = (1 << bits) - 1
    let cast = 0
    for (const [variant, { count, keys, turns, sizes }] of asked.entries())
      for (let at = 0; at < count; at++) {
        const table = at % tables
        const key = keys[at]!
        const bucket = table * buckets + (key >>> shift)
        const check = key & ((1 << shift) - 1)
        const start = starts[bucket]!
        const end = Math.min(starts[bucket + 1]!, start + bucketWalkMax)
        for (let place = start; place < end; place++) {
          const vote = votes[place]!
          if (vote >>> (poseBits + bits) !== check) continue
          const picture = vote & pictureMask
          if (dead[picture] === 1) continue
          const slot = picture * 4 + variant
          totals[slot]!++
          if (cast === castFor.length) {
            castFor = wider(castFor, new Uint32Array(cast * 2))
            castBin = wider(castBin, new Uint8Array(cast * 2))
          }
          const turn = (vote >>> (bits + sizeBits)) & 63
          const turnBin = Math.floor(((turn + 0.5) / 64 - turns[at]! + 4) * angleBins) & (angleBins - 1)
          const sizeBin =
            Math.floor((((vote >>> bits) & 63) / sizeSteps - sizes[at]!) * 2 + sizeBins / 2) & (sizeBins - 1)
          castFor[cast] = slot
          castBin[cast++] = turnBin * sizeBins + sizeBin
        }
      }
    const found: number[] = []
    for (let at = 0; at < cast; at++) {
      const slot = castFor[at]!
      const total = totals[slot]!
      // Zero marks what is listed already.
      totals[slot] = 0
      if (total >= votesMin && wanted?.(ids[slot >>> 2]!) !== false) found.push(slot * 65_536 + total)
    }
    if (found.length === 0) return
    found.sort((a, b) => (b % 65_536) - (a % 65_536) || a - b)
    const ranks = new Map(found.slice(0, shortlistMax).map((one, rank) => [Math.floor(one / 65_536), rank]))
    const histograms = new Uint16Array(ranks.size * bins)
    for (let at = 0; at < cast; at++) {
      const rank = ranks.get(castFor[at]!)
      if (rank === undefined) continue
      const bin = rank * bins + castBin[at]!
      histograms[bin]!++
    }
    for (const [slot, rank] of ranks) {
      const agreed = largestWindow(histograms, rank * bins)
      if (agreed >= votesMin) into.push({ id: ids[slot >>> 2]!, variant: slot & 3, agreed })
    }
  }

  const remove = (id: number): boolean => {
    const open = openIds.indexOf(id)
    if (open >= 0) {
      const from = openCounts.slice(0, open).reduce((sum, count) => sum + count, 0)
      dropVotes(loose, from, openCounts[open]!)
      openIds.splice(open, 1)
      openCounts.splice(open, 1)
      sorted = undefined
      size--
      return true
    }
    for (const [at, block] of blocks.entries()) {
      for (let place = block.ids.indexOf(id); place >= 0; place = block.ids.indexOf(id, place + 1)) {
        if (block.dead[place] === 1) continue
        block.dead[place] = 1
        size--
        if (++block.deadCount === block.count) blocks.splice(at, 1)
        else if (block.deadCount * 2 > block.count && block.count > openMax) blocks[at] = merged([block], block.bits)
        return true
      }
    }
    return false
  }

  return {
    get size() {
      return size
    },
    add(id, features) {
      const before = loose.count
      loose = withRoom(loose, before + featuresMax * tables)
      pushVotes(loose, features, Math.min(features.count, featuresMax), openIds.length)
      openCounts.push(loose.count - before)
      openIds.push(id)
      sorted = undefined
      size++
      if (openIds.length === openMax) closeOpen()
    },
    remove,
    forgetBelow(id) {
      for (const one of openIds.filter((open) => open < id)) remove(one)
      blocks = blocks.filter((block) => {
        const kept = block.ids.some((one) => one >= id)
        if (!kept) size -= block.count - block.deadCount
        return kept
      })
    },
    candidates(variants, { limit, wanted }) {
      const asked = variants.map(askedOf)
      const found: Candidate[] = []
      for (const block of searched()) searchBlock(block, asked, wanted, found)
      found.sort((a, b) => b.agreed - a.agreed || a.id - b.id || a.variant - b.variant)
      return found.slice(0, limit)
    },
  }
}

const roomFor = (votes: number): Loose => ({
  count: 0,
  keys: new Uint32Array(votes),
  poses: new Uint16Array(votes),
  pictures: new Uint16Array(votes),
})

/** The same votes in arrays that hold at least so many. */
function withRoom(loose: Loose, votes: number): Loose {
  const { count, keys, poses, pictures } = loose
  if (keys.length >= votes) return loose
  const room = roomFor(Math.max(votes, keys.length * 2))
  return {
    count,
    keys: wider(keys, room.keys),
    poses: wider(poses, room.poses),
    pictures: wider(pictures, room.pictures),
  }
}

function wider<T extends Uint32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** The sampled bits of a description, mixed. */
function keyOf(descriptors: Uint32Array, offset: number, table: number): number {
  const sampled = tableBits[table]!
  let key = 0
  for (let at = 0; at < sampleBits; at++) {
    const bit = sampled[at]!
    key = (key << 1) | ((descriptors[offset + (bit >>> 5)]! >>> (bit & 31)) & 1)
  }
  return Math.imul(key + 1, 0x9e3779b1) >>> (32 - keyBits)
}

/** Keys of all features and tables of a query, the tables of one feature after one another, with its pose. */
type Asked = { count: number; keys: Uint32Array; turns: Float32Array; sizes: Float32Array }

function askedOf(features: LocalFeatures): Asked {
  const count = features.count * tables
  const asked: Asked = {
    count,
    keys: new Uint32Array(count),
    turns: new Float32Array(count),
    sizes: new Float32Array(count),
  }
  for (let at = 0; at < count; at++) {
    const feature = Math.floor(at / tables)
    asked.keys[at] = keyOf(features.descriptors, feature * descriptorWords, at % tables)
    asked.turns[at] = features.angle[feature]! / (2 * Math.PI)
    asked.sizes[at] = Math.log2(features.size[feature]!)
  }
  return asked
}

function pushVotes(loose: Loose, features: LocalFeatures, count: number, picture: number): void {
  for (let feature = 0; feature < count; feature++) {
    const turn = features.angle[feature]! / (2 * Math.PI)
    const pose =
      ((Math.floor((turn - Math.floor(turn)) * 64) & 63) << sizeBits) |
      Math.max(0, Math.min(63, Math.round(sizeSteps * Math.log2(features.size[feature]!))))
    for (let table = 0; table < tables; table++) {
      // The table goes with the key: its bits lie above.
      loose.keys[loose.count] = (table << keyBits) | keyOf(features.descriptors, feature * descriptorWords, table)
      loose.poses[loose.count] = pose
      loose.pictures[loose.count++] = picture
    }
  }
}

/** Takes the votes of one picture out; pictures after it move up. */
function dropVotes(loose: Loose, from: number, count: number): void {
  loose.keys.copyWithin(from, from + count, loose.count)
  loose.poses.copyWithin(from, from + count, loose.count)
  loose.pictures.copyWithin(from, from + count, loose.count)
  loose.count -= count
  for (let at = from; at < loose.count; at++) loose.pictures[at]!--
}

/** A block of loose votes, by counting sort. */
function blockOf(bits: number, ids: Float64Array, { count, keys, poses, pictures }: Loose): Block {
  const shift = keyBits - bucketBitsOf(bits)
  const starts = new Uint32Array((tables << bucketBitsOf(bits)) + 1)
  for (let at = 0; at < count; at++) starts[(keys[at]! >>> shift) + 1]!++
  for (let at = 1; at < starts.length; at++) starts[at] = starts[at]! + starts[at - 1]!
  const cursors = starts.slice()
  const votes = new Uint32Array(count)
  const checkMask = (1 << shift) - 1
  for (let at = 0; at < count; at++) {
    const key = keys[at]!
    votes[cursors[key >>> shift]!++] = ((key & checkMask) << (poseBits + bits)) | (poses[at]! << bits) | pictures[at]!
  }
  return { bits, count: ids.length, ids, dead: new Uint8Array(ids.length), deadCount: 0, starts, votes }
}

/** One block of what is alive in several. */
function merged(blocks: readonly Block[], bits: number): Block {
  const loose = roomFor(blocks.reduce((sum, block) => sum + block.votes.length, 0))
  const ids: number[] = []
  for (const block of blocks) {
    const places = Int32Array.from({ length: block.count }, (_, at) =>
      block.dead[at] === 1 ? -1 : ids.push(block.ids[at]!) - 1,
    )
    const shift = keyBits - bucketBitsOf(block.bits)
    const pictureMask = (1 << block.bits) - 1
    for (let bucket = 0; bucket + 1 < block.starts.length; bucket++)
      for (let at = block.starts[bucket]!; at < block.starts[bucket + 1]!; at++) {
        const vote = block.votes[at]!
        const place = places[vote & pictureMask]!
        if (place < 0) continue
        loose.keys[loose.count] = (bucket << shift) | (vote >>> (poseBits + block.bits))
        loose.poses[loose.count] = (vote >>> block.bits) & ((1 << poseBits) - 1)
        loose.pictures[loose.count++] = place
      }
  }
  return blockOf(bits, Float64Array.from(ids), loose)
}

/** The most votes in two neighbouring turns and two neighbouring sizes. */
function largestWindow(histograms: Uint16Array, offset: number): number {
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
