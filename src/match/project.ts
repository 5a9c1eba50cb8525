import type { LedgerEntry } from '../domain/entry.ts'
import type { Projector } from '../ledger/ledger.ts'
import type { Tx } from '../storage/database.ts'
import { nobody, unsampled } from './bank.ts'
import { authorKey } from './entries/changes.ts'
import { deleteMerge, insertMerge, upsertOpinion } from './entries/store.ts'
import { deleteCanary, insertCanary, updateCanaryState } from './hygiene/store.ts'
import { deleteSubscription, upsertSubscription } from './sharing/store.ts'
import { upsertTeamVerdicts } from './team-verdicts/store.ts'
import {
  insertBank,
  insertBankEntries,
  markChanged,
  moveEntry,
  updateBank,
  updateEntryFields,
  updateEntryStatus,
} from './store.ts'
import {
  countConfirmedEntry,
  countMatch,
  countOverturned,
  countUpheld,
  countVerdict,
  insertMatchDecision,
  selectProposalMatch,
} from './verdicts/store.ts'

type Kind = LedgerEntry['kind']
type Handlers = { [K in Kind]?: (tx: Tx, entry: LedgerEntry<K>) => Promise<void> }

const handlers = {
  async 'bank.created'(tx, { tenantId, body, occurredAtMs }) {
    const { enabled = true, owner = null, sharing = nobody, sampling = unsampled } = body
    const { expiresMs = null, ageOutDays = null } = body
    const settings = { enabled, owner, sharing, sampling, expiresMs, ageOutDays }
    await insertBank(tx, tenantId, { ...body, ...settings, createdMs: occurredAtMs })
    await markChanged(tx, tenantId, body.bankId)
  },
  async 'bank.updated'(tx, { tenantId, body }) {
    await updateBank(tx, tenantId, body.bankId, body)
    await markChanged(tx, tenantId, body.bankId)
  },

  async 'bank.entry_added'(tx, { id, tenantId, body, occurredAtMs, author }) {
    const { bankId, ...entry } = body
    const added = { bankId, addedMs: occurredAtMs, addedBy: author, addedEntry: id }
    await insertBankEntries(tx, tenantId, { ...added, entries: [entry] })
  },
  async 'bank.entries_added'(tx, { id, tenantId, body, occurredAtMs, author }) {
    await insertBankEntries(tx, tenantId, { ...body, addedMs: occurredAtMs, addedBy: author, addedEntry: id })
  },
  'bank.entry_went_live': (tx, { tenantId, body, occurredAtMs }) =>
    updateEntryStatus(tx, tenantId, {
      entryIds: [body.entryId],
      from: ['pending'],
      status: 'active',
      reason: body.reason === '' ? null : body.reason,
      hold: null,
      atMs: occurredAtMs,
    }),
  'bank.entry_quarantined': (tx, { tenantId, body, occurredAtMs }) =>
    updateEntryStatus(tx, tenantId, {
      entryIds: [body.entryId],
      from: ['pending', 'active', 'quarantined', 'retired'],
      status: 'quarantined',
      reason: body.reason,
      hold: body.hold ?? 'silent',
      atMs: occurredAtMs,
    }),
  'bank.entry_released': (tx, { tenantId, body, occurredAtMs }) =>
    updateEntryStatus(tx, tenantId, {
      entryIds: [body.entryId],
      from: ['pending', 'active', 'quarantined', 'retired'],
      status: 'active',
      reason: body.reason,
      hold: null,
      atMs: occurredAtMs,
      forgive: true,
    }),
  'bank.entry_retired': (tx, { tenantId, body, occurredAtMs }) =>
    updateEntryStatus(tx, tenantId, {
      entryIds: [body.entryId],
      from: ['pending', 'active', 'quarantined', 'retired'],
      status: 'retired',
      reason: body.reason,
      hold: null,
      atMs: occurredAtMs,
    }),
  async 'bank.entry_edited'(tx, { tenantId, body }) {
    await updateEntryFields(tx, tenantId, body.entryId, body)
    await markChanged(tx, tenantId, body.bankId, body.entryId)
  },
  'bank.entry_moved': (tx, { tenantId, body }) => moveEntry(tx, tenantId, body.entryId, body.toBankId),
  'bank.entry_confirmed': (tx, { tenantId, body, author, occurredAtMs }) =>
    upsertOpinion(tx, tenantId, body.entryId, authorKey(author), {
      author,
      opinion: 'confirmed',
      reason: body.reason,
      atMs: occurredAtMs,
    }),
  'bank.entry_disputed': (tx, { tenantId, body, author, occurredAtMs }) =>
    upsertOpinion(tx, tenantId, body.entryId, authorKey(author), {
      author,
      opinion: 'disputed',
      reason: body.reason,
      atMs: occurredAtMs,
    }),
  'bank.entry_judged_by_teams': (tx, { tenantId, body }) => upsertTeamVerdicts(tx, tenantId, body),
  async 'bank.entries_merged'(tx, { tenantId, body, occurredAtMs }) {
    const { mergeId, entryId, retiredIds } = body
    await insertMerge(tx, tenantId, { mergeId, keptId: entryId, retiredIds })
    await updateEntryStatus(tx, tenantId, {
      entryIds: retiredIds,
      from: ['pending', 'active', 'quarantined'],
      status: 'retired',
      reason: `merged into ${entryId}`,
      hold: null,
      atMs: occurredAtMs,
    })
    await markChanged(tx, tenantId, body.bankId, entryId)
  },
  async 'bank.entries_unmerged'(tx, { tenantId, body, occurredAtMs }) {
    for (const before of await deleteMerge(tx, tenantId, body.mergeId))
      await updateEntryStatus(tx, tenantId, {
        entryIds: [before.entryId],
        from: ['retired'],
        status: before.status,
        reason: before.statusReason,
        hold: before.hold,
        atMs: occurredAtMs,
      })
    await markChanged(tx, tenantId, body.bankId, body.entryId)
  },
  'bank.import_undone': (tx, { tenantId, body, occurredAtMs }) =>
    updateEntryStatus(tx, tenantId, {
      importId: body.importId,
      from: ['pending', 'active', 'quarantined'],
      status: 'retired',
      reason: body.reason,
      hold: null,
      atMs: occurredAtMs,
    }),
  'bank.import_went_live': (tx, { tenantId, body, occurredAtMs }) =>
    updateEntryStatus(tx, tenantId, {
      importId: body.importId,
      from: ['pending'],
      status: 'active',
      reason: null,
      hold: null,
      atMs: occurredAtMs,
    }),

  async 'bank.subscribed'(tx, { tenantId, body, occurredAtMs }) {
    await upsertSubscription(tx, tenantId, { ...body, createdMs: occurredAtMs })
    await markChanged(tx, tenantId, body.bankId)
  },
  async 'bank.unsubscribed'(tx, { tenantId, body }) {
    await deleteSubscription(tx, tenantId, body.bankId)
    await markChanged(tx, tenantId, body.bankId)
  },
  'bank.canary_set': (tx, { tenantId, body, occurredAtMs }) =>
    insertCanary(tx, tenantId, {
      ...body,
      entryId: body.entryId ?? null,
      mediaSha256: body.mediaSha256 ?? null,
      text: body.text ?? null,
      state: 'waiting',
      because: '',
      sinceMs: occurredAtMs,
    }),
  'bank.canary_removed': (tx, { tenantId, body }) => deleteCanary(tx, tenantId, body.canaryId),
  'bank.canary_checked': (tx, { tenantId, body, occurredAtMs }) =>
    updateCanaryState(tx, tenantId, body.canaryId, { ...body, sinceMs: occurredAtMs }),

  async 'violation.proposed'(tx, { id, tenantId, body }) {
    if (body.match === undefined) return
    const { bankId, entryId } = body.match
    await countMatch(tx, tenantId, { proposalEntryId: id, bankId, entryId, occurredMs: body.occurredAtMs })
  },
  'violation.confirmed': (tx, { tenantId, body }) => countVerdict(tx, tenantId, body.proposalEntryId, 'confirmed'),
  'violation.dismissed': (tx, { tenantId, body }) => countVerdict(tx, tenantId, body.proposalEntryId, 'dismissed'),
  async 'decision.made'(tx, { tenantId, body, automation, occurredAtMs }) {
    const { proposalEntryId, decisionId } = body
    const proposal =
      proposalEntryId === undefined ? undefined : await selectProposalMatch(tx.query, tenantId, proposalEntryId)
    const match = body.match ?? proposal
    if (match === undefined) return
    const { bankId, entryId } = match
    // Only a person confirms: an automatic decision is the match itself, said twice.
    const confirmed = automation !== 'full'
    await insertMatchDecision(tx, tenantId, { decisionId, bankId, entryId, madeMs: occurredAtMs, confirmed })
    if (!confirmed) return
    if (proposal === undefined) await countConfirmedEntry(tx, tenantId, entryId)
    else await countVerdict(tx, tenantId, proposalEntryId!, 'confirmed')
  },
  'decision.reversed': (tx, { tenantId, body }) => countOverturned(tx, tenantId, body.decisionId),
  async 'appeal.decided'(tx, { tenantId, body }) {
    if (body.outcome === 'upheld') await countUpheld(tx, tenantId, body.decisionId)
  },
} satisfies Handlers as Handlers

/** Banks, their entries, and how well each entry does, out of the ledger. */
export const bankProjector: Projector = {
  name: 'banks',
  tables: [
    'banks',
    'bank_entries',
    'entry_signals',
    'entry_opinions',
    'entry_merges',
    'bank_subscriptions',
    'canaries',
    'match_proposals',
    'match_decisions',
    'foreign_verdicts',
    'team_verdicts',
  ],
  kinds: Object.keys(handlers) as Kind[],
  project: (tx, entry) => (handlers[entry.kind] as (tx: Tx, entry: LedgerEntry) => Promise<void>)(tx, entry),
}
