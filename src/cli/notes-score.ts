import { resolve } from 'node:path'
import { partsAt } from '../notes/files.ts'
import { score, type Scored } from '../notes/score.ts'
import { defaultSettings, type ScoringSettings } from '../notes/settings.ts'
import { statusWords } from '../notes/status.ts'
import { readTables, type Finding } from '../notes/tables.ts'
import { writeTables } from '../notes/write-tables.ts'
import { parse, table, UsageError, type Command } from './command.ts'
import { createProgress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `--notes PATH --ratings PATH --status PATH --enrollment PATH --out DIR [options]

Scores notes by who found them helpful, from tables in the format in which community notes are published. Each PATH is a
file or a folder of .tsv and .tsv.gz files. Writes scored_notes.tsv, aux_note_info.tsv and helpfulness_scores.tsv to DIR.

  --mode exact|compat   solve every fit (exact), or stop where the public reference stops (compat)
  --everyone            take all raters for one community, whatever group they are in
  --now MS              the time to score for, in milliseconds since 1970; now, if left out
  --keep-future         keep ratings whose clock runs ahead of that time
  --seed N              seed of compat mode's random starts`

const futureToleranceMs = 600_000

export const command: Command = {
  name: 'score',
  summary: 'score notes from tables of ratings',
  usage,
  async run(args, io) {
    const { values } = parse(args, {
      notes: { type: 'string' },
      ratings: { type: 'string' },
      status: { type: 'string' },
      enrollment: { type: 'string' },
      out: { type: 'string' },
      mode: { type: 'string', default: 'exact' },
      everyone: { type: 'boolean', default: false },
      now: { type: 'string' },
      'keep-future': { type: 'boolean', default: false },
      seed: { type: 'string' },
    })
    const { notes, ratings, status, enrollment, out, mode } = values
    if (notes === undefined || ratings === undefined || status === undefined || enrollment === undefined)
      throw new UsageError('--notes, --ratings, --status and --enrollment are all needed')
    if (out === undefined) throw new UsageError('say where to write with --out DIR')
    if (mode !== 'exact' && mode !== 'compat') throw new UsageError(`--mode is exact or compat, not "${mode}"`)
    const settings: ScoringSettings = {
      ...defaultSettings,
      mode,
      seed: values.seed === undefined ? defaultSettings.seed : wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
      core: values.everyone
        ? { ...defaultSettings.core, groups: undefined, captureMin: undefined, stableGroup: undefined }
        : defaultSettings.core,
    }
    const nowMs = values.now === undefined ? Date.now() : wholeNumber('now', values.now, 0, Number.MAX_SAFE_INTEGER)

    const at = (path: string) => resolve(io.cwd, path)
    const sources = {
      notes: await partsAt(at(notes), '--notes'),
      ratings: await partsAt(at(ratings), '--ratings'),
      history: await partsAt(at(status), '--status'),
      enrollment: await partsAt(at(enrollment), '--enrollment'),
    }
    const reading = createProgress(io, Date.now, 'reading')
    let bytes = 0
    const tables = await readTables(sources, {
      nowMs,
      futureToleranceMs: values['keep-future'] ? Infinity : futureToleranceMs,
      onBytes(count) {
        bytes += count
        reading.show(bytes, undefined, `${(bytes / 1e6).toFixed(0)} MB`)
      },
    })
    reading.end(`${tables.ratings.count} ratings of ${tables.noteIds.count} notes, ${(bytes / 1e6).toFixed(0)} MB`)
    for (const finding of tables.findings) io.stderr.write(`${findingWords(finding)}\n`)

    const scoring = createProgress(io, Date.now, 'scoring')
    const scored = score(tables, settings, ({ fit, steps }) =>
      scoring.show(1, undefined, `${fit}: ${steps} ${steps === 1 ? 'step' : 'steps'}`),
    )
    scoring.end(`${scored.fits.length} fits`)
    const written = await writeTables(at(out), scored)
    io.stdout.write(summaryOf(scored))
    io.stdout.write(`Written to ${out}: ${written.join(', ')}\n`)
    return 0
  },
}

const findings: Record<Finding['kind'], string> = {
  'rating-of-unknown-note': 'ratings of notes that neither table of notes knows were left out',
  'rating-without-answer': 'ratings without an answer were left out',
  'time-in-future': 'rows are dated later than now; ratings among them were left out (--keep-future keeps them)',
  duplicate: 'rows repeat another one and were left out',
}

function findingWords({ kind, count, first }: Finding): string {
  return `${count} ${findings[kind]}; the first: ${first.part}, line ${first.line}, "${first.value}"`
}

function summaryOf({ core, community }: Scored): string {
  if (core === undefined)
    return 'No note has enough ratings by raters with enough ratings: every note needs more ratings.\n'
  const counts = new Map<string, number>()
  let unscored = 0
  for (const verdict of core.scored.verdicts) {
    if (verdict === undefined) unscored++
    else counts.set(statusWords[verdict.status], (counts.get(statusWords[verdict.status]) ?? 0) + 1)
  }
  const trusted = core.prescored.reputation?.trusted.reduce((sum, one) => sum + one, 0)
  const rows = [...counts].sort((a, b) => b[1] - a[1]).map(([status, count]) => [`  ${status}`, String(count)])
  return table([
    ['Notes', String(community.noteIds.count)],
    ...rows,
    ['  outside the model', String(unscored)],
    ['Raters of the second round', String(core.prescored.counts.raters)],
    ['People above the thresholds', trusted === undefined ? 'not judged' : String(trusted)],
  ])
}
