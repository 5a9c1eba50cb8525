import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import type { NewEntry } from '../domain/entry.ts'
import type { Database } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import { testDatabase } from '../../test/database.ts'
import { horizonReached } from '../../test/horizon.ts'
import { createLedger, type Projector } from './ledger.ts'
import { chainOf, entriesAbout, entryById } from './read.ts'
import { rebuildProjections } from './rebuild.ts'
import { createSealer, verifyLedger } from './seal.ts'
import { createVault } from './vault.ts'

let db: Database
before(async () => {
  db = await testDatabase()
  await db.query(
    'CREATE TABLE last_seen (tenant_id text, subject_id text, entry_id uuid, PRIMARY KEY (tenant_id, subject_id))',
  )
})

// The last writer wins: the most order-sensitive projection there is.
const lastSeen: Projector = {
  name: 'last-seen',
  tables: ['last_seen'],
  kinds: ['label.applied'],
  async project(tx, entry) {
    await tx.query(
      'INSERT INTO last_seen VALUES ($1, $2, $3) ON CONFLICT (tenant_id, subject_id) DO UPDATE SET entry_id = excluded.entry_id',
      [entry.tenantId, entry.subject.id, entry.id],
    )
  },
}
let nowMs = 1_700_000_000_000
const ledger = createLedger({ projectors: [lastSeen], clock: () => nowMs++, randomBytes })
const label = (id: string, more: Partial<NewEntry> = {}) =>
  ({
    kind: 'label.applied',
    subject: { kind: 'actor', id },
    occurredAtMs: 1,
    author: { kind: 'system', part: 'test' },
    automation: 'full',
    because: [],
    body: { label: 'x' },
    ...more,
  }) as NewEntry

async function sealAll() {
  const sealer = createSealer(db)
  // What is sealed ends at a cut that every open transaction of the server has passed, those of other test files too.
  await sealer.tick()
  await horizonReached(db.query)
  for (let quiet = 0; quiet < 3;) quiet = (await sealer.tick()) === 0 ? quiet + 1 : 0
}

test('an entry is found by id, subject and chain of causes', async () => {
  const [first] = await db.transaction((tx) => ledger.append(tx, 'a', [label('u1')]))
  const [second] = await db.transaction((tx) => ledger.append(tx, 'a', [label('u1', { cause: first!.id })]))
  assert.equal((await entryById(db.query, 'a', first!.id))?.id, first!.id)
  assert.equal(await entryById(db.query, 'b', first!.id), undefined, 'another tenant must not see it')
  assert.equal(await entryById(db.query, 'a', `'; DROP TABLE ledger_entries --`), undefined)
  assert.deepEqual(
    (await entriesAbout(db.query, 'a', { kind: 'actor', id: 'u1' })).map((entry) => entry.id),
    [second!.id, first!.id],
  )
  assert.deepEqual(
    (await chainOf(db.query, 'a', second!.id)).map((entry) => entry.id),
    [second!.id, first!.id],
  )
})

test('an effect key enters the ledger once, also when two transactions try at the same time', async () => {
  const tries = await Promise.all(
    Array.from({ length: 8 }, () =>
      db.transaction((tx) => ledger.append(tx, 'a', [label('u2', { effectKey: 'event:rule:1' })])),
    ),
  )
  assert.equal(tries.flat().length, 1)
  assert.equal((await entriesAbout(db.query, 'a', { kind: 'actor', id: 'u2' })).length, 1)
})

test('text that PostgreSQL cannot store does not fail the entry', async () => {
  const [entry] = await db.transaction((tx) =>
    ledger.append(tx, 'a', [label('u3', { because: [{ name: 'n', value: 'a\u0000b\ud800c', because: '\u0000' }] })]),
  )
  assert.equal((await entryById(db.query, 'a', entry!.id))!.because[0]!.value, 'a\uFFFDb\uFFFDc')
})

test('entries cannot be changed or removed', async () => {
  await assert.rejects(db.query(`UPDATE ledger_entries SET kind = 'x'`), /append-only/)
  await assert.rejects(db.query(`DELETE FROM ledger_entries`), /append-only/)
  await assert.rejects(db.query(`TRUNCATE ledger_entries CASCADE`), /append-only/)
})

test('concurrent writers seal into one chain, in the order that projections saw, and a rebuild is identical', async () => {
  const writer = async (n: number) => {
    for (let round = 0; round < 25; round++) {
      const subject = `s${(n + round) % 3}`
      await db
        .transaction(async (tx) => {
          await lockKeys(tx, [`actor:${subject}`])
          await ledger.append(tx, 'c', [label(subject), label(subject)])
          if (round % 7 === 3) throw new Error('roll back')
        })
        .catch((error: Error) => assert.equal(error.message, 'roll back'))
    }
  }
  const sealer = createSealer(db)
  let writing = true
  const sealing = (async () => {
    while (writing) await sealer.tick()
  })()
  await Promise.all(Array.from({ length: 6 }, (_, n) => writer(n)))
  writing = false
  await sealing
  await sealAll()
  const verification = await verifyLedger(db.query, 'c')
  assert.ok(verification.ok, JSON.stringify(verification))
  const [{ count } = { count: 0 }] = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM ledger_entries WHERE tenant_id = 'c'`,
  )
  assert.equal(verification.entries, count)
  const report = await rebuildProjections(db, [lastSeen], ['a', 'c'])
  assert.deepEqual(
    report.tables.map((table) => table.same),
    [true],
  )
})

test('tampering with a sealed entry shows', async () => {
  await sealAll()
  await db.query('ALTER TABLE ledger_entries DISABLE TRIGGER ALL')
  await db.query(
    `UPDATE ledger_entries SET body = '{"label":"y"}' WHERE tenant_id = 'a' AND ordinal = (SELECT min(ordinal) FROM ledger_entries WHERE tenant_id = 'a')`,
  )
  await db.query('ALTER TABLE ledger_entries ENABLE TRIGGER ALL')
  const verification = await verifyLedger(db.query, 'a')
  assert.ok(!verification.ok)
  assert.equal(verification.sequence, 1)
})

test('erasing a person makes their words unreadable and nobody else’s', async () => {
  const vault = createVault({ secretKey: 'secret', clock: () => 5, randomBytes })
  const [mine, yours] = await db.transaction(
    async (tx) => [await vault.seal(tx, 'a', 'me', 'my words'), await vault.seal(tx, 'a', 'you', 'yours')] as const,
  )
  assert.equal(await vault.open(db.query, 'a', mine), 'my words')
  await db.transaction((tx) => vault.erase(tx, 'a', 'me'))
  assert.equal(await vault.open(db.query, 'a', mine), undefined)
  assert.equal(await vault.open(db.query, 'a', yours), 'yours')
})
