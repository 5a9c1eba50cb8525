import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../domain/error.ts'
import type { Event } from '../domain/event.ts'
import { evaluate, noLabels } from './evaluate.ts'
import { createFeatureState } from './features.ts'
import { parseRuleFile } from './rule-file.ts'
import { compileRuleSet } from './check-file.ts'
import type { RuleSet } from './rule-set.ts'
import { trace } from './trace.ts'

const ruleWith = (when: string) =>
  `rules: [{ id: r, owner: o, description: d, on: "*", mode: live, when: ${JSON.stringify(when)}, then: [{ webhook: { topic: t } }] }]`

/** CPU seconds since a mark: other processes must not make a test fail. */
const cpuS = (since: NodeJS.CpuUsage) => process.cpuUsage(since).user / 1e6

/** The first problem of a file, which must be found within a second of computing. */
function refused(text: string): string {
  const started = process.cpuUsage()
  try {
    compileRuleSet(parseRuleFile(text))
  } catch (error) {
    assert.ok(error instanceof InputError, `not an InputError: ${String(error)}`)
    assert.ok(cpuS(started) < 1, `took ${cpuS(started)} s: ${text.slice(0, 20)}`)
    assert.ok(error.problems.every(({ line, column }) => line === undefined || (line >= 1 && column! >= 1)))
    return error.problems[0]!.problem
  }
  return 'accepted'
}

const runs = (set: RuleSet, event: Partial<Event>) => {
  const observed = {
    occurredAtMs: 1e12,
    event: { id: 'e', type: 'message.sent', time: '', context: 'c', actor: { id: 'u' }, ...event } as Event,
  }
  const context = { signals: [], labels: noLabels, features: createFeatureState(set).observe(observed) }
  return { hits: evaluate(set, observed, context), traced: trace(set.rules[0]!, set, observed, context) }
}
const valueOf = (when: string, event: Partial<Event> = {}) =>
  runs(compileRuleSet(parseRuleFile(ruleWith(when))), event).traced.value

test('huge and deeply nested conditions are refused at once', () => {
  assert.match(refused(ruleWith('true && '.repeat(2_000) + 'true')), /more than 10000 characters/)
  assert.match(refused(ruleWith(`${'('.repeat(4_000)}true${')'.repeat(4_000)}`)), /maxDepth/)
  assert.match(refused(ruleWith(`${'!'.repeat(9_000)}true`)), /maxAstNodes|nested/)
  assert.match(refused(ruleWith(`${'-'.repeat(1_900)}1 < 2`)), /accepted|nested/)
  assert.match(refused(ruleWith(`1${'+1'.repeat(1_900)} > 2`)), /maxAstNodes|accepted/)
  assert.match(refused(ruleWith(`[${'1,'.repeat(1_500)}1].size() > 2`)), /maxListElements/)
  assert.match(refused(ruleWith(`actor${'.attributes'.repeat(500)} == null`)), /maxDepth/)
  const nested = 'targets.exists(a, targets.exists(b, targets.exists(c, a.id == b.id && b.id == c.id)))'
  assert.match(refused(ruleWith(nested)), /steps for one event/)
})

test('YAML bombs, foreign tags and nesting are refused at once', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(',')}]`)
    .join('\n')}`
  assert.match(refused(bomb), /anchors and aliases/)
  assert.match(refused('rules: !!js/function "x"'), /tag|array/)
  assert.match(refused('rules: !foo [x]'), /tag/)
  for (const open of ['[', '{', '- ', '? ', '{a: ', '[ ', '[\n'])
    assert.notEqual(refused(open.repeat(20_000)), 'accepted', open)
  assert.notEqual(refused('['.repeat(900_000)), 'accepted')
  assert.match(refused('x'.repeat(1_000_001)), /bytes/)
  for (const text of [
    '',
    '~',
    '[]',
    '"x"',
    '5',
    '\u0000',
    '\t\t:',
    'rules: 5',
    'rules: [5]',
    'a: b: c',
    '--- 1\n--- 2',
  ])
    assert.ok(['accepted', refused(text)].includes(refused(text)), text)
})

test('names of prototypes reach nothing', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'namespace', 'cel']) {
    assert.notEqual(
      refused(`features: { ${name}: { kind: count, key: actor.id, on: "*", window: 1h } }\n${ruleWith(`${name} > 1`)}`),
      'accepted',
    )
    assert.equal(valueOf(`attributes.${name} == null && attributes["${name}"] == null`, { attributes: {} }), true, name)
    assert.equal(valueOf(`has(attributes.${name})`, { attributes: {} }), false, name)
    assert.equal(valueOf(`"${name}" in attributes`, { attributes: {} }), false, name)
    assert.notEqual(refused(ruleWith(`${name} == null`)), 'accepted')
    assert.notEqual(refused(ruleWith(`${name}(1)`)), 'accepted')
    assert.notEqual(refused(ruleWith(`item.text.${name}()`)), 'accepted')
    assert.notEqual(refused(ruleWith(`item.${name} == null`)), 'accepted')
    assert.notEqual(refused(ruleWith(`signal("${name}") == null`)), 'accepted')
    assert.notEqual(refused(ruleWith(`inList("${name}", "x")`)), 'accepted')
  }
  const own = JSON.parse('{"__proto__": {"admin": true}, "constructor": "c"}') as Record<string, unknown>
  assert.equal(
    valueOf('attributes.constructor == "c" && attributes["__proto__"].admin == true', { attributes: own }),
    true,
  )
  assert.equal(({} as Record<string, unknown>).admin, undefined)
})

test('what CEL knows but rules do not offer is refused, not ignored', () => {
  for (const when of [
    'timestamp("2020-01-01T00:00:00Z") != null',
    'type(1) == int',
    'b"x".size() == 1',
    '{"a": 1}.size() == 1',
    '5u > 2u',
    'uint(1) == 1u',
    'duration("1h") == duration("1h")',
    '99999999999999999999 > 1',
    'item.text.matches(item.text)',
    'signal(item.text) == null',
  ])
    assert.notEqual(refused(ruleWith(when)), 'accepted', when)
})

test('regular expressions that blow up elsewhere stay linear, and those that RE2 lacks are refused', () => {
  const set = compileRuleSet(parseRuleFile(ruleWith('item.text.matches("^(a+)+$") || item.text.matches("(x|xx)*y")')))
  const started = process.cpuUsage()
  assert.equal(runs(set, { item: { id: 'i', text: `${'a'.repeat(50_000)}!` } }).hits.length, 0)
  assert.ok(cpuS(started) < 1)
  for (const pattern of ['(a)\\\\1', '(?=x)', '(?<!x)y', '(a{1000}){1000}', '['])
    assert.match(refused(ruleWith(`item.text.matches("${pattern}")`)), /RE2/, pattern)
})

test('no event makes a rule throw, whatever its attributes hold', () => {
  const when =
    'attributes.a + attributes.b > 3 || attributes.a.contains("x") || size(attributes.a) > 2 || attributes.a[0] == attributes.b || ' +
    'attributes.a.x.y == 1 || attributes.a in attributes.b || -attributes.a < 1 || attributes.a.exists(x, x.y) || ' +
    'domain(attributes.a) == "x" || secondsSince(attributes.a) > 1 || attributes.a / attributes.b > 1 || lower(attributes.a) == "x"'
  const set = compileRuleSet(parseRuleFile(ruleWith(when)))
  const values = [
    undefined,
    null,
    0,
    -1,
    1e308,
    'x',
    '',
    '\ud800',
    '2020-99-99',
    [],
    [1, [2]],
    {},
    { x: { y: 1 } },
    true,
  ]
  for (const a of values)
    for (const b of values) {
      const { hits, traced } = runs(set, { attributes: { a, b } })
      assert.equal(hits.length === 1, traced.value === true)
      assert.doesNotThrow(() => JSON.stringify(traced))
    }
})

test('text that a condition makes cannot fill the memory', () => {
  const doubling = 'cel.bind(a, item.text + item.text, cel.bind(b, a + a, cel.bind(c, b + b, c + c)))'
  assert.equal(valueOf(`${doubling} == null`, { item: { id: 'i', text: 'x'.repeat(100_000) } }), true)
})
