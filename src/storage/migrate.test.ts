import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { migrate } from './migrate.ts'

test('a migrated database is left alone by a second run', async () => {
  const db = await testDatabase()
  assert.deepEqual(await migrate(db), [])
})

test('a migration that was changed after it ran is refused by name', async () => {
  const db = await testDatabase()
  await db.query(`UPDATE migrations SET sha256 = 'other' WHERE name = '001-core.sql'`)
  await assert.rejects(migrate(db), /"001-core.sql" was changed after it ran/)
})

test('a database of a newer release is refused', async () => {
  const db = await testDatabase()
  await db.query(`INSERT INTO migrations (name, sha256) VALUES ('999-later.sql', 'x')`)
  await assert.rejects(migrate(db), /"999-later.sql".*newer release/)
})
