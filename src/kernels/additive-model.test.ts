import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  baseLogOdds,
  contributionsOf,
  fitAdditive,
  logOddsOf,
  plattScale,
  probabilityOf,
  rescaled,
  type Examples,
} from './additive-model.ts'
import { aucOf, calibrationErrorOf, calibrationOf } from './classifier-quality.ts'
import { createRandom } from './random.ts'

/** Two features that matter, one that does not; the second is missing in a third of the rows. */
function drawn(count: number, seed: number): Examples & { truth: Float64Array } {
  const random = createRandom(seed)
  const rows = new Float64Array(count * 3)
  const labels = new Uint8Array(count)
  const truth = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    const [a, b, noise] = [random.float(), random.float(), random.float()]
    const gone = random.chance(1 / 3)
    rows.set([a, gone ? Number.NaN : b, noise], row * 3)
    const logOdds = -4 + 6 * Math.min(1, a * 1.5) + (gone ? 0.5 : 3 * b * b)
    truth[row] = probabilityOf(logOdds)
    labels[row] = random.chance(truth[row]!) ? 1 : 0
  }
  return { features: 3, rows, labels, truth }
}

test('an additive truth is found again, missing values and curved shapes included', () => {
  const model = fitAdditive(drawn(8_000, 1))
  const fresh = drawn(2_000, 2)
  const said = Float64Array.from(fresh.labels, (_, row) => probabilityOf(logOddsOf(model, fresh.rows, row * 3)))
  const error = said.reduce((sum, p, row) => sum + Math.abs(p - fresh.truth[row]!), 0) / said.length
  assert.ok(error < 0.03, `mean error ${error}`)
  assert.ok(aucOf(said, fresh.labels) > aucOf(fresh.truth, fresh.labels) - 0.01)
  assert.ok(calibrationErrorOf(calibrationOf(said, fresh.labels)) < 0.04)
  // The third feature says nothing.
  assert.ok(model.shapes[2]!.rises.reduce((sum, rise) => sum + rise, 0) < 0.4)
})

test('log-odds never fall with a feature, and contributions sum to them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (seed, step) => {
      const examples = drawn(120, seed)
      if (!examples.labels.includes(0) || !examples.labels.includes(1)) return
      const model = fitAdditive(examples)
      const low = Float64Array.of(0.2, 0.3, 0.4)
      const high = Float64Array.of(0.2 + step * 0.8, 0.3, 0.4)
      assert.ok(logOddsOf(model, high) >= logOddsOf(model, low) - 1e-12)
      const sum = contributionsOf(model, high).reduce((total, part) => total + part, baseLogOdds(model))
      assert.ok(Math.abs(sum - logOddsOf(model, high)) < 1e-9)
    }),
    { numRuns: 40 },
  )
})

test('no change of the weights makes the penalised likelihood better', () => {
  const examples = drawn(400, 5)
  const model = fitAdditive(examples, { penalty: 1 })
  const lossOf = (candidate: typeof model) => {
    let loss = 0
    for (const [row, label] of examples.labels.entries()) {
      const margin = logOddsOf(candidate, examples.rows, row * 3)
      loss += Math.log1p(Math.exp(label === 1 ? -margin : margin))
    }
    for (const { rises, missing } of candidate.shapes)
      loss += (missing * missing + rises.reduce((sum, rise) => sum + rise * rise, 0)) / 2
    return loss
  }
  const best = lossOf(model)
  const random = createRandom(9)
  for (let trial = 0; trial < 200; trial++) {
    const size = 10 ** random.between(-4, -1)
    const moved = {
      intercept: model.intercept + size * random.normal(),
      shapes: model.shapes.map((shape) => ({
        ...shape,
        rises: shape.rises.map((rise) => Math.max(0, rise + size * random.normal())),
        missing: shape.missing + size * random.normal(),
      })),
    }
    assert.ok(lossOf(moved) >= best - 1e-4, `better by ${best - lossOf(moved)}`)
  }
})

test('separable, constant and always missing features give a finite model', () => {
  const labels = Uint8Array.of(0, 0, 0, 1, 1, 1)
  const rows = Float64Array.from([...labels].flatMap((_, row) => [row / 5, 7, Number.NaN]))
  const model = fitAdditive({ features: 3, rows, labels })
  for (let row = 0; row < labels.length; row++) {
    const p = probabilityOf(logOddsOf(model, rows, row * 3))
    assert.ok(Number.isFinite(p) && (labels[row] === 1 ? p > 0.5 : p < 0.5), `row ${row}: ${p}`)
  }
  assert.throws(
    () => fitAdditive({ features: 1, rows: new Float64Array(2), labels: Uint8Array.of(1, 1) }),
    /both labels/,
  )
  assert.throws(() => fitAdditive({ features: 2, rows: new Float64Array(3), labels: Uint8Array.of(1, 0) }), /4 values/)
})

test('scaling calibrates log-odds that claim too much', () => {
  const random = createRandom(3)
  const logOdds = Float64Array.from({ length: 4_000 }, () => random.normal() * 6 + 1)
  const labels = Uint8Array.from(logOdds, (value) => (random.chance(probabilityOf(value / 3 - 1)) ? 1 : 0))
  const { slope, shift } = plattScale(logOdds, labels)
  assert.ok(Math.abs(slope - 1 / 3) < 0.04 && Math.abs(shift + 1) < 0.15, `${slope} ${shift}`)
  const examples = drawn(300, 4)
  const model = fitAdditive(examples)
  const scaled = rescaled(model, { slope: 0.5, shift: 0.25 })
  assert.ok(Math.abs(logOddsOf(scaled, examples.rows) - (logOddsOf(model, examples.rows) * 0.5 + 0.25)) < 1e-12)
})

test('the share of pairs in order counts ties half', () => {
  assert.equal(aucOf(Float64Array.of(0.1, 0.4, 0.4, 0.8), Uint8Array.of(0, 0, 1, 1)), 0.875)
  assert.ok(Number.isNaN(aucOf(Float64Array.of(1), Uint8Array.of(1))))
})
