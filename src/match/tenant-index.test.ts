import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { VisibleBank } from './bank.ts'
import { md5Type } from './signal-types/exact.ts'
import { createTenantIndex } from './tenant-index.ts'

const digest = (what: string | number) => createHash('sha256').update(String(what)).digest('hex')
const idOf = (n: number) => `0190aaaa-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
const bank = (bankId: string, thresholds: Record<string, number> = {}) =>
  ({
    bankId,
    name: bankId,
    purpose: '',
    action: 'review',
    thresholds,
    negative: false,
    enabled: true,
    ownerTenantId: 'a',
  }) as unknown as VisibleBank
const entry = (entryId: string, bankId: string, signals: Record<string, string>, labels: string[] = []) => ({
  entryId,
  bankId,
  signals,
  quality: null,
  labels,
})
/** The hash with so many bits flipped. */
const near = (hash: string, bits: number) => {
  const bytes = Buffer.from(hash, 'hex')
  for (let bit = 0; bit < bits; bit++) bytes[bit]! ^= 1
  return bytes.toString('hex')
}

test('entries are found with their own ids, banks and labels, whether taken in one by one or many at once', async () => {
  const index = createTenantIndex()
  index.setBanks(['a', 'b'].map((name) => bank(name)))
  const ids = Array.from({ length: 3_000 }, (_, n) => (n % 7 === 0 ? `odd:${n}` : idOf(n)))
  const entries = ids.map((id, n) =>
    entry(id, n % 2 === 0 ? 'a' : 'b', { pdq: digest(n) }, n % 3 === 0 ? ['third'] : []),
  )
  for (const one of entries.slice(0, 2_000)) index.putLater(one)
  index.drop(ids[7]!)
  while (index.maintain(1_000_000));
  index.putLater(entries[7]!)
  while (index.maintain(1_000_000));
  for (const one of entries.slice(2_000)) index.put(one)
  assert.equal(index.size, 3_000)
  for (const n of [0, 1, 6, 7, 1_999, 2_000, 2_999]) {
    const found = await index.find({ photos: [{ pdq: near(digest(n), 9) }] })
    assert.deepEqual(
      found.map(({ entryId, bank: own, labels, hit }) => [entryId, own.bankId, labels, hit.distance]),
      [[ids[n], n % 2 === 0 ? 'a' : 'b', n % 3 === 0 ? ['third'] : [], 9]],
    )
  }
  for (let n = 0; n < 3_000; n += 2) index.drop(ids[n]!)
  index.drop('never there')
  assert.equal(index.size, 1_500)
  assert.deepEqual(await index.find({ photos: [{ pdq: digest(6) }] }), [])
  index.put(entry('again', 'b', { pdq: digest(6) }))
  assert.equal((await index.find({ photos: [{ pdq: digest(6) }] }))[0]!.entryId, 'again')
  assert.equal((await index.find({ photos: [{ pdq: digest(7) }] }))[0]!.entryId, ids[7])
})

test('thresholds are those of each bank, and other banks than those asked are not searched', async () => {
  const index = createTenantIndex()
  index.setBanks([bank('tight', { pdq: 5 }), bank('wide', { pdq: 60 })])
  index.put(entry(idOf(1), 'tight', { pdq: digest(1) }))
  index.put(entry(idOf(2), 'wide', { pdq: near(digest(1), 12) }))
  const found = async (bits: number, banks?: ReadonlyMap<string, VisibleBank>) =>
    (await index.find({ photos: [{ pdq: near(digest(1), bits) }] }, banks === undefined ? {} : { banks }))
      .map(({ bank: own, threshold }) => [own.bankId, threshold])
      .sort()
  assert.deepEqual(await found(3), [
    ['tight', 5],
    ['wide', 60],
  ])
  assert.deepEqual(await found(8), [['wide', 60]])
  assert.deepEqual(await found(3, new Map([['tight', bank('tight', { pdq: 2 })]])), [])
  index.setBanks([bank('tight', { pdq: 10 })])
  assert.equal((await found(8)).length, 2)
  index.put(entry(idOf(1), 'wide', {}, ['moved']))
  assert.deepEqual(
    (await found(20)).map(([name]) => name),
    ['wide', 'wide'],
  )
})

test('digests match photos, videos and sounds alike, and a million equal ones are cut', () => {
  const index = md5Type.createIndex()
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
  for (let slot = 0; slot < 5_000; slot++) index.add(slot, md5, null)
  index.add(5_000, 'a'.repeat(32), null)
  const options = { radiusMax: 0, thresholdOf: () => 0 }
  const hits = index.search({ videos: [{ signals: {} }, { signals: { md5: 'a'.repeat(32) } }] }, options)
  assert.deepEqual(
    hits.map(({ slot, part }) => [slot, part]),
    [[5_000, { kind: 'video', index: 1 }]],
  )
  assert.equal(index.search({ audios: [{ signals: { md5 } }] }, options).length, 1_000)
  assert.deepEqual(index.search({ photos: [{ signals: { md5: 'not a digest' } }] }, options), [])
})
