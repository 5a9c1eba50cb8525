import { createHmac } from 'node:crypto'
import type { Clock, RandomBytes } from '../domain/ids.ts'
import type { Vault } from '../ledger/vault.ts'
import type { Database } from '../storage/database.ts'
import type { OutboxRow } from '../storage/outbox.ts'
import {
  insertDelivery,
  leaseDueEffects,
  markUnsent,
  noteAttempt,
  selectDeliveries,
  selectWebhooks,
  settleEffect,
  switchWebhook,
  type WebhookRow,
} from '../storage/webhooks.ts'
import type { Post } from './outbound.ts'

export type DeliverDeps = { db: Database; vault: Vault; post: Post; clock: Clock; randomBytes: RandomBytes }

/** Standard Webhooks, "Operational considerations": 15 to 30 seconds. */
const timeoutMs = 15_000
/** Longer than a message can be on its way, webhook after webhook, so that nobody takes an effect from who still sends it. */
const leaseMs = 120_000
const batchMax = 64
/** So many webhooks at most: each effect goes to all of them before the next of its subject. */
export const webhooksPerTenantMax = 5

const retryFirstMs = 5_000
const retryFactor = 3
const retryMsMax = 6 * 3_600_000
/** After this long an effect is parked, where people can see it and send it again. */
export const retryForMs = 72 * 3_600_000

/** How long after the nth failed attempt the next one comes, before jitter; undefined when 72 hours are over. */
export function retryDelayMs(attempts: number): number | undefined {
  let passedMs = 0
  let delayMs = 0
  for (let attempt = 1; attempt <= attempts; attempt++) {
    delayMs = Math.min(retryMsMax, retryFirstMs * retryFactor ** (attempt - 1))
    passedMs += delayMs
  }
  return passedMs > retryForMs ? undefined : delayMs
}

/** `v1,` and the HMAC-SHA256 over id, time and body, under the secret behind `whsec_` (Standard Webhooks 1.0). */
export function signWebhook(secret: string, id: string, timestampS: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`
}

/** A new signing secret: 32 random bytes. */
export function webhookSecret(randomBytes: RandomBytes): string {
  return `whsec_${Buffer.from(randomBytes(32)).toString('base64')}`
}

export type Attempt = { ok: boolean; status: number | null; error: string | null; retryAfter: string | null }

/** Sends one signed message to one webhook and says how it went. Never throws for what the other side does. */
export async function sendWebhook(
  deps: Pick<DeliverDeps, 'db' | 'vault' | 'post' | 'clock'>,
  webhook: WebhookRow,
  message: { id: string; body: string },
): Promise<Attempt> {
  const secret = await deps.vault.open(deps.db.query, webhook.tenantId, webhook.secretRef)
  if (secret === undefined) return { ok: false, status: null, error: 'the secret was erased', retryAfter: null }
  const timestampS = Math.floor(deps.clock() / 1_000)
  let attempt: Attempt
  try {
    const { status, retryAfter } = await deps.post(webhook.url, {
      timeoutMs,
      body: message.body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Custos-Webhooks/1',
        'webhook-id': message.id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signWebhook(secret, message.id, timestampS, message.body),
      },
    })
    const ok = status >= 200 && status < 300
    const error = ok
      ? null
      : status >= 300 && status < 400
        ? `answered ${status}; redirects are not followed`
        : `answered ${status}`
    attempt = { ok, status, error, retryAfter }
  } catch (error) {
    attempt = { ok: false, status: null, error: (error as Error).message.slice(0, 500), retryAfter: null }
  }
  await noteAttempt(deps.db.query, webhook.id, { nowMs: deps.clock(), ...attempt })
  // Standard Webhooks: 410 says that nobody wants these messages any more.
  if (attempt.status === 410)
    await switchWebhook(deps.db.query, webhook.id, { nowMs: deps.clock(), because: 'it answered 410 Gone' })
  return attempt
}

/** The message of an effect as it leaves; the same bytes on every attempt. */
export function effectMessage(row: OutboxRow): { id: string; body: string } {
  return {
    id: row.id,
    body: JSON.stringify({
      type: row.topic,
      timestamp: new Date(row.created_ms).toISOString(),
      data: { id: row.id, subject: row.subject, entryId: row.entry_id, body: row.body },
    }),
  }
}

/** Whether a webhook wants a topic: by its full name, by its family ("decision.*"), or all of them. */
export function wants(webhook: Pick<WebhookRow, 'topics'>, topic: string): boolean {
  return (
    webhook.topics.length === 0 ||
    webhook.topics.some(
      (wanted) => wanted === topic || (wanted.endsWith('.*') && topic.startsWith(wanted.slice(0, -1))),
    )
  )
}

/**
 * Sends what is due in the outbox to the webhooks of its tenant: at least once, in order per subject, retried for 72 hours
 * and then parked. What no webhook wants becomes `unsent` and stays readable by cursor. Answers how many effects it dealt
 * with; call it again at once while that is more than 0.
 */
export async function deliverDue(deps: DeliverDeps): Promise<number> {
  const byTenant = new Map<string, WebhookRow[]>()
  for (const webhook of await selectWebhooks(deps.db.query))
    byTenant.set(webhook.tenantId, [...(byTenant.get(webhook.tenantId) ?? []), webhook])
  const unsent = await markUnsent(deps.db.query, [...byTenant.keys()], 5_000)
  const due = await leaseDueEffects(deps.db, deps.clock(), leaseMs, batchMax)
  await Promise.all(due.map((row) => deliverOne(deps, row, byTenant.get(row.tenant_id) ?? [])))
  return unsent + due.length
}

async function deliverOne(deps: DeliverDeps, row: OutboxRow, webhooks: readonly WebhookRow[]): Promise<void> {
  const { db, clock } = deps
  const wanted = webhooks.filter((webhook) => wants(webhook, row.topic))
  const settle = (state: OutboxRow['state'], nextMs: number, error: string | null) =>
    settleEffect(db.query, row, { state, nextMs, error, deliveredMs: state === 'delivered' ? clock() : null })
  if (wanted.length === 0) {
    await settle('unsent', row.next_ms, null)
    return
  }
  const already = await selectDeliveries(db.query, row.id)
  const open = wanted.filter((webhook) => !already.has(webhook.id))
  const active = open.filter((webhook) => webhook.disabledMs === null)
  const message = effectMessage(row)
  const attempts = await Promise.all(
    active.map(async (webhook) => {
      const attempt = await sendWebhook(deps, webhook, message)
      if (attempt.ok) await insertDelivery(db.query, row.id, webhook.id, clock())
      return { webhook, attempt }
    }),
  )
  const failed = attempts.filter(({ attempt }) => !attempt.ok)
  const gone = failed.filter(({ attempt }) => attempt.status === 410)
  const error = failed.map(({ webhook, attempt }) => `${webhook.url}: ${attempt.error}`).join('; ') || null
  if (failed.length === gone.length) {
    // Whoever is switched off missed this; it is kept for them rather than called delivered.
    const missed = open.length - active.length + gone.length
    if (missed > 0) await settle('parked', row.next_ms, error ?? 'the webhook is switched off')
    else await settle('delivered', row.next_ms, null)
    return
  }
  const delayMs = retryDelayMs(row.attempts)
  if (delayMs === undefined) await settle('parked', row.next_ms, error)
  else await settle('pending', clock() + waitMs(delayMs, failed, deps), error)
}

/** The delay with up to a quarter more, so that many do not come back at once; longer when the other side asks for it. */
function waitMs(delayMs: number, failed: readonly { attempt: Attempt }[], { randomBytes }: DeliverDeps): number {
  const jitter = (randomBytes(1)[0]! / 255) * 0.25
  const askedMs = Math.max(0, ...failed.map(({ attempt }) => Number(attempt.retryAfter ?? 0) * 1_000 || 0))
  return Math.round(Math.max(delayMs * (1 + jitter), Math.min(askedMs, retryMsMax)))
}
