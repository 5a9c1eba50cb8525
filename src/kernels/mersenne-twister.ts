// MT19937 (Matsumoto, Nishimura, "Mersenne twister: a 623-dimensionally equidistributed uniform pseudo-random number
// generator", ACM TOMACS 8, 1998), and numbers drawn from it as PyTorch draws single-precision tensors on a processor, so
// that a fit which began at random there can begin in the same place here.

export type MersenneTwister = {
  uint32: () => number
  /** Single precision from `low` to `high`, of 24 random bits. */
  uniform: (low: number, high: number) => number
  /** As many standard normals as one tensor of this size is filled with. */
  normals: (count: number) => Float32Array
}

const size = 624
const middle = 397
const blockSize = 16

/** The generator in the state that a seed puts it in. */
export function createMersenneTwister(seed: number): MersenneTwister {
  const state = new Uint32Array(size)
  state[0] = seed >>> 0
  for (let at = 1; at < size; at++) {
    const before = state[at - 1]! ^ (state[at - 1]! >>> 30)
    state[at] = Math.imul(1_812_433_253, before) + at
  }
  let next = size
  // The second of a pair of normals waits for the next tensor that is filled one by one.
  let waiting: number | undefined

  const refill = () => {
    for (let at = 0; at < size; at++) {
      const mixed = (state[at]! & 0x8000_0000) | (state[(at + 1) % size]! & 0x7fff_ffff)
      state[at] = state[(at + middle) % size]! ^ (mixed >>> 1) ^ ((mixed & 1) === 1 ? 0x9908_b0df : 0)
    }
    next = 0
  }
  const uint32 = (): number => {
    if (next === size) refill()
    let word = state[next++]!
    word ^= word >>> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return (word ^ (word >>> 18)) >>> 0
  }
  const unit = () => (uint32() & 0xff_ffff) / 0x100_0000
  const double = () => {
    const high = uint32()
    const low = uint32()
    return ((high & 0x1f_ffff) * 0x1_0000_0000 + low) / 2 ** 53
  }
  const oneNormal = (): number => {
    if (waiting !== undefined) {
      const taken = waiting
      waiting = undefined
      return taken
    }
    const angle = 2 * Math.PI * double()
    const radius = Math.sqrt(-2 * Math.log1p(-double()))
    waiting = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  return {
    uint32,
    uniform: (low, high) => Math.fround(Math.fround(unit() * Math.fround(high - low)) + Math.fround(low)),
    normals(count) {
      const values = new Float32Array(count)
      if (count < blockSize) {
        for (let at = 0; at < count; at++) values[at] = oneNormal()
        return values
      }
      for (let at = 0; at < count; at++) values[at] = unit()
      for (let at = 0; at + blockSize <= count; at += blockSize) toNormals(values.subarray(at, at + blockSize))
      if (count % blockSize !== 0) {
        // The last block overlaps the one before it, and is drawn anew.
        const last = values.subarray(count - blockSize)
        for (let at = 0; at < blockSize; at++) last[at] = unit()
        toNormals(last)
      }
      return values
    },
  }
}

/** Eight pairs of uniforms, which lie eight apart, become normals (Box, Muller, 1958). */
function toNormals(block: Float32Array): void {
  for (let at = 0; at < blockSize / 2; at++) {
    const radius = Math.sqrt(-2 * Math.log(1 - block[at]!))
    const angle = 2 * Math.PI * block[at + 8]!
    block[at] = radius * Math.cos(angle)
    block[at + 8] = radius * Math.sin(angle)
  }
}
