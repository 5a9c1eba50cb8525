import type { ViolationProposal } from '../domain/entry.ts'
import { compileVersion } from '../rules/publish.ts'
import { ruleSetOf, type Feature } from '../rules/rule-set.ts'
import { selectVersion } from '../rules/store.ts'
import { traceFacts } from '../rules/trace.ts'
import type { Query } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'

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
