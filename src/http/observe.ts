import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RandomBytes } from '../domain/ids.ts'
import type { AnyRoute } from './contract/any-route.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

export type Trace = { traceId: string; spanId: string; parentId: string | undefined; flags: string }

const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/

/** The trace that a request belongs to: the caller's when it sent a valid W3C traceparent, else a new one. */
export function traceOf(traceparent: unknown, randomBytes: RandomBytes): Trace {
  const hex = (length: number) => Buffer.from(randomBytes(length)).toString('hex')
  const [, traceId, parentId, flags] =
    typeof traceparent === 'string' ? (traceparentPattern.exec(traceparent) ?? []) : []
  return { traceId: traceId ?? hex(16), spanId: hex(8), parentId, flags: flags ?? '00' }
}

const traces = new WeakMap<FastifyRequest, Trace>()

/** The trace of a request, for log lines about it. */
export function requestTrace(request: FastifyRequest): Trace | undefined {
  return traces.get(request)
}

/**
 * Gives every request a trace, and when it is answered one line in the log and one measurement. Neither holds personal
 * data: the route by its name, not the path with its ids; no addresses, no queries, no bodies.
 */
export function observeRequests(
  app: FastifyInstance,
  deps: {
    routes: readonly AnyRoute[]
    metrics: Pick<Metrics, 'request'>
    log: Log
    randomBytes: RandomBytes
    /** Milliseconds that only go forward. */
    monotonic: () => number
  },
): void {
  const started = new WeakMap<FastifyRequest, number>()
  let ids = new Map<string, string>()
  const routeId = (request: FastifyRequest): string => {
    const url = request.routeOptions.url
    if (url === undefined) return 'none'
    // Routes are mounted after this is installed; the map follows.
    if (ids.size !== deps.routes.length)
      ids = new Map(deps.routes.map((route) => [`${route.method} ${route.path}`, route.id]))
    return ids.get(`${request.method} ${url}`) ?? ids.get(`GET ${url}`) ?? url
  }
  app.addHook('onRequest', (request, reply, done) => {
    started.set(request, deps.monotonic())
    const trace = traceOf(request.headers.traceparent, deps.randomBytes)
    traces.set(request, trace)
    reply.header('traceparent', `00-${trace.traceId}-${trace.spanId}-${trace.flags}`)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const durationMs = deps.monotonic() - (started.get(request) ?? 0)
    const id = routeId(request)
    deps.metrics.request(id, request.method, reply.statusCode, durationMs / 1_000)
    const trace = traces.get(request)!
    deps.log({
      level: reply.statusCode >= 500 ? 'error' : quiet.has(id) ? 'debug' : 'info',
      msg: 'request',
      route: id,
      method: request.method,
      status: reply.statusCode,
      ms: Math.round(durationMs * 100) / 100,
      trace_id: trace.traceId,
      span_id: trace.spanId,
      ...(trace.parentId === undefined ? {} : { parent_id: trace.parentId }),
    })
    done()
  })
}

/** Asked every few seconds by machines, and every event of a busy platform: only in the log at level debug. */
const quiet = new Set(['system.health', 'system.ready', 'system.metrics', 'events.append', 'decide'])
