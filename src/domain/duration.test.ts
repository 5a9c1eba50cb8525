import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { durationMs, formatDuration, parseDuration } from './duration.ts'
import { InputError } from './error.ts'

test('durations are read with their units, alone or together', () => {
  assert.deepEqual(
    ['10m', '24h', '90d', '1h30m', '250ms', '2w', '0s'].map(durationMs),
    [600_000, 86_400_000, 7_776_000_000, 5_400_000, 250, 1_209_600_000, 0],
  )
})

test('what is no duration is refused by name', () => {
  for (const text of ['', '10', 'm', '-5m', '1.5h', '10 m', '5y', '1h '.repeat(20)]) {
    assert.equal(durationMs(text), undefined, text)
    assert.throws(
      () => parseDuration(text, 'window'),
      (error: InputError) => error.problems[0]!.field === 'window',
    )
  }
})

test('what is written reads back the same', () => {
  fc.assert(fc.property(fc.nat(1e11), (lengthMs) => assert.equal(durationMs(formatDuration(lengthMs)), lengthMs)))
})
