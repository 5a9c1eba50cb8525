import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  enrollmentFormat,
  historyFormat,
  noteFormat,
  ratingFormat,
  tags,
  type TableFormat,
} from '../notes/table-format.ts'
import { main } from './main.ts'

const nowMs = 1_782_864_000_000
const text = (format: TableFormat, rows: Record<string, string>[]) =>
  [format.columns.map(({ name }) => name), ...rows.map((row) => format.columns.map(({ name }) => row[name] ?? ''))]
    .map((cells) => `${cells.join('\t')}\n`)
    .join('')

/** Twelve notes and twenty raters of two camps: some notes please both, some one, some nobody. */
async function community(folder: string, raters: number): Promise<string[]> {
  const kinds = ['both', 'left', 'right', 'nobody'] as const
  const notes = Array.from({ length: 12 }, (_, at) => ({
    noteId: String(9_007_199_254_740_993n + BigInt(at)),
    noteAuthorParticipantId: `author${at % 3}`,
    createdAtMillis: String(nowMs - 86_400_000),
    tweetId: String(at),
    classification: 'MISINFORMED_OR_POTENTIALLY_MISLEADING',
  }))
  const ratings = notes.flatMap(({ noteId }, at) =>
    Array.from({ length: raters }, (_, rater) => {
      const kind = kinds[at % 4]!
      const likes = kind === 'both' || kind === (rater % 2 === 0 ? 'left' : 'right')
      return {
        noteId,
        raterParticipantId: `rater${rater}`,
        createdAtMillis: String(nowMs - 80_000_000 + rater),
        helpfulnessLevel: likes ? 'HELPFUL' : 'NOT_HELPFUL',
        ...Object.fromEntries(tags.map((tag) => [tag, '0'])),
        [likes ? 'helpfulClear' : 'notHelpfulMissingKeyPoints']: '1',
      }
    }),
  )
  const tables: [string, string, TableFormat, Record<string, string>[]][] = [
    ['--notes', 'notes', noteFormat, notes],
    ['--ratings', 'ratings', ratingFormat, ratings],
    ['--status', 'history', historyFormat, []],
    ['--enrollment', 'enrollment', enrollmentFormat, []],
  ]
  for (const [, name, format, rows] of tables) await writeFile(join(folder, `${name}.tsv`), text(format, rows))
  return tables.flatMap(([option, name]) => [option, join(folder, `${name}.tsv`)])
}

async function run(args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await main(['notes', 'score', ...args], {
    stdout: { write: (piece) => (out += piece) },
    stderr: { write: (piece) => (err += piece) },
    cwd: tmpdir(),
    env: {},
  })
  return { code, out, err }
}

test('a small community without groups or history gets statuses, in either mode', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'notes-'))
  try {
    const inputs = await community(folder, 20)
    for (const mode of ['exact', 'compat']) {
      const out = join(folder, mode)
      const done = await run([...inputs, '--out', out, '--mode', mode, '--everyone', '--now', String(nowMs)])
      assert.equal(done.code, 0, done.err)
      assert.match(done.out, /CURRENTLY_RATED_HELPFUL +3/)
      const [head, ...rows] = (await readFile(join(out, 'scored_notes.tsv'), 'utf8')).trim().split('\n')
      const at = (name: string) => head!.split('\t').indexOf(name)
      const statuses = rows.map((row) => row.split('\t')[at('finalRatingStatus')])
      for (const [note, status] of statuses.entries())
        if (note % 4 === 0) assert.equal(status, 'CURRENTLY_RATED_HELPFUL', String(rows[note]))
        else assert.notEqual(status, 'CURRENTLY_RATED_HELPFUL', String(rows[note]))
      assert.equal(rows[0]!.split('\t')[0], '9007199254740993')
      assert.deepEqual((await readdir(out)).sort(), ['aux_note_info.tsv', 'helpfulness_scores.tsv', 'scored_notes.tsv'])
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('too few ratings are told, not an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'notes-'))
  try {
    const done = await run([...(await community(folder, 3)), '--out', join(folder, 'out'), '--everyone'])
    assert.equal(done.code, 0, done.err)
    assert.match(done.out, /every note needs more ratings/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('called wrongly, and with tables that cannot be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'notes-'))
  try {
    assert.equal((await run(['--out', folder])).code, 2)
    const inputs = await community(folder, 3)
    assert.equal((await run([...inputs, '--out', folder, '--mode', 'fast'])).code, 2)
    await writeFile(join(folder, 'ratings.tsv'), 'noteId\tmood\n')
    const bad = await run([...inputs, '--out', join(folder, 'out')])
    assert.equal(bad.code, 1)
    assert.match(bad.err, /ratings.tsv: mood.*no column.*line 1, column 2/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
