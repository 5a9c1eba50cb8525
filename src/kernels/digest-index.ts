// Equality search over fixed-length keys (digests, UUIDs) in flat arrays: a chained hash table that grows by a bucket at a
// time (linear hashing: Litwin, VLDB 1980), and whose chains hold each key once, so that a million equal keys slow nobody.
import { createColumn } from './column.ts'

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
  let size = 0
  const keys = createColumn(0, words)
  const nexts = createColumn(absent)
  const sames = createColumn(none)
  const befores = createColumn(none)
  const heads = createColumn(none)
  // Buckets below `split`, and those they were split into, are told by one bit more than the others.
  let chained = 0
  let base = 64
  let split = 0

  /** UUIDs of version 7 share their first words: every word must count. */
  const mixed = (hash: number, word: number) => {
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    return hash ^ (hash >>> 15)
  }
  const bucketOfHash = (hash: number) => {
    const bucket = hash & (base - 1)
    return bucket < split ? hash & (2 * base - 1) : bucket
  }
  const hashOfSlot = (slot: number) => {
    let hash = 0
    for (let word = 0; word < words; word++) hash = mixed(hash, keys.get(slot, word))
    return hash
  }
  const bucketOf = (slot: number) => bucketOfHash(hashOfSlot(slot))
  const equal = (slot: number, key: Uint32Array, offset: number) => {
    for (let word = 0; word < words; word++) if (keys.get(slot, word) !== (key[offset + word]! | 0)) return false
    return true
  }
  const first = (key: Uint32Array, offset = 0): number => {
    let hash = 0
    for (let word = 0; word < words; word++) hash = mixed(hash, key[offset + word]!)
    let slot = heads.get(bucketOfHash(hash))
    while (slot >= 0 && !equal(slot, key, offset)) slot = nexts.get(slot)
    return slot
  }
  /** One bucket more for each key more: no addition ever waits until a whole table is made anew. */
  const splitOne = () => {
    const upper = split + base
    heads.reserve(upper)
    let slot = heads.get(split)
    heads.set(split, none)
    while (slot >= 0) {
      const next = nexts.get(slot)
      const bucket = (hashOfSlot(slot) & base) === 0 ? split : upper
      nexts.set(slot, heads.get(bucket))
      heads.set(bucket, slot)
      slot = next
    }
    if (++split === base) {
      base *= 2
      split = 0
    }
  }
  const remove = (slot: number): boolean => {
    if (slot >= nexts.rows || nexts.get(slot) === absent) return false
    const same = sames.get(slot)
    if (nexts.get(slot) === follower) {
      sames.set(befores.get(slot), same)
      if (same >= 0) befores.set(same, befores.get(slot))
    } else {
      const bucket = bucketOf(slot)
      const after = nexts.get(slot)
      // The next of the same key takes its place in the chain.
      const heir = same >= 0 ? same : after
      if (same >= 0) {
        nexts.set(same, after)
        befores.set(same, none)
      } else chained--
      if (heads.get(bucket) === slot) heads.set(bucket, heir)
      else {
        let at = heads.get(bucket)
        while (nexts.get(at) !== slot) at = nexts.get(at)
        nexts.set(at, heir)
      }
    }
    nexts.set(slot, absent)
    sames.set(slot, none)
    befores.set(slot, none)
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
      for (const column of [keys, nexts, sames, befores]) column.reserve(slot)
      const leader = first(key, offset)
      for (let word = 0; word < words; word++) keys.set(slot, key[offset + word]!, word)
      size++
      if (leader < 0) {
        if (++chained > base + split) splitOne()
        const bucket = bucketOf(slot)
        nexts.set(slot, heads.get(bucket))
        heads.set(bucket, slot)
        return
      }
      nexts.set(slot, follower)
      const second = sames.get(leader)
      sames.set(slot, second)
      befores.set(slot, leader)
      if (second >= 0) befores.set(second, slot)
      sames.set(leader, slot)
    },
    remove,
    has: (slot) => slot < nexts.rows && nexts.get(slot) !== absent,
    first,
    nextSame: (slot) => sames.get(slot),
    keyOf(slot, into, offset = 0) {
      for (let word = 0; word < words; word++) into[offset + word] = keys.get(slot, word)
    },
  }
}

/** Hexadecimal text as 32-bit words, eight digits each. The caller has checked it. */
export function wordsOfHex(hex: string, words = hex.length / 8): Uint32Array {
  const out = new Uint32Array(words)
  for (let word = 0; word < words; word++) out[word] = Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16)
  return out
}
