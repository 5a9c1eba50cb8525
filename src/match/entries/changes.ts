import type { Author, NewEntry } from '../../domain/entry.ts'
import { InputError, type Outcome } from '../../domain/error.ts'
import type { Query } from '../../storage/database.ts'
import { bankLedgerEntry, noSuchBank, noSuchEntry, type ChangeContext } from '../changes.ts'
import { checkDetails, type NewEntryDetails } from '../checks.ts'
import { selectBank, selectBankEntriesById, selectBankEntry, selectSameEntries } from '../store.ts'
import { selectMerge } from './store.ts'

/** Other labels, source, note, metadata or expiry; only what is given changes. Retired entries stay as they are. */
export async function editBankEntry(
  query: Query,
  tenantId: string,
  bankId: string,
  entryId: string,
  edit: NewEntryDetails,
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-entry' | 'wrong-status'>> {
  checkDetails(edit)
  const entry = await selectBankEntry(query, tenantId, entryId)
  if (entry === undefined || entry.bankId !== bankId) return noSuchEntry(bankId, entryId)
  if (entry.status === 'retired') return isRetired(entryId)
  const { labels, ...rest } = edit
  const body = { bankId, entryId, ...rest, ...(labels === undefined ? {} : { labels: [...new Set(labels)] }) }
  return { ok: true, entries: [bankLedgerEntry('bank.entry_edited', bankId, body, context)] }
}

/** An entry in another bank of the same tenant, unless that one has the same content already. */
export async function moveBankEntry(
  query: Query,
  tenantId: string,
  bankId: string,
  entryId: string,
  move: { toBankId: string; reason: string },
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-entry' | 'no-such-bank' | 'wrong-status' | 'duplicate'>> {
  const entry = await selectBankEntry(query, tenantId, entryId)
  if (entry === undefined || entry.bankId !== bankId) return noSuchEntry(bankId, entryId)
  if (entry.status === 'retired') return isRetired(entryId)
  const to = await selectBank(query, tenantId, move.toBankId)
  if (to === undefined) return noSuchBank(move.toBankId)
  if (move.toBankId === bankId)
    throw new InputError('The entry is in this bank already', [
      { field: 'toBankId', problem: 'is the bank that it is in', value: bankId },
    ])
  const signals = Object.entries(entry.signals).map(([type, signal]) => ({ type, signal }))
  const [same] = (await selectSameEntries(query, tenantId, move.toBankId, signals)).values()
  if (same !== undefined)
    return {
      ok: false,
      reason: 'duplicate',
      detail: `Bank "${to.name}" already has this as entry ${same.entryId} (${same.status}).`,
    }
  const { toBankId, reason } = move
  return {
    ok: true,
    entries: [bankLedgerEntry('bank.entry_moved', bankId, { bankId, entryId, toBankId, reason }, context, reason)],
  }
}

/** Says that an entry is right, or wrong: the last word of each person or platform counts. */
export async function judgeBankEntry(
  query: Query,
  tenantId: string,
  bankId: string,
  entryId: string,
  opinion: 'confirmed' | 'disputed',
  reason: string,
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-entry'>> {
  const entry = await selectBankEntry(query, tenantId, entryId)
  if (entry === undefined || entry.bankId !== bankId) return noSuchEntry(bankId, entryId)
  return {
    ok: true,
    entries: [bankLedgerEntry(`bank.entry_${opinion}`, bankId, { bankId, entryId, reason }, context, reason)],
  }
}

/** Whose opinion it is: one for each author. */
export function authorKey(author: Author): string {
  return author.kind === 'system' ? `system:${author.part}` : `${author.kind}:${author.id}`
}

/** Keeps one entry, with the labels of all, and retires the others, whose matches count for it from then on. */
export async function mergeBankEntries(
  query: Query,
  tenantId: string,
  bankId: string,
  merge: { keep: string; retire: readonly string[]; reason: string },
  context: ChangeContext,
): Promise<Outcome<{ mergeId: string; entries: NewEntry[] }, 'no-such-entry' | 'wrong-status'>> {
  const retire = [...new Set(merge.retire)]
  if (retire.includes(merge.keep))
    throw new InputError('An entry cannot be merged into itself', [
      { field: 'retire', problem: 'names the entry to keep', value: merge.keep },
    ])
  const found = new Map(
    (await selectBankEntriesById(query, tenantId, [merge.keep, ...retire])).map((entry) => [entry.entryId, entry]),
  )
  for (const entryId of [merge.keep, ...retire]) {
    const entry = found.get(entryId)
    if (entry === undefined || entry.bankId !== bankId) return noSuchEntry(bankId, entryId)
    if (entry.status === 'retired') return isRetired(entryId)
  }
  const mergeId = context.newId()
  const { reason } = merge
  const body = { bankId, mergeId, entryId: merge.keep, retiredIds: retire, reason }
  return { ok: true, mergeId, entries: [bankLedgerEntry('bank.entries_merged', bankId, body, context, reason)] }
}

/** Undoes a merge: what was retired is as it was, and the kept entry has what it had of its own. */
export async function undoBankMerge(
  query: Query,
  tenantId: string,
  bankId: string,
  mergeId: string,
  reason: string,
  context: ChangeContext,
): Promise<Outcome<{ keptId: string; entries: NewEntry[] }, 'no-such-merge'>> {
  const merge = await selectMerge(query, tenantId, mergeId)
  const kept = merge === undefined ? undefined : await selectBankEntry(query, tenantId, merge.keptId)
  if (merge === undefined || kept === undefined || kept.bankId !== bankId)
    return { ok: false, reason: 'no-such-merge', detail: `There is no merge ${mergeId} in bank ${bankId} to undo.` }
  const body = { bankId, mergeId, entryId: merge.keptId, partedIds: merge.retiredIds, reason }
  return {
    ok: true,
    keptId: merge.keptId,
    entries: [bankLedgerEntry('bank.entries_unmerged', bankId, body, context, reason)],
  }
}

function isRetired(entryId: string) {
  return { ok: false, reason: 'wrong-status', detail: `Entry ${entryId} is retired and stays as it is.` } as const
}
