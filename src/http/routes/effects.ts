import { InputError, quote } from '../../domain/error.ts'
import { uuidv7 } from '../../domain/ids.ts'
import { sendWebhook, webhookSecret, webhooksPerTenantMax } from '../../flows/deliver.ts'
import { urlTrouble, type OutboundRules, type Post } from '../../flows/outbound.ts'
import type { Vault } from '../../ledger/vault.ts'
import type { Database } from '../../storage/database.ts'
import { readEffects, type OutboxRow } from '../../storage/outbox.ts'
import * as store from '../../storage/webhooks.ts'
import { recordChange, staffSubject, type AccessDeps } from '../access.ts'
import * as contract from '../contract/effects.ts'
import { authorOf } from '../principal.ts'
import { notFound, problem } from '../problem.ts'
import type { Mount } from '../server.ts'

export type EffectRouteDeps = AccessDeps & { db: Database; vault: Vault; post: Post; outbound: OutboundRules }

/** Effects by cursor, what could not be delivered, and the webhooks that effects go to. */
export function effectRoutes(mount: Mount, deps: EffectRouteDeps): void {
  const { db } = deps

  mount(contract.listEffects, async ({ query, principal }) => {
    if (query.after !== undefined && !/^\d{1,18}:\d{1,18}$/.test(query.after)) throw badCursor(query.after)
    const page = await readEffects(db.query, principal.tenantId, query.after ?? '', query.limit ?? 50)
    return { items: page.items.map(effectOf), next: page.next ?? query.after ?? null }
  })
  mount(contract.listParked, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    if (query.after !== undefined && !/^\d{1,15}$/.test(query.after)) throw badCursor(query.after)
    const rows = await store.selectParked(db.query, principal.tenantId, {
      afterPosition: Number(query.after ?? 0),
      limit: limit + 1,
    })
    const page = rows.slice(0, limit)
    return { items: page.map(effectOf), next: rows.length > limit ? String(page.at(-1)!.position) : null }
  })
  mount(contract.retryEffects, async ({ body, principal }) => {
    const retried = await db.transaction(async (tx) => {
      const count = await store.retryParked(tx, principal.tenantId, deps.clock(), body.id)
      if (count > 0)
        await recordChange(
          tx,
          deps,
          principal.tenantId,
          authorOf(principal),
          staffSubject('tenant', principal.tenantId),
          { 'effects.parked': { before: body.id ?? 'all', after: `${count} sent again` } },
        )
      return count
    })
    if (body.id !== undefined && retried === 0) throw notFound('parked effect', body.id)
    return { retried }
  })

  mount(contract.listWebhooks, async ({ principal }) => ({
    items: (await store.selectWebhooks(db.query, principal.tenantId)).map(webhookOf),
    next: null,
  }))
  mount(contract.createWebhook, async ({ body, principal, reply }) => {
    const trouble = urlTrouble(body.url, deps.outbound)
    if (trouble !== undefined)
      throw new InputError('The webhook URL cannot be used', [
        { field: 'url', problem: trouble, value: quote(body.url) },
      ])
    const nowMs = deps.clock()
    const id = uuidv7(nowMs, deps.randomBytes)
    const secret = webhookSecret(deps.randomBytes)
    const row = await db.transaction(async (tx) => {
      const known = await store.selectWebhooks(tx.query, principal.tenantId)
      if (known.length >= webhooksPerTenantMax)
        throw problem(409, 'Too many webhooks', `A tenant has at most ${webhooksPerTenantMax}.`)
      const secretRef = await deps.vault.seal(tx, principal.tenantId, secretOwner(id), secret)
      const { url, topics = [] } = body
      await store.insertWebhook(tx, { id, tenantId: principal.tenantId, url, topics, secretRef, nowMs })
      await recordChange(tx, deps, principal.tenantId, authorOf(principal), staffSubject('webhook', id), {
        [`webhooks.${id}`]: { before: null, after: { url, topics } },
      })
      return (await store.selectWebhook(tx.query, principal.tenantId, id))!
    })
    reply.header('location', `/v1/webhooks/${id}`)
    return { ...webhookOf(row), secret }
  })
  mount(contract.deleteWebhook, async ({ params, principal }) => {
    await db.transaction(async (tx) => {
      const row = await store.selectWebhook(tx.query, principal.tenantId, params.webhookId)
      if (row === undefined) throw notFound('webhook', params.webhookId)
      await store.deleteWebhook(tx, principal.tenantId, row.id)
      await deps.vault.erase(tx, principal.tenantId, secretOwner(row.id))
      await recordChange(tx, deps, principal.tenantId, authorOf(principal), staffSubject('webhook', row.id), {
        [`webhooks.${row.id}`]: { before: { url: row.url, topics: row.topics }, after: null },
      })
    })
    return { ok: true }
  })
  mount(contract.testWebhook, async ({ params, principal }) => {
    const row = await store.selectWebhook(db.query, principal.tenantId, params.webhookId)
    if (row === undefined) throw notFound('webhook', params.webhookId)
    const startedMs = deps.clock()
    const body = { type: 'custos.test', timestamp: new Date(startedMs).toISOString(), data: { webhookId: row.id } }
    const message = { id: uuidv7(startedMs, deps.randomBytes), body: JSON.stringify(body) }
    const attempt = await sendWebhook(deps, row, message)
    if (attempt.ok && row.disabledMs !== null) await store.switchWebhook(db.query, row.id, null)
    return { ok: attempt.ok, status: attempt.status, error: attempt.error, tookMs: deps.clock() - startedMs }
  })
}

/** The vault keeps secrets per person; a webhook is the person of its own secret, so that deleting it erases the secret. */
const secretOwner = (webhookId: string) => `custos.webhook:${webhookId}`

function webhookOf(row: store.WebhookRow): contract.Webhook {
  const { tenantId: _tenantId, secretRef: _secretRef, ...webhook } = row
  return webhook
}

function effectOf(row: OutboxRow): contract.Effect {
  return {
    id: row.id,
    subject: row.subject,
    topic: row.topic,
    entryId: row.entry_id,
    body: row.body,
    createdMs: row.created_ms,
    state: row.state,
    attempts: row.attempts,
    lastError: row.last_error,
  }
}

function badCursor(text: string): InputError {
  return new InputError('after is no cursor', [
    { field: 'after', problem: 'must be the `next` of the page before', value: quote(text) },
  ])
}
