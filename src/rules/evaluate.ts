import { durationMs } from '../domain/duration.ts'
import type { Effect, Hit } from '../domain/effect.ts'
import type { Facts, MatchRef } from '../domain/entry.ts'
import type { Event } from '../domain/event.ts'
import type { EffectDocument, EffectTarget } from '../domain/rule.ts'
import type { Signal } from '../domain/signal.ts'
import { subjectKey, type SubjectKind, type SubjectRef } from '../domain/subject.ts'
import { targetKind } from './calls.ts'
import type { Rule, RuleSet } from './rule-set.ts'
import type { FeatureReads, Scope } from './scope.ts'

export type Observed = { event: Event; occurredAtMs: number }

/** What the rules may read besides the event. */
export type EvaluateContext = {
  signals: readonly Signal[]
  /** As answered by `observe` of a state with the features of the same rule set. */
  features: FeatureReads
  /** Labels that a subject holds at this event. Must answer for every subject of `subjectsRead`. */
  labels: (subject: SubjectRef) => readonly string[]
}

export const noLabels = (): readonly string[] => []

/**
 * Evaluates every live and shadow rule on this event and answers those that hold, in the order of the file. A function
 * of its arguments alone: the same rules, event, signals, feature values and labels give the same hits.
 */
export function evaluate(set: RuleSet, observed: Observed, context: EvaluateContext): Hit[] {
  const hits: Hit[] = []
  const rules = set.rulesOn(observed.event.type)
  if (rules.length === 0) return hits
  const scope = scopeOf(rules[0]!, observed, context)
  for (const rule of rules) {
    scope.lists = rule.lists
    if (rule.when.run(scope) === true) hits.push(hitOf(rule, observed, context))
  }
  return hits
}

/** The subjects whose labels some rule may read on this event, so that they can be fetched together beforehand. */
export function subjectsRead(set: RuleSet, { actor, item, thread, targets = [], type }: Event): SubjectRef[] {
  const wanted = new Set(set.rulesOn(type).flatMap((rule) => [...rule.when.reads.subjects]))
  const subjects: SubjectRef[] = []
  if (wanted.has('actor')) subjects.push({ kind: 'actor', id: actor.id })
  if (wanted.has('item') && item !== undefined) subjects.push({ kind: 'item', id: item.id })
  if (wanted.has('thread') && thread !== undefined) subjects.push({ kind: 'thread', id: thread.id })
  if (wanted.has('target')) for (const target of targets) subjects.push({ kind: targetKind(target), id: target.id })
  return subjects
}

/**
 * Evaluates one rule again from the facts of an earlier hit: the same hit, or null when it does not hold on them. The
 * rule must be the version of that hit.
 */
export function reevaluate(rule: Rule, observed: Observed, facts: Facts): Hit | null {
  const context = contextOf(rule, facts)
  return rule.when.run(scopeOf(rule, observed, context, facts)) === true ? hitOf(rule, observed, context, facts) : null
}

/** The context in which a hit with these facts came about. */
export function contextOf(rule: Rule, facts: Facts): EvaluateContext {
  const features: FeatureReads = { before: [], values: [] }
  const read = (name: string) => (Object.hasOwn(facts.features, name) ? facts.features[name]! : null)
  for (const [name, index] of rule.featureIndex) {
    features.values[index] = read(name)
    features.before[index] = read(`${name}${beforeSuffix}`)
  }
  return {
    signals: facts.signals,
    features,
    labels: (subject) => (Object.hasOwn(facts.labels, subjectKey(subject)) ? facts.labels[subjectKey(subject)]! : []),
  }
}

/** Under which name facts keep the value of a feature before the event. */
export const beforeSuffix = '@before'

/** What the conditions of a rule read on one event. With `facts`, lists answer as they did then. */
export function scopeOf(rule: Rule, observed: Observed, context: EvaluateContext, facts?: Facts): Scope {
  return {
    event: observed.event,
    occurredAtMs: observed.occurredAtMs,
    signals: context.signals,
    features: context.features,
    hasLabel: (kind, id, label) => context.labels({ kind, id }).includes(label),
    lists: rule.lists,
    // Lists change between versions; a hit is judged again by what they held then.
    ...(facts !== undefined && { inList: (list: string, text: string) => facts.lists[listKey(list, text)] === true }),
    slots: [],
  }
}

const listKey = (list: string, text: string) => `${list}: ${text}`

function hitOf(rule: Rule, observed: Observed, context: EvaluateContext, known?: Facts): Hit {
  const facts = gatherFacts(rule, observed, context, known)
  return {
    rule: { id: rule.id, version: rule.version, mode: rule.mode === 'live' ? 'live' : 'shadow' },
    because: because(rule, facts),
    effects: effectsOf(rule, observed.event, facts),
    facts,
  }
}

/** What the condition read. Labels and lists depend on the path that it took, so it is run once more: hits are rare. */
function gatherFacts(rule: Rule, observed: Observed, context: EvaluateContext, known?: Facts): Facts {
  const { reads } = rule.when
  const labels = new Map<string, string[]>()
  const lists = new Map<string, boolean>()
  if (reads.labels.size > 0 || reads.lists.size > 0) {
    const scope = scopeOf(rule, observed, context, known)
    rule.when.run({
      ...scope,
      hasLabel: (kind, id, label) => {
        const holds = scope.hasLabel(kind, id, label)
        const key = subjectKey({ kind, id })
        const held = labels.get(key) ?? []
        if (holds && !held.includes(label)) held.push(label)
        labels.set(key, held)
        return holds
      },
      inList: (list, text) => {
        const holds = scope.inList?.(list, text) ?? scope.lists.get(list)!(text)
        lists.set(listKey(list, text), holds)
        return holds
      },
    })
  }
  const features: [string, number | string | boolean | null][] = []
  for (const [name, index] of rule.featureIndex) {
    if (reads.features.has(name)) features.push([name, context.features.values[index] ?? null])
    if (reads.previous.has(name)) features.push([`${name}${beforeSuffix}`, context.features.before[index] ?? null])
  }
  return {
    eventId: observed.event.id,
    signals: reads.signals.size === 0 ? [] : context.signals.filter((signal) => reads.signals.has(signal.name)),
    features: Object.fromEntries(features),
    labels: Object.fromEntries(labels),
    lists: Object.fromEntries(lists),
  }
}

/** The description of the rule with the values that it read; texts of people stay out of it. */
function because(rule: Rule, facts: Facts): string {
  const values = [
    ...Object.entries(facts.features)
      .filter(([name]) => !name.endsWith(beforeSuffix))
      .map(([name, value]) => `${name} = ${typeof value === 'number' ? Number(value.toFixed(4)) : String(value)}`),
    ...facts.signals.map((signal) => `${signal.name}: ${signal.because}`),
    ...Object.entries(facts.labels).flatMap(([subject, held]) =>
      held.map((label) => `${subject} is labelled ${label}`),
    ),
    ...Object.entries(facts.lists)
      .filter(([, holds]) => holds)
      .map(([entry]) => `in list ${entry}`),
  ]
  const text = values.length === 0 ? rule.document.description : `${rule.document.description} (${values.join('; ')})`
  return text.length > 2_000 ? `${text.slice(0, 1_999)}…` : text
}

function effectsOf(rule: Rule, event: Event, facts: Facts): Effect[] {
  return rule.document.then.flatMap((effect): Effect[] => {
    const built = buildEffect(effect, event, facts)
    return built === undefined ? [] : [built]
  })
}

/** Undefined when the event has no such subject: a label on the item of an event without one. */
function buildEffect(effect: EffectDocument, event: Event, facts: Facts): Effect | undefined {
  if (effect.violation !== undefined) {
    const match = matchOf(facts.signals)
    return { kind: 'violation', ...effect.violation, ...(match && { match }) }
  }
  if (effect.label !== undefined) {
    const subject = subjectOf(effect.label.on, event)
    const forMs = effect.label.for === undefined ? undefined : durationMs(effect.label.for)
    return subject && { kind: 'label', label: effect.label.label, subject, ...(forMs !== undefined && { forMs }) }
  }
  if (effect.review !== undefined) {
    const { queue, priority, on, violation } = effect.review
    const subject = subjectOf(on ?? (event.item === undefined ? 'actor' : 'item'), event)
    return subject && { kind: 'review', queue, priority, subject, ...(violation !== undefined && { violation }) }
  }
  if (effect.gate !== undefined)
    return {
      kind: 'gate',
      feature: effect.gate.feature,
      forMs: durationMs(effect.gate.for)!,
      reason: effect.gate.reason,
    }
  return { kind: 'webhook', topic: effect.webhook!.topic }
}

function subjectOf(on: EffectTarget, event: Event): SubjectRef | undefined {
  const of = (kind: SubjectKind, id: string | undefined) => (id === undefined ? undefined : { kind, id })
  if (on === 'target') return of(targetKind(event.targets?.[0]), event.targets?.[0]?.id)
  return of(on, event[on]?.id)
}

/** The strongest match that the rule read, as a reference to its bank entry. */
function matchOf(signals: readonly Signal[]): MatchRef | undefined {
  let best: { ref: MatchRef; confidence: number } | undefined
  for (const { evidence, confidence } of signals) {
    if (evidence === undefined || (best !== undefined && best.confidence >= confidence)) continue
    const { bankId, entryId, signalType, distance, threshold, mediaSha256, review } = evidence
    if (typeof bankId !== 'string' || typeof entryId !== 'string') continue
    best = {
      confidence,
      ref: {
        bankId,
        entryId,
        signalType: typeof signalType === 'string' ? signalType : 'unknown',
        distance: typeof distance === 'number' ? distance : 0,
        threshold: typeof threshold === 'number' ? threshold : 0,
        ...(typeof mediaSha256 === 'string' && { mediaSha256 }),
        ...(typeof review === 'string' && { review }),
      },
    }
  }
  return best?.ref
}
