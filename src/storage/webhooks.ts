import type { Database, Query, Tx } from './database.ts'
import type { OutboxRow } from './outbox.ts'

export type WebhookRow = {
  id: string
  tenantId: string
  url: string
  topics: string[]
  secretRef: string
  createdMs: number
  disabledMs: number | null
  disabledBecause: string | null
  lastMs: number | null
  lastStatus: number | null
  lastError: string | null
  delivered: number
  failed: number
}
const columns = `id, tenant_id AS "tenantId", url, topics, secret_ref AS "secretRef", created_ms AS "createdMs",
  disabled_ms AS "disabledMs", disabled_because AS "disabledBecause", last_ms AS "lastMs", last_status AS "lastStatus",
  last_error AS "lastError", delivered, failed`

/** Stores a webhook. Its secret lies in the vault. */
export async function insertWebhook(
  tx: Tx,
  webhook: { id: string; tenantId: string; url: string; topics: readonly string[]; secretRef: string; nowMs: number },
): Promise<void> {
  await tx.query(
    'INSERT INTO webhooks (id, tenant_id, url, topics, secret_ref, created_ms) VALUES ($1, $2, $3, $4, $5, $6)',
    [webhook.id, webhook.tenantId, webhook.url, webhook.topics, webhook.secretRef, webhook.nowMs],
  )
}

/** Webhooks in the order in which they were made; of all tenants when none is given. */
export function selectWebhooks(query: Query, tenantId?: string): Promise<WebhookRow[]> {
  return query<WebhookRow>(
    `SELECT ${columns} FROM webhooks WHERE $1::text IS NULL OR tenant_id = $1 ORDER BY created_ms, id`,
    [tenantId ?? null],
  )
}

/** One webhook of a tenant. */
export async function selectWebhook(query: Query, tenantId: string, id: string): Promise<WebhookRow | undefined> {
  const [row] = await query<WebhookRow>(`SELECT ${columns} FROM webhooks WHERE tenant_id = $1 AND id::text = $2`, [
    tenantId,
    id,
  ])
  return row
}

/** Removes a webhook; what waits for it alone is then sent to nobody. */
export async function deleteWebhook(tx: Tx, tenantId: string, id: string): Promise<void> {
  await tx.query('DELETE FROM webhooks WHERE tenant_id = $1 AND id::text = $2', [tenantId, id])
}

/** Switches a webhook off, with the reason that people are shown, or on again. */
export async function switchWebhook(query: Query, id: string, disabled: { nowMs: number; because: string } | null) {
  await query('UPDATE webhooks SET disabled_ms = $2, disabled_because = $3 WHERE id = $1', [
    id,
    disabled?.nowMs ?? null,
    disabled?.because ?? null,
  ])
}

/** Notes how the last message to a webhook went. */
export async function noteAttempt(
  query: Query,
  id: string,
  attempt: { nowMs: number; ok: boolean; status: number | null; error: string | null },
): Promise<void> {
  await query(
    `UPDATE webhooks SET last_ms = $2, last_status = $3, last_error = $4, delivered = delivered + $5, failed = failed + $6 WHERE id = $1`,
    [id, attempt.nowMs, attempt.status, attempt.error, attempt.ok ? 1 : 0, attempt.ok ? 0 : 1],
  )
}

/**
 * Takes due effects for sending, the oldest of each subject only: counts the attempt and puts the next one `leaseMs` off,
 * so that no lock is held while the network is waited for, and a worker that dies only delays them.
 */
export function leaseDueEffects(db: Database, nowMs: number, leaseMs: number, limit: number): Promise<OutboxRow[]> {
  return db.query<OutboxRow>(
    `UPDATE outbox u SET attempts = u.attempts + 1, next_ms = $1 + $2::bigint
     FROM (
       SELECT o.id FROM outbox o
       WHERE o.state = 'pending' AND o.next_ms <= $1
         AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant_id = o.tenant_id AND b.subject = o.subject AND b.state = 'pending' AND b.position < o.position)
       ORDER BY o.next_ms, o.position LIMIT $3 FOR UPDATE SKIP LOCKED
     ) due WHERE u.id = due.id RETURNING u.*`,
    [nowMs, leaseMs, limit],
    'outbox-lease',
  )
}

/** Ends an attempt, unless another worker has taken the effect over since. */
export async function settleEffect(
  query: Query,
  row: Pick<OutboxRow, 'id' | 'attempts'>,
  change: { state: OutboxRow['state']; nextMs: number; error: string | null; deliveredMs: number | null },
): Promise<boolean> {
  const rows = await query(
    `UPDATE outbox SET state = $3, next_ms = $4, last_error = $5, delivered_ms = $6
     WHERE id = $1 AND attempts = $2 AND state = 'pending' RETURNING 1`,
    [row.id, row.attempts, change.state, change.nextMs, change.error, change.deliveredMs],
  )
  return rows.length > 0
}

/** Marks as unsent what is pending for tenants that no webhook listens for; it stays readable by cursor. */
export async function markUnsent(query: Query, listeningTenants: readonly string[], limit: number): Promise<number> {
  const rows = await query<{ n: number }>(
    `WITH unsent AS (UPDATE outbox SET state = 'unsent' WHERE id IN (
       SELECT id FROM outbox WHERE state = 'pending' AND NOT (tenant_id = ANY($1)) ORDER BY next_ms LIMIT $2 FOR UPDATE SKIP LOCKED
     ) RETURNING 1) SELECT count(*)::int AS n FROM unsent`,
    [listeningTenants, limit],
  )
  return rows[0]!.n
}

/** Which webhooks already took an effect. */
export async function selectDeliveries(query: Query, outboxId: string): Promise<Set<string>> {
  const rows = await query<{ webhook_id: string }>('SELECT webhook_id FROM webhook_deliveries WHERE outbox_id = $1', [
    outboxId,
  ])
  return new Set(rows.map((row) => row.webhook_id))
}

/** Notes that a webhook took an effect. */
export async function insertDelivery(query: Query, outboxId: string, webhookId: string, nowMs: number): Promise<void> {
  await query(
    `INSERT INTO webhook_deliveries (outbox_id, webhook_id, delivered_ms)
     SELECT $1, id, $3 FROM webhooks WHERE id = $2 ON CONFLICT DO NOTHING`,
    [outboxId, webhookId, nowMs],
  )
}

/** Effects that were given up, oldest first. */
export function selectParked(
  query: Query,
  tenantId: string,
  filter: { afterPosition: number; limit: number },
): Promise<(OutboxRow & { position: number })[]> {
  return query<OutboxRow & { position: number }>(
    `SELECT * FROM outbox WHERE tenant_id = $1 AND state = 'parked' AND position > $2 ORDER BY position LIMIT $3`,
    [tenantId, filter.afterPosition, filter.limit],
  )
}

/** Puts parked effects back in line, all or one, with all their attempts anew; answers how many. */
export async function retryParked(tx: Tx, tenantId: string, nowMs: number, id?: string): Promise<number> {
  const rows = await tx.query<{ n: number }>(
    `WITH again AS (UPDATE outbox SET state = 'pending', attempts = 0, next_ms = $2
       WHERE tenant_id = $1 AND state = 'parked' AND ($3::text IS NULL OR id::text = $3) RETURNING 1)
     SELECT count(*)::int AS n FROM again`,
    [tenantId, nowMs, id ?? null],
  )
  return rows[0]!.n
}
