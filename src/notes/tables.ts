// The four inputs as columns of flat arrays. Ids of any length are kept exactly, as numbers of an interner.
import { createInterner, grown, type Interner } from '../kernels/intern.ts'
import { createFindings } from './fields.ts'
import { readNotes } from './read-notes.ts'
import { readEnrollment } from './read-people.ts'
import { readRatings } from './read-ratings.ts'
import type { TablePart } from './read-table.ts'

/** Every note of the notes table and of the history, by number of `noteIds`. Times that are missing are NaN. */
export type NoteColumns = {
  author: Int32Array
  createdMs: Float64Array
  /** -1: unknown. */
  tweet: Int32Array
  classification: Uint8Array
  listed: Uint8Array
  /** 1 for a note with a row in the history. */
  known: Uint8Array
  history: HistoryColumns
}

export type HistoryColumns = {
  firstStatus: Uint8Array
  firstStatusMs: Float64Array
  currentStatus: Uint8Array
  currentStatusMs: Float64Array
  latestStatus: Uint8Array
  latestStatusMs: Float64Array
  lockedStatus: Uint8Array
  lockedMs: Float64Array
  statusChangeMs: Float64Array
  heldSinceMs: Float64Array
}

export type RatingColumns = {
  count: number
  note: Int32Array
  rater: Int32Array
  createdMs: Float64Array
  /** Half units: 0 not helpful, 1 somewhat, 2 helpful. */
  value: Uint8Array
  /** As written: 0 nothing, else 1 more than `value`. Legacy columns set `value` alone. */
  level: Uint8Array
  /** Bits in the order of `tags`. */
  tags: Int32Array
  /** 1 for ratings of people who were drawn at random and asked. */
  sampled: Uint8Array
  part: Uint8Array | Int32Array
  line: Int32Array
}

export type PeopleColumns = {
  /** 1 for people with a row in the enrollment table. */
  enrolled: Uint8Array
  /** -1: none. */
  group: Int32Array
  /** Place in `enrollmentStates` of read-people.ts. */
  state: Uint8Array
}

/** Something in the input that scoring goes on without: how often, and the first place. */
export type Finding = {
  kind: 'rating-of-unknown-note' | 'rating-without-answer' | 'time-in-future' | 'duplicate'
  count: number
  first: { part: string; line: number; value: string }
}

export type Tables = {
  noteIds: Interner
  people: Interner
  tweets: Interner
  notes: NoteColumns
  ratings: RatingColumns
  persons: PeopleColumns
  findings: Finding[]
}

export type TableSources = {
  notes: readonly TablePart[]
  ratings: readonly TablePart[]
  history: readonly TablePart[]
  enrollment: readonly TablePart[]
}

export type ReadOptions = {
  nowMs: number
  /** How far a clock may run ahead of `nowMs` before its ratings are left out; `Infinity` keeps them. */
  futureToleranceMs: number
  onBytes?: (count: number) => void
}

/**
 * Reads the four tables. Throws `InputError` with every kind of problem by file, line, column and value: values that
 * cannot be read, two different rows for one note, person, or pair of rater and note, authors or times that two tables
 * disagree about. Ratings of notes that no table knows, and exact repetitions, are left out and told as findings.
 */
export async function readTables(sources: TableSources, options: ReadOptions): Promise<Tables> {
  const noteIds = createInterner()
  const people = createInterner()
  const tweets = createInterner()
  const findings = createFindings()
  const reading = { noteIds, people, tweets, findings, ...options }
  const notes = await readNotes(sources, reading)
  const persons = await readEnrollment(sources.enrollment, reading)
  const ratings = await readRatings(sources.ratings, reading)
  return {
    noteIds,
    people,
    tweets,
    notes,
    ratings,
    persons: {
      enrolled: grown(persons.enrolled, people.count).subarray(0, people.count),
      state: grown(persons.state, people.count).subarray(0, people.count),
      group: widenedGroups(persons.group, people.count),
    },
    findings: findings.list,
  }
}

function widenedGroups(group: Int32Array, count: number): Int32Array {
  const wide = new Int32Array(count).fill(-1)
  wide.set(group.subarray(0, Math.min(group.length, count)))
  return wide
}
