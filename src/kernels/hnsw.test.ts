import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createByteVectors, directionBytes, vectorDistance } from './byte-vectors.ts'
import { createVectorIndex, type VectorIndex } from './hnsw.ts'
import { createRandom, type Random } from './random.ts'

/** Vectors around a few hundred centres, as embeddings of real pictures lie: not spread evenly. */
function clustered(random: Random, count: number, dimensions: number): Int8Array[] {
  const centres = Array.from({ length: 50 }, () => Float32Array.from({ length: dimensions }, () => random.normal()))
  return Array.from({ length: count }, () => {
    const centre = random.pick(centres)
    return directionBytes(centre.map((value) => value + 0.7 * random.normal()))!
  })
}
const settle = (index: VectorIndex) => {
  while (index.maintain(1e6));
}

test('the graph finds nearly all that a scan finds, also while and after a third is removed and comes back', () => {
  const random = createRandom(7)
  const dimensions = 40
  const vectors = clustered(random, 2_400, dimensions)
  const queries = clustered(random, 60, dimensions)
  const index = createVectorIndex({ dimensions, scanMax: 100 })
  for (const [id, vector] of vectors.entries()) index.add(id, vector)
  const recall = () => {
    let [found, all] = [0, 0]
    for (const query of queries) {
      const truth = new Set(index.exact(query, 10).map(({ id }) => id))
      all += truth.size
      for (const { id } of index.nearest(query, 10)) if (truth.has(id)) found++
    }
    return found / all
  }
  assert.equal(index.waiting, 2_400)
  assert.equal(recall(), 1, 'what is not linked yet is scanned')
  settle(index)
  assert.equal(index.waiting, 0)
  assert.ok(recall() > 0.97, `recall ${recall()}`)
  for (let id = 0; id < 2_400; id += 3) assert.ok(index.remove(id))
  assert.equal(index.size, 1_600)
  assert.ok(recall() > 0.97, `recall ${recall()} while removed ones are linked`)
  for (let steps = 0; steps < 5; steps++) index.maintain(1_000)
  assert.ok(recall() > 0.97, `recall ${recall()} in the middle of the work`)
  settle(index)
  assert.ok(recall() > 0.97, `recall ${recall()} after removals`)
  assert.ok(index.nearest(vectors[3]!, 5).every(({ id }) => id % 3 !== 0))
  const bytes = index.bytes()
  for (let id = 0; id < 2_400; id += 3) index.add(id, vectors[id]!)
  settle(index)
  assert.ok(recall() > 0.97, `recall ${recall()} with all of them again`)
  assert.equal(index.bytes() - bytes < 20_000, true, 'their places are used again')
})

test('all copies within a distance are found, more than the search follows at first', () => {
  const random = createRandom(8)
  const index = createVectorIndex({ dimensions: 16, scanMax: 100 })
  for (const [id, vector] of clustered(random, 1_500, 16).entries()) index.add(id, vector)
  const known = Float32Array.from({ length: 16 }, () => random.normal())
  for (let copy = 0; copy < 300; copy++)
    index.add(10_000 + copy, directionBytes(known.map((value) => value + 0.01 * random.normal()))!)
  settle(index)
  const found = index.within(directionBytes(known)!, 0.02).filter(({ id }) => id >= 10_000)
  assert.ok(found.length >= 297, `${found.length} of 300`)
})

test('when everything was removed the graph begins anew and loses nothing', () => {
  const random = createRandom(9)
  const vectors = clustered(random, 300, 16)
  const index = createVectorIndex({ dimensions: 16, scanMax: 50 })
  for (let round = 0; round < 3; round++) {
    for (const [id, vector] of vectors.entries()) index.add(id, vector)
    settle(index)
    assert.equal(index.nearest(vectors[7]!, 1)[0]!.id, 7)
    for (const id of vectors.keys()) assert.ok(index.remove(id))
    assert.deepEqual([index.size, index.nearest(vectors[7]!, 3), index.within(vectors[7]!, 2)], [0, [], []])
    if (round === 1) settle(index)
  }
  index.add(1, vectors[1]!)
  settle(index)
  assert.deepEqual(index.nearest(vectors[1]!, 3), [{ id: 1, distance: 0 }])
})

test('whatever is added, removed and linked in between, every answer is one of the vectors and no near one is missing', () => {
  const vectorOf = (seed: number) =>
    directionBytes(
      Array.from(
        { length: 6 },
        (
          (r) => () =>
            r.normal()
        )(createRandom(seed)),
      ),
    )!
  fc.assert(
    fc.property(
      fc.constantFrom(0, 5, 2_000),
      fc.array(fc.record({ id: fc.nat(20), seed: fc.nat(50), act: fc.constantFrom('add', 'add', 'remove', 'work') }), {
        maxLength: 60,
      }),
      (scanMax, steps) => {
        const index = createVectorIndex({ dimensions: 6, scanMax, links: 4 })
        const held = new Map<number, Int8Array>()
        for (const { id, seed, act } of steps)
          if (act === 'work') index.maintain(1)
          else if (act === 'remove') assert.equal(index.remove(id), held.delete(id))
          else {
            index.add(id, vectorOf(seed))
            held.set(id, vectorOf(seed))
          }
        assert.equal(index.size, held.size)
        const query = Int8Array.of(1, 0, 2, 0, 3, 0)
        const expected = [...held].map(([id, vector]) => ({ id, distance: vectorDistance(query, vector) }))
        expected.sort((a, b) => a.distance - b.distance || a.id - b.id)
        const found = index.within(query, 2)
        assert.deepEqual(
          found.map(({ id }) => id),
          expected.map(({ id }) => id),
        )
        for (const [at, { distance }] of expected.entries()) assert.ok(Math.abs(found[at]!.distance - distance) < 1e-12)
      },
    ),
  )
})

test('compiled and plain sums are the same in every bit, whatever the dimensions', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(1_000), (dimensions, seed) => {
      const random = createRandom(seed)
      const [quick, plain] = [createByteVectors(dimensions), createByteVectors(dimensions, { plain: true })]
      const vector = () => Int8Array.from({ length: dimensions }, (_, at) => (at === 0 ? 1 : random.int(255) - 127))
      // Beyond the number from which sets are compiled.
      const slots = [0, 1, 1_500, 1_501]
      for (const slot of slots) {
        const made = vector()
        for (const one of [quick, plain]) one.set(slot, made)
      }
      const query = vector()
      const [a, b] = [new Float64Array(4), new Float64Array(4)]
      for (const [one, out] of [
        [quick, a],
        [plain, b],
      ] as const) {
        one.ask(query)
        one.distances(Int32Array.from(slots), 4, out)
      }
      assert.deepEqual(a, b)
      assert.equal(quick.between(0, 1_501), plain.between(0, 1_501))
      quick.scan(1_500, 2, a)
      assert.deepEqual([...a.subarray(0, 2)], [...b.subarray(2, 4)])
      assert.deepEqual(quick.get(1_501), plain.get(1_501))
    }),
    { numRuns: 50 },
  )
})

test('vectors without direction or of other lengths are refused with what is wrong, and nothing is kept of them', () => {
  const index = createVectorIndex({ dimensions: 3 })
  assert.throws(() => index.add(1, Int8Array.of(0, 0, 0)), /not be all zero/)
  assert.throws(() => index.add(1, Int8Array.of(1, 2)), /3 dimensions, not 2/)
  assert.throws(() => index.add(-1, Int8Array.of(1, 2, 3)), /whole number from 0/)
  assert.throws(() => createVectorIndex({ dimensions: 0 }), /1 to 8192/)
  assert.throws(() => createVectorIndex({ dimensions: 8_193 }), /1 to 8192/)
  assert.equal(index.size, 0)
  assert.equal(vectorDistance(Int8Array.of(1, 0), Int8Array.of(-2, 0)), 2)
  assert.equal(directionBytes([0, 0]), undefined)
  assert.equal(directionBytes([1, Number.NaN]), undefined)
  assert.equal(directionBytes([1, Number.POSITIVE_INFINITY]), undefined)
  assert.deepEqual(directionBytes([1e-30, -2e-30]), Int8Array.of(64, -127))
  assert.deepEqual(index.nearest(Int8Array.of(1, 0, 0), 5), [])
})
