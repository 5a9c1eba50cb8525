import type { Clock, RandomBytes } from '../domain/ids.ts'
import { uuidv7 } from '../domain/ids.ts'
import type { TenantSettings } from '../domain/settings.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Vault } from '../ledger/vault.ts'
import type { BankEntryStatus } from '../match/bank.ts'
import { ExchangeError, type Call } from '../match/exchange/call.ts'
import type { FetchContext, Page } from '../match/exchange/connector.ts'
import { connectors } from '../match/exchange/connectors.ts'
import { noCounts, type Counts, type Credentials, type Exchange, type Run } from '../match/exchange/exchange.ts'
import { kinds } from '../match/exchange/kinds.ts'
import {
  countPlanned,
  entriesGained,
  entriesOfPlan,
  planMissing,
  planRecords,
  type PlanContext,
  type Planned,
} from '../match/exchange/plan.ts'
import * as store from '../match/exchange/store.ts'
import { countHeldEntries, selectBankEntriesById } from '../match/store.ts'
import type { Database, Query, Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'

export type ExchangeDeps = {
  db: Database
  ledger: Ledger
  vault: Vault
  clock: Clock
  randomBytes: RandomBytes
  /** The network. */
  call: Call
  /** Makes what was kept match at once. */
  refresh: () => Promise<void>
  log: (line: Record<string, unknown>) => void
  settings: (tenantId: string) => TenantSettings
}

/** A run that says nothing for this long has died; another takes over where its last page was kept. */
const leaseMs = 5 * 60_000
const backOffFirstMs = 60_000
const backOffMsMax = 6 * 3_600_000
const missingPerPage = 1_000
const notesMax = 20
/** A list that suddenly names less than half of what it did, and lost at least so many, is taken for cut off. */
const shrinkMin = 100

/** How long after the nth failure in a row the next attempt comes: a minute, then twice as long each time, up to 6 hours. */
export function backOffMs(failures: number): number {
  return Math.min(backOffMsMax, backOffFirstMs * 2 ** Math.min(failures - 1, 20))
}

/** The credentials of an exchange, out of the vault. Throws an ExchangeError when some that are needed are missing. */
export async function openCredentials(deps: ExchangeDeps, exchange: Exchange): Promise<Credentials> {
  const sealed =
    exchange.credentialsRef === null
      ? undefined
      : await deps.vault.open(deps.db.query, exchange.tenantId, exchange.credentialsRef)
  const credentials = sealed === undefined ? {} : (JSON.parse(sealed) as Credentials)
  const missing = kinds[exchange.kind].credentials.find(
    ({ name, required }) => required && credentials[name] === undefined,
  )
  if (missing !== undefined) throw new ExchangeError('credentials', `The credentials are not set: ${missing.title}`)
  return credentials
}

export type StartRun = { trigger: Run['trigger']; fromStart?: boolean; upload?: AsyncIterable<Uint8Array> }

/**
 * Takes the exchange for one run; undefined when a run is in progress. Reading from the start forgets the cursor, in the
 * same transaction.
 */
export async function beginRun(deps: ExchangeDeps, exchange: Exchange, start: StartRun): Promise<Run | undefined> {
  const nowMs = deps.clock()
  const run: Run = {
    runId: uuidv7(nowMs, deps.randomBytes),
    exchangeId: exchange.exchangeId,
    trigger: start.trigger,
    state: 'running',
    startedMs: nowMs,
    endedMs: null,
    pages: 0,
    counts: noCounts,
    unsupported: {},
    estimate: null,
    error: null,
    notes: [],
  }
  return deps.db.transaction(async (tx) => {
    const lease = { runId: run.runId, nowMs, untilMs: nowMs + leaseMs }
    if (!(await store.leaseExchange(tx, exchange.tenantId, exchange.exchangeId, lease))) return undefined
    if (start.fromStart === true) await store.resetExchange(tx, exchange.tenantId, exchange.exchangeId, null)
    await store.insertRun(tx, exchange.tenantId, run)
    return run
  })
}

/**
 * Reads the other side page by page until there is nothing new. What a page holds and how far it reaches commit in one
 * transaction, so that a kill at any moment neither loses nor doubles an entry. Answers the run as it ended; never throws
 * for what the other side does.
 */
export async function driveRun(deps: ExchangeDeps, exchange: Exchange, begun: Run, start: StartRun): Promise<Run> {
  const { tenantId } = exchange
  let run = begun
  let retryAfterMs = 0
  try {
    const credentials = await openCredentials(deps, exchange)
    const fresh = (await store.selectExchange(deps.db.query, tenantId, exchange.exchangeId))!
    const context: FetchContext = {
      call: deps.call,
      settings: exchange.settings,
      credentials,
      cursor: fresh.cursor,
      nowMs: deps.clock,
      ...(start.upload === undefined ? {} : { upload: start.upload }),
    }
    for await (const page of connectors[exchange.kind].pages(context)) {
      const kept = await keepPage(deps, exchange, run, page, start)
      if (kept === undefined) {
        run = { ...run, state: 'stopped', error: 'stopped; the next run goes on from the last page' }
        break
      }
      run = kept
      await deps.refresh()
    }
    if (run.state === 'running') run = { ...run, state: 'done', estimate: null }
  } catch (error) {
    const known = error instanceof ExchangeError
    retryAfterMs = known ? (error.retryAfterMs ?? 0) : 0
    // Credentials that are wrong stay wrong: asking often would lock the account.
    if (known && error.reason === 'credentials') retryAfterMs = Math.max(exchange.everyMs, 3_600_000)
    const stopping = known && error.reason === 'stopping'
    run = { ...run, state: stopping ? 'stopped' : 'failed', error: (error as Error).message.slice(0, 1_000) }
    deps.log({
      level: stopping ? 'info' : known ? 'warn' : 'error',
      msg: stopping ? 'a run stopped with the program' : 'an exchange could not be read',
      exchange: exchange.name,
      error: known ? run.error : ((error as Error).stack ?? run.error),
    })
  }
  const endedMs = deps.clock()
  run = { ...run, endedMs }
  await deps.db.transaction(async (tx) => {
    const now = await store.selectExchange(tx.query, tenantId, exchange.exchangeId, true)
    await store.updateRun(tx, tenantId, run)
    if (now === undefined || now.leaseRunId !== run.runId) return
    // A run that kept pages before it failed has made its way: the wait begins small again.
    const failures = run.state !== 'failed' ? 0 : run.pages > 0 ? 1 : now.failures + 1
    const waitMs =
      run.state === 'stopped' ? 0 : failures === 0 ? now.everyMs : Math.max(backOffMs(failures), retryAfterMs)
    const jitter = failures === 0 ? 0 : (deps.randomBytes(1)[0]! / 255) * 0.25 * waitMs
    const nextMs = canRepeat(now) ? endedMs + Math.round(waitMs + jitter) : null
    await store.releaseExchange(tx, run, tenantId, { nextMs, failures })
  })
  return run
}

/** Whether there is anything to ask on a schedule: files without an address only come by upload. */
export function canRepeat(exchange: Pick<Exchange, 'kind' | 'settings'>): boolean {
  return exchange.kind !== 'file' || exchange.settings.url !== undefined
}

async function keepPage(
  deps: ExchangeDeps,
  exchange: Exchange,
  run: Run,
  page: Page,
  start: StartRun,
): Promise<Run | undefined> {
  const { tenantId, exchangeId } = exchange
  const last = page.snapshot?.end === true
  const notes = [...run.notes, ...(page.notes ?? [])].slice(0, notesMax)
  const base: Run = { ...run, pages: run.pages + 1, notes, estimate: page.estimate ?? null }
  const hold = async (tx: Tx, at: { cursor: unknown; snapshotId: string | null }) =>
    store.advanceExchange(tx, run, tenantId, { ...at, leaseUntilMs: deps.clock() + leaseMs })

  let snapshotId: string | null = null
  let kept = await deps.db.transaction(async (tx) => {
    const now = await store.selectExchange(tx.query, tenantId, exchangeId, true)
    if (now === undefined || now.leaseRunId !== run.runId || now.deletedMs !== null) return undefined
    if (page.snapshot !== undefined)
      snapshotId = page.snapshot.start || now.snapshotId === null ? run.runId : now.snapshotId
    // Whoever else adds entries waits, so that the room that is left is true.
    await lockKeys(tx, [`banks:${tenantId}`])
    const quota = await quotaOf(tx.query, deps, tenantId)
    const planned = await planPage(tx, deps, now, page.records, snapshotId, quota)
    await applyPlanned(tx, deps, exchange, planned)
    const next: Run = { ...base, ...countPlanned(run.counts, run.unsupported, planned, page.records.length) }
    await store.updateRun(tx, tenantId, next)
    // The end of a list counts only once what it no longer names is withdrawn.
    const cursor = last ? now.cursor : page.cursor
    return (await hold(tx, { cursor, snapshotId })) ? next : undefined
  })
  if (kept === undefined || !last) return kept

  if (start.fromStart !== true) await refuseShrunken(deps, exchange, snapshotId!)
  for (let more = true; more;) {
    const before: Run = kept
    kept = await deps.db.transaction(async (tx) => {
      const now = await store.selectExchange(tx.query, tenantId, exchangeId, true)
      if (now === undefined || now.leaseRunId !== run.runId) return undefined
      const missing = await store.selectMissing(tx.query, tenantId, exchangeId, snapshotId!, missingPerPage)
      more = missing.length === missingPerPage
      const planned = planMissing(now, missing, {
        nowMs: deps.clock(),
        snapshotId,
        statusOf: await statusesOf(tx, tenantId, missing),
      })
      await applyPlanned(tx, deps, exchange, planned)
      const next: Run = { ...before, ...countPlanned(before.counts, before.unsupported, planned, 0) }
      await store.updateRun(tx, tenantId, next)
      const at = more ? { cursor: now.cursor, snapshotId } : { cursor: page.cursor, snapshotId: null }
      return (await hold(tx, at)) ? next : undefined
    })
    if (kept === undefined) return undefined
  }
  return kept
}

/** A list that was cut off on its way must not withdraw what stood in the rest of it. */
async function refuseShrunken(deps: ExchangeDeps, exchange: Exchange, snapshotId: string): Promise<void> {
  const { named, missing } = await store.countSnapshot(
    deps.db.query,
    exchange.tenantId,
    exchange.exchangeId,
    snapshotId,
  )
  if (missing >= shrinkMin && missing > named)
    throw new ExchangeError(
      'refused',
      `${exchange.name} now names ${named} of what it did and leaves out ${missing}. Nothing was withdrawn. If that is right, fetch from the start.`,
    )
}

async function quotaOf(query: Query, deps: Pick<ExchangeDeps, 'settings'>, tenantId: string) {
  const { entriesMax } = deps.settings(tenantId).banks
  return { entriesMax, left: entriesMax - (await countHeldEntries(query, tenantId)) }
}

async function planPage(
  tx: Pick<Tx, 'query'>,
  deps: Pick<ExchangeDeps, 'clock' | 'randomBytes'>,
  exchange: Exchange,
  records: Page['records'],
  snapshotId: string | null,
  quota?: PlanContext['quota'],
): Promise<Planned[]> {
  const { tenantId, exchangeId } = exchange
  const ids = records.map((record) => record.externalId)
  const known = await store.selectRecords(tx.query, tenantId, exchangeId, ids)
  const nowMs = deps.clock()
  return planRecords(exchange, records, {
    nowMs,
    newId: () => uuidv7(nowMs, deps.randomBytes),
    snapshotId,
    known: new Map(known.map((record) => [record.externalId, record])),
    statusOf: await statusesOf(tx, tenantId, known),
    ...(quota === undefined ? {} : { quota }),
  })
}

async function statusesOf(
  { query }: Pick<Tx, 'query'>,
  tenantId: string,
  records: readonly store.StoredRecord[],
): Promise<Map<string, BankEntryStatus>> {
  const ids = records.flatMap((record) => record.entryId ?? [])
  if (ids.length === 0) return new Map()
  return new Map(
    (await selectBankEntriesById(query, tenantId, ids)).map((entry) => [entry.entryId, entry.status] as const),
  )
}

async function applyPlanned(
  tx: Tx,
  deps: ExchangeDeps,
  exchange: Exchange,
  planned: readonly Planned[],
): Promise<void> {
  const { tenantId } = exchange
  await deps.ledger.append(tx, tenantId, entriesOfPlan(exchange, planned, deps.clock()))
  await store.upsertRecords(
    tx,
    tenantId,
    planned.map(({ record }) => record),
  )
}

export type Preview = {
  counts: Counts
  unsupported: Record<string, number>
  more: boolean
  estimate: number | null
  samples: Planned[]
  notes: string[]
}
const samplesMax = 50

/** What a run would do, from the first pages that it would read. Keeps nothing. Throws an ExchangeError for the other side. */
export async function previewRun(
  deps: ExchangeDeps,
  exchange: Exchange,
  options: { pages: number; fromStart?: boolean },
): Promise<Preview> {
  const context: FetchContext = {
    call: deps.call,
    settings: exchange.settings,
    credentials: await openCredentials(deps, exchange),
    cursor: options.fromStart === true ? undefined : exchange.cursor,
    nowMs: deps.clock,
  }
  const preview: Preview = { counts: noCounts, unsupported: {}, more: false, estimate: null, samples: [], notes: [] }
  let pages = 0
  let gained = 0
  for await (const page of connectors[exchange.kind].pages(context)) {
    if (pages++ >= options.pages) {
      preview.more = true
      break
    }
    const planned = await planPage({ query: deps.db.query }, deps, exchange, page.records, null)
    Object.assign(preview, countPlanned(preview.counts, preview.unsupported, planned, page.records.length))
    preview.estimate = page.estimate ?? null
    preview.notes = [...preview.notes, ...(page.notes ?? [])].slice(0, notesMax)
    preview.samples.push(...planned.slice(0, samplesMax - preview.samples.length))
    gained += entriesGained(planned)
  }
  const { entriesMax, left } = await quotaOf(deps.db.query, deps, exchange.tenantId)
  if (gained > left)
    preview.notes.unshift(
      `${gained} more entries, and room for ${Math.max(0, left)}: this tenant may hold ${entriesMax} that are not retired (banks.entriesMax)`,
    )
  return preview
}

/**
 * Retires the entries that an exchange brought, in pages; for exchanges that are taken away with all that they gave.
 * Answers how many.
 */
export async function retireAll(deps: ExchangeDeps, exchange: Exchange): Promise<number> {
  let retired = 0
  for (let afterId = ''; ;) {
    const page = await store.selectRecordPage(deps.db.query, exchange.tenantId, exchange.exchangeId, {
      afterId,
      state: 'live',
      limit: missingPerPage,
    })
    if (page.length === 0) break
    retired += await deps.db.transaction(async (tx) => {
      const planned = planMissing(
        exchange,
        page,
        { nowMs: deps.clock(), snapshotId: null, statusOf: await statusesOf(tx, exchange.tenantId, page) },
        `the exchange ${exchange.name} was taken away with all that it brought`,
      )
      await applyPlanned(tx, deps, exchange, planned)
      return planned.reduce((sum, one) => sum + one.entries.length, 0)
    })
    afterId = page.at(-1)!.externalId
  }
  await deps.refresh()
  return retired
}

export type ExchangeWorker = {
  /** Starts what is due; answers without waiting for the runs. */
  tick: () => Promise<void>
  /** Runs now, unless a run is in progress, which is then answered as undefined; `done` resolves when it has ended. */
  start: (exchange: Exchange, start: StartRun) => Promise<{ run: Run; done: Promise<Run> } | undefined>
  /** Waits for the pages that are being read, then stops. */
  stop: () => Promise<void>
}

const parallelMax = 4

/** Runs exchanges by their schedule in this process; with others beside it, each run has one process. */
export function createExchangeWorker(deps: ExchangeDeps): ExchangeWorker {
  const running = new Set<Promise<Run>>()
  let stopping = false
  const start: ExchangeWorker['start'] = async (exchange, how) => {
    const run = await beginRun(deps, exchange, how)
    if (run === undefined) return undefined
    const done = driveRun(
      {
        ...deps,
        // Between two pages, so that what was read is kept.
        async call(request) {
          if (stopping)
            throw new ExchangeError('stopping', 'The program stopped; the next run goes on from the last page')
          return deps.call(request)
        },
      },
      exchange,
      run,
      how,
    )
    running.add(done)
    // The outcome stands in the run; this only keeps an error of the database from ending the process.
    done
      .catch((error: Error) => deps.log({ level: 'error', msg: 'a run broke off', error: error.stack }))
      .finally(() => running.delete(done))
    return { run, done }
  }
  return {
    start,
    async tick() {
      const free = parallelMax - running.size
      if (free <= 0 || stopping) return
      for (const exchange of await store.selectDueExchanges(deps.db.query, deps.clock(), free))
        await start(exchange, { trigger: 'schedule' })
    },
    async stop() {
      stopping = true
      await Promise.allSettled(running)
    },
  }
}
