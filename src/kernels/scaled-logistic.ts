// Marks on the cells of a matrix that is mostly unknown, as the logit
// `base + intercept(row) + scale(row) intercept(column) + factor(row) factor(column)`: how readily a row marks anything, how
// far its marks follow what is true of the column, and what divides rows and columns into sides. Weighted cross entropy with
// quadratic penalties, by Adam (Kingma, Ba, ICLR 2015).
import { softPlus } from './factorization-adam.ts'

/** Cells with a mark (1) or without (0), and what each weighs. */
export type MarkedCells = {
  readonly row: Int32Array
  readonly column: Int32Array
  readonly marked: Uint8Array
  readonly weight: Float32Array
}

export type ScaledModel = {
  base: Float32Array
  rowIntercept: Float32Array
  rowFactor: Float32Array
  rowScale: Float32Array
  columnIntercept: Float32Array
  columnFactor: Float32Array
}
export type ScaledPart = keyof ScaledModel

/** What the square of one element costs, beside the mean weighted cross entropy. */
export type ScaledRidge = Record<ScaledPart, number>

export type ScaledOptions = {
  stepSize: number
  stepsMax: number
  /** Every so many steps the loss is compared; the descent ends when it changed by less than the tolerance. */
  checkEvery: number
  tolerance: number
}

const decay1 = 0.9
const decay2 = 0.999
const epsilon = 1e-8

/** Moves the named parts of the model towards lower loss, in place; answers the last loss and the number of steps. */
export function descendScaled(
  cells: MarkedCells,
  model: ScaledModel,
  moving: readonly ScaledPart[],
  ridge: ScaledRidge,
  options: ScaledOptions,
): { loss: number; steps: number } {
  const parts = moving.map((part) => {
    const values = model[part]
    return {
      part,
      values,
      gradient: new Float64Array(values.length),
      first: new Float32Array(values.length),
      second: new Float32Array(values.length),
    }
  })
  const gradients = Object.fromEntries(parts.map(({ part, gradient }) => [part, gradient])) as Partial<
    Record<ScaledPart, Float64Array>
  >
  let before: number | undefined
  let loss = NaN
  let steps = 0
  for (let epoch = 0; epoch < options.stepsMax; epoch++) {
    loss = slopes(cells, model, gradients)
    for (const part of Object.keys(ridge) as ScaledPart[]) {
      const values = model[part]
      const gradient = gradients[part]
      const weight = ridge[part]
      if (weight === 0) continue
      let square = 0
      for (let at = 0; at < values.length; at++) square += values[at]! * values[at]!
      loss += weight * square
      if (gradient !== undefined) for (let at = 0; at < values.length; at++) gradient[at]! += 2 * weight * values[at]!
    }
    loss = Math.fround(loss)
    if (epoch % options.checkEvery === 0) {
      if (before !== undefined && Math.abs(before - loss) < options.tolerance) break
      before = loss
    }
    steps++
    const rate = options.stepSize / (1 - decay1 ** steps)
    const correction = Math.sqrt(1 - decay2 ** steps)
    for (const { values, gradient, first, second } of parts)
      for (let at = 0; at < values.length; at++) {
        const slope = gradient[at]!
        first[at]! += (slope - first[at]!) * (1 - decay1)
        second[at] = second[at]! * decay2 + slope * slope * (1 - decay2)
        values[at]! -= (rate * first[at]!) / (Math.sqrt(second[at]!) / correction + epsilon)
      }
  }
  return { loss, steps }
}

function slopes(cells: MarkedCells, model: ScaledModel, gradients: Partial<Record<ScaledPart, Float64Array>>): number {
  const { row, column, marked, weight } = cells
  const { rowIntercept, rowFactor, rowScale, columnIntercept, columnFactor } = model
  const toRowIntercept = gradients.rowIntercept?.fill(0)
  const toRowFactor = gradients.rowFactor?.fill(0)
  const toRowScale = gradients.rowScale?.fill(0)
  const toColumnIntercept = gradients.columnIntercept?.fill(0)
  const toColumnFactor = gradients.columnFactor?.fill(0)
  const base = model.base[0]!
  let sum = 0
  let baseSlope = 0
  for (let at = 0; at < row.length; at++) {
    const r = row[at]!
    const c = column[at]!
    const logit = base + rowIntercept[r]! + rowScale[r]! * columnIntercept[c]! + rowFactor[r]! * columnFactor[c]!
    const positive = marked[at] === 1
    sum += weight[at]! * softPlus(positive ? -logit : logit)
    const chance = 1 / (1 + Math.exp(-logit))
    const slope = (weight[at]! * (positive ? chance - 1 : chance)) / row.length
    baseSlope += slope
    if (toRowIntercept !== undefined) toRowIntercept[r]! += slope
    if (toRowFactor !== undefined) toRowFactor[r]! += slope * columnFactor[c]!
    if (toRowScale !== undefined) toRowScale[r]! += slope * columnIntercept[c]!
    if (toColumnIntercept !== undefined) toColumnIntercept[c]! += slope * rowScale[r]!
    if (toColumnFactor !== undefined) toColumnFactor[c]! += slope * rowFactor[r]!
  }
  if (gradients.base !== undefined) gradients.base[0] = baseSlope
  return sum / row.length
}
