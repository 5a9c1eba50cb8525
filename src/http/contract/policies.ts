import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const PolicyText = Type.String({ minLength: 1, maxLength: 524_288, description: 'YAML or JSON.' })

export const PolicyVersion = Type.Object({
  version: Type.Integer(),
  policyId: Type.String(),
  title: Type.String(),
  sha256: Type.String(),
  effectiveFromMs: TimeMs,
  publishedMs: TimeMs,
  author: Type.Unknown({ description: 'Who published it, as in the ledger.' }),
  inForce: Type.Boolean({ description: 'Whether it applies to what happens now.' }),
})
export type PolicyVersion = Static<typeof PolicyVersion>

/** The parts of a policy that forms and lists need; the text has all of it. */
export const PolicySummary = Type.Object({
  contexts: Type.Array(
    Type.Object({ context: Type.String(), title: Type.String(), features: Type.Array(Type.String()) }),
  ),
  violations: Type.Array(
    Type.Object({
      violation: Type.String(),
      title: Type.String(),
      text: Type.String(),
      severity: Type.Integer(),
      egregious: Type.Boolean(),
      ground: Type.String(),
    }),
  ),
  ladders: Type.Array(
    Type.Object({
      ladder: Type.String(),
      steps: Type.Array(
        Type.Object({
          at: Type.Number(),
          action: Type.String(),
          closes: Type.Array(Type.String(), { description: '`*` for all.' }),
          durationMs: orNull(Type.Number()),
          permanent: Type.Boolean(),
        }),
      ),
    }),
  ),
})

export const PolicyDetail = Type.Object({ policy: PolicyVersion, text: Type.String(), summary: PolicySummary })
export type PolicyDetail = Static<typeof PolicyDetail>

export const PolicyChange = Type.Object({
  path: Type.String({ description: 'Dotted path of what differs.' }),
  before: Type.Unknown(),
  after: Type.Unknown(),
})

export const PolicyPreview = Type.Object({
  changes: Type.Array(PolicyChange),
  impact: Type.Object(
    {
      actors: Type.Integer({ description: 'Accounts looked at: those with the newest decisions.' }),
      better: Type.Integer({ description: 'Accounts whose level would be lower in some context, and higher in none.' }),
      worse: Type.Integer({ description: 'Accounts whose level would be higher in some context.' }),
      examples: Type.Array(
        Type.Object({ actorId: Type.String(), context: Type.String(), before: Type.String(), after: Type.String() }),
      ),
    },
    { description: 'What would be if the new text had applied to every decision that stands. Nothing changes.' },
  ),
})
export type PolicyPreview = Static<typeof PolicyPreview>

export const listPolicies = route({
  id: 'policies.list',
  method: 'GET',
  path: '/v1/policies',
  summary: 'Versions of the policy, newest first',
  scope: 'policies:read',
  query: PageQuery,
  response: Page(PolicyVersion),
})

export const getPolicy = route({
  id: 'policies.get',
  method: 'GET',
  path: '/v1/policies/:version',
  summary: 'One version with its text',
  scope: 'policies:read',
  params: Type.Object({ version: Type.String({ pattern: '^([0-9]{1,9}|newest)$' }) }),
  response: PolicyDetail,
})

export const publishPolicy = route({
  id: 'policies.publish',
  method: 'POST',
  path: '/v1/policies',
  summary: 'Publish a policy text as the next version',
  description:
    'Send the ETag of the newest version as If-Match. Decisions keep the version that was in force when it happened. The same text again changes nothing.',
  scope: 'policies:write',
  body: Type.Object({ text: PolicyText }, { additionalProperties: false }),
  response: PolicyVersion,
  status: 201,
})

export const previewPolicy = route({
  id: 'policies.preview',
  method: 'POST',
  path: '/v1/policies/preview',
  summary: 'Check a policy text and see what it would change',
  scope: 'policies:read',
  body: Type.Object({ text: PolicyText }, { additionalProperties: false }),
  response: PolicyPreview,
})
