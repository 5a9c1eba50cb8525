import assert from 'node:assert/strict'
import test from 'node:test'
import { signalTypes } from './all.ts'

const multipleOf = (step: number, value: number) => Math.abs(value / step - Math.round(value / step)) < 1e-9

test('every signal type says what it is called, what it finds and what its thresholds let in', () => {
  assert.equal(new Set(signalTypes.map(({ name }) => name)).size, signalTypes.length)
  assert.equal(new Set(signalTypes.map(({ words }) => words.title)).size, signalTypes.length)
  for (const { name, threshold, thresholdMax, thresholdStep, part, words } of signalTypes) {
    assert.ok(words.about.length > 20, name)
    assert.ok(words.media.includes(part), `${name} looks at ${part}`)
    assert.ok(threshold <= thresholdMax, name)
    for (const value of [threshold, thresholdMax])
      assert.ok(multipleOf(thresholdStep, value), `${name}: ${value} is no multiple of ${thresholdStep}`)
    // Every threshold that a bank may have is explained by one of the steps.
    const ends = words.finds.map(({ upTo }) => upTo)
    assert.deepEqual(
      ends,
      ends.toSorted((a, b) => a - b),
      name,
    )
    assert.equal(ends.at(-1), thresholdMax, name)
    assert.equal(words.scale === undefined, thresholdMax === 0 || name === 'url', name)
  }
})

test('the number that people read is the one that a match is described by', () => {
  for (const { name, threshold, describe, words } of signalTypes) {
    if (words.scale === undefined) continue
    const { zero, perDistance, decimals, unit } = words.scale
    const shown = (zero + threshold * perDistance).toFixed(decimals)
    assert.ok(describe(threshold).includes(shown), `${name}: "${describe(threshold)}" does not say ${shown} ${unit}`)
  }
})
