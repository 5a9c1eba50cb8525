import type { Outcome } from '../domain/error.ts'
import { momentText } from '../domain/plain-words.ts'

export type Relation = 'self' | 'co_admin' | 'delegate' | 'notifier'

/** What has to be known to say whether somebody may appeal a decision. */
export type Plea = {
  appellantId: string
  relation: Relation
  nowMs: number
  decision: {
    status: 'active' | 'modified' | 'reversed'
    /** Whom it was made against. */
    actorId: string
    threadId?: string
    appealUntilMs: number
    /** Whether it restricts the thread, rather than an account. */
    onThread: boolean
  }
  /** People who appealed this decision before. */
  appealedBy: readonly string[]
  policy: { coAdmins: boolean; notifiers: boolean }
  /** Whether the appellant is an admin of the decision's thread. */
  isAdmin?: boolean
  /** Whether the account holder asked the appellant to speak for them. */
  hasDelegation?: boolean
  /** Whether the appellant has an active decision against them in the same matter. */
  sanctionedInMatter?: boolean
  /** Whether the appellant's notice about this item was not acted on. */
  noticeNotActedOn?: boolean
}

export type AppealRefusal =
  | 'window-closed'
  | 'already-appealed'
  | 'already-reversed'
  | 'not-the-person'
  | 'not-an-admin'
  | 'no-delegation'
  | 'sanctioned-in-matter'
  | 'not-a-notifier'

/**
 * Whether somebody may appeal a decision, and who must be told. The affected person may, once, within the window; others
 * only as the policy allows: a co-admin on what restricts their thread, on the account of another admin only if asked to.
 */
export function mayAppeal(plea: Plea): Outcome<{ tell: string[] }, AppealRefusal> {
  const { decision, appellantId } = plea
  const no = (reason: AppealRefusal, detail: string) => ({ ok: false as const, reason, detail })
  if (decision.status === 'reversed') return no('already-reversed', 'This decision has already been reversed.')
  if (plea.nowMs >= decision.appealUntilMs)
    return no('window-closed', `Appeals were possible until ${momentText(decision.appealUntilMs)}.`)
  if (plea.appealedBy.includes(appellantId))
    return no('already-appealed', 'You have already appealed this decision. Each person may do so once.')
  if (plea.relation === 'self')
    return appellantId === decision.actorId
      ? { ok: true, tell: [appellantId] }
      : no('not-the-person', 'This decision was made about somebody else.')
  if (plea.relation === 'delegate')
    return plea.hasDelegation === true
      ? { ok: true, tell: [appellantId, decision.actorId] }
      : no('no-delegation', 'The person concerned has not asked you to speak for them.')
  if (plea.relation === 'notifier')
    return plea.policy.notifiers && plea.noticeNotActedOn === true
      ? { ok: true, tell: [appellantId] }
      : no('not-a-notifier', 'Only a person whose notice was not acted on may appeal as a notifier.')
  if (!plea.policy.coAdmins || plea.isAdmin !== true)
    return no('not-an-admin', 'Only admins of this thread may appeal for one another.')
  if (plea.sanctionedInMatter === true)
    return no('sanctioned-in-matter', 'You were sanctioned in the same matter and may appeal only your own decision.')
  if (!decision.onThread && plea.hasDelegation !== true)
    return no('no-delegation', 'A decision on the account of another admin needs that admin to ask you.')
  return { ok: true, tell: [appellantId, decision.actorId] }
}
