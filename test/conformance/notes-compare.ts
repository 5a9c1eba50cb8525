// How far a run of the core model is from the reference's, stage by stage.
import { descend } from '../../src/kernels/factorization-adam.ts'
import { factorize } from '../../src/kernels/factorization-exact.ts'
import { squaredLoss } from '../../src/kernels/factorization.ts'
import { fitNotes, meanPenalties, ridgeOf } from '../../src/notes/fitting.ts'
import type { Community } from '../../src/notes/intake.ts'
import type { ScoredNotes } from '../../src/notes/score-notes.ts'
import { coreModel } from '../../src/notes/settings.ts'
import { statusWords } from '../../src/notes/status.ts'
import { fittingOf, numberOf, numbersOf } from './notes-run.ts'
import { fits, startFrom, table, type Fit, type SetName } from './notes-vectors.ts'

export type StageDifference = { fit: string; intercept: number; loss: number }

/** Every stored fit that began in a stored place, made again from there in compat mode: largest difference of an intercept. */
export function stepDifferences(set: SetName): StageDifference[] {
  const all = fits(set)
  return [...all.values()].flatMap((fit) => {
    const begin = beginning(fit, all)
    if (begin === undefined) return []
    const frozen = fit.ratio > 0
    const { model, loss } = descend(
      fit.cells,
      meanPenalties(coreModel.penalties, frozen ? fit.cells.value.length / fit.ratio : undefined),
      { start: begin, stepSize: 0.2, frozen },
    )
    let intercept = 0
    for (let at = 0; at < model.columns.length; at += 2)
      intercept = Math.max(intercept, Math.abs(model.columns[at]! - fit.model.columns[at]!))
    return [{ fit: fit.name, intercept, loss: loss - fit.loss }]
  })
}

function beginning(fit: Fit, all: Map<string, Fit>) {
  const [stable, full, second] = [all.get('stable_init_1')!, all.get('full_init_1')!, all.get('final_round_mf_1')!]
  if (fit.name === stable.name) return undefined
  if (fit.name === full.name) return startFrom(stable, fit, stable.model.mean)
  if (fit.name === second.name) return startFrom(full, fit, 0)
  return { ...startFrom(second, fit, fit.model.mean), rows: fit.model.rows }
}

/** Loss of each fit solved exactly, over the reference's loss on the same cells. */
export function exactLosses(set: SetName): { fit: string; ratio: number }[] {
  return [...fits(set).values()].map((fit) => {
    const ridge = ridgeOf(fit.cells, coreModel.penalties, fit.ratio === 0 ? undefined : fit.ratio)
    const model =
      fit.ratio === 0
        ? factorize(fit.cells, ridge).model
        : {
            ...fit.model,
            columns: fitNotes(fittingOf('exact'), fit.name, fit.cells, coreModel.penalties, fit.model, fit.ratio),
          }
    return { fit: fit.name, ratio: squaredLoss(fit.cells, model, ridge) / squaredLoss(fit.cells, fit.model, ridge) }
  })
}

/** Share of notes whose exact intercept and factor lie on the same side of both thresholds as the reference's. */
export function thresholdAgreement(set: SetName): number {
  const fit = fits(set).get('final_4') ?? fits(set).get('final_3')!
  const columns = fitNotes(fittingOf('exact'), fit.name, fit.cells, coreModel.penalties, fit.model, fit.ratio)
  const { helpfulMin, notHelpfulMax, notHelpfulPerFactor } = coreModel.rules
  const side = (all: Float64Array, at: number) =>
    all[at]! >= helpfulMin ? 1 : all[at]! <= notHelpfulMax + notHelpfulPerFactor * Math.abs(all[at + 1]!) ? -1 : 0
  let same = 0
  for (let at = 0; at < columns.length; at += 2) if (side(columns, at) === side(fit.model.columns, at)) same++
  return same / fit.cells.columnCount
}

export type CoreDifference = {
  /** Notes of the reference, how many have its status, and how many its rules too. */
  notes: number
  statuses: number
  rules: number
  intercept: number
  /** First few that differ: what the reference says, and what this run says. */
  examples: string[]
}

/** The core model's scores beside the reference's table. */
export function coreDifference(community: Community, scored: ScoredNotes, set: SetName): CoreDifference {
  const { notes } = numbersOf(community, set)
  const rows = table(set, 'out-core/core_scored')
  const difference: CoreDifference = { notes: rows.length, statuses: 0, rules: 0, intercept: 0, examples: [] }
  for (const row of rows) {
    const note = notes.get(row.noteId!)!
    const verdict = scored.verdicts[note]
    const status = verdict === undefined ? 'none' : statusWords[verdict.status]
    if (status === row.coreRatingStatus) difference.statuses++
    else if (difference.examples.length < 5)
      difference.examples.push(`${row.noteId}: ${row.coreRatingStatus}, here ${status}`)
    const count = verdict?.rulings.length ?? 0
    if (row.coreActiveRules!.split(',').length === count && status === row.coreRatingStatus) difference.rules++
    const expected = numberOf(row.coreNoteIntercept)
    const found = scored.parameters[2 * note]!
    if (Number.isNaN(expected) !== Number.isNaN(found)) difference.intercept = Infinity
    else if (!Number.isNaN(expected)) difference.intercept = Math.max(difference.intercept, Math.abs(expected - found))
  }
  return difference
}
