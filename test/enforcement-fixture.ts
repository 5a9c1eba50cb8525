import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appealProjector } from '../src/appeals/project.ts'
import type { LedgerEntry, Severity, ViolationProposal } from '../src/domain/entry.ts'
import type { Clock, RandomBytes } from '../src/domain/ids.ts'
import { createPolicies } from '../src/enforcement/policies.ts'
import { enforcementProjectors } from '../src/enforcement/project.ts'
import type { AppealDeps } from '../src/flows/appeal.ts'
import { decide, type DecideInput } from '../src/flows/enforce.ts'
import { createLedger } from '../src/ledger/ledger.ts'
import { rebuildProjections } from '../src/ledger/rebuild.ts'
import { createVault } from '../src/ledger/vault.ts'
import { quarantineIfOverturned } from '../src/match/changes.ts'
import { bankProjector } from '../src/match/project.ts'
import { reviewProjector } from '../src/review/project.ts'
import { testDatabase } from './database.ts'

export const dayMs = 86_400_000
export const startMs = Date.UTC(2026, 10, 20)
export const tenantId = 't'

/** Random bytes that are the same in every run. */
export function seededBytes(seed: string): RandomBytes {
  let count = 0
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 32)
      bytes.set(
        createHash('sha256')
          .update(`${seed}${count++}`)
          .digest()
          .subarray(0, length - at),
        at,
      )
    return bytes
  }
}

/** Enforcement, appeals, review and match on a real database, with a clock that the test moves. */
export async function enforcementFixture() {
  const db = await testDatabase()
  await db.query(`INSERT INTO tenants (id, name) VALUES ($1, $1)`, [tenantId])
  let nowMs = startMs
  const clock: Clock = () => nowMs
  const randomBytes = seededBytes('enforcement')
  const projectors = [...enforcementProjectors, appealProjector, reviewProjector, bankProjector]
  const ledger = createLedger({ projectors, clock, randomBytes })
  const deps: AppealDeps = {
    ledger,
    clock,
    randomBytes,
    policies: createPolicies(),
    vault: createVault({ secretKey: 'a secret for tests', clock, randomBytes }),
    quarantineIfOverturned,
  }
  return {
    db,
    deps,
    ledger,
    setDay: (day: number) => void (nowMs = startMs + day * dayMs),
    nowMs: clock,
    decide: async (input: Partial<DecideInput>) => {
      const outcome = await db.transaction((tx) =>
        decide(tx, deps, tenantId, {
          violation: 'scam',
          context: 'feed',
          actorId: 'u1',
          occurredAtMs: nowMs,
          author: { kind: 'rule', id: 'r', version: 1 },
          automation: 'full',
          because: [{ name: 'match.media', value: 0.97, because: 'It matches a known scam' }],
          ...input,
        }),
      )
      assert.ok(outcome.ok, outcome.ok ? '' : outcome.detail)
      return outcome
    },
    /** Every projection made anew equals what was there. */
    rebuild: async () => {
      const report = await rebuildProjections(db, projectors, [tenantId])
      for (const table of report.tables) assert.ok(table.same, `${table.table} differs after a rebuild`)
    },
  }
}
export type Fixture = Awaited<ReturnType<typeof enforcementFixture>>

export function proposal(change: Partial<ViolationProposal> = {}): ViolationProposal {
  return {
    eventId: 'e1',
    rule: { id: 'scam-media', version: 3 },
    violation: 'scam',
    severity: 3 as Severity,
    context: 'feed',
    confidence: 0.95,
    actorId: 'u1',
    itemId: 'i1',
    occurredAtMs: startMs,
    route: 'auto',
    facts: { eventId: 'e1', signals: [], features: {}, labels: {}, lists: {} },
    ...change,
  }
}

export const kindsOf = (entries: readonly LedgerEntry[]): string[] => entries.map((entry) => entry.kind)
