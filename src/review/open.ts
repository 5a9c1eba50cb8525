import type { Author, EntryBodies, LedgerEntry, NewEntry } from '../domain/entry.ts'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import { queueOf, seniorQueue } from './queue.ts'
import { deleteClaim, lockOpenJobFor, selectAnswered, selectQueues } from './store.ts'

export type OpenDeps = { ledger: Ledger; clock: Clock; randomBytes: RandomBytes }

/** A job to open. `dueAtMs` comes from the SLA of the queue unless a law sets it. */
export type JobRequest = Omit<EntryBodies['job.created'], 'jobId' | 'excludedPeople'> & {
  subject: SubjectRef
  excludedPeople?: string[]
  author: Author
  /** The entry or event that asks for the review. */
  cause?: string
  because?: LedgerEntry['because']
  /** The same key opens one job only, however often the request is repeated. */
  effectKey?: string
}

// A job that already lies higher up takes in what would have gone to a lower queue.
const graverQueues = new Set([seniorQueue, 'egregious'])

/**
 * Opens a job, or joins the open one about the same item and actor, so that no reviewer is shown one post five times.
 * Answers the id of the job, or undefined when the effect key was seen before.
 */
export async function openJob(
  tx: Tx,
  deps: OpenDeps,
  tenantId: string,
  request: JobRequest,
): Promise<string | undefined> {
  const { subject, author, cause, because = [], effectKey, excludedPeople = [], ...asked } = request
  const nowMs = deps.clock()
  const frame = { subject, occurredAtMs: nowMs, cause, author, automation: 'full' as const, because, effectKey }
  const { itemId, actorId, proposalEntryId } = asked
  if (asked.question === 'violation' && itemId !== undefined && actorId !== undefined) {
    // Two proposals at the same moment must find the same job.
    await lockKeys(tx, [`${tenantId} job item:${itemId}`])
    const open = await lockOpenJobFor(tx, tenantId, itemId, actorId)
    if (open !== undefined && (open.queue === asked.queue || graverQueues.has(open.queue))) {
      if (proposalEntryId === undefined || open.proposals.includes(proposalEntryId)) return open.jobId
      const { priority, eventId, violation, severity } = asked
      const body = { jobId: open.jobId, queue: open.queue, proposalEntryId, priority, eventId, violation, severity }
      const recorded = await deps.ledger.append(tx, tenantId, [{ ...frame, kind: 'job.merged', body }])
      return recorded.length === 0 ? undefined : open.jobId
    }
  }
  const queue = queueOf(await selectQueues(tx.query, tenantId), asked.queue)
  const jobId = uuidv7(nowMs, deps.randomBytes)
  const dueAtMs = asked.dueAtMs ?? (queue.slaMs === undefined ? undefined : nowMs + queue.slaMs)
  const body = { ...asked, jobId, dueAtMs, excludedPeople }
  const recorded = await deps.ledger.append(tx, tenantId, [{ ...frame, kind: 'job.created', body }])
  return recorded.length === 0 ? undefined : jobId
}

/**
 * Withdraws the open jobs that these entries, just appended, have answered: all proposals settled, the appeal decided, the
 * decision reversed. Call it in the transaction of whatever settles things outside of review.
 */
export async function withdrawAnswered(
  tx: Tx,
  deps: OpenDeps,
  tenantId: string,
  entries: readonly LedgerEntry[],
): Promise<string[]> {
  const by = { proposals: [] as string[], appeals: [] as string[], decisions: [] as string[] }
  for (const { kind, body } of entries) {
    if (kind === 'violation.confirmed' || kind === 'violation.dismissed') by.proposals.push(body.proposalEntryId)
    if (kind === 'appeal.decided') by.appeals.push(body.appealId)
    if (kind === 'decision.reversed') by.decisions.push(body.decisionId)
  }
  if (by.proposals.length + by.appeals.length + by.decisions.length === 0) return []
  const answered = await selectAnswered(tx.query, tenantId, by)
  const nowMs = deps.clock()
  const withdrawn = answered.map((job): NewEntry => ({
    kind: 'job.withdrawn',
    subject: job.subject,
    occurredAtMs: nowMs,
    cause: entries[0]!.id,
    author: { kind: 'system', part: 'review' },
    automation: 'full',
    because: [],
    body: { jobId: job.jobId, reason: 'It was settled elsewhere.' },
  }))
  await deps.ledger.append(tx, tenantId, withdrawn)
  for (const job of answered) await deleteClaim(tx, tenantId, job.jobId)
  return answered.map((job) => job.jobId)
}
