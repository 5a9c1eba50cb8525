import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import type { Author, DecisionBody, NewEntry, ViolationProposal } from '../domain/entry.ts'
import { InputError } from '../domain/error.ts'
import type { Event } from '../domain/event.ts'
import { createLedger } from '../ledger/ledger.ts'
import { rebuildProjections } from '../ledger/rebuild.ts'
import type { Database } from '../storage/database.ts'
import { evaluate, noLabels, reevaluate } from './evaluate.ts'
import { rulesProjector } from './project.ts'
import { compileVersion, publishRules, rollBackRule, setRuleMode, type ChangeDeps } from './publish.ts'
import { createFeatureStates, createRuleBook } from './rule-book.ts'
import { recordHits, standingOf } from './stats.ts'
import { selectRule, selectSamples, selectStanding, selectTotals, selectVersion, selectVersions } from './store.ts'

let db: Database
before(async () => {
  db = await testDatabase()
})
let nowMs = 1_760_000_000_000
const clock = () => nowMs
const ledger = createLedger({ projectors: [rulesProjector], clock, randomBytes })
const author: Author = { kind: 'person', id: 'p1', role: 'engineer' }
const deps = (): ChangeDeps => ({ ledger, nowMs, author })

const file = (limit: number, extra = '') => `
features:
  # How many they wrote to.
  recipients_1h: { kind: distinct, key: actor.id, of: target.id, on: message.sent, window: 1h }
labels:
  chatty: { description: Writes to many }
rules:
  - id: many-recipients
    owner: spam
    description: Wrote to many people
    on: message.sent
    when: recipients_1h >= ${limit} # a burst
    then:
      - violation: { violation: spam, confidence: 0.8, route: auto }
      - label: { label: chatty, on: actor }
    mode: live
    quota: 3
${extra}`
const shadow = `  - id: any-message
    owner: spam
    description: Any message
    on: message.sent
    when: "true"
    then: [{ webhook: { topic: any } }]
    mode: shadow
`

let count = 0
const message = (actor: string, target: string, atMs: number): { event: Event; occurredAtMs: number } => ({
  occurredAtMs: atMs,
  event: {
    id: `e${count++}`,
    type: 'message.sent',
    time: new Date(atMs).toISOString(),
    context: 'private_messaging',
    actor: { id: actor },
    item: { id: `i${count}`, text: 'hi' },
    targets: [{ id: target }],
  },
})

const publish = (tenantId: string, text: string) => db.transaction((tx) => publishRules(tx, tenantId, text, deps()))

test('publishing makes a version of each changed rule, with all that it reads, and nothing of the others', async () => {
  const first = await publish('a', file(5, shadow))
  assert.deepEqual(
    first.map(({ ruleId, version, mode, changed }) => [ruleId, version, mode, changed]),
    [
      ['many-recipients', 1, 'live', true],
      ['any-message', 1, 'shadow', true],
    ],
  )
  const again = await publish('a', file(6, shadow))
  assert.deepEqual(
    again.map(({ ruleId, version, changed }) => [ruleId, version, changed]),
    [
      ['many-recipients', 2, true],
      ['any-message', 1, false],
    ],
  )
  const { text } = (await selectRule(db.query, 'a', 'many-recipients'))!
  assert.match(text, /# How many they wrote to\.\n.*recipients_1h/)
  assert.match(text, /# a burst/)
  const other = (await selectRule(db.query, 'a', 'any-message'))!
  assert.doesNotMatch(other.text, /recipients_1h|chatty/)
  assert.equal(compileVersion({ ...other, ruleId: 'any-message' }).id, 'any-message')
})

test('a file that does not stand the check changes nothing', async () => {
  await assert.rejects(publish('a', file(7).replace('recipients_1h >=', 'recipients_2h >=')), (error: InputError) => {
    assert.deepEqual(
      error.problems.map(({ field, line, column }) => [field, line, column]),
      [['rules[0].when', 12, 11]],
    )
    return true
  })
  assert.equal((await selectRule(db.query, 'a', 'many-recipients'))!.version, 2)
})

test('rollback is one step, keeps every version, and the next version has a new number', async () => {
  const roll = (toVersion: number) =>
    db.transaction((tx) => rollBackRule(tx, 'a', { ruleId: 'many-recipients', toVersion, reason: 'too many' }, deps()))
  assert.deepEqual(await roll(1), { ok: true, version: 1 })
  assert.match((await selectRule(db.query, 'a', 'many-recipients'))!.text, />= 5/)
  assert.equal((await roll(1)).ok, false)
  assert.equal((await roll(9)).ok, false)
  await publish('a', file(9))
  assert.deepEqual(
    (await selectVersions(db.query, 'a', 'many-recipients')).map(({ version }) => version),
    [3, 2, 1],
  )
})

test('two people who publish at the same moment make two versions', async () => {
  await Promise.all([publish('race', file(4)), publish('race', file(5)), publish('race', file(6))])
  assert.deepEqual(
    (await selectVersions(db.query, 'race', 'many-recipients')).map(({ version }) => version),
    [3, 2, 1],
  )
})

test('the rule book follows a change within a second, at once when told, and keeps what features have counted', async () => {
  const book = createRuleBook({ db, clock })
  const states = createFeatureStates(book)
  await publish('b', file(3))
  await book.refresh()
  assert.equal(states.follow(), true, 'features without history ask for a roll forward')
  const hitsOf = (observed: ReturnType<typeof message>) =>
    evaluate(book.current('b'), observed, {
      signals: [],
      features: states.observe('b', observed),
      labels: noLabels,
    }).map(({ rule }) => `${rule.id}@${rule.version} ${rule.mode}`)
  for (const target of ['x', 'y']) assert.deepEqual(hitsOf(message('u', target, nowMs)), [])
  await publish('b', file(4, shadow))
  assert.deepEqual(await book.refresh(), [], 'within a second it does not look')
  nowMs += 1_000
  assert.ok((await book.refresh()).includes('b'))
  assert.equal(states.follow(), false)
  assert.deepEqual(hitsOf(message('u', 'z', nowMs)), ['any-message@1 shadow'])
  assert.deepEqual(hitsOf(message('u', 'w', nowMs)), ['any-message@1 shadow', 'many-recipients@2 live'])
  await db.transaction((tx) => {
    tx.afterCommit(book.invalidate)
    return setRuleMode(tx, 'b', { ruleId: 'many-recipients', mode: 'off', reason: 'quiet' }, deps())
  })
  await book.refresh()
  states.follow()
  assert.deepEqual(hitsOf(message('u', 'v', nowMs)), ['any-message@1 shadow'])
  const later = createFeatureStates(book)
  later.restore(states.snapshot().body)
  const probe = message('u', 'q', nowMs)
  assert.deepEqual(later.observe('b', probe), states.observe('b', probe))
})

test('a rule acts as often as its quota allows in an hour, then trips to shadow and is counted on', async () => {
  await publish('c', file(1))
  const book = createRuleBook({ db, clock })
  await book.refresh()
  const states = createFeatureStates(book)
  const enforced: number[] = []
  for (let index = 0; index < 6; index++) {
    const observed = message('u', `t${index}`, nowMs)
    const set = book.current('c')
    const hits = evaluate(set, observed, { signals: [], features: states.observe('c', observed), labels: noLabels })
    await db.transaction(async (tx) => {
      const recorded = await recordHits(tx, 'c', set, { eventId: observed.event.id, ...observed }, hits)
      enforced.push(recorded.enforced.length)
      tx.afterCommit(book.invalidate)
      await ledger.append(tx, 'c', recorded.tripped)
    })
    await book.refresh()
  }
  assert.deepEqual(enforced, [1, 1, 1, 0, 0, 0])
  const rule = (await selectRule(db.query, 'c', 'many-recipients'))!
  assert.equal(rule.mode, 'shadow')
  assert.match(rule.tripped!, /More than 3 hits/)
  const [total] = await selectTotals(db.query, 'c')
  assert.deepEqual([total!.live, total!.shadow], [4, 2])
  const [sample] = await selectSamples(db.query, 'c', 'many-recipients', 1)
  const version = (await selectVersion(db.query, 'c', 'many-recipients', sample!.version))!
  const again = reevaluate(compileVersion(version), message('u', 't', nowMs), sample!.facts)
  assert.equal(again?.because, sample!.because)
})

test('the standing of a rule counts what people confirmed, dismissed and overturned', async () => {
  const rule = { id: 'many-recipients', version: 1 }
  const base = {
    subject: { kind: 'actor' as const, id: 'u' },
    occurredAtMs: nowMs,
    author,
    automation: 'none' as const,
  }
  const proposal = { rule } as ViolationProposal
  const decision = (decisionId: string) => ({ decisionId, rule }) as DecisionBody
  const ids = Array.from({ length: 4 }, (_, index) => `0199f000-0000-7000-8000-00000000000${index}`)
  const entries = [
    { ...base, id: ids[0], kind: 'violation.proposed', because: [], body: proposal },
    { ...base, id: ids[1], kind: 'violation.proposed', because: [], body: proposal },
    { ...base, id: ids[2], kind: 'violation.proposed', because: [], body: proposal },
    { ...base, kind: 'violation.dismissed', because: [], body: { proposalEntryId: ids[0] } },
    { ...base, kind: 'violation.confirmed', because: [], body: { proposalEntryId: ids[1] } },
    ...['d1', 'd2', 'd3', 'd4'].map((id) => ({ ...base, kind: 'decision.made', because: [], body: decision(id) })),
    // Nobody has looked at this one, and nobody at the next before somebody appealed.
    { ...base, kind: 'decision.made', author: { kind: 'rule', ...rule }, because: [], body: decision('d5') },
    {
      ...base,
      kind: 'decision.made',
      author: { kind: 'rule', ...rule },
      because: [],
      body: { ...decision('d6'), proposalEntryId: ids[2] },
    },
    { ...base, kind: 'appeal.decided', because: [], body: { appealId: 'p', decisionId: 'd6', outcome: 'upheld' } },
    { ...base, kind: 'decision.reversed', because: [], body: { decisionId: 'd2', reason: 'mistake' } },
  ] as NewEntry[]
  await db.transaction((tx) => ledger.append(tx, 'a', entries))
  const [counts] = await selectStanding(db.query, 'a', { ruleId: 'many-recipients' })
  const standing = standingOf(counts!)
  const { proposals, open, confirmed, dismissed, decisions, stood, overturned, precision } = standing
  assert.deepEqual(
    { proposals, open, confirmed, dismissed, decisions, stood, overturned, precision },
    {
      proposals: 3,
      open: 0,
      confirmed: 1,
      dismissed: 1,
      decisions: 6,
      stood: 4,
      overturned: 1,
      precision: 4 / 6,
    },
  )
  assert.ok(standing.interval![0] > 0.2 && standing.interval![1] < 0.95)
})

test('the tables of rules are the same after a rebuild from the ledger', async () => {
  const report = await rebuildProjections(db, [rulesProjector], ['a', 'b', 'c', 'race'])
  assert.deepEqual(
    report.tables.filter(({ same }) => !same),
    [],
  )
  assert.ok(report.entries > 10)
})
