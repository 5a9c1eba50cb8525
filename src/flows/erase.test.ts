import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createLedger } from '../ledger/ledger.ts'
import { createSealer, verifyLedger } from '../ledger/seal.ts'
import { createVault } from '../ledger/vault.ts'
import { selectSamples } from '../rules/store.ts'
import { testDatabase } from '../../test/database.ts'
import { erasePerson } from './erase.ts'

test('an erased person’s words and traces are gone, others’ stay, and the ledger still verifies', async () => {
  const db = await testDatabase()
  const clock = () => 1_700_000_000_000
  const ledger = createLedger({ projectors: [], clock, randomBytes })
  const vault = createVault({ secretKey: 'secret', clock, randomBytes })
  for (const [id, actor] of [
    ['e1', 'u1'],
    ['e2', 'u1'],
    ['e3', 'u2'],
  ] as const)
    await db.query(
      `INSERT INTO events (tenant_id, event_id, type, context, actor_id, occurred_ms, received_ms, body)
       VALUES ('a', $1, 'message.sent', 'feed', $2, 1, 1, $3)`,
      [
        id,
        actor,
        JSON.stringify({
          id,
          type: 'message.sent',
          time: '2026-11-20T12:00:00Z',
          context: 'feed',
          actor: { id: actor, attributes: { name: 'Ada' } },
          // PostgreSQL stores an escaped NUL as JSON, and fails when it reads such JSON.
          item: { id: `i${id}`, text: 'my words\u0000\ud800' },
          attributes: { erased: false },
          origin: { ip: '198.51.100.7' },
        }),
      ],
    )
  const ref = await db.transaction((tx) => vault.seal(tx, 'a', 'u1', 'my appeal'))
  await db.query(
    `INSERT INTO rule_stats (tenant_id, rule_id, version, mode, hour_ms, hits, samples) VALUES ('a', 'r', 1, 'live', 0, 3, $1)`,
    [JSON.stringify(['e1', 'e2', 'e3'].map((eventId) => ({ eventId, because: 'my words' })))],
  )
  const author = { kind: 'person', id: 'admin' } as const
  assert.deepEqual(await erasePerson({ db, ledger, clock }, 'a', 'u1', author), { eventsErased: 2 })
  assert.deepEqual(await erasePerson({ db, ledger, clock }, 'a', 'u1', author), { eventsErased: 0 })
  assert.equal(await vault.open(db.query, 'a', ref), undefined)
  const bodies = await db.query<{ body: object; actor_id: string }>(
    'SELECT body, actor_id FROM events ORDER BY event_id',
  )
  for (const { body, actor_id } of bodies)
    assert.equal(/my words|Ada|198\.51/.test(JSON.stringify(body)), actor_id === 'u2')
  const samples = await selectSamples(db.query, 'a', 'r', 10)
  assert.deepEqual(
    samples.map(({ eventId }) => eventId),
    ['e3'],
  )
  const sealer = createSealer(db)
  for (let quiet = 0; quiet < 3;) quiet = (await sealer.tick()) === 0 ? quiet + 1 : 0
  assert.ok((await verifyLedger(db.query, 'a')).ok)
})
