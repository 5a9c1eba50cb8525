import { verdicts, type Author, type LedgerEntry, type NewEntry, type Severity, type Verdict } from '../domain/entry.ts'
import { InputError, type Outcome, type Refusal } from '../domain/error.ts'
import { uuidv7 } from '../domain/ids.ts'
import { momentText } from '../domain/plain-words.ts'
import { entriesAbout, entryById } from '../ledger/read.ts'
import { jobEntry, mayDecide, type JobRefusal } from '../review/claim.ts'
import { jobEtag, parseJobEtag, refuse, type Job } from '../review/job.ts'
import { withdrawAnswered } from '../review/open.ts'
import { seniorQueue } from '../review/queue.ts'
import { deleteClaim, lockJob, selectJob } from '../review/store.ts'
import type { Database, Query, Tx } from '../storage/database.ts'
import { countItemVersions, selectItemVersions } from '../storage/event-view.ts'
import { selectEvent } from '../storage/event-log.ts'
import { decideAppeal, reverseDecision, type AppealDeps } from './appeal.ts'
import { decide, lockActors, ofProposal, type DecideInput } from './enforce.ts'
import { matterOf } from './matter.ts'

export type Reviewer = Author & { kind: 'person' }

export type ReviewDeps = AppealDeps & { db: Database }

export type VerdictInput = {
  jobId: string
  verdict: Verdict
  violation?: string
  severity?: Severity
  /** Why, in the reviewer's words. Needed for appeals and remedies. */
  note?: string
  /** The ETag of the job as the reviewer saw it. */
  ifMatch: string
}
export type Decided = { job: Job; verdict: Verdict; decisionId?: string; escalatedTo?: string }
export type DecideRefusal = JobRefusal | 'refused'

/**
 * Takes a reviewer's verdict on a job they hold, and does what follows from it, in one transaction: a decision, a
 * dismissal, the outcome of an appeal, a remedy, or another job higher up. A form that is out of date is refused with what
 * has changed; nobody decides a job that somebody else has decided or holds. A refusal leaves everything as it was.
 */
export async function decideJob(
  deps: ReviewDeps,
  tenantId: string,
  reviewer: Reviewer,
  input: VerdictInput,
): Promise<Outcome<Decided, DecideRefusal>> {
  try {
    return await deps.db.transaction(async (tx) => {
      const result = await decideIn(tx, deps, tenantId, reviewer, input)
      if (!result.ok) throw new RollBack(result)
      return result
    })
  } catch (error) {
    if (error instanceof RollBack) return error.refusal
    throw error
  }
}

/** Carries a refusal out of a transaction that must not commit. */
class RollBack extends Error {
  readonly refusal: Refusal<DecideRefusal>
  constructor(refusal: Refusal<DecideRefusal>) {
    super(refusal.detail)
    this.refusal = refusal
  }
}

async function decideIn(
  tx: Tx,
  deps: ReviewDeps,
  tenantId: string,
  reviewer: Reviewer,
  input: VerdictInput,
): Promise<Outcome<Decided, DecideRefusal>> {
  const found = await selectJob(tx.query, tenantId, input.jobId)
  // The order in which everybody takes locks: actors first, then the job.
  if (found?.actorId !== undefined) await lockActors(tx, tenantId, [found.actorId])
  const job = await lockJob(tx, tenantId, input.jobId)
  if (job === undefined) return refuse('not-found', `There is no job "${input.jobId.slice(0, 200)}" here.`)
  const nowMs = deps.clock()
  const may = mayDecide(job, reviewer.id, nowMs)
  if (!may.ok) return may
  const stale = await whatChanged(tx.query, tenantId, job, input.ifMatch)
  if (stale.length > 0) return refuse('changed', stale.join(' '))
  checkVerdict(job, input)

  const { jobId, verdict, violation, severity, note } = input
  const handlingMs = Math.max(0, nowMs - job.claim!.fromMs)
  const body = { jobId, personId: reviewer.id, verdict, violation, severity, note, handlingMs }
  const [decided] = await deps.ledger.append(tx, tenantId, [jobEntry(job, 'job.decided', body, reviewer, nowMs)])
  await deleteClaim(tx, tenantId, jobId)

  const result: Decided = { job, verdict }
  if (verdict === 'escalate') {
    result.escalatedTo = await escalate(tx, deps, tenantId, reviewer, job, decided!, note)
    return { ok: true, ...result }
  }
  const followed = await follow(tx, deps, tenantId, reviewer, job, input, decided!)
  if (!followed.ok) return refuse('refused', followed.detail)
  await withdrawAnswered(tx, deps, tenantId, followed.entries)
  result.decisionId = followed.entries.find((entry) => entry.kind === 'decision.made')?.id ?? job.decisionId
  return { ok: true, ...result }
}

type Followed = Outcome<{ entries: LedgerEntry[] }>

async function follow(
  tx: Tx,
  deps: ReviewDeps,
  tenantId: string,
  reviewer: Reviewer,
  job: Job,
  input: VerdictInput,
  decided: LedgerEntry,
): Promise<Followed> {
  const reason = input.note ?? ''
  switch (input.verdict) {
    case 'violation':
      return confirm(tx, deps, tenantId, reviewer, job, input, decided)
    case 'no_violation':
      return { ok: true, entries: await dismiss(tx, deps, tenantId, reviewer, job.waiting, job, decided) }
    case 'uphold':
    case 'overturn':
    case 'modify': {
      const outcome = ({ uphold: 'upheld', overturn: 'overturned', modify: 'modified' } as const)[input.verdict]
      const { severity, violation } = input
      const answer = { appealId: job.appealId!, outcome, severity, violation, reason, author: reviewer }
      return decideAppeal(tx, deps, tenantId, answer)
    }
    case 'reverse':
      return reverseDecision(tx, deps, tenantId, { decisionId: job.decisionId!, reason, author: reviewer })
    case 'keep':
    case 'escalate':
      return { ok: true, entries: [] }
  }
}

/**
 * One decision for the job, whatever number of proposals led to it. The proposal closest to the verdict is confirmed and
 * carries its rule and match into the decision, so that an overturn finds its way back to them.
 */
async function confirm(
  tx: Tx,
  deps: ReviewDeps,
  tenantId: string,
  reviewer: Reviewer,
  job: Job,
  input: VerdictInput,
  decided: LedgerEntry,
): Promise<Followed> {
  const violation = input.violation!
  const proposals = await proposalsOf(tx.query, tenantId, job.waiting)
  const fitting = proposals.filter((proposal) => proposal.body.violation === violation)
  const primary = fitting[0] ?? proposals[0]
  const severity = input.severity ?? fitting[0]?.body.severity
  const frame = { subject: job.subject, occurredAtMs: decided.occurredAtMs, author: reviewer, because: [] }
  // Other proposals of the same violation were right too; those of another one were not.
  const right = primary === undefined ? [] : [primary, ...fitting.filter((proposal) => proposal !== primary)]
  const confirmed = await deps.ledger.append(
    tx,
    tenantId,
    right.map((proposal): NewEntry => ({
      ...frame,
      kind: 'violation.confirmed',
      cause: decided.id,
      automation: 'none',
      body: { proposalEntryId: proposal.id, jobId: job.jobId },
    })),
  )
  const wrong = proposals.filter((proposal) => !right.includes(proposal)).map((proposal) => proposal.id)
  const dismissed = await dismiss(tx, deps, tenantId, reviewer, wrong, job, decided)
  const base = primary === undefined ? await byHand(tx, tenantId, job) : ofProposal(primary)
  const made = await decide(tx, deps, tenantId, {
    ...base,
    // A person looked: nothing is uncertain about the attribution any more.
    attributionConfidence: 1,
    violation,
    severity,
    jobId: job.jobId,
    author: reviewer,
    automation: 'none',
    because: fitting[0]?.because ?? [],
    cause: confirmed[0]?.id ?? decided.id,
  })
  if (!made.ok) return made
  return { ok: true, entries: [...confirmed, ...dismissed, ...made.entries] }
}

/** What a decision rests on when a rule or a report opened the job without proposing a violation. */
async function byHand(
  tx: Tx,
  tenantId: string,
  job: Job,
): Promise<Omit<DecideInput, 'author' | 'automation' | 'because'>> {
  const stored = job.eventId === undefined ? undefined : await selectEvent(tx.query, tenantId, job.eventId)
  const matter = stored && (await matterOf(tx.query, tenantId, stored.event, stored.occurredAtMs))
  const reported = stored?.event.type === 'report.filed'
  const actorId =
    job.subject.kind === 'actor' ? job.subject.id : (matter?.actorId ?? (reported ? undefined : job.actorId))
  if (stored === undefined || matter === undefined || actorId === undefined)
    throw new InputError('Nothing says whose act this was, so there is nobody to decide about', [
      { field: 'verdict', problem: 'can only be no_violation or escalate', value: 'violation' },
    ])
  const { event = stored.event, occurredAtMs } = matter
  return {
    violation: '',
    context: event.context,
    actorId,
    itemId: job.itemId ?? event.item?.id,
    threadId: event.thread?.id,
    eventId: event.id,
    occurredAtMs,
    language: event.item?.language,
    automatedDetection: !reported,
    sourceType: reported ? 'TYPE_OTHER_NOTIFICATION' : 'VOLUNTARY',
  }
}

async function dismiss(
  tx: Tx,
  deps: ReviewDeps,
  tenantId: string,
  reviewer: Reviewer,
  proposalIds: readonly string[],
  job: Job,
  decided: LedgerEntry,
): Promise<LedgerEntry[]> {
  return deps.ledger.append(
    tx,
    tenantId,
    proposalIds.map((proposalEntryId): NewEntry => ({
      kind: 'violation.dismissed',
      subject: job.subject,
      occurredAtMs: decided.occurredAtMs,
      cause: decided.id,
      author: reviewer,
      automation: 'none',
      because: [],
      body: { proposalEntryId, jobId: job.jobId },
    })),
  )
}

async function escalate(
  tx: Tx,
  deps: ReviewDeps,
  tenantId: string,
  reviewer: Reviewer,
  job: Job,
  decided: LedgerEntry,
  note: string | undefined,
): Promise<string> {
  const jobId = uuidv7(deps.clock(), deps.randomBytes)
  const [proposalEntryId, ...others] = job.waiting
  const { question, priority, eventId, actorId, itemId, appealId, decisionId, violation, severity, dueAtMs } = job
  const frame = {
    subject: job.subject,
    occurredAtMs: decided.occurredAtMs,
    cause: decided.id,
    author: reviewer,
    automation: 'none' as const,
    because: [{ name: 'escalated', value: reviewer.id, because: note ?? 'Escalated without a note', ref: decided.id }],
  }
  const asked = { question, priority, eventId, actorId, itemId, appealId, decisionId, violation, severity, dueAtMs }
  await deps.ledger.append(tx, tenantId, [
    {
      ...frame,
      kind: 'job.created',
      body: {
        ...asked,
        jobId,
        queue: seniorQueue,
        proposalEntryId,
        excludedPeople: [...job.excludedPeople, reviewer.id],
      },
    },
    ...others.map((other): NewEntry => ({
      ...frame,
      kind: 'job.merged',
      body: { jobId, queue: seniorQueue, proposalEntryId: other, priority },
    })),
  ])
  return jobId
}

/** The proposals behind a job, surest first. */
export async function proposalsOf(
  query: Query,
  tenantId: string,
  ids: readonly string[],
): Promise<LedgerEntry<'violation.proposed'>[]> {
  const entries = await Promise.all(ids.map((id) => entryById(query, tenantId, id)))
  return entries
    .filter((entry): entry is LedgerEntry<'violation.proposed'> => entry?.kind === 'violation.proposed')
    .sort((a, b) => b.body.confidence - a.body.confidence)
}

function checkVerdict(job: Job, input: VerdictInput): void {
  const bad = (field: string, problem: string, value: unknown) => {
    throw new InputError(`${field} ${problem}`, [{ field, problem, value: String(value) }])
  }
  const allowed: readonly Verdict[] = verdicts[job.question]
  if (!allowed.includes(input.verdict)) bad('verdict', `must be one of ${allowed.join(', ')}`, input.verdict)
  if (input.verdict === 'violation' && input.violation === undefined)
    bad('violation', 'is needed to say which policy was broken', '')
  if (input.verdict === 'modify' && input.severity === undefined && input.violation === undefined)
    bad('severity', 'or violation is needed to modify a decision', '')
  const needsNote = job.question !== 'violation' && input.verdict !== 'escalate'
  if (needsNote && (input.note ?? '').trim() === '') bad('note', 'is needed: the person is owed a reason', '')
}

/** The ETag of a job as it stands now. */
export async function etagOf(query: Query, tenantId: string, job: Job): Promise<string> {
  return jobEtag(job, job.itemId === undefined ? 0 : await countItemVersions(query, tenantId, job.itemId))
}

/** What has changed since a form was loaded, in sentences; empty when it is up to date. */
async function whatChanged(query: Query, tenantId: string, job: Job, ifMatch: string): Promise<string[]> {
  const seen = parseJobEtag(ifMatch)
  if (seen === undefined)
    throw new InputError('If-Match is no ETag of a job', [
      { field: 'If-Match', problem: 'must be the ETag that the job was answered with', value: ifMatch.slice(0, 100) },
    ])
  const changes: string[] = []
  if (seen.version !== job.version) {
    const entries = await entriesAbout(query, tenantId, job.subject, {
      kinds: ['job.merged', 'violation.confirmed', 'violation.dismissed'],
      limit: 50,
    })
    for (const { kind, body, recordedAtMs } of entries.slice(0, Math.max(1, job.version - seen.version))) {
      const at = momentText(recordedAtMs)
      if (kind === 'job.merged')
        changes.push(`Since ${at} this job also asks about "${body.violation ?? 'another proposal'}".`)
      else if (kind === 'violation.confirmed' || kind === 'violation.dismissed')
        changes.push(
          `A proposal of this job was ${kind === 'violation.confirmed' ? 'confirmed' : 'dismissed'} at ${at}.`,
        )
    }
    if (changes.length === 0) changes.push('What this job asks has changed since you opened it.')
  }
  if (job.itemId !== undefined) {
    const revision = await countItemVersions(query, tenantId, job.itemId)
    if (revision !== seen.itemRevision) {
      const [newest] = await selectItemVersions(query, tenantId, job.itemId, 1)
      changes.push(
        newest === undefined
          ? 'The item is no longer there.'
          : `The item has changed: ${newest.event.type} at ${momentText(newest.occurredAtMs)}.`,
      )
    }
  }
  return changes
}
