/** Slots by distance in flat arrays: a binary heap that answers the nearest, or the farthest, first. */
export type SlotHeap = {
  readonly size: number
  clear: () => void
  push: (slot: number, distance: number) => void
  /** Distance of the first; not to be asked of an empty heap. */
  firstDistance: () => number
  /** Takes the first out and answers its slot; -1 of an empty heap. */
  pop: () => number
}

/** An empty heap; with `farthest` the farthest slot comes out first. */
export function createSlotHeap(farthest: boolean): SlotHeap {
  const sign = farthest ? -1 : 1
  let keys = new Float64Array(256)
  let slots = new Int32Array(256)
  let size = 0
  return {
    get size() {
      return size
    },
    clear: () => void (size = 0),
    firstDistance: () => keys[0]! * sign,
    push(slot, distance) {
      if (size === keys.length) {
        const [oldKeys, oldSlots] = [keys, slots]
        keys = new Float64Array(size * 2)
        keys.set(oldKeys)
        slots = new Int32Array(size * 2)
        slots.set(oldSlots)
      }
      const key = distance * sign
      let at = size++
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (keys[parent]! <= key) break
        keys[at] = keys[parent]!
        slots[at] = slots[parent]!
        at = parent
      }
      keys[at] = key
      slots[at] = slot
    },
    pop() {
      if (size === 0) return -1
      const first = slots[0]!
      size--
      const key = keys[size]!
      const slot = slots[size]!
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= size) break
        if (child + 1 < size && keys[child + 1]! < keys[child]!) child++
        if (keys[child]! >= key) break
        keys[at] = keys[child]!
        slots[at] = slots[child]!
        at = child
      }
      keys[at] = key
      slots[at] = slot
      return first
    },
  }
}
