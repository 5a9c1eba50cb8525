import type { NewEntry } from '../../domain/entry.ts'
import type { Outcome } from '../../domain/error.ts'
import { uuidv7, type Clock, type RandomBytes } from '../../domain/ids.ts'
import type { TenantSettings } from '../../domain/settings.ts'
import { wilson } from '../../kernels/wilson.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Bank, BankEntry, Subscription } from '../../match/bank.ts'
import type { ChangeContext } from '../../match/changes.ts'
import type { NewEntryContent } from '../../match/checks.ts'
import type { Lookup } from '../../match/lookup.ts'
import { selectBank, selectBankEntry } from '../../match/store.ts'
import type { MediaLibrary } from '../../media/library.ts'
import type { Database, Tx } from '../../storage/database.ts'
import { lockKeys } from '../../storage/ledger-records.ts'
import type * as contract from '../contract/banks.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem } from '../problem.ts'

export type BankRouteDeps = {
  db: Database
  ledger: Ledger
  clock: Clock
  randomBytes: RandomBytes
  media: Pick<MediaLibrary, 'findForEntry'>
  lookup: Pick<Lookup, 'refresh' | 'lookup' | 'lookupMany'>
  /** What a tenant is set to; the defaults where missing. */
  settings?: (tenantId: string) => TenantSettings
}

export type BankWork = ReturnType<typeof bankWork>

/** What the routes of banks, entries, imports and hygiene share. */
export function bankWork({ db, ledger, clock, randomBytes, media, lookup, settings }: BankRouteDeps) {
  return {
    contextOf: (principal: Principal): ChangeContext => ({
      author: authorOf(principal),
      nowMs: clock(),
      newId: () => uuidv7(clock(), randomBytes),
      ...(settings === undefined ? {} : { entriesMax: settings(principal.tenantId).banks.entriesMax }),
    }),
    /** One change of the tenant's banks at a time: names and contents are unique. */
    change: async <T extends { entries: NewEntry[] }>(
      tenantId: string,
      decide: (tx: Tx) => Promise<Outcome<T, string>>,
    ): Promise<T> => {
      const changed = await db.transaction(async (tx) => {
        await lockKeys(tx, [`banks:${tenantId}`])
        const outcome = await decide(tx)
        if (!outcome.ok)
          throw problem(outcome.reason.startsWith('no-such') ? 404 : 409, 'The bank was not changed', outcome.detail)
        await ledger.append(tx, tenantId, outcome.entries)
        return outcome
      })
      // Whoever asks this process next finds it.
      await lookup.refresh(tenantId)
      return changed
    },
    bankOf: async (tenantId: string, bankId: string): Promise<Bank> => {
      const bank = await selectBank(db.query, tenantId, bankId)
      if (bank === undefined) throw notFound('bank', bankId)
      return bank
    },
    entryOf: async (tenantId: string, bankId: string, entryId: string): Promise<BankEntry> => {
      const entry = await selectBankEntry(db.query, tenantId, entryId)
      if (entry === undefined || entry.bankId !== bankId) throw notFound('bank entry', entryId)
      return entry
    },
    /** Content as a request names it; throws 404 for an upload that this tenant does not have. */
    contentOf: async (
      tenantId: string,
      given: { upload?: string; signals?: Record<string, string>; pdq?: string; quality?: number; text?: string },
    ): Promise<NewEntryContent> => {
      const { upload, pdq, quality, signals, text } = given
      const stored = upload === undefined ? undefined : await media.findForEntry(tenantId, upload)
      if (upload !== undefined && stored === undefined) throw notFound('upload', upload)
      return {
        ...(stored === undefined ? {} : { media: stored }),
        ...(pdq === undefined ? {} : { pdq: { hash: pdq, ...(quality === undefined ? {} : { quality }) } }),
        ...(signals === undefined ? {} : { signals }),
        ...(quality === undefined ? {} : { quality }),
        ...(text === undefined ? {} : { text }),
      }
    },
  }
}

export const etagOf = ({ version }: { version: number }) => `"${version}"`

/** A bank as its owner sees it, or a tenant that may subscribe to it. */
export function bankView(bank: Bank, ownerTenantId: string, subscription: Subscription | null = null): contract.Bank {
  return { ...bank, ownerTenantId, subscription }
}

/** An entry with the precision that verdicts and appeals give it. */
export function entryView(entry: BankEntry): contract.BankEntry {
  const { verdicts, ...rest } = entry
  return { ...rest, precision: precisionOf(verdicts.right, verdicts.wrong) }
}

/** The share of matches that were right, with its 95 % score interval. */
export function precisionOf(right: number, wrong: number): contract.BankEntry['precision'] {
  const trials = right + wrong
  return { right, wrong, share: trials === 0 ? null : right / trials, ...wilson(right, trials) }
}
