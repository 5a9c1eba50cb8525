import type { Facts, MatchRef, Severity } from './entry.ts'
import type { SubjectRef } from './subject.ts'

/** What one rule proposes for one event, before any policy is applied. */
export type Effect =
  | {
      kind: 'violation'
      violation: string
      severity?: Severity
      confidence: number
      route: 'auto' | 'review'
      match?: MatchRef
    }
  | { kind: 'label'; label: string; subject: SubjectRef; forMs?: number }
  | { kind: 'review'; queue: string; subject: SubjectRef; priority: number; violation?: string }
  | { kind: 'gate'; feature: string; forMs: number; reason: string }
  | { kind: 'webhook'; topic: string }

/** One rule that held for one event, with everything that it read. */
export type Hit = {
  rule: { id: string; version: number; mode: 'live' | 'shadow' }
  /** `because` of the rule in words, with the values that made it hold. */
  because: string
  effects: Effect[]
  facts: Facts
}
