import { Type, type Static } from 'typebox'
import { BankEntry, Precision } from './banks.ts'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 100 })
const Count = Type.Integer({ minimum: 0 })

export const DuplicateGroup = Type.Object({
  groupId: Type.String({ description: 'The oldest entry of the group.' }),
  bankId: Id,
  entries: Type.Array(
    Type.Object({
      entryId: Type.String(),
      signalType: Type.String(),
      distance: Type.Number({ description: 'To the nearest other entry of the group.' }),
      labels: Type.Array(Type.String()),
      matches: Type.Integer(),
      mediaSha256: orNull(Type.String()),
      addedMs: TimeMs,
    }),
  ),
})
export type DuplicateGroup = Static<typeof DuplicateGroup>

export const Canary = Type.Object({
  canaryId: Type.String(),
  bankId: Id,
  entryId: orNull(Type.String({ description: 'The entry that must match; any of the bank where null.' })),
  expects: Type.Union([Type.Literal('match'), Type.Literal('no-match')]),
  signals: Type.Record(Type.String(), Type.String(), { description: 'What is looked up.' }),
  mediaSha256: orNull(Type.String()),
  text: orNull(Type.String()),
  note: Type.String(),
  state: Type.Union([Type.Literal('waiting'), Type.Literal('ok'), Type.Literal('failing')]),
  because: Type.String(),
  sinceMs: TimeMs,
  checkedMs: orNull(TimeMs),
})
export type Canary = Static<typeof Canary>

export const Flood = Type.Object({
  entry: BankEntry,
  matches: Type.Integer({ description: 'Matches within the window that ends now.' }),
  windowMinutes: Type.Integer(),
  expected: Type.Number({ description: 'Matches that its own past would have led one to expect.' }),
  perDay: Type.Array(Type.Object({ dayMs: TimeMs, matches: Type.Integer() })),
})

export type Flood = Static<typeof Flood>

export const hygieneBoard = route({
  id: 'hygiene.board',
  method: 'GET',
  path: '/v1/hygiene',
  summary: 'What needs care in the banks of this tenant: counts, and the first of each list',
  scope: 'banks:read',
  query: Type.Object({
    bankId: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 200, default: 20 })),
  }),
  response: Type.Object({
    counts: Type.Object({
      quarantined: Count,
      floods: Count,
      lowPrecision: Count,
      canariesFailing: Count,
      duplicateGroups: Count,
      expiring: Count,
      neverMatched: Count,
      agedOut: Count,
      drafts: Count,
      disputed: Count,
    }),
    quarantined: Type.Array(BankEntry, { description: 'Latest first; `statusReason` says why.' }),
    floods: Type.Array(Flood, { description: 'Entries that match far more than their own past, held or not.' }),
    lowPrecision: Type.Array(BankEntry, { description: 'Wrong more often than the settings allow, worst first.' }),
    canaries: Type.Array(Canary, { description: 'Failing first.' }),
    duplicateGroups: Type.Array(DuplicateGroup),
    expiring: Type.Array(BankEntry, { description: 'Within a week.' }),
    neverMatched: Type.Array(BankEntry, { description: 'Active for 30 days or more without any match.' }),
    agedOut: Type.Array(BankEntry, { description: 'Without a match for as long as their bank allows; to be retired.' }),
    disputed: Type.Array(BankEntry),
  }),
})

export const bankPrecision = route({
  id: 'hygiene.precision',
  method: 'GET',
  path: '/v1/hygiene/precision',
  summary: 'How often people and appeals agreed with the matches of each bank: over all of its entries, and by day',
  description:
    'Banks that nothing was matched or judged of are missing. Days are in UTC; counts of matches go back 35 days.',
  scope: 'banks:read',
  query: Type.Object({
    bankId: Type.Optional(Id),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 30 })),
  }),
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        bankId: Id,
        matches: Type.Integer({ description: 'Proposals that rest on its entries.' }),
        precision: Precision,
        days: Type.Array(
          Type.Object({
            dayMs: TimeMs,
            matches: Type.Integer({ description: 'Contents looked up that matched.' }),
            right: Count,
            wrong: Count,
          }),
        ),
      }),
    ),
  }),
})

export const listDuplicates = route({
  id: 'hygiene.duplicates',
  method: 'GET',
  path: '/v1/hygiene/duplicates',
  summary: 'Groups of entries of one bank that match each other',
  scope: 'banks:read',
  query: Type.Object({ ...PageQuery.properties, bankId: Type.Optional(Id) }),
  response: Page(DuplicateGroup),
})
export const scanDuplicates = route({
  id: 'hygiene.scan',
  method: 'POST',
  path: '/v1/hygiene/duplicates/scan',
  summary: 'Look for near-duplicates among all entries again, in the background',
  description: 'New entries are looked at by themselves. Needed after thresholds were changed.',
  scope: 'banks:write',
  body: Type.Object({}, { additionalProperties: false }),
  response: Type.Object({ entries: Count }),
  status: 202,
})

export const listCanaries = route({
  id: 'canaries.list',
  method: 'GET',
  path: '/v1/banks/:bankId/canaries',
  summary: 'Canaries of a bank: probes that must keep matching, or must never begin to',
  scope: 'banks:read',
  params: Type.Object({ bankId: Id }),
  response: Type.Object({ items: Type.Array(Canary) }),
})
export const makeCanary = route({
  id: 'canaries.create',
  method: 'POST',
  path: '/v1/banks/:bankId/canaries',
  summary: 'Set a canary; give exactly one of upload, signals and text as its probe',
  scope: 'banks:write',
  params: Type.Object({ bankId: Id }),
  body: Type.Object(
    {
      expects: Type.Union([Type.Literal('match'), Type.Literal('no-match')]),
      entryId: Type.Optional(Id),
      upload: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
      signals: Type.Optional(
        Type.Record(Type.String({ maxLength: 50 }), Type.String({ minLength: 1, maxLength: 1_000_000 })),
      ),
      text: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
      note: Type.Optional(Type.String({ maxLength: 2_000 })),
    },
    { additionalProperties: false },
  ),
  response: Canary,
  status: 201,
  idempotent: true,
})
export const checkCanaries = route({
  id: 'canaries.check',
  method: 'POST',
  path: '/v1/banks/:bankId/canaries/check',
  summary: 'Look all canaries of a bank up now',
  scope: 'banks:write',
  params: Type.Object({ bankId: Id }),
  body: Type.Object({}, { additionalProperties: false }),
  response: Type.Object({ items: Type.Array(Canary) }),
})
export const removeCanary = route({
  id: 'canaries.delete',
  method: 'DELETE',
  path: '/v1/banks/:bankId/canaries/:canaryId',
  summary: 'Take a canary away',
  scope: 'banks:write',
  params: Type.Object({ bankId: Id, canaryId: Id }),
  response: Type.Object({ canaryId: Type.String() }),
})
