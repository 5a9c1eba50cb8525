import { setImmediate } from 'node:timers/promises'
import { InputError } from '../domain/error.ts'
import type { Query } from '../storage/database.ts'
import { selectEvent, selectEvents, type StoredEvent } from '../storage/event-log.ts'
import { contextOf, evaluate } from './evaluate.ts'
import { createFeatureState, type FeatureState } from './features.ts'
import { inStreamOrder, readHistory } from './history.ts'
import { compileVersion, takeApart } from './publish.ts'
import { assemble } from './rule-book.ts'
import type { CheckOptions } from './check-file.ts'
import { ruleSetOf, type RuleSet } from './rule-set.ts'
import { selectFacts, selectRule, selectRules, selectSample, selectVersion } from './store.ts'
import { trace, type Trace } from './trace.ts'

export const previewEventsMax = 20_000
const samplesMax = 20

export type PreviewSample = {
  eventId: string
  type: string
  occurredAtMs: number
  actorId: string
  itemId?: string
  because: string
  /** Whether the current version hits it too. */
  known: boolean
}

export type Preview = {
  events: number
  fromMs: number | null
  untilMs: number | null
  /** Features begin to count at `fromMs`; windows are full from here on. Null when that is never. */
  warmFromMs: number | null
  rules: {
    ruleId: string
    hits: number
    /** Hits of the current live or shadow version on the same events. */
    current: number
    added: number
    removed: number
    actors: number
    samples: PreviewSample[]
    /** Events that only the current version hits. */
    lost: PreviewSample[]
  }[]
}

/**
 * What the rules of a draft would have done on the newest events, beside what their current versions do on the same.
 * Both start with empty windows. Throws an InputError for a draft that does not stand the check.
 */
export async function previewRules(
  query: Query,
  tenantId: string,
  { text, events: count }: { text: string; events: number },
  options: CheckOptions = {},
): Promise<Preview> {
  if (!Number.isInteger(count) || count < 1 || count > previewEventsMax)
    throw new InputError(`Cannot preview on ${count} events`, [
      { field: 'events', problem: 'must be a whole number from 1', limit: previewEventsMax },
    ])
  const features: RuleSet['features'] = []
  const draftRules = takeApart(text, options).map(({ rule, text: own }) =>
    // A rule that is off in the draft is previewed all the same: to see it work is why somebody asks.
    compileVersion({ ruleId: rule.id, version: 0, text: own, mode: 'live' }, features, options),
  )
  const draft = ruleSetOf(draftRules, features)
  const wanted = new Set(draftRules.map(({ id }) => id))
  const current = assemble(
    (await selectRules(query, tenantId)).filter(({ ruleId }) => wanted.has(ruleId)),
    options,
  ).set
  const events = inStreamOrder(await selectEvents(query, tenantId, { limit: count }))
  const history = await readHistory(query, tenantId, [draft, current], events)
  const draftState = createFeatureState(draft)
  const currentState = createFeatureState(current)
  const tallies = new Map(
    draftRules.map(({ id }) => [
      id,
      {
        hits: 0,
        current: 0,
        added: 0,
        removed: 0,
        actors: new Set<string>(),
        samples: [] as PreviewSample[],
        lost: [] as PreviewSample[],
      },
    ]),
  )
  for (const [index, stored] of events.entries()) {
    if (index % 500 === 499) await setImmediate()
    const shared = { signals: history.signalsOf(stored.event.id), labels: history.labelsAt(stored.occurredAtMs) }
    const hitsOf = (set: RuleSet, state: FeatureState) =>
      new Map(
        evaluate(set, stored, { ...shared, features: state.observe(stored) }).map((hit) => [hit.rule.id, hit] as const),
      )
    const now = hitsOf(draft, draftState)
    const before = hitsOf(current, currentState)
    for (const [id, tally] of tallies) {
      const hit = now.get(id)
      const known = before.get(id)
      if (known !== undefined) tally.current++
      if (hit !== undefined) {
        tally.hits++
        tally.actors.add(stored.event.actor.id)
        if (known === undefined) tally.added++
        tally.samples.unshift(sampleOf(stored, hit.because, known !== undefined))
        tally.samples.length = Math.min(tally.samples.length, samplesMax)
      } else if (known !== undefined) {
        tally.removed++
        tally.lost.unshift(sampleOf(stored, known.because, true))
        tally.lost.length = Math.min(tally.lost.length, samplesMax)
      }
    }
  }
  const times = events.map(({ occurredAtMs }) => occurredAtMs)
  const fromMs = times.length === 0 ? null : times.reduce((least, timeMs) => Math.min(least, timeMs))
  const untilMs = times.length === 0 ? null : times.reduce((most, timeMs) => Math.max(most, timeMs))
  const warmMs = fromMs === null ? null : fromMs + Math.max(0, ...draft.features.map(({ windowMs }) => windowMs))
  return {
    events: events.length,
    fromMs,
    untilMs,
    warmFromMs: warmMs === null || warmMs > untilMs! ? null : warmMs,
    rules: [...tallies].map(([ruleId, tally]) => ({ ruleId, ...tally, actors: tally.actors.size })),
  }
}

function sampleOf({ event, occurredAtMs }: StoredEvent, because: string, known: boolean): PreviewSample {
  const { id: eventId, type, actor, item } = event
  return { eventId, type, occurredAtMs, actorId: actor.id, ...(item && { itemId: item.id }), because, known }
}

export type TracedEvent = Trace & {
  /**
   * Where the values come from: `recorded` facts of the hit itself; `replayed` from every event in the windows;
   * `partial` when there were too many events to replay, so that features are lower bounds.
   */
  source: 'recorded' | 'replayed' | 'partial'
}

/** How a rule judges a stored event: from the facts of its hit, or else from the events before it. */
export async function traceEvent(
  query: Query,
  tenantId: string,
  { ruleId, eventId, version }: { ruleId: string; eventId: string; version?: number },
  options: CheckOptions = {},
): Promise<TracedEvent | undefined> {
  const target = await selectEvent(query, tenantId, eventId)
  if (target === undefined) return undefined
  const recorded =
    (await selectFacts(query, tenantId, eventId, ruleId)) ?? (await selectSample(query, tenantId, ruleId, eventId))
  const wanted = version ?? recorded?.version ?? (await selectRule(query, tenantId, ruleId))?.version
  const stored = wanted === undefined ? undefined : await selectVersion(query, tenantId, ruleId, wanted)
  if (stored === undefined) return undefined
  const features: RuleSet['features'] = []
  const rule = compileVersion({ ...stored, mode: 'live' }, features, options)
  const set = ruleSetOf([rule], features)
  if (recorded !== undefined && recorded.version === stored.version) {
    const context = contextOf(rule, recorded.facts)
    return { ...trace(rule, set, target, context, recorded.facts), source: 'recorded' }
  }
  const reachMs = Math.max(0, ...features.map(({ windowMs, latenessMs }) => windowMs + latenessMs))
  const before =
    reachMs === 0
      ? [target]
      : await selectEvents(query, tenantId, {
          beforePosition: target.at.position + 1,
          sinceMs: target.occurredAtMs - reachMs,
          limit: previewEventsMax,
        })
  const state = createFeatureState(set)
  let read = { before: [], values: [] } as ReturnType<typeof state.observe>
  for (const [index, event] of inStreamOrder(before).entries()) {
    if (index % 500 === 499) await setImmediate()
    read = state.observe(event)
    if (event.event.id === eventId) break
  }
  const history = await readHistory(query, tenantId, [set], [target])
  const context = {
    signals: history.signalsOf(eventId),
    labels: history.labelsAt(target.occurredAtMs),
    features: read,
  }
  return {
    ...trace(rule, set, target, context),
    source: before.length >= previewEventsMax ? 'partial' : 'replayed',
  }
}
