// AssemblyScript 0.28.20. Sequential Huffman JPEG (ITU-T T.81, 1992) to interleaved RGB, with the arithmetic of
// libjpeg's slow integer DCT, "fancy" upsampling and colour conversion (jidctint.c, jdsample.c, jdcolor.c), so that the
// pixels are the same. Headers are read in ../jpeg.ts; what is unusual or damaged is refused and left to another decoder.
// Pointers are bytes. Constant vectors come from memory: V8 builds literal ones anew at each use.
//
// To build after a change, in this folder:
//   cp jpeg.as /tmp/jpeg.ts
//   npx asc /tmp/jpeg.ts --runtime stub --enable simd --enable bulk-memory --optimizeLevel 3 --noAssert -o /tmp/jpeg.wasm
// and put the output of `base64 -w0 /tmp/jpeg.wasm` into jpeg.wasm.ts. Tests compare with libjpeg-turbo, pixel by pixel.

// A Huffman table in memory: 4,096 entries of 32 bits for the next 12 bits of the stream; then, for longer codes, the
// largest code of each length (i32, -1 for none), what to add to a code of that length to find its symbol (i32), and the
// symbols. An entry of an AC table with a value in its upper half is a whole coefficient: bits to take, places to
// advance, value. Others: bits of the code, symbol. Zero: the code is longer than 12 bits.
const lookupBits: u64 = 12
const lookupMask: usize = 4 * 4095
const largestAt: usize = 16384
const offsetAt: usize = largestAt + 72
const symbolsAt: usize = offsetAt + 72

// The entropy-coded bytes lie backwards in memory, so that a plain little-endian load has the next byte on top.
let bits: u64 = 0
let left: u64 = 0
let next: usize = 0

/**
 * Copies the entropy-coded bytes from `from` (up to `stop`), backwards below `to`, without stuffing and restart markers.
 * Writes where each restart interval begins (as addresses) to `starts`, room for `most`. Answers how many there are, or
 * -1 for an end without end-of-image marker or restart markers out of order. `ended` is where the last one ends.
 */
export let ended: usize = 0
export function unstuff(from: usize, stop: usize, to: usize, starts: usize, most: i32): i32 {
  let count = 1
  store<u32>(starts, <u32>to)
  const full = i8x16.splat(-1)
  while (from < stop) {
    // Sixteen bytes at once where none of them is a marker.
    while (from + 16 <= stop) {
      const chunk = v128.load(from)
      if (v128.any_true(i8x16.eq(chunk, full))) break
      to -= 16
      v128.store(to, i8x16.shuffle(chunk, chunk, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
      from += 16
    }
    if (from + 1 >= stop) return -1
    const byte = load<u8>(from)
    if (byte != 0xff) {
      store<u8>(--to, byte)
      from++
      continue
    }
    const marker = load<u8>(from, 1)
    from += 2
    if (marker == 0) store<u8>(--to, 0xff)
    else if (marker == 0xff) from--
    else if (marker >= 0xd0 && marker <= 0xd7) {
      if (count == most || <i32>(marker & 7) != ((count - 1) & 7)) return -1
      store<u32>(starts + ((<usize>count) << 2), <u32>to)
      count++
    } else if (marker == 0xd9) {
      ended = to
      return count
    } else return -1
  }
  return -1
}

/** Begins to read at a start that `unstuff` wrote. */
export function seek(start: usize): void {
  bits = 0
  left = 0
  next = start
}

/** How many bits lie between what was read and an end; negative when more was read than there is. */
export function rest(end: usize): i32 {
  return (<i32>(next - end) << 3) + <i32>left
}

/** A symbol whose code is longer than the look-up: its length in the lower byte, itself above; -1 for no code. */
function longCode(table: usize, stream: u64): i32 {
  for (let length: u64 = lookupBits + 1; length <= 16; length++) {
    const code = <i32>(stream >> (64 - length))
    const at = (<usize>length) << 2
    if (code <= load<i32>(table + largestAt + at))
      return <i32>length | (<i32>load<u8>(table + symbolsAt + <usize>(code + load<i32>(table + offsetAt + at))) << 8)
  }
  return -1
}

// @ts-ignore: decorator
@inline
function signed(value: i32, size: i32): i32 {
  return value < 1 << (size - 1) ? value - (1 << size) + 1 : value
}

/**
 * One block of dequantised coefficients in natural order. `places` has 80 words: byte offset of the coefficient in the
 * lower half, its quantiser in the upper. Answers the place of the last coefficient that is not zero, or -1.
 */
function readBlock(block: usize, dc: usize, ac: usize, places: usize, prediction: usize): i32 {
  const zero = i32x4.splat(0)
  v128.store(block, zero)
  v128.store(block, zero, 16)
  v128.store(block, zero, 32)
  v128.store(block, zero, 48)
  v128.store(block, zero, 64)
  v128.store(block, zero, 80)
  v128.store(block, zero, 96)
  v128.store(block, zero, 112)
  let b = bits
  let n = left
  let p = next
  if (n < 32) {
    b |= load<u64>(p - 8) >> n
    p -= <usize>((63 - n) >> 3)
    n |= 56
  }
  let entry = load<i32>(dc + (<usize>(b >> (64 - lookupBits)) << 2))
  if (entry == 0) {
    entry = longCode(dc, b)
    if (entry < 0) return -1
  }
  let length = <u64>(entry & 0xff)
  const size = entry >> 8
  if (size > 11) return -1
  b <<= length
  n -= length
  let predicted = load<i32>(prediction)
  if (size != 0) {
    predicted += signed(<i32>(b >> (64 - <u64>size)), size)
    b <<= <u64>size
    n -= <u64>size
    store<i32>(prediction, predicted)
  }
  const average = predicted * <i32>load<u16>(places, 2)
  store<i16>(block, <i16>average)
  // Four times what 8-bit samples can need is too much: sums that overflow do so in each decoder's own way.
  let extremes = average + 4096

  let place: usize = 1
  let last: i32 = 0
  // A symbol takes at most 16 bits of code and 10 of value, so that a filled register has two. Runs beyond the end of a
  // damaged block stay in bounds: the table of places goes on.
  while (true) {
    b |= load<u64>(p - 8) >> n
    p -= <usize>((63 - n) >> 3)
    n |= 56
    entry = load<i32>(ac + (<usize>(b >> (62 - lookupBits)) & lookupMask))
    length = <u64>(entry & 0xff)
    if (entry >> 16 != 0) {
      b <<= length
      n -= length
      place += <usize>((entry >> 8) & 0xff)
      const word = load<u32>(places + (place << 2) - 4)
      const product = (entry >> 16) * <i32>(word >> 16)
      extremes |= product + 4096
      store<i16>(block + <usize>(word & 0xffff), <i16>product)
      last = <i32>place
    } else {
      if (entry == 0) {
        entry = longCode(ac, b)
        if (entry < 0) return -1
        length = <u64>(entry & 0xff)
      }
      b <<= length
      n -= length
      const symbol = (entry >> 8) & 0xff
      const size = symbol & 15
      if (size == 0) {
        if (symbol != 0xf0) {
          if (symbol != 0) return -1
          break
        }
        place += 16
      } else {
        const value = signed(<i32>(b >> (64 - <u64>size)), size)
        b <<= <u64>size
        n -= <u64>size
        place += <usize>((symbol >> 4) + 1)
        const word = load<u32>(places + (place << 2) - 4)
        const product = value * <i32>(word >> 16)
        extremes |= product + 4096
        store<i16>(block + <usize>(word & 0xffff), <i16>product)
        last = <i32>place
      }
    }
    if (place >= 64) break
    entry = load<i32>(ac + (<usize>(b >> (62 - lookupBits)) & lookupMask))
    length = <u64>(entry & 0xff)
    if (entry >> 16 != 0) {
      b <<= length
      n -= length
      place += <usize>((entry >> 8) & 0xff)
      const word = load<u32>(places + (place << 2) - 4)
      const product = (entry >> 16) * <i32>(word >> 16)
      extremes |= product + 4096
      store<i16>(block + <usize>(word & 0xffff), <i16>product)
      last = <i32>place
    } else {
      if (entry == 0) {
        entry = longCode(ac, b)
        if (entry < 0) return -1
        length = <u64>(entry & 0xff)
      }
      b <<= length
      n -= length
      const symbol = (entry >> 8) & 0xff
      const size = symbol & 15
      if (size == 0) {
        if (symbol != 0xf0) {
          if (symbol != 0) return -1
          break
        }
        place += 16
      } else {
        const value = signed(<i32>(b >> (64 - <u64>size)), size)
        b <<= <u64>size
        n -= <u64>size
        place += <usize>((symbol >> 4) + 1)
        const word = load<u32>(places + (place << 2) - 4)
        const product = value * <i32>(word >> 16)
        extremes |= product + 4096
        store<i16>(block + <usize>(word & 0xffff), <i16>product)
        last = <i32>place
      }
    }
    if (place >= 64) break
  }
  bits = b
  left = n
  next = p
  return place > 64 || <u32>extremes > 8191 ? -1 : last
}

/** The block as 8 x 8 samples. `constants`: eight pairs of factors, see jpeg.ts. */
function writeBlock(block: usize, last: i32, constants: usize, to: usize, stride: usize): void {
  if (last == 0) {
    const level = i16x8.splat(<i16>((<i32>load<i16>(block) + 4) >> 3))
    const samples = v128.xor(i8x16.narrow_i16x8_s(level, level), v128.load(constants, 160))
    for (let row = 0; row < 8; row++, to += stride) v128.store64_lane(to, samples, 0)
    return
  }
  idct(block, block, constants, 11, 128)
  transpose(block)
  idct(block, block, constants, 18, 144)
  transpose(block)
  const centre = v128.load(constants, 160)
  for (let row: usize = 0; row < 128; row += 32, to += 2 * stride) {
    const samples = v128.xor(i8x16.narrow_i16x8_s(v128.load(block + row), v128.load(block + row, 16)), centre)
    v128.store64_lane(to, samples, 0)
    v128.store64_lane(to + stride, samples, 1)
  }
}

/** One pass along columns; `half` is where the constants hold what rounds. */
// @ts-ignore: decorator
@inline
function idct(from: usize, to: usize, constants: usize, shift: i32, half: usize): void {
  const in0 = v128.load(from)
  const in1 = v128.load(from, 16)
  const in2 = v128.load(from, 32)
  const in3 = v128.load(from, 48)
  const in4 = v128.load(from, 64)
  const in5 = v128.load(from, 80)
  const in6 = v128.load(from, 96)
  const in7 = v128.load(from, 112)
  const rounding = v128.load(constants + half)

  const c0 = v128.load(constants)
  const c1 = v128.load(constants, 16)
  const low26 = v128.shuffle<i16>(in2, in6, 0, 8, 1, 9, 2, 10, 3, 11)
  const high26 = v128.shuffle<i16>(in2, in6, 4, 12, 5, 13, 6, 14, 7, 15)
  const e2l = i32x4.dot_i16x8_s(low26, c0)
  const e2h = i32x4.dot_i16x8_s(high26, c0)
  const e3l = i32x4.dot_i16x8_s(low26, c1)
  const e3h = i32x4.dot_i16x8_s(high26, c1)
  const sum04 = i16x8.add(in0, in4)
  const diff04 = i16x8.sub(in0, in4)
  const e0l = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(sum04), 13), rounding)
  const e0h = i32x4.add(i32x4.shl(i32x4.extend_high_i16x8_s(sum04), 13), rounding)
  const e1l = i32x4.add(i32x4.shl(i32x4.extend_low_i16x8_s(diff04), 13), rounding)
  const e1h = i32x4.add(i32x4.shl(i32x4.extend_high_i16x8_s(diff04), 13), rounding)

  const z3 = i16x8.add(in7, in3)
  const z4 = i16x8.add(in5, in1)
  const lowZ = v128.shuffle<i16>(z3, z4, 0, 8, 1, 9, 2, 10, 3, 11)
  const highZ = v128.shuffle<i16>(z3, z4, 4, 12, 5, 13, 6, 14, 7, 15)
  const c2 = v128.load(constants, 32)
  const c3 = v128.load(constants, 48)
  const z3l = i32x4.dot_i16x8_s(lowZ, c2)
  const z3h = i32x4.dot_i16x8_s(highZ, c2)
  const z4l = i32x4.dot_i16x8_s(lowZ, c3)
  const z4h = i32x4.dot_i16x8_s(highZ, c3)

  const low71 = v128.shuffle<i16>(in7, in1, 0, 8, 1, 9, 2, 10, 3, 11)
  const high71 = v128.shuffle<i16>(in7, in1, 4, 12, 5, 13, 6, 14, 7, 15)
  const c4 = v128.load(constants, 64)
  const c5 = v128.load(constants, 80)
  const o0l = i32x4.add(i32x4.dot_i16x8_s(low71, c4), z3l)
  const o0h = i32x4.add(i32x4.dot_i16x8_s(high71, c4), z3h)
  const o3l = i32x4.add(i32x4.dot_i16x8_s(low71, c5), z4l)
  const o3h = i32x4.add(i32x4.dot_i16x8_s(high71, c5), z4h)

  const low53 = v128.shuffle<i16>(in5, in3, 0, 8, 1, 9, 2, 10, 3, 11)
  const high53 = v128.shuffle<i16>(in5, in3, 4, 12, 5, 13, 6, 14, 7, 15)
  const c6 = v128.load(constants, 96)
  const c7 = v128.load(constants, 112)
  const o1l = i32x4.add(i32x4.dot_i16x8_s(low53, c6), z4l)
  const o1h = i32x4.add(i32x4.dot_i16x8_s(high53, c6), z4h)
  const o2l = i32x4.add(i32x4.dot_i16x8_s(low53, c7), z3l)
  const o2h = i32x4.add(i32x4.dot_i16x8_s(high53, c7), z3h)

  let al = i32x4.add(e0l, e3l)
  let ah = i32x4.add(e0h, e3h)
  v128.store(to, descaled(i32x4.add(al, o3l), i32x4.add(ah, o3h), shift))
  v128.store(to, descaled(i32x4.sub(al, o3l), i32x4.sub(ah, o3h), shift), 112)
  al = i32x4.add(e1l, e2l)
  ah = i32x4.add(e1h, e2h)
  v128.store(to, descaled(i32x4.add(al, o2l), i32x4.add(ah, o2h), shift), 16)
  v128.store(to, descaled(i32x4.sub(al, o2l), i32x4.sub(ah, o2h), shift), 96)
  al = i32x4.sub(e1l, e2l)
  ah = i32x4.sub(e1h, e2h)
  v128.store(to, descaled(i32x4.add(al, o1l), i32x4.add(ah, o1h), shift), 32)
  v128.store(to, descaled(i32x4.sub(al, o1l), i32x4.sub(ah, o1h), shift), 80)
  al = i32x4.sub(e0l, e3l)
  ah = i32x4.sub(e0h, e3h)
  v128.store(to, descaled(i32x4.add(al, o0l), i32x4.add(ah, o0h), shift), 48)
  v128.store(to, descaled(i32x4.sub(al, o0l), i32x4.sub(ah, o0h), shift), 64)
}

// @ts-ignore: decorator
@inline
function descaled(low: v128, high: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift))
}

/** 8 x 8 numbers of 16 bits, in place. */
// @ts-ignore: decorator
@inline
function transpose(at: usize): void {
  const r0 = v128.load(at)
  const r1 = v128.load(at, 16)
  const r2 = v128.load(at, 32)
  const r3 = v128.load(at, 48)
  const r4 = v128.load(at, 64)
  const r5 = v128.load(at, 80)
  const r6 = v128.load(at, 96)
  const r7 = v128.load(at, 112)
  const a0 = v128.shuffle<i16>(r0, r1, 0, 8, 1, 9, 2, 10, 3, 11)
  const a1 = v128.shuffle<i16>(r0, r1, 4, 12, 5, 13, 6, 14, 7, 15)
  const a2 = v128.shuffle<i16>(r2, r3, 0, 8, 1, 9, 2, 10, 3, 11)
  const a3 = v128.shuffle<i16>(r2, r3, 4, 12, 5, 13, 6, 14, 7, 15)
  const a4 = v128.shuffle<i16>(r4, r5, 0, 8, 1, 9, 2, 10, 3, 11)
  const a5 = v128.shuffle<i16>(r4, r5, 4, 12, 5, 13, 6, 14, 7, 15)
  const a6 = v128.shuffle<i16>(r6, r7, 0, 8, 1, 9, 2, 10, 3, 11)
  const a7 = v128.shuffle<i16>(r6, r7, 4, 12, 5, 13, 6, 14, 7, 15)
  const b0 = v128.shuffle<i32>(a0, a2, 0, 4, 1, 5)
  const b1 = v128.shuffle<i32>(a0, a2, 2, 6, 3, 7)
  const b2 = v128.shuffle<i32>(a1, a3, 0, 4, 1, 5)
  const b3 = v128.shuffle<i32>(a1, a3, 2, 6, 3, 7)
  const b4 = v128.shuffle<i32>(a4, a6, 0, 4, 1, 5)
  const b5 = v128.shuffle<i32>(a4, a6, 2, 6, 3, 7)
  const b6 = v128.shuffle<i32>(a5, a7, 0, 4, 1, 5)
  const b7 = v128.shuffle<i32>(a5, a7, 2, 6, 3, 7)
  v128.store(at, v128.shuffle<i64>(b0, b4, 0, 2))
  v128.store(at, v128.shuffle<i64>(b0, b4, 1, 3), 16)
  v128.store(at, v128.shuffle<i64>(b1, b5, 0, 2), 32)
  v128.store(at, v128.shuffle<i64>(b1, b5, 1, 3), 48)
  v128.store(at, v128.shuffle<i64>(b2, b6, 0, 2), 64)
  v128.store(at, v128.shuffle<i64>(b2, b6, 1, 3), 80)
  v128.store(at, v128.shuffle<i64>(b3, b7, 0, 2), 96)
  v128.store(at, v128.shuffle<i64>(b3, b7, 1, 3), 112)
}

/**
 * MCUs one after the other, into planes. `components`: for each 32 bytes: blocks across and down in an MCU, DC table, AC
 * table, places, prediction (the value itself), plane, stride. The planes' pointers move on by one MCU each. Answers
 * whether all could be read.
 */
export function readMcus(count: i32, components: usize, componentCount: i32, block: usize, constants: usize): bool {
  const stop = components + (<usize>componentCount << 5)
  for (; count > 0; count--)
    for (let at = components; at < stop; at += 32) {
      const across = <usize>load<u16>(at)
      const down = <usize>load<u16>(at, 2)
      const dc = <usize>load<u32>(at, 4)
      const ac = <usize>load<u32>(at, 8)
      const places = <usize>load<u32>(at, 12)
      const plane = <usize>load<u32>(at, 20)
      const stride = <usize>load<u32>(at, 24)
      for (let row: usize = 0; row < down; row++)
        for (let column: usize = 0; column < across; column++) {
          const last = readBlock(block, dc, ac, places, at + 16)
          if (last < 0) return false
          writeBlock(block, last, constants, plane + ((row * stride + column) << 3), stride)
        }
      store<u32>(at, <u32>(plane + (across << 3)), 20)
    }
  return true
}

/**
 * A row of chroma at twice its width from the row that is nearer and the one that is farther: 9/16, 3/16, 3/16, 1/16.
 * Writes numbers of 16 bits around 0. `sums` has room for 2 (count + 24) bytes.
 */
export function upsampleBoth(nearer: usize, farther: usize, count: i32, sums: usize, to: usize): void {
  const eight = i16x8.splat(8)
  const seven = i16x8.splat(7)
  const centre = i16x8.splat(128)
  const first = sums + 16
  for (let at: usize = 0, stop = <usize>count; at < stop; at += 8) {
    const near = v128.load8x8_u(nearer + at)
    const far = v128.load8x8_u(farther + at)
    v128.store(first + (at << 1), i16x8.add(i16x8.add(i16x8.shl(near, 1), near), far))
  }
  ends(first, count)
  for (let at = first, stop = first + (<usize>count << 1); at < stop; at += 16, to += 32) {
    const own = v128.load(at)
    const thrice = i16x8.add(i16x8.shl(own, 1), own)
    const even = i16x8.sub(i16x8.shr_u(i16x8.add(i16x8.add(thrice, v128.load(at - 2)), eight), 4), centre)
    const odd = i16x8.sub(i16x8.shr_u(i16x8.add(i16x8.add(thrice, v128.load(at + 2)), seven), 4), centre)
    v128.store(to, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11))
    v128.store(to, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16)
  }
}

/** A row of chroma at twice its width from one row: 3/4, 1/4. As `upsampleBoth` otherwise. */
export function upsampleAcross(row: usize, count: i32, sums: usize, to: usize): void {
  const one = i16x8.splat(1)
  const two = i16x8.splat(2)
  const centre = i16x8.splat(128)
  const first = sums + 16
  for (let at: usize = 0, stop = <usize>count; at < stop; at += 8) v128.store(first + (at << 1), v128.load8x8_u(row + at))
  ends(first, count)
  for (let at = first, stop = first + (<usize>count << 1); at < stop; at += 16, to += 32) {
    const own = v128.load(at)
    const thrice = i16x8.add(i16x8.shl(own, 1), own)
    const even = i16x8.sub(i16x8.shr_u(i16x8.add(i16x8.add(thrice, v128.load(at - 2)), one), 2), centre)
    const odd = i16x8.sub(i16x8.shr_u(i16x8.add(i16x8.add(thrice, v128.load(at + 2)), two), 2), centre)
    v128.store(to, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11))
    v128.store(to, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16)
  }
}

/** A row of chroma as it is, as numbers of 16 bits around 0. */
export function widen(row: usize, count: i32, to: usize): void {
  const centre = i16x8.splat(128)
  for (let at: usize = 0, stop = <usize>count; at < stop; at += 8)
    v128.store(to + (at << 1), i16x8.sub(v128.load8x8_u(row + at), centre))
}

// @ts-ignore: decorator
@inline
function ends(first: usize, count: i32): void {
  store<u16>(first - 2, load<u16>(first))
  const last = first + ((<usize>count - 1) << 1)
  store<u16>(last, load<u16>(last), 2)
}

/**
 * One row of RGB. Writes up to 52 bytes more than the row. `constants`: factors of red, green and blue with what rounds,
 * the number two, half of 65,536, and the order of bytes.
 */
export function colourRow(luma: usize, cb: usize, cr: usize, width: i32, to: usize, constants: usize): void {
  const redBy = v128.load(constants)
  const blueBy = v128.load(constants, 16)
  const greenBy = v128.load(constants, 32)
  const twos = v128.load(constants, 48)
  const half = v128.load(constants, 64)
  const close = v128.load(constants, 80)
  const zero = i32x4.splat(0)
  for (let at: usize = 0, stop = <usize>width; at < stop; at += 16, to += 48) {
    const u0 = v128.load(cb + (at << 1))
    const u1 = v128.load(cb + (at << 1), 16)
    const v0 = v128.load(cr + (at << 1))
    const v1 = v128.load(cr + (at << 1), 16)
    const y0 = v128.load8x8_u(luma + at)
    const y1 = v128.load8x8_u(luma + at, 8)
    const red = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, v0), part(v0, twos, redBy)),
      i16x8.add(i16x8.add(y1, v1), part(v1, twos, redBy)),
    )
    const green = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.sub(y0, v0), greenPart(u0, v0, greenBy, half)),
      i16x8.add(i16x8.sub(y1, v1), greenPart(u1, v1, greenBy, half)),
    )
    const blue = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, i16x8.shl(u0, 1)), part(u0, twos, blueBy)),
      i16x8.add(i16x8.add(y1, i16x8.shl(u1, 1)), part(u1, twos, blueBy)),
    )
    storeRgb(red, green, blue, zero, close, to)
  }
}

// @ts-ignore: decorator
@inline
function part(chroma: v128, twos: v128, factors: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.dot_i16x8_s(v128.shuffle<i16>(chroma, twos, 0, 8, 1, 9, 2, 10, 3, 11), factors), 16),
    i32x4.shr_s(i32x4.dot_i16x8_s(v128.shuffle<i16>(chroma, twos, 4, 12, 5, 13, 6, 14, 7, 15), factors), 16),
  )
}

// @ts-ignore: decorator
@inline
function greenPart(u: v128, v: v128, factors: v128, half: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(v128.shuffle<i16>(u, v, 0, 8, 1, 9, 2, 10, 3, 11), factors), half), 16),
    i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(v128.shuffle<i16>(u, v, 4, 12, 5, 13, 6, 14, 7, 15), factors), half), 16),
  )
}

/** One row of grey as RGB. Writes up to 52 bytes more than the row. */
export function greyRow(luma: usize, width: i32, to: usize, constants: usize): void {
  const close = v128.load(constants, 80)
  const zero = i32x4.splat(0)
  for (let at: usize = 0, stop = <usize>width; at < stop; at += 16, to += 48) {
    const grey = v128.load(luma + at)
    storeRgb(grey, grey, grey, zero, close, to)
  }
}

// @ts-ignore: decorator
@inline
function storeRgb(red: v128, green: v128, blue: v128, zero: v128, close: v128, to: usize): void {
  const rgLow = v128.shuffle<i8>(red, green, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  const rgHigh = v128.shuffle<i8>(red, green, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
  const bLow = v128.shuffle<i8>(blue, zero, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  const bHigh = v128.shuffle<i8>(blue, zero, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
  // Each store overlaps the one before it by the four bytes that carry nothing.
  v128.store(to, i8x16.swizzle(v128.shuffle<i16>(rgLow, bLow, 0, 8, 1, 9, 2, 10, 3, 11), close))
  v128.store(to, i8x16.swizzle(v128.shuffle<i16>(rgLow, bLow, 4, 12, 5, 13, 6, 14, 7, 15), close), 12)
  v128.store(to, i8x16.swizzle(v128.shuffle<i16>(rgHigh, bHigh, 0, 8, 1, 9, 2, 10, 3, 11), close), 24)
  v128.store(to, i8x16.swizzle(v128.shuffle<i16>(rgHigh, bHigh, 4, 12, 5, 13, 6, 14, 7, 15), close), 36)
}
