/** One channel of 8-bit brightness as floats, row by row. */
export type Luma = { pixels: Float32Array; width: number; height: number }

/**
 * Brightness (.299, .587, .114) of interleaved 8-bit RGB, made so small that it has about `pixelsMax` pixels; never
 * enlarged. Whole blocks are averaged first and the rest is interpolated, so that every source pixel counts.
 */
export function shrinkLuma(rgb: Uint8Array, width: number, height: number, pixelsMax: number): Luma {
  const shrink = Math.max(1, Math.sqrt((width * height) / pixelsMax))
  const block = Math.floor(shrink)
  const coarse = averageBlocks(rgb, width, height, block)
  const toWidth = Math.max(1, Math.min(coarse.width, Math.round(width / shrink)))
  const toHeight = Math.max(1, Math.min(coarse.height, Math.round(height / shrink)))
  return resample(coarse, toWidth, toHeight)
}

/** Averages of blocks of `block` x `block` pixels; what does not fill a block at the right and bottom is left out. */
function averageBlocks(rgb: Uint8Array, width: number, height: number, block: number): Luma {
  const blockX = Math.min(block, width)
  const blockY = Math.min(block, height)
  const toWidth = Math.floor(width / blockX)
  const toHeight = Math.floor(height / blockY)
  const pixels = new Float32Array(toWidth * toHeight)
  const sums = new Int32Array(toWidth)
  // Weights of 256ths, as whole numbers: the sums are exact in any order.
  const scale = 1 / (256 * blockX * blockY)
  for (let row = 0; row < toHeight; row++) {
    sums.fill(0)
    for (let y = row * blockY; y < (row + 1) * blockY; y++) {
      let at = y * width * 3
      for (let column = 0; column < toWidth; column++) {
        let sum = 0
        for (const end = at + blockX * 3; at < end; at += 3)
          sum += 77 * rgb[at]! + 150 * rgb[at + 1]! + 29 * rgb[at + 2]!
        sums[column] = sums[column]! + sum
      }
    }
    for (let column = 0; column < toWidth; column++) pixels[row * toWidth + column] = sums[column]! * scale
  }
  return { pixels, width: toWidth, height: toHeight }
}

/** Bilinear, with pixel centres at halves. */
function resample(from: Luma, width: number, height: number): Luma {
  if (width === from.width && height === from.height) return from
  const pixels = new Float32Array(width * height)
  const stepX = from.width / width
  const stepY = from.height / height
  const lefts = new Int32Array(width)
  const shares = new Float32Array(width)
  for (let x = 0; x < width; x++) {
    const at = Math.min(from.width - 1, Math.max(0, (x + 0.5) * stepX - 0.5))
    lefts[x] = Math.min(Math.floor(at), Math.max(0, from.width - 2))
    shares[x] = at - lefts[x]!
  }
  const right = from.width > 1 ? 1 : 0
  for (let y = 0; y < height; y++) {
    const at = Math.min(from.height - 1, Math.max(0, (y + 0.5) * stepY - 0.5))
    const top = Math.min(Math.floor(at), Math.max(0, from.height - 2))
    const share = at - top
    const upper = top * from.width
    const lower = upper + (from.height > 1 ? from.width : 0)
    for (let x = 0; x < width; x++) {
      const left = lefts[x]!
      const part = shares[x]!
      const above = from.pixels[upper + left]! * (1 - part) + from.pixels[upper + left + right]! * part
      const below = from.pixels[lower + left]! * (1 - part) + from.pixels[lower + left + right]! * part
      pixels[y * width + x] = above * (1 - share) + below * share
    }
  }
  return { pixels, width, height }
}
