import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const Effect = Type.Object({
  id: Type.String({ description: 'The same as `webhook-id`: tell redeliveries by it.' }),
  subject: Type.String({ description: 'Effects of one subject arrive in order.' }),
  topic: Type.String(),
  entryId: Nullable(Type.String()),
  body: Type.Unknown(),
  createdMs: TimeMs,
  state: Type.Enum(['pending', 'delivered', 'parked', 'unsent']),
  attempts: Type.Integer(),
  lastError: Nullable(Type.String()),
})
export type Effect = Static<typeof Effect>

export const listEffects = route({
  id: 'effects.list',
  method: 'GET',
  path: '/v1/effects',
  summary: 'What this installation wants the platform to do, in order',
  description:
    'The same as the webhooks deliver, for platforms that would rather ask. Keep `next` and send it as `after`; it is also given when there is nothing new, so that a poll can go on from it. An effect appears once all transactions before it have ended.',
  scope: 'effects:read',
  query: PageQuery,
  response: Page(Effect),
})
export const listParked = route({
  id: 'effects.parked',
  method: 'GET',
  path: '/v1/effects/parked',
  summary: 'Effects that no webhook took within 72 hours',
  scope: 'webhooks:read',
  query: PageQuery,
  response: Page(Effect),
})
export const retryEffects = route({
  id: 'effects.retry',
  method: 'POST',
  path: '/v1/effects/retry',
  summary: 'Send parked effects again, all or one',
  scope: 'webhooks:write',
  body: Type.Object({ id: Type.Optional(Type.String({ maxLength: 64 })) }, { additionalProperties: false }),
  response: Type.Object({ retried: Type.Integer() }),
})

export const Webhook = Type.Object({
  id: Type.String(),
  url: Type.String(),
  topics: Type.Array(Type.String()),
  createdMs: TimeMs,
  disabledMs: Nullable(TimeMs),
  disabledBecause: Nullable(Type.String()),
  lastMs: Nullable(TimeMs),
  lastStatus: Nullable(Type.Integer()),
  lastError: Nullable(Type.String()),
  delivered: Type.Integer(),
  failed: Type.Integer(),
})
export type Webhook = Static<typeof Webhook>
const webhookParams = Type.Object({ webhookId: Type.String({ maxLength: 64 }) })

export const listWebhooks = route({
  id: 'webhooks.list',
  method: 'GET',
  path: '/v1/webhooks',
  summary: 'Where effects are sent',
  scope: 'webhooks:read',
  response: Page(Webhook),
})
export const createWebhook = route({
  id: 'webhooks.create',
  method: 'POST',
  path: '/v1/webhooks',
  summary: 'Have effects sent to a URL',
  description:
    'Messages follow Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature` (`v1,` and HMAC-SHA256 under the secret). The secret is in this answer only. Private addresses and redirects are refused.',
  scope: 'webhooks:write',
  body: Type.Object(
    {
      url: Type.String({ minLength: 1, maxLength: 2_000 }),
      topics: Type.Optional(
        Type.Array(Type.String({ pattern: '^[a-z_]+(\\.[a-z_]+)*(\\.\\*)?$', maxLength: 100 }), {
          maxItems: 100,
          description: 'Topics or families ("decision.*"); all when left out.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: Type.Intersect([Webhook, Type.Object({ secret: Type.String() })]),
  status: 201,
  idempotent: true,
})
export const deleteWebhook = route({
  id: 'webhooks.delete',
  method: 'DELETE',
  path: '/v1/webhooks/:webhookId',
  summary: 'Stop sending effects to a URL',
  scope: 'webhooks:write',
  params: webhookParams,
  response: Type.Object({ ok: Type.Boolean() }),
})
export const testWebhook = route({
  id: 'webhooks.test',
  method: 'POST',
  path: '/v1/webhooks/:webhookId/test',
  summary: 'Send a signed test message and say how it went',
  description: 'A message of the type "custos.test". When it is taken, a webhook that was switched off is on again.',
  scope: 'webhooks:write',
  params: webhookParams,
  response: Type.Object({
    ok: Type.Boolean(),
    status: Nullable(Type.Integer()),
    error: Nullable(Type.String()),
    tookMs: Type.Integer(),
  }),
})
