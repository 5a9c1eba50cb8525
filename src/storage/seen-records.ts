import type { Query, Tx } from './database.ts'

/** One signal of one part of an item that passed. */
export type SeenRow = {
  tenantId: string
  eventId: string
  itemId: string
  part: string
  type: string
  signal: Buffer
  occurredAtMs: number
  keptAtMs: number
}

/** Keeps signals; what is there already stays as it is. One statement, in the caller's transaction. */
export async function insertSeen(tx: Tx, rows: readonly SeenRow[]): Promise<void> {
  if (rows.length === 0) return
  await tx.query(
    `INSERT INTO seen (tenant_id, event_id, item_id, part, type, signal, occurred_ms, kept_ms)
     SELECT tenant_id, event_id, item_id, part, type, decode(signal, 'hex'), occurred_ms, kept_ms
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
       AS t (tenant_id, event_id, item_id, part, type, signal, occurred_ms, kept_ms)
     ON CONFLICT DO NOTHING`,
    [
      rows.map((row) => row.tenantId),
      rows.map((row) => row.eventId),
      rows.map((row) => row.itemId),
      rows.map((row) => row.part),
      rows.map((row) => row.type),
      rows.map((row) => row.signal.toString('hex')),
      rows.map((row) => Math.round(row.occurredAtMs)),
      rows.map((row) => row.keptAtMs),
    ],
    'seen-insert',
  )
}

export type SeenAt = { xid: string; seq: number }
export type SeenSignal = { at: SeenAt; tenantId: string; signal: Buffer; occurredAtMs: number; keptAtMs: number }

type SignalRow = { xid: string; seq: number; tenant_id: string; signal: Buffer; occurred_ms: number; kept_ms: number }
const toSignal = (row: SignalRow): SeenSignal => ({
  at: { xid: row.xid, seq: row.seq },
  tenantId: row.tenant_id,
  signal: row.signal,
  occurredAtMs: row.occurred_ms,
  keptAtMs: row.kept_ms,
})

/** Signals of a type after a place in their order, of one tenant or of all, never past a transaction that is still open. */
export async function selectSeenStream(
  query: Query,
  type: string,
  after: SeenAt,
  limit: number,
  of: { tenantId?: string; keptSinceMs?: number } = {},
): Promise<SeenSignal[]> {
  const rows = await query<SignalRow>(
    `SELECT xid::text AS xid, seq, tenant_id, signal, occurred_ms, kept_ms FROM seen
     WHERE type = $1 AND (seen.xid, seq) > ($2::text::xid8, $3::bigint) AND seen.xid < stream_horizon()
       AND ($5::text IS NULL OR tenant_id = $5) AND kept_ms >= $6
     ORDER BY seen.xid, seq LIMIT $4`,
    [type, after.xid, after.seq, limit, of.tenantId ?? null, of.keptSinceMs ?? 0],
    'seen-stream',
  )
  return rows.map(toSignal)
}

/** Bytes of one hash in `SeenHashes.packed`: its row's number, when it was kept (both as signed 64-bit), and 32 of it. */
export const seenHashBytes = 48
export type SeenHashes = { tenantId: string; packed: Buffer }

/**
 * Hashes of 32 bytes after a place in their order, of all tenants, with the place of the last; no place when there are
 * none. Packed by the database: ten million rows as objects would take a minute and more of the main thread.
 */
export async function selectSeenHashes(
  query: Query,
  type: string,
  after: SeenAt,
  limit: number,
): Promise<{ hashes: SeenHashes[]; rows: number; last: SeenAt | undefined }> {
  const rows = await query<{ tenant_id: string; packed: Buffer; rows: number; xid: string; seq: number }>(
    `WITH page AS MATERIALIZED (
       SELECT xid, seq, tenant_id, signal, kept_ms FROM seen
       WHERE type = $1 AND (seen.xid, seq) > ($2::text::xid8, $3::bigint) AND seen.xid < stream_horizon()
       ORDER BY seen.xid, seq LIMIT $4)
     SELECT p.tenant_id, string_agg(int8send(p.seq) || int8send(p.kept_ms) || p.signal, '') FILTER (WHERE length(p.signal) = 32) AS packed,
       count(*)::int AS rows, l.xid::text AS xid, l.seq
     FROM page p CROSS JOIN (SELECT xid, seq FROM page ORDER BY xid DESC, seq DESC LIMIT 1) AS l
     GROUP BY p.tenant_id, l.xid, l.seq`,
    [type, after.xid, after.seq, limit],
    'seen-hashes',
  )
  const [first] = rows
  return {
    hashes: rows.flatMap((row) => (row.packed === null ? [] : [{ tenantId: row.tenant_id, packed: row.packed }])),
    rows: rows.reduce((sum, row) => sum + row.rows, 0),
    last: first === undefined ? undefined : { xid: first.xid, seq: first.seq },
  }
}

/** Numbers of the rows that hold one of these signals exactly, newest first. */
export async function selectSeenEqual(
  query: Query,
  tenantId: string,
  type: string,
  signals: readonly Buffer[],
  limit: number,
): Promise<number[]> {
  const rows = await query<{ seq: number }>(
    `SELECT seq FROM seen WHERE tenant_id = $1 AND type = $2 AND type IN ('sha256', 'sha1', 'md5', 'text')
       AND md5(signal) = ANY (SELECT md5(decode(s, 'hex')) FROM unnest($3::text[]) AS s)
       AND signal = ANY (SELECT decode(s, 'hex') FROM unnest($3::text[]) AS s)
     ORDER BY seq DESC LIMIT $4`,
    [tenantId, type, signals.map((signal) => signal.toString('hex')), limit],
    'seen-equal',
  )
  return rows.map((row) => row.seq)
}

/** Kept texts in which a text occurs, newest first; a place to look closer, not yet an answer. */
export async function selectSeenContaining(
  query: Query,
  tenantId: string,
  type: string,
  text: string,
  limit: number,
): Promise<{ seq: number; signal: Buffer }[]> {
  return query<{ seq: number; signal: Buffer }>(
    `SELECT seq, signal FROM seen WHERE tenant_id = $1 AND type = $2 AND position(convert_to($3, 'UTF8') IN signal) > 0
     ORDER BY seq DESC LIMIT $4`,
    [tenantId, type, text, limit],
  )
}

/** SHA-256 of the tenant's media with this MD5 or SHA-1. */
export async function selectMediaByDigest(
  query: Query,
  tenantId: string,
  type: 'md5' | 'sha1',
  digest: string,
): Promise<string[]> {
  const rows = await query<{ sha256: string }>(
    `SELECT sha256 FROM media WHERE tenant_id = $1 AND signals ->> '${type === 'md5' ? 'md5' : 'sha1'}' = $2`,
    [tenantId, digest],
  )
  return rows.map((row) => row.sha256)
}

/** Kept signals by the numbers of their rows; those that were erased or ran out are missing. */
export async function selectSeenSignals(
  query: Query,
  tenantId: string,
  seqs: readonly number[],
): Promise<{ seq: number; signal: Buffer }[]> {
  return query<{ seq: number; signal: Buffer }>(
    'SELECT seq, signal FROM seen WHERE seq = ANY($2::bigint[]) AND tenant_id = $1',
    [tenantId, seqs],
    'seen-signals',
  )
}

export type SeenPart = {
  seq: number
  eventId: string
  itemId: string
  part: string
  type: string
  occurredAtMs: number
  actorId: string | null
}

/** Rows by their numbers; those that were erased or ran out are missing. */
export async function selectSeenParts(query: Query, tenantId: string, seqs: readonly number[]): Promise<SeenPart[]> {
  const rows = await query<{
    seq: number
    event_id: string
    item_id: string
    part: string
    type: string
    occurred_ms: number
    actor_id: string | null
  }>(
    `SELECT s.seq, s.event_id, s.item_id, s.part, s.type, s.occurred_ms, e.actor_id
     FROM seen s LEFT JOIN events e ON e.tenant_id = s.tenant_id AND e.event_id = s.event_id
     WHERE s.seq = ANY($2::bigint[]) AND s.tenant_id = $1`,
    [tenantId, seqs],
    'seen-parts',
  )
  return rows.map((row) => ({
    seq: row.seq,
    eventId: row.event_id,
    itemId: row.item_id,
    part: row.part,
    type: row.type,
    occurredAtMs: row.occurred_ms,
    actorId: row.actor_id,
  }))
}

/** Everything kept of one event, or of the newest event of an item. */
export async function selectSeenOf(
  query: Query,
  tenantId: string,
  of: { eventId: string } | { itemId: string },
): Promise<{ eventId: string; part: string; type: string; signal: Buffer }[]> {
  const rows = await query<{ event_id: string; part: string; type: string; signal: Buffer }>(
    `SELECT event_id, part, type, signal FROM seen WHERE tenant_id = $1 AND event_id = ${
      'eventId' in of
        ? '$2'
        : `(SELECT s.event_id FROM events e JOIN seen s ON s.tenant_id = e.tenant_id AND s.event_id = e.event_id
            WHERE e.tenant_id = $1 AND e.item_id = $2 ORDER BY e.position DESC LIMIT 1)`
    } ORDER BY part, type`,
    [tenantId, 'eventId' in of ? of.eventId : of.itemId],
  )
  return rows.map((row) => ({ eventId: row.event_id, part: row.part, type: row.type, signal: row.signal }))
}

/** Deletes what is kept of an actor's events; answers how many rows that were. */
export async function deleteSeenOfActor(tx: Tx, tenantId: string, actorId: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `WITH gone AS (DELETE FROM seen s USING events e
       WHERE e.tenant_id = $1 AND e.actor_id = $2 AND s.tenant_id = e.tenant_id AND s.event_id = e.event_id RETURNING 1)
     SELECT count(*) AS count FROM gone`,
    [tenantId, actorId],
  )
  return row!.count
}

/** Deletes a tenant's rows that were kept before a time, up to a limit; answers how many. */
export async function deleteSeenBefore(query: Query, tenantId: string, keptMs: number, limit: number): Promise<number> {
  const [row] = await query<{ count: number }>(
    `WITH gone AS (DELETE FROM seen WHERE seq IN (
       SELECT seq FROM seen WHERE tenant_id = $1 AND kept_ms < $2 LIMIT $3) RETURNING 1)
     SELECT count(*) AS count FROM gone`,
    [tenantId, keptMs, limit],
  )
  return row!.count
}

/** Where items stand: removed, waiting for a person, decided without removal, or none of these. */
export async function selectItemStates(
  query: Query,
  tenantId: string,
  itemIds: readonly string[],
): Promise<Map<string, 'removed' | 'waiting' | 'decided'>> {
  const rows = await query<{ item_id: string; state: 'removed' | 'waiting' | 'decided' }>(
    `SELECT i.item_id, CASE
         WHEN EXISTS (SELECT 1 FROM item_status s WHERE s.tenant_id = $1 AND s.item_id = i.item_id AND cardinality(s.decisions) > 0) THEN 'removed'
         WHEN EXISTS (SELECT 1 FROM jobs j WHERE j.tenant_id = $1 AND j.item_id = i.item_id AND j.state = 'open') THEN 'waiting'
         WHEN EXISTS (SELECT 1 FROM decisions d WHERE d.tenant_id = $1 AND d.item_id = i.item_id AND d.status <> 'reversed') THEN 'decided'
       END AS state
     FROM unnest($2::text[]) AS i (item_id)`,
    [tenantId, itemIds],
  )
  return new Map(rows.filter((row) => row.state !== null).map((row) => [row.item_id, row.state]))
}
