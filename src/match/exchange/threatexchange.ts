import { askJson, ExchangeError, sameOrigin, type CallRequest } from './call.ts'
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

/** Indicator types by signal type; others are counted and reported. */
const typeOf: Record<string, string> = {
  HASH_PDQ: 'pdq',
  HASH_MD5: 'md5',
  HASH_VIDEO_MD5: 'md5',
  HASH_SHA1: 'sha1',
  HASH_SHA256: 'sha256',
  HASH_VIDEO_SHA256: 'sha256',
  HASH_TMK: 'tmk',
  HASH_TEXT_TLSH: 'tlsh',
  TEXT_STRING: 'text',
  URI: 'url',
  RAW_URI: 'url',
  UNCLICKABLE_URL: 'url',
}
const severityOf: Record<string, number> = { INFO: 1, WARNING: 1, SUSPICIOUS: 2, SEVERE: 3, APOCALYPSE: 4 }
const reactionOf: Record<string, string> = { seen: 'SAW_THIS_TOO', confirm: 'HELPFUL', dispute: 'DISAGREE_WITH_TAGS' }
const fields =
  'id,indicator,type,last_updated,should_delete,descriptors{id,reactions,my_reactions,owner{id,name},tags,status,severity}'
const pageSize = 500
/** Deletions are told for 90 days; whoever was away for longer must read everything again. */
const staleMs = 85 * 86_400_000
/** Two updates may share a second. */
const overlapS = 1

type Cursor = { sinceS: number; readMs: number; next?: string; newestS?: number; full?: boolean }
const cursorOf = (value: unknown): Cursor | undefined =>
  isBag(value) && typeof value.sinceS === 'number' ? (value as Cursor) : undefined

const base = (settings: Settings) => String(settings.baseUrl ?? 'https://graph.facebook.com/v21.0').replace(/\/$/, '')

/** One indicator with the opinions on it; undefined for what cannot be read. */
export function parseUpdate(update: unknown, appId: string): { record: UpstreamRecord; updatedS: number } | undefined {
  if (!isBag(update)) return undefined
  const [type, value] = [textIn(update.type), textIn(update.indicator)]
  const id = textIn(update.id) ?? (type === undefined || value === undefined ? undefined : `${type}:${value}`)
  if (id === undefined) return undefined
  const descriptors = listIn(isBag(update.descriptors) ? update.descriptors.data : update.descriptors).filter(isBag)
  // Some deletions come without the mark, as indicators that nobody describes any more.
  const deleted = update.should_delete === true || descriptors.length === 0
  const ownerOf = (descriptor: Record<string, unknown>) => (isBag(descriptor.owner) ? descriptor.owner : {})
  const harmful = descriptors.filter(({ status }) => status !== 'NON_MALICIOUS')
  const chosen = harmful[0] ?? descriptors[0] ?? {}
  const mine = descriptors.find((descriptor) => textIn(ownerOf(descriptor).id) === appId)
  const disagreed = descriptors.some(({ my_reactions }) => reactionsIn(my_reactions).includes('DISAGREE_WITH_TAGS'))
  const refused =
    mine?.status === 'NON_MALICIOUS' || disagreed
      ? 'this app says that it is harmless'
      : harmful.length === 0
        ? 'everybody there says that it is harmless'
        : undefined
  const severity = Math.max(0, ...harmful.map((descriptor) => severityOf[textIn(descriptor.severity) ?? ''] ?? 0))
  const [ownerId, ownerName] = [textIn(ownerOf(chosen).id), textIn(ownerOf(chosen).name)]
  return {
    updatedS: Number(update.last_updated) || 0,
    record: {
      externalId: id,
      deleted,
      signals: type === undefined || value === undefined ? [] : [{ type: typeOf[type] ?? type, value }],
      ...(ownerId === undefined
        ? {}
        : { owner: { id: ownerId, ...(ownerName === undefined ? {} : { name: ownerName }) } }),
      tags: [...new Set((harmful.length > 0 ? harmful : descriptors).flatMap(({ tags }) => tagsIn(tags)))].sort(),
      ...(severity > 0 ? { severity } : {}),
      ...(refused === undefined ? {} : { refused }),
      ref: {
        ...(textIn(chosen.id) === undefined ? {} : { descriptorId: textIn(chosen.id) }),
        indicatorType: type ?? null,
      },
    },
  }
}

function tagsIn(tags: unknown): string[] {
  return listIn(isBag(tags) ? tags.data : tags).flatMap((tag) => (isBag(tag) ? textIn(tag.text) : textIn(tag)) ?? [])
}
/** `my_reactions` comes as a list of names, of objects, or as names joined by commas. */
function reactionsIn(reactions: unknown): string[] {
  if (typeof reactions === 'string') return reactions.split(',').map((one) => one.trim())
  return listIn(reactions).flatMap((one) => (isBag(one) ? (textIn(one.key) ?? []) : (textIn(one) ?? [])))
}

/** The address of a page without the token in it: cursors are kept and shown. */
function withoutToken(url: string): string {
  const stripped = new URL(url)
  stripped.searchParams.delete('access_token')
  return stripped.href
}
function withToken(url: string, token: string): string {
  const complete = new URL(url)
  complete.searchParams.set('access_token', token)
  return complete.href
}
const appIdOf = ({ token = '' }: Credentials) => token.split('|')[0]!

function requestOf(settings: Settings, item: FeedbackItem) {
  const reaction = reactionOf[item.opinion]
  const descriptorId = textIn(item.ref.descriptorId)
  if (reaction === undefined || descriptorId === undefined)
    return {
      ok: false,
      reason: 'not-taken',
      detail:
        reaction === undefined
          ? `ThreatExchange takes no "${item.opinion}" here`
          : 'The indicator came without a descriptor to react to',
    } as const
  const request: CallRequest = {
    method: 'POST',
    url: `${base(settings)}/${encodeURIComponent(descriptorId)}/`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ reactions: reaction }).toString(),
  }
  return { ok: true, request } as const
}

/** ThreatExchange: threat_updates of a privacy group, and reactions (facts: python-threatexchange, fb_threatexchange). */
export const threatExchangeConnector: Connector = {
  async *pages({ call, settings, credentials, cursor, nowMs }) {
    const token = credentials.token ?? ''
    const known = cursorOf(cursor)
    const stale = known !== undefined && nowMs() - known.readMs > staleMs
    let at: Cursor = known === undefined || stale ? { sinceS: 0, readMs: nowMs(), full: stale } : known
    for (let start = at.next === undefined; ; start = false) {
      const query = new URLSearchParams({
        fields,
        limit: String(pageSize),
        ...(at.sinceS === 0 ? {} : { start_time: String(at.sinceS) }),
        ...(listIn(settings.types).length === 0 ? {} : { types: listIn(settings.types).join(',') }),
      })
      const url = at.next ?? `${base(settings)}/${String(settings.privacyGroup)}/threat_updates/?${query.toString()}`
      const answer = await askJson(
        call,
        {
          method: 'GET',
          url: withToken(sameOrigin(url, base(settings)), token),
          headers: { accept: 'application/json' },
        },
        nowMs(),
      )
      if (!Array.isArray(answer.data)) throw new ExchangeError('unreadable', 'threat_updates answers without data')
      const parsed = answer.data.map((update) => parseUpdate(update, appIdOf(credentials)))
      const updates = parsed.filter((one) => one !== undefined)
      const unreadable = parsed.length - updates.length
      const newestS = Math.max(at.newestS ?? at.sinceS, ...updates.map(({ updatedS }) => updatedS))
      const nextUrl = isBag(answer.paging) ? textIn(answer.paging.next) : undefined
      const next = nextUrl === undefined ? undefined : withoutToken(sameOrigin(nextUrl, base(settings)))
      if (next !== undefined && next === at.next)
        throw new ExchangeError('unreadable', 'The next page is the one that was just read')
      const full = at.full === true
      at =
        next === undefined
          ? { sinceS: Math.max(0, newestS - overlapS), readMs: nowMs() }
          : { sinceS: at.sinceS, readMs: nowMs(), next, newestS, full }
      yield {
        records: updates.map(({ record }) => record),
        cursor: at,
        notes: unreadable === 0 ? [] : [`${unreadable} updates could not be read`],
        ...(full ? { snapshot: { start, end: next === undefined } } : {}),
      }
      if (next === undefined) return
    }
  },
  readUntil(cursor) {
    const at = cursorOf(cursor)
    return at === undefined || (at.sinceS === 0 && at.newestS === undefined) ? null : isoSecond(at.newestS ?? at.sinceS)
  },
  requestOf: (settings, item) => requestOf(settings, item),
  async send({ call, settings, credentials, nowMs }, item) {
    const outcome = requestOf(settings, item)
    if (!outcome.ok) throw new ExchangeError('refused', outcome.detail)
    const { request } = outcome
    const body = `${request.body}&${new URLSearchParams({ access_token: credentials.token ?? '' }).toString()}`
    const answer = await askJson(call, { ...request, body }, nowMs())
    if (answer.success === false || answer.error !== undefined)
      throw new ExchangeError(
        'refused',
        `ThreatExchange does not take the reaction: ${JSON.stringify(answer).slice(0, 300)}`,
      )
  },
}
