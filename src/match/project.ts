import type { LedgerEntry } from '../domain/entry.ts'
import type { Projector } from '../ledger/ledger.ts'
import {
  countConfirmed,
  countConfirmedEntry,
  countMatch,
  countOverturned,
  insertBank,
  insertBankEntry,
  insertMatchDecision,
  markChanged,
  selectProposalMatch,
  updateBank,
  updateEntryStatus,
} from './store.ts'

/** Banks, their entries, and how well each entry does, out of the ledger. */
export const bankProjector: Projector = {
  name: 'banks',
  tables: ['banks', 'bank_entries', 'match_proposals', 'match_decisions'],
  kinds: [
    'bank.created',
    'bank.updated',
    'bank.entry_added',
    'bank.entry_quarantined',
    'bank.entry_released',
    'bank.entry_retired',
    'violation.proposed',
    'violation.confirmed',
    'decision.made',
    'decision.reversed',
  ],
  async project(tx, entry) {
    const { tenantId } = entry
    const is = <K extends LedgerEntry['kind']>(kind: K): LedgerEntry<K>['body'] | undefined =>
      entry.kind === kind ? (entry.body as LedgerEntry<K>['body']) : undefined

    const created = is('bank.created')
    if (created !== undefined) {
      await insertBank(tx, tenantId, { ...created, createdMs: entry.occurredAtMs })
      return markChanged(tx, tenantId, created.bankId)
    }
    const updated = is('bank.updated')
    if (updated !== undefined) {
      await updateBank(tx, tenantId, updated.bankId, updated)
      return markChanged(tx, tenantId, updated.bankId)
    }
    const added = is('bank.entry_added')
    if (added !== undefined) {
      await insertBankEntry(tx, tenantId, {
        entryId: added.entryId,
        bankId: added.bankId,
        signals: added.signals,
        quality: added.quality ?? null,
        mediaSha256: added.mediaSha256 ?? null,
        text: added.text ?? null,
        labels: added.labels,
        source: added.source,
        note: added.note ?? null,
        addedMs: entry.occurredAtMs,
        addedBy: entry.author,
      })
      return markChanged(tx, tenantId, added.bankId, added.entryId)
    }
    const quarantined = is('bank.entry_quarantined')
    const released = is('bank.entry_released')
    const retired = is('bank.entry_retired')
    const changed = quarantined ?? released ?? retired
    if (changed !== undefined) {
      const status = quarantined !== undefined ? 'quarantined' : released !== undefined ? 'active' : 'retired'
      await updateEntryStatus(tx, tenantId, changed.entryId, status, changed.reason, released !== undefined)
      return markChanged(tx, tenantId, changed.bankId, changed.entryId)
    }

    const proposed = is('violation.proposed')
    if (proposed?.match !== undefined)
      return countMatch(tx, tenantId, {
        proposalEntryId: entry.id,
        bankId: proposed.match.bankId,
        entryId: proposed.match.entryId,
        occurredMs: proposed.occurredAtMs,
      })
    const confirmed = is('violation.confirmed')
    if (confirmed !== undefined) return countConfirmed(tx, tenantId, confirmed.proposalEntryId)
    const made = is('decision.made')
    if (made !== undefined) {
      const proposal =
        made.proposalEntryId === undefined
          ? undefined
          : await selectProposalMatch(tx.query, tenantId, made.proposalEntryId)
      const match = made.match ?? proposal
      if (match === undefined) return
      const { bankId, entryId } = match
      await insertMatchDecision(tx, tenantId, {
        decisionId: made.decisionId,
        bankId,
        entryId,
        madeMs: entry.occurredAtMs,
      })
      // Only a person confirms: an automatic decision is the match itself, said twice.
      if (entry.automation === 'full') return
      if (proposal === undefined) await countConfirmedEntry(tx, tenantId, entryId)
      else await countConfirmed(tx, tenantId, made.proposalEntryId!)
      return
    }
    const reversed = is('decision.reversed')
    if (reversed !== undefined) await countOverturned(tx, tenantId, reversed.decisionId)
  },
}
