import { createHash } from 'node:crypto'
import type { Author, LedgerEntry } from '../domain/entry.ts'
import { InputError } from '../domain/error.ts'
import type { Clock } from '../domain/ids.ts'
import type { Policy } from '../domain/policy.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Query, Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import { compilePolicies, type PolicySet, type Version } from './policy-set.ts'
import { readPolicy, referencePolicyText } from './policy-file.ts'
import { selectPolicies, selectPolicyVersions } from './store.ts'

/** All policy versions of a tenant, ready to fold. */
export type TenantPolicies = {
  set: PolicySet
  newest: Version
  /** The version that applies to what happened at a moment. */
  inForce: (atMs: number) => Version
}

export type Policies = {
  /** Answers undefined while the tenant has no policy. Parses each version once; a version never changes. */
  load: (query: Query, tenantId: string) => Promise<TenantPolicies | undefined>
  /** What was loaded last, without asking the database: for answers that must not wait for it. */
  known: (tenantId: string) => TenantPolicies | undefined
}

/** The policies of all tenants, kept parsed in memory. One per program. */
export function createPolicies(): Policies {
  const known = new Map<string, { stamp: string; policies: Map<number, Policy>; prepared: TenantPolicies }>()
  return {
    known: (tenantId) => known.get(tenantId)?.prepared,
    async load(query, tenantId) {
      const rows = await selectPolicyVersions(query, tenantId)
      if (rows.length === 0) return undefined
      const stamp = rows.map((row) => `${row.version}:${row.sha256}`).join()
      const before = known.get(tenantId)
      if (before?.stamp === stamp) return before.prepared
      const policies = new Map<number, Policy>()
      for (const row of await selectPolicies(query, tenantId)) policies.set(row.version, readPolicy(row.text))
      const set = compilePolicies(policies)
      const prepared: TenantPolicies = {
        set,
        newest: set.versions.get(rows.at(-1)!.version)!,
        inForce: (atMs) => set.versions.get((rows.findLast((row) => row.effectiveFromMs <= atMs) ?? rows[0]!).version)!,
      }
      known.set(tenantId, { stamp, policies, prepared })
      return prepared
    },
  }
}

/** Policies stand in the ledger as items under a name that no platform's item id has. */
export const policySubject = (policyId: string): SubjectRef => ({ kind: 'item', id: `custos:policy:${policyId}` })

export type PublishDeps = { ledger: Ledger; clock: Clock }
export type Published = { version: number; changed: boolean; entry?: LedgerEntry }

/**
 * Publishes a policy text as the next version. The same text as the newest version changes nothing. A version never takes
 * effect before it is published, so that nobody is judged by a rule that did not exist; only the first covers the past.
 * Throws an InputError that names every bad field with its line.
 */
export async function publishPolicy(
  tx: Tx,
  deps: PublishDeps,
  tenantId: string,
  input: { text: string; author: Author },
): Promise<Published> {
  const policy = readPolicy(input.text)
  await lockKeys(tx, [`${tenantId} policies`])
  const newest = (await selectPolicyVersions(tx.query, tenantId)).at(-1)
  const sha256 = createHash('sha256').update(input.text).digest('hex')
  if (newest?.sha256 === sha256) return { version: newest.version, changed: false }
  const nowMs = deps.clock()
  if (newest !== undefined && policy.effectiveFromMs !== undefined && policy.effectiveFromMs < nowMs)
    throw new InputError('Cannot publish the policy: it would take effect in the past', [
      {
        field: 'effectiveFrom',
        problem: 'must not be before the time of publishing',
        value: new Date(policy.effectiveFromMs).toISOString(),
        limit: new Date(nowMs).toISOString(),
      },
    ])
  const version = (newest?.version ?? 0) + 1
  const effectiveFromMs = newest === undefined ? 0 : (policy.effectiveFromMs ?? nowMs)
  loadedIn.get(tx)?.delete(tenantId)
  const [entry] = await deps.ledger.append(tx, tenantId, [
    {
      kind: 'policy.published',
      subject: policySubject(policy.id),
      occurredAtMs: nowMs,
      author: input.author,
      automation: 'none',
      because: [],
      body: { policyId: policy.id, version, text: input.text, sha256, effectiveFromMs },
    },
  ])
  return { version, changed: true, entry: entry! }
}

/** What each transaction has loaded: one batch of events asks once, and sees one policy throughout. */
const loadedIn = new WeakMap<Tx, Map<string, TenantPolicies>>()

/** The policies of a tenant, publishing the reference policy first when there are none. */
export async function ensurePolicies(
  tx: Tx,
  deps: PublishDeps & { policies: Policies },
  tenantId: string,
): Promise<TenantPolicies> {
  const loaded = loadedIn.get(tx) ?? new Map<string, TenantPolicies>()
  loadedIn.set(tx, loaded)
  const found = loaded.get(tenantId) ?? (await loadOrPublish(tx, deps, tenantId))
  loaded.set(tenantId, found)
  return found
}

async function loadOrPublish(
  tx: Tx,
  deps: PublishDeps & { policies: Policies },
  tenantId: string,
): Promise<TenantPolicies> {
  const there = await deps.policies.load(tx.query, tenantId)
  if (there !== undefined) return there
  await lockKeys(tx, [`${tenantId} policies`])
  const since = await deps.policies.load(tx.query, tenantId)
  if (since !== undefined) return since
  await publishPolicy(tx, deps, tenantId, {
    text: referencePolicyText(),
    author: { kind: 'system', part: 'enforcement' },
  })
  return (await deps.policies.load(tx.query, tenantId))!
}
