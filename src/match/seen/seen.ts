import type { Clock } from '../../domain/ids.ts'
import { dihedrals, pdqDihedralOfHash, pdqFromHex, type Dihedral } from '../../kernels/pdq.ts'
import type { Query } from '../../storage/database.ts'
import {
  deleteSeenBefore,
  selectMediaByDigest,
  selectSeenContaining,
  selectSeenEqual,
  selectSeenStream,
  type SeenAt,
} from '../../storage/seen-records.ts'
import { signalTypes } from '../signal-types/all.ts'
import { pdqQualityMin } from '../signal-types/photo.ts'
import type { SignalType } from '../signal-types/signal-type.ts'
import { createSeenPhotos, type SeenPhotos } from './photos.ts'
import { createSeenPlaces } from './places.ts'
import { keptTypeOf, packSignal, unpackSignal } from './rows.ts'

/** One kept signal that is near enough, by the number of its row. */
export type SeenHit = {
  seq: number
  type: string
  distance: number
  similarity: number
  threshold: number
  transformation?: string
}
export type SeenFindOptions = {
  /** Largest distances by signal type; the type's own where missing. */
  thresholds?: Readonly<Record<string, number>>
  /** Of the given photo hash; under 50 it is not looked for. */
  quality?: number | null
  /** Signal types by name; all of the given signals where missing. */
  types?: readonly string[]
  limit: number
  /** Told how much was compared, from 0 to 1. */
  onProgress?: (share: number) => void
}

export type Seen = {
  /**
   * Everything of the tenant that was kept and is near any of these signals (canonical, by type), nearest first.
   * `complete` is false when there was more than the limit. Photos are found turned and mirrored too.
   */
  find: (
    tenantId: string,
    signals: Readonly<Record<string, string>>,
    options: SeenFindOptions,
  ) => Promise<{ hits: SeenHit[]; complete: boolean }>
  /** Takes in what was committed by now. Called by itself before every search. */
  follow: () => Promise<void>
  /** Forgets what was kept before each tenant's retention ended; answers how many rows that were. */
  prune: (retentionMs: (tenantId: string) => number, tenantIds: readonly string[]) => Promise<number>
  /** Photos in memory, for metrics. */
  size: () => { tenants: number; photos: number }
}

const followPage = 1_000
const comparePage = 500
const pruneRows = 5_000
/** Media by their bytes: equal or not. */
const equalTypes = new Set(['sha256', 'sha1', 'md5'])
const byName = new Map(signalTypes.map((type) => [type.name, type]))
/** A turn of the entry that made the photo is the opposite turn of the photo against the entry. */
const opposite: Partial<Record<Dihedral, Dihedral>> = { rotate90: 'rotate270', rotate270: 'rotate90' }

/** Content that passed, searched for what came to be known later. Photos lie in memory, all else in the database. */
export function createSeen({ query, clock }: { query: Query; clock: Clock }): Seen {
  const photos = new Map<string, SeenPhotos>()
  const places = createSeenPlaces(query)
  let at: SeenAt = { xid: '0', seq: 0 }
  let following: Promise<void> | undefined

  const follow = (): Promise<void> => {
    following ??= (async () => {
      for (;;) {
        const page = await selectSeenStream(query, 'pdq', at, followPage)
        for (const { tenantId, signal, keptAtMs, at: here } of page) {
          let own = photos.get(tenantId)
          if (own === undefined) photos.set(tenantId, (own = createSeenPhotos()))
          own.add(here.seq, keptAtMs, signal)
        }
        if (page.length > 0) at = page.at(-1)!.at
        if (page.length < followPage) return
      }
    })().finally(() => (following = undefined))
    return following
  }

  type Found = { hits: SeenHit[]; complete: boolean }
  const findPhotos = async (tenantId: string, hash: string, threshold: number, limit: number): Promise<Found> => {
    await follow()
    const own = photos.get(tenantId)
    if (own === undefined) return { hits: [], complete: true }
    const { hits, complete } = await own.scan(pdqDihedralOfHash(pdqFromHex(hash)), threshold, limit)
    return {
      complete,
      hits: hits.map(({ seq, distance, query: turn }) => {
        const name = dihedrals[turn]!
        return {
          seq,
          type: 'pdq',
          distance,
          similarity: 1 - distance / 256,
          threshold,
          ...(turn === 0 ? {} : { transformation: opposite[name] ?? name }),
        }
      }),
    }
  }

  const findPlaces = async (tenantId: string, signal: string, threshold: number, limit: number): Promise<Found> => {
    const { hits, complete } = await places.find(tenantId, signal, threshold, limit)
    return {
      complete,
      hits: hits.map(({ seq, distance, similarity, transformation }) => ({
        seq,
        type: 'local',
        distance,
        similarity,
        threshold,
        ...(transformation === undefined ? {} : { transformation }),
      })),
    }
  }

  const findEqual = async (tenantId: string, type: SignalType, signal: string, limit: number): Promise<Found> => {
    const equal = async (name: string, signals: readonly string[]): Promise<number[]> =>
      signals.length === 0
        ? []
        : selectSeenEqual(
            query,
            tenantId,
            name,
            signals.map((one) => packSignal(name, one)),
            limit + 1,
          )
    const seqs = await equal(type.name, [signal])
    // Media that we hashed ourselves are kept under their SHA-256 alone.
    if (type.name === 'md5' || type.name === 'sha1')
      seqs.push(...(await equal('sha256', await selectMediaByDigest(query, tenantId, type.name, signal))))
    return {
      complete: seqs.length <= limit,
      hits: seqs
        .slice(0, limit)
        .map((seq) => ({ seq, type: type.name, distance: 0, similarity: 1, threshold: type.threshold })),
    }
  }

  const findTexts = async (tenantId: string, type: SignalType, signal: string, limit: number): Promise<Found> => {
    const near = nearTo(type, signal, null, type.threshold)
    const rows = await selectSeenContaining(query, tenantId, type.name, signal, limit + 1)
    const hits: SeenHit[] = []
    for (const { seq, signal: packed } of rows) {
      const hit = await near(unpackSignal(type.name, packed))
      if (hit !== undefined) hits.push({ seq, ...hit })
    }
    return { complete: rows.length <= limit, hits: hits.slice(0, limit) }
  }

  /** For types without a store of their own: everything of the type, page by page, in slices. */
  const findByComparing = async (
    tenantId: string,
    type: SignalType,
    signal: string,
    { quality, threshold, limit }: { quality: number | null; threshold: number; limit: number },
  ): Promise<Found> => {
    const { kept } = keptTypeOf(type)
    const near = nearTo(type, signal, quality, threshold)
    const hits: SeenHit[] = []
    for (let after: SeenAt = { xid: '0', seq: 0 }; ;) {
      const page = await selectSeenStream(query, kept, after, comparePage, { tenantId })
      for (const { at: here, signal: packed } of page) {
        const hit = await near(unpackSignal(kept, packed))
        if (hit === undefined) continue
        if (hits.length === limit) return { hits, complete: false }
        hits.push({ seq: here.seq, ...hit })
      }
      if (page.length < comparePage) return { hits, complete: true }
      after = page.at(-1)!.at
    }
  }

  return {
    follow,
    async find(tenantId, signals, { thresholds = {}, quality = null, types, limit, onProgress }) {
      const asked = Object.keys(signals).filter(
        (name) => byName.has(name) && types?.includes(name) !== false && signals[name] !== '',
      )
      const hits: SeenHit[] = []
      let complete = true
      for (const [done, name] of asked.entries()) {
        onProgress?.(done / asked.length)
        const type = byName.get(name)!
        const signal = signals[name]!
        const threshold = Math.min(thresholds[name] ?? type.threshold, type.thresholdMax)
        if (name === 'pdq' && quality !== null && quality < pdqQualityMin) continue
        const found =
          name === 'pdq'
            ? await findPhotos(tenantId, signal, threshold, limit)
            : name === 'local'
              ? await findPlaces(tenantId, signal, threshold, limit)
              : name === 'text'
                ? await findTexts(tenantId, type, signal, limit)
                : equalTypes.has(name)
                  ? await findEqual(tenantId, type, signal, limit)
                  : await findByComparing(tenantId, type, signal, { quality, threshold, limit })
        hits.push(...found.hits)
        complete &&= found.complete
      }
      onProgress?.(1)
      hits.sort((a, b) => b.similarity - a.similarity || b.seq - a.seq)
      return { hits: hits.slice(0, limit), complete: complete && hits.length <= limit }
    },
    async prune(retentionMs, tenantIds) {
      let rows = 0
      for (const tenantId of tenantIds) {
        const keptMs = clock() - retentionMs(tenantId)
        for (let gone = pruneRows; gone === pruneRows; rows += gone)
          gone = await deleteSeenBefore(query, tenantId, keptMs, pruneRows)
        photos.get(tenantId)?.prune(keptMs)
        places.prune(tenantId, keptMs)
      }
      return rows
    },
    size: () => ({
      tenants: photos.size,
      photos: [...photos.values()].reduce((sum, { size }) => sum + size, 0),
    }),
  }
}

/** Whether a kept signal is near one signal, by the index of its type: with turns, passages and whatever else it knows. */
function nearTo(
  type: SignalType,
  signal: string,
  quality: number | null,
  threshold: number,
): (kept: string) => Promise<Omit<SeenHit, 'seq'> | undefined> {
  const index = type.createIndex()
  const { contentOf } = keptTypeOf(type)
  index.add(0, signal, quality)
  return async (kept) => {
    const [hit] = await index.search(contentOf(kept), { radiusMax: threshold, thresholdOf: () => threshold })
    if (hit === undefined) return undefined
    const { distance, similarity, transformation } = hit
    return {
      type: type.name,
      distance,
      similarity,
      threshold,
      ...(transformation === undefined ? {} : { transformation }),
    }
  }
}
