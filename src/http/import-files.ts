import type { FieldProblem } from '../domain/error.ts'
import { InputError } from '../domain/error.ts'
import { headerOf, type ImportFormat } from '../match/imports/rows.ts'
import type { ImportChunk, ImportLine } from '../match/imports/store.ts'
import { kindBytesMax, sniffMedia } from '../media/kinds.ts'
import type { MediaLibrary } from '../media/library.ts'
import { byteReader, type ByteReader } from './byte-reader.ts'
import { importFilesMax, importRowsMax, importUnpackedBytesMax } from './contract/bank-imports.ts'
import { problem } from './problem.ts'
import { readZip } from './zip-stream.ts'

const lineBytesMax = 2 * 1024 * 1024
/** As much tells photos, videos, sounds and archives from text. */
const headBytes = 4_096
const mediaAtOnce = 4
const nameLengthMax = 300
/** `PK`, 3, 4. */
const zipMark = 0x504b0304

/** A file of an import as it comes in. What its rows are written in is told by its name or itself where missing. */
export type SentFile = { name: string; format?: ImportFormat; body: AsyncIterable<Uint8Array> }

export type ImportReceiver = {
  /** Takes all of a file. Throws problems that name it, and the line. */
  file: (file: SentFile) => Promise<void>
  /** Keeps what is left; answers how many rows there were. */
  end: () => Promise<number>
}

export type ReceiverDeps = {
  rowsPerChunk: number
  /** Keeps rows for good. */
  keep: (chunk: ImportChunk) => Promise<void>
  put: (bytes: Uint8Array) => ReturnType<MediaLibrary['put']>
}

/**
 * Turns files into the rows of an import: lists by the line, archives by the file, photos, videos and sounds into a row
 * each. At most a piece of a list, and a few media, are in memory.
 */
export function importReceiver({ rowsPerChunk, keep, put }: ReceiverDeps): ImportReceiver {
  let [rows, files, bytes, chunks] = [0, 0, 0, 0]
  let held: ImportLine[] = []
  let as: { format: ImportFormat; header: string[] | null } = { format: 'ndjson', header: null }
  const putting = new Set<Promise<void>>()

  const flush = async () => {
    if (held.length === 0) return
    const lines = held
    held = []
    await keep({ chunk: chunks++, ...as, lines })
  }
  const writtenIn = async (format: ImportFormat, header: string[] | null) => {
    if (format === as.format && header === as.header) return
    // What still is being hashed belongs to the rows before.
    await Promise.all(putting)
    await flush()
    as = { format, header }
  }
  const add = async (line: ImportLine) => {
    if (++rows > importRowsMax)
      throw problem(413, 'Too many rows', `At most ${importRowsMax} rows are taken in one import.`)
    held.push(line)
    if (held.length === rowsPerChunk) await flush()
  }
  const count = (name: string) => {
    if (++files > importFilesMax)
      throw problem(
        413,
        'Too many files',
        `At most ${importFilesMax} files are taken in one import; ${name} is one more.`,
      )
  }

  const medium = async (name: string, reader: ByteReader, head: Buffer) => {
    const bytesMax = kindBytesMax[sniffMedia(head)!.kind]
    const pieces: Buffer[] = []
    let size = 0
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
      size += piece.length
      if (size <= bytesMax) pieces.push(piece)
    }
    await writtenIn('ndjson', null)
    const work = (async () => {
      const [text, problems] = await stored(Buffer.concat(pieces), size, bytesMax)
      await add({ line: 1, file: name, text, ...(problems === undefined ? {} : { problems }) })
    })()
    const done = work.finally(() => putting.delete(done))
    putting.add(done)
    // Heard at the latest when all is received.
    done.catch(() => {})
    if (putting.size >= mediaAtOnce) await Promise.race(putting)

    async function stored(all: Buffer, sizeOf: number, limit: number): Promise<[string, FieldProblem[]?]> {
      if (sizeOf > limit)
        return ['', [{ field: '', problem: `is larger than ${limit} bytes`, value: `${sizeOf} bytes`, limit }]]
      try {
        return [JSON.stringify({ upload: (await put(all)).sha256, note: name })]
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        return ['', error.problems]
      }
    }
  }

  const list = async (name: string, reader: ByteReader, given: ImportFormat | undefined) => {
    let format = given
    let header: string[] | null = null
    for await (const { line, text } of linesOf(reader, name)) {
      if (text.trim() === '') continue
      format ??= formatOf(name, text)
      if (format === 'lines' && text.startsWith('#')) continue
      if (format === 'csv' && header === null) header = named(name, line, text)
      else {
        await writtenIn(format, header)
        await add({
          line,
          text: text.replaceAll('\0', '\uFFFD'),
          ...(name === '' ? {} : { file: name }),
          ...(text.includes('\0') ? { problems: [{ field: '', problem: 'holds a NUL character' }] } : {}),
        })
      }
    }
  }

  const file = async ({ name: given, format, body }: SentFile, inArchive = false): Promise<void> => {
    const name = given.replaceAll('\0', '').slice(0, nameLengthMax)
    count(name)
    const reader = byteReader(counted(body))
    const head = (await reader.take(headBytes)) ?? (await drained(reader))
    reader.unread(head)
    if (head.length >= 4 && head.readUInt32BE(0) === zipMark) {
      if (inArchive) throw problem(400, 'The archive cannot be read', `${name} is an archive within an archive.`)
      for await (const inside of readZip(reader, name === '' ? 'The archive' : name)) {
        // Folders, and what the Finder of macOS adds.
        if (inside.name.endsWith('/') || /(^|\/)(__MACOSX\/|\.)/.test(inside.name)) continue
        await file({ name: name === '' ? inside.name : `${name}/${inside.name}`, body: inside.body }, true)
      }
    } else if (isUtf16(head))
      throw problem(400, 'The import is not UTF-8', `${name || 'It'} is UTF-16; save it as UTF-8.`)
    else if (format === undefined && sniffMedia(head) !== undefined) await medium(name, reader, head)
    else await list(name, reader, format)
  }

  async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      bytes += piece.length
      if (bytes > importUnpackedBytesMax)
        throw problem(413, 'The import is too large', `Unpacked, at most ${importUnpackedBytesMax} bytes are taken.`)
      yield piece
    }
  }

  return {
    file,
    async end() {
      await Promise.all(putting)
      await flush()
      return rows
    },
  }
}

async function drained(reader: ByteReader): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) pieces.push(piece)
  return Buffer.concat(pieces)
}

const at = (name: string, line: number) => (name === '' ? `Line ${line}` : `Line ${line} of ${name}`)

/** How a list is written: by the ending of its name, else by its first line. */
function formatOf(name: string, first: string): ImportFormat {
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase()
  if (ending === 'csv') return 'csv'
  if (ending === 'ndjson' || ending === 'jsonl' || first.startsWith('{')) return 'ndjson'
  if (first.startsWith('['))
    throw problem(400, 'The import cannot be read', `${name || 'It'} is a JSON list; send one object a line.`)
  try {
    headerOf(first)
    return 'csv'
  } catch {
    return 'lines'
  }
}

function named(name: string, line: number, text: string): string[] {
  try {
    return headerOf(text)
  } catch (error) {
    if (!(error instanceof InputError) || name === '') throw error
    throw new InputError(
      `${name}: ${error.message}`,
      error.problems.map((one) => ({ ...one, line })),
    )
  }
}

/** Lines of a list with their numbers from 1, decoded strictly, never more than a line in memory. */
async function* linesOf(reader: ByteReader, name: string): AsyncGenerator<{ line: number; text: string }> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest: Buffer[] = []
  let restBytes = 0
  let line = 0
  const decoded = (bytes: Buffer) => {
    line++
    try {
      return { line, text: decoder.decode(bytes).replace(/\r$/, '') }
    } catch {
      throw problem(400, 'The import is not UTF-8', `${at(name, line)} holds bytes that are not UTF-8.`)
    }
  }
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
    let start = 0
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
      const part = piece.subarray(start, end)
      yield decoded(rest.length === 0 ? part : Buffer.concat([...rest, part]))
      rest = []
      restBytes = 0
      start = end + 1
    }
    if (start < piece.length) {
      rest.push(piece.subarray(start))
      restBytes += piece.length - start
    }
    if (restBytes > lineBytesMax)
      throw problem(413, 'A row is too long', `${at(name, line + 1)} is longer than ${lineBytesMax} bytes.`)
  }
  if (restBytes > 0) yield decoded(Buffer.concat(rest))
}

/** Pairs of bytes of which one is empty, as the first letters of a text are, with a mark of their order or without. */
function isUtf16(head: Buffer): boolean {
  const empty = (from: number) => head.length >= from + 8 && [0, 2, 4, 6].every((offset) => head[from + offset] === 0)
  const mark = head.length >= 2 ? head.readUInt16BE(0) : 0
  if (mark === 0xfffe || mark === 0xfeff) return empty(2) || empty(3)
  return (empty(0) && head[1]! >= 9) || (empty(1) && head[0]! >= 9)
}
