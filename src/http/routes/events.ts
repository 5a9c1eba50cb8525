import type { FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { InputError } from '../../domain/error.ts'
import { acceptEvents, type AcceptDeps, type Acceptance, type Incoming } from '../../flows/accept.ts'
import type { Judgement } from '../../flows/ingest.ts'
import { descendantsOf } from '../../ledger/read.ts'
import type { Database } from '../../storage/database.ts'
import { selectEvent, selectEvents, type StoredEvent } from '../../storage/event-log.ts'
import {
  appendEvents,
  decideEvent,
  eventsBytesMax,
  eventsPerRequestMax,
  getEvent,
  listEvents,
  type DecideAnswer,
  type StoredEventView,
} from '../contract/events.ts'
import { notFound, problem, type HttpProblem } from '../problem.ts'
import type { Mount } from '../server.ts'
import { utf8 } from '../utf8.ts'

export type EventRoutesDeps = AcceptDeps & {
  db: Database
  /** Resolves with what was decided about an event, or undefined when the wait is over first. */
  judged: (tenantId: string, eventId: string, waitMs: number) => Promise<Judgement | undefined>
  /** Counts events against the tenant's limit before they are taken; throws 429 for too many. */
  admitEvents: (tenantId: string, events: number) => void
  /** Counts answers for metrics. */
  counted: (tenantId: string, counts: { accepted: number; duplicate: number; refused: number }) => void
}

/** Lines of NDJSON are taken in batches of this many. */
const linesPerBatch = 500
const newline = 10
const drainedBytesMax = 4 * eventsBytesMax

export function eventRoutes(mount: Mount, deps: EventRoutesDeps): void {
  const summarise = (tenantId: string, results: Acceptance[]) => {
    const counts = { accepted: 0, duplicate: 0, refused: 0 }
    for (const result of results) counts[result.status]++
    deps.counted(tenantId, counts)
    return { ...counts, results }
  }

  mount(appendEvents, async ({ request, principal }) => {
    const { tenantId } = principal
    if (isNdjson(request)) {
      const results: Acceptance[] = []
      for await (const batch of linesOf(request.raw)) {
        deps.admitEvents(tenantId, batch.length)
        results.push(...(await acceptEvents(deps, tenantId, batch)))
      }
      return summarise(tenantId, results)
    }
    const body = jsonBody(request)
    const list = Array.isArray(body) ? body : [body]
    if (list.length > eventsPerRequestMax)
      throw new InputError(`${list.length} events in one request`, [
        {
          field: '',
          problem: 'too many events in one request',
          value: String(list.length),
          limit: eventsPerRequestMax,
        },
      ])
    deps.admitEvents(tenantId, list.length)
    return summarise(
      tenantId,
      await acceptEvents(
        deps,
        tenantId,
        list.map((value: unknown, index) => ({ index, value })),
      ),
    )
  })

  mount(decideEvent, async ({ request, principal, reply }) => {
    const { tenantId } = principal
    deps.admitEvents(tenantId, 1)
    const [answer] = await acceptEvents(deps, tenantId, [{ index: 0, value: jsonBody(request) }])
    deps.counted(tenantId, { accepted: 0, duplicate: 0, refused: 0, [answer!.status]: 1 })
    if (answer!.status === 'refused') throw new InputError(answer!.reason!, answer!.errors)
    const waitS = Number(/(?:^|,)\s*wait=(\d+)/.exec(String(request.headers.prefer ?? ''))?.[1] ?? 5)
    const known = answer!.status === 'duplicate' ? await deps.judged(tenantId, answer!.id!, 0) : undefined
    const judgement = known ?? (await deps.judged(tenantId, answer!.id!, Math.min(waitS, 30) * 1_000))
    if (judgement === undefined) reply.code(202)
    return { eventId: answer!.id!, status: answer!.status as 'accepted', ...decided(judgement) }
  })

  mount(listEvents, async ({ query, principal }) => {
    const { after, limit = 50, ...filter } = query
    const beforePosition = after === undefined ? undefined : Number(after)
    if (beforePosition !== undefined && !Number.isSafeInteger(beforePosition))
      throw new InputError('after is not a cursor of this list', [
        { field: 'after', problem: 'is not a cursor of this list', value: after },
      ])
    const items = await selectEvents(deps.db.query, principal.tenantId, { ...filter, beforePosition, limit })
    return { items: items.map(view), next: items.length < limit ? null : String(items.at(-1)!.at.position) }
  })

  mount(getEvent, async ({ params, principal }) => {
    const stored = await selectEvent(deps.db.query, principal.tenantId, params.eventId)
    if (stored === undefined) throw notFound('event', params.eventId)
    const entries = await descendantsOf(deps.db.query, principal.tenantId, params.eventId)
    const processed = (await deps.judged(principal.tenantId, params.eventId, 0)) !== undefined
    return { stored: view(stored), processed, entries }
  })
}

function decided(judgement: Judgement | undefined): Omit<DecideAnswer, 'eventId' | 'status'> {
  const empty = { decisions: [], labels: [], jobs: [], gates: [], entries: [] }
  if (judgement === undefined) return { verdict: 'pending', ...empty }
  const answer: Omit<DecideAnswer, 'eventId' | 'status'> = {
    verdict: 'allow',
    ...empty,
    entries: judgement.entries.map((entry) => entry.id),
  }
  const { decisions, labels, jobs, gates } = {
    decisions: [] as DecideAnswer['decisions'],
    labels: [] as DecideAnswer['labels'],
    jobs: [] as DecideAnswer['jobs'],
    gates: [] as DecideAnswer['gates'],
  }
  for (const entry of judgement.entries) {
    if (entry.kind === 'decision.made') {
      const { decisionId, violation, severity, removesItem } = entry.body
      decisions.push({ decisionId, violation, severity, removesItem, because: entry.because })
    } else if (entry.kind === 'label.applied') labels.push({ subject: entry.subject, label: entry.body.label })
    else if (entry.kind === 'job.created' || entry.kind === 'job.merged') {
      const { jobId, queue } = entry.body
      if (!jobs.some((job) => job.jobId === jobId)) jobs.push({ jobId, queue })
    } else if (entry.kind === 'gate.closed') {
      const { feature, context, untilMs, reason } = entry.body
      gates.push({ feature, context, ...(untilMs === undefined ? {} : { untilMs }), reason })
    }
  }
  return {
    ...answer,
    decisions,
    labels,
    jobs,
    gates,
    verdict: decisions.length > 0 ? 'act' : jobs.length > 0 ? 'review' : 'allow',
  }
}

const view = (stored: StoredEvent): StoredEventView => ({
  event: stored.event as StoredEventView['event'],
  position: stored.at.position,
  occurredAtMs: stored.occurredAtMs,
  receivedAtMs: stored.receivedAtMs,
  late: stored.late,
})

function contentType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

function isNdjson(request: FastifyRequest): boolean {
  return ['application/x-ndjson', 'application/ndjson', 'application/jsonl'].includes(contentType(request))
}

function jsonBody(request: FastifyRequest): unknown {
  const type = contentType(request)
  if (type !== 'application/json' && type !== 'application/cloudevents+json')
    throw problem(415, 'Unknown content type', `Send application/json or application/x-ndjson, not "${type}".`)
  if (request.body === undefined || request.body === null)
    throw problem(400, 'The body is empty', 'Send one event, a JSON array of events, or NDJSON.')
  return request.body
}

/** Batches of parsed lines of a stream, with line numbers from 1. A line that is not JSON is passed on as a problem. */
export async function* linesOf(stream: Readable): AsyncGenerator<Incoming[]> {
  let rest: Buffer[] = []
  let line = 0
  let bytes = 0
  let batch: Incoming[] = []
  const take = (text: Buffer) => {
    line++
    try {
      const trimmed = utf8(text).trim()
      if (trimmed !== '') batch.push({ index: line, value: JSON.parse(trimmed) })
    } catch (error) {
      batch.push({ index: line, problem: `Line ${line} is not JSON: ${(error as Error).message}` })
    }
  }
  let refusal: HttpProblem | undefined
  const refuse = (title: string, limit: number, of: string) => {
    refusal = problem(413, title, `At most ${limit} ${of} in one request; the events of the lines before are stored.`, [
      { field: `line ${line + 1}`, problem: `is beyond ${limit} ${of}`, limit },
    ])
  }
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    const chunk = piece as Buffer
    bytes += chunk.length
    if (refusal !== undefined) {
      // Somewhat too much is read to its end and dropped: a sender that is cut off never sees why.
      if (bytes > drainedBytesMax) throw refusal
      continue
    }
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      if (line === eventsPerRequestMax || bytes - chunk.length + end > eventsBytesMax) break
      take(rest.length === 0 ? chunk.subarray(start, end) : Buffer.concat([...rest, chunk.subarray(start, end)]))
      rest = []
      start = end + 1
      if (batch.length >= linesPerBatch) {
        yield batch
        batch = []
      }
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
    if (bytes > eventsBytesMax) refuse('The body is too large', eventsBytesMax, 'bytes')
    else if (line === eventsPerRequestMax && rest.some((part) => !/^\s*$/.test(part.toString('latin1'))))
      refuse('Too many events in one request', eventsPerRequestMax, 'lines')
    if (refusal === undefined) continue
    rest = []
    if (batch.length > 0) yield batch
    batch = []
  }
  if (refusal !== undefined) throw refusal
  if (rest.length > 0) take(Buffer.concat(rest))
  if (batch.length > 0) yield batch
}
