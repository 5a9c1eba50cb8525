import type { Author, Severity } from '../domain/entry.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { toJsonb, type Query, type Tx } from './database.ts'

export type RetroState = 'applying' | 'applied' | 'undoing' | 'undone'

/** One bank entry applied to past items. */
export type RetroBatch = {
  batchId: string
  bankId: string
  entryId: string
  /** The ledger entry that began it. */
  ledgerEntryId: string
  violation: string | null
  severity: Severity | null
  route: 'review' | 'auto'
  state: RetroState
  items: number
  author: Author
  undoAuthor: Author | null
  undoReason: string | null
  createdMs: number
  changedMs: number
}

export type RetroItem = {
  place: number
  eventId: string
  itemId: string
  part: string
  type: string
  distance: number
  similarity: number
  transformation: string | null
  outcome: string
  proposalEntryId: string | null
  decisionId: string | null
  jobId: string | null
  undone: string | null
}

const batchColumns = `batch_id AS "batchId", bank_id AS "bankId", entry_id AS "entryId", entry AS "ledgerEntryId", violation, severity,
  route, state, items, author, undo_author AS "undoAuthor", undo_reason AS "undoReason", created_ms AS "createdMs",
  changed_ms AS "changedMs"`
const itemColumns = `place, event_id AS "eventId", item_id AS "itemId", part, type, distance, similarity, transformation, outcome,
  proposal_entry_id AS "proposalEntryId", decision_id AS "decisionId", job_id AS "jobId", undone`

export async function insertRetroBatch(
  tx: Tx,
  tenantId: string,
  batch: Omit<RetroBatch, 'state' | 'items' | 'undoAuthor' | 'undoReason' | 'changedMs'>,
  items: readonly Pick<
    RetroItem,
    'eventId' | 'itemId' | 'part' | 'type' | 'distance' | 'similarity' | 'transformation'
  >[],
): Promise<void> {
  await tx.query(
    `INSERT INTO retro_batches (tenant_id, batch_id, bank_id, entry_id, entry, violation, severity, route, state, items, author, created_ms, changed_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'applying', $9, $10, $11, $11)`,
    [
      tenantId,
      batch.batchId,
      batch.bankId,
      batch.entryId,
      batch.ledgerEntryId,
      batch.violation,
      batch.severity,
      batch.route,
      items.length,
      toJsonb(batch.author),
      batch.createdMs,
    ],
  )
  await tx.query(
    `INSERT INTO retro_items (tenant_id, batch_id, place, event_id, item_id, part, type, distance, similarity, transformation)
     SELECT $1, $2, place - 1, event_id, item_id, part, type, distance, similarity, transformation
     FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[], $9::text[])
       WITH ORDINALITY AS t (event_id, item_id, part, type, distance, similarity, transformation, place)`,
    [
      tenantId,
      batch.batchId,
      items.map((item) => item.eventId),
      items.map((item) => item.itemId),
      items.map((item) => item.part),
      items.map((item) => item.type),
      items.map((item) => item.distance),
      items.map((item) => item.similarity),
      items.map((item) => item.transformation),
    ],
  )
}

export async function selectRetroBatch(
  query: Query,
  tenantId: string,
  batchId: string,
): Promise<RetroBatch | undefined> {
  const [row] = await query<RetroBatch>(
    `SELECT ${batchColumns} FROM retro_batches WHERE tenant_id = $1 AND batch_id = $2`,
    [tenantId, batchId],
  )
  return row
}

/** The batch, locked until the transaction ends. */
export async function lockRetroBatch(tx: Tx, tenantId: string, batchId: string): Promise<RetroBatch | undefined> {
  const [row] = await tx.query<RetroBatch>(
    `SELECT ${batchColumns} FROM retro_batches WHERE tenant_id = $1 AND batch_id = $2 FOR UPDATE`,
    [tenantId, batchId],
  )
  return row
}

/** Batches, newest first (ids sort by time). */
export function selectRetroBatches(
  query: Query,
  tenantId: string,
  page: { bankId?: string; entryId?: string; before?: string; limit: number },
): Promise<RetroBatch[]> {
  return query<RetroBatch>(
    `SELECT ${batchColumns} FROM retro_batches
     WHERE tenant_id = $1 AND ($2::text IS NULL OR bank_id = $2) AND ($3::text IS NULL OR entry_id = $3)
       AND ($4::text IS NULL OR batch_id < $4) ORDER BY batch_id DESC LIMIT $5`,
    [tenantId, page.bankId ?? null, page.entryId ?? null, page.before ?? null, page.limit],
  )
}

export async function updateRetroBatch(
  tx: Tx,
  tenantId: string,
  batchId: string,
  change: { state: RetroState; nowMs: number; undoAuthor?: Author; undoReason?: string },
): Promise<void> {
  await tx.query(
    `UPDATE retro_batches SET state = $3, changed_ms = $4, undo_author = coalesce($5::jsonb, undo_author),
       undo_reason = coalesce($6, undo_reason) WHERE tenant_id = $1 AND batch_id = $2`,
    [
      tenantId,
      batchId,
      change.state,
      change.nowMs,
      change.undoAuthor === undefined ? null : toJsonb(change.undoAuthor),
      change.undoReason ?? null,
    ],
  )
}

/** The next items to apply, or to undo, in order. */
export function selectRetroItems(
  query: Query,
  tenantId: string,
  batchId: string,
  which: 'waiting' | 'to-undo',
  limit: number,
): Promise<RetroItem[]> {
  return query<RetroItem>(
    `SELECT ${itemColumns} FROM retro_items WHERE tenant_id = $1 AND batch_id = $2
       AND CASE WHEN $3 THEN outcome = 'waiting' ELSE undone IS NULL END ORDER BY place LIMIT $4`,
    [tenantId, batchId, which === 'waiting', limit],
  )
}

export async function updateRetroItem(
  tx: Tx,
  tenantId: string,
  batchId: string,
  place: number,
  change: Partial<Pick<RetroItem, 'outcome' | 'proposalEntryId' | 'decisionId' | 'jobId' | 'undone'>>,
): Promise<void> {
  await tx.query(
    `UPDATE retro_items SET outcome = coalesce($4, outcome), proposal_entry_id = coalesce($5, proposal_entry_id),
       decision_id = coalesce($6, decision_id), job_id = coalesce($7, job_id), undone = coalesce($8, undone)
     WHERE tenant_id = $1 AND batch_id = $2 AND place = $3`,
    [
      tenantId,
      batchId,
      place,
      change.outcome ?? null,
      change.proposalEntryId ?? null,
      change.decisionId ?? null,
      change.jobId ?? null,
      change.undone ?? null,
    ],
    'retro-item',
  )
}

/** How many items of a batch came to what: by outcome, and by how they were undone. */
export async function countRetroOutcomes(
  query: Query,
  tenantId: string,
  batchId: string,
): Promise<{ outcomes: Record<string, number>; undone: Record<string, number> }> {
  const rows = await query<{ outcome: string; undone: string | null; count: number }>(
    'SELECT outcome, undone, count(*) AS count FROM retro_items WHERE tenant_id = $1 AND batch_id = $2 GROUP BY 1, 2',
    [tenantId, batchId],
  )
  const counts = { outcomes: {} as Record<string, number>, undone: {} as Record<string, number> }
  for (const { outcome, undone, count } of rows) {
    counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + count
    if (undone !== null) counts.undone[undone] = (counts.undone[undone] ?? 0) + count
  }
  return counts
}

/** Whose matches are let go: a retired entry, those of an import, or one that was merged into another. */
export type Released =
  | { entryId: string }
  | { importId: string }
  /** Past items that the kept entry matches too stay; so does what is no longer known well enough to tell. */
  | { mergedId: string; keptItems: readonly string[] }

export type WaitingOn = { proposals: { proposalEntryId: string; subject: SubjectRef }[]; jobs: string[] }

/**
 * Proposals that rest on retired entries, or on what was merged into these, and still wait in an open job; and open jobs
 * that past items got because of them.
 */
export async function selectWaitingOn(
  query: Query,
  tenantId: string,
  released: Released,
  limit: number,
): Promise<WaitingOn> {
  const merged = 'mergedId' in released
  const which = merged ? released.mergedId : 'importId' in released ? released.importId : released.entryId
  const kept = merged ? released.keptItems : []
  const gone = `gone AS (SELECT entry_id FROM bank_entries WHERE tenant_id = $1
      AND ${'importId' in released ? 'import_id' : 'entry_id'} = $2 AND status = 'retired' AND merged_into IS ${merged ? 'NOT ' : ''}NULL),
    resting AS (SELECT entry_id FROM gone UNION
      SELECT m.entry_id FROM gone JOIN entry_merges m ON m.tenant_id = $1 AND m.kept_id = gone.entry_id
        JOIN bank_entries o ON o.tenant_id = $1 AND o.entry_id = m.entry_id AND o.merged_into = gone.entry_id)`
  /** Of a merge only what is surely not known to the kept entry: the item is remembered by the signal that matched. */
  const unknown = (eventId: string, itemId: string, type: string) =>
    `(NOT $4 OR ${itemId} <> ALL($5) AND EXISTS (SELECT 1 FROM seen n
       WHERE n.tenant_id = $1 AND n.event_id = ${eventId} AND n.type = ${type}))`
  const proposals = await query<{ id: string; subject_kind: SubjectRef['kind']; subject_id: string }>(
    `WITH ${gone}
     SELECT DISTINCT ON (p.proposal_entry_id) p.proposal_entry_id AS id, j.subject_kind, j.subject_id
     FROM resting JOIN match_proposals p ON p.tenant_id = $1 AND p.entry_id = resting.entry_id
     JOIN jobs j ON j.tenant_id = p.tenant_id AND j.state = 'open' AND j.proposals @> ARRAY[p.proposal_entry_id]
       AND j.waiting @> ARRAY[p.proposal_entry_id]
     JOIN ledger_entries l ON l.id = p.proposal_entry_id::uuid
     WHERE ${unknown(`l.body ->> 'eventId'`, `coalesce(l.body ->> 'itemId', '')`, `l.body -> 'match' ->> 'signalType'`)}
     ORDER BY p.proposal_entry_id LIMIT $3`,
    [tenantId, which, limit, merged, kept],
  )
  const jobs = await query<{ job_id: string }>(
    `WITH ${gone}
     SELECT DISTINCT j.job_id FROM resting JOIN retro_batches b ON b.tenant_id = $1 AND b.entry_id = resting.entry_id
     JOIN retro_items i ON i.tenant_id = b.tenant_id AND i.batch_id = b.batch_id AND i.proposal_entry_id IS NULL
     JOIN jobs j ON j.tenant_id = b.tenant_id AND j.job_id = i.job_id AND j.state = 'open' AND cardinality(j.proposals) = 0
     WHERE ${unknown('i.event_id', 'i.item_id', 'i.type')} ORDER BY 1 LIMIT $3`,
    [tenantId, which, limit, merged, kept],
  )
  return {
    proposals: proposals.map((row) => ({
      proposalEntryId: row.id,
      subject: { kind: row.subject_kind, id: row.subject_id },
    })),
    jobs: jobs.map((row) => row.job_id),
  }
}
