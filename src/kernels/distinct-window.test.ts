import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { byteReader, byteWriter } from './byte-stream.ts'
import {
  createDistinct,
  distinctAdd,
  distinctCount,
  readDistinct,
  samplesMax,
  writeDistinct,
  type DistinctWindow,
} from './distinct-window.ts'
import { hash53 } from './string-hash.ts'

const windowMs = 100
const latenessMs = 30

const again = (window: DistinctWindow): DistinctWindow => {
  const out = byteWriter()
  writeDistinct(window, out)
  return readDistinct(byteReader(out.done()))
}

test('distinct counts are those of all sightings in the window, late ones included, over any restarts', () => {
  const sightings = fc.array(
    fc.record({ step: fc.integer({ min: -45, max: 12 }), value: fc.integer({ min: 0, max: 12 }) }),
    { minLength: 60, maxLength: 200 },
  )
  fc.assert(
    fc.property(sightings, fc.nat(), (steps, restartSeed) => {
      let window = createDistinct()
      const seen: { timeMs: number; value: number }[] = []
      let atMs = 1_000
      let newestMs = -Infinity
      for (const [index, { step, value }] of steps.entries()) {
        if (step >= 0) atMs += step
        const timeMs = step >= 0 ? atMs : atMs + step
        newestMs = Math.max(newestMs, timeMs)
        const horizonMs = newestMs - windowMs - latenessMs
        distinctAdd(window, timeMs, hash53(String(value)), newestMs - latenessMs, horizonMs)
        if (timeMs > horizonMs) seen.push({ timeMs, value })
        if (index % 7 === restartSeed % 7) window = again(window)
        for (const untilMs of [newestMs, newestMs + 40, timeMs, newestMs - latenessMs, newestMs]) {
          const fromMs = Math.max(untilMs - windowMs, horizonMs)
          const inside = seen.filter((one) => one.timeMs > fromMs && one.timeMs <= untilMs)
          assert.equal(distinctCount(window, fromMs, untilMs), new Set(inside.map((one) => one.value)).size)
        }
      }
    }),
    { numRuns: 400 },
  )
})

test('a flood of values is estimated within 2 % in fixed memory, and exact once it is below 1,000 again', () => {
  const window = createDistinct()
  const count = 400_000
  const lengthMs = 250_000
  let worst = 0
  for (let index = 0; index < count; index++) {
    distinctAdd(window, index, hash53(`value ${index}`), index - 10, index - lengthMs - 10)
    if (index % 4_999 === 0 && index > 0) {
      const truth = Math.min(index + 1, lengthMs)
      worst = Math.max(worst, Math.abs(distinctCount(window, index - lengthMs, index) - truth) / truth)
    }
  }
  assert.ok(worst > 0 && worst < 0.02, `off by ${worst}`)
  assert.ok(window.tail - window.head <= samplesMax && window.times.length <= 2 * samplesMax)
  for (const left of [1_000, 700, 1]) assert.equal(distinctCount(window, count - 1 - left, count - 1), left)
})

test('one value seen again and again takes no room', () => {
  const window = createDistinct()
  for (let index = 0; index < 200_000; index++)
    distinctAdd(window, index, hash53(`value ${index % 3}`), index - 50, index - 150_000)
  assert.equal(distinctCount(window, 100_000, 199_999), 3)
  assert.ok(window.tail - window.head <= samplesMax)
})

test('hashes of a million short strings do not collide and are spread evenly', () => {
  const seen = new Set<number>()
  const low = new Float64Array(16)
  for (let index = 0; index < 1_000_000; index++) {
    const hash = hash53(`u${index}`)
    seen.add(hash)
    low[hash % 16]!++
  }
  assert.equal(seen.size, 1_000_000)
  for (const share of low) assert.ok(Math.abs(share - 62_500) < 1_500, `${share}`)
})
