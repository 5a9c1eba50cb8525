import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerGate, checkGate, createGateStates } from './gates.ts'
import type { GateRow } from './store.ts'
import { readPolicy, referencePolicyText } from './policy-file.ts'

const policy = readPolicy(referencePolicyText())
const gate: GateRow = { id: 'g', feature: 'post', context: 'feed', untilMs: 100, consequenceId: null, reason: 'r' }
const ask = { actorId: 'u1', feature: 'post', context: 'feed' }

test('the strictest gate answers, then the one that lasts longest, and only while it runs', () => {
  const answer = (gates: Partial<GateRow>[], nowMs = 50) =>
    answerGate({ gates: gates.map((one) => ({ ...gate, ...one })), labels: [] }, ask, nowMs, policy)
  assert.deepEqual(answer([]), { answer: 'allow' })
  assert.equal(answer([{}]).answer, 'limit')
  assert.equal(answer([{}], 100).answer, 'allow', 'it is over at its end, whether or not a timer ran')
  assert.equal(answer([{ feature: 'share' }, { context: 'genai' }]).answer, 'allow')
  assert.equal(answer([{ feature: '*' }]).answer, 'limit')
  const both = answer([{ untilMs: 900 }, { id: 'c', consequenceId: 'c-1', context: '*', feature: '*', untilMs: 60 }])
  assert.deepEqual([both.answer, both.consequenceId, both.untilMs], ['deny', 'c-1', 60])
  assert.equal(answer([{ untilMs: 60 }, { untilMs: 90 }]).untilMs, 90)
  const forever = answerGate({ gates: [{ ...gate, untilMs: null }], labels: [] }, ask, 1e15, policy)
  assert.deepEqual([forever.answer, forever.untilMs], ['limit', undefined])
})

test('a label that the policy names asks for a challenge', () => {
  const answer = (label: string, expiresMs: number | null) =>
    answerGate({ gates: [], labels: [{ label, expiresMs }] }, ask, 50, policy).answer
  assert.deepEqual(
    [answer('compromised', null), answer('compromised', 60), answer('compromised', 50), answer('nice', null)],
    ['challenge', 'challenge', 'allow', 'allow'],
  )
})

test('with the database away each feature fails as the policy chose, and other errors are not hidden', async () => {
  const away = createGateStates(() => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })))
  const answer = (feature: string) => checkGate(away, 't', { ...ask, feature }, 50, policy)
  assert.deepEqual(await answer('post'), { answer: 'allow', failSafe: true })
  const payouts = await answer('payouts')
  assert.deepEqual([payouts.answer, payouts.failSafe], ['deny', true])
  const broken = createGateStates(() => Promise.reject(new Error('syntax error')))
  await assert.rejects(checkGate(broken, 't', ask, 50, policy), /syntax error/)
})

test('checks that arrive together share a question, and each gets its own answer', async () => {
  const questions: string[][] = []
  const states = createGateStates((async (_sql: string, params: unknown[]) => {
    questions.push([...(params[1] as string[])])
    await new Promise((done) => setImmediate(done))
    return (params[1] as string[])
      .filter((actorId) => actorId !== 'a3')
      .map((actorId) => ({ kind: 'gate', actorId, ...gate, reason: actorId }))
  }) as never)
  const actors = Array.from({ length: 1_200 }, (_, index) => `a${index}`)
  const answers = await Promise.all(actors.map((actorId) => states.of('t', actorId)))
  assert.deepEqual(
    questions.map((asked) => asked.length),
    [1, 500, 500, 199],
  )
  assert.deepEqual(
    answers.map((state) => state.gates[0]?.reason),
    actors.map((actor) => (actor === 'a3' ? undefined : actor)),
  )
})
