// An index as bytes, so that it opens without being made again. All numbers little-endian:
//
//   header, 64 bytes: magic "CUSTHIX" and version 1; bytes in total (float64); parts, rows of deltas (uint32);
//     checksum of the descriptions; at the end, checksum of the header before it
//   for each part, 64 bytes: room, entries, listed, leaders (uint32); bytes (float64); checksum
//   a last description for the rows: checksum
//   the parts as they lie in memory, each a multiple of 64 bytes; then ids and hashes of the deltas' rows
import { createHammingIndex, type HammingIndex, type HammingOptions } from './hamming-index.ts'
import { hashWords } from './hamming-distance.ts'
import {
  openPart,
  partBuffer,
  partEntriesMax,
  partLayout,
  partMemory,
  type Part,
  type PartShape,
} from './hamming-part.ts'

export const snapshotVersion = 1
const blockBytes = 64
const magic = 0x54535543
const magicEnd = 0x00584948

/** Bytes that are no snapshot, or not of an index that this version reads. Says what is wrong with them. */
export class SnapshotError extends Error {
  override name = 'SnapshotError'
}

const refuse = (why: string): never => {
  throw new SnapshotError(`Cannot open the index snapshot: ${why}`)
}

/**
 * The index as pieces to be written one after the other, as it is now, whatever happens to it later. The large pieces are
 * the index's own memory, not copies, and never change.
 */
export function snapshotHammingIndex(index: HammingIndex): Uint8Array[] {
  const { parts, deltas } = index.inside()
  const rows = deltas.flatMap((delta) =>
    Array.from({ length: delta.used }, (_, row) => ({ delta, row })).filter(
      ({ delta: { rows: each }, row }) => delta.rowOf(each.ids[row]!) === row,
    ),
  )
  const rowWords = new Uint32Array(rows.length * (1 + hashWords))
  for (const [at, { delta, row }] of rows.entries()) {
    rowWords[at] = delta.rows.ids[row]!
    const hash = delta.rows.hashes.subarray(row * hashWords, (row + 1) * hashWords)
    rowWords.set(hash, rows.length + at * hashWords)
  }
  const removed = parts.map((part) => part.removed.slice())
  const head = new Uint32Array(((parts.length + 2) * blockBytes) / 4)
  const floats = new Float64Array(head.buffer)
  for (const [at, part] of parts.entries()) {
    const block = ((at + 1) * blockBytes) / 4
    const { room, entries, listed, leaders } = part.shape
    head.set([room, entries, listed, leaders], block)
    floats[(block + 4) / 2] = part.layout.bytes
    head[block + 6] = checksumOf(pieces(part, removed[at]!))
  }
  head[((parts.length + 1) * blockBytes) / 4] = checksum(rowWords)
  const total = head.byteLength + parts.reduce((sum, { layout }) => sum + layout.bytes, 0) + rowWords.byteLength
  head.set([magic, magicEnd, snapshotVersion], 0)
  floats[2] = total
  head.set([parts.length, rows.length, checksum(head.subarray(blockBytes / 4))], 6)
  head[15] = checksum(head.subarray(0, 15))
  return [
    new Uint8Array(head.buffer),
    ...parts.flatMap((part, at) => pieces(part, removed[at]!)),
    new Uint8Array(rowWords.buffer),
  ]
}

/** Fills the whole array with the next bytes of a snapshot. Throws when there are not so many. */
export type SnapshotReader = (target: Uint8Array) => void

/**
 * Opens a snapshot without making anything anew. Node cannot map a file into memory, so opening is one read of the file:
 * a reader fills the memory of each part directly (`(target) => readSync(file, target)`, in a loop); bytes that are
 * already in memory, shared or not, are copied once. Ten million hashes take about a second, most of it for
 * the checksums. Throws a SnapshotError that
 * says what is wrong for anything that is cut off, changed, or of another version.
 */
export function openHammingSnapshot(
  source: Uint8Array | ArrayBufferLike | SnapshotReader,
  options: Omit<HammingOptions, 'parts'> = {},
): HammingIndex {
  const read = typeof source === 'function' ? source : readerOf(source)
  const first = new Uint32Array(blockBytes / 4)
  read(bytesOf(first))
  if (first[0] !== magic || first[1] !== magicEnd) refuse('these bytes are no snapshot of a hash index')
  if (first[2] !== snapshotVersion) refuse(`it has version ${first[2]}, and this program reads ${snapshotVersion}`)
  if (first[15] !== checksum(first.subarray(0, 15))) refuse('its header was changed (checksum)')
  const total = new Float64Array(first.buffer)[2]!
  const [partCount, rowCount] = [first[6]!, first[7]!]
  const held = source instanceof Uint8Array || typeof source !== 'function' ? source.byteLength : total
  if (held !== total) refuse(`it has ${held} bytes and should have ${total}`)
  const blocks = new Uint32Array(((partCount + 1) * blockBytes) / 4)
  read(bytesOf(blocks))
  if (first[8] !== checksum(blocks)) refuse('its list of parts was changed (checksum)')
  const parts: Part[] = []
  for (let at = 0; at < partCount; at++) {
    const block = blocks.subarray((at * blockBytes) / 4, ((at + 1) * blockBytes) / 4)
    const [room, entries, listed, leaders] = block as unknown as [number, number, number, number]
    const shape: PartShape = { room, entries, listed, leaders }
    const layout = partLayout(shape)
    const bytes = new Float64Array(block.buffer, block.byteOffset, 8)[2]
    if (room > partEntriesMax || layout.bytes !== bytes) refuse(`part ${at + 1} has a shape that cannot be`)
    const memory = partMemory(layout.bytes, options.engine ?? 'fastest')
    read(new Uint8Array(partBuffer(memory), 0, layout.bytes))
    const part = openPart(memory, shape)
    if (checksumOf(pieces(part, part.removed)) !== block[6])
      refuse(`part ${at + 1} of ${partCount} was changed (checksum)`)
    for (let entry = 0; entry < entries; entry++)
      if ((part.removed[entry >>> 3]! & (1 << (entry & 7))) !== 0) part.removedCount++
    parts.push(part)
  }
  const rows = new Uint32Array(rowCount * (1 + hashWords))
  read(bytesOf(rows))
  if (checksum(rows) !== blocks[(partCount * blockBytes) / 4]) refuse('its newest entries were changed (checksum)')
  const index = createHammingIndex({ ...options, parts })
  for (let row = 0; row < rowCount; row++) index.add(rows[row]!, rows, rowCount + row * hashWords)
  return index
}

function readerOf(source: Uint8Array | ArrayBufferLike): SnapshotReader {
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(source)
  let at = 0
  return (target) => {
    if (at + target.length > bytes.length) refuse(`it is cut off after ${bytes.length} bytes`)
    target.set(bytes.subarray(at, at + target.length))
    at += target.length
  }
}

const bytesOf = (words: Uint32Array) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** A part as it lies in memory, with another bitmap of what was removed. */
function pieces({ room, layout }: Part, removed: Uint8Array): Uint8Array[] {
  const buffer = partBuffer(room)
  const bitmap = new Uint8Array(layout.twins - layout.removed)
  bitmap.set(removed)
  return [
    new Uint8Array(buffer, 0, layout.removed),
    bitmap,
    new Uint8Array(buffer, layout.twins, layout.bytes - layout.twins),
  ]
}

const checksumOf = (bytes: Uint8Array[]) =>
  bytes.reduce((sum, each) => checksum(new Uint32Array(each.buffer, each.byteOffset, each.length / 4), sum), 0)

/** Four interleaved FNV-1a sums over 32-bit words (Fowler, Noll, Vo), mixed into one: finds errors, not forgeries. */
function checksum(words: Uint32Array, seed = 0): number {
  let [a, b, c, d] = [0x811c9dc5 ^ seed, 0x01000193, 0x9e3779b1, 0x85ebca6b]
  const whole = words.length - (words.length % 4)
  for (let at = 0; at < whole; at += 4) {
    a = Math.imul(a ^ words[at]!, 0x01000193)
    b = Math.imul(b ^ words[at + 1]!, 0x01000193)
    c = Math.imul(c ^ words[at + 2]!, 0x01000193)
    d = Math.imul(d ^ words[at + 3]!, 0x01000193)
    // High bits come down again, or they would touch nothing but themselves.
    a ^= d >>> 15
    c ^= b >>> 13
  }
  for (let at = whole; at < words.length; at++) a = Math.imul(a ^ words[at]!, 0x01000193) ^ (a >>> 15)
  let sum = words.length
  for (const part of [a, b, c, d]) sum = Math.imul((sum ^ part) >>> 0, 0x85ebca6b) ^ (sum >>> 13)
  return sum >>> 0
}
