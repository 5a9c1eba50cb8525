// The readable twin of wasm/hamming.as: the same functions over the same bytes with the same results, for runtimes
// without WebAssembly SIMD and to test against. wasm/hamming.as says what each promises.
import { hashBytes, hashWords, ones32 } from './hamming-distance.ts'
import type { HammingFunctions } from './wasm/hamming.ts'

const tableWords = 65_537

/** The functions of wasm/hamming.as in TypeScript, over a buffer. */
export function plainHammingOver(
  buffer: ArrayBufferLike,
  hit: (entry: number, distance: number) => void,
): HammingFunctions {
  const bytes = new Uint8Array(buffer)
  const halves = new Uint16Array(buffer, 0, buffer.byteLength >>> 1)
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2)
  const asked = new Uint32Array(hashWords)
  let hashes = 0
  let keys = 0
  let slots = 0
  let tables = 0
  let listed = 0

  const own = (chunk: number) => (asked[chunk >>> 1]! >>> ((chunk & 1) << 4)) & 0xffff
  const chunkOf = (entry: number, chunk: number) => halves[(hashes >>> 1) + entry * 16 + chunk]!
  const tableOf = (chunk: number) => (tables >>> 2) + chunk * tableWords
  const marked = (bitmap: number, entry: number) => (bytes[bitmap + (entry >>> 3)]! & (1 << (entry & 7))) !== 0
  const mark = (bitmap: number, entry: number) => void (bytes[bitmap + (entry >>> 3)]! |= 1 << (entry & 7))

  /** The distance of the hash at a word, or something above the radius. */
  const distanceAt = (at: number, radius: number) => {
    let bits = 0
    for (let word = 0; word < hashWords && bits <= radius; word++) bits += ones32(words[at + word]! ^ asked[word]!)
    return bits
  }
  const onesIn = (entry: number, chunk: number) => ones32(chunkOf(entry, chunk) ^ own(chunk))
  const first = (entry: number, chunk: number, nearest: number, pair: number) => {
    for (let before = 0; before < chunk; before++) {
      const bits = onesIn(entry, before)
      if (bits <= nearest && bits + onesIn(entry, before + 1) <= pair) return false
    }
    return true
  }
  const same = (one: number, other: number) => {
    const [a, b] = [(hashes >>> 2) + one * hashWords, (hashes >>> 2) + other * hashWords]
    for (let word = 0; word < hashWords; word++) if (words[a + word] !== words[b + word]) return false
    return true
  }

  return {
    ask: (...hash) => asked.set(hash),
    place(hashesAt, keysAt, slotsAt, tablesAt, listedCount) {
      hashes = hashesAt
      keys = keysAt
      slots = slotsAt
      tables = tablesAt
      listed = listedCount
    },
    scan(base, from, to, radius) {
      for (let entry = from; entry < to; entry++) {
        const distance = distanceAt((base + entry * hashBytes) / 4, radius)
        if (distance <= radius) hit(entry, distance)
      }
    },
    search(nearest, pair, radius, readsMax, checksMax) {
      let reads = 0
      let checks = 0
      for (let chunk = 0; chunk < 16; chunk++) {
        const table = tableOf(chunk)
        const key = (keys >>> 1) + chunk * listed
        const value = own(chunk)
        const after = own((chunk + 1) & 15)
        forMasks(nearest, (mask) => (reads += words[table + (value ^ mask) + 1]! - words[table + (value ^ mask)]!))
        if (reads > readsMax) return 1
        forMasks(nearest, (mask, ones) => {
          const end = words[table + (value ^ mask) + 1]!
          for (let at = words[table + (value ^ mask)]!; at < end; at++) {
            if (ones32(halves[key + at]! ^ after) > pair - ones) continue
            checks++
            const slot = slots + (chunk * listed + at) * 3
            const entry = bytes[slot]! | (bytes[slot + 1]! << 8) | (bytes[slot + 2]! << 16)
            const distance = distanceAt((hashes >>> 2) + entry * hashWords, radius)
            if (distance <= radius && first(entry, chunk, nearest, pair)) hit(entry, distance)
          }
        })
        if (checks > checksMax) return 1
      }
      return 0
    },
    pairUp(from, to, table, slotMask, twins, leaders, firsts) {
      let found = 0
      for (let entry = from; entry < to; entry++) {
        let hash = 0
        for (let word = 0; word < hashWords; word++)
          hash = Math.imul(hash ^ words[(hashes >>> 2) + entry * hashWords + word]! ^ (hash >>> 15), 0x9e3779b1)
        const tag = ((hash >>> 24) | 1) << 24
        for (let place = (hash ^ (hash >>> 15)) & slotMask; ; place = (place + 1) & slotMask) {
          const held = words[(table >>> 2) + place]!
          if (held === 0) {
            words[(table >>> 2) + place] = tag | entry
            break
          }
          const other = held & 0xffffff
          if ((held ^ tag) >>> 24 !== 0 || !same(other, entry)) continue
          mark(twins, entry)
          mark(leaders, other)
          words[(firsts >>> 2) + entry] = other
          found++
          break
        }
      }
      return found
    },
    count(from, to, twins, counts) {
      for (let entry = from; entry < to; entry++)
        if (!marked(twins, entry))
          for (let chunk = 0; chunk < 16; chunk++)
            words[(counts >>> 2) + chunk * 256 + (chunkOf(entry, chunk) >>> 8)]!++
    },
    deal(chunk, from, to, twins, cursors, low, high) {
      for (let entry = from; entry < to; entry++) {
        const value = chunkOf(entry, chunk)
        const byte = value >>> 8
        if (byte < low || byte >= high || marked(twins, entry)) continue
        const at = words[(cursors >>> 2) + byte]! >>> 2
        words[(cursors >>> 2) + byte]! += 8
        const next = chunkOf(entry, (chunk + 1) & 15)
        words[at] = entry | (next << 24)
        words[at + 1] = (next >>> 8) | ((value & 0xff) << 8)
      }
    },
    tally(from, to, counts) {
      for (let at = from; at < to; at += 8) words[(counts >>> 2) + bytes[at + 5]!]!++
    },
    settle(chunk, from, to, cursors) {
      for (let at = from >>> 2; at < to >>> 2; at += 2) {
        const place = words[(cursors >>> 2) + ((words[at + 1]! >>> 8) & 0xff)]!++
        const entry = words[at]! & 0xffffff
        halves[(keys >>> 1) + chunk * listed + place] = (words[at]! >>> 24) | ((words[at + 1]! & 0xff) << 8)
        const slot = slots + (chunk * listed + place) * 3
        bytes[slot] = entry
        bytes[slot + 1] = entry >>> 8
        bytes[slot + 2] = entry >>> 16
      }
    },
  }
}

/** All 16-bit masks with at most so many ones, fewest ones first. */
export function forMasks(onesMax: number, each: (mask: number, ones: number) => void): void {
  each(0, 0)
  for (let ones = 1; ones <= onesMax; ones++)
    for (let mask = (1 << ones) - 1; mask < 65_536; mask = nextMask(mask)) each(mask, ones)
}

/** The next larger number with as many ones (Warren, Hacker's Delight, 2-1). */
function nextMask(mask: number): number {
  const lowest = mask & -mask
  const ripple = mask + lowest
  return ripple | (((mask ^ ripple) >>> 2) >>> (31 - Math.clz32(lowest)))
}
