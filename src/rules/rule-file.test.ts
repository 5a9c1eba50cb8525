import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { InputError, type FieldProblem } from '../domain/error.ts'
import { parseRuleFile } from './rule-file.ts'
import { compileRuleSet, type CheckOptions } from './check-file.ts'
import { ruleFileSchema } from './schema.ts'

const good = `
features:
  sent_1h: { kind: count, key: actor.id, on: message.sent, window: 1h }
  last_ip: { kind: last, key: actor.id, of: origin.ip, on: "*", window: 24h }
lists:
  bad: { kind: domains, entries: [evil.example] }
labels:
  noisy: { description: Sends much }
rules:
  - id: noisy
    owner: spam
    description: Sends much
    on: [message.sent]
    when: |
      sent_1h > 3 &&
        previous(last_ip) != origin.ip &&
        inList("bad", domain(item.links[0]))
    then:
      - label: { label: noisy, on: actor, for: 7d }
    mode: live
`

function problemsOf(text: string, options?: CheckOptions): FieldProblem[] {
  try {
    compileRuleSet(parseRuleFile(text), options)
  } catch (error) {
    assert.ok(error instanceof InputError, String(error))
    return error.problems
  }
  return []
}

/** What is wrong after a change of the good file: each problem as "line:column problem". */
function after(from: string, to: string, options?: CheckOptions): string[] {
  assert.ok(good.includes(from), from)
  return problemsOf(good.replace(from, to), options).map(({ line, column, problem }) => `${line}:${column} ${problem}`)
}

test('a good file stands the check', () => assert.deepEqual(problemsOf(good), []))

test('each mistake is told in words, at its line and column', () => {
  assert.deepEqual(after('previous(last_ip)', 'previous(last_op)'), [
    '16:18 unknown name "last_op": neither a field nor a declared feature',
  ])
  assert.deepEqual(after('!= origin.ip', '!= origin.ipp'), ['16:37 unknown field "ipp"'])
  assert.deepEqual(after('sent_1h > 3', 'item.text > 3'), ['15:7 no such overload: string > int'])
  assert.deepEqual(after('inList("bad"', 'inList("worse"'), ['17:16 unknown list "worse"; known are bad'])
  assert.deepEqual(after('sent_1h > 3', 'hasLabel(actor, "nosy")'), ['15:23 unknown label "nosy"; known are noisy'])
  assert.deepEqual(after('sent_1h > 3', 'signal("match.medai") != null'), [
    '15:14 unknown signal "match.medai"; known are match.media, match.text, media.unreadable',
  ])
  assert.deepEqual(after('sent_1h > 3', 'sent_1h >> 3'), ['15:16 Unexpected token: GT'])
  assert.deepEqual(after('sent_1h > 3', 'item.text.matches("(")'), ['15:25 is no RE2 pattern: missing closing ): `(`'])
  assert.deepEqual(after('sent_1h > 3', 'has(item.txt)'), ['15:11 unknown field "txt"'])
  assert.deepEqual(after('label: noisy, on', 'label: nosy, on'), ['19:25 the label "nosy" is not declared'])
  assert.deepEqual(after('on: actor, for: 7d', 'on: actor, fro: 7d'), ['19:43 unknown field'])
  assert.deepEqual(after('mode: live', 'mode: alive'), ['20:11 must be one of live, shadow, off'])
  assert.deepEqual(after('window: 1h', 'window: 91d'), ['3:68 is too long'])
  assert.deepEqual(after('[message.sent]', '[message.snet]'), ['13:9 unknown event type "message.snet"'])
  assert.deepEqual(after('sent_1h > 3', 'size(item.text)'), ["15:7 Logical operator requires bool operands, got 'int'"])
  assert.deepEqual(after('kind: count, key', 'kind: sum, key'), ['3:3 a feature of kind sum needs "of"'])
  assert.deepEqual(after('key: actor.id, on: message.sent', 'key: actor.idd, on: message.sent'), [
    '3:38 unknown field "idd"',
  ])
  assert.deepEqual(after('- label: { label: noisy, on: actor, for: 7d }', '- {}'), [
    '19:9 must have exactly one effect',
  ])
  assert.deepEqual(after('  noisy: {', '  noisy2: { description: x }\n  noisy: {'), [
    '8:3 is declared but nothing uses it',
  ])
})

test('several mistakes are told together', () => {
  const text = good.replace('sent_1h > 3', 'nope > 3').replace('noisy, on: actor', 'nosy, on: actor')
  assert.equal(problemsOf(text).length, 2)
})

test('what the tenant knows is checked when it is given', () => {
  const violation =
    '- violation: { violation: spam, confidence: 0.5, route: auto }\n      - review: { queue: q1, priority: 1 }\n      - label'
  const options = { violations: new Set(['scam']), queues: new Set(['default']) }
  assert.deepEqual(after('- label', violation, options), [
    '19:33 the policy knows no violation "spam"',
    '20:26 there is no queue "q1"',
  ])
  assert.deepEqual(after('- label', violation), [])
})

test('crosses() on a feature that the rule never sees move is a mistake', () => {
  assert.deepEqual(after('sent_1h > 3', 'crosses(sent_1h, 3)'), [])
  assert.deepEqual(
    problemsOf(
      good.replace('sent_1h > 3', 'crosses(sent_1h, 3)').replace('on: [message.sent]', 'on: [item.created]'),
    ).map(({ line, column }) => `${line}:${column}`),
    ['15:15'],
  )
})

test('a feature may read the event only, so that it can be rebuilt from events alone', () => {
  const where = (condition: string) =>
    after('on: message.sent, window', `on: message.sent, where: '${condition}', window`).map((text) =>
      text.slice(text.indexOf(' ') + 1),
    )
  assert.deepEqual(where('signal("match.media") != null'), [
    '"signal" is not available in features: they read the event alone',
  ])
  assert.deepEqual(where('hasLabel(actor, "noisy")'), [
    '"hasLabel" is not available in features: they read the event alone',
  ])
  assert.deepEqual(where('last_ip == "x"'), ['unknown name "last_ip": neither a field nor a declared feature'])
})

test('the schema on disk is the one that checks; node bin/write-schemas.mjs writes it', () => {
  const written = readFileSync(new URL('../../docs/schemas/rule-file.json', import.meta.url), 'utf8')
  assert.equal(written, `${JSON.stringify(ruleFileSchema, null, 2)}\n`)
})

test('the file that the guide shows stands the check', () => {
  const guide = readFileSync(new URL('../../docs/guides/rules.md', import.meta.url), 'utf8')
  assert.deepEqual(problemsOf(/```yaml\n([\s\S]*?)```/.exec(guide)![1]!), [])
})
