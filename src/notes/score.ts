// The scorer from tables to verdicts.
import type { Fitting, FitReport } from './fitting.ts'
import { takeIn, type Community } from './intake.ts'
import { prescore, type Prescored } from './prescore.ts'
import { scoreNotes, type ScoredNotes } from './score-notes.ts'
import type { ScoringSettings } from './settings.ts'
import type { Tables } from './tables.ts'

export type Scored = {
  community: Community
  /** Undefined when no note has enough ratings by raters with enough: the community is too young for the model. */
  core: { prescored: Prescored; scored: ScoredNotes } | undefined
  fits: FitReport[]
}

/**
 * Scores everything in the tables. The same tables and settings give the same answer; `onFit` hears of each fit when it is
 * done.
 */
export function score(tables: Tables, settings: ScoringSettings, onFit: (fit: FitReport) => void = () => {}): Scored {
  const community = takeIn(tables, settings.intake)
  const fits: FitReport[] = []
  const fitting: Fitting = {
    mode: settings.mode,
    seed: settings.seed,
    report(fit) {
      fits.push(fit)
      onFit(fit)
    },
  }
  const prescored = prescore(fitting, community, settings.core)
  if (prescored === undefined) return { community, core: undefined, fits }
  return { community, core: { prescored, scored: scoreNotes(fitting, community, prescored, settings.core) }, fits }
}
