import assert from 'node:assert/strict'
import { projectors } from '../src/app.ts'
import { defaultTenantId } from '../src/http/access.ts'
import type { Problem } from '../src/http/contract/route.ts'
import { verifyLedger } from '../src/ledger/seal.ts'
import { rebuildProjections } from '../src/ledger/rebuild.ts'
import { selectTenants } from '../src/storage/tenants.ts'
import type { TestApp } from './app.ts'

export type Answer = { status: number; text: string; body: unknown; problem: Problem; headers: Headers }

/** Any request at all, as no client of ours would send it. */
export async function ask(
  app: TestApp,
  method: string,
  path: string,
  options: { body?: BodyInit; type?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(app.url + path, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${app.key}`,
      ...(options.type === undefined ? {} : { 'content-type': options.type }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: options.body, duplex: 'half' }),
  } as RequestInit)
  const text = await response.text()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {}
  return { status: response.status, text, body, problem: body as Problem, headers: response.headers }
}

/** A refusal as the API promises it: problem details with a title, and every bad field with what is wrong with it. */
export function assertProblem(answer: Answer, status: number): Problem {
  assert.equal(answer.status, status, answer.text.slice(0, 500))
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
  const { problem } = answer
  assert.equal(problem.status, status)
  assert.ok(problem.title.length > 0 && (problem.detail ?? '').length > 0, answer.text)
  return problem
}

/** Resolves when all events are judged. */
export async function settled({ db }: TestApp): Promise<void> {
  for (;;) {
    const [row] = await db.query<{ waiting: number }>(
      `SELECT count(*) AS waiting FROM events e WHERE NOT EXISTS (SELECT 1 FROM stream_cursors c
         WHERE c.consumer = 'judge' AND c.partition = e.partition AND (e.xid, e.position) <= (c.xid, c.position))`,
    )
    if (row!.waiting === 0) return
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Nothing broke and nothing was lost: no error logged, no event parked, the ledger verifies, projections rebuild the same. */
export async function assertIntact(app: TestApp): Promise<void> {
  await settled(app)
  assert.deepEqual(
    app.logged.filter((line) => line.includes('"level":"error"')),
    [],
  )
  const parked = await app.db.query(`SELECT cause, body FROM ledger_entries WHERE kind = 'event.parked'`)
  assert.deepEqual(parked, [])
  const verified = await verifyLedger(app.db.query, defaultTenantId)
  assert.ok(verified.ok, JSON.stringify(verified))
  const tenants = await selectTenants(app.db.query, { after: '', limit: 1_000 })
  const report = await rebuildProjections(
    app.db,
    projectors,
    tenants.map(({ id }) => id),
  )
  for (const { table, same } of report.tables) assert.ok(same, `${table} differs after a rebuild`)
}

/** A good event, at `timeMs` or now. */
export function eventOf(id: string, change: Record<string, unknown> = {}, timeMs = Date.now()) {
  return { id, type: 'item.created', time: new Date(timeMs).toISOString(), actor: { id: 'u1' }, ...change }
}

/** Which of these events are stored. */
export async function storedOf({ db }: TestApp, prefix: string): Promise<string[]> {
  const rows = await db.query<{ event_id: string }>(
    'SELECT event_id FROM events WHERE starts_with(event_id, $1) ORDER BY position',
    [prefix],
  )
  return rows.map(({ event_id }) => event_id)
}
