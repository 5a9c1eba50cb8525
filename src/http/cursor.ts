import { InputError, quote } from '../domain/error.ts'

/** Where a list goes on, as opaque text. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** The parts of a cursor again. Throws an InputError for what is no cursor of this list. */
export function decodeCursor(text: string, count: number): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (
      Array.isArray(parts) &&
      parts.length === count &&
      parts.every((part) => typeof part === 'string' && !part.includes('\u0000') && part.isWellFormed())
    )
      return parts as string[]
  } catch {
    // Falls through to the refusal below.
  }
  throw new InputError('after is no cursor', [
    { field: 'after', problem: 'must be the `next` of the page before', value: quote(text) },
  ])
}
