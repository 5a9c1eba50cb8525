// A matrix of which most cells are unknown as `mean + a(row) + a(column) + f(row) f(column)`: an intercept and one factor
// an element, with quadratic penalties (biased matrix factorisation: Koren, Bell, Volinsky, "Matrix factorization
// techniques for recommender systems", IEEE Computer 42, 2009). Solved to its optimum in factorization-exact.ts, and as
// gradient steps in factorization-adam.ts.
import type { Grouped, Observations } from './observations.ts'

/** Intercept and factor of element `e` stand at `2 e` and `2 e + 1` of its side. */
export type Factorization = {
  mean: number
  readonly rows: Float64Array
  readonly columns: Float64Array
}

/**
 * What an element's squared intercept and factor cost, in units of one squared residual. A penalty of `w` times the mean
 * over elements beside the mean over cells is `w * cells / elements` here.
 */
export type Ridge = {
  rowIntercept: number
  rowFactor: number
  columnIntercept: number
  columnFactor: number
  mean: number
}

/** A factorisation of zeros. */
export function emptyFactorization(rowCount: number, columnCount: number): Factorization {
  return { mean: 0, rows: new Float64Array(2 * rowCount), columns: new Float64Array(2 * columnCount) }
}

/** Sum of squared residuals and penalties, over the number of cells. */
export function squaredLoss(cells: Observations, { mean, rows, columns }: Factorization, ridge: Ridge): number {
  let sum = 0
  for (let at = 0; at < cells.value.length; at++) {
    const row = 2 * cells.row[at]!
    const column = 2 * cells.column[at]!
    const residual = cells.value[at]! - mean - rows[row]! - columns[column]! - rows[row + 1]! * columns[column + 1]!
    sum += residual * residual
  }
  return (sum + penaltyOf({ mean, rows, columns }, ridge)) / cells.value.length
}

/** The penalties alone, not divided by anything. */
export function penaltyOf({ mean, rows, columns }: Factorization, ridge: Ridge): number {
  const squares = (side: Float64Array, offset: 0 | 1) => {
    let sum = 0
    for (let at = offset; at < side.length; at += 2) sum += side[at]! * side[at]!
    return sum
  }
  return (
    ridge.rowIntercept * squares(rows, 0) +
    ridge.rowFactor * squares(rows, 1) +
    ridge.columnIntercept * squares(columns, 0) +
    ridge.columnFactor * squares(columns, 1) +
    ridge.mean * mean * mean
  )
}

/**
 * The best intercept and factor of every element of one side while the other stands: a 2 by 2 ridge system an element.
 * Elements without cells become zero.
 */
export function solveSide(
  grouped: Grouped,
  others: Float64Array,
  mean: number,
  interceptRidge: number,
  factorRidge: number,
  solved: Float64Array,
): void {
  const { starts, others: at, values } = grouped
  for (let element = 0, end = starts.length - 1; element < end; element++) {
    const from = starts[element]!
    const to = starts[element + 1]!
    let sumG = 0
    let sumGG = 0
    let sumT = 0
    let sumTG = 0
    for (let cell = from; cell < to; cell++) {
      const other = 2 * at[cell]!
      const g = others[other + 1]!
      const t = values[cell]! - mean - others[other]!
      sumG += g
      sumGG += g * g
      sumT += t
      sumTG += t * g
    }
    solvePair(to - from, sumG, sumGG, sumT, sumTG, interceptRidge, factorRidge, solved, 2 * element)
  }
}

/** Writes the intercept and factor that `count` cells with these sums ask for. Nothing known and no ridge: zeros. */
export function solvePair(
  count: number,
  sumG: number,
  sumGG: number,
  sumT: number,
  sumTG: number,
  interceptRidge: number,
  factorRidge: number,
  solved: Float64Array,
  at: number,
): void {
  const first = count + interceptRidge
  const second = sumGG + factorRidge
  const determinant = first * second - sumG * sumG
  const solvable = determinant > 1e-12 * first * second
  solved[at] = solvable ? (sumT * second - sumTG * sumG) / determinant : first > 0 ? sumT / first : 0
  solved[at + 1] = solvable ? (sumTG * first - sumT * sumG) / determinant : 0
}

/** Turns all factors round when fewer than half of the rows that have one stand on the negative side; says whether it did. */
export function orientFactors({ rows, columns }: Factorization): boolean {
  let negative = 0
  let known = 0
  for (let at = 1; at < rows.length; at += 2) {
    if (rows[at]! < 0) negative++
    if (rows[at]! !== 0) known++
  }
  if (known === 0 || negative / known >= 0.5) return false
  for (const side of [rows, columns]) for (let at = 1; at < side.length; at += 2) side[at] = -side[at]!
  return true
}
