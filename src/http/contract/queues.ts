import { Type, type Static } from 'typebox'
import { scopes } from '../../domain/staff.ts'
import { TimeMs, route } from './route.ts'

export const QueueName = Type.String({ pattern: '^[a-z][a-z0-9_-]{0,63}$' })
const Scope = Type.Enum([...scopes])
const dayMs = 86_400_000

export const QueueSettings = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 100 }),
    needs: Type.Enum([...scopes], {
      description: 'What a person must be allowed to do, besides review:write, to be given its jobs.',
    }),
    slaMs: Type.Optional(
      Type.Integer({ minimum: 60_000, maximum: 365 * dayMs, description: 'Time within which jobs should be decided.' }),
    ),
    rushMs: Type.Integer({
      minimum: 0,
      maximum: 365 * dayMs,
      description: 'Jobs with less time left than this go before all others.',
    }),
  },
  { additionalProperties: false },
)

export const QueueView = Type.Object({
  queue: QueueName,
  title: Type.String(),
  needs: Scope,
  slaMs: Type.Optional(Type.Integer()),
  rushMs: Type.Integer(),
  /** Whether the caller may be given its jobs. */
  mine: Type.Boolean(),
  open: Type.Integer(),
  claimed: Type.Integer(),
  overdue: Type.Integer(),
  oldestAtMs: Type.Union([TimeMs, Type.Null()]),
  oldestAgeMs: Type.Union([Type.Integer(), Type.Null()]),
  soonestDueMs: Type.Union([TimeMs, Type.Null()]),
})
export type QueueView = Static<typeof QueueView>

export const listQueues = route({
  id: 'queues.list',
  method: 'GET',
  path: '/v1/queues',
  summary: 'All queues with how much waits in them',
  scope: 'review:read',
  response: Type.Object({ items: Type.Array(QueueView), nowMs: TimeMs }),
})

export const setQueue = route({
  id: 'queues.set',
  method: 'PUT',
  path: '/v1/queues/:queue',
  summary: 'Makes or changes a queue',
  scope: 'settings:write',
  params: Type.Object({ queue: QueueName }),
  body: QueueSettings,
  response: Type.Object({ queue: QueueName, ...QueueSettings.properties }),
})
