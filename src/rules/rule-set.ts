import { createHash } from 'node:crypto'
import type { FeatureDocument, FeatureKind, ListDocument, RuleDocument, RuleMode } from '../domain/rule.ts'
import type { Expression } from './expression.ts'

/** A feature ready to be counted. */
export type Feature = {
  name: string
  kind: FeatureKind
  document: FeatureDocument
  key: Expression
  of?: Expression
  where?: Expression
  on: ReadonlySet<string>
  windowMs: number
  perMs: number
  latenessMs: number
  /** Of everything that decides its values; features with the same digest have the same state. */
  sha256: string
}

/** One version of a rule. It carries all that it reads, so it never changes its meaning when other rules change. */
export type Rule = {
  id: string
  version: number
  mode: RuleMode
  document: RuleDocument
  when: Expression
  on: ReadonlySet<string>
  /** Where the values of its features stand among those of the set. */
  featureIndex: ReadonlyMap<string, number>
  lists: ReadonlyMap<string, (text: string) => boolean>
}

/** Rules ready to be evaluated together. */
export type RuleSet = {
  rules: Rule[]
  /** Those of all rules; two rules may know different features by one name. */
  features: Feature[]
  /** Live and shadow rules on an event type. */
  rulesOn: (type: string) => readonly Rule[]
  /** Digest of the declarations of all features: a snapshot of their state is good while it stays the same. */
  declaredSha256: string
}

/**
 * Puts rules together that were compiled over the same list of features; those must be in the order in which the rules
 * know them.
 */
export function ruleSetOf(rules: Rule[], features: Feature[]): RuleSet {
  const declaredSha256 = sha256(features.map((feature) => `${feature.name}:${feature.sha256}`).join('\n'))
  return { rules, features, rulesOn: indexByType(rules), declaredSha256 }
}

/** SHA-256 of a text, in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function indexByType(rules: Rule[]): (type: string) => readonly Rule[] {
  const active = rules.filter(({ mode }) => mode !== 'off')
  const byType = new Map<string, Rule[]>()
  return (type) => {
    let found = byType.get(type)
    if (found === undefined) {
      found = active.filter(({ on }) => on.has('*') || on.has(type))
      // Types come from outside when unknown ones are accepted; the index must not grow with them.
      if (byType.size < 1_000) byType.set(type, found)
    }
    return found
  }
}

/** How a list answers whether it holds a text. */
export function listReader({ kind, entries }: ListDocument): (text: string) => boolean {
  if (kind === 'values') {
    const values = new Set(entries)
    return (text) => values.has(text)
  }
  const words = new Set(entries.map((entry) => entry.trim().toLowerCase()))
  if (kind === 'words') return (text) => words.has(text.trim().toLowerCase())
  return (text) => {
    let host = text.trim().toLowerCase()
    for (;;) {
      if (words.has(host)) return true
      const dot = host.indexOf('.')
      if (dot < 0) return false
      host = host.slice(dot + 1)
    }
  }
}
