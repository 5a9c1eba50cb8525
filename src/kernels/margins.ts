import type { Luma } from './luma-shrink.ts'

/** What lies around a picture, as shares of the width (left, right) and height (top, bottom). */
export type Margins = { left: number; top: number; right: number; bottom: number; written: boolean }

/** Two shades of the same bar, after compression, of 255. */
const shadeOff = 14
/** Share of a line in one shade that makes it a plain line, and a line of a bar that something is written on. */
const plainShare = 0.97
const writtenShare = 0.35
/** So much of a side may be taken away. */
const sideShareMax = 0.45
const marginShareMin = 0.008

/**
 * Bars of one shade along the edges (borders, letterboxes), with or without writing on them (captions); undefined where
 * there are none, or where little but bars would remain.
 */
export function findMargins({ pixels, width, height }: Luma): Margins | undefined {
  if (width < 16 || height < 16) return undefined
  let written = false
  const row = (from: number, to: number) => (at: number) => ({ start: at * width + from, step: 1, count: to - from })
  const column = (from: number, to: number) => (at: number) => ({
    start: from * width + at,
    step: width,
    count: to - from,
  })
  const measure = (lineAt: (at: number) => Line, first: number, step: 1 | -1, length: number) => {
    const found = barOf(pixels, lineAt, first, step, Math.floor(length * sideShareMax))
    written ||= found.written
    return found.lines
  }
  // Twice: a bar above the picture hides that the columns beside the picture are plain, and the other way round.
  let [top, bottom, left, right] = [0, 0, 0, 0]
  for (let round = 0; round < 2; round++) {
    top = measure(row(left, width - right), 0, 1, height)
    bottom = measure(row(left, width - right), height - 1, -1, height)
    left = measure(column(top, height - bottom), 0, 1, width)
    right = measure(column(top, height - bottom), width - 1, -1, width)
  }
  const least = (lines: number, length: number) => (lines / length < marginShareMin ? 0 : lines / length)
  const margins = {
    left: least(left, width),
    right: least(right, width),
    top: least(top, height),
    bottom: least(bottom, height),
    written,
  }
  const across = margins.left + margins.right
  const down = margins.top + margins.bottom
  if (across + down < 0.015 || across > 0.75 || down > 0.75) return undefined
  return margins
}

type Line = { start: number; step: number; count: number }

/** How many lines from an edge inwards belong to a bar. */
function barOf(
  pixels: Float32Array,
  lineAt: (at: number) => Line,
  first: number,
  step: 1 | -1,
  linesMax: number,
): { lines: number; written: boolean } {
  const shade = meanOf(pixels, lineAt(first))
  if (shareOf(pixels, lineAt(first), shade) < plainShare) return { lines: 0, written: false }
  let lines = 0
  let written = false
  let crossed = false
  for (let at = 0; at < linesMax; at++) {
    const share = shareOf(pixels, lineAt(first + at * step), shade)
    if (share >= plainShare) {
      lines = at + 1
      written ||= crossed
    } else if (share < writtenShare) break
    else crossed = true
  }
  return { lines, written }
}

function meanOf(pixels: Float32Array, { start, step, count }: Line): number {
  let sum = 0
  for (let n = 0, at = start; n < count; n++, at += step) sum += pixels[at]!
  return sum / count
}

function shareOf(pixels: Float32Array, { start, step, count }: Line, shade: number): number {
  let near = 0
  for (let n = 0, at = start; n < count; n++, at += step) if (Math.abs(pixels[at]! - shade) <= shadeOff) near++
  return near / count
}
