import { createReadStream, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'

// POSIX.1-2001 "pax" interchange format, section "ustar Interchange Format": 512-byte blocks, numbers in octal.
const block = 512
const nameBytesMax = 100

export type TarEntry = { name: string; size: number; content: AsyncIterable<Uint8Array> | Uint8Array }

/**
 * Writes a .tar.gz whose entries come one after the other; every tar program reads it. Resolves when the bytes are on
 * disk. Fails when an entry has other than the announced number of bytes.
 */
export async function writeTarGz(path: string, entries: AsyncIterable<TarEntry>): Promise<void> {
  await pipeline(
    Readable.from(tarBytes(entries)),
    createGzip({ level: 4 }),
    createWriteStream(path, { mode: 0o600, flags: 'wx', flush: true }),
  )
}

async function* tarBytes(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const { name, size, content } of entries) {
    if (Buffer.byteLength(name) > nameBytesMax) {
      const record = paxRecord('path', name)
      yield header('pax', record.length, 'x')
      yield record
      yield padding(record.length)
    }
    yield header(name, size, '0')
    let written = 0
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      written += chunk.length
      yield chunk
    }
    if (written !== size) throw new Error(`Cannot archive "${name}": it has ${written} bytes instead of ${size}`)
    yield padding(size)
  }
  yield new Uint8Array(2 * block)
}

function header(name: string, size: number, type: string): Buffer {
  const bytes = Buffer.alloc(block)
  bytes.write(name, 0, nameBytesMax)
  bytes.write('0000600\0', 100)
  bytes.write('0000000\0', 108)
  bytes.write('0000000\0', 116)
  // Beyond 8 GiB the field holds no octal number; GNU's base-256 form is understood everywhere.
  if (size < 8 ** 11) bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  else {
    bytes[124] = 0x80
    bytes.writeBigUInt64BE(BigInt(size), 128)
  }
  bytes.write('00000000000\0', 136)
  bytes.fill(' ', 148, 156)
  bytes.write(type, 156)
  bytes.write('ustar\x0000', 257)
  let sum = 0
  for (const byte of bytes) sum += byte
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}

/** `LENGTH key=value\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (Buffer.byteLength(rest) + String(length).length !== length)
    length = Buffer.byteLength(rest) + String(length).length
  return Buffer.from(`${length}${rest}`)
}

const padding = (size: number) => new Uint8Array((block - (size % block)) % block)

export type ReadEntry = { name: string; size: number; content: AsyncGenerator<Uint8Array> }

/** Reads a .tar.gz entry by entry, in order; content that the caller does not read is skipped. */
export async function* readTarGz(path: string): AsyncGenerator<ReadEntry> {
  // Opened here so that a missing file is told as such, and not as a stream that broke.
  await (await open(path)).close()
  const source = createReadStream(path)
  const unzipped = source.pipe(createGunzip())
  source.once('error', (error) => unzipped.destroy(error))
  const input = unzipped[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let buffered: Buffer = Buffer.alloc(0)

  const more = async (): Promise<boolean> => {
    const next = await input.next()
    if (next.done === true) return false
    buffered = buffered.length === 0 ? next.value : Buffer.concat([buffered, next.value])
    return true
  }
  const take = async (length: number): Promise<Buffer> => {
    while (buffered.length < length)
      if (!(await more())) throw new Error(`Cannot read ${path}: the archive ends in the middle; it is cut off`)
    const taken = buffered.subarray(0, length)
    buffered = buffered.subarray(length)
    return taken
  }

  let longName: string | undefined
  try {
    for (;;) {
      const head = await take(block)
      if (head.every((byte) => byte === 0)) return
      const { name, size, type } = parseHeader(head, path)
      let left = size
      const content = (async function* () {
        while (left > 0) {
          if (buffered.length === 0 && !(await more()))
            throw new Error(`Cannot read ${path}: the archive ends in the middle; it is cut off`)
          const part = await take(Math.min(left, buffered.length))
          left -= part.length
          yield part as Uint8Array
        }
      })()
      if (type === 'x') {
        const record = Buffer.concat(await Array.fromAsync(content)).toString()
        longName = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(record)?.[1]
      } else if (type === '0' || type === '\0') {
        yield { name: longName ?? name, size, content }
        longName = undefined
      }
      while (left > 0) left -= (await take(Math.min(left, 65_536))).length
      await take((block - (size % block)) % block)
    }
  } finally {
    source.destroy()
    unzipped.destroy()
  }
}

function parseHeader(head: Buffer, path: string): { name: string; size: number; type: string } {
  const text = (from: number, length: number) => {
    const field = head.subarray(from, from + length)
    const end = field.indexOf(0)
    return field.subarray(0, end === -1 ? length : end).toString()
  }
  let sum = 0
  head.forEach((byte, at) => (sum += at >= 148 && at < 156 ? 0x20 : byte))
  if (Number.parseInt(text(148, 8), 8) !== sum) throw new Error(`Cannot read ${path}: it is not an archive, or damaged`)
  const size = head[124] === 0x80 ? Number(head.readBigUInt64BE(128)) : Number.parseInt(text(124, 12), 8)
  const prefix = text(345, 155)
  return {
    name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    size,
    type: String.fromCharCode(head[156]!),
  }
}
