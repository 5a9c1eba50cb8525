import assert from 'node:assert/strict'
import test from 'node:test'
import { peaksOfSamples } from './sound-peaks.ts'

test('each stretch of a sound is as high as its loudest sample, against the loudest of all', () => {
  assert.deepEqual(peaksOfSamples(Float32Array.of(0, 0.25, -0.5, 0, 0.125, 0), 3), [0.5, 1, 0.25])
  assert.deepEqual(peaksOfSamples(Float32Array.of(0, 0), 600), [0, 0])
  assert.deepEqual(peaksOfSamples(new Float32Array(0), 600), [])
})
