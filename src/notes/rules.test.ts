import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, preliminaryStatus, type NoteEvidence } from './rules.ts'
import { coreModel } from './settings.ts'
import { firmReject, helpful, misleading, needsHelp, needsMore, notHelpful, notMisleading } from './status.ts'
import { notHelpfulTags } from './table-format.ts'

/** A note that both sides find helpful, and that no rule holds against. */
const good: NoteEvidence = {
  ratings: 30,
  classification: misleading,
  currentStatus: needsMore,
  intercept: 0.45,
  factor: 0.1,
  upperBound: 0.5,
  sides: [
    { count: 15, mean: 0.9, net: 12 },
    { count: 15, mean: 0.9, net: 12 },
  ],
  tagTotal: 10,
  tagWeights: new Float64Array(notHelpfulTags.length),
  incorrect: { tags: 0, voters: 0, score: NaN },
  diligence: -0.2,
  withoutHighVolume: 0.44,
  withoutCorrelated: 0.44,
}
const thresholds = new Float64Array(notHelpfulTags.length).fill(0.2)
const of = (change: Partial<NoteEvidence>, settings = coreModel.rules) =>
  decide({ ...good, ...change }, settings, thresholds)
const weights = (tag: string, weight: number) =>
  Float64Array.from(notHelpfulTags, (name) => (name === tag ? weight : 0))

test('each rule acts on its own evidence, and the last one decides', () => {
  const cases: [Partial<NoteEvidence>, number, string][] = [
    [{}, helpful, 'helpful'],
    [{ ratings: 4 }, needsMore, 'initial'],
    [{ intercept: NaN }, needsMore, 'initial'],
    [{ intercept: 0.35 }, needsMore, 'initial'],
    [{ intercept: 0.395, currentStatus: helpful }, helpful, 'inertia'],
    [{ intercept: -0.14 }, notHelpful, 'notHelpful'],
    [{ intercept: -0.04, upperBound: -0.05 }, notHelpful, 'upperBound'],
    [
      {
        intercept: 0.1,
        sides: [
          { count: 3, mean: 0.4, net: 0 },
          { count: 9, mean: 0.2, net: 0 },
        ],
      },
      notHelpful,
      'ratio',
    ],
    [{ classification: notMisleading, intercept: -0.16, factor: 0.5 }, notHelpful, 'notMisleading'],
    [{ classification: notMisleading }, needsMore, 'initial'],
    [{ tagWeights: weights('notHelpfulOutdated', 2.6) }, firmReject, 'tagOutlier'],
    [{ tagWeights: weights('notHelpfulHardToUnderstand', 9) }, helpful, 'helpful'],
    [{ incorrect: { tags: 2, voters: 3, score: 2.5 } }, firmReject, 'incorrect'],
    [{ diligence: 0.27 }, firmReject, 'diligence'],
    [{ factor: -0.51 }, firmReject, 'largeFactor'],
    [{ intercept: 0.29 }, firmReject, 'lowIntercept'],
    [
      {
        sides: [
          { count: 20, mean: 1, net: 20 },
          { count: 4, mean: 0.9, net: 3 },
        ],
      },
      needsHelp,
      'minority',
    ],
    [
      {
        sides: [
          { count: 200, mean: 1, net: 200 },
          { count: 6, mean: 0.9, net: 5 },
        ],
      },
      needsHelp,
      'balance',
    ],
    [{ withoutHighVolume: 0.36 }, needsHelp, 'highVolume'],
    [{ withoutCorrelated: 0.36 }, needsHelp, 'correlated'],
    [{ withoutHighVolume: NaN }, helpful, 'helpful'],
  ]
  for (const [change, status, rule] of cases) {
    const verdict = of(change)
    assert.deepEqual([verdict.status, verdict.rulings.at(-1)!.rule], [status, rule], JSON.stringify(change))
    assert.equal(verdict.rulings[0]!.rule, 'initial')
  }
})

test('a note found not helpful stays so, whatever its tags', () => {
  const verdict = of({ intercept: -0.5, tagWeights: weights('notHelpfulOutdated', 9), diligence: 1 })
  assert.deepEqual([verdict.status, verdict.outlierTags], [notHelpful, 0])
})

test('a model without firm rejection answers "needs more" where the others reject', () => {
  const mild = { ...coreModel.rules, firmRejectBelow: undefined }
  assert.equal(of({ diligence: 0.3 }, mild).status, needsMore)
  assert.equal(of({ intercept: 0.1 }, mild).status, needsMore)
})

test('the first round knows only intercepts', () => {
  const status = (intercept: number, classification: number = misleading) =>
    preliminaryStatus({ ratings: 5, classification, intercept, factor: 0 }, coreModel.rules)
  assert.deepEqual([status(0.4), status(0.39), status(-0.05), status(NaN)], [helpful, needsMore, notHelpful, needsMore])
  assert.deepEqual([status(0.5, notMisleading), status(-0.16, notMisleading)], [needsMore, notHelpful])
})
