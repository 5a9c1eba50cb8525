/** A time as the value of a date field, in the person's zone; empty for none. */
export function dateText(timeMs: number | null): string {
  if (timeMs === null) return ''
  const time = new Date(timeMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
}

/** The beginning of the day of a date field in the person's zone; null when it is empty. */
export function dateOf(text: string): number | null {
  const timeMs = text === '' ? Number.NaN : new Date(`${text}T00:00:00`).getTime()
  return Number.isNaN(timeMs) ? null : timeMs
}
