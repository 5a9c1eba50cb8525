import type { Database } from '../storage/database.ts'
import type { VisibleBank } from './bank.ts'
import { createTenantIndexes, type TenantIndexes } from './memory/indexes.ts'
import { fallsInto } from './sampling.ts'
import { textEmbeddingType } from './signal-types/embedding.ts'
import type { LookupContent, MatchedPart, SignalHit, TransformationMatrix } from './signal-types/signal-type.ts'
import { inSlices } from './slices.ts'
import type { FindOptions, Found, TenantIndex } from './tenant-index.ts'

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
  transformationMatrix?: TransformationMatrix
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
  refresh: TenantIndexes['refresh']
  /** Loads a tenant ahead of its first lookup. */
  load: (tenantId: string) => Promise<void>
  loadAhead: TenantIndexes['loadAhead']
  ahead: TenantIndexes['ahead']
  /** Banks of a tenant as they are searched. */
  banks: (tenantId: string) => Promise<ReadonlyMap<string, VisibleBank>>
  /** What the indexes of a tenant are made of. */
  stats: (tenantId: string) => Promise<{ banks: number; entries: number; indexes: ReturnType<TenantIndex['stats']> }>
  /** Entries in memory, for metrics. */
  size: TenantIndexes['size']
  close: () => void
}

export type LookupDeps = {
  db: Pick<Database, 'query'>
  /** Thresholds of variants of signal types (`type:variant`) where a bank says nothing of them. */
  variantThresholds?: Readonly<Record<string, number>>
  /** How soon a change by another process is found: twice this at worst, and 0 for never by itself. */
  pollMs?: number
  /** So much memory the indexes may use, roughly. */
  bytesMax?: number
  onError?: (error: Error) => void
}

/** Lookups against an index in memory, one a tenant, loaded when first asked for and then kept up to date in steps. */
export function createLookup({
  db,
  variantThresholds,
  pollMs = 400,
  bytesMax,
  onError = () => {},
}: LookupDeps): Lookup {
  const indexes = createTenantIndexes({ query: db.query, variantThresholds, bytesMax, onError })

  let polling = false
  const timer =
    pollMs === 0
      ? undefined
      : setInterval(() => {
          if (polling) return
          polling = true
          indexes
            .refresh()
            .catch((error: Error) => onError(error))
            .finally(() => (polling = false))
        }, pollMs)
  timer?.unref()

  return {
    async lookup(tenantId, content, options = {}) {
      const index = await indexes.of(tenantId)
      return matchesOf(await index.find(content, findOptions(index, options)), content, options)
    },
    async lookupMany(tenantId, contents, options = {}) {
      const index = await indexes.of(tenantId)
      const asked = findOptions(index, options)
      const answers: Promise<Match[]>[] = []
      await inSlices(contents, (content) => {
        const found = index.find(content, asked)
        answers.push(
          Array.isArray(found)
            ? Promise.resolve(matchesOf(found, content, options))
            : found.then((later) => matchesOf(later, content, options)),
        )
      })
      return Promise.all(answers)
    },
    refresh: indexes.refresh,
    loadAhead: indexes.loadAhead,
    ahead: indexes.ahead,
    load: async (tenantId) => void (await indexes.of(tenantId)),
    banks: async (tenantId) => (await indexes.of(tenantId)).banks,
    async stats(tenantId) {
      const index = await indexes.of(tenantId)
      return { banks: index.banks.size, entries: index.size, indexes: index.stats() }
    },
    size: indexes.size,
    close() {
      indexes.close()
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
      ...(hit.transformationMatrix === undefined ? {} : { transformationMatrix: hit.transformationMatrix }),
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
