import type { ByteReader } from './byte-reader.ts'
import { problem } from './problem.ts'

/** One part of a multipart form (RFC 7578), its body as it streams in. */
export type FormPart = {
  name: string
  /** The name of the file; undefined for a plain field. */
  fileName: string | undefined
  type: string
  body: AsyncGenerator<Buffer>
}

const headersBytesMax = 8_192
const partsMax = 20_000
const broken = (why: string) => problem(400, 'The form cannot be read', why)

/**
 * The parts of a form in their order, never more than a piece of one in memory. What is left of a part is passed over
 * when the next is asked for. Throws a 400 for what is no form, or breaks off.
 */
export async function* readForm(reader: ByteReader, contentType: string): AsyncGenerator<FormPart> {
  const boundary = /boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType)
  if (boundary === null) throw broken('Its content type names no boundary.')
  const delimiter = Buffer.from(`\r\n--${boundary[1] ?? boundary[2]!}`, 'latin1')
  // The first delimiter stands without a line before it.
  reader.unread(Buffer.from('\r\n', 'latin1'))
  for await (const piece of untilDelimiter(reader, delimiter)) void piece
  for (let parts = 0; ; parts++) {
    const after = await reader.take(2)
    if (after?.toString('latin1') === '--') return
    if (after?.toString('latin1') !== '\r\n') throw broken('A boundary is not followed by a line break.')
    if (parts === partsMax) throw problem(413, 'The form has too many parts', `At most ${partsMax} are taken.`)
    const headers = await headersOf(reader)
    const disposition = headers.get('content-disposition') ?? ''
    const body = untilDelimiter(reader, delimiter)
    const name = parameterOf(disposition, 'name')
    if (name === undefined) throw broken(`Part ${parts + 1} has no name.`)
    yield { name, fileName: parameterOf(disposition, 'filename'), type: headers.get('content-type') ?? '', body }
    for await (const piece of body) void piece
  }
}

async function* untilDelimiter(reader: ByteReader, delimiter: Buffer): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for (;;) {
    const piece = await reader.next()
    if (piece === undefined) throw broken('It breaks off before its last boundary.')
    const all = held.length === 0 ? piece : Buffer.concat([held, piece])
    const at = all.indexOf(delimiter)
    if (at >= 0) {
      reader.unread(all.subarray(at + delimiter.length))
      if (at > 0) yield all.subarray(0, at)
      return
    }
    // Its end may be the beginning of a delimiter.
    const sure = Math.max(0, all.length - delimiter.length + 1)
    held = all.subarray(sure)
    if (sure > 0) yield all.subarray(0, sure)
  }
}

async function headersOf(reader: ByteReader): Promise<Map<string, string>> {
  let all: Buffer = Buffer.from('\r\n', 'latin1')
  for (;;) {
    const end = all.indexOf('\r\n\r\n')
    if (end >= 0) {
      reader.unread(all.subarray(end + 4))
      const lines = all.toString('utf8', 0, end).split('\r\n')
      return new Map(
        lines.flatMap((line) => {
          const colon = line.indexOf(':')
          return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const]
        }),
      )
    }
    if (all.length > headersBytesMax) throw broken(`The headers of a part are longer than ${headersBytesMax} bytes.`)
    const piece = await reader.next()
    if (piece === undefined) throw broken('It breaks off in the headers of a part.')
    all = Buffer.concat([all, piece])
  }
}

/** A parameter of a disposition as browsers and curl write it: quoted, with quotes inside escaped. */
function parameterOf(disposition: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i').exec(disposition)
  if (found === null) return undefined
  return (found[1]?.replaceAll(/\\(["\\])/g, '$1') ?? found[2]!).replaceAll('%22', '"').replaceAll(/%0[AD]/gi, ' ')
}
