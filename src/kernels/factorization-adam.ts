// A biased one-factor matrix factorisation by full-batch gradient steps in single precision: Adam (Kingma, Ba, "Adam: a
// method for stochastic optimization", ICLR 2015) with the gradient clipped to length one. It stops early, short of the
// optimum, and is here for those who must agree with a run that did the same; factorization-exact.ts solves it.
import type { Factorization, Ridge } from './factorization.ts'
import type { Observations } from './observations.ts'

export type AdamOptions = {
  start: Factorization
  stepSize: number
  /** Stands still: rows and the mean. */
  frozen?: boolean
  /** What a cell costs: its squared residual, or the cross entropy of its logit, ones weighing `positiveWeight`. */
  loss?: { kind: 'squared' } | { kind: 'logistic'; positiveWeight: number }
  /** Stops when the loss changes by no more. */
  tolerance?: number
  /** After so many steps, stops as soon as the loss rises. */
  patience?: number
  onStep?: (step: number, loss: number) => void
}

export type AdamFit = { model: Factorization; steps: number; loss: number }

const decay1 = 0.9
const decay2 = 0.999
const epsilon = 1e-8

/** Moments and values of a block of parameters, in single precision as they were trained there. */
type Block = { values: Float32Array; gradient: Float64Array; first: Float32Array; second: Float32Array }

const blockOf = (values: Float32Array): Block => ({
  values,
  gradient: new Float64Array(values.length),
  first: new Float32Array(values.length),
  second: new Float32Array(values.length),
})

/** Gradient steps from a start until the loss stands still. The same input gives the same output. */
export function descend(cells: Observations, ridge: Ridge, options: AdamOptions): AdamFit {
  const { start, stepSize, frozen = false, tolerance = 1e-7, patience = 100, onStep } = options
  const loss = options.loss ?? { kind: 'squared' }
  const rows = blockOf(Float32Array.from(start.rows))
  const columns = blockOf(Float32Array.from(start.columns))
  const mean = blockOf(Float32Array.of(start.mean))
  const moving = frozen ? [columns] : [rows, columns, mean]
  const evaluate = (): number =>
    Math.fround(
      loss.kind === 'squared'
        ? squaredGradients(cells, rows, columns, mean, ridge, frozen)
        : logisticGradients(cells, rows, columns, mean, ridge, frozen, loss.positiveWeight),
    )
  let before = 1e10
  let now = evaluate()
  let steps = 0
  while (Math.abs(now - before) > tolerance && !(steps > patience && now > before)) {
    before = now
    let square = 0
    for (const { gradient } of moving) for (let at = 0; at < gradient.length; at++) square += gradient[at]! ** 2
    const clip = Math.min(1, 1 / (Math.sqrt(square) + 1e-6))
    steps++
    for (const block of moving) step(block, clip, stepSize, steps)
    now = evaluate()
    onStep?.(steps, now)
  }
  const model = {
    mean: mean.values[0]!,
    rows: Float64Array.from(rows.values),
    columns: Float64Array.from(columns.values),
  }
  return { model, steps, loss: now }
}

/** One Adam step of a block: `stepSize` over the bias-corrected moments. */
export function step({ values, gradient, first, second }: Block, clip: number, stepSize: number, count: number): void {
  const rate = stepSize / (1 - decay1 ** count)
  const correction = Math.sqrt(1 - decay2 ** count)
  for (let at = 0; at < values.length; at++) {
    const slope = gradient[at]! * clip
    first[at]! += (slope - first[at]!) * (1 - decay1)
    second[at] = second[at]! * decay2 + slope * slope * (1 - decay2)
    values[at]! -= (rate * first[at]!) / (Math.sqrt(second[at]!) / correction + epsilon)
  }
}

function squaredGradients(
  cells: Observations,
  rows: Block,
  columns: Block,
  mean: Block,
  ridge: Ridge,
  frozen: boolean,
): number {
  const { row, column, value } = cells
  const rowValues = rows.values
  const columnValues = columns.values
  const rowGradient = rows.gradient.fill(0)
  const columnGradient = columns.gradient.fill(0)
  const middle = mean.values[0]!
  const scale = 2 / value.length
  let sum = 0
  let meanSlope = 0
  for (let at = 0; at < value.length; at++) {
    const r = 2 * row[at]!
    const c = 2 * column[at]!
    const rowFactor = rowValues[r + 1]!
    const columnFactor = columnValues[c + 1]!
    const residual = middle + rowValues[r]! + columnValues[c]! + rowFactor * columnFactor - value[at]!
    sum += residual * residual
    const slope = residual * scale
    columnGradient[c]! += slope
    columnGradient[c + 1]! += slope * rowFactor
    if (frozen) continue
    meanSlope += slope
    rowGradient[r]! += slope
    rowGradient[r + 1]! += slope * columnFactor
  }
  mean.gradient[0] = meanSlope
  return sum / value.length + penaltyGradients(rows, columns, mean, ridge, value.length)
}

function logisticGradients(
  cells: Observations,
  rows: Block,
  columns: Block,
  mean: Block,
  ridge: Ridge,
  frozen: boolean,
  positiveWeight: number,
): number {
  const { row, column, value } = cells
  const rowGradient = rows.gradient.fill(0)
  const columnGradient = columns.gradient.fill(0)
  const middle = mean.values[0]!
  let sum = 0
  let meanSlope = 0
  for (let at = 0; at < value.length; at++) {
    const r = 2 * row[at]!
    const c = 2 * column[at]!
    const rowFactor = rows.values[r + 1]!
    const columnFactor = columns.values[c + 1]!
    const logit = middle + rows.values[r]! + columns.values[c]! + rowFactor * columnFactor
    const positive = value[at]! > 0.5
    sum += positive ? positiveWeight * softPlus(-logit) : softPlus(logit)
    const chance = 1 / (1 + Math.exp(-logit))
    const slope = (positive ? positiveWeight * (chance - 1) : chance) / value.length
    columnGradient[c]! += slope
    columnGradient[c + 1]! += slope * rowFactor
    if (frozen) continue
    meanSlope += slope
    rowGradient[r]! += slope
    rowGradient[r + 1]! += slope * columnFactor
  }
  mean.gradient[0] = meanSlope
  return sum / value.length + penaltyGradients(rows, columns, mean, ridge, value.length)
}

/** ln(1 + e^x) without overflow. */
export function softPlus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))
}

/** Adds the penalties' slopes; answers what they cost a cell. */
function penaltyGradients(rows: Block, columns: Block, mean: Block, ridge: Ridge, count: number): number {
  const side = ({ values, gradient }: Block, offset: 0 | 1, weight: number) => {
    let square = 0
    for (let at = offset; at < values.length; at += 2) {
      square += values[at]! * values[at]!
      gradient[at]! += (2 * weight * values[at]!) / count
    }
    return (weight * square) / count
  }
  const cost =
    side(rows, 0, ridge.rowIntercept) +
    side(rows, 1, ridge.rowFactor) +
    side(columns, 0, ridge.columnIntercept) +
    side(columns, 1, ridge.columnFactor)
  mean.gradient[0]! += (2 * ridge.mean * mean.values[0]!) / count
  return cost + (ridge.mean * mean.values[0]! ** 2) / count
}
