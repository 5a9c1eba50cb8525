import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createSchedule } from './schedule.ts'

test('things leave in order of time, and in order of arrival when the time is the same', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const schedule = createSchedule<{ time: number; index: number }>()
      times.forEach((time, index) => schedule.add(time, { time, index }))
      const expected = times
        .map((time, index) => ({ time, index }))
        .sort((a, b) => a.time - b.time || a.index - b.index)
      assert.equal(schedule.nextMs(), expected[0]?.time)
      assert.deepEqual(
        Array.from({ length: times.length }, () => schedule.take()),
        expected,
      )
      assert.equal(schedule.take(), undefined)
      assert.equal(schedule.size(), 0)
    }),
  )
})
