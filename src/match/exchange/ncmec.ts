import { ask, ExchangeError, sameOrigin, textOf, type Call, type CallRequest } from './call.ts'
import {
  isBag,
  isoSecond,
  listIn,
  textIn,
  type Connector,
  type FeedbackItem,
  type UpstreamRecord,
} from './connector.ts'
import type { Credentials, Settings } from './exchange.ts'
import { ncmecEnvironments } from './kinds.ts'
import { escapeXml, parseXml, type XmlElement } from './xml.ts'

/** Fingerprints by signal type; others are counted and reported. */
const typeOf: Record<string, string> = {
  md5: 'md5',
  sha1: 'sha1',
  pdq: 'pdq',
  'tmk-pdqf': 'tmk',
}
/** Names of fingerprints in feedback, the most telling first. */
const feedbackTypes = [
  ['pdq', 'PDQ'],
  ['md5', 'MD5'],
  ['sha1', 'SHA1'],
] as const
/** Classification: A1 is the worst (prepubescent minor, sex act). */
const severityOf: Record<string, number> = { A1: 4, A2: 3, B1: 2, B2: 1 }

/** The newest entries may still change places within their second. */
const settleS = 5
/** NCMEC asks that addresses of pages are not kept for long. */
const pageMs = 12 * 3_600_000
/** A window with more is cut, so that it can be read while its pages are valid. */
const windowRecordsMax = 400_000
const windowShrink = 4

type Cursor = { fromS: number; toS?: number; next?: string; nextMs?: number }
const cursorOf = (value: unknown): Cursor =>
  isBag(value) && typeof value.fromS === 'number' ? (value as Cursor) : { fromS: 0 }

const base = (settings: Settings) =>
  String(settings.baseUrl ?? ncmecEnvironments[String(settings.environment)]).replace(/\/$/, '')
const authorization = ({ user = '', password = '' }: Credentials) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

export type NcmecPage = { records: UpstreamRecord[]; next: string | null; notes: string[] }

/** One answer of /v2/entries: images and videos, deleted ones too, and the address of the next page. */
export function parseEntries(text: string): NcmecPage {
  const result = parseXml(text, 'queryResult')
  const records: UpstreamRecord[] = []
  let unreadable = 0
  for (const [list, kind] of [
    ['images', 'image'],
    ['videos', 'video'],
  ] as const)
    for (const group of result.children[list] ?? [])
      for (const [name, entries] of Object.entries(group.children)) {
        const deleted = name.toLowerCase() === `deleted${kind}`
        for (const entry of entries) {
          const record = deleted || name === kind ? recordOf(entry, kind, deleted) : undefined
          if (record === undefined) unreadable++
          else records.push(record)
        }
      }
  return {
    records,
    next: result.children.paging?.[0]?.children.next?.[0]?.text || null,
    notes: unreadable === 0 ? [] : [`${unreadable} entries could not be read`],
  }
}

function recordOf(entry: XmlElement, media: 'image' | 'video', deleted: boolean): UpstreamRecord | undefined {
  const id = entry.children.id?.[0]?.text
  const member = entry.children.member?.[0]
  const memberId = member?.attributes.id
  if (id === undefined || id === '' || memberId === undefined) return undefined
  const classification = entry.children.classification?.[0]?.text
  const fingerprints = Object.entries(entry.children.fingerprints?.[0]?.children ?? {})
  return {
    externalId: `${memberId}-${id}`,
    deleted,
    signals: fingerprints.map(([name, [first]]) => {
      // Long fingerprints come as a reference; they are counted like those that nothing here matches.
      const type = first!.text === '' ? `${name} (by reference)` : (typeOf[name] ?? name)
      return { type, value: first!.text }
    }),
    owner: { id: memberId, ...(member!.text === '' ? {} : { name: member!.text }) },
    tags: [media, ...(classification === undefined || classification === '' ? [] : [classification])],
    ...(severityOf[classification ?? ''] === undefined ? {} : { severity: severityOf[classification!]! }),
    ref: { memberId, id, media, ...opinionsOf(entry) },
  }
}

/** How many members say yes and no to a fingerprint of the entry. */
function opinionsOf(entry: XmlElement): { confirmedBy?: number; disputedBy?: number } {
  const feedback = entry.children.feedback?.[0]?.children ?? {}
  const members = (element: XmlElement): XmlElement[] =>
    Object.entries(element.children).flatMap(([name, inner]) =>
      name === 'member' ? inner : inner.flatMap((each) => members(each)),
    )
  const count = (name: string) =>
    new Set((feedback[name] ?? []).flatMap(members).map((member) => member.attributes.id)).size
  const [confirmedBy, disputedBy] = [count('affirmativeFeedback'), count('negativeFeedback')]
  return { ...(confirmedBy > 0 ? { confirmedBy } : {}), ...(disputedBy > 0 ? { disputedBy } : {}) }
}

/** Reasons that a dispute of a kind of fingerprint may give, by GUID. */
export function parseReasons(text: string): Record<string, string> {
  const { children } = parseXml(text, 'availableFeedbackReasons')
  return Object.fromEntries(
    (children.reason ?? []).map(({ attributes }) => [attributes.guid ?? '', attributes.name ?? '']),
  )
}

/** The member that the credentials belong to. */
export function parseStatus(text: string): { memberId: string; name: string } {
  const member = parseXml(text, 'status').children.member?.[0]
  if (member === undefined) throw new ExchangeError('unreadable', 'The status names no member')
  return { memberId: member.attributes.id ?? '', name: member.text }
}

/** The body of a feedback submission. */
export function feedbackXml(opinion: 'confirm' | 'dispute', reason?: string): string {
  const vote =
    opinion === 'confirm'
      ? '<affirmative/>'
      : `<negative><reasonIds><guid>${escapeXml(reason ?? '')}</guid></reasonIds></negative>`
  return `<?xml version="1.0" encoding="UTF-8"?><feedbackSubmission xmlns="https://hashsharing.ncmec.org/hashsharing/v2">${vote}</feedbackSubmission>`
}

/** How many entries the pages after this one have, by what NCMEC says in the address of the next. */
function estimateOf(next: string): number | undefined {
  const query = new URL(next, 'https://example.invalid').searchParams
  const [start, max] = [Number(query.get('start')), Number(query.get('max'))]
  return Number.isFinite(max - start) && max >= start && max > 0 ? max - start + 1 : undefined
}

async function get(call: Call, url: string, credentials: Credentials, nowMs: number): Promise<string> {
  const headers = { authorization: authorization(credentials), accept: 'application/xml' }
  return textOf(await ask(call, { method: 'GET', url, headers }, nowMs), new URL(url).host)
}

function typeFor(settings: Settings, item: FeedbackItem): string | undefined {
  if (settings.feedbackType !== undefined) return String(settings.feedbackType)
  return feedbackTypes.find(([type]) => item.signals[type] !== undefined)?.[1]
}

function requestOf(settings: Settings, item: FeedbackItem, reason: string | undefined) {
  const type = typeFor(settings, item)
  if (item.opinion !== 'confirm' && item.opinion !== 'dispute')
    return { ok: false, reason: 'not-taken', detail: `NCMEC takes no "${item.opinion}"` } as const
  if (type === undefined)
    return {
      ok: false,
      reason: 'not-taken',
      detail: 'NCMEC takes feedback on PDQ, MD5 and SHA1; the entry has none',
    } as const
  const path = [item.ref.memberId, item.ref.id, type].map((part) => encodeURIComponent(textIn(part) ?? '')).join('/')
  const request: CallRequest = {
    method: 'PUT',
    url: `${base(settings)}/v2/entries/${path}/feedback`,
    headers: { 'content-type': 'application/xml; charset=utf-8' },
    body: feedbackXml(item.opinion, reason),
  }
  return { ok: true, request, type } as const
}

/**
 * NCMEC hash sharing, version 2 (facts: python-threatexchange, clients/ncmec; report.cybertip.org/hashsharing/v2).
 * Entries of a window of time come in no order: the window counts as read only when its last page was kept.
 */
export const ncmecConnector: Connector = {
  async *pages({ call, settings, credentials, cursor, nowMs }) {
    let at = cursorOf(cursor)
    const endS = Math.floor(nowMs() / 1_000) - settleS
    if (at.next !== undefined && nowMs() - (at.nextMs ?? 0) > pageMs) at = { fromS: at.fromS }
    let lengthS = Math.max(1, (at.toS ?? endS) - at.fromS)
    while (at.next !== undefined || at.fromS < endS) {
      const toS = at.next === undefined ? Math.min(endS, at.fromS + lengthS) : at.toS!
      const first = at.next === undefined
      const url = first
        ? `${base(settings)}/v2/entries?${new URLSearchParams({ from: isoSecond(at.fromS), to: isoSecond(toS) }).toString()}`
        : sameOrigin(base(settings) + at.next!, base(settings))
      const { records, next, notes } = parseEntries(await get(call, url, credentials, nowMs()))
      if (next !== null && !next.startsWith('/'))
        throw new ExchangeError('unreadable', 'The next page has no address below the service; not followed')
      if (next !== null && next === at.next)
        throw new ExchangeError('unreadable', 'The next page is the one that was just read')
      const estimate = next === null ? undefined : estimateOf(next)
      if (first && lengthS > 60 && (estimate ?? 0) > windowRecordsMax) {
        lengthS = Math.max(1, Math.floor(lengthS / windowShrink))
        continue
      }
      at = next === null ? { fromS: toS } : { fromS: at.fromS, toS, next, nextMs: nowMs() }
      yield { records, notes, cursor: at, ...(estimate === undefined ? {} : { estimate }) }
    }
  },
  readUntil(cursor) {
    if (cursor === undefined) return null
    const { fromS, toS } = cursorOf(cursor)
    return toS === undefined ? isoSecond(fromS) : `${isoSecond(fromS)}, on the way to ${isoSecond(toS)}`
  },
  requestOf(settings, item) {
    const asked = settings.disputeReason === undefined ? 'the reason that NCMEC offers' : String(settings.disputeReason)
    const outcome = requestOf(settings, item, asked)
    return outcome.ok ? { ok: true, request: outcome.request } : outcome
  },
  async send({ call, settings, credentials, nowMs }, item) {
    const type = typeFor(settings, item)
    let reason = textIn(settings.disputeReason)
    if (item.opinion === 'dispute' && reason === undefined && type !== undefined) {
      const reasons = parseReasons(
        await get(call, `${base(settings)}/v2/feedback/${type}/reasons`, credentials, nowMs()),
      )
      const offered = Object.entries(reasons)
      if (offered.length !== 1)
        throw new ExchangeError(
          'refused',
          `NCMEC offers ${offered.length} reasons to dispute a ${type}; choose one as disputeReason: ${listIn(offered)
            .map((each) => (each as string[]).join(' '))
            .join(', ')}`,
        )
      reason = offered[0]![0]
    }
    const outcome = requestOf(settings, item, reason)
    if (!outcome.ok) throw new ExchangeError('refused', outcome.detail)
    const headers = { ...outcome.request.headers, authorization: authorization(credentials) }
    const answer = await ask(call, { ...outcome.request, headers }, nowMs())
    await textOf(answer, new URL(outcome.request.url).host)
  },
}
