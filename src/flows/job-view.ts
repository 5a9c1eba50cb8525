import type { Author, EntryKind, LedgerEntry, MatchRef, Severity, ViolationProposal } from '../domain/entry.ts'
import type { Event } from '../domain/event.ts'
import type { Reason, Signal } from '../domain/signal.ts'
import { selectAppeal } from '../appeals/store.ts'
import type { Policies } from '../enforcement/policies.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { entriesAbout, entryById } from '../ledger/read.ts'
import type { Vault } from '../ledger/vault.ts'
import type { Clock } from '../domain/ids.ts'
import { selectBank, selectBankEntry } from '../match/store.ts'
import { heldClaim, type Job } from '../review/job.ts'
import type { Queue } from '../review/queue.ts'
import { selectCandidates, selectJob } from '../review/store.ts'
import type { Database, Query } from '../storage/database.ts'
import {
  selectActorSummary,
  selectItemReports,
  selectItemVersions,
  selectThreadAround,
  type ActorSummary,
  type SeenEvent,
} from '../storage/event-view.ts'
import { matterOfEvent } from './matter.ts'
import {
  outlookOf,
  policyChoices,
  type ConsequencePreview,
  type Outlook,
  type PolicyChoice,
  type StandingView,
} from './outlook.ts'
import { etagOf, proposalsOf, type Reviewer } from './review.ts'

export type JobViewDeps = {
  db: Database
  ledger: Ledger
  clock: Clock
  vault: Pick<Vault, 'open'>
  policies: Policies
  /** How the rule came to its proposal, evaluated again from the recorded facts; undefined when the version is gone. */
  ruleTrace: (query: Query, tenantId: string, proposal: ViolationProposal) => Promise<unknown>
}

export type BankEntryView = {
  bankId: string
  bankName: string
  entryId: string
  state: string
  labels: string[]
  mediaSha256?: string
  text?: string
  note?: string
  /** How often it matched, how often a person agreed, and how often a decision on it was overturned. */
  matches: number
  confirmed: number
  overturned: number
}
export type ThreadLine = {
  eventId: string
  type: string
  actorId: string
  itemId?: string
  text?: string
  atMs: number
}
export type PastEntry = {
  entryId: string
  kind: EntryKind
  atMs: number
  violation?: string
  severity?: Severity
  context?: string
  by: string
  reversed: boolean
}
export type ProposalView = {
  entryId: string
  rule: { id: string; version: number }
  violation: string
  severity: Severity
  confidence: number
  because: LedgerEntry['because']
  signals: Signal[]
  features: Record<string, unknown>
  match?: MatchRef & { entry?: BankEntryView; transformation?: string; because?: string }
  trace?: unknown
}
export type AppealView = {
  appealId: string
  decisionId: string
  relation: string
  language: string
  filedAtMs: number
  /** Undefined when none was written or the caller may not read it; null when the person was erased since. */
  statement?: string | null
  /** Whether there are words that only those who may decide this job are shown. */
  hidden: boolean
}

export type JobView = {
  job: Job
  /** Why the job was opened, and by whom or what. */
  because: Reason[]
  openedBy?: Author
  etag: string
  claimedByMe: boolean
  claimUntilMs?: number
  event?: Event
  occurredAtMs?: number
  item?: Event['item']
  itemState: 'present' | 'edited' | 'deleted' | 'removed' | 'none'
  versions: { eventId: string; type: string; atMs: number; text?: string }[]
  /** Who reported the item, newest first. */
  reports: { eventId: string; reporterId: string; atMs: number; reason?: string }[]
  thread?: { id: string; kind?: string; before: ThreadLine[]; after: ThreadLine[] }
  actor?: ActorSummary & { id: string; ageMs?: number; standing: StandingView[]; decisions: PastEntry[] }
  proposals: ProposalView[]
  /** Earlier decisions on this very item. */
  earlier: PastEntry[]
  decision?: LedgerEntry<'decision.made'>
  appeal?: AppealView
  policies: PolicyChoice[]
  previews: ConsequencePreview[]
  /** The job that would come after this one, to load ahead; it is not held for anybody. */
  nextJobId: string | null
}

const threadLinesEach = 6
const pastMax = 20

/**
 * All that the job screen shows, in one answer. `queues` are those that the reviewer may be given jobs of: only they are
 * shown the words of an appellant, and the look is recorded in the ledger. Undefined when there is no such job.
 */
export async function jobView(
  deps: JobViewDeps,
  tenantId: string,
  reviewer: Reviewer,
  jobId: string,
  queues: readonly Queue[],
): Promise<JobView | undefined> {
  const { query } = deps.db
  const job = await selectJob(query, tenantId, jobId)
  if (job === undefined) return undefined
  const nowMs = deps.clock()
  const mayDecide = queues.some((queue) => queue.queue === job.queue)
  const decision = await decisionOf(query, tenantId, job)
  const proposals = await proposalsOf(query, tenantId, job.proposals.length > 0 ? job.proposals : proposalOf(decision))
  const eventId = job.eventId ?? proposals[0]?.body.eventId ?? decision?.body.eventId
  const actorId = proposals[0]?.body.actorId ?? decision?.body.actorId ?? job.actorId
  const itemId = job.itemId ?? decision?.body.itemId
  const stored = await matterOfEvent(query, tenantId, eventId)
  const claim = heldClaim(job, nowMs)
  const policies = await deps.policies.load(query, tenantId)
  const versions = itemId === undefined ? [] : await selectItemVersions(query, tenantId, itemId, 10)
  const earlier = itemId === undefined ? [] : await past(query, tenantId, { kind: 'item', id: itemId }, job)
  const outlook =
    actorId === undefined || policies === undefined
      ? undefined
      : await outlookOf(query, tenantId, policies, actorId, nowMs)
  const next = { personId: reviewer.id, queues, nowMs }
  const candidates = await selectCandidates(query, tenantId, next, 2)
  const thread = stored?.event?.thread
  const opened = await entryById(query, tenantId, job.createdEntryId)
  return {
    job,
    because: opened?.because ?? [],
    openedBy: opened?.author,
    etag: await etagOf(query, tenantId, job),
    claimedByMe: claim?.personId === reviewer.id,
    claimUntilMs: claim?.untilMs,
    event: stored?.event,
    occurredAtMs: stored?.occurredAtMs,
    item: stored?.event?.item,
    itemState: itemState(versions, earlier),
    reports: itemId === undefined ? [] : (await selectItemReports(query, tenantId, itemId, 20)).map(reportLine),
    versions: versions.map(({ event, occurredAtMs }) => ({
      eventId: event.id,
      type: event.type,
      atMs: occurredAtMs,
      text: event.item?.text,
    })),
    thread:
      thread === undefined || stored?.event === undefined
        ? undefined
        : {
            id: thread.id,
            kind: thread.kind,
            ...(await linesAround(query, tenantId, thread.id, stored.event.id, stored.occurredAtMs)),
          },
    actor: actorId === undefined ? undefined : await actorOf(query, tenantId, actorId, nowMs, job, outlook),
    proposals: await Promise.all(proposals.map((proposal) => proposalView(deps, tenantId, proposal))),
    earlier,
    decision,
    appeal: await appealOf(deps, tenantId, reviewer, job, mayDecide),
    policies: policies === undefined ? [] : policyChoices(policies, stored?.occurredAtMs ?? nowMs),
    previews:
      outlook === undefined || job.state !== 'open'
        ? []
        : outlook.previews({
            ...(decision === undefined ? {} : { insteadOf: decision.body.decisionId }),
            violation: job.violation,
            context: proposals[0]?.body.context ?? decision?.body.context ?? stored?.event?.context ?? 'default',
            occurredAtMs: stored?.occurredAtMs ?? proposals[0]?.body.occurredAtMs ?? nowMs,
            itemId,
            eventId,
            language: proposals[0]?.body.language ?? stored?.event?.item?.language,
          }),
    nextJobId: candidates.find((candidate) => candidate !== jobId) ?? null,
  }
}

function reportLine({ event, occurredAtMs }: SeenEvent): JobView['reports'][number] {
  const reason = event.attributes?.reason
  return {
    eventId: event.id,
    reporterId: event.actor.id,
    atMs: occurredAtMs,
    reason: typeof reason === 'string' ? reason.slice(0, 200) : undefined,
  }
}

async function decisionOf(query: Query, tenantId: string, job: Job) {
  const entry = job.decisionId === undefined ? undefined : await entryById(query, tenantId, job.decisionId)
  return entry?.kind === 'decision.made' ? (entry as LedgerEntry<'decision.made'>) : undefined
}

function proposalOf(decision: LedgerEntry<'decision.made'> | undefined): string[] {
  return decision?.body.proposalEntryId === undefined ? [] : [decision.body.proposalEntryId]
}

function itemState(versions: readonly SeenEvent[], earlier: readonly PastEntry[]): JobView['itemState'] {
  if (versions.length === 0) return 'none'
  if (versions.some(({ event }) => event.type === 'item.deleted')) return 'deleted'
  const moved = earlier.find((entry) => entry.kind === 'item.removed' || entry.kind === 'item.restored')
  if (moved?.kind === 'item.removed') return 'removed'
  return versions.some(({ event }) => event.type === 'item.edited') ? 'edited' : 'present'
}

async function linesAround(query: Query, tenantId: string, threadId: string, eventId: string, occurredAtMs: number) {
  const { before, after } = await selectThreadAround(
    query,
    tenantId,
    threadId,
    { eventId, occurredAtMs },
    threadLinesEach,
  )
  const line = ({ event, occurredAtMs: atMs }: SeenEvent): ThreadLine => ({
    eventId: event.id,
    type: event.type,
    actorId: event.actor.id,
    itemId: event.item?.id,
    text: event.item?.text?.slice(0, 2_000),
    atMs,
  })
  return { before: before.map(line), after: after.map(line) }
}

const pastKinds = ['decision.made', 'decision.modified', 'decision.reversed', 'item.removed', 'item.restored'] as const

/** Decisions about a subject, newest first, without the one that this job is about. */
async function past(
  query: Query,
  tenantId: string,
  subject: { kind: 'actor' | 'item'; id: string },
  job: Job,
): Promise<PastEntry[]> {
  const entries = await entriesAbout(query, tenantId, subject, { kinds: pastKinds, limit: 100 })
  const reversed = new Set(entries.flatMap(({ kind, body }) => (kind === 'decision.reversed' ? [body.decisionId] : [])))
  return entries
    .filter((entry) => entry.id !== job.decisionId)
    .slice(0, pastMax)
    .map((entry) => ({
      entryId: entry.id,
      kind: entry.kind,
      atMs: entry.occurredAtMs,
      ...(entry.kind === 'decision.made'
        ? { violation: entry.body.violation, severity: entry.body.severity, context: entry.body.context }
        : {}),
      by: 'id' in entry.author ? `${entry.author.kind} ${entry.author.id}` : entry.author.part,
      reversed: reversed.has(entry.id),
    }))
}

async function actorOf(
  query: Query,
  tenantId: string,
  actorId: string,
  nowMs: number,
  job: Job,
  outlook: Outlook | undefined,
) {
  const summary = await selectActorSummary(query, tenantId, actorId)
  // The platform knows best how old an account is; else the first event about it says at least so much.
  const told = summary.attributes.createdAt
  const toldMs = typeof told === 'string' ? Date.parse(told) : Number.NaN
  const since = Number.isNaN(toldMs) ? (summary.createdAtMs ?? summary.firstSeenAtMs) : toldMs
  return {
    id: actorId,
    ...summary,
    ageMs: since === undefined ? undefined : Math.max(0, nowMs - since),
    standing: outlook?.standing ?? [],
    decisions: await past(query, tenantId, { kind: 'actor', id: actorId }, job),
  }
}

async function proposalView(
  deps: JobViewDeps,
  tenantId: string,
  { id, because, body }: LedgerEntry<'violation.proposed'>,
): Promise<ProposalView> {
  const { match } = body
  const signal = body.facts.signals.find(
    (one) => match !== undefined && (one.evidence?.entryId ?? one.evidence?.entry) === match.entryId,
  )
  const { query } = deps.db
  return {
    entryId: id,
    rule: body.rule,
    violation: body.violation,
    severity: body.severity,
    confidence: body.confidence,
    because,
    signals: body.facts.signals,
    features: body.facts.features,
    match:
      match === undefined
        ? undefined
        : {
            ...match,
            entry: await bankEntryOf(query, tenantId, match),
            because: signal?.because,
            transformation:
              typeof signal?.evidence?.transformation === 'string' ? signal.evidence.transformation : undefined,
          },
    trace: await deps.ruleTrace(query, tenantId, body),
  }
}

async function appealOf(
  deps: JobViewDeps,
  tenantId: string,
  reviewer: Reviewer,
  job: Job,
  mayRead: boolean,
): Promise<AppealView | undefined> {
  const row = job.appealId === undefined ? undefined : await selectAppeal(deps.db.query, tenantId, job.appealId)
  if (row === undefined) return undefined
  return {
    appealId: row.id,
    decisionId: row.decisionId,
    relation: row.relation,
    language: row.language,
    filedAtMs: row.filedMs,
    hidden: row.statementRef !== null && !mayRead,
    statement:
      row.statementRef === null || !mayRead
        ? undefined
        : await openStatement(deps, tenantId, reviewer, job, row.entryId, row.statementRef),
  }
}

/** The look is recorded before the words are answered; a look that cannot be recorded does not happen. */
async function openStatement(
  deps: JobViewDeps,
  tenantId: string,
  reviewer: Reviewer,
  job: Job,
  filedEntryId: string,
  ref: string,
): Promise<string | null> {
  await deps.db.transaction((tx) =>
    deps.ledger.append(tx, tenantId, [
      {
        kind: 'person.viewed_sensitive',
        subject: job.subject,
        occurredAtMs: deps.clock(),
        cause: filedEntryId,
        author: reviewer,
        automation: 'none',
        because: [],
        body: { personId: reviewer.id, jobId: job.jobId, what: 'appeal statement' },
        // Polling the screen is one look, not many.
        effectKey: `viewed:${reviewer.id}:${job.jobId}:statement`,
      },
    ]),
  )
  return (await deps.vault.open(deps.db.query, tenantId, ref)) ?? null
}

async function bankEntryOf(query: Query, tenantId: string, match: MatchRef): Promise<BankEntryView | undefined> {
  const entry = await selectBankEntry(query, tenantId, match.entryId)
  if (entry === undefined) return undefined
  const bank = await selectBank(query, tenantId, entry.bankId)
  const { bankId, entryId, labels, matches, confirmed, overturned } = entry
  return {
    bankId,
    bankName: bank?.name ?? bankId,
    entryId,
    state: entry.status,
    labels,
    mediaSha256: entry.mediaSha256 ?? undefined,
    text: entry.text ?? undefined,
    note: entry.note ?? undefined,
    matches,
    confirmed,
    overturned,
  }
}
