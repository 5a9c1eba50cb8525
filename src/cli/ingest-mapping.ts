import { RE2JS } from 're2js'
import { parse as parseYaml } from 'yaml'
import { InputError, quote, type FieldProblem } from '../domain/error.ts'

/** One row of the source: columns of a table, or the fields of a JSON object. */
export type SourceRow = Readonly<Record<string, unknown>>

/**
 * How rows become events, from a YAML file: each key is a path of the event (`actor.id`, `item.text`,
 * `attributes.followers`, `targets[0].id`), each value says where it comes from.
 */
export type Mapping = {
  /** Applied in order; the fields of the first one whose condition holds are laid over the common ones. */
  cases: { when?: Condition; fields: FieldRule[] }[]
  fields: FieldRule[]
  /** Rows for which this does not hold are skipped, not refused. */
  only?: Condition
}
type FieldRule = { path: (string | number)[]; name: string; source: ValueSource; optional: boolean }
type ValueSource =
  | { kind: 'constant'; value: unknown }
  | {
      kind: 'column'
      column: string
      as: Conversion
      separator?: string
      zone: string
      choices?: Record<string, unknown>
    }
  | { kind: 'template'; parts: (string | { column: string })[] }
  | { kind: 'matches'; column: string; pattern: RE2JS }
type Conversion = 'text' | 'number' | 'boolean' | 'time' | 'epoch_s' | 'epoch_ms' | 'list'
type Condition = { column: string; equals?: string; oneOf?: string[]; present?: boolean }

const conversions: readonly Conversion[] = ['text', 'number', 'boolean', 'time', 'epoch_s', 'epoch_ms', 'list']
const sourceKeys = new Set([
  'column',
  'constant',
  'template',
  'matches',
  'pattern',
  'as',
  'separator',
  'zone',
  'optional',
  'choices',
])
const pathPattern =
  /^(id|type|time|context|actor|item|thread|targets|origin|attributes)((\.[A-Za-z][A-Za-z0-9_]*)|(\[\d{1,3}\]))*$/

/** Reads a mapping file. Throws an InputError that names every key that is wrong. */
export function parseMapping(text: string): Mapping {
  let document: unknown
  try {
    document = parseYaml(text)
  } catch (error) {
    throw new InputError(`The mapping is not YAML: ${(error as Error).message}`)
  }
  const problems: FieldProblem[] = []
  const bad = (field: string, problem: string, value?: unknown): undefined => {
    problems.push({ field, problem, ...(value === undefined ? {} : { value: quote(value) }) })
    return undefined
  }
  if (!isBag(document)) throw new InputError('The mapping must be a YAML object with "fields"')
  for (const key of Object.keys(document))
    if (!['fields', 'cases', 'only'].includes(key))
      bad(key, 'unknown key; use "fields", "cases" and "only"', document[key])
  const fields = readFields('fields', document.fields, bad)
  const cases: Mapping['cases'] = []
  if (document.cases !== undefined && !Array.isArray(document.cases)) bad('cases', 'must be a list', document.cases)
  if (Array.isArray(document.cases))
    document.cases.forEach((one: unknown, index) => {
      if (!isBag(one)) return bad(`cases[${index}]`, 'must be an object with "when" and "fields"', one)
      for (const key of Object.keys(one))
        if (!['when', 'fields'].includes(key)) bad(`cases[${index}].${key}`, 'unknown key; use "when" and "fields"')
      const when = one.when === undefined ? undefined : readCondition(`cases[${index}].when`, one.when, bad)
      cases.push({
        ...(when === undefined ? {} : { when }),
        fields: readFields(`cases[${index}].fields`, one.fields, bad),
      })
    })
  const only = document.only === undefined ? undefined : readCondition('only', document.only, bad)
  const given = new Set([...fields, ...cases.flatMap((one) => one.fields)].map((rule) => rule.name))
  for (const needed of ['id', 'type', 'time', 'actor.id'])
    if (!given.has(needed)) bad(needed, 'is required in every event, and no field of the mapping gives it')
  if (problems.length > 0)
    throw new InputError(`The mapping cannot be used: ${problems[0]!.field} ${problems[0]!.problem}`, problems)
  return { fields, cases, ...(only === undefined ? {} : { only }) }
}

type Bag = Record<string, unknown>
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)
type Bad = (field: string, problem: string, value?: unknown) => undefined

function readFields(at: string, value: unknown, bad: Bad): FieldRule[] {
  if (!isBag(value)) {
    bad(at, 'must be an object from event fields to sources', value)
    return []
  }
  return Object.entries(value).flatMap(([name, from]) => {
    if (!pathPattern.test(name)) {
      bad(`${at}.${name}`, 'is not a field of an event')
      return []
    }
    const source = readSource(`${at}.${name}`, from, bad)
    if (source === undefined) return []
    const path = [...name.matchAll(/[A-Za-z][A-Za-z0-9_]*|\[(\d+)\]/g)].map((part) =>
      part[1] === undefined ? part[0] : Number(part[1]),
    )
    return [{ path, name, source, optional: isBag(from) && from.optional === true }]
  })
}

function readSource(at: string, value: unknown, bad: Bad): ValueSource | undefined {
  // The short form: a column by name.
  if (typeof value === 'string') return { kind: 'column', column: value, as: 'text', zone: 'Z' }
  if (!isBag(value))
    return bad(at, 'must be a column name or an object with column, constant, template or matches', value)
  for (const key of Object.keys(value)) if (!sourceKeys.has(key)) bad(`${at}.${key}`, 'unknown key', value[key])
  const kinds = ['column', 'constant', 'template', 'matches'].filter((key) => value[key] !== undefined)
  if (kinds.length !== 1)
    return bad(at, 'needs exactly one of column, constant, template and matches', kinds.join(', '))
  if (value.constant !== undefined) return { kind: 'constant', value: value.constant }
  if (value.template !== undefined) {
    if (typeof value.template !== 'string') return bad(at, 'template must be text with {columns} in it', value.template)
    const parts = value.template
      .split(/(\{[^{}]+\})/)
      .filter((part) => part !== '')
      .map((part) => (part.startsWith('{') && part.endsWith('}') ? { column: part.slice(1, -1) } : part))
    return { kind: 'template', parts }
  }
  if (value.matches !== undefined) {
    if (typeof value.matches !== 'string' || typeof value.pattern !== 'string' || value.pattern.length > 500)
      return bad(at, 'matches names a column and needs a "pattern" of at most 500 characters', value.pattern)
    try {
      return { kind: 'matches', column: value.matches, pattern: RE2JS.compile(value.pattern) }
    } catch (error) {
      return bad(at, `pattern cannot be read: ${(error as Error).message}`, value.pattern)
    }
  }
  if (typeof value.column !== 'string') return bad(at, 'column must be a name', value.column)
  const as = value.as ?? 'text'
  if (!conversions.includes(as as Conversion)) return bad(`${at}.as`, `must be one of ${conversions.join(', ')}`, as)
  const zone = value.zone ?? 'Z'
  if (typeof zone !== 'string' || !/^(Z|[+-]\d{2}:\d{2})$/.test(zone))
    return bad(`${at}.zone`, 'must be Z or like +01:00', zone)
  if (value.choices !== undefined && !isBag(value.choices))
    return bad(`${at}.choices`, 'must map values to values', value.choices)
  return {
    kind: 'column',
    column: value.column,
    as: as as Conversion,
    zone,
    ...(typeof value.separator === 'string' ? { separator: value.separator } : {}),
    ...(isBag(value.choices) ? { choices: value.choices } : {}),
  }
}

function readCondition(at: string, value: unknown, bad: Bad): Condition | undefined {
  if (!isBag(value) || typeof value.column !== 'string') return bad(at, 'must be an object with a "column"', value)
  for (const key of Object.keys(value))
    if (!['column', 'equals', 'oneOf', 'present'].includes(key))
      bad(`${at}.${key}`, 'unknown key; use equals, oneOf or present')
  const oneOf = Array.isArray(value.oneOf) ? value.oneOf.map(String) : undefined
  const given = [value.equals, oneOf, value.present].filter((one) => one !== undefined)
  if (given.length !== 1) return bad(at, 'needs exactly one of equals, oneOf and present')
  return {
    column: value.column,
    ...(value.equals === undefined ? {} : { equals: String(value.equals) }),
    ...(oneOf === undefined ? {} : { oneOf }),
    ...(value.present === undefined ? {} : { present: value.present === true }),
  }
}

/**
 * One row as an event, or undefined when the mapping skips it. The event is not checked here beyond what the mapping
 * itself converts: the receiver does that. Throws an InputError that names columns that are missing or unreadable.
 */
export function mapRow(mapping: Mapping, row: SourceRow): Record<string, unknown> | undefined {
  if (mapping.only !== undefined && !holds(mapping.only, row)) return undefined
  const event: Record<string, unknown> = {}
  const problems: FieldProblem[] = []
  const chosen = mapping.cases.find((one) => one.when === undefined || holds(one.when, row))
  for (const rule of [...mapping.fields, ...(chosen?.fields ?? [])]) {
    try {
      const value = valueOf(rule.source, row)
      if (value === undefined) {
        if (!rule.optional && rule.source.kind === 'column' && !(rule.source.column in row))
          throw new InputError(`column "${rule.source.column}" is not in the row`)
        continue
      }
      place(event, rule.path, value)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      problems.push({ field: rule.name, problem: error.message })
    }
  }
  if (problems.length > 0) throw new InputError(`${problems[0]!.field}: ${problems[0]!.problem}`, problems)
  return event
}

function holds(condition: Condition, row: SourceRow): boolean {
  const value = row[condition.column]
  const text = value === undefined || value === null ? '' : String(value)
  if (condition.present !== undefined) return (text !== '') === condition.present
  if (condition.oneOf !== undefined) return condition.oneOf.includes(text)
  return text === condition.equals
}

function valueOf(source: ValueSource, row: SourceRow): unknown {
  if (source.kind === 'constant') return source.value
  if (source.kind === 'template')
    return source.parts
      .map((part) => {
        if (typeof part === 'string') return part
        if (!(part.column in row)) throw new InputError(`column "${part.column}" is not in the row`)
        return String(row[part.column] ?? '')
      })
      .join('')
  const held = row[source.column]
  if (source.kind === 'matches') {
    const found = typeof held === 'string' ? findAll(source.pattern, held) : []
    return found.length === 0 ? undefined : found
  }
  if (held === undefined || held === null || held === '') return undefined
  if (source.choices !== undefined) {
    const choice = source.choices[String(held)]
    if (choice === undefined)
      throw new InputError(
        `"${String(held).slice(0, 60)}" in column "${source.column}" is none of ${Object.keys(source.choices).join(', ')}`,
      )
    return choice
  }
  return convert(source, held)
}

/** All matches, each by its first group where the pattern has one. RE2: linear in the text, whatever the pattern. */
function findAll(pattern: RE2JS, text: string): string[] {
  const found: string[] = []
  const matcher = pattern.matcher(text)
  while (found.length < 1_000 && matcher.find()) {
    const part = matcher.groupCount() > 0 ? matcher.group(1) : matcher.group()
    if (part !== null && part !== undefined && part !== '') found.push(part)
  }
  return found
}

function convert(source: Extract<ValueSource, { kind: 'column' }>, held: unknown): unknown {
  const text = typeof held === 'string' ? held : JSON.stringify(held)
  const unreadable = (wanted: string): never => {
    throw new InputError(`"${text.slice(0, 60)}" in column "${source.column}" is not ${wanted}`)
  }
  switch (source.as) {
    case 'text':
      return typeof held === 'object' ? held : text
    case 'number': {
      const number = Number(text)
      return Number.isFinite(number) ? number : unreadable('a number')
    }
    case 'boolean':
      if (/^(true|yes|1|t|y)$/i.test(text)) return true
      return /^(false|no|0|f|n)$/i.test(text) ? false : unreadable('true or false')
    case 'list':
      return Array.isArray(held)
        ? held
        : text
            .split(source.separator ?? ',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
    case 'epoch_s':
    case 'epoch_ms': {
      const timeMs = Number(text) * (source.as === 'epoch_s' ? 1_000 : 1)
      return Number.isFinite(timeMs) && Math.abs(timeMs) < 8.64e15
        ? new Date(timeMs).toISOString()
        : unreadable('a time in seconds or milliseconds since 1970')
    }
    case 'time':
      return readTime(text, source.zone) ?? unreadable('a time such as 2015-11-01 13:05:00 or 2015-11-01T13:05:00Z')
  }
}

/** ISO 8601 or the same with a blank and without a zone, in which case the zone of the mapping holds. */
function readTime(text: string, zone: string): string | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?)? ?(Z|[+-]\d{2}:?\d{2})?$/.exec(
    text.trim(),
  )
  if (parts === null) return undefined
  const [, date, minute = '00:00', second = ':00', given] = parts
  const offset = given === undefined ? zone : given.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')
  const timeMs = Date.parse(`${date}T${minute}${second}${offset}`)
  return Number.isNaN(timeMs) ? undefined : new Date(timeMs).toISOString()
}

function place(event: Bag, path: readonly (string | number)[], value: unknown): void {
  // Arrays are bags by index here; own keys only, so that no path reaches a prototype.
  let at = event
  for (let index = 0; index < path.length - 1; index++) {
    const key = String(path[index])
    if (!Object.hasOwn(at, key)) at[key] = typeof path[index + 1] === 'number' ? [] : {}
    at = at[key] as Bag
  }
  at[String(path.at(-1))] = value
}
