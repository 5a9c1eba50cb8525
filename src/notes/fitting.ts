// One matrix factorisation of ratings, in either mode.
import { descend } from '../kernels/factorization-adam.ts'
import { factorize } from '../kernels/factorization-exact.ts'
import {
  orientFactors,
  solveSide,
  squaredLoss,
  type Factorization,
  type Ridge,
} from '../kernels/factorization.ts'
import { groupByColumn, type Observations } from '../kernels/observations.ts'
import type { Random } from '../kernels/random.ts'
import type { FactorPenalties, Mode } from './settings.ts'

/** What a fit came to, for the summary of a run. */
export type FitReport = { fit: string; ratings: number; raters: number; notes: number; steps: number; loss: number }

export type Fitting = {
  mode: Mode
  random: Random
  report: (fit: FitReport) => void
}

const stepWithStart = 0.2
const stepWithout = 1

/** Penalties of means as weights beside sums; `ratio` pretends that many ratings a note. */
export function ridgeOf(cells: Observations, penalties: FactorPenalties, ratio?: number): Ridge {
  const count = cells.value.length
  const perRow = count / cells.rowCount
  const perColumn = ratio ?? count / cells.columnCount
  return {
    rowIntercept: penalties.raterIntercept * perRow,
    rowFactor: penalties.raterFactor * perRow,
    columnIntercept: penalties.noteIntercept * perColumn,
    columnFactor: penalties.noteFactor * perColumn,
    mean: penalties.mean * count,
  }
}

/**
 * Raters, notes and the mean together. With a start, begins there; without, compat mode begins with random factors and
 * exact mode spectrally. Most raters end on the negative side.
 */
export function fitAll(
  fitting: Fitting,
  name: string,
  cells: Observations,
  penalties: FactorPenalties,
  start?: Factorization,
): Factorization {
  const ridge = ridgeOf(cells, penalties)
  let model: Factorization
  let steps: number
  let loss: number
  if (fitting.mode === 'compat') {
    const from = start ?? randomStart(cells, fitting.random.fork(name))
    const stepSize = start === undefined ? stepWithout : stepWithStart
    ;({ model, steps, loss } = descend(cells, ridge, { start: from, stepSize }))
  } else {
    const solved = factorize(cells, ridge, { start })
    ;({ model, sweeps: steps } = solved)
    loss = squaredLoss(cells, model, ridge)
  }
  orientFactors(model)
  reportFit(fitting, name, cells, steps, loss)
  return model
}

/** Notes alone, while raters and the mean stand as in `start`. Sides are left as they are. */
export function fitNotes(
  fitting: Fitting,
  name: string,
  cells: Observations,
  penalties: FactorPenalties,
  start: Factorization,
  ratio?: number,
): Float64Array {
  const ridge = ridgeOf(cells, penalties, ratio)
  if (fitting.mode === 'compat') {
    const { model, steps, loss } = descend(cells, ridge, { start, stepSize: stepWithStart, frozen: true })
    reportFit(fitting, name, cells, steps, loss)
    return model.columns
  }
  const columns = new Float64Array(2 * cells.columnCount)
  solveSide(groupByColumn(cells), start.rows, start.mean, ridge.columnIntercept, ridge.columnFactor, columns)
  reportFit(fitting, name, cells, 1, squaredLoss(cells, { ...start, columns }, ridge))
  return columns
}

/** Tells what a fit came to. */
export function reportFit(fitting: Fitting, fit: string, cells: Observations, steps: number, loss: number): void {
  fitting.report({ fit, ratings: cells.value.length, raters: cells.rowCount, notes: cells.columnCount, steps, loss })
}

/** Xavier-uniform factors: within the root of six over one more than there are elements. */
function randomStart(cells: Observations, random: Random): Factorization {
  const side = (count: number) => {
    const bound = Math.sqrt(6 / (1 + count))
    const values = new Float64Array(2 * count)
    for (let at = 1; at < values.length; at += 2) values[at] = random.between(-bound, bound)
    return values
  }
  return { mean: 0, rows: side(cells.rowCount), columns: side(cells.columnCount) }
}
