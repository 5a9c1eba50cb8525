import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { createRandom } from '../src/kernels/random.ts'
import { openDatabase } from '../src/storage/database.ts'
import { findEmbedded } from '../src/storage/embedded.ts'
import { custos, makeDataDir, makeKey, startProduct, type Product } from './product.ts'

export type CrashOptions = { serverKills: number; databaseKills: number; seed: number; log: (line: string) => void }
export type CrashReport = {
  acknowledged: number
  sent: number
  serverKills: number
  databaseKills: number
  decisions: number
  actorsWithStrikes: number
}

const rules = `
features:
  sent_1h: { kind: count, key: actor.id, on: [message.sent], window: 1h }
rules:
  - id: crash-scam
    owner: test
    description: A message that carries the marker is a scam.
    on: [message.sent]
    when: item.text.contains("send-me-coins")
    then: [{ violation: { violation: scam, severity: 1, confidence: 1, route: auto } }]
    mode: live
  - id: crash-burst
    owner: test
    description: Says when somebody sent their tenth message in an hour, exactly once.
    on: [message.sent]
    when: crosses(sent_1h, 10)
    then: [{ webhook: { topic: burst } }]
    mode: live
`

/**
 * Kills the server and its database with SIGKILL at random moments while events stream in, then checks what the
 * product promises: no acknowledged event lost, no effect doubled, no standing that replay does not reproduce.
 */
export async function crashRounds({ serverKills, databaseKills, seed, log }: CrashOptions): Promise<CrashReport> {
  const random = createRandom(seed)
  const dataDir = makeDataDir('crash')
  let product: Product = await startProduct({ dataDir })
  const key = await makeKey(dataDir)
  const acknowledged = new Set<string>()
  const violating = new Map<string, string>()
  // Enough of them that a strike is judged against an ordinary history, not against hundreds of others.
  const actors = 400
  let made = 0
  let stopped = false

  const send = async (path: string, init: RequestInit): Promise<Response | undefined> =>
    fetch(`${product.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(20_000),
    }).catch(() => undefined)

  const published = await send('/v1/rules', { method: 'POST', body: JSON.stringify({ text: rules }) })
  assert.ok(published?.ok, `publishing rules: ${await published?.text()}`)

  const platform = async (): Promise<void> => {
    while (!stopped) {
      const batch = Array.from({ length: 20 }, () => {
        const n = made++
        const id = `c${n}`
        const actor = `a${n % actors}`
        const bad = n % 37 === 0
        if (bad) violating.set(id, actor)
        return {
          id,
          type: 'message.sent',
          time: new Date().toISOString(),
          context: 'private_messaging',
          actor: { id: actor },
          item: { id: `i${n}`, kind: 'message', text: bad ? `please send-me-coins ${n}` : `hello ${n}` },
        }
      })
      // A platform sends again until it hears an answer.
      while (!stopped) {
        const response = await send('/v1/events', { method: 'POST', body: JSON.stringify(batch) })
        const answer = response?.ok
          ? ((await response.json().catch(() => undefined)) as
              | { results: { id: string; status: string }[] }
              | undefined)
          : undefined
        if (answer !== undefined) {
          for (const { id, status } of answer.results) {
            assert.notEqual(status, 'refused', `${id} was refused`)
            acknowledged.add(id)
          }
          break
        }
        await sleep(100)
      }
    }
  }

  const senders = [platform(), platform(), platform()]
  try {
    const kills = [...Array<'server'>(serverKills).fill('server'), ...Array<'database'>(databaseKills).fill('database')]
    for (const [round, target] of shuffle(kills, random.float).entries()) {
      await sleep(300 + random.float() * 900)
      if (target === 'server') {
        product.kill('SIGKILL')
        await product.exited
        product = await startProduct({ dataDir })
      } else {
        process.kill(await databasePid(dataDir), 'SIGKILL')
      }
      if (round % 10 === 9) log(`${round + 1} of ${kills.length} kills; ${acknowledged.size} events acknowledged`)
    }
    await sleep(1_000)
    stopped = true
    await Promise.all(senders)
    await drained(dataDir)
    const report = await check(dataDir, acknowledged, violating)
    const verified = JSON.parse(await custos(['ledger', 'verify', '--data', dataDir, '--json'])) as { ok: boolean }
    assert.ok(verified.ok, JSON.stringify(verified))
    const rebuilt = JSON.parse(await custos(['ledger', 'rebuild', '--data', dataDir, '--json'])) as {
      tables: { table: string; same: boolean }[]
    }
    assert.ok(rebuilt.tables.some(({ table }) => table === 'standings'))
    assert.deepEqual(
      rebuilt.tables.filter(({ same }) => !same),
      [],
      'projections that replay does not reproduce',
    )
    return { acknowledged: acknowledged.size, sent: made, serverKills, databaseKills, ...report }
  } finally {
    stopped = true
    await Promise.allSettled(senders)
    await product.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** The process of the database, once it is up again after the kill before. */
async function databasePid(dataDir: string): Promise<number> {
  for (let tries = 0; tries < 300; tries++) {
    const running = await findEmbedded(dataDir)
    if (running !== undefined) return running.pid
    await sleep(100)
  }
  throw new Error('the database did not come back within 30 s')
}

/** A connection to the database of a product, which outlives a kill of the product itself. */
export async function openRunning(dataDir: string) {
  const access = await findEmbedded(dataDir)
  assert.ok(access !== undefined, 'the database of the product is reachable')
  return openDatabase({ ...access, database: 'postgres', poolSize: 2 })
}

async function drained(dataDir: string): Promise<void> {
  const db = await openRunning(dataDir)
  try {
    for (let tries = 0; ; tries++) {
      const [row] = await db
        .query<{ behind: number }>(
          `SELECT count(*) AS behind FROM events e WHERE (e.xid, e.position) > (SELECT xid, position FROM stream_cursors WHERE consumer = 'judge')`,
        )
        .catch(() => [undefined])
      if (row?.behind === 0) return
      assert.ok(tries < 6_000, `the worker is ${row?.behind} events behind after ten minutes`)
      await sleep(100)
    }
  } finally {
    await db.close()
  }
}

async function check(dataDir: string, acknowledged: ReadonlySet<string>, violating: ReadonlyMap<string, string>) {
  const db = await openRunning(dataDir)
  try {
    const stored = new Set(
      (await db.query<{ event_id: string }>('SELECT event_id FROM events')).map((row) => row.event_id),
    )
    const lost = [...acknowledged].filter((id) => !stored.has(id))
    assert.deepEqual(lost, [], 'acknowledged events that are gone')

    const decisions = await db.query<{ event_id: string; n: number }>(
      `SELECT body->>'eventId' AS event_id, count(*) AS n FROM ledger_entries WHERE kind = 'decision.made' GROUP BY 1`,
    )
    const byEvent = new Map(decisions.map((row) => [row.event_id, row.n]))
    const expected = [...violating.keys()].filter((id) => stored.has(id))
    assert.deepEqual(
      expected.filter((id) => byEvent.get(id) !== 1).map((id) => [id, byEvent.get(id) ?? 0]),
      [],
      'violating events that do not have exactly one decision',
    )
    assert.equal(byEvent.size, expected.length, 'decisions about events that did not violate')

    const bursts = await db.query<{ subject: string; n: number }>(
      `SELECT subject, count(*) AS n FROM outbox WHERE topic = 'burst' GROUP BY 1`,
    )
    assert.deepEqual(
      bursts.filter((row) => row.n !== 1),
      [],
      'the tenth message of an actor must be told exactly once: features survived every restart',
    )
    const busy = await db.query<{ actor_id: string }>('SELECT actor_id FROM events GROUP BY 1 HAVING count(*) >= 10')
    assert.equal(bursts.length, busy.length)
    const doubled = await db.query(
      `SELECT entry_id, topic, subject FROM outbox WHERE entry_id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1`,
    )
    assert.deepEqual(doubled, [], 'effects told twice')
    return { decisions: expected.length, actorsWithStrikes: new Set(expected.map((id) => violating.get(id))).size }
  } finally {
    await db.close()
  }
}

function shuffle<T>(list: readonly T[], random: () => number): T[] {
  const left = [...list]
  const out: T[] = []
  while (left.length > 0) out.push(left.splice(Math.floor(random() * left.length), 1)[0]!)
  return out
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
