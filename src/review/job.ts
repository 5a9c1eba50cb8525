import type { Question, Severity, Verdict } from '../domain/entry.ts'
import type { Refusal } from '../domain/error.ts'
import type { SubjectRef } from '../domain/subject.ts'

export type Claim = { personId: string; fromMs: number; untilMs: number }

/** One subject to review under one question. */
export type Job = {
  jobId: string
  queue: string
  question: Question
  state: 'open' | 'decided' | 'withdrawn'
  priority: number
  subject: SubjectRef
  eventId?: string
  actorId?: string
  itemId?: string
  /** What was proposed; the gravest where several proposals joined. */
  violation?: string
  severity?: Severity
  /** Ids of all violation.proposed entries that this job asks about, and of those that still wait. */
  proposals: string[]
  waiting: string[]
  appealId?: string
  decisionId?: string
  excludedPeople: string[]
  createdEntryId: string
  createdAtMs: number
  dueAtMs?: number
  /** Counts the changes of the question. */
  version: number
  decidedBy?: string
  closedAtMs?: number
  handlingMs?: number
  verdict?: Verdict
  decidedViolation?: string
  decidedSeverity?: Severity
  withdrawnReason?: string
  /** The newest claim, which may have expired. */
  claim?: Claim
}

/** How long a claim holds without a sign of life. */
export const claimMs = 10 * 60_000

/** The claim on a job if it still holds. */
export function heldClaim(job: Job, nowMs: number): Claim | undefined {
  return job.state === 'open' && job.claim !== undefined && job.claim.untilMs > nowMs ? job.claim : undefined
}

/** What a reviewer must have seen to decide: the version of the question and the revision of the item. */
export function jobEtag(job: { version: number }, itemRevision: number): string {
  return `"${job.version}.${itemRevision}"`
}

/** Reads an ETag made by `jobEtag`; undefined when it is none. */
export function parseJobEtag(etag: string): { version: number; itemRevision: number } | undefined {
  const parts = /^(?:W\/)?"(\d{1,9})\.(\d{1,9})"$/.exec(etag)
  return parts === null ? undefined : { version: Number(parts[1]), itemRevision: Number(parts[2]) }
}

/** An expected refusal, as a value. */
export function refuse<Reason extends string>(reason: Reason, detail: string): Refusal<Reason> {
  return { ok: false, reason, detail }
}
