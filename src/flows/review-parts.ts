import type { ViolationProposal } from '../domain/entry.ts'
import { uuidv7 } from '../domain/ids.ts'
import { fold } from '../enforcement/fold.ts'
import { ensurePolicies } from '../enforcement/policies.ts'
import { standingOf, type ContextStanding } from '../enforcement/standing.ts'
import { selectStrikes, selectTrainings } from '../enforcement/store.ts'
import { selectBank, selectBankEntry } from '../match/store.ts'
import { compileVersion } from '../rules/publish.ts'
import { ruleSetOf, type Feature } from '../rules/rule-set.ts'
import { selectVersion } from '../rules/store.ts'
import { traceFacts } from '../rules/trace.ts'
import type { Database, Query } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'
import { decide, contextOf, lockActors, ofProposal } from './enforce.ts'
import { decideAppeal, reverseDecision, type AppealDeps } from './appeal.ts'
import type { JobViewDeps, StandingView } from './job-view.ts'
import type { ReviewDeps } from './review.ts'

/** What review asks of enforcement, appeals, rules and banks, so that a verdict carries through and a job shows it all. */
export function reviewParts(
  deps: AppealDeps & { db: Database },
): Omit<JobViewDeps & ReviewDeps, 'db' | 'ledger' | 'clock' | 'randomBytes' | 'vault'> {
  const { db } = deps
  return {
    lockSubjects: (tx, tenantId, { actorId }) => lockActors(tx, tenantId, actorId === undefined ? [] : [actorId]),

    async enforce(tx, tenantId, { proposal, causeEntryId, jobId, author, violation, severity, note }) {
      const because = [
        ...proposal.because,
        ...(note === undefined || note === ''
          ? []
          : [{ name: 'reviewer.note', value: note, because: 'What the reviewer wrote' }]),
      ]
      const decided = await decide(tx, deps, tenantId, {
        ...ofProposal(proposal),
        violation,
        severity,
        author,
        automation: 'partial',
        because,
        cause: causeEntryId,
        jobId,
      })
      return decided.ok ? decided.entries : []
    },
    decideAppeal: (tx, tenantId, answer) => decideAppeal(tx, deps, tenantId, answer),
    reverse: (tx, tenantId, remedy) => reverseDecision(tx, deps, tenantId, remedy),
    async severityOf(tenantId, violation, atMs) {
      const { policy } = await db.transaction(async (tx) => (await ensurePolicies(tx, deps, tenantId)).inForce(atMs))
      return policy.violations[violation]?.severity
    },

    async standingOf(query, tenantId, actorId, nowMs) {
      const { set } = await db.transaction((tx) => ensurePolicies(tx, deps, tenantId))
      const { strikes } = await selectStrikes(query, tenantId, actorId)
      const standing = standingOf(
        fold(strikes, await selectTrainings(query, tenantId, actorId), set, nowMs),
        set,
        nowMs,
      )
      return Object.entries(standing.contexts).map(([context, one]) => standingView(context, one))
    },

    async policyChoices(tenantId, atMs) {
      const { policy } = await db.transaction(async (tx) => (await ensurePolicies(tx, deps, tenantId)).inForce(atMs))
      return Object.values(policy.violations).map(({ id, title, text, severity, egregious, removesItem }) => ({
        violation: id,
        title,
        text,
        severity,
        egregious,
        removesItem,
      }))
    },

    async previewConsequence(query, tenantId, { actorId, context, violation, severity, occurredAtMs, job }) {
      const { set, inForce } = await db.transaction((tx) => ensurePolicies(tx, deps, tenantId))
      const { policy, version } = inForce(occurredAtMs)
      const known = contextOf(policy, context)
      const rule = policy.violations[violation]
      if (known === undefined || rule === undefined) return undefined
      const nowMs = deps.clock()
      const { strikes } = await selectStrikes(query, tenantId, actorId)
      const trainings = await selectTrainings(query, tenantId, actorId)
      const before = standingOf(fold(strikes, trainings, set, nowMs), set, nowMs)
      const decisionId = uuidv7(nowMs, deps.randomBytes)
      const strike = {
        decisionId,
        atMs: nowMs,
        violation,
        severity,
        context: known,
        policyVersion: version,
        attribution: 1,
        attributionConfidence: 1,
        ...(job.itemId === undefined ? {} : { dedupeKey: `item:${job.itemId}` }),
      }
      const after = standingOf(fold([...strikes, strike], trainings, set, nowMs), set, nowMs)
      const changed = Object.entries(after.contexts).filter(
        ([name, one]) =>
          JSON.stringify(standingView(name, one)) !==
          JSON.stringify(before.contexts[name] === undefined ? undefined : standingView(name, before.contexts[name])),
      )
      return {
        violation,
        severity,
        points: after.outcomes.find((outcome) => outcome.decisionId === decisionId)?.points ?? 0,
        removesItem: rule.removesItem,
        contexts: changed.map(([name, one]) => {
          const untilMs = one.consequences.map((consequence) => consequence.untilMs).find((ms) => ms !== undefined)
          return { ...standingView(name, one), ...(untilMs === undefined ? {} : { untilMs }) }
        }),
      }
    },

    async bankEntry(query, tenantId, bankId, entryId) {
      const [bank, entry] = await Promise.all([
        selectBank(query, tenantId, bankId),
        selectBankEntry(query, tenantId, entryId),
      ])
      if (bank === undefined || entry === undefined) return undefined
      return {
        bankId,
        bankName: bank.name,
        entryId,
        state: entry.status,
        labels: entry.labels,
        ...(entry.mediaSha256 === null ? {} : { mediaSha256: entry.mediaSha256 }),
        ...(entry.text === null ? {} : { text: entry.text }),
        ...(entry.note === null ? {} : { note: entry.note }),
      }
    },

    ruleTrace: (query, tenantId, proposal) => traceProposal(query, tenantId, proposal),
  }
}

/** How the rule came to a proposal, evaluated again from the recorded facts; undefined when event or version is gone. */
export async function traceProposal(
  query: Query,
  tenantId: string,
  proposal: ViolationProposal,
): Promise<ReturnType<typeof traceFacts> | undefined> {
  const { id, version } = proposal.rule
  const [stored, event] = await Promise.all([
    selectVersion(query, tenantId, id, version),
    selectEvent(query, tenantId, proposal.eventId),
  ])
  if (stored === undefined || event === undefined) return undefined
  const features: Feature[] = []
  const rule = compileVersion({ ruleId: id, version, text: stored.text, mode: 'live' }, features)
  return traceFacts(rule, ruleSetOf([rule], features), event, proposal.facts)
}

function standingView(context: string, { points, level, action, arithmetic, closed }: ContextStanding): StandingView {
  return {
    context,
    points,
    level,
    action,
    arithmetic,
    closed: closed.map(({ feature, untilMs }) => ({ feature, ...(untilMs === undefined ? {} : { untilMs }) })),
  }
}
