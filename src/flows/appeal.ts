import type { AppealOutcome, Author, LedgerEntry, NewEntry, Severity } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { uuidv7 } from '../domain/ids.ts'
import { mayAppeal, type AppealRefusal, type Relation } from '../appeals/eligibility.ts'
import { selectAppeal, selectAppeals, type AppealRow } from '../appeals/store.ts'
import { announce } from '../enforcement/announce.ts'
import { renderNotice } from '../enforcement/notice.ts'
import { ensurePolicies } from '../enforcement/policies.ts'
import { lockActors } from '../enforcement/settle.ts'
import { selectDecision, selectDecisions, type DecisionRow } from '../enforcement/store.ts'
import { selectHolds } from '../storage/marks.ts'
import type { Vault } from '../ledger/vault.ts'
import { openJob, withdrawAnswered } from '../review/open.ts'
import type { Tx } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'
import { modify, reverse, type ChangeRefusal } from './remedy.ts'
import { learnFromOverturn, type LearnDeps } from './learn.ts'

export type AppealDeps = LearnDeps & { vault: Vault }

/** A statement longer than this is no statement. */
export const appealStatementLengthMax = 10_000

export type FileInput = {
  decisionId: string
  appellantId: string
  relation: Relation
  /** The person's own words. They go to the vault, encrypted under that person's key. */
  statement?: string
  language?: string
  author: Author
  /** Vouched for by the platform: that the account holder asked the appellant to speak for them. */
  hasDelegation?: boolean
  /** Vouched for by the platform; else admins are those whom the event named. */
  isAdmin?: boolean
  noticeNotActedOn?: boolean
}

/**
 * Files an appeal: who may, once, within the window. The first appeal of a decision opens a job for somebody who did not
 * make it; later ones by others join it, so that one answer reaches all. Everybody concerned is told.
 */
export async function fileAppeal(
  tx: Tx,
  deps: AppealDeps,
  tenantId: string,
  input: FileInput,
): Promise<Outcome<{ appeal: AppealRow; entries: LedgerEntry[] }, AppealRefusal | 'not-found'>> {
  const before = await selectDecision(tx.query, tenantId, input.decisionId)
  if (before === undefined) return notFound('decision', input.decisionId)
  await lockActors(tx, tenantId, [before.actorId])
  const decision = (await selectDecision(tx.query, tenantId, input.decisionId))!
  const policy = (await ensurePolicies(tx, deps, tenantId)).set.versions.get(decision.policyVersion)!.policy
  const others = await selectAppeals(tx.query, tenantId, { decisionId: decision.id, limit: 1_000 })
  const nowMs = deps.clock()
  const may = mayAppeal({
    appellantId: input.appellantId,
    relation: input.relation,
    nowMs,
    decision: {
      ...decision,
      threadId: decision.threadId ?? undefined,
      onThread: await onThread(tx, tenantId, decision),
    },
    appealedBy: others.map((appeal) => appeal.appellantId),
    policy: policy.appeals,
    isAdmin: input.isAdmin ?? (await isAdmin(tx, tenantId, decision, input.appellantId)),
    hasDelegation: input.hasDelegation,
    sanctionedInMatter: await sanctionedInMatter(tx, tenantId, decision, input.appellantId),
    noticeNotActedOn: input.noticeNotActedOn,
  })
  if (!may.ok) return may

  const appealId = uuidv7(nowMs, deps.randomBytes)
  const statement = input.statement?.trim().slice(0, appealStatementLengthMax)
  const statementRef =
    statement === undefined || statement === ''
      ? undefined
      : await deps.vault.seal(tx, tenantId, input.appellantId, statement)
  const language = input.language ?? decision.statement.language
  const { appellantId, relation, author } = input
  const [filed] = await deps.ledger.append(tx, tenantId, [
    {
      kind: 'appeal.filed',
      subject: { kind: 'actor', id: decision.actorId },
      occurredAtMs: nowMs,
      cause: decision.id,
      author,
      automation: 'none',
      because: [],
      body: { appealId, decisionId: decision.id, appellantId, relation, statementRef, language },
    },
  ])
  if (!others.some((appeal) => appeal.state === 'open'))
    await openJob(tx, deps, tenantId, {
      subject: { kind: 'actor', id: decision.actorId },
      queue: 'appeals',
      question: 'appeal',
      priority: decision.severity * 25,
      eventId: decision.eventId ?? undefined,
      actorId: decision.actorId,
      itemId: decision.itemId ?? undefined,
      appealId,
      decisionId: decision.id,
      violation: decision.violation,
      severity: decision.severity,
      excludedPeople: makersOf(decision, others),
      author: { kind: 'system', part: 'appeals' },
      cause: filed!.id,
    })
  await announce(
    tx,
    deps,
    tenantId,
    decision.actorId,
    [filed!],
    may.tell.map((actorId) => ({
      actorId,
      decisionId: decision.id,
      notice: renderNotice({ ...noticeFacts(decision, language), policy, kind: 'appeal_received' }),
    })),
  )
  return { ok: true, appeal: (await selectAppeal(tx.query, tenantId, appealId))!, entries: [filed!] }
}

export type AnswerInput = {
  appealId: string
  outcome: AppealOutcome
  /** For `modified`: what the decision should have been. */
  severity?: Severity
  violation?: string
  reason: string
  author: Author & { kind: 'person' }
}
export type AnswerRefusal = ChangeRefusal | 'already-decided' | 'made-the-decision' | 'no-reason' | 'no-change-given'

/**
 * Answers an appeal and every other open one of the same decision: upheld, overturned with its remedy, or modified. Never by
 * somebody who made the decision. An overturn teaches: see `learnFromOverturn`.
 */
export async function decideAppeal(
  tx: Tx,
  deps: AppealDeps,
  tenantId: string,
  input: AnswerInput,
): Promise<Outcome<{ entries: LedgerEntry[] }, AnswerRefusal>> {
  const before = await selectAppeal(tx.query, tenantId, input.appealId)
  if (before === undefined) return notFound('appeal', input.appealId)
  await lockActors(tx, tenantId, [before.actorId])
  const appeal = (await selectAppeal(tx.query, tenantId, input.appealId))!
  const decision = (await selectDecision(tx.query, tenantId, appeal.decisionId))!
  const all = await selectAppeals(tx.query, tenantId, { decisionId: decision.id, limit: 1_000 })
  if (appeal.state === 'decided')
    return refuse('already-decided', `${appeal.decidedBy} has answered this appeal: ${appeal.outcome}.`)
  if (input.reason.trim() === '') return refuse('no-reason', 'An answer needs a reason that the person can understand.')
  if (makersOf(decision, all).includes(input.author.id))
    return refuse('made-the-decision', 'You took part in this decision, so somebody else must look at it again.')
  if (input.outcome === 'modified' && input.severity === undefined && input.violation === undefined)
    return refuse('no-change-given', 'Say which severity or violation it should have been.')

  const open = all.filter((one) => one.state === 'open')
  const answered = await answer(tx, deps, tenantId, decision, open, input)
  const entries: LedgerEntry[] = [...answered]
  const cause = answered.find((entry) => entry.kind === 'appeal.decided' && entry.body.appealId === appeal.id)!.id
  const changeInput = {
    decisionId: decision.id,
    appealId: appeal.id,
    reason: input.reason,
    author: input.author,
    cause,
  }
  if (input.outcome === 'overturned') {
    const reversed = await reverse(tx, deps, tenantId, changeInput)
    if (!reversed.ok) return reversed
    entries.push(...reversed.entries, ...(await learn(tx, deps, tenantId, reversed.entries)))
  } else if (input.outcome === 'modified') {
    const { severity, violation } = input
    const modified = await modify(tx, deps, tenantId, { ...changeInput, severity, violation })
    if (!modified.ok) return modified
    entries.push(...modified.entries)
  }
  await withdrawAnswered(tx, deps, tenantId, entries)
  return { ok: true, entries }
}

/** Reverses a decision that somebody found to be wrong by other ways than an appeal; open appeals are answered by it. */
export async function reverseDecision(
  tx: Tx,
  deps: AppealDeps,
  tenantId: string,
  input: { decisionId: string; reason: string; author: Author & { kind: 'person' } },
): Promise<Outcome<{ decision: DecisionRow; entries: LedgerEntry[] }, ChangeRefusal>> {
  const reversed = await reverse(tx, deps, tenantId, input)
  if (!reversed.ok) return reversed
  const { decision } = reversed
  const open = await selectAppeals(tx.query, tenantId, { decisionId: decision.id, state: 'open', limit: 1_000 })
  const answered = await answer(tx, deps, tenantId, decision, open, { ...input, outcome: 'overturned' })
  const learned = await learn(tx, deps, tenantId, reversed.entries)
  const entries = [...reversed.entries, ...answered, ...learned]
  await withdrawAnswered(tx, deps, tenantId, entries)
  return { ok: true, decision, entries }
}

async function learn(
  tx: Tx,
  deps: AppealDeps,
  tenantId: string,
  entries: readonly LedgerEntry[],
): Promise<LedgerEntry[]> {
  const learned: LedgerEntry[] = []
  for (const entry of entries)
    if (entry.kind === 'decision.reversed') learned.push(...(await learnFromOverturn(tx, deps, tenantId, entry)))
  return learned
}

/** Writes the same answer for each open appeal and tells each appellant. */
async function answer(
  tx: Tx,
  deps: AppealDeps,
  tenantId: string,
  decision: DecisionRow,
  open: readonly AppealRow[],
  input: Pick<AnswerInput, 'outcome' | 'reason' | 'severity'> & { author: Author & { kind: 'person' } },
): Promise<LedgerEntry[]> {
  const nowMs = deps.clock()
  const { outcome, reason, severity, author } = input
  const entries = await deps.ledger.append(
    tx,
    tenantId,
    open.map((appeal): NewEntry => ({
      kind: 'appeal.decided',
      subject: { kind: 'actor', id: decision.actorId },
      occurredAtMs: nowMs,
      cause: appeal.entryId,
      author,
      automation: 'none',
      because: [{ name: 'reason', value: outcome, because: reason }],
      body: { appealId: appeal.id, decisionId: decision.id, outcome, personId: author.id, severity, reason },
    })),
  )
  const policy = (await ensurePolicies(tx, deps, tenantId)).set.versions.get(decision.policyVersion)!.policy
  const kind = ({ upheld: 'upheld', overturned: 'reversed', modified: 'modified' } as const)[outcome]
  // The account holder hears of an overturn or a change with the remedy itself; of an upheld decision only here.
  const told = open.filter((appeal) => outcome === 'upheld' || appeal.appellantId !== decision.actorId)
  await announce(
    tx,
    deps,
    tenantId,
    decision.actorId,
    entries,
    told.map((appeal) => ({
      actorId: appeal.appellantId,
      decisionId: decision.id,
      notice: renderNotice({ ...noticeFacts(decision, appeal.language), policy, kind }),
    })),
  )
  return entries
}

function noticeFacts(decision: DecisionRow, language: string) {
  return {
    language,
    context: decision.context,
    occurredAtMs: decision.body.occurredAtMs,
    removed: decision.body.removesItem,
    title: decision.statement.policyTitle,
    text: decision.statement.policyText,
    url: decision.statement.policyUrl,
    automation: decision.automation,
    appealUntilMs: decision.appealUntilMs,
    consequences: [],
    education: false,
  }
}

/** Staff who made a decision or answered an appeal about it: they never look at it again. */
export function makersOf(decision: DecisionRow, appeals: readonly AppealRow[]): string[] {
  const makers = new Set<string>()
  if (decision.author.kind === 'person') makers.add(decision.author.id)
  for (const appeal of appeals) if (appeal.decidedBy !== null) makers.add(appeal.decidedBy)
  return [...makers]
}

async function onThread(tx: Tx, tenantId: string, decision: DecisionRow): Promise<boolean> {
  if (decision.threadId === null) return false
  return (await selectHolds(tx.query, 'thread', tenantId, decision.threadId)).includes(decision.id)
}

/** Whether the event of the decision named this person as an admin of its thread: as of the item's time. */
async function isAdmin(tx: Tx, tenantId: string, decision: DecisionRow, personId: string): Promise<boolean> {
  if (decision.eventId === null) return false
  const stored = await selectEvent(tx.query, tenantId, decision.eventId)
  return stored?.event.thread?.admins?.includes(personId) ?? false
}

/** Whether somebody has a decision that stands against them about the same item, or in the same thread. */
async function sanctionedInMatter(tx: Tx, tenantId: string, decision: DecisionRow, personId: string): Promise<boolean> {
  if (personId === decision.actorId) return false
  const filters = [
    ...(decision.itemId === null ? [] : [{ itemId: decision.itemId }]),
    ...(decision.threadId === null ? [] : [{ threadId: decision.threadId }]),
  ]
  for (const filter of filters)
    if (
      (await selectDecisions(tx.query, tenantId, { ...filter, actorId: personId, standing: true, limit: 1 })).length > 0
    )
      return true
  return false
}

function notFound(what: string, id: string) {
  return refuse('not-found', `There is no ${what} "${id.slice(0, 100)}" here.`)
}

function refuse<Reason extends string>(reason: Reason, detail: string) {
  return { ok: false as const, reason, detail }
}
