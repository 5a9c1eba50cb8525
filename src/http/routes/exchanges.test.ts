import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { testApp, type TestApp } from '../../../test/app.ts'
import { createKey, defaultTenantId } from '../access.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { ApiError, createClient, type Client } from '../client.ts'
import { goLiveImport, getImport, makeImport, undoImport, type BankImport } from '../contract/bank-imports.ts'
import {
  makeBank,
  makeBankEntry,
  mergeBankEntries,
  moveBankEntry,
  retireBankEntry,
  undoMerge,
} from '../contract/banks.ts'
import * as contract from '../contract/exchanges.ts'
import { randomBytes } from 'node:crypto'

let app: TestApp
let platform: Client
before(async () => {
  app = await testApp()
  platform = app.platform
})
const refused = async (call: Promise<unknown>, status: number) => {
  const error = await call.then(
    () => assert.fail('it was accepted'),
    (reason: unknown) => reason as ApiError,
  )
  assert.equal(error.status, status, error.message)
  return error.problem
}
const until = async <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => {
  for (let tries = 0; ; tries++) {
    const value = await read()
    if (holds(value) || tries > 600) return value
    await new Promise((done) => setTimeout(done, 100))
  }
}

test('an exchange is set up with its bank, changed under its ETag, and never tells its credentials', async () => {
  const kinds = await platform.call(contract.listExchangeKinds, {})
  assert.equal(kinds.items.length, 6)
  const settings = { environment: 'test-industry', baseUrl: app.url }
  const credentials = { user: 'name', password: 'very-secret' }
  await refused(platform.call(contract.makeExchange, { body: { kind: 'ncmec', name: 'N', settings: {} } }), 422)
  const inner = { environment: 'test-industry', baseUrl: 'http://10.0.0.1' }
  const problem = await refused(
    platform.call(contract.makeExchange, { body: { kind: 'ncmec', name: 'N', settings: inner } }),
    422,
  )
  assert.match(problem.errors![0]!.problem, /not a public address/)
  const made = await platform.callFull(contract.makeExchange, {
    body: {
      kind: 'ncmec',
      name: 'N',
      settings,
      enabled: false,
      sendBack: { seen: false, confirm: true, dispute: true },
    },
  })
  assert.equal(made.status, 201)
  assert.equal(made.body.status, 'off')
  const params = { exchangeId: made.body.exchangeId }
  await refused(platform.call(contract.makeExchange, { body: { kind: 'ncmec', name: 'N', settings } }), 409)
  await refused(
    platform.call(contract.changeExchange, {
      params,
      body: { sendBack: { seen: true, confirm: true, dispute: true } },
      headers: { 'if-match': made.etag! },
    }),
    422,
  )
  const set = await platform.callFull(contract.setExchangeCredentials, { params, body: credentials })
  assert.deepEqual(set.body.credentials.set, ['password', 'user'])
  assert.ok(set.body.credentials.setMs! > 0)
  await refused(platform.call(contract.setExchangeCredentials, { params, body: { user: 'x' } }), 422)
  await refused(platform.call(contract.changeExchange, { params, body: { name: 'M' } }), 428)
  await refused(
    platform.call(contract.changeExchange, { params, body: { name: 'M' }, headers: { 'if-match': made.etag! } }),
    412,
  )
  const changed = await platform.call(contract.changeExchange, {
    params,
    body: { name: 'M', everyMinutes: 5, filter: { owners: ['42'] } },
    headers: { 'if-match': set.etag! },
  })
  assert.deepEqual([changed.name, changed.everyMinutes, changed.filter], ['M', 5, { owners: ['42'] }])

  const tables = await app.db.query<{ text: string }>(
    `SELECT (SELECT string_agg(e::text, '') FROM exchanges e) || (SELECT string_agg(l::text, '') FROM ledger_entries l) AS text`,
  )
  assert.ok(!tables[0]!.text.includes('very-secret'), 'the secret stands nowhere in the clear')
  const failed = await refused(platform.call(contract.previewExchange, { params, body: {} }), 502)
  assert.match(failed.detail!, /Nothing was changed/)
  await platform.call(contract.deleteExchange, { params, query: {} })
  await refused(platform.call(contract.getExchange, { params }), 404)
})

test('a file is uploaded, its records are shown, and other tenants see none of it', async () => {
  const { exchangeId, bankId } = await platform.call(contract.makeExchange, { body: { kind: 'file', name: 'list' } })
  const upload = async (body: string) => {
    const response = await fetch(`${app.url}/v1/exchanges/${exchangeId}/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.key}`, 'content-type': 'text/plain' },
      body,
    })
    assert.equal(response.status, 200)
    return (await response.json()) as contract.ExchangeRun
  }
  const run = await upload(`pdq ${'f8'.repeat(32)}\nmd5 ${'a'.repeat(32)}\nnonsense_type x\n`)
  assert.deepEqual([run.state, run.counts.added, run.unsupported], ['done', 2, { nonsense_type: 1 }])
  const params = { exchangeId }
  await refused(platform.call(contract.runExchange, { params, body: {} }), 409)
  const records = await platform.call(contract.listExchangeRecords, { params, query: { state: 'live' } })
  assert.equal(records.items.length, 2)
  const { record } = await platform.call(contract.getEntryExchange, {
    params: { bankId, entryId: records.items[0]!.entryId! },
  })
  assert.deepEqual([record!.exchangeName, record!.externalId], ['list', records.items[0]!.externalId])
  const again = await upload(`pdq ${'f8'.repeat(32)}\n`)
  assert.deepEqual([again.counts.unchanged, again.counts.withdrawn], [1, 2])

  const clock = () => Date.now()
  const deps = { ledger: createLedger({ projectors: [], clock, randomBytes }), clock, randomBytes }
  await app.db.query(`INSERT INTO tenants (id, name) VALUES ('other', 'Other')`)
  const { token } = await app.db.transaction((tx) =>
    createKey(
      tx,
      deps,
      'other',
      { name: 'k', scopes: ['exchanges:read', 'exchanges:write'] },
      { kind: 'system', part: 't' },
    ),
  )
  const other = createClient({ baseUrl: app.url, key: token })
  assert.deepEqual((await other.call(contract.listExchanges, { query: {} })).items, [])
  await refused(other.call(contract.getExchange, { params }), 404)
  await refused(other.call(contract.deleteExchange, { params, query: {} }), 404)

  const removed = await platform.call(contract.deleteExchange, { params, query: { entries: 'retire' } })
  assert.equal(removed.retired, 1)
})

test('one installation follows a bank of another, and tells it what came of its entries', async () => {
  const { bankId } = await platform.call(makeBank, { body: { name: 'shared' } })
  const add = (text: string) => platform.call(makeBankEntry, { params: { bankId }, body: { text, labels: ['scam'] } })
  const first = await add('send me your gift cards now')
  const { token: key } = await app.db.transaction((tx) => {
    const clock = () => Date.now()
    const deps = { ledger: createLedger({ projectors: [], clock, randomBytes }), clock, randomBytes }
    return createKey(
      tx,
      deps,
      defaultTenantId,
      { name: 'partner', scopes: ['sharing:read', 'sharing:write'] },
      { kind: 'system', part: 't' },
    )
  })
  const follower = await platform.call(contract.makeExchange, {
    body: {
      kind: 'custos',
      name: 'partner',
      settings: { baseUrl: app.url, bankId },
      credentials: { key },
      sendBack: { seen: true, confirm: true, dispute: true },
    },
  })
  const params = { exchangeId: follower.exchangeId }
  const live = () => platform.call(contract.listExchangeRecords, { params, query: { state: 'live' } })
  // The feed reaches as far as the ledger is sealed, which the first run may come too early for.
  const runAgain = async () => {
    await platform.call(contract.runExchange, { params, body: {} }).catch(() => {})
    return live()
  }
  const fetched = await until(runAgain, ({ items }) => items.length === 1)
  assert.equal(fetched.items[0]!.externalId, first.entryId)
  assert.deepEqual(fetched.items[0]!.tags, ['scam'])

  const second = await add('this other message is bad too')
  await platform.call(retireBankEntry, { params: { bankId, entryId: first.entryId }, body: { reason: 'old' } })
  const changed = await until(runAgain, ({ items }) => items[0]?.externalId === second.entryId)
  assert.deepEqual(
    changed.items.map(({ externalId }) => externalId),
    [second.entryId],
  )
  const withdrawn = await platform.call(contract.listExchangeRecords, { params, query: { state: 'withdrawn' } })
  assert.equal(withdrawn.items[0]!.externalId, first.entryId)

  const [record] = changed.items
  await platform.call(contract.makeExchangeFeedback, {
    params,
    body: { entryId: record!.entryId!, opinion: 'dispute', because: 'a joke' },
  })
  const about = await until(
    () => platform.call(contract.getEntryExchange, { params: { bankId, entryId: second.entryId } }),
    ({ opinions }) => opinions.length > 0,
  )
  assert.deepEqual(
    about.opinions.map(({ fromName, opinion, because }) => [fromName, opinion, because]),
    [['partner', 'dispute', 'a joke']],
  )
  const sent = await until(
    () => platform.call(contract.listExchangeFeedback, { params, query: {} }),
    ({ items }) => items[0]?.state === 'sent',
  )
  assert.equal(sent.items[0]!.state, 'sent')
  const told = await platform.call(contract.getEntryExchange, {
    params: { bankId: record!.bankId, entryId: record!.entryId! },
  })
  assert.equal(told.record!.sent[0]!.opinion, 'dispute')
  await refused(createClient({ baseUrl: app.url, key }).call(contract.listExchanges, { query: {} }), 403)

  const feed = await platform.call(contract.listBankChanges, { params: { bankId }, query: { limit: 1 } })
  assert.equal(feed.more, true)
  await refused(platform.call(contract.listBankChanges, { params: { bankId }, query: { after: 'x' } }), 422)
})

test('the feed of a bank tells imports that went live or were undone, merges and moves, page by page', async () => {
  const { bankId } = await platform.call(makeBank, { body: { name: 'followed' } })
  const elsewhere = await platform.call(makeBank, { body: { name: 'elsewhere' } })
  const held = new Map<string, string>()
  let after: string | undefined
  /** Follows the feed as another installation does, a page of three at a time, until it says what is expected. */
  const follows = async (expected: Record<string, number>, itemsMax = 3) => {
    const counted = () => {
      const counts: Record<string, number> = {}
      for (const status of held.values()) counts[status] = (counts[status] ?? 0) + 1
      return counts
    }
    await until(
      async () => {
        for (;;) {
          const page = await platform.call(contract.listBankChanges, {
            params: { bankId },
            query: { limit: 3, ...(after === undefined ? {} : { after }) },
          })
          assert.ok(page.items.length <= itemsMax, `a page has ${page.items.length}`)
          after = page.next
          for (const { entryId, status, signals } of page.items) {
            held.set(entryId, status)
            assert.equal(Object.keys(signals).length > 0, status !== 'retired')
          }
          if (!page.more) return counted()
        }
      },
      (counts) => JSON.stringify(counts) === JSON.stringify(expected),
    )
    assert.deepEqual(counted(), expected)
  }
  const rows = Array.from({ length: 8 }, (_, at) => ({ text: `a known message number ${at}`, draft: true }))
  const answer = await fetch(`${app.url}${makeImport.path.replace(':bankId', bankId)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app.key}`, 'content-type': 'application/x-ndjson' },
    body: rows.map((row) => JSON.stringify(row)).join('\n'),
  })
  const { importId } = (await answer.json()) as BankImport
  const params = { bankId, importId }
  await until(
    () => platform.call(getImport, { params }),
    ({ status }) => status === 'done',
  )
  await follows({})
  await platform.call(goLiveImport, { params, body: {} })
  // What was added together is told together.
  await follows({ active: 8 }, 8)
  const [one, two] = [...held.keys()]
  const merged = await platform.call(mergeBankEntries, { params: { bankId }, body: { keep: one!, retire: [two!] } })
  await follows({ active: 7, retired: 1 })
  await platform.call(undoMerge, { params: { bankId, mergeId: merged.mergeId }, body: {} })
  await follows({ active: 8 })
  const moved = { bankId, entryId: one! }
  await platform.call(moveBankEntry, { params: moved, body: { toBankId: elsewhere.bankId } })
  await follows({ retired: 1, active: 7 })
  await platform.call(moveBankEntry, {
    params: { bankId: elsewhere.bankId, entryId: one! },
    body: { toBankId: bankId },
  })
  await follows({ active: 8 })
  await platform.call(undoImport, { params, body: {} })
  await follows({ retired: 8 })
})
