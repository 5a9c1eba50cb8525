import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { recentEntries } from '../ledger/read.ts'
import type { Role } from '../domain/staff.ts'
import { accessServer, type AccessServer } from '../../test/server.ts'
import { createSubjectLink, ensureFirstAdmin, resolveSubjectLink } from './access.ts'
import { sessionCookie } from './auth.ts'
import { ApiError } from './client.ts'
import * as contract from './contract/access.ts'
import { addressKey, createThrottle } from './throttle.ts'

let server: AccessServer
before(async () => {
  server = await accessServer()
})

const refusal = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('should have been refused'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}
const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(server.baseUrl + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: server.baseUrl, ...headers },
    body: new URLSearchParams(fields),
  })
const cookieFrom = (response: Response) =>
  /custos_session=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? assert.fail('no cookie was set')

test('the first start makes an administrator and a link that signs in once', async () => {
  const first = await accessServer()
  const link = await ensureFirstAdmin(first.db, first.deps)
  assert.ok(link !== undefined)
  const again = await ensureFirstAdmin(first.db, first.deps)
  assert.ok(again !== undefined, 'nobody signed in yet, so that a restart must print a link again')
  assert.equal((await first.db.query('SELECT 1 FROM people')).length, 1)

  const url = first.baseUrl + link.path
  for (let look = 0; look < 3; look++) {
    const page = await fetch(url)
    assert.equal(page.status, 200, 'a preview must not use the link up')
    assert.match(await page.text(), /Sign in as Administrator/)
  }
  const post = (token: string) =>
    fetch(`${first.baseUrl}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: first.baseUrl },
      body: new URLSearchParams({ token }),
    })
  const [one, two] = await Promise.all([post(link.token), post(link.token)])
  assert.deepEqual([one.status, two.status].sort(), [303, 410], 'of two uses at once one wins')
  const entered = one.status === 303 ? one : two
  assert.match(entered.headers.get('set-cookie')!, /HttpOnly; SameSite=Strict/)
  const session = await first.browser(cookieFrom(entered)).call(contract.getSession, {})
  assert.deepEqual([session.roles, session.tenantId, session.person.handle], [['admin'], 'default', 'admin'])
  assert.equal((await fetch(url)).status, 410)
  assert.equal(await ensureFirstAdmin(first.db, first.deps), undefined, 'later starts print nothing')
  assert.ok((await ensureFirstAdmin(first.db, first.deps, { always: true })) !== undefined)
})

test('a sign-in link is refused after 15 minutes', async () => {
  const admin = await server.person(['admin'])
  const { path } = await admin.client.call(contract.createSignInLink, { params: { personId: admin.id } })
  server.advance(15 * 60_000)
  const spent = await form('/sign-in', { token: new URL(path, server.baseUrl).searchParams.get('token')! })
  assert.equal(spent.status, 410)
})

test('no token, key or password can be read from the database', async () => {
  const admin = await server.person(['admin'])
  const made = await admin.client.call(contract.createKey, { body: { name: 'k', scopes: ['events:write'] } })
  const link = await admin.client.call(contract.createSubjectLink, { body: { actorId: 'u1' } })
  await admin.client.call(contract.setPassword, { body: { password: 'correct horse battery staple' } })
  // ck_<8>_<secret>: the secret may hold underscores of its own.
  const secrets = [admin.cookie, made.token.slice('ck_12345678_'.length), link.token, 'correct horse battery staple']
  for (const secret of secrets) assert.ok(secret.length > 20)
  for (const table of ['sessions', 'api_keys', 'subject_links', 'people', 'sign_in_links', 'ledger_entries']) {
    const rows = JSON.stringify(await server.db.query(`SELECT t::text FROM ${table} t`))
    for (const secret of secrets) {
      assert.ok(!rows.includes(secret), table)
      assert.ok(!rows.includes(Buffer.from(secret).toString('hex')), table)
    }
  }
})

test('each role may do what it is for and nothing else', async () => {
  // Rows: role. Columns: list people, make a key, own session.
  const expected: [Role, number, number, number][] = [
    ['viewer', 403, 403, 200],
    ['reviewer', 403, 403, 200],
    ['senior_reviewer', 403, 403, 200],
    ['policy', 403, 403, 200],
    ['investigator', 403, 403, 200],
    ['engineer', 403, 403, 200],
    ['admin', 200, 201, 200],
  ]
  const status = (promise: Promise<{ status: number }>) =>
    promise.then(
      (answer) => answer.status,
      (error: ApiError) => error.status,
    )
  for (const [role, people, key, session] of expected) {
    const { client } = await server.person([role])
    assert.deepEqual(
      [
        await status(client.callFull(contract.listPeople, {})),
        await status(client.callFull(contract.createKey, { body: { name: 'k', scopes: ['events:write'] } })),
        await status(client.callFull(contract.getSession, {})),
      ],
      [people, key, session],
      role,
    )
  }
  const reads = await server.keyClient(['people:read'])
  assert.deepEqual(
    [
      await status(reads.callFull(contract.listPeople, {})),
      await status(reads.callFull(contract.createPerson, { body: { handle: 'x', name: 'x', roles: ['viewer'] } })),
      await status(reads.callFull(contract.getSession, {})),
    ],
    [200, 403, 403],
  )
  assert.equal((await fetch(`${server.baseUrl}/v1/people`)).status, 401)
})

test('nobody can give away more than they have', async () => {
  const client = await server.keyClient(['keys:write', 'people:write', 'people:read', 'events:write'])
  const key = await refusal(client.call(contract.createKey, { body: { name: 'k', scopes: ['banks:write'] } }))
  assert.equal(key.status, 403)
  assert.match(key.problem.detail!, /banks:write/)
  const body = { handle: 'boss@example.org', name: 'Boss', roles: ['admin' as const] }
  assert.equal((await refusal(client.call(contract.createPerson, { body }))).status, 403)
  const admin = await server.person(['admin'])
  const link = await refusal(client.call(contract.createSignInLink, { params: { personId: admin.id } }))
  assert.equal(link.status, 403, 'a link to an administrator would be their power')
})

test('a revoked key is refused at once, an expired one in time, and its use is noted', async () => {
  const admin = await server.person(['admin'])
  const made = await admin.client.call(contract.createKey, {
    body: { name: 'short', scopes: ['people:read'], expiresMs: server.nowMs() + 60_000 },
  })
  const list = (token: string) =>
    fetch(`${server.baseUrl}/v1/people`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await list(made.token)).status, 200)
  await server.auth.flush()
  const listed = async () =>
    (await admin.client.call(contract.listKeys, { query: { limit: 1000 } })).items.find((key) => key.id === made.id)!
  for (let tries = 0; (await listed()).lastUsedMs === null && tries < 50; tries++)
    await new Promise((done) => setTimeout(done, 10))
  assert.equal((await listed()).lastUsedMs, server.nowMs())
  server.advance(60_000)
  const expired = await list(made.token)
  assert.equal(expired.status, 401)
  assert.match(await expired.text(), /expired/)

  const second = await admin.client.call(contract.createKey, { body: { name: 'b', scopes: ['people:read'] } })
  assert.equal((await list(second.token)).status, 200)
  const revoked = await admin.client.call(contract.revokeKey, { params: { keyId: second.id } })
  assert.equal(revoked.revokedMs, server.nowMs())
  const refused = await list(second.token)
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate')!, /invalid_token/)
  for (const token of ['ck_x', `${second.id}_${'A'.repeat(43)}`, "ck_' OR 1=1 --", `ck_00000000_${'A'.repeat(43)}`])
    assert.equal((await list(token)).status, 401, token)
})

test('a key revoked in another process stops here within a second', async () => {
  const token = await server.key(['people:read'])
  const list = () => fetch(`${server.baseUrl}/v1/people`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await list()).status, 200)
  await server.db.query('UPDATE api_keys SET revoked_ms = 1 WHERE id = $1', [token.slice(3, 11)])
  server.advance(1_000)
  assert.equal((await list()).status, 401)
})

test('a cookie changes nothing for a request from another site', async () => {
  const admin = await server.person(['admin'])
  const make = (headers: Record<string, string>) =>
    fetch(`${server.baseUrl}/v1/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: `${sessionCookie}=${admin.cookie}`, ...headers },
      body: JSON.stringify({ name: 'k', scopes: ['events:write'] }),
    })
  assert.equal((await make({})).status, 403, 'no Origin at all')
  assert.equal((await make({ origin: 'https://evil.example' })).status, 403)
  assert.equal((await make({ origin: 'null' })).status, 403)
  assert.equal((await make({ 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.equal((await make({ 'sec-fetch-site': 'same-site', origin: server.baseUrl })).status, 403)
  assert.equal((await make({ 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' })).status, 403)
  assert.equal((await make({ origin: server.baseUrl })).status, 201)
  assert.equal((await make({ 'sec-fetch-site': 'same-origin' })).status, 201)
  assert.equal((await form('/sign-in', { handle: 'x', password: 'y' }, { origin: 'https://evil.example' })).status, 403)
})

test('a password signs in; wrong ones are slowed down per account, whoever it is', async () => {
  const admin = await server.person(['admin'])
  const { person } = await admin.client.call(contract.getSession, {})
  const password = 'a long enough pass phrase'
  const short = await refusal(admin.client.call(contract.setPassword, { body: { password: 'short' } }))
  assert.equal(short.problem.errors?.[0]?.field, 'password')
  await admin.client.call(contract.setPassword, { body: { password } })
  const stored = await server.db.query<{ password_hash: string }>('SELECT password_hash FROM people WHERE id = $1', [
    admin.id,
  ])
  assert.match(stored[0]!.password_hash, /^\$argon2id\$v=19\$m=65536,t=3,p=4\$/)
  const wrong = await refusal(admin.client.call(contract.setPassword, { body: { current: 'no', password } }))
  assert.equal(wrong.status, 401, 'changing a password needs the one before')

  const entered = await form('/sign-in', { handle: ` ${person.handle.toUpperCase()} `, password })
  assert.equal(entered.status, 303)
  const session = await server.browser(cookieFrom(entered)).call(contract.getSession, {})
  assert.equal(session.person.id, admin.id)

  const attempts = async (handle: string) => {
    const statuses = []
    for (let attempt = 0; attempt < 7; attempt++)
      statuses.push((await form('/sign-in', { handle, password: 'wrong' })).status)
    return statuses
  }
  assert.deepEqual(await attempts(person.handle), [401, 401, 401, 401, 401, 429, 429])
  assert.deepEqual(await attempts('nobody@example.org'), [401, 401, 401, 401, 401, 429, 429], 'as for who exists')
  assert.equal((await form('/sign-in', { handle: person.handle, password })).status, 429)
  server.advance(1_000)
  assert.equal((await form('/sign-in', { handle: person.handle, password })).status, 303)
})

test('sessions end by sign-out, by idling, by order and with their person', async () => {
  const admin = await server.person(['admin'])
  const status = async (cookie: string) =>
    (await fetch(`${server.baseUrl}/v1/session`, { headers: { cookie: `${sessionCookie}=${cookie}` } })).status
  const out = await server.person(['viewer'])
  await out.client.call(contract.signOut, {})
  assert.equal(await status(out.cookie), 401)

  const sliding = await server.person(['viewer'])
  for (let hour = 0; hour < 4; hour++) {
    server.advance(6 * 3_600_000)
    assert.equal(await status(sliding.cookie), 200, 'use keeps it alive')
    await new Promise((done) => setTimeout(done, 30))
  }
  server.advance(12 * 3_600_000)
  assert.equal(await status(sliding.cookie), 401)

  const boss = await server.person(['admin'])
  const other = await server.person(['viewer'])
  assert.equal((await boss.client.call(contract.endSessions, { params: { personId: other.id } })).ended, 1)
  assert.equal(await status(other.cookie), 401)
  const gone = await server.person(['viewer'])
  const { etag } = await boss.client.callFull(contract.getPerson, { params: { personId: gone.id } })
  await boss.client.call(contract.updatePerson, {
    params: { personId: gone.id },
    body: { disabled: true },
    headers: { 'if-match': etag! },
  })
  assert.equal(await status(gone.cookie), 401)
  assert.equal(await status(admin.cookie), 401, 'idle for a day and a half')
})

test('changes of people need the version that was seen, and leave an administrator', async () => {
  const lone = await accessServer()
  const admin = await lone.person(['admin'])
  const params = { personId: admin.id }
  const { etag } = await admin.client.callFull(contract.getPerson, { params })
  const change = (body: object, ifMatch?: string) =>
    admin.client.callFull(contract.updatePerson, {
      params,
      body,
      headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
    })
  assert.equal((await refusal(change({ name: 'A' }))).status, 428)
  assert.equal((await refusal(change({ name: 'A' }, '"99"'))).status, 412)
  const changed = await change({ name: 'A' }, etag!)
  assert.notEqual(changed.etag, etag)
  assert.equal((await refusal(change({ roles: ['viewer'] }, changed.etag!))).status, 409)
  assert.equal((await refusal(change({ disabled: true }, changed.etag!))).status, 409)
  const second = await lone.person(['admin'])
  assert.equal((await change({ roles: ['viewer'] }, changed.etag!)).body.roles[0], 'viewer')
  const entries = await recentEntries(lone.db.query, 'default', { kinds: ['settings.changed'] })
  const roles = entries.find(
    (entry) =>
      entry.subject.id === `custos.person:${admin.id}` &&
      entry.author.kind === 'person' &&
      JSON.stringify(entry.body).includes('viewer'),
  )
  assert.ok(roles !== undefined, 'the change of roles is in the audit log with its author')
  assert.ok(!JSON.stringify(entries).includes('example.org'), 'handles are personal data and not in the ledger')
  assert.equal(second.id.length, 36)
})

test('tenants do not see or touch each other', async () => {
  const here = await server.person(['admin'])
  const there = await server.person(['admin'], 'other')
  assert.equal((await refusal(there.client.call(contract.getPerson, { params: { personId: here.id } }))).status, 404)
  const key = await here.client.call(contract.createKey, { body: { name: 'k', scopes: ['events:write'] } })
  assert.equal((await refusal(there.client.call(contract.revokeKey, { params: { keyId: key.id } }))).status, 404)
  const people = await there.client.call(contract.listPeople, { query: { limit: 1000 } })
  assert.ok(!people.items.some((person) => person.id === here.id))
  assert.equal((await refusal(there.client.call(contract.switchTenant, { body: { tenantId: 'default' } }))).status, 404)
  // Someone in both tenants cannot be taken over from the lesser one.
  await server.db.query(`INSERT INTO person_roles VALUES ('other', $1, '{viewer}')`, [here.id])
  const takeover = await refusal(there.client.call(contract.createSignInLink, { params: { personId: here.id } }))
  assert.equal(takeover.status, 403)
  const moved = await here.client.call(contract.switchTenant, { body: { tenantId: 'other' } })
  assert.deepEqual([moved.tenantId, moved.roles], ['other', ['viewer']])
  assert.equal((await refusal(here.client.call(contract.listPeople, {}))).status, 403, 'roles are per tenant')
})

test('a link for an affected person opens their page until it ends or is taken back', async () => {
  const { db, deps } = server
  const link = await db.transaction((tx) => createSubjectLink(tx, deps, 'default', { actorId: 'u9', ttlMs: 60_000 }))
  const resolve = (token: string) => resolveSubjectLink(db.query, token, server.nowMs())
  assert.deepEqual(await resolve(link.token), { tenantId: 'default', actorId: 'u9' })
  for (const bad of ['', 'x', "' OR 1=1 --", 'A'.repeat(43), '\u0000'.repeat(43)])
    assert.equal(await resolve(bad), undefined)
  server.advance(60_000)
  assert.equal(await resolve(link.token), undefined)
  const client = await server.keyClient(['links:write'])
  const made = await client.call(contract.createSubjectLink, { body: { actorId: 'u/9' } })
  assert.equal((await resolve(made.token))?.actorId, 'u/9')
  assert.equal((await client.call(contract.deleteSubjectLinks, { params: { actorId: 'u/9' } })).deleted, 1)
  assert.equal(await resolve(made.token), undefined)
})

test('lists page through everything once, and hostile filters are only text', async () => {
  const admin = await server.person(['admin'])
  for (let made = 0; made < 7; made++) await server.key(['events:write'])
  const all = (await admin.client.call(contract.listKeys, { query: { limit: 1000 } })).items.map((key) => key.id)
  const paged: string[] = []
  for (let after: string | undefined; ;) {
    const page = await admin.client.call(contract.listKeys, { query: { limit: 3, after } })
    paged.push(...page.items.map((key) => key.id))
    if (page.next === null) break
    after = page.next
  }
  assert.deepEqual(paged, all)
  assert.ok(all.length >= 7)
  const before = (await server.db.query('SELECT count(*) AS n FROM people'))[0]!.n
  for (const text of ["'; DROP TABLE people; --", "' OR '1'='1", '%', '\\', '\u0000', '\ud800', '$1', "\\'; --"]) {
    for (const name of ['search', 'after', 'limit']) {
      const url = `${server.baseUrl}/v1/people?${new URLSearchParams({ [name]: text }).toString()}`
      const answer = await fetch(url, { headers: { cookie: `${sessionCookie}=${admin.cookie}` } })
      assert.ok([200, 422].includes(answer.status), `${name}=${text}: ${answer.status}`)
      if (answer.status === 200) assert.deepEqual(((await answer.json()) as { items: unknown[] }).items, [])
    }
    const one = await fetch(`${server.baseUrl}/v1/people/${encodeURIComponent(text.toWellFormed())}`, {
      headers: { cookie: `${sessionCookie}=${admin.cookie}` },
    })
    assert.ok([400, 404, 422].includes(one.status), `${text}: ${one.status}`)
  }
  assert.equal((await server.db.query('SELECT count(*) AS n FROM people'))[0]!.n, before)
})

test('attempts wait twice as long each time, and an IPv6 provider customer counts once', () => {
  let nowMs = 0
  const throttle = createThrottle({ clock: () => nowMs, free: 2 })
  const waits = []
  for (let attempt = 0; attempt < 14; attempt++) {
    const waitMs = throttle.attempt('a')
    waits.push(waitMs)
    nowMs += waitMs
    if (waitMs > 0) assert.equal(throttle.attempt('a'), 0)
  }
  assert.deepEqual(waits.slice(0, 6), [0, 0, 1_000, 2_000, 4_000, 8_000])
  assert.equal(Math.max(...waits), 15 * 60_000)
  assert.equal(throttle.attempt('b'), 0)
  assert.equal(addressKey('2001:db8:1:2:aaaa::1'), addressKey('2001:db8:1:2::9'))
  assert.notEqual(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'))
  assert.equal(addressKey('::1'), '0:0:0:0::/64')
  assert.equal(addressKey('::ffff:192.0.2.1'), '192.0.2.1')
})
