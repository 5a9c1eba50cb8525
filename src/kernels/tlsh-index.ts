// Exact search over TLSH digests. Digests lie in 256 cells by their two quartile ratios, which alone decide up to 168 of
// the distance: a search reads the cells that are near enough, and leaves a digest at the first word that is too far.
import { ones32 } from './hamming-distance.ts'
import { tlshBytes } from './tlsh.ts'

/** Checksum, then the high and the low bits of the 128 buckets, four words each. */
const words = 9

export type TlshHit = { id: number; distance: number }

export type TlshIndex = {
  readonly size: number
  /** Adds a digest of 35 bytes under an id of the caller; an id that is already there is replaced. */
  add: (id: number, digest: Uint8Array) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /** Every id within `radius`, lengths of the inputs left out (`diffxlen`); nearest first, then by id. */
  query: (digest: Uint8Array, radius: number) => TlshHit[]
}

type Cell = { words: Uint32Array; ids: Float64Array; count: number }

/** The bits of a digest as words: which buckets have their high bit set, and which their low bit. */
function wordsOf(digest: Uint8Array): Uint32Array {
  const out = new Uint32Array(words)
  out[0] = digest[0]!
  for (let bucket = 0; bucket < 128; bucket++) {
    const code = (digest[tlshBytes - 32 + (bucket >>> 2)]! >>> ((bucket & 3) << 1)) & 3
    out[1 + (bucket >>> 5)]! |= (code >>> 1) << (bucket & 31)
    out[5 + (bucket >>> 5)]! |= (code & 1) << (bucket & 31)
  }
  return out
}

const around = (a: number, b: number) => Math.min(Math.abs(a - b), 16 - Math.abs(a - b))
const ratioCost = (apart: number) => (apart <= 1 ? apart : (apart - 1) * 12)

/** An empty index. Adding, removing and searching may alternate freely; nothing is ever rebuilt. */
export function createTlshIndex(): TlshIndex {
  const cells = new Map<number, Cell>()
  const placeOf = new Map<number, { cell: Cell; at: number }>()

  const remove = (id: number): boolean => {
    const place = placeOf.get(id)
    if (place === undefined) return false
    const { cell, at } = place
    const last = --cell.count
    if (at !== last) {
      // The last one takes the free place.
      cell.words.copyWithin(at * words, last * words, (last + 1) * words)
      cell.ids[at] = cell.ids[last]!
      placeOf.get(cell.ids[at]!)!.at = at
    }
    placeOf.delete(id)
    return true
  }

  return {
    get size() {
      return placeOf.size
    },
    add(id, digest) {
      if (digest.length !== tlshBytes) throw new RangeError(`A digest has ${tlshBytes} bytes, not ${digest.length}`)
      remove(id)
      const ratios = digest[2]!
      let cell = cells.get(ratios)
      if (cell === undefined)
        cells.set(ratios, (cell = { words: new Uint32Array(words * 16), ids: new Float64Array(16), count: 0 }))
      if (cell.count === cell.ids.length) {
        const wider = new Uint32Array(cell.words.length * 2)
        wider.set(cell.words)
        const ids = new Float64Array(cell.ids.length * 2)
        ids.set(cell.ids)
        Object.assign(cell, { words: wider, ids })
      }
      cell.words.set(wordsOf(digest), cell.count * words)
      cell.ids[cell.count] = id
      placeOf.set(id, { cell, at: cell.count++ })
    },
    remove,
    query(digest, radius) {
      const hits: TlshHit[] = []
      const wanted = wordsOf(digest)
      const ratios = digest[2]!
      for (const [cellRatios, cell] of cells) {
        const base = ratioCost(around(ratios >>> 4, cellRatios >>> 4)) + ratioCost(around(ratios & 15, cellRatios & 15))
        if (base <= radius) scan(cell, wanted, base, radius, hits)
      }
      return hits.sort((a, b) => a.distance - b.distance || a.id - b.id)
    },
  }
}

function scan(cell: Cell, wanted: Uint32Array, base: number, radius: number, hits: TlshHit[]): void {
  const held = cell.words
  for (let entry = 0; entry < cell.count; entry++) {
    const at = entry * words
    let distance = base + (held[at] === wanted[0] ? 0 : 1)
    for (let word = 1; word < 5 && distance <= radius; word++) {
      const high = held[at + word]! ^ wanted[word]!
      const low = held[at + word + 4]! ^ wanted[word + 4]!
      // Differing high and low bits are 3 against 0, which costs 6, or 2 against 1, which costs 1.
      const ends = high & low & ~(held[at + word]! ^ held[at + word + 4]!)
      distance += ones32(low & ~ends) + 2 * ones32(high & ~low) + 6 * ones32(ends)
    }
    if (distance <= radius) hits.push({ id: cell.ids[entry]!, distance })
  }
}
