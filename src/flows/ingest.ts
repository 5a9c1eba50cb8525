import type { Hit } from '../domain/effect.ts'
import type { LedgerEntry } from '../domain/entry.ts'
import type { Clock } from '../domain/ids.ts'
import type { Signal } from '../domain/signal.ts'
import { descendantsOf } from '../ledger/read.ts'
import { isUnavailable, type Database, type Tx } from '../storage/database.ts'
import { loadFeatureSnapshot, readCursors, saveFeatureSnapshot, selectEvent } from '../storage/event-log.ts'
import type { Claim, Position, Stream, StreamEvent } from '../streams/stream.ts'

/** What was made of one event: its signals, the rules that held, and what entered the ledger. */
export type Judgement = { entries: LedgerEntry[] }
export type Judged = { stored: StreamEvent; signals: Signal[]; hits: Hit[] }

/**
 * The detectors as the worker sees them. `observe` and `evaluate` are pure in the order of the stream: the same events
 * in the same order make the same hits, whatever the batches, restarts and crashes in between.
 */
export type Detectors = {
  /**
   * Brings rules, banks and labels up to date; called between batches, so that one batch sees one version. True when the
   * declared features changed: their state must then be kept at this very cursor.
   */
  refresh: () => Promise<boolean>
  /** Fetches and hashes media of events, many at a time. What cannot be read becomes a signal that says so. */
  gather: (events: readonly StreamEvent[]) => Promise<Signal[][]>
  /** Moves the features by an event without judging it. */
  observe: (stored: StreamEvent) => void
  /** Moves the features and evaluates the rules, live and shadow. */
  evaluate: (stored: StreamEvent, signals: readonly Signal[]) => Hit[]
  snapshot: () => { body: Uint8Array; declaredSha256: string }
  /** Takes up what `snapshot` gave; features that were declared since start empty. */
  restore: (body: Uint8Array) => void
  /** Forgets everything; followed by `restore` and a roll forward. */
  reset: () => Promise<void>
}

export type IngestDeps = {
  db: Database
  stream: Stream
  clock: Clock
  detectors: Detectors
  /** Subjects that the effects of a batch will touch, to lock before the first write. */
  lock: (tx: Tx, judged: readonly Judged[]) => Promise<void>
  /** Writes the effects of one event; answers the entries. */
  apply: (tx: Tx, judged: Judged) => Promise<LedgerEntry[]>
  /** Keeps what may be needed of events that passed, whatever was made of them. */
  keep?: (tx: Tx, events: readonly StreamEvent[]) => Promise<void>
  /** Records an event that cannot be judged, so that it is seen and the stream goes on. */
  park: (tx: Tx, stored: StreamEvent, error: Error) => Promise<void>
  /** After the commit: live screens and metrics. */
  published: (judged: readonly Judged[], entries: readonly LedgerEntry[]) => void
  log: (line: Record<string, unknown>) => void
  owner: string
  consumer?: string
  batchEventsMax?: number
  sleep: (ms: number) => Promise<void>
}

export type IngestWorker = {
  /** Runs until stopped; resolves when the last batch is committed. */
  run: () => Promise<void>
  stop: () => Promise<void>
  /** Resolves with what was made of an event, or undefined when the wait is over first. */
  judged: (tenantId: string, eventId: string, waitMs: number) => Promise<Judgement | undefined>
}

const batchDefault = 1_000
const idleMs = 25
const floodEvents = 400
const giveWayTimes = 3
const giveWayMsMax = 300
// Writing a snapshot holds up judging for as long as it takes to copy every window (about 0.5 s at 150,000 of them), so
// it is done when nobody waits; under steady load only this often. A restart rolls forward about 30,000 events a second.
const snapshotIdleEvents = 2_000
const snapshotIdleMs = 2_000
const snapshotEveryEvents = 300_000
const triesMax = 3
const rollForwardPage = 5_000

/**
 * The consumer of the stream: event -> signals -> rules -> effects. Reads a batch, judges it, and writes effects and
 * cursor in one transaction, conditional on the claim: exactly once, however often it dies. An event that cannot be
 * judged is parked after three tries and never holds up the rest.
 */
export function createIngestWorker(deps: IngestDeps): IngestWorker {
  const { db, stream, detectors, log } = deps
  const consumer = deps.consumer ?? 'judge'
  const waiters = new Map<string, Set<(judgement: Judgement) => void>>()
  let stopping = false
  const sleepers = new Set<() => void>()
  const wake = () => {
    for (const sleeper of sleepers) sleeper()
    sleepers.clear()
  }
  const running: Promise<void>[] = []

  const runPartition = async (partition: number): Promise<void> => {
    let claim = await retrying(() => stream.claim(consumer, partition, deps.owner))
    await retrying(() => rollForward(claim))
    let sinceSnapshot = 0
    let judgedAtMs = deps.clock()
    while (!stopping) {
      if (await retrying(() => detectors.refresh())) {
        const here = claim
        await retrying(() => keepFeatures(here))
      }
      const batch = await retrying(() => stream.read(partition, claim.cursor, deps.batchEventsMax ?? batchDefault))
      if (batch.length === 0) {
        if (sinceSnapshot >= snapshotIdleEvents && deps.clock() - judgedAtMs >= snapshotIdleMs) {
          await saveSnapshot(claim)
          sinceSnapshot = 0
        }
        await Promise.race([deps.sleep(idleMs), new Promise<void>((done) => sleepers.add(done))])
        continue
      }
      const beganMs = deps.clock()
      const moved = await judgeBatch(claim, batch)
      if (moved === undefined) {
        log({ level: 'warn', msg: 'another worker took this partition over', partition })
        claim = await retrying(() => stream.claim(consumer, partition, deps.owner))
        await retrying(() => rollForward(claim))
        continue
      }
      claim = { ...claim, cursor: moved }
      // Platforms wait for their answers, judgements wait in the stream: under a flood, leave them most of the time.
      if (stream.waiting() >= floodEvents)
        await deps.sleep(Math.min(giveWayMsMax, giveWayTimes * (deps.clock() - beganMs)))
      sinceSnapshot += batch.length
      judgedAtMs = deps.clock()
      if (sinceSnapshot >= snapshotEveryEvents) {
        await saveSnapshot(claim)
        sinceSnapshot = 0
      }
    }
    await saveSnapshot(claim)
  }

  /** Waits and tries again while the database is away: the stream must go on by itself when it is back. */
  const retrying = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 2_000)) {
      try {
        return await work()
      } catch (error) {
        if (!isUnavailable(error) || stopping) throw error
        log({ level: 'warn', msg: 'the database is away; trying again', error: (error as Error).message })
        await deps.sleep(waitMs)
      }
    }
  }

  /** Features as they were at the cursor: the last snapshot, then every event since, without judging any again. */
  const rollForward = async (claim: Claim): Promise<void> => {
    await detectors.reset()
    await detectors.refresh()
    const snapshot = await loadFeatureSnapshot(db.query, consumer, claim.partition)
    let at: Position = { xid: '0', position: 0 }
    if (snapshot !== undefined && atOrBefore(snapshot, claim.cursor)) {
      detectors.restore(snapshot.body)
      at = { xid: snapshot.xid, position: snapshot.position }
    }
    for (;;) {
      const page = (await stream.read(claim.partition, at, rollForwardPage)).filter((stored) =>
        atOrBefore(stored.at, claim.cursor),
      )
      for (const stored of page) detectors.observe(stored)
      if (page.length < rollForwardPage) break
      at = page.at(-1)!.at
    }
    await keepFeatures(claim)
  }

  const keepFeatures = (claim: Claim): Promise<void> => {
    const { body, declaredSha256 } = detectors.snapshot()
    return saveFeatureSnapshot(db.query, consumer, claim.partition, {
      ...claim.cursor,
      declaredSha256,
      body: Buffer.from(body),
    })
  }

  /** The regular snapshot: without it a restart reads more events, and that is all. */
  const saveSnapshot = (claim: Claim): Promise<void> =>
    keepFeatures(claim).catch((error: Error) =>
      log({
        level: 'warn',
        msg: 'cannot save the feature snapshot; restart will read more events',
        error: error.message,
      }),
    )

  /** Judges a batch and commits it; answers the new cursor, or undefined when the claim was fenced. */
  const judgeBatch = async (claim: Claim, batch: readonly StreamEvent[]): Promise<Position | undefined> => {
    const gathered = await retrying(() => detectors.gather(batch))
    const failures = new Map<StreamEvent, Error>()
    const judged = batch.map((stored, index): Judged => {
      const signals = gathered[index]!
      try {
        return { stored, signals, hits: detectors.evaluate(stored, signals) }
      } catch (error) {
        failures.set(stored, error as Error)
        return { stored, signals, hits: [] }
      }
    })
    const end = batch.at(-1)!.at
    try {
      return (await retrying(() => commit(claim, judged, failures, end))) ? end : undefined
    } catch (error) {
      if (stopping && isUnavailable(error)) throw error
      log({
        level: 'error',
        msg: 'a batch cannot be written; writing its events one by one',
        error: (error as Error).stack,
      })
    }
    let cursor = claim.cursor
    for (const one of judged) {
      for (let attempt = 1; ; attempt++) {
        const own = new Map(failures.has(one.stored) ? [[one.stored, failures.get(one.stored)!]] : [])
        try {
          if (!(await retrying(() => commit({ ...claim, cursor }, [one], own, one.stored.at)))) return undefined
          break
        } catch (error) {
          if (stopping && isUnavailable(error)) throw error
          if (attempt >= triesMax) failures.set(one.stored, error as Error)
          if (attempt > triesMax) throw error
        }
      }
      cursor = one.stored.at
    }
    return cursor
  }

  const commit = async (
    claim: Claim,
    judged: readonly Judged[],
    failures: ReadonlyMap<StreamEvent, Error>,
    end: Position,
  ): Promise<boolean> => {
    const written: [Judged, LedgerEntry[]][] = []
    const acting = judged.filter((one) => one.hits.length > 0 || one.signals.length > 0)
    const ok = await db.transaction(async (tx) => {
      written.length = 0
      await deps.lock(tx, acting)
      if (!(await stream.advance(tx, claim, end, judged.length))) return false
      await deps.keep?.(
        tx,
        judged.map(({ stored }) => stored),
      )
      for (const one of acting) if (!failures.has(one.stored)) written.push([one, await deps.apply(tx, one)])
      for (const [stored, error] of failures) {
        log({
          level: 'error',
          msg: 'an event cannot be judged and is parked',
          event: stored.event.id,
          error: error.stack,
        })
        await deps.park(tx, stored, error)
      }
      return true
    })
    if (!ok) return false
    deps.published(
      judged,
      written.flatMap(([, entries]) => entries),
    )
    if (waiters.size > 0) {
      const entriesOf = new Map(written.map(([one, entries]) => [one.stored, entries]))
      for (const { stored } of judged) {
        const key = `${stored.tenantId}\n${stored.event.id}`
        for (const resolve of waiters.get(key) ?? []) resolve({ entries: entriesOf.get(stored) ?? [] })
        waiters.delete(key)
      }
    }
    return true
  }

  const fromLedger = async (tenantId: string, eventId: string): Promise<Judgement | undefined> => {
    const stored = await selectEvent(db.query, tenantId, eventId)
    if (stored === undefined) return undefined
    // Judged events are those that no read after the cursor would show.
    const cursors = await readCursors(db.query, consumer)
    if (!cursors.some((cursor) => atOrBefore(stored.at, cursor))) return undefined
    return { entries: await descendantsOf(db.query, tenantId, eventId) }
  }

  return {
    async run() {
      const unsubscribe = stream.onAppend(() => wake())
      try {
        for (let partition = 0; partition < stream.partitions; partition++) running.push(runPartition(partition))
        await Promise.all(running)
      } finally {
        unsubscribe()
      }
    },
    async stop() {
      stopping = true
      wake()
      await Promise.allSettled(running)
    },
    async judged(tenantId, eventId, waitMs) {
      if (waitMs === 0) return fromLedger(tenantId, eventId)
      const key = `${tenantId}\n${eventId}`
      let resolve: (judgement: Judgement | undefined) => void = () => {}
      const waiting = new Promise<Judgement | undefined>((done) => (resolve = done))
      waiters.set(key, (waiters.get(key) ?? new Set()).add(resolve))
      try {
        const timeout = deps.sleep(waitMs).then(() => undefined)
        // It may have been judged before we began to wait, or by another program.
        const polled = (async () => {
          for (let waitedMs = 0; waitedMs < waitMs; waitedMs += 250) {
            await deps.sleep(Math.min(250, waitMs))
            if (waiters.get(key)?.has(resolve) !== true) return new Promise<never>(() => {})
            const known = await fromLedger(tenantId, eventId)
            if (known !== undefined) return known
          }
          return undefined
        })()
        const known = await Promise.race([waiting, timeout, polled])
        return known
      } finally {
        waiters.get(key)?.delete(resolve)
        if (waiters.get(key)?.size === 0) waiters.delete(key)
      }
    },
  }
}

function atOrBefore(a: Position, b: Position): boolean {
  const [x, y] = [BigInt(a.xid), BigInt(b.xid)]
  return x < y || (x === y && a.position <= b.position)
}
