import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { byteReader, byteWriter } from './byte-stream.ts'
import {
  bucketsMax,
  createLast,
  createTally,
  lastAdd,
  lastRead,
  readLast,
  readTally,
  tallyAdd,
  tallyCount,
  tallySum,
  writeLast,
  writeTally,
  type TallyWindow,
} from './sliding-window.ts'

const windowMs = 100
const latenessMs = 30
type Sample = { timeMs: number; value: number }

/** Samples that mostly advance and are at times late, up to more than the lateness. */
const samples = fc.array(
  fc.record({ step: fc.integer({ min: -45, max: 12 }), value: fc.integer({ min: -3, max: 9 }) }),
  {
    minLength: 60,
    maxLength: 200,
  },
)
const timed = (steps: { step: number; value: number }[]): Sample[] => {
  let atMs = 1_000
  return steps.map(({ step, value }) => {
    if (step >= 0) atMs += step
    return { timeMs: step >= 0 ? atMs : atMs + step, value }
  })
}

const again = (tally: TallyWindow): TallyWindow => {
  const out = byteWriter()
  writeTally(tally, out)
  return readTally(byteReader(out.done()))
}

test('counts and sums are those of all samples in (time - window, time], late ones included', () => {
  fc.assert(
    fc.property(samples, fc.nat(), (steps, restartSeed) => {
      let tally = createTally()
      const seen: Sample[] = []
      let newestMs = -Infinity
      for (const [index, sample] of timed(steps).entries()) {
        newestMs = Math.max(newestMs, sample.timeMs)
        const horizonMs = newestMs - windowMs - latenessMs
        tallyAdd(tally, sample.timeMs, sample.value, horizonMs)
        if (sample.timeMs > horizonMs) seen.push(sample)
        if (index % 7 === restartSeed % 7) tally = again(tally)
        for (const untilMs of [newestMs, newestMs + 40, sample.timeMs, newestMs - latenessMs]) {
          const fromMs = Math.max(untilMs - windowMs, horizonMs)
          const inside = seen.filter(({ timeMs }) => timeMs > fromMs && timeMs <= untilMs)
          assert.equal(tallyCount(tally, fromMs, untilMs), inside.length)
          assert.equal(
            tallySum(tally, fromMs, untilMs),
            inside.reduce((sum, { value }) => sum + value, 0),
          )
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a key with a hundred thousand samples stays small, within 1 %, and exact once it is below 1,000 again', () => {
  const tally = createTally()
  const times: number[] = []
  let atMs = 0
  let random = 1
  const step = () => (random = (random * 48_271) % 2_147_483_647) % 20
  let from = 0
  const check = (untilMs: number, window: number) => {
    while (times[from]! <= untilMs - window) from++
    const truth = times.length - from
    const count = tallyCount(tally, untilMs - window, untilMs)
    if (truth <= 1_000) assert.equal(count, truth)
    else assert.ok(Math.abs(count - truth) <= truth * 0.01, `${count} for ${truth}`)
    assert.ok(tally.tail - tally.head <= bucketsMax)
  }
  for (let index = 0; index < 100_000; index++) {
    atMs += step()
    times.push(atMs)
    tallyAdd(tally, atMs, 1, atMs - 500_000 - 10_000)
    if (index % 97 === 0) check(atMs, 500_000)
  }
  // Nothing comes for a while: the window slides off the old samples.
  for (; atMs < times.at(-1)! + 500_000; atMs += 1_000) check(atMs, 500_000)
  assert.ok(tally.cells.byteLength < 400_000)
})

test('a late sample after a flood is counted where it belongs', () => {
  const tally = createTally()
  for (let timeMs = 1; timeMs <= 20_000; timeMs++) tallyAdd(tally, timeMs, 1, timeMs - 30_000)
  const before = tallyCount(tally, 0, 20_000)
  for (let index = 0; index < 50; index++) tallyAdd(tally, 19_500, 1, -10_000)
  assert.equal(tallyCount(tally, 0, 20_000), before + 50)
  assert.equal(tallyCount(tally, 19_499, 19_500), 51)
  assert.equal(tallyCount(tally, 19_500, 20_000), 500)
})

test('the last value is the newest up to the moment of reading, and of equal times the one that came last', () => {
  fc.assert(
    fc.property(samples, (steps) => {
      let window = createLast()
      const seen: Sample[] = []
      let newestMs = -Infinity
      for (const sample of timed(steps)) {
        newestMs = Math.max(newestMs, sample.timeMs)
        const horizonMs = newestMs - windowMs - latenessMs
        lastAdd(window, sample.timeMs, sample.value, newestMs - latenessMs, horizonMs)
        if (sample.timeMs > horizonMs) seen.push(sample)
        const out = byteWriter()
        writeLast(window, out)
        window = readLast(byteReader(out.done()))
        for (const untilMs of [newestMs, newestMs - latenessMs, newestMs + 50]) {
          const fromMs = Math.max(untilMs - windowMs, horizonMs)
          let last: Sample | undefined
          for (const one of seen)
            if (one.timeMs <= untilMs && one.timeMs > fromMs && (last === undefined || one.timeMs >= last.timeMs))
              last = one
          assert.equal(lastRead(window, fromMs, untilMs), last?.value ?? null)
        }
      }
    }),
    { numRuns: 200 },
  )
})
