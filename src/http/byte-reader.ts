/** Bytes as they stream in, taken in pieces; what was read too far is put back and comes again. */
export type ByteReader = {
  /** The next piece, of any length but none; undefined at the end. */
  next: () => Promise<Buffer | undefined>
  unread: (bytes: Buffer) => void
  /** Exactly so many bytes, or undefined where the stream ends before. */
  take: (length: number) => Promise<Buffer | undefined>
}

/** Reads a stream by the piece. Nothing is read ahead. */
export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]()
  const held: Buffer[] = []
  const next = async (): Promise<Buffer | undefined> => {
    for (;;) {
      const before = held.pop()
      if (before !== undefined) return before
      const { value, done } = await iterator.next()
      if (done === true) return undefined
      if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.length)
    }
  }
  const unread = (bytes: Buffer) => {
    if (bytes.length > 0) held.push(bytes)
  }
  return {
    next,
    unread,
    async take(length) {
      const pieces: Buffer[] = []
      let have = 0
      while (have < length) {
        const piece = await next()
        if (piece === undefined) {
          unread(Buffer.concat(pieces))
          return undefined
        }
        pieces.push(piece)
        have += piece.length
      }
      const all = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      unread(all.subarray(length))
      return all.subarray(0, length)
    },
  }
}
