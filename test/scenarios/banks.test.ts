import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { cancelImport, getImport, listImports, undoImport } from '../../src/http/contract/bank-imports.ts'
import * as contract from '../../src/http/contract/banks.ts'
import {
  bankPrecision,
  checkCanaries,
  hygieneBoard,
  listDuplicates,
  makeCanary,
  removeCanary,
  scanDuplicates,
  type DuplicateGroup,
} from '../../src/http/contract/hygiene.ts'
import { lookupMatches } from '../../src/http/contract/match.ts'
import { createTenant, getSettings, updateSettings } from '../../src/http/contract/settings.ts'
import { createKey } from '../../src/http/access.ts'
import { createClient, type Client } from '../../src/http/client.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { projectors } from '../../src/app.ts'
import { scopes } from '../../src/domain/staff.ts'
import type { Reason } from '../../src/domain/signal.ts'
import { testApp, type TestApp } from '../app.ts'
import { ask, assertIntact, assertProblem } from '../hostile.ts'

let app: TestApp
let other: Client
let otherKey: string
before(async () => {
  app = await testApp()
  await app.platform.call(createTenant, { body: { id: 'sister', name: 'Sister' } })
  const deps = {
    ledger: createLedger({ projectors, clock: Date.now, randomBytes }),
    clock: Date.now,
    randomBytes,
  }
  const made = await app.db.transaction((tx) =>
    createKey(tx, deps, 'sister', { name: 'sister', scopes }, { kind: 'system', part: 'test' }),
  )
  otherKey = made.token
  other = createClient({ baseUrl: app.url, key: otherKey })
})

const hash = () => randomBytes(32).toString('hex')
/** A hash with its first bits flipped. */
const off = (from: string, bits: number) => {
  const bytes = Buffer.from(from, 'hex')
  for (let bit = 0; bit < bits; bit++) bytes[31 - (bit >> 3)]! ^= 1 << (bit & 7)
  return bytes.toString('hex')
}
let banks = 0
const bank = async (more: Record<string, unknown> = {}) =>
  app.platform.call(contract.makeBank, { body: { name: `bank ${banks++}`, ...more } })
const add = (bankId: string, body: Record<string, unknown>) =>
  app.platform.call(contract.makeBankEntry, { params: { bankId }, body })
const find = async (pdq: string, client = app.platform) =>
  (await client.call(lookupMatches, { body: { photos: [{ pdq }] } })).matches
const etag = (version: number) => ({ 'if-match': `"${version}"` })
const send = async (bankId: string, body: string, type = 'application/x-ndjson', query = '') => {
  const answer = await ask(app, 'POST', `/v1/banks/${bankId}/imports${query}`, { body, type })
  assert.equal(answer.status, 202, answer.text)
  return (answer.body as { importId: string }).importId
}
const finished = async (bankId: string, importId: string) => {
  for (;;) {
    const job = await app.platform.call(getImport, { params: { bankId, importId } })
    if (job.status !== 'running') return job
    await wait(20)
  }
}

test('a bank has an owner, sharing, sampling and an expiry, and is changed by whoever saw it last', async () => {
  const made = await bank({ owner: 'ana', ageOutDays: 90, sampling: { reviewShare: 0.1, trafficShare: 1 } })
  assert.deepEqual([made.owner, made.enabled, made.sharing.with, made.ageOutDays], ['ana', true, 'nobody', 90])
  const params = { bankId: made.bankId }
  const changed = await app.platform.call(contract.changeBank, {
    params,
    headers: etag(made.version),
    body: { owner: null, enabled: false, thresholds: { pdq: 20 } },
  })
  assert.deepEqual([changed.owner, changed.enabled, changed.thresholds], [null, false, { pdq: 20 }])
  const path = `/v1/banks/${made.bankId}`
  const patch = (body: unknown) =>
    ask(app, 'PATCH', path, { body: JSON.stringify(body), type: 'application/json', headers: { 'if-match': '*' } })
  for (const [field, body] of [
    ['thresholds.pdq', { thresholds: { pdq: 65 } }],
    ['thresholds.nope', { thresholds: { nope: 1 } }],
    ['sampling.reviewShare', { sampling: { reviewShare: 2, trafficShare: 1 } }],
    ['sharing.tenants', { sharing: { with: 'nobody', tenants: ['a'] } }],
    ['expiresMs', { expiresMs: -1 }],
    ['ageOutDays', { ageOutDays: 0 }],
    ['name', { name: '   ' }],
  ] as const) {
    const problem = assertProblem(await patch(body), 422)
    assert.ok(
      problem.errors!.some((one) => one.field.startsWith(field)),
      `${field}: ${JSON.stringify(problem)}`,
    )
  }
})

test('a bank that is switched off matches nothing, and one whose time is over is switched off', async () => {
  const { bankId, version } = await bank()
  const pdq = hash()
  await add(bankId, { pdq })
  assert.equal((await find(pdq)).length, 1)
  const off1 = await app.platform.call(contract.changeBank, {
    params: { bankId },
    headers: etag(version),
    body: { enabled: false },
  })
  assert.equal((await find(pdq)).length, 0)
  await app.platform.call(contract.changeBank, {
    params: { bankId },
    headers: etag(off1.version),
    body: { enabled: true, expiresMs: Date.now() + 50 },
  })
  for (;;) {
    await wait(100)
    if (!(await app.platform.call(contract.getBank, { params: { bankId } })).enabled) break
  }
  assert.equal((await find(pdq)).length, 0)
})

test('an entry takes signals of any type, and every bad field is named', async () => {
  const { bankId } = await bank()
  const sha256 = hash()
  const made = await add(bankId, {
    signals: { sha256: sha256.toUpperCase(), pdq: hash() },
    metadata: { case: 7 },
    labels: ['a', 'a', 'b'],
    expiresMs: Date.now() + 3_600_000,
  })
  assert.deepEqual([made.signals.sha256, made.labels, made.metadata], [sha256, ['a', 'b'], { case: 7 }])
  const post = (body: unknown) =>
    ask(app, 'POST', `/v1/banks/${bankId}/entries`, { body: JSON.stringify(body), type: 'application/json' })
  for (const [field, body] of [
    ['signals.pdq', { signals: { pdq: 'xyz' } }],
    ['signals.nope', { signals: { nope: 'a' } }],
    ['signals', { signals: {} }],
    ['', { pdq: hash(), text: 'both' }],
    ['', {}],
    ['text', { text: '!!!' }],
    ['metadata', { pdq: hash(), metadata: { big: 'x'.repeat(20_000) } }],
    ['labels', { pdq: hash(), labels: ['x'.repeat(101)] }],
    ['quality', { pdq: hash(), quality: 101 }],
  ] as const) {
    const problem = assertProblem(await post(body), 422)
    assert.ok(
      problem.errors!.some((one) => one.field === field || one.field.startsWith(field)),
      `${field}: ${JSON.stringify(problem)}`,
    )
  }
  assert.match(assertProblem(await post({ signals: { sha256 } }), 409).detail!, new RegExp(made.entryId))
})

test('a draft matches nothing before it goes live, and says what it would match', async () => {
  const { bankId } = await bank()
  const pdq = hash()
  const known = await add(bankId, { pdq })
  const draft = await add(bankId, { pdq: off(pdq, 10), draft: true })
  assert.equal(draft.status, 'pending')
  assert.deepEqual(
    draft.near!.map(({ entryId, distance }) => [entryId, distance]),
    [[known.entryId, 10]],
  )
  assert.equal((await find(off(pdq, 41))).length, 0)
  const params = { bankId, entryId: draft.entryId }
  const seen = await app.platform.call(contract.previewBankEntry, { params, query: {} })
  assert.deepEqual(
    seen.near.map(({ entryId }) => entryId),
    [known.entryId],
  )
  assert.equal((await app.platform.call(contract.goLiveBankEntry, { params, body: {} })).status, 'active')
  assert.deepEqual(
    (await find(off(pdq, 41))).map(({ entryId }) => entryId),
    [draft.entryId],
  )
})

test('an entry is edited, moved, confirmed and disputed, and its history tells it', async () => {
  const { bankId } = await bank()
  const to = await bank()
  const pdq = hash()
  const made = await add(bankId, { pdq, labels: ['old'] })
  const params = { bankId, entryId: made.entryId }
  assertProblem(
    await ask(app, 'PATCH', `/v1/banks/${bankId}/entries/${made.entryId}`, { body: '{}', type: 'application/json' }),
    428,
  )
  const edited = await app.platform.call(contract.editBankEntry, {
    params,
    headers: etag(made.version),
    body: { labels: ['new'], note: 'looked at', metadata: { a: 1 } },
  })
  assert.deepEqual([edited.labels, edited.note, edited.metadata], [['new'], 'looked at', { a: 1 }])
  assert.deepEqual((await find(pdq))[0]!.labels, ['new'], 'lookups tell the new labels')
  await app.platform.call(contract.confirmBankEntry, { params, body: {} })
  const disputed = await app.platform.call(contract.disputeBankEntry, { params, body: { reason: 'a logo' } })
  assert.deepEqual([disputed.confirmations, disputed.disputes], [0, 1], 'the last word of one author counts')
  const { items: opinions } = await app.platform.call(contract.entryOpinions, { params })
  assert.deepEqual(
    opinions.map(({ opinion, reason }) => [opinion, reason]),
    [['disputed', 'a logo']],
  )
  const moved = await app.platform.call(contract.moveBankEntry, { params, body: { toBankId: to.bankId } })
  assert.equal(moved.bankId, to.bankId)
  assert.equal((await find(pdq))[0]!.bank.id, to.bankId)
  const told = await app.platform.call(contract.entryHistory, {
    params: { bankId: to.bankId, entryId: made.entryId },
    query: { limit: 3 },
  })
  assert.deepEqual(
    (told.items as { kind: string }[]).map(({ kind }) => kind),
    ['bank.entry_moved', 'bank.entry_disputed', 'bank.entry_confirmed'],
  )
  const rest = await app.platform.call(contract.entryHistory, {
    params: { bankId: to.bankId, entryId: made.entryId },
    query: { after: told.next! },
  })
  assert.deepEqual(
    (rest.items as { kind: string }[]).map(({ kind }) => kind),
    ['bank.entry_edited', 'bank.entry_added'],
  )
  const counts = await app.platform.call(contract.getBank, { params: { bankId } })
  assert.deepEqual(counts.entries, { pending: 0, active: 0, quarantined: 0, retired: 0 })
})

test('entries are found by filter, search and order, page by page', async () => {
  const { bankId } = await bank()
  const pdq = hash()
  const first = await add(bankId, { pdq, labels: ['red'], source: 'desk' })
  for (let at = 0; at < 6; at++) await add(bankId, { text: `buy number ${at} now`, labels: ['blue'] })
  const list = (query: Record<string, unknown>) =>
    app.platform.call(contract.listBankEntries, { params: { bankId }, query })
  assert.equal((await list({ label: 'blue' })).items.length, 6)
  assert.equal((await list({ source: 'desk' })).items.length, 1)
  assert.equal((await list({ signalType: 'pdq' })).items[0]!.entryId, first.entryId)
  assert.equal((await list({ search: pdq.toUpperCase() })).items[0]!.entryId, first.entryId)
  assert.equal((await list({ search: 'NUMBER 3' })).items.length, 1)
  assert.equal((await list({ search: '100%' })).items.length, 0)
  for (const order of ['added', 'matches', 'precision', 'lastMatch'] as const) {
    const seen: string[] = []
    for (let after: string | null | undefined; after !== null;) {
      const page = await list({ order, limit: 3, ...(after === undefined ? {} : { after }) })
      seen.push(...page.items.map(({ entryId }) => entryId))
      after = page.next
    }
    assert.equal(new Set(seen).size, 7, order)
    assert.equal(seen.length, 7, order)
  }
  const counts = await app.platform.call(contract.countBankEntries, { params: { bankId }, query: {} })
  assert.deepEqual([counts.entries, counts.byStatus], [7, { active: 7 }])
  assert.deepEqual(counts.byLabel, [
    { name: 'blue', entries: 6 },
    { name: 'red', entries: 1 },
  ])
})

test('an import says row by row what it refused, counts duplicates, and is undone in one step', async () => {
  const { bankId } = await bank()
  const [a, b] = [hash(), hash()]
  const body = [
    JSON.stringify({ pdq: a, labels: ['x'] }),
    JSON.stringify({ type: 'sha256', value: b }),
    JSON.stringify({ pdq: a }),
    '{broken',
    JSON.stringify({ pdq: 'short' }),
    JSON.stringify({ text: 'known words', wrong: 1 }),
    '',
    JSON.stringify({ text: 'known words' }),
  ].join('\n')
  const importId = await send(bankId, body, 'application/x-ndjson', '?labels=list&source=desk&name=list.ndjson')
  const job = await finished(bankId, importId)
  assert.deepEqual([job.status, job.rows, job.done, job.accepted, job.duplicate, job.refused], ['done', 7, 7, 3, 1, 3])
  const errors = (await ask(app, 'GET', `/v1/banks/${bankId}/imports/${importId}/errors`)).text
  const lines = errors
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; problems: { field: string }[] })
  assert.deepEqual(
    lines.map(({ line, problems }) => [line, problems[0]!.field]),
    [
      [4, ''],
      [5, 'pdq'],
      [6, 'wrong'],
    ],
  )
  const [match] = await find(a)
  assert.deepEqual(match!.labels, ['list', 'x'])
  const entry = await app.platform.call(contract.getBankEntry, { params: { bankId, entryId: match!.entryId } })
  assert.deepEqual([entry.source, entry.importId], ['desk', importId])
  const { items: history } = await app.platform.call(contract.entryHistory, {
    params: { bankId, entryId: match!.entryId },
    query: {},
  })
  assert.equal((history[0] as { body: { entries: unknown[] } }).body.entries.length, 1)
  const undone = await app.platform.call(undoImport, { params: { bankId, importId }, body: {} })
  assert.equal(undone.status, 'undone')
  assert.equal((await find(a)).length, 0)
  const counts = await app.platform.call(contract.getBank, { params: { bankId } })
  assert.deepEqual(counts.entries, { pending: 0, active: 0, quarantined: 0, retired: 3 })
  assert.equal((await app.platform.call(listImports, { params: { bankId }, query: {} })).items.length, 1)
  assertProblem(await ask(app, 'POST', `/v1/banks/${bankId}/imports`, { body: 'a,b\n1,2', type: 'text/csv' }), 422)
  assertProblem(await ask(app, 'POST', `/v1/banks/${bankId}/imports`, { body: 'x', type: 'text/html' }), 415)
  assertProblem(
    await ask(app, 'POST', `/v1/banks/${bankId}/imports`, { body: '\n', type: 'application/x-ndjson' }),
    400,
  )
})

test('what was exported can be imported again, as NDJSON and as CSV', async () => {
  const { bankId } = await bank()
  await add(bankId, { signals: { pdq: hash(), sha256: hash() }, quality: 90, labels: ['a', 'b,c'], note: 'say "hi"' })
  await add(bankId, { text: 'win a phone, now\nor never', metadata: { case: 1 } })
  await add(bankId, { pdq: hash(), draft: true })
  for (const format of ['ndjson', 'csv'] as const) {
    const answer = await ask(app, 'GET', `/v1/banks/${bankId}/export?format=${format}`)
    assert.equal(answer.status, 200)
    const copy = await bank()
    const type = format === 'csv' ? 'text/csv' : 'application/x-ndjson'
    const job = await finished(copy.bankId, await send(copy.bankId, answer.text, type))
    assert.deepEqual([job.accepted, job.refused], [3, 0], answer.text)
    const list = async (id: string) =>
      (await app.platform.call(contract.listBankEntries, { params: { bankId: id }, query: {} })).items
        .map(({ signals, quality, labels, note, metadata, status }) => ({
          signals,
          quality,
          labels,
          note,
          metadata,
          status,
        }))
        .sort((one, two) => (JSON.stringify(one.signals) < JSON.stringify(two.signals) ? -1 : 1))
    assert.deepEqual(await list(copy.bankId), await list(bankId))
  }
})

test('near-duplicates are listed as a group, merged in one step, and parted again', async () => {
  const { bankId } = await bank()
  const pdq = hash()
  const keep = await add(bankId, { pdq, labels: ['a'] })
  const other1 = await add(bankId, { pdq: off(pdq, 8), labels: ['b'] })
  const other2 = await add(bankId, { pdq: off(pdq, 20), labels: ['a', 'c'] })
  await app.platform.call(scanDuplicates, { body: {} })
  let items: DuplicateGroup[] = []
  while ((items[0]?.entries.length ?? 0) < 3) {
    await wait(100)
    items = (await app.platform.call(listDuplicates, { query: { bankId } })).items
  }
  assert.deepEqual(
    items.map(({ groupId, entries }) => [groupId, entries.map(({ entryId, distance }) => [entryId, distance])]),
    [
      [
        keep.entryId,
        [
          [keep.entryId, 8],
          [other1.entryId, 8],
          [other2.entryId, 12],
        ],
      ],
    ],
  )
  const merged = await app.platform.call(contract.mergeBankEntries, {
    params: { bankId },
    body: { keep: keep.entryId, retire: [other1.entryId, other2.entryId] },
  })
  assert.deepEqual(merged.kept.labels, ['a', 'b', 'c'])
  assert.deepEqual(
    (await find(off(pdq, 20))).map(({ entryId }) => entryId),
    [keep.entryId],
  )
  const gone = await app.platform.call(contract.getBankEntry, { params: { bankId, entryId: other1.entryId } })
  assert.deepEqual([gone.status, gone.mergedInto], ['retired', keep.entryId])
  assert.deepEqual((await app.platform.call(listDuplicates, { query: { bankId } })).items, [])
  const undone = await app.platform.call(contract.undoMerge, {
    params: { bankId, mergeId: merged.mergeId },
    body: {},
  })
  assert.deepEqual(undone.kept.labels, ['a'])
  assert.equal((await find(pdq)).length, 3)
})

test('a canary tells when its probe no longer matches, and when one begins to', async () => {
  const { bankId } = await bank()
  const [good, bad] = [hash(), hash()]
  const { entryId } = await add(bankId, { pdq: good })
  const canary = await app.platform.call(makeCanary, {
    params: { bankId },
    body: { expects: 'match', signals: { pdq: off(good, 5) }, entryId },
  })
  assert.equal(canary.state, 'ok')
  const negative = await app.platform.call(makeCanary, {
    params: { bankId },
    body: { expects: 'no-match', signals: { pdq: bad }, note: 'our logo' },
  })
  assert.equal(negative.state, 'ok')
  await app.platform.call(contract.retireBankEntry, { params: { bankId, entryId }, body: { reason: 'test' } })
  await add(bankId, { pdq: off(bad, 3) })
  const { items } = await app.platform.call(checkCanaries, { params: { bankId }, body: {} })
  assert.deepEqual(
    items.map(({ state }) => state),
    ['failing', 'failing'],
  )
  const board = await app.platform.call(hygieneBoard, { query: { bankId } })
  assert.equal(board.counts.canariesFailing, 2)
  assert.match(board.canaries[0]!.because, /no longer matches/)
  await app.platform.call(removeCanary, { params: { bankId, canaryId: canary.canaryId } })
  assertProblem(await ask(app, 'DELETE', `/v1/banks/${bankId}/canaries/${canary.canaryId}`), 404)
})

test('another team matches against a shared bank by its own thresholds, sees none that is not shared, and loses it when it is taken back', async () => {
  const shared = await bank({ action: 'remove', sharing: { with: 'listed', tenants: ['sister'] } })
  const secret = await bank()
  const { bankId } = shared
  const [pdq, hidden] = [hash(), hash()]
  const entry = await add(bankId, { pdq, labels: ['theirs'] })
  await add(secret.bankId, { pdq: hidden })
  assert.equal((await find(pdq, other)).length, 0)
  const offered = await other.call(contract.listBanks, { query: { shared: 'offered' } })
  assert.deepEqual(
    offered.items.map(({ bankId: id, ownerTenantId }) => [id, ownerTenantId]),
    [[bankId, 'default']],
  )
  const refusal = await other
    .call(contract.subscribeBank, { params: { bankId: secret.bankId }, body: {} })
    .catch((error: Error & { status: number }) => error.status)
  assert.equal(refusal, 404)
  const mine = await other.call(contract.subscribeBank, {
    params: { bankId },
    body: { thresholds: { pdq: 10 }, action: 'review' },
  })
  assert.deepEqual([mine.thresholds, mine.action, mine.enabled], [{ pdq: 10 }, 'review', true])
  const [match] = await find(off(pdq, 10), other)
  assert.deepEqual(
    [match!.entryId, match!.bank.action, match!.threshold, match!.labels],
    [entry.entryId, 'review', 10, ['theirs']],
  )
  assert.equal((await find(off(pdq, 11), other)).length, 0, 'its own threshold')
  assert.equal((await find(off(pdq, 11))).length, 1, 'that of the owner is as it was')
  assert.equal((await find(hidden, other)).length, 0)
  // New entries reach it, retired ones leave it.
  const later = hash()
  const added = await add(bankId, { pdq: later })
  assert.equal((await find(later, other)).length, 1)
  await app.platform.call(contract.retireBankEntry, {
    params: { bankId, entryId: added.entryId },
    body: { reason: 'x' },
  })
  assert.equal((await find(later, other)).length, 0)
  // Entries are the owner's alone.
  const foreign = await other
    .call(contract.listBankEntries, { params: { bankId }, query: {} })
    .catch((error: Error & { status: number }) => error.status)
  assert.equal(foreign, 404)
  const subscribers = await app.platform.call(contract.listSubscriptions, { params: { bankId } })
  assert.deepEqual(
    subscribers.items.map(({ tenantId }) => tenantId),
    ['sister'],
  )
  await app.platform.call(contract.changeBank, {
    params: { bankId },
    headers: { 'if-match': '*' },
    body: { sharing: { with: 'nobody', tenants: [] } },
  })
  assert.equal((await find(pdq, other)).length, 0, 'taken back')
  await app.platform.call(contract.changeBank, {
    params: { bankId },
    headers: { 'if-match': '*' },
    body: { sharing: { with: 'everyone', tenants: [] } },
  })
  assert.equal((await find(pdq, other)).length, 1)
  await other.call(contract.unsubscribeBank, { params: { bankId } })
  assert.equal((await find(pdq, other)).length, 0)
})

/** Asks for what is done every minute, and waits until it was. */
const swept = async (until: () => Promise<boolean>) => {
  await app.platform.call(scanDuplicates, { body: {} })
  while (!(await until())) await wait(50)
}
const statusOf = async (bankId: string, entryId: string) =>
  app.platform.call(contract.getBankEntry, { params: { bankId, entryId } })

test('an entry that matches far more than its own past is held for review, and one that always did is not', async () => {
  const { bankId } = await bank()
  const [calm, busy] = [await add(bankId, { pdq: hash() }), await add(bankId, { pdq: hash() })]
  const spanMs = Date.now() - (Date.now() % 600_000)
  const count = (entryId: string, agoSpans: number, matches: number) =>
    app.db.query('INSERT INTO entry_match_counts VALUES ($1, $2, $3, $4)', [
      'default',
      entryId,
      spanMs - agoSpans * 600_000,
      matches,
    ])
  // Both were banked a week ago; one of them has always been busy.
  await app.db.query(
    'UPDATE bank_entries SET added_ms = added_ms - 604800000, status_ms = added_ms - 604800000 WHERE bank_id = $1',
    [bankId],
  )
  for (let span = 20; span < 900; span += 20) await count(busy.entryId, span, 1_000)
  await count(calm.entryId, 200, 3)
  await count(calm.entryId, 0, 500)
  await count(busy.entryId, 0, 500)
  await swept(async () => (await statusOf(bankId, calm.entryId)).status === 'quarantined')
  const held = await statusOf(bankId, calm.entryId)
  assert.equal(held.hold, 'review')
  assert.match(held.statusReason!, /^flood: 500 matches within 60 minutes/)
  assert.equal((await statusOf(bankId, busy.entryId)).status, 'active')
  assert.match((await find(calm.signals.pdq!))[0]!.review!, /held back/)
  const board = await app.platform.call(hygieneBoard, { query: { bankId } })
  assert.deepEqual(
    board.floods.map(({ entry, matches }) => [entry.entryId, matches]),
    [[calm.entryId, 500]],
  )
  assert.deepEqual([board.counts.quarantined, board.quarantined[0]!.entryId], [1, calm.entryId])
  // Released, the same flood does not hold it again: somebody has looked.
  await app.platform.call(contract.releaseBankEntry, {
    params: { bankId, entryId: calm.entryId },
    body: { reason: 'a meme' },
  })
  // As it was, for the projections to be made again.
  await app.db.query('UPDATE bank_entries SET added_ms = added_ms + 604800000 WHERE bank_id = $1', [bankId])
  await app.db.query('UPDATE bank_entries SET status_ms = added_ms WHERE entry_id = $1', [busy.entryId])
  await wait(2_500)
  assert.equal((await statusOf(bankId, calm.entryId)).status, 'active')
})

test('an entry that people find wrong again and again is held back by its precision', async () => {
  const { bankId } = await bank()
  const { entryId } = await add(bankId, { pdq: hash() })
  const ledger = createLedger({ projectors, clock: Date.now, randomBytes })
  const by = {
    author: { kind: 'person', id: 'ana' } as const,
    automation: 'none' as const,
    because: [] as Reason[],
    occurredAtMs: Date.now(),
  }
  const subject = { kind: 'actor', id: 'u1' } as const
  const verdict = async (right: boolean) =>
    app.db.transaction(async (tx) => {
      const [proposed] = await ledger.append(tx, 'default', [
        {
          ...by,
          kind: 'violation.proposed',
          subject,
          body: {
            eventId: 'e',
            rule: { id: 'r', version: 1 },
            violation: 'scam',
            severity: 2,
            context: 'feed',
            confidence: 1,
            actorId: 'u1',
            occurredAtMs: by.occurredAtMs,
            route: 'review',
            match: { bankId, entryId, signalType: 'pdq', distance: 0, threshold: 31 },
            facts: { eventId: 'e', signals: [], features: {}, labels: {}, lists: {} },
          },
        },
      ])
      await ledger.append(tx, 'default', [
        {
          ...by,
          kind: (right ? 'violation.confirmed' : 'violation.dismissed') as 'violation.dismissed',
          subject,
          body: { proposalEntryId: proposed!.id },
        },
      ])
    })
  await verdict(true)
  for (let times = 0; times < 9; times++) await verdict(false)
  await swept(async () => (await statusOf(bankId, entryId)).status === 'quarantined')
  const held = await statusOf(bankId, entryId)
  assert.match(held.statusReason!, /^precision: 9 of 10 matches/)
  assert.deepEqual([held.matches, held.confirmed, held.dismissed, held.precision.share], [10, 1, 9, 0.1])
  assert.ok(held.precision.high < 0.5 && held.precision.low > 0)
  await app.platform.call(contract.releaseBankEntry, {
    params: { bankId, entryId },
    body: { reason: 'the rule was wrong' },
  })
  await wait(2_500)
  assert.equal((await statusOf(bankId, entryId)).status, 'active', 'what was looked at is forgiven')
  const worst = await app.platform.call(contract.listBankEntries, { params: { bankId }, query: { order: 'precision' } })
  assert.equal(worst.items[0]!.entryId, entryId)
  const { items: records } = await app.platform.call(bankPrecision, { query: { bankId } })
  const [{ matches, precision, days }] = records as [(typeof records)[0]]
  assert.deepEqual([records.length, matches, precision], [1, 10, held.precision])
  const sum = (side: 'right' | 'wrong') => days.reduce((all, day) => all + day[side], 0)
  assert.deepEqual([sum('right'), sum('wrong')], [1, 9])
  assert.ok(days.every(({ dayMs }) => dayMs % 86_400_000 === 0))
  const all = await app.platform.call(bankPrecision, { query: {} })
  assert.deepEqual(all.items.find((one) => one.bankId === bankId)!.precision, held.precision)
})

test('what an entry is held for goes to review, and a tenant beyond its quota is told so', async () => {
  const { bankId } = await bank({ action: 'remove' })
  const pdq = hash()
  const { entryId } = await add(bankId, { pdq })
  const held = await app.platform.call(contract.quarantineBankEntry, {
    params: { bankId, entryId },
    body: { reason: 'too many', hold: 'review' },
  })
  assert.deepEqual([held.status, held.hold], ['quarantined', 'review'])
  const [match] = await find(pdq)
  assert.match(match!.review!, /held back/)
  await app.platform.call(contract.releaseBankEntry, { params: { bankId, entryId }, body: { reason: 'fine' } })
  assert.equal((await find(pdq))[0]!.review, undefined)
  const { settings } = await app.platform.call(getSettings, {})
  const set = (entriesMax: number) =>
    app.platform.call(updateSettings, {
      headers: { 'if-match': '*' },
      body: { banks: { ...settings.banks, entriesMax } },
    })
  await set(1)
  const answer = await ask(app, 'POST', `/v1/banks/${bankId}/entries`, {
    body: JSON.stringify({ pdq: hash() }),
    type: 'application/json',
  })
  assert.match(assertProblem(answer, 409).detail!, /may hold 1 bank entries/)
  const job = await finished(bankId, await send(bankId, JSON.stringify({ pdq: hash() })))
  assert.equal(job.refused, 1)
  await set(settings.banks.entriesMax)
})

test(
  'twenty thousand rows of which most are the same go in fast, and an import can be cancelled',
  { timeout: 120_000 },
  async () => {
    const { bankId } = await bank()
    const same = JSON.stringify({ pdq: hash() })
    const rows = Array.from({ length: 20_000 }, (_, at) => (at % 2 === 0 ? same : JSON.stringify({ pdq: hash() })))
    const job = await finished(bankId, await send(bankId, rows.join('\n')))
    assert.deepEqual([job.accepted, job.duplicate], [10_001, 9_999])
    const importId = await send(
      bankId,
      rows
        .map(() => JSON.stringify({ sha256: hash() }))
        .join('\n')
        .replaceAll('"sha256"', '"type":"sha256","value"'),
    )
    const answer = await app.platform
      .call(cancelImport, { params: { bankId, importId }, body: {} })
      .catch((error: Error) => error)
    const end = await finished(bankId, importId)
    if (answer instanceof Error) assert.equal(end.status, 'done', 'it was faster')
    else assert.equal(end.status, 'cancelled')
  },
)

test('nothing of all that is lost or made up: projections rebuild the same and the ledger verifies', async () => {
  await assertIntact(app)
})
