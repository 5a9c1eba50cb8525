import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom, type Random } from '../../kernels/random.ts'
import { judgePair, trainSimilarity, type JudgedPair } from './classifier.ts'
import { driftOf } from './drift.ts'
import { pairFeatures } from './features.ts'
import { backgroundPairs, contentOfSignals } from './judge.ts'

const hashOf = (random: Random) =>
  Array.from({ length: 8 }, () => random.uint32().toString(16).padStart(8, '0')).join('')

/**
 * Matches as reviewers see them: all are within the photo threshold, yet those of a template that many fill in anew (low
 * quality, near the threshold, another text) are not the same.
 */
function matches(count: number, seed: number): JudgedPair[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, index) => {
    const same = random.chance(0.6)
    const distance = same ? Math.floor(random.between(0, 24)) : Math.floor(random.between(14, 32))
    return {
      entryId: `e${index % 60}`,
      same,
      weight: 1,
      features: {
        pdq: 1 - distance / 256,
        quality: same ? random.between(0.6, 1) : random.between(0.5, 0.9),
        ...(random.chance(0.5) ? { text: same && random.chance(0.8) ? 1 : 0 } : {}),
        agreeing: 1,
      },
    }
  })
}

test('it learns which matches within the threshold are wrong, says so on unseen entries, and is calibrated', () => {
  const trained = trainSimilarity('composite', matches(800, 1))
  assert.ok(trained.ok)
  const { report, model } = trained
  assert.ok(report.beatsThresholds, report.verdict)
  assert.ok(report.auc > 0.9, `auc ${report.auc}`)
  assert.ok(report.calibrationError < 0.06, `calibration error ${report.calibrationError}`)
  assert.ok(report.gain.low > 0 && report.precisionAtSameRecall >= report.thresholds.precision)
  const fresh = matches(400, 2)
  const right = fresh.filter((pair) => judgePair(model, pair.features).probability > 0.5 === pair.same).length
  assert.ok(right / fresh.length > 0.85, `${right} of ${fresh.length}`)
})

test('what each feature contributes sums to the log-odds of the probability', () => {
  const trained = trainSimilarity('composite', matches(300, 3))
  assert.ok(trained.ok)
  for (const { features } of matches(50, 4)) {
    const { probability, base, contributions } = judgePair(trained.model, features)
    const logOdds = contributions.reduce((sum, part) => sum + part.logOdds, base)
    assert.ok(Math.abs(Math.log(probability / (1 - probability)) - logOdds) < 1e-6)
    assert.equal(contributions.find((part) => part.feature === 'text')?.value, features.text ?? null)
  }
})

test('labels without a pattern do not beat the thresholds, and too few pairs are refused with the counts', () => {
  const random = createRandom(5)
  const noise = matches(400, 6).map((pair) => ({ ...pair, same: random.chance(0.5) }))
  const trained = trainSimilarity('photo', noise)
  assert.ok(trained.ok)
  assert.equal(trained.report.beatsThresholds, false, trained.report.verdict)
  const few = trainSimilarity('photo', matches(30, 7))
  assert.ok(!few.ok && few.reason === 'too-few-pairs')
  assert.match(few.detail, /at least 20 .* there are \d+ and \d+/)
})

test('the same pairs give the same classifier', () => {
  const pairs = matches(300, 8)
  assert.deepEqual(trainSimilarity('photo', pairs), trainSimilarity('photo', pairs))
})

test('features compare every signal that both sides have, and say nothing of what one side lacks', () => {
  const random = createRandom(9)
  const [pdq, other] = [hashOf(random), hashOf(random)]
  const sha256 = hashOf(random)
  const entry = { pdq, sha256, text: 'buy cheap watches' }
  const near = pairFeatures(
    {
      photos: [
        { pdq: other, quality: 90 },
        { pdq, sha256, quality: 80 },
      ],
    },
    entry,
  )
  assert.equal(near.pdq, 1)
  assert.equal(near.sha256, 1)
  assert.equal(near.quality, 0.9)
  assert.equal(near.agreeing, 1)
  assert.ok(!('text' in near))
  const far = pairFeatures({ photos: [{ pdq: other }], text: 'good morning' }, entry)
  assert.ok(far.pdq! < 0.7 && far.text === 0 && far.agreeing === 0 && !('quality' in far))
  // A turned photo is found by the search, not by the plain comparison.
  const turned = pairFeatures({ photos: [{ pdq: other, quality: 70 }] }, entry, [
    { signalType: 'pdq', distance: 8, similarity: 1 - 8 / 256, quality: 70 },
  ])
  assert.equal(turned.pdq, Math.round((1 - 8 / 256) * 10_000) / 10_000)
  assert.equal(turned.agreeing, 1)
})

test('background pairs are unrelated entries only, at most as many as asked for', () => {
  const random = createRandom(10)
  const entries = Array.from({ length: 30 }, (_, index) => ({
    entryId: `e${index}`,
    signals: { pdq: hashOf(random), sha256: hashOf(random) },
    quality: 90,
  }))
  const twin = { entryId: 'twin', signals: { pdq: entries[0]!.signals.pdq }, quality: 90 }
  const pairs = backgroundPairs([...entries, twin], 100)
  assert.ok(pairs.length > 50 && pairs.length <= 100, `${pairs.length} pairs`)
  for (const { same, features } of pairs) assert.ok(!same && features.agreeing === 0 && features.pdq! < 0.8)
  assert.deepEqual(contentOfSignals({ pdq: twin.signals.pdq, text: 'a b' }), {
    photos: [{ pdq: twin.signals.pdq, signals: {} }],
    text: 'a b',
  })
})

test('many pairs of few entries show less than as many of different ones, and each fold is scaled by the others', () => {
  const lone = trainSimilarity(
    'composite',
    matches(300, 8).map((pair, index) => ({ ...pair, entryId: `e${index}` })),
  )
  // Five entries, all of whose pairs are as alike as copies are.
  const alike = matches(10, 9).flatMap((pair, index) =>
    Array.from({ length: 30 }, () => ({ ...pair, entryId: `e${index}` })),
  )
  const crowded = trainSimilarity('composite', alike)
  assert.ok(lone.ok && crowded.ok)
  const doubt = ({ gain }: { gain: { mean: number; low: number } }) => gain.mean - gain.low
  assert.ok(doubt(crowded.report) > 3 * doubt(lone.report), `${doubt(crowded.report)} and ${doubt(lone.report)}`)
})

test('a classifier that still holds is not called off, and one that holds no longer is, whichever way it is wrong', () => {
  const trained = trainSimilarity('composite', matches(800, 1))
  assert.ok(trained.ok)
  const { model } = trained
  assert.equal(driftOf(model, []), undefined)
  const fresh = matches(300, 10)
  const holds = driftOf(model, fresh)!
  assert.ok(!holds.drifted && holds.z < 2.807, holds.verdict)
  const few = driftOf(
    model,
    fresh.slice(0, 29).map((pair) => ({ ...pair, same: !pair.same })),
  )!
  assert.ok(!few.drifted && /29 of 30/.test(few.verdict), few.verdict)
  const fewerTrue = driftOf(
    model,
    fresh.map((pair, index) => ({ ...pair, same: pair.same && index % 2 === 0 })),
  )!
  assert.ok(fewerTrue.drifted && fewerTrue.held < fewerTrue.said, fewerTrue.verdict)
  const random = createRandom(3)
  const blurred = driftOf(
    model,
    fresh.map((pair) => ({ ...pair, same: random.chance(0.25) ? !pair.same : pair.same })),
  )!
  assert.ok(blurred.drifted, blurred.verdict)
})
