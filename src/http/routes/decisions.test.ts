import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { enforcementFixture, startMs, tenantId, type Fixture } from '../../../test/enforcement-fixture.ts'
import { scopes, type Scope } from '../../domain/staff.ts'
import { referencePolicyText } from '../../enforcement/policy-file.ts'
import { ApiError, createClient } from '../client.ts'
import { decideAppeal, fileAppeal, getAppeal, listAppeals } from '../contract/appeals.ts'
import { getDecision, listDecisions, makeDecision, modifyDecision, reverseDecision } from '../contract/decisions.ts'
import { checkGate } from '../contract/gates.ts'
import { getPolicy, listPolicies, previewPolicy, publishPolicy } from '../contract/policies.ts'
import { completeTraining, getSubject, getTimeline, labelSubject, unlabelSubject } from '../contract/subjects.ts'
import type { Principal } from '../principal.ts'
import { createServer } from '../server.ts'
import { appealRoutes } from './appeals.ts'
import { decisionRoutes } from './decisions.ts'
import { gateRoutes } from './gates.ts'
import { policyRoutes } from './policies.ts'
import { subjectRoutes } from './subjects.ts'

let fixture: Fixture
let baseUrl: string
const principals: Record<string, Principal> = {}
const principal = (name: string, held: readonly Scope[], more: Partial<Principal> = {}) => {
  principals[`Bearer ${name}`] = { kind: 'person', id: name, name, tenantId, scopes: new Set(held), roles: [], ...more }
}
principal('ana', scopes)
principal('ben', scopes)
principal('vera', ['decisions:read', 'appeals:read', 'policies:read', 'subjects:read', 'gates:read'])
principal('key', scopes, { kind: 'key' })
principal('eve', scopes, { tenantId: 'other' })
const as = (key: string) => createClient({ baseUrl, key })
const { app, mount } = createServer({
  authenticate: async (request) => principals[request.headers.authorization ?? ''],
  checkResponses: true,
  log: (line) => console.error(line),
})
before(async () => {
  fixture = await enforcementFixture()
  await fixture.db.query(`INSERT INTO tenants (id, name) VALUES ('other', 'other')`)
  const deps = { ...fixture.deps, db: fixture.db, reevaluate: () => ({ same: true, detail: 'not asked here' }) }
  decisionRoutes(mount, deps)
  appealRoutes(mount, deps)
  policyRoutes(mount, deps)
  gateRoutes(mount, deps)
  subjectRoutes(mount, deps)
  baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
})
after(() => app.close())

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('should have been refused'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}
const decision = { violation: 'scam', context: 'feed', facts: 'A post that asks for gift cards.' }

test('a person decides, everything follows, and an appeal puts it right', async () => {
  const made = await as('ana').call(makeDecision, { body: { ...decision, actorId: 'u1', itemId: 'i1' } })
  assert.deepEqual(
    [made.status, made.automation, made.statement.automatedDecision],
    ['active', 'none', 'NOT_AUTOMATED'],
  )
  assert.equal(made.statement.facts, 'A post that asks for gift cards.')
  const gate = { actor: 'u1', feature: 'post', context: 'feed' }
  assert.equal((await as('vera').call(checkGate, { body: gate })).answer, 'deny')
  const view = await as('vera').call(getSubject, { params: { kind: 'actor', id: 'u1' } })
  assert.deepEqual([view.status, view.standing.find((one) => one.context === 'feed')!.points], ['restricted', 4])
  assert.equal((await as('vera').call(getSubject, { params: { kind: 'item', id: 'i1' } })).status, 'removed')

  const detail = await as('vera').callFull(getDecision, { params: { decisionId: made.decisionId } })
  assert.ok(detail.body.explanation.replay.same, detail.body.explanation.replay.detail)
  assert.equal(detail.body.consequences[0]!.arithmetic, 'scam 4 = 4 points; from 3: suspend for 1 day')
  assert.equal(
    (detail.body.dsaStatement as { automated_decision: string }).automated_decision,
    'AUTOMATED_DECISION_NOT_AUTOMATED',
  )

  const appeal = await as('key').call(fileAppeal, {
    body: { decisionId: made.decisionId, appellantId: 'u1', statement: 'Those were my own gift cards.' },
  })
  const seen = await as('ana').callFull(getAppeal, { params: { appealId: appeal.appealId } })
  assert.deepEqual([seen.body.statement, seen.body.mayDecide], ['Those were my own gift cards.', false])
  assert.equal((await as('vera').call(getAppeal, { params: { appealId: appeal.appealId } })).statement, null)
  const answer = { outcome: 'overturned' as const, reason: 'They were.' }
  const params = { appealId: appeal.appealId }
  const headers = { 'if-match': seen.etag! }
  assert.equal((await failure(as('ana').call(decideAppeal, { params, body: answer, headers }))).status, 403)
  assert.equal((await failure(as('key').call(decideAppeal, { params, body: answer, headers }))).status, 403)
  assert.equal((await failure(as('ben').call(decideAppeal, { params, body: answer }))).status, 428)
  const decided = await as('ben').call(decideAppeal, { params, body: answer, headers })
  assert.deepEqual([decided.state, decided.outcome, decided.decidedBy], ['decided', 'overturned', 'ben'])
  assert.equal((await failure(as('ben').call(decideAppeal, { params, body: answer, headers }))).status, 412)

  assert.equal((await as('vera').call(checkGate, { body: gate })).answer, 'allow')
  const now = await as('vera').call(getSubject, { params: { kind: 'actor', id: 'u1' } })
  assert.equal(now.status, 'active')
  assert.deepEqual((await as('vera').call(listAppeals, { query: { state: 'open' } })).items, [])
  const timeline = await as('vera').call(getTimeline, { params: { kind: 'actor', id: 'u1' }, query: { limit: 3 } })
  assert.equal(timeline.items.length, 3)
  const older = await as('vera').call(getTimeline, {
    params: { kind: 'actor', id: 'u1' },
    query: { after: timeline.next! },
  })
  assert.ok(older.items.some((entry) => entry.title.startsWith('Decision: scam, severity 3')))
})

test('a change needs the ETag that was seen, a person, and the scope', async () => {
  const made = await as('ana').callFull(makeDecision, { body: { ...decision, actorId: 'u2', itemId: 'i2' } })
  const params = { decisionId: made.body.decisionId }
  const body = { reason: 'Milder.', severity: 1 as const }
  assert.equal((await failure(as('vera').call(modifyDecision, { params, body }))).status, 403)
  assert.equal((await failure(as('ana').call(modifyDecision, { params, body }))).status, 428)
  const modified = await as('ana').callFull(modifyDecision, { params, body, headers: { 'if-match': made.etag! } })
  assert.deepEqual([modified.body.severity, modified.body.status], [1, 'modified'])
  const stale = await failure(
    as('ben').call(reverseDecision, { params, body: { reason: 'x' }, headers: { 'if-match': made.etag! } }),
  )
  assert.equal(stale.status, 412)
  const gone = await as('ben').call(reverseDecision, {
    params,
    body: { reason: 'Wrong person.' },
    headers: { 'if-match': modified.etag! },
  })
  assert.deepEqual([gone.status, gone.changedReason], ['reversed', 'Wrong person.'])
  const twice = await failure(
    as('ben').call(reverseDecision, { params, body: { reason: 'x' }, headers: { 'if-match': '*' } }),
  )
  assert.equal(twice.status, 409)
})

test('two who reverse at once: one does, the other hears of it', async () => {
  const made = await as('ana').callFull(makeDecision, { body: { ...decision, actorId: 'u3', itemId: 'i3' } })
  const call = (key: string) =>
    as(key).call(reverseDecision, {
      params: { decisionId: made.body.decisionId },
      body: { reason: 'x' },
      headers: { 'if-match': made.etag! },
    })
  const results = await Promise.allSettled([call('ana'), call('ben')])
  assert.deepEqual(results.map((one) => one.status).sort(), ['fulfilled', 'rejected'])
})

test('decisions are listed by filters and pages, and only those of the tenant', async () => {
  for (let index = 0; index < 5; index++)
    await as('ana').call(makeDecision, { body: { ...decision, violation: 'spam', actorId: 'u4', itemId: `s${index}` } })
  const first = await as('vera').call(listDecisions, { query: { actor: 'u4', limit: 3 } })
  const rest = await as('vera').call(listDecisions, { query: { actor: 'u4', limit: 3, after: first.next! } })
  assert.deepEqual([first.items.length, rest.items.length, rest.next], [3, 2, null])
  assert.equal(new Set([...first.items, ...rest.items].map((one) => one.decisionId)).size, 5)
  assert.equal((await as('vera').call(listDecisions, { query: { actor: 'u4', status: 'reversed' } })).items.length, 0)
  assert.equal(
    (await as('vera').call(listDecisions, { query: { violation: 'spam', context: 'feed' } })).items.length,
    5,
  )
  assert.equal((await as('eve').call(listDecisions, {})).items.length, 0)
  const decisionId = first.items[0]!.decisionId
  assert.equal((await failure(as('eve').call(getDecision, { params: { decisionId } }))).status, 404)
  assert.equal((await failure(as('ana').call(getDecision, { params: { decisionId: "x' OR '1'='1" } }))).status, 404)
  assert.equal((await failure(as('ana').call(listDecisions, { query: { after: 'nonsense' } }))).status, 422)
})

test('what the policy does not know is refused by name', async () => {
  const unknown = await failure(
    as('ana').call(makeDecision, { body: { ...decision, violation: 'jaywalking', actorId: 'u5' } }),
  )
  assert.equal(unknown.status, 422)
  assert.match(unknown.problem.detail!, /no violation "jaywalking"/)
  const twice = { ...decision, actorId: 'u5', itemId: 'i5' }
  await as('ana').call(makeDecision, { body: twice })
  assert.equal((await failure(as('ana').call(makeDecision, { body: twice }))).status, 409)
})

test('a policy is previewed, published with what was seen, and refused with line and column', async () => {
  const [newest] = (await as('vera').call(listPolicies, {})).items
  assert.deepEqual([newest!.version, newest!.policyId, newest!.inForce], [1, 'reference', true])
  const shown = await as('vera').callFull(getPolicy, { params: { version: 'newest' } })
  assert.equal(shown.body.text, referencePolicyText())
  assert.ok(shown.body.summary.violations.some((one) => one.violation === 'scam'))
  const milder = referencePolicyText().replace(
    'points: { 1: 1, 2: 2, 3: 4, 4: 10 }',
    'points: { 1: 1, 2: 1, 3: 1, 4: 10 }',
  )
  const preview = await as('vera').call(previewPolicy, { body: { text: milder } })
  assert.ok(preview.changes.some((change) => change.path === 'violations.scam.points.3' && change.after === 1))
  assert.ok(preview.impact.better > 0 && preview.impact.worse === 0, JSON.stringify(preview.impact))
  const bad = await failure(
    as('ana').call(previewPolicy, {
      body: { text: referencePolicyText().replace('expiryDays: 365', 'expiryDais: 365') },
    }),
  )
  const line =
    referencePolicyText()
      .split('\n')
      .findIndex((text) => text.startsWith('expiryDays')) + 1
  assert.deepEqual(
    bad.problem.errors!.map((error) => [error.field, error.problem, error.line, error.column]),
    [['expiryDais', 'unknown field', line, 1]],
  )
  assert.equal((await failure(as('ana').call(publishPolicy, { body: { text: milder } }))).status, 428)
  assert.equal((await failure(as('vera').call(publishPolicy, { body: { text: milder } }))).status, 403)
  const published = await as('ana').call(publishPolicy, {
    body: { text: milder },
    headers: { 'if-match': shown.etag! },
  })
  assert.deepEqual([published.version, published.inForce], [2, true])
  const late = await failure(
    as('ana').call(publishPolicy, { body: { text: milder }, headers: { 'if-match': shown.etag! } }),
  )
  assert.equal(late.status, 412)
  const past = `effectiveFrom: 2020-01-01T00:00:00Z\n${milder}`
  const retroactive = await failure(
    as('ana').call(publishPolicy, { body: { text: past }, headers: { 'if-match': '"2"' } }),
  )
  assert.equal(retroactive.problem.errors![0]!.field, 'effectiveFrom')
})

test('labels are put on and taken off, and ask for a challenge where the policy says so', async () => {
  const params = { kind: 'actor' as const, id: 'u6', label: 'compromised' }
  await as('ana').call(labelSubject, { params, body: { forMs: 60_000, reason: 'New device, new country.' } })
  const view = await as('vera').call(getSubject, { params: { kind: 'actor', id: 'u6' } })
  assert.deepEqual(
    view.labels.map((one) => [one.label, one.expiresMs]),
    [['compromised', startMs + 60_000]],
  )
  const gate = { actor: 'u6', feature: 'send_message', context: 'private_messaging' }
  assert.equal((await as('vera').call(checkGate, { body: gate })).answer, 'challenge')
  await as('ana').call(unlabelSubject, { params })
  assert.equal((await as('vera').call(checkGate, { body: gate })).answer, 'allow')
  assert.equal((await failure(as('ana').call(unlabelSubject, { params }))).status, 404)
  await as('ana').call(completeTraining, { params: { id: 'u6' }, body: { violation: 'spam' } })
})
