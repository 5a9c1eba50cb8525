import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Database, Query } from './database.ts'

const folder = new URL('./migrations/', import.meta.url)
// Any fixed number: two programs that start at once must not migrate at once.
const migrateLock = 7_203_119

export type Migration = { name: string; sql: string; sha256: string }

/** The migrations of this release, in the order in which they run (by file name). */
export async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Brings the database to this release, all or nothing, and answers the names of what ran.
 * Refuses a database whose migrations were changed after they ran, or that is newer than this release.
 * With `through`, only those run: the state that a backup was made in.
 */
export async function migrate(
  db: Database,
  options: { through?: readonly { name: string; sha256: string }[] } = {},
): Promise<string[]> {
  const known = await readMigrations()
  const migrations = options.through === undefined ? known : selected(known, options.through)
  return db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [migrateLock])
    await tx.query(`CREATE TABLE IF NOT EXISTS migrations (
      name text PRIMARY KEY, sha256 text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())`)
    const ran = new Map(
      (await tx.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM migrations')).map((row) => [
        row.name,
        row.sha256,
      ]),
    )
    for (const name of ran.keys()) {
      if (!migrations.some((migration) => migration.name === name))
        throw new Error(
          `Cannot migrate: the database has "${name}", which this release does not know; it was made by a newer release`,
        )
    }
    const done: string[] = []
    for (const migration of migrations) {
      const sha256 = ran.get(migration.name)
      if (sha256 === migration.sha256) continue
      if (sha256 !== undefined)
        throw new Error(`Cannot migrate: "${migration.name}" was changed after it ran on this database`)
      await tx.query(migration.sql)
      await tx.query('INSERT INTO migrations (name, sha256) VALUES ($1, $2)', [migration.name, migration.sha256])
      done.push(migration.name)
    }
    return done
  })
}

function selected(known: Migration[], through: readonly { name: string; sha256: string }[]): Migration[] {
  return through.map(({ name, sha256 }) => {
    const migration = known.find((candidate) => candidate.name === name)
    if (migration === undefined)
      throw new Error(`Cannot migrate to "${name}": this release does not know it; it was made by a newer release`)
    if (migration.sha256 !== sha256) throw new Error(`Cannot migrate to "${name}": it has changed since`)
    return migration
  })
}

export type MigrationState = {
  ran: string[]
  pending: string[]
  /** In the database and not in this release, or not with the same text. */
  unknown: string[]
}

/** How a database stands to this release. Changes nothing; an empty database has everything pending. */
export async function migrationState(query: Query): Promise<MigrationState> {
  const known = await readMigrations()
  const [there] = await query<{ there: boolean }>(`SELECT to_regclass('migrations') IS NOT NULL AS there`)
  const rows =
    there?.there === true ? await query<{ name: string; sha256: string }>('SELECT name, sha256 FROM migrations') : []
  const same = (row: { name: string; sha256: string }) =>
    known.some(({ name, sha256 }) => name === row.name && sha256 === row.sha256)
  return {
    ran: rows.filter(same).map((row) => row.name),
    pending: known.filter(({ name }) => rows.every((row) => row.name !== name)).map(({ name }) => name),
    unknown: rows.filter((row) => !same(row)).map((row) => row.name),
  }
}

export type ServerFacts = {
  /** `server_version_num`: 180004 for 18.4. */
  version: number
  versionText: string
  nowMs: number
  fsync: boolean
  bytes: number
}

/** What a database server says about itself, for the doctor and the status page. */
export async function serverFacts(query: Query): Promise<ServerFacts> {
  const [row] = await query<ServerFacts>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS "versionText",
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS "nowMs", current_setting('fsync') = 'on' AS fsync,
       pg_database_size(current_database()) AS bytes`,
  )
  return row!
}
