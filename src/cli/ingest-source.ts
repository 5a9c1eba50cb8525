import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse as parseCsv, type CsvError } from 'csv-parse'
import { InputError } from '../domain/error.ts'
import { UsageError } from './command.ts'

export const formats = ['ndjson', 'json', 'csv', 'tsv', 'images'] as const
export type Format = (typeof formats)[number]

/** One row of the source, or what is wrong with it. `line` counts from 1; for JSON arrays and folders it is the element. */
export type SourceItem = { line: number } & ({ value: unknown } | { broken: string; raw: string })
export type Source = {
  items: AsyncIterable<SourceItem>
  /** Bytes of the file read so far, compressed as they are; files for a folder. */
  readSoFar: () => number
  total: number
  /** Changes when the source does: a resume must not skip rows of another file. */
  fingerprint: string
}

const rowBytesMax = 8 * 1024 * 1024
export const imageTypes = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.heic', '.tif', '.tiff', '.bmp'])

/** What a path holds, by its name: `posts.csv.gz` is CSV. A folder is a folder of images. */
export async function formatOf(path: string): Promise<Format> {
  if ((await stat(path)).isDirectory()) return 'images'
  const name = path.toLowerCase().replace(/\.gz$/, '')
  const extension = extname(name)
  if (extension === '.ndjson' || extension === '.jsonl') return 'ndjson'
  if (extension === '.json') return 'json'
  if (extension === '.csv') return 'csv'
  if (extension === '.tsv' || extension === '.tab') return 'tsv'
  throw new UsageError(`cannot tell the format of "${path}" from its name; say it with --format ${formats.join('|')}`)
}

/** Opens a file or folder as a stream of rows. Memory is bounded by the longest row, whatever the size of the file. */
export async function openSource(path: string, format: Format): Promise<Source> {
  const info = await stat(path)
  if (format === 'images') {
    if (!info.isDirectory()) throw new UsageError(`"${path}" is not a folder; --format images reads folders`)
    return openImages(path)
  }
  if (info.isDirectory()) throw new UsageError(`"${path}" is a folder; --format ${format} reads files`)
  let read = 0
  const file = createReadStream(path, { highWaterMark: 1 << 18 })
  const counted = file.pipe(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        read += chunk.length
        done(null, chunk)
      },
    }),
  )
  file.on('error', (error) => counted.destroy(error))
  const bytes: Readable = path.endsWith('.gz') ? pipeOn(counted, createGunzip()) : counted
  const readers = { ndjson: readNdjson, json: readJsonArray, csv: readTable, tsv: readTable }
  return {
    items: readers[format](bytes, format === 'tsv' ? '\t' : ','),
    readSoFar: () => read,
    total: info.size,
    fingerprint: `${info.size} ${Math.floor(info.mtimeMs)}`,
  }
}

function pipeOn<T extends Transform>(from: Readable, to: T): T {
  from.on('error', (error) => to.destroy(error))
  return from.pipe(to)
}

/** Lines of JSON. A broken line is broken alone. */
export async function* readNdjson(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SourceItem> {
  const decoder = new TextDecoder()
  let rest = ''
  let line = 0
  const parse = (text: string): SourceItem => {
    try {
      return { line, value: JSON.parse(text) }
    } catch (error) {
      return { line, broken: `is not JSON: ${(error as Error).message}`, raw: text.slice(0, 500) }
    }
  }
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true })
    let from = 0
    for (let end = rest.indexOf('\n', from); end >= 0; end = rest.indexOf('\n', from)) {
      line++
      const text = rest.slice(from, end).trim()
      from = end + 1
      if (text !== '') yield parse(text)
    }
    rest = rest.slice(from)
    if (rest.length > rowBytesMax) throw new InputError(`Line ${line + 1} is longer than ${rowBytesMax} characters`)
  }
  rest += decoder.decode()
  if (rest.trim() !== '') {
    line++
    yield parse(rest.trim())
  }
}

/** The elements of one JSON array, or a single object, without holding more than one element. */
export async function* readJsonArray(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SourceItem> {
  const decoder = new TextDecoder()
  let text = ''
  let depth = 0
  let inText = false
  let escaped = false
  let wrapped = false
  let started = false
  let ended = false
  let from = 0
  let count = 0
  const element = (end: number): SourceItem | undefined => {
    const raw = text.slice(from, end).trim()
    if (raw === '') return undefined
    count++
    try {
      return { line: count, value: JSON.parse(raw) }
    } catch (error) {
      return { line: count, broken: `is not JSON: ${(error as Error).message}`, raw: raw.slice(0, 500) }
    }
  }
  let at = 0
  for await (const chunk of bytes) {
    text += decoder.decode(chunk, { stream: true })
    for (; at < text.length; at++) {
      const letter = text.charCodeAt(at)
      if (inText) {
        if (escaped) escaped = false
        else if (letter === 0x5c) escaped = true
        else if (letter === 0x22) inText = false
        continue
      }
      if (!started) {
        if (letter === 0xfeff || letter <= 0x20) continue
        started = true
        if (letter === 0x5b) {
          wrapped = true
          from = at + 1
          continue
        }
        if (letter !== 0x7b) throw new InputError('The file is neither a JSON array nor a JSON object')
      }
      if (letter === 0x22) inText = true
      else if (letter === 0x7b || letter === 0x5b) depth++
      else if (letter === 0x7d || letter === 0x5d) {
        if (depth === 0 && letter === 0x5d && wrapped && !ended) {
          ended = true
          const last = element(at)
          if (last !== undefined) yield last
          from = at + 1
        } else depth--
      } else if (letter === 0x2c && depth === 0 && wrapped && !ended) {
        const next = element(at)
        if (next !== undefined) yield next
        from = at + 1
      }
    }
    text = text.slice(from)
    at -= from
    from = 0
    if (text.length > rowBytesMax) throw new InputError(`Element ${count + 1} is longer than ${rowBytesMax} characters`)
  }
  if (started && !wrapped) {
    const only = element(text.length)
    if (only !== undefined) yield only
  } else if (started && !ended)
    yield { line: count + 1, broken: 'the file ends before the array does', raw: text.slice(-200) }
}

/** Records of a table with a header. A record with too few or too many columns is broken alone. */
async function* readTable(bytes: Readable, delimiter: string): AsyncGenerator<SourceItem> {
  const skipped: SourceItem[] = []
  const parser = parseCsv({
    bom: true,
    columns: true,
    delimiter,
    info: true,
    // TSV as databases write it has no quotes; a stray one must not swallow the file.
    quote: delimiter === '\t' ? null : '"',
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: rowBytesMax,
    skip_records_with_error: true,
    on_skip: (error: CsvError | undefined, raw: string | undefined) =>
      void skipped.push({
        line: Number(error?.lines ?? 0),
        broken: error?.message ?? 'cannot be read',
        raw: (raw ?? '').slice(0, 500),
      }),
  })
  bytes.on('error', (error) => parser.destroy(error))
  bytes.pipe(parser)
  for await (const { record, info } of parser as AsyncIterable<{ record: unknown; info: { lines: number } }>) {
    while (skipped.length > 0) yield skipped.shift()!
    yield { line: info.lines, value: record }
  }
  while (skipped.length > 0) yield skipped.shift()!
}

/** Every image under a folder, in order of name, as `{ path, sha256, modifiedMs, bytes }`. Other files are left alone. */
async function openImages(folder: string): Promise<Source> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && imageTypes.has(extname(entry.name).toLowerCase()))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
  if (names.length === 0)
    throw new InputError(
      `There are no images in "${folder}" (${[...imageTypes].map((type) => type.slice(1)).join(', ')})`,
    )
  let read = 0
  async function* items(): AsyncGenerator<SourceItem> {
    for (const [index, name] of names.entries()) {
      const file = join(folder, name)
      const bytes = await readFile(file)
      read++
      const { mtimeMs } = await stat(file)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      yield {
        line: index + 1,
        value: { path: name, sha256, modifiedMs: Math.floor(mtimeMs), bytes } satisfies ImageFile,
      }
    }
  }
  return {
    items: items(),
    readSoFar: () => read,
    total: names.length,
    fingerprint: createHash('sha256').update(names.join('\n')).digest('hex'),
  }
}

export type ImageFile = { path: string; sha256: string; modifiedMs: number; bytes: Buffer }
