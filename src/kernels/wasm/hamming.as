// AssemblyScript 0.28.20. The fast twins of ../hamming-plain.ts: distances of 256-bit hashes with 64-bit popcounts, and
// the search and the making of an immutable index part (../hamming-part.ts says how it lies in memory and why it is
// exact). Holds no data of its own: every instance works on the memory that it is given, so that several threads can
// search the same one. Found entries are told one by one, through the import `hit`.
//
// To build after a change, in this folder:
//   cp hamming.as /tmp/hamming.ts
//   npx asc /tmp/hamming.ts --runtime stub --enable simd --enable threads --importMemory --sharedMemory \
//     --maximumMemory 65536 --optimizeLevel 3 --noAssert -o /tmp/hamming.wasm
// and put the output of `base64 -w0 /tmp/hamming.wasm` into hamming.wasm.ts. The tests run over both twins.

// @ts-ignore: decorator
@external("env", "hit")
declare function hit(entry: u32, distance: u32): void

const tableBytes: usize = 65537 << 2

// The hash that is looked for.
let q0: u64 = 0
let q1: u64 = 0
let q2: u64 = 0
let q3: u64 = 0
// Where the sections of a part begin, and how many entries are listed in each chunk.
let hashes: usize = 0
let keys: usize = 0
let slots: usize = 0
let tables: usize = 0
let listed: usize = 0
/** Keeps the loads that only warm the cache from being dropped. */
let warmed: u32 = 0

/** Sets the hash to look for, as eight words. */
export function ask(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32): void {
  q0 = <u64>a | (<u64>b << 32)
  q1 = <u64>c | (<u64>d << 32)
  q2 = <u64>e | (<u64>f << 32)
  q3 = <u64>g | (<u64>h << 32)
}

/** Sets where the sections of the part lie. */
export function place(hashesAt: usize, keysAt: usize, slotsAt: usize, tablesAt: usize, listedCount: usize): void {
  hashes = hashesAt
  keys = keysAt
  slots = slotsAt
  tables = tablesAt
  listed = listedCount
}

/** Tells every hash from `from` to `to` (hashes of 32 bytes, beginning at `base`) within the radius. */
export function scan(base: usize, from: u32, to: u32, radius: u32): void {
  const a = q0
  const b = q1
  const c = q2
  const d = q3
  const limit = <u64>radius
  let at = base + (<usize>from << 5)
  for (let entry = from; entry < to; entry++, at += 32) {
    const half = popcnt(load<u64>(at) ^ a) + popcnt(load<u64>(at, 8) ^ b)
    if (half > limit) continue
    const all = half + popcnt(load<u64>(at, 16) ^ c) + popcnt(load<u64>(at, 24) ^ d)
    if (all <= limit) hit(entry, <u32>all)
  }
}

// @ts-ignore: decorator
@inline
function own(chunk: u32): u32 {
  const word = chunk < 8 ? (chunk < 4 ? q0 : q1) : chunk < 12 ? q2 : q3
  return <u32>(word >> ((<u64>(chunk & 3)) << 4)) & 0xffff
}

/** The next larger number with as many ones (Warren, Hacker's Delight, 2-1), for 16 bits and at least one of them. */
// @ts-ignore: decorator
@inline
function nextMask(mask: u32): u32 {
  const lowest = mask & (0 - mask)
  const ripple = mask + lowest
  return ripple | (((mask ^ ripple) >> 2) >> ctz(lowest))
}

/**
 * Tells every listed entry within `radius`, once: those with at most `nearest` bits in some chunk and `pair` bits in it
 * and the next. Gives up and answers 1 when it has looked at more than `readsMax` keys or `checksMax` hashes.
 */
export function search(nearest: u32, pair: u32, radius: u32, readsMax: u32, checksMax: u32): i32 {
  let reads: usize = 0
  let checks: u32 = 0
  for (let chunk: u32 = 0; chunk < 16; chunk++) {
    const table = tables + <usize>chunk * tableBytes
    const key = keys + (<usize>chunk * listed << 1)
    const slot = slots + <usize>chunk * listed * 3
    const value = own(chunk)
    const after = i16x8.splat(<i16>own((chunk + 1) & 15))
    // All buckets are touched before the first is read, so that their cache misses overlap.
    let warm: u32 = 0
    for (let ones: u32 = 0; ones <= nearest; ones++) {
      let mask: u32 = (1 << ones) - 1
      do {
        const bucket = table + (<usize>(value ^ mask) << 2)
        const start = <usize>load<u32>(bucket)
        const end = <usize>load<u32>(bucket, 4)
        reads += end - start
        const touched = min(end - start, 512)
        for (let line: usize = 0; line < touched; line += 32) warm += load<u8>(key + ((start + line) << 1))
        if (ones == 0) break
        mask = nextMask(mask)
      } while (mask < 65536)
    }
    warmed = warm
    if (reads > <usize>readsMax) return 1
    for (let ones: u32 = 0; ones <= nearest; ones++) {
      const most = i16x8.splat(<i16>(pair - ones))
      let mask: u32 = (1 << ones) - 1
      do {
        const bucket = table + (<usize>(value ^ mask) << 2)
        const end = <usize>load<u32>(bucket, 4)
        for (let at = <usize>load<u32>(bucket); at < end; at += 8) {
          const bits = i8x16.popcnt(v128.xor(v128.load(key + (at << 1)), after))
          let near = i16x8.bitmask(i16x8.le_u(i16x8.extadd_pairwise_i8x16_u(bits), most))
          if (near == 0) continue
          if (end - at < 8) near &= (1 << <i32>(end - at)) - 1
          while (near != 0) {
            const entry = load<u32>(slot + (at + ctz(near)) * 3) & 0xffffff
            near &= near - 1
            checks++
            check(entry, chunk, nearest, pair, radius)
          }
        }
        if (ones == 0) break
        mask = nextMask(mask)
      } while (mask < 65536)
    }
    if (checks > checksMax) return 1
  }
  return 0
}

// @ts-ignore: decorator
@inline
function check(entry: u32, chunk: u32, nearest: u32, pair: u32, radius: u32): void {
  const at = hashes + (<usize>entry << 5)
  const a = load<u64>(at) ^ q0
  const b = load<u64>(at, 8) ^ q1
  const c = load<u64>(at, 16) ^ q2
  const d = load<u64>(at, 24) ^ q3
  const bits = <u32>(popcnt(a) + popcnt(b) + popcnt(c) + popcnt(d))
  if (bits <= radius && first(a, b, c, d, chunk, nearest, pair)) hit(entry, bits)
}

/** Whether no chunk before this one leads to the entry as well. */
function first(a: u64, b: u64, c: u64, d: u64, chunk: u32, nearest: u32, pair: u32): bool {
  for (let before: u32 = 0; before < chunk; before++) {
    const bits = onesIn(a, b, c, d, before)
    if (bits <= nearest && bits + onesIn(a, b, c, d, before + 1) <= pair) return false
  }
  return true
}

function onesIn(a: u64, b: u64, c: u64, d: u64, chunk: u32): u32 {
  const word = chunk < 8 ? (chunk < 4 ? a : b) : chunk < 12 ? c : d
  return popcnt(<u32>(word >> ((<u64>(chunk & 3)) << 4)) & 0xffff)
}

/**
 * Finds for each entry from `from` to `to` the first one with the same hash, in an open-addressed table of `slotMask` +
 * 1 places that holds entries with eight bits of their hash above; later ones are marked in the bitmap `twins` and
 * their first in `firsts`, and the first in the bitmap `leaders`. Answers how many it marked.
 */
export function pairUp(from: u32, to: u32, table: usize, slotMask: u32, twins: usize, leaders: usize, firsts: usize): u32 {
  let found: u32 = 0
  let warm: u32 = 0
  for (let start = from; start < to; start += 16) {
    const end = min(start + 16, to)
    for (let entry = start; entry < end; entry++) warm += load<u32>(table + (<usize>(<u32>mix(entry) & slotMask) << 2))
    for (let entry = start; entry < end; entry++) {
      const hash = mix(entry)
      const tag = (<u32>(hash >> 56) | 1) << 24
      let place = <u32>hash & slotMask
      for (;;) {
        const at = table + (<usize>place << 2)
        const held = load<u32>(at)
        if (held == 0) {
          store<u32>(at, tag | entry)
          break
        }
        if ((held & 0xff000000) == tag && same(held & 0xffffff, entry)) {
          mark(twins, entry)
          mark(leaders, held & 0xffffff)
          store<u32>(firsts + (<usize>entry << 2), held & 0xffffff)
          found++
          break
        }
        place = (place + 1) & slotMask
      }
    }
  }
  warmed = warm
  return found
}

// @ts-ignore: decorator
@inline
function mix(entry: u32): u64 {
  const at = hashes + (<usize>entry << 5)
  let hash = load<u64>(at) * 0x9e3779b97f4a7c15
  hash = (rotl(hash, 29) ^ load<u64>(at, 8)) * 0xd6e8feb86659fd93
  hash = (rotl(hash, 29) ^ load<u64>(at, 16)) * 0x9e3779b97f4a7c15
  hash = (rotl(hash, 29) ^ load<u64>(at, 24)) * 0xd6e8feb86659fd93
  return hash ^ (hash >> 32)
}

function same(one: u32, other: u32): bool {
  const a = hashes + (<usize>one << 5)
  const b = hashes + (<usize>other << 5)
  return (
    load<u64>(a) == load<u64>(b) &&
    load<u64>(a, 8) == load<u64>(b, 8) &&
    load<u64>(a, 16) == load<u64>(b, 16) &&
    load<u64>(a, 24) == load<u64>(b, 24)
  )
}

// @ts-ignore: decorator
@inline
function mark(bitmap: usize, entry: u32): void {
  const at = bitmap + <usize>(entry >> 3)
  store<u8>(at, load<u8>(at) | (<u8>1 << <u8>(entry & 7)))
}

// @ts-ignore: decorator
@inline
function marked(bitmap: usize, entry: u32): bool {
  return (load<u8>(bitmap + <usize>(entry >> 3)) & (<u8>1 << <u8>(entry & 7))) != 0
}

/** Counts the entries from `from` to `to` that are no twins by the high byte of each chunk: 16 times 256 counts. */
export function count(from: u32, to: u32, twins: usize, counts: usize): void {
  for (let entry = from; entry < to; entry++) {
    if (marked(twins, entry)) continue
    const at = hashes + (<usize>entry << 5)
    for (let chunk: usize = 0; chunk < 16; chunk++) {
      const place = counts + (chunk << 10) + (<usize>load<u8>(at + (chunk << 1), 1) << 2)
      store<u32>(place, load<u32>(place) + 1)
    }
  }
}

/**
 * Writes a record (low byte of the chunk, next chunk, entry) of each entry from `from` to `to` that is no twin, and whose
 * high byte in the chunk is from `low` to below `high`, to where the cursor of its high byte points.
 */
export function deal(chunk: u32, from: u32, to: u32, twins: usize, cursors: usize, low: u32, high: u32): void {
  const mine = hashes + (<usize>chunk << 1)
  const next = hashes + (<usize>((chunk + 1) & 15) << 1)
  const wide = high - low
  for (let entry = from; entry < to; entry++) {
    const row = <usize>entry << 5
    const value = <u32>load<u16>(mine + row)
    if ((value >> 8) - low >= wide || marked(twins, entry)) continue
    const cursor = cursors + (<usize>(value >> 8) << 2)
    const at = <usize>load<u32>(cursor)
    store<u32>(cursor, <u32>at + 8)
    store<u64>(at, <u64>entry | (<u64>load<u16>(next + row) << 24) | (<u64>(value & 0xff) << 40))
  }
}

/** Counts the records from `from` to `to` (bytes) by their low byte. */
export function tally(from: usize, to: usize, counts: usize): void {
  for (let at = from; at < to; at += 8) {
    const place = counts + (<usize>load<u8>(at, 5) << 2)
    store<u32>(place, load<u32>(place) + 1)
  }
}

/** Puts the records from `from` to `to` (bytes) where the cursors of their low bytes point. */
export function settle(chunk: u32, from: usize, to: usize, cursors: usize): void {
  const key = keys + (<usize>chunk * listed << 1)
  const slot = slots + <usize>chunk * listed * 3
  for (let at = from; at < to; at += 8) {
    const record = load<u64>(at)
    const cursor = cursors + ((<usize>(record >> 40) & 0xff) << 2)
    const place = <usize>load<u32>(cursor)
    store<u32>(cursor, <u32>place + 1)
    store<u16>(key + (place << 1), <u16>(record >> 24))
    store<u16>(slot + place * 3, <u16>record)
    store<u8>(slot + place * 3, <u8>(record >> 16), 2)
  }
}
