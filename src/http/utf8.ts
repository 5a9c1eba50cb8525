import { isUtf8 } from 'node:buffer'

/** Bytes as text, without a byte order mark. Throws for what is not UTF-8, where Node would put U+FFFD unseen. */
export function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error('it is not valid UTF-8')
  const text = bytes.toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text
}
