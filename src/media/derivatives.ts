import { localFeatures } from '../kernels/local-features.ts'
import { packFeatures } from '../kernels/local-packed.ts'
import { shrinkLuma } from '../kernels/luma-shrink.ts'
import { findMargins, type Margins } from '../kernels/margins.ts'
import { pdqHash, pdqStages, pdqToHex, type PdqStages } from '../kernels/pdq.ts'

/** One more reading of a photo, in the form in which lookups take it. */
export type PhotoReading = {
  transformation: string
  pdq: string
  quality: number
  /** What of the photo was read, in shares of its width and height; all of it where missing. */
  inside?: { left: number; top: number; width: number; height: number }
}

/** Algorithms and versions of what `derivativesOf` makes. */
export const derivativesVersion = 'readings@2+local@1'

/** Pixels of the picture in which margins and features are looked for: finer than this, copies differ. */
const lumaPixels = 110_000
/** Features of one photo: with places and descriptions, 12 KB of base64. */
const featuresMax = 240
/** With fewer, a chance agreement could not be told from a copy. */
const featuresMin = 12

/** What is looked for so that edited copies of a photo are found: other readings of it, and its local features. */
export function derivativesOf(
  { rgb, width, height }: { rgb: Uint8Array; width: number; height: number },
  stages: PdqStages,
): { readings: PhotoReading[]; signals: Record<string, string> } {
  const luma = shrinkLuma(rgb, width, height, lumaPixels)
  const features = localFeatures(luma, featuresMax)
  const readings: PhotoReading[] = [invertedOf(stages)]
  const margins = findMargins(luma)
  const inner = margins === undefined ? undefined : cutMargins(rgb, width, height, margins)
  const innerStages = inner === undefined ? undefined : pdqStages(inner.rgb, inner.width, inner.height)
  if (innerStages !== undefined)
    readings.push({
      transformation: nameOf(margins!),
      pdq: pdqToHex(pdqHash(innerStages)),
      quality: innerStages.quality,
      inside: inner!.inside,
    })
  if (features.count < featuresMin) return { readings, signals: {} }
  return { readings, signals: { local: Buffer.from(packFeatures(features, featuresMax)).toString('base64') } }
}

/** Inverting a picture turns every coefficient around, and with it every bit; its quality stays. */
function invertedOf(stages: PdqStages): PhotoReading {
  const words = pdqHash(stages).map((word) => ~word)
  return { transformation: 'invert', pdq: pdqToHex(words), quality: stages.quality }
}

function nameOf({ left, top, right, bottom, written }: Margins): string {
  if (written) return 'caption'
  const sides = [left, right, top, bottom].filter((share) => share > 0).length
  const opposite = (left > 0 && right > 0) || (top > 0 && bottom > 0)
  return sides > 2 ? 'border' : sides === 2 && opposite ? 'letterbox' : 'frame'
}

/** The picture inside its margins. Half a line more goes away: the seam is blurred. Undefined for a sliver. */
export function cutMargins(rgb: Uint8Array, width: number, height: number, margins: Margins) {
  const left = Math.ceil(margins.left * width)
  const top = Math.ceil(margins.top * height)
  const inner = {
    width: width - left - Math.ceil(margins.right * width),
    height: height - top - Math.ceil(margins.bottom * height),
  }
  if (inner.width < 16 || inner.height < 16) return undefined
  const pixels = new Uint8Array(inner.width * inner.height * 3)
  for (let row = 0; row < inner.height; row++) {
    const from = ((top + row) * width + left) * 3
    pixels.set(rgb.subarray(from, from + inner.width * 3), row * inner.width * 3)
  }
  const share = (part: number, whole: number) => Math.round((part / whole) * 100_000) / 100_000
  return {
    ...inner,
    rgb: pixels,
    inside: {
      left: share(left, width),
      top: share(top, height),
      width: share(inner.width, width),
      height: share(inner.height, height),
    },
  }
}
