// Long work in memory gives way to others: nobody waits 5 ms because of somebody else's entries.

/** Work gives way after so long. */
export const sliceMs = 1

const waiting: (() => void)[] = []
const pump = () => {
  waiting.shift()!()
  if (waiting.length > 0) setImmediate(pump)
}

/**
 * A turn for a slice of work that nobody waits for: one such slice in each turn of the event loop, however many loads
 * and merges are under way.
 */
export function backgroundTurn(): Promise<void> {
  return new Promise((done) => {
    if (waiting.push(done) === 1) setImmediate(pump)
  })
}

const ownTurn = () => new Promise<void>((done) => void setImmediate(done))

/** Does the work item by item, one after the other, letting others run in between. */
export async function inSlices<T>(
  items: Iterable<T>,
  work: (item: T) => void | Promise<void>,
  nextTurn: () => Promise<void> = ownTurn,
): Promise<void> {
  let beganMs = performance.now()
  for (const item of items) {
    if (performance.now() - beganMs > sliceMs) {
      await nextTurn()
      beganMs = performance.now()
    }
    const later = work(item)
    if (later !== undefined) await later
  }
}
