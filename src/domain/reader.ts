import { quote, type FieldProblem } from './error.ts'

type Bounds = { min: number; max: number; whole?: boolean; otherwise?: number }
type TextBounds = { lengthMax?: number; pattern?: RegExp }

/** Reads a plain object field by field, noting every problem with its path, and knows which fields nobody asked for. */
export type Reader = {
  problems: FieldProblem[]
  has: (field: string) => boolean
  value: (field: string) => unknown
  /** Marks a field as known without reading it. */
  see: (field: string) => void
  bad: (field: string, value: unknown, problem: string, limit?: number) => void
  text: (field: string, bounds: TextBounds) => string
  optionalText: (field: string, bounds: TextBounds) => string | undefined
  texts: (field: string, bounds: TextBounds) => string[]
  number: (field: string, bounds: Bounds) => number
  optionalNumber: (field: string, bounds: Bounds) => number | undefined
  numbers: (field: string, bounds: Bounds) => number[]
  flag: (field: string, otherwise: boolean) => boolean
  choice: <T extends string>(field: string, values: readonly T[], otherwise?: T) => T
  /** The reader of a nested object; an empty one when the field is absent. */
  object: (field: string) => Reader
  list: (field: string) => Reader[]
  map: <T>(
    field: string,
    keys: RegExp,
    read: (reader: Reader, key: string, value: unknown, path: string) => T,
  ) => Record<string, T>
  /** Every field of this object, which must all be texts. */
  strings: () => Record<string, string>
  /** Notes a problem for each field that was never read. Call it last. */
  refuseUnknown: () => void
}

const isBag = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Starts reading `input` at `path` (dotted, empty for the whole document). Problems are added to `problems`. */
export function createReader(input: unknown, path: string, problems: FieldProblem[]): Reader {
  if (input !== undefined && !isBag(input))
    problems.push({ field: path, problem: 'must be an object', value: quote(input) })
  const bag = isBag(input) ? input : {}
  const seen = new Set<string>()
  const at = (field: string) => (path === '' ? field : `${path}.${field}`)
  const get = (field: string): unknown => {
    seen.add(field)
    return Object.hasOwn(bag, field) && bag[field] !== null ? bag[field] : undefined
  }
  const bad = (field: string, value: unknown, problem: string, limit?: number) =>
    void problems.push({
      field: at(field),
      problem,
      ...(value === undefined ? {} : { value: quote(value) }),
      ...(limit === undefined ? {} : { limit }),
    })

  const checkText = (field: string, value: unknown, { lengthMax = 1_000, pattern }: TextBounds): string => {
    if (typeof value !== 'string' || value === '')
      bad(field, value, value === undefined ? 'is required' : 'must be text')
    else if (value.length > lengthMax) bad(field, value, `is ${value.length} characters long`, lengthMax)
    else if (pattern !== undefined && !pattern.test(value)) bad(field, value, `must match ${pattern.source}`)
    return typeof value === 'string' ? value : ''
  }
  const checkNumber = (field: string, value: unknown, { min, max, whole }: Bounds): number => {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      bad(field, value, value === undefined ? 'is required' : 'must be a number')
      return min
    }
    if (value < min) bad(field, value, `must be at least ${min}`, min)
    else if (value > max) bad(field, value, `must be at most ${max}`, max)
    else if (whole === true && !Number.isInteger(value)) bad(field, value, 'must be a whole number')
    return value
  }
  const array = (field: string): unknown[] => {
    const value = get(field)
    if (value === undefined) return []
    if (Array.isArray(value)) return value
    bad(field, value, 'must be a list')
    return []
  }

  return {
    problems,
    has: (field) => get(field) !== undefined,
    value: get,
    see: (field) => void seen.add(field),
    bad,
    text: (field, bounds) => checkText(field, get(field), bounds),
    optionalText(field, bounds) {
      const value = get(field)
      return value === undefined ? undefined : checkText(field, value, bounds)
    },
    texts: (field, bounds) => array(field).map((value, index) => checkText(`${field}[${index}]`, value, bounds)),
    number(field, bounds) {
      const value = get(field)
      return value === undefined && bounds.otherwise !== undefined
        ? bounds.otherwise
        : checkNumber(field, value, bounds)
    },
    optionalNumber(field, bounds) {
      const value = get(field)
      return value === undefined ? undefined : checkNumber(field, value, bounds)
    },
    numbers: (field, bounds) => array(field).map((value, index) => checkNumber(`${field}[${index}]`, value, bounds)),
    flag(field, otherwise) {
      const value = get(field)
      if (value === undefined) return otherwise
      if (typeof value !== 'boolean') bad(field, value, 'must be true or false')
      return value === true
    },
    choice(field, values, otherwise) {
      const value = get(field)
      if (value === undefined && otherwise !== undefined) return otherwise
      const found = values.find((one) => one === value)
      if (found === undefined) bad(field, value, `must be one of ${values.join(', ')}`)
      return found ?? values[0]!
    },
    object: (field) => createReader(get(field), at(field), problems),
    list: (field) =>
      array(field).map((value, index) => createReader(value ?? null, at(`${field}[${index}]`), problems)),
    map(field, keys, read) {
      const value = get(field)
      if (value === undefined) return byName<never>([])
      if (!isBag(value)) {
        bad(field, value, 'must be an object')
        return byName<never>([])
      }
      return byName(
        Object.entries(value).map(([key, one]) => {
          if (!keys.test(key)) bad(`${field}.${key}`, key, `is a name that must match ${keys.source}`)
          const path = at(`${field}.${key}`)
          return [key, read(createReader(isBag(one) ? one : undefined, path, problems), key, one, path)]
        }),
      )
    },
    strings: () => byName(Object.keys(bag).map((key) => [key, checkText(key, get(key), {})])),
    refuseUnknown() {
      for (const key of Object.keys(bag)) if (!seen.has(key)) bad(key, bag[key], 'unknown field')
    },
  }
}

/** Looked up by names that others choose, so nothing is inherited: "constructor" is a name like any other. */
function byName<T>(entries: [string, T][]): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, Object.fromEntries(entries))
}
