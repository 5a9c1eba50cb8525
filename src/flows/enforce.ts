import type {
  Author,
  Automation,
  DecisionBody,
  Facts,
  Finding,
  LedgerEntry,
  MatchRef,
  NewEntry,
  Severity,
  StatementOfReasons,
  ViolationProposal,
} from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { uuidv7, type RandomBytes } from '../domain/ids.ts'
import type { Policy } from '../domain/policy.ts'
import type { Reason } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { announce } from '../enforcement/announce.ts'
import { renderNotice, type NoticeInput } from '../enforcement/notice.ts'
import { ensurePolicies } from '../enforcement/policies.ts'
import { lockActors, settle, type SettleDeps, type Settled } from '../enforcement/settle.ts'
import { buildStatement, dsaStatement } from '../enforcement/statement.ts'
import { selectDecisions } from '../enforcement/store.ts'
import { selectHolds } from '../storage/marks.ts'
import { openJob } from '../review/open.ts'
import type { Tx } from '../storage/database.ts'

export { actorLock, lockActors } from '../enforcement/settle.ts'

export type EnforceDeps = SettleDeps & { randomBytes: RandomBytes }

export type ProposeOptions = {
  /** Why the rule held, with the values that made it hold. */
  because: Reason[]
  /** Queue for proposals that wait for a person; `default` unless said. */
  queue?: string
  /** Who proposes, where it is not the rule, and how automatic that is. */
  by?: { author: Author; automation: Automation }
  /** The same key proposes once; event, rule, version and violation unless said. */
  effectKey?: string
  /** The entry that it follows from; the event unless said. */
  cause?: string
}
export type Proposed = { entries: LedgerEntry[]; decisionId?: string; jobId?: string }

/**
 * What a rule proposes for an event: decided at once, or put before a person. An egregious or unsure attribution always
 * goes to a person first when the policy's confidence is not reached. So does what the policy has no words for, a
 * violation or context that it does not know: nothing that a rule found is dropped unseen. The same event, rule and
 * version proposes once.
 */
export async function propose(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  proposal: ViolationProposal,
  options: ProposeOptions,
): Promise<Outcome<Proposed, 'duplicate'>> {
  const policy = (await ensurePolicies(tx, deps, tenantId)).inForce(proposal.occurredAtMs).policy
  const violation = policy.violations[proposal.violation]
  const { rule, eventId, occurredAtMs, itemId, actorId } = proposal
  const unsure = proposal.confidence < policy.attribution.confidenceMin
  const held = proposal.match?.review
  const route = unsure || held !== undefined ? 'review' : proposal.route
  const subject: SubjectRef = { kind: 'actor', id: actorId }
  const { author, automation } = options.by ?? {
    author: { kind: 'rule' as const, ...rule },
    automation: 'full' as const,
  }
  const [proposed] = await deps.ledger.append(tx, tenantId, [
    {
      kind: 'violation.proposed',
      subject,
      occurredAtMs,
      cause: options.cause ?? eventId,
      author,
      automation,
      because: options.because,
      body: { ...proposal, route },
      effectKey: options.effectKey ?? `${eventId}|${rule.id}@${rule.version}|violation:${proposal.violation}`,
    },
  ])
  if (proposed === undefined)
    return {
      ok: false,
      reason: 'duplicate',
      detail: `Rule "${rule.id}" has already proposed this for event "${eventId}".`,
    }
  const because = [...options.because]
  if (held !== undefined && proposal.route === 'auto')
    because.push({ name: 'match.review', value: proposal.match!.entryId, because: `A person decides: ${held}` })
  if (route === 'auto') {
    const decided = await decide(tx, deps, tenantId, {
      ...ofProposal(proposed as LedgerEntry<'violation.proposed'>),
      author,
      automation,
      because: options.because,
      cause: proposed.id,
    })
    if (decided.ok) return { ok: true, entries: [proposed, ...decided.entries], decisionId: decided.decisionId }
    because.push({ name: 'decision.refused', value: decided.reason, because: decided.detail })
  }
  // Nobody needs to look at what has been decided already.
  if ((await alreadyDecided(tx, tenantId, proposal)) !== undefined) return { ok: true, entries: [proposed] }
  const jobId = await openJob(tx, deps, tenantId, {
    subject: itemId === undefined ? subject : { kind: 'item', id: itemId },
    queue: options.queue ?? (proposal.severity === 4 || violation?.egregious === true ? 'egregious' : 'default'),
    question: 'violation',
    priority: proposal.severity * 25 * proposal.confidence,
    eventId,
    actorId,
    itemId,
    proposalEntryId: proposed.id,
    violation: proposal.violation,
    severity: proposal.severity,
    author,
    cause: proposed.id,
    because,
    effectKey: `job|${proposed.id}`,
  })
  return { ok: true, entries: [proposed], jobId }
}

/** What a decision takes over from the proposal that it answers. */
export function ofProposal(
  proposed: LedgerEntry<'violation.proposed'>,
): Omit<DecideInput, 'author' | 'automation' | 'because'> {
  const { body } = proposed
  return {
    violation: body.violation,
    severity: body.severity,
    context: body.context,
    actorId: body.actorId,
    itemId: body.itemId,
    threadId: body.threadId,
    eventId: body.eventId,
    occurredAtMs: body.occurredAtMs,
    itemCreatedAtMs: body.itemCreatedAtMs,
    foundAtMs: body.foundAtMs ?? body.occurredAtMs,
    attribution: body.attribution,
    attributionConfidence: body.confidence,
    role: body.role,
    dedupeKey: body.dedupeKey,
    rule: body.rule,
    match: body.match,
    proposalEntryId: proposed.id,
    seen: body.facts,
    automatedDetection: body.sourceType === undefined || body.sourceType === 'VOLUNTARY',
    sourceType: body.sourceType,
    language: body.language,
    reachable: body.reachable,
  }
}

export type DecideInput = {
  violation: string
  /** The policy's for this violation unless said. */
  severity?: Severity
  context: string
  actorId: string
  itemId?: string
  threadId?: string
  eventId?: string
  occurredAtMs: number
  itemCreatedAtMs?: number
  foundAtMs?: number
  /** 0 to 1; 1 unless said. */
  attribution?: number
  attributionConfidence?: number
  role?: string
  dedupeKey?: string
  /** What the policy says about the violation unless said. */
  removesItem?: boolean
  restrictsThread?: boolean
  rule?: { id: string; version: number }
  match?: MatchRef
  proposalEntryId?: string
  jobId?: string
  author: Author
  automation: Automation
  because: Reason[]
  /** The entry that it follows from. */
  cause?: string
  /** What the person is told was found, without personal data; in general words unless said. */
  facts?: string
  /** What the rule saw. */
  seen?: Facts
  automatedDetection?: boolean
  sourceType?: StatementOfReasons['sourceType']
  language?: string
  reachable?: boolean
  effectKey?: string
}
export type DecideRefusal = 'duplicate' | 'unknown-violation' | 'unknown-context' | 'already-decided'
export type Decided = { decisionId: string; entries: LedgerEntry[]; settled: Settled }

/**
 * Decides that somebody broke a rule: violation -> decision -> standing -> consequences, gates, notice. One item is not
 * decided twice for the same violation. Concurrent decisions about one actor take turns.
 */
export async function decide(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  input: DecideInput,
): Promise<Outcome<Decided, DecideRefusal>> {
  const { actorId, itemId, threadId } = input
  await lockActors(tx, tenantId, [actorId])
  const nowMs = deps.clock()
  const { policy, version } = (await ensurePolicies(tx, deps, tenantId)).inForce(input.occurredAtMs)
  const violation = policy.violations[input.violation]
  if (violation === undefined) return unknownViolation(input.violation, policy)
  const context = contextOf(policy, input.context)
  if (context === undefined)
    return {
      ok: false,
      reason: 'unknown-context',
      detail: `The policy has no context "${input.context}"; it has ${Object.keys(policy.contexts).join(', ')}.`,
    }
  const earlier = await alreadyDecided(tx, tenantId, input)
  if (earlier !== undefined)
    return { ok: false, reason: 'already-decided', detail: `Decision ${earlier} already says so.` }

  const decisionId = uuidv7(nowMs, deps.randomBytes)
  const removesItem = itemId !== undefined && (input.removesItem ?? violation.removesItem)
  const statement = buildStatement({
    violation,
    language: input.language ?? 'en',
    context,
    facts: input.facts ?? findingsOf(input),
    automation: input.automation,
    automatedDetection: input.automatedDetection ?? input.automation === 'full',
    sourceType: input.sourceType,
    appealUntilMs: nowMs + policy.appeals.windowMs,
  })
  const body: DecisionBody = {
    decisionId,
    violation: violation.id,
    severity: input.severity ?? violation.severity,
    context,
    policyVersion: version,
    actorId,
    itemId,
    threadId,
    eventId: input.eventId,
    occurredAtMs: input.occurredAtMs,
    itemCreatedAtMs: input.itemCreatedAtMs,
    foundAtMs: input.foundAtMs,
    attribution: input.attribution ?? 1,
    attributionConfidence: input.attributionConfidence ?? 1,
    role: input.role ?? 'author',
    // Two rules that find two faults in one item still make one strike.
    dedupeKey: input.dedupeKey ?? (itemId === undefined ? input.eventId && `event:${input.eventId}` : `item:${itemId}`),
    proposalEntryId: input.proposalEntryId,
    jobId: input.jobId,
    rule: input.rule,
    match: input.match,
    removesItem,
    egregious: violation.egregious || undefined,
    statement,
  }
  const author = input.author
  const frame = { author, automation: input.automation, because: input.because }
  const entries: NewEntry[] = [
    {
      ...frame,
      id: decisionId,
      kind: 'decision.made',
      subject: { kind: 'actor', id: actorId },
      // A rule decides as of the event, so that arrival in another order makes the same history; a person decides now.
      occurredAtMs: input.automation === 'full' ? Math.min(nowMs, input.foundAtMs ?? input.occurredAtMs) : nowMs,
      cause: input.cause ?? input.eventId,
      body,
      effectKey: input.effectKey,
    },
  ]
  const held = { ...frame, because: [], occurredAtMs: nowMs, cause: decisionId }
  const wasRemoved = itemId !== undefined && (await selectHolds(tx.query, 'item', tenantId, itemId)).length > 0
  if (removesItem)
    entries.push({ ...held, kind: 'item.removed', subject: { kind: 'item', id: itemId }, body: { itemId, decisionId } })
  if (input.restrictsThread === true && threadId !== undefined)
    entries.push({
      ...held,
      kind: 'thread.restricted',
      subject: { kind: 'thread', id: threadId },
      body: { threadId, decisionId },
    })
  const [made, ...rest] = await deps.ledger.append(tx, tenantId, entries)
  if (made?.kind !== 'decision.made')
    return { ok: false, reason: 'duplicate', detail: `A decision with key "${input.effectKey}" was made before.` }
  const settled = await settle(tx, deps, tenantId, actorId, { nowMs, cause: decisionId })
  const all = [made, ...rest, ...settled.entries]
  const outcome = settled.standing.outcomes.find((one) => one.decisionId === decisionId)?.counted
  await announce(
    tx,
    deps,
    tenantId,
    actorId,
    all.filter((entry) => entry.kind !== 'item.removed' || !wasRemoved),
    input.reachable === false
      ? []
      : [
          {
            actorId,
            decisionId,
            appealUntilMs: statement.appealUntilMs,
            notice: renderNotice({
              ...noticeOf(policy, { body, statement, automation: input.automation }),
              kind: 'decision',
              education: outcome === 'education' || outcome === 'warning',
              consequences: settled.started,
            }),
            dsaStatement: dsaStatement({
              decisionId,
              statement,
              policy,
              removesItem,
              itemId,
              occurredAtMs: input.occurredAtMs,
              appliedAtMs: nowMs,
              consequences: settled.started,
            }),
          },
        ],
  )
  return { ok: true, decisionId, entries: all, settled }
}

/** What a notice says about a decision, whatever its occasion. */
export function noticeOf(
  policy: Policy,
  made: { body: DecisionBody; statement: StatementOfReasons; automation: Automation },
): Omit<NoticeInput, 'kind' | 'education' | 'consequences'> {
  const { body, statement, automation } = made
  return {
    policy,
    language: statement.language,
    context: body.context,
    occurredAtMs: body.occurredAtMs,
    removed: body.removesItem,
    title: statement.policyTitle,
    text: statement.policyText,
    url: statement.policyUrl,
    automation,
    appealUntilMs: statement.appealUntilMs,
  }
}

/**
 * By what this came to be decided. Only kinds: which entry of which bank, how near, how many and who reported stay inside,
 * and what reviewers note is for their colleagues.
 */
function findingsOf({ match, seen, sourceType, automation, automatedDetection }: DecideInput): Finding[] {
  const found = new Set<Finding>()
  const reported = sourceType !== undefined && sourceType !== 'VOLUNTARY'
  const named = (name: string) => seen?.signals.some((signal) => signal.name === name) === true
  if (reported) found.add('report')
  if (named('match.media') || (match !== undefined && match.signalType !== 'text')) found.add('picture')
  if (named('match.text') || match?.signalType === 'text') found.add('text')
  // What a rule counted before a notice are the notices.
  if (!reported && Object.keys(seen?.features ?? {}).length > 0) found.add('activity')
  if (found.size === 0 && (automation === 'full' || automatedDetection === true)) found.add('check')
  if (automation !== 'full') found.add('person')
  return [...found]
}

async function alreadyDecided(
  tx: Tx,
  tenantId: string,
  input: Pick<DecideInput, 'actorId' | 'violation' | 'itemId' | 'eventId'>,
): Promise<string | undefined> {
  if (input.itemId === undefined && input.eventId === undefined) return undefined
  const same = await selectDecisions(tx.query, tenantId, {
    actorId: input.actorId,
    violation: input.violation,
    standing: true,
    ...(input.itemId === undefined ? { eventId: input.eventId } : { itemId: input.itemId }),
    limit: 1,
  })
  return same[0]?.id
}

/** The policy's context for an event's: its own, or `default` where the policy has one for all others. */
export function contextOf(policy: Policy, context: string): string | undefined {
  if (policy.contexts[context] !== undefined) return context
  return policy.contexts.default === undefined ? undefined : 'default'
}

/** The refusal for a violation that the policy does not have. */
export function unknownViolation(violation: string, policy: Policy) {
  return {
    ok: false as const,
    reason: 'unknown-violation' as const,
    detail: `The policy has no violation "${violation}"; it has ${Object.keys(policy.violations).join(', ')}.`,
  }
}
