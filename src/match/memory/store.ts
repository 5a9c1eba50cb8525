import type { Query } from '../../storage/database.ts'
import type { BankEntry } from '../bank.ts'
import { matching, signalsWithVectors, type EntryRow } from '../store.ts'

export type BankChange = { tenantId: string; bankId: string; entryId: string; xid: string }

/** What the database says of which transactions have ended by now; changes are read from one such moment to another. */
export async function selectSnapshot(query: Query): Promise<string> {
  const [row] = await query<{ snapshot: string }>('SELECT pg_current_snapshot()::text AS snapshot', [], 'snapshot')
  return row!.snapshot
}

/**
 * A page of the changes that committed between two snapshots, in an order of their own; pass the last for the next page.
 * Each is told once, however long other transactions take. `until` is now where it is missing, and is answered.
 */
export async function selectBankChanges(
  query: Query,
  since: string,
  page: { until?: string; after?: BankChange; limit: number },
): Promise<{ changes: BankChange[]; until: string }> {
  const { after } = page
  const rows = await query<{ until: string; tenant_id: string | null; bank_id: string; entry_id: string; xid: string }>(
    `SELECT u.until, c.tenant_id, c.bank_id, c.entry_id, c.xid::text AS xid
     FROM (SELECT coalesce($2, pg_current_snapshot()::text) AS until) AS u LEFT JOIN LATERAL (
       SELECT * FROM bank_changes WHERE xid >= pg_snapshot_xmin($1::pg_snapshot)
         AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot) AND pg_visible_in_snapshot(xid, u.until::pg_snapshot)
         AND xid >= $3::text::xid8 AND (xid, tenant_id, bank_id, entry_id) > ($3::text::xid8, $4::text, $5::text, $6::text)
       ORDER BY xid, tenant_id, bank_id, entry_id LIMIT $7) AS c ON true`,
    [
      since,
      page.until ?? null,
      after?.xid ?? '0',
      after?.tenantId ?? '',
      after?.bankId ?? '',
      after?.entryId ?? '',
      page.limit,
    ],
    'bank-changes',
  )
  return {
    until: rows[0]!.until,
    changes: rows.flatMap((row) =>
      row.tenant_id === null
        ? []
        : [{ tenantId: row.tenant_id, bankId: row.bank_id, entryId: row.entry_id, xid: row.xid }],
    ),
  }
}

const searchedColumns = `e.entry_id, e.bank_id, ${signalsWithVectors} AS signals, e.quality, e.labels, e.status`
type SearchedRow = Pick<EntryRow, 'entry_id' | 'bank_id' | 'signals' | 'quality' | 'labels' | 'status'>
const toSearched = (row: SearchedRow): SearchedEntry => ({
  entryId: row.entry_id,
  bankId: row.bank_id,
  signals: row.signals,
  quality: row.quality,
  labels: row.labels,
  ...(row.status === 'active' ? {} : { held: true }),
})

/** What the indexes in memory hold of a tenant, or of one of its banks, by entry id; pass the last id for the next page. */
export async function selectSearchedEntries(
  query: Query,
  tenantId: string,
  page: { bankId?: string; afterId: string; limit: number },
): Promise<SearchedEntry[]> {
  const rows = await query<SearchedRow>(
    `SELECT ${searchedColumns} FROM bank_entries e
     WHERE e.tenant_id = $1 AND ($4::text IS NULL OR e.bank_id = $4) AND ${matching} AND e.entry_id > $2
     ORDER BY e.entry_id LIMIT $3`,
    [tenantId, page.afterId, page.limit, page.bankId ?? null],
    'bank-entries-searched',
  )
  return rows.map(toSearched)
}

/** The same by id, of a tenant's entries; those that do not match, or are gone, are missing. */
export async function selectSearchedEntriesById(
  query: Query,
  tenantId: string,
  entryIds: readonly string[],
): Promise<SearchedEntry[]> {
  const rows = await query<SearchedRow>(
    `SELECT ${searchedColumns} FROM bank_entries e WHERE e.tenant_id = $1 AND e.entry_id = ANY($2) AND ${matching}`,
    [tenantId, entryIds],
    'bank-entries-searched-by-id',
  )
  return rows.map(toSearched)
}

/** Tenants with entries that match, and how many, subscribed ones too: those that were used lately first, then the largest. */
export async function selectTenantsByEntries(
  query: Query,
  usedSinceMs: number,
): Promise<{ tenantId: string; entries: number }[]> {
  const rows = await query<{ tenant_id: string; entries: number }>(
    `SELECT t.tenant_id, t.entries FROM (
       SELECT tenant_id, sum(active + quarantined)::bigint AS entries FROM (
         SELECT tenant_id, active, quarantined FROM banks
         UNION ALL SELECT s.tenant_id, b.active, b.quarantined FROM bank_subscriptions s
           JOIN banks b ON b.tenant_id = s.owner_tenant_id AND b.bank_id = s.bank_id WHERE s.enabled AND b.enabled) AS seen
       GROUP BY tenant_id) AS t
     WHERE t.entries > 0
     ORDER BY EXISTS (SELECT 1 FROM api_keys k WHERE k.tenant_id = t.tenant_id AND k.last_used_ms >= $1) DESC,
       t.entries DESC, t.tenant_id`,
    [usedSinceMs],
  )
  return rows.map((row) => ({ tenantId: row.tenant_id, entries: row.entries }))
}

export type SearchedEntry = Pick<BankEntry, 'entryId' | 'bankId' | 'signals' | 'quality' | 'labels'> & {
  /** Held for review: it matches, and a person looks. */
  held?: true
}
