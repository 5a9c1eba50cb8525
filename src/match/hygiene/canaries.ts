import type { NewEntry } from '../../domain/entry.ts'
import type { Outcome } from '../../domain/error.ts'
import type { Query } from '../../storage/database.ts'
import { bankLedgerEntry, noSuchBank, noSuchEntry, type ChangeContext } from '../changes.ts'
import { signalsOf, type NewEntryContent } from '../checks.ts'
import type { Lookup } from '../lookup.ts'
import { selectBank, selectBankEntry } from '../store.ts'
import { nearEntries } from './near.ts'
import { selectCanaries, type Canary } from './store.ts'

export type NewCanary = {
  expects: 'match' | 'no-match'
  content: NewEntryContent
  /** The entry that must match; any of the bank where missing. */
  entryId?: string
  note?: string
}

/** A probe that must keep matching a bank, or one of its entries, or must never begin to. */
export async function setCanary(
  query: Query,
  tenantId: string,
  bankId: string,
  { expects, content, entryId, note = '' }: NewCanary,
  context: ChangeContext,
): Promise<Outcome<{ canaryId: string; entries: NewEntry[] }, 'no-such-bank' | 'no-such-entry'>> {
  const { signals } = signalsOf(content)
  if ((await selectBank(query, tenantId, bankId)) === undefined) return noSuchBank(bankId)
  if (entryId !== undefined && (await selectBankEntry(query, tenantId, entryId))?.bankId !== bankId)
    return noSuchEntry(bankId, entryId)
  const canaryId = context.newId()
  const body = {
    canaryId,
    bankId,
    ...(entryId === undefined ? {} : { entryId }),
    expects,
    signals,
    ...(content.media === undefined ? {} : { mediaSha256: content.media.sha256 }),
    ...(content.text === undefined ? {} : { text: content.text }),
    note,
  }
  return { ok: true, canaryId, entries: [bankLedgerEntry('bank.canary_set', bankId, body, context)] }
}

/** Takes a canary away. */
export async function dropCanary(
  query: Query,
  tenantId: string,
  bankId: string,
  canaryId: string,
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-canary'>> {
  const [canary] = await selectCanaries(query, tenantId, { bankId, canaryId, limit: 1 })
  if (canary === undefined)
    return { ok: false, reason: 'no-such-canary', detail: `There is no canary ${canaryId} in bank ${bankId}.` }
  return { ok: true, entries: [bankLedgerEntry('bank.canary_removed', bankId, { canaryId, bankId }, context)] }
}

/** What a canary finds now, and why that is well or not. */
export async function checkCanary(
  lookup: Pick<Lookup, 'lookupMany'>,
  tenantId: string,
  canary: Canary,
): Promise<{ state: 'ok' | 'failing'; because: string }> {
  const found = (await nearEntries(lookup, tenantId, canary.signals)).filter(
    ({ bankId, entryId }) => bankId === canary.bankId && (canary.entryId === null || canary.entryId === entryId),
  )
  const what = canary.entryId === null ? 'an entry of the bank' : `entry ${canary.entryId}`
  const [nearest] = found
  if (canary.expects === 'match')
    return nearest === undefined
      ? { state: 'failing', because: `the probe no longer matches ${what}` }
      : { state: 'ok', because: `the probe matches entry ${nearest.entryId}: ${nearest.described}` }
  return nearest === undefined
    ? { state: 'ok', because: `the probe does not match ${what}` }
    : { state: 'failing', because: `the probe matches entry ${nearest.entryId} and must not: ${nearest.described}` }
}
