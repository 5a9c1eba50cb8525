import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 100 })
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Short = Type.String({ minLength: 1, maxLength: 200 })
const Shorts = Type.Array(Short, { maxItems: 1_000 })

export const ExchangeKind = Type.Enum([
  'ncmec',
  'stopncii',
  'tech-against-terrorism',
  'threatexchange',
  'file',
  'custos',
])
export type ExchangeKind = Static<typeof ExchangeKind>
export const Opinion = Type.Enum(['seen', 'confirm', 'dispute'])

export const ExchangeField = Type.Object(
  {
    name: Type.String(),
    title: Type.String(),
    help: Type.String(),
    kind: Type.Enum(['text', 'url', 'whole', 'flag', 'choice', 'texts']),
    required: Type.Boolean(),
    choices: Type.Optional(Type.Array(Type.String())),
    pattern: Type.Optional(Type.String({ description: 'A regular expression that the text must match.' })),
  },
  { description: 'One field of a form.' },
)
export const ExchangeKindInfo = Type.Object({
  kind: ExchangeKind,
  title: Type.String(),
  about: Type.String(),
  settings: Type.Array(ExchangeField),
  credentials: Type.Array(ExchangeField, { description: 'Secrets: written and never read again.' }),
  sendBack: Type.Array(Opinion, { description: 'What this kind takes back.' }),
  shares: Type.Boolean({ description: 'Whether entries of our own can be offered to it.' }),
  uploads: Type.Boolean({ description: 'Whether it takes uploaded files.' }),
})
export type ExchangeKindInfo = Static<typeof ExchangeKindInfo>

export const ExchangeFilter = Type.Object(
  {
    types: Type.Optional(Type.Array(Short, { maxItems: 100, description: 'Signal types that come in.' })),
    labels: Type.Optional(Type.Array(Short, { maxItems: 1_000, description: 'At least one of these tags.' })),
    withoutLabels: Type.Optional(Type.Array(Short, { maxItems: 1_000, description: 'None of these tags.' })),
    owners: Type.Optional(Type.Array(Short, { maxItems: 1_000, description: 'From these owners alone, by id.' })),
    withoutOwners: Type.Optional(Shorts),
    severityMin: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4, description: 'Records that state no severity pass.' }),
    ),
  },
  { additionalProperties: false, description: 'Which records come in; an empty filter lets all in.' },
)
const Labels = Type.Record(Short, Type.String({ maxLength: 100 }), {
  description: 'Tags of the other side to labels here. The empty text drops a tag; tags not named are kept.',
})
const SendBack = Type.Object(
  { seen: Type.Boolean(), confirm: Type.Boolean(), dispute: Type.Boolean() },
  { additionalProperties: false, description: 'What is sent back: matches, verdicts upheld, verdicts overturned.' },
)
const Settings = Type.Record(Type.String(), Type.Unknown(), { description: 'By the fields of the kind.' })
const Credentials = Type.Record(Type.String(), Type.String({ maxLength: 4_000 }), {
  description: 'By the fields of the kind. Sealed when written; no answer contains them.',
})
const EveryMinutes = Type.Integer({ minimum: 1, maximum: 43_200, description: 'How often it is fetched.' })

export const ExchangeCounts = Type.Object({
  received: Type.Integer(),
  added: Type.Integer(),
  changed: Type.Integer(),
  withdrawn: Type.Integer(),
  unchanged: Type.Integer(),
  filtered: Type.Integer({ description: 'Left out by the filter.' }),
  unsupported: Type.Integer({ description: 'Without any hash that can be matched here.' }),
  malformed: Type.Integer({ description: 'With no hash that can be read.' }),
})
export const ExchangeRun = Type.Object({
  runId: Id,
  exchangeId: Id,
  trigger: Type.Enum(['schedule', 'person', 'upload']),
  state: Type.Enum(['running', 'done', 'failed', 'stopped']),
  startedMs: TimeMs,
  endedMs: orNull(TimeMs),
  pages: Type.Integer({ description: 'Pages kept so far; each is a transaction with the cursor.' }),
  counts: ExchangeCounts,
  unsupported: Type.Record(Type.String(), Type.Integer(), {
    description: 'Kinds of hash that nothing here can match, and how many of each came.',
  }),
  estimate: orNull(Type.Integer({ description: 'Records that are still to come, where the other side tells.' })),
  error: orNull(Type.String({ description: 'Why it failed, in words.' })),
  notes: Type.Array(Type.String()),
})
export type ExchangeRun = Static<typeof ExchangeRun>

export const Exchange = Type.Object({
  exchangeId: Id,
  kind: ExchangeKind,
  name: Name,
  bankId: Id,
  enabled: Type.Boolean(),
  settings: Settings,
  credentials: Type.Object({
    set: Type.Array(Type.String(), { description: 'Names of the fields that are set.' }),
    setMs: orNull(TimeMs),
  }),
  everyMinutes: EveryMinutes,
  filter: ExchangeFilter,
  labels: Labels,
  sendBack: SendBack,
  status: Type.Enum(['off', 'waiting', 'running', 'failing', 'needs-credentials']),
  statusText: Type.String({ description: 'The same in words, with the last error.' }),
  readUntil: orNull(Type.String({ description: 'How far it was read, in words.' })),
  nextRunMs: orNull(TimeMs),
  failures: Type.Integer({ description: 'Runs that failed since the last that did not.' }),
  lastRun: orNull(ExchangeRun),
  records: Type.Object({
    live: Type.Integer(),
    withdrawn: Type.Integer(),
    filtered: Type.Integer(),
    unsupported: Type.Integer(),
    malformed: Type.Integer(),
  }),
  feedback: Type.Object({ pending: Type.Integer(), sent: Type.Integer(), parked: Type.Integer() }),
  createdMs: TimeMs,
  version: Type.Integer(),
})
export type Exchange = Static<typeof Exchange>

const exchangeParams = Type.Object({ exchangeId: Id })

export const listExchangeKinds = route({
  id: 'exchanges.kinds',
  method: 'GET',
  path: '/v1/exchanges/kinds',
  summary: 'Kinds of exchanges and the fields that set them up',
  scope: 'exchanges:read',
  response: Page(ExchangeKindInfo),
})
export const listExchanges = route({
  id: 'exchanges.list',
  method: 'GET',
  path: '/v1/exchanges',
  summary: 'Exchanges, oldest first, with how they do',
  scope: 'exchanges:read',
  query: PageQuery,
  response: Page(Exchange),
})
export const makeExchange = route({
  id: 'exchanges.create',
  method: 'POST',
  path: '/v1/exchanges',
  summary: 'Set up an exchange and, unless one is named, the bank that it fills',
  scope: 'exchanges:write',
  body: Type.Object(
    {
      kind: ExchangeKind,
      name: Name,
      bankId: Type.Optional(Id),
      settings: Type.Optional(Settings),
      credentials: Type.Optional(Credentials),
      everyMinutes: Type.Optional(EveryMinutes),
      filter: Type.Optional(ExchangeFilter),
      labels: Type.Optional(Labels),
      sendBack: Type.Optional(SendBack),
      enabled: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  response: Exchange,
  status: 201,
  idempotent: true,
})
export const getExchange = route({
  id: 'exchanges.get',
  method: 'GET',
  path: '/v1/exchanges/:exchangeId',
  summary: 'One exchange',
  scope: 'exchanges:read',
  params: exchangeParams,
  response: Exchange,
})
export const changeExchange = route({
  id: 'exchanges.update',
  method: 'PATCH',
  path: '/v1/exchanges/:exchangeId',
  summary: 'Change, pause or resume an exchange',
  description:
    'Needs If-Match with the ETag of the exchange. A changed filter or mapping holds for records that come from now on; POST …/run with fromStart reads all of them again.',
  scope: 'exchanges:write',
  params: exchangeParams,
  body: Type.Object(
    {
      name: Type.Optional(Name),
      settings: Type.Optional(Settings),
      everyMinutes: Type.Optional(EveryMinutes),
      filter: Type.Optional(ExchangeFilter),
      labels: Type.Optional(Labels),
      sendBack: Type.Optional(SendBack),
      enabled: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  response: Exchange,
})
export const deleteExchange = route({
  id: 'exchanges.delete',
  method: 'DELETE',
  path: '/v1/exchanges/:exchangeId',
  summary: 'Stop an exchange for good and forget its credentials',
  description: 'Its entries stay in the bank with where they came from, unless they are to be retired with it.',
  scope: 'exchanges:write',
  params: exchangeParams,
  query: Type.Object({ entries: Type.Optional(Type.Enum(['keep', 'retire'])) }),
  response: Type.Object({ ok: Type.Boolean(), retired: Type.Integer() }),
})
export const setExchangeCredentials = route({
  id: 'exchanges.credentials',
  method: 'PUT',
  path: '/v1/exchanges/:exchangeId/credentials',
  summary: 'Set all credentials of an exchange; an empty object forgets them',
  scope: 'exchanges:write',
  params: exchangeParams,
  body: Credentials,
  response: Exchange,
})
export const runExchange = route({
  id: 'exchanges.run',
  method: 'POST',
  path: '/v1/exchanges/:exchangeId/run',
  summary: 'Fetch now',
  description: 'Answers at once; ask the runs for progress. A run that is in progress goes on.',
  scope: 'exchanges:write',
  params: exchangeParams,
  body: Type.Object(
    { fromStart: Type.Optional(Type.Boolean({ description: 'Reads everything again.' })) },
    { additionalProperties: false },
  ),
  response: ExchangeRun,
  status: 202,
})
export const stopExchange = route({
  id: 'exchanges.stop',
  method: 'POST',
  path: '/v1/exchanges/:exchangeId/stop',
  summary: 'Stop the run in progress after the page that it reads; the next one goes on from there',
  scope: 'exchanges:write',
  params: exchangeParams,
  response: Exchange,
})
export const uploadExchangeFile = route({
  id: 'exchanges.upload',
  method: 'POST',
  path: '/v1/exchanges/:exchangeId/upload',
  summary: 'Read a file of hashes that is sent as the body',
  description: 'Lines of "type value", CSV with a header, or NDJSON. Answers when all of it was read.',
  scope: 'exchanges:write',
  params: exchangeParams,
  rawBody: true,
  bodyBytesMax: 1024 * 1024 * 1024,
  response: ExchangeRun,
})
export const listExchangeRuns = route({
  id: 'exchanges.runs',
  method: 'GET',
  path: '/v1/exchanges/:exchangeId/runs',
  summary: 'Runs, newest first, with progress',
  scope: 'exchanges:read',
  params: exchangeParams,
  query: PageQuery,
  response: Page(ExchangeRun),
})

export const ExchangePreview = Type.Object({
  counts: ExchangeCounts,
  unsupported: Type.Record(Type.String(), Type.Integer()),
  more: Type.Boolean({ description: 'Whether there is more than was looked at.' }),
  estimate: orNull(Type.Integer()),
  samples: Type.Array(
    Type.Object({
      externalId: Type.String(),
      outcome: Type.Enum(['added', 'changed', 'withdrawn', 'unchanged', 'filtered', 'unsupported', 'malformed']),
      because: Type.String(),
      signals: Type.Record(Type.String(), Type.String()),
      labels: Type.Array(Type.String()),
      owner: orNull(Type.String()),
    }),
  ),
  notes: Type.Array(Type.String()),
})
export type ExchangePreview = Static<typeof ExchangePreview>
export const previewExchange = route({
  id: 'exchanges.preview',
  method: 'POST',
  path: '/v1/exchanges/:exchangeId/preview',
  summary: 'Ask the other side and say what would come, without keeping any of it',
  scope: 'exchanges:write',
  params: exchangeParams,
  body: Type.Object(
    {
      pages: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, description: 'How many pages to look at; 1.' })),
      fromStart: Type.Optional(Type.Boolean()),
      filter: Type.Optional(ExchangeFilter),
      labels: Type.Optional(Labels),
    },
    { additionalProperties: false },
  ),
  response: ExchangePreview,
})

export const ExchangeRecord = Type.Object(
  {
    exchangeId: Id,
    exchangeName: Name,
    kind: ExchangeKind,
    externalId: Type.String(),
    bankId: Id,
    entryId: orNull(Type.String()),
    state: Type.Enum(['live', 'withdrawn', 'filtered', 'unsupported', 'malformed']),
    owner: orNull(Type.String()),
    ownerName: orNull(Type.String()),
    tags: Type.Array(Type.String(), { description: 'As the other side gives them.' }),
    severity: orNull(Type.Integer()),
    unsupported: Type.Array(Type.String(), { description: 'Kinds of hash that it also has and nothing here matches.' }),
    firstFetchedMs: TimeMs,
    lastFetchedMs: TimeMs,
    sent: Type.Array(Type.Object({ opinion: Type.String(), sentMs: TimeMs, because: Type.String() })),
  },
  { description: 'Where an entry comes from, and what the other side was told about it.' },
)
export type ExchangeRecord = Static<typeof ExchangeRecord>
export const listExchangeRecords = route({
  id: 'exchanges.records',
  method: 'GET',
  path: '/v1/exchanges/:exchangeId/records',
  summary: 'Records of the other side, by their id there',
  scope: 'exchanges:read',
  params: exchangeParams,
  query: Type.Object({
    ...PageQuery.properties,
    state: Type.Optional(Type.Enum(['live', 'withdrawn', 'filtered', 'unsupported', 'malformed'])),
  }),
  response: Page(ExchangeRecord),
})
const entryParams = Type.Object({ bankId: Id, entryId: Id })
export const BankOpinion = Type.Object({
  fromId: Type.String(),
  fromName: Type.String(),
  opinion: Opinion,
  because: Type.String(),
  atMs: TimeMs,
})
export const getEntryExchange = route({
  id: 'banks.entries.exchange',
  method: 'GET',
  path: '/v1/banks/:bankId/entries/:entryId/exchange',
  summary: 'Where an entry comes from, what was sent back, and what others say about it',
  scope: 'banks:read',
  params: entryParams,
  response: Type.Object({ record: orNull(ExchangeRecord), opinions: Type.Array(BankOpinion) }),
})

export const ExchangeFeedback = Type.Object({
  feedbackId: Type.String(),
  exchangeId: Id,
  externalId: Type.String(),
  bankId: Id,
  entryId: Type.String(),
  opinion: Type.Enum(['seen', 'confirm', 'dispute', 'share']),
  because: Type.String(),
  state: Type.Enum(['pending', 'sent', 'parked']),
  attempts: Type.Integer(),
  nextMs: TimeMs,
  createdMs: TimeMs,
  sentMs: orNull(TimeMs),
  lastError: orNull(Type.String()),
})
export type ExchangeFeedback = Static<typeof ExchangeFeedback>
export const listExchangeFeedback = route({
  id: 'exchanges.feedback.list',
  method: 'GET',
  path: '/v1/exchanges/:exchangeId/feedback',
  summary: 'What is or was sent back, newest first',
  scope: 'exchanges:read',
  params: exchangeParams,
  query: Type.Object({ ...PageQuery.properties, state: Type.Optional(Type.Enum(['pending', 'sent', 'parked'])) }),
  response: Page(ExchangeFeedback),
})
export const makeExchangeFeedback = route({
  id: 'exchanges.feedback.create',
  method: 'POST',
  path: '/v1/exchanges/:exchangeId/feedback',
  summary: 'Send an opinion on one entry, or share an entry of our own',
  scope: 'exchanges:write',
  params: exchangeParams,
  body: Type.Object(
    {
      entryId: Id,
      opinion: Type.Enum(['seen', 'confirm', 'dispute', 'share']),
      because: Type.Optional(Type.String({ maxLength: 500 })),
    },
    { additionalProperties: false },
  ),
  response: ExchangeFeedback,
  status: 201,
  idempotent: true,
})
export const previewExchangeFeedback = route({
  id: 'exchanges.feedback.preview',
  method: 'GET',
  path: '/v1/exchanges/:exchangeId/feedback/preview',
  summary: 'What would be sent back if it were switched on, with the requests as they would leave',
  description: 'Credentials are left out of the requests.',
  scope: 'exchanges:read',
  params: exchangeParams,
  query: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })) }),
  response: Type.Object({
    counts: Type.Object({ seen: Type.Integer(), confirm: Type.Integer(), dispute: Type.Integer() }),
    items: Type.Array(
      Type.Object({
        externalId: Type.String(),
        entryId: Type.String(),
        opinion: Opinion,
        because: Type.String(),
        on: Type.Boolean({ description: 'Whether this opinion is switched on.' }),
        request: orNull(Type.Object({ method: Type.String(), url: Type.String(), body: Type.String() })),
        problem: orNull(Type.String({ description: 'Why it cannot be sent.' })),
      }),
    ),
  }),
})
export const retryExchangeFeedback = route({
  id: 'exchanges.feedback.retry',
  method: 'POST',
  path: '/v1/exchanges/:exchangeId/feedback/retry',
  summary: 'Send parked feedback again, all or one',
  scope: 'exchanges:write',
  params: exchangeParams,
  body: Type.Object({ feedbackId: Type.Optional(Id) }, { additionalProperties: false }),
  response: Type.Object({ retried: Type.Integer() }),
})

export const BankChange = Type.Object({
  entryId: Type.String(),
  status: Type.Enum(['pending', 'active', 'quarantined', 'retired']),
  signals: Type.Record(Type.String(), Type.String(), { description: 'Empty for retired entries.' }),
  quality: orNull(Type.Integer()),
  labels: Type.Array(Type.String()),
  source: Type.String(),
  addedMs: TimeMs,
  changedMs: TimeMs,
})
export const listBankChanges = route({
  id: 'banks.changes',
  method: 'GET',
  path: '/v1/banks/:bankId/changes',
  summary: 'What changed in a bank, in order, for another installation to follow',
  description:
    'Every entry that was added, held back, released or retired after the cursor, each as it stands now. Keep `next` and send it as `after`: it is also given when there is nothing new. Notes, texts as written and media stay here.',
  scope: 'sharing:read',
  params: Type.Object({ bankId: Id }),
  query: PageQuery,
  response: Type.Object({ items: Type.Array(BankChange), next: Type.String(), more: Type.Boolean() }),
})
export const giveBankFeedback = route({
  id: 'banks.feedback',
  method: 'POST',
  path: '/v1/banks/:bankId/feedback',
  summary: 'Say what was made of entries that were fetched from a bank',
  scope: 'sharing:write',
  params: Type.Object({ bankId: Id }),
  body: Type.Object(
    {
      items: Type.Array(
        Type.Object(
          { entryId: Id, opinion: Opinion, because: Type.Optional(Type.String({ maxLength: 500 })) },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 1_000 },
      ),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ taken: Type.Integer(), unknown: Type.Array(Type.String()) }),
})
