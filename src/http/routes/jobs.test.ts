import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Hit } from '../../domain/effect.ts'
import type { LedgerEntry } from '../../domain/entry.ts'
import { appealAsHolder } from '../../flows/public-account.ts'
import { selectAppeal } from '../../appeals/store.ts'
import { selectDecision } from '../../enforcement/store.ts'
import { selectHolds } from '../../storage/marks.ts'
import { entriesAbout, recentEntries } from '../../ledger/read.ts'
import { addBankEntry, createBank } from '../../match/changes.ts'
import { publishRules } from '../../rules/publish.ts'
import { openJob } from '../../review/open.ts'
import { selectJob } from '../../review/store.ts'
import { reviewFixture, startMs, tenantId, type ReviewFixture } from '../../../test/review-fixture.ts'
import { ApiError, createClient, type Client } from '../client.ts'
import {
  claimJob,
  decideJob,
  getJob,
  heartbeatJob,
  listJobs,
  myReviewStats,
  nextJob,
  releaseJob,
  skipJob,
} from '../contract/jobs.ts'
import { listQueues, setQueue } from '../contract/queues.ts'
import { jobRoutes } from './jobs.ts'
import { queueRoutes } from './queues.ts'

const ruleText = `
rules:
  - id: gold-words
    owner: scams
    description: Speaks of gold
    on: [item.created]
    when: item.text.contains("gold")
    then:
      - violation: { violation: scam, confidence: 0.9, route: review }
    mode: live
`

let world: ReviewFixture
let as: (id: string, role?: string) => Client
let close: () => Promise<void>
before(async () => {
  world = await reviewFixture()
  const { app, mount } = world.server()
  jobRoutes(mount, world.deps)
  queueRoutes(mount, world.deps)
  const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  as = (id, role = 'reviewer') => createClient({ baseUrl, key: `${id}:${role}` })
  close = () => app.close()
})
after(() => close())

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('should have been refused'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}
const decide = (client: Client, jobId: string, etag: string, body: object) =>
  client.call(decideJob, { params: { jobId }, body: body as never, headers: { 'if-match': etag } })
const take = async (client: Client, jobId: string) => client.call(claimJob, { params: { jobId } })

test('the job screen gets everything in one answer', async () => {
  await world.event('line-1', { actor: { id: 'friend' }, item: { id: 'l1', text: 'hello' } })
  world.pass(1_000)
  await world.event('made', { type: 'account.created', item: undefined, thread: undefined })
  world.pass(86_400_000)
  const jobId = await world.reviewable('seen', {
    facts: {
      eventId: 'seen',
      signals: [
        {
          name: 'match.text',
          subject: { kind: 'item', id: 'item-seen' },
          value: 1,
          confidence: 1,
          because: 'same words as entry e1',
          version: 'text@1',
        },
      ],
      features: { posts_1h: 12 },
      labels: {},
      lists: {},
    },
  })
  world.pass(1_000)
  await world.event('line-2', { actor: { id: 'friend' }, item: { id: 'l2', text: 'leave me alone' } })
  const view = await take(as('ann'), jobId)
  assert.equal(view.claimedByMe, true)
  assert.equal(view.event?.item?.text, 'words of seen')
  assert.deepEqual([view.thread?.before.at(-1)?.text, view.thread?.after[0]?.text], ['hello', 'leave me alone'])
  assert.equal(view.proposals[0]?.because[0]?.because, '12 posts in an hour')
  assert.equal(view.proposals[0]?.signals[0]?.because, 'same words as entry e1')
  assert.ok((view.actor?.ageMs ?? 0) >= 86_400_000)
  assert.ok(view.policies.some((policy) => policy.violation === 'scam'))
  // The proposed violation is previewed at every severity: what each would cost, and what the person would read.
  const scam = view.previews.filter((preview) => preview.violation === 'scam')
  assert.deepEqual(
    scam.map((preview) => preview.severity),
    [1, 2, 3, 4],
  )
  assert.deepEqual(scam.map((preview) => preview.points).slice(0, 3), [1, 2, 4])
  assert.ok(scam[2]!.notice.length > 0 && scam[2]!.consequences.length > 0)
  assert.equal(view.etag.length > 0, true)
  // What was previewed is what happens.
  const { decisionId } = await decide(as('ann'), jobId, view.etag, {
    verdict: 'violation',
    violation: 'scam',
    severity: 3,
  })
  const started = (
    await entriesAbout(world.db.query, tenantId, { kind: 'actor', id: 'u1' }, { kinds: ['consequence.started'] })
  ).filter(
    (entry) => entry.kind === 'consequence.started' && entry.body.causes.includes(decisionId!),
  ) as LedgerEntry<'consequence.started'>[]
  assert.deepEqual(
    started.map(({ body }) => [body.context, body.action]).sort(),
    scam[2]!.consequences.map((one) => [one.context, one.action]).sort(),
  )
  const decision = (await selectDecision(world.db.query, tenantId, decisionId!))!
  assert.equal(decision.statement.automatedDecision, 'NOT_AUTOMATED')
  assert.equal(decision.statement.automatedDetection, true)
  assert.equal(decision.jobId, jobId)
})

test('of two reviewers with the same form the first decides and the second is told who did', async () => {
  const jobId = await world.reviewable('race', {}, { actor: { id: 'racer' } })
  const { etag } = await take(as('ann'), jobId)
  // Both send at once: ann holds it, bob never took it.
  const results = await Promise.allSettled([
    decide(as('ann'), jobId, etag, { verdict: 'no_violation' }),
    decide(as('bob'), jobId, etag, { verdict: 'violation', violation: 'scam' }),
  ])
  assert.equal(results[0].status, 'fulfilled')
  assert.equal(results[1].status, 'rejected')
  const again = await failure(decide(as('ann'), jobId, etag, { verdict: 'violation', violation: 'scam' }))
  assert.equal(again.status, 409)
  assert.match(again.problem.detail!, /ann decided this job as "no_violation"/)
  const made = await entriesAbout(
    world.db.query,
    tenantId,
    { kind: 'actor', id: 'racer' },
    { kinds: ['decision.made'] },
  )
  assert.equal(made.length, 0)
})

test('an expired claim that somebody else took is refused by name; one that nobody took still decides', async () => {
  const [first, second] = [await world.reviewable('expire-1'), await world.reviewable('expire-2')]
  const [one, two] = [await take(as('ann'), first), await take(as('ann'), second)]
  world.pass(11 * 60_000)
  await take(as('bob'), first)
  const late = await failure(decide(as('ann'), first, one.etag, { verdict: 'no_violation' }))
  assert.equal(late.status, 409)
  assert.match(late.problem.detail!, /^bob has had this job/)
  assert.equal((await failure(as('ann').call(heartbeatJob, { params: { jobId: first } }))).status, 409)
  assert.equal((await decide(as('ann'), second, two.etag, { verdict: 'no_violation' })).verdict, 'no_violation')
  const never = await world.reviewable('expire-3')
  const view = await as('ann').call(getJob, { params: { jobId: never } })
  assert.match(
    (await failure(decide(as('ann'), never, view.etag, { verdict: 'no_violation' }))).problem.detail!,
    /Take the job first/,
  )
})

test('a stale form is refused with what changed: another proposal, an edited item', async () => {
  const jobId = await world.reviewable('stale')
  const client = as('ann')
  const seen = await take(client, jobId)
  await world.reviewable('stale-2', {
    violation: 'spam',
    severity: 1,
    itemId: 'item-stale',
    rule: { id: 'other', version: 1 },
  })
  const merged = await failure(decide(client, jobId, seen.etag, { verdict: 'no_violation' }))
  assert.equal(merged.status, 412)
  assert.match(merged.problem.detail!, /also asks about "spam"/)
  const again = await client.call(getJob, { params: { jobId } })
  assert.equal(again.proposals.length, 2)
  await world.event('stale-edit', { type: 'item.edited', item: { id: 'item-stale', text: 'other words' } })
  const edited = await failure(decide(client, jobId, again.etag, { verdict: 'no_violation' }))
  assert.equal(edited.status, 412)
  assert.match(edited.problem.detail!, /The item has changed: item\.edited/)
  const fresh = await client.call(getJob, { params: { jobId } })
  assert.equal(fresh.itemState, 'edited')
  await decide(client, jobId, fresh.etag, { verdict: 'violation', violation: 'spam' })
  const job = (await selectJob(world.db.query, tenantId, jobId))!
  const settled = await Promise.all(
    job.proposals.map(
      async (id) =>
        (
          await recentEntries(world.db.query, tenantId, {
            kinds: ['violation.confirmed', 'violation.dismissed'],
            limit: 50,
          })
        ).find((entry) => 'proposalEntryId' in entry.body && entry.body.proposalEntryId === id)?.kind,
    ),
  )
  assert.deepEqual(
    settled.sort(),
    ['violation.confirmed', 'violation.dismissed'],
    'one proposal was right, one was not',
  )
  assert.equal(
    (await failure(client.call(decideJob, { params: { jobId }, body: { verdict: 'no_violation' } }))).status,
    428,
  )
  assert.equal((await failure(decide(client, jobId, 'nonsense', { verdict: 'no_violation' }))).status, 409)
})

test('an appeal goes to somebody else, who overturns; everything is put back', async () => {
  const jobId = await world.reviewable('appealed', { actorId: 'appellant' }, { actor: { id: 'appellant' } })
  const seen = await take(as('sue', 'senior_reviewer'), jobId)
  const { decisionId } = await decide(as('sue', 'senior_reviewer'), jobId, seen.etag, {
    verdict: 'violation',
    violation: 'scam',
  })
  assert.deepEqual(await selectHolds(world.db.query, 'item', tenantId, 'item-appealed'), [decisionId])
  const filed = await appealAsHolder(
    world.deps,
    { tenantId, actorId: 'appellant' },
    { decisionId: decisionId!, text: 'It was my own photo', language: 'en' },
  )
  assert.ok(filed.ok)
  const [appeal] = (await as('sue', 'senior_reviewer').call(listJobs, { query: { queue: 'appeals', state: 'open' } }))
    .items
  assert.deepEqual(appeal?.excludedPeople, ['sue'])
  const own = await as('sue', 'senior_reviewer').call(nextJob, { body: { queue: 'appeals' } })
  assert.equal(own.job, null, 'who decided is never given the appeal')
  assert.equal((await failure(take(as('sue', 'senior_reviewer'), appeal!.jobId))).status, 403)
  assert.equal(
    (await failure(take(as('ann'), appeal!.jobId))).status,
    403,
    'a reviewer without the scope is not given appeals',
  )

  const tom = as('tom', 'senior_reviewer')
  const view = (await tom.call(nextJob, { body: { queue: 'appeals' } })).job!
  assert.equal(view.job.jobId, appeal!.jobId)
  assert.equal(view.appeal?.statement, 'It was my own photo')
  assert.equal((await selectAppeal(world.db.query, tenantId, view.appeal!.appealId))?.assignedTo, 'tom')
  assert.equal(view.proposals.length, 1, 'the appeal shows what the decision rested on')
  await tom.call(getJob, { params: { jobId: appeal!.jobId } })
  const passer = (await as('val', 'viewer').call(getJob, { params: { jobId: appeal!.jobId } })).appeal
  assert.deepEqual([passer?.hidden, passer?.statement], [true, undefined], 'who may not decide it may not read it')
  const looks = await entriesAbout(world.db.query, tenantId, view.job.subject, { kinds: ['person.viewed_sensitive'] })
  assert.deepEqual(
    looks.map((entry) => (entry.body as { personId: string }).personId),
    ['tom'],
  )

  assert.equal(
    (await failure(decide(tom, appeal!.jobId, view.etag, { verdict: 'overturn' }))).problem.errors?.[0]?.field,
    'note',
  )
  assert.equal(
    (await failure(decide(tom, appeal!.jobId, view.etag, { verdict: 'violation', violation: 'scam' }))).problem
      .errors?.[0]?.field,
    'verdict',
  )
  await decide(tom, appeal!.jobId, view.etag, { verdict: 'overturn', note: 'The photo is their own.' })
  assert.equal((await selectDecision(world.db.query, tenantId, decisionId!))?.status, 'reversed')
  assert.deepEqual(await selectHolds(world.db.query, 'item', tenantId, 'item-appealed'), [])
  assert.equal((await selectJob(world.db.query, tenantId, appeal!.jobId))?.state, 'decided')
})

test('an escalated job waits in the senior queue, not for the one who escalated it', async () => {
  const jobId = await world.reviewable('hard', { actorId: 'hard-one' }, { actor: { id: 'hard-one' } })
  const seen = await take(as('sue', 'senior_reviewer'), jobId)
  const { escalatedTo } = await decide(as('sue', 'senior_reviewer'), jobId, seen.etag, {
    verdict: 'escalate',
    note: 'satire?',
  })
  assert.equal((await as('sue', 'senior_reviewer').call(nextJob, { body: { queue: 'senior' } })).job, null)
  const view = (await as('tom', 'senior_reviewer').call(nextJob, { body: { queue: 'senior' } })).job!
  assert.equal(view.job.jobId, escalatedTo)
  assert.equal(view.proposals.length, 1)
  const done = await decide(as('tom', 'senior_reviewer'), escalatedTo!, view.etag, {
    verdict: 'violation',
    violation: 'scam',
    severity: 2,
  })
  assert.equal((await selectDecision(world.db.query, tenantId, done.decisionId!))?.severity, 2)
})

test('a verdict that cannot be carried out leaves everything as it was', async () => {
  const jobId = await world.reviewable('unknown')
  const seen = await take(as('ann'), jobId)
  const refused = await failure(
    decide(as('ann'), jobId, seen.etag, { verdict: 'violation', violation: 'no-such-rule' }),
  )
  assert.equal(refused.status, 409)
  assert.match(refused.problem.detail!, /no violation "no-such-rule"/)
  const job = (await selectJob(world.db.query, tenantId, jobId))!
  assert.deepEqual([job.state, job.claim?.personId], ['open', 'ann'])
  assert.equal(
    (await decide(as('ann'), jobId, seen.etag, { verdict: 'violation', violation: 'spam' })).verdict,
    'violation',
  )
})

test('a job that a rule opened without a proposal can still be decided', async () => {
  await world.event('by-hand', { actor: { id: 'hand' } })
  const jobId = (await world.db.transaction((tx) =>
    openJob(tx, world.deps, tenantId, {
      queue: 'default',
      question: 'violation',
      priority: 1,
      eventId: 'by-hand',
      actorId: 'hand',
      itemId: 'item-by-hand',
      subject: { kind: 'item', id: 'item-by-hand' },
      author: { kind: 'rule', id: 'look', version: 1 },
    }),
  ))!
  const seen = await take(as('ann'), jobId)
  const { decisionId } = await decide(as('ann'), jobId, seen.etag, { verdict: 'violation', violation: 'harassment' })
  assert.equal((await selectDecision(world.db.query, tenantId, decisionId!))?.actorId, 'hand')
})

test('a report is about the one who posted, never about the one who reported', async () => {
  await world.event('bad-post', { actor: { id: 'poster' }, item: { id: 'bad', text: 'nasty words' } })
  world.pass(60_000)
  const report = await world.event('report-1', {
    type: 'report.filed',
    actor: { id: 'reporter' },
    item: { id: 'bad' },
    thread: undefined,
    targets: [{ id: 'somebody-else' }],
    attributes: { reason: 'harassment' },
  })
  const hit: Hit = {
    rule: { id: 'reported-once', version: 1, mode: 'live' },
    because: 'A report by one person',
    effects: [{ kind: 'review', queue: 'default', priority: 1, subject: { kind: 'item', id: 'bad' } }],
    facts: { eventId: report.id, signals: [], features: {}, labels: {}, lists: {} },
  }
  const jobId = await world.apply(report, hit)
  const view = await take(as('ann'), jobId)
  assert.equal(view.job.actorId, 'poster')
  assert.equal(view.event?.item?.text, 'nasty words')
  assert.equal(view.actor?.id, 'poster')
  assert.deepEqual(
    view.because.map(({ because }) => because),
    ['A report by one person'],
  )
  assert.deepEqual(view.openedBy, { kind: 'rule', id: 'reported-once', version: 1 })
  assert.deepEqual(
    view.reports.map(({ reporterId, reason }) => [reporterId, reason]),
    [['reporter', 'harassment']],
  )
  const { decisionId } = await decide(as('ann'), jobId, view.etag, { verdict: 'violation', violation: 'harassment' })
  const decision = (await selectDecision(world.db.query, tenantId, decisionId!))!
  assert.deepEqual([decision.actorId, decision.itemId, decision.eventId], ['poster', 'bad', 'bad-post'])
  assert.equal(decision.statement.sourceType, 'TYPE_OTHER_NOTIFICATION')
})

test('the match is shown beside the bank entry, and the rule with how it came to its proposal', async () => {
  const nowMs = startMs
  const context = { author: { kind: 'person' as const, id: 'pat' }, nowMs, newId: () => crypto.randomUUID() }
  const { bankId, entryId } = await world.db.transaction(async (tx) => {
    const bank = await createBank(
      tx.query,
      tenantId,
      { name: 'Scam photos', purpose: 'scams', action: 'review' },
      context,
    )
    assert.ok(bank.ok)
    await world.ledger.append(tx, tenantId, bank.entries)
    const input = { pdq: { hash: 'f0'.repeat(32), quality: 100 }, labels: ['investment'], note: 'seen in spring' }
    const entry = await addBankEntry(tx.query, tenantId, bank.bankId, input, context)
    assert.ok(entry.ok)
    await world.ledger.append(tx, tenantId, entry.entries)
    const deps = { ledger: world.ledger, nowMs, author: context.author }
    await publishRules(tx, tenantId, ruleText, deps)
    return { bankId: bank.bankId, entryId: entry.entryId }
  })
  const match = { bankId, entryId, signalType: 'pdq', distance: 14, threshold: 31 }
  const jobId = await world.reviewable(
    'golden',
    { rule: { id: 'gold-words', version: 1 }, match },
    { actor: { id: 'gilda' }, item: { id: 'golden', text: 'cheap gold' } },
  )
  const view = await as('ann').call(getJob, { params: { jobId } })
  const [proposal] = view.proposals
  assert.deepEqual([proposal?.match?.distance, proposal?.match?.threshold], [14, 31])
  assert.deepEqual([proposal?.match?.entry?.bankName, proposal?.match?.entry?.note], ['Scam photos', 'seen in spring'])
  const trace = proposal?.trace as { value: boolean; condition: string; root: { children: unknown[] } }
  assert.equal(trace.value, true)
  assert.match(trace.condition, /gold/)
})

test('queues can be set and counted; an API key cannot hold a job; work is counted', async () => {
  const before = await as('root', 'admin').call(listQueues, {})
  assert.deepEqual(before.items.map((queue) => queue.queue).slice(0, 5), [
    'egregious',
    'appeals',
    'default',
    'remedy',
    'senior',
  ])
  await as('root', 'admin').call(setQueue, {
    params: { queue: 'trusted' },
    body: { title: 'Trusted flaggers', needs: 'review:write', slaMs: 3_600_000, rushMs: 600_000 },
  })
  const bad = await failure(
    as('root', 'admin').call(setQueue, {
      params: { queue: 'trusted' },
      body: { title: 'x', needs: 'review:write', slaMs: 60_000, rushMs: 600_000 },
    }),
  )
  assert.equal(bad.problem.errors?.[0]?.field, 'rushMs')
  assert.equal(
    (
      await failure(
        as('ann').call(setQueue, { params: { queue: 'mine' }, body: { title: 'x', needs: 'review:write', rushMs: 0 } }),
      )
    ).status,
    403,
  )
  assert.ok((await as('ann').call(listQueues, {})).items.some((queue) => queue.queue === 'trusted' && queue.mine))
  assert.equal((await failure(as('bot', 'key').call(nextJob, { body: {} }))).status, 403)
  const jobId = await world.reviewable('counted')
  const { etag } = await take(as('zed'), jobId)
  world.pass(30_000)
  await decide(as('zed'), jobId, etag, { verdict: 'violation', violation: 'spam', severity: 1 })
  const stats = await as('zed').call(myReviewStats, {})
  assert.deepEqual(
    [stats.decided, stats.violations, stats.handlingMs, stats.exposureMsBySeverity[1]],
    [1, 1, 30_000, 30_000],
  )
})

test('a job can be skipped with a reason or given back', async () => {
  const jobId = await world.reviewable('skipped')
  await take(as('ann'), jobId)
  assert.equal((await as('ann').call(releaseJob, { params: { jobId } })).claim, undefined)
  await as('ann').call(skipJob, { params: { jobId }, body: { reason: 'I know this person' } })
  const [skip] = await entriesAbout(
    world.db.query,
    tenantId,
    { kind: 'item', id: 'item-skipped' },
    { kinds: ['job.skipped'] },
  )
  assert.equal((skip!.body as { reason: string }).reason, 'I know this person')
  assert.equal(
    (await failure(as('ann').call(skipJob, { params: { jobId: 'nope' }, body: { reason: 'x' } }))).status,
    404,
  )
})

test('after all of it the projections are what the ledger says', () => world.rebuild())
