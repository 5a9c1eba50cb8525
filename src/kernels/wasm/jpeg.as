// AssemblyScript 0.28.20. Sequential Huffman JPEG (ITU-T T.81, 1992) to planes of samples,
// with the arithmetic of libjpeg's slow integer DCT (jidctint.c), so that the samples are the same. Headers are read in
// ../jpeg-header.ts; what is unusual or damaged is refused and left to another decoder. Pointers are bytes. Constant
// vectors come from memory: V8 builds literal ones anew at each use.
//
// To build after a change, in this folder (bash):
//   mkdir -p /tmp/photo && for part in jpeg jpeg-colour pdq-reduce; do cp $part.as /tmp/photo/$part.ts; done
//   (cd /tmp/photo && npx asc jpeg.ts jpeg-colour.ts pdq-reduce.ts --runtime stub --enable simd --enable bulk-memory \
//     --optimizeLevel 3 --noAssert -o photo.wasm)
// and put the output of `base64 -w0 /tmp/photo/photo.wasm` into photo.wasm.ts. Tests compare with libjpeg-turbo, pixel by
// pixel, and with the readable twin of PDQ, bit by bit.

// A Huffman table in memory. First 2,048 words for the next 11 bits of the stream, where these hold one or two whole
// coefficients, or none and one and the end of the block: bits to take (4 bits), places to advance to the first (6) and
// from there to the second (6; 63 for the end of the block), the second value (8) and the first (8); where they hold
// nothing whole, both advance by 63. Then 4,096 halves for the next 12 bits: bits of the code, symbol; or zero. At last, for codes of more
// than 12 bits: the largest code of each length (i32, -1 for none), what to add to a code of that length to find its
// symbol (i32), and the symbols.
const pairBits: u64 = 11
const pairMask: usize = 4 * 2047
const endOfBlock: usize = 63
const singleAt: usize = 8192
const singleBits: u64 = 12
const singleMask: usize = 2 * 4095
const largestAt: usize = singleAt + 8192
const offsetAt: usize = largestAt + 72
const symbolsAt: usize = offsetAt + 72

// A block of coefficients: 128 bytes in natural order, 16 for what lies outside, of which the last four say which
// coefficient (in zigzag order) is the last that may not be zero.
const blockBytes: usize = 144
const lastAt: usize = 140

// The entropy-coded bytes lie backwards in memory, so that a plain little-endian load has the next byte on top.
// Eight bytes in front of where an interval begins, and how many of its bits have been read.
let base: usize = 0
let position: usize = 0

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
  base = start - 8
  position = 0
}

/** How many bits lie between what was read and an end; negative when more was read than there is. */
export function rest(end: usize): i32 {
  return (<i32>(base + 8 - end) << 3) - <i32>position
}

/** The stream from a bit on, at least 57 bits of it. */
// @ts-ignore: decorator
@inline
function streamFrom(from: usize, at: usize): u64 {
  return load<u64>(from - (at >> 3)) << <u64>(at & 7)
}

/** Where the table of pairs says what the stream begins with. */
// @ts-ignore: decorator
@inline
function pairOf(table: usize, stream: u64): i32 {
  return load<i32>(table + (<usize>(stream >> (62 - pairBits)) & pairMask))
}

/** A symbol: bits of its code in the lower byte, itself above; -1 for no code. */
// @ts-ignore: decorator
@inline
function symbolOf(table: usize, stream: u64): i32 {
  const short = <i32>load<u16>(table + (<usize>(stream >> (63 - singleBits)) & singleMask), singleAt)
  return short != 0 ? short : longCode(table, stream)
}

function longCode(table: usize, stream: u64): i32 {
  for (let length: u64 = singleBits + 1; length <= 16; length++) {
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

/** With one coefficient alone, the second is written over by the first. */
// @ts-ignore: decorator
@inline
function writePair(block: usize, places: usize, first: usize, second: usize, pair: i32): void {
  store<i16>(block + <usize>load<u8>(places + second), <i16><i8>(pair >> 16))
  store<i16>(block + <usize>load<u8>(places + first), <i16>(pair >> 24))
}

/**
 * One block of coefficients, not yet dequantised. `places`: where the coefficient before each place lies in the block, as
 * bytes; places beyond the end lie behind it. Answers whether there was one.
 */
function readBlock(block: usize, dc: usize, ac: usize, places: usize, prediction: usize): bool {
  const zero = i32x4.splat(0)
  v128.store(block, zero)
  v128.store(block, zero, 16)
  v128.store(block, zero, 32)
  v128.store(block, zero, 48)
  v128.store(block, zero, 64)
  v128.store(block, zero, 80)
  v128.store(block, zero, 96)
  v128.store(block, zero, 112)
  const from = base
  let at = position
  let stream = streamFrom(from, at)
  let symbol = symbolOf(dc, stream)
  if (symbol < 0) return false
  stream <<= <u64>(symbol & 0xff)
  at += <usize>(symbol & 0xff)
  let size = symbol >> 8
  let predicted = load<i32>(prediction)
  if (size != 0) {
    predicted += signed(<i32>(stream >> (64 - <u64>size)), size)
    at += <usize>size
    store<i32>(prediction, predicted)
    // Far beyond what 8-bit samples can need.
    if (<u32>(predicted + 16384) > 32767) return false
  }
  store<i16>(block, <i16>predicted)

  // How many coefficients lie behind us.
  let place: usize = 1
  while (true) {
    // Three pairs take at most 33 bits; a symbol takes at most 16 bits of code and 10 of value, and follows two pairs at most.
    stream = streamFrom(from, at)
    let pair = pairOf(ac, stream)
    let first = place + <usize>((pair >> 4) & 63)
    let second = first + <usize>((pair >> 10) & 63)
    if (second < 64) {
      writePair(block, places, first, second, pair)
      at += <usize>(pair & 15)
      stream <<= <u64>(pair & 15)
      place = second
      pair = pairOf(ac, stream)
      first = place + <usize>((pair >> 4) & 63)
      second = first + <usize>((pair >> 10) & 63)
      if (second < 64) {
        writePair(block, places, first, second, pair)
        at += <usize>(pair & 15)
        stream <<= <u64>(pair & 15)
        place = second
        pair = pairOf(ac, stream)
        first = place + <usize>((pair >> 4) & 63)
        second = first + <usize>((pair >> 10) & 63)
        if (second < 64) {
          writePair(block, places, first, second, pair)
          at += <usize>(pair & 15)
          place = second
          continue
        }
      }
    }
    if (first < 64 && second - first == endOfBlock) {
      // Where the end stands alone, the first is none, and written where it does no harm.
      store<i16>(block + (first == place ? 128 : <usize>load<u8>(places + first)), <i16>(pair >> 24))
      at += <usize>(pair & 15)
      place = first
      break
    }
    // One symbol of any kind: too long for the table, or the last of a full block.
    symbol = symbolOf(ac, stream)
    if (symbol < 0) return false
    stream <<= <u64>(symbol & 0xff)
    at += <usize>(symbol & 0xff)
    size = (symbol >> 8) & 15
    if (size == 0) {
      if (symbol >> 8 == 0) break
      if (symbol >> 8 != 0xf0) return false
      place += 16
    } else {
      place += <usize>((symbol >> 12) + 1)
      store<i16>(block + <usize>load<u8>(places + place), <i16>signed(<i32>(stream >> (64 - <u64>size)), size))
      at += <usize>size
    }
    if (place >= 64) {
      if (place > 64) return false
      break
    }
  }
  position = at
  store<i32>(block, <i32>place - 1, lastAt)
  return true
}

/**
 * A block as 8 x 8 samples: of rows `step` bytes apart where `upright`, else of columns `step` bytes apart. `quantisers`:
 * eight rows of quantisers and then eight of what a coefficient may be at most; four times what 8-bit samples can need is
 * too much: sums that overflow do so in each decoder's own way. `constants`: see jpeg.ts. `centre` is added to the samples,
 * by its bits. Answers whether the coefficients were in bounds.
 */
// @ts-ignore: decorator
@inline
function writeBlock(block: usize, quantisers: usize, constants: usize, centre: v128, to: usize, step: usize, upright: bool): bool {
  const last = load<i32>(block, lastAt)
  const q0 = v128.load(block)
  let beyond = i16x8.gt_s(i16x8.abs(q0), v128.load(quantisers, 128))
  const in0 = i16x8.mul(q0, v128.load(quantisers))
  if (last == 0) {
    const level = i16x8.splat(<i16>((<i32>i16x8.extract_lane_s(in0, 0) + 4) >> 3))
    const samples = v128.xor(i8x16.narrow_i16x8_s(level, level), centre)
    for (let row = 0; row < 8; row++, to += step) v128.store64_lane(to, samples, 0)
    return !v128.any_true(beyond)
  }
  const q1 = v128.load(block, 16)
  const q2 = v128.load(block, 32)
  const q3 = v128.load(block, 48)
  beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q1), v128.load(quantisers, 144)))
  beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q2), v128.load(quantisers, 160)))
  beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q3), v128.load(quantisers, 176)))
  const in1 = i16x8.mul(q1, v128.load(quantisers, 16))
  const in2 = i16x8.mul(q2, v128.load(quantisers, 32))
  const in3 = i16x8.mul(q3, v128.load(quantisers, 48))
  if (last < 10) {
    // Nothing outside the 4 x 4 lowest frequencies.
    narrowColumns(in0, in1, in2, in3, block, constants)
    sparseColumns(v128.load(block), v128.load(block, 16), v128.load(block, 32), v128.load(block, 48), block, constants)
  } else {
    const q4 = v128.load(block, 64)
    const q5 = v128.load(block, 80)
    const q6 = v128.load(block, 96)
    const q7 = v128.load(block, 112)
    beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q4), v128.load(quantisers, 192)))
    beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q5), v128.load(quantisers, 208)))
    beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q6), v128.load(quantisers, 224)))
    beyond = v128.or(beyond, i16x8.gt_s(i16x8.abs(q7), v128.load(quantisers, 240)))
    const in4 = i16x8.mul(q4, v128.load(quantisers, 64))
    const in5 = i16x8.mul(q5, v128.load(quantisers, 80))
    const in6 = i16x8.mul(q6, v128.load(quantisers, 96))
    const in7 = i16x8.mul(q7, v128.load(quantisers, 112))
    columns(in0, in1, in2, in3, in4, in5, in6, in7, block, constants, 11, 256)
    transpose(block)
    columns(
      v128.load(block),
      v128.load(block, 16),
      v128.load(block, 32),
      v128.load(block, 48),
      v128.load(block, 64),
      v128.load(block, 80),
      v128.load(block, 96),
      v128.load(block, 112),
      block,
      constants,
      18,
      272,
    )
  }
  if (upright) transpose(block)
  for (let row: usize = 0; row < 128; row += 32, to += 2 * step) {
    const samples = v128.xor(i8x16.narrow_i16x8_s(v128.load(block + row), v128.load(block + row, 16)), centre)
    v128.store64_lane(to, samples, 0)
    v128.store64_lane(to + step, samples, 1)
  }
  return !v128.any_true(beyond)
}

/** One pass along columns; `half` is where the constants hold what rounds. */
// @ts-ignore: decorator
@inline
function columns(
  in0: v128,
  in1: v128,
  in2: v128,
  in3: v128,
  in4: v128,
  in5: v128,
  in6: v128,
  in7: v128,
  to: usize,
  constants: usize,
  shift: i32,
  half: usize,
): void {
  const rounding = v128.load(constants + half)
  const low04 = lowPairs(in0, in4)
  const high04 = highPairs(in0, in4)
  const low26 = lowPairs(in2, in6)
  const high26 = highPairs(in2, in6)
  const e0l = i32x4.add(i32x4.dot_i16x8_s(low04, v128.load(constants)), rounding)
  const e0h = i32x4.add(i32x4.dot_i16x8_s(high04, v128.load(constants)), rounding)
  const e1l = i32x4.add(i32x4.dot_i16x8_s(low04, v128.load(constants, 16)), rounding)
  const e1h = i32x4.add(i32x4.dot_i16x8_s(high04, v128.load(constants, 16)), rounding)
  const e3l = i32x4.dot_i16x8_s(low26, v128.load(constants, 32))
  const e3h = i32x4.dot_i16x8_s(high26, v128.load(constants, 32))
  const e2l = i32x4.dot_i16x8_s(low26, v128.load(constants, 48))
  const e2h = i32x4.dot_i16x8_s(high26, v128.load(constants, 48))
  const low13 = lowPairs(in1, in3)
  const high13 = highPairs(in1, in3)
  const low57 = lowPairs(in5, in7)
  const high57 = highPairs(in5, in7)
  write(to, 0, i32x4.add(e0l, e3l), i32x4.add(e0h, e3h), oddOf(low13, low57, constants, 160), oddOf(high13, high57, constants, 160), shift)
  write(to, 16, i32x4.add(e1l, e2l), i32x4.add(e1h, e2h), oddOf(low13, low57, constants, 128), oddOf(high13, high57, constants, 128), shift)
  write(to, 32, i32x4.sub(e1l, e2l), i32x4.sub(e1h, e2h), oddOf(low13, low57, constants, 96), oddOf(high13, high57, constants, 96), shift)
  write(to, 48, i32x4.sub(e0l, e3l), i32x4.sub(e0h, e3h), oddOf(low13, low57, constants, 64), oddOf(high13, high57, constants, 64), shift)
}

/** The second pass where only the four lowest frequencies are there. */
// @ts-ignore: decorator
@inline
function sparseColumns(in0: v128, in1: v128, in2: v128, in3: v128, to: usize, constants: usize): void {
  const rounding = v128.load(constants, 272)
  const low02 = lowPairs(in0, in2)
  const high02 = highPairs(in0, in2)
  const low13 = lowPairs(in1, in3)
  const high13 = highPairs(in1, in3)
  write(to, 0, evenOf(low02, constants, 192, rounding), evenOf(high02, constants, 192, rounding), i32x4.dot_i16x8_s(low13, v128.load(constants, 160)), i32x4.dot_i16x8_s(high13, v128.load(constants, 160)), 18)
  write(to, 16, evenOf(low02, constants, 208, rounding), evenOf(high02, constants, 208, rounding), i32x4.dot_i16x8_s(low13, v128.load(constants, 128)), i32x4.dot_i16x8_s(high13, v128.load(constants, 128)), 18)
  write(to, 32, evenOf(low02, constants, 224, rounding), evenOf(high02, constants, 224, rounding), i32x4.dot_i16x8_s(low13, v128.load(constants, 96)), i32x4.dot_i16x8_s(high13, v128.load(constants, 96)), 18)
  write(to, 48, evenOf(low02, constants, 240, rounding), evenOf(high02, constants, 240, rounding), i32x4.dot_i16x8_s(low13, v128.load(constants, 64)), i32x4.dot_i16x8_s(high13, v128.load(constants, 64)), 18)
}

/** The first pass over four columns of four, transposed: four rows of eight. */
// @ts-ignore: decorator
@inline
function narrowColumns(in0: v128, in1: v128, in2: v128, in3: v128, to: usize, constants: usize): void {
  const rounding = v128.load(constants, 256)
  const even = lowPairs(in0, in2)
  const odd = lowPairs(in1, in3)
  const e0 = evenOf(even, constants, 192, rounding)
  const e1 = evenOf(even, constants, 208, rounding)
  const e2 = evenOf(even, constants, 224, rounding)
  const e3 = evenOf(even, constants, 240, rounding)
  const o0 = i32x4.dot_i16x8_s(odd, v128.load(constants, 160))
  const o1 = i32x4.dot_i16x8_s(odd, v128.load(constants, 128))
  const o2 = i32x4.dot_i16x8_s(odd, v128.load(constants, 96))
  const o3 = i32x4.dot_i16x8_s(odd, v128.load(constants, 64))
  const r04 = descaled(i32x4.add(e0, o0), i32x4.sub(e3, o3), 11)
  const r15 = descaled(i32x4.add(e1, o1), i32x4.sub(e2, o2), 11)
  const r26 = descaled(i32x4.add(e2, o2), i32x4.sub(e1, o1), 11)
  const r37 = descaled(i32x4.add(e3, o3), i32x4.sub(e0, o0), 11)
  const r01 = lowPairs(r04, r15)
  const r45 = highPairs(r04, r15)
  const r23 = lowPairs(r26, r37)
  const r67 = highPairs(r26, r37)
  const a = v128.shuffle<i32>(r01, r23, 0, 4, 1, 5)
  const b = v128.shuffle<i32>(r01, r23, 2, 6, 3, 7)
  const c = v128.shuffle<i32>(r45, r67, 0, 4, 1, 5)
  const d = v128.shuffle<i32>(r45, r67, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(a, c, 0, 2))
  v128.store(to, v128.shuffle<i64>(a, c, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(b, d, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(b, d, 1, 3), 48)
}

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}

// @ts-ignore: decorator
@inline
function evenOf(in02: v128, constants: usize, at: usize, rounding: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(in02, v128.load(constants + at)), rounding)
}

// @ts-ignore: decorator
@inline
function oddOf(in13: v128, in57: v128, constants: usize, at: usize): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(in13, v128.load(constants + at)), i32x4.dot_i16x8_s(in57, v128.load(constants + at, 16)))
}

/** A row and the one opposite, from their even and odd parts. */
// @ts-ignore: decorator
@inline
function write(to: usize, row: usize, evenLow: v128, evenHigh: v128, oddLow: v128, oddHigh: v128, shift: i32): void {
  v128.store(to + row, descaled(i32x4.add(evenLow, oddLow), i32x4.add(evenHigh, oddHigh), shift))
  v128.store(to + 112 - row, descaled(i32x4.sub(evenLow, oddLow), i32x4.sub(evenHigh, oddHigh), shift))
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
 * MCUs one after the other, into planes: of rows where `upright`, else of columns. `components`: for each 32 bytes: blocks
 * across and down in an MCU (8 bits each), which of the two centres (8 bits), DC table, AC table, quantisers, prediction
 * (the value itself), plane, and the bytes from one row (or column) to the next. The planes' pointers move on by one MCU
 * each. All blocks of an MCU are read before the first is transformed, so that what was written in pieces has settled
 * when it is read as vectors. Answers whether all could be read.
 */
export function readMcus(count: i32, components: usize, componentCount: i32, blocks: usize, places: usize, constants: usize, upright: bool): bool {
  const stop = components + (<usize>componentCount << 5)
  for (; count > 0; count--) {
    let block = blocks
    for (let at = components; at < stop; at += 32) {
      const dc = <usize>load<u32>(at, 4)
      const ac = <usize>load<u32>(at, 8)
      for (let left = <i32>load<u8>(at) * <i32>load<u8>(at, 1); left > 0; left--, block += blockBytes)
        if (!readBlock(block, dc, ac, places, at + 16)) return false
    }
    block = blocks
    for (let at = components; at < stop; at += 32) {
      const across = <usize>load<u8>(at)
      const down = <usize>load<u8>(at, 1)
      const centre = v128.load(constants + (<usize>load<u8>(at, 2) << 4), 288)
      const quantisers = <usize>load<u32>(at, 12)
      const plane = <usize>load<u32>(at, 20)
      const step = <usize>load<u32>(at, 24)
      const rowStep: usize = upright ? step << 3 : 8
      const columnStep: usize = upright ? 8 : step << 3
      for (let row: usize = 0; row < down; row++)
        for (let column: usize = 0; column < across; column++, block += blockBytes)
          if (!writeBlock(block, quantisers, constants, centre, plane + row * rowStep + column * columnStep, step, upright)) return false
      store<u32>(at, <u32>(plane + across * columnStep), 20)
    }
  }
  return true
}
