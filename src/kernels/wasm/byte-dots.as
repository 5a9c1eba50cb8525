// AssemblyScript 0.28.20. The fast twin of the plain sums in ../byte-vectors.ts: eight dimensions at a time. Vectors are
// signed bytes, their length a multiple of 16; sums are 32-bit integers, so both twins agree in every bit.
//
// To build after a change, in this folder:
//   cp byte-dots.as /tmp/byte-dots.ts
//   npx asc /tmp/byte-dots.ts --runtime stub --enable simd --optimizeLevel 3 --noAssert --initialMemory 1 -o /tmp/byte-dots.wasm
// and put the output of `base64 -w0 /tmp/byte-dots.wasm` into byte-dots.wasm.ts. The tests run over both.

/** Dot products of a query (as 16-bit numbers) with the vectors whose numbers stand in `list`, each written to `out`. */
export function dots(query: usize, vectors: usize, length: usize, list: usize, count: i32, out: usize): void {
  const stop = out + (<usize>count << 2)
  for (; out < stop; out += 4, list += 4) {
    store<i32>(out, dot(query, vectors + <usize>load<u32>(list) * length, length))
  }
}

/** The same for `count` vectors that follow each other. */
export function scan(query: usize, vectors: usize, length: usize, count: i32, out: usize): void {
  const stop = out + (<usize>count << 2)
  for (; out < stop; out += 4, vectors += length) store<i32>(out, dot(query, vectors, length))
}

/** The dot product of two vectors. */
export function pair(a: usize, b: usize, length: usize): i32 {
  let even = i32x4.splat(0)
  let odd = i32x4.splat(0)
  const stop = a + length
  for (; a < stop; a += 16, b += 16) {
    even = i32x4.add(even, i32x4.dot_i16x8_s(v128.load_ext<i8>(a), v128.load_ext<i8>(b)))
    odd = i32x4.add(odd, i32x4.dot_i16x8_s(v128.load_ext<i8>(a, 8), v128.load_ext<i8>(b, 8)))
  }
  return total(i32x4.add(even, odd))
}

// @ts-ignore: decorator
@inline
function dot(query: usize, vector: usize, length: usize): i32 {
  let even = i32x4.splat(0)
  let odd = i32x4.splat(0)
  const stop = vector + length
  for (; vector < stop; vector += 16, query += 32) {
    even = i32x4.add(even, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector), v128.load(query)))
    odd = i32x4.add(odd, i32x4.dot_i16x8_s(v128.load_ext<i8>(vector, 8), v128.load(query, 16)))
  }
  return total(i32x4.add(even, odd))
}

// @ts-ignore: decorator
@inline
function total(sums: v128): i32 {
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  )
}
