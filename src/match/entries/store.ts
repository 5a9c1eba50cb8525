import type { Author } from '../../domain/entry.ts'
import { toJsonb, type Query, type Tx } from '../../storage/database.ts'
import type { BankEntry, BankEntryStatus } from '../bank.ts'
import { entryColumns, toBankEntry, type EntryRow } from '../store.ts'

export type EntryFilter = {
  bankId?: string
  status?: BankEntryStatus
  label?: string
  source?: string
  signalType?: string
  importId?: string
  /** An entry id, a signal in full, or words of text, note, labels or source. */
  search?: string
}
export const entryOrders = ['added', 'matches', 'precision', 'lastMatch'] as const
export type EntryOrder = (typeof entryOrders)[number]

// Ascending, so that one comparison of pairs goes on from any of them.
const orderBy: Record<EntryOrder, string> = {
  added: '0::float8',
  matches: '(-e.matches)::float8',
  precision: `CASE WHEN e.right_verdicts + e.wrong_verdicts = 0 THEN 2
    ELSE e.right_verdicts::float8 / (e.right_verdicts + e.wrong_verdicts) END`,
  lastMatch: '(-coalesce(e.last_match_ms, 0))::float8',
}

function conditionsOf(tenantId: string, filter: EntryFilter): { where: string; values: unknown[] } {
  const values: unknown[] = [tenantId]
  const conditions = ['e.tenant_id = $1']
  const add = (condition: string, value: unknown) => {
    values.push(value)
    conditions.push(condition.replaceAll('?', `$${values.length}`))
  }
  if (filter.bankId !== undefined) add('e.bank_id = ?', filter.bankId)
  if (filter.status !== undefined) add('e.status = ?', filter.status)
  if (filter.label !== undefined) add('? = ANY(e.labels)', filter.label)
  if (filter.source !== undefined) add('e.source = ?', filter.source)
  if (filter.signalType !== undefined) add('jsonb_exists(e.signals, ?)', filter.signalType)
  if (filter.importId !== undefined) add('e.import_id = ?', filter.importId)
  if (filter.search !== undefined) {
    const words = `%${filter.search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
    values.push(filter.search, filter.search.toLowerCase(), words)
    const [exact, lower, like] = [values.length - 2, values.length - 1, values.length].map((at) => `$${at}`)
    conditions.push(
      `(e.entry_id = ${exact} OR e.text ILIKE ${like} OR e.note ILIKE ${like} OR e.source ILIKE ${like}
        OR EXISTS (SELECT 1 FROM unnest(e.labels) AS l WHERE l ILIKE ${like})
        OR e.entry_id IN (SELECT entry_id FROM entry_signals WHERE tenant_id = $1
             AND digest IN (md5(${exact})::uuid, md5(${lower})::uuid)))`,
    )
  }
  return { where: conditions.join(' AND '), values }
}

export type EntryPlace = { value: number; entryId: string }

/** Entries that a filter leaves, in an order, from after a place; and the place of the last. */
export async function selectEntriesBy(
  query: Query,
  tenantId: string,
  filter: EntryFilter,
  page: { order: EntryOrder; after?: EntryPlace; limit: number },
): Promise<{ entries: BankEntry[]; last: EntryPlace | undefined }> {
  const { where, values } = conditionsOf(tenantId, filter)
  const by = orderBy[page.order]
  const at = values.length
  const plain = page.order === 'added'
  const rows = await query<EntryRow & { place: number }>(
    `SELECT ${entryColumns}, ${by} AS place FROM bank_entries e
     WHERE ${where} AND ${plain ? `e.entry_id > $${at + 2} AND $${at + 1}::float8 IS NOT NULL` : `(${by}, e.entry_id) > ($${at + 1}::float8, $${at + 2})`}
     ORDER BY ${plain ? '' : `${by}, `}e.entry_id LIMIT $${at + 3}`,
    [...values, page.after?.value ?? -9e15, page.after?.entryId ?? '', page.limit],
  )
  const last = rows.at(-1)
  return {
    entries: rows.map(toBankEntry),
    last: last === undefined ? undefined : { value: last.place, entryId: last.entry_id },
  }
}

export type Counted = { name: string; entries: number }

/** How many entries a filter leaves: in all, by status, and by the most frequent labels, sources and signal types. */
export async function countEntriesBy(
  query: Query,
  tenantId: string,
  filter: EntryFilter,
): Promise<{
  entries: number
  byStatus: Record<string, number>
  byLabel: Counted[]
  bySource: Counted[]
  bySignalType: Counted[]
}> {
  const { where, values } = conditionsOf(tenantId, filter)
  const rows = await query<{ what: string; name: string; entries: number }>(
    `WITH found AS (SELECT e.status, e.labels, e.source, e.signals FROM bank_entries e WHERE ${where})
     SELECT 'status' AS what, status AS name, count(*) AS entries FROM found GROUP BY 2
     UNION ALL (SELECT 'label', l, count(*) FROM found, unnest(labels) AS l GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT 200)
     UNION ALL (SELECT 'source', source, count(*) FROM found GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT 200)
     UNION ALL (SELECT 'signal', k, count(*) FROM found, jsonb_object_keys(signals) AS k GROUP BY 2 ORDER BY 3 DESC, 2)`,
    values,
  )
  const of = (what: string) => rows.filter((row) => row.what === what).map(({ name, entries }) => ({ name, entries }))
  const byStatus = Object.fromEntries(of('status').map(({ name, entries }) => [name, entries]))
  return {
    entries: of('status').reduce((sum, { entries }) => sum + entries, 0),
    byStatus,
    byLabel: of('label'),
    bySource: of('source'),
    bySignalType: of('signal'),
  }
}

/** Ids of the ledger entries that tell of one bank entry, newest first, from before an ordinal. */
export async function selectHistory(
  query: Query,
  tenantId: string,
  entryId: string,
  page: { beforeOrdinal?: number; limit: number },
): Promise<{ id: string; ordinal: number }[]> {
  return query<{ id: string; ordinal: number }>(
    `SELECT id, ordinal FROM (
       SELECT id, ordinal FROM ledger_entries WHERE tenant_id = $1 AND kind LIKE 'bank.entr%' AND body ->> 'entryId' = $2
       UNION
       SELECT l.id, l.ordinal FROM bank_entries b JOIN ledger_entries l ON l.id = b.added_entry::uuid
       WHERE b.tenant_id = $1 AND b.entry_id = $2) AS told
     WHERE ordinal < $3 ORDER BY ordinal DESC LIMIT $4`,
    [tenantId, entryId, page.beforeOrdinal ?? Number.MAX_SAFE_INTEGER, page.limit],
  )
}

export type Opinion = { author: Author; opinion: 'confirmed' | 'disputed'; reason: string; atMs: number }

/** Keeps the last word of an author on an entry, and counts both sides. */
export async function upsertOpinion(
  tx: Tx,
  tenantId: string,
  entryId: string,
  authorKey: string,
  opinion: Opinion,
): Promise<void> {
  await tx.query(
    `INSERT INTO entry_opinions (tenant_id, entry_id, author_key, author, opinion, reason, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id, entry_id, author_key) DO UPDATE SET author = excluded.author, opinion = excluded.opinion,
       reason = excluded.reason, at_ms = excluded.at_ms`,
    [tenantId, entryId, authorKey, toJsonb(opinion.author), opinion.opinion, opinion.reason, opinion.atMs],
  )
  await tx.query(
    `UPDATE bank_entries b SET confirmations = o.confirmed, disputes = o.disputed, version = b.version + 1
     FROM (SELECT count(*) FILTER (WHERE opinion = 'confirmed')::int AS confirmed,
             count(*) FILTER (WHERE opinion = 'disputed')::int AS disputed
           FROM entry_opinions WHERE tenant_id = $1 AND entry_id = $2) o
     WHERE b.tenant_id = $1 AND b.entry_id = $2`,
    [tenantId, entryId],
  )
}

export async function selectOpinions(query: Query, tenantId: string, entryId: string): Promise<Opinion[]> {
  const rows = await query<{ author: Author; opinion: Opinion['opinion']; reason: string; at_ms: number }>(
    `SELECT author, opinion, reason, at_ms FROM entry_opinions WHERE tenant_id = $1 AND entry_id = $2
     ORDER BY at_ms DESC, author_key LIMIT 1000`,
    [tenantId, entryId],
  )
  return rows.map(({ at_ms, ...row }) => ({ ...row, atMs: at_ms }))
}

/** The entry that a merge kept, and those that it retired, while it stands. */
export async function selectMerge(
  query: Query,
  tenantId: string,
  mergeId: string,
): Promise<{ keptId: string; retiredIds: string[] } | undefined> {
  const [row] = await query<{ kept_id: string; retired: string[] }>(
    `SELECT kept_id, array_agg(entry_id ORDER BY entry_id) AS retired FROM entry_merges
     WHERE tenant_id = $1 AND merge_id = $2 GROUP BY kept_id`,
    [tenantId, mergeId],
  )
  return row === undefined ? undefined : { keptId: row.kept_id, retiredIds: row.retired }
}

const merged = ['matches', 'confirmed', 'dismissed', 'overturned', 'right_verdicts', 'wrong_verdicts'] as const

/** Remembers what the retired entries bring along, and gives it to the one that is kept. */
export async function insertMerge(
  tx: Tx,
  tenantId: string,
  merge: { mergeId: string; keptId: string; retiredIds: readonly string[] },
): Promise<void> {
  const { mergeId, keptId, retiredIds } = merge
  await tx.query(
    `INSERT INTO entry_merges (tenant_id, merge_id, entry_id, kept_id, status, status_reason, hold, ${merged.join(', ')}, kept_labels)
     SELECT $1, $2, e.entry_id, $3, e.status, e.status_reason, e.hold, ${merged.map((name) => `e.${name}`).join(', ')}, k.labels
     FROM bank_entries e JOIN bank_entries k ON k.tenant_id = $1 AND k.entry_id = $3
     WHERE e.tenant_id = $1 AND e.entry_id = ANY($4) AND e.status <> 'retired' ON CONFLICT DO NOTHING`,
    [tenantId, mergeId, keptId, retiredIds],
  )
  await tx.query(
    `UPDATE bank_entries k SET ${merged.map((name) => `${name} = k.${name} + m.${name}`).join(', ')},
       last_match_ms = greatest(k.last_match_ms, m.last_match_ms), version = k.version + 1,
       labels = k.labels || ARRAY(SELECT DISTINCT l FROM bank_entries e, unnest(e.labels) AS l
         WHERE e.tenant_id = $1 AND e.entry_id = ANY($3) AND l <> ALL(k.labels) ORDER BY l)
     FROM (SELECT ${merged.map((name) => `sum(e.${name})::int AS ${name}`).join(', ')}, max(e.last_match_ms) AS last_match_ms
           FROM entry_merges g JOIN bank_entries e ON e.tenant_id = $1 AND e.entry_id = g.entry_id
           WHERE g.tenant_id = $1 AND g.merge_id = $4) m
     WHERE k.tenant_id = $1 AND k.entry_id = $2`,
    [tenantId, keptId, retiredIds, mergeId],
  )
  await tx.query('UPDATE bank_entries SET merged_into = $2 WHERE tenant_id = $1 AND entry_id = ANY($3)', [
    tenantId,
    keptId,
    retiredIds,
  ])
}

export type MergedEntry = {
  entryId: string
  status: BankEntryStatus
  statusReason: string | null
  hold: 'silent' | 'review' | null
}

/** Takes from the kept entry what a merge gave it, forgets the merge, and says what each retired entry was before. */
export async function deleteMerge(tx: Tx, tenantId: string, mergeId: string): Promise<MergedEntry[]> {
  await tx.query(
    `UPDATE bank_entries k SET ${merged.map((name) => `${name} = k.${name} - m.${name}`).join(', ')}, version = k.version + 1,
       labels = ARRAY(SELECT l FROM unnest(k.labels) WITH ORDINALITY AS x (l, n) WHERE l = ANY(f.kept_labels) OR NOT EXISTS (
         SELECT 1 FROM entry_merges g JOIN bank_entries e ON e.tenant_id = $1 AND e.entry_id = g.entry_id
         WHERE g.tenant_id = $1 AND g.merge_id = $2 AND l = ANY(e.labels)) ORDER BY n)
     FROM (SELECT kept_id, ${merged.map((name) => `sum(${name})::int AS ${name}`).join(', ')}
           FROM entry_merges WHERE tenant_id = $1 AND merge_id = $2 GROUP BY kept_id) m,
       (SELECT kept_labels FROM entry_merges WHERE tenant_id = $1 AND merge_id = $2 LIMIT 1) f
     WHERE k.tenant_id = $1 AND k.entry_id = m.kept_id`,
    [tenantId, mergeId],
  )
  const rows = await tx.query<{
    entry_id: string
    status: BankEntryStatus
    status_reason: string | null
    hold: 'silent' | 'review' | null
  }>(
    `WITH gone AS (DELETE FROM entry_merges WHERE tenant_id = $1 AND merge_id = $2 RETURNING entry_id, status, status_reason, hold),
     parted AS (UPDATE bank_entries b SET merged_into = NULL FROM gone WHERE b.tenant_id = $1 AND b.entry_id = gone.entry_id)
     SELECT entry_id, status, status_reason, hold FROM gone ORDER BY entry_id`,
    [tenantId, mergeId],
  )
  return rows.map((row) => ({
    entryId: row.entry_id,
    status: row.status,
    statusReason: row.status_reason,
    hold: row.hold,
  }))
}
