import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../domain/error.ts'
import { policyBytesMax, readPolicy, referencePolicyText } from './policy-file.ts'

const text = referencePolicyText()
const refusal = (changed: string): InputError => {
  try {
    readPolicy(changed)
  } catch (error) {
    assert.ok(error instanceof InputError, String(error))
    return error
  }
  assert.fail('should have been refused')
}
const problemsOf = (from: string | RegExp, to: string) => {
  const changed = text.replace(from, to)
  assert.notEqual(changed, text, 'the text to change is there')
  return refusal(changed).problems.map((problem) => [problem.field, problem.problem, problem.line])
}
const lineOf = (part: string) => text.slice(0, text.indexOf(part)).split('\n').length

test('the reference policy reads, and says what the scenarios need', () => {
  const policy = readPolicy(text)
  assert.deepEqual(
    policy.ladders.standard!.map(({ at, durationMs }) => [at, (durationMs ?? 0) / 86_400_000]),
    [
      [1, 0],
      [3, 1],
      [5, 3],
      [7, 7],
      [10, 30],
    ],
  )
  assert.deepEqual([policy.spillover.weight, policy.spillover.cap], [0.25, 'warn'])
  assert.deepEqual(policy.violations.scam!.points, { 1: 1, 2: 2, 3: 4, 4: 10 })
})

test('unknown fields are refused by name and line, wherever they are', () => {
  const line = lineOf('stacking: longest')
  assert.deepEqual(problemsOf('stacking: longest', 'stackign: longest'), [['stackign', 'unknown field', line]])
  assert.deepEqual(problemsOf('confidenceMin: 0.7', 'confidenceMim: 0.7'), [
    ['attribution.confidenceMim', 'unknown field', lineOf('confidenceMin: 0.7')],
  ])
  assert.deepEqual(problemsOf('{ at: 1, action: warn }', '{ at: 1, action: warn, note: x }'), [
    ['ladders.standard[0].note', 'unknown field', lineOf('{ at: 1, action: warn }')],
  ])
})

test('what would make fewer points cost more is refused', () => {
  assert.deepEqual(problemsOf('days: 7, closes', 'days: 2, closes')[0]!.slice(0, 2), [
    'ladders.standard[3].days',
    'must not be shorter than the step before',
  ])
  assert.deepEqual(problemsOf('{ at: 5,', '{ at: 3,')[0]!.slice(0, 2), [
    'ladders.standard[2].at',
    'must be more than the step before',
  ])
  assert.deepEqual(problemsOf('points: { 1: 1, 2: 2', 'points: { 1: 3, 2: 2')[0]![0], 'points.2')
  assert.deepEqual(problemsOf('severities: [4]', 'severities: [3]')[0]![1], 'must include 4, which is graver')
  assert.deepEqual(
    problemsOf('days: 30, closes: all }\n  money', 'days: 30, closes: [post] }\n  money')[0]![1],
    'must close at least what the step before closes',
  )
})

test('names that point at nothing are refused with those that exist', () => {
  const [field, problem] = problemsOf('ladder: standard', 'ladder: standart')[0]!
  assert.equal(field, 'counters[0].ladder')
  assert.match(String(problem), /names no ladder; known are standard, money/)
  assert.equal(problemsOf('cap: warn', 'cap: shame')[0]![0], 'spillover.cap')
  assert.equal(problemsOf('feature: invite', 'feature: invites')[0]![0], 'gates.risk[1].feature')
})

test('an appeal window below six months, bad YAML and oversized texts are refused', () => {
  assert.deepEqual(problemsOf('windowDays: 183', 'windowDays: 30')[0], [
    'appeals.windowDays',
    'must be at least 183',
    lineOf('windowDays: 183'),
  ])
  assert.ok(refusal('policy: [').problems[0]!.line! >= 1)
  assert.ok(refusal(`${text}\nstacking: longest\n`).problems.some((one) => /unique|duplicate/i.test(one.problem)))
  assert.equal(refusal('x'.repeat(policyBytesMax + 1)).problems[0]!.limit, policyBytesMax)
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`
  assert.ok(refusal(bomb).problems.length > 0)
  for (const input of ['', '42', 'null', '- a', '"text"']) assert.ok(refusal(input).problems.length > 0, input)
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
  assert.ok(refusal(`${text}\n__proto__: { polluted: true }\n`).problems.length > 0)
})

test('every problem is reported, not only the first', () => {
  const changed = text.replace('stacking: longest', 'stacking: tallest').replace('severity: 3', 'severity: 9')
  assert.deepEqual(
    refusal(changed)
      .problems.map((problem) => problem.field)
      .sort(),
    ['stacking', 'violations.scam.severity'],
  )
})
