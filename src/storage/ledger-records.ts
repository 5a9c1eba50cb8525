import type { Author, Automation, EntryKind, LedgerEntry } from '../domain/entry.ts'
import type { Reason } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { toJsonb, type Query, type Tx } from './database.ts'

/** Inserts entries in order; answers the ids of those that were new (an effect key enters once). */
export async function insertEntries(tx: Tx, entries: readonly LedgerEntry[]): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    // The transaction gets its id (x) before any row draws its ordinal: the sealer's cut relies on it.
    `WITH x AS MATERIALIZED (SELECT pg_current_xact_id() AS xid)
     INSERT INTO ledger_entries (id, tenant_id, kind, subject_kind, subject_id, occurred_ms, recorded_ms, cause, author, automation, because, body, effect_key)
     SELECT id, tenant_id, kind, subject_kind, subject_id, occurred_ms, recorded_ms, cause, author::jsonb, automation, because::jsonb, body::jsonb, effect_key
     FROM x, unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
       WITH ORDINALITY AS t (id, tenant_id, kind, subject_kind, subject_id, occurred_ms, recorded_ms, cause, author, automation, because, body, effect_key, n)
     ORDER BY n
     ON CONFLICT (tenant_id, effect_key) WHERE effect_key IS NOT NULL DO NOTHING
     RETURNING id`,
    [
      entries.map((entry) => entry.id),
      entries.map((entry) => entry.tenantId),
      entries.map((entry) => entry.kind),
      entries.map((entry) => entry.subject.kind),
      entries.map((entry) => entry.subject.id),
      entries.map((entry) => Math.round(entry.occurredAtMs)),
      entries.map((entry) => entry.recordedAtMs),
      entries.map((entry) => entry.cause ?? null),
      entries.map((entry) => toJsonb(entry.author)),
      entries.map((entry) => entry.automation),
      entries.map((entry) => toJsonb(entry.because)),
      entries.map((entry) => toJsonb(entry.body)),
      entries.map((entry) => entry.effectKey ?? null),
    ],
    'ledger-insert',
  )
  return new Set(rows.map((row) => row.id))
}

type EntryRow = {
  id: string
  tenant_id: string
  kind: EntryKind
  subject_kind: SubjectRef['kind']
  subject_id: string
  occurred_ms: number
  recorded_ms: number
  cause: string | null
  author: Author
  automation: Automation
  because: Reason[]
  body: unknown
  effect_key: string | null
  sequence: number | null
  hash: Buffer | null
  ordinal: number
}

const columns = `e.id, e.tenant_id, e.kind, e.subject_kind, e.subject_id, e.occurred_ms, e.recorded_ms, e.cause, e.author, e.automation, e.because, e.body, e.effect_key, e.ordinal, s.sequence, s.hash`

function toEntry(row: EntryRow): LedgerEntry & { ordinal: number } {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    kind: row.kind,
    subject: { kind: row.subject_kind, id: row.subject_id },
    occurredAtMs: row.occurred_ms,
    recordedAtMs: row.recorded_ms,
    ...(row.cause === null ? {} : { cause: row.cause }),
    author: row.author,
    automation: row.automation,
    because: row.because,
    body: row.body,
    ...(row.effect_key === null ? {} : { effectKey: row.effect_key }),
    ...(row.sequence === null ? {} : { sequence: row.sequence }),
    ...(row.hash === null ? {} : { hash: row.hash.toString('hex') }),
    ordinal: row.ordinal,
  } as LedgerEntry & { ordinal: number }
}

export type EntryFilter = {
  id?: string
  subject?: SubjectRef
  cause?: string
  kinds?: readonly EntryKind[]
  /** Id of a person or an API key; rules and models are not found by it. */
  authorId?: string
  /** Recorded at or after, and before. */
  fromMs?: number
  untilMs?: number
  /** Only entries before (older than) or after this ordinal. */
  beforeOrdinal?: number
  afterOrdinal?: number
  order?: 'oldest' | 'newest'
  limit: number
}

/** Entries of one tenant by any of the filters, newest first unless asked otherwise. */
export async function selectEntries(
  query: Query,
  tenantId: string,
  filter: EntryFilter,
): Promise<(LedgerEntry & { ordinal: number })[]> {
  const conditions = ['e.tenant_id = $1']
  const values: unknown[] = [tenantId]
  const add = (condition: string, value: unknown) => {
    values.push(value)
    conditions.push(condition.replace('?', `$${values.length}`))
  }
  if (filter.id !== undefined) add('e.id = ?', filter.id)
  if (filter.subject !== undefined) {
    add('e.subject_kind = ?', filter.subject.kind)
    add('e.subject_id = ?', filter.subject.id)
  }
  if (filter.cause !== undefined) add('e.cause = ?', filter.cause)
  if (filter.kinds !== undefined) add('e.kind = ANY(?)', filter.kinds)
  // Spelt as the partial index ledger_author is.
  if (filter.authorId !== undefined)
    add(`(e.author ->> 'kind') IN ('person', 'platform') AND (e.author ->> 'id') = ?`, filter.authorId)
  if (filter.fromMs !== undefined) add('e.recorded_ms >= ?', filter.fromMs)
  if (filter.untilMs !== undefined) add('e.recorded_ms < ?', filter.untilMs)
  if (filter.beforeOrdinal !== undefined) add('e.ordinal < ?', filter.beforeOrdinal)
  if (filter.afterOrdinal !== undefined) add('e.ordinal > ?', filter.afterOrdinal)
  values.push(filter.limit)
  const rows = await query<EntryRow>(
    `SELECT ${columns} FROM ledger_entries e LEFT JOIN ledger_seals s ON s.entry_id = e.id
     WHERE ${conditions.join(' AND ')} ORDER BY e.ordinal ${filter.order === 'oldest' ? 'ASC' : 'DESC'} LIMIT $${values.length}`,
    values,
  )
  return rows.map(toEntry)
}

/** Everything that followed from an event or entry, directly or through other entries, oldest first. */
export async function selectDescendants(
  query: Query,
  tenantId: string,
  root: string,
  limit: number,
): Promise<(LedgerEntry & { ordinal: number })[]> {
  const rows = await query<EntryRow>(
    `WITH RECURSIVE chain (id, depth) AS (
       SELECT id, 1 FROM ledger_entries WHERE tenant_id = $1 AND cause = $2
       UNION
       SELECT e.id, c.depth + 1 FROM chain c JOIN ledger_entries e ON e.tenant_id = $1 AND e.cause = c.id::text WHERE c.depth < 20
     )
     SELECT DISTINCT ON (e.ordinal) ${columns} FROM chain c JOIN ledger_entries e ON e.id = c.id LEFT JOIN ledger_seals s ON s.entry_id = e.id
     ORDER BY e.ordinal LIMIT $3`,
    [tenantId, root, limit],
    'ledger-descendants',
  )
  return rows.map(toEntry)
}

// What the hash covers, as text that PostgreSQL alone determines: jsonb has one spelling for one value.
const canonical = `jsonb_build_array(e.id, e.tenant_id, e.kind, e.subject_kind, e.subject_id, e.occurred_ms, e.recorded_ms, e.cause, e.author, e.automation, e.because, e.body, e.effect_key)::text`

export type Unsealed = { id: string; tenant_id: string; ordinal: number; canonical: string }

/** Entries after the watermark, up to an ordinal below which nothing can appear any more, in order. */
export function selectUnsealed(tx: Tx, upToOrdinal: number, limit: number): Promise<Unsealed[]> {
  return tx.query<Unsealed>(
    `SELECT e.id, e.tenant_id, e.ordinal, ${canonical} AS canonical FROM ledger_entries e
     WHERE e.ordinal > (SELECT ordinal FROM ledger_watermark) AND e.ordinal <= $1 ORDER BY e.ordinal LIMIT $2`,
    [upToOrdinal, limit],
  )
}

export type Sealed = { sequence: number; id: string; hash: Buffer; canonical: string; ordinal: number }

/** A page of the sealed chain, for verification. */
export function selectSealed(query: Query, tenantId: string, afterSequence: number, limit: number): Promise<Sealed[]> {
  return query<Sealed>(
    `SELECT s.sequence, s.entry_id AS id, s.hash, e.ordinal, ${canonical} AS canonical FROM ledger_seals s
     JOIN ledger_entries e ON e.id = s.entry_id AND e.tenant_id = s.tenant_id
     WHERE s.tenant_id = $1 AND s.sequence > $2 ORDER BY s.sequence LIMIT $3`,
    [tenantId, afterSequence, limit],
  )
}

/** Where the order of entries may be cut: the newest ordinal given out, and the transactions that may still add below it. */
export async function orderHorizon(
  query: Query,
): Promise<{ ordinal: number; xmin: bigint; xmax: bigint; behind: boolean }> {
  const [row] = await query<{ ordinal: number; xmin: string; xmax: string; watermark: number }>(
    // max(ordinal) sees committed entries only, which is what makes the cut safe to take before looking at xmin again.
    `SELECT coalesce((SELECT max(ordinal) FROM ledger_entries), 0) AS ordinal, (SELECT ordinal FROM ledger_watermark) AS watermark,
            pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, pg_snapshot_xmax(pg_current_snapshot())::text AS xmax`,
    [],
    'ledger-horizon',
  )
  return {
    ordinal: row!.ordinal,
    xmin: BigInt(row!.xmin),
    xmax: BigInt(row!.xmax),
    behind: row!.ordinal > row!.watermark,
  }
}

/** Takes the one sealer's lock for this transaction; false when another program has it. */
export async function lockSealer(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ got: boolean }>('SELECT pg_try_advisory_xact_lock(7203120) AS got')
  return row!.got
}

export async function selectHeads(query: Query): Promise<Map<string, { sequence: number; hash: Buffer }>> {
  const rows = await query<{ tenant_id: string; sequence: number; hash: Buffer }>(
    'SELECT tenant_id, sequence, hash FROM ledger_heads',
  )
  return new Map(rows.map((row) => [row.tenant_id, { sequence: row.sequence, hash: row.hash }]))
}

export async function insertSeals(
  tx: Tx,
  seals: readonly { tenantId: string; sequence: number; entryId: string; hash: Buffer }[],
  heads: ReadonlyMap<string, { sequence: number; hash: Buffer }>,
  watermark: number,
): Promise<void> {
  await tx.query(
    'INSERT INTO ledger_seals (tenant_id, sequence, entry_id, hash) SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::bytea[])',
    [
      seals.map((seal) => seal.tenantId),
      seals.map((seal) => seal.sequence),
      seals.map((seal) => seal.entryId),
      seals.map((seal) => seal.hash),
    ],
  )
  for (const [tenantId, head] of heads)
    await tx.query(
      `INSERT INTO ledger_heads (tenant_id, sequence, hash) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash`,
      [tenantId, head.sequence, head.hash],
    )
  await tx.query('UPDATE ledger_watermark SET ordinal = $1', [watermark])
}

/** Takes locks on subjects for this transaction, sorted, so that two transactions never wait for each other in a ring. */
export async function lockKeys(tx: Tx, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await tx.query(
    `SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(t, 0) AS k FROM unnest($1::text[]) AS t ORDER BY 1) AS keys`,
    [keys],
    'lock-keys',
  )
}

/** Every tenant that has entries. */
export async function selectLedgerTenants(query: Query): Promise<string[]> {
  const rows = await query<{ tenant_id: string }>('SELECT DISTINCT tenant_id FROM ledger_entries ORDER BY 1')
  return rows.map((row) => row.tenant_id)
}

/** Makes writers to the ledger wait until this transaction ends; readers go on. */
export async function lockAppends(tx: Tx): Promise<void> {
  await tx.query('LOCK TABLE ledger_entries IN SHARE ROW EXCLUSIVE MODE')
}

/** Empties projection tables before a rebuild. Names come from projectors, never from outside. */
export async function truncateTables(tx: Tx, tables: readonly string[]): Promise<void> {
  if (tables.length > 0) await tx.query(`TRUNCATE ${tables.map((table) => `"${table}"`).join(', ')}`)
}

/** One digest over the rows of a table, whatever their physical order, to compare a projection with its rebuild. */
export async function digestTable(query: Query, table: string): Promise<string> {
  const [row] = await query<{ digest: string | null }>(
    `SELECT md5(string_agg(r, E'\\n' ORDER BY r)) AS digest FROM (SELECT to_jsonb(t)::text AS r FROM "${table}" t) AS rows`,
  )
  return row!.digest ?? 'empty'
}

/** How many entries a tenant has, how many of them are sealed, and the hash of the last. */
export async function countLedger(
  query: Query,
  tenantId: string,
): Promise<{ entries: number; sealed: number; head: string | null }> {
  const [row] = await query<{ entries: number; sequence: number | null; hash: Buffer | null }>(
    `SELECT coalesce(h.sequence, 0) + (SELECT count(*) FROM ledger_entries e WHERE e.tenant_id = $1 AND e.ordinal > (SELECT ordinal FROM ledger_watermark)) AS entries,
            h.sequence, h.hash FROM (SELECT 1) AS one LEFT JOIN ledger_heads h ON h.tenant_id = $1`,
    [tenantId],
  )
  return { entries: row!.entries, sealed: row!.sequence ?? 0, head: row!.hash?.toString('hex') ?? null }
}
