import { wilson } from '../kernels/wilson.ts'
import type { Query } from '../storage/database.ts'
import { arrivedSince, countsByBucket, decisionTotals, queueSizes, type QueueSize } from './store.ts'

const hourMs = 3_600_000

/** Periods that the overview knows: how long, and how many bars. */
export const periods = {
  '1h': { spanMs: hourMs, bucketMs: hourMs / 60 },
  '24h': { spanMs: 24 * hourMs, bucketMs: hourMs },
  '7d': { spanMs: 7 * 24 * hourMs, bucketMs: 6 * hourMs },
} as const
export type PeriodName = keyof typeof periods

export const measures = [
  'events',
  'proposals',
  'decisions',
  'reversals',
  'appealsFiled',
  'appealsUpheld',
  'appealsOverturned',
  'appealsModified',
  'jobsOpened',
  'jobsDecided',
] as const
export type Measure = (typeof measures)[number]

/** A proportion with what it is made of and its 95 % interval; `share` is null when there is nothing to divide by. */
export type Proportion = { count: number; of: number; share: number | null; low: number; high: number }

export type Overview = {
  period: PeriodName
  fromMs: number
  untilMs: number
  bucketMs: number
  /** Events that arrived in the last minute, per second. */
  eventsPerSecond: number
  totals: Record<Measure, { now: number; before: number }>
  /** Counts per bucket, oldest first: of the period, and of the period before it. */
  series: Record<Measure, { now: number[]; before: number[] }>
  /** Of the appeals decided in the period, those that changed something. */
  overturned: Proportion
  queues: QueueSize[]
  decisions: { automation: string; made: number; reversed: number }[]
}

/** The numbers of the overview for a period that ends now, beside the same period before. */
export async function overview(query: Query, tenantId: string, period: PeriodName, nowMs: number): Promise<Overview> {
  const { spanMs, bucketMs } = periods[period]
  // Bars end at full buckets of the clock, so that they do not shift between two looks.
  const untilMs = Math.floor(nowMs / bucketMs) * bucketMs + bucketMs
  const fromMs = untilMs - spanMs
  const [counts, arrived, queues, decisions] = await Promise.all([
    countsByBucket(query, tenantId, fromMs - spanMs, untilMs, bucketMs),
    arrivedSince(query, tenantId, nowMs - 60_000),
    queueSizes(query, tenantId, nowMs),
    decisionTotals(query, tenantId),
  ])
  const bars = spanMs / bucketMs
  const series = Object.fromEntries(
    measures.map((name) => [name, { now: zeros(bars), before: zeros(bars) }]),
  ) as Overview['series']
  for (const { name, bucket, count } of counts) {
    const side = series[name as Measure][bucket < bars ? 'before' : 'now']
    side[bucket % bars] = count
  }
  const totals = Object.fromEntries(
    measures.map((name) => [name, { now: sum(series[name].now), before: sum(series[name].before) }]),
  ) as Overview['totals']
  const changed = totals.appealsOverturned.now + totals.appealsModified.now
  return {
    period,
    fromMs,
    untilMs,
    bucketMs,
    eventsPerSecond: arrived / 60,
    totals,
    series,
    overturned: proportion(changed, changed + totals.appealsUpheld.now),
    queues,
    decisions,
  }
}

const zeros = (length: number): number[] => Array.from({ length }, () => 0)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** A share with its interval (Wilson 1927, 95 %). */
export function proportion(count: number, of: number): Proportion {
  return { count, of, share: of === 0 ? null : count / of, ...wilson(count, of) }
}
