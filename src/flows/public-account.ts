import type { Author } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { selectGates } from '../enforcement/store.ts'
import type { Database } from '../storage/database.ts'
import { selectActorSummary } from '../storage/event-view.ts'
import { accountDecision, accountPage, type Account, type AccountDecision, type AccountLimit } from './account.ts'
import { fileAppeal, type AppealDeps } from './appeal.ts'

/** Whose page it is: the account that a link was minted for. */
export type Holder = { tenantId: string; actorId: string }
export type PublicAccountDeps = AppealDeps & { db: Database }

/** A limit that runs now; `reason` says why where no decision led to it. */
export type PublicLimit = AccountLimit & { reason?: string }
export type PublicDecision = AccountDecision
/** What an account holder may see of their own account, and nothing of anybody else's. */
export type PublicAccount = Omit<Account, 'limits'> & { displayName?: string; limits: PublicLimit[] }

/** The account of one person as they may see it, with rules in their language where the policy has them. */
export async function publicAccount(deps: PublicAccountDeps, holder: Holder, language: string): Promise<PublicAccount> {
  const { tenantId, actorId } = holder
  const { query } = deps.db
  const account = await accountPage(query, deps.policies, tenantId, actorId, language, deps.clock())
  const { attributes } = await selectActorSummary(query, tenantId, actorId)
  return {
    ...account,
    displayName: nameOf(attributes),
    limits: [...account.limits, ...(await gatesOf(deps, holder))],
  }
}

/** One decision about this person; undefined for one about anybody else. */
export function publicDecision(
  deps: PublicAccountDeps,
  { tenantId, actorId }: Holder,
  decisionId: string,
  language: string,
): Promise<PublicDecision | undefined> {
  return accountDecision(deps.db.query, deps.policies, tenantId, actorId, decisionId, language, deps.clock())
}

/** Files the appeal of the affected person. Their words go to the vault; a second appeal is refused. */
export function appealAsHolder(
  deps: PublicAccountDeps,
  { tenantId, actorId }: Holder,
  appeal: { decisionId: string; text: string; language: string },
): Promise<Outcome<{ appealId: string }>> {
  return deps.db.transaction(async (tx) => {
    const author: Author = { kind: 'person', id: actorId, role: 'account_holder' }
    const { decisionId, text: statement, language } = appeal
    const filed = await fileAppeal(tx, deps, tenantId, {
      decisionId,
      appellantId: actorId,
      relation: 'self',
      statement,
      language,
      author,
    })
    return filed.ok ? { ok: true, appealId: filed.appeal.id } : filed
  })
}

/** Gates that are no consequence of a decision: they limit the person all the same, and have a reason of their own. */
async function gatesOf(deps: PublicAccountDeps, { tenantId, actorId }: Holder): Promise<PublicLimit[]> {
  const { query } = deps.db
  const nowMs = deps.clock()
  const contexts = (await deps.policies.load(query, tenantId))?.newest.policy.contexts ?? {}
  return (await selectGates(query, tenantId, actorId))
    .filter((gate) => gate.consequenceId === null && (gate.untilMs ?? Infinity) > nowMs)
    .map(({ context, feature, reason, untilMs }) => ({
      context,
      contextTitle: contexts[context]?.title ?? context,
      action: 'limit',
      features: [feature],
      reason,
      fromMs: nowMs,
      ...(untilMs === null ? {} : { untilMs }),
      decisionIds: [],
    }))
}

/** The name that the platform sent with the actor, whatever it calls the field. */
function nameOf(attributes: Record<string, unknown>): string | undefined {
  for (const field of ['displayName', 'display_name', 'name', 'handle']) {
    const value = attributes[field]
    if (typeof value === 'string' && value.trim() !== '') return value
  }
  return undefined
}
