import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 100 })
const bankParams = Type.Object({ bankId: Id })
const importParams = Type.Object({ bankId: Id, importId: Id })

/** Largest body and most rows of one import. */
export const importBytesMax = 512 * 1024 * 1024
export const importRowsMax = 5_000_000
/** Most that an archive may unpack to, and most files of one import. */
export const importUnpackedBytesMax = 2 * 1024 * 1024 * 1024
export const importFilesMax = 20_000

export const BankImport = Type.Object({
  importId: Type.String(),
  bankId: Id,
  status: Type.Enum(['receiving', 'running', 'done', 'cancelled', 'failed', 'undone'], {
    description: 'A receiving import that its sender left is removed after a day.',
  }),
  format: Type.Enum(['ndjson', 'csv', 'lines', 'zip', 'form'], {
    description: 'What was sent: a list, an archive, or a form with files.',
  }),
  name: orNull(Type.String({ description: 'What it was called by whoever sent it, such as the name of the file.' })),
  draft: Type.Boolean(),
  rows: Type.Integer({ description: 'Rows received.' }),
  done: Type.Integer({ description: 'Rows worked through.' }),
  accepted: Type.Integer(),
  duplicate: Type.Integer({ description: 'Rows that the bank, or an earlier row, already had.' }),
  refused: Type.Integer(),
  error: orNull(Type.String()),
  createdMs: TimeMs,
  finishedMs: orNull(TimeMs),
  createdBy: Type.Unknown({ description: 'Who sent it, as in the ledger.' }),
})
export type BankImport = Static<typeof BankImport>

export const makeImport = route({
  id: 'banks.imports.create',
  method: 'POST',
  path: '/v1/banks/:bankId/imports',
  summary: 'Import many entries at once',
  description:
    'Send a list, an archive or a form with files. NDJSON (application/x-ndjson): one entry a line as for adding one, such as {"pdq":"…","labels":["a"]} or {"type":"pdq","value":"…"}. CSV (text/csv): a header with `type,value` or a column for each signal type, `text` or `upload`; further columns labels (parted by "|"), source, note, quality, expires. Lines (text/plain): `type value`, or a bare MD5 or SHA-1; "#" begins a comment. ZIP (application/zip): any of these by the ending of their names or their first line, and photos, videos and sounds, each an entry. multipart/form-data: the same, archives included, as files of any field; plain fields `labels`, `source`, `name` and `draft` mean what they mean in the query. What cannot be read is named with its file and line; a file that is no medium after all is a refused row. The body is kept before it is acknowledged, and worked through in the background; also after a restart. Entries match within a second of their batch.',
  scope: 'banks:write',
  params: bankParams,
  query: Type.Object({
    name: Type.Optional(Type.String({ maxLength: 200 })),
    labels: Type.Optional(Type.String({ maxLength: 2_000, description: 'For every row, parted by commas.' })),
    source: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'For rows that name none.' })),
    draft: Type.Optional(Type.Boolean({ description: 'Keep all of it back from matching until it goes live.' })),
  }),
  rawBody: true,
  bodyBytesMax: importBytesMax,
  response: BankImport,
  status: 202,
})
export const listImports = route({
  id: 'banks.imports.list',
  method: 'GET',
  path: '/v1/banks/:bankId/imports',
  summary: 'Imports of a bank, latest first',
  scope: 'banks:read',
  params: bankParams,
  query: PageQuery,
  response: Page(BankImport),
})
export const getImport = route({
  id: 'banks.imports.get',
  method: 'GET',
  path: '/v1/banks/:bankId/imports/:importId',
  summary: 'How far an import is',
  scope: 'banks:read',
  params: importParams,
  response: BankImport,
})
export const importErrors = route({
  id: 'banks.imports.errors',
  method: 'GET',
  path: '/v1/banks/:bankId/imports/:importId/errors',
  summary: 'Rows of an import that were refused, as NDJSON: file, line, problems, and the row',
  scope: 'banks:read',
  params: importParams,
  response: Type.Unknown(),
  rawResponse: true,
})
const changeOf = (change: 'cancel' | 'undo' | 'go-live', summary: string) =>
  route({
    id: `banks.imports.${change}`,
    method: 'POST',
    path: `/v1/banks/:bankId/imports/:importId/${change}`,
    summary,
    scope: 'banks:write',
    params: importParams,
    body: Type.Object(
      { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })) },
      { additionalProperties: false },
    ),
    response: BankImport,
  })
export const cancelImport = changeOf('cancel', 'Stop an import; what it added so far stays')
export const undoImport = changeOf('undo', 'Retire every entry that an import added, in one step')
export const goLiveImport = changeOf('go-live', 'Let every draft of an import match from now on')

export const exportBank = route({
  id: 'banks.export',
  method: 'GET',
  path: '/v1/banks/:bankId/export',
  summary: 'All entries of a bank, as NDJSON or CSV that can be imported again',
  scope: 'banks:read',
  params: bankParams,
  query: Type.Object({
    format: Type.Optional(Type.Union([Type.Literal('ndjson'), Type.Literal('csv')])),
    status: Type.Optional(Type.Enum(['pending', 'active', 'quarantined', 'retired'])),
  }),
  response: Type.Unknown(),
  rawResponse: true,
})
