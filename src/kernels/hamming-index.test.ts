import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createHammingIndex, hammingDistance, type HammingHit } from './hamming-index.ts'

const hash = fc.uint32Array({ minLength: 8, maxLength: 8 })

function bruteForce(all: Map<number, Uint32Array>, words: Uint32Array, radius: number): HammingHit[] {
  return [...all]
    .map(([id, each]) => ({ id, distance: hammingDistance(each, 0, words, 0) }))
    .filter((hit) => hit.distance <= radius)
    .sort((a, b) => a.distance - b.distance || a.id - b.id)
}

/** Small, fast, seeded numbers (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return (value ^ (value >>> 14)) >>> 0
  }
}

function flipped(words: Uint32Array, bits: number, next: () => number): Uint32Array {
  const copy = words.slice()
  for (let done = 0; done < bits; done++) {
    const bit = next() % 256
    copy[bit >>> 5]! ^= 1 << (bit & 31)
  }
  return copy
}

test('distance counts the bits that differ', () => {
  fc.assert(
    fc.property(hash, hash, (a, b) => {
      let bits = 0
      for (let bit = 0; bit < 256; bit++)
        if (((a[bit >>> 5]! >>> (bit & 31)) & 1) !== ((b[bit >>> 5]! >>> (bit & 31)) & 1)) bits++
      assert.equal(hammingDistance(a, 0, b, 0), bits)
    }),
  )
})

test('any mix of adding, replacing and removing answers like brute force', () => {
  const step = fc.record({ id: fc.nat(20), words: hash, remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), hash, fc.nat(64), (steps, words, radius) => {
      const index = createHammingIndex()
      const all = new Map<number, Uint32Array>()
      for (const { id, words: each, remove } of steps) {
        if (remove) assert.equal(index.remove(id), all.delete(id))
        else {
          index.add(id, each)
          all.set(id, each)
        }
      }
      assert.equal(index.size, all.size)
      assert.deepEqual(index.query(words, radius), bruteForce(all, words, radius))
      for (const each of all.values()) assert.deepEqual(index.query(each, radius), bruteForce(all, each, radius))
    }),
  )
})

test('20,000 entries with planted neighbours: every radius answers like brute force, also after removals', () => {
  const next = numbers(7)
  const random = () => Uint32Array.from({ length: 8 }, next)
  const index = createHammingIndex()
  const all = new Map<number, Uint32Array>()
  const centres = Array.from({ length: 40 }, random)
  for (let id = 0; id < 20_000; id++) {
    // A third lies around few centres, so that buckets are skewed as in real hash lists.
    const words = id % 3 === 0 ? flipped(centres[next() % 40]!, next() % 70, next) : random()
    index.add(id, words)
    all.set(id, words)
  }
  const check = () => {
    for (const radius of [0, 1, 15, 16, 31, 32, 47, 48, 63, 64])
      for (let query = 0; query < 5; query++) {
        const words = flipped(centres[next() % 40]!, next() % 40, next)
        assert.deepEqual(index.query(words, radius), bruteForce(all, words, radius), `radius ${radius}`)
      }
  }
  check()
  for (let id = 0; id < 20_000; id += 2) {
    assert.ok(index.remove(id))
    all.delete(id)
  }
  check()
})

test('bad ids, radii and hashes are refused', () => {
  const index = createHammingIndex()
  const words = new Uint32Array(8)
  assert.throws(() => index.add(-1, words), RangeError)
  assert.throws(() => index.add(0.5, words), RangeError)
  assert.throws(() => index.add(1, new Uint32Array(7)), RangeError)
  assert.throws(() => index.query(words, 65), RangeError)
  assert.throws(() => index.query(words, 3, 1), RangeError)
})
