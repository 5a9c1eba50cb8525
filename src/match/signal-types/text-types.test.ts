import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../../domain/error.ts'
import { signalTypes } from './all.ts'
import type { LookupContent, SyncSignalType } from './signal-type.ts'
import { textNearType } from './text-near.ts'
import { textSkeletonType } from './text-skeleton.ts'
import { textType } from './text.ts'
import { tlshType } from './tlsh.ts'
import { urlDomainType, urlType } from './url.ts'

const scam =
  'Dear customer, your parcel is held at customs. Pay the fee of 2.99 within 24 hours or it will be returned to the sender.'
const edited =
  'Dear client, your parcel is held at customs. Please pay the fee of 3.99 within 24 hours or it will be returned to sender!'
const disguised =
  'D3ar cust0mer, yоur pаrcel is h e l d at cust0ms. Paaaay the fee of 2.99 within 24 hours or it will be returned to the sender'

/** What a bank of these signals finds in some content. */
function search(type: SyncSignalType, entries: readonly string[], content: LookupContent, threshold = type.threshold) {
  const index = type.createIndex()
  for (const [slot, signal] of entries.entries()) index.add(slot, signal, null)
  return index.search(content, { radiusMax: threshold, thresholdOf: () => threshold })
}
const signalOf = (type: SyncSignalType, text: string) => type.signalOf({ text })!

test('a text in disguise and an edited one are each found by their type, and told in words', () => {
  const found = (type: SyncSignalType, text: string) => search(type, [signalOf(type, scam)], { text })
  assert.equal(found(textType, disguised).length, 0)
  const [skeleton] = found(textSkeletonType, `Hi! ${disguised} Regards`)
  assert.deepEqual(skeleton!.part, {
    kind: 'text',
    start: 4,
    end: 4 + disguised.length,
    excerpt: disguised.slice(0, 200),
  })
  const [near] = found(textNearType, edited)
  assert.deepEqual(near!.part, { kind: 'text', start: 0, end: edited.length, excerpt: edited.slice(0, 200) })
  assert.ok(near!.distance > 0.05 && near!.distance < 0.5, `${near!.distance}`)
  assert.match(textNearType.describe(near!.distance), /^\d+ % of the wording the same$/)
  assert.equal(found(textSkeletonType, edited).length, 0)
  for (const type of [textType, textSkeletonType, textNearType, tlshType])
    assert.equal(found(type, scam)[0]?.distance, 0, type.name)
  for (const type of [textType, textSkeletonType, textNearType, tlshType])
    assert.deepEqual(
      found(type, 'The library is closed on Sundays, and on the first Monday of each month until noon.'),
      [],
    )
})

test('links in a text do not make it another text', () => {
  const one = textNearType.signalOf({ text: `${scam} https://bad.example/x7Hq` })
  assert.equal(one, signalOf(textNearType, scam))
  assert.equal(
    textNearType.signalOf({ text: 'https://bad.example/x7Hq?something=that-is-long-enough-for-a-sketch' }),
    undefined,
  )
})

test('a threshold of one bank does not widen another, and unwanted slots are left out', () => {
  const index = textNearType.createIndex()
  for (const slot of [0, 1, 2]) index.add(slot, signalOf(textNearType, scam), null)
  const hits = index.search(
    { text: edited },
    { radiusMax: 0.7, thresholdOf: (slot) => (slot === 0 ? 0.05 : 0.7), wanted: (slot) => slot !== 2 },
  )
  assert.deepEqual(
    hits.map(({ slot }) => slot),
    [1],
  )
  index.remove(1)
  assert.equal(index.search({ text: edited }, { radiusMax: 0.7, thresholdOf: () => 0.7 }).length, 2)
})

test('signals read back as they were written, are found by themselves, and lie at no distance from themselves', () => {
  const made = [
    ...[textType, textSkeletonType, textNearType, tlshType].map((type) => [type, signalOf(type, scam)] as const),
    [urlType, urlType.signalOf({ links: [{ url: 'https://www.bad.example/a/?b=1' }] })!] as const,
    [urlType, urlType.parse('signal', 'bad.example/a/*')] as const,
    [urlDomainType, urlDomainType.parse('signal', 'WWW.Bad.example')] as const,
  ]
  for (const [type, signal] of made) {
    assert.equal(type.parse('signal', signal), signal, type.name)
    assert.equal(type.compare(signal, signal).distance, 0, type.name)
    assert.equal(search(type, [signal], type.contentOf(signal)).length, 1, `${type.name} ${signal}`)
  }
  const [one, other] = [signalOf(textNearType, scam), signalOf(textNearType, edited)]
  assert.deepEqual(textNearType.compare(one, other), textNearType.compare(other, one))
  assert.equal(textNearType.compare(one, other).distance, search(textNearType, [one], { text: edited })[0]!.distance)
})

test('signals that are none are refused by name and value, and texts that say too little have none', () => {
  const sketch = Buffer.from(signalOf(textNearType, scam), 'base64')
  for (const [type, wrong] of [
    [textNearType, ''],
    [textNearType, scam],
    [textNearType, sketch.subarray(0, 60).toString('base64')],
    [textNearType, sketch.subarray(0, 127).toString('base64')],
    [textNearType, Buffer.concat([sketch, sketch]).toString('base64')],
    [textNearType, Buffer.from(sketch).reverse().toString('base64')],
    [textSkeletonType, 'short'],
    [textSkeletonType, '...'],
    [tlshType, 'TNULL'],
    [tlshType, `T1${'0'.repeat(69)}`],
    [urlType, 'javascript:alert(1)'],
    [urlType, 'http://bad.example/a?b=1/*'],
    [urlDomainType, 'co.uk'],
    [urlDomainType, 'blogspot.com'],
    [urlDomainType, 'localhost'],
    [urlDomainType, 'bad.example/path'],
    [urlDomainType, 'bad.example:8080'],
  ] as const)
    assert.throws(
      () => type.parse('signals.x', wrong),
      (error) => error instanceof InputError && error.message.includes('signals.x'),
      `${type.name}: ${wrong}`,
    )
  for (const text of ['', 'ok', '!!!', 'a'.repeat(10_000)])
    for (const type of [textNearType, tlshType]) assert.equal(type.signalOf({ text }), undefined)
  assert.equal(textSkeletonType.signalOf({ text: 'free' }), undefined)
})

test('links are found wherever they stand and whatever is around them', () => {
  const entries = [urlType.signalOf({ links: [{ url: 'https://bad.example/login?id=7' }] })!]
  const found = (content: LookupContent) => search(urlType, entries, content)
  for (const content of [
    { links: [{ url: 'http://www.bad.example/login/?utm_source=x&id=7#top' }] },
    { links: [{ url: `https://google.com/url?q=${encodeURIComponent('https://bad.example/login?id=7')}` }] },
    {
      links: [{ url: 'https://sho.rt/x', redirects: ['https://bad.example/login?id=7', 'https://bad.example/block'] }],
    },
    { text: 'log in at hxxps://bad[.]example/login?id=7, quick!' },
  ] as LookupContent[])
    assert.deepEqual(
      found(content).map(({ part, distance }) => [part, distance]),
      [[{ kind: 'link', index: 0, url: 'http://bad.example/login?id=7' }, 0]],
    )
  assert.deepEqual(found({ links: [{ url: 'https://bad.example/login?id=8' }, { url: 'javascript:alert(1)' }] }), [])
  const [second] = found({ links: [{ url: 'https://good.example/' }], text: 'bad.example/login?id=7' })
  assert.equal(second, undefined, 'a name under no public suffix needs a scheme in a text')
  const [third] = found({ links: [{ url: 'https://good.example/' }], text: 'http://bad.example/login?id=7' })
  assert.equal((third!.part as { index: number }).index, 1, 'links of the text are counted on')
})

test('an entry for a path holds below it, one for an address only there', () => {
  const prefix = urlType.parse('signal', 'https://bad.example/shop/*')
  const whole = urlType.parse('signal', 'https://worse.example/*')
  const distances = (url: string, threshold = 1) =>
    search(urlType, [prefix, whole], { links: [{ url }] }, threshold).map(({ slot, distance }) => [slot, distance])
  assert.deepEqual(distances('http://bad.example/shop'), [[0, 1]])
  assert.deepEqual(distances('http://bad.example/shop/item/3?x=1'), [[0, 1]])
  assert.deepEqual(distances(`http://bad.example/shop${'/a'.repeat(40)}`), [[0, 1]])
  assert.deepEqual(distances('http://bad.example/shopping'), [])
  assert.deepEqual(distances('http://bad.example/'), [])
  assert.deepEqual(distances('http://worse.example'), [[1, 1]])
  assert.deepEqual(distances(`http://worse.example${'/a'.repeat(4_000)}?q=/b`), [[1, 1]])
  assert.deepEqual(distances('http://worse.example/a', 0), [], 'a bank may ask for equal addresses only')
})

test('an entry for a site holds for all of it, and for no neighbour', () => {
  const entries = ['bad.example', 'somebody.blogspot.com', 'shop.mixed.example', '203.0.113.7'].map((name) =>
    urlDomainType.parse('signal', name),
  )
  const slots = (url: string, redirects?: string[]) =>
    search(urlDomainType, entries, { links: [{ url, ...(redirects === undefined ? {} : { redirects }) }] }).map(
      ({ slot }) => slot,
    )
  assert.deepEqual(slots('https://www.bad.example:8443/x'), [0])
  assert.deepEqual(slots('https://a.b.bad.example/'), [0])
  assert.deepEqual(slots('https://notbad.example/'), [])
  assert.deepEqual(slots('https://bad.example.com/'), [])
  assert.deepEqual(slots('https://bad.example@good.example/'), [])
  assert.deepEqual(slots('https://good.example@bad.example/'), [0])
  assert.deepEqual(slots('https://somebody.blogspot.com/2024'), [1])
  assert.deepEqual(slots('https://other.blogspot.com/2024'), [])
  assert.deepEqual(slots('https://x.shop.mixed.example/'), [2])
  assert.deepEqual(slots('https://mixed.example/'), [])
  assert.deepEqual(slots('http://203.0.113.7/a'), [3])
  assert.deepEqual(slots('https://sho.rt/x', ['https://bad.example/', 'https://good.example/']), [0])
  assert.equal(urlDomainType.signalOf({ links: [{ url: 'https://facebook.com/one-page' }] }), undefined)
})

test('the exact type of a part comes before the looser ones', () => {
  const names = signalTypes.map(({ name }) => name)
  const inOrder = ['text', 'text-skeleton', 'text-near', 'tlsh']
  assert.deepEqual(
    names.filter((name) => inOrder.includes(name)),
    inOrder,
  )
  assert.ok(names.indexOf('url') < names.indexOf('url-domain'))
})
