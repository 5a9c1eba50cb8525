import { InputError, quote } from '../../domain/error.ts'

/** A hash of so many hexadecimal digits, in lower case. Throws an InputError that names the field for anything else. */
export function parseDigits(field: string, signal: string, digits: number): string {
  if (signal.length === digits && /^[0-9a-f]+$/i.test(signal)) return signal.toLowerCase()
  throw new InputError(`${field} must be ${digits} hexadecimal digits`, [
    { field, problem: `must be ${digits} hexadecimal digits`, value: quote(signal), limit: digits },
  ])
}
