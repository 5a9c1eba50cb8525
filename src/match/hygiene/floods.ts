import type { BankHygieneSettings } from '../../domain/settings.ts'
import { poissonTail } from '../../kernels/poisson.ts'

export type FloodReading = {
  entryId: string
  bankId: string
  /** Matches within the window that ends now. */
  matches: number
  /** Matches of its own past, from the beginning of the baseline to that of the window, and how long that is. */
  pastMatches: number
  pastMs: number
  /** The busiest window of its past before it was last released: that much was looked at and found right. */
  acceptedMatches: number
}

/** What an entry without a past is expected to match within a window. */
const newcomerMatches = 1

/** Matches that the past of an entry leads one to expect within a window. */
export function expectedMatches(reading: FloodReading, windowMs: number): number {
  const windows = Math.max(1, reading.pastMs / windowMs)
  return Math.max((reading.pastMatches + newcomerMatches) / windows, reading.acceptedMatches, newcomerMatches / windows)
}

/**
 * Whether an entry matches far more than its own past: at least so many, so many times what was expected, and too many
 * for chance (the tail of a Poisson distribution around what was expected).
 */
export function isFlood(reading: FloodReading, flood: BankHygieneSettings['flood']): boolean {
  const { matches } = reading
  const expected = expectedMatches(reading, flood.windowMinutes * 60_000)
  return (
    matches >= flood.matchesMin &&
    matches >= expected * flood.factorMin &&
    poissonTail(matches, expected) <= flood.tailMax
  )
}
