import type { Database, Query } from '../storage/database.ts'
import type { Bank, BankEntry } from './bank.ts'
import { signalTypes } from './signal-types/all.ts'
import type { LookupContent, MatchedPart, SignalHit, SignalIndex, SignalType } from './signal-types/signal-type.ts'
import { selectBank, selectBankChanges, selectBankEntries, selectBankEntriesById, selectBanks } from './store.ts'

export type Match = {
  bank: { id: string; name: string; action: string }
  entryId: string
  signalType: string
  /** Algorithm and version. */
  version: string
  part: MatchedPart
  distance: number
  threshold: number
  /** What the distance means, in words. */
  described: string
  similarity: number
  confidence: number
  quality?: number
  transformation?: string
  labels: string[]
}

export type Lookup = {
  /**
   * Every active entry of the tenant's banks that the content matches, nearest first, one for each entry and part. What
   * a negative bank knows at least as well is left out.
   */
  lookup: (tenantId: string, content: LookupContent) => Promise<Match[]>
  /** Takes in what was committed by now, here or by other processes. Also happens by itself, every `pollMs`. */
  refresh: () => Promise<void>
  /** Entries in memory, for metrics. */
  size: () => { tenants: number; entries: number }
  close: () => void
}

export type LookupOptions = {
  db: Pick<Database, 'query'>
  /** How soon a change by another process is found: twice this at worst, and 0 for never by itself. */
  pollMs?: number
  onError?: (error: Error) => void
}

type Slot = { entryId: string; bankId: string; labels: string[]; signals: Record<string, string> }
type TenantIndex = {
  banks: Map<string, Bank>
  slots: (Slot | undefined)[]
  slotOf: Map<string, number>
  free: number[]
  indexes: Map<string, SignalIndex>
}

const pageRows = 5_000

/** Lookups against an index in memory, one a tenant, loaded when first asked for and then kept up to date in steps. */
export function createLookup({ db, pollMs = 400, onError = () => {} }: LookupOptions): Lookup {
  const tenants = new Map<string, TenantIndex>()
  /** Changes that were taken in and may be read again, with the transaction that made them. */
  const applied = new Map<string, string>()
  let nextXid = '0'
  // Loads and refreshes follow one another: a change between the two would be missed.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work)
    last = turn.catch(() => {})
    return turn
  }

  const ready = async (tenantId: string): Promise<TenantIndex> => {
    const loaded = tenants.get(tenantId)
    if (loaded !== undefined) return loaded
    return inTurn(async () => {
      const meanwhile = tenants.get(tenantId)
      if (meanwhile !== undefined) return meanwhile
      // Read before the load: what commits during it is then read again by the next refresh.
      if (tenants.size === 0) nextXid = (await selectBankChanges(db.query, farXid)).nextXid
      const index = await loadTenant(db.query, tenantId)
      tenants.set(tenantId, index)
      return index
    })
  }

  const refresh = () =>
    inTurn(async () => {
      if (tenants.size === 0) return
      const { changes, nextXid: next } = await selectBankChanges(db.query, nextXid)
      const entryIds = new Map<string, string[]>()
      for (const { tenantId, bankId, entryId, xid } of changes) {
        const tenant = tenants.get(tenantId)
        const key = JSON.stringify([tenantId, bankId, entryId])
        if (tenant === undefined || applied.get(key) === xid) continue
        if (entryId === '') {
          const bank = await selectBank(db.query, tenantId, bankId)
          if (bank !== undefined) tenant.banks.set(bankId, bank)
          applied.set(key, xid)
        } else entryIds.set(tenantId, [...(entryIds.get(tenantId) ?? []), entryId])
      }
      for (const [tenantId, ids] of entryIds)
        for (let at = 0; at < ids.length; at += pageRows) {
          const page = ids.slice(at, at + pageRows)
          for (const entry of await selectBankEntriesById(db.query, tenantId, page)) put(tenants.get(tenantId)!, entry)
        }
      applied.clear()
      // Only these can come again.
      for (const { tenantId, bankId, entryId, xid } of changes)
        if (BigInt(xid) >= BigInt(next)) applied.set(JSON.stringify([tenantId, bankId, entryId]), xid)
      nextXid = next
    })

  let polling = false
  const timer =
    pollMs === 0
      ? undefined
      : setInterval(() => {
          if (polling) return
          polling = true
          refresh()
            .catch((error: Error) => onError(error))
            .finally(() => (polling = false))
        }, pollMs)
  timer?.unref()

  return {
    lookup: async (tenantId, content) => search(await ready(tenantId), content),
    refresh,
    size: () => ({
      tenants: tenants.size,
      entries: [...tenants.values()].reduce((sum, tenant) => sum + tenant.slotOf.size, 0),
    }),
    close: () => clearInterval(timer),
  }
}

/** Beyond every transaction: reads the horizon without changes. */
const farXid = '9223372036854775807'

async function loadTenant(query: Query, tenantId: string): Promise<TenantIndex> {
  const index: TenantIndex = {
    banks: new Map(),
    slots: [],
    slotOf: new Map(),
    free: [],
    indexes: new Map(signalTypes.map((type) => [type.name, type.createIndex()])),
  }
  for (let afterId = ''; ;) {
    const page = await selectBanks(query, tenantId, afterId, pageRows)
    for (const bank of page) index.banks.set(bank.bankId, bank)
    if (page.length < pageRows) break
    afterId = page.at(-1)!.bankId
  }
  for (let afterId = ''; ;) {
    const page = await selectBankEntries(query, tenantId, { matching: true, afterId, limit: pageRows })
    for (const entry of page) put(index, entry)
    if (page.length < pageRows) return index
    afterId = page.at(-1)!.entryId
  }
}

/** Makes the index hold an entry exactly when it is active. Signals of an entry never change. */
function put(index: TenantIndex, entry: BankEntry): void {
  const held = index.slotOf.get(entry.entryId)
  if (entry.status === 'active' && held === undefined) {
    const slot = index.free.pop() ?? index.slots.length
    const { entryId, bankId, labels, signals } = entry
    index.slots[slot] = { entryId, bankId, labels, signals }
    index.slotOf.set(entryId, slot)
    for (const [name, signal] of Object.entries(signals)) index.indexes.get(name)?.add(slot, signal, entry.quality)
  } else if (entry.status !== 'active' && held !== undefined) {
    for (const name of Object.keys(index.slots[held]!.signals)) index.indexes.get(name)?.remove(held)
    index.slots[held] = undefined
    index.slotOf.delete(entry.entryId)
    index.free.push(held)
  }
}

function search(index: TenantIndex, content: LookupContent): Match[] {
  const found: { type: SignalType; hit: SignalHit; slot: Slot; bank: Bank; threshold: number }[] = []
  for (const type of signalTypes) {
    const thresholdIn = (bank: Bank | undefined) => bank?.thresholds[type.name] ?? type.threshold
    const radiusMax = Math.max(type.threshold, ...[...index.banks.values()].map(thresholdIn))
    const thresholdOf = (slot: number) => thresholdIn(index.banks.get(index.slots[slot]!.bankId))
    for (const hit of index.indexes.get(type.name)!.search(content, { radiusMax, thresholdOf })) {
      const slot = index.slots[hit.slot]!
      const bank = index.banks.get(slot.bankId)
      if (bank !== undefined) found.push({ type, hit, slot, bank, threshold: thresholdOf(hit.slot) })
    }
  }
  const negatives = found.filter(({ bank }) => bank.negative)
  const seen = new Set<string>()
  const matches: Match[] = []
  for (const { type, hit, slot, bank, threshold } of found) {
    if (bank.negative || negatives.some((negative) => silences(negative.hit, hit))) continue
    const { part } = hit
    // The signal types are in order of preference: the same photo under a second one says nothing new.
    const key = `${slot.entryId}:${part.kind}${part.kind === 'text' ? '' : part.index}`
    if (seen.has(key)) continue
    seen.add(key)
    matches.push({
      bank: { id: bank.bankId, name: bank.name, action: bank.action },
      entryId: slot.entryId,
      signalType: type.name,
      version: type.version,
      part,
      distance: hit.distance,
      threshold,
      described: type.describe(hit.distance),
      similarity: hit.similarity,
      confidence: hit.confidence,
      ...(hit.quality === undefined ? {} : { quality: hit.quality }),
      ...(hit.transformation === undefined ? {} : { transformation: hit.transformation }),
      labels: slot.labels,
    })
  }
  return matches.sort((a, b) => b.similarity - a.similarity || (a.entryId < b.entryId ? -1 : 1))
}

/** Whether a hit of a negative bank explains another: the same medium or link at least as near, or the same words. */
function silences(negative: SignalHit, other: SignalHit): boolean {
  const [known, found] = [negative.part, other.part]
  if (known.kind === 'text') return found.kind === 'text' && known.start <= found.start && known.end >= found.end
  return found.kind === known.kind && known.index === found.index && negative.similarity >= other.similarity
}
