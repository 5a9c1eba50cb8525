import { Type, type Static } from 'typebox'
import { route } from './route.ts'

const Count = Type.Integer({ minimum: 0 })
const Bytes = Type.Number({ minimum: 0 })

/** What a search index in memory is made of. */
const HashIndex = Type.Object({
  signalType: Type.String(),
  entries: Count,
  chunks: Type.Integer({ description: 'Into how many pieces a hash is cut; entries are listed by each.' }),
  tombstones: Type.Integer({ description: 'Removed entries that are still in memory, until a merge drops them.' }),
  twins: Type.Integer({ description: 'Entries with the same hash as another, which are listed once.' }),
  parts: Type.Array(Type.Object({ entries: Count, listed: Count, tombstones: Count, bytes: Bytes }), {
    description: 'Immutable parts. Each adds some microseconds to a search.',
  }),
  delta: Type.Object(
    { entries: Count, tombstones: Count, waiting: Count },
    { description: 'What is new, and how many full deltas wait to be merged.' },
  ),
  merging: Type.Optional(Type.Object({ entries: Count, progress: Type.Number({ minimum: 0, maximum: 1 }) })),
  bytes: Type.Object({
    hashes: Bytes,
    ids: Bytes,
    keys: Bytes,
    slots: Bytes,
    tables: Bytes,
    other: Bytes,
    delta: Bytes,
    total: Bytes,
  }),
  buckets: Type.Object(
    { filled: Count, p50: Count, p90: Count, p99: Count, p999: Count, max: Count },
    { description: 'Entries in a bucket, over those that hold any. A high maximum means skewed hashes.' },
  ),
  largest: Type.Array(Type.Object({ chunk: Count, value: Type.String(), entries: Count }), {
    description: 'The fullest buckets: piece of the hash (0 holds the lowest bits), its value, entries.',
  }),
})

export const MatchIndexStats = Type.Object({
  banks: Count,
  entries: Type.Integer({ description: 'Entries of all signal types that are searched.' }),
  indexes: Type.Array(HashIndex, { description: 'Of signal types that are searched by distance of 256-bit hashes.' }),
})
export type MatchIndexStats = Static<typeof MatchIndexStats>

export const matchIndexStats = route({
  id: 'match.indexStats',
  method: 'GET',
  path: '/v1/match/index/stats',
  summary: 'What the search indexes in memory are made of',
  scope: 'match:read',
  response: MatchIndexStats,
})
