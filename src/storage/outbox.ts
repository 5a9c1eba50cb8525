import { toJsonb, type Query, type Tx } from './database.ts'

export type OutboxEffect = {
  id: string
  /** Effects of one subject leave in the order in which they were written. */
  subject: string
  topic: string
  body: unknown
  entryId?: string
  nowMs: number
}

/** Puts effects for the platform into the outbox, in the transaction that causes them. */
export async function enqueueEffects(tx: Tx, tenantId: string, effects: readonly OutboxEffect[]): Promise<void> {
  if (effects.length === 0) return
  await tx.query(
    `INSERT INTO outbox (id, tenant_id, subject, topic, entry_id, body, created_ms, next_ms)
     SELECT id, $1, subject, topic, entry_id, body::jsonb, now_ms, now_ms
     FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[]) WITH ORDINALITY AS t (id, subject, topic, entry_id, body, now_ms, n) ORDER BY n`,
    [
      tenantId,
      effects.map((effect) => effect.id),
      effects.map((effect) => effect.subject),
      effects.map((effect) => effect.topic),
      effects.map((effect) => effect.entryId ?? null),
      effects.map((effect) => toJsonb(effect.body)),
      effects.map((effect) => effect.nowMs),
    ],
    'outbox-insert',
  )
}

export type OutboxRow = {
  id: string
  tenant_id: string
  subject: string
  topic: string
  entry_id: string | null
  body: unknown
  created_ms: number
  state: 'pending' | 'delivered' | 'parked' | 'unsent'
  attempts: number
  next_ms: number
  last_error: string | null
  delivered_ms: number | null
}

/** Effects of a tenant after a cursor ("xid:position", empty for the start), never past a transaction that is still open. */
export async function readEffects(
  query: Query,
  tenantId: string,
  after: string,
  limit: number,
): Promise<{ items: OutboxRow[]; next: string | null }> {
  const [xid = '0', position = '0'] = after === '' ? [] : after.split(':')
  const rows = await query<OutboxRow & { cursor: string }>(
    `SELECT *, xid::text || ':' || position AS cursor FROM outbox
     WHERE tenant_id = $1 AND (xid, position) > ($2::text::xid8, $3::bigint) AND xid < stream_horizon()
     ORDER BY xid, position LIMIT $4`,
    [tenantId, xid, position, limit],
  )
  return { items: rows, next: rows.length === 0 ? null : rows.at(-1)!.cursor }
}
