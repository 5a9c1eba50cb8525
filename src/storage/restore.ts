import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { backupFormat, isInside, manifestName, quoteName, type BackupManifest } from './backup.ts'
import type { Database } from './database.ts'
import { migrate } from './migrate.ts'
import { readTarGz } from './tar.ts'

/**
 * Reads an archive from end to end and answers its manifest. Throws when it is cut off, when a part is missing, changed
 * or added, or when it is of a kind that this release does not know. Changes nothing.
 */
export async function verifyBackup(path: string, onProgress?: (line: string) => void): Promise<BackupManifest> {
  const seen = new Map<string, { bytes: number; sha256: string; parts: number }>()
  let manifest: BackupManifest | undefined
  let current: { key: string; hash: ReturnType<typeof createHash>; bytes: number; parts: number } | undefined
  const settle = () => {
    if (current !== undefined)
      seen.set(current.key, { bytes: current.bytes, parts: current.parts, sha256: current.hash.digest('hex') })
    current = undefined
  }
  for await (const entry of readTarGz(path)) {
    if (entry.name === manifestName) {
      manifest = parseManifest(Buffer.concat(await Array.fromAsync(entry.content)).toString(), path)
      continue
    }
    const key = keyOf(entry.name)
    if (key === undefined || seen.has(key)) throw damaged(path, `it holds an unexpected "${entry.name}"`)
    if (current?.key !== key) {
      settle()
      current = { key, hash: createHash('sha256'), bytes: 0, parts: 0 }
      onProgress?.(`checking ${key}`)
    }
    current!.parts++
    for await (const chunk of entry.content) {
      current!.hash.update(chunk)
      current!.bytes += chunk.length
    }
  }
  settle()
  if (manifest === undefined) throw damaged(path, `it has no ${manifestName}`)
  const wanted = [
    ...manifest.tables.filter((table) => table.parts > 0).map((table) => ({ ...table, key: `tables/${table.name}` })),
    ...manifest.files.map((file) => ({ ...file, parts: 1, key: `files/${file.path}` })),
  ]
  for (const { key, bytes, sha256, parts } of wanted) {
    const has = seen.get(key)
    if (has === undefined) throw damaged(path, `"${key}" is missing`)
    if (has.bytes !== bytes || has.parts !== parts || has.sha256 !== sha256)
      throw damaged(path, `"${key}" does not have the SHA-256 that the manifest tells`)
    seen.delete(key)
  }
  for (const key of seen.keys()) throw damaged(path, `"${key}" is not in its manifest`)
  for (const { path: file } of manifest.files)
    if (!isInside(file)) throw damaged(path, `"${file}" would leave the data folder`)
  return manifest
}

const damaged = (path: string, what: string) => new Error(`Cannot restore ${path}: ${what}; the archive is damaged`)

function keyOf(name: string): string | undefined {
  const table = /^(tables\/[^/]+)\/\d{6}$/.exec(name)?.[1]
  return table ?? (name.startsWith('files/') ? name : undefined)
}

function parseManifest(text: string, path: string): BackupManifest {
  let manifest: BackupManifest
  try {
    manifest = JSON.parse(text) as BackupManifest
  } catch {
    throw damaged(path, `${manifestName} is not JSON`)
  }
  const format: string = manifest.format
  if (format !== backupFormat)
    throw new Error(`Cannot restore ${path}: its format is "${format}"; this release reads ${backupFormat}`)
  return manifest
}

/**
 * Fills an empty database and data folder from a verified archive, brings it to this release, and answers the names of
 * the migrations that ran on top. Tables are loaded in one transaction: all of them or none.
 */
export async function restoreBackup(options: {
  db: Database
  dataDir: string
  archive: string
  manifest: BackupManifest
  onProgress?: (line: string) => void
}): Promise<{ migrated: string[] }> {
  const { db, dataDir, archive, manifest, onProgress } = options
  const [{ count } = { count: 0 }] = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace`,
  )
  if (count > 0) throw new Error(`Cannot restore: the database already has ${count} tables; give an empty one`)
  // The tables as they were then; what this release adds runs over the restored rows afterwards.
  await migrate(db, { through: manifest.migrations })
  const client = await db.connect()
  const ignore = () => {}
  client.on('error', ignore)
  try {
    await client.query('BEGIN')
    await load(client, archive, dataDir, manifest, onProgress)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  } finally {
    client.off('error', ignore)
    client.release()
  }
  const migrated = await migrate(db)
  await db.query('ANALYZE')
  return { migrated }
}

async function load(
  client: PoolClient,
  archive: string,
  dataDir: string,
  manifest: BackupManifest,
  onProgress?: (line: string) => void,
): Promise<void> {
  const names = manifest.tables.map((table) => quoteName(table.name))
  // Append-only tables refuse TRUNCATE, and rows that migrations seeded are in the archive as well.
  for (const name of names) await client.query(`ALTER TABLE ${name} DISABLE TRIGGER USER`)
  await client.query(`TRUNCATE ${names.join(', ')}`)

  let copying: { table: string; stream: ReturnType<typeof copyFrom>; ended: Promise<unknown> } | undefined
  const settle = async () => {
    if (copying === undefined) return
    copying.stream.end()
    await copying.ended
    const wanted = manifest.tables.find((table) => table.name === copying!.table)!.rows
    if (copying.stream.rowCount !== wanted)
      throw new Error(`Cannot restore: "${copying.table}" got ${copying.stream.rowCount} rows instead of ${wanted}`)
    onProgress?.(`${copying.table}: ${wanted} rows`)
    copying = undefined
  }
  for await (const entry of readTarGz(archive)) {
    const name = /^tables\/([^/]+)\//.exec(entry.name)?.[1]
    if (name !== copying?.table) await settle()
    if (name !== undefined) {
      copying ??= startCopy(client, name, manifest.tables.find((table) => table.name === name)!.columns)
      for await (const chunk of entry.content)
        if (!copying.stream.write(chunk)) await Promise.race([once(copying.stream, 'drain'), copying.ended])
    } else if (entry.name.startsWith('files/')) {
      const path = join(dataDir, entry.name.slice('files/'.length))
      await mkdir(dirname(path), { recursive: true })
      await pipeline(entry.content, createWriteStream(path, { mode: 0o600, flags: 'wx', flush: true }))
    }
  }
  await settle()

  for (const { name, last } of manifest.sequences) await client.query(`SELECT setval($1, $2)`, [quoteName(name), last])
  if (!/^\d+$/.test(manifest.streamTop))
    throw new Error(`Cannot restore: streamTop "${manifest.streamTop}" is no number`)
  await client.query(
    `CREATE OR REPLACE FUNCTION stream_base() RETURNS bigint LANGUAGE sql IMMUTABLE RETURN ${manifest.streamTop}`,
  )
  for (const name of names) await client.query(`ALTER TABLE ${name} ENABLE TRIGGER USER`)
}

function startCopy(client: PoolClient, table: string, columns: string[]) {
  const stream = client.query(copyFrom(`COPY ${quoteName(table)} (${columns.map(quoteName).join(', ')}) FROM STDIN`))
  const ended = new Promise((done, fail) => {
    stream.once('finish', done)
    stream.once('error', fail)
  })
  // Awaited when the table is complete; until then a failure must not count as unhandled.
  ended.catch(() => {})
  return { table, stream, ended }
}
