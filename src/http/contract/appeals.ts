import { Type, type Static } from 'typebox'
import { SeveritySchema } from './decisions.ts'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 256 })
const AppealId = Type.String({ minLength: 1, maxLength: 100 })
const RelationSchema = Type.Union([
  Type.Literal('self'),
  Type.Literal('co_admin'),
  Type.Literal('delegate'),
  Type.Literal('notifier'),
])
const OutcomeSchema = Type.Union([Type.Literal('upheld'), Type.Literal('overturned'), Type.Literal('modified')])

export const Appeal = Type.Object({
  appealId: AppealId,
  decisionId: Type.String(),
  actorId: Type.String({ description: 'Whom the decision was made against.' }),
  appellantId: Type.String(),
  relation: RelationSchema,
  language: Type.String(),
  filedMs: TimeMs,
  state: Type.Union([Type.Literal('open'), Type.Literal('decided')]),
  outcome: orNull(OutcomeSchema),
  severity: orNull(SeveritySchema),
  reason: orNull(Type.String()),
  decidedBy: orNull(Type.String()),
  decidedMs: orNull(TimeMs),
  revision: Type.Integer(),
})
export type Appeal = Static<typeof Appeal>

export const AppealDetail = Type.Object({
  appeal: Appeal,
  statement: orNull(Type.String({ description: "The person's own words; null when none, or once they are erased." })),
  mayDecide: Type.Boolean({ description: 'Whether you may answer it: never who made the decision.' }),
})

const params = Type.Object({ appealId: AppealId })

export const listAppeals = route({
  id: 'appeals.list',
  method: 'GET',
  path: '/v1/appeals',
  summary: 'Appeals, newest first',
  scope: 'appeals:read',
  query: Type.Object({
    ...PageQuery.properties,
    state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('decided')])),
    outcome: Type.Optional(OutcomeSchema),
    actor: Type.Optional(Id),
    appellant: Type.Optional(Id),
    decision: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(Appeal),
})

export const getAppeal = route({
  id: 'appeals.get',
  method: 'GET',
  path: '/v1/appeals/:appealId',
  summary: 'One appeal with the words of the person',
  scope: 'appeals:read',
  params,
  response: AppealDetail,
})

export const fileAppeal = route({
  id: 'appeals.create',
  method: 'POST',
  path: '/v1/appeals',
  summary: 'File an appeal for a person',
  description:
    'Platforms call this for people on their own pages. Who may: the affected person once within the window; a delegate; a co-admin on what restricts their thread; a notifier whose notice was not acted on.',
  scope: 'appeals:write',
  body: Type.Object(
    {
      decisionId: Type.String({ minLength: 1, maxLength: 100 }),
      appellantId: Id,
      relation: Type.Optional(RelationSchema),
      statement: Type.Optional(Type.String({ maxLength: 10_000 })),
      language: Type.Optional(Type.String({ maxLength: 35 })),
      hasDelegation: Type.Optional(Type.Boolean({ description: 'You vouch that the person asked the appellant.' })),
      isAdmin: Type.Optional(Type.Boolean({ description: 'You vouch that the appellant is an admin of the thread.' })),
      noticeNotActedOn: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  response: Appeal,
  status: 201,
  idempotent: true,
})

export const decideAppeal = route({
  id: 'appeals.decide',
  method: 'POST',
  path: '/v1/appeals/:appealId/decide',
  summary: 'Answer an appeal; an overturn puts everything right',
  description: 'Send the ETag of the appeal as If-Match. Other open appeals of the same decision get the same answer.',
  scope: 'appeals:write',
  params,
  body: Type.Object(
    {
      outcome: OutcomeSchema,
      reason: Type.String({ minLength: 1, maxLength: 2_000 }),
      severity: Type.Optional(SeveritySchema),
      violation: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    },
    { additionalProperties: false },
  ),
  response: Appeal,
})
