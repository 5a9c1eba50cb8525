import type { Clock } from '../../domain/ids.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { checkQueue, defaultQueues, queueOf } from '../../review/queue.ts'
import { selectQueueCounts, selectQueues } from '../../review/store.ts'
import type { Database } from '../../storage/database.ts'
import { listQueues, setQueue } from '../contract/queues.ts'
import { authorOf } from '../principal.ts'
import type { Mount } from '../server.ts'

export type QueueRoutesDeps = { db: Database; ledger: Ledger; clock: Clock }

export function queueRoutes(mount: Mount, deps: QueueRoutesDeps): void {
  mount(listQueues, async ({ principal }) => {
    const nowMs = deps.clock()
    const { tenantId } = principal
    const configured = await selectQueues(deps.db.query, tenantId)
    const counts = new Map(
      (await selectQueueCounts(deps.db.query, tenantId, nowMs)).map((count) => [count.queue, count]),
    )
    const names = new Set([...[...defaultQueues, ...configured].map((queue) => queue.queue), ...counts.keys()])
    const items = [...names].map((name) => {
      const queue = queueOf(configured, name)
      const count = counts.get(name)
      const oldestAtMs = count?.oldestAtMs ?? null
      return {
        ...queue,
        mine: principal.scopes.has(queue.needs) && principal.scopes.has('review:write'),
        open: count?.open ?? 0,
        claimed: count?.claimed ?? 0,
        overdue: count?.overdue ?? 0,
        oldestAtMs,
        oldestAgeMs: oldestAtMs === null ? null : Math.max(0, nowMs - oldestAtMs),
        soonestDueMs: count?.soonestDueMs ?? null,
      }
    })
    return { items, nowMs }
  })

  mount(setQueue, async ({ params, body, principal }) => {
    const queue = checkQueue({ queue: params.queue, ...body })
    await deps.db.transaction((tx) =>
      deps.ledger.append(tx, principal.tenantId, [
        {
          kind: 'queue.configured',
          // Settings are about no one: the entry stands under the person who made it.
          subject: { kind: 'actor', id: principal.id },
          occurredAtMs: deps.clock(),
          author: authorOf(principal),
          automation: 'none',
          because: [],
          body: queue,
        },
      ]),
    )
    return queue
  })
}
