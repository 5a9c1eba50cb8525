import type { Lookup } from '../../match/lookup.ts'
import { matchIndexStats } from '../contract/match-index.ts'
import type { Mount } from '../server.ts'

/** Statistics of the search indexes, for whoever runs them. */
export function matchIndexRoutes(mount: Mount, { lookup }: { lookup: Pick<Lookup, 'stats'> }): void {
  mount(matchIndexStats, ({ principal }) => lookup.stats(principal.tenantId))
}
