import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { uuidv7 } from '../domain/ids.ts'
import { createVault } from '../ledger/vault.ts'
import type { Database } from '../storage/database.ts'
import { enqueueEffects, type OutboxRow } from '../storage/outbox.ts'
import { deleteWebhook, insertWebhook, retryParked, selectWebhook } from '../storage/webhooks.ts'
import { testDatabase } from '../../test/database.ts'
import { deliverDue, retryDelayMs, retryForMs, webhookSecret, type DeliverDeps } from './deliver.ts'
import { addressTrouble, createPost, urlTrouble, type Post } from './outbound.ts'

type Received = { path: string; headers: IncomingHttpHeaders; body: string; data: { id: string; body: { n: number } } }
type Reply = { status: number; headers?: Record<string, string> } | 'hang' | 'cut'

let nowMs = Date.UTC(2026, 10, 20, 12)
let db: Database
let deps: DeliverDeps
let receiver: Server
let baseUrl: string
const received: Received[] = []
let reply: (message: Received) => Reply = () => ({ status: 200 })
const { post, close } = createPost({ privateAddresses: 'loopback' })
// The time-out of the product is too long to wait for in a test; what happens at its end is the same.
const impatient: Post = (url, message) => post(url, { ...message, timeoutMs: 300 })

before(async () => {
  db = await testDatabase()
  await db.query(`INSERT INTO tenants (id, name) VALUES ('t', 'T'), ('quiet', 'Q')`)
  const vault = createVault({ secretKey: 'secret', clock: () => nowMs, randomBytes })
  deps = { db, vault, post: impatient, clock: () => nowMs, randomBytes }
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { data } = JSON.parse(body) as Pick<Received, 'data'>
      const message = { path: request.url!, headers: request.headers, body, data }
      received.push(message)
      const answer = reply(message)
      if (answer === 'cut') response.destroy()
      else if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end('thanks')
    })
  })
  await new Promise<void>((done) => void receiver.listen(0, '127.0.0.1', done))
  baseUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
})
after(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await close()
})
beforeEach(async () => {
  await db.query('DELETE FROM webhook_deliveries')
  await db.query('DELETE FROM webhooks')
  await db.query('DELETE FROM outbox')
  received.length = 0
  reply = () => ({ status: 200 })
})

let count = 0
const enqueue = (subject: string, n: number, tenantId = 't', topic = 'item.removed') =>
  db.transaction((tx) =>
    enqueueEffects(tx, tenantId, [{ id: uuidv7(nowMs + count++, randomBytes), subject, topic, body: { n }, nowMs }]),
  )
const webhook = async (path = '/hook', topics: string[] = []) => {
  const id = uuidv7(nowMs, randomBytes)
  const secret = webhookSecret(randomBytes)
  await db.transaction(async (tx) => {
    const secretRef = await deps.vault.seal(tx, 't', `custos.webhook:${id}`, secret)
    await insertWebhook(tx, { id, tenantId: 't', url: baseUrl + path, topics, secretRef, nowMs })
  })
  return { id, secret }
}
const rows = () => db.query<OutboxRow>('SELECT * FROM outbox ORDER BY position')
const states = async () => (await rows()).map((row) => row.state)
const drain = async () => {
  while ((await deliverDue(deps)) > 0);
}

test('a message arrives signed as Standard Webhooks say, once, and is marked delivered', async () => {
  const { secret } = await webhook()
  await enqueue('actor:u1', 1)
  await drain()
  await drain()
  assert.equal(received.length, 1)
  const { headers, body, data } = received[0]!
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  assert.equal(key.length, 32)
  assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
  assert.equal(headers['webhook-timestamp'], String(nowMs / 1_000))
  assert.equal(headers['webhook-id'], data.id)
  assert.deepEqual([data.body.n, await states()], [1, ['delivered']])
})

test('effects of one subject arrive in order though one fails, and others do not wait for it', async () => {
  await webhook()
  for (let n = 1; n <= 5; n++) await enqueue('actor:a', n)
  await enqueue('actor:b', 100)
  let failures = 2
  reply = ({ data }) => ({ status: data.body.n === 2 && failures-- > 0 ? 500 : 200 })
  await drain()
  assert.deepEqual(await states(), ['delivered', 'pending', 'pending', 'pending', 'pending', 'delivered'])
  assert.match((await rows())[1]!.last_error!, /answered 500/)
  nowMs += 4_999
  await drain()
  assert.equal(received.length, 3, 'not before its time')
  for (const waitMs of [1_500, 20_000]) {
    nowMs += waitMs
    await drain()
  }
  const ofA = received.map(({ data }) => data.body.n).filter((n) => n < 100)
  assert.deepEqual(ofA, [1, 2, 2, 2, 3, 4, 5])
  const attempts = received.filter(({ data }) => data.body.n === 2)
  assert.equal(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size, 1, 'one id on every attempt')
  assert.equal(new Set(attempts.map(({ body }) => body)).size, 1, 'the same bytes on every attempt')
})

test('time-outs, cut connections and redirects are failures that are tried again, and say so', async () => {
  const { id } = await webhook()
  const cases: [Reply, RegExp][] = [
    ['hang', /no answer within 300 ms/],
    ['cut', /other side closed|socket/i],
    [{ status: 302, headers: { location: `${baseUrl}/elsewhere` } }, /redirects are not followed/],
    [{ status: 503 }, /answered 503/],
  ]
  for (const [answer, expected] of cases) {
    await enqueue(`actor:${String(expected)}`, 1)
    reply = () => answer
    await drain()
    const row = (await rows()).at(-1)!
    assert.equal(row.state, 'pending')
    assert.match(row.last_error!, expected)
    assert.match((await selectWebhook(db.query, 't', id))!.lastError!, expected)
  }
  assert.ok(
    received.every(({ path }) => path === '/hook'),
    'nothing went where the redirect pointed',
  )
  reply = () => ({ status: 200 })
  nowMs += 10_000
  await drain()
  assert.deepEqual(new Set(await states()), new Set(['delivered']))
})

test('no lock and no transaction is open while a receiver is slow', async () => {
  await webhook()
  await enqueue('actor:u1', 1)
  reply = () => 'hang'
  const delivering = deliverDue(deps)
  while (received.length === 0) await new Promise((done) => setTimeout(done, 5))
  const open = await db.query(
    `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'`,
  )
  assert.deepEqual(open, [])
  await db.query(`SELECT 1 FROM outbox FOR UPDATE NOWAIT`)
  assert.equal(await deliverDue(deps), 0, 'another worker does not send it at the same time')
  await delivering
  assert.equal(received.length, 1)
})

test('two workers at once deliver everything once and in order', async () => {
  await webhook()
  for (let n = 0; n < 60; n++) await enqueue(`actor:${n % 6}`, n)
  await Promise.all([drain(), drain(), drain()])
  await drain()
  assert.equal(received.length, 60)
  for (let subject = 0; subject < 6; subject++) {
    const order = received.map(({ data }) => data.body.n).filter((n) => n % 6 === subject)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    )
  }
})

test('after 72 hours of failures an effect is parked, later ones go on, and it can be sent again', async () => {
  await webhook()
  await enqueue('actor:u1', 1)
  await enqueue('actor:u1', 2)
  reply = ({ data }) => ({ status: data.body.n === 1 ? 500 : 200 })
  const startedMs = nowMs
  for (let hour = 0; (await states())[0] === 'pending' && hour < 2_000; hour++) {
    await drain()
    nowMs += 600_000
  }
  assert.deepEqual(await states(), ['parked', 'delivered'])
  const passedHours = (nowMs - startedMs) / 3_600_000
  assert.ok(passedHours >= 66 && passedHours <= 96, `${passedHours} hours`)
  reply = () => ({ status: 200 })
  assert.equal(await db.transaction((tx) => retryParked(tx, 'other', nowMs)), 0)
  assert.equal(await db.transaction((tx) => retryParked(tx, 't', nowMs)), 1)
  await drain()
  assert.deepEqual(await states(), ['delivered', 'delivered'])
})

test('retries come ever later and end after 72 hours', () => {
  const delays = []
  for (let attempt = 1; retryDelayMs(attempt) !== undefined; attempt++) delays.push(retryDelayMs(attempt)!)
  assert.deepEqual(delays.slice(0, 4), [5_000, 15_000, 45_000, 135_000])
  assert.deepEqual(
    delays,
    delays.toSorted((a, b) => a - b),
  )
  const totalMs = delays.reduce((sum, delay) => sum + delay, 0)
  assert.ok(totalMs <= retryForMs && totalMs > retryForMs - 6 * 3_600_000)
})

test('a receiver that answers 410 is switched off and what it missed is parked', async () => {
  const { id } = await webhook()
  await enqueue('actor:u1', 1)
  await enqueue('actor:u2', 2)
  reply = () => ({ status: 410 })
  await drain()
  assert.match((await selectWebhook(db.query, 't', id))!.disabledBecause!, /410/)
  assert.deepEqual(await states(), ['parked', 'parked'])
  const sent = received.length
  await enqueue('actor:u3', 3)
  await drain()
  assert.equal(received.length, sent, 'nothing is sent to it any more')
})

test('a longer wait that the receiver asks for is kept', async () => {
  await webhook()
  await enqueue('actor:u1', 1)
  reply = () => ({ status: 429, headers: { 'retry-after': '600' } })
  await drain()
  assert.equal((await rows())[0]!.next_ms, nowMs + 600_000)
})

test('without a webhook effects become unsent at once; topics choose among webhooks', async () => {
  await enqueue('actor:u1', 1, 'quiet')
  await drain()
  assert.deepEqual(await states(), ['unsent'])
  await webhook('/items', ['item.*'])
  await webhook('/removals', ['item.removed'])
  await enqueue('actor:u1', 1)
  await enqueue('actor:u1', 2, 't', 'item.restored')
  await enqueue('actor:u1', 3, 't', 'decision.made')
  await drain()
  assert.deepEqual(received.map(({ path, data }) => `${path} ${data.body.n}`).sort(), [
    '/items 1',
    '/items 2',
    '/removals 1',
  ])
  assert.deepEqual(await states(), ['unsent', 'delivered', 'delivered', 'unsent'])
})

test('what one webhook took is not sent to it again because another failed', async () => {
  await webhook('/good')
  const bad = await webhook('/bad')
  await enqueue('actor:u1', 1)
  reply = ({ path }) => ({ status: path === '/bad' ? 500 : 200 })
  await drain()
  nowMs += 10_000
  await drain()
  assert.deepEqual(received.map(({ path }) => path).sort(), ['/bad', '/bad', '/good'])
  await db.transaction((tx) => deleteWebhook(tx, 't', bad.id))
  nowMs += 60_000
  await drain()
  assert.deepEqual(await states(), ['delivered'], 'who is gone is not waited for')
})

test('addresses inside are refused by text, by name and at the moment of connecting', async () => {
  const none = { privateAddresses: 'none' } as const
  const inside = [
    '127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1',
    '255.255.255.255', '::1', '::', 'fe80::1', 'fc00::1', '::ffff:10.0.0.1', '::ffff:127.0.0.1', '64:ff9b::a00:1', '2002:a00:1::',
  ] // prettier-ignore
  for (const address of inside) {
    assert.ok(addressTrouble(address, none), address)
    const host = address.includes(':') ? `[${address}]` : address
    assert.ok(urlTrouble(`https://${host}/x`, none), address)
  }
  for (const address of ['1.1.1.1', '8.8.8.8', '2606:4700::1111'])
    assert.equal(addressTrouble(address, none), undefined)
  for (const url of [
    'ftp://a.example',
    'file:///etc/passwd',
    'https://u:p@a.example',
    'nonsense',
    'http://a.example',
    'https://localhost',
    'https://0x7f.1',
    'https://2130706433',
  ])
    assert.ok(urlTrouble(url, none), url)
  assert.equal(urlTrouble('https://hooks.example.org/x', none), undefined)
  assert.ok(addressTrouble('10.0.0.1', { privateAddresses: 'loopback' }), 'this machine is not the network around it')

  // localhost is a name: only the check at connecting can see where it leads.
  const strict = createPost(none)
  const message = { headers: {}, body: '{}', timeoutMs: 1_000 }
  await assert.rejects(strict.post(baseUrl, message), /not a public address/)
  await assert.rejects(strict.post('https://ip6-localhost/', message), /not a public address|ENOTFOUND|EAI_AGAIN/)
  await strict.close()
  assert.equal(received.length, 0)
})
