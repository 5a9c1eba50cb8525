import type { Clock } from '../../domain/ids.ts'
import type { Lookup } from '../../match/lookup.ts'
import type { RuleBook } from '../../rules/rule-book.ts'
import type { Database } from '../../storage/database.ts'
import { readCursors, streamLag } from '../../storage/event-log.ts'
import { countLedger } from '../../storage/ledger-records.ts'
import { getStatus } from '../contract/status.ts'
import type { Mount } from '../server.ts'

export type StatusDeps = {
  db: Database
  clock: Clock
  release: string
  startedAtMs: number
  parts: readonly { name: string; on: boolean; how: string }[]
  consumer: string
  lookup: Pick<Lookup, 'size'>
  book: Pick<RuleBook, 'broken'>
}

/** The status page: what is on, how far the worker is, and what needs a hand. */
export function statusRoutes(mount: Mount, deps: StatusDeps): void {
  mount(getStatus, async ({ principal }) => {
    const nowMs = deps.clock()
    const [lag, cursors, ledger] = await Promise.all([
      streamLag(deps.db.query, deps.consumer, nowMs),
      readCursors(deps.db.query, deps.consumer),
      countLedger(deps.db.query, principal.tenantId),
    ])
    return {
      release: deps.release,
      startedAtMs: deps.startedAtMs,
      nowMs,
      parts: [...deps.parts],
      stream: {
        behindEvents: lag.events,
        behindMs: Math.round(lag.ageMs),
        judgedEvents: cursors.reduce((sum, cursor) => sum + cursor.events, 0),
      },
      ledger,
      bankEntries: deps.lookup.size().entries,
      brokenRules: deps.book.broken(principal.tenantId).map(({ ruleId, version }) => ({ ruleId, version })),
    }
  })
}
