import type { Query } from '../../storage/database.ts'
import { banksVisibleTo } from '../sharing/store.ts'
import { backgroundTurn, inSlices } from '../slices.ts'
import type { TenantIndex } from '../tenant-index.ts'
import { loadEntries, loadPage, loadTenant, tidied, tidyNs } from './load.ts'
import {
  selectBankChanges,
  selectSearchedEntries,
  selectSearchedEntriesById,
  selectSnapshot,
  type BankChange,
} from './store.ts'

export type TenantIndexes = {
  /** The index of a tenant; loads it when it is not in memory, beside everything else. */
  of: (tenantId: string) => Promise<TenantIndex>
  /**
   * Takes in what was committed before the call, here or by other processes. A large bank that a tenant begins to share
   * is read beside this; who names the tenant waits for that as well.
   */
  refresh: (tenantId?: string) => Promise<void>
  /** Loads tenants ahead of their first lookups, one after the other, as long as there is room. */
  loadAhead: (tenants: readonly { tenantId: string; entries: number }[]) => Promise<void>
  /** How far that is. */
  ahead: () => { tenants: number; tenantsReady: number; entries: number; entriesReady: number }
  size: () => { tenants: number; entries: number; bytes: number }
  close: () => void
}

export type TenantIndexesDeps = {
  query: Query
  /** So much memory may be used, roughly; beyond, who was not asked for longest is let go. No limit where missing. */
  bytesMax?: number
  /** Thresholds of variants of signal types (`type:variant`) where a bank says nothing of them. */
  variantThresholds?: Readonly<Record<string, number>>
  onError?: (error: Error) => void
}

const changesPage = 500

type Kept = {
  index: TenantIndex
  /** Grows with every use. */
  used: number
  /** Large changes of what it searches follow one another, beside the refreshes. */
  jobs: Promise<unknown>
  pending: number
}

/** An index in memory for each tenant that is asked about, kept up to date in slices and let go when there are too many. */
export function createTenantIndexes(deps: TenantIndexesDeps): TenantIndexes {
  const { bytesMax = Number.POSITIVE_INFINITY, onError = () => {} } = deps
  const all = new Map<string, Kept>()
  const loading = new Map<string, Promise<Kept>>()
  let uses = 0
  let closed = false
  // What is being loaded when all ends has no reason to go on.
  const query: Query = (...asked) =>
    closed ? Promise.reject(new Error('The indexes are closed')) : deps.query(...asked)
  /** Up to where all of them are. */
  let snapshot = ''
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work)
    last = turn.catch(() => {})
    return turn
  }

  const tidying = new Set<TenantIndex>()
  const tidy = (index: TenantIndex) => {
    if (tidying.has(index)) return
    tidying.add(index)
    void backgroundTurn()
      .then(() => tidied(index, () => !closed))
      .then(async () => {
        // What comes meanwhile goes first.
        while (!closed && (index.maintain(tidyNs) || index.improve(tidyNs))) await backgroundTurn()
      })
      .finally(() => tidying.delete(index))
  }

  const load = (tenantId: string, used: number): Promise<Kept> => {
    const begun = loading.get(tenantId)
    if (begun !== undefined) return begun
    const made = (async () => {
      // What commits from here on is read again, as a change.
      const since = await selectSnapshot(query)
      const kept: Kept = {
        index: await loadTenant(query, tenantId, deps.variantThresholds),
        used,
        jobs: Promise.resolve(),
        pending: 0,
      }
      await inTurn(async () => {
        const until = await follow(since, new Map([[tenantId, kept]]))
        if (all.size === 0) snapshot = until
        all.set(tenantId, kept)
        tidy(kept.index)
        letGo(kept)
      })
      return kept
    })().finally(() => loading.delete(tenantId))
    loading.set(tenantId, made)
    return made
  }

  const bytes = () => [...all.values()].reduce((sum, { index }) => sum + index.bytes, 0)
  const letGo = (but: Kept) => {
    while (all.size > 1 && bytes() > bytesMax) {
      const [oldest] = [...all].filter(([, kept]) => kept !== but).sort(([, a], [, b]) => a.used - b.used)
      all.delete(oldest![0])
    }
  }

  /** Takes changes since a snapshot into some of the indexes; answers the snapshot up to which that is. */
  const follow = async (since: string, into: ReadonlyMap<string, Kept>): Promise<string> => {
    for (let until: string | undefined, after: BankChange | undefined; ;) {
      const page = await selectBankChanges(query, since, { until, after, limit: changesPage })
      until = page.until
      after = page.changes.at(-1)
      await takeIn(page.changes, into)
      if (page.changes.length < changesPage) return until
    }
  }

  const takeIn = async (changes: readonly BankChange[], into: ReadonlyMap<string, Kept>): Promise<void> => {
    const entryIds = new Map<string, string[]>()
    for (const { tenantId: ownerId, bankId, entryId } of changes) {
      if (entryId === '') for (const [tenantId, kept] of into) await followBank(tenantId, kept, bankId)
      // Its owner, and those that match against the bank.
      else if ([...into].some(([tenantId, { index }]) => tenantId === ownerId || isSeen(index, ownerId, bankId))) {
        const ids = entryIds.get(ownerId)
        if (ids === undefined) entryIds.set(ownerId, [entryId])
        else ids.push(entryId)
      }
    }
    for (const [ownerId, ids] of entryIds) {
      const entries = new Map(
        (await selectSearchedEntriesById(query, ownerId, ids)).map((entry) => [entry.entryId, entry]),
      )
      for (const [tenantId, { index }] of into) {
        await inSlices(ids, (entryId) => {
          const entry = entries.get(entryId)
          // What lies in a bank that another tenant does not see, or no longer, is not there for it.
          if (entry !== undefined && (tenantId === ownerId || isSeen(index, ownerId, entry.bankId))) index.put(entry)
          else index.drop(entryId)
        })
        tidy(index)
      }
    }
  }

  /** Makes the index ask a bank exactly when its tenant sees it. Entries of own banks are there in any case. */
  const followBank = async (tenantId: string, kept: Kept, bankId: string): Promise<void> => {
    const { index } = kept
    const [bank] = await banksVisibleTo(query, tenantId, { afterId: '', limit: 1, bankId })
    const known = index.banks.get(bankId)
    if (bank !== undefined) index.setBanks([bank])
    else if (known !== undefined) index.dropBank(bankId)
    const shared = (bank ?? known)?.ownerTenantId
    if (shared === undefined || shared === tenantId || (bank === undefined) === (known === undefined)) return
    const first = await selectSearchedEntries(query, shared, { bankId, afterId: '', limit: loadPage })
    if (bank !== undefined && kept.pending === 0 && first.length < loadPage)
      return loadEntries(query, index, shared, { bankId, first })
    kept.pending++
    kept.jobs = kept.jobs
      .then(() => (bank === undefined ? leave(kept, bankId) : join(tenantId, kept, bankId, shared)))
      .catch((error: Error) => {
        // What is in memory is not what it should be: the next lookup loads it anew.
        if (all.get(tenantId) === kept) all.delete(tenantId)
        onError(error)
      })
      .finally(() => kept.pending--)
  }

  const join = async (tenantId: string, kept: Kept, bankId: string, ownerId: string): Promise<void> => {
    const since = await selectSnapshot(query)
    await loadEntries(query, kept.index, ownerId, { bankId })
    await tidied(kept.index, () => !closed)
    await inTurn(() => follow(since, new Map([[tenantId, kept]])))
  }
  const leave = async ({ index }: Kept, bankId: string): Promise<void> => {
    if (!index.banks.has(bankId)) await inSlices(index.dropEntriesOf(bankId), () => {}, backgroundTurn)
  }

  /** The next refresh that nobody has begun: who comes meanwhile waits for the same. */
  let next: Promise<void> | undefined
  let planned = { tenants: 0, tenantsReady: 0, entries: 0, entriesReady: 0 }

  return {
    async of(tenantId) {
      const kept = all.get(tenantId) ?? (await load(tenantId, ++uses))
      kept.used = ++uses
      return kept.index
    },
    async refresh(tenantId) {
      next ??= inTurn(async () => {
        next = undefined
        if (all.size > 0) snapshot = await follow(snapshot, all)
      })
      await next
      await all.get(tenantId ?? '')?.jobs
    },
    async loadAhead(tenants) {
      const sum = (of: typeof tenants) => of.reduce((entries, one) => entries + one.entries, 0)
      planned = { tenants: tenants.length, tenantsReady: 0, entries: sum(tenants), entriesReady: 0 }
      for (const [at, { tenantId, entries }] of tenants.entries()) {
        if (closed || bytes() >= bytesMax) {
          planned = { ...planned, tenants: at, entries: planned.entriesReady }
          return
        }
        // Whoever was asked about already is more wanted than who only might be.
        if (!all.has(tenantId)) await load(tenantId, -at).catch((error: Error) => void (closed || onError(error)))
        planned.tenantsReady++
        planned.entriesReady += entries
      }
    },
    ahead: () => ({ ...planned }),
    size: () => ({
      tenants: all.size,
      entries: [...all.values()].reduce((sum, { index }) => sum + index.size, 0),
      bytes: bytes(),
    }),
    close: () => void (closed = true),
  }
}

const isSeen = (index: TenantIndex, ownerTenantId: string, bankId: string) =>
  index.banks.get(bankId)?.ownerTenantId === ownerTenantId
