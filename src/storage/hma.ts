import { toJsonb, type Query, type Tx } from './database.ts'
import { lockKeys } from './ledger-records.ts'

/** A bank entry as clients of Hasher-Matcher-Actioner know it. */
export type HmaContent = {
  contentId: number
  entryId: string
  metadata: Record<string, unknown> | null
  note: string | null
  /** 0 is off for good, 1 on, anything else the second until which it is off. */
  disabledUntilS: number
}
const columns = `content_id AS "contentId", entry_id AS "entryId", metadata, note, disabled_until_s AS "disabledUntilS"`

/** The numbers of entries, by entry id; those that have none get the next ones, in the order given. */
export async function upsertContentIds(
  tx: Tx,
  tenantId: string,
  entryIds: readonly string[],
): Promise<Map<string, number>> {
  const ids = [...new Set(entryIds)]
  if (ids.length === 0) return new Map()
  const known = await selectContentIds(tx.query, tenantId, ids)
  if (known.size === ids.length) return known
  // Numbers follow one another without a gap; whoever comes second reads what the first made.
  await lockKeys(tx, [`hma:${tenantId}`])
  await tx.query(
    `INSERT INTO hma_contents (tenant_id, content_id, entry_id)
     SELECT $1, (SELECT coalesce(max(content_id), 0) FROM hma_contents WHERE tenant_id = $1) + row_number() OVER (ORDER BY n), e
     FROM unnest($2::text[]) WITH ORDINALITY AS t (e, n)
     WHERE NOT EXISTS (SELECT 1 FROM hma_contents WHERE tenant_id = $1 AND entry_id = e)`,
    [tenantId, ids],
  )
  return selectContentIds(tx.query, tenantId, ids)
}

/** The numbers that entries have already. */
export async function selectContentIds(
  query: Query,
  tenantId: string,
  entryIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await query<{ entry_id: string; content_id: number }>(
    'SELECT entry_id, content_id FROM hma_contents WHERE tenant_id = $1 AND entry_id = ANY($2)',
    [tenantId, entryIds],
    'hma-content-ids',
  )
  return new Map(rows.map((row) => [row.entry_id, row.content_id]))
}

/** The entry behind a number. */
export async function selectContent(
  query: Query,
  tenantId: string,
  contentId: number,
): Promise<HmaContent | undefined> {
  const [row] = await query<HmaContent>(
    `SELECT ${columns} FROM hma_contents WHERE tenant_id = $1 AND content_id = $2`,
    [tenantId, contentId],
  )
  return row
}

/** Numbers in order with the entries of one bank that have one; pass the last number for the next page. */
export function selectContents(
  query: Query,
  tenantId: string,
  bankId: string,
  afterId: number,
  limit: number,
): Promise<HmaContent[]> {
  return query<HmaContent>(
    `SELECT content_id AS "contentId", h.entry_id AS "entryId", h.metadata, h.note, disabled_until_s AS "disabledUntilS"
     FROM hma_contents h JOIN bank_entries b ON b.tenant_id = h.tenant_id AND b.entry_id = h.entry_id
     WHERE h.tenant_id = $1 AND b.bank_id = $2 AND b.status <> 'retired' AND content_id > $3 ORDER BY content_id LIMIT $4`,
    [tenantId, bankId, afterId, limit],
  )
}

/** Entries of a bank without a number yet. */
export async function selectUnnumbered(query: Query, tenantId: string, bankId: string, limit: number) {
  const rows = await query<{ entry_id: string }>(
    `SELECT b.entry_id FROM bank_entries b LEFT JOIN hma_contents h ON h.tenant_id = b.tenant_id AND h.entry_id = b.entry_id
     WHERE b.tenant_id = $1 AND b.bank_id = $2 AND b.status <> 'retired' AND h.entry_id IS NULL ORDER BY b.entry_id LIMIT $3`,
    [tenantId, bankId, limit],
  )
  return rows.map((row) => row.entry_id)
}

/** Writes what the client says about an entry; only what is given changes. */
export async function updateContent(
  tx: Tx,
  tenantId: string,
  contentId: number,
  change: { metadata?: Record<string, unknown>; note?: string | null; disabledUntilS?: number },
): Promise<void> {
  await tx.query(
    `UPDATE hma_contents SET metadata = coalesce($3::jsonb, metadata), note = CASE WHEN $4 THEN $5 ELSE note END,
       disabled_until_s = coalesce($6, disabled_until_s) WHERE tenant_id = $1 AND content_id = $2`,
    [
      tenantId,
      contentId,
      change.metadata === undefined ? null : toJsonb(change.metadata),
      change.note !== undefined,
      change.note ?? null,
      change.disabledUntilS ?? null,
    ],
  )
}

/** Shares of lookups by the name of a signal type, where they were set. */
export async function selectTypeRatios(query: Query, tenantId: string): Promise<Map<string, number>> {
  const rows = await query<{ type: string; ratio: number }>(
    'SELECT type, ratio FROM hma_type_ratios WHERE tenant_id = $1',
    [tenantId],
    'hma-type-ratios',
  )
  return new Map(rows.map((row) => [row.type, row.ratio]))
}

export async function upsertTypeRatio(tx: Tx, tenantId: string, type: string, ratio: number): Promise<void> {
  await tx.query(
    `INSERT INTO hma_type_ratios (tenant_id, type, ratio) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, type) DO UPDATE SET ratio = excluded.ratio`,
    [tenantId, type, ratio],
  )
}

/** Banks that such a client deleted: they stay in the ledger, and are no longer shown to it. */
export async function selectGoneBanks(query: Query, tenantId: string): Promise<Set<string>> {
  const rows = await query<{ bank_id: string }>(
    'SELECT bank_id FROM hma_gone_banks WHERE tenant_id = $1',
    [tenantId],
    'hma-gone-banks',
  )
  return new Set(rows.map((row) => row.bank_id))
}

export async function insertGoneBank(tx: Tx, tenantId: string, bankId: string): Promise<void> {
  await tx.query('INSERT INTO hma_gone_banks (tenant_id, bank_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    tenantId,
    bankId,
  ])
}

/** Active entries with a signal of each type, and the newest of them in seconds. */
export async function countSignals(
  query: Query,
  tenantId: string,
): Promise<Map<string, { size: number; newestS: number }>> {
  const rows = await query<{ type: string; size: number; newest: number }>(
    `SELECT type, count(*)::int AS size, max(added_ms) / 1000 AS newest
     FROM bank_entries, jsonb_object_keys(signals) AS type WHERE tenant_id = $1 AND status = 'active' GROUP BY type`,
    [tenantId],
  )
  return new Map(rows.map((row) => [row.type, { size: row.size, newestS: row.newest }]))
}

/** Credentials that clients set for all exchanges of a kind; they lie in the vault. */
export async function upsertApiCredentials(tx: Tx, tenantId: string, kind: string, ref: string | null): Promise<void> {
  await tx.query('DELETE FROM hma_api_credentials WHERE tenant_id = $1 AND kind = $2', [tenantId, kind])
  if (ref !== null)
    await tx.query('INSERT INTO hma_api_credentials (tenant_id, kind, credentials_ref) VALUES ($1, $2, $3)', [
      tenantId,
      kind,
      ref,
    ])
}

export async function selectApiCredentials(query: Query, tenantId: string, kind: string): Promise<string | null> {
  const [row] = await query<{ credentials_ref: string }>(
    'SELECT credentials_ref FROM hma_api_credentials WHERE tenant_id = $1 AND kind = $2',
    [tenantId, kind],
  )
  return row?.credentials_ref ?? null
}
