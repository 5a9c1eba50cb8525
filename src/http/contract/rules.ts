import { Type } from 'typebox'
import { Page, TimeMs, route } from './route.ts'

const RuleId = Type.String({ minLength: 1, maxLength: 64 })
const Mode = Type.Union([Type.Literal('live'), Type.Literal('shadow'), Type.Literal('off')])
const RuleText = Type.String({ minLength: 1, maxLength: 1_000_000, description: 'YAML; see /v1/rules/schema.' })
const Reason = Type.String({ minLength: 1, maxLength: 1_000, description: 'Why; kept in the ledger.' })
const VersionNumber = Type.Integer({ minimum: 1, maximum: 2_147_483_647 })
const RuleParams = Type.Object({ ruleId: RuleId })
const OrNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
/** Rule files may be larger than other bodies. */
const ruleBodyBytesMax = 2 * 1024 * 1024

export const RuleStanding = Type.Object({
  proposals: Type.Integer(),
  open: Type.Integer({ description: 'Waiting for a person.' }),
  confirmed: Type.Integer({ description: 'Confirmed by a person.' }),
  dismissed: Type.Integer({ description: 'Dismissed by a person.' }),
  decisions: Type.Integer(),
  stood: Type.Integer({ description: 'Decisions that a person made or upheld, and that still stand.' }),
  overturned: Type.Integer({ description: 'Decisions that were reversed.' }),
  precision: OrNull(
    Type.Number({
      description: 'Right, of all that a person looked at: stood, of stood, overturned and dismissed. Null before any.',
    }),
  ),
  interval: OrNull(Type.Tuple([Type.Number(), Type.Number()], { description: '95 % interval of the precision.' })),
})

export const RuleSummary = Type.Object({
  id: RuleId,
  version: Type.Integer(),
  mode: Mode,
  owner: Type.String(),
  description: Type.String(),
  on: Type.Array(Type.String()),
  effects: Type.Array(Type.String({ description: 'violation, label, review, gate or webhook.' })),
  route: OrNull(Type.Union([Type.Literal('auto'), Type.Literal('review')])),
  quota: OrNull(Type.Integer()),
  cost: Type.Integer({ description: 'Most steps for one event.' }),
  changedMs: TimeMs,
  tripped: OrNull(Type.String({ description: 'Why the circuit breaker put it to shadow.' })),
  hits: Type.Object({ live: Type.Integer(), shadow: Type.Integer(), last24h: Type.Integer(), lastMs: OrNull(TimeMs) }),
  standing: RuleStanding,
  problems: Type.Optional(
    Type.Array(Type.Object({ problem: Type.String() }), { description: 'Set when it cannot be evaluated any more.' }),
  ),
})

export const listRules = route({
  id: 'rules.list',
  method: 'GET',
  path: '/v1/rules',
  summary: 'List rules with their volume and precision',
  scope: 'rules:read',
  query: Type.Object({ mode: Type.Optional(Mode) }),
  response: Page(RuleSummary),
})

const HourCount = Type.Object({
  hourMs: TimeMs,
  version: Type.Integer(),
  mode: Type.Union([Type.Literal('live'), Type.Literal('shadow')]),
  hits: Type.Integer(),
})
const Sample = Type.Object({
  eventId: Type.String(),
  occurredAtMs: TimeMs,
  version: Type.Integer(),
  because: Type.String(),
})
const Version = Type.Object({
  version: Type.Integer(),
  mode: Mode,
  text: Type.String(),
  sha256: Type.String(),
  publishedMs: TimeMs,
  author: Type.Unknown(),
  entryId: Type.String(),
  standing: RuleStanding,
})

export const getRule = route({
  id: 'rules.get',
  method: 'GET',
  path: '/v1/rules/:ruleId',
  summary: 'A rule with its versions, hits per hour and samples',
  scope: 'rules:read',
  params: RuleParams,
  response: Type.Object({
    rule: RuleSummary,
    text: Type.String(),
    versions: Type.Array(Version),
    hours: Type.Array(HourCount, { description: 'The newest 14 days of hits, by event time.' }),
    samples: Type.Array(Sample),
  }),
})

const Change = Type.Object({ ruleId: RuleId, version: Type.Integer(), mode: Mode, changed: Type.Boolean() })

export const checkRules = route({
  id: 'rules.check',
  method: 'POST',
  path: '/v1/rules/check',
  summary: 'Check a rule file without publishing it',
  description: 'Always 200: `problems` is empty when the file stands the check.',
  scope: 'rules:read',
  body: Type.Object({ text: RuleText }),
  bodyBytesMax: ruleBodyBytesMax,
  response: Type.Object({
    ok: Type.Boolean(),
    problems: Type.Array(
      Type.Object({
        field: Type.String(),
        problem: Type.String(),
        value: Type.Optional(Type.String()),
        limit: Type.Optional(Type.Union([Type.String(), Type.Number()])),
        line: Type.Optional(Type.Integer()),
        column: Type.Optional(Type.Integer()),
      }),
    ),
    rules: Type.Array(
      Type.Object({
        id: RuleId,
        cost: Type.Integer(),
        mode: Mode,
        reads: Type.Array(Type.String({ description: 'Features, signals, lists and labels that it reads.' })),
        current: OrNull(Type.Integer({ description: 'The version that it would replace.' })),
        changes: Type.Boolean(),
      }),
    ),
  }),
})

export const publishRuleFile = route({
  id: 'rules.publish',
  method: 'POST',
  path: '/v1/rules',
  summary: 'Publish the rules of a file',
  description: 'Every rule that differs from its current version becomes a new one, live within a second. Others stay.',
  scope: 'rules:write',
  body: Type.Object({ text: RuleText }),
  bodyBytesMax: ruleBodyBytesMax,
  idempotent: true,
  response: Type.Object({ rules: Type.Array(Change) }),
})

const Changed = Type.Object({ ruleId: RuleId, version: Type.Integer(), mode: Mode })

export const rollBack = route({
  id: 'rules.rollback',
  method: 'POST',
  path: '/v1/rules/:ruleId/rollback',
  summary: 'Make an older version the current one again',
  description: 'Send the ETag of the rule as If-Match.',
  scope: 'rules:write',
  params: RuleParams,
  body: Type.Object({ toVersion: VersionNumber, reason: Reason }),
  response: Changed,
})

export const setMode = route({
  id: 'rules.mode',
  method: 'PUT',
  path: '/v1/rules/:ruleId/mode',
  summary: 'Set a rule live, to shadow or off',
  description: 'Send the ETag of the rule as If-Match.',
  scope: 'rules:write',
  params: RuleParams,
  body: Type.Object({ mode: Mode, reason: Reason }),
  response: Changed,
})

const PreviewSample = Type.Object({
  eventId: Type.String(),
  type: Type.String(),
  occurredAtMs: TimeMs,
  actorId: Type.String(),
  itemId: Type.Optional(Type.String()),
  because: Type.String(),
  known: Type.Boolean({ description: 'Whether the current version hits it too.' }),
})

export const previewDraft = route({
  id: 'rules.preview',
  method: 'POST',
  path: '/v1/rules/preview',
  summary: 'What a draft would have done on the newest events',
  scope: 'rules:read',
  body: Type.Object({
    text: RuleText,
    events: Type.Optional(Type.Integer({ minimum: 1, maximum: 20_000, default: 5_000 })),
  }),
  bodyBytesMax: ruleBodyBytesMax,
  response: Type.Object({
    events: Type.Integer(),
    fromMs: OrNull(TimeMs),
    untilMs: OrNull(TimeMs),
    warmFromMs: OrNull(TimeMs),
    rules: Type.Array(
      Type.Object({
        ruleId: RuleId,
        hits: Type.Integer(),
        current: Type.Integer(),
        added: Type.Integer(),
        removed: Type.Integer(),
        actors: Type.Integer(),
        samples: Type.Array(PreviewSample),
        lost: Type.Array(PreviewSample),
      }),
    ),
  }),
})

export const listFeatures = route({
  id: 'rules.features',
  method: 'GET',
  path: '/v1/rules/features',
  summary: 'Features that the published rules count',
  scope: 'rules:read',
  response: Page(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      description: Type.Optional(Type.String()),
      key: Type.String(),
      of: Type.Optional(Type.String()),
      on: Type.Array(Type.String()),
      where: Type.Optional(Type.String()),
      windowMs: Type.Integer(),
      window: Type.String(),
      lateness: Type.String(),
      rules: Type.Array(RuleId),
    }),
  ),
})

export const getRuleSchema = route({
  id: 'rules.schema',
  method: 'GET',
  path: '/v1/rules/schema',
  summary: 'The JSON Schema of rule files, and the words that conditions may use',
  scope: 'public',
  response: Type.Object({
    schema: Type.Unknown(),
    words: Type.Object({
      variables: Type.Record(Type.String(), Type.String()),
      types: Type.Record(Type.String(), Type.Record(Type.String(), Type.String())),
      functions: Type.Array(
        Type.Object({ name: Type.String(), signatures: Type.Array(Type.String()), about: Type.String() }),
      ),
      signals: Type.Array(Type.String()),
    }),
  }),
})

const TraceNode = Type.Cyclic(
  {
    TraceNode: Type.Object({
      start: Type.Integer(),
      end: Type.Integer(),
      source: Type.String(),
      value: Type.Optional(Type.Unknown()),
      skipped: Type.Optional(Type.Literal(true)),
      children: Type.Array(Type.Ref('TraceNode')),
    }),
  },
  'TraceNode',
)
const FeatureValue = Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()])

export const traceRule = route({
  id: 'rules.trace',
  method: 'GET',
  path: '/v1/rules/:ruleId/trace/:eventId',
  summary: 'How a rule judges an event, sub-expression by sub-expression',
  scope: 'rules:read',
  params: Type.Object({ ruleId: RuleId, eventId: Type.String({ minLength: 1, maxLength: 256 }) }),
  query: Type.Object({ version: Type.Optional(VersionNumber) }),
  response: Type.Object({
    rule: Type.Object({ id: RuleId, version: Type.Integer() }),
    condition: Type.String(),
    value: OrNull(Type.Boolean()),
    root: TraceNode,
    missing: Type.Array(Type.String()),
    mismatched: Type.Array(Type.String()),
    features: Type.Array(
      Type.Object({
        name: Type.String(),
        kind: Type.String(),
        key: Type.String(),
        window: Type.String(),
        value: FeatureValue,
        before: FeatureValue,
      }),
    ),
    source: Type.Union([Type.Literal('recorded'), Type.Literal('replayed'), Type.Literal('partial')]),
  }),
})
