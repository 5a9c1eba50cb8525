import type { Severity } from './entry.ts'

/** Ways in which points fade before they expire. */
export type Decay =
  | { kind: 'none' }
  | { kind: 'step'; steps: { afterMs: number; share: number }[] }
  | { kind: 'half_life'; halfLifeMs: number }

export type FirstOccurrence = {
  handling: 'education' | 'warning'
  /** Only violations up to this severity are forgiven once. */
  severityMax: Severity
  /** After training, the warning lapses when this long has passed without the same violation. */
  lapseAfterTrainingMs: number
}

export type PolicyViolation = {
  id: string
  title: string
  text: string
  url?: string
  /** Title and text in other languages, by language tag. */
  translations: Record<string, { title: string; text: string }>
  ground: 'legal' | 'contractual'
  /** The law or clause that is broken, in words. */
  reference: string
  /** A STATEMENT_CATEGORY_… of the EU transparency database. */
  category: string
  severity: Severity
  /** Points per severity. */
  points: Record<Severity, number>
  expiryMs: number
  firstOccurrence?: FirstOccurrence
  /** Points fall only from the n-th occurrence within the window on. */
  occurrences?: { count: number; windowMs: number }
  /** An item older than this when it is found is removed, but costs nothing. */
  itemAgeMsMax?: number
  /** Acts in every context at once, whatever its severity. */
  egregious: boolean
  /** Violations with one dedupe key within one such span count as one strike of the highest severity. */
  dedupeWindowMs: number
  removesItem: boolean
}

export type LadderStep = {
  /** Points from which the step holds. */
  at: number
  action: string
  /** `all`, or names of features of the context. */
  closes: 'all' | string[]
  /** Undefined for a notice (it holds while the points do) and for a permanent step. */
  durationMs?: number
  permanent: boolean
}

export type Counter = {
  id: string
  /** `each`: one sum per context. A list: one sum over these contexts, acting in all of them. */
  contexts: 'each' | string[]
  /** Undefined: every violation. */
  violations?: string[]
  windowMs?: number
  decay: Decay
  ladder: string
  /** Ladders of single contexts that differ from `ladder`. */
  ladders: Record<string, string>
}

export type GateRule = {
  feature: string
  context: string
  closeAt: number
  openAt: number
  durationMs: number
  reason: string
  appealable: boolean
}

export const attributionRoles = [
  'author',
  'approver',
  'owner',
  'admin',
  'quoter',
  'member',
  'victim',
  'prompter',
  'character_creator',
  'model',
] as const
export type AttributionRole = (typeof attributionRoles)[number]

/** What a service forbids, what that costs, and what follows: versioned, and never changed once published. */
export type Policy = {
  id: string
  title: string
  effectiveFromMs?: number
  contexts: Record<string, { title: string; features: string[] }>
  violations: Record<string, PolicyViolation>
  /** What a violation that acts everywhere does. */
  everywhere: { severities: Severity[]; action: string }
  counters: Counter[]
  /** Steps by ascending points. Later steps are never milder, so that fewer points never cost more. */
  ladders: Record<string, LadderStep[]>
  spillover: {
    weight: number
    weights: { from: string; to: string; weight: number }[]
    /** Worst action that spilled points alone may cause, per target. */
    cap: string
    caps: Record<string, string>
  }
  attribution: {
    roles: Record<AttributionRole, number>
    confidenceMin: number
    /** Share of the points that an attempt costs which the model refused. */
    refusedAttempt: number
  }
  groups: { violatingShareMin: number; itemsMin: number; adminsAll: boolean; action: string }
  gates: {
    risk: GateRule[]
    /** Labels on an actor for which a check asks for a challenge. */
    challengeLabels: string[]
    /** What a check answers when standing or risk cannot be read. */
    failSafe: { otherwise: 'open' | 'closed'; features: Record<string, 'open' | 'closed'> }
  }
  /** How a new consequence meets a running one of its context: side by side, or one after the other. */
  stacking: 'longest' | 'consecutive'
  evasion: { linkConfidenceMin: number }
  appeals: { windowMs: number; coAdmins: boolean; notifiers: boolean }
  /** Texts that replace the built-in ones, by language and name. */
  notices: Record<string, Record<string, string>>
}

/** A step that only tells the person: it has no end of its own and holds while the points do. */
export function isNotice(step: LadderStep): boolean {
  return step.durationMs === undefined && !step.permanent
}

/** The violation in a language, falling back to the policy's own. */
export function violationWords(violation: PolicyViolation, language: string): { title: string; text: string } {
  const words = violation.translations[language] ?? violation.translations[language.split('-')[0]!]
  return words ?? { title: violation.title, text: violation.text }
}
