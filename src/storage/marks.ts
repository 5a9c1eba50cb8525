import type { LedgerEntry } from '../domain/entry.ts'
import type { Reason } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { toJsonb, type Query, type Tx } from './database.ts'

// Items and threads under decisions

const holdTables = { item: ['item_status', 'item_id'], thread: ['thread_status', 'thread_id'] } as const

/** Adds a decision to those that hold an item or thread. */
export async function addHold(
  tx: Tx,
  kind: 'item' | 'thread',
  tenantId: string,
  id: string,
  decisionId: string,
  atMs: number,
): Promise<void> {
  const [table, column] = holdTables[kind]
  await tx.query(
    `INSERT INTO ${table} AS s (tenant_id, ${column}, decisions, changed_ms) VALUES ($1, $2, ARRAY[$3::text], $4)
     ON CONFLICT (tenant_id, ${column}) DO UPDATE SET decisions = array_append(array_remove(s.decisions, $3), $3), changed_ms = $4`,
    [tenantId, id, decisionId, atMs],
  )
}

/** Takes a decision away from what holds an item or thread; what nothing holds any more keeps its row until given back. */
export async function loosenHold(
  tx: Tx,
  kind: 'item' | 'thread',
  tenantId: string,
  id: string,
  decisionId: string,
): Promise<void> {
  const [table, column] = holdTables[kind]
  await tx.query(
    `UPDATE ${table} SET decisions = array_remove(decisions, $3) WHERE tenant_id = $1 AND ${column} = $2`,
    [tenantId, id, decisionId],
  )
}

/** Takes one decision away from an item or thread, and its row with the last. */
export async function dropHold(
  tx: Tx,
  kind: 'item' | 'thread',
  tenantId: string,
  id: string,
  decisionId: string,
  atMs: number,
): Promise<void> {
  const [table, column] = holdTables[kind]
  await tx.query(
    `UPDATE ${table} SET decisions = array_remove(decisions, $3), changed_ms = $4 WHERE tenant_id = $1 AND ${column} = $2`,
    [tenantId, id, decisionId, atMs],
  )
  await tx.query(`DELETE FROM ${table} WHERE tenant_id = $1 AND ${column} = $2 AND cardinality(decisions) = 0`, [
    tenantId,
    id,
  ])
}

/** The decisions that keep an item removed or a thread restricted; empty when none does. */
export async function selectHolds(
  query: Query,
  kind: 'item' | 'thread',
  tenantId: string,
  id: string,
): Promise<string[]> {
  const [table, column] = holdTables[kind]
  const [row] = await query<{ decisions: string[] }>(
    `SELECT decisions FROM ${table} WHERE tenant_id = $1 AND ${column} = $2`,
    [tenantId, id],
  )
  return row?.decisions ?? []
}

/** Those of some items that are removed now. */
export async function selectHeldItems(query: Query, tenantId: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await query<{ id: string }>(
    'SELECT item_id AS id FROM item_status WHERE tenant_id = $1 AND item_id = ANY($2) AND cardinality(decisions) > 0',
    [tenantId, ids],
  )
  return new Set(rows.map((row) => row.id))
}

/** Whether a thread still has a status that nothing holds any more: a reversal took away its last restriction. */
export async function threadIsFree(query: Query, tenantId: string, threadId: string): Promise<boolean> {
  const rows = await query(
    'SELECT 1 FROM thread_status WHERE tenant_id = $1 AND thread_id = $2 AND cardinality(decisions) = 0',
    [tenantId, threadId],
  )
  return rows.length > 0
}

// Labels

export type LabelRow = { label: string; appliedMs: number; expiresMs: number | null; because: Reason[] }

/** Writes a label that a ledger entry applied, or its new end. */
export async function applyLabel(tx: Tx, entry: LedgerEntry<'label.applied'>): Promise<void> {
  await tx.query(
    `INSERT INTO labels (tenant_id, subject_kind, subject_id, label, applied_ms, expires_ms, entry_id, because)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (tenant_id, subject_kind, subject_id, label) DO UPDATE SET expires_ms = excluded.expires_ms,
       entry_id = excluded.entry_id, because = excluded.because`,
    [
      entry.tenantId,
      entry.subject.kind,
      entry.subject.id,
      entry.body.label,
      entry.occurredAtMs,
      entry.body.expiresAtMs ?? null,
      entry.id,
      toJsonb(entry.because),
    ],
  )
}

/** Removes a label as a ledger entry says. */
export async function removeLabel(tx: Tx, entry: LedgerEntry<'label.removed'>): Promise<void> {
  await tx.query('DELETE FROM labels WHERE tenant_id = $1 AND subject_kind = $2 AND subject_id = $3 AND label = $4', [
    entry.tenantId,
    entry.subject.kind,
    entry.subject.id,
    entry.body.label,
  ])
}

/** Labels of a subject that hold at a moment. */
export function selectLabels(query: Query, tenantId: string, subject: SubjectRef, nowMs: number): Promise<LabelRow[]> {
  return query<LabelRow>(
    `SELECT label, applied_ms AS "appliedMs", expires_ms AS "expiresMs", because FROM labels
     WHERE tenant_id = $1 AND subject_kind = $2 AND subject_id = $3 AND (expires_ms IS NULL OR expires_ms > $4) ORDER BY label`,
    [tenantId, subject.kind, subject.id, nowMs],
    'labels',
  )
}
