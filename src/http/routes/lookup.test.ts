import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import sharp from 'sharp'
import { testApp, type TestApp } from '../../../test/app.ts'
import { createKey } from '../access.ts'
import { makeBank, makeBankEntry } from '../contract/banks.ts'
import { compareSignals, lookupMany, lookupMatches, type Upload } from '../contract/match.ts'
import { getSettings, updateSettings } from '../contract/settings.ts'
import { ApiError, createClient, type Client } from '../client.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { projectors } from '../../app.ts'
import { insertTenant } from '../../storage/tenants.ts'
import { scopes } from '../../domain/staff.ts'

let app: TestApp
let other: Client
let otherKey: string
const known: Record<'photo' | 'grey', { bytes: Buffer; upload: Upload }> = {} as never
const banks: Record<'harm' | 'scam' | 'innocent', string> = {} as never

const photograph = () =>
  sharp(randomBytes(320 * 240 * 3), { raw: { width: 320, height: 240, channels: 3 } })
    .blur(8)
    .normalise()
    .toColourspace('srgb')
    .jpeg()
    .toBuffer()
const send = (path: string, body: BodyInit, key = app.key) =>
  fetch(app.url + path, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })
const uploaded = async (bytes: Buffer, key = app.key) =>
  (await (await send('/v1/uploads', new Uint8Array(bytes), key)).json()) as Upload
const refusal = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => assert.fail('should be refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}
/** A hash at some distance from another. */
const flipped = (hash: string, bits: number) => {
  const bytes = Buffer.from(hash, 'hex')
  for (let bit = 0; bit < bits; bit++) bytes[bit * 2 + 1]! ^= 4
  return bytes.toString('hex')
}

before(async () => {
  app = await testApp()
  const deps = {
    ledger: createLedger({ projectors, clock: () => Date.now(), randomBytes }),
    clock: () => Date.now(),
    randomBytes,
  }
  otherKey = await app.db.transaction(async (tx) => {
    await insertTenant(tx, { id: 'other', name: 'Other', nowMs: Date.now() })
    const author = { kind: 'system', part: 'test' } as const
    return (await createKey(tx, deps, 'other', { name: 'platform', scopes }, author)).token
  })
  other = createClient({ baseUrl: app.url, key: otherKey })
  for (const name of ['harm', 'scam'] as const)
    banks[name] = (await app.platform.call(makeBank, { body: { name } })).bankId
  banks.innocent = (await app.platform.call(makeBank, { body: { name: 'innocent', negative: true } })).bankId
  for (const name of ['photo', 'grey'] as const) {
    const bytes = await photograph()
    known[name] = { bytes, upload: await uploaded(bytes) }
  }
  const add = (bankId: string, body: { upload?: string; text?: string; pdq?: string; labels?: string[] }) =>
    app.platform.call(makeBankEntry, { params: { bankId }, body })
  await add(banks.harm, { upload: known.photo.upload.upload, labels: ['graphic'] })
  await add(banks.scam, { text: 'double your money with this one simple trick' })
  await add(banks.harm, { upload: known.grey.upload.upload })
  await add(banks.innocent, { upload: known.grey.upload.upload })
})

test('media by upload, bytes and form, links and text are one item with one answer', async () => {
  const mirrored = await sharp(known.photo.bytes).flop().jpeg().toBuffer()
  const text = 'hey! Double your money with this one simple trick, today'
  const whole = await app.platform.call(lookupMatches, {
    body: { media: [{ bytes: mirrored.toString('base64') }, { upload: known.photo.upload.upload }], text },
  })
  assert.deepEqual(
    whole.matches.map(({ bank, part }) => [bank.name, part.kind, 'index' in part ? part.index : -1]).sort(),
    [
      ['harm', 'photo', 0],
      ['harm', 'photo', 1],
      ['scam', 'text', -1],
    ],
  )
  const turned = whole.matches.find(({ part }) => part.kind === 'photo' && part.index === 0)!
  assert.equal(turned.transformation, 'flipY')
  assert.deepEqual(turned.labels, ['graphic'])
  assert.deepEqual([turned.source, turned.exchange], ['manual', null])
  assert.deepEqual(turned.record, { matches: 0, confirmed: 0, disputed: 0 })
  assert.equal(whole.composite.entries.length, 2)
  assert.equal(whole.composite.entries.find(({ bankId }) => bankId === banks.harm)!.parts.length, 2)
  assert.equal(whole.composite.confidence, 1)
  assert.equal(whole.truncated, false)

  const form = new FormData()
  form.set('lookup', JSON.stringify({ text }))
  form.append('file', new Blob([new Uint8Array(mirrored)]), 'a.jpg')
  const formed = (await (await send('/v1/match/lookup', form)).json()) as typeof whole
  assert.deepEqual(
    formed.matches.map(({ entryId }) => entryId).sort(),
    whole.composite.entries.map((one) => one.entryId).sort(),
  )
})

test('banks, signal types, confidence and turning narrow a lookup; negative banks always silence', async () => {
  const { pdq } = known.photo.upload
  const look = async (more: object) =>
    (await app.platform.call(lookupMatches, { body: { signals: { pdq: pdq! }, ...more } })).matches.length
  assert.equal(await look({}), 1)
  assert.equal(await look({ banks: [banks.harm] }), 1)
  assert.equal(await look({ banks: [banks.scam] }), 0)
  assert.equal(await look({ types: ['sha256'] }), 0)
  assert.equal(await look({ minConfidence: 1 }), 1)
  assert.equal(await look({ signals: { pdq: flipped(pdq!, 12) }, minConfidence: 0.99 }), 0)
  assert.equal(await look({ signals: { pdq: flipped(pdq!, 12) } }), 1)
  const mirrored = await uploaded(await sharp(known.photo.bytes).flop().jpeg().toBuffer())
  assert.equal(await look({ signals: { pdq: mirrored.pdq! } }), 0, 'bare hashes are not turned')
  assert.equal(await look({ signals: { pdq: mirrored.pdq! }, turned: true }), 1)
  const md5 = createHash('md5').update(known.photo.bytes).digest('hex')
  assert.equal(await look({ signals: { md5 } }), 1, 'entries hold every signal of their upload')
  assert.equal(await look({ signals: { sha256: known.photo.upload.upload } }), 1)
  const innocent = await app.platform.call(lookupMatches, {
    body: { media: [{ upload: known.grey.upload.upload }], banks: [banks.harm] },
  })
  assert.deepEqual(innocent.matches, [])
})

test('a batch answers each lookup by itself and refuses only what is wrong', async () => {
  const { pdq } = known.photo.upload
  const { results } = await app.platform.call(lookupMany, {
    body: {
      lookups: [
        { id: 'near', signals: { pdq: flipped(pdq!, 10) }, quality: 90 },
        { id: 'short', signals: { pdq: 'abc' } },
        { id: 'unknown', signals: { smell: 'x' } },
        { id: 'far', signals: { pdq: 'f'.repeat(64) } },
        { id: 'said', text: 'double your money with this one simple trick' },
        { id: 'poor', signals: { pdq: pdq! }, quality: 10 },
        {},
      ],
    },
  })
  assert.deepEqual(
    results.map(({ id, matches, refused }) => [id, matches?.length, refused?.errors[0]?.field]),
    [
      ['near', 1, undefined],
      ['short', undefined, 'lookups[1].signals.pdq'],
      ['unknown', undefined, 'lookups[2].signals.smell'],
      ['far', 0, undefined],
      ['said', 1, undefined],
      ['poor', 0, undefined],
      [undefined, undefined, 'lookups[6]'],
    ],
  )
  assert.equal(results[0]!.matches![0]!.distance, 10)
  const many = Array.from({ length: 101 }, () => ({ text: 'x' }))
  assert.equal((await refusal(app.platform.call(lookupMany, { body: { lookups: many } }))).status, 422)
})

test('lookups say what is wrong with them, and fetch nothing that they may not', async () => {
  const problemOf = async (body: object) => {
    const { status, problem } = await refusal(app.platform.call(lookupMatches, { body }))
    return `${status} ${problem.errors?.[0]?.field}: ${problem.errors?.[0]?.problem ?? problem.detail}`
  }
  assert.match(await problemOf({}), /^422 : needs media/)
  assert.match(await problemOf({ signals: { md5: 'zz' } }), /^422 signals.md5: must be 32/)
  assert.match(await problemOf({ text: 'a', signals: { text: 'b' } }), /^422 signals.text: is a second text/)
  assert.match(await problemOf({ media: [{}] }), /^422 media\[0\]: needs exactly one/)
  assert.match(await problemOf({ media: [{ bytes: '!!' }] }), /^422 media\[0\].bytes: is not base64/)
  assert.match(await problemOf({ media: [{ url: 'http://169.254.169.254/a' }] }), /^422 media\[0\].url: .*not among/)
  assert.match(await problemOf({ media: [{ upload: 'a'.repeat(64) }] }), /^404 /)
  assert.match(await problemOf({ smell: 1 }), /^422 smell: unknown field/)
  const response = await send('/v1/match/lookup', 'text')
  assert.equal(response.status, 415)
})

test('signals of every type are compared by their own measure', async () => {
  const { pdq } = known.photo.upload
  const compared = await app.platform.call(compareSignals, {
    body: { signalType: 'pdq', a: pdq!, b: flipped(pdq!, 12).toUpperCase() },
  })
  assert.deepEqual([compared.matches, compared.distance, compared.threshold], [true, 12, 31])
  const digests = { signalType: 'sha1', a: 'a'.repeat(40), b: 'b'.repeat(40) }
  assert.equal((await app.platform.call(compareSignals, { body: digests })).matches, false)
  const unknown = await refusal(app.platform.call(compareSignals, { body: { signalType: 'smell', a: '', b: '' } }))
  assert.match(unknown.problem.errors![0]!.problem, /there are .*pdq/)
})

test('the same hash in two tenants is two secrets: neither finds, filters or uses what the other has', async () => {
  const { pdq, upload } = known.photo.upload
  assert.deepEqual((await other.call(lookupMatches, { body: { signals: { pdq: pdq!, sha256: upload } } })).matches, [])
  assert.deepEqual(
    (await other.call(lookupMatches, { body: { signals: { pdq: pdq! }, banks: [banks.harm] } })).matches,
    [],
  )
  assert.equal((await refusal(other.call(lookupMatches, { body: { media: [{ upload }] } }))).status, 404)
  const own = await other.call(makeBank, { body: { name: 'harm' } })
  await other.call(makeBankEntry, { params: { bankId: own.bankId }, body: { pdq: pdq! } })
  const mine = (await other.call(lookupMatches, { body: { signals: { pdq: pdq! } } })).matches
  assert.deepEqual(
    mine.map(({ bank }) => bank.id),
    [own.bankId],
  )
  const theirs = (await app.platform.call(lookupMatches, { body: { signals: { pdq: pdq! } } })).matches
  assert.deepEqual(
    theirs.map(({ bank }) => bank.id),
    [banks.harm],
  )
})

test('a tenant that has used its lookups up is told so, and others go on', async () => {
  const { settings } = await other.call(getSettings, {})
  const { etag } = await other.callFull(getSettings, {})
  await other.call(updateSettings, {
    headers: { 'if-match': etag! },
    body: { match: { ...settings.match, lookupsPerMinute: 3 } },
  })
  const lookups = Array.from({ length: 3 }, () => ({ text: 'x' }))
  await other.call(lookupMany, { body: { lookups } })
  const refused = await refusal(other.call(lookupMany, { body: { lookups } }))
  assert.equal(refused.status, 429)
  assert.match(refused.problem.detail!, /At most 3 lookups a minute/)
  await app.platform.call(lookupMany, { body: { lookups } })
})
