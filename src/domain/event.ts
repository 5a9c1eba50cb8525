import { InputError, nestedDeeper, nestingMax, quote, type FieldProblem } from './error.ts'
import { isId, idLengthMax } from './ids.ts'

export const eventTypes = [
  'account.created',
  'account.updated',
  'account.signed_in',
  'account.deleted',
  'item.created',
  'item.edited',
  'item.deleted',
  'item.viewed',
  'message.sent',
  'thread.created',
  'thread.joined',
  'thread.left',
  'thread.role_changed',
  'relation.followed',
  'relation.unfollowed',
  'relation.blocked',
  'relation.unblocked',
  'report.filed',
  'generation.requested',
  'generation.completed',
  'ad.submitted',
  'payment.made',
] as const
export type BuiltInEventType = (typeof eventTypes)[number]

export type Attributes = Record<string, unknown>
export type EventActor = { id: string; kind?: string; attributes?: Attributes }
export type EventMedia = {
  id: string
  /** `photo`, `video` and `audio` are matched; other kinds are kept and shown. */
  kind: string
  /** Exactly one source, or hashes alone for platforms that may not send content. */
  url?: string
  upload?: string
  /** Base64. Replaced by `upload` before the event is stored. */
  bytes?: string
  hashes?: Record<string, string>
}
export type EventItem = {
  id: string
  kind?: string
  text?: string
  language?: string
  links?: string[]
  media?: EventMedia[]
  generated?: Attributes
  /** The item this one answers, shares or quotes. */
  parent?: string
  attributes?: Attributes
}
export type EventThread = {
  id: string
  kind?: string
  role?: string
  memberCount?: number
  admins?: string[]
  attributes?: Attributes
}
export type EventOrigin = { ip?: string; device?: string; userAgent?: string }
export type Event = {
  id: string
  type: string
  /** ISO 8601, as sent. */
  time: string
  context: string
  actor: EventActor
  item?: EventItem
  thread?: EventThread
  targets?: { id: string; kind?: string }[]
  origin?: EventOrigin
  attributes?: Attributes
}

/** Times further ahead of our clock than this are refused; a sender with a broken clock must hear of it. */
export const eventAheadMsMax = 5 * 60_000
/** Events older than this on arrival are accepted and marked late. */
export const eventLateMs = 60_000
export const textLengthMax = 100_000
export const nameLengthMax = 10_000
export const linksMax = 100
export const mediaMax = 20
export const targetsMax = 1_000
export const attributesBytesMax = 65_536
/** All attributes of one thing together, names included. */
export const attributesLengthMax = 262_144

export type ParsedEvent = { event: Event; occurredAtMs: number; late: boolean }
export type ParseEventOptions = { nowMs: number; acceptUnknownTypes: boolean; declaredTypes?: ReadonlySet<string> }

const builtIn = new Set<string>(eventTypes)
/** The built-in types that begin with the same noun, or end with the same verb, for the one who has to mend it. */
const kin = (type: string) => {
  const [noun, verb] = [type.split('.')[0], type.split('.').at(-1)]
  const near = eventTypes.filter((one) => one.startsWith(`${noun}.`) || one.endsWith(`.${verb}`))
  return near.length === 0 ? '' : ` (there are ${near.join(', ')})`
}
const knownKeys = new Set([
  'id',
  'type',
  'time',
  'context',
  'actor',
  'item',
  'thread',
  'targets',
  'origin',
  'attributes',
])
const cloudKeys = new Set(['specversion', 'source', 'datacontenttype', 'dataschema', 'subject', 'data'])

type Bag = Record<string, unknown>
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Checks one event from outside, native or as a structured CloudEvents 1.0 envelope, and returns it in native form.
 * Throws an InputError that names every bad field with its value and limit.
 */
export function parseEvent(input: unknown, options: ParseEventOptions): ParsedEvent {
  const problems: FieldProblem[] = []
  const bad = (field: string, value: unknown, problem: string, limit?: number | string) =>
    problems.push({ field, problem, value: quote(value), ...(limit === undefined ? {} : { limit }) })
  if (!isBag(input))
    throw new InputError('An event must be a JSON object', [
      { field: '', problem: 'must be an object', value: quote(input) },
    ])

  let bag: Bag = input
  if (typeof input.specversion === 'string') {
    if (input.specversion !== '1.0') bad('specversion', input.specversion, 'only CloudEvents 1.0 is understood', '1.0')
    if (!isBag(input.data)) bad('data', input.data, 'must be an object')
    bag = { ...(isBag(input.data) ? input.data : {}), id: input.id, type: input.type, time: input.time }
    for (const key of Object.keys(input)) {
      if (!cloudKeys.has(key) && !knownKeys.has(key) && !/^[a-z0-9]{1,40}$/.test(key))
        bad(quote(key), input[key], 'is not a CloudEvents attribute')
    }
  }
  for (const key of Object.keys(bag)) if (!knownKeys.has(key)) bad(quote(key), bag[key], 'unknown field')

  const id = bag.id
  if (!isId(id)) bad('id', id, 'must be a string of 1 to 256 characters without control characters', idLengthMax)
  const type = bag.type
  if (typeof type !== 'string' || !/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/.test(type) || type.length > 100)
    bad('type', type, 'must look like "message.sent" (lower case, dotted)', 100)
  else if (!builtIn.has(type) && !options.acceptUnknownTypes && !options.declaredTypes?.has(type))
    bad('type', type, `unknown event type${kin(type)}; declare it in the tenant settings or accept unknown types`)
  const occurredAtMs = parseTime(bag.time, bad, options.nowMs)
  const context = bag.context ?? 'default'
  if (typeof context !== 'string' || !/^[a-z][a-z0-9_]{0,63}$/.test(context))
    bad('context', context, 'must be lower case letters, digits and _', 64)

  checkActor(bag.actor, bad)
  if (bag.item !== undefined) checkItem(bag.item, bad)
  if (bag.thread !== undefined) checkThread(bag.thread, bad)
  if (bag.targets !== undefined) checkTargets(bag.targets, bad)
  if (bag.origin !== undefined) checkOrigin(bag.origin, bad)
  if (bag.attributes !== undefined) checkAttributes('attributes', bag.attributes, bad)

  if (problems.length > 0)
    throw new InputError(
      `Event ${quote(id ?? '(without id)')} cannot be accepted: ${problems[0]!.field || 'input'} ${problems[0]!.problem}`,
      problems,
    )
  const event = (bag.context === undefined ? { ...bag, context } : bag) as Event
  return { event, occurredAtMs, late: options.nowMs - occurredAtMs > eventLateMs }
}

type Bad = (field: string, value: unknown, problem: string, limit?: number | string) => void

function parseTime(value: unknown, bad: Bad, nowMs: number): number {
  if (
    typeof value !== 'string' ||
    !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(value)
  ) {
    bad('time', value, 'must be an ISO 8601 time with a zone, such as 2026-11-20T12:00:00.250Z')
    return Number.NaN
  }
  const timeMs = Date.parse(value)
  if (Number.isNaN(timeMs)) bad('time', value, 'is not a real date')
  else if (timeMs - nowMs > eventAheadMsMax)
    bad(
      'time',
      value,
      `is ${Math.round((timeMs - nowMs) / 1000)} s ahead of the server clock (${new Date(nowMs).toISOString()})`,
      '300 s ahead',
    )
  else if (timeMs < 0) bad('time', value, 'is before 1970')
  return timeMs
}

function checkId(field: string, value: unknown, bad: Bad): void {
  if (!isId(value)) bad(field, value, 'must be a string of 1 to 256 characters without control characters', idLengthMax)
}

function checkText(field: string, value: unknown, lengthMax: number, bad: Bad): void {
  if (value === undefined) return
  if (typeof value !== 'string') bad(field, value, 'must be a string')
  else if (value.length > lengthMax) bad(field, value, `is ${value.length} characters long`, lengthMax)
}

function checkKeys(prefix: string, value: Bag, allowed: ReadonlySet<string>, bad: Bad): void {
  for (const key of Object.keys(value))
    if (!allowed.has(key))
      bad(named(prefix, key), value[key], 'unknown field; put fields of your own under "attributes"')
}

function checkAttributes(field: string, value: unknown, bad: Bad): void {
  if (value === undefined) return
  if (!isBag(value)) return bad(field, value, 'must be an object')
  let length = 0
  for (const key in value) {
    const entry = value[key]
    length += key.length
    if (typeof entry === 'string') {
      length += entry.length
      if (entry.length > nameLengthMax)
        bad(named(field, key), entry, `is ${entry.length} characters long`, nameLengthMax)
    } else if (typeof entry === 'object' && entry !== null) {
      if (nestedDeeper(entry, nestingMax - 1)) {
        bad(named(field, key), entry, 'is nested too deep', nestingMax)
        continue
      }
      const written = JSON.stringify(entry).length
      length += written
      if (written > attributesBytesMax) bad(named(field, key), entry, 'is too large', attributesBytesMax)
    }
  }
  if (length > attributesLengthMax) bad(field, `${length} characters`, 'are too large together', attributesLengthMax)
}

/** The path of a field whose name the sender chose. */
function named(prefix: string, key: string): string {
  return `${prefix}.${quote(key)}`
}

const actorKeys = new Set(['id', 'kind', 'attributes'])
function checkActor(value: unknown, bad: Bad): void {
  if (!isBag(value)) return bad('actor', value, 'is required and must be an object with an id')
  checkId('actor.id', value.id, bad)
  checkText('actor.kind', value.kind, 64, bad)
  checkAttributes('actor.attributes', value.attributes, bad)
  checkKeys('actor', value, actorKeys, bad)
}

const itemKeys = new Set(['id', 'kind', 'text', 'language', 'links', 'media', 'generated', 'parent', 'attributes'])
function checkItem(value: unknown, bad: Bad): void {
  if (!isBag(value)) return bad('item', value, 'must be an object')
  checkId('item.id', value.id, bad)
  checkText('item.kind', value.kind, 64, bad)
  checkText('item.text', value.text, textLengthMax, bad)
  checkText('item.language', value.language, 35, bad)
  if (value.parent !== undefined) checkId('item.parent', value.parent, bad)
  checkAttributes('item.attributes', value.attributes, bad)
  checkAttributes('item.generated', value.generated, bad)
  checkKeys('item', value, itemKeys, bad)
  if (value.links !== undefined) {
    if (!Array.isArray(value.links)) bad('item.links', value.links, 'must be an array of strings')
    else {
      if (value.links.length > linksMax) bad('item.links', value.links.length, 'too many links', linksMax)
      value.links.forEach((link, index) => checkText(`item.links[${index}]`, link ?? null, 4_096, bad))
    }
  }
  if (value.media === undefined) return
  if (!Array.isArray(value.media)) return bad('item.media', value.media, 'must be an array')
  if (value.media.length > mediaMax) bad('item.media', value.media.length, 'too many media', mediaMax)
  value.media.forEach((media: unknown, index) => checkMedia(`item.media[${index}]`, media, bad))
}

const mediaKeys = new Set(['id', 'kind', 'url', 'upload', 'bytes', 'hashes'])
function checkMedia(field: string, value: unknown, bad: Bad): void {
  if (!isBag(value)) return bad(field, value, 'must be an object')
  checkId(`${field}.id`, value.id, bad)
  if (typeof value.kind !== 'string' || !/^[a-z]{1,32}$/.test(value.kind))
    bad(`${field}.kind`, value.kind, 'must be a word such as "photo"', 32)
  checkKeys(field, value, mediaKeys, bad)
  const sources = ['url', 'upload', 'bytes'].filter((key) => value[key] !== undefined)
  if (sources.length > 1) bad(field, sources.join(', '), 'give one of url, upload or bytes', 1)
  if (sources.length === 0 && value.hashes === undefined) bad(field, value, 'needs url, upload, bytes or hashes')
  checkText(`${field}.url`, value.url, 4_096, bad)
  if (value.upload !== undefined && (typeof value.upload !== 'string' || !/^[0-9a-f]{64}$/.test(value.upload)))
    bad(`${field}.upload`, value.upload, 'must be an upload id as answered by POST /v1/uploads')
  if (value.bytes !== undefined && (typeof value.bytes !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value.bytes)))
    bad(`${field}.bytes`, value.bytes, 'must be base64')
  if (value.hashes !== undefined) {
    if (!isBag(value.hashes)) bad(`${field}.hashes`, value.hashes, 'must be an object')
    else if (
      value.hashes.pdq !== undefined &&
      (typeof value.hashes.pdq !== 'string' || !/^[0-9a-f]{64}$/i.test(value.hashes.pdq))
    )
      bad(`${field}.hashes.pdq`, value.hashes.pdq, 'must be 64 hexadecimal digits', 64)
    else for (const key in value.hashes) checkText(named(`${field}.hashes`, key), value.hashes[key] ?? null, 4_096, bad)
  }
}

const threadKeys = new Set(['id', 'kind', 'role', 'memberCount', 'admins', 'attributes'])
function checkThread(value: unknown, bad: Bad): void {
  if (!isBag(value)) return bad('thread', value, 'must be an object')
  checkId('thread.id', value.id, bad)
  checkText('thread.kind', value.kind, 64, bad)
  checkText('thread.role', value.role, 64, bad)
  if (
    value.memberCount !== undefined &&
    (!Number.isSafeInteger(value.memberCount) || (value.memberCount as number) < 0)
  )
    bad('thread.memberCount', value.memberCount, 'must be a whole number from 0')
  if (value.admins !== undefined) {
    if (!Array.isArray(value.admins) || value.admins.length > targetsMax)
      bad('thread.admins', value.admins, 'must be an array of ids', targetsMax)
    else value.admins.forEach((admin, index) => checkId(`thread.admins[${index}]`, admin, bad))
  }
  checkAttributes('thread.attributes', value.attributes, bad)
  checkKeys('thread', value, threadKeys, bad)
}

const targetKeys = new Set(['id', 'kind'])
function checkTargets(value: unknown, bad: Bad): void {
  if (!Array.isArray(value)) return bad('targets', value, 'must be an array')
  if (value.length > targetsMax) bad('targets', value.length, 'too many targets', targetsMax)
  value.forEach((target: unknown, index) => {
    if (!isBag(target)) return bad(`targets[${index}]`, target, 'must be an object with an id')
    checkId(`targets[${index}].id`, target.id, bad)
    checkText(`targets[${index}].kind`, target.kind, 64, bad)
    checkKeys(`targets[${index}]`, target, targetKeys, bad)
  })
}

const originKeys = new Set(['ip', 'device', 'userAgent'])
function checkOrigin(value: unknown, bad: Bad): void {
  if (!isBag(value)) return bad('origin', value, 'must be an object')
  checkText('origin.ip', value.ip, 64, bad)
  checkText('origin.device', value.device, 256, bad)
  checkText('origin.userAgent', value.userAgent, 1_024, bad)
  checkKeys('origin', value, originKeys, bad)
}
