import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { referencePolicyText } from '../../src/enforcement/policy-file.ts'
import { decideEvent, getEvent } from '../../src/http/contract/events.ts'
import { getPolicy, listPolicies } from '../../src/http/contract/policies.ts'
import { checkRules, listRules, publishRuleFile } from '../../src/http/contract/rules.ts'
import { testApp, type TestApp } from '../app.ts'
import { ask, assertIntact, assertProblem, eventOf, settled } from '../hostile.ts'

let app: TestApp
before(async () => void (app = await testApp()))

const post = (path: string, body: unknown, headers = {}) =>
  ask(app, 'POST', path, { type: 'application/json', body: JSON.stringify(body), headers })
const rule = (change: string, id = 'r') =>
  `rules:
  - id: ${id}
    owner: o
    description: d
    on: [item.created]
    when: 'true'
    then: [{ label: { label: seen, on: actor } }]
    mode: live
labels: { seen: { description: Seen } }
`.replace(...(change.split(' => ') as [string, string]))

/** Refused with 422, naming a problem like this at a line and column. */
async function refusedAt(path: string, text: string, problem: RegExp, headers = {}): Promise<void> {
  const answer = await post(path, { text }, headers)
  const { errors } = assertProblem(answer, 422)
  const found = errors!.find((error) => problem.test(`${error.field} ${error.problem}`))
  assert.ok(found !== undefined, answer.text.slice(0, 1_000))
  assert.ok(found.line! >= 1 && found.column! >= 1, `no place: ${JSON.stringify(found)}`)
}

test('rules: unknown fields, injections and bombs are refused with line and column, and nothing is published', async () => {
  const before = await app.platform.call(listRules, {})
  const when = (text: string) => rule(`'true' => ${JSON.stringify(text)}`)
  for (const [text, problem] of [
    [rule('owner: o => owner: o\n    ownr: x'), /ownr.*unknown field/],
    [rule('mode: live => mode: live\n    __proto__: { mode: live }'), /__proto__/],
    [rule('mode: live => mode: live\n    constructor: x'), /constructor/],
    [`__proto__: { admin: true }\n${rule('x => x')}`, /__proto__/],
    [when('item.text == "a" || process.exit(1)'), /process|unknown/],
    [when('this.constructor.constructor("return process")()'), /./],
    [when('item.text.constructor == "x"'), /./],
    [when('event["__proto__"] == null'), /./],
    [when('"a" + '), /./],
    [when("item.text == 'x'; DROP TABLE events"), /./],
    [when('[1,2,3].map(x, [1,2,3].map(y, [1,2,3].map(z, x+y+z))).size() > 0 && hasLabel(actor, "nobody")'), /nobody/],
    [when(`${'('.repeat(4_000)}true${')'.repeat(4_000)}`), /maxDepth|nested/],
    [when('inList("nolist", item.text)'), /nolist/],
    [rule('label: seen => label: unseen'), /unseen/],
    [`a: &a [x]\nb: [*a, *a]\n${rule('x => x')}`, /alias/],
    ['rules: !!js/function "function(){}"', /./],
    ['rules: [', /./],
    ['just text', /./],
  ] as const)
    await refusedAt('/v1/rules', text, problem)
  const after = await app.platform.call(listRules, {})
  assert.deepEqual(after, before)
  const checked = await app.platform.call(checkRules, { body: { text: when('nonsense') } })
  assert.ok(!checked.ok && checked.problems[0]!.line! > 1)
})

test('policies: unknown fields and names that point at nothing are refused with line and column', async () => {
  const versions = async () =>
    (await app.platform.call(listPolicies, {})).items.map(({ version, sha256 }) => [version, sha256])
  const before = await versions()
  const good = referencePolicyText()
  const { headers } = await app.platform.callFull(getPolicy, { params: { version: 'newest' } })
  const ifMatch = { 'if-match': headers.get('etag') ?? '*' }
  for (const [text, problem] of [
    [good.replace('expiryDays: 365', 'expiryDays: 365\nexpiryDais: 1'), /expiryDais.*unknown field/],
    [`${good}\n__proto__: { admin: true }\n`, /__proto__/],
    [`${good}\nconstructor: { prototype: {} }\n`, /constructor.*unknown field/],
    [good.replace('ladder: standard', 'ladder: constructor'), /ladder.*names no ladder/],
    [good.replace('ladder: standard', 'ladder: nowhere'), /ladder.*names no ladder/],
    [good.replace('contexts:\n', 'contexts:\n  "a b; DROP": { title: x, features: [] }\n'), /a b; DROP/],
    [good.replace('points: { 1: 1', 'points: { 1: -1e309'), /./],
    [good.replace('expiryDays: 365', 'expiryDays: .nan'), /./],
    ['[]', /./],
    ['{', /./],
  ] as const) {
    await refusedAt('/v1/policies', text, problem, ifMatch)
    await refusedAt('/v1/policies/preview', text, problem)
  }
  assert.deepEqual(await versions(), before)
})

test('a rule whose quota is used up applies no label, neither in the ledger nor for the rules that read it', async () => {
  const text = `rules:
  - id: limited
    owner: o
    description: Labels, twice an hour at most
    on: [item.created]
    when: item.text == "label me"
    then: [{ label: { label: marked, on: actor } }]
    mode: live
    quota: 2
  - id: reader
    owner: o
    description: Reads the label
    on: [item.created]
    when: item.text == "am I?" && hasLabel(actor, "marked")
    then: [{ review: { queue: default, priority: 1 } }]
    mode: live
labels: { marked: { description: Marked } }
`
  await app.platform.call(publishRuleFile, { body: { text } })
  // Rules are live within a second.
  await new Promise((done) => setTimeout(done, 1_100))
  // All in one batch: what the first of an actor's events does counts for the second.
  const hourMs = 3_600_000
  const timeMs = Math.floor(Date.now() / hourMs) * hourMs - hourMs
  const events = ['a', 'b', 'c', 'd'].flatMap((id, index) =>
    ['label me', 'am I?'].map((said, turn) =>
      eventOf(
        `quota-${id}-${turn}`,
        { actor: { id: `quota-${id}` }, item: { id: `quota-${id}-${turn}`, text: said } },
        timeMs + index * 10 + turn,
      ),
    ),
  )
  await post('/v1/events', events)
  await settled(app)
  for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
    const kinds = async (turn: number) =>
      (await app.platform.call(getEvent, { params: { eventId: `quota-${id}-${turn}` } })).entries.map(
        ({ kind }) => kind,
      )
    assert.equal((await kinds(0)).includes('label.applied'), index < 2, `label of ${id}`)
    assert.equal((await kinds(1)).includes('job.created'), index < 2, `reader on ${id}`)
  }
})

test('a platform that waits hears of the job, also when its event joins one that is open', async () => {
  const text = `rules:
${['one', 'two']
  .map(
    (id) => `  - id: ${id}
    owner: o
    description: d
    on: [item.created]
    when: item.text.contains("${id}")
    then: [{ violation: { violation: spam, confidence: 0.9, route: review } }]
    mode: live
`,
  )
  .join('')}`
  await app.platform.call(publishRuleFile, { body: { text } })
  const decide = (id: string, said: string) =>
    app.platform.call(decideEvent, {
      body: eventOf(id, { actor: { id: 'joined' }, item: { id: 'joined-item', text: said } }) as never,
    })
  const first = await decide('joined-1', 'one')
  const second = await decide('joined-2', 'two')
  assert.deepEqual([first.verdict, first.jobs.length], ['review', 1])
  assert.deepEqual([second.verdict, second.jobs], ['review', first.jobs])
})

test('nothing around all this was lost or broken', () => assertIntact(app))
