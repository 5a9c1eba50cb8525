import type { Query } from './database.ts'

export type ConsumerLag = { consumer: string; partition: number; lagMs: number; behind: number }
/** How many events are counted at most when a consumer is behind. */
export const lagCountMax = 100_000

/** How far each consumer of events is behind: the age of the oldest event that it has not read, and how many there are. */
export async function selectLag(query: Query, nowMs: number): Promise<ConsumerLag[]> {
  return query<ConsumerLag>(
    `SELECT c.consumer, c.partition,
       coalesce((SELECT greatest(0, $1 - e.received_ms) FROM events e
         WHERE e.partition = c.partition AND (e.xid, e.position) > (c.xid, c.position) ORDER BY e.xid, e.position LIMIT 1), 0)::bigint AS "lagMs",
       (SELECT count(*) FROM (SELECT 1 FROM events e
         WHERE e.partition = c.partition AND (e.xid, e.position) > (c.xid, c.position) LIMIT $2) x)::bigint AS behind
     FROM stream_cursors c ORDER BY c.consumer, c.partition`,
    [nowMs, lagCountMax],
  )
}

/** How many effects wait, how old the oldest is, how many were given up, and how many timers are late. */
export async function selectBacklog(
  query: Query,
  nowMs: number,
): Promise<{ pending: number; oldestMs: number; parked: number; timersLate: number; timersFailing: number }> {
  const [row] = await query<{
    pending: number
    oldestMs: number
    parked: number
    timersLate: number
    timersFailing: number
  }>(
    `SELECT (SELECT count(*) FROM outbox WHERE state = 'pending') AS pending,
       (SELECT coalesce(max($1 - created_ms), 0) FROM outbox WHERE state = 'pending')::bigint AS "oldestMs",
       (SELECT count(*) FROM outbox WHERE state = 'parked') AS parked,
       (SELECT count(*) FROM timers WHERE due_ms < $1 - 5000) AS "timersLate",
       (SELECT count(*) FROM timers WHERE attempts > 0) AS "timersFailing"`,
    [nowMs],
  )
  return row!
}

/** Names of the migrations that ran on this database. */
export async function selectMigrations(query: Query): Promise<Set<string>> {
  const rows = await query<{ name: string }>('SELECT name FROM migrations')
  return new Set(rows.map((row) => row.name))
}
