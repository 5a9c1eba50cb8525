import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { appealProjector } from '../src/appeals/project.ts'
import type { Hit } from '../src/domain/effect.ts'
import type { Event } from '../src/domain/event.ts'
import type { Severity, ViolationProposal } from '../src/domain/entry.ts'
import { scopesOf, type Role } from '../src/domain/staff.ts'
import { createPolicies } from '../src/enforcement/policies.ts'
import { enforcementProjectors } from '../src/enforcement/project.ts'
import { applyJudged } from '../src/flows/effects.ts'
import { propose } from '../src/flows/enforce.ts'
import { traceProposal } from '../src/flows/rule-trace.ts'
import type { JobRoutesDeps } from '../src/http/routes/jobs.ts'
import type { Principal } from '../src/http/principal.ts'
import { createServer } from '../src/http/server.ts'
import { createLedger } from '../src/ledger/ledger.ts'
import { rebuildProjections } from '../src/ledger/rebuild.ts'
import { createVault } from '../src/ledger/vault.ts'
import { quarantineIfOverturned } from '../src/match/changes.ts'
import { bankProjector } from '../src/match/project.ts'
import { reviewProjector } from '../src/review/project.ts'
import { rulesProjector } from '../src/rules/project.ts'
import { createRuleBook } from '../src/rules/rule-book.ts'
import { insertEvents } from '../src/storage/event-log.ts'
import { testDatabase } from './database.ts'

export const tenantId = 't'
export const startMs = Date.UTC(2026, 10, 20, 12)

/** Ingested events, proposals, review, enforcement and appeals on a real database, with a clock that the test moves. */
export async function reviewFixture() {
  const db = await testDatabase()
  await db.query('INSERT INTO tenants (id, name) VALUES ($1, $1)', [tenantId])
  let nowMs = startMs
  const clock = () => nowMs
  const projectors = [...enforcementProjectors, appealProjector, reviewProjector, bankProjector, rulesProjector]
  const ledger = createLedger({ projectors, clock, randomBytes })
  const book = createRuleBook({ db, clock })
  const logged: Record<string, unknown>[] = []
  const deps: JobRoutesDeps & { secretKey: string; log: (line: Record<string, unknown>) => void } = {
    db,
    ledger,
    clock,
    randomBytes,
    policies: createPolicies(),
    vault: createVault({ secretKey: 'a secret for tests', clock, randomBytes }),
    quarantineIfOverturned,
    ruleTrace: traceProposal,
    secretKey: 'a secret for tests',
    log: (line) => void logged.push(line),
  }
  const event = async (id: string, more: Partial<Event> & { actor?: Event['actor'] } = {}): Promise<Event> => {
    const whole: Event = {
      id,
      type: 'item.created',
      time: new Date(nowMs).toISOString(),
      context: 'feed',
      actor: { id: 'u1' },
      item: { id: `item-${id}`, text: `words of ${id}` },
      thread: { id: 'thread-1' },
      ...more,
    }
    const body = JSON.stringify(whole)
    const sha256 = createHash('sha256').update(body).digest()
    const stored = { tenantId, event: whole, body, sha256, partition: 0, occurredAtMs: nowMs, receivedAtMs: nowMs }
    const inserted = await insertEvents(db.query, [{ ...stored, late: false }])
    assert.equal(inserted.size, 1)
    return whole
  }
  return {
    db,
    deps,
    ledger,
    logged,
    pass: (ms: number) => void (nowMs += ms),
    event,
    /** An event, and what a rule proposes about it for a person to look at. Answers the job. */
    reviewable: async (
      id: string,
      change: Partial<ViolationProposal> = {},
      more: Partial<Event> = {},
    ): Promise<string> => {
      const stored = await event(id, more)
      const proposal: ViolationProposal = {
        eventId: id,
        rule: { id: 'scam-text', version: 3 },
        violation: 'scam',
        severity: 3 as Severity,
        context: 'feed',
        confidence: 0.9,
        actorId: stored.actor.id,
        itemId: stored.item?.id,
        threadId: stored.thread?.id,
        occurredAtMs: nowMs,
        route: 'review',
        facts: { eventId: id, signals: [], features: { posts_1h: 12 }, labels: {}, lists: {} },
        ...change,
      }
      const because = [{ name: 'posts_1h', value: 12, because: '12 posts in an hour' }]
      const proposed = await db.transaction((tx) => propose(tx, deps, tenantId, proposal, { because }))
      assert.ok(proposed.ok && proposed.jobId !== undefined)
      return proposed.jobId
    },
    /** Applies one rule hit to an event, as ingestion does. Answers the job that it opened. */
    apply: async (stored: Event, hit: Hit): Promise<string> => {
      const judged = { stored: { tenantId, event: stored, occurredAtMs: nowMs, late: false }, signals: [], hits: [hit] }
      const entries = await db.transaction((tx) => applyJudged(tx, { ...deps, book }, judged as never))
      const opened = entries.find((entry) => entry.kind === 'job.created')
      assert.ok(opened?.kind === 'job.created')
      return opened.body.jobId
    },
    /** A server on which `Bearer ann:reviewer` is a signed-in reviewer called ann. */
    server: () =>
      createServer({
        authenticate: async (request) => staff(request.headers.authorization),
        checkResponses: true,
        log: (line) => void logged.push(line),
      }),
    rebuild: async () => {
      const report = await rebuildProjections(db, projectors, [tenantId])
      for (const table of report.tables) assert.ok(table.same, `${table.table} differs after a rebuild`)
    },
  }
}
export type ReviewFixture = Awaited<ReturnType<typeof reviewFixture>>

function staff(authorization: string | undefined): Principal | undefined {
  const [, id, role] = /^Bearer (\w+):(\w+)$/.exec(authorization ?? '') ?? []
  if (id === undefined || role === undefined) return undefined
  if (role === 'key')
    return { kind: 'key', id, name: id, tenantId, scopes: new Set(['review:read', 'review:write']), roles: [] }
  const roles = [role as Role]
  return { kind: 'person', id, name: id, tenantId, scopes: scopesOf(roles), roles }
}
