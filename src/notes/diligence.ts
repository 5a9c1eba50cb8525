// Notes that careful raters find wrong or badly sourced: how readily somebody tags is told apart from what is true of the
// note, and a rater counts as far as their tags follow it.
import { solveScaled } from '../kernels/scaled-logistic-exact.ts'
import { descendScaled, type MarkedCells, type ScaledModel, type ScaledRidge } from '../kernels/scaled-logistic.ts'
import { afterFactors, reportFit, type Fitting } from './fitting.ts'
import type { Community } from './intake.ts'
import { matrixOf, type Matrix, type Parameters, type Picked } from './picking.ts'
import type { DiligenceSettings, ModelSettings } from './settings.ts'
import { tagBit } from './table-format.ts'

/** By number of a note or person; NaN where the fit says nothing. */
export type Diligence = {
  base: { first: number; second: number; final: number }
  noteIntercept: Float64Array
  noteInterceptSecond: Float64Array
  noteFactor: Float64Array
  raterIntercept: Float64Array
  raterInterceptSecond: Float64Array
  raterFactor: Float64Array
  raterScale: Float64Array
}

/** Ratings a note and ratings a rater that the penalties pretend. */
export type Ratios = { perNote: number; perRater: number }

/**
 * Three rounds on the ratings of the second fit: with every rater's scale at one; with notes standing, to learn the scales;
 * and intercepts alone, where raters weigh by their scale and notes by the root of their weight.
 */
export function fitDiligence(
  fitting: Fitting,
  community: Community,
  picked: Picked,
  raterParameters: Parameters,
  settings: ModelSettings,
): Diligence {
  const matrix = matrixOf(community, picked)
  const { raters, notes } = matrix
  const model = emptyModel(matrix)
  model.rowScale.fill(1)
  for (let row = 0; row < raters.length; row++) model.rowFactor[row] = raterParameters[2 * raters[row]! + 1]!
  if (fitting.mode === 'compat') {
    // The second fit drew random factors that it did not use; the tables of this model are filled from where it stopped.
    const source = afterFactors(fitting.seed, matrix.cells)
    const noteRanks = ranksAmong(notes, community.noteRank)
    const raterRanks = ranksAmong(raters, community.personRank)
    model.columnFactor.set(arranged(source.normals(notes.length), noteRanks))
    source.normals(raters.length)
    model.columnIntercept.set(arranged(source.normals(notes.length), noteRanks))
    model.rowIntercept.set(arranged(source.normals(raters.length), raterRanks))
  }
  const { diligence } = settings
  const ridge = ridgeFor(matrix, diligence)
  const marked = marksOf(community, picked, diligence)
  const plain = cellsOf(matrix, marked, diligence.positiveWeight)
  const round = (name: string, cells: MarkedCells, moving: Moving) => {
    const { steps, loss } = lower(fitting, cells, model, moving, ridge, diligence)
    reportFit(fitting, `${settings.name}: diligence ${name}`, matrix.cells, steps, loss)
    return model.base[0]!
  }
  const first = round('1', plain, ['base', 'rowIntercept', 'rowFactor', 'columnIntercept', 'columnFactor'])
  const second = round('2', plain, ['base', 'rowIntercept', 'rowFactor', 'rowScale', 'columnFactor'])
  const raterInterceptSecond = model.rowIntercept.slice()
  const noteInterceptSecond = model.columnIntercept.slice()
  const final = round('3', finalCells(matrix, marked, model.rowScale, diligence), [
    'base',
    'rowIntercept',
    'columnIntercept',
  ])
  const overNotes = (values: Float32Array) => spreadOne(values, notes, community.noteIds.count)
  const overRaters = (values: Float32Array) => spreadOne(values, raters, community.people.count)
  return {
    base: { first, second, final },
    noteIntercept: overNotes(model.columnIntercept),
    noteInterceptSecond: overNotes(noteInterceptSecond),
    noteFactor: overNotes(model.columnFactor),
    raterIntercept: overRaters(model.rowIntercept),
    raterInterceptSecond: overRaters(raterInterceptSecond),
    raterFactor: overRaters(model.rowFactor),
    raterScale: overRaters(model.rowScale),
  }
}

type Moving = readonly (keyof ScaledModel)[]

/**
 * Intercepts of the notes in the final round, raters standing as the earlier rounds left them: first the notes' factors,
 * then their intercepts. NaN for notes without ratings.
 */
export function scoreDiligence(
  fitting: Fitting,
  community: Community,
  picked: Picked,
  known: Diligence,
  ratios: Ratios,
  settings: ModelSettings,
): Float64Array {
  const matrix = matrixOf(community, picked)
  const { raters, notes } = matrix
  const { diligence } = settings
  const model = emptyModel(matrix)
  // The reference looks start values up by ids that went through floating point, and finds nothing for most of them.
  const knows = (note: number) => fitting.mode === 'exact' || survivesFloat64(community.noteIds.text(note))
  for (let row = 0; row < raters.length; row++) {
    const rater = raters[row]!
    model.rowFactor[row] = orZero(known.raterFactor[rater]!)
    model.rowScale[row] = orZero(known.raterScale[rater]!)
    model.rowIntercept[row] = orZero(known.raterInterceptSecond[rater]!)
  }
  for (let column = 0; column < notes.length; column++) {
    const note = notes[column]!
    if (!knows(note)) continue
    model.columnFactor[column] = orZero(known.noteFactor[note]!)
    model.columnIntercept[column] = orZero(known.noteInterceptSecond[note]!)
  }
  const ridge = ridgeFor(matrix, diligence, ratios)
  const marked = marksOf(community, picked, diligence)
  model.base[0] = known.base.second
  const plain = cellsOf(matrix, marked, diligence.positiveWeight)
  const factors = lower(fitting, plain, model, ['columnFactor'], ridge, diligence)
  reportFit(fitting, `${settings.name}: diligence of factors`, matrix.cells, factors.steps, factors.loss)

  model.base[0] = known.base.final
  for (let row = 0; row < raters.length; row++) model.rowIntercept[row] = orZero(known.raterIntercept[raters[row]!]!)
  const weighed = finalCells(matrix, marked, model.rowScale, diligence)
  const intercepts = lower(fitting, weighed, model, ['columnIntercept'], ridge, diligence)
  reportFit(fitting, `${settings.name}: diligence of notes`, matrix.cells, intercepts.steps, intercepts.loss)
  return spreadOne(model.columnIntercept, notes, community.noteIds.count)
}

const sweepsMax = 60
/** A Newton sweep is worth about ten gradient steps. */
const toleranceOfSweeps = 10

function lower(
  { mode }: Fitting,
  cells: MarkedCells,
  model: ScaledModel,
  moving: Moving,
  ridge: ScaledRidge,
  { descent }: DiligenceSettings,
): { loss: number; steps: number } {
  return mode === 'compat'
    ? descendScaled(cells, model, moving, ridge, descent)
    : solveScaled(cells, model, moving, ridge, {
        tolerance: toleranceOfSweeps * descent.tolerance,
        sweepsMax,
      })
}

/** Place of each member among all of them in the order of ids. */
function ranksAmong(members: Int32Array, ranks: Int32Array): Int32Array {
  const order = Int32Array.from(members.keys()).sort((a, b) => ranks[members[a]!]! - ranks[members[b]!]!)
  const places = new Int32Array(members.length)
  for (let place = 0; place < order.length; place++) places[order[place]!] = place
  return places
}

const arranged = (values: Float32Array, places: Int32Array) => Float32Array.from(places, (place) => values[place]!)

const orZero = (value: number) => (Number.isNaN(value) ? 0 : value)

/** Whether an id is still itself after a stay in a double. */
export function survivesFloat64(id: string): boolean {
  return BigInt(Number(id)) === BigInt(id)
}

function emptyModel({ cells }: Matrix): ScaledModel {
  return {
    base: new Float32Array(1),
    rowIntercept: new Float32Array(cells.rowCount),
    rowFactor: new Float32Array(cells.rowCount),
    rowScale: new Float32Array(cells.rowCount),
    columnIntercept: new Float32Array(cells.columnCount),
    columnFactor: new Float32Array(cells.columnCount),
  }
}

function ridgeFor({ cells }: Matrix, settings: DiligenceSettings, ratios?: Ratios): ScaledRidge {
  const count = cells.value.length
  const perRow = settings.penalty * (ratios === undefined ? 1 / cells.rowCount : ratios.perRater / count)
  const perColumn = settings.penalty * (ratios === undefined ? 1 / cells.columnCount : ratios.perNote / count)
  return {
    base: 0,
    rowIntercept: perRow * settings.raterInterceptMultiplier,
    rowFactor: perRow,
    rowScale: perRow * settings.raterScaleMultiplier,
    columnIntercept: perColumn,
    columnFactor: perColumn,
  }
}

function marksOf(community: Community, picked: Picked, settings: DiligenceSettings): Uint8Array {
  const mask = settings.tags.reduce((bits, tag) => bits | tagBit(tag), 0)
  return Uint8Array.from(picked, (at) => ((community.ratings.tags[at]! & mask) !== 0 ? 1 : 0))
}

function cellsOf({ cells }: Matrix, marked: Uint8Array, positiveWeight: number): MarkedCells {
  const weight = Float32Array.from(marked, (mark) => (mark === 1 ? positiveWeight : 1))
  return { row: cells.row, column: cells.column, marked, weight }
}

/** Raters weigh by a root of their scale, and a note's ratings together by the root of their weight. */
function finalCells(
  { cells }: Matrix,
  marked: Uint8Array,
  scale: Float32Array,
  settings: DiligenceSettings,
): MarkedCells {
  const { reputationExponent, reputationFloor, noteNormExponent } = settings
  const weight = new Float32Array(marked.length)
  const totals = new Float64Array(cells.columnCount).fill(2 ** -20)
  for (let at = 0; at < weight.length; at++) {
    const trust = Math.max(scale[cells.row[at]!]!, 0) ** reputationExponent
    weight[at] =
      (marked[at] === 1 ? settings.finalPositiveWeight : 1) * ((reputationFloor + trust) / (1 + reputationFloor))
    totals[cells.column[at]!]! += weight[at]!
  }
  for (let at = 0; at < weight.length; at++) weight[at]! *= totals[cells.column[at]!]! ** noteNormExponent
  return { row: cells.row, column: cells.column, marked, weight }
}

function spreadOne(values: Float32Array, members: Int32Array, count: number): Float64Array {
  const all = new Float64Array(count).fill(NaN)
  for (let place = 0; place < members.length; place++) all[members[place]!] = values[place]!
  return all
}
