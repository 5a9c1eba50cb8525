import { calibrationErrorOf, calibrationOf, logLoss, type CalibrationBand } from '../../kernels/classifier-quality.ts'
import { judgePair, type JudgedPair, type SimilarityModel } from './classifier.ts'

/** What a classifier says of pairs that people judged after it was trained, against what they said. */
export type SimilarityDrift = {
  pairs: number
  /** Share that it said are the same, and that were. */
  said: number
  held: number
  logLoss: number
  calibrationError: number
  calibration: CalibrationBand[]
  /** How far its probabilities are off, in standard deviations of chance: the larger of two ways to see it. */
  z: number
  /** Whether it is off by more than chance: it should be trained anew. */
  drifted: boolean
  verdict: string
}

/** Fewer say nothing of whether it still holds. */
const pairsMin = 30
/** One in a hundred for both ways together, on either side: it is looked at often. */
const zMax = 2.807

/**
 * Whether a classifier still says what holds, on pairs judged since: whether as many are the same as it expected, and
 * whether its sure answers are as sure as it says (Spiegelhalter, "Probabilistic prediction in patient management and
 * clinical trials", 1986). Undefined while nothing was judged.
 */
export function driftOf(
  model: SimilarityModel,
  judged: readonly Pick<JudgedPair, 'features' | 'same'>[],
): SimilarityDrift | undefined {
  if (judged.length === 0) return undefined
  const said = Float64Array.from(judged, ({ features }) => judgePair(model, features).probability)
  const held = Uint8Array.from(judged, ({ same }) => (same ? 1 : 0))
  const mean = (of: (p: number, label: number) => number) =>
    said.reduce((sum, p, index) => sum + of(p, held[index]!), 0) / judged.length
  const offBy = (weight: (p: number) => number) => {
    const chance = Math.sqrt(mean((p) => weight(p) ** 2 * p * (1 - p)) / judged.length)
    return chance === 0 ? 0 : mean((p, label) => (label - p) * weight(p)) / chance
  }
  const [many, sure] = [offBy(() => 1), offBy((p) => 1 - 2 * p)]
  const z = Math.max(Math.abs(many), Math.abs(sure))
  const calibration = calibrationOf(said, held)
  const drifted = judged.length >= pairsMin && z > zMax
  const shares = { said: mean((p) => p), held: mean((_, label) => label) }
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`
  return {
    pairs: judged.length,
    ...shares,
    logLoss: mean(logLoss),
    calibrationError: calibrationErrorOf(calibration),
    calibration,
    z,
    drifted,
    verdict:
      judged.length < pairsMin
        ? `${judged.length} of ${pairsMin} pairs judged since; fewer say nothing of whether it still holds.`
        : drifted
          ? `It no longer says what holds: of ${judged.length} pairs judged since, it expected ${percent(shares.said)} to be the same, and ${percent(shares.held)} were. Train it anew.`
          : `Of ${judged.length} pairs judged since, its probabilities are off by no more than chance.`,
  }
}
