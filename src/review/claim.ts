import type { Author, NewEntry } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import type { Clock } from '../domain/ids.ts'
import { momentText } from '../domain/plain-words.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Tx } from '../storage/database.ts'
import { claimMs, heldClaim, refuse, type Job } from './job.ts'
import type { Queue } from './queue.ts'
import { deleteClaim, lockFirst, lockJob, selectCandidates, writeClaim } from './store.ts'

export type ClaimDeps = { ledger: Ledger; clock: Clock }
export type JobRefusal =
  | 'not-found'
  | 'already-decided'
  | 'withdrawn'
  | 'excluded'
  | 'claimed-by-other'
  | 'not-claimed'
  | 'changed'

/** The entry that records something a person did with a job. */
export function jobEntry<Kind extends 'job.claimed' | 'job.skipped' | 'job.released' | 'job.decided'>(
  job: Pick<Job, 'subject' | 'createdEntryId'>,
  kind: Kind,
  body: Extract<NewEntry, { kind: Kind }>['body'],
  author: Author,
  nowMs: number,
): NewEntry {
  return {
    kind,
    subject: job.subject,
    occurredAtMs: nowMs,
    cause: job.createdEntryId,
    author,
    automation: 'none',
    because: [],
    body,
  } as NewEntry
}

/** Why this person may not work on this job now, or that they may. Expired claims of their own still hold if nobody came. */
export function mayWork(job: Job, personId: string, nowMs: number): Outcome<object, JobRefusal> {
  if (job.state === 'decided')
    return refuse(
      'already-decided',
      `${job.decidedBy} decided this job as "${job.verdict}" at ${momentText(job.closedAtMs!)}.`,
    )
  if (job.state === 'withdrawn') return refuse('withdrawn', `This job was withdrawn: ${job.withdrawnReason}`)
  if (job.excludedPeople.includes(personId))
    return refuse('excluded', 'You took part in the decision that this job is about, so somebody else must look at it.')
  const claim = heldClaim(job, nowMs)
  if (claim !== undefined && claim.personId !== personId)
    return refuse('claimed-by-other', `${claim.personId} has had this job since ${momentText(claim.fromMs)}.`)
  return { ok: true }
}

/** The same, for acts that need a claim: a claim that expired and was taken is refused by the name of who has it. */
export function mayDecide(job: Job, personId: string, nowMs: number): Outcome<object, JobRefusal> {
  const may = mayWork(job, personId, nowMs)
  if (!may.ok) return may
  if (job.claim?.personId !== personId)
    return refuse(
      'not-claimed',
      job.claim === undefined
        ? 'Take the job first.'
        : `Your claim expired and ${job.claim.personId} had the job after you. Take it again first.`,
    )
  return { ok: true }
}

async function give(tx: Tx, deps: ClaimDeps, tenantId: string, job: Job, author: Author & { kind: 'person' }) {
  const nowMs = deps.clock()
  const running = heldClaim(job, nowMs)
  const claim = { personId: author.id, fromMs: running?.fromMs ?? nowMs, untilMs: nowMs + claimMs }
  const given = await writeClaim(tx, tenantId, { jobId: job.jobId, nowMs, ...claim })
  if (!given) return undefined
  if (running === undefined) {
    const body = { jobId: job.jobId, personId: author.id, untilMs: claim.untilMs }
    const claimed = jobEntry(job, 'job.claimed', body, author, nowMs)
    // Whoever looks at the appeal itself sees who has it now.
    const assigned: NewEntry[] =
      job.question === 'appeal' && job.appealId !== undefined
        ? [{ ...claimed, kind: 'appeal.assigned', body: { appealId: job.appealId, personId: author.id } }]
        : []
    await deps.ledger.append(tx, tenantId, [claimed, ...assigned])
  }
  return { ...job, claim }
}

// Reviewers who ask at the same moment see the same best jobs; each round looks further down the queue.
const candidatesEachRound = 20
const roundsMax = 6

/**
 * Gives a person the next job of these queues, locked for ten minutes: those short of time first, then by priority, and
 * never one that they are excluded from or have skipped. Undefined when nothing is left for them.
 */
export async function takeNext(
  tx: Tx,
  deps: ClaimDeps,
  tenantId: string,
  author: Author & { kind: 'person' },
  queues: readonly Queue[],
): Promise<Job | undefined> {
  for (let round = 1; round <= roundsMax; round++) {
    const filter = { personId: author.id, queues, nowMs: deps.clock() }
    const candidates = await selectCandidates(tx.query, tenantId, filter, candidatesEachRound * round)
    if (candidates.length === 0) return undefined
    for (let rest = candidates; rest.length > 0;) {
      const job = await lockFirst(tx, tenantId, rest)
      if (job === undefined) break
      const given = await give(tx, deps, tenantId, job, author)
      if (given !== undefined) return given
      rest = rest.filter((jobId) => jobId !== job.jobId)
    }
  }
  return undefined
}

/** Gives a person this job, or lengthens their claim on it. */
export async function claimJob(
  tx: Tx,
  deps: ClaimDeps,
  tenantId: string,
  author: Author & { kind: 'person' },
  jobId: string,
): Promise<Outcome<{ job: Job }, JobRefusal>> {
  const job = await lockJob(tx, tenantId, jobId)
  if (job === undefined) return refuse('not-found', `There is no job "${jobId.slice(0, 200)}" here.`)
  const may = mayWork(job, author.id, deps.clock())
  if (!may.ok) return may
  const given = await give(tx, deps, tenantId, job, author)
  return given === undefined ? refuse('claimed-by-other', 'Somebody else has this job.') : { ok: true, job: given }
}

/** A sign of life: the claim holds for another ten minutes. Not written to the ledger. */
export async function heartbeat(
  tx: Tx,
  deps: ClaimDeps,
  tenantId: string,
  personId: string,
  jobId: string,
): Promise<Outcome<{ untilMs: number }, JobRefusal>> {
  const job = await lockJob(tx, tenantId, jobId)
  if (job === undefined) return refuse('not-found', `There is no job "${jobId.slice(0, 200)}" here.`)
  const nowMs = deps.clock()
  const may = mayDecide(job, personId, nowMs)
  if (!may.ok) return may
  const untilMs = nowMs + claimMs
  await writeClaim(tx, tenantId, { jobId, personId, fromMs: job.claim!.fromMs, nowMs, untilMs })
  return { ok: true, untilMs }
}

/** Gives a job back undecided: with a reason it is a skip, and the person is not offered it again. */
export async function giveBack(
  tx: Tx,
  deps: ClaimDeps,
  tenantId: string,
  author: Author & { kind: 'person' },
  jobId: string,
  skipReason?: string,
): Promise<Outcome<{ job: Job }, JobRefusal>> {
  const job = await lockJob(tx, tenantId, jobId)
  if (job === undefined) return refuse('not-found', `There is no job "${jobId.slice(0, 200)}" here.`)
  const nowMs = deps.clock()
  const may = skipReason === undefined ? mayDecide(job, author.id, nowMs) : mayWork(job, author.id, nowMs)
  if (!may.ok) return may
  if (job.claim?.personId === author.id) await deleteClaim(tx, tenantId, jobId)
  const entry =
    skipReason === undefined
      ? jobEntry(job, 'job.released', { jobId, personId: author.id }, author, nowMs)
      : jobEntry(job, 'job.skipped', { jobId, personId: author.id, reason: skipReason }, author, nowMs)
  await deps.ledger.append(tx, tenantId, [entry])
  return { ok: true, job: { ...job, claim: undefined } }
}
