import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../domain/ids.ts'
import type { Database } from '../../storage/database.ts'
import type { AnyRoute } from '../contract/any-route.ts'
import * as contract from '../contract/system.ts'
import { docsPage } from '../docs.ts'
import { readiness } from '../health.ts'
import type { Metrics } from '../metrics.ts'
import { openApiOf, type OpenApi } from '../openapi.ts'
import type { Principal } from '../principal.ts'
import { problem } from '../problem.ts'
import type { Mount } from '../server.ts'

export type SystemRouteDeps = {
  db: Database
  clock: Clock
  metrics: Metrics
  /** All mounted routes; those mounted later count too. */
  routes: readonly AnyRoute[]
  /** Version of this release. */
  version: string
  /** Names of the migrations of this release. */
  migrations: readonly string[]
  /** How far the indexes of tenants are loaded. */
  loaded?: () => { tenants: number; tenantsReady: number; entries: number; entriesReady: number }
}

/** Health, metrics, and the description of the API itself. */
export function systemRoutes(mount: Mount, deps: SystemRouteDeps): void {
  let made: { routes: number; document: OpenApi } | undefined
  const document = () => {
    if (made?.routes !== deps.routes.length)
      made = { routes: deps.routes.length, document: openApiOf(deps.routes, deps.version) }
    return made.document
  }
  mount(contract.getHealth, () => ({ ok: true }))
  mount(contract.getReadiness, async ({ reply }) => {
    const ready = await readiness(deps)
    if (!ready.ok) reply.code(503)
    return ready
  })
  mount(contract.getMetrics, async ({ principal, request, reply }) => {
    if (!fromThisMachine(request) && !(principal as Principal | undefined)?.scopes.has('insight:read'))
      throw problem(403, 'Not allowed', 'From another machine this needs an API key with the scope "insight:read".')
    const { contentType, text } = await deps.metrics.render()
    return reply.type(contentType).send(text)
  })
  mount(contract.getOpenApi, () => document() as unknown as { openapi: string })
  mount(contract.getDocs, async ({ query, request, reply }) =>
    reply
      .type('text/html; charset=utf-8')
      .send(docsPage(document(), query.q ?? '', `${request.protocol}://${request.host}`)),
  )
}

/** Whether a request comes from this machine itself, and was not passed on by a proxy here. */
function fromThisMachine(request: FastifyRequest): boolean {
  const passedOn = request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined
  return !passedOn && /^(::1|127\.|::ffff:127\.)/.test(request.ip)
}
