import type { EntryBodies, Severity } from '../domain/entry.ts'
import type { Scope } from '../domain/staff.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Query, Tx } from '../storage/database.ts'
import type { Job } from './job.ts'
import type { Queue } from './queue.ts'

export type JobInsert = EntryBodies['job.created'] & {
  subject: SubjectRef
  createdEntryId: string
  createdAtMs: number
}

export async function insertJob(tx: Tx, tenantId: string, job: JobInsert): Promise<void> {
  await tx.query(
    `INSERT INTO jobs (tenant_id, job_id, queue, question, priority, subject_kind, subject_id, event_id, actor_id, item_id,
       violation, severity, proposals, waiting, appeal_id, decision_id, excluded_people, created_entry, created_ms, due_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17, $18, $19)`,
    [
      tenantId,
      job.jobId,
      job.queue,
      job.question,
      job.priority,
      job.subject.kind,
      job.subject.id,
      job.eventId ?? null,
      job.actorId ?? null,
      job.itemId ?? null,
      job.violation ?? null,
      job.severity ?? null,
      job.proposalEntryId === undefined ? [] : [job.proposalEntryId],
      job.appealId ?? null,
      job.decisionId ?? null,
      job.excludedPeople,
      job.createdEntryId,
      job.createdAtMs,
      job.dueAtMs ?? null,
    ],
    'jobs-insert',
  )
}

export async function mergeIntoJob(tx: Tx, tenantId: string, merged: EntryBodies['job.merged']): Promise<void> {
  // The job shows the gravest of what is proposed.
  await tx.query(
    `UPDATE jobs SET proposals = array_append(proposals, $3), waiting = array_append(waiting, $3),
       priority = greatest(priority, $4), version = version + 1,
       violation = CASE WHEN coalesce($6::smallint, 0) > coalesce(severity, 0) THEN $5 ELSE violation END,
       severity = greatest(severity, $6::smallint)
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'open'`,
    [
      tenantId,
      merged.jobId,
      merged.proposalEntryId,
      merged.priority,
      merged.violation ?? null,
      merged.severity ?? null,
    ],
  )
}

export async function markSkipped(tx: Tx, tenantId: string, jobId: string, personId: string): Promise<void> {
  await tx.query(
    `UPDATE jobs SET skipped_by = array_append(skipped_by, $3)
     WHERE tenant_id = $1 AND job_id = $2 AND NOT skipped_by @> ARRAY[$3]`,
    [tenantId, jobId, personId],
  )
}

export async function settleProposal(tx: Tx, tenantId: string, proposalEntryId: string): Promise<void> {
  await tx.query(
    `UPDATE jobs SET waiting = array_remove(waiting, $2), version = version + 1
     WHERE tenant_id = $1 AND state = 'open' AND proposals @> ARRAY[$2] AND waiting @> ARRAY[$2]`,
    [tenantId, proposalEntryId],
    'jobs-settle',
  )
}

export type JobClose =
  | (EntryBodies['job.decided'] & { state: 'decided'; closedAtMs: number })
  | (EntryBodies['job.withdrawn'] & { state: 'withdrawn'; closedAtMs: number })

export async function closeJob(tx: Tx, tenantId: string, close: JobClose): Promise<void> {
  const decided = close.state === 'decided' ? close : undefined
  await tx.query(
    `UPDATE jobs SET state = $3, closed_ms = $4, decided_by = $5, handling_ms = $6, verdict = $7, decided_violation = $8,
       decided_severity = $9, withdrawn_reason = $10, version = version + 1
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'open'`,
    [
      tenantId,
      close.jobId,
      close.state,
      close.closedAtMs,
      decided?.personId ?? null,
      decided?.handlingMs ?? null,
      decided?.verdict ?? null,
      decided?.violation ?? null,
      decided?.severity ?? null,
      close.state === 'withdrawn' ? close.reason : null,
    ],
  )
}

export async function upsertQueue(tx: Tx, tenantId: string, queue: EntryBodies['queue.configured']): Promise<void> {
  await tx.query(
    `INSERT INTO queues (tenant_id, queue, title, needs, sla_ms, rush_ms) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant_id, queue) DO UPDATE SET title = excluded.title, needs = excluded.needs,
       sla_ms = excluded.sla_ms, rush_ms = excluded.rush_ms`,
    [tenantId, queue.queue, queue.title, queue.needs, queue.slaMs ?? null, queue.rushMs],
  )
}

/** The queues that a tenant configured. */
export async function selectQueues(query: Query, tenantId: string): Promise<Queue[]> {
  const rows = await query<{ queue: string; title: string; needs: Scope; sla_ms: number | null; rush_ms: number }>(
    'SELECT queue, title, needs, sla_ms, rush_ms FROM queues WHERE tenant_id = $1 ORDER BY queue',
    [tenantId],
    'queues',
  )
  return rows.map((row) => ({
    queue: row.queue,
    title: row.title,
    needs: row.needs,
    rushMs: row.rush_ms,
    ...(row.sla_ms === null ? {} : { slaMs: row.sla_ms }),
  }))
}

type JobRow = {
  job_id: string
  queue: string
  question: Job['question']
  state: Job['state']
  priority: number
  subject_kind: SubjectRef['kind']
  subject_id: string
  event_id: string | null
  actor_id: string | null
  item_id: string | null
  violation: string | null
  severity: Severity | null
  proposals: string[]
  waiting: string[]
  appeal_id: string | null
  decision_id: string | null
  excluded_people: string[]
  created_entry: string
  created_ms: number
  due_ms: number | null
  version: number
  decided_by: string | null
  closed_ms: number | null
  handling_ms: number | null
  verdict: NonNullable<Job['verdict']> | null
  decided_violation: string | null
  decided_severity: Severity | null
  withdrawn_reason: string | null
  claim_person: string | null
  claim_from: number | null
  claim_until: number | null
}

const jobColumns = 'j.*, c.person_id AS claim_person, c.claimed_ms AS claim_from, c.until_ms AS claim_until'
const jobTables = 'jobs j LEFT JOIN job_claims c ON c.tenant_id = j.tenant_id AND c.job_id = j.job_id'
const some = <T>(value: T | null): T | undefined => value ?? undefined

function toJob(row: JobRow): Job {
  return {
    jobId: row.job_id,
    queue: row.queue,
    question: row.question,
    state: row.state,
    priority: row.priority,
    subject: { kind: row.subject_kind, id: row.subject_id },
    eventId: some(row.event_id),
    actorId: some(row.actor_id),
    itemId: some(row.item_id),
    violation: some(row.violation),
    severity: some(row.severity),
    proposals: row.proposals,
    waiting: row.waiting,
    appealId: some(row.appeal_id),
    decisionId: some(row.decision_id),
    excludedPeople: row.excluded_people,
    createdEntryId: row.created_entry,
    createdAtMs: row.created_ms,
    dueAtMs: some(row.due_ms),
    version: row.version,
    decidedBy: some(row.decided_by),
    closedAtMs: some(row.closed_ms),
    handlingMs: some(row.handling_ms),
    verdict: some(row.verdict),
    decidedViolation: some(row.decided_violation),
    decidedSeverity: some(row.decided_severity),
    withdrawnReason: some(row.withdrawn_reason),
    claim:
      row.claim_person === null
        ? undefined
        : { personId: row.claim_person, fromMs: row.claim_from!, untilMs: row.claim_until! },
  }
}

export async function selectJob(query: Query, tenantId: string, jobId: string): Promise<Job | undefined> {
  const [row] = await query<JobRow>(
    `SELECT ${jobColumns} FROM ${jobTables} WHERE j.tenant_id = $1 AND j.job_id = $2`,
    [tenantId, jobId],
    'job-by-id',
  )
  return row === undefined ? undefined : toJob(row)
}

/** Locks a job for this transaction and answers it with its claim. */
export async function lockJob(tx: Tx, tenantId: string, jobId: string): Promise<Job | undefined> {
  const rows = await tx.query(
    'SELECT 1 FROM jobs WHERE tenant_id = $1 AND job_id = $2 FOR UPDATE',
    [tenantId, jobId],
    'job-lock',
  )
  // Read after the lock is held, so that a claim made by whoever held it before is seen.
  return rows.length === 0 ? undefined : selectJob(tx.query, tenantId, jobId)
}

export type NextFilter = { personId: string; queues: readonly { queue: string; rushMs: number }[]; nowMs: number }

// Of the jobs in a hurry this many with the least slack compete by priority: by slack alone, a queue in which everything
// is late would be first-in first-out.
const rushedMax = 50

/** Ids of open jobs that this person may be given, best first: those short of time, then by priority. Takes no lock. */
export async function selectCandidates(
  query: Query,
  tenantId: string,
  filter: NextFilter,
  limit: number,
): Promise<string[]> {
  // NOT IN makes one hash of all claims that hold; NOT EXISTS was planned as a loop over them for each job.
  const free = `NOT j.excluded_people @> ARRAY[$2::text] AND NOT j.skipped_by @> ARRAY[$2::text] AND j.job_id NOT IN (
    SELECT c.job_id FROM job_claims c WHERE c.tenant_id = $1 AND c.until_ms > $3::bigint AND c.person_id <> $2)`
  const rows = await query<{ job_id: string }>(
    `WITH q AS (SELECT * FROM unnest($4::text[], $5::bigint[]) AS t (queue, rush_ms)),
     rushed AS (
       SELECT r.* FROM q CROSS JOIN LATERAL (
         SELECT j.job_id, j.priority, j.created_ms FROM jobs j
         WHERE j.tenant_id = $1 AND j.queue = q.queue AND j.state = 'open' AND j.due_ms <= $3::bigint + q.rush_ms AND ${free}
         ORDER BY j.due_ms LIMIT ${rushedMax}) AS r),
     best AS (
       SELECT b.* FROM q CROSS JOIN LATERAL (
         SELECT j.job_id, j.priority, j.created_ms FROM jobs j
         WHERE j.tenant_id = $1 AND j.queue = q.queue AND j.state = 'open' AND ${free}
         ORDER BY j.priority DESC, j.created_ms, j.job_id LIMIT $6) AS b)
     SELECT job_id FROM (SELECT *, 0 AS place FROM rushed UNION ALL SELECT *, 1 FROM best) AS both_kinds
     GROUP BY job_id, priority, created_ms ORDER BY min(place), priority DESC, created_ms, job_id LIMIT $6`,
    [
      tenantId,
      filter.personId,
      filter.nowMs,
      filter.queues.map((queue) => queue.queue),
      filter.queues.map((queue) => queue.rushMs),
      limit,
    ],
    'job-candidates',
  )
  return rows.map((row) => row.job_id)
}

/** Locks the first of these jobs that is still open and that nobody else is taking at this moment. */
export async function lockFirst(tx: Tx, tenantId: string, jobIds: readonly string[]): Promise<Job | undefined> {
  const [row] = await tx.query<{ job_id: string }>(
    `SELECT j.job_id FROM unnest($2::text[]) WITH ORDINALITY AS w (job_id, n)
     JOIN jobs j ON j.tenant_id = $1 AND j.job_id = w.job_id AND j.state = 'open' ORDER BY w.n LIMIT 1 FOR UPDATE OF j SKIP LOCKED`,
    [tenantId, jobIds],
    'job-lock-first',
  )
  return row === undefined ? undefined : selectJob(tx.query, tenantId, row.job_id)
}

/** Gives the job to a person unless somebody else holds it; answers whether it was given. The job must be locked. */
export async function writeClaim(
  tx: Tx,
  tenantId: string,
  claim: { jobId: string; personId: string; fromMs: number; nowMs: number; untilMs: number },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO job_claims (tenant_id, job_id, person_id, claimed_ms, until_ms) VALUES ($1, $2, $3, $4, $6)
     ON CONFLICT (tenant_id, job_id) DO UPDATE SET
       person_id = excluded.person_id, until_ms = excluded.until_ms, claimed_ms = excluded.claimed_ms
     WHERE job_claims.person_id = excluded.person_id OR job_claims.until_ms <= $5 RETURNING 1`,
    [tenantId, claim.jobId, claim.personId, claim.fromMs, claim.nowMs, claim.untilMs],
    'claim-write',
  )
  return rows.length === 1
}

export async function deleteClaim(tx: Tx, tenantId: string, jobId: string): Promise<void> {
  await tx.query('DELETE FROM job_claims WHERE tenant_id = $1 AND job_id = $2', [tenantId, jobId], 'claim-delete')
}

export type JobFilter = {
  queue?: string
  state?: Job['state']
  question?: Job['question']
  actorId?: string
  itemId?: string
  appealId?: string
  decisionId?: string
  claimedBy?: string
  after?: string
  limit: number
}

/** A page of jobs by falling priority, with the cursor of the next page. */
export async function selectJobs(
  query: Query,
  tenantId: string,
  filter: JobFilter,
): Promise<{ items: Job[]; next: string | null }> {
  const conditions = ['j.tenant_id = $1']
  const values: unknown[] = [tenantId]
  const value = (given: unknown): string => `$${values.push(given)}`
  const equal = (column: string, given: string | undefined) => {
    if (given !== undefined) conditions.push(`${column} = ${value(given)}`)
  }
  equal('j.queue', filter.queue)
  equal('j.state', filter.state)
  equal('j.question', filter.question)
  equal('j.actor_id', filter.actorId)
  equal('j.item_id', filter.itemId)
  equal('j.appeal_id', filter.appealId)
  equal('j.decision_id', filter.decisionId)
  equal('c.person_id', filter.claimedBy)
  const cut = filter.after?.indexOf('~') ?? -1
  if (filter.after !== undefined && cut > 0) {
    const priority = value(Number(filter.after.slice(0, cut)))
    const jobId = value(filter.after.slice(cut + 1))
    conditions.push(`j.priority <= ${priority} AND (j.priority < ${priority} OR j.job_id > ${jobId})`)
  }
  const rows = await query<JobRow>(
    `SELECT ${jobColumns} FROM ${jobTables} WHERE ${conditions.join(' AND ')}
     ORDER BY j.priority DESC, j.job_id LIMIT ${value(filter.limit + 1)}`,
    values,
  )
  const items = rows.slice(0, filter.limit).map(toJob)
  const last = items.at(-1)
  return { items, next: rows.length > filter.limit && last ? `${last.priority}~${last.jobId}` : null }
}

export type QueueCounts = {
  queue: string
  open: number
  claimed: number
  overdue: number
  oldestAtMs: number | null
  soonestDueMs: number | null
}

/** How much waits in each queue of a tenant. */
export function selectQueueCounts(query: Query, tenantId: string, nowMs: number): Promise<QueueCounts[]> {
  return query<QueueCounts>(
    `SELECT j.queue, count(*) AS open, count(c.person_id) AS claimed, count(*) FILTER (WHERE j.due_ms < $2) AS overdue,
       min(j.created_ms) AS "oldestAtMs", min(j.due_ms) AS "soonestDueMs"
     FROM jobs j LEFT JOIN job_claims c ON c.tenant_id = j.tenant_id AND c.job_id = j.job_id AND c.until_ms > $2
     WHERE j.tenant_id = $1 AND j.state = 'open' GROUP BY j.queue`,
    [tenantId, nowMs],
    'queue-counts',
  )
}

/** The open job that asks about a violation of this actor by this item, if there is one; locked for the transaction. */
export async function lockOpenJobFor(
  tx: Tx,
  tenantId: string,
  itemId: string,
  actorId: string,
): Promise<Job | undefined> {
  const [row] = await tx.query<{ job_id: string }>(
    `SELECT job_id FROM jobs WHERE tenant_id = $1 AND item_id = $2 AND actor_id = $3 AND state = 'open' AND question = 'violation'
     ORDER BY created_ms, job_id LIMIT 1 FOR UPDATE`,
    [tenantId, itemId, actorId],
    'job-for-item',
  )
  return row === undefined ? undefined : selectJob(tx.query, tenantId, row.job_id)
}

/** Open jobs that something else has answered: no proposal waits, their appeal is decided, their decision reversed. */
export async function selectAnswered(
  query: Query,
  tenantId: string,
  by: { proposals: readonly string[]; appeals: readonly string[]; decisions: readonly string[] },
): Promise<{ jobId: string; subject: SubjectRef; createdEntryId: string }[]> {
  const rows = await query<JobRow>(
    `SELECT j.* FROM jobs j WHERE j.tenant_id = $1 AND j.state = 'open' AND j.proposals && $2::text[] AND cardinality(j.waiting) = 0
     UNION SELECT j.* FROM jobs j WHERE j.tenant_id = $1 AND j.state = 'open' AND j.question = 'appeal' AND j.appeal_id = ANY($3)
     UNION SELECT j.* FROM jobs j WHERE j.tenant_id = $1 AND j.state = 'open' AND j.question = 'remedy' AND j.decision_id = ANY($4)
     ORDER BY job_id`,
    [tenantId, by.proposals, by.appeals, by.decisions],
    'jobs-answered',
  )
  return rows.map((row) => ({
    jobId: row.job_id,
    subject: { kind: row.subject_kind, id: row.subject_id },
    createdEntryId: row.created_entry,
  }))
}

export type ReviewerCounts = {
  decided: number
  violations: number
  noViolations: number
  escalated: number
  handlingMs: number
  medianHandlingMs: number | null
  severity1Ms: number
  severity2Ms: number
  severity3Ms: number
  severity4Ms: number
}

/** What a person decided since a time, and how long they looked at what, by severity as decided or else proposed. */
export async function selectReviewerCounts(
  query: Query,
  tenantId: string,
  personId: string,
  sinceMs: number,
): Promise<ReviewerCounts> {
  const exposure = (severity: Severity) =>
    `coalesce(sum(handling_ms) FILTER (WHERE coalesce(decided_severity, severity) = ${severity}), 0)::bigint AS "severity${severity}Ms"`
  const [row] = await query<ReviewerCounts>(
    `SELECT count(*) AS decided, count(*) FILTER (WHERE verdict = 'violation') AS violations,
       count(*) FILTER (WHERE verdict = 'no_violation') AS "noViolations", count(*) FILTER (WHERE verdict = 'escalate') AS escalated,
       coalesce(sum(handling_ms), 0)::bigint AS "handlingMs",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY handling_ms) AS "medianHandlingMs",
       ${([1, 2, 3, 4] as const).map(exposure).join(', ')}
     FROM jobs WHERE tenant_id = $1 AND state = 'decided' AND decided_by = $2 AND closed_ms >= $3`,
    [tenantId, personId, sinceMs],
  )
  return row!
}
