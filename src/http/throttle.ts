import { isIPv6 } from 'node:net'
import type { Clock } from '../domain/ids.ts'

export type Throttle = {
  /**
   * Counts an attempt before it is judged, so that many at once cannot slip through. Answers 0 when it may go on, else how
   * many milliseconds to wait.
   */
  attempt: (key: string) => number
  /** Forgets the attempts of a key: it turned out to be right. */
  clear: (key: string) => void
}

const waitMsMax = 15 * 60_000
const forgetMs = 60 * 60_000
const keysMax = 50_000

/** Slows guessing down: after `free` attempts each further one must wait twice as long, up to 15 minutes. */
export function createThrottle({ clock, free }: { clock: Clock; free: number }): Throttle {
  const held = new Map<string, { attempts: number; atMs: number }>()
  return {
    attempt(key) {
      const nowMs = clock()
      const known = held.get(key)
      const attempts = known === undefined || nowMs - known.atMs > forgetMs ? 0 : known.attempts
      if (attempts >= free) {
        const waitMs = known!.atMs + Math.min(waitMsMax, 1_000 * 2 ** (attempts - free)) - nowMs
        if (waitMs > 0) return waitMs
      }
      held.delete(key)
      held.set(key, { attempts: attempts + 1, atMs: nowMs })
      if (held.size > keysMax) held.delete(held.keys().next().value!)
      return 0
    },
    clear: (key) => void held.delete(key),
  }
}

/** An address as a key for counting: IPv6 by its /64, which is what one customer of a provider has. */
export function addressKey(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(ip)) return ip
  const [head = '', tail] = ip.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups =
    tail === undefined
      ? left
      : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`
}
