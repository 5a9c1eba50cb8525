import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { exchangeWorkshop, outside, type Asked, type Said, type Workshop } from '../../../test/outside.ts'
import { collectFeedback, queueOpinion, sendFeedback } from '../../flows/exchange-feedback.ts'
import { selectBankEntries } from '../store.ts'
import { parseFields, type Exchange } from './exchange.ts'
import { formatOf } from './file.ts'
import { kinds } from './kinds.ts'
import { selectRecordPage } from './store.ts'

let shop: Workshop
let party: Awaited<ReturnType<typeof outside>>
before(async () => {
  shop = await exchangeWorkshop()
  party = await outside()
})
const json = (body: unknown, more: Said = {}): Said => ({ body: JSON.stringify(body), ...more })
const activeOf = async (exchange: Exchange) =>
  (
    await selectBankEntries(shop.db.query, exchange.tenantId, {
      bankId: exchange.bankId,
      status: 'active',
      afterId: '',
      limit: 1_000,
    })
  )
    .map(({ signals }) => signals)
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
const recordsOf = (exchange: Exchange) =>
  selectRecordPage(shop.db.query, exchange.tenantId, exchange.exchangeId, { afterId: '', limit: 1_000 })
const done = async (exchange: Exchange, start = {}) => {
  const run = (await shop.run(exchange, start))!
  assert.equal(run.state, 'done', run.error ?? '')
  return run
}
const pdq = (digit: string) => digit.repeat(64)
const judged = (exchange: Exchange, confirmed: number, overturned: number) =>
  shop.db.query('UPDATE bank_entries SET matches = 1, confirmed = $2, overturned = $3 WHERE tenant_id = $1', [
    exchange.tenantId,
    confirmed,
    overturned,
  ])

test('StopNCII: pages by token, withdrawn cases, feedback, and hashes of our own', async () => {
  const secrets = { subscriptionKey: 's', fetchKey: 'f', feedbackKey: 'b', submitKey: 'm' }
  const exchange = await shop.exchange('stopncii', { baseUrl: party.url, tags: ['custos'] }, {}, secrets)
  const row = (hashValue: string, hashStatus = 'Active', signalType = 'ImagePDQ') => ({
    lastModtimestamp: 1_625_167_804,
    hashValue,
    hashStatus,
    caseNumbers: { a: 'Active' },
    signalType,
  })
  const set = (hashRecords: unknown[], nextSetTimestamp: number, nextPageToken = '') =>
    json({
      count: hashRecords.length,
      nextSetTimestamp,
      nextPageToken,
      hasMoreRecords: nextPageToken !== '',
      hashRecords,
    })
  party.asked.length = 0
  party.answer(({ query }) =>
    query.get('nextPageToken') === 'page-2'
      ? set([row('b'.repeat(32), 'Active', 'VideoMD5'), row('x', 'Active', 'VideoTMK'), { nonsense: 1 }], 2_000)
      : set([row(pdq('a'))], 2_000, 'page-2'),
  )
  const run = await done(exchange)
  assert.deepEqual([run.counts.added, run.notes], [2, ['1 records could not be read']])
  assert.deepEqual(await activeOf(exchange), [{ md5: 'b'.repeat(32) }, { pdq: pdq('a') }])
  const [asked] = party.asked
  assert.deepEqual(
    [asked!.path, asked!.headers['x-functions-key'], asked!.headers['ocp-apim-subscription-key']],
    ['/FetchHashes', 'f', 's'],
  )
  assert.deepEqual([asked!.query.get('startTimestamp'), asked!.query.get('pageSize')], ['10', '800'])

  party.asked.length = 0
  party.answer(() => set([row(pdq('a'), 'Withdrawn')], 3_000))
  assert.equal((await done(exchange)).counts.withdrawn, 1)
  assert.equal(party.asked[0]!.query.get('startTimestamp'), '2000')

  await judged(exchange, 1, 0)
  assert.ok((await collectFeedback(shop.deps)) >= 2)
  const entry = (
    await selectBankEntries(shop.db.query, exchange.tenantId, { bankId: exchange.bankId, afterId: '', limit: 9 })
  ).find(({ signals }) => signals.pdq === pdq('a'))
  assert.ok((await queueOpinion(shop.deps, await shop.again(exchange), entry!.entryId, 'share', 'ours')).ok)
  const sent: Asked[] = []
  party.answer((one) => {
    sent.push(one)
    return json({})
  })
  for (let more = 1; more > 0;) more = await sendFeedback(shop.deps)
  const feedback = sent.filter(({ path }) => path === '/SubmitFeedback')
  assert.ok(feedback.every(({ headers }) => headers['x-functions-key'] === 'b'))
  assert.deepEqual(JSON.parse(feedback.find(({ body }) => body.includes('Blocked') && body.includes(pdq('a')))!.body), {
    count: 1,
    hashFeedbacks: [{ tags: ['custos'], feedbackValue: 'Blocked', hashValue: pdq('a') }],
  })
  assert.ok(feedback.some(({ body }) => body.includes('PendingReview')))
  const share = sent.find(({ path }) => path === '/SubmitHashes')!
  assert.equal(share.headers['x-functions-key'], 'm')
  const [shared] = (JSON.parse(share.body) as { hashRecords: Record<string, unknown>[] }).hashRecords
  assert.deepEqual([shared!.signalType, shared!.hashValue], ['ImagePDQ', pdq('a')])
})

test('ThreatExchange: updates by page, opinions of others, no token in the cursor, reactions', async () => {
  const token = '12345678|abcdefghijabcdefghij'
  const exchange = await shop.exchange(
    'threatexchange',
    { privacyGroup: '77', baseUrl: `${party.url}/v21.0` },
    {},
    { token },
  )
  const descriptor = (status: string, owner: string, more: object = {}) => ({
    id: `d-${owner}`,
    owner: { id: owner, name: `App ${owner}` },
    status,
    tags: { data: [{ id: '1', text: 'scam' }] },
    severity: 'SEVERE',
    ...more,
  })
  const update = (id: string, indicator: string, descriptors: object[], more: object = {}) => ({
    id,
    indicator,
    type: 'HASH_PDQ',
    last_updated: 1_700_000_000,
    should_delete: false,
    descriptors: { data: descriptors },
    ...more,
  })
  party.asked.length = 0
  party.answer(({ path, query }) =>
    query.get('after') === 'two'
      ? json({
          data: [update('4', pdq('d'), [descriptor('MALICIOUS', '5', { my_reactions: ['DISAGREE_WITH_TAGS'] })])],
        })
      : json({
          data: [
            update('1', pdq('a'), [descriptor('MALICIOUS', '5')]),
            update('2', pdq('b'), [descriptor('NON_MALICIOUS', '6')]),
            update('3', 'word', [descriptor('MALICIOUS', '5')], { type: 'HASH_SHA512' }),
          ],
          paging: { next: `${party.url}${path}?access_token=${encodeURIComponent(token)}&after=two` },
        }),
  )
  const run = await done(exchange)
  assert.deepEqual([run.counts.added, run.counts.filtered, run.unsupported], [1, 2, { HASH_SHA512: 1 }])
  assert.deepEqual(await activeOf(exchange), [{ pdq: pdq('a') }])
  assert.equal(party.asked[0]!.path, '/v21.0/77/threat_updates/')
  assert.ok(party.asked.every(({ query }) => query.get('access_token') === token))
  const after = await shop.again(exchange)
  assert.ok(!JSON.stringify(after.cursor).includes('abcdefghij'))
  const record = (await recordsOf(exchange)).find(({ externalId }) => externalId === '1')!
  assert.deepEqual([record.owner, record.ownerName, record.tags, record.severity], ['5', 'App 5', ['scam'], 3])

  party.answer(() => json({ data: [], paging: { next: 'https://evil.example/next' } }))
  const led = (await shop.run(exchange))!
  assert.match(led.error!, /evil.example, which is somebody else; not followed/)

  party.asked.length = 0
  party.answer(() => json({ data: [update('1', pdq('a'), [], { should_delete: true })] }))
  assert.equal((await done(exchange)).counts.withdrawn, 1)
  assert.equal(party.asked[0]!.query.get('start_time'), '1699999999')

  // Deletions are told for 90 days: after that all is read again, and what is not there is withdrawn.
  shop.advance(100 * 86_400_000)
  party.answer(() => json({ data: [update('9', pdq('9'), [descriptor('MALICIOUS', '5')])] }))
  await done(exchange)
  assert.deepEqual(await activeOf(exchange), [{ pdq: pdq('9') }])

  await judged(exchange, 0, 1)
  await collectFeedback(shop.deps)
  const sent: Asked[] = []
  party.answer((one) => {
    sent.push(one)
    return json({ success: true })
  })
  for (let more = 1; more > 0;) more = await sendFeedback(shop.deps)
  const ours = sent.filter(({ path }) => path === '/v21.0/d-5/')
  assert.ok(ours.some(({ body }) => body.startsWith('reactions=SAW_THIS_TOO&access_token=')))
  assert.ok(ours.some(({ body }) => body.startsWith('reactions=DISAGREE_WITH_TAGS&')))
})

test('Tech Against Terrorism: a token first, then the list by page or as a file', async () => {
  const secrets = { username: 'u', password: 'p' }
  const exchange = await shop.exchange('tech-against-terrorism', { baseUrl: party.url }, {}, secrets)
  const row = (id: number, hash_digest: string, more: object = {}) => ({
    hash_digest,
    algorithm: 'PDQ',
    ideology: 'far-right',
    file_type: 'jpg',
    deleted: false,
    updated_on: 1,
    created_on: '2026-01-01',
    id,
    ...more,
  })
  let list = [row(1, pdq('a')), row(2, pdq('b'))]
  party.asked.length = 0
  party.answer(({ path, query }) => {
    if (path === '/token-auth/tcap/') return json({ user: {}, token: 'jwt' })
    if (path === '/api/hash-list/v2/all' && query.get('offset') === null && list.length > 1)
      return json({
        count: 2,
        next: `${party.url}/api/hash-list/v2/all?limit=1&offset=1`,
        previous: null,
        checkpoint: '1,1',
        results: [list[0]],
      })
    if (path === '/api/hash-list/v2/all')
      return json({ count: 1, next: null, previous: null, checkpoint: '5,2', results: [list.at(-1)] })
    if (path === '/api/hash-list/all') return json({ file_url: `${party.url}/file.csv`, created_on: '2026-01-02' })
    return {
      body: `hash_digest,algorithm,ideology,file_type\n${pdq('c')},PDQ,islamist,jpg\n${'e'.repeat(32)},MD5,islamist,mp4\n`,
    }
  })
  assert.equal((await done(exchange)).counts.added, 2)
  assert.equal(party.asked.find(({ path }) => path.includes('hash-list'))!.headers.authorization, 'Bearer jwt')
  assert.equal(party.asked[0]!.body, 'username=u&password=p&resend=False')
  list = [row(2, pdq('b'), { deleted: true })]
  party.asked.length = 0
  assert.equal((await done(exchange)).counts.withdrawn, 1)
  assert.equal(party.asked.at(-1)!.query.get('after'), '5,2')

  const whole = await shop.exchange('tech-against-terrorism', { baseUrl: party.url, list: 'file' }, {}, secrets)
  assert.equal((await done(whole)).counts.added, 2)
  assert.deepEqual(await activeOf(whole), [{ md5: 'e'.repeat(32) }, { pdq: pdq('c') }])
  assert.equal(party.asked.at(-1)!.headers.authorization, undefined, 'the token stays with the service')
})

test('a file is read in each of its formats', async () => {
  const read = async (body: string, settings: Exchange['settings'] = {}) => {
    const exchange = await shop.exchange('file', { url: `${party.url}/list`, ...settings })
    party.answer(() => ({ body }))
    const run = await done(exchange)
    return { signals: await activeOf(exchange), run, records: await recordsOf(exchange) }
  }
  const lines = await read(`# comment\r\npdq ${pdq('a')}\r\nraw_text hello you there\n${'b'.repeat(32)}\n\nnonsense\n`)
  assert.deepEqual(lines.signals, [{ md5: 'b'.repeat(32) }, { pdq: pdq('a') }, { text: 'hello you there' }])
  assert.match(lines.run.notes[0]!, /1 rows could not be read \(line 6: nonsense\)/)
  const plain = await read(`${pdq('a')}\n${pdq('b')}\n`, { signalType: 'pdq' })
  assert.equal(plain.signals.length, 2)
  const csv = await read(
    `signal_type,value,labels,owner,severity,id\npdq,${pdq('a')},"one|two",them,4,x1\nmd5,${'c'.repeat(32)},,,,x2\n"broken\n`,
  )
  assert.deepEqual(
    csv.records.map((one) => [one.externalId, one.tags, one.owner, one.severity]),
    [
      ['x1', ['one', 'two'], 'them', 4],
      ['x2', [], null, null],
    ],
  )
  const objects = `{"type":"pdq","hash":"${pdq('a')}","tags":["t"]}\n{"id":"z","signals":{"pdq":"${pdq('b')}","md5":"${'d'.repeat(32)}"}}\nnot json\n`
  const ndjson = await read(objects)
  assert.deepEqual(ndjson.signals, [{ md5: 'd'.repeat(32), pdq: pdq('b') }, { pdq: pdq('a') }])
  const array = await read(JSON.stringify([{ hash_digest: pdq('a'), algorithm: 'PDQ' }]))
  assert.deepEqual(array.signals, [{ pdq: pdq('a') }])
  const empty = await read('')
  assert.equal(empty.run.counts.received, 0)
  assert.deepEqual(['a b', '{"a":1}', '[1', 'hash;type'].map(formatOf), ['lines', 'ndjson', 'json', 'csv'])
  const large = await read(
    Array.from({ length: 1_100 }, (_, at) => `md5 ${at.toString(16).padStart(32, '0')}`).join('\n'),
  )
  assert.deepEqual([large.run.pages, large.run.counts.added], [3, 1_100])
})

test('a file that did not change is not read again, and what it no longer names is withdrawn, unless it was cut off', async () => {
  const exchange = await shop.exchange('file', { url: `${party.url}/list` })
  const md5 = (at: number) => `md5 ${at.toString(16).padStart(32, '0')}`
  let count = 300
  party.asked.length = 0
  party.answer(({ headers }) =>
    headers['if-none-match'] === `"${count}"`
      ? { status: 304 }
      : { headers: { etag: `"${count}"` }, body: Array.from({ length: count }, (_, at) => md5(at)).join('\n') },
  )
  assert.equal((await done(exchange)).counts.added, 300)
  const same = await done(exchange)
  assert.deepEqual([same.counts.received, same.counts.withdrawn], [0, 0])
  count = 250
  assert.equal((await done(exchange)).counts.withdrawn, 50)
  count = 20
  const cut = (await shop.run(exchange))!
  assert.equal(cut.state, 'failed')
  assert.match(cut.error!, /names 20 of what it did and leaves out 230. Nothing was withdrawn/)
  assert.equal((await recordsOf(exchange)).filter(({ state }) => state === 'live').length, 250)
  const meant = await done(exchange, { fromStart: true })
  assert.equal(meant.counts.withdrawn, 230)
})

test('a list that breaks off in the middle withdraws nothing and comes again in full', async () => {
  const exchange = await shop.exchange('file', { url: `${party.url}/list` })
  const lines = Array.from({ length: 1_100 }, (_, at) => `md5 ${at.toString(16).padStart(32, '0')}\n`)
  const all = () => ({ headers: { etag: '"1"' }, body: lines.join('') })
  party.answer(all)
  await done(exchange)
  async function* broken() {
    yield Buffer.from(lines.slice(0, 1_050).join(''))
    await new Promise((go) => setTimeout(go, 50))
    throw new Error('gone')
  }
  party.answer(() => ({ headers: { etag: '"2"' }, body: broken() }))
  const run = (await shop.run(exchange))!
  assert.equal(run.state, 'failed')
  assert.match(run.error!, /broke off in the middle/)
  assert.equal((await recordsOf(exchange)).filter(({ state }) => state === 'withdrawn').length, 0)
  party.answer(({ headers }) => (headers['if-none-match'] === undefined ? all() : { status: 304 }))
  assert.equal((await done(exchange)).counts.unchanged, 1_100)
})

test('settings and credentials are checked field by field, and secrets are never repeated', () => {
  const bad = (fields: Parameters<typeof parseFields>[0], input: Record<string, unknown>, secret = false) => {
    try {
      parseFields(fields, input, 'x', { secret })
    } catch (error) {
      return JSON.stringify((error as { problems: unknown }).problems)
    }
    return ''
  }
  assert.match(bad(kinds.ncmec.settings, {}), /"x.environment","problem":"is required"/)
  assert.match(bad(kinds.ncmec.settings, { environment: 'moon' }), /must be one of industry/)
  assert.match(bad(kinds.file.settings, { url: 'ftp://x' }), /must start with https/)
  assert.match(bad(kinds.file.settings, { nonsense: 1 }), /is unknown; there are url/)
  const secret = bad(kinds.threatexchange.credentials, { token: 'my-secret-token' }, true)
  assert.match(secret, /must match/)
  assert.ok(!secret.includes('my-secret-token'))
})
