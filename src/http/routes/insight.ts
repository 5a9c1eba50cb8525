import type { Clock } from '../../domain/ids.ts'
import { accuracy, type Accuracy } from '../../insight/accuracy.ts'
import { overview, type Overview, type PeriodName } from '../../insight/overview.ts'
import type { Database } from '../../storage/database.ts'
import { createFresh } from '../../storage/fresh.ts'
import { getAccuracy, getOverview } from '../contract/insight.ts'
import type { Mount } from '../server.ts'

/** Screens poll these; a few seconds of age cost nothing and spare the database. */
const staleMs = 5_000

export function insightRoutes(mount: Mount, { db, clock }: { db: Database; clock: Clock }): void {
  const overviews = createFresh<Overview>({
    clock,
    staleMs,
    sizeMax: 200,
    load: (key) => {
      const [period, tenantId] = split(key)
      return overview(db.query, tenantId, period as PeriodName, clock())
    },
  })
  const accuracies = createFresh<Accuracy>({
    clock,
    staleMs,
    sizeMax: 200,
    load: (tenantId) => accuracy(db.query, tenantId),
  })
  mount(
    getOverview,
    async ({ query, principal }) => (await overviews.get(`${query.period ?? '24h'} ${principal.tenantId}`))!,
  )
  mount(getAccuracy, async ({ principal }) => (await accuracies.get(principal.tenantId))!)
}

function split(key: string): [string, string] {
  const at = key.indexOf(' ')
  return [key.slice(0, at), key.slice(at + 1)]
}
