import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { wilson } from './wilson.ts'

test('the interval has the published values', () => {
  // Newcombe 1998, table I (method 3, without continuity correction).
  for (const [successes, trials, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const interval = wilson(successes, trials)
    assert.ok(Math.abs(interval.low - low) < 5e-5, `${interval.low}`)
    assert.ok(Math.abs(interval.high - high) < 5e-5, `${interval.high}`)
  }
})

test('the interval holds the share, stays within 0 and 1, and narrows with more trials', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (one, more) => {
      const [successes, trials] = [one, one + more]
      const { low, high } = wilson(successes, trials)
      const share = trials === 0 ? 0.5 : successes / trials
      assert.ok(low >= 0 && high <= 1 && low <= share + 1e-12 && high >= share - 1e-12)
      if (trials === 0) return
      const wider = wilson(successes, trials)
      const narrower = wilson(successes * 4, trials * 4)
      assert.ok(narrower.high - narrower.low < wider.high - wider.low)
    }),
  )
})

test('impossible counts are refused', () => {
  assert.throws(() => wilson(3, 2), RangeError)
  assert.throws(() => wilson(-1, 2), RangeError)
})
