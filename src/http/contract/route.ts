import { Type, type Static, type TSchema } from 'typebox'
import type { Scope } from '../../domain/staff.ts'

/**
 * One route of the API as data. The server validates by it, OpenAPI is built from it, and the client is typed by it.
 * `scope` is what the caller must hold; `public` needs nothing, `staff` any signed-in person.
 */
export type Route<
  Params extends TSchema = TSchema,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Response extends TSchema = TSchema,
> = {
  /** `resource.verb`, unique. */
  id: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  summary: string
  description?: string
  scope: Scope | 'public' | 'staff'
  params?: Params
  query?: Query
  body?: Body
  response: Response
  /** Status of success, 200 unless said. */
  status?: number
  /** Largest body in bytes; 1 MiB unless said. */
  bodyBytesMax?: number
  /** True where the body is not JSON (NDJSON, multipart, raw bytes) and the handler reads it itself. */
  rawBody?: boolean
  /** True where the answer is not JSON (a picture, a stream, a page). */
  rawResponse?: boolean
  /** POST that makes something: honours Idempotency-Key. */
  idempotent?: boolean
}

/** Declares a route, keeping the types of its schemas. */
export function route<
  Params extends TSchema = TSchema,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Response extends TSchema = TSchema,
>(declared: Route<Params, Query, Body, Response>): Route<Params, Query, Body, Response> {
  return declared
}

export type ParamsOf<R> = R extends Route<infer P, TSchema, TSchema, TSchema> ? Static<P> : never
export type QueryOf<R> = R extends Route<TSchema, infer Q, TSchema, TSchema> ? Static<Q> : never
export type BodyOf<R> = R extends Route<TSchema, TSchema, infer B, TSchema> ? Static<B> : never
export type ResponseOf<R> = R extends Route<TSchema, TSchema, TSchema, infer S> ? Static<S> : never

/** Query of every list: `after` is the `next` of the page before, and opaque. */
export const PageQuery = Type.Object({
  after: Type.Optional(Type.String({ maxLength: 500, description: 'The `next` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
})

/** The answer of every list. `next` is null on the last page. */
export function Page<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()]) })
}

export const FieldProblem = Type.Object({
  field: Type.String(),
  problem: Type.String(),
  value: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Union([Type.String(), Type.Number()])),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
})

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(FieldProblem)),
  },
  { description: 'RFC 9457 problem details; `errors` names every bad field.' },
)
export type Problem = Static<typeof Problem>

export const SubjectKind = Type.Union([Type.Literal('actor'), Type.Literal('item'), Type.Literal('thread')])
export const Subject = Type.Object({ kind: SubjectKind, id: Type.String({ minLength: 1, maxLength: 256 }) })
/** Milliseconds since the Unix epoch, as far as a Date reaches (ECMA-262, section 21.4.1.1). */
export const TimeMs = Type.Integer({
  minimum: -8.64e15,
  maximum: 8.64e15,
  description: 'Milliseconds since the Unix epoch.',
})
export const Reason = Type.Object({
  name: Type.String(),
  value: Type.Unknown(),
  because: Type.String(),
  ref: Type.Optional(Type.String()),
})
