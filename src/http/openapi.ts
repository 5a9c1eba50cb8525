import type { TSchema } from 'typebox'
import type { AnyRoute } from './contract/any-route.ts'
import { Problem } from './contract/route.ts'

export type OpenApi = {
  openapi: '3.1.0'
  info: Record<string, unknown>
  servers: { url: string }[]
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, unknown>>
}
export type Parameter = { name: string; in: string; required?: boolean; description?: string; schema: unknown }
export type Operation = {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  parameters?: Parameter[]
  requestBody?: { required: boolean; content: Record<string, { schema: unknown; example?: unknown }> }
  responses: Record<string, unknown>
  security: Record<string, string[]>[]
  'x-scope': string
}

const problemRef = (name: string) => ({ $ref: `#/components/responses/${name}` })
const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
const rateHeaders = Object.fromEntries(
  ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'].map((name) => [
    name,
    { $ref: `#/components/headers/${name}` },
  ]),
)

/** The mounted routes as an OpenAPI 3.1 document. The schemas of the contract are JSON Schema 2020-12 already. */
export function openApiOf(routes: readonly AnyRoute[], version: string): OpenApi {
  const paths: OpenApi['paths'] = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:([a-zA-Z]\w*)/g, '{$1}').replace(/\*$/, '{path}')
    ;(paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Custos',
      version,
      description:
        'Integrity platform: match known content, run rules, decide proportionally, explain, review, appeal. Errors are RFC 9457 problem details that name every bad field. Lists go on with `next` as `after`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(tagOf))].sort().map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: plain(Problem) as Record<string, unknown> },
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'API key: `Authorization: Bearer ck_…`.' },
        session: { type: 'apiKey', in: 'cookie', name: 'custos_session', description: 'A signed-in person.' },
      },
      headers: {
        ETag: { description: 'Version of what is answered; send it as If-Match.', schema: { type: 'string' } },
        'RateLimit-Limit': { description: 'Requests that may be made at once.', schema: { type: 'integer' } },
        'RateLimit-Remaining': { description: 'Requests left now.', schema: { type: 'integer' } },
        'RateLimit-Reset': { description: 'Seconds until all are there again.', schema: { type: 'integer' } },
        'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } },
      },
      responses: {
        Unauthorized: { description: 'No or wrong credentials.', content: problemContent },
        Forbidden: { description: 'The caller may not do this.', content: problemContent },
        NotFound: { description: 'There is no such thing here.', content: problemContent },
        Conflict: { description: 'It does not fit what is there.', content: problemContent },
        PreconditionFailed: { description: 'It has changed since; load it again.', content: problemContent },
        TooLarge: { description: 'The body is too large.', content: problemContent },
        Invalid: {
          description: 'The input cannot be accepted; `errors` names every bad field.',
          content: problemContent,
        },
        PreconditionRequired: { description: 'If-Match is required.', content: problemContent },
        TooMany: {
          description: 'Too many requests.',
          headers: { 'Retry-After': { $ref: '#/components/headers/Retry-After' } },
          content: problemContent,
        },
        Unavailable: { description: 'The database is not reachable; nothing was changed.', content: problemContent },
      },
    },
  }
}

/** The area of a route: the first part of its id. */
export function tagOf(route: AnyRoute): string {
  return route.id.split('.')[0]!
}

function operationOf(route: AnyRoute): Operation {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...headerParameters(route),
  ]
  const contentType = route.rawResponse ? rawTypeOf(route) : 'application/json'
  const success: Record<string, unknown> = {
    description: 'Done.',
    headers: { ...rateHeaders, ...(takesIfMatch(route) ? { ETag: { $ref: '#/components/headers/ETag' } } : {}) },
    content: { [contentType]: { schema: plain(route.response) } },
  }
  return {
    operationId: route.id,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [tagOf(route)],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route) }),
    responses: {
      [String(route.status ?? 200)]: success,
      ...(route.scope === 'public' ? {} : { 401: problemRef('Unauthorized'), 403: problemRef('Forbidden') }),
      ...(route.params === undefined ? {} : { 404: problemRef('NotFound') }),
      ...(route.idempotent || takesIfMatch(route) ? { 409: problemRef('Conflict') } : {}),
      ...(takesIfMatch(route)
        ? { 412: problemRef('PreconditionFailed'), 428: problemRef('PreconditionRequired') }
        : {}),
      ...(route.body === undefined ? {} : { 413: problemRef('TooLarge') }),
      ...(parameters.length === 0 && route.body === undefined ? {} : { 422: problemRef('Invalid') }),
      429: problemRef('TooMany'),
      503: problemRef('Unavailable'),
    },
    // In OpenAPI 3.1 every scheme may list the scopes that it needs.
    security:
      route.scope === 'public'
        ? []
        : route.scope === 'staff'
          ? [{ session: [] }]
          : [{ key: [route.scope] }, { session: [route.scope] }],
    'x-scope': route.scope,
  }
}

/** A change of something that exists: PATCH and PUT of a thing that has an ETag. */
function takesIfMatch(route: AnyRoute): boolean {
  return (route.method === 'PATCH' || route.method === 'PUT') && /if-match/i.test(route.description ?? '')
}

function rawTypeOf(route: AnyRoute): string {
  if (route.path === '/v1/live') return 'text/event-stream'
  if (route.path === '/metrics') return 'text/plain'
  return route.path.startsWith('/v1') ? 'application/octet-stream' : 'text/html'
}

function headerParameters(route: AnyRoute): Parameter[] {
  return [
    ...(route.idempotent
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            description: 'Chosen by the caller. The same key with the same body gets the same answer for 24 hours.',
            schema: { type: 'string', minLength: 1, maxLength: 255 },
          },
        ]
      : []),
    ...(takesIfMatch(route)
      ? [
          {
            name: 'If-Match',
            in: 'header',
            required: true,
            description: 'The ETag of what was seen, or *.',
            schema: { type: 'string' },
          },
        ]
      : []),
  ]
}

function parametersOf(schema: TSchema | undefined, place: 'path' | 'query'): Parameter[] {
  const { properties = {}, required = [] } = (plain(schema ?? {}) ?? {}) as {
    properties?: Record<string, { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    ...(place === 'path' || required.includes(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

function bodyOf(route: AnyRoute): NonNullable<Operation['requestBody']> {
  const schema = plain(route.body)
  return { required: true, content: { 'application/json': { schema, example: exampleOf(schema) } } }
}

/** A schema as plain JSON: TypeBox marks its schemas with keys that are not JSON Schema. */
function plain(schema: unknown): unknown {
  if (schema === undefined) return undefined
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key.startsWith('~') ? undefined : value)))
}

type Json = {
  type?: string
  examples?: unknown[]
  default?: unknown
  const?: unknown
  enum?: unknown[]
  anyOf?: Json[]
  allOf?: Json[]
  properties?: Record<string, Json>
  required?: string[]
  items?: Json
  minimum?: number
  maximum?: number
  pattern?: string
  minLength?: number
  minItems?: number
  description?: string
}

/** A value that the schema accepts, as far as patterns allow: its own example when it has one, else one that is made. */
export function exampleOf(schema: unknown, name = ''): unknown {
  const given = schema as Json
  if (given.examples?.[0] !== undefined) return given.examples[0]
  if (given.default !== undefined) return given.default
  if (given.const !== undefined) return given.const
  if (given.enum !== undefined) return given.enum[0]
  if (given.anyOf !== undefined) return exampleOf(given.anyOf[0], name)
  if (given.allOf !== undefined)
    return Object.assign({}, ...given.allOf.map((part) => exampleOf(part, name))) as unknown
  switch (given.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(given.properties ?? {})
          .filter(([key]) => (given.required ?? []).includes(key) || (given.required ?? []).length === 0)
          .map(([key, inner]) => [key, exampleOf(inner, key)]),
      )
    case 'array':
      return given.items === undefined ? [] : [exampleOf(given.items, name)]
    case 'integer':
    case 'number':
      // A time that has not passed for a while yet: 2050.
      return Math.min(name.endsWith('Ms') ? 2_524_608_000_000 : (given.minimum ?? 1), given.maximum ?? Infinity)
    case 'boolean':
      return true
    case 'null':
      return null
    case 'string': {
      // `^[0-9a-f]{64}$`, as hashes are: the first character of the class as often as it says.
      const repeated = /^\^\[(.)[^\]]*\]\{(\d+)\}\$$/.exec(given.pattern ?? '')
      if (repeated !== null) return repeated[1]!.repeat(Number(repeated[2]))
      return name === 'url' ? 'https://example.org/custos' : (name || 'text').padEnd(given.minLength ?? 0, '.')
    }
    default:
      return {}
  }
}
