// Fields that more than one table has: ids, people, times, words.
import type { Interner } from '../kernels/intern.ts'
import { fieldIs, isPlainInt64, parseWhole } from '../kernels/tsv.ts'
import type { Problems, Row } from './read-table.ts'
import type { TableFormat } from './table-format.ts'
import type { Finding, ReadOptions } from './tables.ts'

/** Collects findings by kind. */
export type Findings = {
  list: Finding[]
  add: (kind: Finding['kind'], part: string, line: number, value: () => string) => void
}

/** No findings yet. */
export function createFindings(): Findings {
  const list: Finding[] = []
  return {
    list,
    add(kind, part, line, value) {
      const known = list.find((finding) => finding.kind === kind)
      if (known !== undefined) known.count++
      else list.push({ kind, count: 1, first: { part, line, value: value() } })
    },
  }
}

/** What the readers of all four tables share. */
export type Reading = ReadOptions & { noteIds: Interner; people: Interner; tweets: Interner; findings: Findings }

/** Place of a column in its format. */
export const columnOf = (format: TableFormat, name: string) => {
  const at = format.columns.findIndex((column) => column.name === name)
  if (at === -1) throw new Error(`${format.name} has no column ${name}`)
  return at
}
/** A field as text, for messages. */
export const textOf = (row: Row, column: number) =>
  new TextDecoder().decode(row.bytes.subarray(row.from[column], row.to[column]))

/** The number of an id field; -1 when it is none, which is a problem. */
export function noteOf(row: Row, column: number, ids: Interner, problems: Problems, add: boolean): number {
  const { bytes } = row
  const from = row.from[column]!
  const to = row.to[column]!
  const number = add ? -1 : ids.find(bytes, from, to)
  if (number !== -1) return number
  if (!isPlainInt64(bytes, from, to)) {
    problems.add(row, column, 'is not an id (a whole number below 2^63)')
    return -1
  }
  return add ? ids.add(bytes, from, to) : -2
}

/** The number of a person's id, which may not be empty. */
export function personOf(row: Row, column: number, people: Interner, problems: Problems): number {
  const from = row.from[column]!
  const to = row.to[column]!
  if (from === to) {
    problems.add(row, column, 'is empty')
    return -1
  }
  return people.add(row.bytes, from, to)
}

/** A time, or NaN where the field is empty; what cannot be read is a problem. */
export function timeOf(row: Row, column: number, problems: Problems): number {
  const from = row.from[column]!
  const to = row.to[column]!
  if (from === to) return NaN
  const time = parseWhole(row.bytes, from, to)
  if (Number.isNaN(time)) problems.add(row, column, 'is not a time in milliseconds')
  return time
}

/** Place of the field among the words; 0 where it is empty or, which is a problem, none of them. */
export function wordOf(row: Row, column: number, words: readonly string[], problems: Problems): number {
  const from = row.from[column]!
  const to = row.to[column]!
  if (from === to) return 0
  for (let at = 0; at < words.length; at++) if (fieldIs(row.bytes, from, to, words[at]!)) return at
  problems.add(row, column, `is none of ${words.filter((word) => word !== '').join(', ')}`)
  return 0
}
