// Hashes that are on their way into an index: read from somewhere in the order of their ids, kept in blocks (growing one
// array would copy a hundred megabytes at a time), and made into a part together, which costs a tenth of merging them
// in bit by bit.
import type { PartSource } from './hamming-build.ts'
import { hashWords } from './hamming-distance.ts'

const blockRows = 32_768

type Block = { ids: Uint32Array; hashes: Uint32Array; removed: Uint8Array; rows: number }

export type Later = {
  /** Rows that were not removed. */
  readonly live: number
  readonly full: boolean
  /** Takes an id that is larger than all before, and nothing else: answers whether it did. */
  append: (id: number, words: Uint32Array, offset: number) => boolean
  has: (id: number) => boolean
  /** Whether the id was there. What a source has given already it does not take back. */
  remove: (id: number) => boolean
  /** What was appended by then, without what is removed before it is taken. */
  source: () => PartSource
}

/** An empty list of at most so many rows. */
export function createLater(rowsMax: number): Later {
  const blocks: Block[] = []
  let used = 0
  let live = 0
  let lastId = -1

  /** Where a live id stands. */
  const find = (id: number): { block: Block; row: number } | undefined => {
    const block = blocks[lastAtMost(blocks.length, (at) => blocks[at]!.ids[0]!, id)]
    if (block === undefined) return undefined
    const row = lastAtMost(block.rows, (at) => block.ids[at]!, id)
    return block.ids[row] === id && !isRemoved(block, row) ? { block, row } : undefined
  }

  return {
    get live() {
      return live
    },
    get full() {
      return used === rowsMax
    },
    append(id, words, offset) {
      if (id <= lastId || used === rowsMax) return false
      let block = blocks.at(-1)
      if (block === undefined || block.rows === blockRows) {
        block = {
          ids: new Uint32Array(blockRows),
          hashes: new Uint32Array(blockRows * hashWords),
          removed: new Uint8Array(blockRows / 8),
          rows: 0,
        }
        blocks.push(block)
      }
      block.ids[block.rows] = id
      for (let word = 0; word < hashWords; word++) block.hashes[block.rows * hashWords + word] = words[offset + word]!
      block.rows++
      used++
      live++
      lastId = id
      return true
    },
    has: (id) => find(id) !== undefined,
    remove(id) {
      const found = find(id)
      if (found === undefined) return false
      found.block.removed[found.row >>> 3]! |= 1 << (found.row & 7)
      live--
      return true
    },
    source() {
      let at = 0
      let row = 0
      return {
        entriesMax: live,
        take(ids, hashes, from, count) {
          let taken = 0
          for (; at < blocks.length && taken < count; at++, row = 0) {
            const block = blocks[at]!
            for (; row < block.rows && taken < count; row++) {
              if (isRemoved(block, row)) continue
              const to = from + taken++
              ids[to] = block.ids[row]!
              for (let word = 0; word < hashWords; word++)
                hashes[to * hashWords + word] = block.hashes[row * hashWords + word]!
            }
            if (row < block.rows) break
          }
          return taken
        },
      }
    },
  }
}

const isRemoved = ({ removed }: Block, row: number) => (removed[row >>> 3]! & (1 << (row & 7))) !== 0

/** The last place of an ascending list that holds at most this value, or -1. */
function lastAtMost(length: number, at: (place: number) => number, value: number): number {
  let low = -1
  for (let high = length - 1; low < high;) {
    const middle = (low + high + 1) >> 1
    if (at(middle) <= value) low = middle
    else high = middle - 1
  }
  return low
}
