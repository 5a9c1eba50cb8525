import { shrinkLuma } from './luma-shrink.ts'
import { findMargins, type Margins } from './margins.ts'

/** Pixels of the picture in which bars are measured, as for photos. */
const lumaPixels = 110_000
/** Points of an edge that are looked at first, and the share of them in one shade that may make it a bar. */
const edgePoints = 48
const plainShare = 0.9
const shadeOff = 20

export type SteadyMargins = {
  /** Takes the next frame: interleaved 8-bit RGB. */
  add: (rgb: Uint8Array, width: number, height: number) => void
  /** Bars that every frame had so far; undefined where there are none, and then there will be none. */
  found: () => Margins | undefined
}

/**
 * Bars that stay where they are while the picture inside them moves: the narrowest ones that were seen at each edge. A
 * frame without bars costs a look at 192 pixels, and everything after it nothing.
 */
export function createSteadyMargins(): SteadyMargins {
  let margins: Margins | undefined
  let none = false
  return {
    add(rgb, width, height) {
      if (none) return
      const here = hasPlainEdge(rgb, width, height)
        ? findMargins(shrinkLuma(rgb, width, height, lumaPixels))
        : undefined
      if (here === undefined) {
        none = true
        return
      }
      margins =
        margins === undefined
          ? here
          : {
              left: Math.min(margins.left, here.left),
              top: Math.min(margins.top, here.top),
              right: Math.min(margins.right, here.right),
              bottom: Math.min(margins.bottom, here.bottom),
              written: margins.written || here.written,
            }
      none = margins.left + margins.right + margins.top + margins.bottom === 0
    },
    found: () => (none ? undefined : margins),
  }
}

function hasPlainEdge(rgb: Uint8Array, width: number, height: number): boolean {
  const last = (height - 1) * width
  return (
    isPlain(rgb, 0, 1, width) ||
    isPlain(rgb, last, 1, width) ||
    isPlain(rgb, 0, width, height) ||
    isPlain(rgb, width - 1, width, height)
  )
}

/** Whether most of a line of pixels has the green of its middle one. */
function isPlain(rgb: Uint8Array, start: number, step: number, count: number): boolean {
  const points = Math.min(count, edgePoints)
  const greenAt = (point: number) => rgb[(start + Math.floor(((point + 0.5) * count) / points) * step) * 3 + 1]!
  const shade = greenAt(points >> 1)
  let near = 0
  for (let point = 0; point < points; point++) if (Math.abs(greenAt(point) - shade) <= shadeOff) near++
  return near >= points * plainShare
}
