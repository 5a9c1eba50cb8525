// Tab-separated rows and the plain values in them, straight from bytes: no string is made of what is only counted.

const tab = 9
const newline = 10
const carriageReturn = 13
const dot = 46
const zero = 48

/**
 * Finds the fields of the row that begins at `from`: field `i` lies from `bounds[i]` to `bounds[i + 1] - 1`. Answers how
 * many fields there are, also of a row with more than `bounds` can hold, or -1 when the row does not end before `to`. The
 * next row begins at `rowEnd + 1`, which is written to the last entry of `bounds`.
 */
export function scanRow(bytes: Uint8Array, from: number, to: number, bounds: Int32Array): number {
  const room = bounds.length - 2
  let fields = 0
  bounds[0] = from
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte > tab && byte !== newline) continue
    if (byte === tab) {
      fields++
      if (fields <= room) bounds[fields] = at + 1
    } else if (byte === newline) {
      fields++
      const cut = at > from && bytes[at - 1] === carriageReturn ? at - 1 : at
      if (fields <= room) bounds[fields] = cut + 1
      bounds[bounds.length - 1] = at + 1
      return fields
    }
  }
  return -1
}

/** A whole number in decimal, with or without a fraction of zeros: `12`, `-1`, `12.0`. NaN for anything else or beyond 2^53. */
export function parseWhole(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  const negative = bytes[at] === 45
  if (negative) at++
  if (at >= to) return NaN
  let value = 0
  for (; at < to; at++) {
    const digit = bytes[at]! - zero
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  if (at < to) {
    if (bytes[at] !== dot || at === from) return NaN
    for (at++; at < to; at++) if (bytes[at] !== zero) return NaN
  }
  if (value > Number.MAX_SAFE_INTEGER) return NaN
  return negative ? -value : value
}

/** Whether the field is a whole number from 0 to 2^63 - 1 as it would be written: no sign, no leading zeros. */
export function isPlainInt64(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from
  if (length < 1 || length > 19 || (length > 1 && bytes[from] === zero)) return false
  for (let at = from; at < to; at++) if (bytes[at]! < zero || bytes[at]! > 57) return false
  if (length < 19) return true
  const most = '9223372036854775807'
  for (let at = 0; at < 19; at++) {
    const difference = bytes[from + at]! - most.charCodeAt(at)
    if (difference !== 0) return difference < 0
  }
  return true
}

/** Whether the field holds exactly this ASCII text. */
export function fieldIs(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false
  return true
}
