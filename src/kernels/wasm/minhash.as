// AssemblyScript 0.28.20. The fast twin of `minhashOf` in ../minhash.ts: four rows at a time.
//
// To build after a change, in this folder:
//   cp minhash.as /tmp/minhash.ts
//   npx asc /tmp/minhash.ts --runtime stub --enable simd --optimizeLevel 3 --noAssert --initialMemory 1 -o /tmp/minhash.wasm
// and put the output of `base64 -w0 /tmp/minhash.wasm` into minhash.wasm.ts. The tests run over both.

/** The smallest `hash * factor + term` of each row over all hashes, as signed words. `rows` is a multiple of 4. */
export function minhash(hashes: usize, count: i32, factors: usize, terms: usize, rows: i32, out: usize): void {
  const end = hashes + ((<usize>count) << 2)
  for (let row: usize = 0; row < <usize>rows << 2; row += 16) {
    const factor = v128.load(factors + row)
    const term = v128.load(terms + row)
    let least = i32x4.splat(0x7fffffff)
    for (let at = hashes; at < end; at += 4)
      least = i32x4.min_s(least, i32x4.add(i32x4.mul(v128.load32_splat(at), factor), term))
    v128.store(out + row, least)
  }
}
