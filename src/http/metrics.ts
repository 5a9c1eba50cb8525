import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Clock } from '../domain/ids.ts'
import type { Database } from '../storage/database.ts'
import { selectBacklog, selectLag } from '../storage/health.ts'

export type Metrics = {
  /** One answered request. */
  request: (routeId: string, method: string, status: number, durationS: number) => void
  /** Answers to events, as `EventRoutesDeps.counted` gives them. */
  events: (counts: { accepted: number; duplicate: number; refused: number }) => void
  /** Decisions made, by how automatic they were. */
  decision: (automation: string, count?: number) => void
  /** From the receipt of an event to the commit of what followed. */
  judged: (durationS: number) => void
  /** The text that Prometheus reads. Asks the database for backlogs; without it those are left out. */
  render: () => Promise<{ contentType: string; text: string }>
}

/** Counts and durations for Prometheus. Names follow its conventions: base units, `_total` for counters. */
export function createMetrics({ db, clock }: { db: Database; clock: Clock }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'custos_http_request_duration_seconds',
    help: 'Time to answer, by route of the API',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const events = new Counter({
    name: 'custos_events_total',
    help: 'Events answered, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const decisions = new Counter({
    name: 'custos_decisions_total',
    help: 'Decisions made, by automation',
    labelNames: ['automation'],
    registers,
  })
  const judged = new Histogram({
    name: 'custos_event_judged_seconds',
    help: 'From receipt of an event to the commit of what followed',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  })
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  const lagSeconds = gauge('custos_consumer_lag_seconds', 'Age of the oldest unread event', ['consumer', 'partition'])
  const lagEvents = gauge('custos_consumer_lag_events', 'Unread events, counted up to 100,000', [
    'consumer',
    'partition',
  ])
  const pending = gauge('custos_outbox_pending', 'Effects that wait to be delivered')
  const oldest = gauge('custos_outbox_oldest_seconds', 'Age of the oldest effect that waits')
  const parked = gauge('custos_outbox_parked', 'Effects given up after 72 hours')
  const timersLate = gauge('custos_timers_late', 'Timers more than 5 s late')
  const timersFailing = gauge('custos_timers_failing', 'Timers whose last run failed')
  const databaseUp = gauge('custos_database_up', 'Whether the database answered this scrape')
  for (const outcome of ['accepted', 'duplicate', 'refused']) events.inc({ outcome }, 0)

  return {
    request: (route, method, status, durationS) =>
      requests.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, durationS),
    events(counts) {
      for (const outcome of ['accepted', 'duplicate', 'refused'] as const)
        if (counts[outcome] > 0) events.inc({ outcome }, counts[outcome])
    },
    decision: (automation, count = 1) => decisions.inc({ automation }, count),
    judged: (durationS) => judged.observe(durationS),
    async render() {
      try {
        const nowMs = clock()
        const [lags, backlog] = await Promise.all([selectLag(db.query, nowMs), selectBacklog(db.query, nowMs)])
        lagSeconds.reset()
        lagEvents.reset()
        for (const { consumer, partition, lagMs, behind } of lags) {
          lagSeconds.set({ consumer, partition }, lagMs / 1_000)
          lagEvents.set({ consumer, partition }, behind)
        }
        pending.set(backlog.pending)
        oldest.set(backlog.oldestMs / 1_000)
        parked.set(backlog.parked)
        timersLate.set(backlog.timersLate)
        timersFailing.set(backlog.timersFailing)
        databaseUp.set(1)
      } catch {
        // The rest is worth having most when the database is away.
        databaseUp.set(0)
      }
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
