// The notes table and the history of their statuses, which together say what notes there are.
import { quote } from '../domain/error.ts'
import { grown } from '../kernels/intern.ts'
import { columnOf, noteOf, personOf, textOf, timeOf, wordOf, type Reading } from './fields.ts'
import { createProblems, readTable, type Row } from './read-table.ts'
import { classifications, statusWords } from './status.ts'
import { historyFormat, noteFormat } from './table-format.ts'
import type { HistoryColumns, NoteColumns, TableSources } from './tables.ts'

/** Reads both tables; a note that stands in both must have one author and one time. */
export async function readNotes(sources: TableSources, reading: Reading): Promise<NoteColumns> {
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
