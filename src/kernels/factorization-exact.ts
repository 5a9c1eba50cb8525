// The optimum of a biased one-factor matrix factorisation by alternating least squares with Anderson acceleration, from a
// spectral start. The problem is not convex: small random factors lead into poor local minima, the leading singular vector
// of what the intercepts leave unexplained does not (Keshavan, Montanari, Oh, "Matrix completion from noisy entries",
// JMLR 11, 2010).
import { createAnderson } from './anderson.ts'
import { emptyFactorization, solveSide, type Factorization, type Ridge } from './factorization.ts'
import { groupByColumn, groupByRow, type Grouped, type Observations } from './observations.ts'

export type ExactFit = {
  model: Factorization
  sweeps: number
  /** Whether the largest change came under the tolerance before the sweeps ran out. */
  converged: boolean
}

export type ExactOptions = {
  /** Where to begin; without it, spectrally. */
  start?: Factorization
  /** Largest change of any parameter in one sweep that counts as none. */
  tolerance?: number
  sweepsMax?: number
  /** Called after each sweep with its number and the largest change. */
  onSweep?: (sweep: number, change: number) => void
}

const interceptSweeps = 8
const powerIterations = 30
const andersonDepth = 6
const growthMax = 1.5

/**
 * The factorisation of least squared residuals and penalties. The same cells give the same answer on every run and
 * machine with the same floating point. Takes time in proportion to cells times sweeps, and keeps both groupings of the
 * cells: 16 bytes a cell.
 */
export function factorize(cells: Observations, ridge: Ridge, options: ExactOptions = {}): ExactFit {
  const { tolerance = 1e-6, sweepsMax = 400, onSweep } = options
  const { rowCount, columnCount } = cells
  const byRow = groupByRow(cells)
  const byColumn = groupByColumn(cells)
  const model = emptyFactorization(rowCount, columnCount)
  if (cells.value.length === 0) return { model, sweeps: 0, converged: true }
  if (options.start === undefined) startSpectrally(byRow, byColumn, ridge, model)
  else {
    model.mean = options.start.mean
    model.rows.set(options.start.rows)
    model.columns.set(options.start.columns)
  }

  // Rows and the mean are the state; columns follow from them.
  const size = 2 * rowCount + 1
  const state = new Float64Array(size)
  const stepped = new Float64Array(size)
  const rows = state.subarray(0, 2 * rowCount)
  const nextRows = stepped.subarray(0, 2 * rowCount)
  rows.set(model.rows)
  state[size - 1] = model.mean
  const anderson = createAnderson(size, andersonDepth, growthMax)
  let sweeps = 0
  let converged = false
  while (sweeps < sweepsMax && !converged) {
    sweeps++
    const mean = state[size - 1]!
    solveSide(byColumn, rows, mean, ridge.columnIntercept, ridge.columnFactor, model.columns)
    solveSide(byRow, model.columns, mean, ridge.rowIntercept, ridge.rowFactor, nextRows)
    stepped[size - 1] = meanOf(byColumn, nextRows, model.columns, ridge.mean)
    let change = 0
    for (let at = 0; at < size; at++) change = Math.max(change, Math.abs(stepped[at]! - state[at]!))
    onSweep?.(sweeps, change)
    converged = change < tolerance
    if (converged) state.set(stepped)
    else anderson.advance(state, stepped)
  }
  model.mean = state[size - 1]!
  model.rows.set(rows)
  solveSide(byColumn, model.rows, model.mean, ridge.columnIntercept, ridge.columnFactor, model.columns)
  return { model, sweeps, converged }
}

/** The mean that explains what both sides leave, shrunk by its ridge. */
function meanOf(byColumn: Grouped, rows: Float64Array, columns: Float64Array, ridge: number): number {
  const { starts, others, values } = byColumn
  let sum = 0
  for (let column = 0, end = starts.length - 1; column < end; column++) {
    const intercept = columns[2 * column]!
    const factor = columns[2 * column + 1]!
    for (let cell = starts[column]!; cell < starts[column + 1]!; cell++) {
      const row = 2 * others[cell]!
      sum += values[cell]! - intercept - rows[row]! - rows[row + 1]! * factor
    }
  }
  return sum / (values.length + ridge)
}

/** Intercepts by alternating sweeps, then factors along the leading singular vectors of the residuals over root degrees. */
function startSpectrally(byRow: Grouped, byColumn: Grouped, ridge: Ridge, model: Factorization): void {
  const { rows, columns } = model
  const cells = byRow.values.length
  for (let sweep = 0; sweep < interceptSweeps; sweep++) {
    model.mean = meanOf(byColumn, rows, columns, ridge.mean)
    // An infinite ridge keeps the factors at zero.
    solveSide(byRow, columns, model.mean, ridge.rowIntercept, Infinity, rows)
    solveSide(byColumn, rows, model.mean, ridge.columnIntercept, Infinity, columns)
  }
  const rowCount = byRow.starts.length - 1
  const columnCount = byColumn.starts.length - 1
  const rowScale = rootDegrees(byRow.starts)
  const columnScale = rootDegrees(byColumn.starts)
  const left = new Float64Array(rowCount)
  const right = new Float64Array(columnCount)
  // Any fixed vector that no symmetry of the data singles out: steps of the golden ratio.
  for (let column = 0; column < columnCount; column++)
    right[column] = (((column + 1) * 0.618_033_988_749_895) % 1) - 0.5
  let strength = normalize(right)
  for (let round = 0; round < powerIterations && strength > 0; round++) {
    multiply(byRow, rows, columns, model.mean, right, rowScale, columnScale, left)
    normalize(left)
    multiply(byColumn, columns, rows, model.mean, left, columnScale, rowScale, right)
    strength = normalize(right)
  }
  // The residual of a cell is about cells * strength * left * right / (root degrees of both).
  const scale = Math.sqrt(strength * cells)
  for (let row = 0; row < rowCount; row++) rows[2 * row + 1] = scale * left[row]! * rowScale[row]!
  for (let column = 0; column < columnCount; column++)
    columns[2 * column + 1] = scale * right[column]! * columnScale[column]!
}

/** One over the root of the number of cells of each element; zero where there are none. */
function rootDegrees(starts: Int32Array): Float64Array {
  const scale = new Float64Array(starts.length - 1)
  for (let element = 0; element < scale.length; element++) {
    const degree = starts[element + 1]! - starts[element]!
    scale[element] = degree === 0 ? 0 : 1 / Math.sqrt(degree)
  }
  return scale
}

/** Residuals of the intercepts, divided by both root degrees, times a vector over the other side. */
function multiply(
  grouped: Grouped,
  own: Float64Array,
  other: Float64Array,
  mean: number,
  vector: Float64Array,
  ownScale: Float64Array,
  otherScale: Float64Array,
  product: Float64Array,
): void {
  const { starts, others, values } = grouped
  for (let element = 0; element < product.length; element++) {
    const known = mean + own[2 * element]!
    let sum = 0
    for (let cell = starts[element]!; cell < starts[element + 1]!; cell++) {
      const at = others[cell]!
      sum += (values[cell]! - known - other[2 * at]!) * vector[at]! * otherScale[at]!
    }
    product[element] = sum * ownScale[element]!
  }
}

/** Makes the vector one long; answers how long it was. */
function normalize(vector: Float64Array): number {
  let square = 0
  for (let at = 0; at < vector.length; at++) square += vector[at]! * vector[at]!
  const length = Math.sqrt(square)
  if (length > 0) for (let at = 0; at < vector.length; at++) vector[at]! /= length
  return length
}
