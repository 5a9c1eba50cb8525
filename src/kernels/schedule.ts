/** Things due at times, taken out earliest first; equal times leave in the order in which they were added. */
export type Schedule<T> = {
  add: (dueMs: number, value: T) => void
  /** When the next thing is due; undefined when there is none. */
  nextMs: () => number | undefined
  take: () => T | undefined
  size: () => number
}

/** A binary min-heap over (time, order of arrival). Adding and taking cost O(log n). */
export function createSchedule<T>(): Schedule<T> {
  const heap: { dueMs: number; order: number; value: T }[] = []
  let orders = 0
  const before = (one: number, other: number): boolean => {
    const a = heap[one]!
    const b = heap[other]!
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
  }
  const swap = (one: number, other: number): void => {
    const held = heap[one]!
    heap[one] = heap[other]!
    heap[other] = held
  }
  return {
    add(dueMs, value) {
      heap.push({ dueMs, order: orders++, value })
      let index = heap.length - 1
      while (index > 0) {
        const parent = (index - 1) >> 1
        if (!before(index, parent)) break
        swap(index, parent)
        index = parent
      }
    },
    nextMs: () => heap[0]?.dueMs,
    take() {
      const first = heap[0]
      if (first === undefined) return undefined
      const last = heap.pop()!
      if (heap.length > 0) {
        heap[0] = last
        for (let index = 0; ;) {
          const left = index * 2 + 1
          if (left >= heap.length) break
          const right = left + 1
          const least = right < heap.length && before(right, left) ? right : left
          if (!before(least, index)) break
          swap(index, least)
          index = least
        }
      }
      return first.value
    },
    size: () => heap.length,
  }
}
