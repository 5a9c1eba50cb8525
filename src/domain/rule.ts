import type { Severity } from './entry.ts'
import type { SubjectKind } from './subject.ts'

/** `live` rules act, `shadow` rules are counted only, `off` rules are not evaluated. */
export const ruleModes = ['live', 'shadow', 'off'] as const
export type RuleMode = (typeof ruleModes)[number]

export const featureKinds = ['count', 'distinct', 'rate', 'sum', 'last'] as const
export type FeatureKind = (typeof featureKinds)[number]

/** A windowed measurement per key, declared in a rule file and read in conditions by its name. */
export type FeatureDocument = {
  kind: FeatureKind
  description?: string
  /** CEL over the event: what is counted per. A null key (a missing field) neither counts nor reads. */
  key: string
  /** CEL over the event: what is told apart (distinct; a list adds each member), added up (sum) or kept (last). */
  of?: string
  /** Event types that move the feature, or `*`. */
  on: string[]
  /** CEL over the event: only events for which it holds move the feature. */
  where?: string
  /** How far back it looks from the event that reads it: `10m`, `24h`, `90d`. */
  window: string
  /** For rates: events per this time. `1m` unless told. */
  per?: string
  /** How much later than the newest event one may arrive and still be counted exactly. `10m` unless told. */
  lateness?: string
}

export const listKinds = ['domains', 'words', 'values'] as const
export type ListKind = (typeof listKinds)[number]

/** A named list for `inList`. Domains match their subdomains too; domains and words ignore case. */
export type ListDocument = { kind: ListKind; description?: string; entries: string[] }

/** A label that rules may set or read. */
export type LabelDocument = { description: string }

/** What an effect is put on; `target` is the first target of the event. */
export type EffectTarget = SubjectKind | 'target'

export type EffectDocument = {
  violation?: { violation: string; severity?: Severity; confidence: number; route: 'auto' | 'review' }
  label?: { label: string; on: EffectTarget; for?: string }
  review?: { queue: string; priority: number; on?: EffectTarget; violation?: string }
  gate?: { feature: string; for: string; reason: string }
  webhook?: { topic: string }
}

export type RuleDocument = {
  id: string
  /** Assigned on publishing; in a file it is ignored. */
  version?: number
  owner: string
  description: string
  /** Event types, or `*`. */
  on: string[]
  /** CEL: the rule hits when it is true. Null (something it needs is missing) is not true. */
  when: string
  /** Each effect has exactly one key. */
  then: EffectDocument[]
  mode: RuleMode
  /** Circuit breaker: more hits than this in an hour of event time trip the rule to shadow. */
  quota?: number
}

/** One rule file. Rules, features, lists and labels may lie in one file or in several. */
export type RuleFile = {
  features?: Record<string, FeatureDocument>
  lists?: Record<string, ListDocument>
  labels?: Record<string, LabelDocument>
  rules?: RuleDocument[]
}
