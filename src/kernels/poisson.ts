/** Coefficients of Lanczos (1964) for g = 7 and nine terms: relative error under 1e-14. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** Natural logarithm of the gamma function for x >= 0.5 (Lanczos 1964). */
export function logGamma(x: number): number {
  const below = x - 1
  let sum = lanczos[0]!
  for (let at = 1; at < lanczos.length; at++) sum += lanczos[at]! / (below + at)
  const t = below + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (below + 0.5) * Math.log(t) - t + Math.log(sum)
}

/**
 * The probability that a Poisson variable of this mean is `count` or more. Sums terms away from the mean, so that tiny
 * tails keep their digits; 1 for a count of 0 or less.
 */
export function poissonTail(count: number, mean: number): number {
  if (!(mean >= 0)) throw new RangeError(`poissonTail() needs a mean of 0 or more, not ${mean}`)
  const from = Math.ceil(count)
  if (from <= 0) return 1
  if (mean === 0) return 0
  const termOf = (k: number) => Math.exp(k * Math.log(mean) - mean - logGamma(k + 1))
  if (from > mean) {
    let term = termOf(from)
    let sum = 0
    for (let k = from; term > sum * 1e-17; term *= mean / ++k) sum += term
    return Math.min(1, sum)
  }
  let term = termOf(from - 1)
  let sum = 0
  for (let k = from - 1; k >= 0 && term > sum * 1e-17; term *= k-- / mean) sum += term
  return Math.max(0, 1 - sum)
}
