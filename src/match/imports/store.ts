import type { Author } from '../../domain/entry.ts'
import type { FieldProblem } from '../../domain/error.ts'
import { toJsonb, type Query, type Tx } from '../../storage/database.ts'
import type { ImportFormat, RowDefaults } from './rows.ts'

export type ImportStatus = 'receiving' | 'running' | 'done' | 'cancelled' | 'failed' | 'undone'
export type BankImport = {
  importId: string
  bankId: string
  status: ImportStatus
  /** What was sent: one list, an archive, or a form of files. */
  format: ImportFormat | 'zip' | 'form'
  name: string | null
  defaults: RowDefaults
  rows: number
  done: number
  accepted: number
  duplicate: number
  refused: number
  error: string | null
  createdMs: number
  finishedMs: number | null
  createdBy: Author
}
const columns = `import_id AS "importId", bank_id AS "bankId", status, format, name, defaults, rows, done, accepted,
  duplicate, refused, error, created_ms AS "createdMs", finished_ms AS "finishedMs", created_by AS "createdBy"`

export async function insertImport(
  query: Query,
  tenantId: string,
  made: Pick<BankImport, 'importId' | 'bankId' | 'format' | 'name' | 'defaults' | 'createdMs' | 'createdBy'>,
): Promise<void> {
  await query(
    `INSERT INTO bank_imports (tenant_id, import_id, bank_id, status, format, name, defaults, created_ms, created_by)
     VALUES ($1, $2, $3, 'receiving', $4, $5, $6, $7, $8)`,
    [
      tenantId,
      made.importId,
      made.bankId,
      made.format,
      made.name,
      toJsonb(made.defaults),
      made.createdMs,
      toJsonb(made.createdBy),
    ],
  )
}

/** A line as it came, with its number in its file, and what was already found wrong with it. */
export type ImportLine = { line: number; text: string; file?: string; problems?: FieldProblem[] }
/** One piece of an import: lines that are written in the same way, with the names of the columns of a table. */
export type ImportChunk = { chunk: number; format: ImportFormat; header: string[] | null; lines: ImportLine[] }

export async function insertChunk(query: Query, tenantId: string, importId: string, chunk: ImportChunk): Promise<void> {
  await query(
    `INSERT INTO bank_import_chunks (tenant_id, import_id, chunk, format, header, rows) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      tenantId,
      importId,
      chunk.chunk,
      chunk.format,
      chunk.header === null ? null : toJsonb(chunk.header),
      toJsonb(chunk.lines),
    ],
  )
}

/** All of it has come: from now on it is worked through. */
export async function startImport(
  query: Query,
  tenantId: string,
  importId: string,
  received: { rows: number; name: string | null; defaults: RowDefaults },
): Promise<void> {
  await query(
    `UPDATE bank_imports SET status = 'running', rows = $3, name = $4, defaults = $5
     WHERE tenant_id = $1 AND import_id = $2 AND status = 'receiving'`,
    [tenantId, importId, received.rows, received.name, toJsonb(received.defaults)],
  )
}

/** Forgets an import of which not all came. */
export async function deleteReceiving(query: Query, tenantId: string, importId: string): Promise<void> {
  await query(
    `WITH gone AS (DELETE FROM bank_imports WHERE tenant_id = $1 AND import_id = $2 AND status = 'receiving' RETURNING import_id)
     DELETE FROM bank_import_chunks c USING gone g WHERE c.tenant_id = $1 AND c.import_id = g.import_id`,
    [tenantId, importId],
  )
}

export async function selectImport(
  query: Query,
  tenantId: string,
  importId: string,
  lock = false,
): Promise<BankImport | undefined> {
  const [row] = await query<BankImport>(
    `SELECT ${columns} FROM bank_imports WHERE tenant_id = $1 AND import_id = $2 ${lock ? 'FOR UPDATE' : ''}`,
    [tenantId, importId],
  )
  return row
}

/** Imports of a bank, latest first, from before an id. */
export async function selectImports(
  query: Query,
  tenantId: string,
  bankId: string,
  page: { beforeId?: string; limit: number },
): Promise<BankImport[]> {
  return query<BankImport>(
    `SELECT ${columns} FROM bank_imports WHERE tenant_id = $1 AND bank_id = $2 AND ($3::text IS NULL OR import_id < $3)
     ORDER BY import_id DESC LIMIT $4`,
    [tenantId, bankId, page.beforeId ?? null, page.limit],
  )
}

/** The oldest import that has work left, locked; another process that has one locked keeps it. */
export async function takeRunningImport(tx: Tx): Promise<{ tenantId: string; importId: string } | undefined> {
  const [row] = await tx.query<{ tenantId: string; importId: string }>(
    `SELECT tenant_id AS "tenantId", import_id AS "importId" FROM bank_imports WHERE status = 'running'
     ORDER BY import_id LIMIT 1 FOR UPDATE SKIP LOCKED`,
  )
  return row
}

/** Takes the next chunk of an import for good: gone when the transaction commits. */
export async function takeChunk(tx: Tx, tenantId: string, importId: string): Promise<ImportChunk | undefined> {
  const [row] = await tx.query<Omit<ImportChunk, 'lines'> & { rows: ImportLine[] }>(
    `DELETE FROM bank_import_chunks WHERE tenant_id = $1 AND import_id = $2 AND chunk = (
       SELECT min(chunk) FROM bank_import_chunks WHERE tenant_id = $1 AND import_id = $2) RETURNING chunk, format, header, rows`,
    [tenantId, importId],
    'bank-import-chunk',
  )
  if (row === undefined) return undefined
  const { rows: lines, ...chunk } = row
  return { ...chunk, lines }
}

export async function addProgress(
  tx: Tx,
  tenantId: string,
  importId: string,
  counts: { done: number; accepted: number; duplicate: number; refused: number },
): Promise<void> {
  await tx.query(
    `UPDATE bank_imports SET done = done + $3, accepted = accepted + $4, duplicate = duplicate + $5, refused = refused + $6
     WHERE tenant_id = $1 AND import_id = $2`,
    [tenantId, importId, counts.done, counts.accepted, counts.duplicate, counts.refused],
  )
}

/** Ends an import and drops what was not worked through. */
export async function finishImport(
  tx: Tx,
  tenantId: string,
  importId: string,
  end: { status: ImportStatus; nowMs: number; error?: string },
): Promise<void> {
  await tx.query(
    'UPDATE bank_imports SET status = $3, finished_ms = $4, error = $5 WHERE tenant_id = $1 AND import_id = $2',
    [tenantId, importId, end.status, end.nowMs, end.error ?? null],
  )
  await tx.query('DELETE FROM bank_import_chunks WHERE tenant_id = $1 AND import_id = $2', [tenantId, importId])
}

/** Ends what is still being received for or worked into a bank that goes away. */
export async function cancelImportsOf(tx: Tx, tenantId: string, bankId: string, nowMs: number): Promise<void> {
  await tx.query(
    `WITH ended AS (UPDATE bank_imports SET status = 'cancelled', finished_ms = $3, error = 'the bank was deleted'
       WHERE tenant_id = $1 AND bank_id = $2 AND status IN ('receiving', 'running') RETURNING import_id)
     DELETE FROM bank_import_chunks c USING ended e WHERE c.tenant_id = $1 AND c.import_id = e.import_id`,
    [tenantId, bankId, nowMs],
  )
}

/** Imports that were never received to their end are forgotten. */
export async function deleteAbandoned(query: Query, beforeMs: number): Promise<void> {
  await query(
    `WITH gone AS (DELETE FROM bank_imports WHERE status = 'receiving' AND created_ms < $1 RETURNING tenant_id, import_id)
     DELETE FROM bank_import_chunks c USING gone g WHERE c.tenant_id = g.tenant_id AND c.import_id = g.import_id`,
    [beforeMs],
  )
}

export type RowProblem = {
  /** Empty where what was sent is one file. */
  file: string
  line: number
  outcome: 'refused' | 'duplicate'
  problems: FieldProblem[]
  row: string
}

export async function insertRowProblems(
  tx: Tx,
  tenantId: string,
  importId: string,
  rows: readonly RowProblem[],
): Promise<void> {
  if (rows.length === 0) return
  await tx.query(
    `INSERT INTO bank_import_errors (tenant_id, import_id, file, line, outcome, problems, row)
     SELECT $1, $2, * FROM unnest($3::text[], $4::int[], $5::text[], $6::jsonb[], $7::text[]) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      importId,
      rows.map((row) => row.file),
      rows.map((row) => row.line),
      rows.map((row) => row.outcome),
      rows.map((row) => toJsonb(row.problems)),
      rows.map((row) => row.row),
    ],
  )
}

/** Rows that were refused, by file and line, from after one. */
export async function selectRowProblems(
  query: Query,
  tenantId: string,
  importId: string,
  after: Pick<RowProblem, 'file' | 'line'>,
  limit: number,
): Promise<RowProblem[]> {
  return query<RowProblem>(
    `SELECT file, line, outcome, problems, row FROM bank_import_errors
     WHERE tenant_id = $1 AND import_id = $2 AND (file, line) > ($3, $4) ORDER BY file, line LIMIT $5`,
    [tenantId, importId, after.file, after.line, limit],
  )
}
