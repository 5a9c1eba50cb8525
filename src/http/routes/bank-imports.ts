import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { NewEntry } from '../../domain/entry.ts'
import type { Outcome } from '../../domain/error.ts'
import { rowsPerChunk } from '../../flows/bank-import.ts'
import type { BankEntry } from '../../match/bank.ts'
import { bankLedgerEntry } from '../../match/changes.ts'
import { checkDetails } from '../../match/checks.ts'
import { labelsOf } from '../../match/imports/rows.ts'
import {
  deleteReceiving,
  finishImport,
  insertChunk,
  insertImport,
  selectImport,
  selectImports,
  selectRowProblems,
  startImport,
  type BankImport,
} from '../../match/imports/store.ts'
import { signalTypes } from '../../match/signal-types/all.ts'
import { selectBankEntries } from '../../match/store.ts'
import type { MediaLibrary } from '../../media/library.ts'
import type { Tx } from '../../storage/database.ts'
import { lockKeys } from '../../storage/ledger-records.ts'
import { byteReader } from '../byte-reader.ts'
import * as contract from '../contract/bank-imports.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { readForm } from '../form-stream.ts'
import { importReceiver, type ImportReceiver } from '../import-files.ts'
import { authorOf, type Principal } from '../principal.ts'
import { bodyTooLarge, notFound, problem } from '../problem.ts'
import type { Mount } from '../server.ts'
import { bankWork, type BankRouteDeps } from './bank-work.ts'

export type BankImportRouteDeps = Omit<BankRouteDeps, 'media'> & {
  media: Pick<MediaLibrary, 'findForEntry' | 'put'>
  /** Told that there is an import to work on. */
  wakeImports: () => void
}

const exportPage = 2_000
const fieldBytesMax = 8_192

/** Many entries at once, in and out: imports that go on in the background, and exports that can be imported again. */
export function bankImportRoutes(mount: Mount, deps: BankImportRouteDeps): void {
  const { db, ledger, clock, lookup, media } = deps
  const { contextOf, bankOf } = bankWork(deps)
  const importOf = async (tenantId: string, params: { bankId: string; importId: string }): Promise<BankImport> => {
    const found = await selectImport(db.query, tenantId, params.importId)
    if (found === undefined || found.bankId !== params.bankId) throw notFound('import', params.importId)
    return found
  }

  mount(contract.makeImport, async ({ params, query, principal, request }) => {
    const { tenantId } = principal
    await bankOf(tenantId, params.bankId)
    const format = formatOf(request)
    const importId = contextOf(principal).newId()
    const { bankId } = params
    const made = { importId, bankId, format, createdMs: clock(), createdBy: authorOf(principal) }
    await insertImport(db.query, tenantId, { ...made, ...described(query) })
    try {
      const receiver = importReceiver({
        rowsPerChunk,
        keep: (chunk) => insertChunk(db.query, tenantId, importId, chunk),
        put: (bytes) => media.put(tenantId, bytes),
      })
      const sent = { ...query, ...(await receive(receiver, request, format)) }
      const rows = await receiver.end()
      if (rows === 0) throw problem(400, 'The import is empty', 'Send at least one row.')
      await startImport(db.query, tenantId, importId, { rows, ...described(sent) })
    } catch (error) {
      // Nothing half-done: what came of it is forgotten.
      await deleteReceiving(db.query, tenantId, importId)
      // The rest is dropped as it comes: a sender that is cut off would never see why.
      request.raw.resume()
      throw error
    }
    deps.wakeImports()
    return view(await importOf(tenantId, { bankId, importId }))
  })

  mount(contract.listImports, async ({ params, query, principal }) => {
    const { tenantId } = principal
    await bankOf(tenantId, params.bankId)
    const { limit = 50, after } = query
    const items = await selectImports(db.query, tenantId, params.bankId, {
      ...(after === undefined ? {} : { beforeId: decodeCursor(after, 1)[0]! }),
      limit,
    })
    return {
      items: items.map(view),
      next: items.length === limit ? encodeCursor([items.at(-1)!.importId]) : null,
    }
  })
  mount(contract.getImport, async ({ params, principal }) => view(await importOf(principal.tenantId, params)))

  mount(contract.importErrors, async ({ params, principal, reply }) => {
    const { tenantId } = principal
    await importOf(tenantId, params)
    const lines = async function* () {
      for (let after: { file: string; line: number } = { file: '', line: 0 }; ;) {
        const page = await selectRowProblems(db.query, tenantId, params.importId, after, exportPage)
        for (const row of page) yield `${JSON.stringify(row)}\n`
        if (page.length < exportPage) return
        after = page.at(-1)!
      }
    }
    return reply.type('application/x-ndjson').send(Readable.from(batched(lines())))
  })

  /** Changes an import and its entries together; the import is locked first, as by whoever works on it. */
  const change = async (
    principal: Principal,
    params: { bankId: string; importId: string },
    decide: (tx: Tx, job: BankImport) => Promise<Outcome<{ entries: NewEntry[] }, string>>,
  ) => {
    const { tenantId } = principal
    await importOf(tenantId, params)
    await db.transaction(async (tx) => {
      const job = (await selectImport(tx.query, tenantId, params.importId, true))!
      await lockKeys(tx, [`banks:${tenantId}`])
      const outcome = await decide(tx, job)
      if (!outcome.ok) throw problem(409, 'The import was not changed', outcome.detail)
      await ledger.append(tx, tenantId, outcome.entries)
    })
    await lookup.refresh()
    return view(await importOf(tenantId, params))
  }
  const refused = (job: BankImport, what: string) =>
    ({ ok: false, reason: 'wrong-status', detail: `Import ${job.importId} is ${job.status}; ${what}.` }) as const

  mount(contract.cancelImport, ({ params, principal }) =>
    change(principal, params, async (tx, job) => {
      if (job.status !== 'running') return refused(job, 'only one that is running can be cancelled')
      await finishImport(tx, principal.tenantId, job.importId, { status: 'cancelled', nowMs: clock() })
      return { ok: true, entries: [] }
    }),
  )
  mount(contract.undoImport, ({ params, body, principal }) =>
    change(principal, params, async (tx, job) => {
      if (job.status === 'undone' || job.status === 'receiving')
        return refused(job, 'only what was imported can be undone')
      await finishImport(tx, principal.tenantId, job.importId, { status: 'undone', nowMs: clock() })
      const { bankId, importId } = params
      const reason = body.reason ?? 'the import was undone'
      const ledgerBody = { bankId, importId, reason }
      return {
        ok: true,
        entries: [bankLedgerEntry('bank.import_undone', bankId, ledgerBody, contextOf(principal), reason)],
      }
    }),
  )
  mount(contract.goLiveImport, ({ params, body, principal }) =>
    change(principal, params, async (_tx, job) => {
      if (job.status !== 'done' && job.status !== 'cancelled')
        return refused(job, 'only one that is done can go live as a whole')
      const { bankId, importId } = params
      const reason = body.reason ?? ''
      const ledgerBody = { bankId, importId, reason }
      return {
        ok: true,
        entries: [bankLedgerEntry('bank.import_went_live', bankId, ledgerBody, contextOf(principal), reason)],
      }
    }),
  )

  mount(contract.exportBank, async ({ params, query, principal, reply }) => {
    const { tenantId } = principal
    const { name } = await bankOf(tenantId, params.bankId)
    const { format = 'ndjson', status } = query
    const lines = async function* () {
      if (format === 'csv') yield `${columns.join(',')}\n`
      for (let afterId = ''; ;) {
        const page = await selectBankEntries(db.query, tenantId, {
          bankId: params.bankId,
          ...(status === undefined ? {} : { status }),
          afterId,
          limit: exportPage,
        })
        for (const entry of page) yield format === 'csv' ? csvOf(entry) : `${JSON.stringify(jsonOf(entry))}\n`
        if (page.length < exportPage) return
        afterId = page.at(-1)!.entryId
      }
    }
    const file = `${name.replaceAll(/[^\w.-]+/g, '-').slice(0, 60) || 'bank'}.${format}`
    return reply
      .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson')
      .header('content-disposition', `attachment; filename="${file}"`)
      .send(Readable.from(batched(lines())))
  })
}

const view = ({ defaults, ...job }: BankImport): contract.BankImport => ({ ...job, draft: defaults.draft === true })

type Described = { name?: string; labels?: string; source?: string; draft?: boolean }
const describing = ['name', 'labels', 'source', 'draft'] as const

/** What the sender says of all rows. Throws an InputError for what cannot be kept. */
function described({ name, labels, source, draft }: Described) {
  if (source !== undefined) checkDetails({ source })
  return {
    name: name ?? null,
    defaults: {
      labels: labelsOf(labels),
      ...(source === undefined ? {} : { source }),
      ...(draft === true ? { draft: true } : {}),
    },
  }
}

const formats: Record<string, BankImport['format']> = {
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/csv': 'csv',
  'text/plain': 'lines',
  'application/zip': 'zip',
  'application/x-zip-compressed': 'zip',
  'multipart/form-data': 'form',
}

function formatOf(request: FastifyRequest): BankImport['format'] {
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  const format = formats[type]
  if (format !== undefined) return format
  const known = Object.keys(formats).join(', ')
  throw problem(415, 'Unknown content type', `Send one of ${known}, not "${type.slice(0, 100)}".`)
}

/** Takes the body in, whatever it is; answers what a form says beside its files. */
async function receive(
  receiver: ImportReceiver,
  request: FastifyRequest,
  format: BankImport['format'],
): Promise<Described> {
  const body = bodyOf(request)
  if (format !== 'form') {
    await receiver.file({ name: '', body, ...(format === 'zip' ? {} : { format }) })
    return {}
  }
  const said: Record<string, string> = {}
  for await (const part of readForm(byteReader(body), request.headers['content-type']!)) {
    // A browser sends an empty file for a field that nothing was chosen in.
    if (part.fileName !== undefined && part.fileName !== '') {
      await receiver.file({ name: part.fileName.replaceAll('\\', '/'), body: part.body })
      continue
    }
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of part.body) {
      bytes += piece.length
      if (bytes > fieldBytesMax)
        throw problem(
          413,
          'A field is too long',
          `Field "${part.name.slice(0, 100)}" is longer than ${fieldBytesMax} bytes.`,
        )
      pieces.push(piece)
    }
    said[part.name] = Buffer.concat(pieces).toString('utf8')
  }
  const given = Object.fromEntries(
    describing.flatMap((field) => ((said[field] ?? '') === '' ? [] : [[field, said[field]]])),
  )
  return { ...given, ...(said.draft === undefined ? {} : { draft: said.draft === 'true' }) }
}

/** The bytes of a body, up to the limit. */
async function* bodyOf(request: FastifyRequest): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > contract.importBytesMax) throw bodyTooLarge(contract.importBytesMax)
    yield piece
  }
}

/** Lines in pieces of some 64 KB: one write a line would be slow. */
async function* batched(lines: AsyncGenerator<string>): AsyncGenerator<string> {
  let held = ''
  for await (const line of lines) {
    held += line
    if (held.length < 65_536) continue
    yield held
    held = ''
  }
  if (held !== '') yield held
}

function jsonOf(entry: BankEntry): Record<string, unknown> {
  const { entryId, status, mediaSha256, signals, quality, text, labels, source } = entry
  const { note, metadata, exchange, expiresMs, addedMs } = entry
  return {
    entryId,
    status,
    ...(text === null ? { signals } : { text }),
    ...(quality === null ? {} : { quality }),
    ...(mediaSha256 === null ? {} : { mediaSha256 }),
    labels,
    source,
    ...(note === null ? {} : { note }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(exchange === null ? {} : { exchange }),
    ...(expiresMs === null ? {} : { expiresMs }),
    ...(status === 'pending' ? { draft: true } : {}),
    addedMs,
  }
}

const signalColumns = signalTypes.map((type) => type.name).filter((name) => name !== 'text')
const columns = ['entryId', 'status', ...signalColumns, 'text', 'quality', 'labels', 'source', 'note', 'metadata']
columns.push('exchange', 'expiresMs', 'draft')

function csvOf(entry: BankEntry): string {
  const json = (value: Record<string, unknown> | null) =>
    value === null || Object.keys(value).length === 0 ? '' : JSON.stringify(value)
  const cells: unknown[] = [
    entry.entryId,
    entry.status,
    ...signalColumns.map((name) => (entry.text === null ? (entry.signals[name] ?? '') : '')),
    entry.text ?? entry.signals.text ?? '',
    entry.quality ?? '',
    entry.labels.join('|'),
    entry.source,
    entry.note ?? '',
    json(entry.metadata),
    json(entry.exchange),
    entry.expiresMs ?? '',
    entry.status === 'pending' ? 'true' : '',
  ]
  // One row stays one line: what folds texts makes nothing of kinds of white space.
  return `${cells.map((cell) => quoted(String(cell).replaceAll(/[\r\n]+/g, ' '))).join(',')}\n`
}

const quoted = (cell: string) => (/[",]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
