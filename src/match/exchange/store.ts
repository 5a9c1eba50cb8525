import { toJsonb, type Query, type Tx } from '../../storage/database.ts'
import { noCounts, type Exchange, type ExchangeKind, type RecordState, type Run } from './exchange.ts'

type ExchangeRow = {
  tenant_id: string
  exchange_id: string
  kind: ExchangeKind
  name: string
  bank_id: string
  enabled: boolean
  settings: Exchange['settings']
  credentials_ref: string | null
  credentials_fields: string[]
  credentials_set_ms: number | null
  every_ms: number
  filter: Exchange['filter']
  labels: Record<string, string>
  send_back: Exchange['sendBack']
  cursor: unknown
  snapshot_id: string | null
  next_ms: number | null
  failures: number
  lease_run_id: string | null
  lease_until_ms: number | null
  created_ms: number
  deleted_ms: number | null
  version: number
}
const toExchange = (row: ExchangeRow): Exchange => ({
  exchangeId: row.exchange_id,
  tenantId: row.tenant_id,
  kind: row.kind,
  name: row.name,
  bankId: row.bank_id,
  enabled: row.enabled,
  settings: row.settings,
  credentialsRef: row.credentials_ref,
  credentialsFields: row.credentials_fields,
  credentialsSetMs: row.credentials_set_ms,
  everyMs: row.every_ms,
  filter: row.filter,
  labels: row.labels,
  sendBack: row.send_back,
  cursor: row.cursor ?? undefined,
  snapshotId: row.snapshot_id,
  nextMs: row.next_ms,
  failures: row.failures,
  leaseRunId: row.lease_run_id,
  leaseUntilMs: row.lease_until_ms,
  createdMs: row.created_ms,
  deletedMs: row.deleted_ms,
  version: row.version,
})

export async function insertExchange(tx: Tx, exchange: Exchange): Promise<void> {
  await tx.query(
    `INSERT INTO exchanges (tenant_id, exchange_id, kind, name, bank_id, enabled, settings, credentials_ref,
       credentials_fields, credentials_set_ms, every_ms, filter, labels, send_back, next_ms, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      exchange.tenantId,
      exchange.exchangeId,
      exchange.kind,
      exchange.name,
      exchange.bankId,
      exchange.enabled,
      toJsonb(exchange.settings),
      exchange.credentialsRef,
      exchange.credentialsFields,
      exchange.credentialsSetMs,
      exchange.everyMs,
      toJsonb(exchange.filter),
      toJsonb(exchange.labels),
      toJsonb(exchange.sendBack),
      exchange.nextMs,
      exchange.createdMs,
    ],
  )
}

/** Writes what people may change. */
export async function updateExchange(tx: Tx, exchange: Exchange): Promise<void> {
  await tx.query(
    `UPDATE exchanges SET name = $3, enabled = $4, settings = $5, credentials_ref = $6, credentials_fields = $7,
       credentials_set_ms = $8, every_ms = $9, filter = $10, labels = $11, send_back = $12, next_ms = $13,
       failures = $14, deleted_ms = $15, version = version + 1
     WHERE tenant_id = $1 AND exchange_id = $2`,
    [
      exchange.tenantId,
      exchange.exchangeId,
      exchange.name,
      exchange.enabled,
      toJsonb(exchange.settings),
      exchange.credentialsRef,
      exchange.credentialsFields,
      exchange.credentialsSetMs,
      exchange.everyMs,
      toJsonb(exchange.filter),
      toJsonb(exchange.labels),
      toJsonb(exchange.sendBack),
      exchange.nextMs,
      exchange.failures,
      exchange.deletedMs,
    ],
  )
}

/** Exchanges by id, oldest first. */
export async function selectExchanges(query: Query, tenantId: string, afterId: string, limit: number) {
  const rows = await query<ExchangeRow>(
    `SELECT * FROM exchanges WHERE tenant_id = $1 AND exchange_id > $2 AND deleted_ms IS NULL
     ORDER BY exchange_id LIMIT $3`,
    [tenantId, afterId, limit],
  )
  return rows.map(toExchange)
}

/** One exchange, deleted ones too: their records still name them. `lock` holds it until the transaction ends. */
export async function selectExchange(
  query: Query,
  tenantId: string,
  exchangeId: string,
  lock = false,
): Promise<Exchange | undefined> {
  const [row] = await query<ExchangeRow>(
    `SELECT * FROM exchanges WHERE tenant_id = $1 AND exchange_id = $2 ${lock ? 'FOR UPDATE' : ''}`,
    [tenantId, exchangeId],
  )
  return row === undefined ? undefined : toExchange(row)
}

export async function selectExchangeNamed(query: Query, tenantId: string, name: string): Promise<Exchange | undefined> {
  const [row] = await query<ExchangeRow>(
    'SELECT * FROM exchanges WHERE tenant_id = $1 AND name = $2 AND deleted_ms IS NULL',
    [tenantId, name],
  )
  return row === undefined ? undefined : toExchange(row)
}

/** Exchanges of all tenants that should run now and that nobody runs. */
export async function selectDueExchanges(query: Query, nowMs: number, limit: number): Promise<Exchange[]> {
  const rows = await query<ExchangeRow>(
    `SELECT * FROM exchanges WHERE enabled AND deleted_ms IS NULL AND next_ms <= $1
       AND (lease_until_ms IS NULL OR lease_until_ms <= $1) ORDER BY next_ms LIMIT $2`,
    [nowMs, limit],
    'exchanges-due',
  )
  return rows.map(toExchange)
}

/** Exchanges of all tenants that send something back. */
export async function selectSendingExchanges(query: Query): Promise<Exchange[]> {
  const rows = await query<ExchangeRow>(
    `SELECT * FROM exchanges WHERE enabled AND deleted_ms IS NULL
       AND (send_back @> '{"seen": true}' OR send_back @> '{"confirm": true}' OR send_back @> '{"dispute": true}')`,
    [],
    'exchanges-sending',
  )
  return rows.map(toExchange)
}

/** Takes the lease for a run, unless somebody else holds one that has not run out. */
export async function leaseExchange(
  tx: Tx,
  tenantId: string,
  exchangeId: string,
  lease: { runId: string; nowMs: number; untilMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE exchanges SET lease_run_id = $3, lease_until_ms = $5
     WHERE tenant_id = $1 AND exchange_id = $2 AND (lease_until_ms IS NULL OR lease_until_ms <= $4) RETURNING 1`,
    [tenantId, exchangeId, lease.runId, lease.nowMs, lease.untilMs],
  )
  return rows.length > 0
}

/** Keeps how far it was read, if the run still holds the lease; answers whether it does. */
export async function advanceExchange(
  tx: Tx,
  run: Pick<Run, 'runId' | 'exchangeId'>,
  tenantId: string,
  at: { cursor: unknown; snapshotId: string | null; leaseUntilMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE exchanges SET cursor = $4, snapshot_id = $5, lease_until_ms = $6
     WHERE tenant_id = $1 AND exchange_id = $2 AND lease_run_id = $3 RETURNING 1`,
    [tenantId, run.exchangeId, run.runId, toJsonb(at.cursor ?? null), at.snapshotId, at.leaseUntilMs],
  )
  return rows.length > 0
}

/** Gives the lease back and sets when it runs next. */
export async function releaseExchange(
  tx: Tx,
  run: Pick<Run, 'runId' | 'exchangeId'>,
  tenantId: string,
  after: { nextMs: number | null; failures: number },
): Promise<void> {
  await tx.query(
    `UPDATE exchanges SET lease_run_id = NULL, lease_until_ms = NULL, next_ms = $4, failures = $5
     WHERE tenant_id = $1 AND exchange_id = $2 AND lease_run_id = $3`,
    [tenantId, run.exchangeId, run.runId, after.nextMs, after.failures],
  )
}

/**
 * Ends every lease: for a program that alone works on this database and has just started, so that nobody can hold one.
 * What was being read goes on at once from its last page.
 */
export async function releaseLeases(query: Query, nowMs: number): Promise<void> {
  await query(
    `UPDATE exchanges SET lease_run_id = NULL, lease_until_ms = NULL, next_ms = CASE WHEN next_ms IS NOT NULL THEN $1::bigint END
     WHERE lease_run_id IS NOT NULL`,
    [nowMs],
  )
}

/** Takes the lease from a run: it stops before it would keep its next page, and the schedule goes on. */
export async function stopRun(tx: Tx, tenantId: string, exchangeId: string, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE exchanges SET lease_run_id = NULL, lease_until_ms = NULL, next_ms = greatest(next_ms, $3 + every_ms)
     WHERE tenant_id = $1 AND exchange_id = $2 AND lease_run_id IS NOT NULL`,
    [tenantId, exchangeId, nowMs],
  )
}

/** Forgets how far it was read, so that the next run reads everything. */
export async function resetExchange(tx: Tx, tenantId: string, exchangeId: string, snapshotId: string | null) {
  await tx.query('UPDATE exchanges SET cursor = NULL, snapshot_id = $3 WHERE tenant_id = $1 AND exchange_id = $2', [
    tenantId,
    exchangeId,
    snapshotId,
  ])
}

type RunRow = {
  run_id: string
  exchange_id: string
  trigger: Run['trigger']
  state: Run['state']
  started_ms: number
  ended_ms: number | null
  pages: number
  counts: Partial<Run['counts']>
  unsupported: Record<string, number>
  estimate: number | null
  error: string | null
  notes: string[]
}
const toRun = (row: RunRow): Run => ({
  runId: row.run_id,
  exchangeId: row.exchange_id,
  trigger: row.trigger,
  state: row.state,
  startedMs: row.started_ms,
  endedMs: row.ended_ms,
  pages: row.pages,
  counts: { ...noCounts, ...row.counts },
  unsupported: row.unsupported,
  estimate: row.estimate,
  error: row.error,
  notes: row.notes,
})

/** A new run; others of the same exchange that were cut off are called stopped. */
export async function insertRun(tx: Tx, tenantId: string, run: Run): Promise<void> {
  await tx.query(
    `UPDATE exchange_runs SET state = 'stopped', ended_ms = $3, error = 'the process that ran it ended; this run went on from its last page'
     WHERE tenant_id = $1 AND exchange_id = $2 AND state = 'running'`,
    [tenantId, run.exchangeId, run.startedMs],
  )
  await tx.query(
    'INSERT INTO exchange_runs (tenant_id, run_id, exchange_id, trigger, state, started_ms) VALUES ($1, $2, $3, $4, $5, $6)',
    [tenantId, run.runId, run.exchangeId, run.trigger, run.state, run.startedMs],
  )
}

export async function updateRun(tx: Pick<Tx, 'query'>, tenantId: string, run: Run): Promise<void> {
  await tx.query(
    `UPDATE exchange_runs SET state = $3, ended_ms = $4, pages = $5, counts = $6, unsupported = $7, estimate = $8,
       error = $9, notes = $10 WHERE tenant_id = $1 AND run_id = $2`,
    [
      tenantId,
      run.runId,
      run.state,
      run.endedMs,
      run.pages,
      toJsonb(run.counts),
      toJsonb(run.unsupported),
      run.estimate,
      run.error,
      run.notes,
    ],
  )
}

/** Runs of an exchange, newest first; pass the last id for the next page. */
export async function selectRuns(
  query: Query,
  tenantId: string,
  exchangeId: string,
  beforeId: string | null,
  limit: number,
): Promise<Run[]> {
  const rows = await query<RunRow>(
    `SELECT * FROM exchange_runs WHERE tenant_id = $1 AND exchange_id = $2 AND ($3::text IS NULL OR run_id < $3)
     ORDER BY run_id DESC LIMIT $4`,
    [tenantId, exchangeId, beforeId, limit],
  )
  return rows.map(toRun)
}

export type StoredRecord = {
  exchangeId: string
  externalId: string
  bankId: string
  entryId: string | null
  state: RecordState
  owner: string | null
  ownerName: string | null
  tags: string[]
  severity: number | null
  unsupported: string[]
  ref: Record<string, unknown>
  contentHash: string
  snapshotId: string | null
  firstMs: number
  lastMs: number
  seenQueued: boolean
  opinionQueued: string | null
  sent: { opinion: string; sentMs: number; because: string }[]
}
export type RecordRow = {
  exchange_id: string
  external_id: string
  bank_id: string
  entry_id: string | null
  state: RecordState
  owner: string | null
  owner_name: string | null
  tags: string[]
  severity: number | null
  unsupported: string[]
  ref: Record<string, unknown>
  content_hash: string
  snapshot_id: string | null
  first_ms: number
  last_ms: number
  seen_queued: boolean
  opinion_queued: string | null
  sent: StoredRecord['sent']
}
/** A row of exchange_records as the rest of the program sees it. */
export const toRecord = (row: RecordRow): StoredRecord => ({
  exchangeId: row.exchange_id,
  externalId: row.external_id,
  bankId: row.bank_id,
  entryId: row.entry_id,
  state: row.state,
  owner: row.owner,
  ownerName: row.owner_name,
  tags: row.tags,
  severity: row.severity,
  unsupported: row.unsupported,
  ref: row.ref,
  contentHash: row.content_hash,
  snapshotId: row.snapshot_id,
  firstMs: row.first_ms,
  lastMs: row.last_ms,
  seenQueued: row.seen_queued,
  opinionQueued: row.opinion_queued,
  sent: row.sent,
})

/** What is known of records by their id on the other side. */
export async function selectRecords(
  query: Query,
  tenantId: string,
  exchangeId: string,
  externalIds: readonly string[],
): Promise<StoredRecord[]> {
  const rows = await query<RecordRow>(
    'SELECT * FROM exchange_records WHERE tenant_id = $1 AND exchange_id = $2 AND external_id = ANY($3)',
    [tenantId, exchangeId, externalIds],
    'exchange-records',
  )
  return rows.map(toRecord)
}

/** Records of an exchange by their id on the other side; pass the last id for the next page. */
export async function selectRecordPage(
  query: Query,
  tenantId: string,
  exchangeId: string,
  page: { afterId: string; state?: RecordState; limit: number },
): Promise<StoredRecord[]> {
  const rows = await query<RecordRow>(
    `SELECT * FROM exchange_records WHERE tenant_id = $1 AND exchange_id = $2 AND external_id > $3
       AND ($4::text IS NULL OR state = $4) ORDER BY external_id LIMIT $5`,
    [tenantId, exchangeId, page.afterId, page.state ?? null, page.limit],
  )
  return rows.map(toRecord)
}

/** The record that a bank entry was made of. */
export async function selectRecordOfEntry(
  query: Query,
  tenantId: string,
  entryId: string,
): Promise<StoredRecord | undefined> {
  return (await selectRecordsOfEntries(query, tenantId, [entryId]))[0]
}

/** The records that bank entries were made of, the newest for each. */
export async function selectRecordsOfEntries(
  query: Query,
  tenantId: string,
  entryIds: readonly string[],
): Promise<StoredRecord[]> {
  const rows = await query<RecordRow>(
    'SELECT * FROM exchange_records WHERE tenant_id = $1 AND entry_id = ANY($2) ORDER BY last_ms DESC',
    [tenantId, entryIds],
  )
  return rows.map(toRecord)
}

/** Live records that the snapshot, read to its end, did not name. */
export async function selectMissing(
  query: Query,
  tenantId: string,
  exchangeId: string,
  snapshotId: string,
  limit: number,
): Promise<StoredRecord[]> {
  const rows = await query<RecordRow>(
    `SELECT * FROM exchange_records WHERE tenant_id = $1 AND exchange_id = $2 AND state <> 'withdrawn'
       AND snapshot_id IS DISTINCT FROM $3 ORDER BY external_id LIMIT $4`,
    [tenantId, exchangeId, snapshotId, limit],
  )
  return rows.map(toRecord)
}

/** How many live records the snapshot named, and how many it would withdraw. */
export async function countSnapshot(
  query: Query,
  tenantId: string,
  exchangeId: string,
  snapshotId: string,
): Promise<{ named: number; missing: number }> {
  const [row] = await query<{ named: number; missing: number }>(
    `SELECT count(*) FILTER (WHERE snapshot_id = $3)::int AS named,
       count(*) FILTER (WHERE state = 'live' AND snapshot_id IS DISTINCT FROM $3)::int AS missing
     FROM exchange_records WHERE tenant_id = $1 AND exchange_id = $2`,
    [tenantId, exchangeId, snapshotId],
  )
  return row!
}

/** Writes records as they are now, new ones and known ones; what was queued and sent stays. */
export async function upsertRecords(tx: Tx, tenantId: string, records: readonly StoredRecord[]): Promise<void> {
  if (records.length === 0) return
  await tx.query(
    `INSERT INTO exchange_records (tenant_id, exchange_id, external_id, bank_id, entry_id, state, owner, owner_name, tags,
       severity, unsupported, ref, content_hash, snapshot_id, first_ms, last_ms, seen_queued, opinion_queued, sent)
     SELECT $1, "exchangeId", "externalId", "bankId", "entryId", state, owner, "ownerName", tags, severity, unsupported, ref,
       "contentHash", "snapshotId", "firstMs", "lastMs", "seenQueued", "opinionQueued", sent
     FROM jsonb_to_recordset($2::jsonb) AS r ("exchangeId" text, "externalId" text, "bankId" text, "entryId" text,
       state text, owner text, "ownerName" text, tags text[], severity int, unsupported text[], ref jsonb,
       "contentHash" text, "snapshotId" text, "firstMs" bigint, "lastMs" bigint, "seenQueued" boolean,
       "opinionQueued" text, sent jsonb)
     ON CONFLICT (tenant_id, exchange_id, external_id) DO UPDATE SET entry_id = excluded.entry_id,
       state = excluded.state, owner = excluded.owner, owner_name = excluded.owner_name, tags = excluded.tags,
       severity = excluded.severity, unsupported = excluded.unsupported, ref = excluded.ref,
       content_hash = excluded.content_hash, snapshot_id = excluded.snapshot_id, last_ms = excluded.last_ms,
       seen_queued = excluded.seen_queued, opinion_queued = excluded.opinion_queued`,
    [tenantId, toJsonb(records)],
    'exchange-records-upsert',
  )
}

/** How many records there are in each state, for each exchange. */
export async function countRecords(
  query: Query,
  tenantId: string,
  exchangeIds: readonly string[],
): Promise<Map<string, Record<RecordState, number>>> {
  const rows = await query<{ exchange_id: string; state: RecordState; n: number }>(
    `SELECT exchange_id, state, count(*)::int AS n FROM exchange_records
     WHERE tenant_id = $1 AND exchange_id = ANY($2) GROUP BY 1, 2`,
    [tenantId, exchangeIds],
  )
  const counts = new Map(
    exchangeIds.map((id) => [id, { live: 0, withdrawn: 0, filtered: 0, unsupported: 0, malformed: 0 }]),
  )
  for (const row of rows) counts.get(row.exchange_id)![row.state] = row.n
  return counts
}
