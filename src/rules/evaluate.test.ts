import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Event } from '../domain/event.ts'
import type { Signal } from '../domain/signal.ts'
import { evaluate, noLabels, reevaluate, subjectsRead, type EvaluateContext } from './evaluate.ts'
import { createFeatureState } from './features.ts'
import { parseRuleFile } from './rule-file.ts'
import { compileRuleSet } from './check-file.ts'
import { trace } from './trace.ts'

type Given = Partial<Event> & { atMs?: number }
let ids = 0
const at = ({ atMs = 1_760_000_000_000, ...given }: Given = {}) => ({
  occurredAtMs: atMs,
  event: {
    id: `e${ids++}`,
    type: 'message.sent',
    time: new Date(atMs).toISOString(),
    context: 'default',
    actor: { id: 'u1' },
    ...given,
  } as Event,
})

const featureLines = `
  sent: { kind: count, key: actor.id, on: [message.sent], window: 10m, lateness: 5m }
  people: { kind: distinct, key: actor.id, of: "targets.map(t, t.id)", on: [message.sent], window: 10m, lateness: 5m }
  pace: { kind: rate, key: actor.id, on: [message.sent], window: 10m, per: 1h, lateness: 5m }
  spent: { kind: sum, key: actor.id, of: attributes.amount, on: [payment.made], window: 1h, lateness: 5m }
  country: { kind: last, key: actor.id, of: attributes.country, on: ["*"], window: 90d, lateness: 5m }`
const names = ['sent', 'people', 'pace', 'spent', 'country']

function setOf(when: string, then = '[{ webhook: { topic: t } }]') {
  const unused = names.filter((name) => !when.includes(name))
  // Every feature is read by somebody, so that any condition may name any of them.
  const readers = unused.map(
    (name) =>
      `  - { id: ${name}-reader, owner: o, description: d, on: [ad.submitted], mode: live, when: ${name} == null, then: [{ webhook: { topic: t } }] }\n`,
  )
  return compileRuleSet(
    parseRuleFile(
      `features:${featureLines}\nlists:\n  bad: { kind: domains, entries: [Evil.example] }\n  words: { kind: words, entries: [FREE] }\nlabels:\n  seen: { description: x }\nrules:\n` +
        `  - { id: r, owner: o, description: It is so, on: "*", mode: live, when: ${JSON.stringify(when)}, then: ${then} }\n${readers.join('')}`,
    ),
    { unusedIsProblem: false },
  )
}

function holds(when: string, observed = at(), context: Partial<EvaluateContext> = {}): boolean | null {
  const set = setOf(when)
  const given = { signals: [], labels: noLabels, features: createFeatureState(set).observe(observed), ...context }
  const [rule] = set.rules
  const traced = trace(rule!, set, observed, given)
  const hit = evaluate(set, observed, given).some((one) => one.rule.id === 'r')
  assert.equal(hit, traced.value === true, 'a trace answers what the evaluation answers')
  return traced.value
}

test('conditions are CEL', () => {
  const item = { id: 'i', text: 'Win FREE money 🎉', links: ['https://www.Evil.example:8080/x', 'mail@good.example'] }
  const observed = at({ item, attributes: { n: 7, flag: true, list: [1, 'a'], deep: { x: [{ y: 2 }] } } })
  for (const [condition, expected] of [
    ['attributes.n / 2 == 3.5 && attributes.n % 2 == 1 && -attributes.n < 0', true],
    ['attributes.n > 6 ? attributes.flag : false', true],
    ['"a" in attributes.list && !("b" in attributes.list) && attributes["n"] == 7', true],
    ['attributes.deep.x[0].y == 2 && attributes.deep.x.size() == 1', true],
    ['size(item.text) == 16 && item.text.contains("FREE") && item.text.lowerAscii().startsWith("win free")', true],
    ['item.text.matches("(?i)free\\\\s+money") && !item.text.matches("^free")', true],
    ['item.links.exists(l, inList("bad", domain(l))) && !item.links.all(l, inList("bad", domain(l)))', true],
    ['item.links.map(l, domain(l)) == ["evil.example", "good.example"]', true],
    ['item.links.filter(l, l.contains("@")).size() == 1 && item.links.exists_one(l, l.contains("@"))', true],
    ['item.text.split(" ").exists(w, inList("words", w))', true],
    ['cel.bind(n, attributes.n + 1, n * n == 64)', true],
    ['[1, 2].exists(x, [10, 20].exists(y, [1, 3].exists(x, x + y == 13) && x == 2))', true],
    ['max(1, attributes.n) == 7 && min(1, attributes.n) == 1 && lower(item.text) != item.text', true],
    ['secondsSince("2025-10-09T08:53:20Z") == 0.0 && secondsSince(event.timeMs - 5000.0) == 5.0', true],
    ['int("12") + int(3.9) == 15 && double("1.5") == 1.5 && string(attributes.n) == "7"', true],
    ['event.type == "message.sent" && event.context != "feed" && actor.id == "u1"', true],
    ['item.text.substring(0, 3) == "Win" && item.text.indexOf("FREE") == 4', true],
  ] as const)
    assert.equal(holds(condition, observed), expected, condition)
})

test('a missing field is null: it decides nothing by itself, and the trace says so', () => {
  assert.equal(holds('item.text.contains("x")'), null)
  assert.equal(holds('attributes.n > 3'), null)
  assert.equal(holds('!(attributes.n > 3)'), null)
  assert.equal(holds('attributes.n > 3 || actor.id == "u1"'), true)
  assert.equal(holds('attributes.n > 3 && actor.id == "u2"'), false)
  assert.equal(holds('attributes.n == null && !has(attributes.n) && item == null && item.text == null'), true)
  assert.equal(holds('targets.exists(t, t.id == "x")'), null)
  const set = setOf('attributes.n > 3 || item.text.size() > attributes.s')
  const observed = at({ attributes: { s: 'text' }, item: { id: 'i', text: 'x' } })
  const traced = trace(set.rules[0]!, set, observed, {
    signals: [],
    labels: noLabels,
    features: createFeatureState(set).observe(observed),
  })
  assert.deepEqual(
    [traced.value, traced.missing, traced.mismatched],
    [null, ['attributes.n'], ['item.text.size() > attributes.s']],
  )
})

test('a trace shows each sub-expression with its place and value, and what was not needed', () => {
  const set = setOf('actor.id == "u1" || attributes.n > 3')
  const observed = at()
  const context = { signals: [], labels: noLabels, features: createFeatureState(set).observe(observed) }
  const { root } = trace(set.rules[0]!, set, observed, context)
  assert.equal(root.source, 'actor.id == "u1" || attributes.n > 3')
  const [left, right] = root.children
  assert.deepEqual([left!.start, left!.end, left!.value, left!.children[0]!.value], [0, 16, true, 'u1'])
  assert.deepEqual([right!.source, right!.skipped, 'value' in right!], ['attributes.n > 3', true, false])
})

test('signals, labels and lists are read, and kept as facts that give the same hit again', () => {
  const signal = (confidence: number, bankId: string): Signal => ({
    name: 'match.media',
    subject: { kind: 'item', id: 'i' },
    value: confidence,
    confidence,
    because: `${bankId} is near`,
    version: 'pdq@1',
    evidence: { bankId, entryId: 'e', signalType: 'pdq', distance: 12, threshold: 31 },
  })
  const set = setOf(
    'signal("match.media").confidence > 0.5 && hasLabel(target, "seen") && !hasLabel(actor, "seen") && sent >= 1 && inList("bad", domain(item.links[0]))',
    '[{ violation: { violation: scam, confidence: 0.9, route: auto } }, { label: { label: seen, on: target, for: 7d } }, { review: { queue: q, priority: 0.5 } }, { label: { label: seen, on: thread } }]',
  )
  const observed = at({ targets: [{ id: 'u2' }], item: { id: 'i', links: ['https://evil.example'] } })
  assert.deepEqual(
    subjectsRead(set, observed.event).map(({ kind, id }) => `${kind}:${id}`),
    ['actor:u1', 'actor:u2'],
  )
  const [hit] = evaluate(set, observed, {
    signals: [signal(0.3, 'weak'), signal(0.9, 'strong')],
    labels: ({ id }) => (id === 'u2' ? ['seen', 'other'] : []),
    features: createFeatureState(set).observe(observed),
  })
  assert.deepEqual(hit!.facts.labels, { 'actor:u2': ['seen'], 'actor:u1': [] })
  assert.deepEqual(hit!.facts.lists, { 'bad: evil.example': true })
  assert.deepEqual(hit!.facts.features, { sent: 1 })
  assert.equal(
    hit!.because,
    'It is so (sent = 1; match.media: weak is near; match.media: strong is near; actor:u2 is labelled seen; in list bad: evil.example)',
  )
  assert.deepEqual(hit!.effects, [
    {
      kind: 'violation',
      violation: 'scam',
      confidence: 0.9,
      route: 'auto',
      match: { bankId: 'strong', entryId: 'e', signalType: 'pdq', distance: 12, threshold: 31 },
    },
    { kind: 'label', label: 'seen', subject: { kind: 'actor', id: 'u2' }, forMs: 604_800_000 },
    { kind: 'review', queue: 'q', subject: { kind: 'item', id: 'i' }, priority: 0.5 },
  ])
  const stored = JSON.parse(JSON.stringify(hit!.facts)) as NonNullable<typeof hit>['facts']
  assert.deepEqual(reevaluate(set.rules[0]!, observed, stored), hit)
  assert.equal(reevaluate(set.rules[0]!, observed, { ...stored, labels: {} }), null)
  assert.equal(reevaluate(set.rules[0]!, observed, { ...stored, lists: {} }), null)
})

test('a feature includes the event that reads it, slides, and counts a late event where it belongs', () => {
  const state = createFeatureState(setOf('sent > 0'))
  const minute = 60_000
  const read = (atMs: number, more: Given = {}) => {
    const { before, values } = state.observe(at({ atMs: atMs * minute, targets: [{ id: `t${atMs}` }], ...more }))
    return [before[0], values[0], values[1], values[2]]
  }
  assert.deepEqual(read(100), [0, 1, 1, 6])
  assert.deepEqual(read(105), [1, 2, 2, 12])
  assert.deepEqual(read(109.99), [2, 3, 3, 18])
  assert.deepEqual(read(110), [2, 3, 3, 18], 'the sample of exactly ten minutes ago is out')
  assert.deepEqual(read(107), [2, 3, 3, 18], 'a late event sees the window that ends with itself')
  assert.deepEqual(read(110), [4, 5, 4, 30], 'and later ones see it')
  assert.deepEqual(read(111, { type: 'item.created' }), [5, 5, 4, 30], 'events of other types read without moving it')
})

test('crosses() fires on the event that takes the feature over the line, also when it jumps', () => {
  const set = setOf('crosses(spent, 100)')
  const state = createFeatureState(set)
  const fired = [30, 60, 50, 10, 400].map((amount, index) => {
    const observed = at({ type: 'payment.made', atMs: 1e9 + index, attributes: { amount } })
    const hits = evaluate(set, observed, { signals: [], labels: noLabels, features: state.observe(observed) })
    return hits.length
  })
  assert.deepEqual(fired, [0, 0, 1, 0, 0])
})

test('previous() is the value before the event, so that a change can be seen', () => {
  const set = setOf('previous(country) != null && previous(country) != country')
  const state = createFeatureState(set)
  const changed = ['NL', 'NL', 'BR', 'BR'].map((country, index) => {
    const observed = at({ atMs: 1e9 + index, attributes: { country } })
    return evaluate(set, observed, { signals: [], labels: noLabels, features: state.observe(observed) }).length
  })
  assert.deepEqual(changed, [0, 0, 1, 0])
})

test('a feature whose key is missing is null, and nothing is counted', () => {
  const set = compileRuleSet(
    parseRuleFile(
      'features: { by_ip: { kind: count, key: origin.ip, on: "*", window: 1h } }\nrules: [{ id: r, owner: o, description: d, on: "*", mode: live, when: by_ip == null, then: [{ webhook: { topic: t } }] }]',
    ),
  )
  const state = createFeatureState(set)
  assert.deepEqual(state.observe(at()), { before: [null], values: [null] })
  assert.deepEqual(state.observe(at({ origin: { ip: '::1' } })), { before: [0], values: [1] })
  assert.deepEqual(state.sizes(), { by_ip: 1 })
})

const story = fc.array(
  fc.record({
    step: fc.integer({ min: -400, max: 120 }),
    actor: fc.constantFrom('a', 'b', '__proto__', 'é\ud800'),
    type: fc.constantFrom('message.sent', 'payment.made', 'item.created'),
    targets: fc.array(fc.constantFrom('x', 'y', 'z', 'constructor'), { maxLength: 3 }),
    amount: fc.double({ min: -5, max: 50, noNaN: true }),
    country: fc.option(fc.constantFrom('NL', 'BR'), { nil: undefined }),
  }),
  { minLength: 30, maxLength: 150 },
)

test('hits, feature values and traces are bit-identical after a snapshot and restore anywhere', () => {
  const set = setOf('crosses(people, 2) || sent > 3 || spent > 40 || pace > 20.5 || previous(country) != country')
  fc.assert(
    fc.property(story, fc.nat(), (steps, seed) => {
      const straight = createFeatureState(set)
      let restored = createFeatureState(set)
      let atMs = 1_760_000_000_000
      for (const [index, { step, actor, type, targets, amount, country }] of steps.entries()) {
        if (step >= 0) atMs += step * 1_000
        const observed = at({
          type,
          atMs: step >= 0 ? atMs : atMs + step * 1_000,
          actor: { id: actor },
          targets: targets.map((id) => ({ id })),
          attributes: { amount, ...(country && { country }) },
        })
        if ((index * 7 + seed) % 5 === 0) restored = createFeatureState(set, restored.snapshot())
        const contexts = [straight, restored].map((state) => ({
          signals: [],
          labels: noLabels,
          features: state.observe(observed),
        }))
        const [one, other] = contexts.map((context) => ({
          features: context.features,
          hits: evaluate(set, observed, context),
          trace: trace(set.rules[0]!, set, observed, context),
        }))
        assert.deepEqual(one, other)
        for (const hit of one!.hits) assert.deepEqual(reevaluate(set.rules[0]!, observed, hit.facts), hit)
      }
      assert.deepEqual(createFeatureState(set, straight.snapshot()).snapshot(), straight.snapshot())
    }),
    { numRuns: 60 },
  )
})

test('features agree with a count by hand over every event of a story', () => {
  const set = setOf('sent > 0')
  fc.assert(
    fc.property(story, (steps) => {
      const state = createFeatureState(set)
      const seen: { actor: string; type: string; timeMs: number; targets: string[]; amount: number }[] = []
      let atMs = 1_760_000_000_000
      for (const { step, actor, type, targets, amount } of steps) {
        // Within the declared lateness of five minutes.
        if (step >= 0) atMs += step * 1_000
        const timeMs = step >= 0 ? atMs : atMs + (step * 1_000) / 2
        const observed = at({
          type,
          atMs: timeMs,
          actor: { id: actor },
          targets: targets.map((id) => ({ id })),
          attributes: { amount },
        })
        seen.push({ actor: actor.toWellFormed(), type, timeMs, targets, amount })
        const { values } = state.observe(observed)
        const inside = (of: string, windowMs: number) =>
          seen.filter(
            (one) =>
              one.actor === actor.toWellFormed() &&
              one.type === of &&
              one.timeMs <= timeMs &&
              one.timeMs > timeMs - windowMs,
          )
        const sent = inside('message.sent', 600_000)
        assert.equal(values[0], sent.length)
        assert.equal(values[1], new Set(sent.flatMap((one) => one.targets)).size)
        const spent = inside('payment.made', 3_600_000).reduce((sum, one) => sum + one.amount, 0)
        assert.ok(Math.abs((values[3] as number) - spent) < 1e-9)
      }
    }),
    { numRuns: 100 },
  )
})
