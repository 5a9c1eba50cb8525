import type { LedgerEntry } from '../domain/entry.ts'
import type { Clock } from '../domain/ids.ts'
import { momentText, pointsText } from '../domain/plain-words.ts'
import type { Reason } from '../domain/signal.ts'
import type { Policies } from '../enforcement/policies.ts'
import { replayDecision, type Replay } from '../enforcement/replay.ts'
import { selectDecision } from '../enforcement/store.ts'
import { chainOf, descendantsOf, entryById } from '../ledger/read.ts'
import type { Query } from '../storage/database.ts'
import { selectEvent, type StoredEvent } from '../storage/event-log.ts'

/** One step of how a decision came about or what followed from it. Children follow from it. */
export type Step = {
  title: string
  because: Reason[]
  atMs: number
  /** Ledger entry of this step; absent for the event that began it. */
  entry?: LedgerEntry
  event?: StoredEvent
  children: Step[]
}
export type Explanation = {
  decisionId: string
  tree: Step
  replay: Replay
  /** Whether the rule, evaluated again on what it saw, still holds; absent when no rule proposed it. */
  rule?: { same: boolean; detail: string }
}

export type ExplainDeps = {
  policies: Policies
  clock: Clock
  /** Evaluates a proposal's rule version again on the facts that it recorded. */
  reevaluate: (
    tenantId: string,
    proposal: LedgerEntry<'violation.proposed'>,
  ) => Promise<{ same: boolean; detail: string }> | { same: boolean; detail: string }
}

/**
 * The whole story of a decision: event, signals, rule, proposal, verdict, decision, consequences, appeal, reversal; with
 * both replays. Undefined when there is no such decision.
 */
export async function explain(
  query: Query,
  deps: ExplainDeps,
  tenantId: string,
  decisionId: string,
): Promise<Explanation | undefined> {
  const decision = await selectDecision(query, tenantId, decisionId)
  if (decision === undefined) return undefined
  const chain = await chainOf(query, tenantId, decisionId)
  const first = chain.at(-1)!
  const eventId = decision.eventId ?? first.cause
  const stored = eventId === undefined ? undefined : await selectEvent(query, tenantId, eventId)
  const ancestors = new Set(chain.map((entry) => entry.id))
  const after = await descendantsOf(query, tenantId, decisionId)
  const around = stored === undefined ? [] : await descendantsOf(query, tenantId, stored.event.id)
  // Of what else the event led to, only what was seen and done on the way belongs to this decision.
  const onTheWay = around.filter(
    (entry) =>
      entry.kind === 'signal.recorded' || (entry.cause !== undefined && ancestors.has(entry.cause) && isReview(entry)),
  )
  // Causes first, each generation in the order of the ledger.
  const entries = new Map<string, LedgerEntry>()
  for (const entry of [
    ...onTheWay.filter((one) => one.kind === 'signal.recorded'),
    ...chain.reverse(),
    ...onTheWay,
    ...after,
  ])
    entries.set(entry.id, entry)

  const steps = new Map<string, Step>()
  const root: Step | undefined =
    stored === undefined
      ? undefined
      : {
          title: `${stored.event.type} by ${stored.event.actor.id} in ${stored.event.context}`,
          because: [],
          atMs: stored.occurredAtMs,
          event: stored,
          children: [],
        }
  const ordered = [...entries.values()]
  for (const entry of ordered)
    steps.set(entry.id, {
      title: titleOf(entry),
      because: entry.because,
      atMs: entry.occurredAtMs,
      entry,
      children: [],
    })
  for (const entry of ordered) {
    const parent = entry.cause === undefined ? undefined : (steps.get(entry.cause) ?? root)
    const step = steps.get(entry.id)!
    if (parent !== undefined && parent !== step) parent.children.push(step)
  }
  const proposalId = decision.proposalEntryId
  const proposal = proposalId === null ? undefined : await entryById(query, tenantId, proposalId)
  const rule = proposal?.kind === 'violation.proposed' ? await deps.reevaluate(tenantId, proposal) : undefined
  return {
    decisionId,
    tree: root ?? steps.get(first.id)!,
    replay: await replayDecision(query, deps.policies, tenantId, decisionId, deps.clock()),
    ...(rule === undefined ? {} : { rule }),
  }
}

function isReview(entry: LedgerEntry): boolean {
  return entry.kind.startsWith('job.') || entry.kind === 'violation.confirmed'
}

const until = (timeMs: number | undefined) => (timeMs === undefined ? 'without end' : `until ${momentText(timeMs)}`)
const where = (context: string) => (context === '*' ? 'everywhere' : `in ${context}`)

/** What an entry says, in one line. */
export function titleOf(entry: LedgerEntry): string {
  switch (entry.kind) {
    case 'signal.recorded':
      return `Signals: ${entry.body.signals.map((signal) => signal.name).join(', ')}`
    case 'violation.proposed': {
      const { rule, violation, severity, route } = entry.body
      return `Rule ${rule.id}@${rule.version} proposed ${violation}, severity ${severity} (${route === 'auto' ? 'decided at once' : 'for review'})`
    }
    case 'violation.confirmed':
      return 'Proposal confirmed'
    case 'violation.dismissed':
      return 'Proposal dismissed'
    case 'job.created':
      return `Job opened in queue ${entry.body.queue}: ${entry.body.question}`
    case 'job.claimed':
      return `${entry.body.personId} took the job`
    case 'job.decided':
      return `${entry.body.personId} answered: ${entry.body.verdict}`
    case 'decision.made':
      return `Decision: ${entry.body.violation}, severity ${entry.body.severity}, ${where(entry.body.context)} (policy version ${entry.body.policyVersion})`
    case 'decision.modified':
      return `Decision changed to ${entry.body.violation ?? 'the same violation'}, severity ${entry.body.severity ?? 'unchanged'}`
    case 'decision.reversed':
      return `Decision reversed: ${entry.body.reason}`
    case 'consequence.started':
      return `${entry.body.action} ${where(entry.body.context)} ${entry.body.features.length === 0 ? 'while the points last' : until(entry.body.untilMs)}: ${entry.body.arithmetic}`
    case 'consequence.ended':
      return `Consequence ${where(entry.body.context)} ended: ${entry.body.how}`
    case 'gate.closed':
      return `${entry.body.feature === '*' ? 'All features' : entry.body.feature} ${where(entry.body.context)} closed ${until(entry.body.untilMs)}`
    case 'gate.opened':
      return `${entry.body.feature === '*' ? 'All features' : entry.body.feature} ${where(entry.body.context)} opened: ${entry.body.how}`
    case 'standing.changed':
      return `Standing: ${Object.entries(entry.body.contexts)
        .map(([context, { points, action }]) => `${context} ${pointsText(points)} (${action})`)
        .join(', ')}`
    case 'item.removed':
      return `Item ${entry.body.itemId} removed`
    case 'item.restored':
      return `Item ${entry.body.itemId} restored`
    case 'thread.restricted':
      return `Thread ${entry.body.threadId} restricted`
    case 'thread.released':
      return `Thread ${entry.body.threadId} released`
    case 'appeal.filed':
      return `Appeal by ${entry.body.appellantId} (${entry.body.relation.replace('_', '-')})`
    case 'appeal.decided':
      return `Appeal ${entry.body.outcome} by ${entry.body.personId}: ${entry.body.reason}`
    case 'bank.entry_quarantined':
      return `Bank entry ${entry.body.entryId} quarantined: ${entry.body.reason}`
    default:
      return entry.kind.replaceAll(/[._]/g, ' ')
  }
}
