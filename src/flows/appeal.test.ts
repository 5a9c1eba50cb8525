import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dayMs,
  enforcementFixture,
  kindsOf,
  proposal,
  startMs,
  tenantId,
  type Fixture,
} from '../../test/enforcement-fixture.ts'
import { parseEvent } from '../domain/event.ts'
import { selectAppeals } from '../appeals/store.ts'
import { selectDecision, selectStandings } from '../enforcement/store.ts'
import { selectHolds } from '../storage/marks.ts'
import { recentEntries } from '../ledger/read.ts'
import { addBankEntry, createBank } from '../match/changes.ts'
import { selectJobs } from '../review/store.ts'
import { insertEvents } from '../storage/event-log.ts'
import { effectsRead } from '../../test/horizon.ts'
import { accountDecision, accountPage } from './account.ts'
import { decideAppeal, fileAppeal, reverseDecision, type AnswerInput, type FileInput } from './appeal.ts'
import { propose } from './enforce.ts'
import { explain, type Step } from './explain.ts'

const platform = { kind: 'platform' as const, id: 'k1' }
const second = { kind: 'person' as const, id: 'reviewer-2' }
const first = { kind: 'person' as const, id: 'reviewer-1' }

const file = ({ db, deps }: Fixture, input: Partial<FileInput> & { decisionId: string }) =>
  db.transaction((tx) =>
    fileAppeal(tx, deps, tenantId, { appellantId: 'u1', relation: 'self', author: platform, ...input }),
  )
const answer = ({ db, deps }: Fixture, input: Partial<AnswerInput> & { appealId: string }) =>
  db.transaction((tx) =>
    decideAppeal(tx, deps, tenantId, { outcome: 'overturned', reason: 'It was satire.', author: second, ...input }),
  )
const openJobs = async ({ db }: Fixture, question: string) =>
  (await selectJobs(db.query, tenantId, { state: 'open', limit: 100 })).items.filter((job) => job.question === question)

async function storeEvent({ db }: Fixture, id: string, itemId: string, thread?: { id: string; admins: string[] }) {
  const { event } = parseEvent(
    {
      id,
      type: 'item.created',
      time: new Date(startMs).toISOString(),
      context: 'feed',
      actor: { id: 'u1' },
      item: { id: itemId, text: 'Win a phone now' },
      ...(thread === undefined ? {} : { thread }),
    },
    { nowMs: startMs, acceptUnknownTypes: false },
  )
  await insertEvents(db.query, [
    {
      tenantId,
      event,
      body: JSON.stringify(event),
      partition: 0,
      occurredAtMs: startMs,
      receivedAtMs: startMs,
      late: false,
    },
  ])
}

test('a granted appeal leaves the standing it would have had without the strike, and tells everybody', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  await storeEvent(fixture, 'e1', 'i1')
  const made = await db.transaction((tx) => propose(tx, deps, tenantId, proposal(), { because: [] }))
  assert.ok(made.ok)
  const decisionId = made.decisionId!
  const filed = await file(fixture, { decisionId, statement: 'This was a joke about scams.' })
  assert.ok(filed.ok)
  assert.equal(await deps.vault.open(db.query, tenantId, filed.appeal.statementRef!), 'This was a joke about scams.')
  assert.ok(
    !JSON.stringify(await recentEntries(db.query, tenantId)).includes('joke'),
    'the words are not in the ledger',
  )
  const [job] = await openJobs(fixture, 'appeal')
  assert.deepEqual([job!.appealId, job!.decisionId, job!.queue], [filed.appeal.id, decisionId, 'appeals'])

  const answered = await answer(fixture, { appealId: filed.appeal.id })
  assert.ok(answered.ok, answered.ok ? '' : answered.detail)
  assert.deepEqual(kindsOf(answered.entries).slice(0, 3), ['appeal.decided', 'decision.reversed', 'item.restored'])
  assert.ok((await selectStandings(db.query, tenantId, 'u1')).every((row) => row.points === 0 && row.level === 0))
  assert.deepEqual(await selectHolds(db.query, 'item', tenantId, 'i1'), [])
  assert.equal(
    (await selectDecision(db.query, tenantId, decisionId))!.statement.correction,
    'We looked again and our decision was wrong. It is reversed, with all that followed from it. We are sorry. It was satire.',
  )
  assert.equal((await openJobs(fixture, 'appeal')).length, 0)
  const topics = (await effectsRead(db.query, tenantId, '', 1_000)).items.map((row) => row.topic)
  for (const topic of ['appeal.filed', 'appeal.decided', 'decision.reversed', 'item.restored', 'gate.opened'])
    assert.ok(topics.includes(topic), topic)
  const again = await file(fixture, { decisionId })
  assert.deepEqual([again.ok, !again.ok && again.reason], [false, 'already-reversed'])
  await fixture.rebuild()
})

test('an appeal is possible once, within the window, by the person concerned', async () => {
  const fixture = await enforcementFixture()
  const { decisionId } = await fixture.decide({ itemId: 'i1' })
  const reason = async (input: Partial<FileInput>) => {
    const filed = await file(fixture, { decisionId, ...input })
    return filed.ok ? 'ok' : filed.reason
  }
  assert.equal(await reason({ appellantId: 'u2' }), 'not-the-person')
  assert.equal(await reason({ decisionId: 'nothing' }), 'not-found')
  fixture.setDay(183)
  assert.equal(await reason({}), 'window-closed')
  fixture.setDay(182.9)
  assert.equal(await reason({}), 'ok')
  assert.equal(await reason({}), 'already-appealed')
})

test('two people who appeal at once both get through, as one case; one person twice does not', async () => {
  const fixture = await enforcementFixture()
  const { decisionId } = await fixture.decide({ itemId: 'i1', threadId: 't1', restrictsThread: true })
  const both = await Promise.all([
    file(fixture, { decisionId }),
    file(fixture, { decisionId, appellantId: 'admin-b', relation: 'co_admin', isAdmin: true }),
    file(fixture, { decisionId }),
  ])
  assert.deepEqual(both.map((one) => (one.ok ? 'ok' : one.reason)).sort(), ['already-appealed', 'ok', 'ok'])
  assert.equal((await openJobs(fixture, 'appeal')).length, 1)
  const one = both.find((filed) => filed.ok)!
  assert.ok(one.ok)
  assert.ok((await answer(fixture, { appealId: one.appeal.id, outcome: 'upheld', reason: 'It is a scam.' })).ok)
  const all = await selectAppeals(fixture.db.query, tenantId, { decisionId, limit: 10 })
  assert.deepEqual(
    all.map((appeal) => appeal.outcome),
    ['upheld', 'upheld'],
  )
  const notices = (await effectsRead(fixture.db.query, tenantId, '', 1_000)).items.filter(
    (row) => row.topic === 'notice.created',
  )
  assert.deepEqual(
    [...new Set(notices.slice(-2).map((row) => row.subject))].sort(),
    ['actor:admin-b', 'actor:u1'],
    'each person is answered',
  )
  await fixture.rebuild()
})

test('a co-admin whom the event names may appeal for the thread, but not when sanctioned in the same matter', async () => {
  const fixture = await enforcementFixture()
  await storeEvent(fixture, 'e9', 'i1', { id: 't1', admins: ['u1', 'admin-b'] })
  const { decisionId } = await fixture.decide({ itemId: 'i1', eventId: 'e9', threadId: 't1', restrictsThread: true })
  await fixture.decide({ actorId: 'admin-b', itemId: 'i1', eventId: 'e9', threadId: 't1' })
  const refused = await file(fixture, { decisionId, appellantId: 'admin-b', relation: 'co_admin' })
  assert.deepEqual([refused.ok, !refused.ok && refused.reason], [false, 'sanctioned-in-matter'])
  const other = await file(fixture, { decisionId, appellantId: 'admin-c', relation: 'co_admin' })
  assert.deepEqual([other.ok, !other.ok && other.reason], [false, 'not-an-admin'])
})

test('who made the decision never answers its appeal', async () => {
  const fixture = await enforcementFixture()
  const { decisionId } = await fixture.decide({ itemId: 'i1', author: first, automation: 'none' })
  const filed = await file(fixture, { decisionId })
  assert.ok(filed.ok)
  assert.deepEqual((await openJobs(fixture, 'appeal'))[0]!.excludedPeople, ['reviewer-1'])
  const refused = await answer(fixture, { appealId: filed.appeal.id, author: first })
  assert.deepEqual([refused.ok, !refused.ok && refused.reason], [false, 'made-the-decision'])
  const silent = await answer(fixture, { appealId: filed.appeal.id, reason: ' ' })
  assert.deepEqual([silent.ok, !silent.ok && silent.reason], [false, 'no-reason'])
  assert.ok((await answer(fixture, { appealId: filed.appeal.id, outcome: 'modified', severity: 1 })).ok)
  const decision = (await selectDecision(fixture.db.query, tenantId, decisionId))!
  assert.deepEqual([decision.status, decision.severity], ['modified', 1])
  const twice = await answer(fixture, { appealId: filed.appeal.id })
  assert.deepEqual([twice.ok, !twice.ok && twice.reason], [false, 'already-decided'])
  await fixture.rebuild()
})

test('a decision reversed without an appeal answers the open ones', async () => {
  const fixture = await enforcementFixture()
  const { decisionId } = await fixture.decide({ itemId: 'i1' })
  assert.ok((await file(fixture, { decisionId })).ok)
  const reversed = await fixture.db.transaction((tx) =>
    reverseDecision(tx, fixture.deps, tenantId, { decisionId, reason: 'The rule was wrong.', author: second }),
  )
  assert.ok(reversed.ok)
  const [appeal] = await selectAppeals(fixture.db.query, tenantId, { decisionId, limit: 1 })
  assert.deepEqual([appeal!.state, appeal!.outcome], ['decided', 'overturned'])
  assert.equal((await openJobs(fixture, 'appeal')).length, 0)
})

test('three overturned matches quarantine the bank entry, and its other decisions are offered for the same remedy', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  const context = { author: first, nowMs: startMs, newId: () => crypto.randomUUID() }
  const { bankId, entryId } = await db.transaction(async (tx) => {
    const bank = await createBank(tx.query, tenantId, { name: 'scams', purpose: '', action: 'remove' }, context)
    assert.ok(bank.ok)
    await deps.ledger.append(tx, tenantId, bank.entries)
    const entry = await addBankEntry(tx.query, tenantId, bank.bankId, { text: 'win a phone now' }, context)
    assert.ok(entry.ok)
    await deps.ledger.append(tx, tenantId, entry.entries)
    return { bankId: bank.bankId, entryId: entry.entryId }
  })
  const match = { bankId, entryId, signalType: 'text', distance: 0, threshold: 0 }
  const made: string[] = []
  for (let index = 0; index < 5; index++) {
    const change = { eventId: `e${index}`, itemId: `i${index}`, actorId: `u${index}`, match }
    const outcome = await db.transaction((tx) => propose(tx, deps, tenantId, proposal(change), { because: [] }))
    assert.ok(outcome.ok)
    made.push(outcome.decisionId!)
  }
  for (let index = 0; index < 3; index++) {
    assert.equal((await openJobs(fixture, 'remedy')).length, 0)
    const filed = await file(fixture, { decisionId: made[index]!, appellantId: `u${index}` })
    assert.ok(filed.ok)
    assert.ok((await answer(fixture, { appealId: filed.appeal.id })).ok)
  }
  const [quarantined] = await recentEntries(db.query, tenantId, { kinds: ['bank.entry_quarantined'] })
  assert.equal(quarantined!.kind === 'bank.entry_quarantined' && quarantined!.body.entryId, entryId)
  const jobs = await openJobs(fixture, 'remedy')
  assert.deepEqual(jobs.map((job) => job.decisionId).sort(), made.slice(3).sort())
  await fixture.rebuild()
})

test('the whole chain is explained, and replays to the same result, before and after the overturn', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  await storeEvent(fixture, 'e1', 'i1')
  await fixture.decide({ itemId: 'i0', severity: 1, occurredAtMs: startMs - dayMs })
  const made = await db.transaction((tx) =>
    propose(tx, deps, tenantId, proposal(), { because: [{ name: 'x', value: 1, because: 'It matches' }] }),
  )
  assert.ok(made.ok)
  const seen: string[] = []
  const explainDeps = {
    policies: deps.policies,
    clock: deps.clock,
    reevaluate: (_tenant: string, entry: { body: { violation: string } }) => {
      seen.push(entry.body.violation)
      return { same: true, detail: 'holds again' }
    },
  }
  const told = (await explain(db.query, explainDeps, tenantId, made.decisionId!))!
  assert.deepEqual([told.replay.same, told.rule!.same, seen], [true, true, ['scam']], told.replay.detail)
  const path = (step: Step): string[] => [step.entry?.kind ?? 'event', ...step.children.flatMap(path)]
  assert.deepEqual(path(told.tree), [
    'event',
    'violation.proposed',
    'decision.made',
    'item.removed',
    'consequence.started',
    'gate.closed',
    'standing.changed',
  ])
  const filed = await file(fixture, { decisionId: made.decisionId! })
  assert.ok(filed.ok)
  fixture.setDay(0.5)
  assert.ok((await answer(fixture, { appealId: filed.appeal.id })).ok)
  const after = (await explain(db.query, explainDeps, tenantId, made.decisionId!))!
  assert.ok(after.replay.same, after.replay.detail)
  const kinds = path(after.tree)
  for (const kind of [
    'appeal.filed',
    'job.created',
    'appeal.decided',
    'decision.reversed',
    'item.restored',
    'consequence.ended',
  ])
    assert.ok(kinds.includes(kind), kind)
  assert.equal(new Set(kinds.filter((kind) => kind === 'decision.made')).size, 1)

  // A projection that was tampered with shows.
  await db.query(`UPDATE consequences SET state = 'running', until_ms = $1 WHERE action = 'suspend'`, [
    startMs + 99 * dayMs,
  ])
  const tampered = (await explain(db.query, explainDeps, tenantId, made.decisionId!))!
  assert.equal(tampered.replay.same, false)
  assert.match(tampered.replay.detail, /suspend in feed runs, but does not follow now/)
})

test('the account page shows standing, what and why, limits and appeals, and nothing of others', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  await storeEvent(fixture, 'e1', 'i1')
  const { decisionId } = await fixture.decide({ itemId: 'i1', eventId: 'e1' })
  await fixture.decide({ itemId: 'i2', actorId: 'u2' })
  const page = await accountPage(db.query, deps.policies, tenantId, 'u1', 'es', fixture.nowMs())
  assert.deepEqual(
    page.decisions.map((one) => [one.decisionId, one.status, one.excerpt, one.statement.policyTitle]),
    [[decisionId, 'active', 'Win a phone now', 'Estafas y fraude']],
  )
  assert.deepEqual(
    page.limits.map((limit) => [limit.contextTitle, limit.action, limit.untilMs]),
    [['Feed', 'suspend', startMs + dayMs]],
  )
  assert.equal(page.standing.find((one) => one.context === 'feed')!.arithmetic, 'scam 4 = 4 points')
  assert.equal(page.decisions[0]!.appealRefusal, undefined)
  assert.ok((await file(fixture, { decisionId })).ok)
  const later = await accountDecision(db.query, deps.policies, tenantId, 'u1', decisionId, 'en', fixture.nowMs())
  assert.equal(later!.appealRefusal, 'already-appealed')
  assert.equal(
    await accountDecision(db.query, deps.policies, tenantId, 'u2', decisionId, 'en', fixture.nowMs()),
    undefined,
  )
})
