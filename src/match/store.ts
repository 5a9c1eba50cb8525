import type { Author } from '../domain/entry.ts'
import type { Query, Tx } from '../storage/database.ts'
import type { Bank, BankEntry, BankEntryStatus } from './bank.ts'

type BankRow = {
  bank_id: string
  name: string
  purpose: string
  action: string
  thresholds: Record<string, number>
  negative: boolean
  created_ms: number
  version: number
  active: number
  quarantined: number
  retired: number
}
type EntryRow = {
  entry_id: string
  bank_id: string
  signals: Record<string, string>
  quality: number | null
  media_sha256: string | null
  text: string | null
  labels: string[]
  source: string
  note: string | null
  status: BankEntryStatus
  status_reason: string | null
  added_ms: number
  added_by: Author
  matches: number
  confirmed: number
  overturned: number
  last_match_ms: number | null
  version: number
}

const toBank = (row: BankRow): Bank => ({
  bankId: row.bank_id,
  name: row.name,
  purpose: row.purpose,
  action: row.action,
  thresholds: row.thresholds,
  negative: row.negative,
  createdMs: row.created_ms,
  version: row.version,
  entries: { active: row.active, quarantined: row.quarantined, retired: row.retired },
})

const toEntry = (row: EntryRow): BankEntry => ({
  entryId: row.entry_id,
  bankId: row.bank_id,
  signals: row.signals,
  quality: row.quality,
  mediaSha256: row.media_sha256,
  text: row.text,
  labels: row.labels,
  source: row.source,
  note: row.note,
  status: row.status,
  statusReason: row.status_reason,
  addedMs: row.added_ms,
  addedBy: row.added_by,
  matches: row.matches,
  confirmed: row.confirmed,
  overturned: row.overturned,
  lastMatchMs: row.last_match_ms,
  version: row.version,
})

const bankColumns = `b.bank_id, b.name, b.purpose, b.action, b.thresholds, b.negative, b.created_ms, b.version,
  e.active, e.quarantined, e.retired`
const withCounts = `banks b CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status = 'active')::int AS active,
           count(*) FILTER (WHERE status = 'quarantined')::int AS quarantined,
           count(*) FILTER (WHERE status = 'retired')::int AS retired
    FROM bank_entries WHERE tenant_id = b.tenant_id AND bank_id = b.bank_id) e`
const entryColumns = `entry_id, bank_id, signals, quality, media_sha256, text, labels, source, note, status, status_reason,
  added_ms, added_by, matches, confirmed, overturned, last_match_ms, version`

/** Banks by id, oldest first (ids sort by time); pass the last id for the next page. */
export async function selectBanks(query: Query, tenantId: string, afterId: string, limit: number): Promise<Bank[]> {
  const rows = await query<BankRow>(
    `SELECT ${bankColumns} FROM ${withCounts} WHERE b.tenant_id = $1 AND b.bank_id > $2 ORDER BY b.bank_id LIMIT $3`,
    [tenantId, afterId, limit],
  )
  return rows.map(toBank)
}

export async function selectBank(query: Query, tenantId: string, bankId: string): Promise<Bank | undefined> {
  const [row] = await query<BankRow>(
    `SELECT ${bankColumns} FROM ${withCounts} WHERE b.tenant_id = $1 AND b.bank_id = $2`,
    [tenantId, bankId],
  )
  return row === undefined ? undefined : toBank(row)
}

export async function selectBankNamed(query: Query, tenantId: string, name: string): Promise<Bank | undefined> {
  const [row] = await query<BankRow>(
    `SELECT ${bankColumns} FROM ${withCounts} WHERE b.tenant_id = $1 AND b.name = $2`,
    [tenantId, name],
  )
  return row === undefined ? undefined : toBank(row)
}

export type EntryPage = { bankId?: string; status?: BankEntryStatus; afterId: string; limit: number }

/** Entries of a bank, or of all banks, by id; pass the last id for the next page. */
export async function selectBankEntries(query: Query, tenantId: string, page: EntryPage): Promise<BankEntry[]> {
  const rows = await query<EntryRow>(
    `SELECT ${entryColumns} FROM bank_entries
     WHERE tenant_id = $1 AND ($2::text IS NULL OR bank_id = $2) AND ($3::text IS NULL OR status = $3) AND entry_id > $4
     ORDER BY entry_id LIMIT $5`,
    [tenantId, page.bankId ?? null, page.status ?? null, page.afterId, page.limit],
  )
  return rows.map(toEntry)
}

export async function selectBankEntry(query: Query, tenantId: string, entryId: string): Promise<BankEntry | undefined> {
  return (await selectBankEntriesById(query, tenantId, [entryId]))[0]
}

export async function selectBankEntriesById(
  query: Query,
  tenantId: string,
  entryIds: readonly string[],
): Promise<BankEntry[]> {
  const rows = await query<EntryRow>(
    `SELECT ${entryColumns} FROM bank_entries WHERE tenant_id = $1 AND entry_id = ANY($2)`,
    [tenantId, entryIds],
  )
  return rows.map(toEntry)
}

/** An entry of the bank, not retired, that holds one of the same signals. */
export async function selectSameEntry(
  query: Query,
  tenantId: string,
  bankId: string,
  signals: Record<string, string>,
): Promise<BankEntry | undefined> {
  const [row] = await query<EntryRow>(
    `SELECT ${entryColumns} FROM bank_entries
     WHERE tenant_id = $1 AND bank_id = $2 AND status <> 'retired' AND (
       ($3::text IS NOT NULL AND signals ? 'pdq' AND signals ->> 'pdq' = $3) OR
       ($4::text IS NOT NULL AND signals ? 'sha256' AND signals ->> 'sha256' = $4) OR
       ($5::text IS NOT NULL AND signals ? 'text' AND md5(signals ->> 'text') = md5($5) AND signals ->> 'text' = $5))
     ORDER BY entry_id LIMIT 1`,
    [tenantId, bankId, signals.pdq ?? null, signals.sha256 ?? null, signals.text ?? null],
  )
  return row === undefined ? undefined : toEntry(row)
}

export async function insertBank(tx: Tx, tenantId: string, bank: Omit<Bank, 'entries' | 'version'>): Promise<void> {
  await tx.query(
    `INSERT INTO banks (tenant_id, bank_id, name, purpose, action, thresholds, negative, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      bank.bankId,
      bank.name,
      bank.purpose,
      bank.action,
      JSON.stringify(bank.thresholds),
      bank.negative,
      bank.createdMs,
    ],
  )
}

export async function updateBank(
  tx: Tx,
  tenantId: string,
  bankId: string,
  changes: { name?: string; purpose?: string; action?: string; thresholds?: Record<string, number> },
): Promise<void> {
  await tx.query(
    `UPDATE banks SET name = coalesce($3, name), purpose = coalesce($4, purpose), action = coalesce($5, action),
       thresholds = coalesce($6::jsonb, thresholds), version = version + 1
     WHERE tenant_id = $1 AND bank_id = $2`,
    [
      tenantId,
      bankId,
      changes.name ?? null,
      changes.purpose ?? null,
      changes.action ?? null,
      changes.thresholds === undefined ? null : JSON.stringify(changes.thresholds),
    ],
  )
}

export type NewBankEntry = Pick<
  BankEntry,
  | 'entryId'
  | 'bankId'
  | 'signals'
  | 'quality'
  | 'mediaSha256'
  | 'text'
  | 'labels'
  | 'source'
  | 'note'
  | 'addedMs'
  | 'addedBy'
>

export async function insertBankEntry(tx: Tx, tenantId: string, entry: NewBankEntry): Promise<void> {
  await tx.query(
    `INSERT INTO bank_entries (tenant_id, entry_id, bank_id, signals, quality, media_sha256, text, labels, source, note, status, added_ms, added_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'active', $11, $12) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      entry.entryId,
      entry.bankId,
      JSON.stringify(entry.signals),
      entry.quality,
      entry.mediaSha256,
      entry.text,
      entry.labels,
      entry.source,
      entry.note,
      entry.addedMs,
      JSON.stringify(entry.addedBy),
    ],
    'bank-entry-insert',
  )
}

export async function updateEntryStatus(
  tx: Tx,
  tenantId: string,
  entryId: string,
  status: BankEntryStatus,
  reason: string,
  forgive: boolean,
): Promise<void> {
  await tx.query(
    `UPDATE bank_entries SET status = $3, status_reason = $4, version = version + 1,
       overturned_forgiven = CASE WHEN $5 THEN overturned ELSE overturned_forgiven END
     WHERE tenant_id = $1 AND entry_id = $2`,
    [tenantId, entryId, status, reason, forgive],
  )
}

/** Remembers that a bank (no entry given) or an entry changed in this transaction. */
export async function markChanged(tx: Tx, tenantId: string, bankId: string, entryId = ''): Promise<void> {
  await tx.query(
    `INSERT INTO bank_changes (tenant_id, bank_id, entry_id, xid) VALUES ($1, $2, $3, pg_current_xact_id())
     ON CONFLICT (tenant_id, bank_id, entry_id) DO UPDATE SET xid = excluded.xid`,
    [tenantId, bankId, entryId],
    'bank-change',
  )
}

export type BankChange = { tenantId: string; bankId: string; entryId: string; xid: string }

/**
 * Changes by transactions from `fromXid` on that have committed, and the transaction to read from next: every one before
 * it has ended. A change may therefore be read more than once, but none is missed.
 */
export async function selectBankChanges(
  query: Query,
  fromXid: string,
): Promise<{ changes: BankChange[]; nextXid: string }> {
  const rows = await query<{
    horizon: string
    tenant_id: string | null
    bank_id: string
    entry_id: string
    xid: string
  }>(
    `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon, c.tenant_id, c.bank_id, c.entry_id, c.xid::text AS xid
     FROM (SELECT 1) AS one LEFT JOIN bank_changes c ON c.xid >= $1::xid8`,
    [fromXid],
    'bank-changes',
  )
  return {
    nextXid: rows[0]!.horizon,
    changes: rows.flatMap((row) =>
      row.tenant_id === null
        ? []
        : [{ tenantId: row.tenant_id, bankId: row.bank_id, entryId: row.entry_id, xid: row.xid }],
    ),
  }
}

/** Counts a proposal that rests on an entry. */
export async function countMatch(
  tx: Tx,
  tenantId: string,
  match: { proposalEntryId: string; bankId: string; entryId: string; occurredMs: number },
): Promise<void> {
  await tx.query(
    `WITH proposal AS (
       INSERT INTO match_proposals (tenant_id, proposal_entry_id, bank_id, entry_id) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING RETURNING entry_id)
     UPDATE bank_entries b SET matches = matches + 1, last_match_ms = greatest(last_match_ms, $5::bigint)
     FROM proposal p WHERE b.tenant_id = $1 AND b.entry_id = p.entry_id`,
    [tenantId, match.proposalEntryId, match.bankId, match.entryId, match.occurredMs],
    'bank-count-match',
  )
}

/** Counts a person's confirmation of a proposal, once however often it is confirmed. */
export async function countConfirmed(tx: Tx, tenantId: string, proposalEntryId: string): Promise<void> {
  await tx.query(
    `WITH proposal AS (
       UPDATE match_proposals SET confirmed = true WHERE tenant_id = $1 AND proposal_entry_id = $2 AND NOT confirmed
       RETURNING entry_id)
     UPDATE bank_entries b SET confirmed = confirmed + 1 FROM proposal p WHERE b.tenant_id = $1 AND b.entry_id = p.entry_id`,
    [tenantId, proposalEntryId],
  )
}

export async function selectProposalMatch(
  query: Query,
  tenantId: string,
  proposalEntryId: string,
): Promise<{ bankId: string; entryId: string } | undefined> {
  const [row] = await query<{ bank_id: string; entry_id: string }>(
    'SELECT bank_id, entry_id FROM match_proposals WHERE tenant_id = $1 AND proposal_entry_id = $2',
    [tenantId, proposalEntryId],
  )
  return row === undefined ? undefined : { bankId: row.bank_id, entryId: row.entry_id }
}

export async function insertMatchDecision(
  tx: Tx,
  tenantId: string,
  decision: { decisionId: string; bankId: string; entryId: string; madeMs: number },
): Promise<void> {
  await tx.query(
    `INSERT INTO match_decisions (tenant_id, decision_id, bank_id, entry_id, made_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
    [tenantId, decision.decisionId, decision.bankId, decision.entryId, decision.madeMs],
  )
}

/** A decision by a person that rests on an entry without a proposal. */
export async function countConfirmedEntry(tx: Tx, tenantId: string, entryId: string): Promise<void> {
  await tx.query('UPDATE bank_entries SET confirmed = confirmed + 1 WHERE tenant_id = $1 AND entry_id = $2', [
    tenantId,
    entryId,
  ])
}

/** Counts an overturned decision against its entry, once. */
export async function countOverturned(tx: Tx, tenantId: string, decisionId: string): Promise<void> {
  await tx.query(
    `WITH decision AS (
       UPDATE match_decisions SET overturned = true WHERE tenant_id = $1 AND decision_id = $2 AND NOT overturned
       RETURNING entry_id)
     UPDATE bank_entries b SET overturned = overturned + 1 FROM decision d WHERE b.tenant_id = $1 AND b.entry_id = d.entry_id`,
    [tenantId, decisionId],
  )
}

/** The entry that a decision rests on, with what counts towards its quarantine, locked until the transaction ends. */
export async function selectEntryOfDecision(
  tx: Tx,
  tenantId: string,
  decisionId: string,
): Promise<
  { bankId: string; entryId: string; status: BankEntryStatus; overturned: number; unforgiven: number } | undefined
> {
  const [row] = await tx.query<{
    bank_id: string
    entry_id: string
    status: BankEntryStatus
    overturned: number
    unforgiven: number
  }>(
    `SELECT e.bank_id, e.entry_id, e.status, e.overturned, e.overturned - e.overturned_forgiven AS unforgiven
     FROM match_decisions d JOIN bank_entries e ON e.tenant_id = d.tenant_id AND e.entry_id = d.entry_id
     WHERE d.tenant_id = $1 AND d.decision_id = $2 FOR UPDATE OF e`,
    [tenantId, decisionId],
  )
  return row === undefined
    ? undefined
    : {
        bankId: row.bank_id,
        entryId: row.entry_id,
        status: row.status,
        overturned: row.overturned,
        unforgiven: row.unforgiven,
      }
}

/** Decisions that rest on an entry and still stand, oldest first. */
export async function selectOpenDecisions(query: Query, tenantId: string, entryId: string): Promise<string[]> {
  const rows = await query<{ decision_id: string }>(
    `SELECT decision_id FROM match_decisions WHERE tenant_id = $1 AND entry_id = $2 AND NOT overturned ORDER BY made_ms, decision_id`,
    [tenantId, entryId],
  )
  return rows.map((row) => row.decision_id)
}

/** What the indexes in memory hold, by entry id; pass the last id for the next page. */
export async function selectSearchedEntries(
  query: Query,
  tenantId: string,
  afterId: string,
  limit: number,
): Promise<Pick<BankEntry, 'entryId' | 'bankId' | 'signals' | 'quality' | 'labels'>[]> {
  const rows = await query<Pick<EntryRow, 'entry_id' | 'bank_id' | 'signals' | 'quality' | 'labels'>>(
    `SELECT entry_id, bank_id, signals, quality, labels FROM bank_entries
     WHERE tenant_id = $1 AND status = 'active' AND entry_id > $2 ORDER BY entry_id LIMIT $3`,
    [tenantId, afterId, limit],
    'bank-entries-searched',
  )
  return rows.map((row) => ({
    entryId: row.entry_id,
    bankId: row.bank_id,
    signals: row.signals,
    quality: row.quality,
    labels: row.labels,
  }))
}

export type EntryRecord = {
  entryId: string
  source: string
  exchange: Record<string, unknown> | null
  matches: number
  confirmed: number
  disputed: number
}

/** What is known of entries beside what is searched: where they come from and how they did. */
export async function selectEntryRecords(
  query: Query,
  tenantId: string,
  entryIds: readonly string[],
): Promise<Map<string, EntryRecord>> {
  const rows = await query<Pick<EntryRow, 'entry_id' | 'source' | 'matches' | 'confirmed' | 'overturned'>>(
    `SELECT entry_id, source, matches, confirmed, overturned FROM bank_entries WHERE tenant_id = $1 AND entry_id = ANY($2)`,
    [tenantId, entryIds],
    'bank-entry-records',
  )
  return new Map(
    rows.map((row) => [
      row.entry_id,
      {
        entryId: row.entry_id,
        source: row.source,
        exchange: null,
        matches: row.matches,
        confirmed: row.confirmed,
        disputed: row.overturned,
      },
    ]),
  )
}
