import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import type { Static } from 'typebox'
import type { Signal } from '../../src/domain/signal.ts'
import { getEvent, type appendEvents } from '../../src/http/contract/events.ts'
import { makeBank, makeBankEntry } from '../../src/http/contract/banks.ts'
import { updateSettings } from '../../src/http/contract/settings.ts'
import { testApp, type TestApp } from '../app.ts'
import { ask, assertIntact, assertProblem, eventOf, settled, storedOf } from '../hostile.ts'

let app: TestApp
let trap: Server
let trapPort: number
const hits: string[] = []
before(async () => {
  trap = createServer((request, response) => {
    hits.push(request.url!)
    response.writeHead(302, { location: `http://127.0.0.1:${trapPort}/secret` }).end()
  })
  await new Promise<void>((done) => trap.listen(0, '127.0.0.1', done))
  trapPort = (trap.address() as AddressInfo).port
  app = await testApp()
  // Allowed by name: what keeps it from being asked is its address alone.
  await app.platform.call(updateSettings, {
    body: { mediaHosts: [`localhost:${trapPort}`, `127.0.0.1:${trapPort}`, '169.254.169.254', '10.0.0.1'] },
    headers: { 'if-match': '*' },
  })
})
after(() => {
  trap.closeAllConnections()
  trap.close()
})

const photo = (width = 120, height = 90) =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } }).blur(3)
const jpeg = await photo().jpeg().toBuffer()
const png = await photo().png().toBuffer()

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
/** A PNG of a kilobyte that says it has this many pixels. */
function bomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const data = deflateSync(Buffer.alloc(1_000_000))
  const parts = [chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts])
}

const hostile: Record<string, { bytes: Buffer; problem: RegExp; limit?: number }> = {
  'nothing at all': { bytes: Buffer.alloc(0), problem: /empty|base64|needs/ },
  'a bomb of 2,500 megapixels': {
    bytes: bomb(50_000, 50_000),
    problem: /more than 50000000 pixels/,
    limit: 50_000_000,
  },
  'a strip of 70,000 pixels': { bytes: bomb(70_000, 10), problem: /side of more than 65535/, limit: 65_535 },
  'a JPEG cut in half': { bytes: jpeg.subarray(0, jpeg.length >> 1), problem: /truncated|damaged/ },
  'a PNG cut in half': { bytes: png.subarray(0, png.length >> 1), problem: /truncated|damaged/ },
  'a PNG with a JPEG inside': { bytes: Buffer.concat([png.subarray(0, 40), jpeg]), problem: /truncated|damaged/ },
  'the first bytes of a JPEG': { bytes: Buffer.from([0xff, 0xd8, 0xff]), problem: /truncated|damaged/ },
  SVG: {
    bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'),
    problem: /image\/svg\+xml, not an image/,
  },
  'SVG with entities': {
    bytes: Buffer.from('<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'),
    problem: /svg|xml/,
  },
  HTML: { bytes: Buffer.from('<!doctype html><script>alert(1)</script>'), problem: /text\/html, not an image/ },
  'a program': { bytes: Buffer.from('MZ\x90\0\x03'), problem: /application\/octet-stream, not an image/ },
  PDF: { bytes: Buffer.from('%PDF-1.7\n'), problem: /application\/pdf/ },
}

test('hostile uploads are refused with what they really are and the limit, as body and as form', async () => {
  for (const [name, { bytes, problem, limit }] of Object.entries(hostile)) {
    const form = new FormData()
    form.append('file', new Blob([Uint8Array.from(bytes)], { type: 'image/jpeg' }), 'holiday.jpg')
    for (const answer of [
      await ask(app, 'POST', '/v1/uploads', { type: 'image/jpeg', body: Uint8Array.from(bytes) }),
      await ask(app, 'POST', '/v1/uploads', { body: form }),
    ]) {
      const { errors, detail } = assertProblem(answer, 422)
      assert.match(detail!, problem, name)
      assert.equal(errors![0]!.field, 'media', name)
      assert.ok(errors![0]!.value !== undefined, name)
      if (limit !== undefined) assert.equal(errors![0]!.limit, limit, name)
    }
  }
  const mislabelled = await ask(app, 'POST', '/v1/uploads', { type: 'image/gif', body: Uint8Array.from(jpeg) })
  assert.deepEqual([mislabelled.status, (mislabelled.body as { mime: string }).mime], [201, 'image/jpeg'])
  const broken = await ask(app, 'POST', '/v1/uploads', {
    type: 'multipart/form-data; boundary=x',
    body: '--x\r\nbroken',
  })
  assertProblem(broken, 400)
  assertProblem(await ask(app, 'POST', '/v1/uploads', { type: 'application/json', body: '{}' }), 415)
  const [{ count }] = (await app.db.query<{ count: number }>('SELECT count(*) AS count FROM media')) as [
    { count: number },
  ]
  assert.equal(count, 1, 'of what was refused nothing is kept')
})

test('hostile bytes inside an event refuse that event alone', async () => {
  const names = Object.keys(hostile)
  const of = (id: string, bytes: Buffer) =>
    eventOf(id, { item: { id, media: [{ id: 'm', kind: 'photo', bytes: bytes.toString('base64') }] } })
  const batch = names.flatMap((name, index) => [
    of(`bytes-good-${index}`, png),
    of(`bytes-bad-${index}`, hostile[name]!.bytes),
  ])
  const answer = await ask(app, 'POST', '/v1/events', { type: 'application/json', body: JSON.stringify(batch) })
  assert.equal(answer.status, 200)
  const { results } = answer.body as Static<(typeof appendEvents)['response']>
  for (const [index, name] of names.entries()) {
    assert.equal(results[2 * index]!.status, 'accepted', name)
    const bad = results[2 * index + 1]!
    assert.equal(bad.status, 'refused', name)
    assert.equal(bad.errors![0]!.field, 'item.media[0].bytes', name)
    assert.match(bad.reason!, hostile[name]!.problem, name)
  }
  assert.equal((await storedOf(app, 'bytes-good-')).length, names.length)
  assert.deepEqual(await storedOf(app, 'bytes-bad-'), [])
})

test('media by URL: private addresses, other hosts and redirects are signals, and nobody is asked', async () => {
  const { bankId } = await app.platform.call(makeBank, { body: { name: 'known' } })
  await app.platform.call(makeBankEntry, { params: { bankId }, body: { text: 'still looked at' } })
  const urls = [
    `http://127.0.0.1:${trapPort}/a`,
    `http://localhost:${trapPort}/b`,
    `http://2130706433:${trapPort}/c`,
    `http://0x7f.1:${trapPort}/d`,
    `http://[::1]:${trapPort}/e`,
    `http://[::ffff:127.0.0.1]:${trapPort}/f`,
    `http://LOCALHOST.:${trapPort}/g`,
    `http://user:secret@localhost:${trapPort}/h`,
    `http://localhost:${trapPort}@evil.example/i`,
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/j',
    'https://evil.example/k.jpg',
    'file:///etc/passwd',
    'gopher://localhost/l',
    'javascript:alert(1)',
    'data:image/svg+xml,<svg onload=alert(1)>',
    '//localhost/m',
    'not a url \u202e\u0000',
    '',
  ]
  const events = urls.map((url, index) =>
    eventOf(`url-${index}`, {
      item: { id: `url-${index}`, text: 'still looked at', media: [{ id: `m${index}`, kind: 'photo', url }] },
    }),
  )
  const answer = await ask(app, 'POST', '/v1/events', { type: 'application/json', body: JSON.stringify(events) })
  const { results } = answer.body as Static<(typeof appendEvents)['response']>
  assert.deepEqual([...new Set(results.map(({ status }) => status))], ['accepted'])
  await settled(app)
  for (const [index, url] of urls.entries()) {
    const { entries } = await app.platform.call(getEvent, { params: { eventId: `url-${index}` } })
    const signals = entries.flatMap(({ kind, body }) =>
      kind === 'signal.recorded' ? (body as { signals: Signal[] }).signals : [],
    )
    assert.deepEqual(
      signals.map(({ name }) => name),
      ['media.unreadable', 'match.text'],
      url,
    )
    assert.deepEqual(signals[0]!.evidence, { mediaId: `m${index}` })
    assert.match(signals[0]!.because, /^photo "m\d+": Cannot fetch/)
    if (index < 4) assert.match(signals[0]!.because, /which is not a public address$/, url)
  }
  assert.deepEqual(hits, [], 'not one request')
})

test('nothing around all this was lost or broken', () => assertIntact(app))
