import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from './database.ts'
import { findEmbedded, locateEmbedded, startEmbedded } from './embedded.ts'

async function remember(dataDir: string, log: (line: string) => void): Promise<number> {
  const embedded = await startEmbedded({ dataDir, log, durable: false })
  const db = openDatabase({ ...embedded, database: 'postgres', poolSize: 1 })
  try {
    await db.query('CREATE TABLE IF NOT EXISTS starts (n int)')
    await db.query('INSERT INTO starts VALUES (1)')
    return (await db.query('SELECT 1 FROM starts')).length
  } finally {
    await db.close()
    await embedded.stop()
  }
}

test('a database keeps what it holds over a restart, and can be found while it runs', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'custos pg '))
  await chmod(dir, 0o755)
  t.after(() => rm(dir, { recursive: true }))
  const dataDir = join(dir, 'data')
  assert.equal(await findEmbedded(dataDir), undefined)
  assert.equal(await remember(dataDir, () => {}), 1)
  const embedded = await startEmbedded({ dataDir, log: () => {}, durable: false })
  assert.equal((await findEmbedded(dataDir))?.pid, embedded.pid())
  await embedded.stop()
  assert.equal(await findEmbedded(dataDir), undefined)
  assert.equal(await remember(dataDir, () => {}), 2)
})

test('a folder that only root may enter works, and once removed and made anew it starts empty', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root has folders that others may not enter')
  const dir = await mkdtemp(join(tmpdir(), 'custos-root-only-'))
  const dataDir = join(dir, 'data')
  const { clusterDir, socketDir, passwordFile } = locateEmbedded(dataDir)
  t.after(async () => {
    for (const path of [dir, clusterDir, `${clusterDir}.left`, socketDir, passwordFile])
      await rm(path, { recursive: true, force: true })
  })
  assert.notEqual(clusterDir, join(dataDir, 'postgres'))
  const said: string[] = []
  const log = (line: string) => void said.push(line)
  assert.equal(await remember(dataDir, log), 1)
  assert.match(said.join('\n'), /database files are in .* the unprivileged user that runs PostgreSQL may not enter/)
  assert.equal(await remember(dataDir, log), 2)
  await rm(dataDir, { recursive: true })
  assert.equal(await remember(dataDir, log), 1, 'the old rows must not come back')
  assert.ok((await readdir(dirname(clusterDir))).includes(`${basename(clusterDir)}.left`), 'they are kept aside')
})

test('a server that is being started at this very moment is adopted, not fought with', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'custos-pg-'))
  await chmod(dir, 0o755)
  t.after(() => rm(dir, { recursive: true }))
  const dataDir = join(dir, 'data')
  const options = { dataDir, durable: false, log: () => {} }
  await (await startEmbedded(options)).stop()
  // Two programs find the folder without a server and start one each; the database lets only one of them live.
  const both = await Promise.all([startEmbedded(options), startEmbedded(options), startEmbedded(options)])
  const pids = new Set(both.map((one) => one.pid()))
  assert.equal(pids.size, 1)
  // All at once: whoever is left would start it again.
  await Promise.all(both.map((one) => one.stop()))
})
