import { InputError, quote, type FieldProblem } from '../../domain/error.ts'
import { labelLengthMax, labelsMax, type NewEntryInput } from '../checks.ts'
import { signalTypes } from '../signal-types/all.ts'
import { typeOfBare, typeOfWord } from './type-words.ts'

/** How rows are written: a JSON object a line, a table with a header, or `type value` by the line. */
export type ImportFormat = 'ndjson' | 'csv' | 'lines'
/** What holds for rows that do not say themselves; labels are added to those of the row. */
export type RowDefaults = { labels: string[]; source?: string; draft?: boolean }
/** A row as it names its content: an upload has to be found before it can be banked. */
export type ImportRow = { input: NewEntryInput; upload?: string }

const fields = [
  'upload',
  'pdq',
  'quality',
  'signals',
  'text',
  'type',
  'value',
  'labels',
  'source',
  'note',
  'metadata',
  'exchange',
  'expiresMs',
  'draft',
] as const
/** What an export says beside, and an import reads over. */
const told = new Set(['entryId', 'status', 'addedMs', 'mediaSha256'])

/** One row of NDJSON, with the defaults of its import. Throws an InputError that names every field that cannot be read. */
export function readJsonRow(text: string, defaults: RowDefaults): ImportRow {
  let row: unknown
  try {
    row = JSON.parse(text)
  } catch (error) {
    throw new InputError('the line is not JSON', [
      { field: '', problem: `is not JSON: ${(error as Error).message}`, value: quote(text) },
    ])
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new InputError('the line is not an object', [
      { field: '', problem: 'must be a JSON object', value: quote(row) },
    ])
  return readRow(row as Record<string, unknown>, defaults)
}

/** One line `type value`, or a bare hash whose length tells its type; the words of other lists for types are known. */
export function readLineRow(text: string, defaults: RowDefaults): ImportRow {
  const [, first = '', rest = ''] = /^(\S+)(?:\s+(.*))?$/s.exec(text.trim()) ?? []
  const type = rest === '' ? typeOfBare(first) : typeOfWord(first)
  if (type === undefined)
    throw new InputError('the line names no type', [
      { field: '', problem: 'must be a type and a value, such as "pdq 1f09…"', value: quote(text) },
    ])
  return readRow({ type, value: rest === '' ? first : rest }, defaults)
}

/** One row of a table: a column for each field, or `type` and `value`; labels are parted by "|". */
export function readTableRow(header: readonly string[], cells: readonly string[], defaults: RowDefaults): ImportRow {
  if (cells.length > header.length)
    throw new InputError('the row has too many cells', [
      { field: '', problem: `has ${cells.length} cells`, limit: header.length },
    ])
  const row: Record<string, unknown> = {}
  const signals: Record<string, string> = {}
  for (const [at, name] of header.entries()) {
    const cell = (cells[at] ?? '').trim()
    if (cell === '') continue
    if (name === 'labels') row.labels = cell.split('|').filter((label) => label.trim() !== '')
    else if (name === 'quality' || name === 'expiresMs') row[name] = Number(cell)
    else if (name === 'draft') row.draft = cell === 'true'
    else if (name === 'metadata' || name === 'exchange') row[name] = parsed(name, cell)
    else if (name !== 'text' && signalTypes.some((type) => type.name === name)) signals[name] = cell
    else row[name] = cell
  }
  // An export names the text and its own signal; the text says both.
  if (Object.keys(signals).length > 0 && row.text === undefined && row.upload === undefined) row.signals = signals
  return readRow(row, defaults)
}

function parsed(field: string, cell: string): unknown {
  try {
    return JSON.parse(cell)
  } catch (error) {
    throw new InputError(`${field} is not JSON`, [
      { field, problem: `is not JSON: ${(error as Error).message}`, value: quote(cell) },
    ])
  }
}

function readRow(row: Record<string, unknown>, defaults: RowDefaults): ImportRow {
  const problems: FieldProblem[] = []
  for (const field of Object.keys(row))
    if (!(fields as readonly string[]).includes(field) && !told.has(field))
      problems.push({ field, problem: `unknown field; there are ${fields.join(', ')}`, value: quote(row[field]) })
  const text = (field: 'upload' | 'pdq' | 'text' | 'type' | 'value' | 'source' | 'note') => {
    const value = row[field]
    if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
    problems.push({ field, problem: 'must be a string', value: quote(value) })
    return undefined
  }
  const whole = (field: 'quality' | 'expiresMs') => {
    const value = row[field]
    if (value === undefined || value === null || Number.isInteger(value)) return (value as number | null) ?? undefined
    problems.push({ field, problem: 'must be a whole number', value: quote(value) })
    return undefined
  }
  const object = (field: 'signals' | 'metadata' | 'exchange') => {
    const value = row[field]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
    problems.push({ field, problem: 'must be an object', value: quote(value) })
    return undefined
  }
  const [type, value, pdq, words, upload] = [text('type'), text('value'), text('pdq'), text('text'), text('upload')]
  if ((type === undefined) !== (value === undefined))
    problems.push({ field: type === undefined ? 'type' : 'value', problem: 'is required beside the other' })
  const quality = whole('quality')
  const signals = object('signals') as Record<string, string> | undefined
  const given = [type, pdq, words, upload, signals].filter((one) => one !== undefined).length
  if (given !== 1 && problems.length === 0)
    problems.push({ field: '', problem: 'needs exactly one of type and value, signals, pdq, text and upload' })
  const labels = row.labels ?? []
  if (!Array.isArray(labels) || labels.length + defaults.labels.length > labelsMax)
    problems.push({ field: 'labels', problem: `must be a list of at most ${labelsMax}`, limit: labelsMax })
  if (upload !== undefined && !/^[0-9a-f]{64}$/.test(upload))
    problems.push({ field: 'upload', problem: 'must be the id of an upload', value: quote(upload) })
  const [source, note] = [text('source'), text('note')]
  const [metadata, exchange, expiresMs] = [object('metadata'), object('exchange'), whole('expiresMs')]
  if (problems.length > 0) throw new InputError(`${problems[0]!.field} ${problems[0]!.problem}`.trim(), problems)
  const from = source ?? defaults.source
  return {
    input: {
      ...(type === undefined
        ? {}
        : type === 'text'
          ? { text: value! }
          : { signals: { [type]: value! }, ...(quality === undefined ? {} : { quality }) }),
      ...(pdq === undefined ? {} : { pdq: { hash: pdq, ...(quality === undefined ? {} : { quality }) } }),
      ...(signals === undefined ? {} : { signals, ...(quality === undefined ? {} : { quality }) }),
      ...(words === undefined ? {} : { text: words }),
      labels: [...defaults.labels, ...(labels as string[])],
      ...(from === undefined ? { source: 'import' } : { source: from }),
      ...(note === undefined ? {} : { note }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(exchange === undefined ? {} : { exchange }),
      ...(expiresMs === undefined ? {} : { expiresMs }),
      ...(row.draft === true || defaults.draft === true ? { draft: true } : {}),
    },
    ...(upload === undefined ? {} : { upload }),
  }
}

/** The cells of one line of CSV (RFC 4180, without line breaks inside cells). */
export function cellsOf(line: string): string[] {
  const cells: string[] = []
  for (let at = 0; at <= line.length; at++) {
    let cell = ''
    if (line[at] === '"') {
      for (at++; at < line.length; at++) {
        if (line[at] !== '"') cell += line[at]
        else if (line[at + 1] === '"') {
          cell += '"'
          at++
        } else break
      }
      const comma = line.indexOf(',', at)
      at = comma === -1 ? line.length : comma
    } else {
      const comma = line.indexOf(',', at)
      const end = comma === -1 ? line.length : comma
      cell = line.slice(at, end)
      at = end
    }
    cells.push(cell)
  }
  return cells
}

/** The names of the columns of a table. Throws an InputError for one that no field or signal type has. */
export function headerOf(line: string): string[] {
  const known = new Set<string>([...fields, ...signalTypes.map((type) => type.name), ...told])
  const header = cellsOf(line.replace(/^\uFEFF/, '')).map((name) => {
    const trimmed = name.trim()
    return trimmed === 'expires' ? 'expiresMs' : trimmed
  })
  const problems = header.flatMap((name, at): FieldProblem[] =>
    known.has(name)
      ? header.indexOf(name) === at
        ? []
        : [{ field: name, problem: 'is there twice', line: 1 }]
      : [{ field: name, problem: `is no column; there are ${[...known].join(', ')}`, value: quote(name), line: 1 }],
  )
  if (problems.length > 0)
    throw new InputError(`The header cannot be read: "${problems[0]!.field}" ${problems[0]!.problem}`, problems)
  return header
}

/** Labels that a request names for all rows. Throws an InputError for one that is too long. */
export function labelsOf(text: string | undefined): string[] {
  const labels = [
    ...new Set(
      (text ?? '')
        .split(',')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
    ),
  ]
  if (labels.length > labelsMax || labels.some((label) => label.length > labelLengthMax))
    throw new InputError('labels cannot be kept', [
      {
        field: 'labels',
        problem: `must be at most ${labelsMax} of at most ${labelLengthMax} characters`,
        value: quote(text),
        limit: labelsMax,
      },
    ])
  return labels
}
