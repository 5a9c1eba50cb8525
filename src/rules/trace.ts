import { formatDuration } from '../domain/duration.ts'
import type { Facts } from '../domain/entry.ts'
import { contextOf, scopeOf, type EvaluateContext, type Observed } from './evaluate.ts'
import type { Rule, RuleSet } from './rule-set.ts'
import type { FeatureValue, Recorder, TraceNode } from './scope.ts'

/** How one rule came to its answer on one event. */
export type Trace = {
  rule: { id: string; version: number }
  condition: string
  /** True, false, or null: something that it needed was missing. It hits only on true. */
  value: boolean | null
  root: TraceNode
  /** Fields that were read and missing, as written in the condition. */
  missing: string[]
  /** Sub-expressions that are null because a value had a type they cannot work with. */
  mismatched: string[]
  features: { name: string; kind: string; key: string; window: string; value: FeatureValue; before: FeatureValue }[]
}

/** Evaluates a rule, writing down each sub-expression. The same answer as `evaluate` gives. */
export function trace(rule: Rule, set: RuleSet, observed: Observed, context: EvaluateContext, facts?: Facts): Trace {
  const { source } = rule.when
  const top: TraceNode = { start: 0, end: source.length, source, children: [] }
  const recorder: Recorder = { node: top, missing: new Set(), mismatched: new Set() }
  const value = rule.when.runTraced({ ...scopeOf(rule, observed, context, facts), recorder })
  const { features, previous } = rule.when.reads
  return {
    rule: { id: rule.id, version: rule.version },
    condition: source,
    value: typeof value === 'boolean' ? value : null,
    root: shown(top.children[0]!),
    missing: [...recorder.missing],
    mismatched: [...recorder.mismatched],
    features: set.features
      .filter(
        (feature, index) =>
          rule.featureIndex.get(feature.name) === index && (features.has(feature.name) || previous.has(feature.name)),
      )
      .map(({ name, kind, document, windowMs }) => ({
        name,
        kind,
        key: document.key,
        window: formatDuration(windowMs),
        value: context.features.values[rule.featureIndex.get(name)!] ?? null,
        before: context.features.before[rule.featureIndex.get(name)!] ?? null,
      })),
  }
}

/** The trace of an earlier hit, from its facts. */
export function traceFacts(rule: Rule, set: RuleSet, observed: Observed, facts: Facts): Trace {
  return trace(rule, set, observed, contextOf(rule, facts), facts)
}

function shown(node: TraceNode): TraceNode {
  return {
    ...node,
    ...('value' in node && { value: short(node.value, 0) }),
    children: node.children.map(shown),
  }
}

/** A value as it fits into a trace: long texts, lists and deep objects cut. */
function short(value: unknown, depth: number): unknown {
  if (typeof value === 'string')
    return value.length > 300 ? `${value.slice(0, 300)}… (${value.length} characters)` : value
  if (typeof value !== 'object' || value === null) return value ?? null
  if (depth >= 3) return Array.isArray(value) ? `[${value.length}]` : '{…}'
  if (Array.isArray(value)) return value.slice(0, 20).map((member) => short(member, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 20)
      .map(([key, member]) => [key, short(member, depth + 1)]),
  )
}
