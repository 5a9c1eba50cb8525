// Which notes raters of both sides call harassment: the same factorisation, of a tag instead of an answer.
import { descend } from '../kernels/factorization-adam.ts'
import type { Factorization } from '../kernels/factorization.ts'
import { solveScaled } from '../kernels/scaled-logistic-exact.ts'
import type { ScaledModel, ScaledPart } from '../kernels/scaled-logistic.ts'
import { meanPenalties, reportFit, type Fitting } from './fitting.ts'
import type { Community } from './intake.ts'
import { dense, gather, matrixOf, pick, spread, type Parameters, type Picked } from './picking.ts'
import type { ModelSettings } from './settings.ts'
import { tagBit } from './table-format.ts'

const stepSize = 2

/**
 * Intercept and factor of each note for the harassment tag; NaN for all where nobody, or everybody, used it. Starts from
 * twice the factors of the answers, which keeps the sides apart.
 */
export function fitHarassment(
  fitting: Fitting,
  community: Community,
  picked: Picked,
  raterParameters: Parameters,
  noteParameters: Parameters,
  settings: ModelSettings,
): Parameters {
  const { ratings, noteIds } = community
  const harassment = tagBit('notHelpfulSpamHarassmentOrAbuse')
  const other = tagBit('notHelpfulOther')
  const saidHelpful = 3
  const labelled = pick(
    picked,
    (at) =>
      ratings.createdMs[at]! >= settings.harassment.sinceMs &&
      (ratings.level[at] === saidHelpful || (ratings.tags[at]! & (harassment | other)) !== 0),
  )
  const fitted = dense(community, labelled, settings)
  const labelOf = (at: number) => ((ratings.tags[at]! & harassment) !== 0 ? 1 : 0)
  const { cells, raters, notes } = matrixOf(community, fitted, labelOf)
  const positive = cells.value.reduce((sum, label) => sum + label, 0)
  if (positive === 0 || positive === cells.value.length) return new Float64Array(2 * noteIds.count).fill(NaN)
  const share = positive / cells.value.length
  const start = {
    mean: 0,
    rows: doubled(gather(raterParameters, raters)),
    columns: doubled(gather(noteParameters, notes)),
  }
  const { model, steps, loss } = descend(cells, meanPenalties(settings.penalties), {
    start,
    stepSize,
    loss: { kind: 'logistic', positiveWeight: (1 - share) / share },
  })
  reportFit(fitting, `${settings.name}: harassment`, cells, steps, loss)
  return fitting.mode === 'exact' ? solved(model) : spread(model.columns, notes, noteIds.count)

  // The problem has several minima: gradient steps choose one, Newton steps go to its bottom.
  function solved(near: Factorization): Parameters {
    const take = (side: Float64Array, offset: 0 | 1) =>
      Float32Array.from({ length: side.length / 2 }, (_, at) => side[2 * at + offset]!)
    const model: ScaledModel = {
      base: Float32Array.of(near.mean),
      rowIntercept: take(near.rows, 0),
      rowFactor: take(near.rows, 1),
      rowScale: new Float32Array(raters.length).fill(1),
      columnIntercept: take(near.columns, 0),
      columnFactor: take(near.columns, 1),
    }
    const marked = Uint8Array.from(cells.value)
    const weight = Float32Array.from(marked, (mark) => (mark === 1 ? (1 - share) / share : 1))
    const { raterIntercept, raterFactor, noteIntercept, noteFactor, mean } = settings.penalties
    const ridge = {
      base: mean,
      rowIntercept: raterIntercept / raters.length,
      rowFactor: raterFactor / raters.length,
      rowScale: 0,
      columnIntercept: noteIntercept / notes.length,
      columnFactor: noteFactor / notes.length,
    }
    const marks = { row: cells.row, column: cells.column, marked, weight }
    const moving: ScaledPart[] = ['base', 'rowIntercept', 'rowFactor', 'columnIntercept', 'columnFactor']
    const { steps, loss } = solveScaled(marks, model, moving, ridge, { tolerance: 1e-5, sweepsMax: 60 })
    reportFit(fitting, `${settings.name}: harassment`, cells, steps, loss)
    const columns = new Float64Array(2 * notes.length)
    for (let at = 0; at < notes.length; at++) columns.set([model.columnIntercept[at]!, model.columnFactor[at]!], 2 * at)
    return spread(columns, notes, noteIds.count)
  }
}

/** No intercepts, and factors twice as large. */
function doubled(side: Float64Array): Float64Array {
  return side.map((value, at) => (at % 2 === 0 ? 0 : 2 * value))
}
