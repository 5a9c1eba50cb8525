// The slow half of a model: who stands where, whose ratings count, and what is ordinary. The fast half, score-notes.ts,
// works with raters as they are left here.
import type { Factorization } from '../kernels/factorization.ts'
import { fitDiligence, type Diligence } from './diligence.ts'
import { afterTables, fitAll, type Fitting } from './fitting.ts'
import { fitHarassment } from './harassment.ts'
import type { Community } from './intake.ts'
import { countsOf, dense, gather, matrixOf, pick, scopeOf, spread, type Parameters, type Picked } from './picking.ts'
import { ofTrusted, reputationOf, taggingHabits, validRatings, type Reputation } from './reputation.ts'
import { preliminaryStatus } from './rules.ts'
import type { ModelSettings } from './settings.ts'
import { helpful } from './status.ts'
import { notHelpfulMask, tagBit } from './table-format.ts'
import { tagThresholds, tagTotals } from './tag-weights.ts'

/** What prescoring leaves of a model. Arrays are by number of a note or person, NaN where a fit says nothing. */
export type Prescored = {
  mean: number
  notes: Parameters
  raters: Parameters
  /** Of the first round, with everybody. */
  firstRaters: Parameters
  firstNotes: Parameters
  /** Undefined for models that take everybody. */
  reputation: Reputation | undefined
  harassment: Parameters
  diligence: Diligence
  tagThresholds: Float64Array
  tagging: { tagged: Int32Array; incorrect: Int32Array }
  /** How much the second fit was made of. */
  counts: { ratings: number; notes: number; raters: number }
}

/** A fit to begin with instead of a random or spectral start: by number, NaN for who is not in it. */
export type KnownStart = { mean: number; raters: Parameters; notes: Parameters }

/**
 * Fits a model on all its ratings, judges raters, fits it again on those of trusted raters, and takes down what is ordinary.
 * `undefined` when no note has enough ratings: a community may be too young for the model, which is no error.
 */
export function prescore(
  fitting: Fitting,
  community: Community,
  settings: ModelSettings,
  known?: KnownStart,
): Prescored | undefined {
  const { ratings, people, noteIds } = community
  const { picked } = scopeOf(community, settings)
  const training = dense(community, picked, settings)
  if (training.length === 0) return undefined

  const first = fitFirst(fitting, community, training, settings, known)
  const statuses = preliminaryStatuses(community, picked, first.notes, settings)
  const reputation = settings.usesReputation
    ? judge(fitting, community, { picked, training, statuses, ...first }, settings)
    : undefined

  const final = reputation === undefined ? training : ofTrusted(community, training, reputation.reputation.trusted)
  // With nobody trusted there is nothing to fit again: everybody stays as in the first round, and nobody scores.
  if (final.length === 0) return undefined
  let second = { ...first, mean: first.mean }
  if (reputation !== undefined) {
    const matrix = matrixOf(community, final)
    const start: Factorization = {
      // The reference starts the mean from zero again.
      mean: fitting.mode === 'compat' ? 0 : first.mean,
      rows: gather(first.raters, matrix.raters),
      columns: gather(first.notes, matrix.notes),
    }
    const model = fitAll(fitting, `${settings.name}: second`, matrix.cells, settings.penalties, start)
    second = {
      mean: model.mean,
      raters: spread(model.rows, matrix.raters, people.count),
      notes: spread(model.columns, matrix.notes, noteIds.count),
    }
  }
  const diligence = fitDiligence(fitting, community, final, second.raters, settings)
  const totals = tagTotals(community, picked, second.raters, second.notes)
  const found = statuses.map((status) => (status === helpful ? 1 : 0))
  return {
    mean: second.mean,
    notes: second.notes,
    raters: second.raters,
    firstRaters: first.raters,
    firstNotes: first.notes,
    reputation: reputation?.reputation,
    harassment: reputation?.harassment ?? new Float64Array(2 * noteIds.count).fill(NaN),
    diligence,
    tagThresholds: tagThresholds(totals, found, settings.rules.tagQuantile),
    tagging: taggingHabits(community, picked, notHelpfulMask, tagBit('notHelpfulIncorrect')),
    counts: {
      ratings: final.length,
      notes: distinct(countsOf(final, ratings.note, noteIds.count)),
      raters: distinct(countsOf(final, ratings.rater, people.count)),
    },
  }
}

const distinct = (counts: Int32Array) => counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0)

type FirstFit = { mean: number; raters: Parameters; notes: Parameters }

/**
 * Everybody. Compat mode begins with one group that knows itself, so that its random start does not swap the sides from run
 * to run; the spectral start of exact mode is the same on every run, and from one group's solution the descent may end in
 * a worse place.
 */
function fitFirst(
  fitting: Fitting,
  community: Community,
  training: Picked,
  settings: ModelSettings,
  known?: KnownStart,
): FirstFit {
  const { people, noteIds } = community
  const matrix = matrixOf(community, training)
  const stable =
    fitting.mode === 'compat' && known === undefined ? fitStable(fitting, community, training, settings) : undefined
  const begin = known ?? stable
  const start =
    begin === undefined
      ? undefined
      : { mean: begin.mean, rows: gather(begin.raters, matrix.raters), columns: gather(begin.notes, matrix.notes) }
  const model = fitAll(fitting, `${settings.name}: first`, matrix.cells, settings.penalties, start)
  return {
    mean: model.mean,
    raters: spread(model.rows, matrix.raters, people.count),
    notes: spread(model.columns, matrix.notes, noteIds.count),
  }
}

/** A fit of one group's ratings of the notes that are mostly its own; `undefined` where there are none. */
function fitStable(
  fitting: Fitting,
  community: Community,
  training: Picked,
  settings: ModelSettings,
): FirstFit | undefined {
  const { ratings, persons, people, noteIds } = community
  const group = settings.stableGroup
  if (group === undefined) return undefined
  // Only enrolled raters are looked at: the shares are of their ratings.
  const enrolled = pick(training, (at) => persons.enrolled[ratings.rater[at]!] === 1)
  const own = pick(enrolled, (at) => persons.group[ratings.rater[at]!] === group)
  const total = countsOf(enrolled, ratings.note, noteIds.count)
  const within = countsOf(own, ratings.note, noteIds.count)
  const chosen = pick(own, (at) => {
    const note = ratings.note[at]!
    return total[note]! >= settings.stableRatingsMin && within[note]! / total[note]! >= settings.stableShareMin
  })
  if (chosen.length === 0) return undefined
  const matrix = matrixOf(community, chosen)
  const { cells } = matrix
  const source = fitting.mode === 'compat' ? afterTables(fitting.seed, cells) : undefined
  const model = fitAll(fitting, `${settings.name}: stable`, cells, settings.penalties, undefined, source)
  return {
    mean: model.mean,
    raters: spread(model.rows, matrix.raters, people.count),
    notes: spread(model.columns, matrix.notes, noteIds.count),
  }
}

/** Status of every note by its intercept alone, of all ratings in scope. */
export function preliminaryStatuses(
  community: Community,
  picked: Picked,
  noteParameters: Parameters,
  settings: ModelSettings,
): Uint8Array {
  const counts = countsOf(picked, community.ratings.note, community.noteIds.count)
  return Uint8Array.from(counts, (ratings, note) =>
    preliminaryStatus(
      {
        ratings,
        classification: community.notes.classification[note]!,
        intercept: noteParameters[2 * note]!,
        factor: noteParameters[2 * note + 1]!,
      },
      settings.rules,
    ),
  )
}

/** Standing of raters: once by what they foresaw, then also by whether they called harassing notes helpful. */
function judge(
  fitting: Fitting,
  community: Community,
  input: FirstFit & { picked: Picked; training: Picked; statuses: Uint8Array },
  settings: ModelSettings,
): { reputation: Reputation; harassment: Parameters } {
  const { picked, training, statuses, raters, notes } = input
  const valid = validRatings(community, picked, statuses, settings.reputation)
  const base = { valid, statuses, noteParameters: notes }
  const before = reputationOf(community, base, settings.reputation)
  const trusted = ofTrusted(community, training, before.trusted)
  const harassment = fitHarassment(fitting, community, trusted, raters, notes, settings)
  const intercepts = Float64Array.from({ length: community.noteIds.count }, (_, note) => harassment[2 * note]!)
  const reputation = reputationOf(
    community,
    { ...base, harassment: { picked: training, intercepts, settings: settings.harassment } },
    settings.reputation,
  )
  return { reputation, harassment }
}
