import { InputError, quote } from './error.ts'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const units = ['w', 'd', 'h', 'm', 's', 'ms'] as const

/** How durations are written in files: one or more whole numbers with units, largest first: `10m`, `24h`, `1h30m`. */
export const durationPattern = '^(?:[0-9]{1,9}(?:ms|s|m|h|d|w))+$'

/** Reads `10m`, `24h`, `90d`, `1h30m` as milliseconds; answers undefined when the text is no duration. */
export function durationMs(text: string): number | undefined {
  if (text.length > 40 || !new RegExp(durationPattern).test(text)) return undefined
  let totalMs = 0
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(ms|s|m|h|d|w)/g))
    totalMs += Number(digits) * unitMs[unit as keyof typeof unitMs]
  return totalMs
}

/** Reads a duration as milliseconds. Throws an InputError that names the field when the text is none. */
export function parseDuration(text: string, field = ''): number {
  const readMs = durationMs(text)
  if (readMs === undefined)
    throw new InputError(`Cannot read duration ${quote(text)}`, [
      { field, problem: 'must be a duration such as 10m, 24h or 1h30m', value: quote(text) },
    ])
  return readMs
}

/** Writes milliseconds the way they are read: 5,400,000 is `1h30m`. Parses back to the same number. */
export function formatDuration(lengthMs: number): string {
  let rest = Math.max(0, Math.round(lengthMs))
  if (rest === 0) return '0s'
  let text = ''
  for (const unit of units) {
    const count = Math.floor(rest / unitMs[unit])
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMs[unit]
  }
  return text
}
