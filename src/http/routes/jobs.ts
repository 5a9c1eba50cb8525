import type { FastifyReply } from 'fastify'
import { decideJob as decideFlow, type ReviewDeps, type Reviewer } from '../../flows/review.ts'
import { jobView, type JobViewDeps } from '../../flows/job-view.ts'
import { claimJob as claimFlow, giveBack, heartbeat, takeNext, type JobRefusal } from '../../review/claim.ts'
import { defaultQueues, queueOf, type Queue } from '../../review/queue.ts'
import { selectJob, selectJobs, selectQueueCounts, selectQueues, selectReviewerCounts } from '../../review/store.ts'
import {
  claimJob,
  decideJob,
  getJob,
  heartbeatJob,
  listJobs,
  myReviewStats,
  nextJob,
  releaseJob,
  skipJob,
  type JobView,
} from '../contract/jobs.ts'
import type { Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type JobRoutesDeps = ReviewDeps & JobViewDeps

const dayMs = 86_400_000

const statuses = {
  'not-found': [404, 'No such job'],
  'already-decided': [409, 'Somebody has decided this job'],
  withdrawn: [409, 'The job was withdrawn'],
  excluded: [403, 'This job is not for you'],
  'claimed-by-other': [409, 'Somebody else has this job'],
  'not-claimed': [409, 'You do not hold this job'],
  changed: [412, 'The job has changed'],
  refused: [409, 'The verdict cannot be carried out'],
} satisfies Record<JobRefusal | 'refused', [number, string]>

function refusal({ reason, detail }: { reason: JobRefusal | 'refused'; detail: string }): Error {
  const [status, title] = statuses[reason]
  return problem(status, title, detail)
}

/** The reviewer behind a request. Jobs are decided by people: an API key that may write reviews still is nobody. */
function reviewerOf(principal: Principal): Reviewer {
  if (principal.kind !== 'person')
    throw problem(403, 'Only a person can review', 'Sign in to the console; an API key cannot hold or decide a job.')
  return { kind: 'person', id: principal.id, role: principal.roles[0] }
}

/** Queues that this caller may be given jobs of, configured or not, as far as they hold anything. */
export async function queuesFor(deps: JobRoutesDeps, principal: Principal): Promise<Queue[]> {
  const { tenantId } = principal
  if (principal.kind !== 'person' || !principal.scopes.has('review:write')) return []
  const configured = await selectQueues(deps.db.query, tenantId)
  const filled = await selectQueueCounts(deps.db.query, tenantId, deps.clock())
  const names = new Set([...defaultQueues, ...configured, ...filled].map((queue) => queue.queue))
  return [...names].map((name) => queueOf(configured, name)).filter((queue) => principal.scopes.has(queue.needs))
}

export function jobRoutes(mount: Mount, deps: JobRoutesDeps): void {
  const view = async (principal: Principal, jobId: string, reply: FastifyReply): Promise<JobView> => {
    const reviewer: Reviewer = { kind: 'person', id: principal.id, role: principal.roles[0] }
    const found = await jobView(deps, principal.tenantId, reviewer, jobId, await queuesFor(deps, principal))
    if (found === undefined) throw notFound('job', jobId)
    reply.header('etag', found.etag)
    return found as JobView
  }

  /** Somebody who may not be given a queue's jobs may not take them one by one either. */
  const admit = async (principal: Principal, jobId: string): Promise<Reviewer> => {
    const reviewer = reviewerOf(principal)
    const job = await selectJob(deps.db.query, principal.tenantId, jobId)
    if (job === undefined) throw notFound('job', jobId)
    const { needs, title } = queueOf(await selectQueues(deps.db.query, principal.tenantId), job.queue)
    if (!principal.scopes.has(needs))
      throw problem(403, 'Not allowed', `Jobs of the queue "${title}" need the scope "${needs}".`)
    return reviewer
  }

  mount(listJobs, async ({ query, principal }) => {
    const { mine, limit = 50, ...filter } = query
    const claimedBy = mine ? { claimedBy: principal.id, state: 'open' as const } : {}
    return selectJobs(deps.db.query, principal.tenantId, { ...filter, ...claimedBy, limit })
  })

  mount(nextJob, async ({ body, principal, reply }) => {
    const reviewer = reviewerOf(principal)
    const allowed = await queuesFor(deps, principal)
    const queues = body.queue === undefined ? allowed : allowed.filter((queue) => queue.queue === body.queue)
    if (queues.length === 0)
      throw problem(403, 'Not allowed', `You may not be given jobs of the queue "${body.queue ?? 'any'}".`)
    const job = await deps.db.transaction((tx) => takeNext(tx, deps, principal.tenantId, reviewer, queues))
    return { job: job === undefined ? null : await view(principal, job.jobId, reply) }
  })

  mount(getJob, ({ params, principal, reply }) => view(principal, params.jobId, reply))

  mount(claimJob, async ({ params, principal, reply }) => {
    const reviewer = await admit(principal, params.jobId)
    const claimed = await deps.db.transaction((tx) => claimFlow(tx, deps, principal.tenantId, reviewer, params.jobId))
    if (!claimed.ok) throw refusal(claimed)
    return view(principal, params.jobId, reply)
  })

  mount(heartbeatJob, async ({ params, principal }) => {
    const { id } = reviewerOf(principal)
    const beat = await deps.db.transaction((tx) => heartbeat(tx, deps, principal.tenantId, id, params.jobId))
    if (!beat.ok) throw refusal(beat)
    return { untilMs: beat.untilMs }
  })

  const back = async (principal: Principal, jobId: string, reason?: string) => {
    const reviewer = reviewerOf(principal)
    const given = await deps.db.transaction((tx) => giveBack(tx, deps, principal.tenantId, reviewer, jobId, reason))
    if (!given.ok) throw refusal(given)
    return given.job
  }
  mount(releaseJob, ({ params, principal }) => back(principal, params.jobId))
  mount(skipJob, ({ params, body, principal }) => back(principal, params.jobId, body.reason))

  mount(decideJob, async ({ params, body, principal, request }) => {
    const reviewer = await admit(principal, params.jobId)
    const ifMatch = request.headers['if-match']
    if (ifMatch === undefined) requireMatch(ifMatch, '', 'job')
    const input = { jobId: params.jobId, ...body, ifMatch: ifMatch! }
    const decided = await decideFlow(deps, principal.tenantId, reviewer, input)
    if (!decided.ok) throw refusal(decided)
    const { verdict, decisionId, escalatedTo } = decided
    return { jobId: params.jobId, verdict, decisionId, escalatedTo }
  })

  mount(myReviewStats, async ({ query, principal }) => {
    const untilMs = deps.clock()
    const sinceMs = query.sinceMs ?? untilMs - dayMs
    const counts = await selectReviewerCounts(deps.db.query, principal.tenantId, principal.id, sinceMs)
    const { severity1Ms, severity2Ms, severity3Ms, severity4Ms, ...rest } = counts
    const exposureMsBySeverity = { 1: severity1Ms, 2: severity2Ms, 3: severity3Ms, 4: severity4Ms }
    return { personId: principal.id, sinceMs, untilMs, ...rest, exposureMsBySeverity }
  })
}
