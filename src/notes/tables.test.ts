import assert from 'node:assert/strict'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { InputError, type FieldProblem } from '../domain/error.ts'
import { partsAt } from './files.ts'
import type { TablePart } from './read-table.ts'
import { enrollmentFormat, historyFormat, noteFormat, ratingFormat, tags, type TableFormat } from './table-format.ts'
import { readTables, type TableSources } from './tables.ts'

const nowMs = 1_782_864_000_000
const createdMs = nowMs - 86_400_000

/** A table in pieces of a few bytes, so that rows are cut everywhere. */
function part(name: string, text: string, pieceBytes = 7): TablePart {
  const bytes = new TextEncoder().encode(text)
  return {
    name,
    async *open() {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
    },
  }
}
const text = (format: TableFormat, rows: Record<string, string>[]) =>
  [format.columns.map(({ name }) => name), ...rows.map((row) => format.columns.map(({ name }) => row[name] ?? ''))]
    .map((cells) => `${cells.join('\t')}\n`)
    .join('')

const note = (id: string, more: Record<string, string> = {}) => ({
  noteId: id,
  noteAuthorParticipantId: 'ADA',
  createdAtMillis: String(createdMs),
  tweetId: '77',
  classification: 'MISINFORMED_OR_POTENTIALLY_MISLEADING',
  summary: 'Not so: 日本 🙂 "quoted"',
  ...more,
})
const rating = (id: string, by: string, more: Record<string, string> = {}) => ({
  noteId: id,
  raterParticipantId: by,
  createdAtMillis: String(createdMs + 1),
  helpfulnessLevel: 'HELPFUL',
  ...Object.fromEntries(tags.map((tag) => [tag, '0'])),
  ...more,
})
const ids = ['9007199254740993', '9007199254740992']

const sourcesOf = (change: Partial<Record<keyof TableSources, string>> = {}): TableSources => ({
  notes: [part('notes.tsv', change.notes ?? text(noteFormat, [note(ids[0]!), note(ids[1]!)]))],
  ratings: [
    part('ratings.tsv', change.ratings ?? text(ratingFormat, [rating(ids[0]!, 'BOB'), rating(ids[1]!, 'BOB')])),
  ],
  history: [part('history.tsv', change.history ?? text(historyFormat, [note('5')]))],
  enrollment: [
    part(
      'enrollment.tsv',
      change.enrollment ??
        text(enrollmentFormat, [{ participantId: 'BOB', enrollmentState: 'earnedIn', modelingGroup: '13.0' }]),
    ),
  ],
})
const options = { nowMs, futureToleranceMs: 60_000 }
const problemsOf = async (change: Parameters<typeof sourcesOf>[0]): Promise<FieldProblem[]> => {
  const error = await readTables(sourcesOf(change), options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof InputError, String(error))
  return error.problems
}

test('ids beyond 2^53 stay apart, rows are found wherever they are cut, groups are read', async () => {
  const tables = await readTables(sourcesOf(), options)
  assert.deepEqual(
    Array.from({ length: 3 }, (_, at) => tables.noteIds.text(at)),
    [...ids, '5'],
  )
  assert.deepEqual([...tables.ratings.note], [0, 1])
  assert.deepEqual([...tables.notes.listed], [1, 1, 0])
  assert.equal(tables.persons.group[tables.ratings.rater[0]!], 13)
  assert.equal(tables.ratings.value[0], 2)
  assert.deepEqual(tables.findings, [])
})

test('a header that lacks a column, has one too many or one twice is named', async () => {
  const whole = text(ratingFormat, [])
  assert.match(
    (await problemsOf({ ratings: whole.replace('helpfulnessLevel\t', '') }))[0]!.field,
    /ratings.tsv: helpfulnessLevel/,
  )
  const [extra] = await problemsOf({ ratings: whole.replace('noteId\t', 'noteId\tmood\t') })
  assert.deepEqual([extra!.line, extra!.column, extra!.problem], [1, 2, 'is no column of this table'])
  const [twice] = await problemsOf({ ratings: whole.replace('noteId\t', 'noteId\tnoteId\t') })
  assert.match(twice!.problem, /twice/)
  assert.match((await problemsOf({ ratings: '' }))[0]!.problem, /empty/)
})

test('values that cannot be read are named by file, line, column and value', async () => {
  const cases: [Record<string, string>, string, string][] = [
    [{ noteId: '9223372036854775808' }, 'noteId', '9223372036854775808'],
    [{ createdAtMillis: 'yesterday' }, 'createdAtMillis', 'yesterday'],
    [{ helpfulnessLevel: 'VERY' }, 'helpfulnessLevel', 'VERY'],
    [{ notHelpfulIncorrect: '2' }, 'notHelpfulIncorrect', '2'],
    [{ raterParticipantId: '' }, 'raterParticipantId', ''],
  ]
  for (const [change, column, value] of cases) {
    const [problem] = await problemsOf({
      ratings: text(ratingFormat, [rating(ids[1]!, 'EVE'), rating(ids[0]!, 'BOB', change)]),
    })
    assert.equal(problem!.field, `ratings.tsv: ${column}`)
    assert.equal(problem!.line, 3)
    assert.equal(problem!.value, value)
    assert.equal(problem!.column, ratingFormat.columns.findIndex(({ name }) => name === column) + 1)
  }
})

test('half a row, and half a compressed file', async () => {
  const [cut] = await problemsOf({ ratings: text(ratingFormat, [rating(ids[0]!, 'BOB')]).slice(0, -30) })
  assert.match(cut!.problem, /fields/)
  const folder = await mkdtemp(join(tmpdir(), 'notes-'))
  try {
    const path = join(folder, 'ratings-00000.tsv.gz')
    const packed = gzipSync(
      text(
        ratingFormat,
        Array.from({ length: 500 }, (_, at) => rating(ids[0]!, `R${at}`)),
      ),
    )
    await writeFile(path, packed.subarray(0, packed.length / 2))
    await assert.rejects(readTables({ ...sourcesOf(), ratings: await partsAt(path, 'ratings') }, options), (error) => {
      assert.ok(error instanceof InputError)
      assert.match(error.problems[0]!.problem, /cut or damaged/)
      assert.match(error.problems[0]!.field, /ratings-00000/)
      return true
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('repeated ratings are left out, two that differ are an error that names both places', async () => {
  const one = rating(ids[0]!, 'BOB')
  const tables = await readTables(sourcesOf({ ratings: text(ratingFormat, [one, one, one]) }), options)
  assert.equal(tables.ratings.count, 1)
  assert.deepEqual(tables.findings, [
    { kind: 'duplicate', count: 2, first: { part: 'ratings.tsv', line: 3, value: ids[0]! } },
  ])
  const other = rating(ids[0]!, 'BOB', { helpfulnessLevel: 'NOT_HELPFUL' })
  const [problem] = await problemsOf({ ratings: text(ratingFormat, [one, other]) })
  assert.deepEqual([problem!.line, problem!.field], [3, 'ratings.tsv: raterParticipantId'])
  assert.match(problem!.problem, /ratings.tsv, line 2/)
})

test('ratings of unknown notes, without an answer or from the future are left out and counted', async () => {
  const ratings = text(ratingFormat, [
    rating('404', 'BOB'),
    rating(ids[0]!, 'BOB', { helpfulnessLevel: '' }),
    rating(ids[1]!, 'BOB', { createdAtMillis: String(nowMs + 120_000) }),
    rating(ids[1]!, 'EVE', { helpfulnessLevel: '', notHelpful: '1' }),
  ])
  const tables = await readTables(sourcesOf({ ratings }), options)
  assert.deepEqual([tables.ratings.count, tables.ratings.value[0]], [1, 0])
  assert.deepEqual(
    tables.findings.map(({ kind, count, first }) => [kind, count, first.line]),
    [
      ['rating-of-unknown-note', 1, 2],
      ['rating-without-answer', 1, 3],
      ['time-in-future', 1, 4],
    ],
  )
  const kept = await readTables(sourcesOf({ ratings }), { ...options, futureToleranceMs: Infinity })
  assert.equal(kept.ratings.count, 2)
})

test('two tables that disagree about a note', async () => {
  const [author] = await problemsOf({
    history: text(historyFormat, [note(ids[0]!, { noteAuthorParticipantId: 'EVE' })]),
  })
  assert.match(author!.problem, /ADA/)
  const [time] = await problemsOf({ history: text(historyFormat, [note(ids[0]!, { createdAtMillis: '1' })]) })
  assert.match(time!.problem, new RegExp(String(createdMs)))
  const [twice] = await problemsOf({ notes: text(noteFormat, [note(ids[0]!), note(ids[0]!, { tweetId: '78' })]) })
  assert.deepEqual([twice!.line, twice!.problem], [3, 'has two different rows'])
})

test('a folder of shards, some compressed, is one table', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'notes-'))
  try {
    const shards = join(folder, 'ratings')
    await mkdir(shards)
    await writeFile(join(shards, 'ratings-00000.tsv'), text(ratingFormat, [rating(ids[0]!, 'BOB')]))
    await writeFile(join(shards, 'ratings-00001.tsv.gz'), gzipSync(text(ratingFormat, [rating(ids[1]!, 'BOB')])))
    await writeFile(join(shards, 'README'), 'not a table')
    const tables = await readTables({ ...sourcesOf(), ratings: await partsAt(shards, 'ratings') }, options)
    assert.deepEqual([...tables.ratings.part], [0, 1])
    await assert.rejects(partsAt(join(folder, 'nothing'), 'ratings'), /Cannot read ratings/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
