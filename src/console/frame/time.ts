import { useSyncExternalStore } from 'react'

// One clock for all relative times on the screen, so that a list of thousands costs one timer.
let nowMs = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined
const stepMs = 5_000

/** The current time, moving every five seconds. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      timer ??= setInterval(() => {
        nowMs = Date.now()
        for (const each of listeners) each()
      }, stepMs)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) {
          clearInterval(timer)
          timer = undefined
        }
      }
    },
    () => nowMs,
  )
}

const units: [string, number][] = [
  ['y', 365 * 86_400_000],
  ['mo', 30 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** A span in its largest fitting unit: `3 min`, `14 d`. */
export function spanText(spanMs: number): string {
  const size = Math.abs(spanMs)
  for (const [unit, unitMs] of units) {
    if (size >= unitMs) {
      const value = size / unitMs
      return `${value < 10 && unit !== 's' && value % 1 >= 0.1 && unit !== 'min' ? value.toFixed(1) : Math.floor(value)} ${unit}`
    }
  }
  return size < 1 ? '0 s' : `${Math.round(size)} ms`
}

/** `3 min ago`, `in 2 d`, `now`. */
export function relativeText(timeMs: number, now: number): string {
  const span = now - timeMs
  if (Math.abs(span) < 5_000) return 'now'
  return span > 0 ? `${spanText(span)} ago` : `in ${spanText(span)}`
}

/** The exact time in the person's zone, with it. */
export function exactText(timeMs: number): string {
  return new Date(timeMs).toLocaleString(undefined, {
    year: 'numeric',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  })
}

/** Whole numbers with separators; large ones as 12.3 k, 4.56 M. */
export function countText(value: number): string {
  if (value >= 10_000_000) return `${(value / 1_000_000).toFixed(1)} M`
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(2)} M`
  if (value >= 100_000) return `${Math.round(value / 1_000)} k`
  return value.toLocaleString('en')
}

/** `1 day`, `3 days`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en', { maximumFractionDigits: 2 })} ${count === 1 ? one : many}`
}

/** A share as per cent with sensible digits. */
export function percentText(share: number): string {
  const value = share * 100
  return `${value === 0 || value === 100 ? value : value < 10 || value > 99 ? value.toFixed(1) : value.toFixed(0)}\u00a0%`
}
