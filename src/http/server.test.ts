import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { InputError } from '../domain/error.ts'
import { ApiError, createClient, type Client } from './client.ts'
import { Page, PageQuery, route } from './contract/route.ts'
import type { Principal } from './principal.ts'
import { notFound } from './problem.ts'
import { createServer } from './server.ts'

const thing = Type.Object(
  { name: Type.String({ maxLength: 5 }), size: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
)
const makeThing = route({
  id: 'things.make',
  method: 'POST',
  path: '/v1/things/:shelf',
  summary: 'x',
  scope: 'banks:write',
  params: Type.Object({ shelf: Type.String() }),
  body: thing,
  response: thing,
  status: 201,
})
const listThings = route({
  id: 'things.list',
  method: 'GET',
  path: '/v1/things',
  summary: 'x',
  scope: 'public',
  query: PageQuery,
  response: Page(thing),
})
const brokenThing = route({
  id: 'things.broken',
  method: 'GET',
  path: '/v1/broken',
  summary: 'x',
  scope: 'public',
  response: thing,
})

const reader: Principal = {
  kind: 'key',
  id: 'k1',
  name: 'reader',
  tenantId: 't',
  scopes: new Set(['banks:read']),
  roles: [],
}
const writer: Principal = { ...reader, name: 'writer', scopes: new Set(['banks:write']) }
const { app, mount } = createServer({
  authenticate: async (request) => ({ 'Bearer r': reader, 'Bearer w': writer })[request.headers.authorization ?? ''],
  checkResponses: true,
  log: () => {},
})
mount(makeThing, ({ body, params }) => {
  if (params.shelf === 'none') throw notFound('shelf', 'none')
  if (params.shelf === 'strict') throw new InputError('no', [{ field: 'name', problem: 'is taken', value: body.name }])
  return body
})
mount(listThings, ({ query }) => ({ items: [{ name: 'n', size: query.limit! }], next: null }))
mount(brokenThing, () => ({ name: 'too long for it', size: 0 }))
let client: Client
before(async () => {
  client = createClient({ baseUrl: await app.listen({ port: 0, host: '127.0.0.1' }), key: 'w' })
})
after(() => app.close())

const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('should have been refused'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ApiError)
  return error
}

test('a valid call goes through, typed by the contract', async () => {
  const { body, status } = await client.callFull(makeThing, {
    params: { shelf: 'a/b' },
    body: { name: 'nut', size: 3 },
  })
  assert.deepEqual([status, body.name, body.size], [201, 'nut', 3])
})

test('a refusal names every bad field, with value and limit', async () => {
  const error = await failure(
    client.call(makeThing, { params: { shelf: 'a' }, body: { name: 'too long', size: 0, extra: 1 } as never }),
  )
  assert.equal(error.status, 422)
  assert.deepEqual(error.problem.errors?.map((problem) => problem.field).sort(), ['extra', 'name', 'size'])
  assert.equal(error.problem.errors?.find((problem) => problem.field === 'size')?.value, '0')
  const missing = await failure(client.call(makeThing, { params: { shelf: 'a' }, body: {} as never }))
  assert.deepEqual(missing.problem.errors?.map((problem) => problem.field).sort(), ['name', 'size'])
})

test('query values are converted, checked and given their defaults', async () => {
  assert.equal((await client.call(listThings, {})).items[0]?.size, 50)
  assert.equal((await client.call(listThings, { query: { limit: 7 } })).items[0]?.size, 7)
  assert.equal((await failure(client.call(listThings, { query: { limit: 1001 } }))).problem.errors?.[0]?.field, 'limit')
})

test('without credentials 401, without the scope 403, unknown thing 404, broken JSON 400', async () => {
  const baseUrl = client.url(listThings, {}).replace('/v1/things', '')
  const call = (key: string | undefined, shelf: string) =>
    failure(createClient({ baseUrl, key }).call(makeThing, { params: { shelf }, body: { name: 'a', size: 1 } }))
  assert.equal((await call(undefined, 'a')).status, 401)
  assert.equal((await call('r', 'a')).status, 403)
  assert.equal((await call('w', 'none')).status, 404)
  assert.equal((await call('w', 'strict')).problem.errors?.[0]?.problem, 'is taken')
  const broken = await fetch(`${baseUrl}/v1/things/a`, {
    method: 'POST',
    headers: { authorization: 'Bearer w', 'content-type': 'application/json' },
    body: '{"name":',
  })
  assert.equal(broken.status, 400)
  assert.match(broken.headers.get('content-type') ?? '', /application\/problem\+json/)
  const large = await fetch(`${baseUrl}/v1/things/a`, {
    method: 'POST',
    headers: { authorization: 'Bearer w', 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x'.repeat(2_000_000) }),
  })
  assert.equal(large.status, 413)
})

test('an answer that breaks its contract fails in tests', async () => {
  assert.equal((await failure(client.call(brokenThing, {}))).status, 500)
})
