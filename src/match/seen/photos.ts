import { createHashBlock, scanHashes } from '../../kernels/hamming-scan.ts'
import { backgroundTurn } from '../slices.ts'

const words = 8
const blockRowsMax = 262_144
/** Blocks double from here: many tenants have few photos. */
const blockRowsMin = 1_024
/** Rows compared before others have their turn: about a millisecond with all eight turns of a photo. */
const sliceRows = 32_768

export type PhotoHit = { seq: number; distance: number; query: number }

/** Hashes of photos that passed, of one tenant, in blocks: 44 bytes each, scanned at memory speed. */
export type SeenPhotos = {
  readonly size: number
  /** Takes the hash at a place of some bytes: 32 of them, in the order of its hexadecimal form, bit 255 first. */
  add: (seq: number, keptAtMs: number, bytes: Uint8Array, offset?: number) => void
  /**
   * Every hash within `radius` bits of any of the queries (8 words each), nearest query for each, up to a limit of hits;
   * `complete` is false when there were more. Other work goes on in between.
   */
  scan: (queries: Uint32Array, radius: number, limit: number) => Promise<{ hits: PhotoHit[]; complete: boolean }>
  /** Lets go of blocks in which everything was kept before this time. */
  prune: (keptMs: number) => void
}

type Block = { hashes: Uint32Array; seqs: Float64Array; capacity: number; rows: number; newestMs: number }

/** An empty store. */
export function createSeenPhotos(): SeenPhotos {
  let blocks: Block[] = []
  let size = 0
  return {
    get size() {
      return size
    },
    add(seq, keptAtMs, bytes, offset = 0) {
      let block = blocks.at(-1)
      if (block === undefined || block.rows === block.capacity) {
        const capacity = Math.min(blockRowsMax, Math.max(blockRowsMin, size))
        block = {
          hashes: createHashBlock(capacity),
          seqs: new Float64Array(capacity),
          capacity,
          rows: 0,
          newestMs: Number.NEGATIVE_INFINITY,
        }
        blocks.push(block)
      }
      wordsOfBytes(bytes, offset, block.hashes, block.rows * words)
      block.seqs[block.rows++] = seq
      block.newestMs = Math.max(block.newestMs, keptAtMs)
      size++
    },
    async scan(queries, radius, limit) {
      const best = new Map<number, PhotoHit>()
      for (const block of blocks)
        for (let from = 0; from < block.rows; from += sliceRows) {
          if (from > 0 || block !== blocks[0]) await backgroundTurn()
          const rows = Math.min(sliceRows, block.rows - from)
          const found = scanHashes(block.hashes.subarray(from * words), rows, queries, radius)
          for (let at = 0; at < found.positions.length; at++) {
            const seq = block.seqs[from + found.positions[at]!]!
            const distance = found.distances[at]!
            if (distance >= (best.get(seq)?.distance ?? Infinity)) continue
            if (best.size >= limit && !best.has(seq)) return { hits: [...best.values()], complete: false }
            best.set(seq, { seq, distance, query: found.queries[at]! })
          }
        }
      return { hits: [...best.values()], complete: true }
    },
    prune(keptMs) {
      blocks = blocks.filter((block) => block.newestMs >= keptMs || block.rows < block.capacity)
      size = blocks.reduce((sum, block) => sum + block.rows, 0)
    },
  }
}

/** A hash of 32 bytes, bit 255 first, as the 8 words of `kernels/pdq.ts`: word 0 holds the lowest bits. */
function wordsOfBytes(bytes: Uint8Array, from: number, into: Uint32Array, to: number): void {
  for (let word = 0; word < words; word++) {
    const at = from + 28 - word * 4
    into[to + word] = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }
}
