import type { SubjectRef } from './subject.ts'

/** A named measurement on a subject. `because` says it in words that a reviewer can check. */
export type Signal = {
  /** For example `match.media`, `match.text`. */
  name: string
  subject: SubjectRef
  value: number | string | boolean
  /** 0 to 1. */
  confidence: number
  because: string
  /** Which algorithm made it, and its version: `pdq@1`. */
  version: string
  /** What a person or program needs to check it: bank, entry, distance, threshold, offsets. */
  evidence?: Record<string, unknown>
}

/** A reason in a chain: what was measured, its value, and why it matters. */
export type Reason = { name: string; value: unknown; because: string; ref?: string }
