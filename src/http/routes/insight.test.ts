import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { testDatabase } from '../../../test/database.ts'
import type { NewEntry } from '../../domain/entry.ts'
import { scopes } from '../../domain/staff.ts'
import { insertTruth, type TruthRow } from '../../insight/store.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { reviewProjector } from '../../review/project.ts'
import type { Database } from '../../storage/database.ts'
import { createInProcessStream } from '../../streams/in-process.ts'
import { createServer } from '../server.ts'
import { createClient } from '../client.ts'
import { getAccuracy, getOverview } from '../contract/insight.ts'
import { insightRoutes } from './insight.ts'

const nowMs = Date.UTC(2026, 10, 20, 12, 30)
const hourMs = 3_600_000
const clock = () => nowMs
const ledger = createLedger({ projectors: [reviewProjector], clock, randomBytes })
let db: Database
before(async () => {
  db = await testDatabase()
})

/** A server with nothing but these routes, asked as the given tenant. */
function clientOf(tenantId: string) {
  const principal = { kind: 'key', id: 'k', name: 'k', tenantId, scopes: new Set(scopes), roles: [] } as const
  const { app, mount } = createServer({ authenticate: async () => principal, checkResponses: true, log: () => {} })
  insightRoutes(mount, { db, clock })
  return createClient({
    baseUrl: 'http://insight.test',
    fetch: async (url) => {
      const answer = await app.inject({ method: 'GET', url: String(url).replace('http://insight.test', '') })
      return new Response(answer.body, { status: answer.statusCode, headers: { 'content-type': 'application/json' } })
    },
  })
}

const base = { cause: undefined, because: [], author: { kind: 'rule', id: 'r1', version: 1 } as const }
const decision = (eventId: string | undefined, violation: string, actorId: string, more: Partial<NewEntry> = {}) =>
  ({
    ...base,
    kind: 'decision.made',
    subject: { kind: 'actor', id: actorId },
    occurredAtMs: nowMs - hourMs,
    automation: 'full',
    body: {
      ...(eventId === undefined ? {} : { eventId }),
      violation,
      actorId,
      severity: 3,
      context: 'feed',
      rule: { id: 'r1', version: 1 },
    },
    ...more,
  }) as unknown as NewEntry
const proposal = (eventId: string, violation: string, actorId: string) =>
  ({
    ...base,
    kind: 'violation.proposed',
    subject: { kind: 'item', id: 'i' },
    occurredAtMs: nowMs - hourMs,
    automation: 'full',
    body: { eventId, violation, actorId, rule: { id: 'r1', version: 1 } },
  }) as unknown as NewEntry
const truth = (eventId: string, actorId: string, violation?: string): TruthRow => ({
  eventId,
  actorId,
  role: violation === undefined ? 'person' : 'scammer',
  violating: violation !== undefined,
  ...(violation === undefined ? {} : { violation }),
})
const eventOf = (id: string, actor: string, timeMs: number) => ({
  id,
  type: 'item.created',
  time: new Date(timeMs).toISOString(),
  context: 'feed',
  actor: { id: actor },
})
async function arrive(tenantId: string, events: { id: string; actor: string; timeMs: number }[]): Promise<void> {
  const stream = createInProcessStream({ db, clock })
  await stream.append(
    events.map(({ id, actor, timeMs }) => ({
      tenantId,
      event: eventOf(id, actor, timeMs),
      occurredAtMs: timeMs,
      late: false,
    })),
  )
}

test('an empty tenant has zeros and intervals that say that nothing is known', async () => {
  const client = clientOf('empty')
  const overview = await client.call(getOverview, { query: { period: '24h' } })
  assert.equal(overview.totals.events.now, 0)
  assert.equal(overview.series.events.now.length, 24)
  assert.deepEqual(overview.overturned, { count: 0, of: 0, share: null, low: 0, high: 1 })
  const accuracy = await client.call(getAccuracy, {})
  assert.equal(accuracy.knownEvents, 0)
  assert.deepEqual(accuracy.recall, [])
})

test('events and entries are counted in the hour in which they happened, beside the period before', async () => {
  const tenantId = 'counts'
  await arrive(tenantId, [
    { id: 'a', actor: 'u', timeMs: nowMs - 1 },
    { id: 'b', actor: 'u', timeMs: nowMs - 90 * 60_000 },
    { id: 'c', actor: 'u', timeMs: nowMs - 25 * hourMs },
    { id: 'd', actor: 'u', timeMs: nowMs - 60 * hourMs },
  ])
  const entries = await db.transaction((tx) =>
    ledger.append(tx, tenantId, [
      decision('a', 'scam', 'u'),
      decision('b', 'scam', 'u', { occurredAtMs: nowMs - 26 * hourMs }),
    ]),
  )
  const appeal = (outcome: string, n: number) =>
    ({
      ...base,
      kind: 'appeal.decided',
      subject: { kind: 'actor', id: 'u' },
      occurredAtMs: nowMs,
      automation: 'none',
      body: { appealId: `a${n}`, decisionId: entries[0]!.id, outcome, personId: 'p', reason: 'r' },
    }) as unknown as NewEntry
  await db.transaction((tx) =>
    ledger.append(tx, tenantId, [
      appeal('upheld', 1),
      appeal('overturned', 2),
      appeal('modified', 3),
      appeal('upheld', 4),
    ]),
  )
  const overview = await clientOf(tenantId).call(getOverview, { query: { period: '24h' } })
  assert.deepEqual(overview.totals.events, { now: 2, before: 1 })
  assert.deepEqual(overview.series.events.now.slice(-3), [0, 1, 1])
  assert.deepEqual(overview.totals.decisions, { now: 1, before: 1 })
  assert.equal(overview.overturned.count, 2)
  assert.equal(overview.overturned.of, 4)
  assert.equal(overview.overturned.share, 0.5)
  assert.ok(overview.overturned.low < 0.5 && overview.overturned.high > 0.5)
  assert.deepEqual(overview.decisions, [{ automation: 'full', made: 2, reversed: 0 }])
  assert.equal(overview.eventsPerSecond, 4 / 60)
})

test('open jobs are counted per queue, and those past due', async () => {
  const tenantId = 'queues'
  const job = (jobId: string, queue: string, dueAtMs: number) =>
    ({
      ...base,
      kind: 'job.created',
      subject: { kind: 'item', id: jobId },
      occurredAtMs: nowMs - hourMs,
      automation: 'full',
      body: { jobId, queue, question: 'violation', priority: 1, excludedPeople: [], dueAtMs },
    }) as unknown as NewEntry
  await db.transaction((tx) =>
    ledger.append(tx, tenantId, [
      job('j1', 'default', nowMs - 1),
      job('j2', 'default', nowMs + 1),
      job('j3', 'appeals', nowMs + 1),
    ]),
  )
  const { queues } = await clientOf(tenantId).call(getOverview, { query: { period: '1h' } })
  assert.deepEqual(
    queues.map(({ queue, open, overdue }) => [queue, open, overdue]),
    [
      ['default', 2, 1],
      ['appeals', 1, 0],
    ],
  )
})

test('precision and recall tell right, wrong, otherwise violating and unknown apart, before and after reversals', async () => {
  const tenantId = 'truth'
  const known = [
    truth('s1', 'scammer-1', 'scam'),
    truth('s2', 'scammer-1', 'scam'),
    truth('s3', 'scammer-2', 'scam'),
    truth('p1', 'spammer', 'spam'),
    truth('o1', 'person-1'),
    truth('o2', 'person-2'),
    truth('o3', 'person-3'),
    truth('never-arrived', 'scammer-3', 'scam'),
  ]
  await db.transaction((tx) => insertTruth(tx, tenantId, known))
  await db.transaction((tx) => insertTruth(tx, tenantId, known))
  await arrive(
    tenantId,
    known
      .filter(({ eventId }) => eventId !== 'never-arrived')
      .map((row) => ({ id: row.eventId, actor: row.actorId, timeMs: nowMs - hourMs })),
  )
  const made = await db.transaction((tx) =>
    ledger.append(tx, tenantId, [
      proposal('s1', 'scam', 'scammer-1'),
      proposal('o1', 'scam', 'person-1'),
      proposal('o2', 'scam', 'person-2'),
      decision('s1', 'scam', 'scammer-1'),
      decision('p1', 'scam', 'spammer'),
      decision('o1', 'scam', 'person-1'),
      decision('o2', 'scam', 'person-2', { automation: 'none' }),
      decision('of-another-source', 'scam', 'x'),
      decision(undefined, 'hate', 'y'),
      {
        ...base,
        kind: 'label.applied',
        subject: { kind: 'actor', id: 'scammer-1' },
        occurredAtMs: nowMs,
        automation: 'full',
        body: { label: 'risky' },
      },
      {
        ...base,
        kind: 'label.applied',
        subject: { kind: 'actor', id: 'person-1' },
        occurredAtMs: nowMs,
        automation: 'full',
        body: { label: 'risky' },
      },
    ]),
  )
  const wrongly = made.find((entry) => entry.kind === 'decision.made' && entry.body.eventId === 'o1')!
  await db.transaction((tx) =>
    ledger.append(tx, tenantId, [
      {
        ...base,
        kind: 'decision.reversed',
        subject: { kind: 'actor', id: 'person-1' },
        occurredAtMs: nowMs,
        automation: 'none',
        body: { decisionId: wrongly.id, reason: 'a mistake' },
      } as unknown as NewEntry,
    ]),
  )
  const accuracy = await clientOf(tenantId).call(getAccuracy, {})
  assert.equal(accuracy.knownEvents, 8)
  const scam = accuracy.byViolation.made.find((row) => row.name === 'scam')!
  assert.deepEqual([scam.precision.count, scam.precision.of], [1, 4])
  assert.deepEqual([scam.otherViolation, scam.wrong, scam.unknown], [1, 2, 1])
  const standing = accuracy.byViolation.standing.find((row) => row.name === 'scam')!
  assert.deepEqual([standing.precision.count, standing.precision.of, standing.wrong], [1, 3, 1])
  const hate = accuracy.byViolation.made.find((row) => row.name === 'hate')!
  assert.deepEqual([hate.precision.share, hate.precision.low, hate.precision.high, hate.unknown], [null, 0, 1, 1])
  assert.deepEqual(
    accuracy.byWay.made.map((row) => [row.name, row.precision.of]),
    [
      ['automatic', 3],
      ['person', 1],
    ],
  )
  assert.deepEqual(
    accuracy.byRule.map((row) => [row.name, row.precision.count, row.precision.of]),
    [['r1', 1, 3]],
  )
  assert.deepEqual(
    accuracy.byLabel.map((row) => [row.name, row.precision.count, row.wrong]),
    [['risky', 1, 1]],
  )
  // The scam that never arrived could not be caught, and is not held against anybody.
  const recall = accuracy.recall.find((row) => row.violation === 'scam')!
  assert.deepEqual([recall.events.count, recall.events.of], [1, 3])
  assert.deepEqual([recall.accounts.count, recall.accounts.of], [1, 2])
  assert.deepEqual([accuracy.innocent.count, accuracy.innocent.of], [1, 3])
})

test('a decision after a report is measured by what the reported person wrote, not by the report', async () => {
  const tenantId = 'reports'
  await db.transaction((tx) =>
    insertTruth(tx, tenantId, [
      { ...truth('post', 'scammer', 'scam'), itemId: 'i1' },
      { ...truth('report', 'reporter'), itemId: 'i1' },
    ]),
  )
  await arrive(tenantId, [
    { id: 'post', actor: 'scammer', timeMs: nowMs - hourMs },
    { id: 'report', actor: 'reporter', timeMs: nowMs - hourMs },
  ])
  const about = { eventId: 'report', itemId: 'i1', actorId: 'scammer', violation: 'scam', severity: 3, context: 'feed' }
  await db.transaction((tx) =>
    ledger.append(tx, tenantId, [decision('report', 'scam', 'scammer', { body: about } as never)]),
  )
  const accuracy = await clientOf(tenantId).call(getAccuracy, {})
  assert.deepEqual([accuracy.byViolation.made[0]!.precision.count, accuracy.byViolation.made[0]!.wrong], [1, 0])
  assert.deepEqual([accuracy.recall[0]!.events.count, accuracy.recall[0]!.events.of], [1, 1])
  assert.equal(accuracy.innocent.count, 0)
})
