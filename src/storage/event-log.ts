import type { Event } from '../domain/event.ts'
import type { Query, Tx } from './database.ts'

export type EventRecord = {
  tenantId: string
  event: Event
  body: string
  partition: number
  occurredAtMs: number
  receivedAtMs: number
  late: boolean
}

function lines(records: readonly EventRecord[], column: (record: EventRecord) => string | number | boolean): string {
  let text = ''
  for (let index = 0; index < records.length; index++)
    text += index === 0 ? column(records[index]!) : `\n${column(records[index]!)}`
  return text
}

/** Inserts events in one statement; answers the position of each that was new, by its place in the list. */
export async function insertEvents(query: Query, records: readonly EventRecord[]): Promise<Map<number, number>> {
  const rows = await query<{ tenant_id: string; event_id: string; position: number }>(
    // Ids and JSON hold no line break, so columns travel as lines of text: far cheaper to write and read than arrays.
    `INSERT INTO events (tenant_id, event_id, partition, type, context, actor_id, item_id, thread_id, occurred_ms, received_ms, late, body)
     SELECT tenant_id, event_id, partition, type, context, actor_id, item_id, thread_id, occurred_ms, received_ms, late, body::json
     FROM unnest(string_to_array($1, E'\n'), string_to_array($2, E'\n'), string_to_array($3, E'\n')::smallint[], string_to_array($4, E'\n'),
       string_to_array($5, E'\n'), string_to_array($6, E'\n'), string_to_array($7, E'\n', ''), string_to_array($8, E'\n', ''),
       string_to_array($9, E'\n')::bigint[], string_to_array($10, E'\n')::bigint[], string_to_array($11, E'\n')::boolean[], string_to_array($12, E'\n'))
       WITH ORDINALITY AS t (tenant_id, event_id, partition, type, context, actor_id, item_id, thread_id, occurred_ms, received_ms, late, body, n)
     ORDER BY n
     ON CONFLICT DO NOTHING RETURNING tenant_id, event_id, position`,
    [
      lines(records, (record) => record.tenantId),
      lines(records, (record) => record.event.id),
      lines(records, (record) => record.partition),
      lines(records, (record) => record.event.type),
      lines(records, (record) => record.event.context),
      lines(records, (record) => record.event.actor.id),
      lines(records, (record) => record.event.item?.id ?? ''),
      lines(records, (record) => record.event.thread?.id ?? ''),
      lines(records, (record) => Math.round(record.occurredAtMs)),
      lines(records, (record) => record.receivedAtMs),
      lines(records, (record) => record.late),
      lines(records, (record) => record.body),
    ],
    'events-insert',
  )
  const inserted = new Map<number, number>()
  if (rows.length === records.length) {
    rows.forEach((row, index) => inserted.set(index, row.position))
    return inserted
  }
  const byKey = new Map(rows.map((row) => [`${row.tenant_id}\n${row.event_id}`, row.position]))
  records.forEach((record, index) => {
    const position = byKey.get(`${record.tenantId}\n${record.event.id}`)
    if (position !== undefined) inserted.set(index, position)
  })
  return inserted
}

/** What is stored under these ids, to tell a repetition from a conflict. */
export async function selectBodies(
  query: Query,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, Event>> {
  const rows = await query<{ event_id: string; body: Event }>(
    'SELECT event_id, body FROM events WHERE tenant_id = $1 AND event_id = ANY($2)',
    [tenantId, ids],
  )
  return new Map(rows.map((row) => [row.event_id, row.body]))
}

type EventRow = {
  tenant_id: string
  event_id: string
  xid: string
  position: number
  occurred_ms: number
  received_ms: number
  late: boolean
  body: Event
}
export type StoredEvent = {
  tenantId: string
  event: Event
  at: { xid: string; position: number }
  occurredAtMs: number
  receivedAtMs: number
  late: boolean
}
const columns = 'tenant_id, event_id, xid::text AS xid, position, occurred_ms, received_ms, late, body'
const toStored = (row: EventRow): StoredEvent => ({
  tenantId: row.tenant_id,
  event: row.body,
  at: { xid: row.xid, position: row.position },
  occurredAtMs: row.occurred_ms,
  receivedAtMs: row.received_ms,
  late: row.late,
})

/** Events of a partition after a position, never past a transaction that is still open. */
export async function selectStream(
  query: Query,
  partition: number,
  after: { xid: string; position: number },
  limit: number,
  /** Takes an event out of the reader's own memory, where it has it; asked from this position on. */
  held?: { fromPosition: number; take: (position: number) => Event | undefined },
): Promise<StoredEvent[]> {
  const rows = await query<EventRow & { body: Event | null }>(
    `SELECT tenant_id, event_id, xid::text AS xid, position, occurred_ms, received_ms, late,
       CASE WHEN position < $5::bigint THEN body END AS body
     FROM events
     WHERE partition = $1 AND (events.xid, position) > ($2::text::xid8, $3::bigint) AND xid < stream_horizon()
     ORDER BY events.xid, position LIMIT $4`,
    [partition, after.xid, after.position, limit, held?.fromPosition ?? Number.MAX_SAFE_INTEGER],
    'events-stream',
  )
  const missing = new Map<number, EventRow>()
  for (const row of rows) {
    if (row.body !== null) continue
    const event = held?.take(row.position)
    if (event === undefined) missing.set(row.position, row)
    else row.body = event
  }
  if (missing.size > 0) {
    const bodies = await query<{ position: number; body: Event }>(
      'SELECT e.position, e.body FROM unnest($1::text[], $2::text[]) AS t (tenant_id, event_id) JOIN events e USING (tenant_id, event_id)',
      [[...missing.values()].map((row) => row.tenant_id), [...missing.values()].map((row) => row.event_id)],
      'events-bodies',
    )
    for (const { position, body } of bodies) missing.get(position)!.body = body
  }
  return rows.map(toStored)
}

/** Takes a partition for this reader: whoever held it before can no longer move its cursor. Answers where to read on. */
export async function claimCursor(
  tx: Tx,
  consumer: string,
  partition: number,
  owner: string,
): Promise<{ token: number; xid: string; position: number }> {
  const [row] = await tx.query<{ token: number; xid: string; position: number }>(
    `INSERT INTO stream_cursors (consumer, partition, token, owner) VALUES ($1, $2, 1, $3)
     ON CONFLICT (consumer, partition) DO UPDATE SET token = stream_cursors.token + 1, owner = excluded.owner
     RETURNING token, xid::text AS xid, position`,
    [consumer, partition, owner],
  )
  return row!
}

/** Moves a cursor from where it is known to stand; false when somebody else holds it now. */
export async function moveCursor(
  tx: Tx,
  consumer: string,
  partition: number,
  token: number,
  from: { xid: string; position: number },
  to: { xid: string; position: number },
  events: number,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE stream_cursors SET xid = $6::text::xid8, position = $7, events = events + $8, updated_at = now()
     WHERE consumer = $1 AND partition = $2 AND token = $3 AND xid = $4::text::xid8 AND position = $5 RETURNING 1`,
    [consumer, partition, token, from.xid, from.position, to.xid, to.position, events],
    'cursor-move',
  )
  return rows.length === 1
}

/** Where a consumer stands in each partition that it has begun to read. */
export function readCursors(
  query: Query,
  consumer: string,
): Promise<{ partition: number; xid: string; position: number; events: number }[]> {
  return query('SELECT partition, xid::text AS xid, position, events FROM stream_cursors WHERE consumer = $1', [
    consumer,
  ])
}

/** How many events a consumer has not read yet, and how old the oldest of them is. */
export async function streamLag(
  query: Query,
  consumer: string,
  nowMs: number,
): Promise<{ events: number; ageMs: number }> {
  const [row] = await query<{ events: number; oldest: number | null }>(
    `SELECT coalesce(sum(behind.events), 0)::bigint AS events, min(behind.oldest) AS oldest
     FROM (SELECT p.partition, coalesce(c.xid, '0'::xid8) AS xid, coalesce(c.position, 0) AS position
           FROM (SELECT 0::smallint AS partition UNION SELECT partition FROM stream_cursors) p
           LEFT JOIN stream_cursors c ON c.consumer = $1 AND c.partition = p.partition) AS at
     CROSS JOIN LATERAL (SELECT count(*) AS events, min(received_ms) AS oldest FROM events e
       WHERE e.partition = at.partition AND (e.xid, e.position) > (at.xid, at.position)) AS behind`,
    [consumer],
    'stream-lag',
  )
  return { events: row!.events, ageMs: row!.oldest === null ? 0 : Math.max(0, nowMs - row!.oldest) }
}

/** One event as it was sent, or undefined. */
export async function selectEvent(query: Query, tenantId: string, eventId: string): Promise<StoredEvent | undefined> {
  const [row] = await query<EventRow>(`SELECT ${columns} FROM events WHERE tenant_id = $1 AND event_id = $2`, [
    tenantId,
    eventId,
  ])
  return row === undefined ? undefined : toStored(row)
}

export type EventFilter = {
  type?: string
  context?: string
  actorId?: string
  itemId?: string
  threadId?: string
  /** Text to find in the body, case-insensitive; scans, so it is bounded to the newest events. */
  text?: string
  sinceMs?: number
  untilMs?: number
  beforePosition?: number
  limit: number
}

/** Newest events first. */
export async function selectEvents(query: Query, tenantId: string, filter: EventFilter): Promise<StoredEvent[]> {
  const conditions = ['tenant_id = $1']
  const values: unknown[] = [tenantId]
  const add = (condition: string, value: unknown) => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition.replace('?', `$${values.length}`))
  }
  add('type = ?', filter.type)
  add('context = ?', filter.context)
  add('actor_id = ?', filter.actorId)
  add('item_id = ?', filter.itemId)
  add('thread_id = ?', filter.threadId)
  add('occurred_ms >= ?', filter.sinceMs)
  add('occurred_ms < ?', filter.untilMs)
  add('position < ?', filter.beforePosition)
  add('position(lower(?) IN lower(body::text)) > 0', filter.text)
  values.push(filter.limit)
  const rows = await query<EventRow>(
    `SELECT ${columns} FROM events WHERE ${conditions.join(' AND ')} ORDER BY position DESC LIMIT $${values.length}`,
    values,
  )
  return rows.map(toStored)
}

export type FeatureSnapshot = { xid: string; position: number; declaredSha256: string; body: Buffer }

/** Keeps the features of a partition as of a position; the newer one replaces the older. */
export async function saveFeatureSnapshot(
  query: Query,
  consumer: string,
  partition: number,
  snapshot: FeatureSnapshot,
): Promise<void> {
  await query(
    `INSERT INTO feature_snapshots (consumer, partition, xid, position, declared_sha256, body) VALUES ($1, $2, $3::text::xid8, $4, $5, $6)
     ON CONFLICT (consumer, partition) DO UPDATE SET xid = excluded.xid, position = excluded.position,
       declared_sha256 = excluded.declared_sha256, body = excluded.body, taken_at = now()`,
    [consumer, partition, snapshot.xid, snapshot.position, snapshot.declaredSha256, snapshot.body],
  )
}

/** The last features kept for a partition, or undefined when there are none. */
export async function loadFeatureSnapshot(
  query: Query,
  consumer: string,
  partition: number,
): Promise<FeatureSnapshot | undefined> {
  const [row] = await query<{ xid: string; position: number; declared_sha256: string; body: Buffer }>(
    'SELECT xid::text AS xid, position, declared_sha256, body FROM feature_snapshots WHERE consumer = $1 AND partition = $2',
    [consumer, partition],
  )
  return row === undefined
    ? undefined
    : { xid: row.xid, position: row.position, declaredSha256: row.declared_sha256, body: row.body }
}

/** How an erased event ends. Events as sent are written without blanks outside of texts, so none of them ends so. */
const erasedEnd = '"attributes" : {"erased" : true}}'

/**
 * Takes everything out of an actor's events but id, type, time, context and actor id; answers how many were changed.
 * The same event sent again is not stored again. The body is not looked into: PostgreSQL refuses to read JSON that
 * holds an escaped NUL, and that must keep nobody from being erased.
 */
export async function redactEvents(tx: Tx, tenantId: string, actorId: string): Promise<number> {
  const rows = await tx.query(
    `UPDATE events SET body = json_build_object('id', event_id, 'type', type,
       'time', to_char(to_timestamp(occurred_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       'context', context, 'actor', json_build_object('id', actor_id), 'attributes', json_build_object('erased', true))
     WHERE tenant_id = $1 AND actor_id = $2 AND right(body::text, $4) <> $3 RETURNING 1`,
    [tenantId, actorId, erasedEnd, erasedEnd.length],
  )
  return rows.length
}
