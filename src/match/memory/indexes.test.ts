import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { before, beforeEach, test } from 'node:test'
import type { NewEntry } from '../../domain/entry.ts'
import { uuidv7 } from '../../domain/ids.ts'
import { createLedger } from '../../ledger/ledger.ts'
import type { Query } from '../../storage/database.ts'
import { testDatabase } from '../../../test/database.ts'
import { addBankEntries, changeBankEntry, createBank, type ChangeContext } from '../changes.ts'
import { bankProjector } from '../project.ts'
import { subscribe, unsubscribe } from '../sharing/changes.ts'
import type { TenantIndex } from '../tenant-index.ts'
import { createTenantIndexes } from './indexes.ts'
import { selectBankChanges, selectSnapshot, selectTenantsByEntries } from './store.ts'

let db: Awaited<ReturnType<typeof testDatabase>>
let tenantId: string
let tenants = 0
let nowMs = 1_700_000_000_000
const clock = () => nowMs++
const ledger = createLedger({ projectors: [bankProjector], clock, randomBytes })
before(async () => {
  db = await testDatabase()
})
beforeEach(() => {
  tenantId = `t${tenants++}`
})

const context = (): ChangeContext => ({
  author: { kind: 'person', id: 'ana' },
  nowMs: clock(),
  newId: () => uuidv7(clock(), randomBytes),
})
const append = (entries: NewEntry[], of = tenantId) => db.transaction((tx) => ledger.append(tx, of, entries))
const hashOf = (n: number | string) => createHash('sha256').update(String(n)).digest('hex')
const bank = async (of = tenantId, more = {}) => {
  const made = await createBank(db.query, of, { name: 'known', purpose: '', action: 'review', ...more }, context())
  assert.ok(made.ok)
  await append(made.entries, of)
  return made.bankId
}
/** Adds entries with the hashes of these names; answers their ids. */
const fill = async (bankId: string, names: readonly (number | string)[], of = tenantId) => {
  const inputs = names.map((name) => ({ pdq: { hash: hashOf(name), quality: 100 } }))
  const added = await addBankEntries(db.query, of, bankId, inputs, context())
  assert.ok(added.ok)
  await append(added.entries, of)
  return added.results.map((one) => (one.outcome === 'accepted' ? one.entryId : assert.fail(one.outcome)))
}
const range = (length: number, from = 0) => Array.from({ length }, (_, at) => from + at)
const finds = async (index: TenantIndex, name: number | string) =>
  (await index.find({ photos: [{ pdq: hashOf(name) }] })).map(({ entryId }) => entryId)

/** Holds back the queries of one tenant's load until `go` is called. */
const holding = (heldTenant: string) => {
  let go = () => {}
  const held = new Promise<void>((done) => (go = done))
  let waiting = 0
  const query: Query = async (sql, params, name) => {
    if (name === 'bank-entries-searched' && params?.[0] === heldTenant) {
      waiting++
      await held
    }
    return db.query(sql, params, name)
  }
  return { query, go: () => go(), waiting: () => waiting }
}

test('a large index is loaded whole, in one part, and takes what changed meanwhile', async () => {
  const bankId = await bank()
  const ids = await fill(bankId, range(3_000))
  const { query, go, waiting } = holding(tenantId)
  const indexes = createTenantIndexes({ query })
  const loading = indexes.of(tenantId)
  while (waiting() === 0) await new Promise((done) => setTimeout(done, 5))
  const [late] = await fill(bankId, ['late'])
  const gone = await changeBankEntry(db.query, tenantId, bankId, ids[7]!, 'retire', 'old', context())
  assert.ok(gone.ok)
  await append(gone.entries)
  go()
  const index = await loading
  assert.equal(index.size, 3_000)
  assert.deepEqual(await finds(index, 'late'), [late])
  assert.deepEqual(await finds(index, 7), [])
  for (const n of [0, 999, 1_000, 2_999]) assert.deepEqual(await finds(index, n), [ids[n]])
  const [stats] = index.stats()
  assert.equal(stats!.parts.length, 1)
  assert.ok(index.bytes > 3_000 * 200 && index.bytes < 3_000 * 400)
  indexes.close()
})

test('who is loaded holds up nobody else: lookups and refreshes of other tenants go on', async () => {
  const big = tenantId
  await fill(await bank(), range(10))
  const other = `${tenantId}-other`
  const bankId = await bank(other)
  const { query, go } = holding(big)
  const indexes = createTenantIndexes({ query })
  const loading = indexes.of(big)
  const index = await indexes.of(other)
  const [id] = await fill(bankId, ['fresh'], other)
  await indexes.refresh(other)
  assert.deepEqual(await finds(index, 'fresh'), [id])
  go()
  assert.equal((await loading).size, 10)
  assert.equal(await indexes.of(big), await loading)
  indexes.close()
})

test('a change is told once, however long another transaction stays open, and in pages', async () => {
  const bankId = await bank()
  const beginning = await selectSnapshot(db.query)
  const open = await db.connect()
  try {
    // Anything that has a transaction id and does not end, as a backup or a long import.
    await open.query('BEGIN')
    await open.query('SELECT pg_current_xact_id()')
    await fill(bankId, range(25))
    const told: string[] = []
    let until: string | undefined
    for (let after; ;) {
      const page = await selectBankChanges(db.query, beginning, { until, after, limit: 10 })
      told.push(...page.changes.map(({ entryId }) => entryId))
      until = page.until
      after = page.changes.at(-1)
      if (page.changes.length < 10) break
    }
    assert.equal(new Set(told).size, 25)
    assert.equal(told.length, 25)
    const [late] = await fill(bankId, ['late'])
    const again = await selectBankChanges(db.query, until!, { limit: 10 })
    assert.deepEqual(
      again.changes.map(({ entryId }) => entryId),
      [late],
    )
    // What the open one did becomes a change when it commits, though it began before all others.
    await open.query(
      `INSERT INTO bank_changes (tenant_id, bank_id, entry_id, xid) VALUES ($1, $2, 'slow', pg_current_xact_id())`,
      [tenantId, bankId],
    )
    assert.deepEqual((await selectBankChanges(db.query, again.until, { limit: 10 })).changes, [])
    await open.query('COMMIT')
    const slow = await selectBankChanges(db.query, again.until, { limit: 10 })
    assert.deepEqual(
      slow.changes.map(({ entryId }) => entryId),
      ['slow'],
    )
  } finally {
    await open.query('ROLLBACK')
    open.release()
  }
})

test('tenants are loaded ahead, those used lately and the largest first, as far as memory reaches', async () => {
  const own = await testDatabase()
  const shared = db
  db = own
  try {
    const sizes = { small: 5, large: 40, used: 2 }
    for (const [of, size] of Object.entries(sizes)) await fill(await bank(of), range(size), of)
    await own.query(`INSERT INTO tenants (id, name) VALUES ('used', 'used')`)
    await own.query(
      `INSERT INTO api_keys (id, tenant_id, name, hash, scopes, created_ms, last_used_ms) VALUES ('k', 'used', 'k', '', '{}', 1, 5000)`,
    )
    const wanted = await selectTenantsByEntries(own.query, 4_000)
    assert.deepEqual(wanted, [
      { tenantId: 'used', entries: 2 },
      { tenantId: 'large', entries: 40 },
      { tenantId: 'small', entries: 5 },
    ])
    const indexes = createTenantIndexes({ query: own.query })
    const loading = indexes.loadAhead(wanted)
    assert.deepEqual(indexes.ahead(), { tenants: 3, tenantsReady: 0, entries: 47, entriesReady: 0 })
    await loading
    assert.deepEqual(indexes.ahead(), { tenants: 3, tenantsReady: 3, entries: 47, entriesReady: 47 })
    assert.equal(indexes.size().entries, 47)

    const tight = createTenantIndexes({ query: own.query, bytesMax: 3_000 })
    await tight.loadAhead(wanted)
    assert.deepEqual(tight.ahead(), { tenants: 2, tenantsReady: 2, entries: 42, entriesReady: 42 })
    assert.deepEqual(tight.size().tenants, 1, 'the larger one took the place of the first')
    // Whoever asks gets an answer all the same, and the one not asked for longest goes.
    assert.equal((await tight.of('small')).size, 5)
    assert.equal((await tight.of('used')).size, 2)
    assert.equal(tight.size().tenants, 2)
    assert.deepEqual((await finds(await tight.of('small'), 3)).length, 1)
    for (const one of [indexes, tight]) one.close()
  } finally {
    db = shared
  }
})

test('a large bank that a tenant subscribes to is read beside the refreshes, and let go again', async () => {
  const owner = tenantId
  const bankId = await bank(owner, { sharing: { with: 'everyone', tenants: [] } })
  await fill(bankId, range(2_000), owner)
  const reader = `${tenantId}-reader`
  const ownBank = await bank(reader)
  const slow = holding(owner)
  // Its first page is read at once, to see how large it is.
  const query: Query = (sql, params, name) => (params?.[1] === '' ? db.query : slow.query)(sql, params, name)
  const indexes = createTenantIndexes({ query })
  const index = await indexes.of(reader)
  const joined = await subscribe(db.query, reader, bankId, {}, context())
  assert.ok(joined.ok)
  await append(joined.entries, reader)
  const refreshed = indexes.refresh(reader)
  while (slow.waiting() === 0) await new Promise((done) => setTimeout(done, 5))
  const [own] = await fill(ownBank, ['own'], reader)
  await indexes.refresh()
  assert.deepEqual(await finds(index, 'own'), [own], 'what changes elsewhere does not wait for it')
  slow.go()
  await refreshed
  assert.equal(index.size, 2_001)
  assert.equal((await finds(index, 1_234)).length, 1)
  const left = await unsubscribe(db.query, reader, bankId, context())
  assert.ok(left.ok)
  await append(left.entries, reader)
  await indexes.refresh(reader)
  assert.deepEqual(await finds(index, 1_234), [])
  assert.deepEqual(await finds(index, 'own'), [own])
  assert.equal(index.size, 1)
  indexes.close()
})
