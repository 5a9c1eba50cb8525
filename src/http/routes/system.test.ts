import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Compile } from 'typebox/compile'
import { accessServer, type AccessServer } from '../../../test/server.ts'
import * as access from '../contract/access.ts'
import { exampleOf, type OpenApi, type Operation } from '../openapi.ts'
import { readiness } from '../health.ts'
import { traceOf } from '../observe.ts'

let server: AccessServer
let document: OpenApi
before(async () => {
  server = await accessServer()
  document = (await (await fetch(`${server.baseUrl}/openapi.json`)).json()) as OpenApi
})

test('OpenAPI has every mounted route with its scope, parameters, body and answers', () => {
  assert.equal(document.openapi, '3.1.0')
  const seen = new Set<string>()
  for (const route of server.routes) {
    const operation = document.paths[route.path.replaceAll(/:([a-zA-Z]\w*)/g, '{$1}')]?.[route.method.toLowerCase()]
    assert.ok(operation !== undefined, route.id)
    assert.equal(operation.operationId, route.id)
    assert.ok(!seen.has(route.id), `${route.id} twice`)
    seen.add(route.id)
    assert.equal(operation['x-scope'], route.scope)
    assert.equal(operation.security.length === 0, route.scope === 'public')
    assert.equal(operation.requestBody !== undefined, route.body !== undefined, route.id)
    assert.doesNotMatch(Object.keys(document.paths).join(' '), /\}[^/ ]/, 'a name ends where its segment ends')
    const named = [...route.path.matchAll(/:([a-zA-Z]\w*)/g)].map((match) => match[1])
    const path = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
    assert.deepEqual(path.map((parameter) => parameter.name).sort(), named.sort(), route.id)
    assert.ok(path.every((parameter) => parameter.required))
    const headers = (operation.parameters ?? []).filter((parameter) => parameter.in === 'header').map((one) => one.name)
    assert.equal(headers.includes('Idempotency-Key'), route.idempotent === true, route.id)
    assert.ok(String(route.status ?? 200) in operation.responses, route.id)
    assert.ok('429' in operation.responses)
  }
  assert.ok(seen.size > 30)
  const changes = document.paths['/v1/settings']!.patch!
  assert.ok(changes.parameters?.some(({ name, required }) => name === 'If-Match' && required))
  assert.ok('412' in changes.responses && '428' in changes.responses)
})

test('OpenAPI holds together: references lead somewhere, schemas are JSON Schema, examples fit them', () => {
  const text = JSON.stringify(document)
  assert.ok(!text.includes('"~'), 'marks of the schema library must not leak')
  for (const [, reference = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const target = reference.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document)
    assert.ok(target !== undefined, reference)
  }
  let examples = 0
  for (const route of server.routes) {
    if (route.body === undefined) continue
    const example = exampleOf(JSON.parse(JSON.stringify(route.body)))
    const check = Compile(route.body)
    assert.ok(check.Check(example), `${route.id}: ${JSON.stringify(check.Errors(example))}`)
    examples++
  }
  assert.ok(examples > 8)
})

test('the reference page shows every route, finds by words, and needs no scripts', async () => {
  const page = await (await fetch(`${server.baseUrl}/docs`)).text()
  for (const route of server.routes) assert.ok(page.includes(`id="${route.id}"`), route.id)
  assert.ok(!/<script|https?:\/\/(?!127\.0\.0\.1|example\.org)/.test(page), 'nothing from elsewhere')
  assert.match(page, /curl -X POST/)
  const found = await (await fetch(`${server.baseUrl}/docs?q=webhook+test`)).text()
  assert.ok(found.includes('id="webhooks.test"') && !found.includes('id="people.list"'))
  const hostile = await (
    await fetch(`${server.baseUrl}/docs?q=${encodeURIComponent('"><script>alert(1)</script>')}`)
  ).text()
  assert.ok(!hostile.includes('<script>'))
})

test('every answer carries the headers that protect browsers', async () => {
  for (const path of ['/docs', '/v1/people', '/sign-in', '/nowhere']) {
    const { headers } = await fetch(server.baseUrl + path)
    const policy = headers.get('content-security-policy')!
    assert.ok(policy.includes("frame-ancestors 'none'") && policy.includes("script-src 'self'"), path)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('referrer-policy'), 'same-origin')
    assert.match(headers.get('traceparent')!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  }
  assert.equal((await fetch(`${server.baseUrl}/v1/people`)).headers.get('cache-control'), 'no-store')
})

test('a trace that the caller began goes on, and nonsense begins a new one', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await fetch(`${server.baseUrl}/healthz`, {
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  })
  assert.match(answer.headers.get('traceparent')!, new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`))
  let byte = 0
  const random = (length: number) => new Uint8Array(length).fill(++byte)
  for (const bad of [
    undefined,
    '',
    'x',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${traceId}-00f067aa0ba902b7-01`,
  ])
    assert.notEqual(traceOf(bad, random).traceId, traceId)
})

test('the log has one line a request, without anything personal', async () => {
  server.logged.length = 0
  const admin = await server.person(['admin'])
  await admin.client.call(access.listPeople, { query: { search: 'secretive@example.org' } })
  await fetch(`${server.baseUrl}/me/some-secret-token`)
  for (let tries = 0; server.logged.length < 2 && tries < 100; tries++) await new Promise((done) => setTimeout(done, 5))
  assert.equal(server.logged.length, 2)
  const [line] = server.logged
  assert.deepEqual([line!.route, line!.status, line!.msg, line!.level], ['people.list', 200, 'request', 'info'])
  assert.match(String(line!.trace_id), /^[0-9a-f]{32}$/)
  const text = JSON.stringify(server.logged)
  for (const personal of ['secretive', '127.0.0.1', 'some-secret-token', admin.cookie, admin.id])
    assert.ok(!text.includes(personal), personal)
})

test('metrics count requests by route, and backlogs of the database', async () => {
  await server.db.query(
    `INSERT INTO outbox (id, tenant_id, subject, topic, body, created_ms, next_ms) VALUES (gen_random_uuid(), 'default', 'actor:u1', 'x', '{}', $1, $1)`,
    [server.nowMs() - 7_000],
  )
  await server.db.query(
    `INSERT INTO timers (id, tenant_id, kind, key, due_ms) VALUES (gen_random_uuid(), 'default', 'k', 'late', $1), (gen_random_uuid(), 'default', 'k', 'not yet', $2)`,
    [server.nowMs() - 60_000, server.nowMs() + 60_000],
  )
  server.metrics.events({ accepted: 3, duplicate: 1, refused: 0 })
  server.metrics.decision('full', 2)
  const text = await (await fetch(`${server.baseUrl}/metrics`)).text()
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')
        .at(-1),
    )
  assert.equal(value('custos_events_total{outcome="accepted"}'), 3)
  assert.equal(value('custos_decisions_total{automation="full"}'), 2)
  assert.equal(value('custos_outbox_pending'), 1)
  assert.equal(value('custos_outbox_oldest_seconds'), 7)
  assert.equal(value('custos_timers_late'), 1)
  assert.equal(value('custos_database_up'), 1)
  assert.ok(value('custos_http_request_duration_seconds_count{route="system.docs",method="GET",status="2xx"}') >= 1)
  assert.ok(value('process_resident_memory_bytes') > 0)
  const passedOn = await fetch(`${server.baseUrl}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.9' } })
  assert.equal(passedOn.status, 403)
})

test('readiness says what is wrong: no database, a missing migration, a stream far behind', async () => {
  const answer = await fetch(`${server.baseUrl}/readyz`)
  assert.equal(answer.status, 200)
  const broken = { ...server.db, query: () => Promise.reject(new Error('connection refused')) }
  const clock = server.nowMs
  const names = (checks: { name: string; ok: boolean }[]) => checks.filter(({ ok }) => !ok).map(({ name }) => name)
  const away = await readiness({ db: broken, clock, migrations: [] })
  assert.deepEqual(names(away.checks), ['database', 'migrations', 'stream'])
  const older = await readiness({ db: server.db, clock, migrations: ['999-future.sql'] })
  assert.deepEqual(names(older.checks), ['migrations'])
  assert.match(older.checks[1]!.detail, /999-future/)
  await server.db.query(`INSERT INTO stream_cursors (consumer, partition) VALUES ('judge', 0)`)
  await server.db.query(
    `INSERT INTO events (tenant_id, event_id, type, context, actor_id, occurred_ms, received_ms, body)
     VALUES ('default', 'e1', 'x.y', 'feed', 'u1', 0, $1, '{}')`,
    [server.nowMs() - 90_000],
  )
  const behind = await fetch(`${server.baseUrl}/readyz`)
  assert.equal(behind.status, 503)
  assert.match(await behind.text(), /90 s behind, limit 60 s/)
  const hanging = { ...server.db, query: () => new Promise<never>(() => {}) }
  const slow = await readiness({ db: hanging, clock, migrations: [], timeoutMs: 20 })
  assert.match(slow.checks[0]!.detail, /no answer within 20 ms/)
})

test('an operation without a body says so', () => {
  const operation: Operation = document.paths['/v1/session']!.delete!
  assert.equal(operation.requestBody, undefined)
})
