// The fast half of a model: notes from current ratings, with raters as prescoring left them; then the rules.
import { solvePair } from '../kernels/factorization.ts'
import { groupByColumn } from '../kernels/observations.ts'
import { scoreDiligence } from './diligence.ts'
import { fitNotes, ridgeOf, type Fitting } from './fitting.ts'
import { incorrectTotals } from './incorrect.ts'
import type { Community } from './intake.ts'
import {
  countsOf,
  gather,
  matrixOf,
  pick,
  scopeOf,
  spread,
  withNoteRatings,
  type Matrix,
  type Parameters,
  type Picked,
} from './picking.ts'
import type { Prescored } from './prescore.ts'
import { ofTrusted } from './reputation.ts'
import { decide, type NoteEvidence, type Verdict } from './rules.ts'
import type { ModelSettings } from './settings.ts'
import { notHelpfulTags } from './table-format.ts'
import { tagTotals, type TagTotals } from './tag-weights.ts'

/** What a model says of notes, by number. NaN, and no verdict, where it says nothing. */
export type ScoredNotes = {
  parameters: Parameters
  lowerBound: Float64Array
  upperBound: Float64Array
  withoutHighVolume: Float64Array
  withoutCorrelated: Float64Array
  /** By ratings of people drawn at random; and how many of those came from each side. */
  sampled: Float64Array
  sampledSides: readonly [Int32Array, Int32Array]
  diligence: Float64Array
  incorrect: IncorrectColumns
  tags: TagTotals
  /** All ratings in scope, and those by people whom prescoring fitted or judged. */
  ratings: Int32Array
  finalRatings: Int32Array
  verdicts: (Verdict | undefined)[]
  /** Raters of the final fit. */
  raters: Parameters
}
type IncorrectColumns = ReturnType<typeof incorrectTotals>

export type Correlated = Uint8Array

/**
 * Scores every note that the model may speak about. `correlated` marks people whose ratings are left out of one of the
 * safeguard's fits.
 */
export function scoreNotes(
  fitting: Fitting,
  community: Community,
  prescored: Prescored,
  settings: ModelSettings,
  correlated?: Correlated,
): ScoredNotes {
  const { ratings, noteIds, people } = community
  const { picked, captured } = scopeOf(community, settings)
  const ratio = prescored.counts.ratings / prescored.counts.notes
  const fit = (name: string, among: Picked, q: number) => {
    const final = finalRatings(community, among, prescored, settings)
    const matrix = matrixOf(community, final)
    const start = {
      mean: prescored.mean,
      rows: gather(prescored.raters, matrix.raters),
      columns: gather(prescored.notes, matrix.notes),
    }
    const columns = fitNotes(fitting, `${settings.name}: ${name}`, matrix.cells, settings.penalties, start, q)
    return { final, matrix, columns, rows: start.rows }
  }
  const intercepts = ({ matrix, columns }: { matrix: Matrix; columns: Float64Array }) => {
    const all = new Float64Array(noteIds.count).fill(NaN)
    for (let place = 0; place < matrix.notes.length; place++) all[matrix.notes[place]!] = columns[2 * place]!
    return all
  }

  const all = fit('notes', picked, ratio)
  // Where nothing is left out, the fit is the same and need not be made again.
  const without = (name: string, leave: (at: number) => boolean) => {
    const rest = pick(picked, (at) => !leave(at))
    return intercepts(rest.length === picked.length ? all : fit(name, rest, ratio))
  }
  const withoutHighVolume = without('notes without high volume', (at) => community.highVolume[at] === 1)
  const withoutCorrelated = without('notes without correlated', (at) => correlated?.[ratings.rater[at]!] === 1)
  const drawn = pick(picked, (at) => ratings.sampled[at] === 1)
  const sampled =
    drawn.length === 0 ? noNotes(community) : intercepts(fit('notes by sample', drawn, settings.sampledRatio))

  const parameters = spread(all.columns, all.matrix.notes, noteIds.count)
  const raters = spread(all.rows, all.matrix.raters, people.count)
  const bounds = settings.bounds ? boundsOf(fitting, prescored.mean, all, settings) : undefined
  const lowerBound = noNotes(community)
  const upperBound = noNotes(community)
  for (let place = 0; bounds !== undefined && place < all.matrix.notes.length; place++) {
    lowerBound[all.matrix.notes[place]!] = bounds.lower[place]!
    upperBound[all.matrix.notes[place]!] = bounds.upper[place]!
  }
  const ratios = { perNote: ratio, perRater: prescored.counts.ratings / prescored.counts.raters }
  const diligence = scoreDiligence(fitting, community, all.final, prescored.diligence, ratios, settings)
  const tags = tagTotals(community, picked, raters, parameters)
  const incorrect = incorrectTotals(community, picked, raters, parameters, prescored.tagging, settings.rules.incorrect)
  const sides = sidesOf(community, picked, raters)
  const drawnSides = sidesOf(community, drawn, raters)
  const counts = countsOf(picked, ratings.note, noteIds.count)

  const width = notHelpfulTags.length
  const verdicts = Array.from({ length: noteIds.count }, (_, note) => {
    if (captured[note] === 0) return undefined
    const evidence: NoteEvidence = {
      ratings: counts[note]!,
      classification: community.notes.classification[note]!,
      currentStatus: community.notes.history.currentStatus[note]!,
      intercept: parameters[2 * note]!,
      factor: parameters[2 * note + 1]!,
      upperBound: upperBound[note]!,
      sides: [sideAt(sides, 0, note), sideAt(sides, 1, note)],
      tagTotal: tags.total[note]!,
      tagWeights: tags.adjusted.subarray(note * width, (note + 1) * width),
      incorrect: {
        tags: incorrect.tags[note]!,
        voters: incorrect.voters[note]!,
        score: incorrect.score[note]!,
      },
      diligence: diligence[note]!,
      withoutHighVolume: withoutHighVolume[note]!,
      withoutCorrelated: withoutCorrelated[note]!,
    }
    return decide(evidence, settings.rules, prescored.tagThresholds)
  })
  return {
    parameters,
    lowerBound,
    upperBound,
    withoutHighVolume,
    withoutCorrelated,
    sampled,
    sampledSides: [drawnSides.count[0], drawnSides.count[1]],
    diligence,
    incorrect,
    tags,
    ratings: counts,
    finalRatings: countsOf(
      pick(picked, (at) => isKnown(prescored, ratings.rater[at]!)),
      ratings.note,
      noteIds.count,
    ),
    verdicts,
    raters,
  }
}

const isKnown = ({ raters, reputation }: Prescored, person: number): boolean =>
  !Number.isNaN(raters[2 * person]!) ||
  (reputation !== undefined &&
    !(Number.isNaN(reputation.agreeShare[person]!) && Number.isNaN(reputation.ratioDifference[person]!)))

const noNotes = ({ noteIds }: Community) => new Float64Array(noteIds.count).fill(NaN)

/** Ratings of notes with enough ratings, by raters whom prescoring knows and trusts. */
function finalRatings(community: Community, among: Picked, prescored: Prescored, settings: ModelSettings): Picked {
  const { rater } = community.ratings
  const trusted = prescored.reputation?.trusted
  const enough = withNoteRatings(community, among, settings.noteRatingsMin)
  const known = pick(enough, (at) => !Number.isNaN(prescored.raters[2 * rater[at]!]!))
  return trusted === undefined ? known : ofTrusted(community, known, trusted)
}

type FittedNotes = { matrix: Matrix; columns: Float64Array; rows: Float64Array }

/**
 * How far each note's intercept could go: with the same ratings, and with one more that calls it helpful, from somebody as
 * hard to please as the hardest rater and standing at either end or in the middle. Penalties are of plain means.
 */
function boundsOf(
  fitting: Fitting,
  mean: number,
  { matrix, columns, rows }: FittedNotes,
  settings: ModelSettings,
): { lower: Float64Array; upper: Float64Array } {
  const { cells } = matrix
  const extremes = { intercept: Infinity, low: Infinity, high: -Infinity }
  for (let at = 0; at < rows.length; at += 2) {
    extremes.intercept = Math.min(extremes.intercept, rows[at]!)
    extremes.low = Math.min(extremes.low, rows[at + 1]!)
    extremes.high = Math.max(extremes.high, rows[at + 1]!)
  }
  const factors = [extremes.low, 0, extremes.high]
  const fits = fitting.mode === 'compat' ? stepped() : solved()
  const lower = new Float64Array(cells.columnCount)
  const upper = new Float64Array(cells.columnCount)
  for (let column = 0; column < cells.columnCount; column++) {
    const intercepts = fits.map((fit) => fit[2 * column]!)
    lower[column] = Math.min(...intercepts)
    upper[column] = Math.max(...intercepts)
  }
  return { lower, upper }

  function stepped(): Float64Array[] {
    // The three extreme raters belong to every one of the four fits, also where they rated nothing.
    const wide = new Float64Array(rows.length + 6)
    wide.set(rows)
    for (const [at, factor] of factors.entries()) wide.set([extremes.intercept, factor], rows.length + 2 * at)
    return [undefined, ...factors.keys()].map((extra) => {
      const more = extra === undefined ? 0 : cells.columnCount
      const row = new Int32Array(cells.row.length + more)
      const column = new Int32Array(row.length)
      const value = new Float32Array(row.length).fill(1)
      row.set(cells.row)
      column.set(cells.column)
      value.set(cells.value)
      for (let at = 0; at < more; at++) {
        row[cells.row.length + at] = cells.rowCount + extra!
        column[cells.row.length + at] = at
      }
      const extended = { row, column, value, rowCount: cells.rowCount + 3, columnCount: cells.columnCount }
      const name = `${settings.name}: bounds`
      return fitNotes(fitting, name, extended, settings.penalties, { mean, rows: wide, columns })
    })
  }

  function solved(): Float64Array[] {
    const grouped = groupByColumn(cells)
    const fits = Array.from({ length: 4 }, () => new Float64Array(2 * cells.columnCount))
    const plain = ridgeOf(cells, settings.penalties)
    const more = 1 + cells.columnCount / cells.value.length
    for (let column = 0; column < cells.columnCount; column++) {
      let [count, g, gg, t, tg] = [0, 0, 0, 0, 0]
      for (let cell = grouped.starts[column]!; cell < grouped.starts[column + 1]!; cell++) {
        const row = 2 * grouped.others[cell]!
        const factor = rows[row + 1]!
        const rest = grouped.values[cell]! - mean - rows[row]!
        count++
        g += factor
        gg += factor * factor
        t += rest
        tg += rest * factor
      }
      solvePair(count, g, gg, t, tg, plain.columnIntercept, plain.columnFactor, fits[0]!, 2 * column)
      for (const [at, factor] of factors.entries()) {
        const rest = 1 - mean - extremes.intercept
        const [intercept, slope] = [plain.columnIntercept * more, plain.columnFactor * more]
        solvePair(
          count + 1,
          g + factor,
          gg + factor * factor,
          t + rest,
          tg + rest * factor,
          intercept,
          slope,
          fits[at + 1]!,
          2 * column,
        )
      }
    }
    return fits
  }
}

type Sides = {
  count: readonly [Int32Array, Int32Array]
  sum: readonly [Float64Array, Float64Array]
  net: readonly [Int32Array, Int32Array]
}

/** Answers on each note by side: raters with a negative factor, and the others; raters without one are left out. */
function sidesOf(community: Community, picked: Picked, raters: Parameters): Sides {
  const { ratings, noteIds } = community
  const ints = () => [new Int32Array(noteIds.count), new Int32Array(noteIds.count)] as const
  const sides = {
    count: ints(),
    sum: [new Float64Array(noteIds.count), new Float64Array(noteIds.count)] as const,
    net: ints(),
  }
  for (let index = 0; index < picked.length; index++) {
    const at = picked[index]!
    const factor = raters[2 * ratings.rater[at]! + 1]!
    if (Number.isNaN(factor)) continue
    const side = factor < 0 ? 0 : 1
    const note = ratings.note[at]!
    sides.count[side][note]!++
    sides.sum[side][note]! += ratings.value[at]! / 2
    sides.net[side][note]! += ratings.value[at]! - 1
  }
  return sides
}

const sideAt = ({ count, sum, net }: Sides, side: 0 | 1, note: number) => ({
  count: count[side][note]!,
  mean: sum[side][note]! / count[side][note]!,
  net: net[side][note]!,
})
