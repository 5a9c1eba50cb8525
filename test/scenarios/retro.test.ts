import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import sharp from 'sharp'
import { projectors } from '../../src/app.ts'
import { erasePerson } from '../../src/flows/erase.ts'
import { scopes } from '../../src/domain/staff.ts'
import { createKey } from '../../src/http/access.ts'
import { ApiError, createClient, type Client } from '../../src/http/client.ts'
import { getImport, undoImport } from '../../src/http/contract/bank-imports.ts'
import {
  listBankEntries,
  makeBank,
  makeBankEntry,
  mergeBankEntries,
  retireBankEntry,
  undoMerge,
} from '../../src/http/contract/banks.ts'
import { getDecision, listDecisions } from '../../src/http/contract/decisions.ts'
import { appendEvents } from '../../src/http/contract/events.ts'
import { claimJob, decideJob, listJobs } from '../../src/http/contract/jobs.ts'
import type { Upload } from '../../src/http/contract/match.ts'
import {
  applyRetro,
  findSimilar,
  getRetro,
  listClusters,
  listRetro,
  previewRetro,
  undoRetro,
} from '../../src/http/contract/retro.ts'
import { getSettings, updateSettings } from '../../src/http/contract/settings.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { insertTenant } from '../../src/storage/tenants.ts'
import { testApp, type TestApp } from '../app.ts'
import { ask } from '../hostile.ts'

// Content that passed before anybody knew it, found when it becomes known: previewed, applied, taken back.
let app: TestApp
let platform: Client
let other: Client
let photo: Buffer
let bankId: string

const photograph = () =>
  sharp(randomBytes(320 * 240 * 3), { raw: { width: 320, height: 240, channels: 3 } })
    .blur(8)
    .normalise()
    .toColourspace('srgb')
    .jpeg()
    .toBuffer()
const until = async (what: string, holds: () => Promise<boolean>) => {
  for (const endMs = performance.now() + 60_000; performance.now() < endMs;) {
    if (await holds()) return
    await new Promise((done) => setTimeout(done, 50))
  }
  assert.fail(`waited in vain until ${what}`)
}
const refused = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => assert.fail('should be refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}
const post = (id: string, actorId: string, item: object) => ({
  id: `e-${id}`,
  type: 'item.created',
  time: new Date(Date.now() - 1_000).toISOString(),
  context: 'feed',
  actor: { id: actorId },
  item: { id, ...item },
})
const withPhoto = (bytes: Buffer) => ({ media: [{ id: 'p', kind: 'photo', bytes: bytes.toString('base64') }] })
const uploaded = async (bytes: Buffer, key = app.key): Promise<Upload> => {
  const response = await fetch(`${app.url}/v1/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: new Uint8Array(bytes),
  })
  return (await response.json()) as Upload
}
const entryWith = async (body: { upload?: string; text?: string }, bank = bankId) =>
  (await platform.call(makeBankEntry, { params: { bankId: bank }, body })).entryId
const similarTo = async (itemId: string, client = platform) =>
  (await client.call(findSimilar, { body: { itemId } })).items.map((item) => item.itemId).sort()
const waitingJobs = async () => (await platform.call(listJobs, { query: { state: 'open', limit: 200 } })).items
const finished = async (batchId: string, state: string) => {
  const batch = () => platform.call(getRetro, { params: { batchId } })
  await until(`the batch is ${state}`, async () => (await batch()).state === state)
  return batch()
}

before(async () => {
  app = await testApp()
  platform = app.platform
  const deps = {
    ledger: createLedger({ projectors, clock: () => Date.now(), randomBytes }),
    clock: () => Date.now(),
    randomBytes,
  }
  const key = await app.db.transaction(async (tx) => {
    await insertTenant(tx, { id: 'other', name: 'Other', nowMs: Date.now() })
    const author = { kind: 'system', part: 'test' } as const
    return (await createKey(tx, deps, 'other', { name: 'platform', scopes }, author)).token
  })
  other = createClient({ baseUrl: app.url, key })
  bankId = (await platform.call(makeBank, { body: { name: 'late' } })).bankId
  photo = await photograph()
  const turned = await sharp(photo).rotate(90).jpeg().toBuffer()
  const small = await sharp(photo).resize(160).jpeg({ quality: 60 }).toBuffer()
  const events = [
    post('same', 'u1', withPhoto(photo)),
    post('turned', 'u2', { text: 'look at this', ...withPhoto(turned) }),
    post('small', 'u3', withPhoto(small)),
    ...(await Promise.all([4, 5, 6].map(async (n) => post(`other-${n}`, `u${n}`, withPhoto(await photograph()))))),
    post('say-1', 'u7', { text: 'Buy the miracle pills from our new shop, today only' }),
    post('say-2', 'u8', { text: 'Hi! buy the MIRACLE pills from our new shop, today only' }),
    post('say-3', 'u9', { text: 'what shall we have for dinner?' }),
  ]
  assert.equal((await platform.call(appendEvents, { body: events })).accepted, events.length)
  await other.call(appendEvents, {
    body: [post('theirs', 'x1', withPhoto(photo)), post('theirs-2', 'x2', withPhoto(photo))],
  })
  await until('everything was judged', async () => {
    const rows = await app.db.query<{ count: number }>('SELECT count(DISTINCT event_id) AS count FROM seen')
    return rows[0]!.count === events.length + 2
  })
  await until('what passed is searched', async () => (await similarTo('same')).length === 2)
})

test('what passed is kept once, as hashes, and found by an item that is like it, in every turn and by page', async () => {
  assert.deepEqual(await similarTo('same'), ['small', 'turned'])
  assert.deepEqual(await similarTo('other-4'), [])
  assert.deepEqual(await similarTo('say-1'), ['say-2'])
  const first = await platform.call(findSimilar, { body: { itemId: 'turned', limit: 1 } })
  const second = await platform.call(findSimilar, { body: { itemId: 'turned', limit: 1, after: first.next! } })
  assert.deepEqual([...first.items, ...second.items].map(({ itemId }) => itemId).sort(), ['same', 'small'])
  assert.equal(second.next, null)
  const { pdq } = await uploaded(photo)
  const bare = await platform.call(findSimilar, { body: { signals: { pdq: pdq! } } })
  assert.deepEqual(bare.items.map(({ itemId }) => itemId).sort(), ['same', 'small', 'turned'])
  assert.ok(bare.items.find(({ itemId }) => itemId === 'turned')!.transformation)
  assert.equal((await refused(platform.call(findSimilar, { body: { itemId: 'never' } }))).status, 404)
  assert.equal((await refused(platform.call(findSimilar, { body: {} }))).status, 422)
})

test('near-identical photos and texts of a period are grouped, biggest first', async () => {
  const photos = await platform.call(listClusters, { query: {} })
  assert.deepEqual(
    photos.clusters.map(({ parts, sample }) => [parts, sample.map(({ itemId }) => itemId).sort()]),
    [[2, ['same', 'small']]],
    'turned photos are groups of their own',
  )
  const texts = await platform.call(listClusters, { query: { type: 'text-near' } })
  assert.deepEqual(
    texts.clusters.map(({ parts, sample }) => [parts, sample.map(({ itemId }) => itemId).sort()]),
    [[2, ['say-1', 'say-2']]],
  )
  await platform.call(appendEvents, { body: [post('same-again', 'u1', withPhoto(photo))] })
  await until('the group has grown', async () => {
    const { clusters } = await platform.call(listClusters, { query: {} })
    return clusters[0]?.parts === 3 && clusters[0].signals === 2
  })
  const past = { sinceMs: Date.now() - 7_200_000, untilMs: Date.now() - 3_600_000 }
  assert.deepEqual((await platform.call(listClusters, { query: past })).clusters, [])
  assert.equal((await refused(platform.call(listClusters, { query: { sinceMs: 1 } }))).status, 422)
})

test('a preview counts and shows what a new entry would find, and changes nothing', async () => {
  const { pdq, upload } = await uploaded(photo)
  const before = await platform.call(previewRetro, { body: { signals: { pdq: pdq!, sha256: upload } } })
  assert.equal(before.items, 4)
  assert.deepEqual(before.byState, { removed: 0, waiting: 0, decided: 0, untouched: 4 })
  assert.equal(
    before.byDay.reduce((sum, { items }) => sum + items, 0),
    4,
  )
  assert.equal(before.sample.length, 4)
  const text = await platform.call(previewRetro, {
    body: { signals: { text: 'buy the miracle pills from our new shop' } },
  })
  assert.deepEqual(text.sample.map(({ itemId }) => itemId).sort(), ['say-1', 'say-2'])
  assert.equal((await waitingJobs()).length, 0)
})

test('an applied entry brings every past instance before a person, and is taken back in one step', async () => {
  const entryId = await entryWith({ upload: (await uploaded(photo)).upload })
  const applied = await platform.call(applyRetro, {
    body: { bankId, entryId, violation: 'known_media', route: 'review' },
  })
  assert.equal(applied.items, 4)
  const done = await finished(applied.batchId, 'applied')
  assert.deepEqual(done.outcomes, { review: 4 })
  const jobs = await waitingJobs()
  assert.deepEqual(jobs.map((job) => job.itemId).sort(), ['same', 'same-again', 'small', 'turned'])
  const again = await platform.call(previewRetro, { body: { bankId, entryId } })
  assert.equal(again.byState.waiting, 4)

  const undone = await platform.call(undoRetro, {
    params: { batchId: applied.batchId },
    body: { reason: 'wrong photo' },
  })
  assert.equal(undone.state, 'undoing')
  assert.deepEqual((await finished(applied.batchId, 'undone')).undone, { withdrawn: 4 })
  assert.deepEqual(await waitingJobs(), [])
  const twice = await refused(platform.call(undoRetro, { params: { batchId: applied.batchId }, body: { reason: 'x' } }))
  assert.equal(twice.status, 409)
  await platform.call(retireBankEntry, { params: { bankId, entryId }, body: { reason: 'done' } })
})

test('what was decided at once is reversed as quickly', async () => {
  const entryId = await entryWith({ upload: (await uploaded(photo)).upload })
  const applied = await platform.call(applyRetro, {
    body: { bankId, entryId, violation: 'known_media', route: 'auto' },
  })
  const done = await finished(applied.batchId, 'applied')
  assert.deepEqual(done.outcomes, { decided: 4 })
  const standing = async () =>
    (await platform.call(listDecisions, { query: { limit: 100 } })).items.filter(({ status }) => status !== 'reversed')
  assert.equal((await standing()).length, 4)
  assert.equal((await platform.call(previewRetro, { body: { bankId, entryId } })).byState.untouched, 0)
  await platform.call(undoRetro, { params: { batchId: applied.batchId }, body: { reason: 'it was the wrong rule' } })
  assert.deepEqual((await finished(applied.batchId, 'undone')).undone, { reversed: 4 })
  assert.deepEqual(await standing(), [])
  const listed = await platform.call(listRetro, { query: { bankId } })
  assert.deepEqual(
    listed.items.map(({ state }) => state),
    ['undone', 'undone'],
  )
  await platform.call(retireBankEntry, { params: { bankId, entryId }, body: { reason: 'done' } })
})

test('what a person has decided stays when the rest of its batch is taken back', async () => {
  const entryId = await entryWith({ upload: (await uploaded(photo)).upload })
  const body = { bankId, entryId, violation: 'known_media', route: 'review' as const }
  const { batchId } = await platform.call(applyRetro, { body })
  await finished(batchId, 'applied')
  const ann = await app.staff(['senior_reviewer'])
  const job = (await waitingJobs()).find(({ itemId }) => itemId === 'small')!
  const view = await ann.call(claimJob, { params: { jobId: job.jobId } })
  const { decisionId } = await ann.call(decideJob, {
    params: { jobId: job.jobId },
    headers: { 'if-match': view.etag },
    body: { verdict: 'violation', violation: 'known_media' },
  })
  await platform.call(undoRetro, { params: { batchId }, body: { reason: 'the others were not meant' } })
  assert.deepEqual((await finished(batchId, 'undone')).undone, { withdrawn: 3, kept: 1 })
  const decision = await platform.call(getDecision, { params: { decisionId: decisionId! } })
  assert.notEqual(decision.decision.status, 'reversed')
  assert.deepEqual(await waitingJobs(), [])
  await platform.call(retireBankEntry, { params: { bankId, entryId }, body: { reason: 'done' } })
})

test('a retired entry lets go of what still waits because of it', async () => {
  const entryId = await entryWith({ text: 'buy the miracle pills from our new shop' })
  const [withRule, bare] = [{ violation: 'spam', route: 'review' as const }, {}]
  await finished((await platform.call(applyRetro, { body: { bankId, entryId, ...withRule } })).batchId, 'applied')
  assert.equal((await waitingJobs()).length, 2)
  await platform.call(retireBankEntry, { params: { bankId, entryId }, body: { reason: 'it was harmless' } })
  await until('their jobs are gone', async () => (await waitingJobs()).length === 0)

  const second = await entryWith({ text: 'buy the miracle pills from our new shop' })
  const plain = await platform.call(applyRetro, { body: { bankId, entryId: second, ...bare } })
  assert.deepEqual((await finished(plain.batchId, 'applied')).outcomes, { review: 2 })
  assert.equal((await waitingJobs()).length, 2)
  await platform.call(retireBankEntry, { params: { bankId, entryId: second }, body: { reason: 'so was this' } })
  await until('their jobs are gone too', async () => (await waitingJobs()).length === 0)
})

test('an import that is undone, and a merge, let go of what rests on the entries that they take out', async () => {
  const imported = async (lines: object[]) => {
    const answer = await ask(app, 'POST', `/v1/banks/${bankId}/imports`, {
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      type: 'application/x-ndjson',
    })
    const { importId } = answer.body as { importId: string }
    const job = () => platform.call(getImport, { params: { bankId, importId } })
    await until('the import is done', async () => (await job()).status === 'done')
    const { items } = await platform.call(listBankEntries, { params: { bankId }, query: { importId } })
    return { importId, entryIds: items.map(({ entryId }) => entryId) }
  }
  const pills = { text: 'buy the miracle pills from our new shop' }
  const { importId, entryIds } = await imported([pills, { text: 'nothing of the kind was ever posted here' }])
  const apply = async (entryId: string, more: object) =>
    finished((await platform.call(applyRetro, { body: { bankId, entryId, ...more } })).batchId, 'applied')
  const ruled = { violation: 'spam', route: 'review' as const }
  const first = (await platform.call(listBankEntries, { params: { bankId }, query: { importId } })).items.find(
    ({ text }) => text === pills.text,
  )!.entryId
  await apply(first, ruled)
  assert.equal((await waitingJobs()).length, 2)
  await platform.call(undoImport, { params: { bankId, importId }, body: { reason: 'the wrong list' } })
  await until('what the import found is let go', async () => (await waitingJobs()).length === 0)
  assert.equal(entryIds.length, 2)

  // Merged, it lets go of what the kept entry does not match, and of nothing else.
  const wide = await entryWith(pills)
  const exact = await entryWith({ text: 'hi! buy the miracle pills' })
  await apply(wide, {})
  assert.deepEqual((await waitingJobs()).map(({ itemId }) => itemId).sort(), ['say-1', 'say-2'])
  const { items } = await platform.call(previewRetro, { body: { bankId, entryId: exact } })
  assert.ok(items >= 1 && items < 2, `the narrow entry matches ${items}`)
  const merged = await platform.call(mergeBankEntries, {
    params: { bankId },
    body: { keep: exact, retire: [wide], reason: 'the same' },
  })
  await until('what only the merged entry matched is let go', async () => (await waitingJobs()).length === 1)
  assert.deepEqual(
    (await waitingJobs()).map(({ itemId }) => itemId),
    ['say-2'],
  )
  await platform.call(undoMerge, {
    params: { bankId, mergeId: merged.mergeId },
    body: { reason: 'not the same' },
  })
  for (const entryId of [wide, exact])
    await platform.call(retireBankEntry, { params: { bankId, entryId }, body: { reason: 'done' } })
  await until('all of it is let go', async () => (await waitingJobs()).length === 0)
})

test('an entry that finds too much, nothing, or is not there is refused with the reason', async () => {
  const { settings } = await platform.call(getSettings, {})
  const change = async (match: object) => {
    const { etag } = await platform.callFull(getSettings, {})
    await platform.call(updateSettings, {
      headers: { 'if-match': etag! },
      body: { match: { ...settings.match, ...match } },
    })
  }
  const entryId = await entryWith({ upload: (await uploaded(photo)).upload })
  await change({ retroItemsMax: 3 })
  const tooMany = await refused(platform.call(applyRetro, { body: { bankId, entryId } }))
  assert.equal(tooMany.status, 409)
  assert.match(tooMany.problem.detail!, /more than 3 past items/)
  assert.equal((await platform.call(previewRetro, { body: { bankId, entryId } })).complete, false)
  await change({ retroItemsMax: 10_000 })
  const unseen = await entryWith({ text: 'nobody ever wrote this sentence here before' })
  assert.match(
    (await refused(platform.call(applyRetro, { body: { bankId, entryId: unseen } }))).problem.detail!,
    /matches nothing/,
  )
  assert.equal((await refused(platform.call(applyRetro, { body: { bankId, entryId: 'none' } }))).status, 404)

  await change({ retroBanks: { [bankId]: { route: 'review' } } })
  const late = await entryWith({ text: 'what shall we have for dinner' })
  await until('the entry applied itself', async () => {
    const { items } = await platform.call(listRetro, { query: { entryId: late } })
    return items[0]?.state === 'applied' && items[0].items === 1
  })
  await change({ retroBanks: {} })
})

test('another tenant finds its own past and nothing else', async () => {
  await until('their past is searched', async () => (await similarTo('theirs', other)).length === 1)
  assert.deepEqual(await similarTo('theirs', other), ['theirs-2'])
  assert.equal((await refused(other.call(findSimilar, { body: { itemId: 'same' } }))).status, 404)
  const { pdq } = await uploaded(photo)
  const found = await other.call(previewRetro, { body: { signals: { pdq: pdq! } } })
  assert.deepEqual(found.sample.map(({ itemId }) => itemId).sort(), ['theirs', 'theirs-2'])
  const { clusters } = await other.call(listClusters, { query: {} })
  assert.deepEqual(
    clusters.map(({ parts }) => parts),
    [2],
  )
  const [batch] = (await platform.call(listRetro, { query: {} })).items
  assert.equal((await refused(other.call(getRetro, { params: { batchId: batch!.batchId } }))).status, 404)
  assert.deepEqual((await other.call(listRetro, { query: {} })).items, [])
})

test('an erased person is not found in the past any more', async () => {
  assert.ok((await similarTo('same')).includes('turned'))
  const ledger = createLedger({ projectors, clock: () => Date.now(), randomBytes })
  await erasePerson({ db: app.db, ledger, clock: () => Date.now() }, 'default', 'u2', { kind: 'system', part: 'test' })
  assert.ok(!(await similarTo('same')).includes('turned'))
  const rows = await app.db.query("SELECT 1 FROM seen WHERE tenant_id = 'default' AND item_id = 'turned'")
  assert.equal(rows.length, 0)
})
