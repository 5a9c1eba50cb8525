import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { testDatabase } from '../../../test/database.ts'
import type { Event } from '../../domain/event.ts'
import { scopes } from '../../domain/staff.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { evaluate, noLabels } from '../../rules/evaluate.ts'
import { createFeatureStates, createRuleBook, type RuleBook } from '../../rules/rule-book.ts'
import { rulesProjector } from '../../rules/project.ts'
import { recordHits } from '../../rules/stats.ts'
import { dropSamplesOf } from '../../rules/store.ts'
import type { Database } from '../../storage/database.ts'
import { insertEvents } from '../../storage/event-log.ts'
import { ApiError, createClient, type Client } from '../client.ts'
import * as contract from '../contract/rules.ts'
import type { Principal } from '../principal.ts'
import { createServer } from '../server.ts'
import { ruleRoutes } from './rules.ts'

let db: Database
let client: Client
let book: RuleBook
let close: () => Promise<void>
const startMs = 1_760_000_000_000
let nowMs = startMs
const clock = () => nowMs
const ledger = createLedger({ projectors: [rulesProjector], clock, randomBytes })
const engineer: Principal = {
  kind: 'person',
  id: 'p1',
  name: 'Eng',
  tenantId: 't',
  scopes: new Set(scopes),
  roles: ['engineer'],
}
const viewer: Principal = { ...engineer, id: 'p2', scopes: new Set(['rules:read']) }

before(async () => {
  db = await testDatabase()
  book = createRuleBook({ db, clock })
  const { app, mount } = createServer({
    authenticate: async (request) => (request.headers.authorization === 'Bearer v' ? viewer : engineer),
    checkResponses: true,
    log: (line) => console.error(line),
  })
  ruleRoutes(mount, { db, ledger, clock, book, checkOptions: () => ({ violations: new Set(['spam']) }) })
  const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  client = createClient({ baseUrl })
  close = () => app.close()
})
after(() => close())

const text = (limit: number) => `
features:
  recipients_1h: { kind: distinct, key: actor.id, of: target.id, on: message.sent, window: 1h }
rules:
  - id: many-recipients
    owner: spam
    description: Wrote to many people
    on: message.sent
    when: recipients_1h >= ${limit} && actor.attributes.age < 10
    then: [{ violation: { violation: spam, confidence: 0.8, route: review } }]
    mode: shadow
`

const events = Array.from({ length: 12 }, (_, index): { event: Event; occurredAtMs: number } => ({
  occurredAtMs: startMs + index * 1_000,
  event: {
    id: `e${index}`,
    type: 'message.sent',
    time: new Date(startMs + index * 1_000).toISOString(),
    context: 'default',
    actor: { id: 'u', attributes: { age: index === 11 ? 99 : 1 } },
    targets: [{ id: `v${index}` }],
  },
}))

const failed = async (call: Promise<unknown>): Promise<ApiError> => {
  try {
    await call
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('it did not fail')
}

test('checking tells every problem with line and column, and publishes nothing', async () => {
  const bad = await client.call(contract.checkRules, {
    body: { text: text(3).replace('violation: spam', 'violation: spma') },
  })
  assert.equal(bad.ok, false)
  assert.deepEqual([bad.problems[0]!.line, bad.problems[0]!.column], [10, 38])
  const good = await client.call(contract.checkRules, { body: { text: text(3) } })
  assert.deepEqual(
    good.rules.map(({ id, reads, current, changes }) => ({ id, reads, current, changes })),
    [{ id: 'many-recipients', reads: ['recipients_1h'], current: null, changes: true }],
  )
  assert.deepEqual((await client.call(contract.listRules, {})).items, [])
})

test('publishing a bad file is a problem that names each field; who may only read may not publish', async () => {
  const error = await failed(client.call(contract.publishRuleFile, { body: { text: 'rules: [{}]' } }))
  assert.equal(error.status, 422)
  assert.equal(error.problem.errors![0]!.line, 1)
  const refused = await failed(
    client.call(contract.publishRuleFile, { body: { text: text(3) }, headers: { authorization: 'Bearer v' } }),
  )
  assert.equal(refused.status, 403)
})

test('a rule is published, counted, listed, traced, previewed, changed and rolled back', async () => {
  await insertEvents(
    db.query,
    events.map(({ event, occurredAtMs }) => ({
      tenantId: 't',
      event,
      body: JSON.stringify(event),
      partition: 0,
      occurredAtMs,
      receivedAtMs: occurredAtMs,
      late: false,
    })),
  )
  assert.deepEqual(await client.call(contract.publishRuleFile, { body: { text: text(9) } }), {
    rules: [{ ruleId: 'many-recipients', version: 1, mode: 'shadow', changed: true }],
  })
  await book.refresh()
  const states = createFeatureStates(book)
  const set = book.current('t')
  for (const observed of events) {
    const hits = evaluate(set, observed, { signals: [], labels: noLabels, features: states.observe('t', observed) })
    await db.transaction((tx) => recordHits(tx, 't', set, { eventId: observed.event.id, ...observed }, hits))
  }
  nowMs = startMs + 60_000
  const [listed] = (await client.call(contract.listRules, {})).items
  assert.deepEqual([listed!.version, listed!.mode, listed!.route, listed!.hits.shadow], [1, 'shadow', 'review', 3])
  const shown = await client.callFull(contract.getRule, { params: { ruleId: 'many-recipients' } })
  assert.deepEqual(
    shown.body.samples.map(({ eventId }) => eventId),
    ['e10', 'e9', 'e8'],
  )
  assert.deepEqual((await client.call(contract.listFeatures, {})).items[0]!.rules, ['many-recipients'])

  const traceOf = (eventId: string) =>
    client.call(contract.traceRule, { params: { ruleId: 'many-recipients', eventId } })
  const hit = await traceOf('e9')
  assert.deepEqual([hit.source, hit.value, hit.features[0]!.value], ['recorded', true, 10])
  const miss = await traceOf('e11')
  assert.deepEqual([miss.source, miss.value, miss.features[0]!.value], ['replayed', false, 12])
  assert.equal((await failed(traceOf('nope'))).status, 404)

  const preview = await client.call(contract.previewDraft, { body: { text: text(7) } })
  const [drafted] = preview.rules
  assert.deepEqual(
    [preview.events, drafted!.hits, drafted!.current, drafted!.added, drafted!.removed, drafted!.actors],
    [12, 5, 3, 2, 0, 1],
  )
  assert.deepEqual(
    drafted!.samples.map(({ eventId, known }) => [eventId, known]),
    [
      ['e10', true],
      ['e9', true],
      ['e8', true],
      ['e7', false],
      ['e6', false],
    ],
  )

  await client.call(contract.publishRuleFile, { body: { text: text(7) } })
  const change = (headers: Record<string, string>) =>
    client.callFull(contract.setMode, {
      params: { ruleId: 'many-recipients' },
      body: { mode: 'live', reason: 'it is precise' },
      headers,
    })
  assert.equal((await failed(change({}))).status, 428)
  assert.equal((await failed(change({ 'if-match': shown.etag! }))).status, 412)
  const fresh = await client.callFull(contract.getRule, { params: { ruleId: 'many-recipients' } })
  const live = await change({ 'if-match': fresh.etag! })
  assert.deepEqual(live.body, { ruleId: 'many-recipients', version: 2, mode: 'live' })
  const back = await client.call(contract.rollBack, {
    params: { ruleId: 'many-recipients' },
    body: { toVersion: 1, reason: 'too eager' },
    headers: { 'if-match': live.etag! },
  })
  assert.deepEqual(back, { ruleId: 'many-recipients', version: 1, mode: 'shadow' })
  await book.refresh()
  assert.match(book.current('t').rules[0]!.document.when, />= 9/)
})

test('samples of an erased person are gone, the counts stay', async () => {
  const samplesOf = async () =>
    (await client.call(contract.getRule, { params: { ruleId: 'many-recipients' } })).samples.length
  assert.equal(await samplesOf(), 3)
  assert.equal(await db.transaction((tx) => dropSamplesOf(tx, 't', 'somebody else')), 0)
  assert.equal(await db.transaction((tx) => dropSamplesOf(tx, 't', 'u')), 3)
  assert.equal(await samplesOf(), 0)
  assert.equal((await client.call(contract.listRules, {})).items[0]!.hits.shadow, 3)
})

test('the schema of rule files and the words of conditions are served', async () => {
  const { schema, words } = await client.call(contract.getRuleSchema, {})
  assert.equal((schema as { title: string }).title, 'Custos rule file')
  assert.ok(words.functions.some(({ name }) => name === 'crosses'))
})
