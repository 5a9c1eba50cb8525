import type { Severity, StatementOfReasons } from '../../domain/entry.ts'

/** A limit that runs now: what is closed, where, and until when. */
export type PageLimit = {
  /** A context of the policy, or `*` for the whole service. */
  context: string
  contextTitle: string
  action: string
  /** Features that are closed; `*` for all; empty for a warning. */
  features: string[]
  fromMs: number
  /** Absent when no end is set. */
  untilMs?: number
  /** Decisions that led to it. */
  decisionIds: string[]
}

export type PageAppeal = {
  appealId: string
  filedAtMs: number
  outcome?: 'upheld' | 'overturned' | 'modified'
  decidedAtMs?: number
  reason?: string
}

export type PageDecision = {
  decisionId: string
  madeAtMs: number
  status: 'active' | 'modified' | 'reversed' | 'over'
  severity: Severity
  context: string
  contextTitle: string
  removedItem: boolean
  /** Whether the item is back again. */
  restoredItem: boolean
  /** The person's own words that it is about. */
  excerpt?: string
  statement: StatementOfReasons
  limits: PageLimit[]
  appeal?: PageAppeal
  /** Why no appeal can be made (any more); undefined when it can. */
  appealRefusal?: 'window-closed' | 'already-appealed' | 'already-reversed' | 'not-eligible'
}

/** What an account holder may see of their own account, and nothing of anybody else's. */
export type PageAccount = {
  actorId: string
  displayName?: string
  /** Language of the account, when the platform told it. */
  language?: string
  limits: PageLimit[]
  /** Newest first. */
  decisions: PageDecision[]
}
