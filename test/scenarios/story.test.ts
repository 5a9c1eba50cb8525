import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Client } from '../../src/http/client.ts'
import { createSubjectLink } from '../../src/http/contract/access.ts'
import { fileAppeal, getAppeal, listAppeals } from '../../src/http/contract/appeals.ts'
import { listAudit, verifyLedger } from '../../src/http/contract/audit.ts'
import { getBankEntry, makeBank, makeBankEntry, type BankEntry } from '../../src/http/contract/banks.ts'
import { getDecision, listDecisions, type StepView } from '../../src/http/contract/decisions.ts'
import { appendEvents, decideEvent, getEvent, listEvents } from '../../src/http/contract/events.ts'
import { checkGate } from '../../src/http/contract/gates.ts'
import { claimJob, decideJob, getJob, listJobs, nextJob } from '../../src/http/contract/jobs.ts'
import { getMedia, lookupMatches } from '../../src/http/contract/match.ts'
import { listQueues } from '../../src/http/contract/queues.ts'
import { checkRules, getRule, publishRuleFile, setMode, traceRule } from '../../src/http/contract/rules.ts'
import { getSubject, type SubjectView } from '../../src/http/contract/subjects.ts'
import { testApp, type TestApp } from '../app.ts'
import { custos } from '../product.ts'
import { allEffects, openReceiver, type Receiver } from '../receiver.ts'
import {
  detailOf,
  event,
  failure,
  holding,
  iso,
  minuteMs,
  pause,
  photoOf,
  picture,
  recompressed,
  uploadTo,
  until,
} from '../story.ts'

// The story of the product, told from outside: what a platform, its members, reviewers and the affected person do and see.
// Every test goes on where the one before ended.

type Staff = Client & { cookie: string; personId: string }
let world: TestApp
let platform: Client
let ann: Staff
let bo: Staff
let receiver: Receiver
const beganMs = Date.now()
const decide = (sent: ReturnType<typeof event>) => platform.call(decideEvent, { body: sent as never })
const subject = (kind: 'actor' | 'item', id: string) => platform.call(getSubject, { params: { kind, id } })
const upload = (bytes: Uint8Array) => uploadTo(world, bytes)

before(async () => {
  world = await testApp()
  platform = world.platform
  ann = await world.staff(['senior_reviewer'], 'Ann')
  bo = await world.staff(['senior_reviewer'], 'Bo')
  // The first two messages find it in trouble.
  receiver = await openReceiver(platform, { failures: 2 })
})
after(() => receiver.close())

test('1: events arrive one by one, as an array and as lines, with media, and each is answered', async () => {
  const first = event('one', 'u1', { item: { id: 'i1', text: 'hello' } })
  const one = await platform.call(appendEvents, { body: first })
  assert.deepEqual([one.accepted, one.results[0]!.status], [1, 'accepted'])

  const many = await platform.call(appendEvents, {
    body: [
      event('two', 'u1', { item: { id: 'i2', text: 'hello again' } }),
      first,
      event('one', 'u1', { item: { id: 'i1', text: 'other words under the same id' } }),
      event('soon', 'u1', {}, Date.now() + 60 * minuteMs),
      { ...event('three', 'u2'), type: 'no such type' },
    ],
  })
  assert.deepEqual(
    many.results.map(({ id, status }) => [id, status]),
    [
      ['two', 'accepted'],
      ['one', 'duplicate'],
      ['one', 'refused'],
      ['soon', 'refused'],
      ['three', 'refused'],
    ],
  )
  assert.equal(many.results[3]!.errors?.[0]?.field, 'time')
  assert.equal(many.results[4]!.errors?.[0]?.field, 'type')

  const lines = [JSON.stringify(event('line-1', 'u3')), '{"id": "broken', JSON.stringify(event('line-3', 'u3'))]
  const streamed = await fetch(`${world.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.key}`, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  const answers = (await streamed.json()) as { results: { index: number; status: string; reason?: string }[] }
  assert.deepEqual(answers.results.map(({ index, status }) => [index, status]).sort(), [
    [1, 'accepted'],
    [2, 'refused'],
    [3, 'accepted'],
  ])
  assert.match(answers.results.find(({ index }) => index === 2)!.reason!, /Line 2 is not JSON/)

  const painted = await picture(1)
  const { upload: sha256, pdq } = await upload(painted)
  assert.match(pdq!, /^[0-9a-f]{64}$/)
  const media = await platform.call(appendEvents, {
    body: [
      event('by-upload', 'u4', { item: { id: 'i4', media: [{ id: 'p', kind: 'photo', upload: sha256 }] } }),
      event('by-bytes', 'u5', { item: { id: 'i5', media: photoOf(painted) } }),
    ],
  })
  assert.equal(media.accepted, 2)
  const { stored } = await platform.call(getEvent, { params: { eventId: 'by-bytes' } })
  assert.deepEqual(stored.event.item?.media?.[0], { id: 'p', kind: 'photo', upload: sha256 }, 'bytes become an upload')

  const asked = event('ask', 'u6', { item: { id: 'i6', text: 'is this all right?' } })
  const now = await decide(asked)
  assert.deepEqual([now.status, now.verdict, now.decisions], ['accepted', 'allow', []])
  assert.equal((await decide(asked)).status, 'duplicate')
})

const script = 'Hello dear, I work with a broker who doubles every deposit within a week. Write to me.'
const hint = 'Only today: parcels without an address, sold by weight from our warehouse!'
let bankId = ''
let photoEntry: BankEntry
let known: Uint8Array

test('2: a recompressed and resized photo, a text, and a text in disguise are found in the banks', async () => {
  known = await picture(42)
  bankId = (await platform.call(makeBank, { body: { name: 'known-photos', action: 'review' } })).bankId
  const texts = await platform.call(makeBank, { body: { name: 'known-texts', action: 'review' } })
  photoEntry = await platform.call(makeBankEntry, {
    params: { bankId },
    body: { upload: (await upload(known)).upload, labels: ['scam'], source: 'trust team' },
  })
  for (const [text, label] of [
    [script, 'script'],
    [hint, 'hint'],
  ] as const)
    await platform.call(makeBankEntry, { params: { bankId: texts.bankId }, body: { text, labels: [label] } })

  const copy = await recompressed(known, 300, 55)
  const { pdq, quality } = await upload(copy)
  const lookup = { photos: [{ pdq: pdq!, quality: quality! }], text: script }
  await until(
    'the banks match',
    async () => (await platform.call(lookupMatches, { body: lookup })).matches.length === 2,
  )

  const disguised = script.toUpperCase().replaceAll('O', '\u041e').replaceAll(' ', '\u200b  ')
  for (const [id, item, name] of [
    ['photo', { id: 'ip', media: photoOf(copy) }, 'match.media'],
    ['text', { id: 'ix', text: script }, 'match.text'],
    ['disguised', { id: 'iy', text: disguised }, 'match.text'],
  ] as const) {
    await decide(event(`seen-${id}`, 'u7', { item }))
    const { entries } = await platform.call(getEvent, { params: { eventId: `seen-${id}` } })
    const signals = (entries[0]!.body as { signals: { name: string; evidence: Record<string, unknown> }[] }).signals
    assert.equal(entries[0]!.kind, 'signal.recorded')
    assert.deepEqual(
      signals.map((signal) => signal.name),
      [name],
      id,
    )
    const { distance, threshold, bankName } = signals[0]!.evidence
    assert.ok((distance as number) <= (threshold as number))
    assert.equal(bankName, name === 'match.media' ? 'known-photos' : 'known-texts')
  }
  const other = await recompressed(await picture(43), 300, 55)
  const unlike = await decide(event('unlike', 'u7', { item: { id: 'iz', media: photoOf(other), text: 'a new lamp' } }))
  assert.deepEqual(unlike.entries, [], 'nothing is known about other pictures and words')
})

const rules = readFileSync(new URL('story-rules.yaml', import.meta.url), 'utf8')

test('3: rules are checked, live within a second, watched in shadow, and traced', async () => {
  const wrong = rules.replace('recipients_1h >= 3', 'recipents_1h >= 3')
  const line = wrong.split('\n').findIndex((text) => text.includes('recipents_1h')) + 1
  const column = wrong.split('\n')[line - 1]!.indexOf('recipents_1h') + 1
  const checked = await platform.call(checkRules, { body: { text: wrong } })
  assert.deepEqual([checked.ok, checked.problems[0]!.line, checked.problems[0]!.column], [false, line, column])
  assert.match(checked.problems[0]!.problem, /recipents_1h/)
  const refused = await failure(platform.call(publishRuleFile, { body: { text: wrong } }))
  assert.deepEqual([refused.status, refused.problem.errors?.[0]?.line], [422, line])

  // While events stream in, rules are published: none is lost, and from some event on all are judged by the new rules.
  let publishedAtMs = Infinity
  const stopSending = new AbortController()
  const sentAtMs: number[] = []
  const sender = (async () => {
    while (!stopSending.signal.aborted) {
      const id = `view-${sentAtMs.length}`
      sentAtMs.push(Date.now())
      const { accepted } = await platform.call(appendEvents, {
        body: event(id, 'reader', { type: 'item.viewed', item: { id: 'i1' } }) as never,
      })
      assert.equal(accepted, 1)
    }
  })()
  await pause(300)
  await platform.call(publishRuleFile, { body: { text: rules } })
  publishedAtMs = Date.now()
  await pause(1_200)
  stopSending.abort()
  await sender
  const last = `view-${sentAtMs.length - 1}`
  await until(
    'every event is judged',
    async () => (await platform.call(getEvent, { params: { eventId: last } })).processed,
  )
  let stored = 0
  for (let next: string | null | undefined; next !== null;) {
    const page = await platform.call(listEvents, {
      query: { actorId: 'reader', limit: 1_000, ...(next === undefined ? {} : { after: next }) },
    })
    stored += page.items.length
    next = page.next
  }
  assert.equal(stored, sentAtMs.length, 'no event is lost')
  const { rule } = await platform.call(getRule, { params: { ruleId: 'reads-a-lot' } })
  const firstHit = sentAtMs.length - rule.hits.live
  const firstLate = sentAtMs.findIndex((atMs) => atMs > publishedAtMs + 1_000)
  assert.ok(rule.hits.live > 0 && firstHit <= firstLate, `live from ${firstHit}, a second later is ${firstLate}`)

  for (let n = 1; n <= 3; n++)
    await decide(
      event(`dm-${n}`, 'writer', {
        type: 'message.sent',
        context: 'private_messaging',
        item: { id: `dm${n}`, kind: 'message', text: 'hi' },
        targets: [{ id: `v${n}` }],
      }),
    )
  const writer = await subject('actor', 'writer')
  assert.deepEqual(
    writer.labels.map(({ label }) => label),
    ['hurried'],
  )
  assert.deepEqual([writer.decisions, writer.status], [[], 'active'], 'a rule in shadow does nothing')
  const watched = await platform.callFull(getRule, { params: { ruleId: 'watched' } })
  assert.deepEqual([watched.body.rule.hits.shadow, watched.body.rule.hits.live], [2, 0])

  const trace = await platform.call(traceRule, { params: { ruleId: 'many-at-once', eventId: 'dm-3' } })
  const values = Object.fromEntries(trace.features.map(({ name, value }) => [name, value]))
  assert.equal(trace.value, true)
  assert.equal(values.recipients_1h, 3)
  const early = await platform.call(traceRule, { params: { ruleId: 'many-at-once', eventId: 'dm-2' } })
  assert.equal(early.value, false)

  const headers = { 'if-match': watched.etag! }
  const body = { mode: 'off', reason: 'seen enough' } as const
  await platform.call(setMode, { params: { ruleId: 'watched' }, headers, body })
  const stale = await failure(platform.call(setMode, { params: { ruleId: 'watched' }, headers, body }))
  assert.equal(stale.status, 412)
})

const hintAtMs = beganMs - 30 * minuteMs
test('4: a violation becomes a decision with reasons, and its effects reach the platform signed and in order', async () => {
  for (const actorId of ['mara', 'twin']) {
    const answer = await decide(
      event(`hint-${actorId}`, actorId, { item: { id: `hint-${actorId}`, text: hint } }, hintAtMs),
    )
    assert.equal(answer.verdict, 'act')
    assert.deepEqual([answer.decisions[0]!.violation, answer.decisions[0]!.removesItem], ['scam', true])
  }
  const { items } = await platform.call(listDecisions, { query: { actor: 'mara' } })
  const { statement } = items[0]!
  assert.deepEqual(
    [statement.policyTitle, statement.automatedDecision, statement.automatedDetection, statement.legalGround],
    ['Scams and fraud', 'FULLY', true, 'INCOMPATIBLE_CONTENT'],
  )
  assert.match(statement.facts, /^We compared its words with texts that are known to break the rules/)
  const mara = await subject('actor', 'mara')
  assert.deepEqual([mara.status, mara.standing.find(({ context }) => context === 'feed')!.points], ['warned', 1])

  const lou = await decide(event('script-lou', 'lou', { item: { id: 'script-lou', text: script } }))
  assert.equal(lou.verdict, 'act')
  await decide(event('hint-lou', 'lou', { item: { id: 'hint-lou', text: hint } }))
  const gate = { actor: 'lou', feature: 'post', context: 'feed' }
  const closed = await platform.call(checkGate, { body: gate })
  assert.equal(closed.answer, 'deny')
  assert.ok(closed.untilMs! > Date.now() && closed.reason!.length > 10)
  assert.equal((await platform.call(checkGate, { body: { ...gate, actor: 'mara' } })).answer, 'allow')
  assert.equal(
    (await platform.call(checkGate, { body: { ...gate, feature: 'send_message', context: 'private_messaging' } }))
      .answer,
    'allow',
  )

  const effects = await allEffects(platform)
  await until('every effect is delivered', async () => receiver.messages().length >= effects.length, 30_000)
  receiver.assertDelivered(effects)
  const failed = receiver.received.filter(({ answered }) => answered === 503)
  assert.equal(failed.length, 2)
  for (const { headers, body } of failed) {
    const tries = receiver.received.filter((one) => one.headers['webhook-id'] === headers['webhook-id'])
    assert.ok(tries.length >= 2, 'what failed came again')
    assert.ok(
      tries.every((one) => one.body === body),
      'with the same bytes',
    )
  }
  const topics = receiver
    .messages()
    .filter(({ data }) => data.subject === 'actor:lou')
    .map(({ type }) => type)
  for (const topic of ['decision.made', 'item.removed', 'consequence.started', 'gate.closed', 'notice.created'])
    assert.ok(topics.includes(topic), `the platform is told of ${topic}`)
})

let decisionB = ''
let copySha = ''
const friendly = 'my grandmother sold these lamps for forty years'

test('5: a reviewer takes the job, sees all that is needed, and decides; nobody else can', async () => {
  const thread = { id: 'lamps', kind: 'topic' }
  await decide(event('before', 'friend', { item: { id: 'before', text: 'who has pictures of old lamps?' }, thread }))
  const copy = await recompressed(known, 360, 60)
  copySha = (await upload(copy)).upload
  const actor = { id: 'mara', attributes: { createdAt: iso(beganMs - 400 * 24 * 60 * minuteMs), displayName: 'Mara' } }
  const asked = await decide(
    event('photo-mara', 'mara', { actor, thread, item: { id: 'photo-mara', text: friendly, media: photoOf(copy) } }),
  )
  assert.deepEqual([asked.verdict, asked.jobs[0]?.queue], ['review', 'default'])
  assert.equal((await subject('item', 'photo-mara')).status, 'active', 'nothing happens before somebody looked')

  const { job: view } = await ann.call(nextJob, { body: { queue: 'default' } })
  assert.ok(view !== null)
  const { jobId } = view.job
  assert.equal(jobId, asked.jobs[0]!.jobId)
  assert.equal(view.claimedByMe, true)
  assert.equal((view.item as { text: string }).text, friendly)
  assert.deepEqual(
    view.thread?.before.map(({ text }) => text),
    ['who has pictures of old lamps?'],
  )
  assert.equal(view.actor?.attributes.displayName, 'Mara')
  assert.equal(view.actor?.standing.find(({ context }) => context === 'feed')?.points, 1)
  assert.equal(view.actor?.decisions.length, 1)
  const { match, trace, rule } = view.proposals[0]!
  assert.equal(rule.id, 'known-photo')
  assert.deepEqual([match?.mediaSha256, match?.entry?.mediaSha256], [copySha, photoEntry.mediaSha256])
  assert.ok(match!.distance <= match!.threshold)
  assert.equal((trace as { value: boolean }).value, true)
  const preview = view.previews.find(({ violation, severity }) => violation === 'scam' && severity === 3)
  assert.equal(preview?.contexts.find(({ context }) => context === 'feed')?.points, 5)

  const look = async (who: Staff, variant?: 'full') => {
    const url = who.url(getMedia, { params: { sha256: copySha }, query: { variant, job: jobId } })
    const answer = await fetch(url, { headers: { cookie: who.cookie } })
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
  }
  const looks = () =>
    platform.call(listAudit, {
      query: { kinds: 'person.viewed_sensitive', subjectKind: 'item', subjectId: `custos:media:${copySha}` },
    })
  const blurred = await look(ann)
  assert.equal(blurred.status, 200, blurred.bytes.toString().slice(0, 300))
  assert.equal((await looks()).items.length, 0)
  const full = await look(ann, 'full')
  const logged = (await looks()).items
  assert.deepEqual(
    logged.map(({ body }) => body),
    [{ personId: ann.personId, mediaSha256: copySha, jobId, what: 'media in full' }],
  )
  assert.ok((await detailOf(full.bytes)) > 4 * (await detailOf(blurred.bytes)), 'blurred until asked for')
  const viewer = await world.staff(['viewer'])
  assert.equal((await look(viewer, 'full')).status, 403)

  const verdict = {
    verdict: 'violation',
    violation: 'scam',
    severity: 3,
    note: 'Told Jo that it looks staged',
  } as const
  const decideAs = (who: Staff, etag = view.etag) =>
    who.call(decideJob, { params: { jobId }, headers: { 'if-match': etag }, body: verdict })
  assert.equal((await failure(bo.call(claimJob, { params: { jobId } }))).status, 409)
  assert.equal((await failure(decideAs(bo))).status, 409)
  decisionB = (await decideAs(ann)).decisionId!
  const again = await failure(decideAs(bo))
  assert.equal(again.status, 409)

  const { decision, consequences } = await platform.call(getDecision, { params: { decisionId: decisionB } })
  const { facts, automatedDecision, automatedDetection } = decision.statement
  assert.deepEqual([automatedDecision, automatedDetection], ['NOT_AUTOMATED', true])
  assert.equal(
    facts,
    'We compared the pictures in it with pictures that are known to break the rules, and one is the same or very similar. A person looked at it and found that it breaks the rule.',
  )
  assert.deepEqual(
    consequences.filter(({ state }) => state === 'running').map(({ action, context }) => [action, context]),
    [['suspend', 'feed']],
  )
  assert.equal((await subject('item', 'photo-mara')).status, 'removed')
})

test('6: the affected person reads what, why, by which policy and what next, and appeals with a plain form', async () => {
  const link = await platform.call(createSubjectLink, { body: { actorId: 'mara' } })
  const page = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(world.url + path, { redirect: 'manual', ...init })
    return { status: answer.status, location: answer.headers.get('location'), text: await answer.text() }
  }
  const account = await page(link.path)
  const at = `${link.path}/decisions/${decisionB}`
  assert.ok(account.text.includes(at))
  const decision = await page(at)
  for (const said of [
    'We took down something of yours',
    'Scams and fraud',
    'We do not allow attempts to take money',
    'We compared the pictures in it',
    'A person looked at it',
    friendly,
  ])
    assert.ok(decision.text.includes(said), `the page should say "${said}"`)
  for (const inside of ['known-photos', photoEntry.entryId, 'bits', 'staged', ann.personId, 'friend'])
    assert.ok(!decision.text.includes(inside), `the page should not say "${inside}"`)
  const form = await page(`${at}/appeal`)
  for (const { text } of [account, decision, form]) assert.doesNotMatch(text, /<script/i)

  const token = /name="form" value="([^"]+)"/.exec(form.text)![1]!
  const words = 'These are our own lamps. The photo was stolen from my shop.'
  const sent = await page(`${at}/appeal`, { method: 'POST', body: new URLSearchParams({ form: token, text: words }) })
  assert.deepEqual([sent.status, sent.location], [303, `${at}?done=1`])
  const { items } = await bo.call(listAppeals, { query: { decision: decisionB } })
  assert.deepEqual(
    items.map(({ state, appellantId, relation }) => [state, appellantId, relation]),
    [['open', 'mara', 'self']],
  )
  assert.equal((await bo.call(getAppeal, { params: { appealId: items[0]!.appealId } })).statement, words)
})

async function overturn(decisionId: string, reason: string): Promise<void> {
  const { items } = await bo.call(listJobs, { query: { question: 'appeal', state: 'open', decisionId } })
  const view = await bo.call(claimJob, { params: { jobId: items[0]!.jobId } })
  await bo.call(decideJob, {
    params: { jobId: view.job.jobId },
    headers: { 'if-match': view.etag },
    body: { verdict: 'overturn', note: reason },
  })
}
const entryNow = () => platform.call(getBankEntry, { params: { bankId, entryId: photoEntry.entryId } })

test('7: another reviewer overturns, and everything is as it would have been', async () => {
  // A later step of the ladder, which the wrong decision made steeper than it should have been.
  const laterMs = Date.now()
  for (const actorId of ['mara', 'twin'])
    await decide(event(`script-${actorId}`, actorId, { item: { id: `script-${actorId}`, text: script } }, laterMs))
  const [wronged, twin] = [await subject('actor', 'mara'), holding(await subject('actor', 'twin'))]
  const feed = ({ standing }: { standing: SubjectView['standing'] }) =>
    standing.find(({ context }) => context === 'feed')!.points
  assert.deepEqual([feed(wronged), feed(twin)], [7, 3])
  assert.notDeepEqual(holding(wronged), twin)

  assert.equal((await ann.call(nextJob, { body: { queue: 'appeals' } })).job, null, 'not to who decided')
  const { items: waiting } = await ann.call(listJobs, { query: { question: 'appeal', decisionId: decisionB } })
  assert.equal((await failure(ann.call(claimJob, { params: { jobId: waiting[0]!.jobId } }))).status, 403)
  const { job: view } = await bo.call(nextJob, { body: { queue: 'appeals' } })
  assert.deepEqual(
    [view?.job.decisionId, view?.appeal?.statement],
    [decisionB, 'These are our own lamps. The photo was stolen from my shop.'],
  )
  await overturn(decisionB, 'The shop showed the original photo.')

  assert.deepEqual(holding(await subject('actor', 'mara')), twin, 'as without the decision')
  const item = await subject('item', 'photo-mara')
  assert.deepEqual([item.status, item.heldBy], ['active', []])
  const check = (actor: string) => platform.call(checkGate, { body: { actor, feature: 'post', context: 'feed' } })
  const [hers, its] = [await check('mara'), await check('twin')]
  assert.deepEqual([hers.answer, hers.untilMs, hers.reason], [its.answer, its.untilMs, its.reason])
  const { decision, consequences } = await platform.call(getDecision, { params: { decisionId: decisionB } })
  assert.equal(decision.status, 'reversed')
  assert.match(decision.statement.correction!, /our decision was wrong.*The shop showed the original photo\./)
  assert.ok(consequences.every(({ state }) => state !== 'running'))

  const told = await until('the platform is told', async () => {
    const about = receiver.messages().filter(({ data }) => data.subject === 'actor:mara')
    return about.some(({ type }) => type === 'item.restored') && about
  })
  const topics = told.map(({ type }) => type)
  assert.ok(topics.includes('decision.reversed'))
  assert.ok(topics.indexOf('item.removed') < topics.indexOf('item.restored'))
  assert.equal((await entryNow()).overturned, 1)
  assert.equal((await entryNow()).status, 'active')
})

test('8: three overturned matches quarantine the entry, and its other decisions are offered for the same remedy', async () => {
  const sharers = ['sam', 'tove', 'uma', 'vik']
  const made = new Map<string, string>()
  const before = new Map<string, ReturnType<typeof holding>>()
  for (const actorId of sharers) {
    before.set(actorId, holding(await subject('actor', actorId)))
    const bytes = await recompressed(known, 320 + made.size * 8, 70)
    const asked = await decide(
      event(`photo-${actorId}`, actorId, { item: { id: `photo-${actorId}`, media: photoOf(bytes) } }),
    )
    const view = await ann.call(claimJob, { params: { jobId: asked.jobs[0]!.jobId } })
    const { decisionId } = await ann.call(decideJob, {
      params: { jobId: view.job.jobId },
      headers: { 'if-match': view.etag },
      body: { verdict: 'violation', violation: 'scam', severity: 3 },
    })
    made.set(actorId, decisionId!)
  }
  for (const actorId of ['sam', 'tove']) {
    const decisionId = made.get(actorId)!
    assert.equal((await entryNow()).status, 'active')
    await platform.call(fileAppeal, { body: { decisionId, appellantId: actorId, statement: 'Not a scam.' } })
    await overturn(decisionId, 'An ordinary shop.')
    assert.deepEqual(holding(await subject('actor', actorId)), before.get(actorId), 'as before')
  }
  const entry = await entryNow()
  assert.deepEqual([entry.status, entry.overturned], ['quarantined', 3])

  const { upload: sha256, pdq, quality } = await upload(await recompressed(known, 340, 70))
  await until('the entry no longer matches', async () => {
    const lookup = { photos: [{ pdq: pdq!, quality: quality! }] }
    return (await platform.call(lookupMatches, { body: lookup })).matches.length === 0
  })
  const posted = await decide(
    event('photo-wes', 'wes', { item: { id: 'photo-wes', media: [{ id: 'p', kind: 'photo', upload: sha256 }] } }),
  )
  assert.deepEqual([posted.verdict, posted.entries], ['allow', []])

  const { items } = await bo.call(listJobs, { query: { question: 'remedy', state: 'open' } })
  assert.deepEqual(items.map(({ decisionId }) => decisionId).sort(), [made.get('uma'), made.get('vik')].sort())
  const queue = (await bo.call(listQueues, {})).items.find((one) => one.queue === 'remedy')
  assert.equal(queue?.open, 2)
  const answer = async (actorId: string, verdict: 'reverse' | 'keep') => {
    const job = items.find(({ decisionId }) => decisionId === made.get(actorId))!
    const view = await bo.call(claimJob, { params: { jobId: job.jobId } })
    await bo.call(decideJob, {
      params: { jobId: job.jobId },
      headers: { 'if-match': view.etag },
      body: { verdict, note: verdict === 'reverse' ? 'The same shop.' : 'This one did take money.' },
    })
    assert.equal((await bo.call(getJob, { params: { jobId: job.jobId } })).job.state, 'decided')
    return (await platform.call(getDecision, { params: { decisionId: made.get(actorId)! } })).decision.status
  }
  assert.equal(await answer('uma', 'reverse'), 'reversed')
  assert.deepEqual(holding(await subject('actor', 'uma')), before.get('uma'))
  assert.equal(await answer('vik', 'keep'), 'active')
  assert.equal((await subject('item', 'photo-vik')).status, 'removed')
})

test('9: the whole chain is explained and replays to the same result; ledger and projections hold', async () => {
  const { explanation } = await platform.call(getDecision, { params: { decisionId: decisionB } })
  const kinds: string[] = []
  const walk = (step: StepView) => {
    kinds.push(step.kind)
    step.children.forEach(walk)
  }
  walk(explanation.tree as StepView)
  const story = `event signal.recorded violation.proposed job.created job.claimed job.decided violation.confirmed decision.made
    item.removed consequence.started gate.closed appeal.filed appeal.decided decision.reversed item.restored consequence.ended`
  for (const kind of story.split(/\s+/))
    assert.ok(kinds.includes(kind), `the explanation should hold ${kind}: ${kinds.join(', ')}`)
  assert.deepEqual([explanation.replay.same, explanation.rule?.same], [true, true], explanation.replay.detail)

  const { env } = world
  const printed = await custos(['explain', decisionB], env)
  for (const line of [
    'item.created by mara in feed',
    'Rule known-photo@1 proposed scam',
    'Decision reversed',
    /^same +rule:/m,
    /^same +consequences:/m,
  ])
    assert.match(printed, line instanceof RegExp ? line : new RegExp(line))
  const { items } = await platform.call(listDecisions, { query: { limit: 100 } })
  assert.ok(items.length >= 11)
  for (const { decisionId } of items) {
    const { explanation: one } = await platform.call(getDecision, { params: { decisionId } })
    assert.deepEqual([one.replay.same, one.rule?.same], [true, true], one.replay.detail)
  }

  const effects = await allEffects(platform)
  await until(
    'every effect is delivered',
    async () => new Set(receiver.messages().map(({ data }) => data.id)).size === effects.length,
  )
  receiver.assertDelivered(effects)
  assert.equal((await platform.call(verifyLedger, {})).ok, true)
  assert.match(await custos(['ledger', 'verify'], env), /^ok /)
  const rebuilt = await custos(['ledger', 'rebuild'], env)
  assert.doesNotMatch(rebuilt, /CHANGED/)
  assert.match(rebuilt, /^same +decisions$/m)
  assert.deepEqual(
    world.logged.filter((line) => /"level":"error"/.test(line)),
    [],
  )
})
