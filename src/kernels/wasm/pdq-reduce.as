// AssemblyScript 0.28.20; jpeg.as says how to build. The fast twin of `reduce`, `dct` and `qualityOf` in ../pdq.ts: four
// rows or four columns at a time, every operation on 32-bit floats in the same order, so that the bits are the same.
// Pointers are bytes.
//
// Rows go through in blocks of 16. In "lanes" one column's 16 rows lie side by side (64 bytes), so that running sums
// along a row become running sums over vectors; four of them in flight hide each other's latency. Lanes are surrounded
// by zeros: entering or leaving zeros change no sum, so that the ends of a row need no code of their own.

/**
 * Luma of four rows of interleaved RGB into lanes; `lanes` points at the four's place in the first column. Reads up to
 * 15 bytes past a row. Constants come from memory (see `lumaConstants` in pdq-reduce.ts): V8 builds literal vectors anew
 * at each use, which doubles the time of this loop.
 */
export function lumaRgb4(rgb: usize, rgbStride: usize, width: i32, lanes: usize, constants: usize): void {
  const apart = v128.load(constants)
  const byte = v128.load(constants, 16)
  const red = v128.load(constants, 32)
  const green = v128.load(constants, 48)
  const blue = v128.load(constants, 64)
  const stop = lanes + ((<usize>((width + 3) & ~3)) << 6)
  for (; lanes < stop; lanes += 256, rgb += 12) {
    const a = lumaOf(v128.load(rgb), apart, byte, red, green, blue)
    const b = lumaOf(v128.load(rgb + rgbStride), apart, byte, red, green, blue)
    const c = lumaOf(v128.load(rgb + 2 * rgbStride), apart, byte, red, green, blue)
    const d = lumaOf(v128.load(rgb + 3 * rgbStride), apart, byte, red, green, blue)
    turnTo(a, b, c, d, lanes, 64)
  }
}

/**
 * Averages along 16 rows in lanes, written as 16 ordinary rows. `alternate`: the lanes hold rows 0, 2 ... 14 and then 1,
 * 3 ... 15.
 */
export function boxRows16(lanes: usize, width: i32, window: i32, ahead: i32, counts: usize, out: usize, stride: usize, alternate: bool): void {
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let enter = lanes
  for (let left = ahead - 1; left > 0; left--, enter += 64) {
    s0 = f32x4.add(s0, v128.load(enter))
    s1 = f32x4.add(s1, v128.load(enter, 16))
    s2 = f32x4.add(s2, v128.load(enter, 32))
    s3 = f32x4.add(s3, v128.load(enter, 48))
  }
  const apart: usize = alternate ? 2 * stride : stride
  const out1 = out + 4 * apart
  const out2 = alternate ? out + stride : out + 8 * stride
  const out3 = out2 + 4 * apart
  const back = (<usize>window) << 6
  const stop = <usize>((width + 3) & ~3) << 2
  for (let x: usize = 0; x < stop; x += 16, enter += 256) {
    const leave = enter - back
    const n0 = v128.load32_splat(counts + x)
    const n1 = v128.load32_splat(counts + x, 4)
    const n2 = v128.load32_splat(counts + x, 8)
    const n3 = v128.load32_splat(counts + x, 12)
    let a = (s0 = f32x4.sub(f32x4.add(s0, v128.load(enter)), v128.load(leave)))
    let b = (s0 = f32x4.sub(f32x4.add(s0, v128.load(enter, 64)), v128.load(leave, 64)))
    let c = (s0 = f32x4.sub(f32x4.add(s0, v128.load(enter, 128)), v128.load(leave, 128)))
    let d = (s0 = f32x4.sub(f32x4.add(s0, v128.load(enter, 192)), v128.load(leave, 192)))
    turnTo(f32x4.div(a, n0), f32x4.div(b, n1), f32x4.div(c, n2), f32x4.div(d, n3), out + x, apart)
    a = s1 = f32x4.sub(f32x4.add(s1, v128.load(enter, 16)), v128.load(leave, 16))
    b = s1 = f32x4.sub(f32x4.add(s1, v128.load(enter, 80)), v128.load(leave, 80))
    c = s1 = f32x4.sub(f32x4.add(s1, v128.load(enter, 144)), v128.load(leave, 144))
    d = s1 = f32x4.sub(f32x4.add(s1, v128.load(enter, 208)), v128.load(leave, 208))
    turnTo(f32x4.div(a, n0), f32x4.div(b, n1), f32x4.div(c, n2), f32x4.div(d, n3), out1 + x, apart)
    a = s2 = f32x4.sub(f32x4.add(s2, v128.load(enter, 32)), v128.load(leave, 32))
    b = s2 = f32x4.sub(f32x4.add(s2, v128.load(enter, 96)), v128.load(leave, 96))
    c = s2 = f32x4.sub(f32x4.add(s2, v128.load(enter, 160)), v128.load(leave, 160))
    d = s2 = f32x4.sub(f32x4.add(s2, v128.load(enter, 224)), v128.load(leave, 224))
    turnTo(f32x4.div(a, n0), f32x4.div(b, n1), f32x4.div(c, n2), f32x4.div(d, n3), out2 + x, apart)
    a = s3 = f32x4.sub(f32x4.add(s3, v128.load(enter, 48)), v128.load(leave, 48))
    b = s3 = f32x4.sub(f32x4.add(s3, v128.load(enter, 112)), v128.load(leave, 112))
    c = s3 = f32x4.sub(f32x4.add(s3, v128.load(enter, 176)), v128.load(leave, 176))
    d = s3 = f32x4.sub(f32x4.add(s3, v128.load(enter, 240)), v128.load(leave, 240))
    turnTo(f32x4.div(a, n0), f32x4.div(b, n1), f32x4.div(c, n2), f32x4.div(d, n3), out3 + x, apart)
  }
}

/** Adds a row to the running column sums. */
export function addRow(sums: usize, row: usize, stride: usize): void {
  for (let at: usize = 0; at < stride; at += 16) v128.store(sums + at, f32x4.add(v128.load(sums + at), v128.load(row + at)))
}

/** Four steps of the column filter over whole rows, averaged, into lanes. `rows`: four entering and four leaving rows. */
export function slide4(sums: usize, rows: usize, counts: usize, stride: usize, lanes: usize): void {
  const enter0 = <usize>load<u32>(rows)
  const enter1 = <usize>load<u32>(rows, 4)
  const enter2 = <usize>load<u32>(rows, 8)
  const enter3 = <usize>load<u32>(rows, 12)
  const leave0 = <usize>load<u32>(rows, 16)
  const leave1 = <usize>load<u32>(rows, 20)
  const leave2 = <usize>load<u32>(rows, 24)
  const leave3 = <usize>load<u32>(rows, 28)
  const n0 = v128.load32_splat(counts)
  const n1 = v128.load32_splat(counts, 4)
  const n2 = v128.load32_splat(counts, 8)
  const n3 = v128.load32_splat(counts, 12)
  for (let at: usize = 0; at < stride; at += 16, lanes += 256) {
    const a = f32x4.sub(f32x4.add(v128.load(sums + at), v128.load(enter0 + at)), v128.load(leave0 + at))
    const b = f32x4.sub(f32x4.add(a, v128.load(enter1 + at)), v128.load(leave1 + at))
    const c = f32x4.sub(f32x4.add(b, v128.load(enter2 + at)), v128.load(leave2 + at))
    const d = f32x4.sub(f32x4.add(c, v128.load(enter3 + at)), v128.load(leave3 + at))
    v128.store(sums + at, d)
    turnTo(f32x4.div(a, n0), f32x4.div(b, n1), f32x4.div(c, n2), f32x4.div(d, n3), lanes, 64)
  }
}

/** Averages along 16 rows in lanes at 64 columns (ascending byte offsets of lanes and counts), as 16 rows of 64. */
export function sampleRows16(lanes: usize, window: i32, ahead: i32, columns: usize, counts: usize, out: usize): void {
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let enter = lanes
  for (let left = ahead - 1; left > 0; left--, enter += 64) {
    s0 = f32x4.add(s0, v128.load(enter))
    s1 = f32x4.add(s1, v128.load(enter, 16))
    s2 = f32x4.add(s2, v128.load(enter, 32))
    s3 = f32x4.add(s3, v128.load(enter, 48))
  }
  const back = (<usize>window) << 6
  const base = enter
  for (let at: usize = 0; at < 256; at += 4) {
    const column = <usize>load<u32>(columns + at)
    const stop = base + (column << 6)
    for (; enter <= stop; enter += 64) {
      const leave = enter - back
      s0 = f32x4.sub(f32x4.add(s0, v128.load(enter)), v128.load(leave))
      s1 = f32x4.sub(f32x4.add(s1, v128.load(enter, 16)), v128.load(leave, 16))
      s2 = f32x4.sub(f32x4.add(s2, v128.load(enter, 32)), v128.load(leave, 32))
      s3 = f32x4.sub(f32x4.add(s3, v128.load(enter, 48)), v128.load(leave, 48))
    }
    const count = v128.load32_splat(counts + (column << 2))
    spread(f32x4.div(s0, count), out + at)
    spread(f32x4.div(s1, count), out + at + 1024)
    spread(f32x4.div(s2, count), out + at + 2048)
    spread(f32x4.div(s3, count), out + at + 3072)
  }
}

/** The last column pass: averages of the 64 columns at 64 rows (ascending). `rows` is followed by `ahead` rows of zeros, and preceded by `window`. */
export function sampleColumns(rows: usize, window: i32, ahead: i32, samples: usize, counts: usize, luma64: usize): void {
  const back = (<usize>window) << 8
  for (let column: usize = 0; column < 256; column += 16) {
    let sum = f32x4.splat(0)
    let enter = rows + column
    for (let left = ahead - 1; left > 0; left--, enter += 256) sum = f32x4.add(sum, v128.load(enter))
    const base = enter
    for (let at: usize = 0; at < 256; at += 4) {
      const row = <usize>load<u32>(samples + at)
      const stop = base + (row << 8)
      for (; enter <= stop; enter += 256) sum = f32x4.sub(f32x4.add(sum, v128.load(enter)), v128.load(enter - back))
      v128.store(luma64 + (at << 6) + column, f32x4.div(sum, v128.load32_splat(counts + (row << 2))))
    }
  }
}

/** Frequencies 1 to 16 of 64 x 64 luma. `matrix` is 16 rows of 64, `turned` the same as 64 rows of 16, `half` room for 4,096 bytes. */
export function dct(luma64: usize, matrix: usize, turned: usize, half: usize, out: usize): void {
  for (let row: usize = 0; row < 16; row++)
    for (let column: usize = 0; column < 256; column += 64) {
      let s0 = f32x4.splat(0)
      let s1 = s0
      let s2 = s0
      let s3 = s0
      let from = luma64 + column
      for (let k = matrix + (row << 8), stop = k + 256; k < stop; k += 4, from += 256) {
        const m = v128.load32_splat(k)
        s0 = f32x4.add(s0, f32x4.mul(m, v128.load(from)))
        s1 = f32x4.add(s1, f32x4.mul(m, v128.load(from, 16)))
        s2 = f32x4.add(s2, f32x4.mul(m, v128.load(from, 32)))
        s3 = f32x4.add(s3, f32x4.mul(m, v128.load(from, 48)))
      }
      const to = half + (row << 8) + column
      v128.store(to, s0)
      v128.store(to, s1, 16)
      v128.store(to, s2, 32)
      v128.store(to, s3, 48)
    }
  for (let row: usize = 0; row < 16; row++) {
    let s0 = f32x4.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    let from = turned
    for (let k = half + (row << 8), stop = k + 256; k < stop; k += 4, from += 64) {
      const h = v128.load32_splat(k)
      s0 = f32x4.add(s0, f32x4.mul(h, v128.load(from)))
      s1 = f32x4.add(s1, f32x4.mul(h, v128.load(from, 16)))
      s2 = f32x4.add(s2, f32x4.mul(h, v128.load(from, 32)))
      s3 = f32x4.add(s3, f32x4.mul(h, v128.load(from, 48)))
    }
    const to = out + (row << 6)
    v128.store(to, s0)
    v128.store(to, s1, 16)
    v128.store(to, s2, 32)
    v128.store(to, s3, 48)
  }
}

/** Sum of the quantised gradients of 64 x 64 luma; it must be followed by 16 readable bytes. */
export function gradients(luma64: usize): i32 {
  let sum = i32x4.splat(0)
  for (let at: usize = 0; at < 63 * 256; at += 16)
    sum = i32x4.add(sum, stepOf(v128.load(luma64 + at), v128.load(luma64 + at, 256)))
  for (let row: usize = 0; row < 64; row++) {
    const from = luma64 + (row << 8)
    for (let at: usize = 0; at < 240; at += 16) sum = i32x4.add(sum, stepOf(v128.load(from + at), v128.load(from + at, 4)))
    // The last column has no right neighbour: its own value stands in, and steps by nothing.
    const last = v128.load(from, 240)
    sum = i32x4.add(sum, stepOf(last, v128.shuffle<f32>(last, last, 1, 2, 3, 3)))
  }
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3)
}

// @ts-ignore: decorator
@inline
function stepOf(u: v128, v: v128): v128 {
  const scaled = f32x4.div(f32x4.mul(f32x4.sub(u, v), f32x4.splat(100)), f32x4.splat(255))
  return i32x4.abs(i32x4.trunc_sat_f32x4_s(scaled))
}

/** Luma of the first four of five RGB pixels. */
// @ts-ignore: decorator
@inline
function lumaOf(rgb: v128, apart: v128, byte: v128, red: v128, green: v128, blue: v128): v128 {
  const pixels = i8x16.swizzle(rgb, apart)
  return f32x4.add(
    f32x4.add(
      f32x4.mul(red, f32x4.convert_i32x4_s(v128.and(pixels, byte))),
      f32x4.mul(green, f32x4.convert_i32x4_s(v128.and(i32x4.shr_u(pixels, 8), byte))),
    ),
    f32x4.mul(blue, f32x4.convert_i32x4_s(i32x4.shr_u(pixels, 16))),
  )
}

// @ts-ignore: decorator
@inline
function spread(value: v128, to: usize): void {
  v128.store32_lane(to, value, 0)
  v128.store32_lane(to, value, 1, 256)
  v128.store32_lane(to, value, 2, 512)
  v128.store32_lane(to, value, 3, 768)
}

/** Writes 4 x 4 floats transposed. */
// @ts-ignore: decorator
@inline
function turnTo(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize): void {
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
  const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
  const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5))
  v128.store(to + stride, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7))
  v128.store(to + 2 * stride, v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5))
  v128.store(to + 3 * stride, v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7))
}
