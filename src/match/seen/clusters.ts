import type { Clock } from '../../domain/ids.ts'
import { createUnionFind, type UnionFind } from '../../kernels/union-find.ts'
import type { Query } from '../../storage/database.ts'
import { selectSeenStream, type SeenAt } from '../../storage/seen-records.ts'
import { signalTypeNamed } from '../raw-signals.ts'
import type { SignalIndex } from '../signal-types/signal-type.ts'
import { inSlices } from '../slices.ts'
import { keptTypeOf, unpackSignal } from './rows.ts'

/** Near-identical content that passed within a period. */
export type Cluster = {
  /** Parts in the period. */
  parts: number
  /** Different signals among them. */
  signals: number
  /** The kept signal that came most often: a hash, or for types of words the text. */
  signal: string
  firstMs: number
  lastMs: number
  /** Rows of the newest parts. */
  seqs: number[]
}

export type ClusterPeriod = { type: string; sinceMs: number; untilMs: number; partsMin: number; limit: number }

export type Clusters = {
  /**
   * The biggest groups of near-identical content of a tenant in a period, biggest first, and how far back is known.
   * What came since the last question is added to the groups; nothing is grouped anew.
   */
  biggest: (tenantId: string, period: ClusterPeriod) => Promise<{ clusters: Cluster[]; sinceMs: number }>
}

const dayMs = 86_400_000
/** So far back groups are known. */
export const clusterDays = 30
/** So many tenants and types are grouped at a time; who has not been asked about for longest is let go. */
const statesMax = 64
const page = 1_000
const sampleParts = 5

type State = {
  at: SeenAt
  sinceMs: number
  index: SignalIndex
  sets: UnionFind
  /** The number of a signal, and the signal of a number. */
  numbers: Map<string, number>
  signals: string[]
  /** Parts in order: which signal, when, and which row. */
  of: number[]
  atMs: number[]
  seqs: number[]
  last: Promise<unknown>
}

/** Groups of near-identical content that passed, by single linkage at the default threshold of the signal type. */
export function createClusters({ query, clock }: { query: Query; clock: Clock }): Clusters {
  const states = new Map<string, State>()

  const stateOf = (key: string, type: string): State => {
    let state = states.get(key)
    const horizonMs = clock() - clusterDays * dayMs
    // Twice the window is in memory: begin again with the half that counts.
    if (state === undefined || state.sinceMs < horizonMs - clusterDays * dayMs) {
      state = {
        at: { xid: '0', seq: 0 },
        sinceMs: horizonMs,
        index: signalTypeNamed('type', type).createIndex(),
        sets: createUnionFind(),
        numbers: new Map(),
        signals: [],
        of: [],
        atMs: [],
        seqs: [],
        last: Promise.resolve(),
      }
    }
    states.delete(key)
    states.set(key, state)
    if (states.size > statesMax) states.delete(states.keys().next().value!)
    return state
  }

  const follow = async (state: State, tenantId: string, typeName: string): Promise<void> => {
    const type = signalTypeNamed('type', typeName)
    const { threshold } = type
    const { kept, contentOf } = keptTypeOf(type)
    for (;;) {
      const rows = await selectSeenStream(query, kept, state.at, page, { tenantId, keptSinceMs: state.sinceMs })
      await inSlices(rows, async ({ at, signal: packed, occurredAtMs }) => {
        const signal = unpackSignal(kept, packed)
        let number = state.numbers.get(signal)
        if (number === undefined) {
          number = state.sets.add()
          const near = await state.index.search(contentOf(signal), {
            radiusMax: threshold,
            thresholdOf: () => threshold,
            unturned: true,
          })
          for (const { slot } of near) state.sets.join(number, slot)
          const own = type.signalOf(contentOf(signal))
          if (own !== undefined) state.index.add(number, own, null)
          state.numbers.set(signal, number)
          state.signals.push(signal)
        }
        state.of.push(number)
        state.atMs.push(occurredAtMs)
        state.seqs.push(at.seq)
      })
      if (rows.length > 0) state.at = rows.at(-1)!.at
      if (rows.length < page) return
    }
  }

  return {
    async biggest(tenantId, period) {
      const state = stateOf(JSON.stringify([tenantId, period.type]), period.type)
      const turn = state.last.then(() => follow(state, tenantId, period.type))
      state.last = turn.catch(() => {})
      await turn
      return { clusters: tally(state, period), sinceMs: state.sinceMs }
    },
  }
}

function tally(state: State, { sinceMs, untilMs, partsMin, limit }: ClusterPeriod): Cluster[] {
  const groups = new Map<number, { parts: number[]; counts: Map<number, number> }>()
  for (let part = 0; part < state.of.length; part++) {
    const atMs = state.atMs[part]!
    if (atMs < sinceMs || atMs >= untilMs) continue
    const number = state.of[part]!
    const root = state.sets.find(number)
    let group = groups.get(root)
    if (group === undefined) groups.set(root, (group = { parts: [], counts: new Map() }))
    group.parts.push(part)
    group.counts.set(number, (group.counts.get(number) ?? 0) + 1)
  }
  return [...groups.values()]
    .filter(({ parts }) => parts.length >= partsMin)
    .sort((a, b) => b.parts.length - a.parts.length || a.parts[0]! - b.parts[0]!)
    .slice(0, limit)
    .map(({ parts, counts }) => {
      const [commonest] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))
      const times = parts.map((part) => state.atMs[part]!)
      return {
        parts: parts.length,
        signals: counts.size,
        signal: state.signals[commonest]!,
        firstMs: times.reduce((a, b) => Math.min(a, b)),
        lastMs: times.reduce((a, b) => Math.max(a, b)),
        seqs: parts.slice(-sampleParts).map((part) => state.seqs[part]!),
      }
    })
}
