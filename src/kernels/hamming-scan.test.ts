import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hammingDistance } from './hamming-distance.ts'
import { createHashBlock, scanHashes, scanPlain } from './hamming-scan.ts'

const words = (hashes: number) => fc.uint32Array({ minLength: 8 * hashes, maxLength: 8 * hashes })

/** Every pair within the radius, by the definition. */
function bruteForce(block: Uint32Array, count: number, queries: Uint32Array, radius: number): number[][] {
  const found: number[][] = []
  for (let position = 0; position < count; position++)
    for (let query = 0; query * 8 < queries.length; query++) {
      const distance = hammingDistance(block, position * 8, queries, query * 8)
      if (distance <= radius) found.push([position, query, distance])
    }
  return found
}

const rows = (hits: ReturnType<typeof scanHashes>) =>
  Array.from(hits.positions, (position, at) => [position, hits.queries[at]!, hits.distances[at]!])

test('a scan finds what the definition finds, copied, in place and in the plain twin', () => {
  fc.assert(
    fc.property(words(40), words(3), fc.nat(256), fc.nat(40), (hashes, queries, radius, count) => {
      const expected = bruteForce(hashes, count, queries, radius)
      assert.deepEqual(rows(scanHashes(hashes, count, queries, radius)), expected)
      const block = createHashBlock(40)
      block.set(hashes)
      assert.deepEqual(rows(scanHashes(block, count, queries, radius)), expected)
      const plain: number[][] = []
      for (let query = 0; query < 3; query++)
        scanPlain(hashes, 0, count, queries, query * 8, radius, (at, distance) => plain.push([at, query, distance]))
      assert.deepEqual(
        plain.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!),
        expected,
      )
    }),
    { numRuns: 60 },
  )
})

test('hits beyond the first slice keep their positions, also in a view that begins inside a block', () => {
  const block = createHashBlock(70_000)
  for (let at = 0; at < block.length; at++) block[at] = Math.imul(at + 1, 0x9e3779b1)
  const query = block.slice(69_999 * 8)
  query[3]! ^= 0b1011
  for (const each of [block, block.slice()])
    assert.deepEqual(rows(scanHashes(each, 70_000, query, 10)), [[69_999, 0, 3]])
  assert.deepEqual(rows(scanHashes(block.subarray(30_000 * 8), 40_000, query, 10)), [[39_999, 0, 3]])
  assert.deepEqual(rows(scanHashes(block, 69_999, query, 10)), [])
})

test('counts, radii and queries that make no sense are refused', () => {
  const block = new Uint32Array(16)
  assert.throws(() => scanHashes(block, 3, new Uint32Array(8), 1), RangeError)
  assert.throws(() => scanHashes(block, 2, new Uint32Array(9), 1), RangeError)
  assert.throws(() => scanHashes(block, 2, new Uint32Array(8), 257), RangeError)
  assert.throws(() => createHashBlock(0), RangeError)
  assert.throws(() => createHashBlock(2 ** 27 + 1), RangeError)
})
