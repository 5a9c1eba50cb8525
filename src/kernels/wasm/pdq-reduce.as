// AssemblyScript 0.28.20. The fast twin of `reduce` in ../pdq.ts: four rows or four columns at a time, every operation
// on 32-bit floats in the same order, so that the bits are the same. Pointers are bytes; rows are padded to 16 bytes.
//
// To build after a change, in this folder:
//   cp pdq-reduce.as /tmp/pdq-reduce.ts
//   npx -y -p assemblyscript@0.28.20 asc /tmp/pdq-reduce.ts --runtime stub --enable simd --optimizeLevel 3 --noAssert -o /tmp/pdq-reduce.wasm
// and put the output of `base64 -w0 /tmp/pdq-reduce.wasm` into pdq-reduce.wasm.ts. The conformance tests run over both.

/** Luma of four RGB rows, averaged over the window along each row; writes four rows. Reads one byte past the last row. */
export function boxRgb4(rgb: usize, rgbStride: usize, width: i32, window: i32, counts: usize, lanes: usize, out: usize, stride: usize): void {
  const byte = i32x4.splat(0xff)
  for (let x = 0; x < width; x++) {
    const at = rgb + <usize>x * 3
    let pixels = v128.load32_zero(at)
    pixels = v128.load32_lane(at + rgbStride, pixels, 1)
    pixels = v128.load32_lane(at + 2 * rgbStride, pixels, 2)
    pixels = v128.load32_lane(at + 3 * rgbStride, pixels, 3)
    const red = f32x4.mul(f32x4.splat(0.299), f32x4.convert_i32x4_s(v128.and(pixels, byte)))
    const green = f32x4.mul(f32x4.splat(0.587), f32x4.convert_i32x4_s(v128.and(i32x4.shr_u(pixels, 8), byte)))
    const blue = f32x4.mul(f32x4.splat(0.114), f32x4.convert_i32x4_s(v128.and(i32x4.shr_u(pixels, 16), byte)))
    v128.store(lanes + ((<usize>x) << 4), f32x4.add(f32x4.add(red, green), blue))
  }
  boxLanes(lanes, width, window, lanes + (stride << 2))
  const sums = lanes + (stride << 2)
  for (let x = 0; x < width; x++) {
    const at = sums + ((<usize>x) << 4)
    v128.store(at, f32x4.div(v128.load(at), v128.load32_splat(counts + ((<usize>x) << 2))))
  }
  for (let at: usize = 0; at < stride; at += 16) turn(sums + (at << 2), 16, out + at, stride)
}

/** Window sums along four rows of floats; leaves them column by column, four lanes each, behind `lanes`. */
export function boxRows4(rows: usize, stride: usize, width: i32, window: i32, lanes: usize): void {
  for (let at: usize = 0; at < stride; at += 16) turn(rows + at, stride, lanes + (at << 2), 16)
  boxLanes(lanes, width, window, lanes + (stride << 2))
}

/** Takes 64 columns out of the sums of boxRows4, averaged, as four rows of 64. */
export function sample4(sums: usize, counts: usize, columns: usize, out: usize): void {
  for (let at: usize = 0; at < 256; at += 4) {
    const column = <usize>load<i32>(columns + at)
    const value = f32x4.div(v128.load(sums + (column << 4)), v128.load32_splat(counts + (column << 2)))
    v128.store32_lane(out + at, value, 0)
    v128.store32_lane(out + 256 + at, value, 1)
    v128.store32_lane(out + 512 + at, value, 2)
    v128.store32_lane(out + 768 + at, value, 3)
  }
}

/** One step of the column filter over a whole row. */
export function slide(sums: usize, enters: usize, leaves: usize, count: f32, averages: usize, stride: usize): void {
  const counts = f32x4.splat(count)
  for (let at: usize = 0; at < stride; at += 16) {
    const sum = f32x4.sub(f32x4.add(v128.load(sums + at), v128.load(enters + at)), v128.load(leaves + at))
    v128.store(sums + at, sum)
    v128.store(averages + at, f32x4.div(sum, counts))
  }
}

function boxLanes(from: usize, width: i32, window: i32, to: usize): void {
  const end = from + ((<usize>width) << 4)
  const full = from + ((<usize>window) << 4)
  const first = from + ((<usize>((window + 2) / 2 - 1)) << 4)
  let sum = f32x4.splat(0)
  let enter = from
  for (; enter < first; enter += 16) sum = f32x4.add(sum, v128.load(enter))
  for (; enter < full; enter += 16, to += 16) {
    sum = f32x4.add(sum, v128.load(enter))
    v128.store(to, sum)
  }
  let leave = from
  for (; enter < end; enter += 16, leave += 16, to += 16) {
    sum = f32x4.sub(f32x4.add(sum, v128.load(enter)), v128.load(leave))
    v128.store(to, sum)
  }
  // The last outputs: nothing enters any more, and as many leave as had entered before the first output.
  for (let rest = first - from; rest > 0; rest -= 16, leave += 16, to += 16) {
    sum = f32x4.sub(sum, v128.load(leave))
    v128.store(to, sum)
  }
}

/** Transposes 4 x 4 floats. */
// @ts-ignore: decorator
@inline
function turn(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const a = v128.load(from)
  const b = v128.load(from + fromStride)
  const c = v128.load(from + 2 * fromStride)
  const d = v128.load(from + 3 * fromStride)
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
  const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
  const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5))
  v128.store(to + toStride, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7))
  v128.store(to + 2 * toStride, v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5))
  v128.store(to + 3 * toStride, v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7))
}
