import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sharp from 'sharp'
import { testDatabase } from '../../../test/database.ts'
import { scopes, type Scope } from '../../domain/staff.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { recentEntries } from '../../ledger/read.ts'
import { createLookup, type Lookup } from '../../match/lookup.ts'
import { bankProjector } from '../../match/project.ts'
import { createFetchMedia } from '../../media/fetch.ts'
import { createResolveRedirects } from '../../media/redirects.ts'
import { createMediaPool, type MediaPool } from '../../media/hash-pool.ts'
import { createMediaLibrary } from '../../media/library.ts'
import { createMediaFiles } from '../../media/store.ts'
import { createMediaRecords } from '../../storage/media-records.ts'
import { photoLocalType } from '../../match/signal-types/photo-local.ts'
import { ApiError, createClient } from '../client.ts'
import {
  changeBank,
  getBank,
  getBankEntry,
  listBankEntries,
  listBanks,
  makeBank,
  makeBankEntry,
  quarantineBankEntry,
  releaseBankEntry,
  retireBankEntry,
} from '../contract/banks.ts'
import { compareSignals, lookupMatches, type Upload } from '../contract/match.ts'
import { listSignalTypes } from '../contract/signal-types.ts'
import type { Principal } from '../principal.ts'
import { createServer } from '../server.ts'
import { bankRoutes } from './banks.ts'
import { matchRoutes } from './match.ts'

let baseUrl: string
let db: Awaited<ReturnType<typeof testDatabase>>
let pool: MediaPool
let lookup: Lookup
let folder: string
const principals: Record<string, Principal> = {}
const principal = (name: string, tenantId: string, held: readonly Scope[]) => {
  principals[`Bearer ${name}`] = { kind: 'person', id: name, name, tenantId, scopes: new Set(held), roles: [] }
}
principal('ana', 'a', scopes)
principal('ben', 'a', ['banks:read', 'media:read'])
principal('eve', 'e', scopes)
const clientOf = (key: string) => createClient({ baseUrl, key })
const { app, mount } = createServer({
  authenticate: async (request) => principals[request.headers.authorization ?? ''],
  checkResponses: true,
  log: (line) => console.error(line),
})
const unreachable = {
  resolve: () => Promise.reject(new Error('there is no network here')),
  http: () => assert.fail('no request leaves'),
  https: () => assert.fail('no request leaves'),
}
before(async () => {
  db = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'custos-media-'))
  pool = createMediaPool({ workers: 1 })
  lookup = createLookup({ db })
  const ledger = createLedger({ projectors: [bankProjector], clock: Date.now, randomBytes })
  const media = createMediaLibrary({ files: createMediaFiles(folder), pool, records: createMediaRecords(db.query) })
  const deps = {
    db,
    ledger,
    clock: Date.now,
    randomBytes,
    media,
    lookup,
    fetchMedia: () => createFetchMedia({ network: unreachable, hosts: [] }),
    resolveRedirects: createResolveRedirects({ network: unreachable }),
    admitLookups: () => {},
  }
  bankRoutes(mount, deps)
  matchRoutes(mount, deps)
  baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
})
after(async () => {
  await app.close()
  lookup.close()
  await pool.close()
  await rm(folder, { recursive: true })
})

const picture = () =>
  sharp(randomBytes(320 * 240 * 3), { raw: { width: 320, height: 240, channels: 3 } })
    .blur(8)
    .normalise()
    .toColourspace('srgb')
const send = (key: string, path: string, body: BodyInit, type?: string) =>
  fetch(baseUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...(type === undefined ? {} : { 'content-type': type }) },
    body,
  })
const upload = async (key: string, bytes: Buffer): Promise<Upload> => {
  const response = await send(key, '/v1/uploads', new Uint8Array(bytes), 'image/jpeg')
  assert.equal(response.status, 201, await response.clone().text())
  return (await response.json()) as Upload
}
const look = (key: string, sha256: string, variant: string) =>
  fetch(`${baseUrl}/v1/media/${sha256}?variant=${variant}`, { headers: { authorization: `Bearer ${key}` } })
const refused = async (call: Promise<unknown>, status: number) => {
  const error = await call.then(
    () => assert.fail('should be refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ApiError, String(error))
  assert.equal(error.status, status, error.message)
  return error.problem
}

test('an upload is hashed, kept once, and taken as raw bytes or as a form', async () => {
  const bytes = await picture().jpeg().toBuffer()
  const first = await upload('ana', bytes)
  assert.match(first.pdq!, /^[0-9a-f]{64}$/)
  assert.deepEqual([first.width, first.height, first.mime], [320, 240, 'image/jpeg'])
  assert.deepEqual(await upload('ana', bytes), first)
  const form = new FormData()
  form.set('note', 'x')
  form.set('file', new Blob([new Uint8Array(bytes)]), 'a.jpg')
  assert.deepEqual(await (await send('ana', '/v1/uploads', form)).json(), first)
  const hashed = (await (await send('ana', '/v1/match/hash', new Uint8Array(bytes), 'image/jpeg')).json()) as {
    signals: Record<string, string>
  }
  const { local, ...digests } = hashed.signals
  assert.ok(local === undefined || photoLocalType.parse('local', local) === local)
  assert.deepEqual(digests, {
    pdq: first.pdq,
    sha256: first.upload,
    sha1: createHash('sha1').update(bytes).digest('hex'),
    md5: createHash('md5').update(bytes).digest('hex'),
  })
  const text = await send('ana', '/v1/match/hash', JSON.stringify({ text: 'FR33 money!' }), 'application/json')
  assert.deepEqual(await text.json(), { signals: { text: 'free money', 'text-skeleton': 'frernoney' } })
})

test('uploads that are no image, too large, or not allowed are refused by name', async () => {
  const problemOf = async (body: BodyInit, type: string, key = 'ana') => {
    const response = await send(key, '/v1/uploads', body, type)
    const { status, title, detail } = (await response.json()) as { status: number; title: string; detail: string }
    assert.match(response.headers.get('content-type')!, /^application\/problem\+json/)
    return `${status} ${title}: ${detail}`
  }
  assert.match(await problemOf('<svg></svg>', 'image/jpeg'), /^422 .*image\/svg\+xml, not an image/)
  assert.match(await problemOf('', 'image/jpeg'), /^422 .*empty/)
  const large = Buffer.alloc(27 * 1024 * 1024)
  large.set([0xff, 0xd8, 0xff])
  assert.match(await problemOf(new Uint8Array(large), 'image/png'), /^413 .*26214400 bytes/)
  assert.match(await problemOf('{}', 'application/json'), /^415 /)
  assert.match(await problemOf('x', 'multipart/form-data; boundary=x'), /^400 /)
  assert.match(await problemOf('x', 'image/png', 'ben'), /^403 /)
})

test('media is blurred unless revealed, every reveal is in the ledger, and other tenants see nothing', async () => {
  const { upload: sha256 } = await upload('ana', await picture().jpeg().toBuffer())
  const blurred = await look('ben', sha256, 'blurred')
  assert.equal(blurred.status, 200)
  assert.equal(blurred.headers.get('content-type'), 'image/webp')
  assert.match(blurred.headers.get('content-security-policy')!, /sandbox/)
  assert.equal((await look('ben', sha256, 'full')).status, 403)
  const views = () => recentEntries(db.query, 'a', { kinds: ['person.viewed_sensitive'] })
  assert.equal((await views()).length, 0)
  assert.equal((await look('ana', sha256, 'full')).status, 200)
  assert.deepEqual((await views())[0]!.body, { personId: 'ana', mediaSha256: sha256, what: 'media in full' })
  assert.equal((await look('eve', sha256, 'blurred')).status, 404)
  assert.equal((await look('ana', 'f'.repeat(64), 'thumb')).status, 404)
  assert.equal((await look('ana', 'nonsense', 'thumb')).status, 422)
})

test('a bank is made, changed under its ETag, and found again page by page', async () => {
  const ana = clientOf('ana')
  const made = await ana.callFull(makeBank, { body: { name: 'known scams', purpose: 'x', thresholds: { pdq: 20 } } })
  assert.equal(made.status, 201)
  const { bankId } = made.body
  assert.deepEqual(made.body.thresholds, { pdq: 20 })
  await refused(ana.call(makeBank, { body: { name: 'known scams' } }), 409)
  const wrong = await refused(ana.call(makeBank, { body: { name: 'n', thresholds: { pdq: 99 } } }), 422)
  assert.equal(wrong.errors![0]!.field, 'thresholds.pdq')
  await refused(ana.call(changeBank, { params: { bankId }, body: { purpose: 'y' } }), 428)
  const changed = await ana.callFull(changeBank, {
    params: { bankId },
    body: { purpose: 'y' },
    headers: { 'if-match': made.etag! },
  })
  assert.equal(changed.body.purpose, 'y')
  await refused(
    ana.call(changeBank, { params: { bankId }, body: { purpose: 'z' }, headers: { 'if-match': made.etag! } }),
    412,
  )
  await refused(clientOf('eve').call(getBank, { params: { bankId } }), 404)
  await refused(clientOf('ben').call(makeBank, { body: { name: 'mine' } }), 403)
  const second = await ana.call(makeBank, { body: { name: 'second' } })
  const page = await ana.call(listBanks, { query: { limit: 1 } })
  assert.equal(page.items[0]!.bankId, bankId)
  const rest = await ana.call(listBanks, { query: { limit: 10, after: page.next! } })
  assert.deepEqual(
    rest.items.map((bank) => bank.bankId),
    [second.bankId],
  )
  assert.equal(rest.next, null)
})

test('an entry matches at once, from upload to lookup, until it is quarantined or retired', async () => {
  const ana = clientOf('ana')
  const { bankId } = await ana.call(makeBank, { body: { name: 'photos' } })
  const original = await picture().jpeg().toBuffer()
  const banked = await upload('ana', original)
  const entry = await ana.call(makeBankEntry, { params: { bankId }, body: { upload: banked.upload, labels: ['scam'] } })
  assert.deepEqual(entry.addedBy, { kind: 'person', id: 'ana' })
  const params = { bankId, entryId: entry.entryId }
  const copy = await upload('ana', await sharp(original).jpeg({ quality: 40 }).toBuffer())
  const found = async () =>
    (await ana.call(lookupMatches, { body: { photos: [{ upload: copy.upload }], text: 'hello' } })).matches
  const [match] = await found()
  assert.equal(match!.entryId, entry.entryId)
  assert.equal(match!.bank.name, 'photos')
  assert.deepEqual(match!.labels, ['scam'])
  assert.equal((await ana.call(lookupMatches, { body: { photos: [{ pdq: copy.pdq! }] } })).matches.length, 1)
  assert.equal(
    (await clientOf('eve').call(lookupMatches, { body: { photos: [{ pdq: copy.pdq! }] } })).matches.length,
    0,
  )

  const again = await refused(ana.call(makeBankEntry, { params: { bankId }, body: { upload: banked.upload } }), 409)
  assert.ok(again.detail!.includes(entry.entryId), 'the duplicate is named')
  const reason = { reason: 'wrong picture' }
  const held = await ana.call(quarantineBankEntry, { params, body: reason })
  assert.deepEqual([held.status, held.statusReason], ['quarantined', 'wrong picture'])
  assert.deepEqual(await found(), [])
  await ana.call(releaseBankEntry, { params, body: reason })
  assert.equal((await found()).length, 1)
  await refused(ana.call(retireBankEntry, { params, body: reason, headers: { 'if-match': '"1"' } }), 412)
  await ana.call(retireBankEntry, { params, body: reason })
  assert.deepEqual(await found(), [])
  await refused(ana.call(releaseBankEntry, { params, body: reason }), 409)
  const retired = await ana.call(listBankEntries, { params: { bankId }, query: { status: 'retired' } })
  assert.deepEqual(retired.items, [await ana.call(getBankEntry, { params })])
})

test('bad entries and lookups name what is wrong', async () => {
  const ana = clientOf('ana')
  const { bankId } = await ana.call(makeBank, { body: { name: 'bad' } })
  const params = { bankId }
  await refused(ana.call(makeBankEntry, { params, body: {} }), 422)
  await refused(ana.call(makeBankEntry, { params, body: { text: '…' } }), 422)
  await refused(ana.call(makeBankEntry, { params, body: { upload: 'f'.repeat(64) } }), 404)
  await refused(ana.call(makeBankEntry, { params: { bankId: "'; DROP TABLE banks --" }, body: { text: 'free' } }), 404)
  const wrong = await refused(ana.call(lookupMatches, { body: { photos: [{ quality: 3 }] } }), 422)
  assert.equal(wrong.errors![0]!.field, 'photos[0]')
})

test('signal types say what they are for, and how their distances read', async () => {
  const { items } = await clientOf('ana').call(listSignalTypes, {})
  const byName = new Map(items.map((type) => [type.name, type]))
  assert.deepEqual(byName.get('pdq')?.scale, {
    zero: 0,
    perDistance: 1,
    decimals: 0,
    unit: 'of 256 bits differ',
    nearer: 'lower',
  })
  assert.equal(byName.get('vpdq')?.scale?.nearer, 'higher')
  assert.deepEqual([byName.get('md5')?.scale, byName.get('md5')?.threshold], [null, 0])
  assert.deepEqual(byName.get('chromaprint')?.media, ['audio', 'video'])
  await refused(clientOf('ben').call(listSignalTypes, {}), 403)
})

test('two hashes and two texts are compared', async () => {
  const ana = clientOf('ana')
  const a = 'f'.repeat(64)
  const near = await ana.call(compareSignals, { body: { signalType: 'pdq', a, b: `${'f'.repeat(62)}00` } })
  assert.deepEqual(near, {
    matches: true,
    distance: 8,
    threshold: 31,
    similarity: 1 - 8 / 256,
    described: '8 of 256 bits',
  })
  const text = await ana.call(compareSignals, { body: { signalType: 'text', a: 'Free MONEY', b: 'free m0ney!' } })
  assert.equal(text.matches, true)
})
