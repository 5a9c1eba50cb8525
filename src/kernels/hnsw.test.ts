import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { cosineDistance, createVectorIndex, normalised } from './hnsw.ts'
import { createRandom, type Random } from './random.ts'

/** Vectors around a few hundred centres, as embeddings of real pictures lie: not spread evenly. */
function clustered(random: Random, count: number, dimensions: number): Float32Array[] {
  const centres = Array.from({ length: 50 }, () => Float32Array.from({ length: dimensions }, () => random.normal()))
  return Array.from({ length: count }, () => {
    const centre = random.pick(centres)
    return centre.map((value) => value + 0.7 * random.normal())
  })
}

test('the graph finds nearly all that a scan finds, also after a third was removed', () => {
  const random = createRandom(7)
  const dimensions = 32
  const vectors = clustered(random, 2_400, dimensions)
  const index = createVectorIndex({ dimensions, scanMax: 100 })
  for (const [id, vector] of vectors.entries()) index.add(id, vector)
  const recall = () => {
    let [found, all] = [0, 0]
    for (const query of clustered(random, 60, dimensions)) {
      const truth = new Set(index.exact(query, 10).map(({ id }) => id))
      all += truth.size
      for (const { id } of index.nearest(query, 10, 100)) if (truth.has(id)) found++
    }
    return found / all
  }
  assert.ok(recall() > 0.95, `recall ${recall()}`)
  for (let id = 0; id < 2_400; id += 3) assert.ok(index.remove(id))
  assert.equal(index.size, 1_600)
  assert.ok(recall() > 0.95, `recall ${recall()} after removals`)
  assert.ok(index.nearest(vectors[3]!, 5).every(({ id }) => id % 3 !== 0))
})

test('all copies within a distance are found, more than the search follows at first', () => {
  const random = createRandom(8)
  const index = createVectorIndex({ dimensions: 16, scanMax: 100 })
  for (const [id, vector] of clustered(random, 1_500, 16).entries()) index.add(id, vector)
  const known = Float32Array.from({ length: 16 }, () => random.normal())
  for (let copy = 0; copy < 300; copy++)
    index.add(
      10_000 + copy,
      known.map((value) => value + 0.01 * random.normal()),
    )
  const found = index.within(known, 0.02).filter(({ id }) => id >= 10_000)
  assert.ok(found.length >= 297, `${found.length} of 300`)
})

test('small indexes are exact whatever is added and removed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ id: fc.integer({ min: 0, max: 20 }), seed: fc.nat(50), gone: fc.boolean() }), {
        maxLength: 60,
      }),
      (steps) => {
        const index = createVectorIndex({ dimensions: 6 })
        const held = new Map<number, Float32Array>()
        for (const { id, seed, gone } of steps) {
          const random = createRandom(seed)
          const vector = Float32Array.from({ length: 6 }, () => random.normal())
          if (gone) assert.equal(index.remove(id), held.delete(id))
          else {
            index.add(id, vector)
            held.set(id, vector)
          }
        }
        assert.equal(index.size, held.size)
        const query = Float32Array.of(1, 0, 2, 0, 3, 0)
        const expected = [...held].map(([id, vector]) => ({ id, distance: cosineDistance(query, vector) }))
        const found = index.within(query, 2)
        assert.equal(found.length, expected.length)
        for (const { id, distance } of expected)
          assert.ok(Math.abs(found.find((hit) => hit.id === id)!.distance - distance) < 1e-5)
      },
    ),
  )
})

test('vectors without direction or of other lengths are refused with what is wrong', () => {
  const index = createVectorIndex({ dimensions: 3 })
  assert.throws(() => index.add(1, Float32Array.of(0, 0, 0)), /not all zero/)
  assert.throws(() => index.add(1, Float32Array.of(1, 2)), /3 dimensions, not 2/)
  assert.throws(() => index.add(-1, Float32Array.of(1, 2, 3)), /whole number from 0/)
  assert.throws(() => index.add(1, Float32Array.of(1, Number.NaN, 3)), /finite/)
  assert.throws(() => createVectorIndex({ dimensions: 0 }), /1 to 8192/)
  assert.equal(cosineDistance(Float32Array.of(1, 0), Float32Array.of(-2, 0)), 2)
  assert.ok(Math.abs(Math.hypot(...normalised(Float32Array.of(3, 4), 2)) - 1) < 1e-7)
  assert.deepEqual(index.nearest(Float32Array.of(1, 0, 0), 5), [])
})
