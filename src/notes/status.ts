// Statuses of a note, as small numbers in columns and as the words that tables use.

export const noStatus = 0
export const helpful = 1
export const notHelpful = 2
export const needsMore = 3
/** Rejected by one model so firmly that weaker models must not promote it; shown as needing more ratings. */
export const firmReject = 4
/** Would be helpful but for a safeguard; shown as needing more ratings, unless it was helpful before. */
export const needsHelp = 5

export const statusWords = [
  '',
  'CURRENTLY_RATED_HELPFUL',
  'CURRENTLY_RATED_NOT_HELPFUL',
  'NEEDS_MORE_RATINGS',
  'FIRM_REJECT',
  'NEEDS_YOUR_HELP',
] as const
export type Status = 0 | 1 | 2 | 3 | 4 | 5

/** What the author says of the post: unknown (the note was deleted), that it misleads, or that it does not. */
export const classifications = ['', 'MISINFORMED_OR_POTENTIALLY_MISLEADING', 'NOT_MISLEADING'] as const
export const misleading = 1
export const notMisleading = 2
