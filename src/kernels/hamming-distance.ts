/** A 256-bit hash is eight words; word 0 holds the lowest 32 bits. */
export const hashWords = 8
export const hashBits = 256
export const hashBytes = 32

/** Bits that differ between the 256-bit hashes at word offsets a and b. */
export function hammingDistance(left: Uint32Array, a: number, right: Uint32Array, b: number): number {
  let bits = 0
  for (let word = 0; word < hashWords; word++) bits += ones32(left[a + word]! ^ right[b + word]!)
  return bits
}

/** The distance, or some number above `radius` as soon as it is clear that it is more. */
export function distanceUpTo(left: Uint32Array, a: number, right: Uint32Array, b: number, radius: number): number {
  const half =
    ones32(left[a]! ^ right[b]!) +
    ones32(left[a + 1]! ^ right[b + 1]!) +
    ones32(left[a + 2]! ^ right[b + 2]!) +
    ones32(left[a + 3]! ^ right[b + 3]!)
  if (half > radius) return half
  return (
    half +
    ones32(left[a + 4]! ^ right[b + 4]!) +
    ones32(left[a + 5]! ^ right[b + 5]!) +
    ones32(left[a + 6]! ^ right[b + 6]!) +
    ones32(left[a + 7]! ^ right[b + 7]!)
  )
}

/** Bits set in a 32-bit word (Warren, Hacker's Delight, 5-1). */
export function ones32(word: number): number {
  word -= (word >>> 1) & 0x55555555
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Throws a RangeError or TypeError unless `words` holds a hash at `offset`. */
export function checkWords(words: Uint32Array, offset: number): void {
  if (!(words instanceof Uint32Array)) throw new TypeError('A hash must be a Uint32Array')
  if (!Number.isInteger(offset) || offset < 0 || offset + hashWords > words.length)
    throw new RangeError(`A hash needs ${hashWords} words from offset ${offset}, but there are ${words.length}`)
}

/** Throws a RangeError unless `radius` is a whole number from 0 to `radiusMax`. */
export function checkRadius(radius: number, radiusMax: number): void {
  if (!Number.isInteger(radius) || radius < 0 || radius > radiusMax)
    throw new RangeError(`A radius must be a whole number from 0 to ${radiusMax}, not ${radius}`)
}
