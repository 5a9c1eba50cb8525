import { crc32, deflateRawSync } from 'node:zlib'

export type ArchiveFile = { name: string; bytes: Buffer; stored?: boolean; flags?: number; method?: number }

/** A ZIP archive (APPNOTE.TXT) as programs that stream write it: lengths follow the data, unless a file is stored. */
export function makeArchive(files: readonly ArchiveFile[]): Buffer {
  const parts: Buffer[] = []
  for (const { name, bytes, stored = false, flags = stored ? 0 : 8, method = stored ? 0 : 8 } of files) {
    const packed = stored ? bytes : deflateRawSync(bytes)
    const after = (flags & 8) !== 0
    const lengths = (crc: number, from: number, to: number) => {
      const out = Buffer.alloc(12)
      out.writeUInt32LE(crc, 0)
      out.writeUInt32LE(from, 4)
      out.writeUInt32LE(to, 8)
      return out
    }
    const known = lengths(crc32(bytes), packed.length, bytes.length)
    const head = Buffer.alloc(14)
    head.writeUInt32LE(0x04034b50, 0)
    head.writeUInt16LE(20, 4)
    head.writeUInt16LE(flags, 6)
    head.writeUInt16LE(method, 8)
    const names = Buffer.alloc(4)
    names.writeUInt16LE(Buffer.byteLength(name), 0)
    parts.push(head, after ? Buffer.alloc(12) : known, names, Buffer.from(name), packed)
    if (after) parts.push(Buffer.from('PK\x07\x08', 'latin1'), known)
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  return Buffer.concat([...parts, end])
}
