// From tables to what scoring works on: which ratings count, and which of them come from people who rate very much.
import { orderBy } from '../kernels/observations.ts'
import { quantile } from '../kernels/quantile.ts'
import type { IntakeSettings } from './settings.ts'
import { notMisleading } from './status.ts'
import { arrangeRatings, selectRatings } from './read-ratings.ts'
import type { RatingColumns, Tables } from './tables.ts'

export type Community = Tables & {
  /** 1 for ratings of people with more ratings than nearly everybody, in one of the windows. These stand last. */
  highVolume: Uint8Array
  /** Place of each person, and of each note, in the order of their ids. */
  personRank: Int32Array
  noteRank: Int32Array
}

const dayMs = 86_400_000

/**
 * Leaves out ratings of notes that say a post does not mislead from before such notes were asked for, and marks ratings
 * of high-volume raters: more than the quantile over those who rated in a window before the newest rating.
 */
export function takeIn(tables: Tables, settings: IntakeSettings): Community {
  const { notes } = tables
  const kept = new Uint8Array(tables.ratings.count)
  for (let at = 0; at < kept.length; at++) {
    const note = tables.ratings.note[at]!
    const left = notes.classification[note] === notMisleading && notes.createdMs[note]! <= settings.notMisleadingSinceMs
    kept[at] = left ? 0 : 1
  }
  const ratings = kept.includes(0) ? selectRatings(tables.ratings, kept) : tables.ratings
  const highVolume = highVolumeOf(ratings, tables, settings)
  // Fits that stop early depend on the order of their sums: it is that of the reference.
  const { order } = orderBy(Int32Array.from(highVolume), 2)
  return {
    ...tables,
    ratings: arrangeRatings(ratings, order),
    highVolume: highVolume.sort(),
    personRank: ranksOf(tables.people.sorted(false)),
    noteRank: ranksOf(tables.noteIds.sorted(true)),
  }
}

function ranksOf(sorted: Int32Array): Int32Array {
  const ranks = new Int32Array(sorted.length)
  for (let place = 0; place < sorted.length; place++) ranks[sorted[place]!] = place
  return ranks
}

function highVolumeOf(ratings: RatingColumns, tables: Tables, settings: IntakeSettings): Uint8Array {
  const marked = new Uint8Array(ratings.count)
  const rated = new Uint8Array(tables.noteIds.count)
  let newestMs = -Infinity
  for (let at = 0; at < ratings.count; at++) {
    rated[ratings.note[at]!] = 1
    newestMs = Math.max(newestMs, ratings.createdMs[at]!)
  }
  if (rated.reduce((sum, one) => sum + one, 0) < settings.highVolumeNotesMin) return marked
  const much = new Uint8Array(tables.people.count)
  for (const days of settings.highVolumeWindowsDays) {
    const counts = new Int32Array(tables.people.count)
    const fromMs = newestMs - days * dayMs
    for (let at = 0; at < ratings.count; at++) if (ratings.createdMs[at]! > fromMs) counts[ratings.rater[at]!]!++
    const most = quantile(Float64Array.from(counts.filter((count) => count > 0)), settings.highVolumeQuantile)
    for (let person = 0; person < counts.length; person++) if (counts[person]! > most) much[person] = 1
  }
  for (let at = 0; at < ratings.count; at++) marked[at] = much[ratings.rater[at]!]!
  return marked
}
