// The model of scaled-logistic.ts by Newton steps, columns and rows in turn: with one side standing, every element of the
// other is a logistic regression of at most three unknowns of its own (iteratively reweighted least squares: Green, "Iteratively
// reweighted least squares for maximum likelihood estimation", J. R. Statist. Soc. B 46, 1984).
import { createAnderson } from './anderson.ts'
import { softPlus } from './factorization-adam.ts'
import { orderBy } from './observations.ts'
import type { MarkedCells, ScaledModel, ScaledPart, ScaledRidge } from './scaled-logistic.ts'

export type NewtonOptions = {
  /** Ends when a sweep lowers the loss by less. */
  tolerance: number
  sweepsMax: number
}

/** Longest step of one unknown in one sweep: far from the optimum, the curvature promises too much. */
const stepMax = 2

/** Moves the named parts of the model to lower loss, in place; answers the loss before the last sweep and the sweeps. */
export function solveScaled(
  cells: MarkedCells,
  model: ScaledModel,
  moving: readonly ScaledPart[],
  ridge: ScaledRidge,
  { tolerance, sweepsMax }: NewtonOptions,
): { loss: number; steps: number } {
  const byColumn = arrange(cells.column, cells.row, cells, model.columnIntercept.length)
  const rowsMove = moving.some((part) => part.startsWith('row'))
  const byRow = rowsMove ? arrange(cells.row, cells.column, cells, model.rowIntercept.length) : undefined
  const moves = new Set(moving)
  const size = moving.reduce((sum, part) => sum + model[part].length, 0)
  let state = stateOf(model, moving, size)
  let anderson = createAnderson(size, andersonDepth, growthMax)
  let before = Infinity
  let still = 0
  // Where the last sweep that lowered the loss began, in case that the extrapolation after it overshoots.
  let safe = state
  for (let sweep = 1; ; sweep++) {
    const loss = sweepColumns(byColumn, model, moves, ridge) + penalties(model, ridge)
    // Twice, because an extrapolated state may lie on the same level by chance.
    still = Math.abs(before - loss) < tolerance ? still + 1 : 0
    if (sweep === sweepsMax || still === 2) return { loss, steps: sweep }
    if (byRow === undefined) {
      before = loss
      continue
    }
    if (loss > before) {
      // Back to the last plain step, and on from there without what was learnt.
      setState(model, moving, safe)
      state = safe
      anderson = createAnderson(size, andersonDepth, growthMax)
      before = Infinity
      continue
    }
    before = loss
    sweepRows(byRow, model, moves, ridge)
    const stepped = stateOf(model, moving, size)
    safe = stepped
    state = state.slice()
    anderson.advance(state, stepped)
    setState(model, moving, state)
  }
}

const andersonDepth = 5
const growthMax = 2

/** The moving parameters, end to end. */
function stateOf(model: ScaledModel, parts: readonly ScaledPart[], size: number): Float64Array {
  const state = new Float64Array(size)
  let at = 0
  for (const part of parts) {
    state.set(model[part], at)
    at += model[part].length
  }
  return state
}

function setState(model: ScaledModel, parts: readonly ScaledPart[], state: Float64Array): void {
  let at = 0
  for (const part of parts) {
    model[part].set(state.subarray(at, at + model[part].length))
    at += model[part].length
  }
}

type Arranged = { starts: Int32Array; others: Int32Array; marked: Uint8Array; weight: Float32Array }

function arrange(keys: Int32Array, others: Int32Array, { marked, weight }: MarkedCells, count: number): Arranged {
  const { starts, order } = orderBy(keys, count)
  const arranged = {
    starts,
    others: new Int32Array(order.length),
    marked: new Uint8Array(order.length),
    weight: new Float32Array(order.length),
  }
  for (let place = 0; place < order.length; place++) {
    const at = order[place]!
    arranged.others[place] = others[at]!
    arranged.marked[place] = marked[at]!
    arranged.weight[place] = weight[at]!
  }
  return arranged
}

/** One Newton step of every column, then one of the base from what the columns' steps leave; answers the loss before. */
function sweepColumns(cells: Arranged, model: ScaledModel, moves: Set<ScaledPart>, ridge: ScaledRidge): number {
  const { starts, others, marked, weight } = cells
  const { rowIntercept, rowFactor, rowScale, columnIntercept, columnFactor } = model
  const [interceptMoves, factorMoves] = [moves.has('columnIntercept'), moves.has('columnFactor')]
  const count = weight.length
  const base = model.base[0]!
  const [interceptRidge, factorRidge] = [2 * ridge.columnIntercept * count, 2 * ridge.columnFactor * count]
  let cost = 0
  let baseSlope = 2 * ridge.base * count * base
  let baseCurve = 2 * ridge.base * count
  for (let column = 0; column < columnIntercept.length; column++) {
    const intercept = columnIntercept[column]!
    const factor = columnFactor[column]!
    let slope = 0
    let curve = 0
    let slopeI = interceptRidge * intercept
    let slopeF = factorRidge * factor
    let curveI = interceptRidge
    let curveF = factorRidge
    let cross = 0
    let curveOfI = 0
    let curveOfF = 0
    for (let cell = starts[column]!; cell < starts[column + 1]!; cell++) {
      const row = others[cell]!
      const scale = rowScale[row]!
      const side = rowFactor[row]!
      const logit = base + rowIntercept[row]! + scale * intercept + side * factor
      const positive = marked[cell] === 1
      const chance = 1 / (1 + Math.exp(-logit))
      cost += weight[cell]! * softPlus(positive ? -logit : logit)
      const toward = weight[cell]! * (positive ? chance - 1 : chance)
      const bend = weight[cell]! * chance * (1 - chance)
      slope += toward
      curve += bend
      slopeI += toward * scale
      slopeF += toward * side
      curveI += bend * scale * scale
      curveF += bend * side * side
      cross += bend * scale * side
      curveOfI += bend * scale
      curveOfF += bend * side
    }
    let stepI = 0
    let stepF = 0
    if (interceptMoves && factorMoves) {
      const determinant = curveI * curveF - cross * cross
      if (determinant > 1e-12 * curveI * curveF) {
        stepI = limited((cross * slopeF - curveF * slopeI) / determinant)
        stepF = limited((cross * slopeI - curveI * slopeF) / determinant)
      }
    } else if (interceptMoves && curveI > 0) stepI = limited(-slopeI / curveI)
    else if (factorMoves && curveF > 0) stepF = limited(-slopeF / curveF)
    columnIntercept[column] = intercept + stepI
    columnFactor[column] = factor + stepF
    baseSlope += slope + curveOfI * stepI + curveOfF * stepF
    baseCurve += curve
  }
  if (moves.has('base') && baseCurve > 0) model.base[0] = base + limited(-baseSlope / baseCurve)
  return cost / count
}

/** One Newton step of every row: intercept, factor and scale together, those that move. */
function sweepRows(cells: Arranged, model: ScaledModel, moves: Set<ScaledPart>, ridge: ScaledRidge): void {
  const { starts, others, marked, weight } = cells
  const { rowIntercept, rowFactor, rowScale, columnIntercept, columnFactor } = model
  const [interceptMoves, factorMoves, scaleMoves] = [
    moves.has('rowIntercept'),
    moves.has('rowFactor'),
    moves.has('rowScale'),
  ]
  const count = weight.length
  const base = model.base[0]!
  const [ridgeI, ridgeF, ridgeS] = [
    2 * ridge.rowIntercept * count,
    2 * ridge.rowFactor * count,
    2 * ridge.rowScale * count,
  ]
  for (let row = 0; row < rowIntercept.length; row++) {
    const intercept = rowIntercept[row]!
    const factor = rowFactor[row]!
    const scale = rowScale[row]!
    let [slopeI, slopeF, slopeS] = [ridgeI * intercept, ridgeF * factor, ridgeS * scale]
    let [ii, ff, ss, fi, si, sf] = [ridgeI, ridgeF, ridgeS, 0, 0, 0]
    for (let cell = starts[row]!; cell < starts[row + 1]!; cell++) {
      const column = others[cell]!
      const truth = columnIntercept[column]!
      const side = columnFactor[column]!
      const logit = base + intercept + scale * truth + factor * side
      const chance = 1 / (1 + Math.exp(-logit))
      const toward = weight[cell]! * (marked[cell] === 1 ? chance - 1 : chance)
      const bend = weight[cell]! * chance * (1 - chance)
      slopeI += toward
      slopeF += toward * side
      slopeS += toward * truth
      ii += bend
      ff += bend * side * side
      ss += bend * truth * truth
      fi += bend * side
      si += bend * truth
      sf += bend * side * truth
    }
    // What stands still asks for no step and has no part in the others'.
    if (!interceptMoves) [slopeI, ii, fi, si] = [0, 1, 0, 0]
    if (!factorMoves) [slopeF, ff, fi, sf] = [0, 1, 0, 0]
    if (!scaleMoves) [slopeS, ss, si, sf] = [0, 1, 0, 0]
    const minorI = ff * ss - sf * sf
    const minorF = fi * ss - sf * si
    const minorS = fi * sf - ff * si
    const determinant = ii * minorI - fi * minorF + si * minorS
    if (!(determinant > 1e-14 * ii * ff * ss)) continue
    const solved = (a: number, b: number, c: number) => limited(-(a * slopeI + b * slopeF + c * slopeS) / determinant)
    rowIntercept[row] = intercept + solved(minorI, -minorF, minorS)
    rowFactor[row] = factor + solved(-minorF, ii * ss - si * si, fi * si - ii * sf)
    rowScale[row] = scale + solved(minorS, fi * si - ii * sf, ii * ff - fi * fi)
  }
}

const limited = (step: number) => Math.min(stepMax, Math.max(-stepMax, step))

function penalties(model: ScaledModel, ridge: ScaledRidge): number {
  let sum = 0
  for (const part of Object.keys(ridge) as ScaledPart[]) {
    let square = 0
    for (const value of model[part]) square += value * value
    sum += ridge[part] * square
  }
  return sum
}
