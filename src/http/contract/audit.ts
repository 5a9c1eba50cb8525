import { Type, type Static } from 'typebox'
import { Page, PageQuery, Reason, route, Subject, SubjectKind, TimeMs } from './route.ts'

export const AuditEntry = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  subject: Subject,
  occurredAtMs: TimeMs,
  recordedAtMs: TimeMs,
  cause: Type.Optional(Type.String()),
  author: Type.Object({ kind: Type.String() }, { additionalProperties: true }),
  automation: Type.String(),
  because: Type.Array(Reason),
  body: Type.Unknown(),
  sequence: Type.Optional(Type.Integer({ description: 'Place in the chain; set within a second of recording.' })),
  hash: Type.Optional(Type.String()),
})
export type AuditEntry = Static<typeof AuditEntry>

export const listAudit = route({
  id: 'audit.list',
  method: 'GET',
  path: '/v1/audit',
  summary: 'The ledger: what happened, newest first',
  scope: 'audit:read',
  query: Type.Object({
    ...PageQuery.properties,
    kinds: Type.Optional(Type.String({ maxLength: 2_000, description: 'Kinds of entries, separated by commas.' })),
    author: Type.Optional(
      Type.String({ maxLength: 300, description: 'Id of the person or API key that made the entries.' }),
    ),
    subjectKind: Type.Optional(SubjectKind),
    subjectId: Type.Optional(Type.String({ maxLength: 256 })),
    fromMs: Type.Optional(TimeMs),
    untilMs: Type.Optional(TimeMs),
  }),
  response: Page(AuditEntry),
})
export const getLedgerHead = route({
  id: 'audit.head',
  method: 'GET',
  path: '/v1/audit/head',
  summary: 'Length and last hash of the chain',
  description: 'Keep it elsewhere: whoever rewrites the ledger cannot rewrite what you noted.',
  scope: 'audit:read',
  response: Type.Object({ sequence: Type.Integer(), hash: Type.Union([Type.String(), Type.Null()]) }),
})
export const verifyLedger = route({
  id: 'audit.verify',
  method: 'GET',
  path: '/v1/audit/verify',
  summary: 'Recompute the whole chain and say whether it holds',
  scope: 'audit:read',
  response: Type.Object({
    ok: Type.Boolean(),
    entries: Type.Optional(Type.Integer()),
    head: Type.Optional(Type.String()),
    sequence: Type.Optional(Type.Integer()),
    entryId: Type.Optional(Type.String()),
    problem: Type.Optional(Type.String()),
  }),
})
