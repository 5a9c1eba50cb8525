import type { Query, Tx } from '../storage/database.ts'

/** What is known to be true about one simulated event. */
export type TruthRow = {
  eventId: string
  actorId: string
  itemId?: string
  role: string
  violating: boolean
  violation?: string
  ring?: string
  note?: string
}

/** Keeps truth beside the platform's data; the same event again changes nothing. */
export async function insertTruth(tx: Pick<Tx, 'query'>, tenantId: string, rows: readonly TruthRow[]): Promise<void> {
  if (rows.length === 0) return
  await tx.query(
    `INSERT INTO sim_truth (tenant_id, event_id, actor_id, item_id, role, violating, violation, ring, note)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::text[])
     ON CONFLICT DO NOTHING`,
    [
      tenantId,
      rows.map((row) => row.eventId),
      rows.map((row) => row.actorId),
      rows.map((row) => row.itemId ?? null),
      rows.map((row) => row.role),
      rows.map((row) => row.violating),
      rows.map((row) => row.violation ?? null),
      rows.map((row) => row.ring ?? null),
      rows.map((row) => row.note ?? null),
    ],
  )
}

export async function countTruth(query: Query, tenantId: string): Promise<number> {
  const [row] = await query<{ count: number }>('SELECT count(*) AS count FROM sim_truth WHERE tenant_id = $1', [
    tenantId,
  ])
  return row!.count
}

export type Bucket = { name: string; bucket: number; count: number }

/** Kinds of ledger entries that the overview counts, under the names that it uses for them. */
const countedKinds = `CASE
    WHEN kind = 'decision.made' THEN 'decisions'
    WHEN kind = 'decision.reversed' THEN 'reversals'
    WHEN kind = 'appeal.filed' THEN 'appealsFiled'
    WHEN kind = 'appeal.decided' AND body->>'outcome' = 'upheld' THEN 'appealsUpheld'
    WHEN kind = 'appeal.decided' AND body->>'outcome' = 'overturned' THEN 'appealsOverturned'
    WHEN kind = 'appeal.decided' THEN 'appealsModified'
    WHEN kind = 'job.created' THEN 'jobsOpened'
    WHEN kind = 'job.decided' THEN 'jobsDecided'
    WHEN kind = 'violation.proposed' THEN 'proposals'
  END`

/**
 * Events and counted entries per bucket of `bucketMs` from `fromMs` (included) to `untilMs` (excluded), by the time
 * at which they happened. Buckets count from 0.
 */
export async function countsByBucket(
  query: Query,
  tenantId: string,
  fromMs: number,
  untilMs: number,
  bucketMs: number,
): Promise<Bucket[]> {
  const params = [tenantId, fromMs, untilMs, bucketMs]
  const [events, entries] = await Promise.all([
    query<Bucket>(
      `SELECT 'events' AS name, (occurred_ms - $2) / $4 AS bucket, count(*) AS count FROM events
       WHERE tenant_id = $1 AND occurred_ms >= $2::bigint AND occurred_ms < $3::bigint GROUP BY 2`,
      params,
    ),
    query<Bucket>(
      `SELECT ${countedKinds} AS name, (occurred_ms - $2) / $4 AS bucket, count(*) AS count FROM ledger_entries
       WHERE tenant_id = $1 AND occurred_ms >= $2::bigint AND occurred_ms < $3::bigint
         AND kind IN ('decision.made', 'decision.reversed', 'appeal.filed', 'appeal.decided', 'job.created', 'job.decided', 'violation.proposed')
       GROUP BY 1, 2`,
      params,
    ),
  ])
  return [...events, ...entries]
}

/** Events that arrived in the last `windowMs`. */
export async function arrivedSince(query: Query, tenantId: string, sinceMs: number): Promise<number> {
  const [row] = await query<{ count: number }>(
    'SELECT count(*) AS count FROM events WHERE tenant_id = $1 AND received_ms >= $2::bigint',
    [tenantId, sinceMs],
  )
  return row!.count
}

export type QueueSize = { queue: string; open: number; overdue: number; oldestMs: number | null }

/** Open jobs per queue, how many are past due, and since when the oldest waits. */
export function queueSizes(query: Query, tenantId: string, nowMs: number): Promise<QueueSize[]> {
  return query<QueueSize>(
    `SELECT queue, count(*) AS open, count(*) FILTER (WHERE due_ms < $2::bigint) AS overdue, min(created_ms) AS "oldestMs"
     FROM jobs WHERE tenant_id = $1 AND state = 'open' GROUP BY queue ORDER BY count(*) DESC, queue`,
    [tenantId, nowMs],
  )
}

/** Decisions in force and reversed, by how automatic they were: all time. */
export async function decisionTotals(
  query: Query,
  tenantId: string,
): Promise<{ automation: string; made: number; reversed: number }[]> {
  return query(
    `SELECT made.automation, count(*) AS made,
       count(*) FILTER (WHERE EXISTS (
         SELECT 1 FROM ledger_entries back WHERE back.tenant_id = $1 AND back.kind = 'decision.reversed'
           AND back.body->>'decisionId' = made.id::text)) AS reversed
     FROM ledger_entries made WHERE made.tenant_id = $1 AND made.kind = 'decision.made' GROUP BY 1 ORDER BY 1`,
    [tenantId],
  )
}

/** How often one group of judgements was right, against the truth. */
export type Hits = {
  /** Violation, rule, label, or way of deciding. */
  name: string
  right: number
  /** Violating, but in another way than was said. */
  otherViolation: number
  wrong: number
  /** Nothing is known about these: they are about events that no simulator made. */
  unknown: number
}

const sides = `
  count(*) FILTER (WHERE truth.violating AND truth.violation = said.violation) AS right,
  count(*) FILTER (WHERE truth.violating AND truth.violation <> said.violation) AS "otherViolation",
  count(*) FILTER (WHERE NOT truth.violating) AS wrong,
  count(*) FILTER (WHERE truth.event_id IS NULL) AS unknown`

// What is said about somebody is true by their own event, or by the item that it was said of: the event of a reported item
// is the report, which is another person's.
const truthAbout = `LEFT JOIN LATERAL (
    SELECT known.event_id, known.violating, known.violation FROM sim_truth known
    WHERE known.tenant_id = $1 AND known.actor_id = said.actor_id
      AND (known.event_id = said.event_id OR known.item_id = said.item_id)
    ORDER BY known.violating DESC, known.event_id LIMIT 1) truth ON true`

const madeDecisions = `
  SELECT entry.id::text AS decision_id, entry.body->>'eventId' AS event_id, entry.body->>'itemId' AS item_id,
    entry.body->>'actorId' AS actor_id, entry.body->>'violation' AS violation,
    CASE WHEN entry.automation = 'full' THEN 'automatic' ELSE 'person' END AS how
  FROM ledger_entries entry WHERE entry.tenant_id = $1 AND entry.kind = 'decision.made'`

const stillStanding = `NOT EXISTS (
    SELECT 1 FROM ledger_entries back WHERE back.tenant_id = $1 AND back.kind = 'decision.reversed'
      AND back.body->>'decisionId' = said.decision_id)`

/** Decisions against the truth: as they were first made, or only those that still stand. */
export function decisionHits(
  query: Query,
  tenantId: string,
  by: 'violation' | 'how',
  standing: boolean,
): Promise<Hits[]> {
  return query<Hits>(
    `WITH said AS (${madeDecisions})
     SELECT said.${by === 'violation' ? 'violation' : 'how'} AS name, ${sides} FROM said
     ${truthAbout}
     ${standing ? `WHERE ${stillStanding}` : ''} GROUP BY 1 ORDER BY 1`,
    [tenantId],
  )
}

/** What rules proposed, whether a person later agreed or not, against the truth. */
export function proposalHits(query: Query, tenantId: string): Promise<Hits[]> {
  return query<Hits>(
    `WITH said AS (
       SELECT body->>'eventId' AS event_id, body->>'itemId' AS item_id, body->>'actorId' AS actor_id,
         body->>'violation' AS violation, body->'rule'->>'id' AS rule
       FROM ledger_entries WHERE tenant_id = $1 AND kind = 'violation.proposed')
     SELECT said.rule AS name, ${sides} FROM said
     ${truthAbout}
     GROUP BY 1 ORDER BY 1`,
    [tenantId],
  )
}

export type Missed = { violation: string; events: number; eventsCaught: number; actors: number; actorsCaught: number }

/**
 * Of what is truly violating and has arrived, how much was decided on: by event, and by account (an account counts as
 * caught when one of its violating events of this kind led to a decision). Reversed decisions catch nothing.
 */
export function caughtByViolation(query: Query, tenantId: string): Promise<Missed[]> {
  return query<Missed>(
    `WITH said AS (${madeDecisions}), standing AS (SELECT event_id, item_id, actor_id FROM said WHERE ${stillStanding}),
     hit AS (SELECT event_id, actor_id FROM standing UNION
       SELECT known.event_id, known.actor_id FROM sim_truth known JOIN standing USING (item_id, actor_id) WHERE known.tenant_id = $1),
     bad AS (
       SELECT truth.violation, truth.actor_id, hit.event_id IS NOT NULL AS caught
       FROM sim_truth truth
       JOIN events ON events.tenant_id = truth.tenant_id AND events.event_id = truth.event_id
       LEFT JOIN hit ON hit.event_id = truth.event_id AND hit.actor_id = truth.actor_id
       WHERE truth.tenant_id = $1 AND truth.violating),
     accounts AS (SELECT violation, actor_id, count(*) AS events, count(*) FILTER (WHERE caught) AS caught FROM bad GROUP BY 1, 2)
     SELECT violation, sum(events)::bigint AS events, sum(caught)::bigint AS "eventsCaught",
       count(*) AS actors, count(*) FILTER (WHERE caught > 0) AS "actorsCaught"
     FROM accounts GROUP BY 1 ORDER BY 1`,
    [tenantId],
  )
}

/** Innocent accounts that some decision stands against, out of all accounts that never did anything wrong. */
export async function innocentHit(query: Query, tenantId: string): Promise<{ accounts: number; hit: number }> {
  const [row] = await query<{ accounts: number; hit: number }>(
    `WITH said AS (
       SELECT id::text AS decision_id, body->>'actorId' AS actor_id
       FROM ledger_entries WHERE tenant_id = $1 AND kind = 'decision.made'),
     blamed AS (SELECT DISTINCT actor_id FROM said WHERE ${stillStanding}),
     innocent AS (SELECT actor_id FROM sim_truth WHERE tenant_id = $1 GROUP BY actor_id HAVING NOT bool_or(violating))
     SELECT count(*) AS accounts, count(blamed.actor_id) AS hit FROM innocent LEFT JOIN blamed USING (actor_id)`,
    [tenantId],
  )
  return row!
}

/** Labels as they were applied, against what the account or item behind them truly did. */
export function labelHits(query: Query, tenantId: string): Promise<Hits[]> {
  return query<Hits>(
    `WITH said AS (
       SELECT DISTINCT body->>'label' AS label, subject_kind, subject_id
       FROM ledger_entries WHERE tenant_id = $1 AND kind = 'label.applied' AND subject_kind IN ('actor', 'item')),
     judged AS (
       SELECT said.label, (
         SELECT bool_or(truth.violating) FROM sim_truth truth WHERE truth.tenant_id = $1
           AND ((said.subject_kind = 'actor' AND truth.actor_id = said.subject_id)
             OR (said.subject_kind = 'item' AND truth.item_id = said.subject_id))) AS violating
       FROM said)
     SELECT label AS name, count(*) FILTER (WHERE violating) AS right, 0 AS "otherViolation",
       count(*) FILTER (WHERE NOT violating) AS wrong, count(*) FILTER (WHERE violating IS NULL) AS unknown
     FROM judged GROUP BY 1 ORDER BY 1`,
    [tenantId],
  )
}

export type Aggrieved = { decisionId: string; actorId: string; language: string; violating: boolean; madeMs: number }

/**
 * Decisions about simulated people that stand and that nobody has appealed yet, newest first, with what the person
 * knows about themselves. For the simulated people of the demo, not for any detector.
 */
export function unappealedDecisions(
  query: Query,
  tenantId: string,
  sinceMs: number,
  limit: number,
): Promise<Aggrieved[]> {
  return query<Aggrieved>(
    `SELECT decision.id::text AS "decisionId", decision.actor_id AS "actorId", decision.statement->>'language' AS language,
       truth.violating, decision.recorded_ms AS "madeMs"
     FROM decisions decision
     JOIN LATERAL (
       SELECT known.violating FROM sim_truth known
       WHERE known.tenant_id = $1 AND known.actor_id = decision.actor_id
         AND (known.event_id = decision.event_id OR known.item_id = decision.item_id)
       ORDER BY known.violating DESC LIMIT 1) truth ON true
     WHERE decision.tenant_id = $1 AND decision.status <> 'reversed' AND decision.recorded_ms >= $2::bigint
       AND NOT EXISTS (SELECT 1 FROM appeals WHERE appeals.tenant_id = $1 AND appeals.decision_id = decision.id::text)
     ORDER BY decision.recorded_ms DESC LIMIT $3`,
    [tenantId, sinceMs, limit],
  )
}

/** What is true about the event of a job or a decision; undefined when no simulator made it. */
export async function truthOf(
  query: Query,
  tenantId: string,
  about: { eventId?: string; itemId?: string },
): Promise<{ violating: boolean; violation: string | null } | undefined> {
  const [row] = await query<{ violating: boolean; violation: string | null }>(
    `SELECT violating, violation FROM sim_truth
     WHERE tenant_id = $1 AND (event_id = $2 OR item_id = $3) ORDER BY violating DESC LIMIT 1`,
    [tenantId, about.eventId ?? null, about.itemId ?? null],
  )
  return row
}
