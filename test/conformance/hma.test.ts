import assert from 'node:assert/strict'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { changeBank, getBank, listBanks } from '../../src/http/contract/banks.ts'
import { createServer } from '../../src/http/server.ts'
import { hmaMatchRoutes } from '../../src/http/routes/hma.ts'
import { createLookup } from '../../src/match/lookup.ts'
import { createFetchMedia } from '../../src/media/fetch.ts'
import { createMediaPool } from '../../src/media/hash-pool.ts'
import { createMediaLibrary } from '../../src/media/library.ts'
import { createMediaFiles } from '../../src/media/store.ts'
import { createMediaRecords } from '../../src/storage/media-records.ts'
import { testApp, type TestApp } from '../app.ts'

// Requests and answers as clients of Hasher-Matcher-Actioner (OpenMediaMatch) make and expect them: plain HTTP, no client
// of ours. What is asserted here was read from its source and its tests at facebook/ThreatExchange baefb4ed.

let app: TestApp
before(async () => {
  app = await testApp()
})

const hash = 'f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22'
const near = 'f8f8f0cee0f4a84f06370a2a038f63f0b36e26d596621e1d33e6b39c4e9c9b22'

type Answer = { status: number; json: unknown; text: string }
async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = body instanceof FormData
  const response = await fetch(`${app.url}/hma${path}`, {
    method,
    headers: {
      authorization: `Bearer ${app.key}`,
      ...(body === undefined || form ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: response.status, json, text }
}
const ok = async (method: string, path: string, body?: unknown, status = 200) => {
  const answer = await ask(method, path, body)
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
  return answer.json as never
}
/** Refusals are JSON with a message, and nothing else is needed to understand them. */
const refused = async (status: number, method: string, path: string, body?: unknown) => {
  const answer = await ask(method, path, body)
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
  assert.equal(typeof (answer.json as { message: unknown }).message, 'string')
}
const makeBank = (name: string) => ok('POST', '/c/banks', { name }, 201)
const addHash = async (name: string, signals: object) =>
  (await ok('POST', `/c/bank/${name}/signal`, signals)) as { id: number; signals: object }
const photo = (seed = 1) => {
  const side = 256
  const pixels = Buffer.alloc(side * side * 3)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const wave =
        Math.sin((x * seed) / 23 + y / 31) * 60 +
        Math.cos((y * (seed + 2)) / 41) * 50 +
        Math.sin((x - y) / (7 + seed)) * 40
      for (let c = 0; c < 3; c++) pixels[(y * side + x) * 3 + c] = Math.max(0, Math.min(255, 128 + wave + c * 9))
    }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .jpeg()
    .toBuffer()
}
const formOf = (name: string, bytes: Uint8Array) => {
  const form = new FormData()
  form.set(name, new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' }), 'image.jpg')
  return form
}

test('the service says that it is alive without credentials, and nothing else', async () => {
  for (const path of ['/status', '/status/live']) {
    const response = await fetch(`${app.url}/hma${path}`)
    assert.deepEqual([response.status, await response.text()], [200, 'I-AM-ALIVE'])
  }
  assert.equal((await fetch(`${app.url}/hma/c/banks`)).status, 401)
})

test('clients that know users and passwords only send the key as the password', async () => {
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  assert.equal((await ask('GET', '/c/banks', undefined, basic(`hma:${app.key}`))).status, 200)
  assert.equal((await ask('GET', '/c/banks', undefined, basic('hma:wrong'))).status, 401)
  const elsewhere = await fetch(`${app.url}/v1/banks`, { headers: basic(`hma:${app.key}`) })
  assert.equal(elsewhere.status, 401)
})

test('banks are made, renamed, switched and deleted', async () => {
  await refused(400, 'POST', '/c/banks', { name: '01_TEST_BANK' })
  await refused(400, 'POST', '/c/banks', { name: 'my_test_bank' })
  assert.deepEqual(await makeBank('MY_TEST_BANK_01'), { name: 'MY_TEST_BANK_01', matching_enabled_ratio: 1 })
  await refused(403, 'POST', '/c/banks', { name: 'MY_TEST_BANK_01' })
  assert.deepEqual(await ok('GET', '/c/bank/MY_TEST_BANK_01'), { name: 'MY_TEST_BANK_01', matching_enabled_ratio: 1 })
  await refused(404, 'GET', '/c/bank/NO_SUCH_BANK')
  await refused(400, 'PUT', '/c/bank/MY_TEST_BANK_01', { name: '1_invalid_name' })
  const renamed = await ok('PUT', '/c/bank/MY_TEST_BANK_01', { name: 'MY_TEST_BANK_RENAMED' })
  assert.deepEqual(renamed, { name: 'MY_TEST_BANK_RENAMED', matching_enabled_ratio: 1 })
  const off = (await ok('PUT', '/c/bank/MY_TEST_BANK_RENAMED', { enabled: false })) as Record<string, unknown>
  assert.equal(off.matching_enabled_ratio, 0)
  await ok('PUT', '/c/bank/MY_TEST_BANK_RENAMED', { enabled_ratio: 0.5 })
  assert.deepEqual(await ok('GET', '/c/banks'), [{ name: 'MY_TEST_BANK_RENAMED', matching_enabled_ratio: 0.5 }])
  await ok('DELETE', '/c/bank/MY_TEST_BANK_RENAMED')
  assert.deepEqual(await ok('DELETE', '/c/bank/MY_TEST_BANK_RENAMED'), { message: 'Done' })
  assert.deepEqual(await ok('GET', '/c/banks'), [])
  await makeBank('MY_TEST_BANK_RENAMED')
  await ok('DELETE', '/c/bank/MY_TEST_BANK_RENAMED')
})

test('a hash that was added matches at once, with its number and its distance as text', async () => {
  await makeBank('HASHES')
  await refused(400, 'POST', '/c/bank/HASHES/signal', {})
  await refused(400, 'POST', '/c/bank/HASHES/signal', { pdq: 'banana' })
  await refused(400, 'POST', '/c/bank/HASHES/signal', { nonsense: hash })
  await refused(404, 'POST', '/c/bank/NO_SUCH_BANK/signal', { pdq: hash })
  const { id, signals } = await addHash('HASHES', { pdq: hash })
  assert.deepEqual(signals, { pdq: hash })
  assert.deepEqual(await ok('GET', `/m/lookup?signal=${near}&signal_type=pdq`), {
    HASHES: [{ bank_content_id: id, distance: '2' }],
  })
  assert.deepEqual(await ok('GET', `/m/raw_lookup?signal=${near}&signal_type=pdq`), { matches: [id] })
  assert.deepEqual(await ok('GET', `/m/raw_lookup?signal=${near}&signal_type=pdq&include_distance=True`), {
    matches: [{ bank_content_id: id, distance: '2' }],
  })
  await refused(400, 'GET', '/m/lookup')
  await refused(400, 'GET', `/m/lookup?signal=${near}`)
  await refused(400, 'GET', '/m/lookup?signal=banana&signal_type=pdq')
  await refused(400, 'GET', `/m/raw_lookup?signal=${near}&signal_type=nonsense`)

  const md5 = 'a'.repeat(32)
  const video = await addHash('HASHES', { video_md5: md5 })
  assert.deepEqual(video.signals, { video_md5: md5 })
  assert.deepEqual(await ok('GET', `/m/lookup?signal=${md5}&signal_type=video_md5`), {
    HASHES: [{ bank_content_id: video.id, distance: '-' }],
  })
  assert.equal(video.id, id + 1)
})

test('lookups are narrowed to banks, and banks take part by their share', async () => {
  const other = 'e64cc9d91c623882f8d1f1d9a398e78c9f199b3bd83924f2b7e11e0bf861b064'
  for (const name of ['BANK_A', 'BANK_B', 'BANK_C']) {
    await makeBank(name)
    await addHash(name, { pdq: other })
  }
  const names = async (more: string) =>
    Object.keys(await ok('GET', `/m/lookup?signal=${other}&signal_type=pdq${more}`)).sort()
  assert.deepEqual(await names(''), ['BANK_A', 'BANK_B', 'BANK_C'])
  assert.deepEqual(await names('&banks=BANK_A'), ['BANK_A'])
  assert.deepEqual(await names('&banks=BANK_A,BANK_C'), ['BANK_A', 'BANK_C'])
  assert.deepEqual(await names('&banks=NON_EXISTENT_BANK'), [])
  const raw = (await ok('GET', `/m/raw_lookup?signal=${other}&signal_type=pdq&banks=BANK_A,BANK_B`)) as {
    matches: number[]
  }
  assert.equal(raw.matches.length, 2)
  await ok('PUT', '/c/bank/BANK_B', { enabled: false })
  assert.deepEqual(await names(''), ['BANK_A', 'BANK_C'])
  assert.deepEqual(await names('&bypass_coinflip=true'), ['BANK_A', 'BANK_B', 'BANK_C'])
  await ok('PUT', '/c/bank/BANK_B', { enabled_ratio: 0.5 })
  const seen = new Set<number>()
  for (let seed = 0; seed < 40; seed++) {
    const first = await names(`&seed=${seed}`)
    if (seed < 3) assert.deepEqual(await names(`&seed=${seed}`), first)
    seen.add(first.length)
  }
  assert.deepEqual([...seen].sort(), [2, 3])
  // The share is the bank's own sampling: events ask it as seldom, whoever reads or sets it.
  const { items } = await app.platform.call(listBanks, { query: {} })
  const sampled = items.find(({ name }) => name === 'BANK_B')!
  assert.deepEqual(sampled.sampling, { reviewShare: 0, trafficShare: 0.5 })
  await app.platform.call(changeBank, {
    params: { bankId: sampled.bankId },
    headers: { 'if-match': '*' },
    body: { sampling: { reviewShare: 0.2, trafficShare: 0.25 } },
  })
  assert.deepEqual(await ok('GET', '/c/bank/BANK_B'), { name: 'BANK_B', matching_enabled_ratio: 0.25 })
  await ok('PUT', '/c/bank/BANK_B', { enabled_ratio: 0 })
  const stopped = await app.platform.call(getBank, { params: { bankId: sampled.bankId } })
  assert.deepEqual(stopped.sampling, { reviewShare: 0.2, trafficShare: 0 })
  const gone = items.find(({ name }) => name === 'BANK_A')!
  await ok('DELETE', '/c/bank/BANK_A')
  assert.equal((await app.platform.call(getBank, { params: { bankId: gone.bankId } })).enabled, false)
  assert.deepEqual(await names('&seed=0&banks=BANK_A,BANK_C'), ['BANK_C'])
})

test('a file is hashed, added and found, its field named by its content type', async () => {
  const [one, two] = [await photo(1), await photo(5)]
  await refused(400, 'POST', '/h/hash')
  await refused(400, 'POST', '/h/hash', formOf('file', one))
  const { pdq } = (await ok('POST', '/h/hash', formOf('photo', one))) as { pdq: string }
  assert.match(pdq, /^[0-9a-f]{64}$/)
  assert.deepEqual(Object.keys(await ok('POST', '/h/hash', formOf('photo', one))), ['pdq'])
  assert.deepEqual(Object.keys(await ok('POST', '/h/hash?types=sha256,pdq', formOf('photo', one))), ['sha256', 'pdq'])
  await refused(400, 'POST', '/h/hash?types=nonsense', formOf('photo', one))
  const flat = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#808080' } })
    .png()
    .toBuffer()
  assert.deepEqual(await ok('POST', '/h/hash', formOf('photo', flat)), { pdq: '' })
  // Not really a video; its MD5 is an MD5 all the same.
  assert.match(
    ((await ok('POST', '/h/hash?types=video_md5', formOf('video', two))) as { video_md5: string }).video_md5,
    /^[0-9a-f]{32}$/,
  )

  await makeBank('FILES')
  const added = (await ok('POST', '/c/bank/FILES/content', formOf('photo', one))) as { id: number; signals: unknown }
  assert.deepEqual(added.signals, { pdq })
  const copy = await sharp(one).jpeg({ quality: 40 }).toBuffer()
  const found = (await ok('POST', '/m/lookup', formOf('photo', copy))) as {
    pdq: Record<string, { distance: string }[]>
  }
  assert.equal(found.pdq.FILES!.length, 1)
  assert.equal(typeof found.pdq.FILES![0]!.distance, 'string')
  assert.deepEqual(await ok('POST', '/m/lookup', formOf('photo', flat)), { pdq: {} })
  await refused(400, 'POST', '/c/bank/FILES/content')
  await refused(404, 'POST', '/c/bank/NO_SUCH_BANK/content', formOf('photo', one))
})

test('content is shown, annotated, switched off and on, and deleted', async () => {
  const third = '6227401f601ff4ccafcc9fad4b0d95d371a2eb7265a3285234d228ca94deeb2d'
  await makeBank('CONTENT')
  const { id } = await addHash('CONTENT', { pdq: third, note: 'Reported by user X' })
  const path = `/c/bank/CONTENT/content/${id}`
  assert.deepEqual(await ok('GET', path), {
    id,
    disable_until_ts: 1,
    original_media_uri: null,
    bank: { name: 'CONTENT', matching_enabled_ratio: 1 },
    note: 'Reported by user X',
  })
  const withSignals = (await ok('GET', `${path}?include_signals=true`)) as { signals: unknown }
  assert.deepEqual(withSignals.signals, { pdq: third })
  await refused(404, 'GET', '/c/bank/CONTENT/content/999999')
  await refused(404, 'GET', `/c/bank/HASHES/content/${id}`)

  const matches = () => ok('GET', `/m/lookup?signal=${third}&signal_type=pdq`) as Promise<Record<string, unknown>>
  const later = Math.floor(Date.now() / 1_000) + 365 * 86_400
  await refused(400, 'PUT', path, { disable_until_ts: 9_999_999_999 })
  await refused(400, 'PUT', path, { disable_until_ts: -1 })
  await refused(400, 'PUT', path, { disable_until_ts: 'soon' })
  const off = (await ok('PUT', path, { disable_until_ts: later, note: 'looked at' })) as Record<string, unknown>
  assert.deepEqual([off.id, off.disable_until_ts, off.note], [id, later, 'looked at'])
  assert.deepEqual(await matches(), {})
  await ok('PUT', path, { disable_until_ts: 1 })
  assert.deepEqual(Object.keys(await matches()), ['CONTENT'])
  await ok('PUT', path, { disable_until_ts: 0 })
  assert.deepEqual(await matches(), {})
  assert.equal(((await ok('GET', path)) as { disable_until_ts: number }).disable_until_ts, 0)
  await ok('PUT', path, { disable_until_ts: 1 })
  await ok('PUT', path, { disable_until_ts: Math.floor(Date.now() / 1_000) + 2 })
  assert.deepEqual(await matches(), {})
  for (let tries = 0; Object.keys(await matches()).length === 0 && tries < 200; tries++)
    await new Promise((done) => setTimeout(done, 100))
  assert.deepEqual(Object.keys(await matches()), ['CONTENT'])

  const bank = (await ok('GET', '/c/bank/CONTENT/content?include_signals=true')) as { content: { id: number }[] }
  assert.deepEqual(
    bank.content.map((one) => one.id),
    [id],
  )
  assert.deepEqual(await ok('DELETE', path), { deleted: 1 })
  assert.deepEqual(await ok('DELETE', path), { deleted: 0 })
  assert.deepEqual(await matches(), {})
})

test('what a client says about content is kept, and only what it may say', async () => {
  await makeBank('METADATA')
  const form = () => photo(9).then((bytes) => formOf('photo', bytes))
  const { id } = (await ok('POST', '/c/bank/METADATA/content', await form())) as { id: number }
  assert.ok(!('metadata' in ((await ok('GET', `/c/bank/METADATA/content/${id}`)) as object)))
  // With a URL, the body is JSON.
  await refused(400, 'POST', '/c/bank/METADATA/content?url=x', { metadata: { invalid_metadata: 5 } })
  await refused(400, 'POST', '/c/bank/METADATA/content?url=x', { note: 'n'.repeat(256) })
})

test('hashes are compared by pairs', async () => {
  const one = 'facd8bcb2a49bcebdec1985298d5fe84bcd006c187c598c720c3c087b3fdb318'
  const two = 'facd8bcb2a49bcebdec1985228d5ae84bcd006c187c598c720c2b087b3fdb318'
  assert.deepEqual(await ok('POST', '/m/compare', { pdq: [one, two] }), { pdq: [true, { distance: 9 }] })
  for (const bad of [
    ['banana'],
    { pdq: 'banana' },
    { pdq: [] },
    { pdq: ['banana', 'banana'] },
    { pdq: [one, two, one] },
  ])
    await refused(400, 'POST', '/m/compare', bad)
})

test('types, their switches and the index are told', async () => {
  const types = (await ok('GET', '/c/signal_type')) as { name: string; enabled_ratio: number }[]
  assert.ok(types.some(({ name, enabled_ratio }) => name === 'pdq' && enabled_ratio === 1))
  assert.ok(types.some(({ name }) => name === 'video_md5'))
  const contents = (await ok('GET', '/c/content_type')) as object[]
  assert.deepEqual(contents.slice(0, 2), [
    { name: 'photo', enabled: true },
    { name: 'video', enabled: true },
  ])
  await makeBank('INDEX')
  await addHash('INDEX', { pdq: 'd8f8f0cec0f4a84f8e370a22038f67f0b36a2ed597231e1d72e6b39c4a9c9b22' })
  const status = (await ok('GET', '/m/index/status?signal_type=pdq')) as Record<string, Record<string, unknown>>
  assert.deepEqual(Object.keys(status), ['pdq'])
  assert.equal(status.pdq!.present, true)
  assert.ok(Number(status.pdq!.size) >= 1 && Number(status.pdq!.built_to) > 1_700_000_000)
  const index = (await ok('GET', '/c/signal_type/index')) as Record<string, Record<string, unknown>>
  assert.equal(index.pdq!.index_out_of_date, false)
  assert.equal(index.pdq!.db_size, index.pdq!.index_size)
  await refused(400, 'GET', '/m/index/status?signal_type=nonsense')

  await ok('PUT', '/c/signal_type/pdq', { enabled_ratio: 0 }, 204)
  await refused(400, 'GET', `/m/lookup?signal=${hash}&signal_type=pdq`)
  await refused(400, 'PUT', '/c/signal_type/pdq', { enabled_ratio: 'much' })
  await refused(400, 'PUT', '/c/signal_type/pdq', {})
  await ok('PUT', '/c/signal_type/pdq', { enabled_ratio: 1 }, 204)
})

test('exchanges are set up, shown, switched and deleted by the names that clients know', async () => {
  const kinds = (await ok('GET', '/c/exchanges/apis')) as string[]
  for (const name of ['fb_threatexchange', 'ncmec', 'stop_ncii', 'tat', 'local_file'])
    assert.ok(kinds.includes(name), name)
  assert.deepEqual(await ok('GET', '/c/exchanges/api/local_file'), {
    supports_authentification: false,
    has_set_authentification: false,
  })
  const fb = '/c/exchanges/api/fb_threatexchange'
  assert.deepEqual(await ok('GET', fb), { supports_authentification: true, has_set_authentification: false })
  const credentials = { credential_json: { api_token: '123457890|00000000000000000000' } }
  assert.deepEqual(await ok('POST', fb, credentials), {
    supports_authentification: true,
    has_set_authentification: true,
  })
  assert.ok(!(await ask('GET', fb)).text.includes('00000000'))
  await refused(400, 'GET', '/c/exchanges/api/nonsense')
  const schema = (await ok('GET', `${fb}/schema`)) as Record<string, { fields: Record<string, unknown>[] }>
  assert.deepEqual(
    schema.config_schema!.fields.map(({ name, type, required }) => [name, type, required]),
    [['privacy_group', 'number', true]],
  )
  assert.equal(schema.credentials_schema!.fields[0]!.name, 'api_token')

  await refused(400, 'POST', '/c/exchanges', { bank: 'lower', api: 'fb_threatexchange' })
  await refused(400, 'POST', '/c/exchanges', { bank: 'FB', api: 'nonsense' })
  await refused(400, 'POST', '/c/exchanges', { bank: 'FB', api: 'fb_threatexchange', api_json: {} })
  await ok(
    'POST',
    '/c/exchanges',
    { bank: 'FB', api: 'fb_threatexchange', api_json: { privacy_group: 1234, enabled: false } },
    201,
  )
  assert.deepEqual(await ok('GET', '/c/exchanges'), ['FB'])
  assert.deepEqual(await ok('GET', '/c/exchange/FB'), {
    name: 'FB',
    api: 'fb_threatexchange',
    enabled: false,
    privacy_group: 1234,
  })
  assert.ok(((await ok('GET', '/c/banks')) as { name: string }[]).some(({ name }) => name === 'FB'))
  assert.deepEqual(await ok('GET', '/c/exchange/FB/status'), {
    checkpoint_ts: null,
    running_fetch_start_ts: null,
    last_fetch_complete_ts: null,
    last_fetch_succeeded: null,
    up_to_date: false,
    fetched_items: 0,
  })
  await refused(404, 'GET', '/c/exchange/NONEXISTENT_EXCHANGE/status')
  assert.equal(((await ok('PUT', '/c/exchange/FB', { enabled: false })) as { enabled: boolean }).enabled, false)
  assert.deepEqual(await ok('DELETE', '/c/exchange/FB'), { message: 'Exchange deleted' })
  assert.deepEqual(await ok('DELETE', '/c/exchange/FB'), { message: 'Exchange deleted' })
  assert.deepEqual(await ok('GET', '/c/exchanges'), [])
  await ok('POST', fb, { credential_json: {} })
})

test('more than it can: many hashes at once, pages of content, and everything about a match in one answer', async () => {
  await makeBank('MORE')
  const seed = 'c186f9619659658c4b6916daf934496985f4259c72c39676ab9edb631c3c349c'
  const many = Array.from({ length: 120 }, (_, at) => ({ pdq: `${at.toString(16).padStart(4, '0')}${seed.slice(4)}` }))
  const added = (await ok('POST', '/c/bank/MORE/signal', many)) as { id: number }[]
  assert.equal(new Set(added.map(({ id }) => id)).size, 120)
  const ids: number[] = []
  for (let next: string | null = '0'; next !== null;) {
    const page = (await ok('GET', `/c/bank/MORE/content?after=${next}&limit=50`)) as {
      content: { id: number }[]
      next: string | null
    }
    ids.push(...page.content.map(({ id }) => id))
    next = page.next
  }
  assert.deepEqual(
    ids,
    added.map(({ id }) => id),
  )
  const full = (await ok('GET', `/m/lookup?signal=${many[7]!.pdq}&signal_type=pdq&full=1&banks=MORE`)) as {
    MORE: Record<string, unknown>[]
  }
  const best = full.MORE[0]!
  assert.deepEqual(
    [best.bank_content_id, best.distance, best.hash, best.bank, best.threshold, best.exchange, best.query_hash],
    [added[7]!.id, '0', many[7]!.pdq, 'MORE', 31, null, many[7]!.pdq],
  )
})

test('media are fetched from allowed hosts alone', async () => {
  await refused(400, 'GET', '/h/hash?url=http://169.254.169.254/latest')
  await refused(400, 'GET', '/h/hash?url=ftp://example.org/x')
  await refused(400, 'GET', '/h/hash')

  const bytes = await photo(3)
  const outside = createHttpServer((request, response) => {
    response.setHeader('content-type', request.url === '/text' ? 'text/plain' : 'image/jpeg')
    response.end(bytes)
  })
  await new Promise<void>((done) => outside.listen(0, '127.0.0.1', done))
  const host = `127.0.0.1:${(outside.address() as AddressInfo).port}`
  const pool = createMediaPool()
  const lookup = createLookup({ db: app.db, pollMs: 0 })
  const server = createServer({
    authenticate: async () => ({
      kind: 'key',
      id: 'k',
      name: 'k',
      tenantId: 'default',
      scopes: new Set(['match:read'] as const),
      roles: [],
    }),
    log: () => {},
  })
  const network = {
    resolve: async (address: string) => [{ address, family: 4 }],
    http: httpRequest,
    https: httpsRequest,
  }
  hmaMatchRoutes(server.mount, {
    db: app.db,
    clock: () => Date.now(),
    randomBytes: (length) => new Uint8Array(length),
    media: createMediaLibrary({
      files: createMediaFiles(`${app.dataDir}/media`),
      pool,
      records: createMediaRecords(app.db.query),
    }),
    lookup,
    fetchMedia: () => createFetchMedia({ network, hosts: [host], isAllowedAddress: () => true }),
    admitLookups: () => {},
  })
  after(async () => {
    await server.app.close()
    lookup.close()
    await pool.close()
    outside.close()
  })
  const get = async (path: string) => {
    const { statusCode, body } = await server.app.inject(path)
    return { status: statusCode, json: JSON.parse(body) as Record<string, unknown> }
  }
  const url = encodeURIComponent(`http://${host}/image1.jpg`)
  const hashed = await get(`/hma/h/hash?url=${url}`)
  assert.deepEqual([hashed.status, Object.keys(hashed.json)], [200, ['pdq']])
  assert.equal((await get(`/hma/h/hash?url=${encodeURIComponent(`http://${host}/text`)}`)).status, 400)
  const hinted = await get(`/hma/h/hash?url=${encodeURIComponent(`http://${host}/text`)}&content_type=photo`)
  assert.deepEqual(hinted.json, hashed.json)
  assert.equal((await get(`/hma/h/hash?url=${url}&content_type=nonsense`)).status, 400)

  await makeBank('BY_URL')
  const { id } = await addHash('BY_URL', hashed.json)
  await lookup.refresh()
  assert.deepEqual((await get(`/hma/m/lookup?url=${url}&banks=BY_URL`)).json, {
    pdq: { BY_URL: [{ bank_content_id: id, distance: '0' }] },
  })
  assert.deepEqual((await get(`/hma/m/lookup?url=${url}&signal_type=pdq&banks=BY_URL`)).json, {
    BY_URL: [{ bank_content_id: id, distance: '0' }],
  })
})
