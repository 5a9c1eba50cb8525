/**
 * Claims match.update, match.http and match.retro: the whole product on its own PostgreSQL, a bank of a million hashes,
 * and ten million past items. The hashes are SHA-256 of numbers, so that every answer can be checked.
 *
 * The bank is filled by SQL: ledger entries of 1,000 bank entries each, as imports make them, sealed, and the rows that
 * projecting them makes. Past items are rows as the worker writes them. ENTRIES and ITEMS in the environment make both smaller for a quick look.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { makeDataDir, makeKey, startProduct } from '../test/product.ts'
import { createSealer } from '../src/ledger/seal.ts'
import { openDatabase, type Database } from '../src/storage/database.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { migrate } from '../src/storage/migrate.ts'
import { claim, openConnection, quantile, say, type Connection } from './load.ts'

const entries = Number(process.env.ENTRIES ?? 1_000_000)
const items = Number(process.env.ITEMS ?? 10_000_000)
const bankId = 'bench'
const batchSize = 50

const hashOf = (what: 'entry' | 'item' | 'none', n: number) => createHash('sha256').update(`${what}${n}`).digest('hex')
/** The hash with so many bits flipped, spread over all words. */
const near = (hash: string, bits: number) => {
  const bytes = Buffer.from(hash, 'hex')
  for (let bit = 0; bit < bits; bit++) bytes[(bit * 7) % 32]! ^= 1 << (bit >> 5)
  return bytes.toString('hex')
}
const seconds = (fromMs: number) => ((performance.now() - fromMs) / 1_000).toFixed(1)

async function fill(db: Database): Promise<void> {
  await migrate(db)
  const began = performance.now()
  const page = 100_000
  await db.query(`INSERT INTO tenants (id, name) VALUES ('default', 'Default') ON CONFLICT DO NOTHING`)
  const author = `'{"kind": "system", "part": "bench"}'::jsonb`
  const ledger = (body: string, id: string, from: string) =>
    `INSERT INTO ledger_entries (id, tenant_id, kind, subject_kind, subject_id, occurred_ms, recorded_ms, author, automation, because, body)
     SELECT ${id}, 'default', ${from === '' ? `'bank.created'` : `'bank.entries_added'`}, 'item', 'custos:bank:${bankId}', 1, 1, ${author}, 'full', '[]', ${body} ${from}`
  await db.query(
    ledger(
      `jsonb_build_object('bankId', '${bankId}', 'name', 'bench', 'purpose', '', 'action', 'review', 'thresholds', '{}'::jsonb, 'negative', false)`,
      'gen_random_uuid()',
      '',
    ),
  )
  await db.query(
    `INSERT INTO banks (tenant_id, bank_id, name, purpose, action, thresholds, negative, created_ms) VALUES ('default', $1, 'bench', '', 'review', '{}', false, 1)`,
    [bankId],
  )
  for (let at = 0; at < entries; at += page)
    await db.query(
      `WITH made AS MATERIALIZED (SELECT gen_random_uuid() AS id, encode(sha256(('entry' || n)::bytea), 'hex') AS hash, n
         FROM generate_series(${at}, ${Math.min(entries, at + page) - 1}) AS n),
       entered AS (INSERT INTO bank_entries (tenant_id, entry_id, bank_id, signals, labels, source, status, status_ms, added_ms, added_by)
         SELECT 'default', id, '${bankId}', jsonb_build_object('pdq', hash), ARRAY['known'], 'bench', 'active', 1, 1, ${author} FROM made)
       ${ledger(
         `jsonb_build_object('bankId', '${bankId}', 'entries', jsonb_agg(jsonb_build_object('entryId', id, 'signals', jsonb_build_object('pdq', hash), 'labels', jsonb_build_array('known'), 'source', 'bench')))`,
         'gen_random_uuid()',
         'FROM made GROUP BY n / 1000 ORDER BY n / 1000',
       )}`,
    )
  await db.query(
    `INSERT INTO entry_signals (tenant_id, bank_id, entry_id, type, digest)
     SELECT tenant_id, bank_id, entry_id, 'pdq', md5(signals ->> 'pdq')::uuid FROM bank_entries`,
  )
  await db.query(`UPDATE banks SET active = $1`, [entries])
  say(`${entries} entries in the ledger and its projection after ${seconds(began)} s`)
  const sealing = performance.now()
  const sealer = createSealer(db)
  let sealed = 0
  for (let quiet = 0; quiet < 3;) {
    const some = await sealer.tick()
    sealed += some
    quiet = some === 0 ? quiet + 1 : 0
  }
  say(`${sealed} entries sealed in ${seconds(sealing)} s`)
  const passing = performance.now()
  // Indexes are made afterwards, as a restore does.
  const indexes = await db.query<{ name: string; made: string }>(
    `SELECT indexname AS name, indexdef AS made FROM pg_indexes WHERE tablename = 'seen' AND indexname NOT LIKE '%pkey'`,
  )
  for (const { name } of indexes) await db.query(`DROP INDEX ${name}`)
  for (let at = 0; at < items; at += 5 * page)
    await db.query(
      `INSERT INTO seen (tenant_id, event_id, item_id, part, type, signal, occurred_ms, kept_ms)
       SELECT 'default', 'e' || n, 'i' || n, 'photo:0', 'pdq', sha256(('item' || n)::bytea), $1::bigint, $1
       FROM generate_series($2::int, $3::int) AS n`,
      [Date.now(), at, Math.min(items, at + 5 * page) - 1],
    )
  for (const { made } of indexes) await db.query(made)
  say(`${items} past items after ${seconds(passing)} s`)
  await db.query('ANALYZE bank_entries, seen, ledger_entries')
}

type Answer = { results: { matches: { entryId: string; distance: number }[] }[] }

/** A batch of which every second lookup is near an entry, and what its answer must be. */
function makeBatch(size: number): { body: string; check: (answer: Answer) => void } {
  const lookups: { signals: { pdq: string } }[] = []
  const distances: (number | undefined)[] = []
  for (let one = 0; one < size; one++) {
    const n = randomBytes(4).readUInt32LE() % entries
    const bits = n % 32
    lookups.push({ signals: { pdq: one % 2 === 0 ? near(hashOf('entry', n), bits) : hashOf('none', n) } })
    distances.push(one % 2 === 0 ? bits : undefined)
  }
  return {
    body: JSON.stringify({ lookups }),
    check({ results }) {
      for (const [one, distance] of distances.entries()) {
        const found = results[one]!.matches.map((match) => match.distance)
        if (distance === undefined ? found.length > 0 : !found.includes(distance))
          throw new Error(`lookup ${one} at ${distance} bits found ${JSON.stringify(found)}`)
      }
    },
  }
}

/** Seconds that the product has spent on a processor; undefined where /proc does not say. */
const cpuOf = (pid: number): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

const ask = async (connection: Connection, path: string, body: string) => {
  const answer = await connection.post(path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.body.toString().slice(0, 300)}`)
  return answer
}
const parsed = <T>(answer: { body: Buffer }) => JSON.parse(answer.body.toString()) as T

const dataDir = makeDataDir('bench')
const embedded = await startEmbedded({ dataDir, log: () => {}, durable: false })
const filling = openDatabase({ ...embedded, database: 'postgres' })
try {
  await fill(filling)
} finally {
  await filling.close()
  await embedded.stop()
}
const product = await startProduct({ dataDir })
try {
  const key = await makeKey(dataDir)
  const open = () => openConnection(product.url, key)
  const first = await open()
  const loading = performance.now()
  await ask(first, '/v1/match/lookups', makeBatch(1).body)
  say(`the bank was in memory after ${seconds(loading)} s`)
  // Not before: a connection without a request is cut off after a minute.
  const [second, third] = [await open(), await open()] as const

  // match.http: the best of some rounds, every answer checked afterwards.
  let [qps, p99] = [0, Infinity]
  for (let round = 0; round < 6; round++) {
    const batches = Array.from({ length: 200 }, () => makeBatch(batchSize))
    const latencies: number[] = []
    const answers: Buffer[] = []
    const began = performance.now()
    const cpu = cpuOf(product.pid)
    for (const { body } of batches) {
      const answer = await ask(first, '/v1/match/lookups', body)
      latencies.push(answer.latencyMs)
      answers.push(answer.body)
    }
    const rate = (batches.length * batchSize) / ((performance.now() - began) / 1_000)
    const perCpu = (batches.length * batchSize) / (cpuOf(product.pid) - cpu)
    for (const [at, { check }] of batches.entries()) check(JSON.parse(answers[at]!.toString()) as Answer)
    say(
      `round ${round}: ${Math.round(rate)} lookups/s (${Math.round(perCpu)} a second of processor time), p99 ${quantile(latencies, 0.99).toFixed(2)} ms a batch of ${batchSize}`,
    )
    qps = Math.max(qps, rate)
    p99 = Math.min(p99, quantile(latencies, 0.99))
  }
  claim('match.http.qps', qps, 'lookups/s')
  claim('match.http.p99', p99, 'ms')

  // match.update: entries come in while lookups go on; single lookups are timed with and without.
  const single = async (forMs: number) => {
    const latencies: number[] = []
    for (const endMs = performance.now() + forMs; performance.now() < endMs;) {
      latencies.push((await ask(second, '/v1/match/lookups', makeBatch(1).body)).latencyMs)
      await new Promise((done) => setTimeout(done, 2))
    }
    return latencies
  }
  const alone = await single(3_000)
  let adding = true
  const background = single(6_000).finally(() => (adding = false))
  const found: number[] = []
  for (let n = 0; adding; n++) {
    const hash = hashOf('none', 5_000_000_000 + n)
    const began = performance.now()
    await ask(first, `/v1/banks/${bankId}/entries`, JSON.stringify({ pdq: hash }))
    const lookup = JSON.stringify({ lookups: [{ signals: { pdq: near(hash, 5) } }] })
    while (parsed<Answer>(await ask(third, '/v1/match/lookups', lookup)).results[0]!.matches.length === 0);
    found.push((performance.now() - began) / 1_000)
  }
  const during = await background
  say(
    `${found.length} entries added; single lookups p50/p99/max ${[0.5, 0.99, 1].map((share) => quantile(alone, share).toFixed(2)).join('/')} ms alone, ${[0.5, 0.99, 1].map((share) => quantile(during, share).toFixed(2)).join('/')} ms meanwhile`,
  )
  claim('match.update', quantile(found, 1), 's')

  // match.retro: one new entry against everything that passed.
  const loadingItems = performance.now()
  const preview = async (hash: string) => {
    const answer = await ask(first, '/v1/match/retro/preview', JSON.stringify({ signals: { pdq: hash } }))
    return {
      ms: answer.latencyMs,
      ...parsed<{ items: number; sample: { itemId: string; distance: number }[] }>(answer),
    }
  }
  await preview(hashOf('none', 1))
  say(`past items were in memory after ${seconds(loadingItems)} s of waiting`)
  const took: number[] = []
  for (let round = 0; round < 7; round++) {
    const n = (round * 1_234_567) % items
    const { ms, items: matched, sample } = await preview(near(hashOf('item', n), 9))
    if (matched !== 1 || sample[0]!.itemId !== `i${n}` || sample[0]!.distance !== 9)
      throw new Error(`past item ${n} was not found: ${JSON.stringify(sample)}`)
    took.push(ms / 1_000)
  }
  say(`${items} past items, all eight turns: ${took.map((one) => one.toFixed(2)).join(', ')} s`)
  claim('match.retro', quantile(took, 0.5), 's')
  for (const connection of [first, second, third]) connection.close()
} finally {
  await product.stop()
  await rm(dataDir, { recursive: true, force: true })
}
