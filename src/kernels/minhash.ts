// An index of text sketches: MinHash signatures in bands (Broder 1997; Indyk and Motwani 1998; banding as in Leskovec,
// Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4). Who shares a band is compared sketch by sketch.
// Buckets grow one at a time (Litwin, "Linear hashing", VLDB 1980), so that no addition waits for a rebuild.
import { resemblanceAt, sketchSize } from './text-sketch.ts'
import { createMinhashRows } from './wasm/minhash.ts'

/** Two texts with resemblance r meet with probability 1 - (1 - r^3)^24: 0.96 at .5, 0.997 at .6, 0.9999 at .7. */
export const minhashBands = 24
export const minhashRows = 3
/** One more chain a text, keyed by the whole sketch: equal sketches are kept once. */
const chains = minhashBands + 1

const pageTexts = 1 << 12
const pageBuckets = 1 << 16
const firstBuckets = 1 << 10

export type SketchHit = { id: number; resemblance: number }

export type SketchIndex = {
  /** How many ids are held. */
  readonly size: number
  /** Memory of the flat arrays, in bytes. */
  readonly bytes: number
  /** Adds an ascending sketch under an id of the caller; an id that is already there is replaced. */
  add: (id: number, sketch: Uint32Array) => void
  /** Whether the id was there. */
  remove: (id: number) => boolean
  /** The ids that share a band with the sketch and resemble it at least this much; most alike first, then by id. */
  query: (sketch: Uint32Array, resemblanceMin: number) => SketchHit[]
}

const mix = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
const rowsTotal = minhashBands * minhashRows
const factors = Int32Array.from({ length: rowsTotal }, (_, row) => mix(Math.imul(2 * row + 1, 0x9e3779b1)) | 1)
const terms = Int32Array.from({ length: rowsTotal }, (_, row) => mix(Math.imul(2 * row + 2, 0x9e3779b1)))

/**
 * The MinHash signature of a sketch: for each row the smallest of its hashes under the row's permutation of all words,
 * a multiplication and an addition (the hashes come in well mixed), compared as signed words.
 */
export function plainMinhashOf(sketch: Uint32Array): Int32Array {
  const signature = new Int32Array(rowsTotal)
  for (let row = 0; row < rowsTotal; row++) {
    const factor = factors[row]!
    const term = terms[row]!
    let least = 0x7fff_ffff
    for (let at = 0; at < sketch.length; at++) {
      const word = (Math.imul(sketch[at]!, factor) + term) | 0
      if (word < least) least = word
    }
    signature[row] = least
  }
  return signature
}

/** `plainMinhashOf` where WebAssembly has SIMD, several times as fast. */
export const minhashOf = createMinhashRows(factors, terms, sketchSize) ?? plainMinhashOf

/** The keys of a sketch's bands, into the first places of `keys`. */
function bandKeys(sketch: Uint32Array, keys: Uint32Array): void {
  const signature = minhashOf(sketch)
  for (let band = 0; band < minhashBands; band++) {
    let key = band + 1
    for (let row = 0; row < minhashRows; row++)
      key = mix(Math.imul(key, 0x01000193) ^ signature[band * minhashRows + row]!)
    keys[band] = key
  }
}

/** The key of a sketch as a whole. */
function wholeKey(sketch: Uint32Array): number {
  let key = 0x811c9dc5
  for (const hash of sketch) key = mix(Math.imul(key, 0x01000193) ^ hash)
  return key
}

type Page = {
  hashes: Uint32Array
  counts: Uint8Array
  /** The key of each chain, and the link that follows in its bucket: text * chains + chain, or -1. */
  keys: Uint32Array
  nexts: Int32Array
  /** The first id of the text; further ones are in `others`. */
  ids: Float64Array
  stamps: Uint32Array
}

/** An empty index. Adding, removing and searching may alternate freely; nothing is ever rebuilt. */
export function createSketchIndex(): SketchIndex {
  const pages: Page[] = []
  const heads: Int32Array[] = []
  /** Linear hashing: buckets 0 .. round + split - 1 exist; those under `split` were divided in this round. */
  let round = firstBuckets
  let split = 0
  let links = 0
  let texts = 0
  let free: number[] = []
  let stamp = 0
  const textOf = new Map<number, number>()
  const others = new Map<number, Set<number>>()
  const keys = new Uint32Array(chains)

  const headsPage = () => heads.push(new Int32Array(pageBuckets).fill(-1))
  headsPage()
  const bucketOf = (key: number) => {
    const bucket = key & (round - 1)
    return bucket < split ? key & (2 * round - 1) : bucket
  }
  const headOf = (bucket: number) => heads[bucket >>> 16]![bucket & 0xffff]!
  const setHead = (bucket: number, link: number) => void (heads[bucket >>> 16]![bucket & 0xffff] = link)
  const pageOf = (text: number) => pages[text >>> 12]!
  const textOfLink = (link: number) => Math.floor(link / chains)
  const keyOf = (link: number) => pages[Math.floor(link / chains / pageTexts)]!.keys[link % (pageTexts * chains)]!
  const nextOf = (link: number) => pages[Math.floor(link / chains / pageTexts)]!.nexts[link % (pageTexts * chains)]!
  const setNext = (link: number, next: number) =>
    void (pages[Math.floor(link / chains / pageTexts)]!.nexts[link % (pageTexts * chains)] = next)

  /** More than two links a bucket: until then most buckets are one step long. */
  const isFull = () => links > 2 * (round + split)

  /** Divides one bucket in two. */
  const grow = () => {
    const upper = round + split
    if (upper >>> 16 >= heads.length) headsPage()
    let low = -1
    let high = -1
    for (let link = headOf(split); link >= 0;) {
      const next = nextOf(link)
      if ((keyOf(link) & (2 * round - 1)) === split) {
        setNext(link, low)
        low = link
      } else {
        setNext(link, high)
        high = link
      }
      link = next
    }
    setHead(split, low)
    setHead(upper, high)
    if (++split === round) {
      round *= 2
      split = 0
    }
  }

  const isSame = (text: number, sketch: Uint32Array) => {
    const page = pageOf(text)
    const at = text % pageTexts
    if (page.counts[at] !== sketch.length) return false
    for (let index = 0; index < sketch.length; index++)
      if (page.hashes[at * sketchSize + index] !== sketch[index]) return false
    return true
  }

  const heldText = (sketch: Uint32Array) => {
    const key = keys[minhashBands]!
    for (let link = headOf(bucketOf(key)); link >= 0; link = nextOf(link))
      if (keyOf(link) === key && link % chains === minhashBands && isSame(textOfLink(link), sketch))
        return textOfLink(link)
    return -1
  }

  const newText = (id: number, sketch: Uint32Array) => {
    const text = free.pop() ?? texts++
    if (text >>> 12 >= pages.length)
      pages.push({
        hashes: new Uint32Array(pageTexts * sketchSize),
        counts: new Uint8Array(pageTexts),
        keys: new Uint32Array(pageTexts * chains),
        nexts: new Int32Array(pageTexts * chains),
        ids: new Float64Array(pageTexts),
        stamps: new Uint32Array(pageTexts),
      })
    const page = pageOf(text)
    const at = text % pageTexts
    page.hashes.set(sketch, at * sketchSize)
    page.counts[at] = sketch.length
    page.ids[at] = id
    for (let chain = 0; chain < chains; chain++) {
      const key = keys[chain]!
      const bucket = bucketOf(key)
      page.keys[at * chains + chain] = key
      page.nexts[at * chains + chain] = headOf(bucket)
      setHead(bucket, text * chains + chain)
    }
    links += chains
    while (isFull()) grow()
    return text
  }

  const unlink = (text: number) => {
    for (let chain = 0; chain < chains; chain++) {
      const gone = text * chains + chain
      const bucket = bucketOf(keyOf(gone))
      let before = -1
      for (let link = headOf(bucket); link !== gone; link = nextOf(link)) before = link
      if (before < 0) setHead(bucket, nextOf(gone))
      else setNext(before, nextOf(gone))
    }
    links -= chains
    free.push(text)
  }

  const remove = (id: number): boolean => {
    const text = textOf.get(id)
    if (text === undefined) return false
    textOf.delete(id)
    const more = others.get(text)
    const page = pageOf(text)
    if (more === undefined) {
      if (textOf.size === 0) free = []
      unlink(text)
    } else if (!more.delete(id)) {
      const [heir] = more as Set<number> & [number]
      more.delete(heir!)
      page.ids[text % pageTexts] = heir!
    }
    if (more?.size === 0) others.delete(text)
    return true
  }

  return {
    get size() {
      return textOf.size
    },
    get bytes() {
      return pages.length * pageTexts * (sketchSize * 4 + 1 + chains * 8 + 8 + 4) + heads.length * pageBuckets * 4
    },
    add(id, sketch) {
      if (sketch.length === 0 || sketch.length > sketchSize)
        throw new RangeError(`A sketch has 1 to ${sketchSize} hashes, not ${sketch.length}`)
      remove(id)
      keys[minhashBands] = wholeKey(sketch)
      const held = heldText(sketch)
      if (held < 0) {
        bandKeys(sketch, keys)
        textOf.set(id, newText(id, sketch))
      } else {
        textOf.set(id, held)
        const more = others.get(held)
        if (more === undefined) others.set(held, new Set([id]))
        else more.add(id)
      }
    },
    remove,
    query(sketch, resemblanceMin) {
      if (textOf.size === 0 || sketch.length === 0) return []
      const hits: SketchHit[] = []
      bandKeys(sketch, keys)
      if (++stamp === 0xffff_ffff) {
        for (const page of pages) page.stamps.fill(0)
        stamp = 1
      }
      for (let band = 0; band < minhashBands; band++) {
        const key = keys[band]!
        for (let link = headOf(bucketOf(key)); link >= 0; link = nextOf(link)) {
          if (keyOf(link) !== key) continue
          const text = textOfLink(link)
          const page = pageOf(text)
          const at = text % pageTexts
          if (page.stamps[at] === stamp) continue
          page.stamps[at] = stamp
          const alike = resemblanceAt(sketch, 0, sketch.length, page.hashes, at * sketchSize, page.counts[at]!)
          if (alike < resemblanceMin) continue
          hits.push({ id: page.ids[at]!, resemblance: alike })
          for (const id of others.get(text) ?? []) hits.push({ id, resemblance: alike })
        }
      }
      return hits.sort((a, b) => b.resemblance - a.resemblance || a.id - b.id)
    },
  }
}
