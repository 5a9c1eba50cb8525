import { checkGate as check, createGateStates, failSafe } from '../../enforcement/gates.ts'
import { contextOf, type EnforceDeps } from '../../flows/enforce.ts'
import { openGate as open } from '../../flows/marks.ts'
import { isUnavailable, type Database } from '../../storage/database.ts'
import { checkGate, openGate } from '../contract/gates.ts'
import { authorOf } from '../principal.ts'
import type { Mount } from '../server.ts'

export type GateRoutesDeps = EnforceDeps & { db: Database }

/** How long a check goes by the policy it knows before it asks for a newer one. */
const policyAgeMsMax = 1_000

export function gateRoutes(mount: Mount, deps: GateRoutesDeps): void {
  const { db } = deps
  const states = createGateStates(db.query)
  const asked = new Map<string, number>()

  /** The newest policy, at most a second old: a check must not pay for a question whose answer hardly ever changes. */
  const policyOf = async (tenantId: string) => {
    const nowMs = deps.clock()
    if (nowMs - (asked.get(tenantId) ?? -Infinity) >= policyAgeMsMax) {
      await deps.policies.load(db.query, tenantId)
      asked.set(tenantId, nowMs)
    }
    return deps.policies.known(tenantId)?.newest.policy
  }

  mount(checkGate, async ({ body, principal }) => {
    const { tenantId } = principal
    try {
      const policy = await policyOf(tenantId)
      const context = (policy && contextOf(policy, body.context)) ?? body.context
      const asks = { actorId: body.actor, feature: body.feature, context }
      return await check(states, tenantId, asks, deps.clock(), policy)
    } catch (error) {
      if (!isUnavailable(error)) throw error
      return failSafe(deps.policies.known(tenantId)?.newest.policy, body.feature)
    }
  })

  mount(openGate, async ({ body, principal }) => {
    const entries = await db.transaction((tx) =>
      open(
        tx,
        deps,
        principal.tenantId,
        { actorId: body.actor, gateId: body.gateId, how: 'person' },
        {
          author: authorOf(principal),
          automation: 'none',
          because: [{ name: 'reason', value: body.reason, because: body.reason }],
        },
      ),
    )
    return { opened: entries.length > 0 }
  })
}
