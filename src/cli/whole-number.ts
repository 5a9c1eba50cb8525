import { UsageError } from './command.ts'

/** A whole number from an option; a UsageError that names the option and its limits when it is none. */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`--${name} "${text}" must be a whole number from ${min} to ${max}`)
  return value
}
