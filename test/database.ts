import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openDatabase, type Database } from '../src/storage/database.ts'
import { startEmbedded, type Embedded } from '../src/storage/embedded.ts'
import { migrate, readMigrations } from '../src/storage/migrate.ts'

/** Where the test server of this checkout lives; bin/test.mjs stops it when all files are done. */
export const testServerDir = join(
  tmpdir(),
  `custos-test-${createHash('sha256').update(process.cwd()).digest('hex').slice(0, 8)}`,
)

let server: Promise<Embedded> | undefined
let count = 0
const cleanups: (() => Promise<void>)[] = []
// Registered here, at the root: a hook registered inside another hook would run when that one ends.
after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

/** Runs when all tests of the file are done: what came last first, so that a product ends before its database is dropped. */
export const whenDone = (cleanup: () => Promise<void>): void => void cleanups.push(cleanup)

/** The real PostgreSQL of the test run: one server a checkout, started by the first test that needs it. */
export async function testServer(): Promise<Embedded> {
  server ??= lockedStart()
  return server
}

async function lockedStart(): Promise<Embedded> {
  // Test files run in processes of their own; only one of them may run initdb.
  const { mkdir, rmdir } = await import('node:fs/promises')
  await mkdir(testServerDir, { recursive: true })
  const lock = join(testServerDir, 'starting')
  for (let tries = 0; ; tries++) {
    try {
      await mkdir(lock)
      break
    } catch {
      if (tries > 1_200) await rmdir(lock).catch(() => {})
      await new Promise((done) => setTimeout(done, 25))
    }
  }
  try {
    return await startEmbedded({ dataDir: testServerDir, durable: false, log: () => {} })
  } finally {
    await rmdir(lock).catch(() => {})
  }
}

/** A migrated, empty database of its own for one test file; dropped when the file is done. */
export async function testDatabase(): Promise<
  Database & { options: { host: string; user: string; password: string; database: string } }
> {
  const { host, user, password } = await testServer()
  const admin = openDatabase({ host, user, password, database: 'postgres', poolSize: 1 })
  const stamp = createHash('sha256')
    .update(JSON.stringify(await readMigrations()))
    .digest('hex')
    .slice(0, 12)
  const template = `template_${stamp}`
  const lockClient = await admin.connect()
  await lockClient.query('SELECT pg_advisory_lock(71)')
  try {
    const { rowCount } = await lockClient.query('SELECT 1 FROM pg_database WHERE datname = $1', [template])
    if (rowCount === 0) {
      await lockClient.query(`DROP DATABASE IF EXISTS ${template}_making`)
      await lockClient.query(`CREATE DATABASE ${template}_making`)
      const making = openDatabase({ host, user, password, database: `${template}_making`, poolSize: 1 })
      await migrate(making)
      await making.close()
      await lockClient.query(`ALTER DATABASE ${template}_making RENAME TO ${template}`)
    }
    const database = `test_${process.pid}_${count++}`
    await lockClient.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
    await lockClient.query(`CREATE DATABASE ${database} TEMPLATE ${template}`)
    const options = { host, user, password, database }
    const db = openDatabase({ ...options, poolSize: 8 })
    cleanups.push(async () => {
      await db.close().catch(() => {})
      const dropper = openDatabase({ host, user, password, database: 'postgres', poolSize: 1 })
      await dropper.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
      await dropper.close()
    })
    return { ...db, options }
  } finally {
    await lockClient.query('SELECT pg_advisory_unlock(71)').catch(() => {})
    lockClient.release()
    await admin.close()
  }
}
