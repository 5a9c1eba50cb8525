import type { AppealOutcome, Severity, StatementOfReasons } from '../domain/entry.ts'
import { violationWords } from '../domain/policy.ts'
import { selectAppeals, type AppealRow } from '../appeals/store.ts'
import { findingsIn } from '../enforcement/findings.ts'
import { standingNow } from '../enforcement/current.ts'
import { pickLanguage } from '../enforcement/notice.ts'
import type { Policies, TenantPolicies } from '../enforcement/policies.ts'
import {
  selectConsequences,
  selectDecision,
  selectDecisions,
  type ConsequenceRow,
  type DecisionRow,
} from '../enforcement/store.ts'
import { selectHeldItems } from '../storage/marks.ts'
import type { StrikeOutcome } from '../enforcement/standing.ts'
import type { Query } from '../storage/database.ts'
import { selectBodies } from '../storage/event-log.ts'

/** A limit that runs now, as its holder is shown it. */
export type AccountLimit = {
  context: string
  contextTitle: string
  action: string
  features: string[]
  fromMs: number
  untilMs?: number
  decisionIds: string[]
}
export type AccountStanding = {
  context: string
  contextTitle: string
  points: number
  level: number
  action: string
  arithmetic: string
  closed: { feature: string; untilMs?: number }[]
}
export type AccountAppeal = {
  appealId: string
  filedAtMs: number
  outcome?: AppealOutcome
  decidedAtMs?: number
  reason?: string
}
export type AccountDecision = {
  decisionId: string
  madeAtMs: number
  /** `over` when it stands, but costs nothing and limits nothing any more. */
  status: 'active' | 'modified' | 'reversed' | 'over'
  severity: Severity
  context: string
  contextTitle: string
  removedItem: boolean
  restoredItem: boolean
  /** The person's own words that it is about. */
  excerpt?: string
  /** In the language asked for, where the policy has it. */
  statement: StatementOfReasons
  limits: AccountLimit[]
  /** What it costs now, and until when it counts. */
  points: number
  countsUntilMs?: number
  appeal?: AccountAppeal
  appealRefusal?: 'window-closed' | 'already-appealed' | 'already-reversed'
}
export type Account = {
  actorId: string
  language?: string
  standing: AccountStanding[]
  limits: AccountLimit[]
  /** Newest first. */
  decisions: AccountDecision[]
}

const decisionsShown = 100
const excerptLengthMax = 280

type Loaded = {
  language: string
  nowMs: number
  policies: TenantPolicies | undefined
  outcomes: readonly StrikeOutcome[]
  consequences: readonly ConsequenceRow[]
  appeals: readonly AppealRow[]
  removed: ReadonlySet<string>
  excerpts: ReadonlyMap<string, string>
}

/** What a person is shown about their account: standing per context, limits, and decisions with what, why and appeal. */
export async function accountPage(
  query: Query,
  policies: Policies,
  tenantId: string,
  actorId: string,
  language: string,
  nowMs: number,
): Promise<Account> {
  const decisions = await selectDecisions(query, tenantId, { actorId, limit: decisionsShown })
  const loaded = await load(query, policies, tenantId, actorId, decisions, language, nowMs)
  const standing = await standingNow(query, policies, tenantId, actorId, nowMs)
  const latest = decisions[0]?.statement.language
  return {
    actorId,
    ...(latest === undefined ? {} : { language: latest }),
    standing: Object.entries(standing.contexts)
      .filter(([, here]) => here.points > 0 || here.level > 0)
      .map(([context, { points, level, action, arithmetic, closed }]) => ({
        context,
        contextTitle: titleOf(loaded, context),
        points,
        level,
        action,
        arithmetic,
        closed: closed.map(({ feature, untilMs }) => ({ feature, ...(untilMs === undefined ? {} : { untilMs }) })),
      })),
    limits: limitsOf(loaded, () => true),
    decisions: decisions.map((decision) => shown(loaded, decision)),
  }
}

/** One decision as the person concerned is shown it; undefined for one about somebody else. */
export async function accountDecision(
  query: Query,
  policies: Policies,
  tenantId: string,
  actorId: string,
  decisionId: string,
  language: string,
  nowMs: number,
): Promise<AccountDecision | undefined> {
  const decision = await selectDecision(query, tenantId, decisionId)
  if (decision === undefined || decision.actorId !== actorId) return undefined
  return shown(await load(query, policies, tenantId, actorId, [decision], language, nowMs), decision)
}

async function load(
  query: Query,
  policies: Policies,
  tenantId: string,
  actorId: string,
  decisions: readonly DecisionRow[],
  language: string,
  nowMs: number,
): Promise<Loaded> {
  const ids = <T extends 'eventId' | 'itemId'>(key: T) =>
    decisions.flatMap((one) => (one[key] === null ? [] : [one[key]]))
  const events = await selectBodies(query, tenantId, ids('eventId'))
  const excerpts = new Map<string, string>()
  for (const [id, event] of events)
    if (event.actor.id === actorId && event.item?.text !== undefined)
      excerpts.set(id, event.item.text.slice(0, excerptLengthMax))
  return {
    language: pickLanguage(language),
    nowMs,
    policies: await policies.load(query, tenantId),
    outcomes: (await standingNow(query, policies, tenantId, actorId, nowMs)).outcomes,
    consequences: await selectConsequences(query, tenantId, actorId, true),
    appeals: await selectAppeals(query, tenantId, { actorId, limit: 1_000 }),
    removed: await selectHeldItems(query, tenantId, ids('itemId')),
    excerpts,
  }
}

function shown(loaded: Loaded, decision: DecisionRow): AccountDecision {
  const { nowMs } = loaded
  const violation = loaded.policies?.set.versions.get(decision.policyVersion)?.policy.violations[decision.violation]
  // Without a translation the words stay as they were given, in the language that the statement names.
  const words =
    violation?.translations[loaded.language] === undefined ? undefined : violationWords(violation, loaded.language)
  const { findings } = decision.statement
  const outcome = loaded.outcomes.find((one) => one.decisionId === decision.id)
  const counts = outcome !== undefined && outcome.points > 0 && outcome.expiresMs > nowMs
  const limits = limitsOf(loaded, (one) => one.causes.includes(decision.id))
  const appeal = loaded.appeals.find((one) => one.decisionId === decision.id && one.appellantId === decision.actorId)
  const removed = decision.itemId !== null && loaded.removed.has(decision.itemId)
  const over = decision.status !== 'reversed' && !counts && limits.length === 0 && !removed
  const refusal =
    decision.status === 'reversed'
      ? 'already-reversed'
      : appeal !== undefined
        ? 'already-appealed'
        : nowMs >= decision.appealUntilMs
          ? 'window-closed'
          : undefined
  const excerpt = decision.eventId === null ? undefined : loaded.excerpts.get(decision.eventId)
  return {
    decisionId: decision.id,
    madeAtMs: decision.recordedMs,
    status: over ? 'over' : decision.status,
    severity: decision.severity,
    context: decision.context,
    contextTitle: titleOf(loaded, decision.context),
    removedItem: decision.body.removesItem,
    restoredItem: decision.body.removesItem && !removed,
    ...(excerpt === undefined ? {} : { excerpt }),
    statement: {
      ...decision.statement,
      ...(findings === undefined ? {} : { facts: findingsIn(loaded.language, findings) }),
      ...(words === undefined ? {} : { language: loaded.language, policyTitle: words.title, policyText: words.text }),
    },
    limits,
    points: counts ? outcome.points : 0,
    ...(counts ? { countsUntilMs: outcome.expiresMs } : {}),
    ...(appeal === undefined
      ? {}
      : {
          appeal: {
            appealId: appeal.id,
            filedAtMs: appeal.filedMs,
            ...(appeal.outcome === null ? {} : { outcome: appeal.outcome }),
            ...(appeal.decidedMs === null ? {} : { decidedAtMs: appeal.decidedMs }),
            ...(appeal.reason === null ? {} : { reason: appeal.reason }),
          },
        }),
    ...(refusal === undefined ? {} : { appealRefusal: refusal }),
  }
}

function limitsOf(loaded: Loaded, which: (one: ConsequenceRow) => boolean): AccountLimit[] {
  return loaded.consequences
    .filter((one) => (one.untilMs ?? Infinity) > loaded.nowMs && which(one))
    .map((one) => ({
      context: one.context,
      contextTitle: titleOf(loaded, one.context),
      action: one.action,
      features: one.features,
      fromMs: one.fromMs,
      ...(one.untilMs === null ? {} : { untilMs: one.untilMs }),
      decisionIds: one.causes,
    }))
}

function titleOf(loaded: Loaded, context: string): string {
  return loaded.policies?.newest.policy.contexts[context]?.title ?? context
}
