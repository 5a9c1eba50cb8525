// How good probabilities are: order, loss and calibration.

/**
 * The chance that a positive example scores above a negative one, ties counting half (Hanley and McNeil 1982); NaN
 * without both labels.
 */
export function aucOf(scores: Float64Array, labels: Uint8Array, weights?: Float64Array): number {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!)
  let [below, positive, wins] = [0, 0, 0]
  for (let at = 0; at < order.length;) {
    let [tiedPositive, tiedNegative] = [0, 0]
    const score = scores[order[at]!]!
    for (; at < order.length && scores[order[at]!] === score; at++) {
      const weight = weights?.[order[at]!] ?? 1
      if (labels[order[at]!] === 1) tiedPositive += weight
      else tiedNegative += weight
    }
    wins += tiedPositive * (below + tiedNegative / 2)
    below += tiedNegative
    positive += tiedPositive
  }
  return positive === 0 || below === 0 ? Number.NaN : wins / (positive * below)
}

/** Loss of one probability in nats: 0 is certain and right. Probabilities are kept 1e-6 away from 0 and 1. */
export function logLoss(probability: number, label: number): number {
  const p = Math.min(1 - 1e-6, Math.max(1e-6, probability))
  return label === 1 ? -Math.log(p) : -Math.log(1 - p)
}

/** Examples in a band of probability: how many, what was said on average, and what held. */
export type CalibrationBand = { from: number; to: number; count: number; said: number; held: number }

/** Ten bands of equal width; empty ones are left out. */
export function calibrationOf(probabilities: Float64Array, labels: Uint8Array): CalibrationBand[] {
  const bands = Array.from({ length: 10 }, (_, band) => ({
    from: band / 10,
    to: (band + 1) / 10,
    count: 0,
    said: 0,
    held: 0,
  }))
  for (const [index, p] of probabilities.entries()) {
    const band = bands[Math.min(9, Math.floor(p * 10))]!
    band.count++
    band.said += p
    band.held += labels[index]!
  }
  return bands
    .filter(({ count }) => count > 0)
    .map((band) => ({ ...band, said: band.said / band.count, held: band.held / band.count }))
}

/** Mean distance between what is said and what holds, weighted by examples (Naeini, Cooper, Hauskrecht 2015). */
export function calibrationErrorOf(bands: readonly CalibrationBand[]): number {
  const all = bands.reduce((sum, { count }) => sum + count, 0)
  return all === 0 ? 0 : bands.reduce((sum, { count, said, held }) => sum + (count / all) * Math.abs(said - held), 0)
}
