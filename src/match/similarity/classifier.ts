import {
  baseLogOdds,
  contributionsOf,
  fitAdditive,
  logOddsOf,
  plattScale,
  probabilityOf,
  rescaled,
  type AdditiveModel,
  type Examples,
} from '../../kernels/additive-model.ts'
import {
  aucOf,
  calibrationErrorOf,
  calibrationOf,
  logLoss,
  type CalibrationBand,
} from '../../kernels/classifier-quality.ts'
import type { Outcome } from '../../domain/error.ts'
import { hash53 } from '../../kernels/string-hash.ts'
import { featureNames, rowOf, type PairFeatures, type Scope } from './features.ts'

/** A pair that somebody judged, or one that is not the same by construction. */
export type JudgedPair = {
  entryId: string
  features: PairFeatures
  same: boolean
  /** 1 for a pair that a person compared; less for what only follows from something else. */
  weight: number
}

export type SimilarityModel = { scope: Scope; features: string[]; model: AdditiveModel }

/** What a probability is made of: what an average pair has, and what each feature adds, in log-odds. */
export type Judgement = {
  probability: number
  base: number
  contributions: { feature: string; value: number | null; logOdds: number }[]
}

/** Measured on pairs of entries that the classifier had not seen (cross-validation, no entry on both sides). */
export type SimilarityReport = {
  pairs: { same: number; different: number; background: number }
  folds: number
  auc: number
  logLoss: number
  brier: number
  calibrationError: number
  calibration: CalibrationBand[]
  /** The thresholds of the signal types on the same pairs, as a probability for each of their two answers. */
  thresholds: { logLoss: number; precision: number; recall: number }
  /** The classifier's precision where it finds as much as the thresholds do. */
  precisionAtSameRecall: number
  /** Mean gain of log loss a pair over the thresholds, with its one-sided 95 % bound. */
  gain: { mean: number; low: number }
  beatsThresholds: boolean
  /** Why it may go live, or why not, in words. */
  verdict: string
}

/** So many pairs of either kind are needed. */
export const pairsPerKindMin = 20
const foldsMax = 5

/**
 * Trains a classifier on judged pairs and measures it on pairs of other entries. It is calibrated on what it said of
 * pairs that it had not seen. The same pairs give the same classifier.
 */
export function trainSimilarity(
  scope: Scope,
  judged: readonly JudgedPair[],
  background: readonly JudgedPair[] = [],
): Outcome<{ model: SimilarityModel; report: SimilarityReport }, 'too-few-pairs'> {
  const same = judged.filter((pair) => pair.same).length
  const different = judged.length - same
  if (same < pairsPerKindMin || different + background.length < pairsPerKindMin || different === 0)
    return {
      ok: false,
      reason: 'too-few-pairs',
      detail: `A classifier of scope "${scope}" needs at least ${pairsPerKindMin} judged pairs that are the same and ${pairsPerKindMin} that are not, one of them seen by a person; there are ${same} and ${different}.`,
    }
  const pairs = [...judged, ...background]
  const names = featureNames(scope).filter((name) => pairs.some((pair) => pair.features[name] !== undefined))
  const all = examplesOf(names, pairs)
  const fold = pairs.map((pair) => hash53(pair.entryId) % foldsMax)
  const unseen = new Float64Array(pairs.length)
  for (let held = 0; held < foldsMax; held++) {
    const rest = pairs.filter((_, index) => fold[index] !== held)
    const usable = rest.some((pair) => pair.same) && rest.some((pair) => !pair.same)
    const model = usable ? fitAdditive(examplesOf(names, rest)) : undefined
    for (const [index, pair] of pairs.entries())
      if (fold[index] === held) unseen[index] = model === undefined ? 0 : logOddsOf(model, rowOf(names, pair.features))
  }
  const scale = plattScale(unseen, all.labels, all.weights)
  const model: SimilarityModel = { scope, features: names, model: rescaled(fitAdditive(all), scale) }
  // Each fold is scaled by what the others say, so that the calibration in the report is one of unseen pairs as well.
  const scales = Array.from({ length: foldsMax }, (_, held) => {
    const kept = Float64Array.from(all.weights, (weight, index) => (fold[index] === held ? 0 : weight))
    return plattScale(unseen, all.labels, kept)
  })
  const said = unseen.map((logOdds, index) => {
    const { slope, shift } = scales[fold[index]!]!
    return probabilityOf(logOdds * slope + shift)
  })
  return {
    ok: true,
    model,
    report: reportOf(judged, background.length, said.subarray(0, judged.length)),
  }
}

/** The probability that a pair is the same content, and what each feature contributed. */
export function judgePair({ features, model }: SimilarityModel, pair: Readonly<PairFeatures>): Judgement {
  const row = rowOf(features, pair)
  const parts = contributionsOf(model, row)
  return {
    probability: probabilityOf(logOddsOf(model, row)),
    base: baseLogOdds(model),
    contributions: features.map((feature, index) => ({
      feature,
      value: pair[feature] ?? null,
      logOdds: parts[index]!,
    })),
  }
}

function examplesOf(names: readonly string[], pairs: readonly JudgedPair[]): Examples & { weights: Float64Array } {
  const rows = new Float64Array(pairs.length * names.length)
  for (const [index, pair] of pairs.entries()) rows.set(rowOf(names, pair.features), index * names.length)
  return {
    features: names.length,
    rows,
    labels: Uint8Array.from(pairs, (pair) => (pair.same ? 1 : 0)),
    weights: Float64Array.from(pairs, (pair) => pair.weight),
  }
}

/** Only pairs that came before a person count: those that are different by construction would flatter. */
function reportOf(judged: readonly JudgedPair[], background: number, said: Float64Array): SimilarityReport {
  const labels = Uint8Array.from(judged, (pair) => (pair.same ? 1 : 0))
  const within = judged.map((pair) => (pair.features.agreeing ?? 0) > 0)
  const rateOf = (answer: boolean) => {
    const group = judged.filter((_, index) => within[index] === answer)
    return (group.filter((pair) => pair.same).length + 0.5) / (group.length + 1)
  }
  const rates = { inside: rateOf(true), outside: rateOf(false) }
  const losses = Float64Array.from(labels, (label, index) => logLoss(said[index]!, label))
  const rivals = Float64Array.from(labels, (label, index) =>
    logLoss(within[index]! ? rates.inside : rates.outside, label),
  )
  const gains = rivals.map((rival, index) => rival - losses[index]!)
  const gain = meanOf(gains)
  const low =
    gain -
    1.645 *
      clusteredError(
        gains,
        judged.map((pair) => pair.entryId),
      )
  const inside = within.filter(Boolean).length
  const right = judged.filter((pair, index) => pair.same && within[index]).length
  const same = labels.reduce((sum, label) => sum + label, 0)
  const precision = inside === 0 ? 0 : right / inside
  const precisionAtSameRecall = precisionAtRecall(said, labels, right)
  const calibration = calibrationOf(said, labels)
  const beatsThresholds = low > 0 && precisionAtSameRecall >= precision
  return {
    pairs: { same, different: labels.length - same, background },
    folds: foldsMax,
    auc: aucOf(said, labels),
    logLoss: meanOf(losses),
    brier: meanOf(said.map((p, index) => (p - labels[index]!) ** 2)),
    calibrationError: calibrationErrorOf(calibration),
    calibration,
    thresholds: { logLoss: meanOf(rivals), precision, recall: same === 0 ? 0 : right / same },
    precisionAtSameRecall,
    gain: { mean: gain, low },
    beatsThresholds,
    verdict: beatsThresholds
      ? `Better than the thresholds on unseen pairs: ${percent(precisionAtSameRecall)} right instead of ${percent(precision)} where both find as much.`
      : low <= 0
        ? 'Not shown to be better than the thresholds yet: on unseen pairs its gain may be chance.'
        : `Where it finds as much as the thresholds, fewer of its matches are right: ${percent(precisionAtSameRecall)} instead of ${percent(precision)}.`,
  }
}

/**
 * Standard error of a mean of values that come in groups: pairs of one entry are alike, and many of them say less than as
 * many of different ones (Liang and Zeger 1986, for a mean).
 */
function clusteredError(values: Float64Array, groups: readonly string[]): number {
  const mean = meanOf(values)
  const sums = new Map<string, number>()
  for (const [index, value] of values.entries())
    sums.set(groups[index]!, (sums.get(groups[index]!) ?? 0) + value - mean)
  const squares = [...sums.values()].reduce((sum, one) => sum + one ** 2, 0)
  return Math.sqrt((squares * sums.size) / Math.max(1, sums.size - 1)) / Math.max(1, values.length)
}

const meanOf = (values: Float64Array) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
const percent = (share: number) => `${(share * 100).toFixed(1)} %`

/** The precision of the shortest list, best first, that holds at least `wanted` positives; ties go in together. */
function precisionAtRecall(scores: Float64Array, labels: Uint8Array, wanted: number): number {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
  let right = 0
  for (let at = 0; at < order.length;) {
    const score = scores[order[at]!]!
    for (; at < order.length && scores[order[at]!] === score; at++) right += labels[order[at]!]!
    if (right >= wanted) return at === 0 ? 0 : right / at
  }
  return 0
}
