import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { Type } from 'typebox'
import { accessServer, type AccessServer } from '../../test/server.ts'
import type { Client } from './client.ts'
import { createKey } from './contract/access.ts'
import { route } from './contract/route.ts'
import { createIdempotency } from './idempotency.ts'
import { problem } from './problem.ts'

const makeThing = route({
  id: 'things.make',
  method: 'POST',
  path: '/v1/things',
  summary: 'x',
  scope: 'keys:write',
  body: Type.Object({ name: Type.String() }),
  response: Type.Object({ made: Type.Integer() }),
  status: 201,
  idempotent: true,
})

let server: AccessServer
let token: string
let client: Client
let runs = 0
let gate: Promise<void> | undefined
before(async () => {
  server = await accessServer(({ mount, idempotency }) =>
    mount(makeThing, async ({ body, reply }) => {
      const made = ++runs
      if (body.name === 'refused') throw problem(409, 'Taken', `Attempt ${made}`)
      if (body.name === 'broken') throw new Error('a bug')
      await idempotency.database.transaction((tx) => tx.query('INSERT INTO things (name) VALUES ($1)', [body.name]))
      if (body.name === 'broken later') throw new Error('a bug after the change')
      await gate
      reply.header('etag', `"${made}"`)
      return { made }
    }),
  )
  await server.db.query('CREATE TABLE things (name text)')
  token = await server.key(['keys:write'])
  client = await server.keyClient(['keys:write'])
})

const post = (key: string, body: object, bearer = token) =>
  fetch(`${server.baseUrl}/v1/things`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
const things = async (name: string) => (await server.db.query('SELECT 1 FROM things WHERE name = $1', [name])).length

test('of eight requests at once with one key one is carried out, and all later ones get its answer', async () => {
  let open = () => {}
  gate = new Promise((done) => (open = done))
  const racing = Array.from({ length: 8 }, () => post('k1', { name: 'race' }))
  // Seven must be told to come back while the one is still running.
  const early = new Set<Promise<Response>>(racing)
  const conflicts: Response[] = []
  while (conflicts.length < 7) {
    const { promise, answer } = await Promise.race([...early].map(async (one) => ({ promise: one, answer: await one })))
    early.delete(promise)
    conflicts.push(answer)
  }
  assert.deepEqual(new Set(conflicts.map((answer) => answer.status)), new Set([409]))
  assert.ok(conflicts.every((answer) => answer.headers.get('retry-after') !== null))
  open()
  gate = undefined
  const first = await [...early][0]!
  assert.equal(first.status, 201)
  const body = await first.text()
  const again = await Promise.all(Array.from({ length: 8 }, () => post('k1', { name: 'race' })))
  for (const answer of again) {
    assert.deepEqual([answer.status, await answer.text()], [201, body])
    assert.equal(answer.headers.get('idempotent-replayed'), 'true')
    assert.equal(answer.headers.get('etag'), first.headers.get('etag'))
  }
  assert.equal(await things('race'), 1)
})

test('the same key with another body, or for another path, is refused', async () => {
  assert.equal((await post('k2', { name: 'one' })).status, 201)
  const other = await post('k2', { name: 'two' })
  assert.equal(other.status, 422)
  assert.match(other.headers.get('content-type')!, /problem\+json/)
  assert.equal(await things('two'), 0)
  const elsewhere = await fetch(`${server.baseUrl}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'k2' },
    body: JSON.stringify({ name: 'k', scopes: ['keys:write'] }),
  })
  assert.equal(elsewhere.status, 422)
})

test('keys of different callers have nothing to do with each other', async () => {
  assert.equal((await post('k3', { name: 'mine' })).status, 201)
  assert.equal((await post('k3', { name: 'mine' }, await server.key(['keys:write']))).status, 201)
  assert.equal(await things('mine'), 2)
})

test('a refusal is remembered, a failure is not, and a change that failed later is never made twice', async () => {
  const refused = await post('k4', { name: 'refused' })
  const again = await post('k4', { name: 'refused' })
  assert.deepEqual([again.status, await again.text()], [409, await refused.text()])
  assert.match(again.headers.get('content-type')!, /problem\+json/)

  const before = runs
  assert.equal((await post('k5', { name: 'broken' })).status, 500)
  assert.equal((await post('k5', { name: 'broken' })).status, 500)
  assert.equal(runs, before + 2, 'nothing was changed, so that it may be tried again')

  assert.equal((await post('k6', { name: 'broken later' })).status, 500)
  assert.equal((await post('k6', { name: 'broken later' })).status, 409)
  server.advance(121_000)
  const lost = await post('k6', { name: 'broken later' })
  assert.match(await lost.text(), /answer-was-lost/)
  assert.equal(await things('broken later'), 1)
})

test('a request whose program died is carried out by the next one, and the late one changes nothing', async () => {
  const { db, deps } = server
  const other = createIdempotency({ db, clock: deps.clock, randomBytes, secretKey: randomBytes(32) })
  const principal = { kind: 'key', id: 'k', tenantId: 'default', name: 'k', scopes: new Set(), roles: [] }
  const input = {
    principal,
    params: {},
    query: {},
    body: { name: 'late' },
    request: { headers: { 'idempotency-key': 'k7' }, ip: '::1', url: '/v1/things' },
    reply: { statusCode: 201, getHeader: () => undefined },
  } as never
  const change = (idempotency: typeof other) => () =>
    idempotency.database.transaction((tx) => tx.query(`INSERT INTO things (name) VALUES ('late')`))
  let resume = () => {}
  const paused = new Promise<void>((done) => (resume = done))
  const late = other.idempotent(input, makeThing, async () => {
    await paused
    return change(other)()
  })
  // The first one hangs for longer than its claim holds.
  while ((await db.query(`SELECT 1 FROM idempotency_keys WHERE caller = 'key:k'`)).length === 0)
    await new Promise((done) => setTimeout(done, 5))
  server.advance(121_000)
  await server.idempotency.idempotent(input, makeThing, change(server.idempotency))
  resume()
  await assert.rejects(late, /claimed again/)
  assert.equal(await things('late'), 1)
})

test('a key made once is shown again to its maker only, and is not readable in the database', async () => {
  const headers = { 'idempotency-key': 'k8' }
  const made = await client.call(createKey, { body: { name: 'k', scopes: ['keys:write'] }, headers })
  const again = await client.call(createKey, { body: { name: 'k', scopes: ['keys:write'] }, headers })
  assert.equal(again.token, made.token)
  const rows = await server.db.query<{ answer: Buffer }>('SELECT answer FROM idempotency_keys WHERE answer IS NOT NULL')
  assert.ok(rows.length > 3)
  for (const row of rows) assert.ok(!row.answer.includes(made.token))
})

test('keys are forgotten after a day', async () => {
  assert.equal((await post('k9', { name: 'daily' })).status, 201)
  server.advance(24 * 3_600_000 + 1)
  assert.equal((await post('k9', { name: 'daily' })).status, 201)
  assert.equal(await things('daily'), 2)
  server.advance(24 * 3_600_000 + 1)
  assert.ok((await server.idempotency.sweep()) > 0)
  assert.equal((await server.db.query('SELECT 1 FROM idempotency_keys')).length, 0)
  assert.equal((await post('x'.repeat(256), { name: 'daily' })).status, 422)
})
