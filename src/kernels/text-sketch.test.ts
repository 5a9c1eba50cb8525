import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createSketchIndex, minhashOf, plainMinhashOf } from './minhash.ts'
import { createRandom } from './random.ts'
import { resemblance, shinglesOf, sketchOf, sketchSize } from './text-sketch.ts'

const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 60 }).map((all) => all.join(' '))
const jaccard = (left: Uint32Array, right: Uint32Array) => {
  const both = new Set(left).intersection(new Set(right)).size
  return both / (left.length + right.length - both)
}
/** Ascending hashes of two sets that share some. */
const setsOf = (shared: number, own: number, random: ReturnType<typeof createRandom>) => {
  const draw = (count: number) => Array.from({ length: count }, random.uint32)
  const common = draw(shared)
  return [draw(own), draw(own)].map((mine) =>
    Uint32Array.from([...common, ...mine])
      .sort()
      .slice(0, sketchSize),
  ) as [Uint32Array, Uint32Array]
}

test('sketches are ascending, whole for short texts, and the same on every machine', () => {
  fc.assert(
    fc.property(words, (text) => {
      const all = shinglesOf(text)
      assert.ok(all.every((hash, at) => at === 0 || hash > all[at - 1]!))
      assert.deepEqual(sketchOf(text), all.slice(0, sketchSize))
    }),
  )
  assert.deepEqual([...sketchOf('hi')], [2_024_857_981])
  assert.equal(shinglesOf('abcdef').length, 5, 'with both word bounds')
  assert.equal(shinglesOf('你好世界').length, 4, 'signs of a script without spaces weigh two letters')
  assert.equal(shinglesOf('').length, 0)
})

test('resemblance is symmetric, 1 for the same text, and exact where both texts are held whole', () => {
  fc.assert(
    fc.property(words, words, (one, other) => {
      const [left, right] = [sketchOf(one), sketchOf(other)]
      assert.equal(resemblance(left, right), resemblance(right, left))
      assert.equal(resemblance(left, left), 1)
      if (left.length < sketchSize && right.length < sketchSize)
        assert.equal(resemblance(left, right), jaccard(left, right))
    }),
  )
})

test('for longer texts the estimate has no bias and the error that is promised', () => {
  const random = createRandom(5)
  for (const [shared, own] of [
    [100, 400],
    [500, 200],
    [900, 50],
  ] as const) {
    const truth = shared / (shared + 2 * own)
    const estimates = Array.from({ length: 600 }, () => resemblance(...setsOf(shared, own, random)))
    const mean = estimates.reduce((sum, each) => sum + each, 0) / estimates.length
    const error = Math.sqrt(estimates.reduce((sum, each) => sum + (each - truth) ** 2, 0) / estimates.length)
    const promised = Math.sqrt((truth * (1 - truth)) / sketchSize)
    // Four standard errors of the mean: one such test in 16,000 would fail by chance, and the seed is fixed.
    assert.ok(Math.abs(mean - truth) < (4 * promised) / Math.sqrt(600), `${truth}: ${mean}`)
    assert.ok(error < 1.15 * promised, `${truth}: error ${error}, promised ${promised}`)
  }
})

test('rows of signatures agree as often as the sets resemble each other', () => {
  const random = createRandom(6)
  let agree = 0
  let rows = 0
  for (let round = 0; round < 200; round++) {
    const [left, right] = setsOf(20, 10, random)
    const [one, other] = [minhashOf(left), minhashOf(right)]
    rows += one.length
    for (const [row, least] of one.entries()) agree += other[row] === least ? 1 : 0
  }
  assert.ok(Math.abs(agree / rows - 0.5) < 0.02, `${agree / rows}`)
})

test('both twins make the same signatures', () => {
  assert.notEqual(minhashOf, plainMinhashOf, 'the fast one is there')
  fc.assert(
    fc.property(fc.uint32Array({ maxLength: sketchSize }), (sketch) => {
      assert.deepEqual(minhashOf(sketch), plainMinhashOf(sketch))
    }),
  )
})

test('the index answers what comparing everything answers, through additions, replacements and removals', () => {
  const random = createRandom(7)
  const vocabulary = Array.from({ length: 300 }, () =>
    String.fromCharCode(...Array.from({ length: 3 + random.int(6) }, () => 97 + random.int(26))),
  )
  const sentence = () => Array.from({ length: 6 + random.int(20) }, () => random.pick(vocabulary))
  const held = new Map<number, Uint32Array>()
  const index = createSketchIndex()
  const texts = Array.from({ length: 400 }, sentence)
  for (let step = 0; step < 6_000; step++) {
    const id = random.int(2_000)
    if (random.chance(0.3)) assert.equal(index.remove(id), held.delete(id))
    else {
      const text = [...random.pick(texts)]
      // Some are equal, some differ by a word.
      if (random.chance(0.5)) text[random.int(text.length)] = random.pick(vocabulary)
      held.set(id, sketchOf(text.join(' ')))
      index.add(id, held.get(id)!)
    }
  }
  assert.equal(index.size, held.size)
  for (let round = 0; round < 100; round++) {
    const query = sketchOf(random.pick(texts).join(' '))
    const want = [...held]
      .map(([id, sketch]) => ({ id, resemblance: resemblance(query, sketch) }))
      .filter((hit) => hit.resemblance >= 0.7)
      .sort((a, b) => b.resemblance - a.resemblance || a.id - b.id)
    assert.deepEqual(index.query(query, 0.7), want)
  }
  for (const id of held.keys()) assert.ok(index.remove(id))
  assert.equal(index.size, 0)
  assert.deepEqual(index.query(sketchOf(texts[0]!.join(' ')), 0), [])
})

test('twenty thousand equal texts are one text with many ids', () => {
  const index = createSketchIndex()
  const sketch = sketchOf('the same words again and again, whatever they may say')
  for (let id = 0; id < 20_000; id++) index.add(id, sketch)
  assert.ok(index.bytes < 4_000_000, `${index.bytes}`)
  assert.equal(index.query(sketch, 0.5).length, 20_000)
  for (let id = 0; id < 19_999; id++) index.remove(id)
  assert.deepEqual(index.query(sketch, 0.5), [{ id: 19_999, resemblance: 1 }])
  assert.throws(() => index.add(1, new Uint32Array(0)), RangeError)
})
