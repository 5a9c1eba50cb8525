import { InputError, quote } from '../domain/error.ts'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import type { TenantSettings } from '../domain/settings.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { addBankEntries, type BulkInput, type ChangeContext } from '../match/changes.ts'
import { cellsOf, readJsonRow, readLineRow, readTableRow } from '../match/imports/rows.ts'
import {
  addProgress,
  deleteAbandoned,
  finishImport,
  insertRowProblems,
  selectImport,
  takeChunk,
  takeRunningImport,
  type BankImport,
  type ImportChunk,
  type ImportLine,
  type RowProblem,
} from '../match/imports/store.ts'
import type { MediaLibrary } from '../media/library.ts'
import { isUnavailable, type Database, type Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'

export type ImportDeps = {
  db: Database
  ledger: Ledger
  clock: Clock
  randomBytes: RandomBytes
  media: Pick<MediaLibrary, 'findForEntry'>
  settings: (tenantId: string) => TenantSettings
  refresh: () => Promise<void>
  log: (line: Record<string, unknown>) => void
}

/**
 * Rows of one batch: they commit together, so that a kill at any moment neither loses nor doubles one. Few enough that
 * lookups beside it wait no more than some milliseconds.
 */
export const rowsPerChunk = 250
const rowTextMax = 2_000
const abandonedMs = 86_400_000

/**
 * Works through the next batch of the oldest import that has any; false when there is nothing to do. A batch that cannot
 * be worked through ends its import with the reason, so that others go on: nothing of that batch is kept.
 */
export async function importNext(deps: ImportDeps): Promise<boolean> {
  let taken: { tenantId: string; importId: string } | undefined
  const work = deps.db.transaction(async (tx) => {
    const next = (taken = await takeRunningImport(tx))
    if (next === undefined) return false
    const { tenantId, importId } = next
    await lockKeys(tx, [`banks:${tenantId}`])
    const job = (await selectImport(tx.query, tenantId, importId))!
    const chunk = await takeChunk(tx, tenantId, importId)
    if (chunk === undefined) await finishImport(tx, tenantId, importId, { status: 'done', nowMs: deps.clock() })
    else await importChunk(tx, deps, tenantId, job, chunk)
    return true
  })
  const worked = await work.catch(async (error: Error) => {
    if (taken === undefined || isUnavailable(error)) throw error
    const { tenantId, importId } = taken
    const reason = `A batch could not be worked through: ${error.message.slice(0, 500)}`
    await deps.db.transaction(async (tx) => {
      const job = await selectImport(tx.query, tenantId, importId, true)
      if (job?.status !== 'running') return
      await finishImport(tx, tenantId, importId, { status: 'failed', nowMs: deps.clock(), error: reason })
    })
    deps.log({ level: 'error', msg: 'an import failed', importId, error: error.stack })
    return true
  })
  if (worked) await deps.refresh()
  return worked
}

/** Forgets imports whose sender left in the middle. */
export const forgetAbandonedImports = ({ db, clock }: Pick<ImportDeps, 'db' | 'clock'>): Promise<void> =>
  deleteAbandoned(db.query, clock() - abandonedMs)

async function importChunk(
  tx: Tx,
  deps: ImportDeps,
  tenantId: string,
  job: BankImport,
  chunk: ImportChunk,
): Promise<void> {
  const { lines } = chunk
  const { importId, bankId } = job
  const inputs: BulkInput[] = []
  for (const line of lines) inputs.push(await inputOf(deps, tenantId, job, chunk, line))
  const context: ChangeContext = {
    author: job.createdBy,
    nowMs: deps.clock(),
    newId: () => uuidv7(deps.clock(), deps.randomBytes),
    entriesMax: deps.settings(tenantId).banks.entriesMax,
  }
  const outcome = await addBankEntries(tx.query, tenantId, bankId, inputs, context, importId)
  if (!outcome.ok) {
    const nowMs = deps.clock()
    await finishImport(tx, tenantId, importId, { status: 'failed', nowMs, error: outcome.detail })
    return
  }
  await deps.ledger.append(tx, tenantId, outcome.entries)
  const counts = { done: lines.length, accepted: 0, duplicate: 0, refused: 0 }
  const problems: RowProblem[] = []
  for (const [at, result] of outcome.results.entries()) {
    counts[result.outcome]++
    if (result.outcome !== 'refused') continue
    const { file = '', line, text } = lines[at]!
    problems.push({ file, line, outcome: 'refused', problems: result.problems, row: text.slice(0, rowTextMax) })
  }
  await insertRowProblems(tx, tenantId, importId, problems)
  await addProgress(tx, tenantId, importId, counts)
}

async function inputOf(
  deps: ImportDeps,
  tenantId: string,
  { defaults }: BankImport,
  { format, header }: ImportChunk,
  { text, problems }: ImportLine,
): Promise<BulkInput> {
  if (problems !== undefined) return { problems }
  try {
    const { input, upload } =
      format === 'csv'
        ? readTableRow(header!, cellsOf(text), defaults)
        : format === 'lines'
          ? readLineRow(text, defaults)
          : readJsonRow(text, defaults)
    if (upload === undefined) return input
    const media = await deps.media.findForEntry(tenantId, upload)
    if (media === undefined)
      return { problems: [{ field: 'upload', problem: 'there is no such upload', value: quote(upload) }] }
    return { ...input, media }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { problems: error.problems }
  }
}
