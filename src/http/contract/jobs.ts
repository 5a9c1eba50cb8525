import { Type, type Static } from 'typebox'
import { verdicts } from '../../domain/entry.ts'
import { EventSchema } from './events.ts'
import { QueueName } from './queues.ts'
import { Page, PageQuery, Reason, Subject, TimeMs, route } from './route.ts'

const Id = Type.String({ minLength: 1, maxLength: 256 })
const Severity = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3), Type.Literal(4)])
const Question = Type.Union([Type.Literal('violation'), Type.Literal('appeal'), Type.Literal('remedy')])
const State = Type.Union([Type.Literal('open'), Type.Literal('decided'), Type.Literal('withdrawn')])
const Verdict = Type.Enum([...new Set([...verdicts.violation, ...verdicts.appeal, ...verdicts.remedy])])
const Optional = Type.Optional

export const JobSchema = Type.Object(
  {
    jobId: Id,
    queue: Type.String(),
    question: Question,
    state: State,
    priority: Type.Number(),
    subject: Subject,
    eventId: Optional(Id),
    actorId: Optional(Id),
    itemId: Optional(Id),
    violation: Optional(Type.String()),
    severity: Optional(Severity),
    proposals: Type.Array(Type.String(), { description: 'Ids of the violation.proposed entries that it asks about.' }),
    waiting: Type.Array(Type.String(), { description: 'Those of them that nothing has settled.' }),
    appealId: Optional(Type.String()),
    decisionId: Optional(Type.String()),
    excludedPeople: Type.Array(Type.String(), { description: 'Who must not take it: they made the decision.' }),
    createdEntryId: Type.String(),
    createdAtMs: TimeMs,
    dueAtMs: Optional(TimeMs),
    version: Type.Integer(),
    decidedBy: Optional(Type.String()),
    closedAtMs: Optional(TimeMs),
    handlingMs: Optional(Type.Integer()),
    verdict: Optional(Verdict),
    decidedViolation: Optional(Type.String()),
    decidedSeverity: Optional(Severity),
    withdrawnReason: Optional(Type.String()),
    claim: Optional(
      Type.Object(
        { personId: Type.String(), fromMs: TimeMs, untilMs: TimeMs },
        { description: 'The newest claim; it holds until `untilMs`.' },
      ),
    ),
  },
  { title: 'Job' },
)
export type JobSchema = Static<typeof JobSchema>

const Standing = Type.Object({
  context: Type.String(),
  points: Type.Number(),
  level: Type.Integer(),
  action: Type.String(),
  arithmetic: Type.String(),
  closed: Type.Array(Type.Object({ feature: Type.String(), untilMs: Optional(TimeMs) })),
})
const ThreadLine = Type.Object({
  eventId: Type.String(),
  type: Type.String(),
  actorId: Type.String(),
  itemId: Optional(Type.String()),
  text: Optional(Type.String()),
  atMs: TimeMs,
})
const PastEntry = Type.Object({
  entryId: Type.String(),
  kind: Type.String(),
  atMs: TimeMs,
  violation: Optional(Type.String()),
  severity: Optional(Severity),
  context: Optional(Type.String()),
  by: Type.String(),
  reversed: Type.Boolean(),
})
const SignalSchema = Type.Object({
  name: Type.String(),
  subject: Subject,
  value: Type.Union([Type.Number(), Type.String(), Type.Boolean()]),
  confidence: Type.Number(),
  because: Type.String(),
  version: Type.String(),
  evidence: Optional(Type.Record(Type.String(), Type.Unknown())),
})
const BankEntry = Type.Object({
  bankId: Type.String(),
  bankName: Type.String(),
  entryId: Type.String(),
  state: Type.String(),
  labels: Type.Array(Type.String()),
  mediaSha256: Optional(Type.String()),
  text: Optional(Type.String()),
  note: Optional(Type.String()),
  matches: Type.Integer(),
  confirmed: Type.Integer(),
  overturned: Type.Integer(),
})
const Proposal = Type.Object({
  entryId: Type.String(),
  rule: Type.Object({ id: Type.String(), version: Type.Integer() }),
  violation: Type.String(),
  severity: Severity,
  confidence: Type.Number(),
  because: Type.Array(Reason),
  signals: Type.Array(SignalSchema),
  features: Type.Record(Type.String(), Type.Unknown()),
  match: Optional(
    Type.Object(
      {
        bankId: Type.String(),
        entryId: Type.String(),
        signalType: Type.String(),
        distance: Type.Number(),
        threshold: Type.Number(),
        mediaSha256: Optional(Type.String()),
        entry: Optional(BankEntry),
        transformation: Optional(Type.String()),
        because: Optional(Type.String()),
      },
      { description: 'The item beside the bank entry it matches.' },
    ),
  ),
  trace: Optional(Type.Unknown({ description: 'How the rule came to it, sub-expression by sub-expression.' })),
})
const PolicyChoice = Type.Object({
  violation: Type.String(),
  title: Type.String(),
  text: Type.String(),
  severity: Severity,
  egregious: Type.Boolean(),
  removesItem: Type.Boolean(),
})
const Preview = Type.Object({
  violation: Type.String(),
  severity: Severity,
  points: Type.Number(),
  counted: Type.String({ description: 'Why it costs what it costs: points, education, warning, everywhere, …' }),
  removesItem: Type.Boolean(),
  contexts: Type.Array(Standing, { description: 'Contexts whose standing would change, as they would be.' }),
  consequences: Type.Array(
    Type.Object({
      context: Type.String(),
      action: Type.String(),
      features: Type.Array(Type.String()),
      fromMs: TimeMs,
      untilMs: Optional(TimeMs),
    }),
  ),
  notice: Type.Array(Type.String(), { description: 'What the person would read, in their language.' }),
})

export const JobView = Type.Object(
  {
    job: JobSchema,
    because: Type.Array(Reason, { description: 'Why the job was opened.' }),
    openedBy: Optional(Type.Unknown({ description: 'Who opened it, as in the ledger.' })),
    etag: Type.String({ description: 'Send it as If-Match with the verdict.' }),
    claimedByMe: Type.Boolean(),
    claimUntilMs: Optional(TimeMs),
    event: Optional(EventSchema),
    occurredAtMs: Optional(TimeMs),
    item: Optional(Type.Unknown({ description: 'The `item` of the event.' })),
    itemState: Type.Enum(['present', 'edited', 'deleted', 'removed', 'none']),
    versions: Type.Array(
      Type.Object({ eventId: Type.String(), type: Type.String(), atMs: TimeMs, text: Optional(Type.String()) }),
    ),
    reports: Type.Array(
      Type.Object({ eventId: Type.String(), reporterId: Type.String(), atMs: TimeMs, reason: Optional(Type.String()) }),
      { description: 'Who reported the item, newest first.' },
    ),
    thread: Optional(
      Type.Object({
        id: Type.String(),
        kind: Optional(Type.String()),
        before: Type.Array(ThreadLine),
        after: Type.Array(ThreadLine),
      }),
    ),
    actor: Optional(
      Type.Object({
        id: Type.String(),
        createdAtMs: Optional(TimeMs),
        firstSeenAtMs: Optional(TimeMs),
        lastSeenAtMs: Optional(TimeMs),
        ageMs: Optional(Type.Integer()),
        events: Type.Integer({ description: 'Counted up to 10,000.' }),
        attributes: Type.Record(Type.String(), Type.Unknown()),
        standing: Type.Array(Standing),
        decisions: Type.Array(PastEntry),
      }),
    ),
    proposals: Type.Array(Proposal),
    earlier: Type.Array(PastEntry, { description: 'Earlier decisions on this item.' }),
    decision: Optional(Type.Unknown({ description: 'The decision.made entry that an appeal or remedy is about.' })),
    appeal: Optional(
      Type.Object({
        appealId: Type.String(),
        decisionId: Type.String(),
        relation: Type.String(),
        language: Type.String(),
        filedAtMs: TimeMs,
        hidden: Type.Boolean({ description: 'There are words that only those who may decide this job are shown.' }),
        statement: Optional(
          Type.Union([Type.String(), Type.Null()], { description: 'Null when the person was erased.' }),
        ),
      }),
    ),
    policies: Type.Array(PolicyChoice),
    previews: Type.Array(Preview),
    nextJobId: Type.Union([Type.String(), Type.Null()], { description: 'What would come next; held for nobody.' }),
  },
  { title: 'JobView' },
)
export type JobView = Static<typeof JobView>

const JobParams = Type.Object({ jobId: Id })

export const listJobs = route({
  id: 'jobs.list',
  method: 'GET',
  path: '/v1/jobs',
  summary: 'Jobs by falling priority',
  scope: 'review:read',
  query: Type.Object({
    ...PageQuery.properties,
    queue: Optional(QueueName),
    state: Optional(State),
    question: Optional(Question),
    actorId: Optional(Id),
    itemId: Optional(Id),
    appealId: Optional(Id),
    decisionId: Optional(Id),
    mine: Optional(Type.Boolean({ description: 'Only jobs that the caller has.' })),
  }),
  response: Page(JobSchema),
})

export const nextJob = route({
  id: 'jobs.next',
  method: 'POST',
  path: '/v1/jobs/next',
  summary: 'Gives the caller the next job, for ten minutes',
  description:
    'Jobs short of time go first, then those with the highest priority. 200 with `job: null` when none is left.',
  scope: 'review:write',
  body: Type.Object({ queue: Optional(QueueName) }, { additionalProperties: false }),
  response: Type.Object({ job: Type.Union([JobView, Type.Null()]) }),
})

export const getJob = route({
  id: 'jobs.get',
  method: 'GET',
  path: '/v1/jobs/:jobId',
  summary: 'A job with all that is needed to decide it',
  scope: 'review:read',
  params: JobParams,
  response: JobView,
})

export const claimJob = route({
  id: 'jobs.claim',
  method: 'POST',
  path: '/v1/jobs/:jobId/claim',
  summary: 'Takes this job for ten minutes',
  scope: 'review:write',
  params: JobParams,
  response: JobView,
})

export const heartbeatJob = route({
  id: 'jobs.heartbeat',
  method: 'POST',
  path: '/v1/jobs/:jobId/heartbeat',
  summary: 'Keeps a job for another ten minutes',
  scope: 'review:write',
  params: JobParams,
  response: Type.Object({ untilMs: TimeMs }),
})

export const releaseJob = route({
  id: 'jobs.release',
  method: 'POST',
  path: '/v1/jobs/:jobId/release',
  summary: 'Gives a job back undecided; it may be offered to the caller again',
  scope: 'review:write',
  params: JobParams,
  response: JobSchema,
})

export const skipJob = route({
  id: 'jobs.skip',
  method: 'POST',
  path: '/v1/jobs/:jobId/skip',
  summary: 'Leaves a job to others, with a reason',
  scope: 'review:write',
  params: JobParams,
  body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 500 }) }, { additionalProperties: false }),
  response: JobSchema,
})

export const decideJob = route({
  id: 'jobs.decide',
  method: 'POST',
  path: '/v1/jobs/:jobId/decide',
  summary: 'Decides a job, and does what follows',
  description:
    'Needs the ETag of the job as If-Match. 412 says what changed since; 409 says who decided or holds the job. `violation` is needed with the verdict `violation`, `severity` with `modify`, `note` for appeals and remedies.',
  scope: 'review:write',
  params: JobParams,
  body: Type.Object(
    {
      verdict: Verdict,
      violation: Optional(Type.String({ minLength: 1, maxLength: 100 })),
      severity: Optional(Severity),
      note: Optional(Type.String({ maxLength: 5_000 })),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    jobId: Id,
    verdict: Verdict,
    decisionId: Optional(Type.String()),
    escalatedTo: Optional(Type.String({ description: 'The job in the senior queue.' })),
  }),
})

export const myReviewStats = route({
  id: 'review.mine',
  method: 'GET',
  path: '/v1/review/me',
  summary: "The caller's own work: decisions, minutes, exposure by severity",
  scope: 'review:write',
  query: Type.Object({
    sinceMs: Optional(TimeMs),
  }),
  response: Type.Object({
    personId: Type.String(),
    sinceMs: TimeMs,
    untilMs: TimeMs,
    decided: Type.Integer(),
    violations: Type.Integer(),
    noViolations: Type.Integer(),
    escalated: Type.Integer(),
    handlingMs: Type.Integer(),
    medianHandlingMs: Type.Union([Type.Number(), Type.Null()]),
    exposureMsBySeverity: Type.Object({
      1: Type.Integer(),
      2: Type.Integer(),
      3: Type.Integer(),
      4: Type.Integer(),
    }),
  }),
})
