import type { Clock } from '../domain/ids.ts'

export type Fresh<Value> = {
  /** The value, at most `staleMs` old; undefined when there is none. */
  get: (key: string) => Promise<Value | undefined>
  /** Forgets one key, so that a change made in this program is seen at once. */
  forget: (key: string) => void
  clear: () => void
}

/**
 * Keeps what was loaded for a moment, so that hot paths do not ask the database every time. Concurrent misses share one
 * load; failures are not kept; the oldest keys leave when more than `sizeMax` are held.
 */
export function createFresh<Value>(options: {
  clock: Clock
  staleMs: number
  sizeMax: number
  load: (key: string) => Promise<Value | undefined>
}): Fresh<Value> {
  const held = new Map<string, { atMs: number; value: Promise<Value | undefined> }>()
  return {
    get(key) {
      const nowMs = options.clock()
      const known = held.get(key)
      if (known !== undefined && nowMs - known.atMs < options.staleMs && nowMs >= known.atMs) return known.value
      const value = options.load(key)
      const entry = { atMs: nowMs, value }
      held.delete(key)
      held.set(key, entry)
      if (held.size > options.sizeMax) held.delete(held.keys().next().value!)
      value.catch(() => {
        if (held.get(key) === entry) held.delete(key)
      })
      return value
    },
    forget: (key) => void held.delete(key),
    clear: () => held.clear(),
  }
}
