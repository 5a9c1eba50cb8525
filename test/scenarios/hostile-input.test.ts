import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { before, test } from 'node:test'
import type { Static } from 'typebox'
import { createSubjectLink } from '../../src/http/contract/access.ts'
import { makeDecision } from '../../src/http/contract/decisions.ts'
import { appendEvents, getEvent, listEvents } from '../../src/http/contract/events.ts'
import { getSettings, updateSettings } from '../../src/http/contract/settings.ts'
import { getSubject } from '../../src/http/contract/subjects.ts'
import { erasePerson } from '../../src/flows/erase.ts'
import { defaultTenantId } from '../../src/http/access.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { projectors } from '../../src/app.ts'
import { randomBytes } from 'node:crypto'
import { testApp, type TestApp } from '../app.ts'
import { ask, assertIntact, assertProblem, eventOf, settled, storedOf, type Answer } from '../hostile.ts'

let app: TestApp
before(async () => void (app = await testApp()))

type Appended = Static<(typeof appendEvents)['response']>
const json = 'application/json'
const ndjson = 'application/x-ndjson'
const send = (body: BodyInit, type = json) => ask(app, 'POST', '/v1/events', { body, type })
const lines = (...parts: (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)))
const results = (answer: Answer) => {
  assert.equal(answer.status, 200, answer.text.slice(0, 500))
  return (answer.body as Appended).results
}
const statuses = (answer: Answer) => results(answer).map(({ index, status }) => [index, status])
const line = (id: string, change = {}) => `${JSON.stringify(eventOf(id, change))}\n`
const limitOf = (answer: Answer) => answer.problem.errors?.[0]?.limit
const mebibyte = 1024 * 1024

test('bodies beyond the limit are refused with the limit, whatever they claim to be', async () => {
  const big = Buffer.alloc(mebibyte + 10, 'x')
  const decision = await ask(app, 'POST', '/v1/decisions', { type: json, body: JSON.stringify({ facts: String(big) }) })
  assertProblem(decision, 413)
  assert.equal(limitOf(decision), mebibyte)

  const events = await send(Buffer.alloc(32 * mebibyte + 10, ' '))
  assertProblem(events, 413)
  assert.equal(limitOf(events), 32 * mebibyte)

  const upload = await ask(app, 'POST', '/v1/uploads', { type: 'image/jpeg', body: Buffer.alloc(26 * mebibyte) })
  assertProblem(upload, 413)
  assert.equal(limitOf(upload), 25 * mebibyte)

  const type = 'application/x-www-form-urlencoded'
  const form = await ask(app, 'POST', '/sign-in', { type, body: `handle=${'x'.repeat(1_100_000)}` })
  assertProblem(form, 413)
  assert.equal(limitOf(form), mebibyte)
  const appeal = await ask(app, 'POST', '/me/x/decisions/x/appeal', { type, body: `text=${'x'.repeat(300_000)}` })
  assertProblem(appeal, 413)
  assert.equal(limitOf(appeal), 256 * 1024)
})

test('one huge line of NDJSON is refused in time that grows with its length, and the lines before it are stored', async () => {
  const body = lines(line('huge-1'), line('huge-2'), Buffer.alloc(33 * mebibyte, 'x'))
  const started = process.cpuUsage()
  const answer = await send(body, ndjson)
  assert.ok(process.cpuUsage(started).user < 4_000_000)
  assertProblem(answer, 413)
  assert.equal(limitOf(answer), 32 * mebibyte)
  assert.equal(answer.problem.errors![0]!.field, 'line 3')
  assert.deepEqual(await storedOf(app, 'huge-'), ['huge-1', 'huge-2'])
})

test('NDJSON: a broken line is refused by its number, and all others are taken', async () => {
  const answer = await send(
    lines(
      '\ufeff',
      line('nd-1'),
      '{"id": "nd-2", "type": \n',
      '\r\n',
      line('nd-3').replace('\n', '\r\n'),
      lines('{"id":"nd-4\xff"', Buffer.from([0xff, 0xfe]), '}\n'),
      '[1]\nnull\n"text"\n',
      line('nd-5'),
      line('nd-5'),
      line('nd-5', { context: 'feed' }),
      line('nd-6').slice(0, 40),
    ),
    ndjson,
  )
  assert.deepEqual(statuses(answer), [
    [1, 'accepted'],
    [2, 'refused'],
    [4, 'accepted'],
    [5, 'refused'],
    [6, 'refused'],
    [7, 'refused'],
    [8, 'refused'],
    [9, 'accepted'],
    [10, 'duplicate'],
    [11, 'refused'],
    [12, 'refused'],
  ])
  const reasons = new Map(results(answer).map(({ index, reason }) => [index, reason]))
  assert.match(reasons.get(2)!, /^Line 2 is not JSON: /)
  assert.equal(reasons.get(5), 'Line 5 is not JSON: it is not valid UTF-8')
  assert.match(reasons.get(6)!, /must be a JSON object/)
  assert.match(reasons.get(11)!, /Another event with the id "nd-5" and other content/)
  assert.match(reasons.get(12)!, /^Line 12 is not JSON: /)
  assert.deepEqual(await storedOf(app, 'nd-'), ['nd-1', 'nd-3', 'nd-5'])
  assert.deepEqual(
    statuses(await send(line('nd-6'), ndjson)),
    [[1, 'accepted']],
    'what was cut off is sent again whole',
  )
})

test('a sender that vanishes in the middle of NDJSON leaves no half event, and can send all again', async () => {
  const body = line('gone-1') + line('gone-2').slice(0, 30)
  await new Promise<void>((done) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => {
      socket.write(
        `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${app.key}\r\ncontent-type: ${ndjson}\r\ncontent-length: 100000\r\n\r\n${body}`,
        () => setTimeout(() => socket.destroy(), 100),
      )
    })
    socket.on('close', () => done())
  })
  const again = results(await send(line('gone-1') + line('gone-2'), ndjson))
  assert.ok(again.every(({ status }) => status !== 'refused'))
  assert.deepEqual(await storedOf(app, 'gone-'), ['gone-1', 'gone-2'])
})

test('broken, empty and foreign bodies are refused with what is wrong', async () => {
  assert.match(assertProblem(await send('{"id": '), 400).detail!, /JSON/)
  assert.match(assertProblem(await send(''), 400).title, /empty/)
  assert.match(assertProblem(await send('null'), 400).title, /empty/)
  assert.match(assertProblem(await send(Buffer.from([0x22, 0xff, 0x22])), 400).detail!, /not valid UTF-8/)
  assert.deepEqual(results(await send('', ndjson)), [])
  for (const type of [
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
  ]) {
    assertProblem(await send(JSON.stringify(eventOf('typed')), type), 415)
    assertProblem(await ask(app, 'POST', '/v1/decide', { type, body: JSON.stringify(eventOf('typed')) }), 415)
  }
  for (const path of ['/v1/decisions', '/v1/rules', '/v1/match/lookup', '/v1/subject-links']) {
    assert.equal(
      assertProblem(await ask(app, 'POST', path, { type: json, body: '[' }), 400).title,
      'The body is not JSON',
    )
    const foreign = await ask(app, 'POST', path, { type: 'text/plain', body: 'x' })
    assert.ok([415, 422].includes(foreign.status), `${path} ${foreign.status}`)
  }
  assert.deepEqual(await storedOf(app, 'typed'), [])
})

test('deep nesting is refused alone, wherever it lies', async () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  const places = ['attributes', 'item', 'actor', 'nobody', 'targets', 'id', 'time', 'origin']
  const body = places.map((place, index) => {
    const event = JSON.stringify(eventOf(`deep-${index}`, { [place]: '?' }))
    return event.replace('"?"', place === 'attributes' ? `{"a":${deep(100_000)}}` : deep(100_000))
  })
  for (const inner of [
    '"item":{"id":"i","attributes":{"x":?}}',
    '"item":{"id":"i","media":[{"id":"m","kind":"photo","hashes":{"x":?}}]}',
    '"targets":[{"id":"t","x":?}]',
  ])
    body.push(JSON.stringify(eventOf('deep-x')).replace('{', `{${inner.replace('?', deep(100_000))},`))
  const all = results(
    await send([...body, JSON.stringify(eventOf('deep-good', { attributes: { a: [[[[1]]]] } }))].join('\n'), ndjson),
  )
  assert.deepEqual(
    all.map(({ status }) => status),
    [...body.map(() => 'refused'), 'accepted'],
  )
  assert.equal(all[0]!.errors![0]!.limit, 64)
  const array = results(await send(`[${body.join(',')},${JSON.stringify(eventOf('deep-array'))}]`))
  assert.equal(array.at(-1)!.status, 'accepted')
  assert.deepEqual(await storedOf(app, 'deep-'), ['deep-good', 'deep-array'])
  const settings = await ask(app, 'PATCH', '/v1/settings', {
    type: json,
    body: `{"eventTypes":{"a.b":{"schema":{"x":${deep(100_000)}}}}}`,
    headers: { 'if-match': '*' },
  })
  assert.equal(assertProblem(settings, 422).errors![0]!.limit, 64)
})

test('more than 50,000 events: an array is refused whole, NDJSON after what it may hold', async () => {
  const count = 50_001
  const array = await send(JSON.stringify(Array.from({ length: count }, (_, index) => ({ id: `many-${index}` }))))
  const { errors } = assertProblem(array, 422)
  assert.deepEqual([errors![0]!.limit, errors![0]!.value], [50_000, '50001'])
  const broken = '{}\n'.repeat(count - 3)
  const answer = await send(lines(line('many-a'), broken, line('many-b'), line('many-c')), ndjson)
  assertProblem(answer, 413)
  assert.deepEqual([answer.problem.errors![0]!.field, limitOf(answer)], ['line 50001', 50_000])
  assert.deepEqual(await storedOf(app, 'many-'), ['many-a', 'many-b'])
})

test('ids: once stored, the same content is a duplicate and other content a refusal that changes nothing', async () => {
  const first = eventOf('same-1', { item: { id: 'i', text: 'one' } })
  assert.deepEqual(statuses(await send(JSON.stringify([first, first, { ...first, item: { id: 'i', text: 'two' } }]))), [
    [0, 'accepted'],
    [1, 'duplicate'],
    [2, 'refused'],
  ])
  const other = results(await send(JSON.stringify({ ...first, actor: { id: 'mallory' } })))[0]!
  assert.deepEqual([other.status, other.errors![0]!.field, other.errors![0]!.value], ['refused', 'id', 'same-1'])
  const { stored } = await app.platform.call(getEvent, { params: { eventId: 'same-1' } })
  assert.equal(stored.event.item!.text, 'one')
  assert.equal(stored.event.actor.id, 'u1')
})

test('types: unknown ones are refused until the tenant declares them or takes all', async () => {
  const batch = JSON.stringify([
    eventOf('type-1', { type: 'poll.voted' }),
    eventOf('type-2'),
    eventOf('type-3', { type: 'Poll Voted' }),
    eventOf('type-4', { type: '__proto__' }),
    eventOf('type-5', { type: 'constructor.prototype' }),
  ])
  const refused = results(await send(batch))
  assert.deepEqual(
    refused.map(({ status }) => status === 'accepted'),
    [false, true, false, false, false],
  )
  assert.deepEqual(refused[0]!.errors![0]!.value, 'poll.voted')
  const change = async (body: Static<NonNullable<(typeof updateSettings)['body']>>) => {
    const { etag } = await app.platform.callFull(getSettings, {})
    return app.platform.call(updateSettings, { body, headers: { 'if-match': etag! } })
  }
  await change({ eventTypes: { 'poll.voted': { description: 'Somebody voted' } } })
  assert.deepEqual(
    results(await send(batch)).map(({ status }) => status),
    ['accepted', 'duplicate', 'refused', 'refused', 'refused'],
  )
  await change({ eventTypes: {}, acceptUnknownTypes: true })
  assert.deepEqual(
    results(await send(batch)).map(({ status }) => status),
    ['duplicate', 'duplicate', 'refused', 'refused', 'accepted'],
  )
  await change({ acceptUnknownTypes: false })
})

test('clocks: too far ahead is refused, the past is taken and marked late, no date is no time', async () => {
  const now = Date.now()
  const times: [string, string, boolean?][] = [
    [new Date(now + 6 * 60_000).toISOString(), 'refused'],
    [new Date(now + 4 * 60_000).toISOString(), 'accepted', false],
    ['2011-01-01T00:00:00Z', 'accepted', true],
    ['1970-01-01T00:00:00+00:00', 'accepted', true],
    ['1969-12-31T23:59:59Z', 'refused'],
    ['2026-13-45T00:00:00Z', 'refused'],
    ['yesterday', 'refused'],
    ['2026-11-20', 'refused'],
    ['2026-11-20T12:00:00', 'refused'],
    ['+275760-09-13T00:00:00.001Z', 'refused'],
  ]
  const answers = results(
    await send(JSON.stringify(times.map(([time], index) => ({ ...eventOf(`clock-${index}`), time })))),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    times.map(([, status]) => status),
  )
  const ahead = answers[0]!.errors![0]!
  assert.deepEqual([ahead.field, ahead.value, ahead.limit], ['time', times[0]![0], '300 s ahead'])
  for (const [index, [, status, late]] of times.entries())
    if (status === 'accepted') {
      const { stored } = await app.platform.call(getEvent, { params: { eventId: `clock-${index}` } })
      assert.equal(stored.late, late, times[index]![0])
    }
})

test('names and attributes beyond their limits are refused alone, with field and limit', async () => {
  const megabyte = 'x'.repeat(1_000_000)
  const answers = results(
    await send(
      JSON.stringify([
        eventOf('name-1', { actor: { id: 'u1', attributes: { displayName: megabyte } } }),
        eventOf('name-2', { actor: { id: megabyte } }),
        eventOf('name-3', { item: { id: 'i', text: megabyte } }),
        eventOf('name-4', {
          attributes: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, 'x'.repeat(9_000)])),
        }),
        eventOf('name-5', { attributes: { [megabyte]: megabyte } }),
        eventOf('name-6', { actor: { id: 'u1', attributes: { displayName: 'x'.repeat(10_000) } } }),
      ]),
    ),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array(5).fill('refused'), 'accepted'],
  )
  const first = answers.slice(0, 5).map(({ errors }) => [errors![0]!.field, errors![0]!.limit])
  assert.deepEqual(first.slice(0, 4), [
    ['actor.attributes.displayName', 10_000],
    ['actor.id', 256],
    ['item.text', 100_000],
    ['attributes', 262_144],
  ])
  assert.ok(JSON.stringify(answers).length < 10_000, 'a megabyte is not sent back')
})

test('keys that reach for the prototype are names like any other, and pollute nothing', async () => {
  const hostile = `"__proto__":{"admin":true,"late":true},"constructor":{"prototype":{"admin":true}},"toString":1`
  const event = JSON.stringify(
    eventOf('proto-1', { context: 'constructor', attributes: {}, actor: { id: '__proto__', attributes: {} } }),
  )
  const [taken] = results(await send(event.replaceAll('"attributes":{}', `"attributes":{${hostile}}`)))
  assert.equal(taken!.status, 'accepted', taken!.reason ?? '')
  const [refused] = results(await send(JSON.stringify(eventOf('proto-2')).replace('{', `{${hostile},`)))
  assert.deepEqual(
    [refused!.status, refused!.errors!.map(({ field }) => field)],
    ['refused', ['__proto__', 'constructor', 'toString']],
  )
  assert.equal(({} as { admin?: boolean }).admin, undefined)
  const back = await ask(app, 'GET', '/v1/events/proto-1')
  assert.match(back.text, /"__proto__":\{"admin":true,"late":true\}/)
  const decided = await app.platform.call(makeDecision, {
    body: { actorId: '__proto__', violation: 'spam', context: 'constructor', facts: 'x', eventId: 'proto-1' },
  })
  assert.equal(decided.context, 'default', 'no context has this name')
  for (const violation of ['constructor', '__proto__', 'toString']) {
    const body = JSON.stringify({ actorId: 'u', violation, context: 'feed', facts: 'x' })
    assert.match(assertProblem(await ask(app, 'POST', '/v1/decisions', { type: json, body }), 422).title, /violation/)
  }
})

test('markup, directions, NUL, half characters and floods of emoji: stored, judged, shown as text', async () => {
  const texts = [
    '<script>alert(1)</script><svg onload=alert(2)><img src=x onerror=alert(3)>',
    '</blockquote></bdi><!doctype html><h1 class="hostile">Pay here</h1>',
    'safe \u202egnp.exe\u202c \u2066x\u2069 \u200f end',
    'a\u0000b\u0007c\u001b[31m',
    'half \ud83d and \udc00 characters',
    '👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿'.repeat(2_000),
    `z${'\u0301'.repeat(5_000)}`,
    "Robert'); DROP TABLE events; --",
    '%00%0d%0aset-cookie: x=1',
  ]
  const actor = { id: 'loud', attributes: { displayName: texts[0], bio: texts[3] } }
  const events = texts.map((text, index) =>
    eventOf(`text-${index}`, {
      actor,
      item: { id: `text-item-${index}`, text, links: [text.slice(0, 100)], attributes: { text: text.slice(0, 9_999) } },
    }),
  )
  const answer = results(await send(JSON.stringify(events)))
  assert.deepEqual(
    answer.map(({ status }) => status),
    texts.map(() => 'accepted'),
  )
  assert.deepEqual(
    results(await send(JSON.stringify(events))).map(({ status }) => status),
    texts.map(() => 'duplicate'),
  )
  await settled(app)
  for (const [index, text] of texts.entries()) {
    const { stored, processed } = await app.platform.call(getEvent, { params: { eventId: `text-${index}` } })
    assert.ok(processed)
    assert.equal(stored.event.item!.text, text, 'as it was sent')
  }
  for (const search of ['DROP TABLE', "'", '\\', '%', '\u202e'])
    await app.platform.call(listEvents, { query: { text: search, actorId: 'loud' } })
  await app.platform.call(getSubject, { params: { kind: 'actor', id: 'loud' } })

  const { path } = await app.platform.call(createSubjectLink, { body: { actorId: 'loud' } })
  const pages: string[] = []
  for (const index of texts.keys()) {
    const decision = await app.platform.call(makeDecision, {
      body: {
        actorId: 'loud',
        violation: 'spam',
        context: 'feed',
        facts: texts[index]!.slice(0, 2_000),
        itemId: `text-item-${index}`,
        eventId: `text-${index}`,
      },
    })
    const shown = await ask(app, 'GET', `${path}/decisions/${decision.decisionId}`)
    assert.equal(shown.status, 200)
    assert.match(shown.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    pages.push(shown.text)
  }
  assert.match(pages[0]!, /&lt;script&gt;alert\(1\)/)
  for (const page of pages) {
    assert.doesNotMatch(page, /<script>alert|<svg onload|<img src=x|class="hostile"/)
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(page, /[\u0000\u0007\u001b\u202e\u2066]/)
    assert.ok(page.isWellFormed() && page.length < 100_000)
  }
  const overview = await ask(app, 'GET', path)
  assert.equal(overview.status, 200)
  assert.doesNotMatch(overview.text, /<script>alert/)

  const deps = {
    db: app.db,
    clock: () => Date.now(),
    ledger: createLedger({ projectors, clock: () => Date.now(), randomBytes }),
  }
  const erased = await erasePerson(deps, defaultTenantId, 'loud', { kind: 'system', part: 'test' })
  assert.equal(erased.eventsErased, texts.length)
  const { items } = await app.platform.call(listEvents, { query: { actorId: 'loud' } })
  assert.ok(items.every(({ event }) => event.item === undefined))
})

test('nothing around all this was lost or broken', () => assertIntact(app))
