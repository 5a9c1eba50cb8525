import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Database } from '../../src/storage/database.ts'
import { openRunning } from '../crash.ts'
import { custos, makeDataDir, makeKey, startProduct, type Product } from '../product.ts'

// The product is killed in the middle of applying an entry to past items, and of taking that back: after the next start
// the work is finished, nothing is done twice and nothing half.
const items = 240
const passage = 'buy the miracle pills from our new shop'
let dataDir: string
let product: Product
let key: string
let db: Database
let bankId: string

type Batch = { batchId: string; state: string; items: number; outcomes: Record<string, number>; undone: object }

const send = (path: string, body?: object, headers: Record<string, string> = {}, method = body ? 'POST' : 'GET') =>
  fetch(`${product.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
const call = async <T>(...asked: Parameters<typeof send>): Promise<T> => {
  const answer = await send(...asked)
  assert.ok(answer.ok, `${asked[0]}: ${answer.status} ${await answer.clone().text()}`)
  return (await answer.json()) as T
}
const sleep = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms))
const until = async (what: string, holds: () => Promise<boolean>) => {
  for (const endMs = performance.now() + 120_000; performance.now() < endMs;) {
    if (await holds()) return
    await sleep(20)
  }
  assert.fail(`waited in vain until ${what}`)
}

const kill = async () => {
  product.kill('SIGKILL')
  await product.exited
}
const restart = async () => {
  product = await startProduct({ dataDir })
  await db?.close()
  db = await openRunning(dataDir)
}
const batches = () => call<{ items: Batch[] }>(`/v1/match/retro?bankId=${bankId}`)
const batchOf = (batchId: string) => call<Batch>(`/v1/match/retro/${batchId}`)
const entryOf = async (text: string) =>
  (await call<{ entryId: string }>(`/v1/banks/${bankId}/entries`, { text })).entryId
const counted = async (batchId: string, column: 'outcome' | 'undone') => {
  const rows = await db.query<{ value: string | null; count: number }>(
    `SELECT ${column} AS value, count(*) AS count FROM retro_items WHERE batch_id = $1 GROUP BY 1`,
    [batchId],
  )
  return Object.fromEntries(rows.map(({ value, count }) => [String(value), count]))
}
/** While nobody works: every item that says it was decided or reversed was, once, and no other. */
const nothingHalfDone = async (batchId: string) => {
  const wrong = await db.query(
    `SELECT i.item_id, i.outcome, i.undone, count(d.id) AS made, count(r.id) AS reversed FROM retro_items i
       LEFT JOIN ledger_entries d ON d.kind = 'decision.made' AND d.body ->> 'itemId' = i.item_id AND d.body ->> 'eventId' = i.event_id
         AND d.body ->> 'decisionId' = i.decision_id
       LEFT JOIN ledger_entries r ON r.kind = 'decision.reversed' AND r.body ->> 'decisionId' = i.decision_id
     WHERE i.batch_id = $1 GROUP BY i.item_id, i.outcome, i.undone
     HAVING count(d.id) <> (i.outcome = 'decided')::int OR count(r.id) <> coalesce(i.undone = 'reversed', false)::int`,
    [batchId],
  )
  assert.deepEqual(wrong, [])
  const [doubled] = await db.query<{ decisions: number; items: number }>(
    `SELECT count(*) AS decisions, count(DISTINCT (d.body ->> 'itemId')) AS items FROM ledger_entries d
       JOIN retro_items i ON i.batch_id = $1 AND i.item_id = d.body ->> 'itemId'
     WHERE d.kind = 'decision.made' AND NOT EXISTS (SELECT 1 FROM ledger_entries r
       WHERE r.kind = 'decision.reversed' AND r.body ->> 'decisionId' = d.body ->> 'decisionId')`,
    [batchId],
  )
  assert.equal(doubled!.decisions, doubled!.items, 'an item was decided twice')
}

before(async () => {
  dataDir = makeDataDir('retro-crash')
  await restart()
  key = await makeKey(dataDir)
  const events = Array.from({ length: items }, (_, n) => ({
    id: `e${n}`,
    type: 'message.sent',
    time: new Date(Date.now() - 60_000).toISOString(),
    context: 'private_messaging',
    actor: { id: `u${n}` },
    item: { id: `i${n}`, kind: 'message', text: `hello ${n}, ${passage}, today only` },
  }))
  await call('/v1/events', events)
  bankId = (await call<{ bankId: string }>('/v1/banks', { name: 'late', action: 'remove' })).bankId
  await until('everything was judged', async () => {
    const [row] = await db.query<{ count: number }>('SELECT count(DISTINCT event_id) AS count FROM seen')
    return row!.count === items
  })
})
after(async () => {
  await db?.close()
  await product?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

test('killed while it previews, begins, applies and takes back: all is done once, or can be asked for again', async () => {
  const entryId = await entryOf(passage)
  const asked = { bankId, entryId, violation: 'known_media', route: 'auto' }
  const preview = () => call<{ items: number; byState: object }>('/v1/match/retro/preview', { bankId, entryId })

  // A preview changes nothing, cut off or not.
  const cutOff = preview().catch(() => undefined)
  await kill()
  await cutOff
  await restart()
  assert.deepEqual((await batches()).items, [])
  assert.deepEqual((await preview()).byState, { removed: 0, waiting: 0, decided: 0, untouched: items })

  // Whether it was begun, the list says; if not, it is asked for again.
  const begun = send('/v1/match/retro', asked).catch(() => undefined)
  await sleep(40)
  await kill()
  await begun
  await restart()
  if ((await batches()).items.length === 0) await call('/v1/match/retro', asked)
  const [batch, ...others] = (await batches()).items
  assert.ok(batch !== undefined && others.length === 0, 'one batch')
  const { batchId } = batch

  for (const share of [0.1, 0.5, 0.8]) {
    await until(`${share} is applied`, async () => (await counted(batchId, 'outcome')).decided! >= share * items)
    await kill()
    await nothingHalfDone(batchId)
    await restart()
  }
  await until('the batch is applied', async () => (await batchOf(batchId)).state === 'applied')
  assert.deepEqual((await batchOf(batchId)).outcomes, { decided: items })
  await nothingHalfDone(batchId)

  await call(`/v1/match/retro/${batchId}/undo`, { reason: 'it was harmless' })
  for (const share of [0.1, 0.6]) {
    await until(`${share} is taken back`, async () => (await counted(batchId, 'undone')).reversed! >= share * items)
    await kill()
    await nothingHalfDone(batchId)
    await restart()
  }
  await until('the batch is undone', async () => (await batchOf(batchId)).state === 'undone')
  assert.deepEqual((await batchOf(batchId)).undone, { reversed: items })
  await nothingHalfDone(batchId)
  assert.deepEqual((await preview()).byState, { removed: 0, waiting: 0, decided: 0, untouched: items })
})

test('killed between taking back and applying: what was not applied stays untouched', async () => {
  const entryId = await entryOf(`${passage}, today only`)
  const asked = { bankId, entryId, violation: 'known_media', route: 'auto' }
  const { batchId } = await call<Batch>('/v1/match/retro', asked)
  await until('some of it is applied', async () => (await counted(batchId, 'outcome')).decided! > 0)
  await call(`/v1/match/retro/${batchId}/undo`, { reason: 'not this one' })
  await kill()
  await nothingHalfDone(batchId)
  await restart()
  await until('the batch is undone', async () => (await batchOf(batchId)).state === 'undone')
  const { decided = 0, skipped = 0 } = (await batchOf(batchId)).outcomes
  assert.ok(decided > 0)
  assert.equal(decided + skipped, items)
  const { reversed, nothing } = (await batchOf(batchId)).undone as Record<string, number>
  assert.deepEqual({ reversed, nothing: nothing ?? 0 }, { reversed: decided, nothing: skipped })
  await nothingHalfDone(batchId)
})

test('an entry that applies itself does so once, though its timer was not yet gone when the product was killed', async () => {
  const answer = await send('/v1/settings')
  const { settings } = (await answer.json()) as { settings: { match: object } }
  const match = { ...settings.match, retroBanks: { [bankId]: { route: 'auto', violation: 'known_media' } } }
  await call('/v1/settings', { match }, { 'if-match': answer.headers.get('etag')! }, 'PATCH')
  await db.query('CREATE TABLE kept_timers AS TABLE timers WITH NO DATA')
  await db.query(`CREATE FUNCTION keep_timer() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO kept_timers SELECT OLD.*; RETURN OLD; END $$`)
  await db.query(`CREATE TRIGGER keep_timer BEFORE DELETE ON timers FOR EACH ROW WHEN (OLD.kind = 'retro-entry')
    EXECUTE FUNCTION keep_timer()`)
  const entryId = await entryOf(`hello 7, ${passage}`)
  const own = async () => (await call<{ items: Batch[] }>(`/v1/match/retro?entryId=${entryId}`)).items
  await until('the entry applied itself', async () => (await own())[0]?.state === 'applied')
  await kill()
  // As if the kill had come after the batch committed and before the timer did.
  await db.query('INSERT INTO timers OVERRIDING SYSTEM VALUE SELECT * FROM kept_timers')
  await restart()
  await until('the timer was run', async () => {
    const rows = await db.query(`SELECT 1 FROM timers WHERE kind = 'retro-entry'`)
    return rows.length === 0
  })
  assert.equal((await own()).length, 1)
  await nothingHalfDone((await own())[0]!.batchId)
})

test('the ledger of all that verifies, and replaying it makes the same', async () => {
  const verified = JSON.parse(await custos(['ledger', 'verify', '--data', dataDir, '--json'])) as { ok: boolean }
  assert.ok(verified.ok, JSON.stringify(verified))
  const rebuilt = JSON.parse(await custos(['ledger', 'rebuild', '--data', dataDir, '--json'])) as {
    tables: { table: string; same: boolean }[]
  }
  assert.deepEqual(
    rebuilt.tables.filter(({ same }) => !same),
    [],
  )
})
