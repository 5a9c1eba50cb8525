// AssemblyScript 0.28.20. The fast twin of `nearestPlain` in ../local-pairs.ts: the same comparisons in the same order, with
// 64-bit popcounts. Pointers are bytes.
//
// To build after a change, in this folder:
//   cp local-pairs.as /tmp/local-pairs.ts
//   npx asc /tmp/local-pairs.ts --runtime stub --enable simd --optimizeLevel 3 --noAssert -o /tmp/local-pairs.wasm
// and put the output of `base64 -w0 /tmp/local-pairs.wasm` into local-pairs.wasm.ts. The kernel's tests compare both.

// Places of the entry's features: three 32-bit floats each, x, y and size.
// @ts-ignore: decorator
@inline
function samePlace(places: usize, a: i32, b: i32): bool {
  const one = places + <usize>a * 12
  const other = places + <usize>b * 12
  const near = <f32>1.5 * max<f32>(load<f32>(one, 8), load<f32>(other, 8))
  return abs<f32>(load<f32>(one) - load<f32>(other)) < near && abs<f32>(load<f32>(one, 4) - load<f32>(other, 4)) < near
}

/**
 * For each description of the query (32 bytes) the nearest of the entry: its place in the list or -1 (16 bits), its
 * distance, and that of the nearest at another place of the picture (16 bits each); nothing beyond `distanceMax` counts.
 */
export function nearest(query: usize, queryCount: i32, entry: usize, entryCount: i32, places: usize, distanceMax: i32, out: usize): void {
  for (let from = 0; from < queryCount; from++, query += 32, out += 6) {
    const a = load<u64>(query)
    const b = load<u64>(query, 8)
    const c = load<u64>(query, 16)
    const d = load<u64>(query, 24)
    let best = 257
    let second = 257
    let found = -1
    let at = entry
    for (let to = 0; to < entryCount; to++, at += 32) {
      const half = <i32>(popcnt(load<u64>(at) ^ a) + popcnt(load<u64>(at, 8) ^ b))
      if (half > distanceMax) continue
      const distance = half + <i32>(popcnt(load<u64>(at, 16) ^ c) + popcnt(load<u64>(at, 24) ^ d))
      if (distance > distanceMax) continue
      if (distance < best) {
        // A second feature of the same place is no rival.
        if (found >= 0 && !samePlace(places, found, to)) second = best
        best = distance
        found = to
      } else if (distance < second && !samePlace(places, found, to)) second = distance
    }
    store<i16>(out, <i16>found)
    store<i16>(out, <i16>best, 2)
    store<i16>(out, <i16>second, 4)
  }
}
