import { InputError, quote, type FieldProblem } from '../domain/error.ts'
import { scanRow } from '../kernels/tsv.ts'
import type { TableFormat } from './table-format.ts'

/** A table, or a part of one with its own header row: a name for messages, and its bytes from the beginning. */
export type TablePart = { name: string; open: () => AsyncIterable<Uint8Array> }

/** One row: the field of column `c` of the format lies in `bytes` from `from(c)` to `to(c)`. */
export type Row = {
  bytes: Uint8Array
  /** Where the field of each column begins, and where it ends; both 0 for a column that the file lacks. */
  readonly from: Int32Array
  readonly to: Int32Array
  part: number
  /** 1-based, as editors count. */
  line: number
}

/** Problems of one table: some are kept with their place, all are counted. */
export type Problems = {
  readonly count: number
  /** Names the field of a row; answers nothing, so that `return problems.add(…)` reads well. */
  add: (row: Row, column: number, problem: string) => void
  addAt: (part: number, line: number | undefined, column: number | undefined, field: string, problem: string) => void
  /** Throws when there were any. */
  check: () => void
}

const shownMax = 20

/** Collects problems of a table until there are too many to be worth reading on for. */
export function createProblems(format: TableFormat, parts: readonly TablePart[]): Problems {
  const found: FieldProblem[] = []
  let count = 0
  const check = () => {
    if (count === 0) return
    const more = count > found.length ? `; the first ${found.length} are shown` : ''
    throw new InputError(`Cannot read ${format.name}: ${count} ${count === 1 ? 'problem' : 'problems'}${more}`, found)
  }
  const note = (problem: FieldProblem) => {
    count++
    if (found.length < shownMax) found.push(problem)
    if (count >= 1_000) check()
  }
  return {
    get count() {
      return count
    },
    add: (row, column, problem) =>
      note({
        field: `${parts[row.part]!.name}: ${format.columns[column]!.name}`,
        problem,
        value: quote(new TextDecoder().decode(row.bytes.subarray(row.from[column], row.to[column]))),
        line: row.line,
        column: column + 1,
      }),
    addAt: (part, line, column, field, problem) =>
      note({ field: `${parts[part]!.name}${field === '' ? '' : `: ${field}`}`, problem, line, column }),
    check,
  }
}

/**
 * Reads all parts of a table, row by row, in bounded memory. Columns are found by their names; one that is missing, twice
 * there or unknown is a problem, as is a row with another number of fields than its header. Stops at a part that cannot
 * be read (a cut gzip file, say) and names it.
 */
export async function readTable(
  format: TableFormat,
  parts: readonly TablePart[],
  problems: Problems,
  onRow: (row: Row) => void,
  onBytes: (count: number) => void = () => {},
): Promise<void> {
  for (const [part, { open }] of parts.entries()) {
    const width = format.columns.length
    const row: Row = { bytes: new Uint8Array(), from: new Int32Array(width), to: new Int32Array(width), part, line: 0 }
    let layout: Layout | undefined
    let bounds = new Int32Array(258)
    const take = (bytes: Uint8Array, fields: number): boolean => {
      row.line++
      row.bytes = bytes
      if (layout === undefined) {
        layout = layoutOf(format, bytes, bounds, fields, part, problems)
        if (layout === undefined) return false
        bounds = new Int32Array(layout.fields + 2)
        return true
      }
      if (fields !== layout.fields) {
        problems.addAt(part, row.line, undefined, '', `the row has ${fields} fields, the header ${layout.fields}`)
        return true
      }
      for (let column = 0; column < width; column++) {
        const field = layout.fieldOf[column]!
        if (field < 0) continue
        row.from[column] = bounds[field]!
        row.to[column] = bounds[field + 1]! - 1
      }
      onRow(row)
      return true
    }
    try {
      let rest = new Uint8Array()
      let readable = true
      for await (const chunk of open()) {
        onBytes(chunk.length)
        const bytes = rest.length === 0 ? chunk : joined(rest, chunk)
        let at = 0
        while (readable) {
          const fields = scanRow(bytes, at, bytes.length, bounds)
          if (fields < 0) break
          const next = bounds[bounds.length - 1]!
          readable = take(bytes, fields)
          at = next
        }
        if (!readable) break
        rest = bytes.slice(at)
        if (rest.length > rowBytesMax) {
          problems.addAt(part, row.line + 1, undefined, '', `the row is longer than ${rowBytesMax} bytes`)
          readable = false
          break
        }
      }
      // The last row may lack its newline.
      if (readable && rest.length > 0) {
        const bytes = joined(rest, Uint8Array.of(10))
        take(bytes, scanRow(bytes, 0, bytes.length, bounds))
      }
      if (readable && layout === undefined) problems.addAt(part, 1, undefined, '', 'the file is empty: no header row')
    } catch (error) {
      if (error instanceof InputError) throw error
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!(error instanceof Error) || !(code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE')) throw error
      problems.addAt(part, row.line + 1, undefined, '', `the compressed file is cut or damaged: ${error.message}`)
    }
  }
}

const rowBytesMax = 16 * 1024 * 1024

function joined(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}

/** How many fields a row has, and which of them each column of the format is; -1: an optional one that is not there. */
type Layout = { fields: number; fieldOf: Int32Array }

function layoutOf(
  format: TableFormat,
  bytes: Uint8Array,
  bounds: Int32Array,
  fields: number,
  part: number,
  problems: Problems,
): Layout | undefined {
  const before = problems.count
  if (fields > bounds.length - 2) {
    problems.addAt(part, 1, undefined, '', `the header has ${fields} columns; the table has ${format.columns.length}`)
    return undefined
  }
  const decoder = new TextDecoder()
  const names = Array.from({ length: fields }, (_, field) => {
    const name = decoder.decode(bytes.subarray(bounds[field], bounds[field + 1]! - 1))
    return field === 0 ? name.replace(/^\uFEFF/, '') : name
  })
  for (const [field, name] of names.entries()) {
    if (!format.columns.some((column) => column.name === name))
      problems.addAt(part, 1, field + 1, quote(name), 'is no column of this table')
    else if (names.indexOf(name) !== field) problems.addAt(part, 1, field + 1, name, 'stands in the header twice')
  }
  const fieldOf = Int32Array.from(format.columns, ({ name }) => names.indexOf(name))
  for (const [column, { name, optional }] of format.columns.entries())
    if (fieldOf[column] === -1 && !optional) problems.addAt(part, 1, undefined, name, 'is missing in the header')
  return problems.count > before ? undefined : { fields, fieldOf }
}
