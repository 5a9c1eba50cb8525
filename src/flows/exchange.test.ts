import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { defaultBankHygiene, fillSettings } from '../domain/settings.ts'
import { exchangeWorkshop, outside, type Asked, type Said, type Workshop } from '../../test/outside.ts'
import { changeBankEntry } from '../match/changes.ts'
import type { Exchange } from '../match/exchange/exchange.ts'
import { selectRecordPage, selectRuns } from '../match/exchange/store.ts'
import { selectFeedback } from '../match/feedback/store.ts'
import { selectBankEntries } from '../match/store.ts'
import { collectFeedback, previewFeedback, sendFeedback } from './exchange-feedback.ts'
import { backOffMs, beginRun, createExchangeWorker, previewRun } from './exchange.ts'

let shop: Workshop
let party: Awaited<ReturnType<typeof outside>>
before(async () => {
  shop = await exchangeWorkshop()
  party = await outside()
})

const entriesOf = (exchange: Exchange, status?: 'active' | 'retired' | 'quarantined') =>
  selectBankEntries(shop.db.query, exchange.tenantId, {
    bankId: exchange.bankId,
    ...(status === undefined ? {} : { status }),
    afterId: '',
    limit: 1_000,
  })
const recordsOf = (exchange: Exchange) =>
  selectRecordPage(shop.db.query, exchange.tenantId, exchange.exchangeId, { afterId: '', limit: 1_000 })
const ncmec = () =>
  shop.exchange(
    'ncmec',
    { environment: 'test-industry', baseUrl: `${party.url}/hashsharing` },
    {},
    { user: 'u', password: 'p' },
  )

const image = (id: string, md5: string, more = '', member = '42') =>
  `<image><member id="${member}">Example Member</member><timestamp>2026-10-24T15:00:00Z</timestamp><id>${id}</id>` +
  `<classification>A1</classification><fingerprints><md5>${md5}</md5>${more}</fingerprints></image>`
const gone = (id: string) => `<deletedImage><member id="42">Example Member</member><id>${id}</id></deletedImage>`
const page = (inner: string, next?: string) =>
  `<?xml version="1.0"?><queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><images count="1" maxTimestamp="2026-10-24T15:10:00Z">${inner}</images>${
    next === undefined
      ? ''
      : `<paging><next>/v2/entries?start=${next}&amp;size=1000&amp;max=${Number(next) + 9}</next></paging>`
  }</queryResult>`
const md5 = (digit: string) => digit.repeat(32)
const xml = (body: string): Said => ({ headers: { 'content-type': 'application/xml' }, body })

test('pages are followed to the end, entries know where they come from, and the next run begins where this one ended', async () => {
  const exchange = await ncmec()
  party.asked.length = 0
  party.answer(({ query }) =>
    xml(
      query.has('start')
        ? page(image('two', md5('b')) + gone('never-seen'))
        : page(image('one', md5('a'), '<pdna>x</pdna>'), '1001'),
    ),
  )
  const run = (await shop.run(exchange))!
  assert.equal(run.state, 'done', run.error ?? '')
  assert.deepEqual(
    [run.pages, run.counts.received, run.counts.added, run.counts.unchanged, run.unsupported],
    [2, 3, 2, 1, { pdna: 1 }],
  )
  assert.equal(party.asked[0]!.headers.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`)
  assert.equal(party.asked[1]!.path, '/hashsharing/v2/entries')
  const entry = (await entriesOf(exchange, 'active')).find(({ signals }) => signals.md5 === md5('a'))
  assert.deepEqual([entry!.signals, entry!.labels, entry!.source], [{ md5: md5('a') }, ['A1', 'image'], 'ncmec list'])
  const record = (await recordsOf(exchange)).find(({ externalId }) => externalId === '42-one')
  assert.deepEqual(
    [record!.externalId, record!.entryId, record!.owner, record!.ownerName, record!.severity, record!.unsupported],
    ['42-one', entry!.entryId, '42', 'Example Member', 4, ['pdna']],
  )

  shop.advance(3_600_000)
  party.asked.length = 0
  party.answer(() => xml(page(image('one', md5('c')) + gone('two'))))
  const next = (await shop.run(exchange))!
  assert.deepEqual([next.counts.changed, next.counts.withdrawn], [1, 1])
  assert.equal(party.asked[0]!.query.get('from'), '2026-11-20T11:59:55Z')
  assert.deepEqual(
    (await entriesOf(exchange, 'active')).map((one) => one.signals),
    [{ md5: md5('c') }],
  )
  const retired = await entriesOf(exchange, 'retired')
  assert.equal(retired.length, 2)
  assert.ok(retired.some((one) => one.statusReason!.includes('withdrawn by ncmec list (Example Member)')))
})

test('a kill in the middle of a page keeps the page before it, and the next run neither loses nor doubles', async () => {
  const exchange = await ncmec()
  party.answer(({ query }) => {
    const start = Number(query.get('start') ?? 1)
    const inner = image(`e${start}`, `${'0'.repeat(31)}${start % 10}`)
    return xml(start < 4 ? page(inner, String(start + 1)) : page(inner))
  })
  let keeps = 0
  const dying = {
    ...shop.deps,
    db: {
      ...shop.deps.db,
      transaction: <T>(work: Parameters<typeof shop.deps.db.transaction<T>>[0]) =>
        shop.deps.db.transaction<T>(async (tx) =>
          work({
            ...tx,
            query: (sql, params, name) => {
              // After the entries of the third page were written, before anything commits.
              if (name === 'exchange-records-upsert' && ++keeps === 3) throw new Error('killed')
              return tx.query(sql, params, name)
            },
          }),
        ),
    },
  }
  const broken = (await shop.run(exchange, {}, dying))!
  assert.deepEqual([broken.state, broken.pages, broken.error], ['failed', 2, 'killed'])
  assert.equal((await entriesOf(exchange)).length, 2)
  party.asked.length = 0
  const resumed = (await shop.run(exchange))!
  assert.deepEqual([resumed.state, resumed.counts.added, party.asked[0]!.query.get('start')], ['done', 2, '3'])
  assert.equal((await entriesOf(exchange)).length, 4)
  assert.equal(new Set((await entriesOf(exchange)).map((entry) => entry.signals.md5)).size, 4)
})

test('one process runs an exchange at a time, and another takes over from one that died', async () => {
  const exchange = await ncmec()
  party.answer(() => xml(page(image('one', md5('a')))))
  const dead = (await beginRun(shop.deps, exchange, { trigger: 'schedule' }))!
  assert.equal(await shop.run(exchange), undefined)
  shop.advance(5 * 60_000)
  const run = (await shop.run(exchange))!
  assert.equal(run.state, 'done')
  const runs = await selectRuns(shop.db.query, exchange.tenantId, exchange.exchangeId, null, 10)
  const first = runs.find(({ runId }) => runId === dead.runId)!
  assert.equal(first.state, 'stopped')
  assert.match(first.error!, /the process that ran it ended/)
})

test('what is wrong over there is said in words, and asked again later and later', async () => {
  const exchange = await ncmec()
  const failing = async (said: Said) => {
    party.answer(() => said)
    const run = (await shop.run(exchange))!
    assert.equal(run.state, 'failed')
    const now = await shop.again(exchange)
    return { error: run.error!, waitMs: now.nextMs! - shop.nowMs(), failures: now.failures }
  }
  const host = new URL(party.url).host
  const trouble = await failing({ status: 500, body: '<h1>Oops</h1>' })
  assert.equal(trouble.error, `${host} is in trouble (500): Oops`)
  assert.ok(trouble.waitMs >= 60_000 && trouble.waitMs <= 75_000)
  const busy = await failing({ status: 429, headers: { 'retry-after': '7200' } })
  assert.match(busy.error, /asks for fewer requests \(429\)/)
  assert.ok(busy.waitMs >= 7_200_000, 'Retry-After is honoured')
  const dated = await failing({
    status: 503,
    headers: { 'retry-after': new Date(shop.nowMs() + 10_000_000).toUTCString() },
  })
  assert.ok(dated.waitMs >= 9_990_000)
  const denied = await failing({ status: 401, body: 'wrong password' })
  assert.match(denied.error, /does not accept the credentials \(401\): wrong password/)
  assert.ok(denied.waitMs >= 3_600_000, 'wrong credentials are not tried often')
  assert.match((await failing(xml('<queryResult><images>'))).error, /The XML is broken/)
  assert.match((await failing(xml('<html/>'))).error, /has no <queryResult>/)
  const laughs = `<?xml version="1.0"?><!DOCTYPE q [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>${page(image('&b;', md5('a')))}`
  assert.match((await failing(xml(laughs))).error, /declares a document type or entities/)
  assert.match((await failing({ status: 302, headers: { location: 'http://127.0.0.1/' } })).error, /redirects/)
  const elsewhere = xml(page(image('one', md5('a')), '2').replace('/v2/entries', 'https://evil.example/v2/entries'))
  assert.match((await failing(elsewhere)).error, /not followed/)
  const huge = async function* () {
    const chunk = new Uint8Array(4 * 1024 * 1024).fill(32)
    for (let at = 0; at < 20; at++) yield chunk
  }
  const large = await failing({ body: huge() })
  assert.match(large.error, /answers with more than 67108864 bytes/)
  assert.equal(large.failures, 10)
  assert.equal((await entriesOf(exchange)).length, 0)
  assert.deepEqual([1, 2, 3, 12].map(backOffMs), [60_000, 120_000, 240_000, 21_600_000])

  party.answer(() => xml(page(image('one', md5('a')))))
  assert.equal((await shop.run(exchange))!.state, 'done')
  assert.equal((await shop.again(exchange)).failures, 0)
})

test('the schedule runs what is due, and stops between two pages', async () => {
  await shop.db.query('UPDATE exchanges SET next_ms = NULL')
  const exchange = await ncmec()
  const worker = createExchangeWorker(shop.deps)
  party.answer(() => xml(page(image('one', md5('a')))))
  await worker.tick()
  await worker.stop()
  const [run] = await selectRuns(shop.db.query, exchange.tenantId, exchange.exchangeId, null, 1)
  assert.equal(run!.trigger, 'schedule')
  assert.ok(['done', 'stopped'].includes(run!.state), run!.error!)
  const { nextMs } = await shop.again(exchange)
  assert.equal(nextMs, shop.nowMs() + (run!.state === 'done' ? 3_600_000 : 0))
})

test('people here have the last word: what they retired or hold back stays so', async () => {
  const exchange = await ncmec()
  party.answer(() => xml(page(image('one', md5('a')) + image('two', md5('b')))))
  await shop.run(exchange)
  const change = async (signal: string, how: 'retire' | 'quarantine') => {
    const entry = (await entriesOf(exchange)).find(({ signals }) => signals.md5 === signal)!
    await shop.db.transaction(async (tx) => {
      const changed = await changeBankEntry(
        tx.query,
        exchange.tenantId,
        exchange.bankId,
        entry.entryId,
        how,
        'looked at',
        {
          author: { kind: 'person', id: 'ana' },
          nowMs: shop.nowMs(),
          newId: () => 'x',
        },
      )
      assert.ok(changed.ok)
      await shop.deps.ledger.append(tx, exchange.tenantId, changed.entries)
    })
  }
  await change(md5('a'), 'retire')
  await change(md5('b'), 'quarantine')
  // Only a label changes over there.
  party.answer(() => xml(page((image('one', md5('a')) + image('two', md5('b'))).replaceAll('A1', 'B2'))))
  const run = (await shop.run(exchange, { fromStart: true }))!
  assert.deepEqual([run.counts.unchanged, run.counts.added, run.counts.changed], [2, 0, 0])
  assert.equal((await entriesOf(exchange, 'active')).length, 0)
})

test('filters and maps decide what comes in, and a preview says so without keeping anything', async () => {
  const exchange = await shop.exchange(
    'ncmec',
    { environment: 'test-industry', baseUrl: party.url },
    {
      filter: { withoutOwners: ['7'], severityMin: 3, withoutLabels: ['video'] },
      labels: { A1: 'worst', image: '' },
    },
    { user: 'u', password: 'p' },
  )
  party.answer(() =>
    xml(
      page(
        image('good', md5('a')) +
          image('from-7', md5('b'), '', '7') +
          image('mild', md5('c')).replace('A1', 'B2') +
          image('bad', 'zzz') +
          '<image><member id="42">E</member><id>flat</id><fingerprints><pdna>1,2</pdna></fingerprints></image><image/>',
      ),
    ),
  )
  const preview = await previewRun(shop.deps, exchange, { pages: 1 })
  const { counts } = preview
  assert.deepEqual(
    [counts.added, counts.filtered, counts.malformed, counts.unsupported, preview.unsupported, preview.notes],
    [1, 2, 1, 1, { pdna: 1 }, ['1 entries could not be read']],
  )
  const because = new Map(preview.samples.map((one) => [one.record.externalId, one.because]))
  assert.equal(because.get('7-from-7'), 'its owner is left out')
  assert.equal(because.get('42-mild'), 'its severity is 1, below 3')
  assert.match(because.get('42-bad')!, /must be 32 hexadecimal digits/)
  assert.equal((await entriesOf(exchange)).length, 0)
  assert.equal((await shop.again(exchange)).cursor, undefined)

  await shop.run(exchange)
  assert.deepEqual(
    (await entriesOf(exchange)).map(({ labels }) => labels),
    [['worst']],
  )
  assert.deepEqual((await recordsOf(exchange)).map(({ state }) => state).sort(), [
    'filtered',
    'filtered',
    'live',
    'malformed',
    'unsupported',
  ])
  // Two of the four now fit: what was left out before comes in when all is read again.
  await shop.db.query(`UPDATE exchanges SET filter = '{}' WHERE exchange_id = $1`, [exchange.exchangeId])
  const all = (await shop.run(exchange, { fromStart: true }))!
  assert.deepEqual([all.counts.added, all.counts.unchanged], [2, 1])
})

test('matches and verdicts are sent back once, and again when the verdict changes', async () => {
  const exchange = await ncmec()
  party.answer(() => xml(page(image('one', md5('a')) + image('two', md5('b')))))
  await shop.run(exchange)
  const judge = (signal: string, confirmed: number, overturned: number) =>
    shop.db.query(
      `UPDATE bank_entries SET matches = 3, confirmed = $3, overturned = $4 WHERE tenant_id = $1 AND signals ->> 'md5' = $2`,
      [exchange.tenantId, signal, confirmed, overturned],
    )
  await judge(md5('a'), 2, 0)
  await judge(md5('b'), 1, 1)
  const preview = await previewFeedback(shop.deps, exchange, 10)
  assert.deepEqual(preview.counts, { seen: 2, confirm: 1, dispute: 1 })
  assert.ok(
    preview.items
      .filter(({ opinion }) => opinion === 'seen')
      .every(({ problem }) => problem!.includes('takes no "seen"')),
  )
  const confirm = preview.items.find(({ opinion }) => opinion === 'confirm')!
  assert.equal(confirm.request!.url, `${party.url}/hashsharing/v2/entries/42/one/MD5/feedback`)

  assert.equal(await collectFeedback(shop.deps), 2)
  assert.equal(await collectFeedback(shop.deps), 0)
  const guid = '01234567-abcd-0123-4567-012345678900'
  const reasons = (count: number) =>
    `<availableFeedbackReasons xmlns="x">${`<reason guid="${guid}" name="Wrong" type="Md5"/>`.repeat(count)}</availableFeedbackReasons>`
  const sent: Asked[] = []
  party.answer((asked) => {
    if (asked.method === 'GET') return xml(reasons(1))
    if (asked.body.includes('negative') && sent.length === 0) return { status: 503 }
    sent.push(asked)
    return xml('<submissionResult/>')
  })
  await sendFeedback(shop.deps)
  shop.advance(10_000)
  await sendFeedback(shop.deps)
  assert.deepEqual(sent.map(({ method, path }) => `${method} ${path}`).sort(), [
    'PUT /hashsharing/v2/entries/42/one/MD5/feedback',
    'PUT /hashsharing/v2/entries/42/two/MD5/feedback',
  ])
  assert.ok(sent.some(({ body }) => body.includes('<affirmative/>')))
  assert.ok(sent.some(({ body }) => body.includes(`<negative><reasonIds><guid>${guid}</guid></reasonIds></negative>`)))
  const records = await recordsOf(exchange)
  assert.deepEqual(
    records.map(({ sent: said }) => said.map(({ opinion }) => opinion)),
    [['confirm'], ['dispute']],
  )

  await judge(md5('a'), 2, 2)
  assert.equal(await collectFeedback(shop.deps), 1)
  party.answer(() => ({ status: 400, body: 'no' }))
  await sendFeedback(shop.deps)
  const [parked] = await selectFeedback(shop.db.query, exchange.tenantId, exchange.exchangeId, {
    beforeId: null,
    limit: 1,
  })
  assert.deepEqual([parked!.opinion, parked!.state], ['dispute', 'parked'])
  assert.match(parked!.lastError!, /refuses the request \(400\): no/)
})

test('a list that would be more than the tenant may hold is not taken, says so, and goes on once there is room', async () => {
  const exchange = await ncmec()
  party.answer(() => xml(page(['a', 'b', 'c'].map((digit) => image(`q${digit}`, md5(digit))).join(''))))
  const limited = (entriesMax: number) => {
    const settings = fillSettings({ banks: { ...defaultBankHygiene, entriesMax } })
    return { ...shop.deps, settings: () => settings }
  }
  const preview = await previewRun(limited(2), exchange, { pages: 1 })
  assert.match(preview.notes[0]!, /^3 more entries, and room for 2: this tenant may hold 2/)
  const run = (await shop.run(exchange, {}, limited(2)))!
  assert.deepEqual([run.state, run.counts.added], ['failed', 0])
  assert.match(run.error!, /has 3 more entries on this page, and there is room for 2.*banks\.entriesMax/)
  assert.equal((await entriesOf(exchange)).length, 0)
  const next = (await shop.run(exchange, {}, limited(3)))!
  assert.deepEqual([next.state, next.counts.added], ['done', 3], next.error ?? '')
})
