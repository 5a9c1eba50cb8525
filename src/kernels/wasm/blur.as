// AssemblyScript 0.28.20. The fast twin of `blurPlain` in ../blur.ts: four neighbours at a time, every operation on
// 32-bit floats in the same order, so that the bits are the same. Pointers are bytes; rows are padded to 16 bytes.
//
// To build after a change, in this folder:
//   cp blur.as /tmp/blur.ts
//   npx -y -p assemblyscript@0.28.20 asc /tmp/blur.ts --runtime stub --enable simd --optimizeLevel 3 --noAssert -o /tmp/blur.wasm
// and put the output of `base64 -w0 /tmp/blur.wasm` into blur.wasm.ts. The kernel's tests compare both.

/** Rows of `stride` bytes from `from` to `to`, blurred along and across. `rows` is as large; `padded` holds one wider row. */
export function blur(from: usize, to: usize, rows: usize, padded: usize, width: i32, height: i32, stride: usize, weights: usize, reach: i32): void {
  const middle = v128.load32_splat(weights)
  for (let y = 0; y < height; y++) {
    const row = from + <usize>y * stride
    const first = load<f32>(row)
    const last = load<f32>(row + ((<usize>width - 1) << 2))
    for (let at = 0; at < reach; at++) store<f32>(padded + (<usize>at << 2), first)
    memory.copy(padded + (<usize>reach << 2), row, <usize>width << 2)
    for (let at = 0; at < reach + 4; at++) store<f32>(padded + (<usize>(reach + width + at) << 2), last)
    const out = rows + <usize>y * stride
    for (let x: usize = 0; x < stride; x += 16) {
      const centre = padded + x + (<usize>reach << 2)
      let sum = f32x4.mul(middle, v128.load(centre))
      for (let at: usize = 4; at <= <usize>reach << 2; at += 4)
        sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weights + at), f32x4.add(v128.load(centre - at), v128.load(centre + at))))
      v128.store(out + x, sum)
    }
  }
  for (let y = 0; y < height; y++) {
    const row = rows + <usize>y * stride
    const out = to + <usize>y * stride
    for (let x: usize = 0; x < stride; x += 16) {
      let sum = f32x4.mul(middle, v128.load(row + x))
      for (let at = 1; at <= reach; at++) {
        const above = rows + <usize>(y > at ? y - at : 0) * stride + x
        const below = rows + <usize>(y + at < height ? y + at : height - 1) * stride + x
        sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weights + (<usize>at << 2)), f32x4.add(v128.load(above), v128.load(below))))
      }
      v128.store(out + x, sum)
    }
  }
}
