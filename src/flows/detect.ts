import type { Hit } from '../domain/effect.ts'
import { InputError } from '../domain/error.ts'
import type { EventMedia } from '../domain/event.ts'
import type { Clock } from '../domain/ids.ts'
import type { Signal } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { MatchMeter } from '../match/hygiene/meter.ts'
import type { Lookup } from '../match/lookup.ts'
import { partsOf, partsOfHashes, partsOfRecord, type MediaParts } from '../match/content.ts'
import { signalTypes } from '../match/signal-types/all.ts'
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
  /** Undefined where the tenant does not have links followed. */
  resolveRedirects: (tenantId: string) => ResolveRedirects | undefined
}

/** Media of one batch are fetched and hashed this many at a time. */
const gatherAtOnce = 8
/** Under load, batches follow each other faster than anything here changes. */
const refreshMs = 200

/** The detectors of the worker: banks, rules, features and labels of every tenant, in the order of the stream. */
export function createDetectors(deps: DetectDeps): Detectors {
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
          signals[index] = await signalsOf(deps, events[index]!)
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

/** Signals of one event: what all of its parts match, looked up as one, and which media could not be read. */
async function signalsOf(deps: DetectDeps, { tenantId, event }: StreamEvent): Promise<Signal[]> {
  const { item } = event
  if (item === undefined) return []
  const subject: SubjectRef = { kind: 'item', id: item.id }
  const signals: Signal[] = []
  const media: (MediaParts | undefined)[] = []
  for (const one of item.media ?? []) {
    const read = lookedUp.has(one.kind) ? await partsOfMedia(deps, tenantId, one) : undefined
    if (read !== undefined && 'problem' in read)
      signals.push({
        name: 'media.unreadable',
        subject,
        value: true,
        confidence: 1,
        because: `${one.kind} "${one.id}": ${read.problem}`,
        version: 'media@1',
        evidence: { mediaId: one.id },
      })
    media.push(read === undefined || 'problem' in read ? undefined : read)
  }
  if (media.every((one) => one === undefined) && item.text === undefined && item.links === undefined) return signals
  const links = (item.links ?? []).map((url) => ({ url }))
  const resolve = deps.resolveRedirects(tenantId)
  const content = {
    ...partsOf(media),
    text: item.text,
    links: resolve === undefined ? links : await followLinks(resolve, links),
  }
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
