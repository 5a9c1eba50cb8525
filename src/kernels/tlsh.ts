// TLSH: Oliver, Cheng, Chen, "TLSH - A Locality Sensitive Hash" (CTC 2013), in the form that is exchanged: version T1,
// 128 buckets of two bits, one byte of checksum, windows of five bytes.

/** A digest in binary: checksum, length, both quartile ratios, then 32 bytes of four buckets each. */
export const tlshBytes = 35
/** Under this many bytes there is no digest. */
export const tlshInputBytesMin = 50

const buckets = 128
const codeAt = 3

/** The permutation of bytes by Pearson ("Fast hashing of variable-length text strings", CACM 1990). */
const pearson = Uint8Array.from(
  atob(
    'AVcxDLCyZqZ5wQZU+eYsow7F1bWhVdpQQO8Y4uyOJshusWhnjf3/Mk1lURItYB/eGWu+Rlbt8CJI8hTW9OOV62HqOR' +
      'Y8+lKv0AV/x28+h/iuqdM6Qppqw/WrEbu2swDzhDiUS4CFnmSCflsNmfbY23dE305TWMljegtcIIhyNAqKHjC3nCM9' +
      'Go9K+16Boj+Yqgdzp/HOA5Y3O5fcWjUXg32tD+5PX1kQaYnh4NmgJXt2SQKdLnQJkYbkz9TK10XlG7xDfKj8KgQdbB' +
      'X3E80ny+koupPGwJshpL9izKW0dUyMJNKsKTafCLnoccTnL5J4M0EckP7dXb3Ci3ArR2240Q==',
  ),
  (char) => char.charCodeAt(0),
)

/** Salts of the six triples in a window, already once through the permutation, as the published digests use them. */
const salts = [2, 3, 5, 7, 11, 13].map((salt) => pearson[salt]!) as [number, number, number, number, number, number]
const checksumSalt = pearson[0]!

/**
 * The digest of some bytes; undefined where there are fewer than 50, or where they vary so little that half of the
 * buckets stay empty.
 */
export function tlshOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < tlshInputBytesMin) return undefined
  const counts = new Uint32Array(256)
  let checksum = 0
  const triple = (salt: number, a: number, b: number, c: number) =>
    void counts[pearson[pearson[pearson[salt ^ a]! ^ b]! ^ c]!]!++
  for (let at = 4; at < bytes.length; at++) {
    const e = bytes[at]!
    const d = bytes[at - 1]!
    const c = bytes[at - 2]!
    const b = bytes[at - 3]!
    const a = bytes[at - 4]!
    checksum = pearson[pearson[pearson[checksumSalt ^ e]! ^ d]! ^ checksum]!
    triple(salts[0], e, d, c)
    triple(salts[1], e, d, b)
    triple(salts[2], e, c, b)
    triple(salts[3], e, c, a)
    triple(salts[4], e, d, a)
    triple(salts[5], e, b, a)
  }
  const used = counts.subarray(0, buckets)
  const sorted = used.slice().sort()
  const [q1, q2, q3] = [sorted[31]!, sorted[63]!, sorted[95]!]
  if (q3 === 0 || used.reduce((filled, count) => filled + (count > 0 ? 1 : 0), 0) <= buckets / 2) return undefined
  const digest = new Uint8Array(tlshBytes)
  digest[0] = checksum
  digest[1] = lengthValue(bytes.length)
  const ratio = (quartile: number) => Math.trunc((quartile * 100) / q3) % 16
  digest[2] = (ratio(q1) << 4) | ratio(q2)
  for (let bucket = 0; bucket < buckets; bucket++) {
    const count = used[bucket]!
    const code = count <= q1 ? 0 : count <= q2 ? 1 : count <= q3 ? 2 : 3
    digest[codeAt + (bucket >>> 2)]! |= code << ((bucket & 3) << 1)
  }
  return digest
}

/** Length on a scale whose steps grow: by half up to 656 bytes, by 30 % up to 3,199, then by 10 %. */
function lengthValue(length: number): number {
  const log = Math.log(length)
  if (length <= 656) return Math.floor(log / Math.log(1.5)) & 255
  if (length <= 3_199) return Math.floor(log / Math.log(1.3) - 8.72777) & 255
  return Math.floor(log / Math.log(1.1) - 62.5472) & 255
}

/** The digest as exchanged: `T1` and 70 upper-case hexadecimal digits; the header's nibbles are swapped, the code runs backwards. */
export function tlshToText(digest: Uint8Array): string {
  let text = 'T1'
  for (let at = 0; at < tlshBytes; at++) {
    const byte = at < codeAt ? digest[at]! : digest[tlshBytes - 1 - (at - codeAt)]!
    // The ratios lie with the first one in the low nibble there, in the high one here.
    const shown = at < 2 ? ((byte << 4) & 0xf0) | (byte >>> 4) : byte
    text += shown.toString(16).padStart(2, '0').toUpperCase()
  }
  return text
}

/** Reads a digest of 70 hexadecimal digits, with or without the `T1` before them; undefined for anything else. */
export function tlshFromText(text: string): Uint8Array | undefined {
  const hex = /^(?:T1)?([0-9a-f]{70})$/i.exec(text)?.[1]
  if (hex === undefined) return undefined
  const digest = new Uint8Array(tlshBytes)
  for (let at = 0; at < tlshBytes; at++) {
    const byte = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)
    if (at < 2) digest[at] = ((byte << 4) & 0xf0) | (byte >>> 4)
    else if (at < codeAt) digest[at] = byte
    else digest[tlshBytes - 1 - (at - codeAt)] = byte
  }
  return digest
}

/** Distance around a circle of values. */
const around = (a: number, b: number, size: number) => {
  const apart = Math.abs(a - b)
  return Math.min(apart, size - apart)
}
const steps = (apart: number) => (apart <= 1 ? apart : (apart - 1) * 12)

/**
 * How far two digests are apart: 0 for equal ones, around 30 for texts with a few changed words, hundreds for unrelated
 * ones. `length: false` leaves the lengths of the inputs out, as `diffxlen` does. Symmetric.
 */
export function tlshDistance(left: Uint8Array, right: Uint8Array, { length = true } = {}): number {
  let distance = left[0] === right[0] ? 0 : 1
  if (length) {
    const apart = around(left[1]!, right[1]!, 256)
    distance += apart <= 1 ? apart : apart * 12
  }
  distance += steps(around(left[2]! >>> 4, right[2]! >>> 4, 16)) + steps(around(left[2]! & 15, right[2]! & 15, 16))
  for (let at = codeAt; at < tlshBytes; at++) distance += pairCosts[(left[at]! << 8) | right[at]!]!
  return distance
}

/** What two bytes of four buckets cost: the difference of each bucket, where the largest, 3, costs 6. */
const pairCosts = Uint8Array.from({ length: 65_536 }, (_, both) => {
  let cost = 0
  for (let pair = 0; pair < 8; pair += 2) {
    const apart = Math.abs(((both >>> (8 + pair)) & 3) - ((both >>> pair) & 3))
    cost += apart === 3 ? 6 : apart
  }
  return cost
})
