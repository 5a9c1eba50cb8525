import type { BodyOf, ParamsOf, Problem, QueryOf, ResponseOf } from './contract/route.ts'
import type { AnyRoute } from './contract/any-route.ts'

/** An answer that is not a success, with its problem details. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: number
  readonly problem: Problem
  constructor(status: number, body: Problem) {
    super(`${body.title}: ${body.detail ?? ''}`)
    this.status = status
    this.problem = body
  }
}

type Given<Name extends string, T> = unknown extends T
  ? { [K in Name]?: undefined }
  : object extends T
    ? { [K in Name]?: T }
    : { [K in Name]: T }
export type CallInput<R extends AnyRoute> = Given<'params', ParamsOf<R>> &
  Given<'query', QueryOf<R>> &
  Given<'body', BodyOf<R>> & { headers?: Record<string, string>; signal?: AbortSignal }
export type Called<R extends AnyRoute> = { body: ResponseOf<R>; status: number; etag: string | null; headers: Headers }

export type Client = {
  /** Calls a route of the contract and answers its body; throws ApiError for anything that is not a success. */
  call: <R extends AnyRoute>(route: R, input: CallInput<R>) => Promise<ResponseOf<R>>
  /** The same, with status and headers. */
  callFull: <R extends AnyRoute>(route: R, input: CallInput<R>) => Promise<Called<R>>
  url: (route: AnyRoute, input: { params?: unknown; query?: unknown }) => string
}

/** A client of the API, typed by the same contract that the server validates with. */
export function createClient(options: {
  baseUrl: string
  key?: string
  fetch?: typeof fetch
  headers?: Record<string, string>
}): Client {
  const send = options.fetch ?? fetch
  const url: Client['url'] = (route, { params, query }) => {
    const path = route.path.replaceAll(/:([a-zA-Z]\w*)/g, (_all, name: string) =>
      encodeURIComponent(String((params as Record<string, unknown>)[name])),
    )
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
      if (value !== undefined && value !== null && value !== '')
        search.set(name, String(value as string | number | boolean))
    }
    const text = search.toString()
    return options.baseUrl + path + (text === '' ? '' : `?${text}`)
  }
  const callFull: Client['callFull'] = async (route, input) => {
    const { params, query, body, headers, signal } = input as {
      params?: unknown
      query?: unknown
      body?: unknown
      headers?: Record<string, string>
      signal?: AbortSignal
    }
    const response = await send(url(route, { params, query }), {
      method: route.method,
      signal: signal ?? null,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
        ...options.headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    let parsed: unknown
    try {
      parsed = text === '' ? null : JSON.parse(text)
    } catch {
      throw new ApiError(response.status, {
        type: 'about:blank',
        title: 'The answer is not JSON',
        status: response.status,
        detail: text.slice(0, 200),
      })
    }
    if (!response.ok) throw new ApiError(response.status, parsed as Problem)
    return {
      body: parsed as never,
      status: response.status,
      etag: response.headers.get('etag'),
      headers: response.headers,
    }
  }
  return { url, callFull, call: async (route, input) => (await callFull(route, input)).body }
}
