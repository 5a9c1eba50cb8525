import { selectAppeals, type AppealRow } from '../appeals/store.ts'
import type { AppealOutcome, Author, StatementOfReasons } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { violationWords, type Policy } from '../domain/policy.ts'
import { fold } from '../enforcement/fold.ts'
import type { TenantPolicies } from '../enforcement/policies.ts'
import { standingOf } from '../enforcement/standing.ts'
import {
  selectConsequences,
  selectDecision,
  selectDecisions,
  selectGates,
  selectHolds,
  selectStrikes,
  selectTrainings,
  type ConsequenceRow,
  type DecisionRow,
} from '../enforcement/store.ts'
import type { Database, Query } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'
import { selectActorSummary } from '../storage/event-view.ts'
import { fileAppeal, type AppealDeps } from './appeal.ts'

/** A limit that runs now: what is closed, where, and until when. */
export type PublicLimit = {
  /** A context of the policy, or `*` for the whole service. */
  context: string
  contextTitle: string
  action: string
  /** Features that are closed; `*` for all; empty for a warning. */
  features: string[]
  /** Why, for a limit that no decision led to. */
  reason?: string
  /** Absent when no end is set. */
  untilMs?: number
  /** Decisions that led to it. */
  decisionIds: string[]
}

export type PublicAppeal = {
  appealId: string
  filedAtMs: number
  outcome?: AppealOutcome
  decidedAtMs?: number
  reason?: string
}

export type PublicDecision = {
  decisionId: string
  madeAtMs: number
  /** `over`: it stands, but no longer counts. */
  status: 'active' | 'modified' | 'reversed' | 'over'
  context: string
  contextTitle: string
  removedItem: boolean
  /** Whether what was removed is back. */
  restoredItem: boolean
  /** The person's own words that it is about. */
  excerpt?: string
  statement: StatementOfReasons
  /** The rule in the language that was asked for, as far as the policy has it. */
  rule: { title: string; text: string; language: string }
  limits: PublicLimit[]
  appeal?: PublicAppeal
  /** Why no appeal can be made (any more). */
  appealRefusal?: 'window-closed' | 'already-appealed' | 'already-reversed'
}

/** What an account holder may see of their own account, and nothing of anybody else's. */
export type PublicAccount = {
  actorId: string
  displayName?: string
  limits: PublicLimit[]
  /** Newest first, at most 100. */
  decisions: PublicDecision[]
}

export type Holder = { tenantId: string; actorId: string }
export type PublicAccountDeps = AppealDeps & { db: Database }

const decisionsMax = 100

/** The account of one person as they may see it, with rules in their language where the policy has them. */
export async function publicAccount(deps: PublicAccountDeps, holder: Holder, language: string): Promise<PublicAccount> {
  const { tenantId, actorId } = holder
  const { query } = deps.db
  const summary = await selectActorSummary(query, tenantId, actorId)
  const frame = await frameOf(deps, holder)
  const rows = await selectDecisions(query, tenantId, { actorId, limit: decisionsMax })
  const decisions: PublicDecision[] = []
  for (const row of rows) decisions.push(await view(query, holder, row, frame, language))
  return { actorId, displayName: nameOf(summary.attributes), limits: frame.limits, decisions }
}

/** One decision about this person, with the words that it is about; undefined for one about anybody else. */
export async function publicDecision(
  deps: PublicAccountDeps,
  holder: Holder,
  decisionId: string,
  language: string,
): Promise<PublicDecision | undefined> {
  const { query } = deps.db
  const row = await selectDecision(query, holder.tenantId, decisionId)
  if (row === undefined || row.actorId !== holder.actorId) return undefined
  const decision = await view(query, holder, row, await frameOf(deps, holder), language)
  const stored = row.eventId === null ? undefined : await selectEvent(query, holder.tenantId, row.eventId)
  // A decision may be about somebody else's item (an admin who approved it): those words are not this person's to see.
  const excerpt = stored?.event.actor.id === holder.actorId ? stored.event.item?.text : undefined
  return { ...decision, excerpt }
}

/** Files the appeal of the affected person. Their words go to the vault; a second appeal is refused. */
export function appealAsHolder(
  deps: PublicAccountDeps,
  { tenantId, actorId }: Holder,
  appeal: { decisionId: string; text: string; language: string },
): Promise<Outcome<{ appealId: string }>> {
  return deps.db.transaction(async (tx) => {
    const author: Author = { kind: 'person', id: actorId, role: 'account_holder' }
    const filed = await fileAppeal(tx, deps, tenantId, {
      decisionId: appeal.decisionId,
      appellantId: actorId,
      relation: 'self',
      statement: appeal.text,
      language: appeal.language,
      author,
    })
    return filed.ok ? { ok: true, appealId: filed.appeal.id } : filed
  })
}

type PageFrame = {
  nowMs: number
  policies: TenantPolicies | undefined
  limits: PublicLimit[]
  /** Decisions whose strike has expired. */
  expired: ReadonlySet<string>
  appeals: AppealRow[]
}

async function frameOf(deps: PublicAccountDeps, { tenantId, actorId }: Holder): Promise<PageFrame> {
  const { query } = deps.db
  const nowMs = deps.clock()
  const policies = await deps.policies.load(query, tenantId)
  const contexts = policies?.newest.policy.contexts ?? {}
  const titleOf = (context: string) => contexts[context]?.title ?? context
  const running = (row: ConsequenceRow) => row.untilMs === null || row.untilMs > nowMs
  const limits = (await selectConsequences(query, tenantId, actorId, true))
    .filter(running)
    .map(({ context, action, features, untilMs, causes }): PublicLimit => ({
      context,
      contextTitle: titleOf(context),
      action,
      features,
      untilMs: untilMs ?? undefined,
      decisionIds: causes,
    }))
  for (const gate of await selectGates(query, tenantId, actorId)) {
    if (gate.consequenceId !== null || (gate.untilMs !== null && gate.untilMs <= nowMs)) continue
    const { context, feature, reason } = gate
    const untilMs = gate.untilMs ?? undefined
    limits.push({
      context,
      contextTitle: titleOf(context),
      action: 'limit',
      features: [feature],
      reason,
      untilMs,
      decisionIds: [],
    })
  }
  const appeals = await selectAppeals(query, tenantId, { actorId, appellantId: actorId, limit: 1_000 })
  const expired =
    policies === undefined ? new Set<string>() : await expiredOf(query, tenantId, actorId, policies, nowMs)
  return { nowMs, policies, limits, appeals, expired }
}

async function expiredOf(query: Query, tenantId: string, actorId: string, policies: TenantPolicies, nowMs: number) {
  const { strikes } = await selectStrikes(query, tenantId, actorId)
  const trainings = await selectTrainings(query, tenantId, actorId)
  const standing = standingOf(fold(strikes, trainings, policies.set, nowMs), policies.set, nowMs)
  return new Set(standing.outcomes.filter((one) => one.expiresMs <= nowMs).map((one) => one.decisionId))
}

async function view(
  query: Query,
  { tenantId }: Holder,
  row: DecisionRow,
  frame: PageFrame,
  language: string,
): Promise<PublicDecision> {
  const { statement } = row
  const appeal = frame.appeals.find((one) => one.decisionId === row.id)
  const policy = frame.policies?.set.versions.get(row.policyVersion)?.policy
  const limits = frame.limits.filter((limit) => limit.decisionIds.includes(row.id))
  const over = row.status === 'active' && limits.length === 0 && frame.expired.has(row.id)
  const removedItem = row.body.removesItem && row.itemId !== null
  const stillAway = removedItem && (await selectHolds(query, 'item', tenantId, row.itemId!)).length > 0
  return {
    decisionId: row.id,
    madeAtMs: row.madeMs,
    status: over ? 'over' : row.status,
    context: row.context,
    contextTitle: policy?.contexts[row.context]?.title ?? row.context,
    removedItem,
    restoredItem: removedItem && !stillAway,
    statement,
    rule: ruleWords(policy, row, language),
    limits,
    appeal:
      appeal === undefined
        ? undefined
        : {
            appealId: appeal.id,
            filedAtMs: appeal.filedMs,
            outcome: appeal.outcome ?? undefined,
            decidedAtMs: appeal.decidedMs ?? undefined,
            reason: appeal.reason ?? undefined,
          },
    appealRefusal: refusalOf(row, appeal, frame.nowMs),
  }
}

function ruleWords(policy: Policy | undefined, row: DecisionRow, language: string): PublicDecision['rule'] {
  const { statement } = row
  const violation = policy?.violations[row.violation]
  // The statement keeps the words that were given; a translation of the same policy version says the same.
  return violation?.translations[language] === undefined || language === statement.language
    ? { title: statement.policyTitle, text: statement.policyText, language: statement.language }
    : { ...violationWords(violation, language), language }
}

function refusalOf(row: DecisionRow, appeal: AppealRow | undefined, nowMs: number): PublicDecision['appealRefusal'] {
  if (row.status === 'reversed') return 'already-reversed'
  if (appeal !== undefined) return 'already-appealed'
  return nowMs >= row.appealUntilMs ? 'window-closed' : undefined
}

/** The name that the platform sent with the actor, whatever it calls the field. */
function nameOf(attributes: Record<string, unknown>): string | undefined {
  for (const field of ['displayName', 'display_name', 'name', 'handle']) {
    const value = attributes[field]
    if (typeof value === 'string' && value.trim() !== '') return value
  }
  return undefined
}
