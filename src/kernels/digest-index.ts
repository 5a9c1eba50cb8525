// Equality search over fixed-length keys (digests, UUIDs) in flat arrays: a chained hash table (Knuth, The Art of
// Computer Programming, vol. 3, section 6.4) whose chains hold each key once, so that a million equal keys slow nobody.

export type DigestIndex = {
  readonly size: number
  /** Sets the key (from `offset`) of a slot: a small whole number of the caller, dense from 0. Replaces an older key. */
  add: (slot: number, key: Uint32Array, offset?: number) => void
  /** Whether the slot had a key. */
  remove: (slot: number) => boolean
  has: (slot: number) => boolean
  /** A slot with this key, or -1; the others follow by `nextSame`. */
  first: (key: Uint32Array, offset?: number) => number
  nextSame: (slot: number) => number
  /** Copies the key of a slot into `into`. */
  keyOf: (slot: number, into: Uint32Array, offset?: number) => void
}

const none = -1
/** In `nexts`: the slot is there, but another of the same key stands in the chain. */
const follower = -2
const absent = -3

/** An empty index of keys of so many 32-bit words. Memory: 4 bytes a word and about 20 a slot. */
export function createDigestIndex(words: number): DigestIndex {
  let capacity = 64
  let size = 0
  let keys = new Uint32Array(capacity * words)
  let nexts = new Int32Array(capacity).fill(absent)
  let sames = new Int32Array(capacity).fill(none)
  let befores = new Int32Array(capacity).fill(none)
  let heads = new Int32Array(capacity).fill(none)

  const bucketOf = (key: Uint32Array, offset: number) => {
    let hash = 0
    // UUIDs of version 7 share their first words: every word must count.
    for (let word = 0; word < words; word++) {
      hash = Math.imul(hash ^ key[offset + word]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash & (heads.length - 1)
  }
  const equal = (slot: number, key: Uint32Array, offset: number) => {
    const at = slot * words
    for (let word = 0; word < words; word++) if (keys[at + word] !== key[offset + word]) return false
    return true
  }
  const first = (key: Uint32Array, offset = 0): number => {
    let slot = heads[bucketOf(key, offset)]!
    while (slot >= 0 && !equal(slot, key, offset)) slot = nexts[slot]!
    return slot
  }
  const widen = (slot: number) => {
    while (capacity <= slot) capacity *= 2
    if (nexts.length >= capacity) return
    const widened = (old: Int32Array<ArrayBuffer>, fill: number) => {
      const wide = new Int32Array(capacity).fill(fill)
      wide.set(old)
      return wide
    }
    const wide = new Uint32Array(capacity * words)
    wide.set(keys)
    keys = wide
    nexts = widened(nexts, absent)
    sames = widened(sames, none)
    befores = widened(befores, none)
    heads = new Int32Array(capacity).fill(none)
    for (let at = 0; at < nexts.length; at++) {
      if (nexts[at]! <= follower) continue
      const bucket = bucketOf(keys, at * words)
      nexts[at] = heads[bucket]!
      heads[bucket] = at
    }
  }
  const remove = (slot: number): boolean => {
    if (slot >= nexts.length || nexts[slot] === absent) return false
    const same = sames[slot]!
    if (nexts[slot] === follower) {
      sames[befores[slot]!] = same
      if (same >= 0) befores[same] = befores[slot]!
    } else {
      const bucket = bucketOf(keys, slot * words)
      const after = nexts[slot]!
      // The next of the same key takes its place in the chain.
      const heir = same >= 0 ? same : after
      if (same >= 0) {
        nexts[same] = after
        befores[same] = none
      }
      if (heads[bucket] === slot) heads[bucket] = heir
      else {
        let at = heads[bucket]!
        while (nexts[at] !== slot) at = nexts[at]!
        nexts[at] = heir
      }
    }
    nexts[slot] = absent
    sames[slot] = none
    befores[slot] = none
    size--
    return true
  }

  return {
    get size() {
      return size
    },
    add(slot, key, offset = 0) {
      if (!Number.isInteger(slot) || slot < 0 || slot >= 2 ** 30)
        throw new RangeError(`A slot must be a whole number from 0 to 2^30 - 1, not ${slot}`)
      remove(slot)
      widen(slot)
      const leader = first(key, offset)
      keys.set(key.subarray(offset, offset + words), slot * words)
      size++
      if (leader < 0) {
        const bucket = bucketOf(keys, slot * words)
        nexts[slot] = heads[bucket]!
        heads[bucket] = slot
        return
      }
      nexts[slot] = follower
      const second = sames[leader]!
      sames[slot] = second
      befores[slot] = leader
      if (second >= 0) befores[second] = slot
      sames[leader] = slot
    },
    remove,
    has: (slot) => slot < nexts.length && nexts[slot] !== absent,
    first,
    nextSame: (slot) => sames[slot]!,
    keyOf: (slot, into, offset = 0) => into.set(keys.subarray(slot * words, (slot + 1) * words), offset),
  }
}

/** Hexadecimal text as 32-bit words, eight digits each. The caller has checked it. */
export function wordsOfHex(hex: string, words = hex.length / 8): Uint32Array {
  const out = new Uint32Array(words)
  for (let word = 0; word < words; word++) out[word] = Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16)
  return out
}
