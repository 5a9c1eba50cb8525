import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Author } from '../src/domain/entry.ts'
import { defaultSettings } from '../src/domain/settings.ts'
import type { Role, Scope } from '../src/domain/staff.ts'
import { createKey, createPerson, defaultTenantId, startSession, type AccessDeps } from '../src/http/access.ts'
import { createAuth, sessionCookie, type Auth } from '../src/http/auth.ts'
import { createClient, type Client } from '../src/http/client.ts'
import type { AnyRoute } from '../src/http/contract/any-route.ts'
import { createIdempotency, type Idempotency } from '../src/http/idempotency.ts'
import { createRateLimits, type RateLimits } from '../src/http/rate-limit.ts'
import { createPost } from '../src/flows/outbound.ts'
import { createHub, type Hub } from '../src/http/live.ts'
import { createLog } from '../src/http/log.ts'
import { createMetrics, type Metrics } from '../src/http/metrics.ts'
import { observeRequests } from '../src/http/observe.ts'
import { auditRoutes } from '../src/http/routes/audit.ts'
import { effectRoutes } from '../src/http/routes/effects.ts'
import { liveRoutes } from '../src/http/routes/live.ts'
import { settingsRoutes } from '../src/http/routes/settings.ts'
import { systemRoutes } from '../src/http/routes/system.ts'
import { secureHeaders } from '../src/http/security.ts'
import { createVault } from '../src/ledger/vault.ts'
import { readMigrations } from '../src/storage/migrate.ts'
import { accessRoutes } from '../src/http/routes/access.ts'
import { createServer, type Mount } from '../src/http/server.ts'
import { createLedger, type Ledger } from '../src/ledger/ledger.ts'
import type { Database } from '../src/storage/database.ts'
import { createSettingsReader, type SettingsReader } from '../src/storage/settings.ts'
import { insertTenant } from '../src/storage/tenants.ts'
import { testDatabase } from './database.ts'

// Registered at the root: a hook registered inside another hook or test would run when that one ends.
const closing: { close: () => Promise<unknown> }[] = []
after(async () => {
  for (const one of closing) await one.close()
})

const author: Author = { kind: 'system', part: 'test' }

export type AccessServer = {
  baseUrl: string
  app: FastifyInstance
  mount: Mount
  routes: AnyRoute[]
  db: Database
  ledger: Ledger
  auth: Auth
  limits: RateLimits
  idempotency: Idempotency
  settings: SettingsReader
  hub: Hub
  metrics: Metrics
  deps: AccessDeps
  /** Moves the clock that everything here reads. */
  advance: (ms: number) => void
  nowMs: () => number
  logged: Record<string, unknown>[]
  key: (scopes: readonly Scope[], tenantId?: string) => Promise<string>
  /** A client that calls with an API key. */
  keyClient: (scopes: readonly Scope[], tenantId?: string) => Promise<Client>
  person: (roles: readonly Role[], tenantId?: string) => Promise<{ id: string; cookie: string; client: Client }>
  /** A client of a browser on our own pages. */
  browser: (cookie: string) => Client
}

/** A listening server with access on a real database, for tests that need callers more than the whole program. */
export async function accessServer(
  more: (server: Omit<AccessServer, 'baseUrl'>) => void = () => {},
): Promise<AccessServer> {
  const db = await testDatabase()
  let nowMs = Date.UTC(2026, 10, 20, 12)
  const clock = () => nowMs
  const ledger = createLedger({ projectors: [], clock, randomBytes })
  const deps = { ledger, clock, randomBytes }
  const auth = createAuth({ db, clock })
  const settings = createSettingsReader({ db, clock })
  const limits = createRateLimits({ clock, settings: settings.current })
  const idempotency = createIdempotency({ db, clock, randomBytes, secretKey: randomBytes(32) })
  const logged: Record<string, unknown>[] = []
  const { app, mount, routes } = createServer({
    authenticate: auth.authenticate,
    admit: async (request, reply, _route, principal) => {
      limits.admit(request, reply, principal)
      auth.refuseCrossSite(request, principal)
    },
    idempotent: idempotency.idempotent,
    checkResponses: true,
    log: (line) => void logged.push(line),
  })
  const log = createLog({ level: 'debug', clock, write: (line) => void logged.push(JSON.parse(line) as never) })
  const metrics = createMetrics({ db, clock })
  const hub = createHub({ clock, runId: 'run' })
  secureHeaders(app)
  observeRequests(app, { routes, metrics, log, randomBytes, monotonic: () => performance.now() })
  const outbound = { privateAddresses: 'loopback' } as const
  const { post, close } = createPost(outbound)
  const vault = createVault({ secretKey: 'secret', clock, randomBytes })
  const migrations = (await readMigrations()).map(({ name }) => name)
  closing.push({ close: async () => (hub.close(), app.close()) }, { close })
  const services = { ...deps, db: idempotency.database }
  settingsRoutes(mount, { ...services, settings })
  effectRoutes(mount, { ...services, vault, post, outbound })
  auditRoutes(mount, { db })
  liveRoutes(mount, { hub, auth })
  systemRoutes(mount, { db, clock, metrics, routes, version: '0.0.0', migrations })
  accessRoutes(app, mount, { ...deps, db: idempotency.database, auth })
  let baseUrl = ''
  let count = 0
  const key = async (scopes: readonly Scope[], tenantId = defaultTenantId) =>
    (await db.transaction((tx) => createKey(tx, deps, tenantId, { name: 'test key', scopes }, author))).token
  const browser = (cookie: string) =>
    createClient({ baseUrl, headers: { cookie: `${sessionCookie}=${cookie}`, origin: baseUrl } })
  const server = {
    app,
    mount,
    routes,
    db,
    ledger,
    auth,
    limits,
    idempotency,
    settings,
    hub,
    metrics,
    deps,
    logged,
    advance: (ms: number) => void (nowMs += ms),
    nowMs: clock,
    key,
    browser,
    keyClient: async (scopes: readonly Scope[], tenantId?: string) =>
      createClient({ baseUrl, key: await key(scopes, tenantId) }),
    person: async (roles: readonly Role[], tenantId = defaultTenantId) => {
      const person = { handle: `person-${++count}@example.org`, name: `Person ${count}`, roles }
      const [id, cookie] = await db.transaction(async (tx) => {
        const made = (await createPerson(tx, deps, tenantId, person, author))!
        return [made, await startSession(tx, deps, tenantId, made)] as const
      })
      return { id, cookie, client: browser(cookie) }
    },
  }
  await db.transaction(async (tx) => {
    await insertTenant(tx, { id: defaultTenantId, name: 'Default', nowMs, settings: defaultSettings })
    await insertTenant(tx, { id: 'other', name: 'Other', nowMs })
  })
  more(server)
  baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  return Object.assign(server, { baseUrl })
}
