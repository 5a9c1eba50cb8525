import type { LedgerEntry, ViolationProposal } from '../domain/entry.ts'
import { reevaluate } from '../rules/evaluate.ts'
import { compileVersion } from '../rules/publish.ts'
import { ruleSetOf, type Feature } from '../rules/rule-set.ts'
import { selectVersion } from '../rules/store.ts'
import { traceFacts } from '../rules/trace.ts'
import type { Query } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'

/** What stands for a rule in proposals that come of applying a bank entry to past items. */
export const retroRule = { id: 'match.retro', version: 1 } as const

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

/** Whether a rule version, evaluated again on what it saw, still holds and proposes the same violation. */
export async function reevaluateProposal(
  query: Query,
  tenantId: string,
  { body }: LedgerEntry<'violation.proposed'>,
): Promise<{ same: boolean; detail: string }> {
  const { id, version } = body.rule
  if (id === retroRule.id && body.match !== undefined) {
    const { distance, threshold, entryId } = body.match
    return {
      same: distance <= threshold,
      detail: `No rule: entry ${entryId} was applied to past items; the recorded distance is ${distance}, the threshold ${threshold}.`,
    }
  }
  const [stored, event] = await Promise.all([
    selectVersion(query, tenantId, id, version),
    selectEvent(query, tenantId, body.eventId),
  ])
  if (stored === undefined) return { same: false, detail: `Version ${version} of rule "${id}" is not stored.` }
  if (event === undefined)
    return { same: false, detail: `Event "${body.eventId}" is no longer stored; it may have been erased.` }
  const rule = compileVersion({ ruleId: id, version, text: stored.text, mode: 'live' })
  const hit = reevaluate(rule, event, body.facts)
  if (hit === null)
    return { same: false, detail: `Rule "${id}" version ${version} does not hold on the recorded facts.` }
  const proposes = hit.effects.some((effect) => effect.kind === 'violation' && effect.violation === body.violation)
  return proposes
    ? {
        same: true,
        detail: `Rule "${id}" version ${version}, evaluated again on the recorded facts, proposes "${body.violation}" again.`,
      }
    : { same: false, detail: `Rule "${id}" version ${version} holds, but does not propose "${body.violation}".` }
}
