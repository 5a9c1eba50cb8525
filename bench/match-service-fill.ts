// What the bench of the match service begins with: a bank in the ledger and its projection, and past items, written by
// SQL as importing and judging write them. Indexes are made afterwards, as a restore does.
import { createSealer } from '../src/ledger/seal.ts'
import type { Database } from '../src/storage/database.ts'
import { migrate } from '../src/storage/migrate.ts'
import { say } from './load.ts'

const page = 100_000
const tables = ['bank_entries', 'entry_signals', 'ledger_entries', 'seen']
/** As version 7 UUIDs do, ids sort by time. */
const uuid = (prefix: string, n: string) => `('${prefix}-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))`

/** Entry `n` has the SHA-256 of `entry<n>` as its hash, past item `n` that of `item<n>`. */
export async function fillService(
  db: Database,
  { bankId, entries, items, nowMs }: { bankId: string; entries: number; items: number; nowMs: number },
): Promise<void> {
  const seconds = (fromMs: number) => ((performance.now() - fromMs) / 1_000).toFixed(1)
  await migrate(db)
  const began = performance.now()
  await db.query(`INSERT INTO tenants (id, name) VALUES ('default', 'Default') ON CONFLICT DO NOTHING`)
  const indexes = await db.query<{ made: string; name: string }>(
    `SELECT indexdef AS made, indexname AS name FROM pg_indexes WHERE tablename = ANY($1)
       AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = indexname)`,
    [tables],
  )
  for (const { name } of indexes) await db.query(`DROP INDEX ${name}`)
  await fillBank(db, bankId, entries)
  say(`${entries} entries in the ledger and its projection after ${seconds(began)} s`)

  const passing = performance.now()
  for (let at = 0; at < items; at += 5 * page)
    await db.query(
      `INSERT INTO seen (tenant_id, event_id, item_id, part, type, signal, occurred_ms, kept_ms)
       SELECT 'default', 'e' || n, 'i' || n, 'photo:0', 'pdq', sha256(('item' || n)::bytea), $1::bigint, $1
       FROM generate_series($2::int, $3::int) AS n`,
      [nowMs, at, Math.min(items, at + 5 * page) - 1],
    )
  say(`${items} past items after ${seconds(passing)} s`)
  const indexing = performance.now()
  const connection = await db.connect()
  try {
    await connection.query(`SET maintenance_work_mem = '1GB'`)
    for (const { made } of indexes) await connection.query(made)
  } finally {
    connection.release()
  }
  await db.query(`ANALYZE ${tables.join(', ')}`)
  say(`their indexes after ${seconds(indexing)} s`)

  const sealing = performance.now()
  const sealer = createSealer(db)
  let sealed = 0
  for (let quiet = 0; quiet < 3;) {
    const some = await sealer.tick()
    sealed += some
    quiet = some === 0 ? quiet + 1 : 0
  }
  say(`${sealed} entries of the ledger sealed after ${seconds(sealing)} s`)
}

async function fillBank(db: Database, bankId: string, entries: number): Promise<void> {
  const author = `'{"kind": "system", "part": "bench"}'::jsonb`
  const ledger = (kind: string, body: string, id: string, from = '') =>
    `INSERT INTO ledger_entries (id, tenant_id, kind, subject_kind, subject_id, occurred_ms, recorded_ms, author, automation, because, body)
     SELECT ${id}::uuid, 'default', '${kind}', 'item', 'custos:bank:${bankId}', 1, 1, ${author}, 'full', '[]', ${body} ${from}`
  const bank = { name: bankId, purpose: '', action: 'review', thresholds: {}, negative: false }
  await db.query(ledger('bank.created', `'${JSON.stringify({ bankId, ...bank })}'::jsonb`, uuid('0190aaaa', '0')))
  await db.query(
    `INSERT INTO banks (tenant_id, bank_id, name, purpose, action, thresholds, negative, created_ms, active)
     VALUES ('default', $1, $1, '', 'review', '{}', false, 1, $2)`,
    [bankId, entries],
  )
  for (let at = 0; at < entries; at += page) {
    const made = `SELECT ${uuid('0190bbbb', 'n')} AS id, encode(sha256(('entry' || n)::bytea), 'hex') AS hash, n
      FROM generate_series(${at}, ${Math.min(entries, at + page) - 1}) AS n`
    await db.query(
      `WITH made AS MATERIALIZED (${made}), signals AS (
         INSERT INTO entry_signals (tenant_id, bank_id, entry_id, type, digest)
         SELECT 'default', '${bankId}', id, 'pdq', md5(hash)::uuid FROM made)
       INSERT INTO bank_entries (tenant_id, entry_id, bank_id, signals, labels, source, status, status_ms, added_ms, added_by, added_entry)
       SELECT 'default', id, '${bankId}', jsonb_build_object('pdq', hash), ARRAY['known'], 'bench', 'active', 1, 1, ${author},
         ${uuid('0190aaaa', '1 + n / 1000')} FROM made`,
    )
    await db.query(
      ledger(
        'bank.entries_added',
        `jsonb_build_object('bankId', '${bankId}', 'entries', jsonb_agg(jsonb_build_object('entryId', id, 'signals',
           jsonb_build_object('pdq', hash), 'labels', jsonb_build_array('known'), 'source', 'bench') ORDER BY n))`,
        uuid('0190aaaa', '1 + n / 1000'),
        `FROM (${made}) AS made GROUP BY n / 1000 ORDER BY n / 1000`,
      ),
    )
  }
}
