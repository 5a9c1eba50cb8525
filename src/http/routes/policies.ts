import type { Static } from 'typebox'
import type { Policy } from '../../domain/policy.ts'
import { ensurePolicies, publishPolicy as publish, type Policies } from '../../enforcement/policies.ts'
import { readPolicy } from '../../enforcement/policy-file.ts'
import { comparePolicies, previewImpact } from '../../enforcement/preview.ts'
import { selectPolicies, type PolicyRow } from '../../enforcement/store.ts'
import type { EnforceDeps } from '../../flows/enforce.ts'
import type { Database } from '../../storage/database.ts'
import {
  getPolicy,
  listPolicies,
  PolicySummary,
  previewPolicy,
  publishPolicy,
  type PolicyVersion,
} from '../contract/policies.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf } from '../principal.ts'
import { notFound, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type PolicyRoutesDeps = EnforceDeps & { db: Database; policies: Policies }

export function policyRoutes(mount: Mount, deps: PolicyRoutesDeps): void {
  const { db } = deps

  /** All versions, newest first, publishing the reference policy for a tenant that has none yet. */
  const load = async (tenantId: string) => {
    const policies =
      (await deps.policies.load(db.query, tenantId)) ??
      (await db.transaction((tx) => ensurePolicies(tx, deps, tenantId)))
    const inForce = policies.inForce(deps.clock()).version
    const view = (row: PolicyRow): PolicyVersion => {
      const { text: _, ...rest } = row
      return { ...rest, title: policies.set.versions.get(row.version)!.policy.title, inForce: row.version === inForce }
    }
    return { policies, rows: await selectPolicies(db.query, tenantId), view }
  }
  const etagOf = (row: PolicyRow) => `"${row.version}"`

  mount(listPolicies, async ({ query, principal }) => {
    const { rows, view } = await load(principal.tenantId)
    const { limit = 50, after } = query
    const before = after === undefined ? Infinity : Number(decodeCursor(after, 1)[0])
    const items = rows.filter((row) => row.version < before).slice(0, limit)
    const last = items.at(-1)
    return {
      items: items.map(view),
      next: last === undefined || last.version <= 1 ? null : encodeCursor([String(last.version)]),
    }
  })

  mount(getPolicy, async ({ params, principal, reply }) => {
    const { rows, view, policies } = await load(principal.tenantId)
    const row = params.version === 'newest' ? rows[0] : rows.find((one) => one.version === Number(params.version))
    if (row === undefined) throw notFound('policy version', params.version)
    reply.header('etag', etagOf(row))
    return { policy: view(row), text: row.text, summary: summaryOf(policies.set.versions.get(row.version)!.policy) }
  })

  mount(publishPolicy, async ({ body, principal, request, reply }) => {
    const { tenantId } = principal
    const newest = (await load(tenantId)).rows[0]!
    requireMatch(request.headers['if-match'], etagOf(newest), 'policy')
    await db.transaction((tx) => publish(tx, deps, tenantId, { text: body.text, author: authorOf(principal) }))
    const { rows, view } = await load(tenantId)
    reply.header('etag', etagOf(rows[0]!))
    return view(rows[0]!)
  })

  mount(previewPolicy, async ({ body, principal }) => {
    const draft = readPolicy(body.text)
    const { policies } = await load(principal.tenantId)
    return {
      changes: comparePolicies(policies.newest.policy, draft),
      impact: await previewImpact(db.query, principal.tenantId, policies, draft, deps.clock()),
    }
  })
}

function summaryOf(policy: Policy): Static<typeof PolicySummary> {
  return {
    contexts: Object.entries(policy.contexts).map(([context, { title, features }]) => ({ context, title, features })),
    violations: Object.values(policy.violations).map(({ id, title, text, severity, egregious, ground }) => ({
      violation: id,
      title,
      text,
      severity,
      egregious,
      ground,
    })),
    ladders: Object.entries(policy.ladders).map(([ladder, steps]) => ({
      ladder,
      steps: steps.map(({ at, action, closes, durationMs, permanent }) => ({
        at,
        action,
        closes: closes === 'all' ? ['*'] : closes,
        durationMs: durationMs ?? null,
        permanent,
      })),
    })),
  }
}
