import type { Hit } from '../domain/effect.ts'
import { InputError } from '../domain/error.ts'
import type { EventMedia } from '../domain/event.ts'
import type { Clock } from '../domain/ids.ts'
import type { Signal } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { MatchMeter } from '../match/hygiene/meter.ts'
import type { Lookup } from '../match/lookup.ts'
import { partsOf, partsOfHashes, partsOfRecord, type MediaParts } from '../match/content.ts'
import { seenSignalsOf, type SeenSignalOf } from '../match/seen/rows.ts'
import { signalTypes } from '../match/signal-types/all.ts'
import type { LookupContent } from '../match/signal-types/signal-type.ts'
import { signalsOfMatches } from '../match/signals.ts'
import type { FetchMedia } from '../media/fetch.ts'
import { followLinks, type ResolveRedirects } from '../media/redirects.ts'
import type { MediaLibrary } from '../media/library.ts'
import { evaluate } from '../rules/evaluate.ts'
import { createFeatureStates, type RuleBook } from '../rules/rule-book.ts'
import { createQuotas } from '../rules/stats.ts'
import type { Query } from '../storage/database.ts'
import type { StreamEvent } from '../streams/stream.ts'
import type { Detectors } from './ingest.ts'
import type { LabelBook } from './label-book.ts'

export type DetectDeps = {
  query: Query
  clock: Clock
  book: RuleBook
  lookup: Lookup
  labels: LabelBook
  media: MediaLibrary
  fetchMedia: (tenantId: string) => FetchMedia
  /** Counts what each entry matches, to notice floods. */
  meter?: Pick<MatchMeter, 'count'>
  /** What the operator's models make of a text: looked up, and kept with what passed. */
  textSignals?: (text: string) => Promise<Readonly<Record<string, string>>>
  /** Undefined where the tenant does not have links followed. */
  resolveRedirects: (tenantId: string) => ResolveRedirects | undefined
}

/** Media of one batch are fetched and hashed this many at a time. */
const gatherAtOnce = 8
/** Under load, batches follow each other faster than anything here changes. */
const refreshMs = 200

/** The detectors of the worker: banks, rules, features and labels of every tenant, in the order of the stream. */
export function createDetectors(deps: DetectDeps): Detectors & {
  /** The signals of an event that was gathered, to keep; none for events that were not. */
  seenOf: (stored: StreamEvent) => readonly SeenSignalOf[]
} {
  const seen = new WeakMap<StreamEvent, readonly SeenSignalOf[]>()
  const { book, labels } = deps
  const features = createFeatureStates(book)
  const quotas = createQuotas()
  let declared = ''
  let refreshedMs = Number.NEGATIVE_INFINITY

  const refresh = async () => {
    const nowMs = deps.clock()
    if (nowMs - refreshedMs < refreshMs && nowMs >= refreshedMs && !book.stale()) return false
    refreshedMs = nowMs
    await book.refresh()
    await deps.lookup.refresh()
    await labels.follow(deps.query, book.tenants())
    features.follow()
    const before = declared
    declared = features.declaredSha256()
    return declared !== before
  }

  return {
    refresh,

    async gather(events) {
      const signals: Signal[][] = Array.from({ length: events.length })
      let next = 0
      const work = async () => {
        while (next < events.length) {
          const index = next++
          const stored = events[index]!
          const content = await contentOf(deps, stored)
          if (content === undefined) signals[index] = []
          else {
            signals[index] = await signalsOf(deps, stored, content)
            // A report shows what somebody else posted.
            if (stored.event.type !== 'report.filed') seen.set(stored, seenSignalsOf(content))
          }
        }
      }
      await quotas.load(deps.query, events, (tenantId) => book.current(tenantId))
      await Promise.all(Array.from({ length: Math.min(gatherAtOnce, events.length) }, work))
      return signals
    },

    observe: (stored) => void features.observe(stored.tenantId, stored),

    evaluate(stored, signals) {
      const hits = evaluate(book.current(stored.tenantId), stored, {
        signals,
        features: features.observe(stored.tenantId, stored),
        labels: (subject) => labels.of(stored.tenantId, subject, stored.occurredAtMs),
      })
      // A label counts from the next event on, in whatever batch that one lies; not that of a hit beyond its quota,
      // which will be counted but do nothing.
      const set = book.current(stored.tenantId)
      for (const hit of hits)
        if (hit.rule.mode === 'live' && quotas.admits(stored.tenantId, set, hit, stored.occurredAtMs))
          applyLabels(labels, stored, hit)
      return hits
    },

    seenOf: (stored) => seen.get(stored) ?? [],

    snapshot: () => features.snapshot(),
    restore: (body) => features.restore(body),

    async reset() {
      features.reset()
      labels.reset()
      refreshedMs = Number.NEGATIVE_INFINITY
    },
  }
}

function applyLabels(labels: LabelBook, { tenantId, occurredAtMs }: StreamEvent, hit: Hit): void {
  for (const effect of hit.effects)
    if (effect.kind === 'label')
      labels.apply(
        tenantId,
        effect.subject,
        effect.label,
        effect.forMs === undefined ? undefined : occurredAtMs + effect.forMs,
      )
}

/** Kinds of media that are looked up; others are kept and shown. The bytes say what a file really is. */
const lookedUp = new Set(['photo', 'video', 'audio', 'image', 'gif'])

type Content = LookupContent & { unreadable: readonly { media: EventMedia; problem: string }[] }

/** The matchable parts of the item of an event, and which media could not be read; undefined without an item. */
async function contentOf(deps: DetectDeps, { tenantId, event }: StreamEvent): Promise<Content | undefined> {
  const { item } = event
  if (item === undefined) return undefined
  const media: (MediaParts | undefined)[] = []
  const unreadable: { media: EventMedia; problem: string }[] = []
  for (const one of item.media ?? []) {
    const read = lookedUp.has(one.kind) ? await partsOfMedia(deps, tenantId, one) : undefined
    if (read !== undefined && 'problem' in read) unreadable.push({ media: one, problem: read.problem })
    media.push(read === undefined || 'problem' in read ? undefined : read)
  }
  const resolve = deps.resolveRedirects(tenantId)
  const links = item.links?.map((url) => ({ url }))
  return {
    ...(media.some((one) => one !== undefined) ? partsOf(media) : {}),
    ...(item.text === undefined ? {} : { text: item.text }),
    ...(item.text === undefined || deps.textSignals === undefined
      ? {}
      : { textSignals: await deps.textSignals(item.text) }),
    ...(links === undefined ? {} : { links: resolve === undefined ? links : await followLinks(resolve, links) }),
    unreadable,
  }
}

/** Signals of one event: what all of its parts match, looked up as one, and which media could not be read. */
async function signalsOf(
  deps: DetectDeps,
  { tenantId, event }: StreamEvent,
  { unreadable, ...content }: Content,
): Promise<Signal[]> {
  const subject: SubjectRef = { kind: 'item', id: event.item!.id }
  const signals = unreadable.map(({ media, problem }): Signal => ({
    name: 'media.unreadable',
    subject,
    value: true,
    confidence: 1,
    because: `${media.kind} "${media.id}": ${problem}`,
    version: 'media@1',
    evidence: { mediaId: media.id },
  }))
  if (Object.keys(content).length === 0) return signals
  const matches = await deps.lookup.lookup(tenantId, content, { traffic: true })
  deps.meter?.count(tenantId, matches)
  return [...signals, ...signalsOfMatches(matches, subject)]
}

async function partsOfMedia(
  deps: DetectDeps,
  tenantId: string,
  media: EventMedia,
): Promise<MediaParts | { problem: string }> {
  const hashed = media.hashes === undefined ? undefined : partsOfHashes(media.kind, knownHashes(media.hashes))
  try {
    if (media.upload !== undefined) {
      const record = await deps.media.find(tenantId, media.upload)
      return record === undefined
        ? (hashed ?? { problem: `there is no upload ${media.upload}` })
        : partsOfRecord(record)
    }
    if (media.url !== undefined) {
      const fetched = await deps.fetchMedia(tenantId)(media.url)
      if (!fetched.ok) return hashed ?? { problem: fetched.detail }
      return partsOfRecord(await deps.media.put(tenantId, fetched.bytes))
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return hashed ?? { problem: (error as Error).message }
  }
  return hashed ?? { problem: 'it came without content or known hashes' }
}

/** Of the hashes that a platform sent, those of a known type in its form; one that is wrong is as good as none. */
function knownHashes(hashes: Readonly<Record<string, string>>): Record<string, string> {
  const known: Record<string, string> = {}
  for (const type of signalTypes) {
    const given = hashes[type.name]
    if (given === undefined) continue
    try {
      known[type.name] = type.parse(type.name, given)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
  }
  return known
}
