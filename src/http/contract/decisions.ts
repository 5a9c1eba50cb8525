import { Type, type Static } from 'typebox'
import { Page, PageQuery, Reason, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 256 })
const DecisionId = Type.String({ minLength: 1, maxLength: 100 })
export const SeveritySchema = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3), Type.Literal(4)], {
  description: '1 minor to 4 egregious.',
})
export const DecisionStatus = Type.Union([Type.Literal('active'), Type.Literal('modified'), Type.Literal('reversed')])
export const AutomationSchema = Type.Union([Type.Literal('none'), Type.Literal('partial'), Type.Literal('full')], {
  description: 'The weakest link of the chain decides: `partial` where a person took part.',
})
const AuthorSchema = Type.Unknown({ description: 'Who made it, as in the ledger.' })

export const Statement = Type.Object(
  {
    language: Type.String(),
    violation: Type.String(),
    policyTitle: Type.String(),
    policyText: Type.String(),
    policyUrl: Type.Optional(Type.String()),
    legalGround: Type.Union([Type.Literal('ILLEGAL_CONTENT'), Type.Literal('INCOMPATIBLE_CONTENT')]),
    facts: Type.String({ description: 'What was found, in the language of the person.' }),
    findings: Type.Optional(
      Type.Array(Type.String(), { description: 'What `facts` was put together from: picture, text, activity, …' }),
    ),
    context: Type.String(),
    automatedDetection: Type.Boolean(),
    automatedDecision: Type.Union([Type.Literal('FULLY'), Type.Literal('PARTIALLY'), Type.Literal('NOT_AUTOMATED')]),
    sourceType: Type.String(),
    appealUntilMs: TimeMs,
    correction: Type.Optional(Type.String({ description: 'Set once the decision was changed or reversed.' })),
  },
  { description: 'The statement of reasons (DSA Art. 17).' },
)

export const Decision = Type.Object({
  decisionId: DecisionId,
  actorId: Type.String(),
  itemId: orNull(Type.String()),
  threadId: orNull(Type.String()),
  eventId: orNull(Type.String()),
  violation: Type.String(),
  severity: SeveritySchema,
  context: Type.String(),
  policyVersion: Type.Integer(),
  status: DecisionStatus,
  madeMs: Type.Integer({ description: 'From when it counts: the time of the event when a rule decided.' }),
  recordedMs: TimeMs,
  author: AuthorSchema,
  automation: AutomationSchema,
  because: Type.Array(Reason),
  statement: Statement,
  attribution: Type.Number(),
  role: orNull(Type.String()),
  removesItem: Type.Boolean(),
  rule: orNull(Type.Object({ id: Type.String(), version: Type.Integer() })),
  match: orNull(Type.Unknown({ description: 'Bank, entry, distance and threshold of the match it rests on.' })),
  proposalEntryId: orNull(Type.String()),
  jobId: orNull(Type.String()),
  appealUntilMs: TimeMs,
  changedMs: orNull(TimeMs),
  changedReason: orNull(Type.String()),
  revision: Type.Integer(),
})
export type Decision = Static<typeof Decision>

export const Consequence = Type.Object({
  consequenceId: Type.String(),
  context: Type.String({ description: '`*` for everywhere.' }),
  action: Type.String(),
  level: Type.Integer(),
  features: Type.Array(Type.String(), { description: '`*` for all; empty for a notice.' }),
  fromMs: TimeMs,
  untilMs: orNull(TimeMs),
  causes: Type.Array(Type.String(), { description: 'Decisions in the sum.' }),
  arithmetic: Type.String(),
  automation: AutomationSchema,
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('expired'),
    Type.Literal('reversed'),
    Type.Literal('superseded'),
  ]),
  endedMs: orNull(TimeMs),
})
export type Consequence = Static<typeof Consequence>

/** One step of the story of a decision; `children` follow from it. */
export const Step = Type.Cyclic(
  {
    Step: Type.Object({
      title: Type.String(),
      because: Type.Array(Reason),
      atMs: TimeMs,
      kind: Type.String({ description: 'Kind of the ledger entry, or `event`.' }),
      entryId: orNull(Type.String()),
      author: Type.Unknown(),
      automation: orNull(AutomationSchema),
      sequence: orNull(Type.Integer({ description: 'Place in the sealed ledger; null until sealed.' })),
      body: Type.Unknown({ description: 'Body of the ledger entry, or the event.' }),
      children: Type.Array(Type.Ref('Step')),
    }),
  },
  'Step',
)
/** The same as a plain type: a schema that refers to itself is beyond inference in some uses. */
export type StepView = {
  title: string
  because: Static<typeof Reason>[]
  atMs: number
  kind: string
  entryId: string | null
  author: unknown
  automation: 'none' | 'partial' | 'full' | null
  sequence: number | null
  body: unknown
  children: StepView[]
}

const Replayed = Type.Object({ same: Type.Boolean(), detail: Type.String() })
export const DecisionDetail = Type.Object({
  decision: Decision,
  consequences: Type.Array(Consequence),
  appeals: Type.Array(
    Type.Object({
      appealId: Type.String(),
      appellantId: Type.String(),
      relation: Type.String(),
      filedMs: TimeMs,
      state: Type.Union([Type.Literal('open'), Type.Literal('decided')]),
      outcome: orNull(Type.String()),
      reason: orNull(Type.String()),
      decidedMs: orNull(TimeMs),
    }),
  ),
  explanation: Type.Object({
    tree: Step,
    replay: Type.Object({ ...Replayed.properties }, { description: 'Consequences derived again from the ledger.' }),
    rule: orNull(Type.Object({ ...Replayed.properties }, { description: 'The rule evaluated again on what it saw.' })),
  }),
  dsaStatement: Type.Unknown({ description: 'As the EU transparency database takes it.' }),
})
export type DecisionDetail = Static<typeof DecisionDetail>

const params = Type.Object({ decisionId: DecisionId })

export const listDecisions = route({
  id: 'decisions.list',
  method: 'GET',
  path: '/v1/decisions',
  summary: 'Decisions, newest first',
  scope: 'decisions:read',
  query: Type.Object({
    ...PageQuery.properties,
    context: Type.Optional(Type.String({ maxLength: 64 })),
    status: Type.Optional(DecisionStatus),
    violation: Type.Optional(Type.String({ maxLength: 64 })),
    actor: Type.Optional(Id),
    item: Type.Optional(Id),
    rule: Type.Optional(Type.String({ maxLength: 100 })),
    bankEntry: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(Decision),
})

export const getDecision = route({
  id: 'decisions.get',
  method: 'GET',
  path: '/v1/decisions/:decisionId',
  summary: 'One decision with its whole story, replayed',
  scope: 'decisions:read',
  params,
  response: DecisionDetail,
})

export const makeDecision = route({
  id: 'decisions.create',
  method: 'POST',
  path: '/v1/decisions',
  summary: 'Decide that somebody broke a rule',
  description: 'A person decides directly. Consequences, gates and the notice follow from the policy in force.',
  scope: 'decisions:write',
  body: Type.Object(
    {
      actorId: Id,
      violation: Type.String({ minLength: 1, maxLength: 64 }),
      context: Type.String({ minLength: 1, maxLength: 64 }),
      severity: Type.Optional(SeveritySchema),
      itemId: Type.Optional(Id),
      threadId: Type.Optional(Id),
      eventId: Type.Optional(Id),
      occurredAtMs: Type.Optional(TimeMs),
      itemCreatedAtMs: Type.Optional(TimeMs),
      attribution: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
      attributionConfidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
      role: Type.Optional(Type.String({ maxLength: 64 })),
      dedupeKey: Type.Optional(Type.String({ maxLength: 200 })),
      removesItem: Type.Optional(Type.Boolean()),
      restrictsThread: Type.Optional(Type.Boolean()),
      facts: Type.String({
        minLength: 1,
        maxLength: 5_000,
        description: 'What was found, as the person is told it. No personal data.',
      }),
      language: Type.Optional(Type.String({ maxLength: 35 })),
      sourceType: Type.Optional(
        Type.Union([
          Type.Literal('ARTICLE_16'),
          Type.Literal('VOLUNTARY'),
          Type.Literal('TRUSTED_FLAGGER'),
          Type.Literal('TYPE_OTHER_NOTIFICATION'),
        ]),
      ),
    },
    { additionalProperties: false },
  ),
  response: Decision,
  status: 201,
  idempotent: true,
})

export const reverseDecision = route({
  id: 'decisions.reverse',
  method: 'POST',
  path: '/v1/decisions/:decisionId/reverse',
  summary: 'Reverse a decision, with all that followed from it',
  description: 'Send the ETag of the decision as If-Match. Open appeals are answered by it.',
  scope: 'decisions:write',
  params,
  body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 2_000 }) }, { additionalProperties: false }),
  response: Decision,
})

export const modifyDecision = route({
  id: 'decisions.modify',
  method: 'POST',
  path: '/v1/decisions/:decisionId/modify',
  summary: 'Change the severity or violation of a decision',
  description: 'Send the ETag of the decision as If-Match. What follows is as if it had been made so at first.',
  scope: 'decisions:write',
  params,
  body: Type.Object(
    {
      reason: Type.String({ minLength: 1, maxLength: 2_000 }),
      severity: Type.Optional(SeveritySchema),
      violation: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    },
    { additionalProperties: false },
  ),
  response: Decision,
})
