import { createHash } from 'node:crypto'
import { parse } from 'csv-parse/sync'
import { ask, ExchangeError } from './call.ts'
import { typeOfBare, typeOfWord } from '../imports/type-words.ts'
import { isBag, listIn, textIn, type Connector, type Page, type UpstreamRecord } from './connector.ts'

export type FileFormat = 'lines' | 'csv' | 'ndjson' | 'json'
/** One row: its fields by name, or what stands on the line. */
export type FileRow = { line: number; text: string; fields?: Record<string, unknown> }

const rowsPerPage = 500
const lineLengthMax = 1_000_000
/** A JSON list is read whole. */
const jsonBytesMax = 256 * 1024 * 1024
const unreadableNamed = 3

/** What columns and keys are called in lists that people keep. */
const names = {
  type: ['signal_type', 'signaltype', 'type', 'algorithm', 'hash_type', 'hashtype', 'kind'],
  value: ['signal', 'value', 'hash', 'hash_digest', 'hash_value', 'hashvalue', 'indicator', 'digest', 'text', 'url'],
  id: ['id', 'external_id', 'entry_id'],
  tags: ['tags', 'labels', 'label', 'tag'],
  owner: ['owner', 'source', 'member'],
  severity: ['severity'],
  quality: ['quality'],
  deleted: ['deleted', 'withdrawn', 'should_delete'],
}
/** The lines of a text as it streams in, without their ends. */
async function* linesOf(body: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: false })
  let rest = ''
  const tooLong = () => new ExchangeError('unreadable', `${where} has a line of more than ${lineLengthMax} characters`)
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop()!
      if (rest.length > lineLengthMax) throw tooLong()
      for (const line of lines) yield line.replace(/\r$/, '')
    }
  } catch (error) {
    if (error instanceof ExchangeError) throw error
    throw new ExchangeError(
      'unreachable',
      `${where} broke off in the middle: ${(error as Error).message.slice(0, 300)}`,
    )
  }
  rest += decoder.decode()
  if (rest !== '') yield rest.replace(/\r$/, '')
}

/** What a list is, by its first line that says something. */
export function formatOf(firstLine: string): FileFormat {
  const line = firstLine.trim()
  if (line.startsWith('[')) return 'json'
  if (line.startsWith('{')) return 'ndjson'
  const columns = line.split(/[,;\t]/).map((column) => column.trim().replaceAll('"', '').toLowerCase())
  return columns.some((column) => names.value.includes(column)) ? 'csv' : 'lines'
}

/** Rows of a list in pages of some hundred, read as they stream in. Throws an ExchangeError for what is no such list. */
export async function* readRows(
  answer: { body: AsyncIterable<Uint8Array> },
  format: FileFormat | undefined,
  where: string,
): AsyncGenerator<FileRow[]> {
  let known = format
  let columns: string[] | undefined
  let separator = ','
  let page: FileRow[] = []
  let json = ''
  let number = 0
  for await (const line of linesOf(answer.body, where)) {
    number++
    if (line.trim() === '' || (known === undefined && line.startsWith('#'))) continue
    known ??= formatOf(line)
    if (known === 'json') {
      json += `${line}\n`
      if (json.length > jsonBytesMax)
        throw new ExchangeError('too-large', `${where} is a JSON list of more than ${jsonBytesMax} bytes`)
      continue
    }
    if (known === 'csv' && columns === undefined) {
      separator = [',', ';', '\t'].find((each) => line.includes(each)) ?? ','
      columns = cells(line, separator)?.map((column) => column.trim().toLowerCase()) ?? []
      if (!columns.some((column) => names.value.includes(column)))
        throw new ExchangeError('unreadable', `${where}: the header has none of the columns ${names.value.join(', ')}`)
      continue
    }
    page.push({ line: number, text: line, ...fieldsOf(known, line, columns, separator) })
    if (page.length >= rowsPerPage) {
      yield page
      page = []
    }
  }
  if (known === 'json') {
    let list: unknown
    try {
      list = JSON.parse(json)
    } catch (error) {
      throw new ExchangeError('unreadable', `${where} is broken JSON: ${(error as Error).message}`)
    }
    for (const [index, fields] of listIn(list).entries()) {
      page.push({ line: index + 1, text: '', ...(isBag(fields) ? { fields } : {}) })
      if (page.length >= rowsPerPage) {
        yield page
        page = []
      }
    }
  }
  if (page.length > 0) yield page
}

function fieldsOf(format: FileFormat, line: string, columns: readonly string[] | undefined, separator: string) {
  if (format === 'lines') return {}
  if (format === 'csv') {
    const found = cells(line, separator)
    return found === undefined || found.length > columns!.length
      ? {}
      : { fields: Object.fromEntries(found.map((value, index) => [columns![index], value])) }
  }
  try {
    const fields: unknown = JSON.parse(line)
    return isBag(fields) ? { fields } : {}
  } catch {
    return {}
  }
}

function cells(line: string, delimiter: string): string[] | undefined {
  try {
    return (parse(line, { delimiter, relax_column_count: true, trim: true }) as string[][])[0]
  } catch {
    return undefined
  }
}

/** Rows as records; those that cannot be read are named, the first of them with their line. */
export function recordsOfRows(
  rows: readonly FileRow[],
  signalType: string | undefined,
): { records: UpstreamRecord[]; notes: string[] } {
  const records: UpstreamRecord[] = []
  const bad: FileRow[] = []
  for (const row of rows) {
    const record = row.fields === undefined ? recordOfLine(row, signalType) : recordOfFields(row.fields, signalType)
    if (record === undefined) bad.push(row)
    else records.push(record)
  }
  const named = bad.slice(0, unreadableNamed).map(({ line, text }) => `line ${line}: ${text.slice(0, 80)}`)
  return {
    records,
    notes: bad.length === 0 ? [] : [`${bad.length} rows could not be read (${named.join('; ')})`],
  }
}

function recordOfLine({ text, fields }: FileRow, signalType: string | undefined): UpstreamRecord | undefined {
  if (fields !== undefined || /^[{"[]/.test(text)) return undefined
  const [, first, rest] = /^(\S+)(?:\s+(.*))?$/.exec(text.trim()) ?? []
  if (first === undefined) return undefined
  if (rest === undefined || rest === '') {
    const type = signalType ?? typeOfBare(first)
    return type === undefined ? undefined : simple(type, first)
  }
  return signalType === undefined ? simple(typeOfWord(first), rest) : simple(signalType, text.trim())
}

/** Long values name themselves by their hash: ids are keys. */
function idOf(type: string, value: string): string {
  return value.length <= 128 ? `${type}:${value}` : `${type}:${createHash('sha256').update(value).digest('hex')}`
}
const simple = (type: string, value: string): UpstreamRecord => ({
  externalId: idOf(type, value),
  deleted: false,
  signals: [{ type, value }],
  tags: [],
  ref: {},
})

function recordOfFields(fields: Record<string, unknown>, signalType: string | undefined): UpstreamRecord | undefined {
  const byName = new Map(Object.entries(fields).map(([name, value]) => [name.trim().toLowerCase(), value]))
  const get = (which: keyof typeof names) =>
    names[which].map((name) => byName.get(name)).find((value) => value !== undefined && value !== null && value !== '')
  const type = textIn(get('type')) ?? signalType
  const value = textIn(get('value'))
  // Our own exports have all signals of an entry under one key.
  const several = isBag(byName.get('signals')) ? Object.entries(byName.get('signals') as Record<string, unknown>) : []
  const signals =
    several.length > 0
      ? several.flatMap(([name, one]) =>
          textIn(one) === undefined ? [] : [{ type: typeOfWord(name), value: textIn(one)! }],
        )
      : value === undefined
        ? []
        : [{ type: typeOfWord(type ?? typeOfBare(value) ?? ''), value }].filter((one) => one.type !== '')
  const [first] = signals
  const id = textIn(get('id')) ?? (first === undefined ? undefined : idOf(first.type, first.value))
  const deleted = /^(true|1|yes)$/i.test(String(get('deleted') ?? ''))
  if (id === undefined || (first === undefined && !deleted)) return undefined
  const tags = get('tags')
  const owner = textIn(get('owner'))
  const [severity, quality] = [Number(get('severity')), Number(get('quality'))]
  return {
    externalId: id.slice(0, 500),
    deleted,
    signals,
    ...(owner === undefined ? {} : { owner: { id: owner } }),
    tags: Array.isArray(tags)
      ? tags.flatMap((tag) => textIn(tag) ?? [])
      : (textIn(tags) ?? '')
          .split(/[|;,]/)
          .map((tag) => tag.trim())
          .filter((tag) => tag !== ''),
    ...(Number.isInteger(severity) && severity >= 1 && severity <= 4 ? { severity } : {}),
    ...(get('quality') !== undefined && quality >= 0 && quality <= 100 ? { quality: Math.round(quality) } : {}),
    ref: {},
  }
}

type Cursor = { etag?: string; modified?: string; readMs?: number }

/** A plain file of hashes, from an address or uploaded. It always names everything that there is. */
export const fileConnector: Connector = {
  async *pages({ call, settings, credentials, cursor, nowMs, upload }) {
    const known: Cursor = isBag(cursor) ? cursor : {}
    const url = textIn(settings.url)
    let body = upload
    let where = 'The file'
    let read: Cursor = known
    if (body === undefined) {
      if (url === undefined) throw new ExchangeError('refused', 'There is no address to fetch the file from; upload it')
      where = new URL(url).host
      const answer = await ask(
        call,
        {
          method: 'GET',
          url,
          headers: {
            ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }),
            ...(known.modified === undefined ? {} : { 'if-modified-since': known.modified }),
            ...(credentials.authorization === undefined ? {} : { authorization: credentials.authorization }),
          },
        },
        nowMs(),
      )
      if (answer.status === 304) {
        answer.drop()
        yield { records: [], cursor: { ...known, readMs: nowMs() } }
        return
      }
      body = answer.body
      const [etag, modified] = [answer.header('etag'), answer.header('last-modified')]
      read = {
        readMs: nowMs(),
        ...(etag === null ? {} : { etag }),
        ...(modified === null ? {} : { modified }),
      }
    }
    const signalType = textIn(settings.signalType)
    const whole = settings.keepMissing !== true
    let start = true
    // The last page is known to be the last only when nothing follows it. The cursor moves with that one alone.
    let held: Page | undefined
    for await (const rows of readRows({ body }, textIn(settings.format) as FileFormat | undefined, where)) {
      if (held !== undefined) yield held
      held = {
        ...recordsOfRows(rows, signalType === undefined ? undefined : typeOfWord(signalType)),
        cursor: upload === undefined ? withoutTag(known) : cursor,
        ...(whole ? { snapshot: { start, end: false } } : {}),
      }
      start = false
    }
    const last = held ?? { records: [], ...(whole ? { snapshot: { start: true, end: true } } : {}) }
    yield {
      ...last,
      cursor: upload === undefined ? read : cursor,
      ...(whole ? { snapshot: { start: last.snapshot!.start, end: true } } : {}),
    }
  },
  readUntil: (cursor) =>
    isBag(cursor) && typeof cursor.readMs === 'number' ? new Date(cursor.readMs).toISOString() : null,
}

/** A file that was read in part only must come again in full. */
function withoutTag({ readMs }: Cursor): Cursor {
  return readMs === undefined ? {} : { readMs }
}
