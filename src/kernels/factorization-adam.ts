// A biased one-factor matrix factorisation by full-batch gradient steps in single precision: Adam (Kingma, Ba, "Adam: a
// method for stochastic optimization", ICLR 2015) with the gradient clipped to length one. It stops early, short of the
// optimum, and is here for those who must agree with a run that did the same; factorization-exact.ts solves it.
import type { Factorization } from './factorization.ts'
import type { Observations } from './observations.ts'
import { singleSum } from './single-sum.ts'

/** What the mean square over the elements of a side costs, beside the mean over cells. */
export type MeanPenalties = {
  rowIntercept: number
  rowFactor: number
  columnIntercept: number
  columnFactor: number
  mean: number
  /** Divides the sum of the columns' squares, instead of how many they are. */
  columnsPretended?: number
}

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

/** What each cell costs, and its slope. */
type Scratch = { costs: Float32Array; slopes: Float32Array }

const decay1 = 0.9
const decay2 = 0.999
const epsilon = 1e-8

/** Moments and values of a block of parameters, in single precision as they were trained there. */
type Block = { values: Float32Array; gradient: Float32Array; first: Float32Array; second: Float32Array }

const blockOf = (values: Float32Array): Block => ({
  values,
  gradient: new Float32Array(values.length),
  first: new Float32Array(values.length),
  second: new Float32Array(values.length),
})

/** Gradient steps from a start until the loss stands still. The same input gives the same output. */
export function descend(cells: Observations, penalties: MeanPenalties, options: AdamOptions): AdamFit {
  const { start, stepSize, frozen = false, tolerance = 1e-7, patience = 100, onStep } = options
  const loss = options.loss ?? { kind: 'squared' }
  const rows = blockOf(Float32Array.from(start.rows))
  const columns = blockOf(Float32Array.from(start.columns))
  const mean = blockOf(Float32Array.of(start.mean))
  const moving = frozen ? [columns] : [rows, columns, mean]
  const scratch = { costs: new Float32Array(cells.value.length), slopes: new Float32Array(cells.value.length) }
  const evaluate = (): number =>
    loss.kind === 'squared'
      ? squaredGradients(cells, rows, columns, mean, penalties, frozen, scratch)
      : logisticGradients(cells, rows, columns, mean, penalties, frozen, loss.positiveWeight, scratch)
  let before = 1e10
  let now = evaluate()
  let steps = 0
  while (Math.abs(now - before) > tolerance && !(steps > patience && now > before)) {
    before = now
    let square = 0
    for (const { gradient } of moving) for (let at = 0; at < gradient.length; at++) square += gradient[at]! ** 2
    const clip = Math.min(1, round(1 / round(round(Math.sqrt(square)) + 1e-6)))
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

/** One Adam step of a block, rounded to single precision after every operation. */
function step({ values, gradient, first, second }: Block, clip: number, stepSize: number, count: number): void {
  const rate = round(-stepSize / (1 - decay1 ** count))
  const correction = round(Math.sqrt(1 - decay2 ** count))
  const [newShare1, oldShare2, newShare2] = [round(1 - decay1), round(decay2), round(1 - decay2)]
  for (let at = 0; at < values.length; at++) {
    const slope = round(gradient[at]! * clip)
    first[at] = first[at]! + newShare1 * round(slope - first[at]!)
    second[at] = round(second[at]! * oldShare2) + round(round(newShare2 * slope) * slope)
    const size = round(round(round(Math.sqrt(second[at]!)) / correction) + round(epsilon))
    values[at] = values[at]! + round(round(rate * first[at]!) / size)
  }
}

const round = Math.fround

function squaredGradients(
  cells: Observations,
  rows: Block,
  columns: Block,
  mean: Block,
  penalties: MeanPenalties,
  frozen: boolean,
  { costs, slopes }: Scratch,
): number {
  const { row, column, value } = cells
  const rowValues = rows.values
  const columnValues = columns.values
  const rowGradient = rows.gradient.fill(0)
  const columnGradient = columns.gradient.fill(0)
  const middle = mean.values[0]!
  const share = round(1 / value.length)
  for (let at = 0; at < value.length; at++) {
    const r = 2 * row[at]!
    const c = 2 * column[at]!
    const rowFactor = rowValues[r + 1]!
    const columnFactor = columnValues[c + 1]!
    const predicted = round(round(round(rowValues[r]! + columnValues[c]!) + round(rowFactor * columnFactor)) + middle)
    const residual = round(predicted - value[at]!)
    costs[at] = residual * residual
    const slope = round(2 * residual * share)
    slopes[at] = slope
    columnGradient[c] = columnGradient[c]! + slope
    columnGradient[c + 1] = columnGradient[c + 1]! + round(slope * rowFactor)
    if (frozen) continue
    rowGradient[r] = rowGradient[r]! + slope
    rowGradient[r + 1] = rowGradient[r + 1]! + round(slope * columnFactor)
  }
  if (!frozen) mean.gradient[0] = singleSum(slopes)
  return addPenalties(round(singleSum(costs) / value.length), rows, columns, mean, penalties)
}

function logisticGradients(
  cells: Observations,
  rows: Block,
  columns: Block,
  mean: Block,
  penalties: MeanPenalties,
  frozen: boolean,
  positiveWeight: number,
  { costs, slopes }: Scratch,
): number {
  const { row, column, value } = cells
  const rowGradient = rows.gradient.fill(0)
  const columnGradient = columns.gradient.fill(0)
  const middle = mean.values[0]!
  const share = round(1 / value.length)
  const weight = round(positiveWeight)
  for (let at = 0; at < value.length; at++) {
    const r = 2 * row[at]!
    const c = 2 * column[at]!
    const rowFactor = rows.values[r + 1]!
    const columnFactor = columns.values[c + 1]!
    const logit = round(round(round(rows.values[r]! + columns.values[c]!) + round(rowFactor * columnFactor)) + middle)
    const positive = value[at]! > 0.5
    const below = round(Math.min(0, logit) - round(Math.log1p(round(Math.exp(-Math.abs(logit))))))
    const chance = round(1 / round(1 + round(Math.exp(-logit))))
    costs[at] = positive ? round(-round(below * weight)) : logit - below
    const slope = round(round(positive ? round(round(weight * chance) - weight) : chance) * share)
    slopes[at] = slope
    columnGradient[c] = columnGradient[c]! + slope
    columnGradient[c + 1] = columnGradient[c + 1]! + round(slope * rowFactor)
    if (frozen) continue
    rowGradient[r] = rowGradient[r]! + slope
    rowGradient[r + 1] = rowGradient[r + 1]! + round(slope * columnFactor)
  }
  if (!frozen) mean.gradient[0] = singleSum(slopes)
  return addPenalties(round(singleSum(costs) / value.length), rows, columns, mean, penalties)
}

/** ln(1 + e^x) without overflow. */
export function softPlus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))
}

/** Adds the penalties to the loss, in the order in which they are summed in single precision, and their slopes. */
function addPenalties(loss: number, rows: Block, columns: Block, mean: Block, penalties: MeanPenalties): number {
  const side = ({ values, gradient }: Block, offset: 0 | 1, weight: number, pretended?: number) => {
    const count = values.length / 2
    const share = pretended === undefined ? round(round(weight) / count) : round(round(1 / pretended) * round(weight))
    const squares = new Float32Array(count)
    for (let at = offset; at < values.length; at += 2) {
      squares[at >> 1] = values[at]! * values[at]!
      gradient[at] = gradient[at]! + round(share * round(2 * values[at]!))
    }
    const sum = singleSum(squares)
    return pretended === undefined
      ? round(round(weight) * round(sum / count))
      : round(round(round(weight) * sum) / pretended)
  }
  const pretended = penalties.columnsPretended === undefined ? undefined : round(penalties.columnsPretended)
  let penalty = side(rows, 1, penalties.rowFactor)
  penalty = round(penalty + side(rows, 0, penalties.rowIntercept))
  penalty = round(penalty + side(columns, 1, penalties.columnFactor, pretended))
  penalty = round(penalty + side(columns, 0, penalties.columnIntercept, pretended))
  const middle = mean.values[0]!
  mean.gradient[0] = mean.gradient[0]! + round(round(penalties.mean) * round(2 * middle))
  penalty = round(penalty + round(round(penalties.mean) * round(middle * middle)))
  return round(loss + penalty)
}
