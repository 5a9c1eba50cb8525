// The numbered scenarios of the enforcement model, as far as they need no database; the flows have theirs beside them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayAppeal, type Plea } from '../../src/appeals/eligibility.ts'
import type { EntryBodies, EntryKind, LedgerEntry, Severity } from '../../src/domain/entry.ts'
import type { Policy } from '../../src/domain/policy.ts'
import {
  attribute,
  attributeGeneration,
  gateAfter,
  judgeThread,
  roleAt,
  withLinked,
} from '../../src/enforcement/attribution.ts'
import { type Strike } from '../../src/enforcement/fold.ts'
import { compilePolicies } from '../../src/enforcement/policy-set.ts'
import { readPolicy, referencePolicyText } from '../../src/enforcement/policy-file.ts'
import { historyOf, standing, type Standing } from '../../src/enforcement/standing.ts'

const dayMs = 86_400_000
const reference = readPolicy(referencePolicyText())
const set = compilePolicies(new Map([[1, reference]]))
const variant = (change: (policy: Policy) => void): Policy => {
  const policy = structuredClone(reference)
  change(policy)
  return policy
}

let made = 0
const strike = (day: number, severity: Severity, context: string, more: Partial<Strike> = {}): Strike => ({
  decisionId: `d${String(++made).padStart(4, '0')}`,
  atMs: day * dayMs,
  violation: 'scam',
  severity,
  context,
  policyVersion: 1,
  attribution: 1,
  attributionConfidence: 1,
  ...more,
})
const at = (day: number, strikes: Strike[], trainings: { violation: string; atMs: number }[] = []): Standing =>
  standing({ strikes, trainings }, set, day * dayMs)
const closedIn = (now: Standing, context: string) => now.contexts[context]!.closed.map(({ feature }) => feature)
const suspensionDays = (now: Standing, context: string) =>
  now.contexts[context]!.consequences.filter(({ action }) => action === 'suspend').map(
    ({ fromMs, untilMs }) => (untilMs! - fromMs) / dayMs,
  )

const entry = <K extends EntryKind>(kind: K, id: string, day: number, body: EntryBodies[K]): LedgerEntry =>
  ({
    id,
    kind,
    tenantId: 't',
    subject: { kind: 'actor', id: 'u1' },
    occurredAtMs: day * dayMs,
    recordedAtMs: day * dayMs,
    author: { kind: 'system', part: 'test' },
    automation: 'full',
    because: [],
    body,
  }) as unknown as LedgerEntry
const statement = {} as EntryBodies['decision.made']['statement']
const decision = (id: string, day: number, severity: Severity, context = 'feed', violation = 'scam') =>
  entry('decision.made', id, day, {
    decisionId: id,
    violation,
    severity,
    context,
    policyVersion: 1,
    actorId: 'u1',
    occurredAtMs: day * dayMs,
    attribution: 1,
    attributionConfidence: 1,
    removesItem: true,
    statement,
  })

test('1: the first s1 is education, the second costs a point', () => {
  const spam = { violation: 'spam' }
  const first = at(0, [strike(0, 1, 'feed', spam)])
  assert.deepEqual([first.outcomes[0]!.counted, first.contexts.feed!.points], ['education', 0])
  const both = at(5, [strike(0, 1, 'feed', spam), strike(5, 1, 'feed', spam)])
  assert.deepEqual([both.outcomes[1]!.counted, both.contexts.feed!.points], ['points', 1])
})

test('2: after training, the same on day 89 is a strike, another violation a new warning, and day 90 starts afresh', () => {
  const done = [{ violation: 'spam', atMs: 0 }]
  const after = (day: number, violation: string) =>
    at(day, [strike(0, 1, 'feed', { violation: 'spam' }), strike(day, 1, 'feed', { violation })], done).outcomes[1]!
      .counted
  assert.equal(after(89, 'spam'), 'points')
  assert.equal(after(89, 'harassment'), 'warning')
  assert.equal(after(90, 'spam'), 'education')
  const untrained = at(90, [strike(0, 1, 'feed', { violation: 'spam' }), strike(90, 1, 'feed', { violation: 'spam' })])
  assert.equal(untrained.outcomes[1]!.counted, 'points', 'without training the warning stands')
})

test('3: five items in one removal batch are one strike of the highest severity', () => {
  const batch = ([1, 2, 3, 2, 1] as const).map((severity) =>
    strike(10, severity, 'feed', { violation: 'hate', dedupeKey: 'batch-1' }),
  )
  const now = at(10, batch)
  assert.equal(now.contexts.feed!.points, 4)
  assert.deepEqual(suspensionDays(now, 'feed'), [1])
})

test('4: an item that was 91 days old when found costs nothing', () => {
  const now = at(0, [strike(0, 3, 'feed', { itemAgeMs: 91 * dayMs }), strike(0, 3, 'feed', { itemAgeMs: 90 * dayMs })])
  assert.deepEqual(
    now.outcomes.map(({ counted }) => counted),
    ['too_old', 'points'],
  )
  assert.equal(now.contexts.feed!.points, 4)
})

test('5: one event that crosses 3 and 5 brings only the 3 days', () => {
  const now = at(10, [strike(0, 1, 'feed'), strike(10, 3, 'feed')])
  assert.equal(now.contexts.feed!.points, 5)
  assert.deepEqual(suspensionDays(now, 'feed'), [3])
})

test('6: a strike that expires at t is inactive at t; a consequence that runs is not touched', () => {
  const strikes = [strike(0, 1, 'feed'), strike(364, 3, 'feed')]
  assert.equal(at(364.999, strikes).contexts.feed!.points, 5)
  const after = at(365, strikes)
  assert.equal(after.contexts.feed!.points, 4)
  assert.deepEqual(suspensionDays(after, 'feed'), [3])
  assert.deepEqual(closedIn(at(367, strikes), 'feed'), [], 'it ends when it was to end')
})

test('7: with a half-life of 90 days, 4 points are 2.0 on day 90', () => {
  const fading = compilePolicies(
    new Map([[1, variant((policy) => (policy.counters[0]!.decay = { kind: 'half_life', halfLifeMs: 90 * dayMs }))]]),
  )
  assert.equal(
    standing({ strikes: [strike(0, 3, 'feed')], trainings: [] }, fading, 90 * dayMs).contexts.feed!.points,
    2,
  )
})

test('8: a policy edited after the violation changes nothing, to the byte', () => {
  const entries = [decision('a', 0, 3), decision('b', 5, 2)]
  const before = JSON.stringify(standing(historyOf(entries), set, 6 * dayMs))
  const harsher = variant((policy) => {
    policy.violations.scam!.points = { 1: 9, 2: 9, 3: 9, 4: 9 }
    policy.violations.scam!.expiryMs = dayMs
    policy.ladders.standard = [{ at: 1, action: 'ban', closes: 'all', permanent: true }]
  })
  const edited = compilePolicies(
    new Map([
      [1, reference],
      [2, harsher],
    ]),
  )
  assert.equal(JSON.stringify(standing(historyOf(entries), edited, 6 * dayMs)), before)
})

test('9: duplicates and arrival out of order give the same state', () => {
  const entries = [
    decision('a', 0, 3),
    decision('b', 5, 2),
    decision('c', 6, 1),
    entry('decision.reversed', 'r', 7, { decisionId: 'b', reason: 'mistake', statement }),
    entry('decision.modified', 'm1', 8, { decisionId: 'a', severity: 2, statement }),
    entry('decision.modified', 'm2', 9, { decisionId: 'a', severity: 1, statement }),
  ]
  const expected = JSON.stringify(standing(historyOf(entries), set, 10 * dayMs))
  assert.equal(JSON.stringify(standing(historyOf([...entries].reverse().concat(entries)), set, 10 * dayMs)), expected)
  assert.equal(standing(historyOf(entries), set, 10 * dayMs).contexts.feed!.points, 2)
})

test('11: 40 points in genai cause at most a warning in private messages', () => {
  const now = at(
    10,
    Array.from({ length: 10 }, (_, day) => strike(day, 3, 'genai')),
  )
  assert.deepEqual([now.contexts.genai!.own, now.contexts.private_messaging!.spilled], [40, 10])
  assert.deepEqual([now.contexts.private_messaging!.action, now.contexts.private_messaging!.level], ['warn', 1])
  assert.deepEqual(closedIn(now, 'private_messaging'), [])
})

test('12: 10 points in a community: 30 days there, private messages untouched, monetisation as the matrix says', () => {
  const now = at(2, [
    strike(0, 3, 'community_messaging'),
    strike(1, 3, 'community_messaging'),
    strike(2, 2, 'community_messaging'),
  ])
  assert.equal(now.contexts.community_messaging!.points, 10)
  assert.deepEqual(suspensionDays(now, 'community_messaging').at(-1), 30)
  assert.deepEqual([now.contexts.private_messaging!.points, now.contexts.private_messaging!.level], [0, 0])
  assert.deepEqual([now.contexts.monetisation!.points, now.contexts.monetisation!.action], [2.5, 'warn'])
})

test('13: a severity 4 in a private message disables everywhere, without a ladder', () => {
  for (const violation of ['egregious_media', 'credible_threat']) {
    const now = at(900, [strike(0, 4, 'private_messaging', { violation })])
    for (const [context, { features }] of Object.entries(reference.contexts)) {
      assert.equal(now.contexts[context]!.action, 'disable')
      assert.deepEqual(closedIn(now, context), [...features].sort())
      assert.equal(now.contexts[context]!.closed[0]!.untilMs, undefined)
    }
  }
})

test('14: fraud in monetisation stops payouts and leaves messages alone', () => {
  const now = at(0, [strike(0, 3, 'monetisation', { violation: 'monetisation_fraud' })])
  assert.deepEqual(closedIn(now, 'monetisation'), ['payouts'])
  for (const context of ['private_messaging', 'community_messaging']) {
    assert.equal(now.contexts[context]!.level, 0)
    assert.deepEqual(closedIn(now, context), [])
  }
})

test('15: who only uses private messages never gets a community consequence', () => {
  const strikes = Array.from({ length: 30 }, (_, day) => strike(day, 3, 'private_messaging'))
  for (let day = 0; day < 60; day++) assert.equal(at(day, strikes).contexts.community_messaging!.level, 0)
})

test('16: in a group chat only those who violate answer, each for their own messages', () => {
  const members = Array.from({ length: 50 }, (_, index) => `u${index}`)
  const answering = new Map<string, number>()
  for (const author of ['u3', 'u7', 'u7', 'u20']) {
    const parts = members.map((actorId) => ({
      actorId,
      role: actorId === author ? ('author' as const) : ('member' as const),
    }))
    for (const share of attribute(parts, reference).shares)
      answering.set(share.actorId, (answering.get(share.actorId) ?? 0) + share.weight)
  }
  assert.deepEqual(
    [...answering],
    [
      ['u3', 1],
      ['u7', 2],
      ['u20', 1],
    ],
  )
})

test('17: silent members, quoters who object and victims who reply cost nothing', () => {
  const { shares } = attribute(
    [
      { actorId: 'author', role: 'author' },
      { actorId: 'silent', role: 'member' },
      { actorId: 'critic', role: 'quoter', stance: 'objects' },
      { actorId: 'fan', role: 'quoter', stance: 'endorses' },
      { actorId: 'victim', role: 'victim' },
    ],
    reference,
  )
  assert.deepEqual(
    shares.map(({ actorId, weight }) => [actorId, weight]),
    [
      ['author', 1],
      ['fan', 0.5],
    ],
  )
})

test('18: an admin who approved answers at a lower weight, and so does the thread; an admin who saw nothing does not', () => {
  const approved = attribute(
    [
      { actorId: 'author', role: 'author' },
      { actorId: 'a1', role: 'admin', approved: true },
      { actorId: 'a2', role: 'admin' },
    ],
    reference,
  )
  assert.deepEqual(
    approved.shares.map(({ actorId, role, weight }) => [actorId, role, weight]),
    [
      ['author', 'author', 1],
      ['a1', 'approver', 0.5],
    ],
  )
  assert.equal(approved.threadAnswers, true)
  const unseen = attribute(
    [
      { actorId: 'author', role: 'author' },
      { actorId: 'a1', role: 'admin' },
    ],
    reference,
  )
  assert.deepEqual([unseen.shares.length, unseen.threadAnswers], [1, false])
  const now = at(0, [strike(0, 3, 'community_messaging', { attribution: approved.shares[1]!.weight })])
  assert.equal(now.contexts.community_messaging!.points, 2)
})

test('19: a thread is acted on when all its admins violate and too many of its items do', () => {
  const admins = (...violated: boolean[]) => violated.map((one, index) => ({ id: `a${index}`, violated: one }))
  const judge = (items: number, violatingItems: number, ...violated: boolean[]) =>
    judgeThread({ items, violatingItems, admins: admins(...violated) }, reference)
  assert.deepEqual([judge(10, 4, true, true).act, judge(10, 4, true, true).tellsMembers], [true, true])
  assert.equal(judge(10, 4, true, false).act, false, 'one admin stands apart')
  assert.equal(judge(10, 3, true, true).act, false, 'exactly the share is not more than it')
  assert.equal(judge(3, 3, true).act, false, 'too few items to judge by')
})

test("20: an admin who left before detection answers by the role of the item's time", () => {
  const changes = [
    { atMs: 20, role: 'member' as const },
    { atMs: 0, role: 'admin' as const },
  ]
  assert.deepEqual([roleAt(changes, 10), roleAt(changes, 20), roleAt(changes, -1)], ['admin', 'member', undefined])
  const role = roleAt(changes, 10)!
  assert.equal(attribute([{ actorId: 'a', role, approved: true }], reference).shares[0]!.weight, 0.5)
})

const plea = (change: Partial<Plea>): Plea => ({
  appellantId: 'admin-b',
  relation: 'co_admin',
  nowMs: 10,
  decision: { status: 'active', actorId: 'admin-a', threadId: 't1', appealUntilMs: 20, onThread: true },
  appealedBy: [],
  policy: { coAdmins: true, notifiers: true },
  isAdmin: true,
  ...change,
})
const answer = (change: Partial<Plea>) => {
  const outcome = mayAppeal(plea(change))
  return outcome.ok ? 'allowed' : outcome.reason
}

test('21: a co-admin may appeal for the thread; for an account only when asked, and not if sanctioned in the same matter', () => {
  const account = { ...plea({}).decision, onThread: false }
  assert.deepEqual(mayAppeal(plea({})), { ok: true, tell: ['admin-b', 'admin-a'] })
  assert.equal(answer({ decision: account }), 'no-delegation')
  assert.equal(answer({ decision: account, hasDelegation: true }), 'allowed')
  assert.equal(answer({ sanctionedInMatter: true }), 'sanctioned-in-matter')
  assert.equal(answer({ isAdmin: false }), 'not-an-admin')
})

test('21a: the person concerned may appeal once, within the window; a notifier when the notice was not acted on', () => {
  const self = { appellantId: 'admin-a', relation: 'self' as const }
  assert.equal(answer(self), 'allowed')
  assert.equal(answer({ ...self, nowMs: 20 }), 'window-closed')
  assert.equal(answer({ ...self, appealedBy: ['admin-a'] }), 'already-appealed')
  assert.equal(answer({ ...self, appellantId: 'other' }), 'not-the-person')
  assert.equal(answer({ ...self, decision: { ...plea({}).decision, status: 'reversed' } }), 'already-reversed')
  assert.equal(answer({ relation: 'notifier', noticeNotActedOn: true }), 'allowed')
  assert.equal(answer({ relation: 'notifier' }), 'not-a-notifier')
})

test('23: an overturn voids the strike, recomputes later steps and credits time served', () => {
  const entries = [decision('a', 0, 3), decision('b', 10, 1), decision('c', 11, 2)]
  const history = historyOf(entries)
  assert.deepEqual(suspensionDays(standing(history, set, 12 * dayMs), 'feed'), [7])
  const overturned = historyOf([
    ...entries,
    entry('decision.reversed', 'r', 12, { decisionId: 'a', reason: 'x', statement }),
  ])
  const now = standing(overturned, set, 11.5 * dayMs)
  assert.equal(now.contexts.feed!.points, 3)
  assert.deepEqual(suspensionDays(now, 'feed'), [1])
  assert.equal(now.contexts.feed!.closed[0]!.untilMs, 12 * dayMs, 'the day began on day 11: half of it is served')
  assert.deepEqual(closedIn(standing(overturned, set, 12 * dayMs), 'feed'), [])
})

test('24: an overturn after the strike expired leaves 0, not less', () => {
  const entries = [
    decision('a', 0, 3),
    entry('decision.reversed', 'r', 400, { decisionId: 'a', reason: 'x', statement }),
  ]
  assert.equal(standing(historyOf(entries), set, 401 * dayMs).contexts.feed!.points, 0)
  const later = standing(historyOf([...entries, decision('b', 402, 1)]), set, 402 * dayMs)
  assert.equal(later.contexts.feed!.points, 1, 'a granted appeal does not absorb a later strike')
})

test('25: a partial reversal from s3 to s1 leaves what replay gives', () => {
  const entries = [decision('a', 0, 3), decision('b', 1, 3), decision('c', 2, 2)]
  assert.deepEqual(suspensionDays(standing(historyOf(entries), set, 3 * dayMs), 'feed').at(-1), 30)
  const now = standing(
    historyOf([...entries, entry('decision.modified', 'm', 3, { decisionId: 'b', severity: 1, statement })]),
    set,
    3 * dayMs,
  )
  const replay = standing(historyOf([entries[0]!, decision('b', 1, 1), entries[2]!]), set, 3 * dayMs)
  assert.equal(JSON.stringify(now), JSON.stringify(replay))
  assert.deepEqual(suspensionDays(now, 'feed'), [7])
})

test('26: a harmless prompt with a violating output is an incident of the model', () => {
  const result = attributeGeneration(
    { prompterId: 'u1', promptViolates: false, outputViolates: true, refused: false },
    reference,
  )
  assert.deepEqual(result, { shares: [], review: [], modelIncident: true, removesOutput: true, evidenceTurns: [] })
})

test('27: an attempt that the model refused costs only what the policy says', () => {
  const attempt = { prompterId: 'u1', promptViolates: true, outputViolates: false, refused: true }
  assert.deepEqual(attributeGeneration(attempt, reference).shares, [])
  const strict = variant((policy) => (policy.attribution.refusedAttempt = 0.25))
  assert.equal(attributeGeneration(attempt, strict).shares[0]!.weight, 0.25)
})

test('28: a jailbreak over six turns falls to the person on cumulative intent, with the turns as evidence', () => {
  const turns = { prompterId: 'u1', promptViolates: false, outputViolates: true, refused: false }
  const worked = attributeGeneration({ ...turns, turnIntents: [0.05, 0.2, 0.3, 0.3, 0.4, 0.5] }, reference)
  assert.equal(worked.shares[0]!.actorId, 'u1')
  assert.ok(worked.shares[0]!.confidence > 0.85)
  assert.deepEqual(worked.evidenceTurns, [1, 2, 3, 4, 5])
  const harmless = attributeGeneration({ ...turns, turnIntents: [0.05, 0.05, 0.1, 0.05, 0.1, 0.1] }, reference)
  assert.deepEqual([harmless.shares.length, harmless.modelIncident], [0, true])
})

test('29: a character written to violate falls to its creator, steering to the person, both to both', () => {
  const who = (promptViolates: boolean, writtenToViolate: boolean) =>
    attributeGeneration(
      {
        prompterId: 'u1',
        promptViolates,
        outputViolates: true,
        refused: false,
        character: { creatorId: 'c1', writtenToViolate },
      },
      reference,
    ).shares.map(({ actorId }) => actorId)
  assert.deepEqual([who(false, true), who(true, false), who(true, true)], [['c1'], ['u1'], ['u1', 'c1']])
})

test('30: below the confidence limit no points fall and a person looks', () => {
  const { shares, review } = attribute([{ actorId: 'u1', role: 'author', confidence: 0.69 }], reference)
  assert.deepEqual([shares.length, review[0]!.actorId], [0, 'u1'])
  const now = at(0, [strike(0, 3, 'feed', { attributionConfidence: 0.69 })])
  assert.deepEqual([now.outcomes[0]!.counted, now.contexts.feed!.points], ['low_confidence', 0])
})

test('31: a gate closes at .8 and opens at .6; a risk that flaps makes one transition', () => {
  const rule = reference.gates.risk[0]!
  let closed = false
  let transitions = 0
  for (let step = 0; step < 100; step++) {
    const next = gateAfter(rule, closed, step % 2 === 0 ? 0.79 : 0.81)
    if (next !== closed) transitions++
    closed = next
  }
  assert.deepEqual([closed, transitions], [true, 1])
  assert.equal(gateAfter(rule, true, 0.6), false)
  assert.equal(gateAfter(rule, true, 0.61), true)
})

test('33: ban evasion needs evidence of the link; then the new account has the same standing', () => {
  const history = { strikes: [strike(0, 4, 'feed', { violation: 'credible_threat' })], trainings: [] }
  const own = { strikes: [], trainings: [] }
  const level = (confidence: number, evidence: string[]) =>
    standing(withLinked(own, [{ actorId: 'old', confidence, evidence, history }], reference), set, dayMs).contexts.feed!
      .action
  assert.equal(level(0.95, ['same payment account']), 'disable')
  assert.equal(level(0.95, []), 'none')
  assert.equal(level(0.5, ['same network']), 'none')
})

test('mistake: an appeal recorded as a negative strike would absorb a later real one', () => {
  const entries = [decision('a', 0, 2), entry('decision.reversed', 'r', 1, { decisionId: 'a', reason: 'x', statement })]
  assert.equal(standing(historyOf([...entries, decision('b', 2, 2)]), set, 2 * dayMs).contexts.feed!.points, 2)
})

test("mistake: expiry computed from today's configuration", () => {
  const longer = compilePolicies(
    new Map([
      [1, reference],
      [2, variant((policy) => (policy.violations.scam!.expiryMs = 1_000 * dayMs))],
    ]),
  )
  const history = { strikes: [strike(0, 2, 'feed'), strike(300, 2, 'feed', { policyVersion: 2 })], trainings: [] }
  assert.equal(standing(history, longer, 365 * dayMs).contexts.feed!.points, 2)
})

test('mistake: strikes expired by deletion leave no trail', () => {
  const now = at(400, [strike(0, 3, 'feed')])
  assert.deepEqual(
    [now.contexts.feed!.points, now.outcomes[0]!.points, now.outcomes[0]!.expiresMs],
    [0, 4, 365 * dayMs],
  )
})

test('mistake: one global counter for all contexts', () => {
  const now = at(3, [
    strike(0, 2, 'private_messaging'),
    strike(1, 2, 'community_messaging'),
    strike(2, 2, 'monetisation'),
  ])
  for (const context of ['private_messaging', 'community_messaging']) assert.deepEqual(closedIn(now, context), [])
})

test('every consequence says by what arithmetic it came about', () => {
  const now = at(6, [strike(0, 1, 'feed'), strike(5, 3, 'feed'), strike(6, 3, 'genai')])
  const [suspension] = now.contexts.feed!.consequences.filter(({ action }) => action === 'suspend')
  assert.equal(suspension!.arithmetic, 'scam 1 + scam 4 = 5 points; from 5: suspend for 3 days')
  assert.equal(suspension!.causes.length, 2)
  assert.equal(now.contexts.feed!.arithmetic, 'scam 1 + scam 4 + scam 0.25 × 4 from genai = 6 points')
})

test('a long history is summed up in few words', () => {
  const strikes = Array.from({ length: 400 }, (_, index) => strike(index / 10, index % 2 === 0 ? 1 : 2, 'feed'))
  const [last] = at(40, strikes)
    .contexts.feed!.consequences.filter(({ action }) => action === 'suspend')
    .slice(-1)
  assert.equal(last!.arithmetic, '200 times scam 1 + 200 times scam 2 = 600 points; from 10: suspend for 30 days')
  assert.deepEqual([last!.causes.length, last!.causes.at(-1)], [100, strikes.at(-1)!.decisionId])
})
