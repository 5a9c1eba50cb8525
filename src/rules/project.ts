import type { Projector } from '../ledger/ledger.ts'
import {
  projectDecision,
  projectMode,
  projectOverturned,
  projectProposal,
  projectProposalState,
  projectPublished,
  projectRolledBack,
  projectUpheld,
} from './store.ts'

/** Rules as they stand, their versions, and what became of what they proposed. */
export const rulesProjector: Projector = {
  name: 'rules',
  tables: ['rules', 'rule_versions', 'rule_revisions', 'rule_proposals', 'rule_decisions'],
  kinds: [
    'rule.published',
    'rule.rolled_back',
    'rule.mode_changed',
    'rule.tripped',
    'violation.proposed',
    'violation.confirmed',
    'violation.dismissed',
    'decision.made',
    'decision.reversed',
    'appeal.decided',
  ],
  async project(tx, entry) {
    switch (entry.kind) {
      case 'rule.published':
        return projectPublished(tx, entry)
      case 'rule.rolled_back':
        return projectRolledBack(tx, entry)
      case 'rule.mode_changed':
        return projectMode(tx, entry, { ...entry.body, tripped: null })
      case 'rule.tripped':
        return projectMode(tx, entry, { ...entry.body, mode: 'shadow', tripped: entry.body.reason })
      case 'violation.proposed':
        return projectProposal(tx, entry.tenantId, entry.id, entry.body.rule)
      case 'violation.confirmed':
        return projectProposalState(tx, entry.tenantId, entry.body.proposalEntryId, 'confirmed')
      case 'violation.dismissed':
        return projectProposalState(tx, entry.tenantId, entry.body.proposalEntryId, 'dismissed')
      case 'decision.made':
        if (entry.body.rule !== undefined)
          await projectDecision(tx, entry.tenantId, {
            decisionId: entry.body.decisionId,
            proposalId: entry.body.proposalEntryId,
            rule: entry.body.rule,
            seen: entry.author.kind === 'person',
          })
        return
      case 'appeal.decided':
        return entry.body.outcome === 'upheld' ? projectUpheld(tx, entry.tenantId, entry.body.decisionId) : undefined
      case 'decision.reversed':
        return projectOverturned(tx, entry.tenantId, entry.body.decisionId)
      default:
    }
  },
}
