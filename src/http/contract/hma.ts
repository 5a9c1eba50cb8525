import { Type } from 'typebox'
import type { Scope } from '../../domain/staff.ts'
import { uploadBodyBytesMax } from './match.ts'
import { route } from './route.ts'

// The API of Hasher-Matcher-Actioner (Meta, version 2: OpenMediaMatch) under /hma, for clients that were written for it.
// Answers have its shapes and its status codes; errors are { "message": … }. What is more here is marked as such.

const Text = Type.Optional(Type.String({ maxLength: 10_000 }))
const Json = Type.Unknown({ description: 'As Hasher-Matcher-Actioner answers.' })
const bank = Type.Object({ bankName: Type.String({ minLength: 1, maxLength: 200 }) })
const content = Type.Object({ ...bank.properties, contentId: Type.String({ pattern: '^\\d{1,15}$' }) })
const exchange = Type.Object({ exchangeName: Type.String({ minLength: 1, maxLength: 200 }) })
const api = Type.Object({ apiName: Type.String({ minLength: 1, maxLength: 100 }) })
const signalType = Type.Object({ signalType: Type.String({ minLength: 1, maxLength: 100 }) })

type More = {
  params?: Type.TSchema
  query?: Record<string, Type.TSchema>
  status?: number
  body?: boolean
  description?: string
}
const hma = (
  id: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  scope: Scope | 'public',
  summary: string,
  { params = Type.Object({}), query = {}, status = 200, body = false, description }: More = {},
) =>
  route({
    id: `hma.${id}`,
    method,
    path: `/hma${path}`,
    summary,
    ...(description === undefined ? {} : { description }),
    scope,
    params,
    query: Type.Object(query),
    response: Json,
    status,
    // Forms with files, JSON, or nothing at all: the handler looks.
    ...(body ? { rawBody: true, bodyBytesMax: uploadBodyBytesMax } : {}),
  })

const hashing = { url: Text, content_type: Text, types: Text }
const asking = {
  ...hashing,
  signal: Type.Optional(Type.String({ maxLength: 1_000_000 })),
  signal_type: Text,
  banks: Type.Optional(Type.String({ maxLength: 100_000, description: 'Names, joined by commas.' })),
  seed: Text,
  bypass_coinflip: Text,
  full: Type.Optional(
    Type.String({ description: 'More here: with 1, each match also has hash, bank, threshold and exchange record.' }),
  ),
  turned: Type.Optional(
    Type.String({
      description: 'More here: with 1, photos given by their hash are looked for turned and mirrored too.',
    }),
  ),
}

export const hmaStatus = hma('status', 'GET', '/status', 'public', 'I-AM-ALIVE', {
  description: 'Answers plain text.',
})
export const hmaLive = hma('live', 'GET', '/status/live', 'public', 'I-AM-ALIVE')

export const hmaHash = hma('hash', 'GET', '/h/hash', 'match:read', 'Hash what lies at a URL', { query: hashing })
export const hmaHashFile = hma('hashFile', 'POST', '/h/hash', 'match:read', 'Hash an uploaded file', {
  query: { types: Text },
  body: true,
  description: 'A multipart form with one file, its field named by the content type: photo or video.',
})
export const hmaLookup = hma('lookup', 'GET', '/m/lookup', 'match:read', 'Look up a URL or a hash', { query: asking })
export const hmaLookupFile = hma('lookupFile', 'POST', '/m/lookup', 'match:read', 'Look up an uploaded file', {
  query: asking,
  body: true,
})
export const hmaRawLookup = hma('rawLookup', 'GET', '/m/raw_lookup', 'match:read', 'Ids of what a hash matches', {
  query: { signal: asking.signal, signal_type: Text, banks: asking.banks, include_distance: Text },
})
export const hmaCompare = hma('compare', 'POST', '/m/compare', 'match:read', 'How far two hashes are apart', {
  body: true,
})
export const hmaIndexStatus = hma('indexStatus', 'GET', '/m/index/status', 'match:read', 'Entries in the index', {
  query: { signal_type: Text },
})

export const hmaBanks = hma('banks', 'GET', '/c/banks', 'banks:read', 'Banks')
export const hmaMakeBank = hma('makeBank', 'POST', '/c/banks', 'banks:write', 'Make a bank', {
  status: 201,
  body: true,
})
export const hmaBank = hma('bank', 'GET', '/c/bank/:bankName', 'banks:read', 'One bank', { params: bank })
export const hmaChangeBank = hma('changeBank', 'PUT', '/c/bank/:bankName', 'banks:write', 'Rename or switch a bank', {
  params: bank,
  body: true,
})
export const hmaDeleteBank = hma('deleteBank', 'DELETE', '/c/bank/:bankName', 'banks:write', 'Delete a bank', {
  params: bank,
  description: 'Its entries are retired; what they were stays in the ledger.',
})
export const hmaContents = hma('contents', 'GET', '/c/bank/:bankName/content', 'banks:read', 'Content of a bank', {
  params: bank,
  query: { after: Text, limit: Text, include_signals: Text },
  description: 'More here: Hasher-Matcher-Actioner cannot list content.',
})
export const hmaAddContent = hma('addContent', 'POST', '/c/bank/:bankName/content', 'banks:write', 'Add a file', {
  params: bank,
  query: hashing,
  body: true,
})
export const hmaAddSignal = hma('addSignal', 'POST', '/c/bank/:bankName/signal', 'banks:write', 'Add a hash', {
  params: bank,
  body: true,
  description: 'More here: a list of up to 1,000 such objects adds them all and answers a list.',
})
export const hmaContent = hma('content', 'GET', '/c/bank/:bankName/content/:contentId', 'banks:read', 'One content', {
  params: content,
  query: { include_signals: Text, include_metadata: Text, full: Text },
})
export const hmaChangeContent = hma(
  'changeContent',
  'PUT',
  '/c/bank/:bankName/content/:contentId',
  'banks:write',
  'Switch content off until a time, or on',
  {
    params: content,
    body: true,
    description: 'disable_until_ts: 0 is off for good, 1 is on, a second in the future is off until then.',
  },
)
export const hmaDeleteContent = hma(
  'deleteContent',
  'DELETE',
  '/c/bank/:bankName/content/:contentId',
  'banks:write',
  'Retire content',
  { params: content },
)

export const hmaExchangeApis = hma('apis', 'GET', '/c/exchanges/apis', 'exchanges:read', 'Kinds of exchanges')
export const hmaExchangeApi = hma(
  'api',
  'GET',
  '/c/exchanges/api/:apiName',
  'exchanges:read',
  'Credentials of a kind',
  {
    params: api,
  },
)
export const hmaSetExchangeApi = hma(
  'setApi',
  'POST',
  '/c/exchanges/api/:apiName',
  'exchanges:write',
  'Set the credentials of all exchanges of a kind',
  { params: api, body: true },
)
export const hmaExchangeApiSchema = hma(
  'apiSchema',
  'GET',
  '/c/exchanges/api/:apiName/schema',
  'exchanges:read',
  'Fields that set up a kind of exchange',
  { params: api },
)
export const hmaExchanges = hma('exchanges', 'GET', '/c/exchanges', 'exchanges:read', 'Names of exchanges')
export const hmaMakeExchange = hma('makeExchange', 'POST', '/c/exchanges', 'exchanges:write', 'Set up an exchange', {
  status: 201,
  body: true,
})
export const hmaExchange = hma('exchange', 'GET', '/c/exchange/:exchangeName', 'exchanges:read', 'One exchange', {
  params: exchange,
})
export const hmaExchangeStatus = hma(
  'exchangeStatus',
  'GET',
  '/c/exchange/:exchangeName/status',
  'exchanges:read',
  'How far an exchange was read',
  { params: exchange },
)
export const hmaChangeExchange = hma(
  'changeExchange',
  'PUT',
  '/c/exchange/:exchangeName',
  'exchanges:write',
  'Switch an exchange on or off',
  { params: exchange, body: true },
)
export const hmaDeleteExchange = hma(
  'deleteExchange',
  'DELETE',
  '/c/exchange/:exchangeName',
  'exchanges:write',
  'Remove an exchange',
  { params: exchange },
)

export const hmaSignalTypes = hma('signalTypes', 'GET', '/c/signal_type', 'match:read', 'Signal types')
export const hmaChangeSignalType = hma(
  'changeSignalType',
  'PUT',
  '/c/signal_type/:signalType',
  'banks:write',
  'Switch a signal type on or off for these clients',
  { params: signalType, body: true, status: 204 },
)
export const hmaSignalTypeIndex = hma(
  'signalTypeIndex',
  'GET',
  '/c/signal_type/index',
  'match:read',
  'State of the index',
  {
    query: { signal_type: Text },
  },
)
export const hmaContentTypes = hma('contentTypes', 'GET', '/c/content_type', 'match:read', 'Content types')
