// Sums of single-precision numbers, rounded as tensor libraries round them: eight lanes, four accumulators each, whose
// totals cascade through four levels (the scheme of Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput.
// 14, 1993, as eight-lane vector units run it). A descent that stops when its loss stands still needs the same last bits to
// stop at the same step.

const lanes = 8
const accumulators = 4
const width = lanes * accumulators
const levels = 4

/** The sum, correct to about a unit in the last place, and the same to the last bit as eight-lane vector code has it. */
export function singleSum(values: Float32Array): number {
  const vectors = Math.floor(values.length / lanes)
  const rows = Math.floor(vectors / accumulators)
  const power = Math.max(4, Math.floor(Math.ceil(Math.log2(Math.max(1, rows))) / levels))
  const stride = 1 << power
  const totals = Array.from({ length: levels }, () => new Float32Array(width))
  const lowest = totals[0]!
  let row = 0
  const take = () => {
    const from = row * width
    for (let lane = 0; lane < width; lane++) lowest[lane] = lowest[lane]! + values[from + lane]!
    row++
  }
  while (row + stride <= rows) {
    for (let step = 0; step < stride; step++) take()
    for (let level = 1; level < levels; level++) {
      lift(totals[level - 1]!, totals[level]!)
      totals[level - 1]!.fill(0)
      if ((row & ((stride - 1) << (level * power))) !== 0) break
    }
  }
  while (row < rows) take()
  for (let level = 1; level < levels; level++) lift(totals[level]!, lowest)
  for (let vector = rows * accumulators; vector < vectors; vector++)
    for (let lane = 0; lane < lanes; lane++) lowest[lane] = lowest[lane]! + values[vector * lanes + lane]!
  for (let other = 1; other < accumulators; other++)
    for (let lane = 0; lane < lanes; lane++) lowest[lane] = lowest[lane]! + lowest[other * lanes + lane]!
  let sum = 0
  for (let at = vectors * lanes; at < values.length; at++) sum = Math.fround(sum + values[at]!)
  for (let lane = 0; lane < lanes; lane++) sum = Math.fround(sum + lowest[lane]!)
  return sum
}

function lift(from: Float32Array, to: Float32Array): void {
  for (let lane = 0; lane < width; lane++) to[lane] = to[lane]! + from[lane]!
}
