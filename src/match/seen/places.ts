import type { Query } from '../../storage/database.ts'
import { selectSeenSignals, selectSeenStream, type SeenAt } from '../../storage/seen-records.ts'
import type { Laid } from '../places/desk.ts'
import { createPlacesIndex, type PlacesIndex } from '../places/thread.ts'
import { comparisonOf } from '../signal-types/photo-local.ts'
import type { Comparison } from '../signal-types/signal-type.ts'
import { placesOf } from './rows.ts'

/**
 * Photos of all tenants that are looked for among what passed, the newest: 1.6 KB each in the thread that searches. The
 * features themselves stay in the database, and are read of those that may match.
 */
export const seenPhotosMax = 400_000
const followPage = 500
/** So many photos are compared at a time; after so many pages without a match, no other is likely. */
const layPage = 128
const emptyPagesMax = 3
const likelyMax = 32 * 1_024

export type SeenPlacesHit = { seq: number } & Comparison

/** Photos that passed, by their local features. */
export type SeenPlaces = {
  /**
   * What was kept of a tenant's photos and shows what the signal shows, at most this far; `complete` is false when there
   * was more than the limit, or older photos than those that are kept in memory.
   */
  find: (
    tenantId: string,
    signal: string,
    threshold: number,
    limit: number,
  ) => Promise<{ hits: SeenPlacesHit[]; complete: boolean }>
  /** Lets go of what was kept before this time. */
  prune: (tenantId: string, keptMs: number) => void
}

type Page = { lastSeq: number; photos: number; newestMs: number }
type State = { index: PlacesIndex; at: SeenAt; pages: Page[]; photos: number; whole: boolean; last: Promise<unknown> }

/** An empty store, which reads a tenant's photos when it is first asked about them and then what came since. */
export function createSeenPlaces(query: Query, photosMax = seenPhotosMax): SeenPlaces {
  // In the order in which they were last asked for.
  const states = new Map<string, State>()

  const stateOf = (tenantId: string): State => {
    const state = states.get(tenantId) ?? {
      index: createPlacesIndex(),
      at: { xid: '0', seq: 0 },
      pages: [],
      photos: 0,
      whole: true,
      last: Promise.resolve(),
    }
    states.delete(tenantId)
    states.set(tenantId, state)
    return state
  }
  const forgetPage = (state: State) => {
    const { lastSeq, photos } = state.pages.shift()!
    state.photos -= photos
    state.index.tell({ op: 'forget', below: lastSeq + 1 })
  }
  const makeRoom = (state: State) => {
    const held = () => [...states.values()].reduce((sum, { photos }) => sum + photos, 0)
    for (const [tenantId, other] of states) {
      if (held() <= photosMax || other === state) break
      states.delete(tenantId)
      other.index.tell({ op: 'drop' })
    }
    while (state.photos > photosMax) {
      forgetPage(state)
      state.whole = false
    }
  }

  const follow = async (tenantId: string, state: State): Promise<void> => {
    for (;;) {
      const rows = await selectSeenStream(query, 'local', state.at, followPage, { tenantId })
      if (rows.length > 0) {
        // Copies of their own: a view would take the whole page of the driver along, for each.
        const photos = rows.map(({ at, signal }) => ({ id: at.seq, packed: new Uint8Array(placesOf(signal)) }))
        state.index.tell({ op: 'see', photos })
        state.at = rows.at(-1)!.at
        state.pages.push({
          lastSeq: rows.reduce((most, { at }) => Math.max(most, at.seq), 0),
          photos: rows.length,
          newestMs: rows.reduce((most, { keptAtMs }) => Math.max(most, keptAtMs), 0),
        })
        state.photos += rows.length
        makeRoom(state)
      }
      if (rows.length < followPage) return
    }
  }

  return {
    async find(tenantId, signal, threshold, limit) {
      const state = stateOf(tenantId)
      const turn = state.last.then(() => follow(tenantId, state))
      state.last = turn.catch(() => {})
      await turn
      const { ids, variants } = await state.index.ask({ op: 'likely', signal, limit: likelyMax })
      const hits = new Map<number, SeenPlacesHit>()
      for (let from = 0, empty = 0; from < ids.length && empty < emptyPagesMax; from += layPage) {
        const likely = [...ids.subarray(from, from + layPage)].map((seq, at) => ({
          seq,
          variant: variants[from + at]!,
        }))
        const kept = new Map(
          (await selectSeenSignals(query, tenantId, [...new Set(likely.map(({ seq }) => seq))])).map((row) => [
            row.seq,
            new Uint8Array(placesOf(row.signal)),
          ]),
        )
        const over = likely.flatMap(({ seq, variant }) => {
          const packed = kept.get(seq)
          return packed === undefined ? [] : [{ seq, variant, packed }]
        })
        const laid: (Laid | undefined)[] = await state.index.ask({ op: 'lay', signal, over })
        empty++
        for (const [at, { seq }] of over.entries()) {
          const compared = comparisonOf(laid[at], true)
          if (compared.distance > threshold || compared.distance >= (hits.get(seq)?.distance ?? Infinity)) continue
          empty = 0
          if (hits.size === limit && !hits.has(seq)) return { hits: [...hits.values()], complete: false }
          hits.set(seq, { seq, ...compared })
        }
      }
      return { hits: [...hits.values()], complete: state.whole && ids.length < likelyMax }
    },
    prune(tenantId, keptMs) {
      const state = states.get(tenantId)
      while (state !== undefined && state.pages.length > 0 && state.pages[0]!.newestMs < keptMs) forgetPage(state)
    },
  }
}
