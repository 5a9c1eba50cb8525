// Other threads search the memory of an index as it is: nothing is copied, and nothing is written by them.
import { searchDelta, type DeltaRows } from './hamming-delta.ts'
import { checkRadius, checkWords } from './hamming-distance.ts'
import { gather, radiusMax, type HammingHit, type HammingIndex, type HammingQuery } from './hamming-index.ts'
import { openPart, type PartMemory, type PartShape } from './hamming-part.ts'

/** What `postMessage` carries to another thread: shared memories and what lies in them. */
export type SharedHammingIndex = {
  generation: number
  parts: { room: PartMemory; shape: PartShape }[]
  deltas: DeltaRows[]
}

export type HammingReader = {
  /** The generation of the index that it was opened with. */
  readonly generation: number
  /** As the index itself answers. */
  query: (words: Uint32Array, radius: number, offset?: number, options?: HammingQuery) => HammingHit[]
}

/**
 * The index as it lies in shared memory. A reader sees additions and removals as they happen, until the generation of
 * the index grows (`index.inside().generation`: after a merge, or when a delta is full); then it misses what came later,
 * and the owner sends a new one. Costs microseconds.
 */
export function shareHammingIndex(index: HammingIndex): SharedHammingIndex {
  const { generation, parts, deltas } = index.inside()
  return {
    generation,
    parts: parts.map(({ room, shape }) => ({ room, shape })),
    deltas: deltas.map(({ rows }) => rows),
  }
}

/** Opens what another thread shared, to search it. */
export function openSharedHammingIndex({ generation, parts, deltas }: SharedHammingIndex): HammingReader {
  const opened = parts.map(({ room, shape }) => openPart(room, shape))
  return {
    generation,
    query(words, radius, offset = 0, filter) {
      checkWords(words, offset)
      checkRadius(radius, radiusMax)
      return gather(filter, (found) => {
        for (const rows of deltas) searchDelta(rows, words, offset, radius, found)
        for (const part of opened) part.search(words, offset, radius, found)
      })
    },
  }
}
