import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createRandom } from './random.ts'

const drawn = (seed: number, count: number): number[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.uint32())
}

test('the same seed gives the same numbers, on every machine and in every release', () => {
  fc.assert(fc.property(fc.integer(), (seed) => assert.deepEqual(drawn(seed, 20), drawn(seed, 20))))
  assert.notDeepEqual(drawn(7, 20), drawn(8, 20))
})

test('a fork is independent of how far its parent has been drawn', () => {
  const one = createRandom(7)
  const other = createRandom(7)
  for (let round = 0; round < 1_000; round++) other.uint32()
  assert.equal(one.fork('people').uint32(), other.fork('people').uint32())
  assert.notEqual(one.fork('people').uint32(), one.fork('scams').uint32())
})

test('numbers are spread evenly over all 32 bits', () => {
  const random = createRandom(42)
  const ones = new Uint32Array(32)
  const rounds = 20_000
  for (let round = 0; round < rounds; round++) {
    const word = random.uint32()
    for (let bit = 0; bit < 32; bit++) ones[bit]! += (word >>> bit) & 1
  }
  // Six standard deviations of a fair coin: a false alarm once in sixteen million bits.
  for (const count of ones) assert.ok(Math.abs(count - rounds / 2) < 6 * Math.sqrt(rounds / 4), `${count}`)
})

test('normal and exponential numbers have the moments that they promise', () => {
  const random = createRandom(3)
  let sum = 0
  let squares = 0
  let waits = 0
  const rounds = 50_000
  for (let round = 0; round < rounds; round++) {
    const value = random.normal()
    sum += value
    squares += value * value
    waits += random.exponential(5)
  }
  assert.ok(Math.abs(sum / rounds) < 0.03)
  assert.ok(Math.abs(squares / rounds - 1) < 0.04)
  assert.ok(Math.abs(waits / rounds - 5) < 0.15)
})

test('a sample holds no item twice and nothing that was not offered', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer()), fc.nat(40), fc.integer(), (items, count, seed) => {
      const taken = createRandom(seed).sample(items, count)
      assert.equal(taken.length, Math.min(count, items.length))
      assert.equal(new Set(taken).size, taken.length)
      assert.ok(taken.every((item) => items.includes(item)))
    }),
  )
})
