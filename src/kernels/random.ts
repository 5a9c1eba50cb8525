/** A seeded source of random numbers: the same seed gives the same sequence on every machine. */
export type Random = {
  /** A whole number from 0 to 2^32 - 1. */
  uint32: () => number
  /** From 0 (included) to 1 (excluded), with 32 random bits. */
  float: () => number
  /** A whole number from 0 (included) to `bound` (excluded). */
  int: (bound: number) => number
  /** From `low` (included) to `high` (excluded). */
  between: (low: number, high: number) => number
  chance: (probability: number) => boolean
  pick: <T>(items: readonly T[]) => T
  /** `count` different items in random order; all of them when there are fewer. */
  sample: <T>(items: readonly T[], count: number) => T[]
  /** Standard normal, by Box and Muller (1958). */
  normal: () => number
  /** Exponential with the given mean: waiting times of a Poisson process. */
  exponential: (mean: number) => number
  /** An independent stream for a purpose; taking it does not move this one. */
  fork: (purpose: string | number) => Random
}

/** SplitMix32: spreads a seed over words that share no visible structure (Steele, Lea, Flood 2014, 32-bit variant). */
function splitMix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let word = state ^ (state >>> 16)
    word = Math.imul(word, 0x21f0aaad)
    word ^= word >>> 15
    word = Math.imul(word, 0x735a2d97)
    return (word ^ (word >>> 15)) >>> 0
  }
}

/** FNV-1a over UTF-16 units: turns a purpose into a number that is mixed into the seed. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand and BigCrush, four additions a number. */
export function createRandom(seed: number): Random {
  const mix = splitMix32(seed)
  let a = mix() | 0
  let b = mix() | 0
  let c = mix() | 0
  let counter = 1
  const uint32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) uint32()
  const float = (): number => uint32() / 0x1_0000_0000
  const int = (bound: number): number => Math.floor(float() * bound)
  return {
    uint32,
    float,
    int,
    between: (low, high) => low + float() * (high - low),
    chance: (probability) => float() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('pick() from an empty list')
      return items[int(items.length)]!
    },
    sample: (items, count) => {
      const pool = [...items]
      const taken = Math.min(count, pool.length)
      for (let index = 0; index < taken; index++) {
        const other = index + int(pool.length - index)
        const held = pool[index]!
        pool[index] = pool[other]!
        pool[other] = held
      }
      pool.length = taken
      return pool
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - float())) * Math.cos(2 * Math.PI * float()),
    exponential: (mean) => -mean * Math.log(1 - float()),
    fork: (purpose) => createRandom((Math.imul(seed | 0, 0x85ebca6b) ^ hashText(String(purpose))) >>> 0),
  }
}
