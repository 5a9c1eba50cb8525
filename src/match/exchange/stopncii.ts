import { askJson, ExchangeError, type CallRequest } from './call.ts'
import {
  isBag,
  isoSecond,
  listIn,
  textIn,
  type Connector,
  type FeedbackItem,
  type UpstreamRecord,
} from './connector.ts'
import type { Credentials, SentOpinion, Settings } from './exchange.ts'

/** Hash kinds of StopNCII by signal type. */
const typeOf: Record<string, string> = {
  ImagePDQ: 'pdq',
  VideoMD5: 'md5',
  VideoTMK: 'tmk',
  Text: 'text',
  URL: 'url',
}
const withdrawn = new Set(['Withdrawn', 'Deleted'])
const feedbackValue: Record<SentOpinion, string> = {
  seen: 'PendingReview',
  confirm: 'Blocked',
  dispute: 'NotBlocked',
  share: 'Blocked',
}
/** The service takes no 0; anything that is older than all of it starts at the beginning. */
const startTimestamp = 10
const pageSizeDefault = 800
/** Page tokens do not live long; the timestamp before them always leads back to the same records. */
const tokenMs = 30 * 60_000

type Cursor = { since: number; token?: string; tokenMs?: number }
const cursorOf = (value: unknown): Cursor =>
  isBag(value) && typeof value.since === 'number' ? (value as Cursor) : { since: startTimestamp }

const base = (settings: Settings) => String(settings.baseUrl ?? 'https://api.stopncii.org/v1').replace(/\/$/, '')
const headersOf = (credentials: Credentials, key: string, endpoint: string) => {
  if (credentials[key] === undefined)
    throw new ExchangeError('credentials', `There is no function key of ${endpoint} among the credentials`)
  return {
    'x-functions-key': credentials[key],
    'ocp-apim-subscription-key': credentials.subscriptionKey ?? '',
    accept: 'application/json',
  }
}

/** Records of one answer of FetchHashes; what cannot be read is named and left out. */
export function parseHashRecords(answer: Record<string, unknown>): { records: UpstreamRecord[]; notes: string[] } {
  const records: UpstreamRecord[] = []
  let unreadable = 0
  for (const one of listIn(answer.hashRecords)) {
    const kind = isBag(one) ? textIn(one.signalType) : undefined
    const value = isBag(one) ? textIn(one.hashValue) : undefined
    if (!isBag(one) || kind === undefined || value === undefined || value === '') {
      unreadable++
      continue
    }
    const cases = isBag(one.caseNumbers) ? Object.keys(one.caseNumbers) : []
    const feedback = listIn(one.CSPFeedbacks).filter(isBag)
    records.push({
      externalId: `${kind}:${value}`,
      deleted: withdrawn.has(textIn(one.hashStatus) ?? ''),
      signals: [{ type: typeOf[kind] ?? kind, value }],
      owner: { id: 'stopncii', name: 'StopNCII.org' },
      tags: [...new Set(feedback.flatMap((each) => listIn(each.tags).flatMap((tag) => textIn(tag) ?? [])))],
      ref: { signalType: kind, hashValue: value, cases: cases.slice(0, 20) },
    })
  }
  return { records, notes: unreadable === 0 ? [] : [`${unreadable} records could not be read`] }
}

function requestOf(settings: Settings, item: FeedbackItem, nowMs: number): CallRequest {
  const csp = {
    tags: listIn(settings.tags),
    feedbackValue: feedbackValue[item.opinion],
  }
  if (item.opinion !== 'share')
    return {
      method: 'POST',
      url: `${base(settings)}/SubmitFeedback`,
      body: JSON.stringify({ count: 1, hashFeedbacks: [{ ...csp, hashValue: item.ref.hashValue }] }),
    }
  const hashRecords = Object.entries(item.signals).flatMap(([type, hashValue]) => {
    const signalType = Object.keys(typeOf).find((kind) => typeOf[kind] === type)
    return signalType === undefined
      ? []
      : [{ lastModtimestamp: Math.floor(nowMs / 1_000), signalType, hashValue, CSPFeedbacks: [csp] }]
  })
  return {
    method: 'POST',
    url: `${base(settings)}/SubmitHashes`,
    body: JSON.stringify({ count: hashRecords.length, hashRecords }),
  }
}

/** StopNCII.org: FetchHashes, SubmitFeedback and SubmitHashes (facts: python-threatexchange, clients/stopncii). */
export const stopnciiConnector: Connector = {
  async *pages({ call, settings, credentials, cursor, nowMs }) {
    let at = cursorOf(cursor)
    if (at.token !== undefined && nowMs() - (at.tokenMs ?? 0) > tokenMs) at = { since: at.since }
    for (;;) {
      const query = new URLSearchParams({
        startTimestamp: String(at.since),
        pageSize: String(settings.pageSize ?? pageSizeDefault),
        ...(at.token === undefined ? {} : { nextPageToken: at.token }),
      })
      const answer = await askJson(
        call,
        {
          method: 'GET',
          url: `${base(settings)}/FetchHashes?${query.toString()}`,
          headers: headersOf(credentials, 'fetchKey', 'FetchHashes'),
        },
        nowMs(),
      )
      const token = textIn(answer.nextPageToken) ?? ''
      const more = answer.hasMoreRecords === true
      if (!Array.isArray(answer.hashRecords) || (more && token === ''))
        throw new ExchangeError('unreadable', 'FetchHashes answers without records or without the next page')
      if (more && token === at.token) throw new ExchangeError('unreadable', 'FetchHashes answers the same page again')
      const next = typeof answer.nextSetTimestamp === 'number' ? answer.nextSetTimestamp : at.since
      // Only once all pages of a set were read may the next set begin after it.
      at = more ? { since: at.since, token, tokenMs: nowMs() } : { since: Math.max(at.since, next) }
      yield { ...parseHashRecords(answer), cursor: at }
      if (!more) return
    }
  },
  readUntil: (cursor) => (cursor === undefined ? null : isoSecond(cursorOf(cursor).since)),
  requestOf(settings, item, nowMs) {
    const request = requestOf(settings, item, nowMs)
    return item.opinion === 'share' && request.body!.startsWith('{"count":0')
      ? { ok: false, reason: 'not-taken', detail: 'StopNCII.org takes no hash of the kinds that this entry has' }
      : { ok: true, request }
  },
  async send({ call, settings, credentials, nowMs }, item) {
    const request = requestOf(settings, item, nowMs())
    const headers =
      item.opinion === 'share'
        ? headersOf(credentials, 'submitKey', 'SubmitHashes')
        : headersOf(credentials, 'feedbackKey', 'SubmitFeedback')
    await askJson(call, { ...request, headers: { ...headers, 'content-type': 'application/json' } }, nowMs())
  },
}
