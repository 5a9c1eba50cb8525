import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 100 })
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Purpose = Type.String({ maxLength: 2_000 })
const Share = Type.Number({ minimum: 0, maximum: 1 })
const Count = Type.Integer({ minimum: 0 })
export const BankAction = Type.Union([
  Type.Literal('observe'),
  Type.Literal('label'),
  Type.Literal('review'),
  Type.Literal('remove'),
])
const ThresholdsOf = Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
  description: 'Largest distance that matches, by signal type; the default of the signal type where missing.',
})
export const Sharing = Type.Object(
  {
    with: Type.Union([Type.Literal('nobody'), Type.Literal('listed'), Type.Literal('everyone')], {
      description: 'Which other tenants of this installation may subscribe.',
    }),
    tenants: Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
      maxItems: 1_000,
      description: 'Those that may, where `with` is "listed".',
    }),
  },
  { additionalProperties: false },
)
export const Sampling = Type.Object(
  {
    reviewShare: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Share of matches that a person looks at even where a rule would decide at once.',
    }),
    trafficShare: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Share of events for which the bank is asked at all; the same content always falls on one side.',
    }),
  },
  { additionalProperties: false },
)

export const Subscription = Type.Object({
  tenantId: Type.String({ description: 'Who subscribes.' }),
  bankId: Id,
  ownerTenantId: Type.String(),
  thresholds: ThresholdsOf,
  action: orNull(Type.String({ description: 'What is done with a match here; what its owner wants where null.' })),
  enabled: Type.Boolean(),
  createdMs: TimeMs,
  version: Type.Integer(),
})
export type Subscription = Static<typeof Subscription>

export const Bank = Type.Object({
  bankId: Id,
  ownerTenantId: Type.String({ description: 'Whose bank it is: the tenant of the caller, or one that shares it.' }),
  name: Name,
  purpose: Purpose,
  owner: orNull(Type.String({ description: 'Id of the person who answers for it.' })),
  action: Type.String({ description: 'What its owner wants done with a match; rules decide.' }),
  thresholds: ThresholdsOf,
  negative: Type.Boolean({ description: 'Its matches are never reported and silence those of other banks.' }),
  enabled: Type.Boolean({ description: 'Nothing of a bank that is switched off matches.' }),
  sharing: Sharing,
  sampling: Sampling,
  expiresMs: orNull(TimeMs),
  ageOutDays: orNull(
    Type.Integer({ description: 'Entries without a match for so long are proposed for retirement; null for never.' }),
  ),
  createdMs: TimeMs,
  version: Type.Integer(),
  entries: Type.Object({ pending: Count, active: Count, quarantined: Count, retired: Count }),
  subscription: orNull(Subscription),
})
export type Bank = Static<typeof Bank>

export const BankEntryStatus = Type.Union(
  [Type.Literal('pending'), Type.Literal('active'), Type.Literal('quarantined'), Type.Literal('retired')],
  { description: 'Only active entries match, and quarantined ones that are held for review.' },
)
const tally = {
  right: Type.Integer({ description: 'Matches that a person confirmed, or an appeal upheld.' }),
  wrong: Type.Integer({ description: 'Matches that a person dismissed, or an appeal overturned.' }),
}
export const Precision = Type.Object({
  right: Type.Number({ description: 'Of all sources together; the opinion of a peer counts as its weight says.' }),
  wrong: Type.Number(),
  share: orNull(Share),
  low: Type.Number({ description: 'Lower end of the 95 % score interval (Wilson 1927).' }),
  high: Type.Number(),
  own: Type.Object(tally, { description: 'What people and appeals of this tenant found.' }),
  teams: Type.Object(tally, { description: 'What those of teams found that match against the shared bank.' }),
  peers: Type.Object(
    {
      right: Type.Integer({ description: 'Installations that follow the bank and confirm its entries.' }),
      wrong: Type.Integer({ description: 'Those that dispute them.' }),
      weight: Type.Number({ description: 'What each counts here: `match.peerOpinionWeight` of the settings.' }),
    },
    { description: 'Opinions by exchange; no verdicts of this installation.' },
  ),
})
export type Precision = Static<typeof Precision>
export const BankEntry = Type.Object({
  entryId: Type.String(),
  bankId: Id,
  signals: Type.Record(Type.String(), Type.String()),
  quality: orNull(Type.Integer()),
  mediaSha256: orNull(Type.String()),
  text: orNull(Type.String()),
  labels: Type.Array(Type.String()),
  source: Type.String(),
  note: orNull(Type.String()),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  exchange: orNull(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'For entries from an exchange: which, whose, when it was fetched, and its tags there.',
    }),
  ),
  expiresMs: orNull(TimeMs),
  status: BankEntryStatus,
  statusReason: orNull(Type.String()),
  statusMs: orNull(TimeMs),
  hold: orNull(
    Type.Union([Type.Literal('silent'), Type.Literal('review')], {
      description: 'How a quarantined entry is held: it does not match, or what it matches goes to a reviewer.',
    }),
  ),
  addedMs: TimeMs,
  addedBy: Type.Unknown({ description: 'Who added it, as in the ledger.' }),
  importId: orNull(Type.String()),
  mergedInto: orNull(Type.String({ description: 'The entry that was kept when near-duplicates were merged.' })),
  matches: Type.Integer({ description: 'Proposals that rest on this entry.' }),
  confirmed: Type.Integer({ description: 'How many of them a person confirmed.' }),
  dismissed: Type.Integer({ description: 'How many of them a person dismissed.' }),
  overturned: Type.Integer({ description: 'Decisions that rest on this entry and were overturned.' }),
  precision: Precision,
  confirmations: Type.Integer({ description: 'People and platforms that say the entry is right.' }),
  disputes: Type.Integer({ description: 'People and platforms that say it is wrong.' }),
  lastMatchMs: orNull(TimeMs),
  version: Type.Integer(),
})
export type BankEntry = Static<typeof BankEntry>

const bankParams = Type.Object({ bankId: Id })
const entryParams = Type.Object({ bankId: Id, entryId: Type.String({ minLength: 1, maxLength: 100 }) })
const bankFields = {
  purpose: Type.Optional(Purpose),
  action: Type.Optional(BankAction),
  thresholds: Type.Optional(ThresholdsOf),
  enabled: Type.Optional(Type.Boolean()),
  owner: Type.Optional(orNull(Type.String({ minLength: 1, maxLength: 100 }))),
  sharing: Type.Optional(Sharing),
  sampling: Type.Optional(Sampling),
  expiresMs: Type.Optional(orNull(TimeMs)),
  ageOutDays: Type.Optional(orNull(Type.Integer({ minimum: 1, maximum: 3_650 }))),
}

export const listBanks = route({
  id: 'banks.list',
  method: 'GET',
  path: '/v1/banks',
  summary: 'Banks, oldest first',
  scope: 'banks:read',
  query: Type.Object({
    ...PageQuery.properties,
    shared: Type.Optional(
      Type.Union([Type.Literal('own'), Type.Literal('offered'), Type.Literal('subscribed')], {
        description: 'Own banks (default), those of other tenants that may be subscribed to, or those that are.',
      }),
    ),
  }),
  response: Page(Bank),
})
export const makeBank = route({
  id: 'banks.create',
  method: 'POST',
  path: '/v1/banks',
  summary: 'Make a bank',
  scope: 'banks:write',
  body: Type.Object(
    { name: Name, negative: Type.Optional(Type.Boolean()), ...bankFields },
    { additionalProperties: false },
  ),
  response: Bank,
  status: 201,
  idempotent: true,
})
export const getBank = route({
  id: 'banks.get',
  method: 'GET',
  path: '/v1/banks/:bankId',
  summary: 'One bank',
  scope: 'banks:read',
  params: bankParams,
  response: Bank,
})
export const changeBank = route({
  id: 'banks.update',
  method: 'PATCH',
  path: '/v1/banks/:bankId',
  summary: 'Change a bank',
  description: 'Needs If-Match with the ETag of the bank. What is not given stays.',
  scope: 'banks:write',
  params: bankParams,
  body: Type.Object({ name: Type.Optional(Name), ...bankFields }, { additionalProperties: false }),
  response: Bank,
})

export const listSubscriptions = route({
  id: 'banks.subscriptions.list',
  method: 'GET',
  path: '/v1/banks/:bankId/subscriptions',
  summary: 'Who subscribes to a bank',
  description: 'All of them for its owner; for another tenant, its own.',
  scope: 'banks:read',
  params: bankParams,
  response: Type.Object({ items: Type.Array(Subscription) }),
})
export const subscribeBank = route({
  id: 'banks.subscriptions.put',
  method: 'PUT',
  path: '/v1/banks/:bankId/subscriptions',
  summary: 'Match against a bank that another tenant shares, with thresholds and an action of your own',
  description: 'With If-Match only when the subscription is still as you saw it.',
  scope: 'banks:write',
  params: bankParams,
  body: Type.Object(
    {
      thresholds: Type.Optional(ThresholdsOf),
      action: Type.Optional(orNull(BankAction)),
      enabled: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  response: Subscription,
})
export const unsubscribeBank = route({
  id: 'banks.subscriptions.delete',
  method: 'DELETE',
  path: '/v1/banks/:bankId/subscriptions',
  summary: 'Stop matching against the bank of another tenant',
  scope: 'banks:write',
  params: bankParams,
  response: Type.Object({ bankId: Id }),
})

const entryFilters = {
  status: Type.Optional(BankEntryStatus),
  label: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  source: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  signalType: Type.Optional(Type.String({ minLength: 1, maxLength: 50 })),
  importId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 10_000,
      description: 'An entry id, a signal in full, or words of its text, note, labels or source.',
    }),
  ),
}
export const listBankEntries = route({
  id: 'banks.entries.list',
  method: 'GET',
  path: '/v1/banks/:bankId/entries',
  summary: 'Entries of a bank, oldest first unless ordered otherwise',
  scope: 'banks:read',
  params: bankParams,
  query: Type.Object({
    ...PageQuery.properties,
    ...entryFilters,
    order: Type.Optional(
      Type.Enum(['added', 'matches', 'precision', 'lastMatch'], {
        description: 'By time of adding; or most matches, lowest precision or latest match first.',
      }),
    ),
  }),
  response: Page(BankEntry),
})
export const countBankEntries = route({
  id: 'banks.entries.count',
  method: 'GET',
  path: '/v1/banks/:bankId/entry-counts',
  summary: 'How many entries of a bank a filter leaves, by status, label, source and signal type',
  scope: 'banks:read',
  params: bankParams,
  query: Type.Object(entryFilters),
  response: Type.Object({
    entries: Count,
    byStatus: Type.Record(Type.String(), Count),
    byLabel: Type.Array(Type.Object({ name: Type.String(), entries: Count })),
    bySource: Type.Array(Type.Object({ name: Type.String(), entries: Count })),
    bySignalType: Type.Array(Type.Object({ name: Type.String(), entries: Count })),
  }),
})

const Labels = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 })
const Metadata = Type.Record(Type.String({ maxLength: 200 }), Type.Unknown(), {
  description: 'What else is known, up to 16 KB of JSON.',
})
const entryContent = {
  upload: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Id of an upload.' })),
  signals: Type.Optional(
    Type.Record(Type.String({ maxLength: 50 }), Type.String({ minLength: 1, maxLength: 1_000_000 }), {
      description: 'Hashes made elsewhere, by signal type.',
    }),
  ),
  pdq: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'The same as `signals.pdq`.' })),
  quality: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Of the given PDQ hash.' })),
  text: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
}
export const NewBankEntry = Type.Object(
  {
    ...entryContent,
    labels: Type.Optional(Labels),
    source: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    note: Type.Optional(Type.String({ maxLength: 2_000 })),
    metadata: Type.Optional(Metadata),
    expiresMs: Type.Optional(TimeMs),
    draft: Type.Optional(Type.Boolean({ description: 'Keep it back from matching until it goes live.' })),
  },
  { additionalProperties: false },
)
export const NearEntry = Type.Object({
  entryId: Type.String(),
  bankId: Type.String(),
  signalType: Type.String(),
  distance: Type.Number(),
  described: Type.String(),
})
export const makeBankEntry = route({
  id: 'banks.entries.create',
  method: 'POST',
  path: '/v1/banks/:bankId/entries',
  summary: 'Add an image, hashes or a text to a bank',
  description:
    'Give exactly one of upload, signals, pdq and text. It matches within a second, or once it goes live where it is a draft. `near` are entries of the bank that it matches itself.',
  scope: 'banks:write',
  params: bankParams,
  body: NewBankEntry,
  response: Type.Object({ ...BankEntry.properties, near: Type.Optional(Type.Array(NearEntry)) }),
  status: 201,
  idempotent: true,
})
export const getBankEntry = route({
  id: 'banks.entries.get',
  method: 'GET',
  path: '/v1/banks/:bankId/entries/:entryId',
  summary: 'One entry of a bank',
  scope: 'banks:read',
  params: entryParams,
  response: BankEntry,
})
export const editBankEntry = route({
  id: 'banks.entries.update',
  method: 'PATCH',
  path: '/v1/banks/:bankId/entries/:entryId',
  summary: 'Change labels, source, note, metadata or expiry of an entry',
  description: 'Needs If-Match with the ETag of the entry. Its signals never change: add another entry.',
  scope: 'banks:write',
  params: entryParams,
  body: Type.Object(
    {
      labels: Type.Optional(Labels),
      source: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      note: Type.Optional(orNull(Type.String({ maxLength: 2_000 }))),
      metadata: Type.Optional(Metadata),
      expiresMs: Type.Optional(orNull(TimeMs)),
    },
    { additionalProperties: false },
  ),
  response: BankEntry,
})
export const moveBankEntry = route({
  id: 'banks.entries.move',
  method: 'POST',
  path: '/v1/banks/:bankId/entries/:entryId/move',
  summary: 'Move an entry to another bank of this tenant',
  description: 'With If-Match only when the entry is still as you saw it.',
  scope: 'banks:write',
  params: entryParams,
  body: Type.Object(
    { toBankId: Id, reason: Type.Optional(Type.String({ maxLength: 2_000 })) },
    { additionalProperties: false },
  ),
  response: BankEntry,
})

const Reason = Type.String({ minLength: 1, maxLength: 2_000 })
const changeOf = <Body extends Type.TProperties>(change: string, summary: string, body: Body) =>
  route({
    id: `banks.entries.${change}`,
    method: 'POST',
    path: `/v1/banks/:bankId/entries/:entryId/${change}`,
    summary,
    description: 'With If-Match only when the entry is still as you saw it.',
    scope: 'banks:write',
    params: entryParams,
    body: Type.Object(body, { additionalProperties: false }),
    response: BankEntry,
  })
export const quarantineBankEntry = changeOf(
  'quarantine',
  'Hold an entry back until somebody has looked: silent, or with everything that it matches sent to review',
  { reason: Reason, hold: Type.Optional(Type.Union([Type.Literal('silent'), Type.Literal('review')])) },
)
export const releaseBankEntry = changeOf('release', 'Let a quarantined entry match again', { reason: Reason })
export const retireBankEntry = changeOf('retire', 'Take an entry out of matching for good', { reason: Reason })
export const goLiveBankEntry = changeOf('go-live', 'Let a draft match from now on', {
  reason: Type.Optional(Reason),
})
export const confirmBankEntry = changeOf('confirm', 'Say that an entry is right', {
  reason: Type.Optional(Reason),
})
export const disputeBankEntry = changeOf('dispute', 'Say that an entry is wrong, and why', { reason: Reason })

export const entryHistory = route({
  id: 'banks.entries.history',
  method: 'GET',
  path: '/v1/banks/:bankId/entries/:entryId/history',
  summary: 'What was done with an entry, newest first, as in the ledger',
  scope: 'banks:read',
  params: entryParams,
  query: PageQuery,
  response: Page(Type.Unknown()),
})
export const entryOpinions = route({
  id: 'banks.entries.opinions',
  method: 'GET',
  path: '/v1/banks/:bankId/entries/:entryId/opinions',
  summary: 'Who confirms or disputes an entry, latest first, and what single teams found of its matches',
  scope: 'banks:read',
  params: entryParams,
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        author: Type.Unknown(),
        opinion: Type.Union([Type.Literal('confirmed'), Type.Literal('disputed')]),
        reason: Type.String(),
        atMs: TimeMs,
      }),
    ),
    teams: Type.Array(Type.Object({ tenantId: Type.String(), name: Type.String(), ...tally }), {
      description: 'Verdicts of teams whom the sharing of the bank names; all others are in `precision.teams` only.',
    }),
  }),
})

export const PastMatches = Type.Object({
  available: Type.Boolean({ description: 'False where this installation keeps no hashes of past content.' }),
  sinceMs: TimeMs,
  count: Type.Integer({ description: 'Items of the past that it would have matched.' }),
  perDay: Type.Array(Type.Object({ dayMs: TimeMs, matches: Type.Integer() })),
  sample: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  near: Type.Array(NearEntry, { description: 'Entries of this tenant that it matches itself.' }),
})
export type PastMatches = Static<typeof PastMatches>
const previewQuery = Type.Object({
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 30 })),
  limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 200, default: 20, description: 'Size of the sample.' })),
})
export const previewNewEntry = route({
  id: 'banks.entries.preview',
  method: 'POST',
  path: '/v1/banks/:bankId/preview',
  summary: 'What an entry would have matched in the past, before it is added',
  scope: 'banks:read',
  params: bankParams,
  query: previewQuery,
  body: Type.Object(entryContent, { additionalProperties: false }),
  response: PastMatches,
})
export const previewBankEntry = route({
  id: 'banks.entries.preview-draft',
  method: 'GET',
  path: '/v1/banks/:bankId/entries/:entryId/preview',
  summary: 'What an entry, such as a draft, would have matched in the past',
  scope: 'banks:read',
  params: entryParams,
  query: previewQuery,
  response: PastMatches,
})

export const mergeBankEntries = route({
  id: 'banks.entries.merge',
  method: 'POST',
  path: '/v1/banks/:bankId/merges',
  summary: 'Merge near-duplicates: one entry stays, with the labels and matches of all; the others are retired',
  scope: 'banks:write',
  params: bankParams,
  body: Type.Object(
    {
      keep: Id,
      retire: Type.Array(Id, { minItems: 1, maxItems: 1_000, uniqueItems: true }),
      reason: Type.Optional(Reason),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ mergeId: Type.String(), kept: BankEntry }),
  status: 201,
  idempotent: true,
})
export const undoMerge = route({
  id: 'banks.entries.unmerge',
  method: 'POST',
  path: '/v1/banks/:bankId/merges/:mergeId/undo',
  summary: 'Undo a merge: every entry is as it was',
  scope: 'banks:write',
  params: Type.Object({ bankId: Id, mergeId: Id }),
  body: Type.Object({ reason: Type.Optional(Reason) }, { additionalProperties: false }),
  response: Type.Object({ mergeId: Type.String(), kept: BankEntry }),
})
