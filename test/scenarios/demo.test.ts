import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startApp } from '../../src/app.ts'
import { ensureSecretKey, readConfig } from '../../src/config.ts'
import { scopes } from '../../src/domain/staff.ts'
import { createKey } from '../../src/http/access.ts'
import { ApiError, createClient } from '../../src/http/client.ts'
import { getAccuracy, getOverview } from '../../src/http/contract/insight.ts'
import { getSim, startSim, stopSim } from '../../src/http/contract/sim.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { testDatabase } from '../database.ts'

test('the simulated platform fills a running instance, goes live, and is measured against its truth', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'custos-demo-'))
  const db = await testDatabase()
  const { host, user, password, database } = db.options
  const login = `${user}:${encodeURIComponent(password ?? '')}`
  const url = `postgresql://${login}@/${database}?host=${encodeURIComponent(host)}`
  const config = readConfig({ DATABASE_URL: url, CUSTOS_PORT: '0', CUSTOS_DATA: folder }, folder)
  config.secretKey = await ensureSecretKey(config)
  const app = await startApp(config, { log: () => {} })
  try {
    const [tenant] = await db.query<{ id: string }>('SELECT id FROM tenants')
    const clock = () => Date.now()
    const deps = { db, clock, randomBytes, ledger: createLedger({ projectors: [], clock, randomBytes }) }
    const author = { kind: 'system', part: 'test' } as const
    const key = { name: 'all', scopes: [...scopes] }
    const { token } = await db.transaction((tx) => createKey(tx, deps, tenant!.id, key, author))
    const client = createClient({ baseUrl: app.url, key: token })
    const until = async (done: () => Promise<boolean>): Promise<void> => {
      while (!(await done())) await new Promise((next) => setTimeout(next, 200))
    }

    assert.equal((await client.call(getSim, {})).state, 'off')
    await assert.rejects(
      client.call(startSim, { body: { speed: 0 } }),
      (error) => error instanceof ApiError && error.status === 422,
    )
    await client.call(startSim, { body: { seed: 7, actors: 500, speed: 200 } })
    await assert.rejects(client.call(startSim, { body: {} }), /running already/)
    await until(async () => {
      const { state, problem } = await client.call(getSim, {})
      assert.notEqual(state, 'failed', problem ?? '')
      return state === 'live'
    })
    const backfilled = (await client.call(getSim, {})).sent
    assert.ok(backfilled > 2_000, `${backfilled}`)
    await until(async () => (await client.call(getSim, {})).sent > backfilled + 20)

    const stopped = await client.call(stopSim, { body: undefined })
    assert.equal(stopped.state, 'off')
    assert.equal(stopped.refused, 0)
    await until(async () => {
      const [cursor] = await db.query<{ events: number }>('SELECT max(events) AS events FROM stream_cursors')
      return cursor!.events >= stopped.sent
    })
    const overview = await client.call(getOverview, { query: { period: '24h' } })
    assert.ok(overview.totals.events.now > 1_000)
    assert.ok(overview.totals.decisions.now > 0)
    const accuracy = await client.call(getAccuracy, {})
    assert.equal(accuracy.knownEvents, stopped.sent)
    for (const { name, unknown } of accuracy.byViolation.made) assert.equal(unknown, 0, name)
    const egregious = accuracy.byViolation.made.find((row) => row.name === 'egregious_media')!
    assert.ok(egregious.precision.count > 0 && egregious.precision.share === 1)
    const caught = accuracy.recall.find((row) => row.violation === 'egregious_media')!
    assert.equal(caught.events.share, 1)
  } finally {
    await app.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
