import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import dns from 'node:dns/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appealProjector } from './appeals/project.ts'
import type { Config } from './config.ts'
import { fillSettings, type TenantSettings } from './domain/settings.ts'
import { createPolicies, ensurePolicies } from './enforcement/policies.ts'
import { decisionProjector, labelProjector, policyProjector, standingProjector } from './enforcement/project.ts'
import { acceptEvents, type AcceptDeps } from './flows/accept.ts'
import { createDemo } from './flows/demo.ts'
import { createDetectors } from './flows/detect.ts'
import { applyJudged, lockJudged } from './flows/effects.ts'
import { createIngestWorker } from './flows/ingest.ts'
import { createLabelBook } from './flows/label-book.ts'
import { enforcementTimers } from './flows/marks.ts'
import { traceProposal } from './flows/rule-trace.ts'
import { createAuth, requireSameOrigin } from './http/auth.ts'
import { ensureFirstAdmin } from './http/access.ts'
import { accessRoutes } from './http/routes/access.ts'
import { bankRoutes } from './http/routes/banks.ts'
import { eventRoutes } from './http/routes/events.ts'
import { insightRoutes } from './http/routes/insight.ts'
import { jobRoutes } from './http/routes/jobs.ts'
import { matchRoutes } from './http/routes/match.ts'
import { pageRoutes } from './http/routes/pages.ts'
import { queueRoutes } from './http/routes/queues.ts'
import { ruleRoutes } from './http/routes/rules.ts'
import { simRoutes } from './http/routes/sim.ts'
import { statusRoutes } from './http/routes/status.ts'
import { consoleFiles } from './http/console-files.ts'
import { createServer } from './http/server.ts'
import { createLedger, type Projector } from './ledger/ledger.ts'
import { createSealer } from './ledger/seal.ts'
import { createVault } from './ledger/vault.ts'
import { quarantineIfOverturned } from './match/changes.ts'
import { createLookup } from './match/lookup.ts'
import { bankProjector } from './match/project.ts'
import { createFetchMedia } from './media/fetch.ts'
import { createMediaPool } from './media/hash-pool.ts'
import { createMediaLibrary } from './media/library.ts'
import { createMediaFiles } from './media/store.ts'
import { reviewProjector } from './review/project.ts'
import { release } from './release.ts'
import { createRuleBook } from './rules/rule-book.ts'
import { rulesProjector } from './rules/project.ts'
import { openDatabase, type Database } from './storage/database.ts'
import { startEmbedded, type Embedded } from './storage/embedded.ts'
import { createMediaRecords } from './storage/media-records.ts'
import { migrate } from './storage/migrate.ts'
import { selectTenants } from './storage/tenants.ts'
import { runDueTimers } from './storage/timers.ts'
import { createInProcessStream } from './streams/in-process.ts'

/** Every projector of this release: the whole of what `custos ledger rebuild` makes anew. */
export const projectors: readonly Projector[] = [
  policyProjector,
  rulesProjector,
  bankProjector,
  decisionProjector,
  standingProjector,
  labelProjector,
  reviewProjector,
  appealProjector,
]

export type Part = { name: string; on: boolean; how: string }
export type App = {
  url: string
  signInLink?: string
  /** Optional parts: whether each is on, and how to switch it on. */
  parts: Part[]
  stop: () => Promise<void>
}
export type AppOptions = { log: (line: string) => void; demo?: boolean; signIn?: boolean }

const sealEveryMs = 200
const timersEveryMs = 250
const tenantsEveryMs = 1_000

/** Starts everything in this process, in order, and answers when it serves. What was started is stopped when a part fails. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    return { ...(await wire(config, options, (one) => void stops.push(one))), stop }
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
}

/** The optional parts, each looked for where the configuration says. */
async function optionalParts(config: Config): Promise<Part[]> {
  const ffmpeg = await new Promise<string | undefined>((found) =>
    execFile(config.ffmpeg, ['-version'], { timeout: 5_000 }, (error, out) =>
      found(error === null ? /version (\S+)/.exec(out)?.[1] : undefined),
    ),
  )
  return [
    {
      name: 'database',
      on: true,
      how:
        config.databaseUrl === undefined
          ? 'a private PostgreSQL 18 in the data folder'
          : 'the PostgreSQL at DATABASE_URL',
    },
    ffmpeg === undefined
      ? {
          name: 'ffmpeg',
          on: false,
          how: 'install it (apt-get install ffmpeg) or set FFMPEG to the program: video and audio',
        }
      : { name: 'ffmpeg', on: true, how: `version ${ffmpeg}` },
    config.modelsDir === undefined
      ? { name: 'models', on: false, how: 'set CUSTOS_MODELS to a folder of ONNX models' }
      : { name: 'models', on: existsSync(config.modelsDir), how: `folder ${config.modelsDir}` },
    config.kafkaBrokers.length === 0
      ? {
          name: 'brokers',
          on: false,
          how: 'set KAFKA_BROKERS to run events through a Kafka cluster; without it they go through the database',
        }
      : {
          name: 'brokers',
          on: false,
          how: `this release cannot use ${config.kafkaBrokers.join(', ')} yet; events go through the database`,
        },
    {
      name: 'media by URL',
      on: config.mediaHosts.length > 0,
      how:
        config.mediaHosts.length > 0
          ? `from ${config.mediaHosts.join(', ')}`
          : 'set CUSTOS_MEDIA_HOSTS to the hosts that media may be fetched from; uploads always work',
    },
  ]
}

async function wire(
  config: Config,
  options: AppOptions,
  onStop: (stop: () => Promise<unknown>) => void,
): Promise<Omit<App, 'stop'>> {
  const clock = () => Date.now()
  const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))
  const log = (line: Record<string, unknown>) => {
    if (line.level === 'error' || line.level === 'warn')
      options.log(JSON.stringify({ time: new Date(clock()).toISOString(), ...line }))
  }

  let embedded: Embedded | undefined
  if (config.databaseUrl === undefined) {
    embedded = await startEmbedded({ dataDir: config.dataDir, log: options.log })
    onStop(() => embedded!.stop())
  }
  const onIdleError = (error: Error) => log({ level: 'warn', msg: 'a database connection broke', error: error.message })
  const db: Database = openDatabase({
    ...(embedded === undefined ? { connectionString: config.databaseUrl } : { ...embedded, database: 'postgres' }),
    onIdleError,
  })
  onStop(() => db.close())
  for (const name of await migrate(db)) log({ level: 'info', msg: `migrated ${name}` })

  const secretKey = Buffer.from(config.secretKey!).toString('hex')
  const ledger = createLedger({ projectors, clock, randomBytes })
  const access = { db, ledger, clock, randomBytes }
  const firstAdmin = await ensureFirstAdmin(db, access, { always: options.signIn === true })

  let tenants = new Map<string, TenantSettings>()
  const loadTenants = async () => {
    tenants = new Map(
      (await selectTenants(db.query, { after: '', limit: 10_000 })).map((tenant) => [tenant.id, tenant.settings]),
    )
  }
  await loadTenants()
  const settingsOf = (tenantId: string) => tenants.get(tenantId) ?? fillSettings({})

  const vault = createVault({ secretKey, clock, randomBytes })
  const policies = createPolicies()
  const pool = createMediaPool()
  onStop(() => pool.close())
  const media = createMediaLibrary({
    files: createMediaFiles(join(config.dataDir, 'media')),
    pool,
    records: createMediaRecords(db.query),
  })
  const lookup = createLookup({ db, pollMs: 0 })
  const book = createRuleBook({ db, clock })
  const labels = createLabelBook()
  const enforce = {
    db,
    ledger,
    clock,
    randomBytes,
    policies,
    vault,
    quarantineIfOverturned: quarantineIfOverturned as never,
    book,
  }
  for (const tenantId of tenants.keys()) await db.transaction((tx) => ensurePolicies(tx, enforce, tenantId))

  const network = { resolve: (host: string) => dns.lookup(host, { all: true }), http: httpRequest, https: httpsRequest }
  const fetchMedia = (tenantId: string) =>
    createFetchMedia({ network, hosts: [...config.mediaHosts, ...settingsOf(tenantId).mediaHosts] })
  const stream = createInProcessStream({ db, clock })
  const worker = createIngestWorker({
    db,
    stream,
    clock,
    sleep,
    log,
    owner: `${hostname()}:${process.pid}`,
    detectors: createDetectors({ query: db.query, clock, book, lookup, labels, media, fetchMedia }),
    lock: lockJudged,
    apply: (tx, judged) => applyJudged(tx, enforce, judged),
    async park(tx, stored, error) {
      await ledger.append(tx, stored.tenantId, [
        {
          kind: 'event.parked',
          subject: { kind: 'actor', id: stored.event.actor.id },
          occurredAtMs: stored.occurredAtMs,
          cause: stored.event.id,
          author: { kind: 'system', part: 'ingest' },
          automation: 'full',
          because: [
            {
              name: 'error',
              value: error.message,
              because: 'It failed three times; it is kept and can be judged again',
            },
          ],
          body: { eventId: stored.event.id, error: error.message },
          effectKey: `${stored.event.id}|parked`,
        },
      ])
    },
    published: () => {},
  })

  const optional = await optionalParts(config)
  const auth = createAuth({ db, clock })
  const { app, mount } = createServer({
    authenticate: auth.authenticate,
    async admit(request, _reply, _route, principal) {
      if (principal?.kind === 'person' && request.method !== 'GET') requireSameOrigin(request)
    },
    log,
  })
  const review = { ...enforce, ruleTrace: traceProposal }
  accessRoutes(app, mount, { ...access, auth })
  const acceptDeps = {
    stream,
    clock,
    settings: (tenantId) => {
      const { acceptUnknownTypes, eventTypes } = settingsOf(tenantId)
      return { acceptUnknownTypes, declaredTypes: new Set(Object.keys(eventTypes)) }
    },
    storeMedia: (tenantId, bytes) => media.put(tenantId, bytes),
  } satisfies AcceptDeps
  eventRoutes(mount, {
    ...acceptDeps,
    db,
    judged: worker.judged,
    counted: () => {},
  })
  matchRoutes(mount, { db, ledger, clock, media, pool, lookup })
  bankRoutes(mount, { db, ledger, clock, randomBytes, media, lookup })
  const checkOptions = async (tenantId: string) => {
    const { newest } = await db.transaction((tx) => ensurePolicies(tx, enforce, tenantId))
    return { violations: new Set(Object.keys(newest.policy.violations)) }
  }
  ruleRoutes(mount, { db, ledger, clock, book, checkOptions })
  queueRoutes(mount, { db, ledger, clock })
  jobRoutes(mount, review)
  pageRoutes(app, mount, { ...enforce, secretKey, log })
  insightRoutes(mount, { db, clock })
  const demo = createDemo({
    ...review,
    media,
    sleep,
    log,
    accept: (tenantId, events) =>
      acceptEvents(
        acceptDeps,
        tenantId,
        events.map((value, index) => ({ index, value })),
      ),
    ruleOptions: checkOptions,
    refresh: () => lookup.refresh(),
  })
  simRoutes(mount, { demo })

  statusRoutes(mount, {
    db,
    clock,
    release: release(),
    startedAtMs: clock(),
    parts: optional,
    consumer: 'judge',
    lookup,
    book,
  })
  await consoleFiles(app, fileURLToPath(new URL('../dist/console', import.meta.url)))
  const url = await app.listen({ host: config.host, port: config.port })
  onStop(() => app.close())

  const loop = (name: string, everyMs: number, work: () => Promise<unknown>) => {
    let stopping = false
    let wake: () => void = () => {}
    const running = (async () => {
      while (!stopping) {
        await work().catch((error: Error) =>
          log({ level: 'warn', msg: `${name} failed; trying again`, error: error.message }),
        )
        if (!stopping) await Promise.race([sleep(everyMs), new Promise<void>((done) => (wake = done))])
      }
    })()
    onStop(() => {
      stopping = true
      wake()
      return running
    })
  }
  const sealer = createSealer(db)
  loop('sealing the ledger', sealEveryMs, () => sealer.tick())
  loop('timers', timersEveryMs, () => runDueTimers(db, clock(), enforcementTimers(enforce)))
  loop('tenants', tenantsEveryMs, loadTenants)
  const running = worker.run()
  running.catch((error: Error) => log({ level: 'error', msg: 'the worker stopped', error: error.stack }))
  onStop(() => worker.stop())
  onStop(() => demo.stopAll())
  if (options.demo === true) for (const tenantId of tenants.keys()) demo.start(tenantId, {})

  return {
    url,
    ...(firstAdmin === undefined ? {} : { signInLink: `${url}${firstAdmin.path}` }),
    parts: optional,
  }
}
