import { ask, askJson, ExchangeError, sameOrigin, type Call } from './call.ts'
import { isBag, textIn, type Connector, type Page, type UpstreamRecord } from './connector.ts'
import type { Credentials, Settings } from './exchange.ts'
import { readRows, recordsOfRows } from './file.ts'

/** Algorithms by signal type; others are counted and reported. */
const typeOf: Record<string, string> = { pdq: 'pdq', md5: 'md5', sha1: 'sha1', sha256: 'sha256', sha512: 'sha512' }

type Cursor = { after: string; next?: string }
const cursorOf = (value: unknown): Cursor =>
  isBag(value) && typeof value.after === 'string' ? (value as Cursor) : { after: '' }

const base = (settings: Settings) => String(settings.baseUrl ?? 'https://app.terrorismanalytics.org').replace(/\/$/, '')

async function tokenOf(call: Call, settings: Settings, credentials: Credentials, nowMs: number): Promise<string> {
  const { username = '', password = '' } = credentials
  const answer = await askJson(
    call,
    {
      method: 'POST',
      url: `${base(settings)}/token-auth/tcap/`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ username, password, resend: 'False' }).toString(),
    },
    nowMs,
  )
  const token = textIn(answer.token)
  if (token === undefined || token === '')
    throw new ExchangeError('credentials', 'Tech Against Terrorism gives no token for these credentials')
  return token
}

/** One entry of the hash list; undefined for what cannot be read. */
export function parseListEntry(entry: unknown): UpstreamRecord | undefined {
  if (!isBag(entry)) return undefined
  const [algorithm, value] = [textIn(entry.algorithm)?.toLowerCase(), textIn(entry.hash_digest)]
  if (algorithm === undefined || value === undefined || value === '') return undefined
  const tags = [textIn(entry.ideology), textIn(entry.file_type)].filter((tag) => tag !== undefined && tag !== '')
  return {
    externalId: textIn(entry.id) ?? `${algorithm}:${value}`,
    deleted: entry.deleted === true,
    signals: [{ type: typeOf[algorithm] ?? algorithm, value }],
    owner: { id: 'tech-against-terrorism', name: 'Tech Against Terrorism' },
    tags: tags as string[],
    ref: {},
  }
}

/** Tech Against Terrorism: the hash list, page by page or as a file (facts: python-threatexchange, techagainstterrorism). */
export const tatConnector: Connector = {
  async *pages({ call, settings, credentials, cursor, nowMs }) {
    const token = await tokenOf(call, settings, credentials, nowMs())
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    if (settings.list === 'file') {
      yield* filePages(call, settings, headers, nowMs)
      return
    }
    let at = cursorOf(cursor)
    for (;;) {
      const url = new URL(
        at.next === undefined
          ? `${base(settings)}/api/hash-list/v2/all`
          : sameOrigin(
              /^[?\w]*=/.test(at.next) ? `/api/hash-list/v2/all?${at.next.replace(/^\?/, '')}` : at.next,
              base(settings),
            ),
      )
      url.searchParams.set('order', 'asc')
      if (at.after !== '') url.searchParams.set('after', at.after)
      const answer = await askJson(call, { method: 'GET', url: url.href, headers }, nowMs())
      if (!Array.isArray(answer.results)) throw new ExchangeError('unreadable', 'The hash list answers without results')
      const parsed = answer.results.map(parseListEntry)
      const records = parsed.filter((record) => record !== undefined)
      const next = textIn(answer.next)
      if (next !== undefined && next === at.next)
        throw new ExchangeError('unreadable', 'The next page is the one that was just read')
      const checkpoint = textIn(answer.checkpoint)
      // Addresses of pages count from the checkpoint that they were made for.
      at = next === undefined || next === '' ? { after: checkpoint || at.after } : { after: at.after, next }
      const unreadable = parsed.length - records.length
      yield { records, cursor: at, notes: unreadable === 0 ? [] : [`${unreadable} entries could not be read`] }
      if (at.next === undefined) return
    }
  },
  readUntil: (cursor) => (cursor === undefined ? null : cursorOf(cursor).after || null),
}

/** The whole list as one file behind a signed address that is valid for minutes. */
async function* filePages(
  call: Call,
  settings: Settings,
  headers: Record<string, string>,
  nowMs: () => number,
): AsyncGenerator<Page> {
  const which = settings.ideology === undefined ? 'all' : String(settings.ideology)
  const listed = await askJson(
    call,
    { method: 'GET', url: `${base(settings)}/api/hash-list/${which}`, headers },
    nowMs(),
  )
  const url = textIn(listed.file_url)
  if (url === undefined || !URL.canParse(url)) throw new ExchangeError('unreadable', 'The hash list names no file')
  // Signed addresses carry their permission themselves; the token stays here.
  const answer = await ask(call, { method: 'GET', url }, nowMs())
  let start = true
  let held: Page | undefined
  for await (const rows of readRows(answer, undefined, new URL(url).host)) {
    if (held !== undefined) yield held
    const known = rows.map((row) => (row.fields === undefined ? undefined : parseListEntry(row.fields)))
    const records = known.some((record) => record !== undefined)
      ? known.filter((record) => record !== undefined)
      : recordsOfRows(rows, undefined).records
    held = {
      records,
      cursor: { after: textIn(listed.created_on) ?? '' },
      notes: records.length === rows.length ? [] : [`${rows.length - records.length} rows could not be read`],
      snapshot: { start, end: false },
    }
    start = false
  }
  yield held === undefined
    ? { records: [], cursor: { after: '' }, snapshot: { start: true, end: true } }
    : { ...held, snapshot: { start: held.snapshot!.start, end: true } }
}
