import type { Clock } from '../../domain/ids.ts'
import type { Database } from '../../storage/database.ts'
import { addMatchCounts } from './store.ts'

/** Matches are counted in spans of so long. */
export const spanMs = 600_000

export type MatchMeter = {
  /** Counts one for each entry that is among the matches of one piece of content. */
  count: (tenantId: string, matches: readonly { entryId: string }[]) => void
  /** Writes what was counted. What a crash loses is that since the last time. */
  flush: () => Promise<void>
}

/** Counts how often entries match: in memory, and written together. Not in the ledger, for it is no judgement. */
export function createMatchMeter({ db, clock }: { db: Pick<Database, 'query'>; clock: Clock }): MatchMeter {
  let counts = new Map<string, { tenantId: string; entryId: string; spanMs: number; matches: number }>()
  return {
    count(tenantId, matches) {
      if (matches.length === 0) return
      const nowMs = clock()
      const span = nowMs - (nowMs % spanMs)
      for (const entryId of new Set(matches.map((match) => match.entryId))) {
        const key = `${span} ${tenantId} ${entryId}`
        const held = counts.get(key)
        if (held === undefined) counts.set(key, { tenantId, entryId, spanMs: span, matches: 1 })
        else held.matches++
      }
    },
    async flush() {
      if (counts.size === 0) return
      const writing = counts
      counts = new Map()
      try {
        await addMatchCounts(db.query, [...writing.values()])
      } catch (error) {
        for (const [key, value] of writing) {
          const held = counts.get(key)
          if (held === undefined) counts.set(key, value)
          else held.matches += value.matches
        }
        throw error
      }
    },
  }
}
