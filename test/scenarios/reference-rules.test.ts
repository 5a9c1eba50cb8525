import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { simulate } from '../../src/sim/simulate.ts'
import type { SimViolation, Truth } from '../../src/sim/truth.ts'
import { evaluate, noLabels } from '../../src/rules/evaluate.ts'
import { createFeatureState } from '../../src/rules/features.ts'
import { parseRuleFile } from '../../src/rules/rule-file.ts'
import { compileRuleSet } from '../../src/rules/check-file.ts'

const text = readFileSync(new URL('../../src/rules/reference-rules.yaml', import.meta.url), 'utf8')
const violations: SimViolation[] = ['scam', 'spam', 'harassment', 'hate', 'account_compromise', 'egregious_media']

test('the reference rules stand the check, with one in shadow', () => {
  const { rules } = compileRuleSet(parseRuleFile(text), { violations: new Set(violations) })
  assert.deepEqual(
    rules.filter(({ mode }) => mode === 'shadow').map(({ id }) => id),
    ['first-link-of-a-fresh-account'],
  )
})

test('on the simulated platform automatic rules are right and find most, without any bank', (t) => {
  const set = compileRuleSet(parseRuleFile(text))
  const state = createFeatureState(set)
  const automatic: { truth: Truth; violation: string; rule: string; occurredAtMs: number }[] = []
  const reviewed = new Map<string, { right: number; wrong: number }>()
  const truths: Truth[] = []
  let fromReports = 0
  let events = 0
  const startedMs = performance.now()
  const startMs = Date.UTC(2026, 0, 5)
  for (const { event, truth } of simulate({ seed: 7, actors: 1_500, days: 7, startMs })) {
    events++
    truths.push(truth)
    const observed = { event, occurredAtMs: Date.parse(event.time) }
    const features = state.observe(observed)
    for (const { rule, effects } of evaluate(set, observed, { signals: [], features, labels: noLabels }))
      for (const effect of effects) {
        if (effect.kind !== 'violation' || rule.mode !== 'live') continue
        if (event.type === 'report.filed') fromReports++
        if (effect.route === 'auto')
          automatic.push({ truth, violation: effect.violation, rule: rule.id, occurredAtMs: observed.occurredAtMs })
        else {
          const count = reviewed.get(rule.id) ?? { right: 0, wrong: 0 }
          count[truth.violating ? 'right' : 'wrong']++
          reviewed.set(rule.id, count)
        }
      }
  }
  t.diagnostic(
    `${events} events, ${Math.round((events * 1_000) / (performance.now() - startedMs))}/s with the simulator`,
  )
  for (const rule of new Set(automatic.map((made) => made.rule))) {
    const made = automatic.filter((one) => one.rule === rule)
    const right = made.filter(({ truth }) => truth.violating).length
    t.diagnostic(`${rule}: ${made.length} automatic, ${right} right`)
    assert.ok(right / made.length >= 0.98, `${rule} is right in ${right} of ${made.length}`)
  }
  for (const [rule, { right, wrong }] of reviewed) t.diagnostic(`${rule}: review, ${right} right, ${wrong} not`)
  for (const [violation, recallMin] of [
    ['scam', 0.5],
    ['spam', 0.6],
  ] as const) {
    const all = truths.filter((truth) => truth.violation === violation).length
    const found = new Set(
      automatic.filter(({ truth }) => truth.violation === violation).map(({ truth }) => truth.eventId),
    ).size
    t.diagnostic(`${violation}: ${found} of ${all} found automatically`)
    assert.ok(found / all >= recallMin, `${violation}: ${found} of ${all}`)
  }
  assert.equal(fromReports, 0, 'a report never leads to a violation by itself')
})
