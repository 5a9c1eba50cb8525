import { pointsText } from '../domain/plain-words.ts'
import type { Policy } from '../domain/policy.ts'
import type { Query } from '../storage/database.ts'
import { selectHistory } from './current.ts'
import { compilePolicies } from './policy-set.ts'
import type { TenantPolicies } from './policies.ts'
import { standing } from './standing.ts'
import { selectRecentActors } from './store.ts'

export type PolicyChange = { path: string; before: unknown; after: unknown }
export type PolicyImpact = {
  actors: number
  better: number
  worse: number
  examples: { actorId: string; context: string; before: string; after: string }[]
}

/** What differs between two policies, by dotted path. */
export function comparePolicies(before: unknown, after: unknown, path = ''): PolicyChange[] {
  if (Object.is(before, after)) return []
  const isBag = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
  if (!isBag(before) || !isBag(after)) return [{ path, before: before ?? null, after: after ?? null }]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    comparePolicies(before[key], after[key], path === '' ? key : `${path}.${key}`),
  )
}

const actorsLookedAt = 500
const examplesShown = 20

/**
 * What standing would be if the new policy had applied to every decision that stands, for the accounts with the newest
 * decisions. Nothing is written.
 */
export async function previewImpact(
  query: Query,
  tenantId: string,
  current: TenantPolicies,
  draft: Policy,
  nowMs: number,
): Promise<PolicyImpact> {
  const drafted = compilePolicies(new Map([[1, draft]]))
  const actors = await selectRecentActors(query, tenantId, actorsLookedAt)
  const impact: PolicyImpact = { actors: actors.length, better: 0, worse: 0, examples: [] }
  for (const actorId of actors) {
    const history = await selectHistory(query, tenantId, actorId)
    const before = standing(history, current.set, nowMs)
    const strikes = history.strikes.map((strike) => ({ ...strike, policyVersion: 1 }))
    const after = standing({ ...history, strikes }, drafted, nowMs)
    let change = 0
    for (const context of new Set([...Object.keys(before.contexts), ...Object.keys(after.contexts)])) {
      const [was, is] = [before.contexts[context], after.contexts[context]]
      const levels = (is?.level ?? 0) - (was?.level ?? 0)
      if (levels === 0) continue
      change = levels > 0 || change > 0 ? 1 : -1
      if (impact.examples.length < examplesShown)
        impact.examples.push({
          actorId,
          context,
          before: `${was?.action ?? 'none'} (${pointsText(was?.points ?? 0)})`,
          after: `${is?.action ?? 'none'} (${pointsText(is?.points ?? 0)})`,
        })
    }
    if (change > 0) impact.worse++
    if (change < 0) impact.better++
  }
  return impact
}
