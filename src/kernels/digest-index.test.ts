import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createDigestIndex, wordsOfHex } from './digest-index.ts'

const slotsOf = (index: ReturnType<typeof createDigestIndex>, key: Uint32Array) => {
  const found: number[] = []
  for (let slot = index.first(key); slot >= 0; slot = index.nextSame(slot)) found.push(slot)
  return found.sort((a, b) => a - b)
}

test('whatever is added, replaced and removed, a key finds exactly the slots that have it', () => {
  const step = fc.record({ slot: fc.nat(40), key: fc.nat(6), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const index = createDigestIndex(2)
      const model = new Map<number, number>()
      const keyOf = (key: number) => Uint32Array.of(key & 1, key)
      for (const { slot, key, remove } of steps) {
        if (remove) assert.equal(index.remove(slot), model.delete(slot))
        else {
          index.add(slot, keyOf(key))
          model.set(slot, key)
        }
      }
      assert.equal(index.size, model.size)
      for (let key = 0; key <= 6; key++)
        assert.deepEqual(
          slotsOf(index, keyOf(key)),
          [...model]
            .filter(([, held]) => held === key)
            .map(([slot]) => slot)
            .sort((a, b) => a - b),
        )
    }),
  )
})

test('a hundred thousand equal keys cost their neighbours nothing, and go again one by one', () => {
  const index = createDigestIndex(4)
  const same = wordsOfHex('0123456789abcdef'.repeat(2))
  for (let slot = 0; slot < 100_000; slot++) index.add(slot, same)
  const other = Uint32Array.of(1, 2, 3, 4)
  index.add(100_000, other)
  assert.deepEqual(slotsOf(index, other), [100_000])
  const began = performance.now()
  for (let slot = 0; slot < 100_000; slot++) assert.ok(index.remove(slot))
  assert.ok(performance.now() - began < 5_000, 'removal is not quadratic')
  assert.equal(index.first(same), -1)
  assert.equal(index.size, 1)
})

test('fifty thousand keys are found while the table grows under them', () => {
  const index = createDigestIndex(4)
  const keyOf = (n: number) => Uint32Array.of(0x190aaaa, Math.imul(n, 0x9e3779b1), n >>> 8, n)
  for (let slot = 0; slot < 50_000; slot++) {
    index.add(slot, keyOf(slot))
    if (slot % 977 === 0) for (let seen = 0; seen <= slot; seen += 991) assert.equal(index.first(keyOf(seen)), seen)
  }
  for (let slot = 0; slot < 50_000; slot += 3) assert.ok(index.remove(slot))
  const words = new Uint32Array(4)
  for (let slot = 0; slot < 50_000; slot++) {
    assert.equal(index.first(keyOf(slot)), slot % 3 === 0 ? -1 : slot)
    if (slot % 3 === 0) continue
    index.keyOf(slot, words)
    assert.deepEqual(words, keyOf(slot))
  }
})
