import { constants, crc32, createInflateRaw } from 'node:zlib'
import type { ByteReader } from './byte-reader.ts'
import { problem } from './problem.ts'

/** A file of an archive, its bytes as they are unpacked. */
export type ZipFile = { name: string; body: AsyncGenerator<Buffer> }

const localHeader = 0x04034b50
const descriptorMark = 0x08074b50
/** What may follow the last file (APPNOTE.TXT 4.3.6): extra data, the central directory, its ends. */
const afterFiles = new Set([0x08064b50, 0x02014b50, 0x06064b50, 0x06054b50])
/** Little enough that even what unpacks to a thousand times as much fits in memory. */
const sliceBytes = 4_096
const unknown32 = 0xffffffff

/**
 * The files of a ZIP archive in the order in which they lie there (APPNOTE.TXT 6.3.10), read as it streams in: stored or
 * deflated, ZIP64 too. What is left of a file is passed over when the next is asked for. Throws a 400 that names the
 * archive and the file for what is encrypted, packed in another way, damaged, or breaks off.
 */
export async function* readZip(reader: ByteReader, where: string): AsyncGenerator<ZipFile> {
  const broken = (why: string) => problem(400, 'The archive cannot be read', `${where}: ${why}`)
  for (;;) {
    const mark = (await reader.take(4))?.readUInt32LE(0)
    if (mark === undefined) throw broken('it breaks off before its directory.')
    if (afterFiles.has(mark)) {
      while ((await reader.next()) !== undefined);
      return
    }
    const rest = mark === localHeader ? await reader.take(26) : undefined
    if (rest === undefined) throw broken('it is no ZIP archive, or damaged.')
    const [flags, method, nameLength, extraLength] = [2, 4, 22, 24].map((at) => rest.readUInt16LE(at)) as [
      number,
      number,
      number,
      number,
    ]
    const named = await reader.take(nameLength + extraLength)
    if (named === undefined) throw broken('it breaks off in a header.')
    const name = named.toString('utf8', 0, nameLength).replaceAll('\0', '')
    const file = `${where}/${name.slice(0, 200)}`
    if ((flags & 1) !== 0) throw broken(`${name.slice(0, 200)} is encrypted.`)
    if (method !== 0 && method !== 8)
      throw broken(`${name.slice(0, 200)} is packed by method ${method}; only stored (0) and deflate (8) are read.`)
    const later = (flags & 8) !== 0
    const packed = packedBytesOf(rest.readUInt32LE(14), named.subarray(nameLength))
    if (method === 0 && later) throw broken(`${name.slice(0, 200)} is stored without saying how long it is.`)
    const crc = later ? undefined : rest.readUInt32LE(10)
    const body =
      method === 0 ? stored(reader, packed, crc, file) : inflated(reader, later ? undefined : packed, crc, file)
    yield { name, body }
    for await (const piece of body) void piece
  }
}

/** The packed length: of the header, or of the ZIP64 field (4.5.3) that stands in for it. */
function packedBytesOf(given: number, extra: Buffer): number {
  if (given !== unknown32) return given
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2))
    if (extra.readUInt16LE(at) === 1 && at + 20 <= extra.length) return Number(extra.readBigUInt64LE(at + 12))
  return given
}

const damaged = (file: string, why: string) => problem(400, 'The archive cannot be read', `${file}: ${why}`)

async function* stored(reader: ByteReader, bytes: number, crc: number | undefined, file: string) {
  let sum = 0
  for (let left = bytes; left > 0;) {
    const piece = await reader.next()
    if (piece === undefined) throw damaged(file, 'it breaks off.')
    const taken = piece.subarray(0, left)
    reader.unread(piece.subarray(taken.length))
    left -= taken.length
    sum = crc32(taken, sum)
    yield taken
  }
  if (crc !== undefined && sum !== crc) throw damaged(file, 'its checksum is wrong.')
}

async function* inflated(reader: ByteReader, bytes: number | undefined, crc: number | undefined, file: string) {
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })
  let out: Buffer[] = []
  const state: { ended: boolean; failure?: Error } = { ended: false }
  let wake = () => {}
  inflate.on('data', (piece: Buffer) => void out.push(piece))
  inflate.on('end', () => (state.ended = true))
  inflate.on('error', (error: Error) => {
    state.failure = error
    wake()
  })
  const settled = () => new Promise<void>((done) => setImmediate(done))
  let [sum, unpacked, written] = [0, 0, 0]
  try {
    for (let left = bytes ?? Number.POSITIVE_INFINITY; left > 0 && !state.ended;) {
      const piece = await reader.next()
      if (piece === undefined) throw damaged(file, 'it breaks off.')
      const slice = piece.subarray(0, Math.min(left, sliceBytes))
      reader.unread(piece.subarray(slice.length))
      left -= slice.length
      await new Promise<void>((done) => {
        wake = done
        inflate.write(slice, () => done())
      })
      await settled()
      if (state.failure !== undefined) throw damaged(file, `it cannot be unpacked (${state.failure.message}).`)
      written += slice.length
      for (const unpackedPiece of out) {
        sum = crc32(unpackedPiece, sum)
        unpacked += unpackedPiece.length
        yield unpackedPiece
      }
      out = []
      // What follows the packed data is not part of it.
      if (state.ended) reader.unread(slice.subarray(slice.length - (written - inflate.bytesWritten)))
    }
    if (bytes !== undefined && written !== bytes) throw damaged(file, 'it ends before its packed length does.')
    const expected = bytes === undefined ? await descriptorOf(reader, inflate.bytesWritten, unpacked, file) : crc
    if (sum !== expected) throw damaged(file, 'its checksum is wrong.')
  } finally {
    inflate.destroy()
  }
}

/** The checksum after the data of a file whose header did not know it yet (4.3.9); its lengths have 4 or 8 bytes. */
async function descriptorOf(reader: ByteReader, packed: number, unpacked: number, file: string): Promise<number> {
  const cut = () => damaged(file, 'it breaks off after its data.')
  const word = async () => {
    const bytes = await reader.take(4)
    if (bytes === undefined) throw cut()
    return bytes.readUInt32LE(0)
  }
  const first = await word()
  const crc = first === descriptorMark ? await word() : first
  const [low, high] = [await word(), await word()]
  if (low === packed % 2 ** 32 && high === unpacked % 2 ** 32 && !(high === 0 && unpacked > 0)) return crc
  if ((await reader.take(8)) === undefined) throw cut()
  return crc
}
