import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  dayMs,
  enforcementFixture,
  kindsOf,
  proposal,
  startMs,
  tenantId,
  type Fixture,
} from '../../test/enforcement-fixture.ts'
import { checkGate, createGateStates } from '../enforcement/gates.ts'
import { publishPolicy } from '../enforcement/policies.ts'
import { referencePolicyText } from '../enforcement/policy-file.ts'
import { checkDsaStatement, type DsaStatement } from '../enforcement/statement.ts'
import { selectConsequences, selectDecision, selectGates, selectStandings } from '../enforcement/store.ts'
import { entriesCausedBy, recentEntries } from '../ledger/read.ts'
import { selectHolds } from '../storage/marks.ts'
import { effectsRead } from '../../test/horizon.ts'
import { runDueTimers } from '../storage/timers.ts'
import { decide, propose } from './enforce.ts'
import { modify, reverse } from './remedy.ts'
import { closeGate, completeTraining, enforcementTimers } from './marks.ts'

const person = { kind: 'person' as const, id: 'reviewer-1' }
const undo = (fixture: Fixture, decisionId: string) =>
  fixture.db.transaction((tx) =>
    reverse(tx, fixture.deps, tenantId, { decisionId, author: person, reason: 'It was satire.' }),
  )
/** What stands for an actor, without what differs by how it came about. */
const stateOf = async ({ db }: Fixture, actorId = 'u1') => ({
  standings: (await selectStandings(db.query, tenantId, actorId))
    .filter((row) => row.points > 0 || row.level > 0)
    .map(({ changedMs: _, ...row }) => row),
  consequences: (await selectConsequences(db.query, tenantId, actorId, true)).map((row) => [
    row.context,
    row.level,
    row.fromMs,
    row.untilMs,
  ]),
  gates: (await selectGates(db.query, tenantId, actorId)).map((row) => [row.id, row.untilMs]),
})
const ask = (fixture: Fixture, feature: string, context: string, actorId = 'u1') =>
  checkGate(
    createGateStates(fixture.db.query),
    tenantId,
    { actorId, feature, context },
    fixture.nowMs(),
    fixture.deps.policies.known(tenantId)?.newest.policy,
  )
const topics = async ({ db }: Fixture) =>
  (await effectsRead(db.query, tenantId, '', 1_000)).items.map((row) => row.topic)

test('a rule proposes, and decision, removal, suspension, gate, notice and statement follow in one transaction', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  const outcome = await db.transaction((tx) =>
    propose(tx, deps, tenantId, proposal({ language: 'de' }), {
      because: [{ name: 'match.media', value: 0.97, because: 'It matches a known scam; write to jo@example.org' }],
    }),
  )
  assert.ok(outcome.ok)
  assert.deepEqual(kindsOf(outcome.entries), [
    'violation.proposed',
    'decision.made',
    'item.removed',
    'consequence.started',
    'gate.closed',
    'standing.changed',
  ])
  const decision = (await selectDecision(db.query, tenantId, outcome.decisionId!))!
  assert.equal(decision.automation, 'full')
  assert.deepEqual(
    [decision.statement.language, decision.statement.policyTitle, decision.statement.automatedDecision],
    ['de', 'Betrug', 'FULLY'],
  )
  assert.equal(decision.statement.facts, 'Eine automatische Prüfung hat uns darauf aufmerksam gemacht.')
  assert.equal((await ask(fixture, 'post', 'feed')).answer, 'deny')
  assert.equal((await ask(fixture, 'post', 'feed')).untilMs, startMs + dayMs)
  assert.equal((await ask(fixture, 'send_message', 'private_messaging')).answer, 'allow')
  const { items } = await effectsRead(db.query, tenantId, '', 1_000)
  const notice = items.find((row) => row.topic === 'notice.created')!.body as {
    notice: { lines: string[] }
    dsaStatement: DsaStatement
    page: { actorId: string }
  }
  assert.match(notice.notice.lines.join('\n'), /Wir haben deinen Inhalt vom 20\. November 2026 in Feed entfernt/)
  assert.match(notice.notice.lines.join('\n'), /Beschwerde einlegen/)
  assert.deepEqual(checkDsaStatement(notice.dsaStatement), [])
  assert.equal(notice.dsaStatement.automated_decision, 'AUTOMATED_DECISION_FULLY')
  assert.deepEqual(
    ['decision.made', 'item.removed', 'consequence.started', 'gate.closed'].filter(
      (topic) => !items.some((row) => row.topic === topic),
    ),
    [],
  )

  const again = await db.transaction((tx) => propose(tx, deps, tenantId, proposal(), { because: [] }))
  assert.deepEqual([again.ok, !again.ok && again.reason], [false, 'duplicate'])
  const other = await db.transaction((tx) =>
    propose(tx, deps, tenantId, proposal({ rule: { id: 'other', version: 1 } }), { because: [] }),
  )
  assert.ok(other.ok)
  assert.equal(other.decisionId, undefined, 'one item is not decided twice for the same violation')
  await fixture.rebuild()
})

test('the person is told by what it was found, and nothing that only colleagues may know', async () => {
  const { db, deps } = await enforcementFixture()
  const subject = { kind: 'item', id: 'i1' } as const
  const signal = { subject, value: 1, confidence: 1, because: '2 of 256 bits from entry e7 of bank "b"', version: 'v' }
  const seen = (names: string[], features = {}) => ({
    facts: { eventId: 'e1', signals: names.map((name) => ({ name, ...signal })), features, labels: {}, lists: {} },
  })
  const told = async (change: Parameters<typeof proposal>[0]) => {
    const itemId = `i${JSON.stringify(change).length}`
    const because = [{ name: 'reviewer.note', value: 1, because: 'Jo says that it is entry e7' }]
    const made = await db.transaction((tx) =>
      propose(tx, deps, tenantId, proposal({ eventId: itemId, itemId, ...change }), { because }),
    )
    assert.ok(made.ok)
    const { statement } = (await selectDecision(db.query, tenantId, made.decisionId!))!
    return [statement.findings?.join(), statement.automatedDetection, /\d|Jo|bank/.test(statement.facts)]
  }
  assert.deepEqual(await told(seen(['match.media', 'match.text'])), ['picture,text', true, false])
  assert.deepEqual(await told(seen(['match.media'], { posts_1h: 12 })), ['picture,activity', true, false])
  const reported = { sourceType: 'TYPE_OTHER_NOTIFICATION' as const, ...seen([], { reporters_24h: 3 }) }
  assert.deepEqual(await told(reported), ['report', false, false])
  assert.deepEqual(await told({ language: 'en' }), ['check', true, false])
})

test('an unsure or routed proposal waits for a person and costs nothing yet', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  for (const change of [{ route: 'review' as const }, { confidence: 0.5, eventId: 'e2', itemId: 'i2' }]) {
    const outcome = await db.transaction((tx) => propose(tx, deps, tenantId, proposal(change), { because: [] }))
    assert.ok(outcome.ok && outcome.jobId !== undefined && outcome.decisionId === undefined)
  }
  assert.deepEqual(await stateOf(fixture), { standings: [], consequences: [], gates: [] })
  await fixture.rebuild()
})

test('what the policy has no words for is put before a person, never dropped', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  const text = referencePolicyText().replace(/^ {2}default: .*\n/m, '')
  await db.transaction((tx) => publishPolicy(tx, deps, tenantId, { text, author: person }))
  for (const [change, refused] of [
    [{ context: 'constructor' }, 'unknown-context'],
    [{ violation: 'toString', eventId: 'e2', itemId: 'i2' }, 'unknown-violation'],
  ] as const) {
    const outcome = await db.transaction((tx) => propose(tx, deps, tenantId, proposal(change), { because: [] }))
    assert.ok(outcome.ok && outcome.jobId !== undefined && outcome.decisionId === undefined)
    const [job] = await entriesCausedBy(db.query, tenantId, outcome.entries[0]!.id)
    assert.deepEqual(
      [job!.kind, job!.because.map(({ name, value }) => [name, value])],
      ['job.created', [['decision.refused', refused]]],
    )
  }
  assert.deepEqual(await stateOf(fixture), { standings: [], consequences: [], gates: [] })
  await fixture.rebuild()
})

test('consequences expire by the timer, once, and the platform is told', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  await fixture.decide({ itemId: 'i1' })
  fixture.setDay(2)
  assert.equal((await ask(fixture, 'post', 'feed')).answer, 'allow', 'the end holds also before the timer ran')
  const timers = enforcementTimers(deps)
  assert.equal(await runDueTimers(db, fixture.nowMs(), timers), 1)
  assert.equal(await runDueTimers(db, fixture.nowMs(), timers), 0)
  const ended = (await recentEntries(db.query, tenantId, { kinds: ['consequence.ended', 'gate.opened'] })).map(
    (entry) => [entry.kind, entry.occurredAtMs],
  )
  assert.deepEqual(ended.sort(), [
    ['consequence.ended', startMs + dayMs],
    ['gate.opened', startMs + dayMs],
  ])
  assert.equal((await topics(fixture)).filter((topic) => topic === 'gate.opened').length, 1)
  fixture.setDay(366)
  assert.equal(await runDueTimers(db, fixture.nowMs(), timers), 1)
  assert.deepEqual(await stateOf(fixture), { standings: [], consequences: [], gates: [] })
  await fixture.rebuild()
})

test('a longer suspension moves the end of the gate and opens nothing in between', async () => {
  const fixture = await enforcementFixture()
  await fixture.decide({ itemId: 'i1' })
  fixture.setDay(0.5)
  const second = await fixture.decide({ itemId: 'i2', severity: 2, occurredAtMs: fixture.nowMs() })
  assert.ok(!kindsOf(second.entries).includes('gate.opened'))
  assert.deepEqual(
    second.entries.flatMap((entry) => (entry.kind === 'consequence.ended' ? [entry.body.how] : [])),
    ['superseded'],
  )
  assert.equal((await ask(fixture, 'post', 'feed')).untilMs, startMs + 3.5 * dayMs)
  await fixture.rebuild()
})

test('an overturn restores exactly the state of a history in which it never happened', async () => {
  const [fixture, never] = [await enforcementFixture(), await enforcementFixture()]
  const wrong = await fixture.decide({ itemId: 'i1', threadId: 't1', restrictsThread: true })
  for (const one of [fixture, never]) {
    one.setDay(10)
    await one.decide({ itemId: 'i2', severity: 1, occurredAtMs: one.nowMs() })
    one.setDay(11)
    await one.decide({ itemId: 'i3', severity: 2, occurredAtMs: one.nowMs() })
    one.setDay(11.5)
  }
  assert.equal((await ask(fixture, 'post', 'feed')).untilMs, startMs + 18 * dayMs)
  const undone = await undo(fixture, wrong.decisionId)
  assert.ok(undone.ok)
  assert.deepEqual(await stateOf(fixture), await stateOf(never))
  assert.equal((await ask(fixture, 'post', 'feed')).untilMs, startMs + 12 * dayMs, 'time served is credited')
  assert.deepEqual(
    [
      await selectHolds(fixture.db.query, 'item', tenantId, 'i1'),
      await selectHolds(fixture.db.query, 'thread', tenantId, 't1'),
    ],
    [[], []],
  )
  const decision = (await selectDecision(fixture.db.query, tenantId, wrong.decisionId))!
  assert.deepEqual(
    [decision.status, decision.statement.correction],
    [
      'reversed',
      'We looked again and our decision was wrong. It is reversed, with all that followed from it. We are sorry. It was satire.',
    ],
  )
  for (const topic of ['decision.reversed', 'item.restored', 'thread.released', 'consequence.ended'])
    assert.ok((await topics(fixture)).includes(topic), topic)
  const again = await undo(fixture, wrong.decisionId)
  assert.deepEqual([again.ok, !again.ok && again.reason], [false, 'already-reversed'])
  await fixture.rebuild()
})

test('random histories: reversing in any order equals never having decided', async () => {
  const fixture = await enforcementFixture()
  let actor = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          severity: fc.constantFrom(1, 2, 3, 4) as fc.Arbitrary<1 | 2 | 3 | 4>,
          context: fc.constantFrom('feed', 'genai', 'monetisation'),
          violation: fc.constantFrom('spam', 'scam'),
          undone: fc.boolean(),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async (plan) => {
        const [all, kept] = [`all${actor}`, `kept${actor++}`]
        const made: string[] = []
        for (const [index, { undone, ...one }] of plan.entries()) {
          fixture.setDay(index / 2)
          const occurredAtMs = fixture.nowMs()
          made.push(
            (await fixture.decide({ ...one, actorId: all, itemId: `${all}-${index}`, occurredAtMs })).decisionId,
          )
          if (!undone) await fixture.decide({ ...one, actorId: kept, itemId: `${kept}-${index}`, occurredAtMs })
        }
        for (const [index, { undone }] of plan.entries()) if (undone) await undo(fixture, made[index]!)
        const normal = async (id: string) => JSON.stringify(await stateOf(fixture, id)).replaceAll(id, 'x')
        // Both settle at the same moment, so that what ended by the clock is gone from both.
        for (const id of [all, kept])
          await fixture.db.transaction((tx) =>
            completeTraining(
              tx,
              fixture.deps,
              tenantId,
              { actorId: id, violation: 'hate' },
              { author: person, automation: 'none', because: [] },
            ),
          )
        assert.equal(await normal(all), await normal(kept))
      },
    ),
    { numRuns: 12, seed: 7 },
  )
  await fixture.rebuild()
})

test('an item that two decisions remove comes back only with the second reversal', async () => {
  const fixture = await enforcementFixture()
  const first = await fixture.decide({ itemId: 'i1' })
  const second = await fixture.decide({ itemId: 'i1', violation: 'hate' })
  const standing = await selectStandings(fixture.db.query, tenantId, 'u1')
  assert.equal(standing.find((row) => row.context === 'feed')!.points, 4, 'two faults in one item are one strike')
  assert.ok((await undo(fixture, first.decisionId)).ok)
  assert.deepEqual(await selectHolds(fixture.db.query, 'item', tenantId, 'i1'), [second.decisionId])
  assert.ok(!(await topics(fixture)).includes('item.restored'))
  assert.ok((await undo(fixture, second.decisionId)).ok)
  assert.deepEqual(await selectHolds(fixture.db.query, 'item', tenantId, 'i1'), [])
  assert.equal((await topics(fixture)).filter((topic) => topic === 'item.restored').length, 1)
  assert.equal((await topics(fixture)).filter((topic) => topic === 'item.removed').length, 1)
  await fixture.rebuild()
})

test('a partial reversal leaves what the milder decision would have brought', async () => {
  const [fixture, milder] = [await enforcementFixture(), await enforcementFixture()]
  const graver = await fixture.decide({ itemId: 'i1', severity: 3 })
  await milder.decide({ itemId: 'i1', severity: 1 })
  for (const one of [fixture, milder]) await one.decide({ itemId: 'i2', severity: 2 })
  const modified = await fixture.db.transaction((tx) =>
    modify(tx, fixture.deps, tenantId, {
      decisionId: graver.decisionId,
      severity: 1,
      author: person,
      reason: 'Milder than it seemed.',
    }),
  )
  assert.ok(modified.ok)
  assert.deepEqual(await stateOf(fixture), await stateOf(milder))
  assert.match(modified.decision.statement.correction!, /^We looked again and changed our decision/)
  await fixture.rebuild()
})

test('two concurrent decisions at one point below a threshold bring one suspension and lose nothing', async () => {
  const fixture = await enforcementFixture()
  await fixture.decide({ itemId: 'i0', severity: 2 })
  const made = await Promise.all(['i1', 'i2', 'i3', 'i4'].map((itemId) => fixture.decide({ itemId, severity: 1 })))
  const started = made
    .flatMap((one) => one.entries)
    .filter(
      (entry) =>
        entry.kind === 'consequence.started' && entry.body.action === 'suspend' && entry.body.context === 'feed',
    )
  const standing = await selectStandings(fixture.db.query, tenantId, 'u1')
  assert.equal(standing.find((row) => row.context === 'feed')!.points, 6)
  const running = (await selectConsequences(fixture.db.query, tenantId, 'u1', true)).filter(
    (row) => row.action === 'suspend',
  )
  assert.equal(running.length, 1)
  assert.equal(running[0]!.untilMs, startMs + 3 * dayMs)
  assert.equal(
    new Set(started.map((entry) => entry.kind === 'consequence.started' && entry.body.level)).size,
    2,
    '1 day, then 3 days',
  )
  await fixture.rebuild()
})

test('two concurrent decisions at the threshold itself start one consequence', async () => {
  const fixture = await enforcementFixture()
  await fixture.decide({ itemId: 'i0', severity: 2 })
  await Promise.all(['i1', 'i2'].map((itemId) => fixture.decide({ itemId, severity: 1 })))
  const feed = (await selectConsequences(fixture.db.query, tenantId, 'u1', false)).filter(
    (row) => row.action === 'suspend',
  )
  assert.equal(feed.length, 1)
})

test('the same decisions in another order of arrival give the same state', async () => {
  const [fixture, shuffled] = [await enforcementFixture(), await enforcementFixture()]
  const days = [0, 1, 2, 3]
  for (const [one, order] of [
    [fixture, days],
    [shuffled, [2, 0, 3, 1]],
  ] as const) {
    one.setDay(3)
    for (const day of order)
      await one.decide({
        itemId: `i${day}`,
        violation: 'spam',
        severity: day === 2 ? 3 : 1,
        occurredAtMs: startMs + day * dayMs,
      })
  }
  assert.deepEqual(await stateOf(shuffled), await stateOf(fixture))
})

test('a decision stays under the policy of its time', async () => {
  const fixture = await enforcementFixture()
  await fixture.decide({ itemId: 'i1', severity: 2 })
  const before = await stateOf(fixture)
  fixture.setDay(1)
  const text = referencePolicyText().replace(
    'points: { 1: 1, 2: 2, 3: 4, 4: 10 }',
    'points: { 1: 9, 2: 9, 3: 9, 4: 10 }',
  )
  const published = await fixture.db.transaction((tx) =>
    publishPolicy(tx, fixture.deps, tenantId, { text, author: person }),
  )
  assert.deepEqual([published.version, published.changed], [2, true])
  await fixture.db.transaction((tx) =>
    completeTraining(
      tx,
      fixture.deps,
      tenantId,
      { actorId: 'u1', violation: 'spam' },
      { author: person, automation: 'none', because: [] },
    ),
  )
  assert.deepEqual(await stateOf(fixture), before)
  const late = await fixture.decide({ itemId: 'i2', severity: 1, occurredAtMs: startMs + 0.5 * dayMs })
  const found = await selectDecision(fixture.db.query, tenantId, late.decisionId)
  assert.equal(found!.policyVersion, 1, 'what happened before the change is judged by what was published then')
  await fixture.rebuild()
})

test('a person decides from now on, and what follows is only partly automatic', async () => {
  const fixture = await enforcementFixture()
  fixture.setDay(5)
  const made = await fixture.decide({
    itemId: 'i1',
    occurredAtMs: startMs,
    author: person,
    automation: 'none',
    because: [],
  })
  const decision = made.entries.find((entry) => entry.kind === 'decision.made')!
  assert.equal(decision.occurredAtMs, startMs + 5 * dayMs)
  assert.equal(decision.kind === 'decision.made' && decision.body.statement.automatedDecision, 'NOT_AUTOMATED')
  const consequence = made.entries.find((entry) => entry.kind === 'consequence.started')!
  assert.equal(consequence.automation, 'partial')
})

test('an account without contact details gets no notice but is in the ledger', async () => {
  const fixture = await enforcementFixture()
  await fixture.decide({ itemId: 'i1', reachable: false })
  assert.ok(!(await topics(fixture)).includes('notice.created'))
  assert.ok((await topics(fixture)).includes('decision.made'))
})

test('a gate that is no strike has its own reason and end, and leaves standing alone', async () => {
  const fixture = await enforcementFixture()
  const { db, deps } = fixture
  await fixture.decide({ itemId: 'i0', severity: 1 })
  const before = (await stateOf(fixture)).standings
  const gate = {
    actorId: 'u1',
    feature: 'start_thread',
    context: 'private_messaging',
    untilMs: startMs + dayMs,
    reason: 'Many strangers in an hour',
    occurredAtMs: startMs,
  }
  const by = { author: { kind: 'rule' as const, id: 'burst', version: 1 }, automation: 'full' as const, because: [] }
  const close = () => db.transaction((tx) => closeGate(tx, deps, tenantId, gate, by))
  assert.equal((await close()).length, 1)
  assert.equal((await close()).length, 0, 'closing it again for the same time changes nothing')
  const answer = await ask(fixture, 'start_thread', 'private_messaging')
  assert.deepEqual(
    [answer.answer, answer.reason, answer.untilMs],
    ['limit', 'Many strangers in an hour', startMs + dayMs],
  )
  assert.deepEqual((await stateOf(fixture)).standings, before)
  await fixture.decide({ itemId: 'i1' })
  assert.equal((await ask(fixture, 'start_thread', 'private_messaging')).answer, 'limit', 'standing does not open it')
  fixture.setDay(1)
  await runDueTimers(db, fixture.nowMs(), enforcementTimers(deps))
  assert.equal((await ask(fixture, 'start_thread', 'private_messaging')).answer, 'allow')
  await fixture.rebuild()
})

test('severity 4 disables everywhere and every gate says so', async () => {
  const fixture = await enforcementFixture()
  await fixture.decide({ itemId: 'i1', violation: 'egregious_media', context: 'private_messaging' })
  for (const [feature, context] of [
    ['post', 'feed'],
    ['payouts', 'monetisation'],
    ['anything', 'default'],
  ] as const)
    assert.deepEqual(
      [(await ask(fixture, feature, context)).answer, (await ask(fixture, feature, context)).untilMs],
      ['deny', undefined],
    )
})

test('what the policy does not know is refused in words', async () => {
  const fixture = await enforcementFixture()
  const refused = await fixture.db.transaction((tx) =>
    decide(tx, fixture.deps, tenantId, {
      violation: 'jaywalking',
      context: 'feed',
      actorId: 'u1',
      occurredAtMs: startMs,
      author: person,
      automation: 'none',
      because: [],
    }),
  )
  assert.ok(!refused.ok)
  assert.match(refused.detail, /no violation "jaywalking"; it has scam, spam/)
})
