import type { Scope } from './scope.ts'

/** Texts made by conditions are cut here: concatenation must not be a way to fill the memory. */
export const textLengthMax = 200_000

/** A field of its own, or null. Never one that objects inherit, such as `constructor`. */
export function own(base: unknown, field: string): unknown {
  if (typeof base !== 'object' || base === null || Array.isArray(base)) return null
  if (!Object.hasOwn(base, field)) return null
  const value = (base as Record<string, unknown>)[field] ?? null
  // JSON keeps no sign of zero over a round trip; a replay must divide by the same zero.
  return value === 0 ? 0 : value
}

/** Equality by value: of lists by member, of maps by key. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((member, index) => deepEqual(member, b[index]))
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && deepEqual(own(a, key), own(b, key)))
}

type Value = (scope: Scope) => unknown

/** Numbers with numbers, texts with texts (by UTF-16 unit); anything else is null. */
export function ordered(op: '<' | '<=' | '>' | '>=', left: Value, right: Value, constant: number | undefined): Value {
  if (constant !== undefined) {
    const compare = {
      '<': (value: number) => value < constant,
      '<=': (value: number) => value <= constant,
      '>': (value: number) => value > constant,
      '>=': (value: number) => value >= constant,
    }[op]
    return (scope) => {
      const value = left(scope)
      return typeof value === 'number' ? compare(value) : null
    }
  }
  const compare = {
    '<': (a: number | string, b: number | string) => a < b,
    '<=': (a: number | string, b: number | string) => a <= b,
    '>': (a: number | string, b: number | string) => a > b,
    '>=': (a: number | string, b: number | string) => a >= b,
  }[op]
  return (scope) => {
    const a = left(scope)
    const b = right(scope)
    if (typeof a === 'number' && typeof b === 'number') return compare(a, b)
    if (typeof a === 'string' && typeof b === 'string') return compare(a, b)
    return null
  }
}

/** Two numbers combined; null when either is no number or the result is not finite. */
export function arithmetic(a: unknown, b: unknown, combine: (a: number, b: number) => number): number | null {
  if (typeof a !== 'number' || typeof b !== 'number') return null
  const value = combine(a, b)
  return Number.isFinite(value) ? value : null
}

/** Sum of numbers, or texts and lists one after the other; anything else is null. */
export function add(a: unknown, b: unknown): unknown {
  if (typeof a === 'string' && typeof b === 'string') return a.length + b.length <= textLengthMax ? a + b : null
  if (Array.isArray(a) && Array.isArray(b)) return a.length + b.length <= 10_000 ? [...a, ...b] : null
  return arithmetic(a, b, (x, y) => x + y)
}

/** Whether a list has the member or a map the key; null when it is neither. */
export function isIn(member: unknown, collection: unknown): boolean | null {
  if (Array.isArray(collection)) {
    if (collection.includes(member)) return true
    return typeof member === 'object' && member !== null && collection.some((other) => deepEqual(member, other))
  }
  if (typeof collection === 'object' && collection !== null)
    return typeof member === 'string' && Object.hasOwn(collection, member)
  return null
}

/** Unicode code points of a text, as CEL counts them; members of a list; entries of a map. */
export function sizeOf(value: unknown): number | null {
  if (typeof value === 'string') {
    let size = value.length
    for (let index = 0; index < value.length - 1; index++) {
      const unit = value.charCodeAt(index)
      if (unit >= 0xd800 && unit <= 0xdbff && (value.charCodeAt(index + 1) & 0xfc00) === 0xdc00) {
        size--
        index++
      }
    }
    return size
  }
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && value !== null) return Object.keys(value).length
  return null
}

/** The host of a link or of an e-mail address, as browsers read it, without `www.`; null when there is none. */
export function domainOf(text: unknown): string | null {
  if (typeof text !== 'string' || text.length > 4_096) return null
  const link = text.trim()
  try {
    const { hostname } = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(link) ? link : `http://${link}`)
    if (hostname === '') return null
    return hostname.startsWith('www.') ? hostname.slice(4) : hostname.replace(/\.$/, '')
  } catch {
    return null
  }
}

/** Milliseconds of a time given as ISO 8601 text or as milliseconds since 1970. */
export function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}/.test(value)) return null
  const timeMs = Date.parse(value)
  return Number.isNaN(timeMs) ? null : timeMs
}
