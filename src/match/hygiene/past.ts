import type { Query } from '../../storage/database.ts'
import { itemsOfHits } from '../seen/items.ts'
import type { Seen } from '../seen/seen.ts'

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

const dayMs = 86_400_000

/** Looks past content up in what was kept of it; what lies before the time asked for is left out. */
export function createPastMatches({
  query,
  seen,
  itemsMax,
}: {
  query: Query
  seen: Pick<Seen, 'find'>
  itemsMax: (tenantId: string) => number
}): PastMatches {
  return async (tenantId, signals, { sinceMs, limit }) => {
    const { hits } = await seen.find(tenantId, signals, { limit: itemsMax(tenantId) })
    const items = (await itemsOfHits(query, tenantId, hits)).filter(({ occurredAtMs }) => occurredAtMs >= sinceMs)
    const days = new Map<number, number>()
    for (const { occurredAtMs } of items) {
      const day = occurredAtMs - (occurredAtMs % dayMs)
      days.set(day, (days.get(day) ?? 0) + 1)
    }
    return {
      count: items.length,
      perDay: [...days].map(([day, matches]) => ({ dayMs: day, matches })).sort((a, b) => a.dayMs - b.dayMs),
      sample: items.slice(0, limit).map((item) => ({ ...item })),
    }
  }
}
