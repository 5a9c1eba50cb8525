/**
 * What signals would have matched of the past content of a tenant since a time, within their types' thresholds: how many
 * items, how many on each day (UTC), and some of them.
 */
export type PastMatches = (
  tenantId: string,
  signals: Readonly<Record<string, string>>,
  options: { sinceMs: number; limit: number },
) => Promise<{
  count: number
  perDay: { dayMs: number; matches: number }[]
  sample: Record<string, unknown>[]
}>
