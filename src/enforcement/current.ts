import type { Query } from '../storage/database.ts'
import { compilePolicies, type PolicySet } from './policy-set.ts'
import type { Policies } from './policies.ts'
import { standing, type History, type Standing } from './standing.ts'
import { selectStrikes, selectTrainings } from './store.ts'

const none: PolicySet = compilePolicies(new Map())

/** What an actor's standing is made from, as projected. */
export async function selectHistory(query: Query, tenantId: string, actorId: string): Promise<History> {
  const { strikes } = await selectStrikes(query, tenantId, actorId)
  return { strikes, trainings: await selectTrainings(query, tenantId, actorId) }
}

/** Standing of an actor at a moment, folded now: exact also where a timer has not run yet. */
export async function standingNow(
  query: Query,
  policies: Policies,
  tenantId: string,
  actorId: string,
  nowMs: number,
): Promise<Standing> {
  const loaded = await policies.load(query, tenantId)
  if (loaded === undefined) return standing({ strikes: [], trainings: [] }, none, nowMs)
  return standing(await selectHistory(query, tenantId, actorId), loaded.set, nowMs)
}
