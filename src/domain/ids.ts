/** Milliseconds since the Unix epoch. Passed in everywhere so that tests and replays own the time. */
export type Clock = () => number
/** Fills and returns `length` random bytes. Passed in for the same reason. */
export type RandomBytes = (length: number) => Uint8Array

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits. Sorts by time of creation. */
export function uuidv7(timeMs: number, randomBytes: RandomBytes): string {
  const bytes = new Uint8Array(16)
  bytes.set(randomBytes(10), 6)
  let rest = timeMs
  for (let index = 5; index >= 0; index--) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  let text = ''
  for (let index = 0; index < 16; index++) {
    text += hexOf[bytes[index]!]
    if (index === 3 || index === 5 || index === 7 || index === 9) text += '-'
  }
  return text
}

/** Length limits of ids that platforms choose (events, actors, items, threads). */
export const idLengthMax = 256

/** Whether a sender-chosen id is usable: 1 to 256 characters, no control characters. */
export function isId(value: unknown): value is string {
  // oxlint-disable-next-line no-control-regex
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= idLengthMax &&
    value.isWellFormed() &&
    !/[\u0000-\u001f\u007f]/.test(value)
  )
}
