// AssemblyScript 0.28.20; jpeg.as says how to build. Planes of samples (jpeg.as) to RGB or to the luma that PDQ filters,
// with the arithmetic of libjpeg's "fancy" upsampling and colour conversion (jdsample.c, jdcolor.c), so that the pixels
// are the same. Red and blue need 1.402 and 1.772 times the chroma, rounded: 13,174 and -7,471 in units of 1/32,768, with
// the chroma once and twice, round alike for every chroma there is.

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
 * One row of RGB. Writes up to 52 bytes more than the row. `constants`: factors of red, blue and green, half of 65,536,
 * and the order of bytes.
 */
export function colourRow(luma: usize, cb: usize, cr: usize, width: i32, to: usize, constants: usize): void {
  const redBy = v128.load(constants)
  const blueBy = v128.load(constants, 16)
  const greenBy = v128.load(constants, 32)
  const half = v128.load(constants, 48)
  const close = v128.load(constants, 64)
  const zero = i32x4.splat(0)
  for (let at: usize = 0, stop = <usize>width; at < stop; at += 16, to += 48) {
    const u0 = v128.load(cb + (at << 1))
    const u1 = v128.load(cb + (at << 1), 16)
    const v0 = v128.load(cr + (at << 1))
    const v1 = v128.load(cr + (at << 1), 16)
    const y0 = v128.load8x8_u(luma + at)
    const y1 = v128.load8x8_u(luma + at, 8)
    const red = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, v0), i16x8.q15mulr_sat_s(v0, redBy)),
      i16x8.add(i16x8.add(y1, v1), i16x8.q15mulr_sat_s(v1, redBy)),
    )
    const green = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.sub(y0, v0), greenPart(u0, v0, greenBy, half)),
      i16x8.add(i16x8.sub(y1, v1), greenPart(u1, v1, greenBy, half)),
    )
    const blue = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, i16x8.shl(u0, 1)), i16x8.q15mulr_sat_s(u0, blueBy)),
      i16x8.add(i16x8.add(y1, i16x8.shl(u1, 1)), i16x8.q15mulr_sat_s(u1, blueBy)),
    )
    storeRgb(red, green, blue, zero, close, to)
  }
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
  const close = v128.load(constants, 64)
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

/**
 * Luma of 16 rows, whose chroma has half as many rows and columns, into lanes (pdq-reduce.as): rows 0, 2 ... 14 and then
 * 1, 3 ... 15. Samples come in columns: 16 of luma, 8 around 0 of chroma. `above` and `below` are chroma of the 16 rows
 * before and after. `constants` as above, then 255 as numbers of 16 bits and the weights of red, green and blue.
 */
export function lumaColumns(
  luma: usize,
  cb: usize,
  cr: usize,
  above: usize,
  below: usize,
  crFromCb: usize,
  count: i32,
  lanes: usize,
  constants: usize,
): void {
  let cbOwn = v128.load8x8_s(cb)
  let crOwn = v128.load8x8_s(cr)
  let thrice = i16x8.add(i16x8.shl(cbOwn, 1), cbOwn)
  let cbEven = i16x8.add(thrice, before(cbOwn, above))
  let cbOdd = i16x8.add(thrice, after(cbOwn, below))
  thrice = i16x8.add(i16x8.shl(crOwn, 1), crOwn)
  let crEven = i16x8.add(thrice, before(crOwn, above + crFromCb))
  let crOdd = i16x8.add(thrice, after(crOwn, below + crFromCb))
  let cbEvenLast = cbEven
  let cbOddLast = cbOdd
  let crEvenLast = crEven
  let crOddLast = crOdd
  for (; count > 0; count--, luma += 32, lanes += 128) {
    let cbEvenNext = cbEven
    let cbOddNext = cbOdd
    let crEvenNext = crEven
    let crOddNext = crOdd
    if (count > 1) {
      cb += 8
      cr += 8
      above += 8
      below += 8
      cbOwn = v128.load8x8_s(cb)
      crOwn = v128.load8x8_s(cr)
      thrice = i16x8.add(i16x8.shl(cbOwn, 1), cbOwn)
      cbEvenNext = i16x8.add(thrice, before(cbOwn, above))
      cbOddNext = i16x8.add(thrice, after(cbOwn, below))
      thrice = i16x8.add(i16x8.shl(crOwn, 1), crOwn)
      crEvenNext = i16x8.add(thrice, before(crOwn, above + crFromCb))
      crOddNext = i16x8.add(thrice, after(crOwn, below + crFromCb))
    }
    const y0 = v128.load(luma)
    const y1 = v128.load(luma, 16)
    // Columns 2 n and 2 n + 1, of each the even rows and the odd ones.
    const bytes = v128.load(constants, 80)
    let u = i16x8.add(i16x8.add(i16x8.shl(cbEven, 1), cbEven), v128.load(constants, 144))
    let v = i16x8.add(i16x8.add(i16x8.shl(crEven, 1), crEven), v128.load(constants, 144))
    writeLuma(v128.and(y0, bytes), i16x8.shr_s(i16x8.add(u, cbEvenLast), 4), i16x8.shr_s(i16x8.add(v, crEvenLast), 4), lanes, constants)
    u = i16x8.add(u, v128.load(constants, 160))
    v = i16x8.add(v, v128.load(constants, 160))
    writeLuma(v128.and(y1, bytes), i16x8.shr_s(i16x8.add(u, cbEvenNext), 4), i16x8.shr_s(i16x8.add(v, crEvenNext), 4), lanes + 64, constants)
    u = i16x8.add(i16x8.add(i16x8.shl(cbOdd, 1), cbOdd), v128.load(constants, 144))
    v = i16x8.add(i16x8.add(i16x8.shl(crOdd, 1), crOdd), v128.load(constants, 144))
    writeLuma(i16x8.shr_u(y0, 8), i16x8.shr_s(i16x8.add(u, cbOddLast), 4), i16x8.shr_s(i16x8.add(v, crOddLast), 4), lanes + 32, constants)
    u = i16x8.add(u, v128.load(constants, 160))
    v = i16x8.add(v, v128.load(constants, 160))
    writeLuma(i16x8.shr_u(y1, 8), i16x8.shr_s(i16x8.add(u, cbOddNext), 4), i16x8.shr_s(i16x8.add(v, crOddNext), 4), lanes + 96, constants)
    cbEvenLast = cbEven
    cbOddLast = cbOdd
    crEvenLast = crEven
    crOddLast = crOdd
    cbEven = cbEvenNext
    cbOdd = cbOddNext
    crEven = crEvenNext
    crOdd = crOddNext
  }
}

/** The column moved down by one: what lies before each. */
// @ts-ignore: decorator
@inline
function before(own: v128, above: usize): v128 {
  return v128.shuffle<i16>(v128.load8x8_s(above), own, 7, 8, 9, 10, 11, 12, 13, 14)
}

// @ts-ignore: decorator
@inline
function after(own: v128, below: usize): v128 {
  return v128.shuffle<i16>(own, v128.load8x8_s(below), 1, 2, 3, 4, 5, 6, 7, 8)
}

/** Luma of eight pixels. */
// @ts-ignore: decorator
@inline
function writeLuma(y: v128, u: v128, v: v128, to: usize, constants: usize): void {
  const zero = i32x4.splat(0)
  const most = v128.load(constants, 80)
  const red = clamped(i16x8.add(i16x8.add(y, v), i16x8.q15mulr_sat_s(v, v128.load(constants))), zero, most)
  const green = clamped(i16x8.add(i16x8.sub(y, v), greenPart(u, v, v128.load(constants, 32), v128.load(constants, 48))), zero, most)
  const blue = clamped(i16x8.add(i16x8.add(y, i16x8.shl(u, 1)), i16x8.q15mulr_sat_s(u, v128.load(constants, 16))), zero, most)
  const byRed = v128.load(constants, 96)
  const byGreen = v128.load(constants, 112)
  const byBlue = v128.load(constants, 128)
  v128.store(
    to,
    f32x4.add(
      f32x4.add(f32x4.mul(byRed, low(red, zero)), f32x4.mul(byGreen, low(green, zero))),
      f32x4.mul(byBlue, low(blue, zero)),
    ),
  )
  v128.store(
    to,
    f32x4.add(
      f32x4.add(f32x4.mul(byRed, high(red, zero)), f32x4.mul(byGreen, high(green, zero))),
      f32x4.mul(byBlue, high(blue, zero)),
    ),
    16,
  )
}

// @ts-ignore: decorator
@inline
function clamped(value: v128, least: v128, most: v128): v128 {
  return i16x8.min_s(i16x8.max_s(value, least), most)
}

// @ts-ignore: decorator
@inline
function low(values: v128, zero: v128): v128 {
  return f32x4.convert_i32x4_s(v128.shuffle<i16>(values, zero, 0, 8, 1, 9, 2, 10, 3, 11))
}

// @ts-ignore: decorator
@inline
function high(values: v128, zero: v128): v128 {
  return f32x4.convert_i32x4_s(v128.shuffle<i16>(values, zero, 4, 12, 5, 13, 6, 14, 7, 15))
}
