import type { Author, BankEntryBody, BankSettings } from '../domain/entry.ts'
import { toJsonb, type Query, type Tx } from '../storage/database.ts'
import type { Bank, BankEntry, BankEntryStatus, Hold } from './bank.ts'

export type BankRow = {
  bank_id: string
  name: string
  purpose: string
  owner: string | null
  action: string
  thresholds: Record<string, number>
  negative: boolean
  enabled: boolean
  sharing: Bank['sharing']
  sampling: Bank['sampling']
  expires_ms: number | null
  age_out_days: number | null
  created_ms: number
  version: number
} & Record<BankEntryStatus, number>
export type EntryRow = {
  entry_id: string
  bank_id: string
  signals: Record<string, string>
  quality: number | null
  media_sha256: string | null
  text: string | null
  labels: string[]
  source: string
  note: string | null
  metadata: Record<string, unknown>
  exchange: Record<string, unknown> | null
  expires_ms: number | null
  status: BankEntryStatus
  status_reason: string | null
  status_ms: number | null
  hold: Hold | null
  added_ms: number
  added_by: Author
  import_id: string | null
  merged_into: string | null
  matches: number
  confirmed: number
  dismissed: number
  overturned: number
  right_verdicts: number
  wrong_verdicts: number
  right_forgiven: number
  wrong_forgiven: number
  confirmations: number
  disputes: number
  last_match_ms: number | null
  version: number
}

export const toBank = (row: BankRow): Bank => ({
  bankId: row.bank_id,
  name: row.name,
  purpose: row.purpose,
  owner: row.owner,
  action: row.action,
  thresholds: row.thresholds,
  negative: row.negative,
  enabled: row.enabled,
  sharing: row.sharing,
  sampling: row.sampling,
  expiresMs: row.expires_ms,
  ageOutDays: row.age_out_days,
  createdMs: row.created_ms,
  version: row.version,
  entries: { pending: row.pending, active: row.active, quarantined: row.quarantined, retired: row.retired },
})

export function toBankEntry(row: EntryRow): BankEntry {
  return {
    entryId: row.entry_id,
    bankId: row.bank_id,
    signals: row.signals,
    quality: row.quality,
    mediaSha256: row.media_sha256,
    text: row.text,
    labels: row.labels,
    source: row.source,
    note: row.note,
    metadata: row.metadata,
    exchange: row.exchange,
    expiresMs: row.expires_ms,
    status: row.status,
    statusReason: row.status_reason,
    statusMs: row.status_ms,
    hold: row.hold,
    addedMs: row.added_ms,
    addedBy: row.added_by,
    importId: row.import_id,
    mergedInto: row.merged_into,
    matches: row.matches,
    confirmed: row.confirmed,
    dismissed: row.dismissed,
    overturned: row.overturned,
    verdicts: {
      right: row.right_verdicts,
      wrong: row.wrong_verdicts,
      rightSince: row.right_verdicts - row.right_forgiven,
      wrongSince: row.wrong_verdicts - row.wrong_forgiven,
    },
    confirmations: row.confirmations,
    disputes: row.disputes,
    lastMatchMs: row.last_match_ms,
    version: row.version,
  }
}

export const bankColumns = `bank_id, name, purpose, owner, action, thresholds, negative, enabled, sharing, sampling, expires_ms,
  age_out_days, created_ms, version, pending, active, quarantined, retired`
export const entryColumns = `e.entry_id, e.bank_id, e.signals, e.quality, e.media_sha256, e.text, e.labels, e.source, e.note,
  e.metadata, e.exchange, e.expires_ms, e.status, e.status_reason, e.status_ms, e.hold, e.added_ms, e.added_by, e.import_id,
  e.merged_into, e.matches, e.confirmed, e.dismissed, e.overturned, e.right_verdicts, e.wrong_verdicts, e.right_forgiven,
  e.wrong_forgiven, e.confirmations, e.disputes, e.last_match_ms, e.version`
/**
 * The signals of an entry with what models made of it, of each type the vectors of all models in the order of their
 * names. Whether there are any at all is asked once: most installations have no model.
 */
export const signalsWithVectors = `CASE WHEN (SELECT EXISTS (SELECT 1 FROM entry_vectors)) THEN e.signals || coalesce((
    SELECT jsonb_object_agg(v.type, v.signal) FROM (
      SELECT type, string_agg(vector, ' ' ORDER BY vector) AS signal FROM entry_vectors
      WHERE tenant_id = e.tenant_id AND entry_id = e.entry_id AND vector IS NOT NULL GROUP BY type) AS v), '{}')
  ELSE e.signals END`
/** Which entries match: active ones, and those that are held for review. */
export const matching = `(e.status = 'active' OR e.status = 'quarantined' AND e.hold = 'review')`

/** Banks by id, oldest first (ids sort by time); pass the last id for the next page. */
export async function selectBanks(query: Query, tenantId: string, afterId: string, limit: number): Promise<Bank[]> {
  const rows = await query<BankRow>(
    `SELECT ${bankColumns} FROM banks WHERE tenant_id = $1 AND bank_id > $2 ORDER BY bank_id LIMIT $3`,
    [tenantId, afterId, limit],
  )
  return rows.map(toBank)
}

export async function selectBank(query: Query, tenantId: string, bankId: string): Promise<Bank | undefined> {
  const [row] = await query<BankRow>(`SELECT ${bankColumns} FROM banks WHERE tenant_id = $1 AND bank_id = $2`, [
    tenantId,
    bankId,
  ])
  return row === undefined ? undefined : toBank(row)
}

export async function selectBankNamed(query: Query, tenantId: string, name: string): Promise<Bank | undefined> {
  const [row] = await query<BankRow>(`SELECT ${bankColumns} FROM banks WHERE tenant_id = $1 AND name = $2`, [
    tenantId,
    name,
  ])
  return row === undefined ? undefined : toBank(row)
}

/** Entries of a tenant that are not retired: what counts against its quota. */
export async function countHeldEntries(query: Query, tenantId: string): Promise<number> {
  const [row] = await query<{ held: number }>(
    'SELECT coalesce(sum(pending + active + quarantined), 0)::bigint AS held FROM banks WHERE tenant_id = $1',
    [tenantId],
  )
  return row!.held
}

export type EntryPage = {
  bankId?: string
  status?: BankEntryStatus
  /** Only entries that match: active, or held for review. */
  matching?: boolean
  afterId: string
  limit: number
}

/** Entries of a bank, or of all banks, by id; pass the last id for the next page. */
export async function selectBankEntries(query: Query, tenantId: string, page: EntryPage): Promise<BankEntry[]> {
  const rows = await query<EntryRow>(
    `SELECT ${entryColumns} FROM bank_entries e
     WHERE e.tenant_id = $1 AND ($2::text IS NULL OR e.bank_id = $2) AND ($3::text IS NULL OR e.status = $3)
       AND e.entry_id > $4 ${page.matching === true ? `AND ${matching}` : ''}
     ORDER BY e.entry_id LIMIT $5`,
    [tenantId, page.bankId ?? null, page.status ?? null, page.afterId, page.limit],
  )
  return rows.map(toBankEntry)
}

/** Ids of what an import added and that matches, in order; pass the last one for the next page. */
export async function selectImportedEntries(
  query: Query,
  tenantId: string,
  importId: string,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const rows = await query<{ entry_id: string }>(
    `SELECT entry_id FROM bank_entries WHERE tenant_id = $1 AND import_id = $2 AND status = 'active' AND entry_id > $3
     ORDER BY entry_id LIMIT $4`,
    [tenantId, importId, afterId, limit],
  )
  return rows.map((row) => row.entry_id)
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
    `SELECT ${entryColumns} FROM bank_entries e WHERE e.tenant_id = $1 AND e.entry_id = ANY($2)`,
    [tenantId, entryIds],
  )
  return rows.map(toBankEntry)
}

/** For each of these signals the first entry of the bank, not retired, that holds the same one. */
export async function selectSameEntries(
  query: Query,
  tenantId: string,
  bankId: string,
  signals: readonly { type: string; signal: string }[],
): Promise<Map<string, { entryId: string; status: BankEntryStatus }>> {
  const rows = await query<{ type: string; signal: string; entry_id: string; status: BankEntryStatus }>(
    // OFFSET 0 keeps the planner from walking the whole bank when its statistics are old.
    `SELECT g.type, g.signal, s.entry_id, e.status
     FROM unnest($3::text[], $4::text[]) AS g (type, signal)
     CROSS JOIN LATERAL (SELECT entry_id FROM entry_signals WHERE tenant_id = $1 AND digest = md5(g.signal)::uuid
       AND type = g.type AND bank_id = $2 OFFSET 0) s
     CROSS JOIN LATERAL (SELECT b.status, b.signals FROM bank_entries b WHERE b.tenant_id = $1 AND b.entry_id = s.entry_id
       OFFSET 0) e
     WHERE e.status <> 'retired' AND e.signals ->> g.type = g.signal ORDER BY s.entry_id DESC`,
    [tenantId, bankId, signals.map(({ type }) => type), signals.map(({ signal }) => signal)],
    'bank-same-entries',
  )
  return new Map(
    rows.map((row) => [signalKey(row.type, row.signal), { entryId: row.entry_id, status: row.status }] as const),
  )
}

/** Key of a signal in the map of `selectSameEntries`. */
export const signalKey = (type: string, signal: string) => `${type}:${signal}`

export async function insertBank(tx: Tx, tenantId: string, bank: Omit<Bank, 'entries' | 'version'>): Promise<void> {
  await tx.query(
    `INSERT INTO banks (tenant_id, bank_id, name, purpose, owner, action, thresholds, negative, enabled, sharing, sampling,
       expires_ms, age_out_days, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      bank.bankId,
      bank.name,
      bank.purpose,
      bank.owner,
      bank.action,
      toJsonb(bank.thresholds),
      bank.negative,
      bank.enabled,
      toJsonb(bank.sharing),
      toJsonb(bank.sampling),
      bank.expiresMs,
      bank.ageOutDays,
      bank.createdMs,
    ],
  )
}

const bankFields = {
  name: 'name',
  purpose: 'purpose',
  owner: 'owner',
  action: 'action',
  thresholds: 'thresholds',
  enabled: 'enabled',
  sharing: 'sharing',
  sampling: 'sampling',
  expiresMs: 'expires_ms',
  ageOutDays: 'age_out_days',
} as const
const json = new Set(['thresholds', 'sharing', 'sampling', 'metadata', 'exchange'])

/** `SET` of the fields that are given, with their values; null is a value. */
function setOf(
  fields: Record<string, string>,
  changes: Record<string, unknown>,
  first: number,
): { set: string[]; values: unknown[] } {
  const given = Object.entries(fields).filter(([field]) => changes[field] !== undefined)
  return {
    set: given.map(([, column], at) => `${column} = $${first + at}`),
    values: given.map(([field, column]) =>
      json.has(column) && changes[field] !== null ? toJsonb(changes[field]) : changes[field],
    ),
  }
}

export async function updateBank(
  tx: Tx,
  tenantId: string,
  bankId: string,
  changes: Partial<BankSettings> & { name?: string },
): Promise<void> {
  const { set, values } = setOf(bankFields, changes, 3)
  await tx.query(
    `UPDATE banks SET ${[...set, 'version = version + 1'].join(', ')} WHERE tenant_id = $1 AND bank_id = $2`,
    [tenantId, bankId, ...values],
  )
}

const entryFields = {
  labels: 'labels',
  source: 'source',
  note: 'note',
  metadata: 'metadata',
  exchange: 'exchange',
  expiresMs: 'expires_ms',
} as const

export async function updateEntryFields(
  tx: Tx,
  tenantId: string,
  entryId: string,
  changes: Record<string, unknown>,
): Promise<void> {
  const { set, values } = setOf(entryFields, changes, 3)
  await tx.query(
    `UPDATE bank_entries SET ${[...set, 'version = version + 1'].join(', ')} WHERE tenant_id = $1 AND entry_id = $2`,
    [tenantId, entryId, ...values],
  )
}

export type AddedEntries = {
  bankId: string
  addedMs: number
  addedBy: Author
  addedEntry: string
  importId?: string
  entries: readonly BankEntryBody[]
}

/** Entries with their signals and the counts of their bank, in one statement. */
export async function insertBankEntries(tx: Tx, tenantId: string, added: AddedEntries): Promise<void> {
  await tx.query(
    `WITH inserted AS (
       INSERT INTO bank_entries (tenant_id, entry_id, bank_id, signals, quality, media_sha256, text, labels, source, note, metadata,
         exchange, expires_ms, status, status_ms, added_ms, added_by, import_id, added_entry)
       SELECT $1, g."entryId", $2, g.signals, g.quality, g."mediaSha256", g.text,
         ARRAY(SELECT jsonb_array_elements_text(g.labels)), g.source, g.note, coalesce(g.metadata, '{}'), g.exchange,
         g."expiresMs", CASE WHEN g.draft THEN 'pending' ELSE 'active' END, $4, $4, $5, coalesce(g."importId", $6), $7
       FROM jsonb_to_recordset($3::jsonb) AS g ("entryId" text, signals jsonb, quality int, "mediaSha256" text, text text,
         labels jsonb, source text, note text, metadata jsonb, exchange jsonb, "expiresMs" bigint, draft boolean, "importId" text)
       ON CONFLICT DO NOTHING RETURNING entry_id, signals, status),
     held AS (
       INSERT INTO entry_signals (tenant_id, bank_id, entry_id, type, digest)
       SELECT $1, $2, i.entry_id, s.key, md5(s.value)::uuid FROM inserted i, jsonb_each_text(i.signals) AS s),
     changed AS (
       INSERT INTO bank_changes (tenant_id, bank_id, entry_id, xid) SELECT $1, $2, entry_id, pg_current_xact_id() FROM inserted
       ON CONFLICT (tenant_id, bank_id, entry_id) DO UPDATE SET xid = excluded.xid)
     UPDATE banks SET active = active + (SELECT count(*) FROM inserted WHERE status = 'active'),
       pending = pending + (SELECT count(*) FROM inserted WHERE status = 'pending')
     WHERE tenant_id = $1 AND bank_id = $2`,
    [
      tenantId,
      added.bankId,
      toJsonb(added.entries),
      added.addedMs,
      toJsonb(added.addedBy),
      added.importId ?? null,
      added.addedEntry,
    ],
    'bank-entries-insert',
  )
}

export type StatusChange = {
  /** Which entries: by id, or those of an import; of those only the ones in one of these states. */
  entryIds?: readonly string[]
  importId?: string
  from: readonly BankEntryStatus[]
  status: BankEntryStatus
  reason: string | null
  hold: Hold | null
  atMs: number
  /** Overturns and verdicts so far no longer count towards quarantine. */
  forgive?: boolean
}

/** Moves entries to another state, keeps the counts of their banks, and remembers that they changed. */
export async function updateEntryStatus(tx: Tx, tenantId: string, change: StatusChange): Promise<void> {
  const which = change.entryIds === undefined ? 'import_id = $2' : 'entry_id = ANY($2)'
  await tx.query(
    `WITH before AS (
       SELECT entry_id, bank_id, status FROM bank_entries
       WHERE tenant_id = $1 AND ${which} AND status = ANY($3) FOR UPDATE),
     moved AS (
       UPDATE bank_entries b SET status = $4, status_reason = $5, hold = $6, status_ms = $7, version = b.version + 1,
         overturned_forgiven = CASE WHEN $8 THEN overturned ELSE overturned_forgiven END,
         right_forgiven = CASE WHEN $8 THEN right_verdicts ELSE right_forgiven END,
         wrong_forgiven = CASE WHEN $8 THEN wrong_verdicts ELSE wrong_forgiven END
       FROM before WHERE b.tenant_id = $1 AND b.entry_id = before.entry_id),
     changed AS (
       INSERT INTO bank_changes (tenant_id, bank_id, entry_id, xid)
       SELECT $1, bank_id, entry_id, pg_current_xact_id() FROM before
       ON CONFLICT (tenant_id, bank_id, entry_id) DO UPDATE SET xid = excluded.xid)
     UPDATE banks k SET
       pending = k.pending - c.pending + CASE WHEN $4 = 'pending' THEN c.entries ELSE 0 END,
       active = k.active - c.active + CASE WHEN $4 = 'active' THEN c.entries ELSE 0 END,
       quarantined = k.quarantined - c.quarantined + CASE WHEN $4 = 'quarantined' THEN c.entries ELSE 0 END,
       retired = k.retired - c.retired + CASE WHEN $4 = 'retired' THEN c.entries ELSE 0 END
     FROM (SELECT bank_id, count(*)::int AS entries, count(*) FILTER (WHERE status = 'pending')::int AS pending,
             count(*) FILTER (WHERE status = 'active')::int AS active,
             count(*) FILTER (WHERE status = 'quarantined')::int AS quarantined,
             count(*) FILTER (WHERE status = 'retired')::int AS retired
           FROM before GROUP BY bank_id) c
     WHERE k.tenant_id = $1 AND k.bank_id = c.bank_id`,
    [
      tenantId,
      change.entryIds ?? change.importId ?? null,
      change.from,
      change.status,
      change.reason,
      change.hold,
      change.atMs,
      change.forgive === true,
    ],
    change.entryIds === undefined ? 'bank-import-status' : 'bank-entry-status',
  )
}

/** Puts an entry into another bank of the same tenant. */
export async function moveEntry(tx: Tx, tenantId: string, entryId: string, toBankId: string): Promise<void> {
  const [before] = await tx.query<{ bank_id: string; status: BankEntryStatus }>(
    'SELECT bank_id, status FROM bank_entries WHERE tenant_id = $1 AND entry_id = $2 FOR UPDATE',
    [tenantId, entryId],
  )
  if (before === undefined) return
  const { bank_id: fromBankId, status } = before
  await tx.query('UPDATE bank_entries SET bank_id = $3, version = version + 1 WHERE tenant_id = $1 AND entry_id = $2', [
    tenantId,
    entryId,
    toBankId,
  ])
  await tx.query('UPDATE entry_signals SET bank_id = $3 WHERE tenant_id = $1 AND entry_id = $2', [
    tenantId,
    entryId,
    toBankId,
  ])
  await tx.query(
    `UPDATE banks SET ${status} = ${status} + CASE WHEN bank_id = $3 THEN 1 ELSE -1 END
     WHERE tenant_id = $1 AND bank_id IN ($2, $3)`,
    [tenantId, fromBankId, toBankId],
  )
  await markChanged(tx, tenantId, fromBankId, entryId)
  await markChanged(tx, tenantId, toBankId, entryId)
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

export type EntryRecord = {
  entryId: string
  source: string
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
  const rows = await query<EntryRecord>(
    `SELECT e.entry_id AS "entryId", e.source, e.exchange, e.matches, e.confirmed, e.overturned + e.disputes AS disputed
     FROM bank_entries e WHERE e.entry_id = ANY($2) AND (e.tenant_id = $1 OR EXISTS (
       SELECT 1 FROM bank_subscriptions s WHERE s.tenant_id = $1 AND s.owner_tenant_id = e.tenant_id AND s.bank_id = e.bank_id))`,
    [tenantId, entryIds],
    'bank-entry-records',
  )
  return new Map(rows.map((row) => [row.entryId, row]))
}
