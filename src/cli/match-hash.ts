import { createWriteStream, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { InputError } from '../domain/error.ts'
import type { PdqConvention } from '../kernels/pdq.ts'
import { createHashers } from '../media/all-hashers.ts'
import { hashersFor, type MediaHasher } from '../media/hashers.ts'
import { kindBytesMax, type MediaType } from '../media/kinds.ts'
import { createMediaPool, type HashedFile } from '../media/hash-pool.ts'
import { parse, table, UsageError, type Command, type Io } from './command.ts'
import { findFiles, inOrder, linesToResume, type FoundFile } from './match-files.ts'
import { createProgress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

const formats = ['jsonl', 'csv', 'table'] as const
type Format = (typeof formats)[number]

const usage = `FILE|FOLDER… [options]

Prints one record for each file, in order: SHA-256, MD5, type by content, PDQ for photos, and the hashes of videos and
sounds (with ffmpeg). Needs no server. A file that cannot be read or decoded has "error" in its record, stops nothing, and
makes the exit code 3.

  --convention C  full: all pixels, as in Java, Python and HMA (default); 512: as the C++ tool, reduced to 512 x 512
  --dihedral      the hashes of all eight turned and mirrored versions too
  --format F      jsonl (default), csv or table
  --out FILE      where records go instead of standard output; files already in it are skipped, so that the same
                  command goes on where it was interrupted (jsonl and csv)
  --workers N     processes that decode (default: one a core)`

/** One line of output. What a file does not have is missing. */
export type HashRecord = {
  file: string
  bytes?: number
  sha256?: string
  md5?: string
  mime?: string
  width?: number
  height?: number
  pdq?: string
  quality?: number
  convention?: PdqConvention
  dihedral?: string[]
  durationMs?: number
  /** What was made of videos, sounds and animations, by signal type: `{ vpdq: '…' }`. */
  signals?: Record<string, string>
  error?: string
}
const columns = [
  'file',
  'bytes',
  'sha256',
  'md5',
  'mime',
  'width',
  'height',
  'pdq',
  'quality',
  'convention',
  'dihedral',
  'durationMs',
  'signals',
  'error',
] as const satisfies readonly (keyof HashRecord)[]

export const command: Command = {
  name: 'hash',
  summary: 'print hashes of files and folders',
  usage,
  async run(args, io) {
    const { values, positionals } = parse(
      args,
      {
        convention: { type: 'string', default: 'full' },
        dihedral: { type: 'boolean', default: false },
        format: { type: 'string', default: 'jsonl' },
        out: { type: 'string' },
        workers: { type: 'string' },
      },
      { min: 1, max: Infinity },
    )
    const convention = oneOf('convention', values.convention, ['full', '512'] as const)
    const format = oneOf('format', values.format, formats)
    const workers =
      values.workers === undefined ? availableParallelism() : wholeNumber('workers', values.workers, 1, 256)
    if (format === 'table' && values.out !== undefined)
      throw new UsageError('--format table is for looking at; write jsonl or csv into a file')

    const beganMs = Date.now()
    const from = (path: string) => (isAbsolute(path) ? path : resolve(io.cwd, path))
    const out = values.out === undefined ? undefined : from(values.out)
    const done = out === undefined ? new Set<string>() : await doneFiles(out, format)
    const progress = createProgress(io, Date.now, 'Hashing')
    const counting = countFiles(positionals, from)
    const pool = createMediaPool({ workers, timeoutMs: 300_000, pendingMax: Infinity })
    const sink = openSink(out, io)
    const write = writerFor(format, sink, done.size > 0)
    let files = 0
    let skipped = 0
    let failed = 0
    const hashers = createHashers({ ffmpeg: io.env.FFMPEG ?? 'ffmpeg' })
    const oneAtATime = createGate(Math.max(1, Math.floor(workers / 2)))
    const hashOne = async (found: FoundFile): Promise<HashRecord> => {
      const hashed = await pool.hashFile(from(found.path), convention).catch(problemOf)
      const record = recordOf(found, convention, values.dihedral, hashed)
      if (!('sha256' in hashed) || hashed.kind === undefined || (hashed.kind === 'photo' && hashed.animated !== true))
        return record
      const type = { kind: hashed.kind, mime: hashed.mime, animated: hashed.animated === true }
      return oneAtATime(() => withMediaHashes(record, type, from(found.path), hashers))
    }
    async function* remaining() {
      for await (const found of findFiles(positionals, from)) {
        if (done.has(found.path)) skipped++
        else if (from(found.path) !== out) yield found
      }
    }
    try {
      for await (const record of inOrder(remaining(), workers * 4, hashOne)) {
        files++
        if (record.error !== undefined) failed++
        await write(record)
        const words = `${files.toLocaleString('en')} files${failed === 0 ? '' : `, ${failed} with errors`}`
        if (io.stderr.isTTY === true) progress.show(files + skipped, counting.total(), words)
      }
      await write(undefined)
      await sink.close()
    } finally {
      await pool.close()
    }
    const seconds = (Date.now() - beganMs) / 1_000
    if (out !== undefined || io.stderr.isTTY === true)
      progress.end(
        `${files.toLocaleString('en')} files in ${seconds.toFixed(1)} s (${Math.round(files / Math.max(seconds, 0.001))}/s)` +
          `${failed === 0 ? '' : `, ${failed} with errors`}${skipped === 0 ? '' : `, ${skipped} were there already`}`,
      )
    return failed === 0 ? 0 : 3
  },
}

/** The value of an option that must be one of a few. */
export function oneOf<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw new UsageError(`--${name} "${text}" must be ${choices.join(' or ')}`)
  return found
}

/** The error of a file that could not even be read, as a result. */
export const problemOf = (error: unknown) => ({ problem: error instanceof Error ? error.message : String(error) })

/** What is printed of one file. */
export function recordOf(
  found: FoundFile,
  convention: PdqConvention,
  dihedral: boolean,
  hashed: HashedFile | { problem: string },
): HashRecord {
  if (!('sha256' in hashed)) return { file: found.path, error: hashed.problem }
  const { bytes, sha256, md5, mime, image, problem } = hashed
  const record: HashRecord = { file: found.path, bytes, sha256, md5, mime }
  if (image !== undefined) {
    const { width, height, pdq } = image
    Object.assign(record, { width, height })
    if (pdq !== undefined)
      Object.assign(record, {
        pdq: pdq.hash,
        quality: pdq.quality,
        convention,
        ...(dihedral ? { dihedral: pdq.dihedral } : {}),
      })
  }
  // Digests are all there is of files of other kinds, and that is no error.
  if (problem !== undefined && mime.startsWith('image/')) record.error = problem
  return record
}

/** The record with what the hashers of videos and sounds make of the file. */
async function withMediaHashes(
  record: HashRecord,
  type: MediaType,
  path: string,
  hashers: readonly MediaHasher[],
): Promise<HashRecord> {
  const made: HashRecord = { ...record, signals: {} }
  const source = {
    ...type,
    sha256: record.sha256!,
    get bytes() {
      return readFileSync(path)
    },
    path: async () => path,
  }
  try {
    if (record.bytes! > kindBytesMax[type.kind])
      throw new InputError(`The file is larger than ${kindBytesMax[type.kind]} bytes`)
    for (const hasher of hashersFor(hashers, type)) {
      const { signals, problem, ...sizes } = await hasher.hash(source)
      Object.assign(made.signals!, signals)
      // The size of an animation is that of its photo.
      if (type.kind !== 'photo') Object.assign(made, sizes)
      if (problem !== undefined) made.error = problem
    }
  } catch (error) {
    made.error = problemOf(error).problem
  }
  return made
}

/** Lets some pieces of work run at once, and the others wait. */
function createGate(most: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= most) await new Promise<void>((go) => void waiting.push(go))
    running++
    try {
      return await work()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}

async function doneFiles(path: string, format: Format): Promise<Set<string>> {
  const done = new Set<string>()
  for await (const line of linesToResume(path)) {
    if (format === 'csv') {
      const file = /^"((?:[^"]|"")*)"|^([^,]*)/.exec(line)
      done.add((file?.[1]?.replaceAll('""', '"') ?? file?.[2])!)
    } else if (line !== '')
      try {
        done.add((JSON.parse(line) as HashRecord).file)
      } catch {
        throw new UsageError(`--out "${path}" holds something else than records of this command`)
      }
  }
  return done
}

/** Counts in the background, so that work begins at once. */
function countFiles(paths: readonly string[], from: (path: string) => string): { total: () => number | undefined } {
  let counted = 0
  let whole = false
  const count = async () => {
    for await (const _ of findFiles(paths, from)) counted++
    whole = true
  }
  // What is wrong with the paths is said by the run itself.
  count().catch(() => {})
  return { total: () => (whole ? counted : undefined) }
}

type Sink = { write: (text: string) => Promise<void>; close: () => Promise<void> }

function openSink(path: string | undefined, io: Io): Sink {
  if (path === undefined) return { write: async (text) => void io.stdout.write(text), close: async () => {} }
  const stream = createWriteStream(path, { flags: 'a' })
  let failed: Error | undefined
  stream.on('error', (error) => (failed = error))
  const check = () => {
    if (failed !== undefined) throw new Error(`Cannot write "${path}": ${failed.message}`, { cause: failed })
  }
  return {
    async write(text) {
      check()
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
    },
    async close() {
      stream.end()
      await finished(stream).catch(() => {})
      check()
    },
  }
}

/** Writes records in a format; `undefined` ends the output. */
function writerFor(format: Format, sink: Sink, resumed: boolean): (record: HashRecord | undefined) => Promise<void> {
  if (format === 'jsonl')
    return async (record) => {
      if (record !== undefined) await sink.write(`${JSON.stringify(record)}\n`)
    }
  if (format === 'csv') {
    let headed = resumed
    return async (record) => {
      if (!headed) await sink.write(`${columns.join(',')}\n`)
      headed = true
      if (record !== undefined)
        await sink.write(
          `${columns.map((column) => csvCell(column === 'signals' ? signalsCell(record.signals) : record[column])).join(',')}\n`,
        )
    }
  }
  const rows = [['file', 'type', 'size', 'pdq', 'quality']]
  return async (record) => {
    if (record === undefined) return sink.write(table(rows))
    const { file, mime = '', width, height, pdq = '', quality, error } = record
    const size = width === undefined ? '' : `${width} x ${height}`
    rows.push([file, mime, size, error ?? pdq, quality === undefined ? '' : String(quality)])
  }
}

const signalsCell = (signals: HashRecord['signals']) => (signals === undefined ? undefined : JSON.stringify(signals))

/** A CSV cell after RFC 4180. Lists are separated by blanks. */
export function csvCell(value: string | number | boolean | readonly string[] | undefined): string {
  const text = value === undefined ? '' : typeof value === 'object' ? value.join(' ') : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
