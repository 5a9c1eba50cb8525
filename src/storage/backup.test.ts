import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { NewEntry } from '../domain/entry.ts'
import { createLedger } from '../ledger/ledger.ts'
import { createSealer, verifyLedger } from '../ledger/seal.ts'
import { testDatabase } from '../../test/database.ts'
import { inForeignKeyOrder, keptFiles, writeBackup } from './backup.ts'
import { openDatabase, type Database } from './database.ts'
import { effectsRead } from '../../test/horizon.ts'
import { restoreBackup, verifyBackup } from './restore.ts'
import { readTarGz, writeTarGz, type TarEntry } from './tar.ts'

const ledger = createLedger({ projectors: [], clock: () => 5, randomBytes })
const label = (id: string) =>
  ({
    kind: 'label.applied',
    subject: { kind: 'actor', id },
    occurredAtMs: 1,
    author: { kind: 'system', part: 'test' },
    automation: 'full',
    because: [{ name: 'n', value: 'line\nbreak\ttab\\ é', because: 'x' }],
    body: { label: 'x' },
  }) as NewEntry

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'custos-backup-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

async function sealAll(db: Database) {
  const sealer = createSealer(db)
  for (let quiet = 0; quiet < 3;) quiet = (await sealer.tick()) === 0 ? quiet + 1 : 0
}

async function fill(db: Database, from: number, count: number) {
  for (let n = from; n < from + count; n++) {
    await db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO events (tenant_id, event_id, type, context, actor_id, occurred_ms, received_ms, body)
         VALUES ('a', $1, 'message.sent', 'feed', 'u1', 1, 1, '{"text":"\\\\ \\u00e9"}')`,
        [`e${n}`],
      )
      await tx.query(
        `INSERT INTO outbox (id, tenant_id, subject, topic, body, created_ms, next_ms)
         VALUES (gen_random_uuid(), 'a', 'actor:u1', 't', $1, 1, 1)`,
        [{ n }],
      )
      await ledger.append(tx, 'a', [label(`u${n}`)])
    })
  }
}

/** A database without any tables on the test server. */
async function emptyDatabase(
  t: TestContext,
  like: { host: string; user: string; password: string },
): Promise<Database> {
  const admin = openDatabase({ ...like, database: 'postgres', poolSize: 1 })
  const database = `restored_${randomBytes(6).toString('hex')}`
  await admin.query(`CREATE DATABASE ${database}`)
  const db = openDatabase({ ...like, database, poolSize: 4 })
  t.after(async () => {
    await db.close()
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`)
    await admin.close()
  })
  return db
}

const backupOf = (db: Database, dataDir: string, out: string) =>
  writeBackup({
    db,
    dataDir,
    out,
    release: '0.1.0',
    clock: () => 1_700_000_000_000,
    includeSecretKey: true,
    secretKeyFile: 'secret.key',
  })

test('a restored database is the same to the byte, verifies, and goes on where the old one stopped', async (t) => {
  const dir = await folder(t)
  const dataDir = join(dir, 'old')
  await mkdir(join(dataDir, 'media/a'), { recursive: true })
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'media/a/picture'), randomBytes(100_000))
  await writeFile(join(dataDir, 'secret.key'), 'the key')
  await writeFile(join(dataDir, 'postgres/PG_VERSION'), '18')
  const old = await testDatabase()
  // As if the old cluster were far ahead of the new one in transaction ids.
  await old.query('CREATE OR REPLACE FUNCTION stream_base() RETURNS bigint LANGUAGE sql IMMUTABLE RETURN 5000000000')
  await fill(old, 0, 40)
  await sealAll(old)
  const held = await effectsRead(old.query, 'a', '', 25)
  const before = await verifyLedger(old.query, 'a')
  assert.ok(before.ok)
  assert.equal(before.entries, 40)

  const out = join(dir, 'backup.tar.gz')
  const written = await backupOf(old, dataDir, out)
  const manifest = await verifyBackup(out)
  assert.deepEqual(manifest, written)
  assert.deepEqual(
    manifest.files.map((file) => file.path),
    ['media/a/picture', 'secret.key'],
  )

  const db = await emptyDatabase(t, old.options)
  const newDir = join(dir, 'new')
  await restoreBackup({ db, dataDir: newDir, archive: out, manifest })
  assert.deepEqual(await readFile(join(newDir, 'media/a/picture')), await readFile(join(dataDir, 'media/a/picture')))
  assert.deepEqual(await verifyLedger(db.query, 'a'), before)
  for (const { name, columns } of manifest.tables) {
    const all = `SELECT ${columns.map((column) => `"${column}"::text`).join(', ')} FROM "${name}" ORDER BY 1, 2`
    assert.deepEqual(await db.query(all), await old.query(all), name)
  }

  // The cursor that a platform held before goes on: the rest of the old effects first, then the new ones, none twice.
  await fill(db, 40, 5)
  const rest = await effectsRead(db.query, 'a', held.next!, 1_000)
  assert.deepEqual(
    rest.items.map((effect) => (effect.body as { n: number }).n),
    Array.from({ length: 20 }, (_, index) => index + 25),
  )
  await sealAll(db)
  const after = await verifyLedger(db.query, 'a')
  assert.ok(after.ok)
  assert.equal(after.entries, 45)
  await assert.rejects(db.query(`DELETE FROM ledger_entries`), /append-only/)

  // A backup of the restored one restores as well.
  const again = join(dir, 'again.tar.gz')
  const second = await backupOf(db, newDir, again)
  assert.ok(BigInt(second.streamTop) > BigInt(manifest.streamTop))
  const third = await emptyDatabase(t, old.options)
  await restoreBackup({ db: third, dataDir: join(dir, 'third'), archive: again, manifest: second })
  assert.deepEqual(await verifyLedger(third.query, 'a'), after)
})

test('a backup taken while events arrive holds one moment', async (t) => {
  const dir = await folder(t)
  const db = await testDatabase()
  await fill(db, 0, 20)
  let filling = true
  const filler = (async () => {
    for (let n = 20; filling; n++) await fill(db, n, 1)
  })()
  const manifest = await backupOf(db, join(dir, 'data'), join(dir, 'b.tar.gz'))
  filling = false
  await filler
  const rows = (name: string) => manifest.tables.find((table) => table.name === name)!.rows
  assert.ok(rows('events') >= 20)
  assert.equal(rows('outbox'), rows('events'))
  assert.equal(rows('ledger_entries'), rows('events'))
})

test('a changed, missing or added part is refused before anything is restored', async (t) => {
  const dir = await folder(t)
  const db = await testDatabase()
  await fill(db, 0, 3)
  const out = join(dir, 'good.tar.gz')
  await backupOf(db, join(dir, 'data'), out)
  const rewrite = async (name: string, change: (entry: { name: string; content: Buffer }) => (typeof entry)[]) => {
    const path = join(dir, name)
    await writeTarGz(
      path,
      (async function* (): AsyncGenerator<TarEntry> {
        for await (const entry of readTarGz(out))
          for (const { name, content } of change({
            name: entry.name,
            content: Buffer.concat(await Array.fromAsync(entry.content)),
          }))
            yield { name, size: content.length, content }
      })(),
    )
    return path
  }
  const isEvents = (name: string) => name.startsWith('tables/events/')
  const flip = (content: Buffer) => content.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) as Buffer
  await assert.rejects(
    verifyBackup(await rewrite('1', (e) => [isEvents(e.name) ? { ...e, content: flip(e.content) } : e])),
    /"tables\/events" does not have the SHA-256/,
  )
  await assert.rejects(
    verifyBackup(await rewrite('2', (e) => (isEvents(e.name) ? [] : [e]))),
    /"tables\/events" is missing/,
  )
  await assert.rejects(
    verifyBackup(await rewrite('3', (e) => (isEvents(e.name) ? [e, { ...e, name: 'files/x' }] : [e]))),
    /"files\/x" is not in its manifest/,
  )
  await assert.rejects(
    verifyBackup(await rewrite('4', (e) => (e.name === 'manifest.json' ? [] : [e]))),
    /it has no manifest.json/,
  )
  const evil = await rewrite('5', (e) => [
    e.name === 'manifest.json'
      ? { ...e, content: Buffer.from(e.content.toString().replace('custos-backup@1', 'custos-backup@9')) }
      : e,
  ])
  await assert.rejects(verifyBackup(evil), /format is "custos-backup@9"/)
})

test('a database that is not empty is refused, and so is a backup of a newer release', async (t) => {
  const dir = await folder(t)
  const db = await testDatabase()
  const out = join(dir, 'b.tar.gz')
  const manifest = await backupOf(db, join(dir, 'data'), out)
  const dataDir = join(dir, 'new')
  await assert.rejects(restoreBackup({ db, dataDir, archive: out, manifest }), /already has \d+ tables/)
  const empty = await emptyDatabase(t, db.options)
  const newer = { ...manifest, migrations: [...manifest.migrations, { name: '999-later.sql', sha256: 'x' }] }
  await assert.rejects(restoreBackup({ db: empty, dataDir, archive: out, manifest: newer }), /newer release/)
  await assert.rejects(backupOf(db, dataDir, out), /exists already/)
  assert.deepEqual(await readdir(dir), ['b.tar.gz'], 'a refused backup leaves no draft behind')
})

test('tables come after those that they refer to', () => {
  const order = inForeignKeyOrder([
    { name: 'a', needs: ['c'] },
    { name: 'b', needs: [] },
    { name: 'c', needs: ['b'] },
  ])
  assert.deepEqual(
    order.map((table) => table.name),
    ['b', 'c', 'a'],
  )
  assert.throws(
    () =>
      inForeignKeyOrder([
        { name: 'a', needs: ['b'] },
        { name: 'b', needs: ['a'] },
      ]),
    /circle: a, b/,
  )
})

test('a data folder that does not exist holds nothing to keep', async () => {
  assert.deepEqual(await Array.fromAsync(keptFiles('/does/not/exist')), [])
})
