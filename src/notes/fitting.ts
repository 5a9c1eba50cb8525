// One matrix factorisation of ratings, in either mode.
import { descend, type MeanPenalties } from '../kernels/factorization-adam.ts'
import { factorize } from '../kernels/factorization-exact.ts'
import { orientFactors, solveSide, squaredLoss, type Factorization, type Ridge } from '../kernels/factorization.ts'
import { groupByColumn, type Observations } from '../kernels/observations.ts'
import { createMersenneTwister, type MersenneTwister } from '../kernels/mersenne-twister.ts'
import type { FactorPenalties, Mode } from './settings.ts'

/** What a fit came to, for the summary of a run. */
export type FitReport = { fit: string; ratings: number; raters: number; notes: number; steps: number; loss: number }

export type Fitting = {
  mode: Mode
  /** Where compat mode begins at random, it begins where the reference with this seed does. */
  seed: number
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

/** The same penalties for gradient steps. */
export function meanPenalties(penalties: FactorPenalties, columnsPretended?: number): MeanPenalties {
  const { raterIntercept, raterFactor, noteIntercept, noteFactor, mean } = penalties
  return {
    rowIntercept: raterIntercept,
    rowFactor: raterFactor,
    columnIntercept: noteIntercept,
    columnFactor: noteFactor,
    mean,
    columnsPretended,
  }
}

/**
 * Raters, notes and the mean together. With a start, begins there; without, compat mode begins with random factors and
 * exact mode spectrally. Most raters end on the negative side. `drawn` is the source of random factors where it has been
 * drawn from before.
 */
export function fitAll(
  fitting: Fitting,
  name: string,
  cells: Observations,
  penalties: FactorPenalties,
  start?: Factorization,
  drawn?: MersenneTwister,
): Factorization {
  const ridge = ridgeOf(cells, penalties)
  let model: Factorization
  let steps: number
  let loss: number
  if (fitting.mode === 'compat') {
    const from = start ?? randomStart(cells, drawn ?? createMersenneTwister(fitting.seed))
    const stepSize = start === undefined ? stepWithout : stepWithStart
    ;({ model, steps, loss } = descend(cells, meanPenalties(penalties), { start: from, stepSize }))
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
    const columnsPretended = ratio === undefined ? undefined : cells.value.length / ratio
    const { model, steps, loss } = descend(cells, meanPenalties(penalties, columnsPretended), {
      start,
      stepSize: stepWithStart,
      frozen: true,
    })
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

/** Xavier-uniform factors: within the root of six over one more than there are elements, raters first. */
function randomStart(cells: Observations, source: MersenneTwister): Factorization {
  const side = (count: number) => {
    const bound = Math.sqrt(3) * Math.sqrt(2 / (1 + count))
    const values = new Float64Array(2 * count)
    for (let at = 1; at < values.length; at += 2) values[at] = source.uniform(-bound, bound)
    return values
  }
  return { mean: 0, rows: side(cells.rowCount), columns: side(cells.columnCount) }
}

/** The source after a model of this size was made, whose tables are filled with normals before anything else. */
export function afterTables(seed: number, { rowCount, columnCount }: Observations): MersenneTwister {
  const source = createMersenneTwister(seed)
  for (const count of [rowCount, columnCount, rowCount, columnCount]) source.normals(count)
  return source
}

/** The source after random factors were drawn for a fit of this size. */
export function afterFactors(seed: number, { rowCount, columnCount }: Observations): MersenneTwister {
  const source = createMersenneTwister(seed)
  for (let at = 0; at < rowCount + columnCount; at++) source.uint32()
  return source
}
