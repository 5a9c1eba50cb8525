import { randomFillSync } from 'node:crypto'
import dns from 'node:dns/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { hostname, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appealProjector } from './appeals/project.ts'
import type { Config } from './config.ts'
import type { LedgerEntry } from './domain/entry.ts'
import { createPolicies, ensurePolicies } from './enforcement/policies.ts'
import { decisionProjector, labelProjector, policyProjector, standingProjector } from './enforcement/project.ts'
import { acceptEvents, type AcceptDeps } from './flows/accept.ts'
import { withLive } from './flows/announce-live.ts'
import { deliverDue } from './flows/deliver.ts'
import { createExchangeWorker, type ExchangeDeps } from './flows/exchange.ts'
import { collectFeedback, sendFeedback } from './flows/exchange-feedback.ts'
import { createCall, createPost, type OutboundRules } from './flows/outbound.ts'
import { createHygiene } from './flows/bank-hygiene.ts'
import { forgetAbandonedImports, importNext } from './flows/bank-import.ts'
import { createDemo } from './flows/demo.ts'
import { createDetectors } from './flows/detect.ts'
import { applyJudged, lockJudged } from './flows/effects.ts'
import { createEntryVectors } from './flows/entry-vectors.ts'
import { hmaTimers } from './flows/hma.ts'
import { rememberSeen } from './flows/remember.ts'
import { retroTimers, withRetro } from './flows/retro-steps.ts'
import { createIngestWorker } from './flows/ingest.ts'
import { createLabelBook } from './flows/label-book.ts'
import { enforcementTimers } from './flows/marks.ts'
import { reevaluateProposal, traceProposal } from './flows/rule-trace.ts'
import { createIdempotency } from './http/idempotency.ts'
import { createHub } from './http/live.ts'
import { createLog } from './http/log.ts'
import { createMetrics } from './http/metrics.ts'
import { observeRequests } from './http/observe.ts'
import { createRateLimits } from './http/rate-limit.ts'
import { auditRoutes } from './http/routes/audit.ts'
import { effectRoutes } from './http/routes/effects.ts'
import { liveRoutes } from './http/routes/live.ts'
import { settingsRoutes } from './http/routes/settings.ts'
import { systemRoutes } from './http/routes/system.ts'
import { secureHeaders } from './http/security.ts'
import { createAuth } from './http/auth.ts'
import { ensureFirstAdmin } from './http/access.ts'
import { accessRoutes } from './http/routes/access.ts'
import { appealRoutes } from './http/routes/appeals.ts'
import { decisionRoutes } from './http/routes/decisions.ts'
import { gateRoutes } from './http/routes/gates.ts'
import { policyRoutes } from './http/routes/policies.ts'
import { subjectRoutes } from './http/routes/subjects.ts'
import { bankImportRoutes } from './http/routes/bank-imports.ts'
import { bankRoutes } from './http/routes/banks.ts'
import { eventRoutes } from './http/routes/events.ts'
import { exchangeRoutes } from './http/routes/exchanges.ts'
import { classifierRoutes } from './http/routes/classifiers.ts'
import { hmaMatchRoutes } from './http/routes/hma.ts'
import { hmaBankRoutes } from './http/routes/hma-banks.ts'
import { hmaExchangeRoutes } from './http/routes/hma-exchanges.ts'
import { hygieneRoutes } from './http/routes/hygiene.ts'
import { insightRoutes } from './http/routes/insight.ts'
import { jobRoutes } from './http/routes/jobs.ts'
import { matchIndexRoutes } from './http/routes/match-index.ts'
import { matchRoutes } from './http/routes/match.ts'
import { modelRoutes } from './http/routes/models.ts'
import { pageRoutes } from './http/routes/pages.ts'
import { queueRoutes } from './http/routes/queues.ts'
import { retroRoutes } from './http/routes/retro.ts'
import { ruleRoutes } from './http/routes/rules.ts'
import { statusRoutes } from './http/routes/status.ts'
import { consoleFiles } from './http/console-files.ts'
import { simRoutes } from './http/routes/sim.ts'
import { createServer } from './http/server.ts'
import { createLedger, type Projector } from './ledger/ledger.ts'
import { createSealer } from './ledger/seal.ts'
import { createVault } from './ledger/vault.ts'
import { quarantineIfOverturned } from './match/changes.ts'
import { createPastMatches } from './match/hygiene/past.ts'
import { releaseLeases } from './match/exchange/store.ts'
import { createMatchMeter } from './match/hygiene/meter.ts'
import { createLookup, withTextSignals } from './match/lookup.ts'
import { selectTenantsByEntries } from './match/memory/store.ts'
import { bankProjector } from './match/project.ts'
import { createClusters } from './match/seen/clusters.ts'
import { createSeen } from './match/seen/seen.ts'
import { withJudgements } from './match/similarity/judge.ts'
import { similarityProjector } from './match/similarity/project.ts'
import { createHashers } from './media/all-hashers.ts'
import { openEmbedder } from './media/embedding.ts'
import { createFetchMedia } from './media/fetch.ts'
import { createResolveRedirects } from './media/redirects.ts'
import { createMediaPool } from './media/hash-pool.ts'
import { createMediaLibrary } from './media/library.ts'
import { createMediaFiles } from './media/store.ts'
import { reviewProjector } from './review/project.ts'
import { release } from './release.ts'
import { createRuleBook } from './rules/rule-book.ts'
import { rulesProjector } from './rules/project.ts'
import { createStops } from './stops.ts'
import { openDatabase, type Database } from './storage/database.ts'
import { startEmbedded, type Embedded } from './storage/embedded.ts'
import { createMediaRecords } from './storage/media-records.ts'
import { migrate, readMigrations } from './storage/migrate.ts'
import { optionalParts, type Part } from './parts.ts'
import { createSettingsReader } from './storage/settings.ts'
import { selectTenants } from './storage/tenants.ts'
import { runDueTimers } from './storage/timers.ts'
import { createInProcessStream } from './streams/in-process.ts'

/** Every projector of this release: the whole of what `custos ledger rebuild` makes anew. */
export const projectors: readonly Projector[] = [
  policyProjector,
  rulesProjector,
  bankProjector,
  similarityProjector,
  decisionProjector,
  standingProjector,
  labelProjector,
  reviewProjector,
  appealProjector,
]

export type App = {
  url: string
  signInLink?: string
  /** Optional parts: whether each is on, and how to switch it on. */
  parts: Part[]
  stop: () => Promise<void>
}
export type AppOptions = {
  log: (line: string) => void
  demo?: boolean
  signIn?: boolean
  /** Checks every answer against its contract; for tests. */
  checkResponses?: boolean
}

const sealEveryMs = 200
const timersEveryMs = 250
const deliverEveryMs = 250
const hubEveryMs = 1_000
const hygieneEveryMs = 2_000
const importsEveryMs = 1_000
const vectorsEveryMs = 300
const exchangesEveryMs = 1_000
const sweepEveryMs = 3_600_000
const followEveryMs = 1_000
const dayMs = 86_400_000
/** Of the memory of the machine, what indexes may use; the database, media and everything else need the rest. */
const indexMemoryShare = 0.4
/** Tenants that used a key within so long have their indexes loaded before others. */
const usedLatelyMs = 7 * dayMs

/** Starts everything in this process, in order, and answers when it serves. What was started is stopped when a part fails. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const stops = createStops()
  try {
    return { ...(await wire(config, options, stops.add)), stop: stops.all }
  } catch (error) {
    await stops.all().catch(() => {})
    throw error
  }
}

/** Random bytes of the operating system, fetched in blocks: every request takes some, and each fetch is a system call. */
function createRandomBytes(blockBytes = 16_384): (length: number) => Buffer {
  const block = Buffer.alloc(blockBytes)
  let used = blockBytes
  return (length) => {
    if (length > blockBytes / 4) return randomFillSync(Buffer.alloc(length))
    if (used + length > blockBytes) {
      randomFillSync(block)
      used = 0
    }
    used += length
    // A copy: what was handed out is never handed out again, nor kept here for longer than its block.
    const taken = Buffer.from(block.subarray(used - length, used))
    block.fill(0, used - length, used)
    return taken
  }
}

async function wire(
  config: Config,
  options: AppOptions,
  onStop: (stop: () => Promise<unknown>) => void,
): Promise<Omit<App, 'stop'>> {
  const clock = () => Date.now()
  const randomBytes = createRandomBytes()
  // Unreferenced: somebody who still waits, or an hourly chore, must not keep a stopped program alive.
  const sleep = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms).unref())
  const log = createLog({ level: config.logLevel, write: (line) => options.log(line.trimEnd()), clock })

  let embedded: Embedded | undefined
  if (config.databaseUrl === undefined) {
    embedded = await startEmbedded({ dataDir: config.dataDir, log: options.log })
    onStop(() => embedded!.stop())
  }
  const onIdleError = (error: Error) => log({ level: 'warn', msg: 'a database connection broke', error: error.message })
  const opened: Database = openDatabase({
    ...(embedded === undefined ? { connectionString: config.databaseUrl } : { ...embedded, database: 'postgres' }),
    onIdleError,
  })
  onStop(() => opened.close())
  for (const name of await migrate(opened)) log({ level: 'info', msg: `migrated ${name}` })

  const secretKey = Buffer.from(config.secretKey!).toString('hex')
  const idempotency = createIdempotency({ db: opened, clock, randomBytes, secretKey })
  const db = idempotency.database
  const hub = createHub({ clock, runId: randomBytes(6).toString('hex') })
  const metrics = createMetrics({ db, clock })
  const settings = createSettingsReader({ db, clock })
  const matchSettings = (tenantId: string) => settings.current(tenantId).match
  const projected = withRetro(createLedger({ projectors, clock, randomBytes }), matchSettings)
  const ledger = withLive(projected, (topic, entry) => {
    if (entry.kind === 'decision.made') metrics.decision(entry.automation)
    hub.publish(topic, entry.tenantId, { kind: entry.kind, id: entry.id, subject: entry.subject })
  })
  const access = { db, ledger, clock, randomBytes }
  const firstAdmin = await ensureFirstAdmin(db, access, { always: options.signIn === true })

  await settings.load()
  const limits = createRateLimits({ clock, settings: settings.current })

  const vault = createVault({ secretKey, clock, randomBytes })
  const policies = createPolicies()
  const pool = createMediaPool()
  onStop(() => pool.close())
  const embedder = await openEmbedder(config.modelsDir, pool, {
    onError: (model, error) => log({ level: 'warn', msg: 'a model failed', model, error: error.message }),
  })
  onStop(() => embedder.close())
  for (const problem of embedder.problems) log({ level: 'warn', msg: 'a model cannot be used', problem })
  const media = createMediaLibrary({
    files: createMediaFiles(join(config.dataDir, 'media')),
    pool,
    records: createMediaRecords(db.query),
    hashers: [...createHashers({ ffmpeg: config.ffmpeg }), ...embedder.hashers],
  })
  const meter = createMatchMeter({ db, clock })
  const indexes = createLookup({
    db,
    variantThresholds: Object.fromEntries(
      embedder.models.flatMap(({ id, type, threshold }) =>
        threshold === undefined ? [] : [[`${type}:${id}`, threshold]],
      ),
    ),
    pollMs: 0,
    // What a container may use is 0 where nobody said.
    bytesMax: indexMemoryShare * Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    onError: (error) => log({ level: 'warn', msg: 'an index was not loaded', error: error.message }),
  })
  // What models make of a text is there when matches are judged.
  const lookup = withTextSignals(withJudgements(indexes, { query: db.query, clock }), embedder.text)
  const vectors = createEntryVectors({ db, clock, embedder, media, refresh: () => lookup.refresh(), log })
  const seen = createSeen({ query: db.query, clock })
  onStop(() => seen.close())
  const book = createRuleBook({ db, clock })
  const labels = createLabelBook()
  const enforce = {
    db,
    ledger,
    clock,
    randomBytes,
    policies,
    vault,
    quarantineIfOverturned,
    book,
  }
  const tenantIds = (await selectTenants(db.query, { after: '', limit: 10_000 })).map((tenant) => tenant.id)
  for (const tenantId of tenantIds) await db.transaction((tx) => ensurePolicies(tx, enforce, tenantId))

  const network = { resolve: (host: string) => dns.lookup(host, { all: true }), http: httpRequest, https: httpsRequest }
  const fetchMedia = (tenantId: string) =>
    createFetchMedia({ network, hosts: [...config.mediaHosts, ...settings.current(tenantId).mediaHosts] })
  const resolveRedirects = createResolveRedirects({ network })
  const stream = createInProcessStream({ db, clock })
  const detectors = createDetectors({
    query: db.query,
    clock,
    book,
    lookup,
    labels,
    media,
    fetchMedia,
    meter,
    textSignals: embedder.text,
    resolveRedirects: (tenantId) => (settings.current(tenantId).match.followLinks ? resolveRedirects : undefined),
  })
  const worker = createIngestWorker({
    db,
    stream,
    clock,
    sleep,
    log,
    owner: `${hostname()}:${process.pid}`,
    detectors,
    keep: rememberSeen({ seenOf: detectors.seenOf, settings: matchSettings }),
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
    published(judged) {
      const nowMs = clock()
      for (const { stored, hits } of judged) {
        metrics.judged(Math.max(0, nowMs - stored.receivedAtMs) / 1_000)
        const { event, tenantId } = stored
        hub.publish('events', tenantId, { id: event.id, type: event.type, actorId: event.actor.id, hits: hits.length })
      }
    },
  })

  const optional = await optionalParts(config, embedder)
  const auth = createAuth({ db, clock })
  const { app, mount, routes } = createServer({
    authenticate: auth.authenticate,
    async admit(request, reply, _route, principal) {
      auth.refuseCrossSite(request, principal)
      limits.admit(request, reply, principal)
    },
    idempotent: idempotency.idempotent,
    checkResponses: options.checkResponses,
    log,
  })
  secureHeaders(app)
  observeRequests(app, { routes, metrics, log, randomBytes, monotonic: () => performance.now() })
  // A server that nobody else can reach may call webhooks on its own machine; any other calls public addresses only.
  const outbound: OutboundRules = {
    privateAddresses: ['127.0.0.1', 'localhost', '::1'].includes(config.host) ? 'loopback' : 'none',
  }
  const { post, close: closePost } = createPost(outbound)
  onStop(closePost)
  const review = { ...enforce, ruleTrace: traceProposal }
  accessRoutes(app, mount, { ...access, auth })
  const acceptDeps = {
    stream,
    clock,
    settings: (tenantId: string) => {
      const { acceptUnknownTypes, eventTypes } = settings.current(tenantId)
      return { acceptUnknownTypes, declaredTypes: new Set(Object.keys(eventTypes)) }
    },
    storeMedia: (tenantId: string, bytes: Uint8Array) => media.put(tenantId, bytes),
  } satisfies AcceptDeps
  eventRoutes(mount, {
    ...acceptDeps,
    db,
    judged: worker.judged,
    counted: (_tenantId, counts) => metrics.events(counts),
    admitEvents: limits.countEvents,
  })
  matchIndexRoutes(mount, { lookup })
  modelRoutes(mount, { query: db.query, embedder, vectors })
  matchRoutes(mount, {
    db,
    ledger,
    clock,
    media,
    lookup,
    fetchMedia,
    resolveRedirects,
    admitLookups: limits.countLookups,
  })
  const retro = { ...enforce, seen, settings: matchSettings }
  retroRoutes(mount, { ...retro, clusters: createClusters({ query: db.query, clock }) })
  const banks = { db, ledger, clock, randomBytes, media, lookup, settings: settings.current }
  const pastMatches = createPastMatches({
    query: db.query,
    seen,
    itemsMax: (tenantId) => matchSettings(tenantId).retroItemsMax,
  })
  bankRoutes(mount, { ...banks, pastMatches })
  const hygiene = createHygiene({ ...enforce, lookup, meter, settings: settings.current })
  hygieneRoutes(mount, { ...banks, hygiene })
  let wakeImports = () => {}
  bankImportRoutes(mount, { ...banks, wakeImports: () => wakeImports() })
  const { call, close: closeCall } = createCall(outbound)
  onStop(closeCall)
  const exchanges: ExchangeDeps = {
    db,
    ledger,
    vault,
    clock,
    randomBytes,
    call,
    refresh: () => lookup.refresh(),
    log,
    settings: settings.current,
  }
  // Nobody else works on a private database: who held a lease has died.
  if (embedded !== undefined) await releaseLeases(db.query, clock())
  const exchangeWorker = createExchangeWorker(exchanges)
  exchangeRoutes(mount, { ...exchanges, outbound, worker: exchangeWorker })
  const hma = { db, ledger, clock, randomBytes, media, lookup, fetchMedia, admitLookups: limits.countLookups }
  hmaMatchRoutes(mount, hma)
  hmaBankRoutes(mount, hma)
  hmaExchangeRoutes(mount, { ...exchanges, outbound })
  const checkOptions = async (tenantId: string) => {
    const { newest } = await db.transaction((tx) => ensurePolicies(tx, enforce, tenantId))
    return { violations: new Set(Object.keys(newest.policy.violations)) }
  }
  ruleRoutes(mount, { db, ledger, clock, book, checkOptions })
  queueRoutes(mount, { db, ledger, clock })
  jobRoutes(mount, review)
  pageRoutes(app, mount, { ...enforce, secretKey, log })
  classifierRoutes(mount, { db, ledger, clock, randomBytes })
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

  const explaining = {
    ...enforce,
    reevaluate: (tenantId: string, proposal: LedgerEntry<'violation.proposed'>) =>
      reevaluateProposal(db.query, tenantId, proposal),
  }
  decisionRoutes(mount, explaining)
  appealRoutes(mount, enforce)
  policyRoutes(mount, enforce)
  gateRoutes(mount, enforce)
  subjectRoutes(mount, enforce)
  settingsRoutes(mount, { ...access, settings })
  auditRoutes(mount, { db })
  effectRoutes(mount, { ...access, vault, post, outbound })
  liveRoutes(app, mount, { hub, auth })
  const migrations = (await readMigrations()).map((migration) => migration.name)
  systemRoutes(mount, { db, clock, metrics, routes, version: release(), migrations, loaded: lookup.ahead })
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
  const loadingAhead = lookup.loadAhead(await selectTenantsByEntries(db.query, clock() - usedLatelyMs))
  onStop(() => {
    lookup.close()
    return loadingAhead
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
    return () => wake()
  }
  const sealer = createSealer(db)
  loop('sealing the ledger', sealEveryMs, () => sealer.tick())
  const timers = { ...enforcementTimers(enforce), ...retroTimers(retro, log), ...hmaTimers(enforce) }
  loop('timers', timersEveryMs, () => runDueTimers(db, clock(), timers))
  loop('delivering effects', deliverEveryMs, async () => {
    while ((await deliverDue({ db, vault, post, clock, randomBytes })) > 0);
  })
  onStop(() => exchangeWorker.stop())
  loop('fetching exchanges', exchangesEveryMs, () => exchangeWorker.tick())
  loop('sending feedback to exchanges', exchangesEveryMs, async () => {
    await collectFeedback(exchanges)
    while ((await sendFeedback(exchanges)) > 0);
  })
  loop('making vectors of bank entries', vectorsEveryMs, async () => {
    while (await vectors.tick());
  })
  onStop(async () => vectors.stop())
  loop('looking after banks', hygieneEveryMs, () => hygiene.tick())
  let importing = true
  wakeImports = loop('importing into banks', importsEveryMs, async () => {
    while (importing && (await importNext({ ...banks, refresh: () => lookup.refresh(), log })));
  })
  // Batches are durable: the next start goes on where this one stops.
  onStop(async () => void (importing = false))
  loop('forgetting imports that were never sent to their end', sweepEveryMs, () =>
    forgetAbandonedImports({ db, clock }),
  )
  onStop(() => meter.flush())
  loop('live screens', hubEveryMs, async () => hub.tick())
  loop('following what passed', followEveryMs, () => seen.follow())
  loop('forgetting what passed long ago', sweepEveryMs, async () => {
    const ids = (await selectTenants(db.query, { after: '', limit: 10_000 })).map(({ id }) => id)
    await seen.prune((tenantId) => matchSettings(tenantId).seenDays * dayMs, ids)
  })
  loop('forgetting old idempotency keys', sweepEveryMs, () => idempotency.sweep())
  onStop(() => auth.flush())
  const running = worker.run()
  running.catch((error: Error) => log({ level: 'error', msg: 'the worker stopped', error: error.stack }))
  onStop(() => worker.stop())
  onStop(() => demo.stopAll())
  if (options.demo === true) for (const tenantId of tenantIds) demo.start(tenantId, {})

  return {
    url,
    ...(firstAdmin === undefined ? {} : { signInLink: `${url}${firstAdmin.path}` }),
    parts: optional,
  }
}
