import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Policy } from '../domain/policy.ts'
import { fold, type Strike } from './fold.ts'
import { compilePolicies, type PolicySet } from './policy-set.ts'
import { readPolicy, referencePolicyText } from './policy-file.ts'
import { standing, type History, type Standing } from './standing.ts'

const dayMs = 86_400_000
const reference = readPolicy(referencePolicyText())
const variant = (change: (policy: Policy) => void): Policy => {
  const policy = structuredClone(reference)
  change(policy)
  return policy
}
const harsher = variant((policy) => {
  policy.violations.spam!.points = { 1: 2, 2: 3, 3: 5, 4: 10 }
  policy.spillover.weight = 0.5
})
const consecutive = variant((policy) => void (policy.stacking = 'consecutive'))
const fading = variant((policy) => {
  policy.counters[0]!.decay = { kind: 'half_life', halfLifeMs: 90 * dayMs }
  policy.counters.push({
    id: 'spamming',
    contexts: ['feed', 'community_messaging'],
    violations: ['spam'],
    windowMs: 60 * dayMs,
    decay: { kind: 'step', steps: [{ afterMs: 30 * dayMs, share: 0.5 }] },
    ladder: 'standard',
    ladders: {},
  })
  policy.violations.hate!.occurrences = { count: 2, windowMs: 60 * dayMs }
})
const set = compilePolicies(
  new Map([reference, harsher, consecutive, fading].map((policy, index) => [index + 1, policy])),
)

const strikes = (versions: number[]) =>
  fc
    .array(
      fc.record({
        // Mostly close together, so that consequences meet while they run.
        day: fc.oneof({ weight: 3, arbitrary: fc.nat(40) }, fc.nat(3), fc.nat(800)),
        violation: fc.constantFrom('scam', 'spam', 'harassment', 'hate', 'monetisation_fraud', 'egregious_media'),
        severity: fc.constantFrom(1, 1, 2, 3, 4) as fc.Arbitrary<1 | 2 | 3 | 4>,
        context: fc.constantFrom('private_messaging', 'community_messaging', 'genai', 'feed', 'monetisation'),
        policyVersion: fc.constantFrom(...versions),
        attribution: fc.constantFrom(1, 1, 1, 0.5, 0),
        attributionConfidence: fc.constantFrom(1, 1, 1, 0.5),
        itemAgeMs: fc.constantFrom(undefined, 91 * dayMs, 90 * dayMs),
        dedupeKey: fc.constantFrom(undefined, undefined, 'batch'),
        hour: fc.integer({ min: 0, max: 23 }),
      }),
      { minLength: 1, maxLength: 14 },
    )
    .map((list) =>
      list.map(({ day, hour, ...strike }, index): Strike => ({
        ...strike,
        decisionId: `d${String(index).padStart(2, '0')}`,
        atMs: day * dayMs + hour * 3_600_000,
      })),
    )
const trainings = fc.array(
  fc.record({ violation: fc.constant('spam'), atMs: fc.integer({ min: 0, max: 800 }).map((day) => day * dayMs) }),
  { maxLength: 2 },
)
const moments = (history: History): number[] =>
  history.strikes.flatMap(({ atMs }) =>
    [0, 0.5, 1, 2, 3.5, 8, 29, 31, 89, 91, 200, 364.5, 365, 400].map((days) => atMs + days * dayMs),
  )

/** Whether standing `b` is in no respect worse than `a`. */
function assertNoWorse(a: Standing, b: Standing): void {
  for (const context of Object.keys(a.contexts)) {
    const [before, after] = [a.contexts[context]!, b.contexts[context]!]
    const at = `${context} at day ${a.atMs / dayMs}`
    assert.ok(after.points <= before.points, `points in ${at}: ${before.points} -> ${after.points}`)
    assert.ok(after.level <= before.level, `level in ${at}: ${before.level} -> ${after.level}`)
    for (const { feature, untilMs = Infinity } of after.closed) {
      const was = before.closed.find((one) => one.feature === feature)
      assert.ok(was !== undefined && (was.untilMs ?? Infinity) >= untilMs, `${feature} closed longer in ${at}`)
    }
  }
}

for (const [name, versions] of [
  ['the reference policy', [1]],
  ['policies that changed on the way', [1, 2]],
  ['consequences one after the other', [3]],
  ['decay, windows and counters over several contexts', [4]],
] as const) {
  test(`removing a violation never makes any state worse: ${name}`, () => {
    fc.assert(
      fc.property(strikes([...versions]), trainings, fc.nat(), (all, done, which) => {
        const without = all.filter((_, index) => index !== which % all.length)
        const history = { strikes: all, trainings: done }
        for (const atMs of moments(history))
          assertNoWorse(standing(history, set, atMs), standing({ strikes: without, trainings: done }, set, atMs))
      }),
      { numRuns: 150 },
    )
  })
  test(`lowering a severity never makes any state worse: ${name}`, () => {
    fc.assert(
      fc.property(strikes([...versions]), fc.nat(), (all, which) => {
        const milder = all.map((strike, index) =>
          index === which % all.length ? { ...strike, severity: Math.max(1, strike.severity - 1) as 1 } : strike,
        )
        for (const atMs of moments({ strikes: all, trainings: [] }))
          assertNoWorse(
            standing({ strikes: all, trainings: [] }, set, atMs),
            standing({ strikes: milder, trainings: [] }, set, atMs),
          )
      }),
      { numRuns: 100 },
    )
  })
}

test('spilled points never pass their cap', () => {
  fc.assert(
    fc.property(strikes([1, 2]), (all) => {
      const history = {
        strikes: all.filter((strike) => strike.severity < 4 && strike.violation !== 'egregious_media'),
        trainings: [],
      }
      for (const atMs of moments(history)) {
        const { contexts } = standing(history, set, atMs)
        for (const [context, here] of Object.entries(contexts)) {
          if (history.strikes.some((strike) => strike.context === context)) continue
          assert.ok(here.level <= 1, `${context} reaches level ${here.level} without a strike of its own`)
          assert.deepEqual(here.closed, [])
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('order of arrival does not matter, nor do duplicates', () => {
  fc.assert(
    fc.property(strikes([1, 2, 3, 4]), fc.infiniteStream(fc.nat()), (all, random) => {
      const shuffled = [...all]
      for (let index = shuffled.length - 1; index > 0; index--) {
        const other = random.next().value % (index + 1)
        ;[shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!]
      }
      for (const atMs of moments({ strikes: all, trainings: [] }))
        assert.equal(
          JSON.stringify(standing({ strikes: shuffled, trainings: [] }, set, atMs)),
          JSON.stringify(standing({ strikes: all, trainings: [] }, set, atMs)),
        )
    }),
    { numRuns: 100 },
  )
})

test('standing never goes below zero, and points stay what a plain sum says', () => {
  fc.assert(
    fc.property(strikes([1]), (all) => {
      for (const atMs of moments({ strikes: all, trainings: [] })) {
        const now = standing({ strikes: all, trainings: [] }, set, atMs)
        for (const [context, here] of Object.entries(now.contexts)) {
          assert.ok(here.own >= 0 && here.spilled >= 0 && here.level >= 0)
          // The same sum by other means: outcomes that count, the highest of each batch.
          const batches = new Map<string, number>()
          let sum = 0
          for (const outcome of now.outcomes) {
            const strike = all.find((one) => one.decisionId === outcome.decisionId)!
            if (strike.context !== context || outcome.expiresMs <= atMs) continue
            if (strike.dedupeKey === undefined) sum += outcome.points
            else {
              const key = `${Math.floor(strike.atMs / dayMs)}`
              batches.set(key, Math.max(batches.get(key) ?? 0, outcome.points))
            }
          }
          for (const points of batches.values()) sum += points
          assert.ok(Math.abs(here.own - sum) < 1e-9, `${context}: ${here.own} is not ${sum}`)
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('folds a million short histories a second, give or take the machine', () => {
  const histories: Strike[][] = []
  const only: PolicySet = compilePolicies(new Map([[1, reference]]))
  for (const sample of fc.sample(strikes([1]), { numRuns: 2_000, seed: 7 }))
    histories.push(sample.sort((a, b) => a.atMs - b.atMs))
  let folded = 0
  // In time on a processor: what else runs on the machine does not count.
  const from = process.cpuUsage()
  const usedMs = () => process.cpuUsage(from).user / 1_000
  while (usedMs() < 500)
    for (const history of histories) {
      fold(history, [], only)
      folded += history.length
    }
  const perSecond = (folded / usedMs()) * 1_000
  console.log(`# ${Math.round(perSecond)} strikes/s`)
  assert.ok(perSecond > 100_000, `${perSecond} strikes/s`)
})
