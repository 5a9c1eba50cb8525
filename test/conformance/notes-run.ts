// Runs the core model on a data set of the reference, with its stored solutions where it began at random.
import { partsAt } from '../../src/notes/files.ts'
import type { FitReport, Fitting } from '../../src/notes/fitting.ts'
import { takeIn, type Community } from '../../src/notes/intake.ts'
import type { KnownStart } from '../../src/notes/prescore.ts'
import { defaultSettings, type Mode } from '../../src/notes/settings.ts'
import { readTables } from '../../src/notes/tables.ts'
import { fits, inputFolder, nowMs, table, type SetName } from './notes-vectors.ts'

/** A data set as scoring takes it. */
export async function communityOf(set: SetName): Promise<Community> {
  const folder = inputFolder(set)
  const part = (name: string) => partsAt(`${folder}${name}-00000.tsv.gz`, name)
  const tables = await readTables(
    {
      notes: await part('notes'),
      ratings: await part('ratings'),
      history: await part('noteStatusHistory'),
      enrollment: await part('userEnrollment'),
    },
    { nowMs: nowMs[set], futureToleranceMs: Infinity },
  )
  return takeIn(tables, defaultSettings.intake)
}

export function fittingOf(mode: Mode): Fitting & { reports: FitReport[] } {
  const reports: FitReport[] = []
  return { mode, seed: defaultSettings.seed, report: (fit) => void reports.push(fit), reports }
}

/** Numbers of notes by id and of people by code, as the reference's tables name them. */
export function numbersOf(community: Community, set: SetName) {
  const notes = new Map(Array.from({ length: community.noteIds.count }, (_, at) => [community.noteIds.text(at), at]))
  const people = new Map(Array.from({ length: community.people.count }, (_, at) => [community.people.text(at), at]))
  const byCode = new Map(
    table(set, 'out-core/participant_codes').map((row) => [Number(row.code), people.get(row.participantId!)!]),
  )
  return { notes, people, byCode }
}

/** The reference's own first fit, which began at random. */
export function stableStart(community: Community, set: SetName): KnownStart {
  const { notes, byCode } = numbersOf(community, set)
  const fit = fits(set).get('stable_init_1')!
  const start = {
    mean: fit.model.mean,
    raters: new Float64Array(2 * community.people.count).fill(NaN),
    notes: new Float64Array(2 * community.noteIds.count).fill(NaN),
  }
  fit.raterCodes.forEach((code, at) =>
    start.raters.set(fit.model.rows.subarray(2 * at, 2 * at + 2), 2 * byCode.get(code)!),
  )
  fit.noteIds.forEach((id, at) =>
    start.notes.set(fit.model.columns.subarray(2 * at, 2 * at + 2), 2 * notes.get(String(id))!),
  )
  return start
}

export const numberOf = (text: string | undefined) => (text === undefined || text === '' ? NaN : Number(text))
