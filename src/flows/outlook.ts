import type { Severity } from '../domain/entry.ts'
import { violationWords } from '../domain/policy.ts'
import { fold, type Strike } from '../enforcement/fold.ts'
import { renderNotice } from '../enforcement/notice.ts'
import type { TenantPolicies } from '../enforcement/policies.ts'
import { standingOf, type Standing } from '../enforcement/standing.ts'
import { selectStrikes, selectTrainings } from '../enforcement/store.ts'
import type { Query } from '../storage/database.ts'
import { contextOf } from './enforce.ts'

export type PolicyChoice = {
  violation: string
  title: string
  text: string
  severity: Severity
  egregious: boolean
  removesItem: boolean
}

export type StandingView = {
  context: string
  points: number
  level: number
  action: string
  arithmetic: string
  closed: { feature: string; untilMs?: number }[]
}

/** What a verdict would do to the person: computed, not applied. */
export type ConsequencePreview = {
  violation: string
  severity: Severity
  points: number
  /** Why it costs what it costs: `points`, `education`, `warning`, `everywhere`, … */
  counted: string
  removesItem: boolean
  /** Contexts whose standing would change, with the standing they would have. */
  contexts: StandingView[]
  /** What would start to run. */
  consequences: { context: string; action: string; features: string[]; fromMs: number; untilMs?: number }[]
  /** What the person would read, in their language, line by line. */
  notice: string[]
}

export type Supposed = {
  /** The violation that was proposed: it is shown at every severity, the others at their own. */
  violation?: string
  /** A decision that the new one would take the place of, for appeals. */
  insteadOf?: string
  context: string
  occurredAtMs: number
  itemId?: string
  eventId?: string
  language?: string
}

export type Outlook = {
  /** The contexts in which something is against the actor now. */
  standing: StandingView[]
  previews: (supposed: Supposed) => ConsequencePreview[]
}

const severities = [1, 2, 3, 4] as const
/** No decision has this id. */
const supposedId = 'supposed'

/** The violations that the policy knew when something happened. */
export function policyChoices(policies: TenantPolicies, atMs: number): PolicyChoice[] {
  return Object.values(policies.inForce(atMs).policy.violations).map(
    ({ id, title, text, severity, egregious, removesItem }) => ({
      violation: id,
      title,
      text,
      severity,
      egregious,
      removesItem,
    }),
  )
}

/** How an actor stands, and how they would stand after a verdict, by the same fold that would judge them. */
export async function outlookOf(
  query: Query,
  tenantId: string,
  policies: TenantPolicies,
  actorId: string,
  nowMs: number,
): Promise<Outlook> {
  const { set } = policies
  const { strikes } = await selectStrikes(query, tenantId, actorId)
  const trainings = await selectTrainings(query, tenantId, actorId)
  const at = (list: readonly Strike[]) => standingOf(fold(list, trainings, set, nowMs), set, nowMs)
  const now = at(strikes)
  return {
    standing: views(now).filter(({ points, level }) => points > 0 || level > 0),
    previews(supposed) {
      const { policy, version } = policies.inForce(supposed.occurredAtMs)
      const context = contextOf(policy, supposed.context)
      if (context === undefined) return []
      const before = strikes.filter((strike) => strike.decisionId !== supposed.insteadOf)
      const pairs = Object.values(policy.violations).flatMap((violation) =>
        (violation.id === supposed.violation ? severities : [violation.severity]).map(
          (severity) => [violation, severity] as const,
        ),
      )
      return pairs.map(([violation, severity]) => {
        const strike: Strike = {
          decisionId: supposedId,
          atMs: nowMs,
          violation: violation.id,
          severity,
          context,
          policyVersion: version,
          attribution: 1,
          attributionConfidence: 1,
          dedupeKey: supposed.itemId === undefined ? `event:${supposed.eventId}` : `item:${supposed.itemId}`,
        }
        const then = at([...before, strike])
        const outcome = then.outcomes.find((one) => one.decisionId === supposedId)
        const consequences = startedBy(now, then)
        const words = violationWords(violation, supposed.language ?? 'en')
        const notice = renderNotice({
          policy,
          language: supposed.language ?? 'en',
          kind: 'decision',
          context,
          occurredAtMs: supposed.occurredAtMs,
          removed: violation.removesItem && supposed.itemId !== undefined,
          ...words,
          url: violation.url,
          automation: 'none',
          appealUntilMs: nowMs + policy.appeals.windowMs,
          consequences,
          education: outcome?.counted === 'education' || outcome?.counted === 'warning',
        })
        return {
          violation: violation.id,
          severity,
          points: outcome?.points ?? 0,
          counted: outcome?.counted ?? 'none',
          removesItem: violation.removesItem && supposed.itemId !== undefined,
          contexts: changed(now, then),
          consequences,
          notice: notice.lines,
        }
      })
    },
  }
}

function views(standing: Standing): StandingView[] {
  return Object.entries(standing.contexts).map(([context, { points, level, action, arithmetic, closed }]) => ({
    context,
    points,
    level,
    action,
    arithmetic,
    closed: closed.map(({ feature, untilMs }) => ({ feature, untilMs })),
  }))
}

function changed(now: Standing, then: Standing): StandingView[] {
  const before = new Map(views(now).map((view) => [view.context, JSON.stringify(view)]))
  return views(then).filter((view) => before.get(view.context) !== JSON.stringify(view))
}

function startedBy(now: Standing, then: Standing): ConsequencePreview['consequences'] {
  const all = (standing: Standing) => Object.values(standing.contexts).flatMap((context) => context.consequences)
  const running = new Set(all(now).map((one) => one.key))
  // One that holds in several contexts is listed in each; it is one consequence.
  const started = new Map(all(then).map((one) => [one.key, one]))
  return [...started.values()]
    .filter((one) => !running.has(one.key))
    .map(({ context, action, features, fromMs, untilMs }) => ({ context, action, features, fromMs, untilMs }))
}
