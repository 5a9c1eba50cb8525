import type { AppealOutcome, LedgerEntry, Severity } from '../domain/entry.ts'
import type { Query, Tx } from '../storage/database.ts'
import type { Relation } from './eligibility.ts'

export type AppealRow = {
  id: string
  decisionId: string
  /** Whom the decision was made against. */
  actorId: string
  appellantId: string
  relation: Relation
  statementRef: string | null
  language: string
  filedMs: number
  entryId: string
  state: 'open' | 'decided'
  assignedTo: string | null
  outcome: AppealOutcome | null
  severity: Severity | null
  reason: string | null
  decidedBy: string | null
  decidedMs: number | null
  revision: number
}

const columns = `id, decision_id AS "decisionId", actor_id AS "actorId", appellant_id AS "appellantId", relation,
  statement_ref AS "statementRef", language, filed_ms AS "filedMs", entry_id AS "entryId", state, assigned_to AS "assignedTo",
  outcome, severity, reason, decided_by AS "decidedBy", decided_ms AS "decidedMs", revision`

export async function insertAppeal(tx: Tx, entry: LedgerEntry<'appeal.filed'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `INSERT INTO appeals (tenant_id, id, decision_id, actor_id, appellant_id, relation, statement_ref, language, filed_ms, entry_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      entry.tenantId,
      body.appealId,
      body.decisionId,
      entry.subject.id,
      body.appellantId,
      body.relation,
      body.statementRef ?? null,
      body.language,
      entry.occurredAtMs,
      entry.id,
    ],
  )
}

export async function assignAppeal(tx: Tx, entry: LedgerEntry<'appeal.assigned'>): Promise<void> {
  await tx.query('UPDATE appeals SET assigned_to = $3, revision = revision + 1 WHERE tenant_id = $1 AND id = $2', [
    entry.tenantId,
    entry.body.appealId,
    entry.body.personId,
  ])
}

export async function closeAppeal(tx: Tx, entry: LedgerEntry<'appeal.decided'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `UPDATE appeals SET state = 'decided', outcome = $3, severity = $4, reason = $5, decided_by = $6, decided_ms = $7,
       revision = revision + 1 WHERE tenant_id = $1 AND id = $2`,
    [
      entry.tenantId,
      body.appealId,
      body.outcome,
      body.severity ?? null,
      body.reason,
      body.personId,
      entry.occurredAtMs,
    ],
  )
}

export async function selectAppeal(query: Query, tenantId: string, id: string): Promise<AppealRow | undefined> {
  const [row] = await query<AppealRow>(`SELECT ${columns} FROM appeals WHERE tenant_id = $1 AND id = $2`, [
    tenantId,
    id,
  ])
  return row
}

export type AppealFilter = {
  decisionId?: string
  actorId?: string
  appellantId?: string
  state?: AppealRow['state']
  outcome?: AppealOutcome
  before?: { filedMs: number; id: string }
  limit: number
}

/** Appeals by any of the filters, newest first. */
export function selectAppeals(query: Query, tenantId: string, filter: AppealFilter): Promise<AppealRow[]> {
  const { decisionId, actorId, appellantId, state, outcome, before, limit } = filter
  return query<AppealRow>(
    `SELECT ${columns} FROM appeals WHERE tenant_id = $1
       AND ($2::text IS NULL OR decision_id = $2) AND ($3::text IS NULL OR actor_id = $3)
       AND ($4::text IS NULL OR appellant_id = $4) AND ($5::text IS NULL OR state = $5) AND ($6::text IS NULL OR outcome = $6)
       AND ($7::bigint IS NULL OR (filed_ms, id) < ($7, $8)) ORDER BY filed_ms DESC, id DESC LIMIT $9`,
    [
      tenantId,
      decisionId ?? null,
      actorId ?? null,
      appellantId ?? null,
      state ?? null,
      outcome ?? null,
      before?.filedMs ?? null,
      before?.id ?? null,
      limit,
    ],
  )
}
