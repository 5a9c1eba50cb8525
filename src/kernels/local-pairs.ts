import { ones32 } from './hamming-index.ts'
import { descriptorWords, type LocalFeatures } from './local-features.ts'
import { localPairsWasm } from './wasm/local-pairs.wasm.ts'
import { growTo, instanceOf, moduleOf } from './wasm/compiled.ts'

/** Which of two implementations computes; their results are the same. */
export type PairsEngine = 'wasm' | 'typescript'

/** Features that look alike: places in the lists of the query and of the entry. */
export type Pairs = { count: number; query: Uint16Array; entry: Uint16Array }

/** Bits of 256 that two descriptions of the same place may differ in. */
export const pairDistanceMax = 68
// A rival this near, in tenths of its distance, makes a pair ambiguous.
const rivalTenths = 9
/** Rivals further away than this make no pair ambiguous. */
const rivalDistanceMax = Math.floor((pairDistanceMax * 10) / rivalTenths)
const outcomes = 3

/** For each feature of the query the nearest of the entry, where no other place of the entry is nearly as near. */
export function likePairs(query: LocalFeatures, entry: LocalFeatures, engine: PairsEngine = 'wasm'): Pairs {
  const wasm = engine === 'wasm' ? load() : undefined
  const nearest = wasm === undefined ? nearestPlain(query, entry) : nearestFast(wasm, query, entry)
  const pairs: Pairs = { count: 0, query: new Uint16Array(query.count), entry: new Uint16Array(query.count) }
  for (let from = 0; from < query.count; from++) {
    const best = nearest[from * outcomes + 1]!
    if (best > pairDistanceMax || best * 10 > nearest[from * outcomes + 2]! * rivalTenths) continue
    pairs.query[pairs.count] = from
    pairs.entry[pairs.count++] = nearest[from * outcomes]!
  }
  return pairs
}

/** For each feature of the query: the nearest of the entry or -1, its distance, and that of the nearest rival. */
function nearestPlain(query: LocalFeatures, entry: LocalFeatures): Int16Array {
  const out = new Int16Array(query.count * outcomes)
  const q = query.descriptors
  const e = entry.descriptors
  for (let from = 0; from < query.count; from++) {
    let best = 257
    let second = 257
    let found = -1
    for (let to = 0; to < entry.count; to++) {
      let distance = 0
      for (let word = 0; word < descriptorWords; word++)
        distance += ones32(q[from * descriptorWords + word]! ^ e[to * descriptorWords + word]!)
      if (distance > rivalDistanceMax) continue
      if (distance < best) {
        // A second feature of the same place is no rival.
        if (found >= 0 && !samePlace(entry, found, to)) second = best
        best = distance
        found = to
      } else if (distance < second && !samePlace(entry, found, to)) second = distance
    }
    out.set([found, best, second], from * outcomes)
  }
  return out
}

const f = Math.fround

function samePlace({ x, y, size }: LocalFeatures, a: number, b: number): boolean {
  const near = f(1.5 * Math.max(size[a]!, size[b]!))
  return Math.abs(f(x[a]! - x[b]!)) < near && Math.abs(f(y[a]! - y[b]!)) < near
}

type Exports = {
  memory: WebAssembly.Memory
  nearest: (
    query: number,
    queryCount: number,
    entry: number,
    entryCount: number,
    places: number,
    distanceMax: number,
    out: number,
  ) => void
}
const compiled = moduleOf(localPairsWasm)
let loaded: Exports | undefined

function load(): Exports | undefined {
  const module = compiled()
  if (module !== undefined) loaded ??= instanceOf(module)
  return loaded
}

function nearestFast({ memory, nearest }: Exports, query: LocalFeatures, entry: LocalFeatures): Int16Array {
  const entryAt = query.count * descriptorWords
  const placesAt = entryAt + entry.count * descriptorWords
  const outAt = placesAt + entry.count * 3
  const end = outAt * 4 + query.count * outcomes * 2
  growTo(memory, end)
  const words = new Uint32Array(memory.buffer)
  words.set(query.descriptors)
  words.set(entry.descriptors, entryAt)
  const places = new Float32Array(memory.buffer, placesAt * 4, entry.count * 3)
  for (let at = 0; at < entry.count; at++) {
    places[at * 3] = entry.x[at]!
    places[at * 3 + 1] = entry.y[at]!
    places[at * 3 + 2] = entry.size[at]!
  }
  nearest(0, query.count, entryAt * 4, entry.count, placesAt * 4, rivalDistanceMax, outAt * 4)
  return new Int16Array(memory.buffer, outAt * 4, query.count * outcomes)
}
