// Which known sounds a sound holds, or is a piece of: sub-fingerprints found again exactly or one bit away propose where
// two fingerprints lie over each other (Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", 2002,
// section 5), and bits that differ over the best stretch say how sure it is, at tempos that differ by up to 6 %.

import { ones32 } from './hamming-index.ts'

export type FingerprintHit = {
  id: number
  /** Share of bits that differ over the stretch, 0 to 1; unrelated sounds lie around 0.5. */
  distance: number
  /** Where the stretch begins in the query and in the entry, and how many sub-fingerprints it covers. */
  queryFrom: number
  entryFrom: number
  length: number
  /** Entry positions a query position: above 1 where the query is played faster. */
  tempo: number
}

export type FingerprintIndex = {
  readonly size: number
  /** Adds a fingerprint under an id from 0 to 2^32 - 1. An id that is there already is replaced. */
  add: (id: number, values: Uint32Array) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /** Every fingerprint with a stretch in common whose distance is at most `distanceMax`, nearest first. */
  search: (values: Uint32Array, distanceMax: number) => FingerprintHit[]
}

/** About five seconds: shorter stretches agree by chance too often. */
export const stretchMin = 40
/** Fewer different values than this are silence or a tone, which much else has in it. */
export const distinctMin = 12
/** Sub-fingerprints that occur more often say nothing, and would be followed to everything. */
const postingsMax = 400
const tempos = [1, 0.99, 1.01, 0.98, 1.02, 0.97, 1.03, 0.96, 1.04, 0.95, 1.05, 0.94, 1.06]
/** Offsets that votes count together, in positions. */
const offsetBand = 3
/** Votes for one place below which a sound is no candidate; an exact value counts twice. */
const votesMin = 4
/** So many sounds are compared, those with the most votes, and at so many places each. */
const candidatesMax = 24
const placesMax = 4

/** How many different sub-fingerprints there are; below `distinctMin` nothing should be matched. */
export function distinctValues(values: Uint32Array): number {
  return new Set(values).size
}

/** An empty index. Nothing is ever rebuilt. */
export function createFingerprintIndex(): FingerprintIndex {
  const held = new Map<number, Uint32Array>()
  /** Ids and positions in turn, by sub-fingerprint. */
  const postings = new Map<number, number[]>()

  const remove = (id: number): boolean => {
    const values = held.get(id)
    if (values === undefined) return false
    held.delete(id)
    for (const value of new Set(values)) {
      const list = postings.get(value)!
      const kept: number[] = []
      for (let at = 0; at < list.length; at += 2) if (list[at] !== id) kept.push(list[at]!, list[at + 1]!)
      if (kept.length === 0) postings.delete(value)
      else postings.set(value, kept)
    }
    return true
  }

  return {
    get size() {
      return held.size
    },
    add(id, values) {
      if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff)
        throw new RangeError(`A fingerprint id must be a whole number from 0 to 4294967295, not ${id}`)
      remove(id)
      held.set(id, values)
      for (let at = 0; at < values.length; at++) {
        // A value that stays is found by where it begins.
        if (at > 0 && values[at] === values[at - 1]) continue
        const list = postings.get(values[at]!)
        if (list === undefined) postings.set(values[at]!, [id, at])
        else list.push(id, at)
      }
    },
    remove,
    search(values, distanceMax) {
      const hits: FingerprintHit[] = []
      for (const { id, places } of candidatesOf(values, postings)) {
        const hit = bestOf(values, held.get(id)!, id, places)
        if (hit !== undefined && hit.distance <= distanceMax) hits.push(hit)
      }
      return hits.sort((a, b) => a.distance - b.distance || a.id - b.id)
    },
  }
}

/** The best stretch of two fingerprints, wherever they agree; undefined when they agree nowhere. */
export function compareFingerprints(query: Uint32Array, entry: Uint32Array): Omit<FingerprintHit, 'id'> | undefined {
  const index = createFingerprintIndex()
  index.add(0, entry)
  const [hit] = index.search(query, 1)
  if (hit === undefined) return undefined
  const { id: _id, ...rest } = hit
  return rest
}

/** One way to lay a query over an entry; the tempo turns around the middle of the query. */
type Place = { tempo: number; offset: number; votes: number }

/** The sounds that most values speak for, each with the places that most of its values agree on, at any tempo. */
function candidatesOf(values: Uint32Array, postings: ReadonlyMap<number, number[]>): { id: number; places: Place[] }[] {
  /** Position in the query, in the entry, and weight in turn, by id. */
  const meetings = new Map<number, number[]>()
  const meet = (value: number, at: number, weight: number) => {
    const list = postings.get(value)
    if (list === undefined || list.length > postingsMax * 2) return
    for (let index = 0; index < list.length; index += 2) {
      const own = meetings.get(list[index]!)
      if (own === undefined) meetings.set(list[index]!, [at, list[index + 1]!, weight])
      else own.push(at, list[index + 1]!, weight)
    }
  }
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!
    if (at > 0 && value === values[at - 1]) continue
    meet(value, at, 2)
    for (let bit = 0; bit < 32; bit++) meet((value ^ (1 << bit)) >>> 0, at, 1)
  }
  const middle = values.length / 2
  return [...meetings]
    .map(([id, met]) => ({ id, places: met.length < votesMin ? [] : placesOf(met, middle) }))
    .filter(({ places }) => places.length > 0)
    .sort((a, b) => b.places[0]!.votes - a.places[0]!.votes || a.id - b.id)
    .slice(0, candidatesMax)
}

/** A vote over offset and tempo (Hough 1962): neighbouring bands count together, an offset may lie on their border. */
function placesOf(met: readonly number[], middle: number): Place[] {
  const places: Place[] = []
  const bands = new Map<number, number>()
  for (const tempo of tempos) {
    bands.clear()
    for (let index = 0; index < met.length; index += 3) {
      const at = met[index]!
      const band = Math.floor((met[index + 1]! - at - (tempo - 1) * (at - middle)) / offsetBand)
      bands.set(band, (bands.get(band) ?? 0) + met[index + 2]!)
    }
    for (const [band, count] of bands) {
      const votes = count + (bands.get(band + 1) ?? 0)
      if (votes >= votesMin) places.push({ tempo, offset: (band + 1) * offsetBand, votes })
    }
  }
  return places.sort((a, b) => b.votes - a.votes || Math.abs(a.tempo - 1) - Math.abs(b.tempo - 1)).slice(0, placesMax)
}

function bestOf(
  query: Uint32Array,
  entry: Uint32Array,
  id: number,
  places: readonly Place[],
): FingerprintHit | undefined {
  let best: FingerprintHit | undefined
  const errors = new Uint8Array(query.length)
  const found = new Int32Array(query.length)
  const middle = query.length / 2
  for (const { tempo, offset } of places)
    for (let near = offset - offsetBand; near <= offset + offsetBand; near++) {
      let length = 0
      let first = -1
      for (let at = 0; at < query.length; at++) {
        const place = Math.round(at + near + (tempo - 1) * (at - middle))
        if (place < 0 || place >= entry.length) continue
        if (first < 0) first = at
        errors[length] = ones32(query[at]! ^ entry[place]!)
        found[length++] = place
      }
      const stretch = bestStretch(errors, length)
      if (stretch === undefined || (best !== undefined && !isBetter(stretch, best))) continue
      best = {
        id,
        distance: stretch.distance,
        queryFrom: first + stretch.from,
        entryFrom: found[stretch.from]!,
        length: stretch.length,
        tempo,
      }
    }
  return best
}

const isBetter = (a: { distance: number; length: number }, b: { distance: number; length: number }) =>
  (0.5 - a.distance) * Math.sqrt(a.length) > (0.5 - b.distance) * Math.sqrt(b.length)

/** Bits a value beyond which it no longer speaks for the same sound; the stretch is where most is below. */
const errorBits = 11

/** The stretch whose values lie furthest below `errorBits` in sum (Kadane's algorithm, see Bentley 1984). */
function bestStretch(
  errors: Uint8Array,
  length: number,
): { from: number; length: number; distance: number } | undefined {
  let sum = 0
  let begin = 0
  let best = 0
  let from = 0
  let until = 0
  for (let at = 0; at < length; at++) {
    if (sum <= 0) {
      sum = 0
      begin = at
    }
    sum += errorBits - errors[at]!
    if (sum > best) {
      best = sum
      from = begin
      until = at + 1
    }
  }
  if (until - from < stretchMin) return undefined
  let bits = 0
  for (let at = from; at < until; at++) bits += errors[at]!
  return { from, length: until - from, distance: bits / (32 * (until - from)) }
}
