// Which ratings a fit is made on: arrays of positions among a community's ratings.
import { orderBy, type Observations } from '../kernels/observations.ts'
import type { Community } from './intake.ts'
import type { ModelSettings } from './settings.ts'

/** Positions of ratings; the order in which a fit sums them. */
export type Picked = Int32Array

/** The positions for which `keep` holds. */
export function pick(from: Picked, keep: (at: number) => boolean): Picked {
  const kept = new Int32Array(from.length)
  let count = 0
  for (let index = 0; index < from.length; index++) {
    const at = from[index]!
    if (keep(at)) kept[count++] = at
  }
  return kept.slice(0, count)
}

/** The same ratings rater by rater, in the order of their ids. */
export function byRater({ ratings, personRank }: Community, picked: Picked): Picked {
  const keys = new Int32Array(picked.length)
  for (let index = 0; index < picked.length; index++) keys[index] = personRank[ratings.rater[picked[index]!]!]!
  const { order } = orderBy(keys, personRank.length)
  for (let index = 0; index < order.length; index++) order[index] = picked[order[index]!]!
  return order
}

/** All ratings of a community. */
export function allRatings({ ratings }: Community): Picked {
  const all = new Int32Array(ratings.count)
  for (let at = 0; at < all.length; at++) all[at] = at
  return all
}

/** 1 for people whose ratings a model takes. */
export function inScope({ persons }: Community, settings: ModelSettings): Uint8Array {
  const { groups, includeUnassigned } = settings
  const allowed = new Set(groups)
  return Uint8Array.from(persons.group, (group, person) =>
    groups === undefined || (persons.enrolled[person] === 1 ? allowed.has(group) : includeUnassigned) ? 1 : 0,
  )
}

/** The ratings that a model takes, and which notes it may speak about: 1 where enough of a note's ratings are in scope. */
export function scopeOf(community: Community, settings: ModelSettings): { picked: Picked; captured: Uint8Array } {
  const { ratings, noteIds } = community
  const taken = inScope(community, settings)
  const within = new Int32Array(noteIds.count)
  const total = new Int32Array(noteIds.count)
  for (let at = 0; at < ratings.count; at++) {
    total[ratings.note[at]!]!++
    within[ratings.note[at]!]! += taken[ratings.rater[at]!]!
  }
  const least = settings.captureMin ?? 0
  const captured = Uint8Array.from(total, (count, note) =>
    settings.captureMin === undefined || (count > 0 && within[note]! / count >= least) ? 1 : 0,
  )
  const picked = pick(
    allRatings(community),
    (at) => taken[ratings.rater[at]!] === 1 && (!settings.strict || captured[ratings.note[at]!] === 1),
  )
  return { picked, captured }
}

/** How many of the ratings each note or rater has. */
export function countsOf(picked: Picked, keys: Int32Array, count: number): Int32Array {
  const counts = new Int32Array(count)
  for (let index = 0; index < picked.length; index++) counts[keys[picked[index]!]!]!++
  return counts
}

/** Ratings of notes with enough ratings. */
export function withNoteRatings(community: Community, picked: Picked, least: number): Picked {
  const { note } = community.ratings
  const counts = countsOf(picked, note, community.noteIds.count)
  return pick(picked, (at) => counts[note[at]!]! >= least)
}

/** Notes with enough ratings, of them raters with enough, of them notes once more; not repeated until nothing changes. */
export function dense(community: Community, picked: Picked, settings: ModelSettings): Picked {
  const { rater } = community.ratings
  const first = withNoteRatings(community, picked, settings.noteRatingsMin)
  const counts = countsOf(first, rater, community.people.count)
  const second = pick(first, (at) => counts[rater[at]!]! >= settings.raterRatingsMin)
  return withNoteRatings(community, second, settings.noteRatingsMin)
}

/** Ratings as cells of a matrix without empty rows and columns, and who and what these are. */
export type Matrix = {
  cells: Observations
  /** Rows: numbers of people. */
  raters: Int32Array
  /** Columns: numbers of notes. */
  notes: Int32Array
}

/** Cells with the value of each rating, 0 to 1, or what `valueOf` says of it. */
export function matrixOf(community: Community, picked: Picked, valueOf?: (at: number) => number): Matrix {
  const { note, rater, value } = community.ratings
  const raters = numbering(picked, rater, community.people.count)
  const notes = numbering(picked, note, community.noteIds.count)
  const row = new Int32Array(picked.length)
  const column = new Int32Array(picked.length)
  const values = new Float32Array(picked.length)
  for (let index = 0; index < picked.length; index++) {
    const at = picked[index]!
    row[index] = raters.places[rater[at]!]!
    column[index] = notes.places[note[at]!]!
    values[index] = valueOf === undefined ? value[at]! / 2 : valueOf(at)
  }
  const cells = { row, column, value: values, rowCount: raters.members.length, columnCount: notes.members.length }
  return { cells, raters: raters.members, notes: notes.members }
}

function numbering(picked: Picked, keys: Int32Array, count: number): { places: Int32Array; members: Int32Array } {
  const places = new Int32Array(count).fill(-1)
  const members = new Int32Array(count)
  let next = 0
  for (let index = 0; index < picked.length; index++) {
    const key = keys[picked[index]!]!
    if (places[key] !== -1) continue
    places[key] = next
    members[next++] = key
  }
  return { places, members: members.slice(0, next) }
}

/** Intercept and factor of every person or note, by number; NaN where a fit says nothing. */
export type Parameters = Float64Array

/** Parameters of the members of one side of a matrix, spread over all numbers. */
export function spread(side: Float64Array, members: Int32Array, count: number): Parameters {
  const all = new Float64Array(2 * count).fill(NaN)
  for (let place = 0; place < members.length; place++) {
    all[2 * members[place]!] = side[2 * place]!
    all[2 * members[place]! + 1] = side[2 * place + 1]!
  }
  return all
}

/** Parameters of the members of one side; zeros where nothing is known. */
export function gather(all: Parameters, members: Int32Array): Float64Array {
  const side = new Float64Array(2 * members.length)
  for (let place = 0; place < members.length; place++) {
    const intercept = all[2 * members[place]!]!
    const factor = all[2 * members[place]! + 1]!
    side[2 * place] = Number.isNaN(intercept) ? 0 : intercept
    side[2 * place + 1] = Number.isNaN(factor) ? 0 : factor
  }
  return side
}
