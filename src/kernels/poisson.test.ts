import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { logGamma, poissonTail } from './poisson.ts'

const near = (value: number, expected: number, relative = 1e-9) =>
  assert.ok(Math.abs(value - expected) <= relative * Math.abs(expected), `${value} is not ${expected}`)

test('the logarithm of the gamma function is that of the factorials', () => {
  let factorial = 1
  for (let n = 1; n <= 20; n++) {
    factorial *= n
    near(logGamma(n + 1), Math.log(factorial) || 1e-300, n === 1 ? Number.POSITIVE_INFINITY : 1e-12)
  }
})

test('tails are those of closed forms', () => {
  // P(X >= 1) = 1 - e^-m and P(X >= 2) = 1 - e^-m (1 + m).
  for (const mean of [0.01, 0.5, 1, 4, 30]) {
    near(poissonTail(1, mean), -Math.expm1(-mean))
    near(poissonTail(2, mean), 1 - Math.exp(-mean) * (1 + mean), 1e-6)
  }
  // Far out the first term is nearly all: e^-1 / 50! times a bit over 1.
  near(poissonTail(50, 1), Math.exp(-1 - logGamma(51)) * 1.02, 1e-3)
  assert.equal(poissonTail(0, 5), 1)
  assert.equal(poissonTail(1, 0), 0)
  assert.throws(() => poissonTail(1, -1), RangeError)
})

test('a tail falls with the count and grows with the mean', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0.01, max: 400, noNaN: true }), (count, mean) => {
      const tail = poissonTail(count, mean)
      assert.ok(tail >= 0 && tail <= 1)
      assert.ok(poissonTail(count + 1, mean) <= tail + 1e-12)
      assert.ok(poissonTail(count, mean * 1.1) >= tail - 1e-12)
    }),
  )
})
