// Sources of a new part: rows of deltas and entries of older parts, merged by ascending id, without what was removed.
import { hashWords } from './hamming-distance.ts'
import type { PartSource } from './hamming-build.ts'
import { isRemoved, rowsById, type Delta } from './hamming-delta.ts'
import { partEntriesMax, type Part } from './hamming-part.ts'

type Run = { ids: Uint32Array; hashes: Uint32Array; skip: (place: number) => boolean; order: Uint32Array | undefined }

/** Merges deltas and parts that hold different ids. What is removed before it is taken does not come along. */
export function mergedSource(deltas: readonly Delta[], parts: readonly Part[]): PartSource {
  const entriesMax =
    deltas.reduce((sum, { live }) => sum + live, 0) +
    parts.reduce((sum, part) => sum + part.shape.entries - part.removedCount, 0)
  let runs: Run[] = []
  let places: number[] = []
  return {
    entriesMax,
    prepare() {
      runs = [
        ...parts.map((part) => ({
          ids: part.ids,
          hashes: part.hashes,
          skip: (place: number) => (part.removed[place >>> 3]! & (1 << (place & 7))) !== 0,
          order: undefined,
        })),
        ...deltas.map((delta) => ({
          ids: delta.rows.ids,
          hashes: delta.rows.hashes,
          skip: (place: number) => isRemoved(delta.rows, place),
          order: rowsById(delta),
        })),
      ]
      places = runs.map(() => 0)
    },
    take(ids, hashes, from, count) {
      let taken = 0
      while (taken < count) {
        let first = -1
        let firstId = Infinity
        for (let each = 0; each < runs.length; each++) {
          const id = nextId(runs[each]!, each, places)
          if (id >= firstId) continue
          first = each
          firstId = id
        }
        if (first < 0) break
        const { order, hashes: from32 } = runs[first]!
        const place = order === undefined ? places[first]! : order[places[first]!]!
        places[first]!++
        ids[from + taken] = firstId
        const at = (from + taken) * hashWords
        for (let word = 0; word < hashWords; word++) hashes[at + word] = from32[place * hashWords + word]!
        taken++
      }
      return taken
    },
  }
}

/** The next id of a run that is not removed, or Infinity at its end. Moves the place there. */
function nextId({ ids, skip, order }: Run, run: number, places: number[]): number {
  const length = order?.length ?? ids.length
  for (let at = places[run]!; at < length; at++) {
    const place = order === undefined ? at : order[at]!
    if (skip(place)) continue
    places[run] = at
    return ids[place]!
  }
  places[run] = length
  return Infinity
}

/** A list of hashes with ids, in order of id; the last of equal ids counts. */
export function listSource(ids: Uint32Array, words: Uint32Array): PartSource[] {
  const order = ascending(ids) ? undefined : sortedOrder(ids)
  const total = order?.length ?? ids.length
  const partCount = Math.max(1, Math.ceil(total / partEntriesMax))
  return Array.from({ length: partCount }, (_, part) => {
    const end = Math.floor((total * (part + 1)) / partCount)
    let at = Math.floor((total * part) / partCount)
    return {
      entriesMax: end - at,
      take(toIds, toHashes, from, count) {
        const taken = Math.min(count, end - at)
        if (order === undefined) {
          toIds.set(ids.subarray(at, at + taken), from)
          toHashes.set(words.subarray(at * hashWords, (at + taken) * hashWords), from * hashWords)
        } else
          for (let each = 0; each < taken; each++) {
            const place = order[at + each]!
            toIds[from + each] = ids[place]!
            toHashes.set(words.subarray(place * hashWords, (place + 1) * hashWords), (from + each) * hashWords)
          }
        at += taken
        return taken
      },
    }
  })
}

/** Whether each is larger than the one before. */
function ascending(ids: Uint32Array): boolean {
  for (let at = 1; at < ids.length; at++) if (ids[at]! <= ids[at - 1]!) return false
  return true
}

function sortedOrder(ids: Uint32Array): Uint32Array {
  const order = Uint32Array.from(ids.keys())
  order.sort((a, b) => ids[a]! - ids[b]! || a - b)
  return order.filter((place, at) => at + 1 === order.length || ids[order[at + 1]!] !== ids[place])
}
