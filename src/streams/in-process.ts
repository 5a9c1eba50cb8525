import type { Event } from '../domain/event.ts'
import type { Clock } from '../domain/ids.ts'
import type { Database } from '../storage/database.ts'
import {
  claimCursor,
  insertEvents,
  moveCursor,
  selectBodies,
  selectStream,
  type EventRecord,
} from '../storage/event-log.ts'
import type { Appended, NewStreamEvent, Stream } from './stream.ts'

/** One statement writes at most this many events; more would hold up whoever waits beside them. */
const flushEventsMax = 4_000

/** While the database writes one batch, the next is being made ready. */
const flushesMax = 3
/** About 50 MB of ordinary events. */
const heldEventsMax = 20_000

export type InProcessOptions = { db: Database; clock: Clock; partitions?: number }

/** JSON with its keys in order, so that two spellings of one event compare equal. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key])}`)
      .join(',')}}`
  return JSON.stringify(value) ?? 'null'
}

/** FNV-1a over the actor: all events of an actor lie in one partition, in order. */
function partitionOf(event: Event, partitions: number): number {
  if (partitions === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < event.actor.id.length; index++)
    hash = Math.imul(hash ^ event.actor.id.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % partitions
}

type Pending = {
  events: readonly NewStreamEvent[]
  resolve: (appended: Appended[]) => void
  reject: (error: unknown) => void
}

/**
 * The stream on PostgreSQL alone. Appends that arrive while one is being written wait and are written together: one
 * commit for many requests, so that durability costs one flush of the disk and not one per event.
 */
export function createInProcessStream({ db, clock, partitions = 1 }: InProcessOptions): Stream {
  const pending: Pending[] = []
  const listeners = new Set<() => void>()
  let flushing = 0
  let waitingEvents = 0
  // Events that this program has just written and not read yet, by position: most are read within milliseconds, and
  // reading a body back from the database costs more than judging it. Only what is durable is held.
  const held = new Map<number, Event>()
  const hold = (position: number, event: Event) => {
    held.set(position, event)
    if (held.size > heldEventsMax) held.delete(held.keys().next().value!)
  }
  const take = (position: number) => {
    const event = held.get(position)
    held.delete(position)
    return event
  }

  const flush = async (): Promise<void> => {
    if (flushing >= flushesMax) return
    flushing++
    try {
      while (pending.length > 0) {
        const batch: Pending[] = []
        for (
          let count = 0;
          pending.length > 0 && (count === 0 || count + pending[0]!.events.length <= flushEventsMax);
        ) {
          count += pending[0]!.events.length
          batch.push(pending.shift()!)
        }
        try {
          const appended = await write(batch.flatMap((one) => one.events as NewStreamEvent[]))
          let at = 0
          for (const one of batch) one.resolve(appended.slice(at, (at += one.events.length)))
          for (const listener of listeners) listener()
        } catch (error) {
          for (const one of batch) one.reject(error)
        }
      }
    } finally {
      flushing--
    }
  }

  const write = async (events: readonly NewStreamEvent[]): Promise<Appended[]> => {
    const receivedAtMs = clock()
    const records: EventRecord[] = []
    const firstOf = new Map<string, number>()
    const recordOf: number[] = []
    for (const { tenantId, event, occurredAtMs, late } of events) {
      const body = JSON.stringify(event)
      const key = `${tenantId}\n${event.id}`
      const known = firstOf.get(key)
      // The same id twice in one batch: only the first can be inserted.
      recordOf.push(known ?? records.length)
      if (known !== undefined) continue
      firstOf.set(key, records.length)
      records.push({
        tenantId,
        event,
        body,
        partition: partitionOf(event, partitions),
        occurredAtMs,
        receivedAtMs,
        late,
      })
    }
    const inserted = await insertEvents(db.query, records)
    const taken = new Map<string, Map<string, Event>>()
    const lookUp = new Map<string, string[]>()
    records.forEach((record, index) => {
      if (!inserted.has(index)) lookUp.set(record.tenantId, [...(lookUp.get(record.tenantId) ?? []), record.event.id])
    })
    for (const [tenantId, ids] of lookUp) {
      taken.set(tenantId, await selectBodies(db.query, tenantId, ids))
    }
    const used = new Set<number>()
    return events.map((one, index) => {
      const record = recordOf[index]!
      const position = inserted.get(record)
      if (position !== undefined && !used.has(record)) {
        used.add(record)
        hold(position, one.event)
        return { status: 'accepted', position }
      }
      const stored = position === undefined ? taken.get(one.tenantId)?.get(one.event.id) : records[record]!.event
      return stored !== undefined && canonical(stored) === canonical(one.event)
        ? { status: 'duplicate' }
        : { status: 'conflict' }
    })
  }

  return {
    partitions,
    waiting: () => waitingEvents,
    append(events) {
      if (events.length === 0) return Promise.resolve([])
      return new Promise((resolve, reject) => {
        waitingEvents += events.length
        const done = () => void (waitingEvents -= events.length)
        pending.push({
          events,
          resolve: (appended) => {
            done()
            resolve(appended)
          },
          reject: (error) => {
            done()
            reject(error)
          },
        })
        void flush()
      })
    },
    read: (partition, after, limit) =>
      selectStream(db.query, partition, after, limit, {
        fromPosition: held.keys().next().value ?? Number.MAX_SAFE_INTEGER,
        take,
      }),
    async claim(consumer, partition, owner) {
      const { token, xid, position } = await db.transaction((tx) => claimCursor(tx, consumer, partition, owner))
      return { consumer, partition, token, cursor: { xid, position } }
    },
    advance: (tx, claim, to, events) =>
      moveCursor(tx, claim.consumer, claim.partition, claim.token, claim.cursor, to, events),
    onAppend(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
