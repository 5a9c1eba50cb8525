// Groups of near hashes around verified centres. Joining everything that touches (single linkage) chains unlike things
// together through what lies between; here every member was compared with its centre and lies within the radius of it.
// The greedy choice of the densest centre first is that of Aslam, Pelekhov and Rus, "The star clustering algorithm"
// (2004), whose centres are vertices by falling degree.

import { createHammingIndex, hashWords } from './hamming-index.ts'

/** Versions of each hash, side by side: the hash itself first, then its other versions. */
const versions = 8

export type NearMember = {
  /** Place of the hash in the input. */
  at: number
  /** To the centre, in bits. */
  distance: number
  /** Which version of the centre is near the member: 0 is the hash itself. */
  version: number
}
export type NearGroup = {
  /** The centre first, then by distance. */
  members: NearMember[]
  /** Equal for groups that are connected through near members: the smallest place of a hash in all of them. */
  related: number
}

/**
 * Groups of two and more among hashes of 256 bits, largest first. `hashes` has eight versions of eight words for each;
 * `radius` is inclusive. Memory grows with the hashes, not with the pairs. `onProgress` hears shares from 0 to 1.
 */
export function nearGroups(
  hashes: Uint32Array,
  radius: number,
  onProgress: (share: number) => void = () => {},
): NearGroup[] {
  const words = versions * hashWords
  const count = hashes.length / words
  if (!Number.isInteger(count)) throw new RangeError(`Hashes come as ${words} words each, not ${hashes.length} in all`)

  // Equal hashes are one point, or a thousand copies would be a million pairs.
  const copies = new Map<string, number[]>()
  for (let at = 0; at < count; at++) {
    const key = hashes.subarray(at * words, at * words + hashWords).join()
    const same = copies.get(key)
    if (same === undefined) copies.set(key, [at])
    else same.push(at)
  }
  const points = [...copies.values()]
  const index = createHammingIndex()
  for (const [point, [first]] of points.entries()) index.add(point, hashes, first! * words)

  const parents = Uint32Array.from(points, (_, point) => point)
  const rootOf = (point: number) => {
    while (parents[point] !== point) point = parents[point] = parents[parents[point]!]!
    return point
  }
  // Of the two, the smaller becomes the root; points are in order of their first hash.
  const join = (a: number, b: number) => {
    const [low, high] = [rootOf(a), rootOf(b)].sort((x, y) => x - y) as [number, number]
    parents[high] = low
  }

  /** The nearest version of a point for each point around it. */
  const around = (point: number) => {
    const best = new Map<number, NearMember>()
    for (let version = 0; version < versions; version++)
      for (const { id, distance } of index.query(hashes, radius, points[point]![0]! * words + version * hashWords))
        if (distance < (best.get(id)?.distance ?? Infinity)) best.set(id, { at: id, distance, version })
    best.delete(point)
    return best
  }

  /** How many hashes a group around each point would have, itself and its copies included. */
  const covered = Uint32Array.from(points, (same) => same.length)
  for (let point = 0; point < points.length; point++) {
    for (const near of around(point).keys()) {
      covered[point]! += points[near]!.length
      join(point, near)
    }
    if ((point & 255) === 0) onProgress(point / points.length)
  }

  const taken = new Uint8Array(points.length)
  const groups: NearGroup[] = []
  const order = Uint32Array.from(points, (_, point) => point).sort((a, b) => covered[b]! - covered[a]! || a - b)
  for (const centre of order) {
    if (taken[centre] === 1) continue
    taken[centre] = 1
    const members = points[centre]!.map((at) => ({ at, distance: 0, version: 0 }))
    if (covered[centre]! > members.length)
      for (const { at: near, distance, version } of around(centre).values()) {
        if (taken[near] === 1) continue
        taken[near] = 1
        for (const at of points[near]!) members.push({ at, distance, version })
      }
    if (members.length < 2) continue
    const [first, ...others] = members as [NearMember, ...NearMember[]]
    others.sort((a, b) => a.distance - b.distance || a.at - b.at)
    groups.push({ members: [first, ...others], related: points[rootOf(centre)]![0]! })
  }
  onProgress(1)
  return groups.sort((a, b) => b.members.length - a.members.length || a.members[0]!.at - b.members[0]!.at)
}
