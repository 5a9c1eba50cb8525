import type { Author, Automation, LedgerEntry, NewEntry, Severity, StatementOfReasons } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { violationWords } from '../domain/policy.ts'
import { announce, type NoticeFor } from '../enforcement/announce.ts'
import { pickLanguage, renderNotice } from '../enforcement/notice.ts'
import { ensurePolicies } from '../enforcement/policies.ts'
import { lockActors, settle, type Settled } from '../enforcement/settle.ts'
import { selectConsequences, selectDecision, type DecisionRow } from '../enforcement/store.ts'
import { words } from '../enforcement/words.ts'
import type { Tx } from '../storage/database.ts'
import { selectHolds, threadIsFree } from '../storage/marks.ts'
import { noticeOf, unknownViolation, type EnforceDeps } from './enforce.ts'

export type ChangeInput = {
  decisionId: string
  author: Author
  reason: string
  appealId?: string
  /** The entry that it follows from, such as the outcome of the appeal. */
  cause?: string
}
export type ChangeRefusal = 'not-found' | 'already-reversed' | 'nothing-changes' | 'unknown-violation'
export type Changed = { decision: DecisionRow; entries: LedgerEntry[]; standing: Settled['standing'] }

/**
 * Voids a decision: its strike, what later steps of the ladder owed to it, its gates and the item's removal, exactly as if
 * it had never been made. What other decisions hold stays. The statement is corrected and the platform told.
 */
export async function reverse(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  input: ChangeInput,
): Promise<Outcome<Changed, ChangeRefusal>> {
  const found = await lockDecision(tx, tenantId, input.decisionId)
  if (!found.ok) return found
  const { decision } = found
  const statement = { ...decision.statement, correction: correctionOf(decision, 'reversed', input.reason) }
  const body = { decisionId: decision.id, appealId: input.appealId, reason: input.reason, statement }
  return change(tx, deps, tenantId, decision, input, { kind: 'decision.reversed', body })
}

export type ModifyInput = ChangeInput & { severity?: Severity; violation?: string }

/** Changes what a decision found; everything that follows is as if it had been made so in the first place. */
export async function modify(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  input: ModifyInput,
): Promise<Outcome<Changed, ChangeRefusal>> {
  const found = await lockDecision(tx, tenantId, input.decisionId)
  if (!found.ok) return found
  const { decision } = found
  const policy = (await ensurePolicies(tx, deps, tenantId)).set.versions.get(decision.policyVersion)!.policy
  const violation = policy.violations[input.violation ?? decision.violation]
  if (violation === undefined) return unknownViolation(input.violation!, policy)
  const severity = input.severity ?? decision.severity
  if (violation.id === decision.violation && severity === decision.severity)
    return { ok: false, reason: 'nothing-changes', detail: 'It has this violation and severity already.' }
  const { title, text } = violationWords(violation, decision.statement.language)
  const statement: StatementOfReasons = {
    ...decision.statement,
    violation: violation.id,
    policyTitle: title,
    policyText: text,
    policyUrl: violation.url,
    legalGround: violation.ground === 'legal' ? 'ILLEGAL_CONTENT' : 'INCOMPATIBLE_CONTENT',
    correction: correctionOf(decision, 'modified', input.reason),
  }
  const body = { decisionId: decision.id, severity, violation: violation.id, appealId: input.appealId, statement }
  return change(tx, deps, tenantId, decision, input, { kind: 'decision.modified', body })
}

/** What became of a decision, in the language of its statement, with the reason that the person is owed. */
function correctionOf({ statement }: DecisionRow, what: 'reversed' | 'modified', reason: string): string {
  return `${words[pickLanguage(statement.language)]![what]} ${reason}`.trim()
}

async function lockDecision(
  tx: Tx,
  tenantId: string,
  decisionId: string,
): Promise<Outcome<{ decision: DecisionRow }, ChangeRefusal>> {
  const before = await selectDecision(tx.query, tenantId, decisionId)
  if (before === undefined)
    return { ok: false, reason: 'not-found', detail: `There is no decision "${decisionId.slice(0, 100)}" here.` }
  await lockActors(tx, tenantId, [before.actorId])
  const decision = (await selectDecision(tx.query, tenantId, decisionId))!
  return decision.status === 'reversed'
    ? { ok: false, reason: 'already-reversed', detail: 'This decision has already been reversed.' }
    : { ok: true, decision }
}

async function change(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  decision: DecisionRow,
  input: ChangeInput,
  what: Pick<NewEntry<'decision.reversed'>, 'kind' | 'body'> | Pick<NewEntry<'decision.modified'>, 'kind' | 'body'>,
): Promise<Outcome<Changed, ChangeRefusal>> {
  const nowMs = deps.clock()
  const { actorId, itemId, threadId, id: decisionId } = decision
  const automation: Automation = input.author.kind === 'person' ? 'none' : 'full'
  const because = [{ name: 'reason', value: input.reason, because: input.reason }]
  const frame = { occurredAtMs: nowMs, author: input.author, automation, because }
  const [changed] = await deps.ledger.append(tx, tenantId, [
    { ...frame, subject: { kind: 'actor', id: actorId }, cause: input.cause ?? decisionId, ...what } as NewEntry,
  ])
  const given: NewEntry[] = []
  const held = { ...frame, because: [], cause: changed!.id }
  if (what.kind === 'decision.reversed') {
    if (itemId !== null && decision.body.removesItem && !(await isHeld(tx, 'item', tenantId, itemId)))
      given.push({
        ...held,
        kind: 'item.restored',
        subject: { kind: 'item', id: itemId },
        body: { itemId, decisionId },
      })
    if (threadId !== null && (await threadIsFree(tx.query, tenantId, threadId)))
      given.push({
        ...held,
        kind: 'thread.released',
        subject: { kind: 'thread', id: threadId },
        body: { threadId, decisionId },
      })
  }
  const restored = await deps.ledger.append(tx, tenantId, given)
  const settled = await settle(tx, deps, tenantId, actorId, { nowMs, cause: changed!.id, undoes: true })
  const entries = [changed!, ...restored, ...settled.entries]
  const policy = (await ensurePolicies(tx, deps, tenantId)).set.versions.get(decision.policyVersion)!.policy
  const { statement } = what.body
  const running = await selectConsequences(tx.query, tenantId, actorId, true)
  const notice: NoticeFor = {
    actorId,
    decisionId,
    appealUntilMs: decision.appealUntilMs,
    notice: renderNotice({
      ...noticeOf(policy, { body: decision.body, statement, automation: decision.automation }),
      kind: what.kind === 'decision.reversed' ? 'reversed' : 'modified',
      education: false,
      consequences: running.filter((one) => one.causes.includes(decisionId)),
    }),
  }
  await announce(tx, deps, tenantId, actorId, entries, [notice])
  const row = (await selectDecision(tx.query, tenantId, decisionId))!
  return { ok: true, decision: row, entries, standing: settled.standing }
}

async function isHeld(tx: Tx, kind: 'item' | 'thread', tenantId: string, id: string): Promise<boolean> {
  return (await selectHolds(tx.query, kind, tenantId, id)).length > 0
}
