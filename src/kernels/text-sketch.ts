// Sketches of texts that stay alike when a few words change: the smallest hashes of a text's overlapping runs of
// letters (Broder, "On the resemblance and containment of documents", 1997: w-shingling and bottom-s sketches).

/** A sketch holds this many hashes; a text with fewer shingles is held whole, and its resemblance is exact. */
export const sketchSize = 64
/** Letters a shingle spans; a sign of a script that writes no spaces counts twice. */
const shingleWeight = 4

const mix = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** Hangul, kana, Han and the scripts of South-East Asia, by block: half a shingle each. */
const isDense = (unit: number): boolean =>
  (unit >= 0x0e00 && unit <= 0x0eff) ||
  (unit >= 0x1000 && unit <= 0x109f) ||
  (unit >= 0x1780 && unit <= 0x17ff) ||
  (unit >= 0x2e80 && unit <= 0xdfff)

/**
 * The different shingles of a folded text (words divided by single spaces) as 32-bit hashes, ascending. A shingle is
 * four letters, or two signs of a script without spaces; word bounds are letters. The same on every machine.
 */
export function shinglesOf(folded: string): Uint32Array {
  if (folded === '') return new Uint32Array(0)
  const text = ` ${folded} `
  const hashes = new Uint32Array(text.length)
  let count = 0
  for (let at = 0; at < text.length; at++) {
    let hash = 0x9e3779b9
    let weight = 0
    let end = at
    for (; end < text.length && weight < shingleWeight; end++) {
      const unit = text.charCodeAt(end)
      hash = Math.imul(hash ^ unit, 0x5f356495)
      hash ^= hash >>> 15
      weight += isDense(unit) ? 2 : 1
    }
    // A text shorter than one shingle is one.
    if (weight < shingleWeight && count > 0) break
    hashes[count++] = mix(hash)
  }
  const sorted = hashes.subarray(0, count).sort()
  let different = 0
  for (let at = 0; at < count; at++) if (at === 0 || sorted[at] !== sorted[at - 1]) sorted[different++] = sorted[at]!
  return sorted.slice(0, different)
}

/** The sketch of a folded text: its smallest shingle hashes, ascending, at most `sketchSize`. */
export function sketchOf(folded: string): Uint32Array {
  return shinglesOf(folded).slice(0, sketchSize)
}

/**
 * What share of the shingles of both texts they have in common (Jaccard), 0 to 1: exact where both sketches hold their
 * text whole, else an unbiased estimate from the smallest `sketchSize` of the union, with a standard error of at most
 * 1 / (2 * sqrt(sketchSize)) = 0.0625. Symmetric; 1 for equal sketches.
 */
export function resemblance(left: Uint32Array, right: Uint32Array): number {
  return resemblanceAt(left, 0, left.length, right, 0, right.length)
}

/** As `resemblance`, for sketches that lie in larger arrays. */
export function resemblanceAt(
  left: Uint32Array,
  leftAt: number,
  leftCount: number,
  right: Uint32Array,
  rightAt: number,
  rightCount: number,
): number {
  const whole = leftCount < sketchSize && rightCount < sketchSize
  const limit = whole ? leftCount + rightCount : sketchSize
  const leftEnd = leftAt + leftCount
  const rightEnd = rightAt + rightCount
  let a = leftAt
  let b = rightAt
  let both = 0
  let all = 0
  while (all < limit && a < leftEnd && b < rightEnd) {
    const one = left[a]!
    const other = right[b]!
    if (one === other) both++
    if (one <= other) a++
    if (other <= one) b++
    all++
  }
  all = Math.min(limit, all + (leftEnd - a) + (rightEnd - b))
  return all === 0 ? 0 : both / all
}
