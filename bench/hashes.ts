// Hashes and queries for the benches of the hash index: unrelated ones, and near duplicates at known distances.

/** Even 32-bit numbers from a seed (sfc32: Doty-Humphrey, PractRand). */
export function numbers(seed: number): () => number {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, seed, 1]
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 16; round++) next()
  return next
}

/** Fills words with even numbers: hashes that have nothing to do with each other. */
export function fillRandom(words: Uint32Array, next: () => number): void {
  for (let at = 0; at < words.length; at++) words[at] = next()
}

/** A query, and the entry it was made from with the number of bits that were flipped, if it was. */
export type Query = { planted: { place: number; distance: number } | undefined }

/** Queries of 8 words each: every second one is a near duplicate of an entry, at 0 to 31 bits; the others are unrelated. */
export function makeQueries(
  hashes: Uint32Array,
  count: number,
  next: () => number,
): { words: Uint32Array; queries: Query[] } {
  const words = new Uint32Array(count * 8)
  fillRandom(words, next)
  const queries = Array.from({ length: count }, (_, query): Query => {
    if (query % 2 === 1) return { planted: undefined }
    const place = next() % (hashes.length / 8)
    const distance = next() % 32
    words.set(hashes.subarray(place * 8, place * 8 + 8), query * 8)
    const bits = new Set<number>()
    while (bits.size < distance) bits.add(next() % 256)
    for (const bit of bits) words[query * 8 + (bit >>> 5)]! ^= 1 << (bit & 31)
    return { planted: { place, distance } }
  })
  return { words, queries }
}

/** Seconds of this thread on a processor, since `from`. */
export function cpuSeconds(from?: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(from)
  return (user + system) / 1e6
}
