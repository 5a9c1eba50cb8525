import { Type, type Static } from 'typebox'
import { Consequence, Decision } from './decisions.ts'
import { Reason, route, SubjectKind, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 256 })

export const ContextStanding = Type.Object({
  context: Type.String(),
  title: Type.String(),
  points: Type.Number(),
  own: Type.Number(),
  spilled: Type.Number({ description: 'Points that other contexts weigh here.' }),
  level: Type.Integer(),
  action: Type.String(),
  arithmetic: Type.String(),
  closed: Type.Array(Type.Object({ feature: Type.String(), untilMs: orNull(TimeMs) })),
})

export const TimelineEntry = Type.Object({
  entryId: Type.String(),
  kind: Type.String(),
  title: Type.String(),
  atMs: TimeMs,
  recordedMs: TimeMs,
  author: Type.Unknown(),
  automation: Type.String(),
  because: Type.Array(Reason),
  cause: orNull(Type.String()),
  body: Type.Unknown(),
})

export const SubjectView = Type.Object({
  subject: Type.Object({ kind: SubjectKind, id: Id }),
  status: Type.Union([
    Type.Literal('active'),
    Type.Literal('warned'),
    Type.Literal('restricted'),
    Type.Literal('disabled'),
    Type.Literal('removed'),
  ]),
  heldBy: Type.Array(Type.String(), { description: 'Decisions that keep the item removed or the thread restricted.' }),
  standing: Type.Array(ContextStanding, { description: 'Of actors, per context of the policy.' }),
  consequences: Type.Array(Consequence),
  gates: Type.Array(
    Type.Object({
      gateId: Type.String(),
      feature: Type.String({ description: '`*` for all.' }),
      context: Type.String({ description: '`*` for all.' }),
      untilMs: orNull(TimeMs),
      consequenceId: orNull(Type.String()),
      reason: Type.String(),
    }),
  ),
  labels: Type.Array(
    Type.Object({ label: Type.String(), appliedMs: TimeMs, expiresMs: orNull(TimeMs), because: Type.Array(Reason) }),
  ),
  decisions: Type.Array(Decision, { description: 'The newest ones.' }),
})
export type SubjectView = Static<typeof SubjectView>

const params = Type.Object({ kind: SubjectKind, id: Id })

export const getSubject = route({
  id: 'subjects.get',
  method: 'GET',
  path: '/v1/subjects/:kind/:id',
  summary: 'Status, standing, gates, labels and decisions of an actor, item or thread',
  description: 'A subject that nothing is known of answers as active: Custos keeps no list of all subjects.',
  scope: 'subjects:read',
  params,
  response: SubjectView,
})

export const getTimeline = route({
  id: 'subjects.timeline',
  method: 'GET',
  path: '/v1/subjects/:kind/:id/timeline',
  summary: 'What the ledger says about a subject, newest first',
  scope: 'subjects:read',
  params,
  query: Type.Object({
    after: Type.Optional(Type.String({ maxLength: 500 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 50 })),
  }),
  response: Type.Object({ items: Type.Array(TimelineEntry), next: orNull(Type.String()) }),
})

export const labelSubject = route({
  id: 'subjects.label',
  method: 'PUT',
  path: '/v1/subjects/:kind/:id/labels/:label',
  summary: 'Put a label on a subject',
  scope: 'decisions:write',
  params: Type.Object({ kind: SubjectKind, id: Id, label: Type.String({ pattern: '^[a-z][a-z0-9_-]{0,63}$' }) }),
  body: Type.Object(
    {
      forMs: Type.Optional(Type.Integer({ minimum: 1_000 })),
      reason: Type.String({ minLength: 1, maxLength: 2_000 }),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ ok: Type.Boolean() }),
})

export const unlabelSubject = route({
  id: 'subjects.unlabel',
  method: 'DELETE',
  path: '/v1/subjects/:kind/:id/labels/:label',
  summary: 'Take a label off a subject',
  scope: 'decisions:write',
  params: Type.Object({ kind: SubjectKind, id: Id, label: Type.String({ pattern: '^[a-z][a-z0-9_-]{0,63}$' }) }),
  response: Type.Object({ ok: Type.Boolean() }),
})

export const completeTraining = route({
  id: 'subjects.training',
  method: 'POST',
  path: '/v1/subjects/actor/:id/trainings',
  summary: 'Record that a person did the training on a rule',
  scope: 'decisions:write',
  params: Type.Object({ id: Id }),
  body: Type.Object({ violation: Type.String({ minLength: 1, maxLength: 64 }) }, { additionalProperties: false }),
  response: Type.Object({ ok: Type.Boolean() }),
  status: 201,
  idempotent: true,
})
