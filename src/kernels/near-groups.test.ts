import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hammingDistance } from './hamming-index.ts'
import { nearGroups } from './near-groups.ts'
import { pdqDihedralOfHash } from './pdq.ts'

const hash = fc.uint32Array({ minLength: 8, maxLength: 8 })
/** The hash with some bits turned over. */
const flipped = (words: Uint32Array, bits: Iterable<number>) => {
  const other = words.slice()
  for (const bit of bits) other[bit >>> 5]! ^= 1 << (bit & 31)
  return other
}
const all = (hashes: readonly Uint32Array[]) => {
  const words = new Uint32Array(hashes.length * 64)
  for (const [at, one] of hashes.entries()) words.set(pdqDihedralOfHash(one), at * 64)
  return words
}
const bits = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

test('every member lies within the radius of its centre, and nothing is in two groups', () => {
  const some = fc.array(fc.tuple(hash, fc.array(fc.array(fc.nat(255), { maxLength: 40 }), { maxLength: 6 })), {
    minLength: 1,
    maxLength: 8,
  })
  fc.assert(
    fc.property(some, fc.nat(40), (families, radius) => {
      const hashes = families.flatMap(([one, edits]) => [one, ...edits.map((edit) => flipped(one, edit))])
      const words = all(hashes)
      const seen = new Set<number>()
      for (const { members } of nearGroups(words, radius)) {
        assert.ok(members.length >= 2)
        for (const { at, distance, version } of members) {
          assert.ok(!seen.has(at))
          seen.add(at)
          assert.equal(hammingDistance(words, members[0]!.at * 64 + version * 8, words, at * 64), distance)
          assert.ok(distance <= radius)
        }
      }
    }),
    { numRuns: 100 },
  )
})

test('a chain of steps does not become one group, and its parts are known to be related', () => {
  const start = new Uint32Array(8).fill(0x5a5a1234)
  // Each is 20 bits from the one before, and up to 180 from the first.
  const chain = Array.from({ length: 10 }, (_, step) => flipped(start, bits(0, step * 20)))
  const groups = nearGroups(all(chain), 31)
  assert.ok(groups.length >= 3)
  assert.ok(groups.every(({ members }) => members.length <= 3))
  assert.equal(new Set(groups.map(({ related }) => related)).size, 1)
})

test('copies and mirrored versions are found, with how they lie', () => {
  const one = Uint32Array.from({ length: 8 }, (_, at) => Math.imul(at + 1, 0x9e3779b1) >>> 0)
  const mirrored = pdqDihedralOfHash(one).slice(5 * 8, 6 * 8)
  const other = Uint32Array.from({ length: 8 }, (_, at) => Math.imul(at + 77, 0x85ebca6b) >>> 0)
  const [group, ...more] = nearGroups(all([other, one, one, flipped(mirrored, [3, 200])]), 31)
  assert.deepEqual(more, [])
  const members = group!.members.toSorted((a, b) => a.at - b.at)
  assert.deepEqual(
    members.map(({ at }) => at),
    [1, 2, 3],
  )
  assert.equal(new Set(members.map(({ version }) => version)).has(5), true)
})

test('a thousand copies are one group at once', () => {
  const one = new Uint32Array(8).fill(0x13579bdf)
  assert.equal(nearGroups(all(Array.from({ length: 1_000 }, () => one)), 31)[0]!.members.length, 1_000)
})
