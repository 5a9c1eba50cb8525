// How much the tags on a note say: a rating weighs less the further its rater stands from the note.
import { quantile } from '../kernels/quantile.ts'
import type { Community } from './intake.ts'
import { pick, type Parameters, type Picked } from './picking.ts'
import { helpfulTags, notHelpfulTags } from './table-format.ts'

const normalQuantile = 0.4
const steepness = 5

/** By number of a note: the weight of all its ratings, and of those with each tag that speaks against it. */
export type TagTotals = {
  total: Float64Array
  /** Tag `t` of note `n` at `n * notHelpfulTags.length + t`. */
  adjusted: Float64Array
}

/** Factors less their mean, over their standard deviation; NaN stays NaN. */
function standardized(parameters: Parameters): Float64Array {
  const factors = new Float64Array(parameters.length / 2)
  let count = 0
  let sum = 0
  for (let at = 0; at < factors.length; at++) {
    factors[at] = parameters[2 * at + 1]!
    if (Number.isNaN(factors[at]!)) continue
    count++
    sum += factors[at]!
  }
  const mean = sum / count
  let square = 0
  for (const factor of factors) if (!Number.isNaN(factor)) square += (factor - mean) ** 2
  const deviation = Math.sqrt(square / count)
  return factors.map((factor) => (factor - mean) / deviation)
}

/** Weights of ratings whose rater and note both have a factor, summed by note and tag. */
export function tagTotals(
  community: Community,
  picked: Picked,
  raterParameters: Parameters,
  noteParameters: Parameters,
): TagTotals {
  const { ratings, noteIds } = community
  const raterPlace = standardized(raterParameters)
  const notePlace = standardized(noteParameters)
  const distance = (at: number) => Math.abs(raterPlace[ratings.rater[at]!]! - notePlace[ratings.note[at]!]!)
  const placed = pick(picked, (at) => !Number.isNaN(distance(at)))
  const near = quantile(Float64Array.from(placed, distance), normalQuantile)
  const width = notHelpfulTags.length
  const total = new Float64Array(noteIds.count)
  const adjusted = new Float64Array(noteIds.count * width)
  for (const at of placed) {
    const note = ratings.note[at]!
    const weight = 1 / (1 + (distance(at) / near) ** steepness)
    total[note]! += weight
    let bits = ratings.tags[at]! >>> helpfulTags.length
    for (let tag = 0; bits !== 0; tag++, bits >>>= 1) if ((bits & 1) === 1) adjusted[note * width + tag]! += weight
  }
  return { total, adjusted }
}

/** For each tag the quantile of its share among the notes marked with 1; 0 where there are none. */
export function tagThresholds({ total, adjusted }: TagTotals, among: Uint8Array, q: number): Float64Array {
  const width = notHelpfulTags.length
  const thresholds = new Float64Array(width)
  for (let tag = 0; tag < width; tag++) {
    const shares: number[] = []
    for (let note = 0; note < total.length; note++)
      if (among[note] === 1 && total[note]! > 0) shares.push(adjusted[note * width + tag]! / total[note]!)
    thresholds[tag] = shares.length === 0 ? 0 : quantile(shares, q)
  }
  return thresholds
}
