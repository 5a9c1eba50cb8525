import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { uuidv7 } from '../../domain/ids.ts'
import { createSealer } from '../../ledger/seal.ts'
import { enqueueEffects } from '../../storage/outbox.ts'
import { accessServer, type AccessServer } from '../../../test/server.ts'
import { ApiError } from '../client.ts'
import * as audit from '../contract/audit.ts'
import * as effects from '../contract/effects.ts'
import * as contract from '../contract/settings.ts'
import { horizonReached } from '../../../test/horizon.ts'

let server: AccessServer
let status = 200
const received: { body: string; signature: string }[] = []
const receiver = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    received.push({ body, signature: String(request.headers['webhook-signature']) })
    response.writeHead(status).end()
  })
})
before(async () => {
  server = await accessServer()
  await new Promise<void>((done) => void receiver.listen(0, '127.0.0.1', done))
})
after(() => receiver.close())

const refusal = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('should have been refused'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}

test('settings change under If-Match, count at once, and are in the audit log with before and after', async () => {
  const admin = await server.person(['admin'])
  const { etag, body } = await admin.client.callFull(contract.getSettings, {})
  assert.equal(body.settings.acceptUnknownTypes, false)
  const change = (settings: object, ifMatch: string) =>
    admin.client.callFull(contract.updateSettings, { body: settings, headers: { 'if-match': ifMatch } })
  assert.equal((await refusal(admin.client.call(contract.updateSettings, { body: { name: 'x' } }))).status, 428)
  const changed = await change({ acceptUnknownTypes: true, mediaHosts: ['*.cdn.example'] }, etag!)
  assert.deepEqual(changed.body.settings.mediaHosts, ['*.cdn.example'])
  assert.equal(server.settings.current('default').acceptUnknownTypes, true)
  assert.equal((await refusal(change({ acceptUnknownTypes: false }, etag!))).status, 412)
  const bad = await refusal(
    change({ mediaHosts: ['https://a.example', 'ok.example'], eventTypes: { Bad: {} } }, changed.etag!),
  )
  assert.deepEqual(
    bad.problem.errors?.map(({ field }) => field),
    ['mediaHosts[0]', 'eventTypes.Bad'],
  )
  const unknown = await refusal(change({ rateLimits: { key: { perSecond: 0, burst: 1, more: 1 } } }, changed.etag!))
  assert.ok(unknown.problem.errors!.length >= 3, 'every bad field is named')

  const log = await admin.client.call(audit.listAudit, { query: { kinds: 'settings.changed', author: admin.id } })
  assert.equal(log.items.length, 1)
  assert.deepEqual(log.items[0]!.body, {
    changes: {
      acceptUnknownTypes: { before: false, after: true },
      mediaHosts: { before: [], after: ['*.cdn.example'] },
    },
  })
})

test('two changes at once under one ETag: one wins, the other is told', async () => {
  const admin = await server.person(['admin'])
  const { etag } = await admin.client.callFull(contract.getSettings, {})
  const statuses = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      admin.client
        .callFull(contract.updateSettings, { body: { name }, headers: { 'if-match': etag! } })
        .then(({ status: one }) => one)
        .catch((error: ApiError) => error.status),
    ),
  )
  assert.deepEqual(statuses.sort(), [200, 412, 412, 412])
})

test('administrators of the installation make tenants and run them; others see their own', async () => {
  const admin = await server.person(['admin'])
  const outsider = await server.person(['admin'], 'other')
  const made = await admin.client.call(contract.createTenant, { body: { id: 'forum', name: 'A forum' } })
  assert.equal(made.settings.acceptUnknownTypes, false)
  assert.equal(
    (await refusal(admin.client.call(contract.createTenant, { body: { id: 'forum', name: 'x' } }))).status,
    409,
  )
  const body = { id: 'mine', name: 'x' }
  assert.equal((await refusal(outsider.client.call(contract.createTenant, { body }))).status, 403)
  assert.equal(
    (await refusal(admin.client.call(contract.createTenant, { body: { id: 'No!', name: 'x' } }))).status,
    422,
  )
  assert.deepEqual(
    (await outsider.client.call(contract.listTenants, {})).items.map(({ id }) => id),
    ['other'],
  )
  const first = await admin.client.call(contract.listTenants, { query: { limit: 2 } })
  const rest = await admin.client.call(contract.listTenants, { query: { limit: 2, after: first.next! } })
  assert.deepEqual(
    [...first.items, ...rest.items].map(({ id }) => id),
    ['default', 'forum', 'other'],
  )
})

test('a webhook is made with a secret shown once, tested for real, and deleted with its secret', async () => {
  const admin = await server.person(['admin'])
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  for (const bad of ['nonsense', 'ftp://a.example', 'http://10.0.0.1/x', 'https://user:pw@a.example/'])
    assert.equal(
      (await refusal(admin.client.call(effects.createWebhook, { body: { url: bad } }))).problem.errors?.[0]?.field,
      'url',
    )
  const made = await admin.client.call(effects.createWebhook, { body: { url, topics: ['item.*'] } })
  assert.match(made.secret, /^whsec_/)
  assert.ok(!JSON.stringify(await server.db.query('SELECT * FROM vault_items')).includes(made.secret))
  const params = { webhookId: made.id }
  const tested = await admin.client.call(effects.testWebhook, { params })
  assert.deepEqual([tested.ok, tested.status], [true, 200])
  assert.match(received.at(-1)!.body, /"type":"custos.test"/)
  assert.match(received.at(-1)!.signature, /^v1,/)
  status = 410
  assert.equal((await admin.client.call(effects.testWebhook, { params })).ok, false)
  const listed = (await admin.client.call(effects.listWebhooks, {})).items[0]!
  assert.ok(listed.disabledMs !== null && !('secret' in listed))
  status = 204
  await admin.client.call(effects.testWebhook, { params })
  assert.equal((await admin.client.call(effects.listWebhooks, {})).items[0]!.disabledMs, null)
  const outsider = await server.person(['admin'], 'other')
  assert.equal((await refusal(outsider.client.call(effects.testWebhook, { params }))).status, 404)
  await admin.client.call(effects.deleteWebhook, { params })
  assert.deepEqual((await admin.client.call(effects.listWebhooks, {})).items, [])
  assert.equal(
    (await server.db.query(`SELECT 1 FROM vault_keys WHERE person_id = $1`, [`custos.webhook:${made.id}`])).length,
    0,
  )
})

test('effects are read by cursor, each once and in order, and a poll goes on from where it ended', async () => {
  const client = await server.keyClient(['effects:read'])
  const put = (n: number) =>
    server.db.transaction((tx) =>
      enqueueEffects(tx, 'default', [
        {
          id: uuidv7(server.nowMs(), server.deps.randomBytes),
          subject: 'actor:u1',
          topic: 'x.y',
          body: { n },
          nowMs: 1,
        },
      ]),
    )
  for (let n = 0; n < 5; n++) await put(n)
  const seen: unknown[] = []
  let after: string | undefined
  const poll = async () => {
    await horizonReached(server.db.query)
    for (;;) {
      const page = await client.call(effects.listEffects, { query: { limit: 2, after } })
      seen.push(...page.items.map(({ body }) => (body as { n: number }).n))
      after = page.next ?? undefined
      if (page.items.length < 2) return
    }
  }
  await poll()
  assert.deepEqual(seen, [0, 1, 2, 3, 4])
  await poll()
  await put(5)
  await poll()
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5])
  const other = await server.keyClient(['effects:read'], 'other')
  assert.deepEqual((await other.call(effects.listEffects, {})).items, [])
})

test('parked effects are listed and sent again, in their own tenant only', async () => {
  await server.db.query(
    `UPDATE outbox SET state = 'parked', attempts = 20, last_error = 'answered 500' WHERE topic = 'x.y'`,
  )
  const engineer = await server.person(['engineer'])
  const parked = await engineer.client.call(effects.listParked, { query: { limit: 4 } })
  assert.equal(parked.items.length, 4)
  assert.equal(parked.items[0]!.lastError, 'answered 500')
  const rest = await engineer.client.call(effects.listParked, { query: { limit: 4, after: parked.next! } })
  assert.equal(rest.items.length, 2)
  const outsider = await server.person(['admin'], 'other')
  const id = parked.items[0]!.id
  assert.equal((await refusal(outsider.client.call(effects.retryEffects, { body: { id } }))).status, 404)
  assert.equal((await engineer.client.call(effects.retryEffects, { body: { id } })).retried, 1)
  assert.equal((await engineer.client.call(effects.retryEffects, { body: {} })).retried, 5)
  const reviewer = await server.person(['reviewer'])
  assert.equal((await refusal(reviewer.client.call(effects.retryEffects, { body: {} }))).status, 403)
})

test('the audit log is filtered by kind, author, subject and time, pages through, and stays with its tenant', async () => {
  const admin = await server.person(['admin'])
  const list = (query: object) => admin.client.call(audit.listAudit, { query })
  const all = await list({ limit: 1000 })
  assert.ok(all.items.length > 5)
  const paged: string[] = []
  for (let after: string | undefined; ;) {
    const page = await list({ limit: 2, after })
    paged.push(...page.items.map(({ id }) => id))
    if (page.next === null) break
    after = page.next
  }
  assert.deepEqual(
    paged,
    all.items.map(({ id }) => id),
  )
  const subjectId = `custos.person:${admin.id}`
  const about = await list({ subjectKind: 'actor', subjectId })
  assert.ok(about.items.length > 0 && about.items.every(({ subject }) => subject.id === subjectId))
  assert.deepEqual((await list({ kinds: 'decision.made,decision.reversed' })).items, [])
  assert.deepEqual((await list({ fromMs: server.nowMs() + 1 })).items, [])
  assert.equal((await list({ untilMs: server.nowMs() + 1, limit: 1000 })).items.length, all.items.length)
  assert.equal((await refusal(list({ subjectId }))).status, 422)
  const outsider = await server.person(['admin'], 'other')
  const theirs = await outsider.client.call(audit.listAudit, { query: { limit: 1000 } })
  assert.ok(theirs.items.every(({ id }) => !paged.includes(id)))
  const reviewer = await server.person(['reviewer'])
  assert.equal((await refusal(reviewer.client.call(audit.listAudit, {}))).status, 403)
})

test('the chain is shown with its head and checked on demand', async () => {
  const admin = await server.person(['policy'])
  const sealer = createSealer(server.db)
  for (let quiet = 0; quiet < 3;) quiet = (await sealer.tick()) === 0 ? quiet + 1 : 0
  const head = await admin.client.call(audit.getLedgerHead, {})
  assert.ok(head.sequence > 5 && /^[0-9a-f]{64}$/.test(head.hash!))
  const [one, two] = await Promise.all([
    admin.client.call(audit.verifyLedger, {}),
    admin.client.call(audit.verifyLedger, {}),
  ])
  assert.deepEqual([one.ok, one.entries, one.head], [true, head.sequence, head.hash])
  assert.deepEqual(two, one)
  const newest = await admin.client.call(audit.listAudit, { query: { limit: 1 } })
  assert.equal(newest.items[0]!.hash, head.hash)
})

test('hostile text in any query of these lists is a refusal or no result, and changes nothing', async () => {
  const token = await server.key(['audit:read', 'effects:read', 'webhooks:read', 'settings:read', 'keys:write'])
  const queries: Record<string, string[]> = {
    '/v1/audit': ['kinds', 'author', 'subjectId', 'subjectKind', 'fromMs', 'untilMs', 'after', 'limit'],
    '/v1/effects': ['after', 'limit'],
    '/v1/effects/parked': ['after', 'limit'],
    '/v1/tenants': ['after', 'limit'],
    '/v1/keys': ['after', 'limit'],
  }
  const tables = ['ledger_entries', 'outbox', 'tenants', 'people']
  const count = async () =>
    Promise.all(tables.map(async (table) => (await server.db.query(`SELECT count(*) AS n FROM ${table}`))[0]!.n))
  const before = await count()
  const texts = [
    "'; DROP TABLE outbox; --",
    "1' OR '1'='1",
    '1 OR 1=1',
    '\u0000',
    '%00',
    '-1',
    '9'.repeat(40),
    'NaN',
    '{}',
    '$1',
  ]
  let asked = 0
  for (const [path, names] of Object.entries(queries))
    for (const name of names)
      for (const text of texts) {
        const query: Record<string, string> = { [name]: text }
        if (name === 'subjectId') query.subjectKind = 'actor'
        const answer = await fetch(`${server.baseUrl}${path}?${new URLSearchParams(query).toString()}`, {
          headers: { authorization: `Bearer ${token}` },
        })
        assert.ok(
          [200, 422].includes(answer.status),
          `${path} ${name}=${text}: ${answer.status} ${await answer.text()}`,
        )
        asked++
      }
  assert.equal(asked, 160)
  assert.deepEqual(await count(), before)
})
