/**
 * A 53-bit hash of a string, spread evenly: two 32-bit multiply-xor lanes over UTF-16 units with the finaliser of
 * MurmurHash3 (Appleby 2011). The same on every machine. Not secret: whoever knows it can make collisions.
 */
export function hash53(text: string): number {
  let low = 0x9e3779b9
  let high = 0x85ebca6b
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    low = Math.imul(low ^ unit, 0x9e3779b1)
    high = Math.imul(high ^ unit, 0x5f356495)
    low ^= high >>> 15
  }
  low = mix(low ^ text.length ^ (high >>> 7))
  high = mix(high ^ low)
  return (high & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0)
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
