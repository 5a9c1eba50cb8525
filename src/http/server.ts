import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { InputError, nestedDeeper, nestingMax, quote, type FieldProblem } from '../domain/error.ts'
import { isUnavailable } from '../storage/database.ts'
import type { AnyRoute } from './contract/any-route.ts'
import type { BodyOf, ParamsOf, QueryOf, ResponseOf } from './contract/route.ts'
import type { Principal } from './principal.ts'
import { bodyTooLarge, HttpProblem, problem, problemBody } from './problem.ts'
import { utf8 } from './utf8.ts'

export type HandlerInput<R extends AnyRoute> = {
  params: ParamsOf<R>
  query: QueryOf<R>
  body: BodyOf<R>
  /** The caller. On public routes only set when the request carries valid credentials. */
  principal: Principal
  request: FastifyRequest
  reply: FastifyReply
}
export type Mount = <R extends AnyRoute>(
  route: R,
  handler: (input: HandlerInput<R>) => Promise<ResponseOf<R> | FastifyReply> | ResponseOf<R>,
) => void

export type ServerDeps = {
  /** Answers who makes this request, or undefined; throws a problem for credentials that are wrong. */
  authenticate: (request: FastifyRequest) => Promise<Principal | undefined>
  /** Refuses (by a thrown problem) or counts a request before its handler runs: rate limits, cross-site checks. */
  admit?: (
    request: FastifyRequest,
    reply: FastifyReply,
    route: AnyRoute,
    principal: Principal | undefined,
  ) => Promise<void>
  /** Wraps the handler of a POST that makes something, so that its Idempotency-Key holds. */
  idempotent?: (input: HandlerInput<AnyRoute>, route: AnyRoute, run: () => Promise<unknown>) => Promise<unknown>
  /** Checks every answer against its schema and fails it when it differs; on in tests. */
  checkResponses?: boolean
  log: (line: Record<string, unknown>) => void
}

const bodyBytesDefault = 1024 * 1024
const paramLengthMax = 1_024

/** Problems of a value under a schema, one for each bad field. */
function schemaProblems(check: ReturnType<typeof Compile>, value: unknown, prefix: string): FieldProblem[] {
  const problems = new Map<string, FieldProblem>()
  for (const error of check.Errors(value)) {
    const path = error.instancePath.split('/').slice(1).map(unescapePointer)
    const params = error.params as {
      requiredProperties?: string[]
      additionalProperties?: string[]
      limit?: number
      comparison?: string
    }
    const fields =
      error.keyword === 'required'
        ? (params.requiredProperties ?? []).map((name) => [...path, name])
        : error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties'
          ? (params.additionalProperties ?? []).map((name) => [...path, name])
          : [path]
    for (const at of fields) {
      const field = [prefix, ...at].filter((part) => part !== '').join('.')
      if (problems.has(field)) continue
      const held = at.reduce<unknown>(
        (inner, key) =>
          typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
        value,
      )
      problems.set(field, {
        field,
        problem:
          error.keyword === 'required'
            ? 'is required'
            : error.keyword === 'additionalProperties' || (error.keyword as string) === 'boolean'
              ? 'unknown field'
              : error.message,
        ...(held === undefined ? {} : { value: quote(held) }),
        ...(typeof params.limit === 'number' ? { limit: params.limit } : {}),
      })
    }
  }
  return [...problems.values()]
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

type Checker = (value: unknown) => { value: unknown; problems: FieldProblem[] }

function checker(schema: TSchema | undefined, prefix: string, convert: boolean): Checker | undefined {
  if (schema === undefined) return undefined
  const check = Compile(schema)
  return (value) => {
    // Query and path are text; numbers and booleans in them are converted, and defaults filled in.
    const ready = convert ? Value.Default(schema, Value.Convert(schema, value)) : value
    return { value: ready, problems: check.Check(ready) ? [] : schemaProblems(check, ready, prefix) }
  }
}

/** A check of bodies that their handler reads itself: answers the value, or throws an InputError naming every bad field. */
export function bodyCheck<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> {
  const check = checker(schema, '', false)!
  return (value) => {
    refuseDeep(value)
    const { problems } = check(value)
    if (problems.length > 0) throw new InputError(`${problems[0]!.field} ${problems[0]!.problem}`, problems)
    return value as Static<Schema>
  }
}

function refuseDeep(body: unknown): void {
  if (nestedDeeper(body, nestingMax))
    throw new InputError(`The body is nested more than ${nestingMax} levels deep`, [
      { field: '', problem: 'is nested too deep', limit: nestingMax },
    ])
}

/** Makes the HTTP server and the `mount` by which routes of the contract get their handlers. */
export function createServer(deps: ServerDeps): { app: FastifyInstance; mount: Mount; routes: AnyRoute[] } {
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesDefault,
    // Bodies arrive slowly only from broken or hostile senders.
    requestTimeout: 120_000,
    routerOptions: { maxParamLength: paramLengthMax },
    frameworkErrors: (error, request, reply) => writeProblem(toProblem(error), request, reply as FastifyReply),
    genReqId: (request) =>
      typeof request.headers['x-request-id'] === 'string' ? request.headers['x-request-id'].slice(0, 100) : '',
  })
  const routes: AnyRoute[] = []

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, body.length === 0 ? undefined : JSON.parse(utf8(body)))
    } catch (error) {
      done(problem(400, 'The body is not JSON', (error as Error).message))
    }
  })
  // Anything else stays a stream: handlers that take it say so with `rawBody`.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  app.setErrorHandler((error, request, reply) => {
    const known = toProblem(error, request.routeOptions.bodyLimit)
    if (known.status >= 500)
      deps.log({
        level: 'error',
        msg: 'request failed',
        method: request.method,
        url: request.url,
        error: (error as Error).stack ?? String(error),
      })
    writeProblem(known, request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    const missing = problem(
      404,
      'No such page',
      `${request.method} ${request.url.split('?')[0]!.slice(0, 200)} is not part of this API; see /openapi.json.`,
    )
    writeProblem(missing, request, reply)
  })

  const mount: Mount = (route, handler) => {
    routes.push(route)
    const checkParams = checker(route.params, '', true)
    const checkQuery = checker(route.query, '', true)
    const checkBody = route.rawBody ? undefined : checker(route.body, '', false)
    const checkResponse = deps.checkResponses && !route.rawResponse ? checker(route.response, '', false) : undefined
    app.route({
      method: route.method,
      url: route.path,
      bodyLimit: route.bodyBytesMax ?? bodyBytesDefault,
      async handler(request, reply) {
        const principal = await deps.authenticate(request)
        if (route.scope !== 'public') {
          if (principal === undefined) {
            reply.header('www-authenticate', 'Bearer realm="custos"')
            throw problem(
              401,
              'Sign in first',
              'Send an API key as "Authorization: Bearer …", or sign in to the console.',
            )
          }
          if (route.scope === 'staff' ? principal.kind !== 'person' : !principal.scopes.has(route.scope))
            throw problem(
              403,
              'Not allowed',
              route.scope === 'staff'
                ? 'Only a signed-in person may do this.'
                : `This needs the scope "${route.scope}", which ${principal.name} does not have.`,
            )
        }
        await deps.admit?.(request, reply, route, principal)
        const problems: FieldProblem[] = []
        const take = (check: Checker | undefined, value: unknown): unknown => {
          if (check === undefined) return value
          const result = check(value ?? {})
          problems.push(...result.problems)
          return result.value
        }
        // Pages answer people, with a page.
        if (!route.rawResponse) refuseNul({ ...(request.query as object), ...(request.params as object) }, problems)
        const params = take(checkParams, request.params)
        const query = take(checkQuery, request.query)
        if (checkBody !== undefined) refuseDeep(request.body)
        if (checkBody !== undefined && request.body === undefined && carriesBody(request))
          throw problem(
            415,
            'Unknown content type',
            `Send application/json, not "${(request.headers['content-type'] ?? '').slice(0, 100)}".`,
          )
        const body = take(checkBody, request.body)
        if (problems.length > 0) throw new InputError(`${problems[0]!.field} ${problems[0]!.problem}`, problems)
        const input = { params, query, body, principal, request, reply } as HandlerInput<typeof route>
        reply.code(route.status ?? 200)
        const run = async () => handler(input)
        const answer =
          route.idempotent && deps.idempotent !== undefined
            ? await deps.idempotent(input as never, route, run)
            : await run()
        if (reply.sent || answer === reply || route.rawResponse) return answer
        const wrong = checkResponse?.(JSON.parse(JSON.stringify(answer ?? null))).problems
        if (wrong !== undefined && wrong.length > 0)
          throw new Error(`The answer of ${route.id} is not what its contract says: ${JSON.stringify(wrong)}`)
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
      },
    })
  }
  return { app, mount, routes }
}

function writeProblem(known: HttpProblem, request: FastifyRequest, reply: FastifyReply): void {
  // What was not read of the body would be taken for the next request on this connection.
  if (!request.raw.complete) void reply.header('connection', 'close')
  void reply
    .code(known.status)
    .headers(known.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemBody(known, request.url.split('?')[0]!)))
}

/** No text of a path or query has one, and PostgreSQL cannot look for it. */
function refuseNul(values: unknown, problems: FieldProblem[]): void {
  for (const [field, value] of Object.entries((values ?? {}) as Record<string, unknown>))
    if (String(value).includes('\u0000'))
      problems.push({ field, problem: 'holds a NUL character', value: quote(String(value)) })
}

/** Whether a body came with the request: only that of application/json is read for a handler. */
function carriesBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Any error as a problem: input errors name their fields; a lost database is 503; the rest is 500 without details. */
export function toProblem(error: unknown, bodyBytesMax?: number): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (error instanceof InputError)
    return new HttpProblem(422, 'The input cannot be accepted', error.message, error.problems)
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return bodyTooLarge(bodyBytesMax ?? bodyBytesDefault)
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new HttpProblem(415, 'Unknown content type', 'Send application/json.')
  if (code === 'FST_ERR_MAX_PARAM_LENGTH')
    return problem(414, 'The path is too long', `A part of the path has more than ${paramLengthMax} characters.`, [
      { field: '', problem: 'a part of the path is too long', limit: paramLengthMax },
    ])
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new HttpProblem(statusCode, 'The request cannot be read', message ?? '')
  // character_not_in_repertoire, untranslatable_character: text with a NUL, which PostgreSQL cannot hold.
  if (code === '22021' || code === '22P05')
    return new HttpProblem(422, 'The input cannot be accepted', 'A text of the request holds a NUL character.')
  // The sender is gone; nobody reads this.
  if (code === 'ECONNRESET' && message === 'aborted')
    return new HttpProblem(400, 'The request was cut off', 'The connection ended before the whole body had arrived.')
  if (isUnavailable(error))
    return new HttpProblem(
      503,
      'The database is not reachable',
      'Nothing was changed. Try again in a moment.',
      undefined,
      { 'retry-after': '1' },
    )
  return new HttpProblem(
    500,
    'Something broke here',
    'The error is in the log of the server. Nothing was half-done: every change is one transaction.',
  )
}
