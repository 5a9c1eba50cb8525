import type { Database, Query } from '../storage/database.ts'
import type { VisibleBank } from './bank.ts'
import { fallsInto } from './sampling.ts'
import { banksVisibleTo } from './sharing/store.ts'
import { textEmbeddingType } from './signal-types/embedding.ts'
import type { LookupContent, MatchedPart, SignalHit } from './signal-types/signal-type.ts'
import { selectBankChanges, selectSearchedEntries, selectSearchedEntriesById } from './store.ts'
import { createTenantIndex, type FindOptions, type Found, type TenantIndex } from './tenant-index.ts'

export type Match = {
  bank: { id: string; name: string; action: string }
  entryId: string
  signalType: string
  /** Algorithm and version; of a vector, the model and its version. */
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
  /** Why a person looks at it although a rule would decide: the entry is held, or its bank is sampled. */
  review?: string
  /** How alike content and entry are over all signals that both have, and what classifiers say of it. */
  pair?: { part: string; features: Record<string, number> }
  judgements?: SimilarityJudgement[]
}

/** What a similarity classifier says of a match. One in shadow is watched and changes nothing. */
export type SimilarityJudgement = {
  classifierId: string
  scope: string
  version: number
  mode: 'shadow' | 'live'
  /** That both are the same content. */
  probability: number
  /** Log-odds of an average pair; with the contributions they sum to those of the probability. */
  base: number
  contributions: { feature: string; value: number | null; logOdds: number }[]
}

export type LookupOptions = {
  /** Ids of the banks that are asked; all where missing. Negative banks are always asked: they only take away. */
  banks?: readonly string[]
  /** Names of signal types; all where missing. */
  types?: readonly string[]
  /** Matches below this confidence (0 to 1) are left out. */
  confidenceMin?: number
  /** Whether photos are looked for turned and mirrored too; true unless said. */
  turned?: boolean
  /** The content is traffic: banks that ask for a sample of it only are asked for that. */
  traffic?: boolean
}

export type Lookup = {
  /**
   * Every searched entry of the tenant's banks that the content matches, nearest first, one for each entry and part.
   * What a negative bank knows at least as well is left out.
   */
  lookup: (tenantId: string, content: LookupContent, options?: LookupOptions) => Promise<Match[]>
  /** The same for many pieces of content, in their order; other work goes on in between. */
  lookupMany: (tenantId: string, contents: readonly LookupContent[], options?: LookupOptions) => Promise<Match[][]>
  /** Takes in what was committed by now, here or by other processes. Also happens by itself, every `pollMs`. */
  refresh: () => Promise<void>
  /** Loads a tenant ahead of its first lookup. */
  load: (tenantId: string) => Promise<void>
  /** Banks of a tenant as they are searched. */
  banks: (tenantId: string) => Promise<ReadonlyMap<string, VisibleBank>>
  /** What the indexes of a tenant are made of. */
  stats: (tenantId: string) => Promise<{ banks: number; entries: number; indexes: ReturnType<TenantIndex['stats']> }>
  /** Entries in memory, for metrics. */
  size: () => { tenants: number; entries: number }
  close: () => void
}

export type LookupDeps = {
  db: Pick<Database, 'query'>
  /** Thresholds of variants of signal types (`type:variant`) where a bank says nothing of them. */
  variantThresholds?: Readonly<Record<string, number>>
  /** How soon a change by another process is found: twice this at worst, and 0 for never by itself. */
  pollMs?: number
  onError?: (error: Error) => void
}

const banksPage = 5_000
const loadPage = 5_000
const changesPage = 2_000
/** Work on the index gives way to others after so long: nobody waits 5 ms because of somebody else's entries. */
const sliceMs = 1.5
const tidyNs = 700_000

/** Lookups against an index in memory, one a tenant, loaded when first asked for and then kept up to date in steps. */
export function createLookup({ db, variantThresholds, pollMs = 400, onError = () => {} }: LookupDeps): Lookup {
  const tenants = new Map<string, TenantIndex>()
  /** Changes that were taken in and may be read again, with the transaction that made them. */
  const applied = new Map<string, string>()
  let nextXid = '0'
  let closed = false
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
      const index = await loadTenant(db.query, tenantId, variantThresholds)
      tenants.set(tenantId, index)
      tidy(index)
      return index
    })
  }

  /** Indexes are put in order in the background, for less than a millisecond at a time. */
  const tidying = new Set<TenantIndex>()
  const tidy = (index: TenantIndex) => {
    if (tidying.has(index)) return
    tidying.add(index)
    const step = () => {
      if (!closed && index.maintain(tidyNs)) setImmediate(step)
      else tidying.delete(index)
    }
    setImmediate(step)
  }

  const refresh = () =>
    inTurn(async () => {
      if (tenants.size === 0) return
      const { changes, nextXid: next } = await selectBankChanges(db.query, nextXid)
      const entryIds = new Map<string, string[]>()
      /** Tenants in memory that may have a bank: its owner, those that match against it, and those that begin to. */
      const followers = (ownerId: string, bankId: string, everyone: boolean) =>
        [...tenants].filter(
          ([tenantId, { banks }]) => everyone || tenantId === ownerId || banks.get(bankId)?.ownerTenantId === ownerId,
        )
      for (const { tenantId, bankId, entryId, xid } of changes) {
        const key = JSON.stringify([tenantId, bankId, entryId])
        if (applied.get(key) === xid) continue
        if (entryId === '') {
          for (const [followerId, index] of followers(tenantId, bankId, true))
            await followBank(db.query, index, followerId, bankId)
          applied.set(key, xid)
        } else if (followers(tenantId, bankId, false).length > 0) {
          const ids = entryIds.get(tenantId)
          if (ids === undefined) entryIds.set(tenantId, [entryId])
          else ids.push(entryId)
        }
      }
      for (const [ownerId, ids] of entryIds)
        for (let at = 0; at < ids.length; at += changesPage) {
          const page = await selectSearchedEntriesById(db.query, ownerId, ids.slice(at, at + changesPage))
          for (const [followerId, index] of tenants) {
            await inSlices(page, (entry) => {
              const { entryId, bankId, searched } = entry
              // What lies in a bank that another tenant does not see, or no longer, is not there for it.
              const seen = followerId === ownerId || index.banks.get(bankId)?.ownerTenantId === ownerId
              if (seen && searched) index.put(entry)
              else index.drop(entryId)
            })
            tidy(index)
          }
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
    async lookup(tenantId, content, options = {}) {
      const index = await ready(tenantId)
      return matchesOf(index.find(content, findOptions(index, options)), content, options)
    },
    async lookupMany(tenantId, contents, options = {}) {
      const index = await ready(tenantId)
      const asked = findOptions(index, options)
      const answers: Match[][] = []
      await inSlices(contents, (content) => void answers.push(matchesOf(index.find(content, asked), content, options)))
      return answers
    },
    refresh,
    load: async (tenantId) => void (await ready(tenantId)),
    banks: async (tenantId) => (await ready(tenantId)).banks,
    async stats(tenantId) {
      const index = await ready(tenantId)
      return { banks: index.banks.size, entries: index.size, indexes: index.stats() }
    },
    size: () => ({
      tenants: tenants.size,
      entries: [...tenants.values()].reduce((sum, tenant) => sum + tenant.size, 0),
    }),
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}

/** A lookup that also asks what needs more than the text itself: models of the operator. */
export function withTextSignals<L extends Pick<Lookup, 'lookup' | 'lookupMany'>>(
  lookup: L,
  textSignals: (text: string) => Promise<Readonly<Record<string, string>>>,
): L {
  const whole = async (content: LookupContent): Promise<LookupContent> =>
    content.text === undefined || content.textSignals !== undefined
      ? content
      : { ...content, textSignals: await textSignals(content.text) }
  const asks = (options: LookupOptions | undefined) => options?.types?.includes(textEmbeddingType.name) !== false
  return {
    ...lookup,
    lookup: async (tenantId, content, options) =>
      lookup.lookup(tenantId, asks(options) ? await whole(content) : content, options),
    async lookupMany(tenantId, contents, options) {
      const wholes =
        !asks(options) || contents.every(({ text }) => text === undefined)
          ? contents
          : await Promise.all(contents.map(whole))
      return lookup.lookupMany(tenantId, wholes, options)
    },
  }
}

/** Beyond every transaction: reads the horizon without changes. */
const farXid = '9223372036854775807'

async function loadTenant(
  query: Query,
  tenantId: string,
  variantThresholds: LookupDeps['variantThresholds'],
): Promise<TenantIndex> {
  const index = createTenantIndex(variantThresholds)
  for (let afterId = ''; ;) {
    const page = await banksVisibleTo(query, tenantId, { afterId, limit: banksPage })
    for (const bank of page) index.setBank(bank)
    if (page.length < banksPage) break
    afterId = page.at(-1)!.bankId
  }
  await loadEntries(query, index, tenantId)
  for (const { bankId, ownerTenantId } of index.banks.values())
    if (ownerTenantId !== tenantId) await loadEntries(query, index, ownerTenantId, bankId)
  return index
}

async function loadEntries(query: Query, index: TenantIndex, ownerTenantId: string, bankId?: string): Promise<void> {
  const of = bankId === undefined ? {} : { bankId }
  const read = (afterId: string) => selectSearchedEntries(query, ownerTenantId, { ...of, afterId, limit: loadPage })
  // The next page is read while this one is taken in.
  for (let next = read(''); ;) {
    const page = await next
    if (page.length === loadPage) next = read(page.at(-1)!.entryId)
    index.putMany(page)
    if (page.length < loadPage) break
  }
  index.flush()
}

/** Makes the index ask a bank exactly when its tenant sees it. Entries of own banks are there in any case. */
async function followBank(query: Query, index: TenantIndex, tenantId: string, bankId: string): Promise<void> {
  const [bank] = await banksVisibleTo(query, tenantId, { afterId: '', limit: 1, bankId })
  const known = index.banks.get(bankId)
  if (bank !== undefined) {
    index.setBank(bank)
    if (known === undefined && bank.ownerTenantId !== tenantId)
      await loadEntries(query, index, bank.ownerTenantId, bankId)
  } else if (known !== undefined) index.dropBank(bankId, known.ownerTenantId !== tenantId)
}

/** Does the work item by item, letting others run in between. */
async function inSlices<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  let beganMs = performance.now()
  for (const item of items) {
    if (performance.now() - beganMs > sliceMs) {
      await new Promise<void>((done) => setImmediate(done))
      beganMs = performance.now()
    }
    work(item)
  }
}

function findOptions(index: TenantIndex, { banks, types, turned }: LookupOptions): FindOptions {
  const asked =
    banks === undefined
      ? undefined
      : new Map([...index.banks].filter(([bankId, { negative }]) => negative || banks.includes(bankId)))
  return {
    ...(asked === undefined ? {} : { banks: asked }),
    ...(types === undefined ? {} : { types: new Set(types) }),
    ...(turned === false ? { unturned: true } : {}),
  }
}

function matchesOf(
  all: readonly Found[],
  content: LookupContent,
  { confidenceMin = 0, traffic = false }: LookupOptions,
): Match[] {
  const found = traffic
    ? all.filter(({ bank }) => fallsInto(bank.sampling.trafficShare, `traffic:${bank.bankId}`, content))
    : all
  if (found.length === 0) return []
  const negatives = found.filter(({ bank }) => bank.negative)
  const seen = new Set<string>()
  const matches: Match[] = []
  for (const { type, hit, entryId, labels, bank, threshold, held } of found) {
    if (bank.negative || negatives.some((negative) => silences(negative.hit, hit))) continue
    const { part } = hit
    // The signal types are in order of preference: the same part under a second one says nothing new.
    const key = `${entryId}:${part.kind}${part.kind === 'text' ? '' : part.index}`
    if (hit.confidence < confidenceMin || seen.has(key)) continue
    seen.add(key)
    matches.push({
      bank: { id: bank.bankId, name: bank.name, action: bank.action },
      entryId,
      signalType: type.name,
      version: hit.variant ?? type.version,
      part,
      distance: hit.distance,
      threshold,
      described: type.describe(hit.distance),
      similarity: hit.similarity,
      confidence: hit.confidence,
      ...(hit.quality === undefined ? {} : { quality: hit.quality }),
      ...(hit.transformation === undefined ? {} : { transformation: hit.transformation }),
      labels,
      ...(held
        ? { review: 'the entry is held back until somebody has looked at it' }
        : bank.sampling.reviewShare > 0 && fallsInto(bank.sampling.reviewShare, `review:${bank.bankId}`, content)
          ? { review: `a sample of the matches of bank "${bank.name}" is looked at by a person` }
          : {}),
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
