import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const BankId = Type.String({ minLength: 1, maxLength: 100 })
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Purpose = Type.String({ maxLength: 2_000 })
const Action = Type.Union([
  Type.Literal('observe'),
  Type.Literal('label'),
  Type.Literal('review'),
  Type.Literal('remove'),
])
const ThresholdsOf = Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
  description: 'Largest distance that matches, by signal type; the default of the signal type where missing.',
})

export const Bank = Type.Object({
  bankId: BankId,
  name: Name,
  purpose: Purpose,
  action: Type.String({ description: 'What its owner wants done with a match; rules decide.' }),
  thresholds: ThresholdsOf,
  negative: Type.Boolean({ description: 'Its matches are never reported and silence those of other banks.' }),
  createdMs: TimeMs,
  version: Type.Integer(),
  entries: Type.Object({ active: Type.Integer(), quarantined: Type.Integer(), retired: Type.Integer() }),
})
export type Bank = Static<typeof Bank>

export const BankEntryStatus = Type.Union([
  Type.Literal('active'),
  Type.Literal('quarantined'),
  Type.Literal('retired'),
])
export const BankEntry = Type.Object({
  entryId: Type.String(),
  bankId: BankId,
  signals: Type.Record(Type.String(), Type.String()),
  quality: orNull(Type.Integer()),
  mediaSha256: orNull(Type.String()),
  text: orNull(Type.String()),
  labels: Type.Array(Type.String()),
  source: Type.String(),
  note: orNull(Type.String()),
  status: BankEntryStatus,
  statusReason: orNull(Type.String()),
  addedMs: TimeMs,
  addedBy: Type.Unknown({ description: 'Who added it, as in the ledger.' }),
  matches: Type.Integer({ description: 'Proposals that rest on this entry.' }),
  confirmed: Type.Integer({ description: 'How many of them a person confirmed.' }),
  overturned: Type.Integer({ description: 'Decisions that rest on this entry and were overturned.' }),
  lastMatchMs: orNull(TimeMs),
  version: Type.Integer(),
})
export type BankEntry = Static<typeof BankEntry>

const bankParams = Type.Object({ bankId: BankId })
const entryParams = Type.Object({ bankId: BankId, entryId: Type.String({ minLength: 1, maxLength: 100 }) })

export const listBanks = route({
  id: 'banks.list',
  method: 'GET',
  path: '/v1/banks',
  summary: 'Banks, oldest first',
  scope: 'banks:read',
  query: PageQuery,
  response: Page(Bank),
})

export const makeBank = route({
  id: 'banks.create',
  method: 'POST',
  path: '/v1/banks',
  summary: 'Make a bank',
  scope: 'banks:write',
  body: Type.Object(
    {
      name: Name,
      purpose: Type.Optional(Purpose),
      action: Type.Optional(Action),
      thresholds: Type.Optional(ThresholdsOf),
      negative: Type.Optional(Type.Boolean()),
    },
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
  summary: 'Change name, purpose, action or thresholds of a bank',
  description: 'Needs If-Match with the ETag of the bank.',
  scope: 'banks:write',
  params: bankParams,
  body: Type.Object(
    {
      name: Type.Optional(Name),
      purpose: Type.Optional(Purpose),
      action: Type.Optional(Action),
      thresholds: Type.Optional(ThresholdsOf),
    },
    { additionalProperties: false },
  ),
  response: Bank,
})

export const listBankEntries = route({
  id: 'banks.entries.list',
  method: 'GET',
  path: '/v1/banks/:bankId/entries',
  summary: 'Entries of a bank, oldest first',
  scope: 'banks:read',
  params: bankParams,
  query: Type.Object({ ...PageQuery.properties, status: Type.Optional(BankEntryStatus) }),
  response: Page(BankEntry),
})

export const makeBankEntry = route({
  id: 'banks.entries.create',
  method: 'POST',
  path: '/v1/banks/:bankId/entries',
  summary: 'Add an image, a hash or a text to a bank',
  description: 'Give exactly one of upload, pdq and text. It matches within a second.',
  scope: 'banks:write',
  params: bankParams,
  body: Type.Object(
    {
      upload: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Id of an upload.' })),
      pdq: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{64}$' })),
      quality: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Of the given PDQ hash.' })),
      text: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
      labels: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 })),
      source: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      note: Type.Optional(Type.String({ maxLength: 2_000 })),
    },
    { additionalProperties: false },
  ),
  response: BankEntry,
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

const changeOf = (change: 'quarantine' | 'release' | 'retire', summary: string) =>
  route({
    id: `banks.entries.${change}`,
    method: 'POST',
    path: `/v1/banks/:bankId/entries/:entryId/${change}`,
    summary,
    description: 'With If-Match only when the entry is still as you saw it.',
    scope: 'banks:write',
    params: entryParams,
    body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 2_000 }) }, { additionalProperties: false }),
    response: BankEntry,
  })
export const quarantineBankEntry = changeOf('quarantine', 'Hold an entry back from matching until somebody has looked')
export const releaseBankEntry = changeOf('release', 'Let a quarantined entry match again')
export const retireBankEntry = changeOf('retire', 'Take an entry out of matching for good')
