import { askJson, ExchangeError, type CallRequest } from './call.ts'
import { isBag, listIn, textIn, type Connector, type FeedbackItem, type UpstreamRecord } from './connector.ts'
import type { Credentials, Settings } from './exchange.ts'

type Cursor = { after: string }
const cursorOf = (value: unknown): string | undefined =>
  isBag(value) && typeof value.after === 'string' ? value.after : undefined

const pageSize = 1_000
const bankUrl = (settings: Settings) =>
  `${String(settings.baseUrl).replace(/\/$/, '')}/v1/banks/${encodeURIComponent(String(settings.bankId))}`
const authorization = ({ key = '' }: Credentials) => ({ authorization: `Bearer ${key}`, accept: 'application/json' })

function recordOf(change: unknown, owner: string): UpstreamRecord | undefined {
  if (!isBag(change)) return undefined
  const id = textIn(change.entryId)
  if (id === undefined) return undefined
  const signals = isBag(change.signals) ? Object.entries(change.signals) : []
  return {
    externalId: id,
    // What the other side holds back must not match here either.
    deleted: change.status !== 'active',
    signals: signals.flatMap(([type, value]) => (typeof value === 'string' ? [{ type, value }] : [])),
    owner: { id: owner },
    tags: listIn(change.labels).flatMap((label) => textIn(label) ?? []),
    ...(typeof change.quality === 'number' ? { quality: change.quality } : {}),
    ref: { entryId: id },
  }
}

function requestOf(settings: Settings, item: FeedbackItem) {
  const entryId = textIn(item.ref.entryId)
  if (item.opinion === 'share' || entryId === undefined)
    return {
      ok: false,
      reason: 'not-taken',
      detail: 'Another Custos reads what it wants; nothing is offered to it',
    } as const
  const request: CallRequest = {
    method: 'POST',
    url: `${bankUrl(settings)}/feedback`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ items: [{ entryId, opinion: item.opinion, because: item.because.slice(0, 500) }] }),
  }
  return { ok: true, request } as const
}

/** A bank of another installation: its changes feed and its feedback. */
export const custosConnector: Connector = {
  async *pages({ call, settings, credentials, cursor, nowMs }) {
    let after = cursorOf(cursor)
    const owner = new URL(String(settings.baseUrl)).host
    for (;;) {
      const query = new URLSearchParams({ limit: String(pageSize), ...(after === undefined ? {} : { after }) })
      const url = `${bankUrl(settings)}/changes?${query.toString()}`
      const answer = await askJson(call, { method: 'GET', url, headers: authorization(credentials) }, nowMs())
      const next = textIn(answer.next)
      if (!Array.isArray(answer.items) || next === undefined)
        throw new ExchangeError('unreadable', `${owner} answers without items or without a cursor`)
      const parsed = answer.items.map((change) => recordOf(change, owner))
      const records = parsed.filter((record) => record !== undefined)
      const unreadable = parsed.length - records.length
      if (answer.more === true && next === after)
        throw new ExchangeError('unreadable', `${owner} answers the same page again`)
      after = next
      yield {
        records,
        cursor: { after } satisfies Cursor,
        notes: unreadable === 0 ? [] : [`${unreadable} changes could not be read`],
      }
      if (answer.more !== true) return
    }
  },
  readUntil: (cursor) => (cursorOf(cursor) === undefined ? null : `change ${cursorOf(cursor)!}`),
  requestOf: (settings, item) => requestOf(settings, item),
  async send({ call, settings, credentials, nowMs }, item) {
    const outcome = requestOf(settings, item)
    if (!outcome.ok) throw new ExchangeError('refused', outcome.detail)
    const { request } = outcome
    const answer = await askJson(
      call,
      { ...request, headers: { ...request.headers, ...authorization(credentials) } },
      nowMs(),
    )
    if (listIn(answer.unknown).length > 0)
      throw new ExchangeError('refused', 'The other installation does not know this entry any more')
  },
}
