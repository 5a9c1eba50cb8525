// The four inputs as columns of flat arrays. Ids of any length are kept exactly, as numbers of an interner.
import { quote } from '../domain/error.ts'
import { createInterner, grown, type Interner } from '../kernels/intern.ts'
import { fieldIs, isPlainInt64, parseWhole } from '../kernels/tsv.ts'
import { createProblems, readTable, type Problems, type Row, type TablePart } from './read-table.ts'
import { classifications, statusWords } from './status.ts'
import { enrollmentFormat, historyFormat, noteFormat, ratingFormat, tags, type TableFormat } from './table-format.ts'

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
  /** Place in `enrollmentStates`. */
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

export const enrollmentStates = [
  'earnedIn',
  'atRisk',
  'earnedOutNoAcknowledge',
  'earnedOutAcknowledged',
  'newUser',
  'removed',
  'apiTestUser',
  'apiEarnedIn',
  'apiEarnedOut',
] as const

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

type Findings = {
  list: Finding[]
  add: (kind: Finding['kind'], part: string, line: number, value: () => string) => void
}

function createFindings(): Findings {
  const list: Finding[] = []
  return {
    list,
    add(kind, part, line, value) {
      const known = list.find((finding) => finding.kind === kind)
      if (known !== undefined) known.count++
      else list.push({ kind, count: 1, first: { part, line, value: value() } })
    },
  }
}

type Reading = ReadOptions & { noteIds: Interner; people: Interner; tweets: Interner; findings: Findings }

const columnOf = (format: TableFormat, name: string) => {
  const at = format.columns.findIndex((column) => column.name === name)
  if (at === -1) throw new Error(`${format.name} has no column ${name}`)
  return at
}
const textOf = (row: Row, column: number) =>
  new TextDecoder().decode(row.bytes.subarray(row.from[column], row.to[column]))

/** The number of an id field; -1 when it is none, which is a problem. */
function noteOf(row: Row, column: number, ids: Interner, problems: Problems, add: boolean): number {
  const { bytes } = row
  const from = row.from[column]!
  const to = row.to[column]!
  const number = add ? -1 : ids.find(bytes, from, to)
  if (number !== -1) return number
  if (!isPlainInt64(bytes, from, to)) {
    problems.add(row, column, 'is not an id (a whole number below 2^63)')
    return -1
  }
  return add ? ids.add(bytes, from, to) : -2
}

function personOf(row: Row, column: number, people: Interner, problems: Problems): number {
  const from = row.from[column]!
  const to = row.to[column]!
  if (from === to) {
    problems.add(row, column, 'is empty')
    return -1
  }
  return people.add(row.bytes, from, to)
}

/** A time, or NaN where the field is empty; what cannot be read is a problem. */
function timeOf(row: Row, column: number, problems: Problems): number {
  const from = row.from[column]!
  const to = row.to[column]!
  if (from === to) return NaN
  const time = parseWhole(row.bytes, from, to)
  if (Number.isNaN(time)) problems.add(row, column, 'is not a time in milliseconds')
  return time
}

function wordOf(row: Row, column: number, words: readonly string[], problems: Problems): number {
  const from = row.from[column]!
  const to = row.to[column]!
  if (from === to) return 0
  for (let at = 0; at < words.length; at++) if (fieldIs(row.bytes, from, to, words[at]!)) return at
  problems.add(row, column, `is none of ${words.filter((word) => word !== '').join(', ')}`)
  return 0
}

async function readNotes(sources: TableSources, reading: Reading): Promise<NoteColumns> {
  const { noteIds, people, tweets, findings } = reading
  let author = new Int32Array(1024)
  let createdMs = new Float64Array(1024)
  let tweet = new Int32Array(1024)
  let classification = new Uint8Array(1024)
  let listed = new Uint8Array(1024)
  let known = new Uint8Array(1024)
  const history = emptyHistory(1024)
  const room = (note: number) => {
    if (note < author.length) return
    author = grown(author, note + 1)
    createdMs = grown(createdMs, note + 1)
    tweet = grown(tweet, note + 1)
    classification = grown(classification, note + 1)
    listed = grown(listed, note + 1)
    known = grown(known, note + 1)
    for (const name of Object.keys(history) as (keyof HistoryColumns)[])
      (history as Record<string, Uint8Array | Float64Array>)[name] = grown(history[name], note + 1)
  }

  const column = (name: string) => columnOf(noteFormat, name)
  const at = {
    id: column('noteId'),
    author: column('noteAuthorParticipantId'),
    created: column('createdAtMillis'),
    tweet: column('tweetId'),
    classification: column('classification'),
  }
  const problems = createProblems(noteFormat, sources.notes)
  const future = (row: Row, created: number, column: number) => {
    if (created > reading.nowMs + reading.futureToleranceMs)
      findings.add('time-in-future', sources.notes[row.part]!.name, row.line, () => textOf(row, column))
  }
  await readTable(
    noteFormat,
    sources.notes,
    problems,
    (row) => {
      const note = noteOf(row, at.id, noteIds, problems, true)
      const by = personOf(row, at.author, people, problems)
      const created = timeOf(row, at.created, problems)
      const kind = wordOf(row, at.classification, classifications, problems)
      if (note < 0 || by < 0) return
      if (Number.isNaN(created)) return problems.add(row, at.created, 'is empty')
      if (kind === 0) return problems.add(row, at.classification, 'is empty')
      future(row, created, at.created)
      room(note)
      const about =
        row.from[at.tweet] === row.to[at.tweet] ? -1 : tweets.add(row.bytes, row.from[at.tweet]!, row.to[at.tweet]!)
      if (listed[note] === 1) {
        if (
          author[note] === by &&
          createdMs[note] === created &&
          tweet[note] === about &&
          classification[note] === kind
        )
          findings.add('duplicate', sources.notes[row.part]!.name, row.line, () => textOf(row, at.id))
        else problems.add(row, at.id, 'has two different rows')
        return
      }
      listed[note] = 1
      author[note] = by
      createdMs[note] = created
      tweet[note] = about
      classification[note] = kind
    },
    reading.onBytes,
  )
  problems.check()

  const inHistory = (name: string) => columnOf(historyFormat, name)
  const past = {
    id: inHistory('noteId'),
    author: inHistory('noteAuthorParticipantId'),
    created: inHistory('createdAtMillis'),
  }
  const statuses: [keyof HistoryColumns, number][] = [
    ['firstStatus', inHistory('firstNonNMRStatus')],
    ['currentStatus', inHistory('currentStatus')],
    ['latestStatus', inHistory('mostRecentNonNMRStatus')],
    ['lockedStatus', inHistory('lockedStatus')],
  ]
  const times: [keyof HistoryColumns, number][] = [
    ['firstStatusMs', inHistory('timestampMillisOfFirstNonNMRStatus')],
    ['currentStatusMs', inHistory('timestampMillisOfCurrentStatus')],
    ['latestStatusMs', inHistory('timestampMillisOfLatestNonNMRStatus')],
    ['lockedMs', inHistory('timestampMillisOfStatusLock')],
    ['statusChangeMs', inHistory('timestampMillisOfMostRecentStatusChange')],
    ['heldSinceMs', inHistory('timestampMillisOfNmrDueToMinStableCrhTime')],
  ]
  const pastProblems = createProblems(historyFormat, sources.history)
  await readTable(
    historyFormat,
    sources.history,
    pastProblems,
    (row) => {
      const note = noteOf(row, past.id, noteIds, pastProblems, true)
      const by = personOf(row, past.author, people, pastProblems)
      const created = timeOf(row, past.created, pastProblems)
      if (note < 0 || by < 0) return
      if (Number.isNaN(created)) return pastProblems.add(row, past.created, 'is empty')
      room(note)
      if (known[note] === 1) {
        if (author[note] === by && createdMs[note] === created)
          findings.add('duplicate', sources.history[row.part]!.name, row.line, () => textOf(row, past.id))
        else pastProblems.add(row, past.id, 'has two different rows')
        return
      }
      known[note] = 1
      if (listed[note] === 1) {
        if (author[note] !== by)
          pastProblems.add(
            row,
            past.author,
            `differs from the notes table, which has ${quote(people.text(author[note]!))}`,
          )
        if (createdMs[note] !== created)
          pastProblems.add(row, past.created, `differs from the notes table, which has ${createdMs[note]}`)
      } else {
        author[note] = by
        createdMs[note] = created
        tweet[note] = -1
      }
      for (const [name, from] of statuses) history[name][note] = wordOf(row, from, statusWords, pastProblems)
      for (const [name, from] of times) history[name][note] = timeOf(row, from, pastProblems)
    },
    reading.onBytes,
  )
  pastProblems.check()
  const count = noteIds.count
  for (const name of Object.keys(history) as (keyof HistoryColumns)[]) {
    const column = history[name].subarray(0, count)
    if (column instanceof Float64Array)
      for (let note = 0; note < count; note++) if (known[note] === 0) column[note] = NaN
    ;(history as Record<string, Uint8Array | Float64Array>)[name] = column
  }
  return {
    author: author.subarray(0, count),
    createdMs: createdMs.subarray(0, count),
    tweet: tweet.subarray(0, count),
    classification: classification.subarray(0, count),
    listed: listed.subarray(0, count),
    known: known.subarray(0, count),
    history,
  }
}

function emptyHistory(size: number): HistoryColumns {
  return {
    firstStatus: new Uint8Array(size),
    firstStatusMs: new Float64Array(size),
    currentStatus: new Uint8Array(size),
    currentStatusMs: new Float64Array(size),
    latestStatus: new Uint8Array(size),
    latestStatusMs: new Float64Array(size),
    lockedStatus: new Uint8Array(size),
    lockedMs: new Float64Array(size),
    statusChangeMs: new Float64Array(size),
    heldSinceMs: new Float64Array(size),
  }
}

async function readEnrollment(parts: readonly TablePart[], reading: Reading): Promise<PeopleColumns> {
  const { people, findings } = reading
  let enrolled = new Uint8Array(1024)
  let group = new Int32Array(1024).fill(-1)
  let state = new Uint8Array(1024)
  const column = (name: string) => columnOf(enrollmentFormat, name)
  const at = { id: column('participantId'), state: column('enrollmentState'), group: column('modelingGroup') }
  const problems = createProblems(enrollmentFormat, parts)
  await readTable(
    enrollmentFormat,
    parts,
    problems,
    (row) => {
      const person = personOf(row, at.id, people, problems)
      const now = wordOf(row, at.state, enrollmentStates, problems)
      const from = row.from[at.group]!
      const to = row.to[at.group]!
      const within = from === to ? -1 : parseWhole(row.bytes, from, to)
      if (!(within >= -1 && within <= 1_000_000)) return problems.add(row, at.group, 'is not a group (a whole number)')
      if (person < 0) return
      if (person >= group.length) {
        const size = group.length
        enrolled = grown(enrolled, person + 1)
        state = grown(state, person + 1)
        group = grown(group, person + 1)
        group.fill(-1, size)
      }
      if (enrolled[person] === 1) {
        if (group[person] === within && state[person] === now)
          findings.add('duplicate', parts[row.part]!.name, row.line, () => textOf(row, at.id))
        else problems.add(row, at.id, 'has two different rows')
        return
      }
      enrolled[person] = 1
      group[person] = within
      state[person] = now
    },
    reading.onBytes,
  )
  problems.check()
  return { enrolled, group, state }
}

const levels = ['', 'NOT_HELPFUL', 'SOMEWHAT_HELPFUL', 'HELPFUL'] as const
const sourceWords = ['DEFAULT', 'POPULATION_SAMPLED'] as const

async function readRatings(parts: readonly TablePart[], reading: Reading): Promise<RatingColumns> {
  const { noteIds, people, findings } = reading
  let size = 4096
  let note = new Int32Array(size)
  let rater = new Int32Array(size)
  let createdMs = new Float64Array(size)
  let value = new Uint8Array(size)
  let level = new Uint8Array(size)
  let marks = new Int32Array(size)
  let sampled = new Uint8Array(size)
  let part = new Uint8Array(size)
  let line = new Int32Array(size)
  let count = 0
  const column = (name: string) => columnOf(ratingFormat, name)
  const at = {
    note: column('noteId'),
    rater: column('raterParticipantId'),
    created: column('createdAtMillis'),
    helpful: column('helpful'),
    notHelpful: column('notHelpful'),
    level: column('helpfulnessLevel'),
    source: column('ratingSourceBucketed'),
  }
  const firstTag = column(tags[0]!)
  const problems = createProblems(ratingFormat, parts)
  const flag = (row: Row, from: number): 0 | 1 => {
    const begin = row.from[from]!
    const length = row.to[from]! - begin
    const byte = row.bytes[begin]
    if (length === 0 || (length === 1 && byte === 48)) return 0
    if (length === 1 && byte === 49) return 1
    problems.add(row, from, 'is neither 0 nor 1')
    return 0
  }
  await readTable(
    ratingFormat,
    parts,
    problems,
    (row) => {
      const before = problems.count
      const about = noteOf(row, at.note, noteIds, problems, false)
      const by = personOf(row, at.rater, people, problems)
      const created = timeOf(row, at.created, problems)
      const written = wordOf(row, at.level, levels, problems)
      let bits = 0
      for (let tag = 0; tag < tags.length; tag++) bits |= flag(row, firstTag + tag) << tag
      const asked = wordOf(row, at.source, sourceWords, problems)
      const legacyHelpful = flag(row, at.helpful)
      const legacyNot = flag(row, at.notHelpful)
      if (Number.isNaN(created)) problems.add(row, at.created, 'is empty')
      if (problems.count > before) return
      const name = parts[row.part]!.name
      if (about === -2) return findings.add('rating-of-unknown-note', name, row.line, () => textOf(row, at.note))
      if (written === 0 && legacyHelpful === 0 && legacyNot === 0)
        return findings.add('rating-without-answer', name, row.line, () => textOf(row, at.note))
      if (created > reading.nowMs + reading.futureToleranceMs)
        return findings.add('time-in-future', name, row.line, () => textOf(row, at.created))
      if (count === size) {
        size *= 2
        note = grown(note, size)
        rater = grown(rater, size)
        createdMs = grown(createdMs, size)
        value = grown(value, size)
        level = grown(level, size)
        marks = grown(marks, size)
        sampled = grown(sampled, size)
        part = grown(part, size)
        line = grown(line, size)
      }
      note[count] = about
      rater[count] = by
      createdMs[count] = created
      value[count] = written > 0 ? written - 1 : legacyNot === 1 ? 0 : 2
      level[count] = written
      marks[count] = bits
      sampled[count] = asked
      part[count] = row.part
      line[count] = row.line
      count++
    },
    reading.onBytes,
  )
  problems.check()
  const ratings = { count, note, rater, createdMs, value, level, tags: marks, sampled, part, line }
  return withoutRepetitions(ratings, parts, reading)
}

/** Drops ratings that say again what another one said; two that differ are a problem. */
function withoutRepetitions(ratings: RatingColumns, parts: readonly TablePart[], reading: Reading): RatingColumns {
  const { note, rater, count } = ratings
  const problems = createProblems(ratingFormat, parts)
  // An open-addressing set over pairs: no sorting of millions of rows to find the few that repeat.
  const mask = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2))) - 1
  const slots = new Int32Array(mask + 1).fill(-1)
  const dropped: number[] = []
  for (let at = 0; at < count; at++) {
    let slot = (Math.imul(note[at]!, 0x9e3779b1) ^ Math.imul(rater[at]!, 0x85ebca6b)) >>> 0
    slot = (slot ^ (slot >>> 15)) & mask
    let other = slots[slot]!
    while (other !== -1 && (note[other] !== note[at] || rater[other] !== rater[at])) {
      slot = (slot + 1) & mask
      other = slots[slot]!
    }
    if (other === -1) {
      slots[slot] = at
      continue
    }
    dropped.push(at)
    const name = parts[ratings.part[at]!]!.name
    const same =
      ratings.createdMs[at] === ratings.createdMs[other] &&
      ratings.value[at] === ratings.value[other] &&
      ratings.tags[at] === ratings.tags[other] &&
      ratings.level[at] === ratings.level[other] &&
      ratings.sampled[at] === ratings.sampled[other]
    if (same) reading.findings.add('duplicate', name, ratings.line[at]!, () => reading.noteIds.text(note[at]!))
    else
      problems.addAt(
        ratings.part[at]!,
        ratings.line[at]!,
        undefined,
        'raterParticipantId',
        `${quote(reading.people.text(rater[at]!))} rated note ${reading.noteIds.text(note[at]!)} before, differently: ${parts[ratings.part[other]!]!.name}, line ${ratings.line[other]}`,
      )
  }
  problems.check()
  const kept = new Uint8Array(count).fill(1)
  for (const at of dropped) kept[at] = 0
  return selectRatings(ratings, kept)
}

/** The ratings marked with 1, in their order. */
export function selectRatings(ratings: RatingColumns, kept: Uint8Array): RatingColumns {
  const order = new Int32Array(ratings.count)
  let count = 0
  for (let at = 0; at < ratings.count; at++) if (kept[at] === 1) order[count++] = at
  return arrangeRatings(ratings, order.subarray(0, count))
}

/** The ratings at these positions, in this order, in arrays of just their size. */
export function arrangeRatings(ratings: RatingColumns, order: Int32Array): RatingColumns {
  const pick = <T extends Uint8Array | Int32Array | Float64Array>(from: T): T => {
    const to = new (from.constructor as new (length: number) => T)(order.length)
    for (let at = 0; at < order.length; at++) to[at] = from[order[at]!]!
    return to
  }
  return {
    count: order.length,
    note: pick(ratings.note),
    rater: pick(ratings.rater),
    createdMs: pick(ratings.createdMs),
    value: pick(ratings.value),
    level: pick(ratings.level),
    tags: pick(ratings.tags),
    sampled: pick(ratings.sampled),
    part: pick(ratings.part),
    line: pick(ratings.line),
  }
}
