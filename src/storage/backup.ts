import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { PoolClient } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { Clock } from '../domain/ids.ts'
import type { Database } from './database.ts'
import { writeTarGz, type TarEntry } from './tar.ts'

export const backupFormat = 'custos-backup@1'
export const manifestName = 'manifest.json'
/** A table is cut into parts of about this size, because an archive wants to know sizes before content. */
const partBytes = 4 * 1024 * 1024

export type BackupTable = {
  name: string
  columns: string[]
  rows: number
  bytes: number
  parts: number
  /** SHA-256 over all parts in order. */
  sha256: string
}

export type BackupManifest = {
  format: typeof backupFormat
  release: string
  createdAt: string
  migrations: { name: string; sha256: string }[]
  /** In an order that foreign keys allow. */
  tables: BackupTable[]
  sequences: { name: string; last: number }[]
  /** Above every transaction id in the archive; new rows continue from here. */
  streamTop: string
  /** Head of each tenant's hash chain, to be found again after a restore. */
  ledgers: { tenantId: string; sequence: number; hash: string }[]
  files: { path: string; bytes: number; sha256: string }[]
  secretKeyIncluded: boolean
}

export type BackupOptions = {
  db: Database
  dataDir: string
  /** File to write; must not exist. */
  out: string
  release: string
  clock: Clock
  /** Without it the archive is harmless to lose, and needs CUSTOS_SECRET_KEY to be of use. */
  includeSecretKey: boolean
  secretKeyFile: string
  onProgress?: (line: string) => void
}

/**
 * Writes everything that Custos keeps into one .tar.gz: all tables as of one moment, and the files of the data folder.
 * Works while the server runs. The archive gets its name only once it is whole and on disk.
 */
export async function writeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { db, clock } = options
  const out = resolve(options.out)
  if (existsSync(out)) throw new Error(`Cannot write the backup: ${out} exists already`)
  const part = `${out}.part`
  await rm(part, { force: true })
  const client = await db.connect()
  // Heard through the query that fails; unheard it would end the process.
  const ignore = () => {}
  client.on('error', ignore)
  const manifest: BackupManifest = {
    format: backupFormat,
    release: options.release,
    createdAt: new Date(clock()).toISOString(),
    migrations: [],
    tables: [],
    sequences: [],
    streamTop: '0',
    ledgers: [],
    files: [],
    secretKeyIncluded: false,
  }
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await describe(client, manifest)
    await writeTarGz(part, entries(client, manifest, options, out))
    await client.query('COMMIT')
    await rename(part, out)
    await syncFolder(dirname(out))
    return manifest
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    await rm(part, { force: true })
    throw error
  } finally {
    client.off('error', ignore)
    client.release()
  }
}

async function describe(client: PoolClient, manifest: BackupManifest): Promise<void> {
  const all = async <R extends object>(sql: string) => (await client.query<R>(sql)).rows
  manifest.migrations = await all('SELECT name, sha256 FROM migrations ORDER BY name')
  manifest.ledgers = await all(
    `SELECT tenant_id AS "tenantId", sequence, encode(hash, 'hex') AS hash FROM ledger_heads ORDER BY tenant_id`,
  )
  const [top] = await all<{ top: string }>(
    `SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + stream_base())::text AS top`,
  )
  manifest.streamTop = top!.top
  const tables = await all<{ name: string; columns: string[]; needs: string[] }>(
    `SELECT c.relname AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       ARRAY(SELECT DISTINCT r.relname::text FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid
        WHERE k.contype = 'f' AND k.conrelid = c.oid AND k.confrelid <> c.oid) AS needs
     FROM pg_class c
     WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'migrations'
     ORDER BY c.relname`,
  )
  manifest.tables = inForeignKeyOrder(tables).map(({ name, columns }) => ({
    name,
    columns,
    rows: 0,
    bytes: 0,
    parts: 0,
    sha256: '',
  }))
}

/** Tables in an order in which each comes after those that it refers to. Throws when they refer in a circle. */
export function inForeignKeyOrder<T extends { name: string; needs: string[] }>(tables: readonly T[]): T[] {
  const placed: T[] = []
  const left = new Map(tables.map((table) => [table.name, table]))
  while (left.size > 0) {
    const ready = [...left.values()].filter((table) => table.needs.every((name) => !left.has(name)))
    if (ready.length === 0) throw new Error(`Tables refer to each other in a circle: ${[...left.keys()].join(', ')}`)
    for (const table of ready) {
      placed.push(table)
      left.delete(table.name)
    }
  }
  return placed
}

async function* entries(
  client: PoolClient,
  manifest: BackupManifest,
  options: BackupOptions,
  out: string,
): AsyncGenerator<TarEntry> {
  for (const table of manifest.tables) {
    const hash = createHash('sha256')
    const columns = table.columns.map(quoteName).join(', ')
    const stream = client.query(copyTo(`COPY ${quoteName(table.name)} (${columns}) TO STDOUT`))
    for await (const content of inParts(stream)) {
      hash.update(content)
      table.bytes += content.length
      yield { name: partName(table.name, table.parts++), size: content.length, content }
    }
    table.rows = stream.rowCount
    table.sha256 = hash.digest('hex')
    if (table.rows > 0) options.onProgress?.(`${table.name}: ${table.rows} rows`)
  }
  // Sequences are outside of snapshots: read last, they stand at or above every row that was written.
  manifest.sequences = (
    await client.query<{ name: string; last: number }>(
      `SELECT sequencename AS name, last_value AS last FROM pg_sequences
       WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY 1`,
    )
  ).rows
  for await (const path of keptFiles(options.dataDir)) {
    if (resolve(options.dataDir, path) === out) continue
    if (path === options.secretKeyFile) {
      if (!options.includeSecretKey) continue
      manifest.secretKeyIncluded = true
    }
    const full = join(options.dataDir, path)
    const { size } = await stat(full)
    const hash = createHash('sha256')
    yield { name: `files/${path}`, size, content: hashing(createReadStream(full), hash) }
    manifest.files.push({ path, bytes: size, sha256: hash.digest('hex') })
  }
  const content = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  yield { name: manifestName, size: content.length, content }
}

async function* inParts(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    parts.push(chunk)
    bytes += chunk.length
    if (bytes < partBytes) continue
    yield Buffer.concat(parts)
    parts = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(parts)
}

async function* hashing(stream: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    hash.update(chunk)
    yield chunk
  }
}

/** What a restored data folder makes anew: the cluster, its socket and password, locks, drafts, logs. */
const notKept =
  /^(postgres|run-[^/]*|backups|logs|tmp)(\/|$)|^\.postgres-password-|^custos\.lock|^postgres\.location$|\.part$/

/** Files of the data folder that a backup holds, as paths with forward slashes, in order. */
export async function* keptFiles(dataDir: string, folder = ''): AsyncGenerator<string> {
  const found = await readdir(join(dataDir, folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (notKept.test(path)) continue
    if (entry.isDirectory()) yield* keptFiles(dataDir, path)
    else if (entry.isFile()) yield path
  }
}

/** Name of a part of a table in the archive: `tables/events/000001`. */
export function partName(table: string, index: number): string {
  return `tables/${table}/${String(index).padStart(6, '0')}`
}

/** An SQL identifier in quotes. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

async function syncFolder(path: string): Promise<void> {
  // A rename is durable once its folder is; Windows cannot open folders and needs none of this.
  const handle = await open(path).catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** Whether a path of an archive stays inside the folder that it is put in. */
export function isInside(path: string): boolean {
  return path !== '' && !isAbsolute(path) && !path.split(/[\\/]/).includes('..')
}
