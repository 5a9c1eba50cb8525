// Byte strings to consecutive numbers: each different one is stored once, end to end in one array.

export type Interner = {
  readonly count: number
  /** The number of the string, which is given the next one when it is new. */
  add: (bytes: Uint8Array, from: number, to: number) => number
  /** The number of the string, or -1. */
  find: (bytes: Uint8Array, from: number, to: number) => number
  /** The string of a number, read as UTF-8. */
  text: (number: number) => string
  /** Numbers in the order of their strings: shorter first when `byLength`, then by byte. */
  sorted: (byLength: boolean) => Int32Array
}

/** An empty table. Grows by doubling; 4 GiB of text at most. */
export function createInterner(expected = 1024): Interner {
  let slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, expected * 2)))).fill(-1)
  let hashes = new Int32Array(Math.max(8, expected))
  let starts = new Uint32Array(Math.max(8, expected) + 1)
  let text = new Uint8Array(Math.max(8, expected) * 24)
  let count = 0
  const decoder = new TextDecoder()

  const place = (bytes: Uint8Array, from: number, to: number, hash: number): number => {
    const mask = slots.length - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    for (;;) {
      const number = slots[slot]!
      if (number === -1 || (hashes[number] === hash && same(number, bytes, from, to))) return slot
      slot = (slot + 1) & mask
    }
  }
  const same = (number: number, bytes: Uint8Array, from: number, to: number): boolean => {
    const start = starts[number]!
    if (starts[number + 1]! - start !== to - from) return false
    for (let at = from; at < to; at++) if (text[start + at - from] !== bytes[at]) return false
    return true
  }
  const widen = () => {
    slots = new Int32Array(slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (let number = 0; number < count; number++) {
      const hash = hashes[number]!
      let slot = (hash ^ (hash >>> 15)) & mask
      while (slots[slot] !== -1) slot = (slot + 1) & mask
      slots[slot] = number
    }
  }
  const compare = (a: number, b: number, byLength: boolean): number => {
    const [fromA, fromB] = [starts[a]!, starts[b]!]
    const [lengthA, lengthB] = [starts[a + 1]! - fromA, starts[b + 1]! - fromB]
    if (byLength && lengthA !== lengthB) return lengthA - lengthB
    for (let at = 0; at < Math.min(lengthA, lengthB); at++) {
      const difference = text[fromA + at]! - text[fromB + at]!
      if (difference !== 0) return difference
    }
    return lengthA - lengthB
  }

  return {
    get count() {
      return count
    },
    add(bytes, from, to) {
      const hash = hashBytes(bytes, from, to)
      const slot = place(bytes, from, to, hash)
      const known = slots[slot]!
      if (known !== -1) return known
      hashes = grown(hashes, count + 1)
      starts = grown(starts, count + 2)
      const start = starts[count]!
      text = grown(text, start + to - from)
      for (let at = from; at < to; at++) text[start + at - from] = bytes[at]!
      starts[count + 1] = start + to - from
      hashes[count] = hash
      slots[slot] = count
      count++
      if (count * 2 > slots.length) widen()
      return count - 1
    },
    find: (bytes, from, to) => slots[place(bytes, from, to, hashBytes(bytes, from, to))]!,
    text: (number) => decoder.decode(text.subarray(starts[number], starts[number + 1])),
    sorted: (byLength) => Int32Array.from({ length: count }, (_, at) => at).sort((a, b) => compare(a, b, byLength)),
  }
}

/** The array itself when it holds `size` entries, else a copy with room for them and as many again. */
export function grown<T extends Uint8Array | Int32Array | Uint32Array | Float64Array>(array: T, size: number): T {
  if (size <= array.length) return array
  const wide = new (array.constructor as new (length: number) => T)(Math.max(size, array.length * 2))
  wide.set(array)
  return wide
}

/** Multiply and xor over bytes with the finaliser of MurmurHash3 (Appleby 2011). */
function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x9e3779b1)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
