// Places of a picture that look the same in an edited copy: extremes of differences of Gaussians (Lowe, "Distinctive
// image features from scale-invariant keypoints", IJCV 2004, sections 3 to 5), each described by 256 comparisons of
// brightness around it (Calonder et al., "BRIEF", ECCV 2010; Leutenegger et al., "BRISK", ICCV 2011). The comparisons
// are closed under reflection: mirroring a picture swaps words, and inverting it swaps words and complements them.
import { blurred } from './blur.ts'
import type { Luma } from './luma-shrink.ts'
import { createRandom } from './random.ts'

/** 32-bit words of one description. */
export const descriptorWords = 8

/** Features in order of strength. Places and sizes in pixels of the picture, angles in radians. */
export type LocalFeatures = {
  count: number
  width: number
  height: number
  x: Float32Array
  y: Float32Array
  /** Standard deviation of the blur at which the place stands out most. */
  size: Float32Array
  angle: Float32Array
  /** `descriptorWords` a feature. */
  descriptors: Uint32Array
}

const steps = 3
const baseBlur = 1.6
const cameraBlur = 0.5
const sideMin = 12
/** Least contrast against what surrounds it, as a share of the deviation of all brightness, and of 255 at most. */
const contrastShareMin = 0.02
const contrastMin = 1
const contrastFloor = 0.35
/**
 * Determinant by squared trace of the curvatures, below which a place lies on an edge and slides along it (Lowe 2004,
 * 4.1: .099 and less); such places come later, and below the second figure not at all.
 */
const cornerShare = 0.1
const cornerShareMin = 0.055

type Level = { pixels: Float32Array; width: number; height: number }
type Octave = { levels: Level[]; scale: number }
type Place = { x: number; y: number; octave: number; level: number; blur: number; size: number; response: number }

/** At most `countMax` features of a picture, strongest first; few or none where the picture is flat. */
export function localFeatures(luma: Luma, countMax: number): LocalFeatures {
  const octaves = scaleSpace(luma)
  const places: Place[] = []
  const least = Math.max(contrastFloor, Math.min(contrastMin, contrastShareMin * deviationOf(luma.pixels)))
  for (const [index, octave] of octaves.entries()) findPlaces(octave, index, least, places)
  places.sort((a, b) => b.response - a.response || a.y - b.y || a.x - b.x || a.size - b.size)
  const kept = places.slice(0, countMax)
  const features = emptyFeatures(kept.length, luma.width, luma.height)
  const samples = new Float32Array(points.length / 2)
  for (const [index, place] of kept.entries()) {
    const { levels, scale } = octaves[place.octave]!
    const angle = orientation(levels[place.level]!, place)
    features.x[index] = (place.x + 0.5) * scale
    features.y[index] = (place.y + 0.5) * scale
    features.size[index] = place.size
    features.angle[index] = angle
    describe(levels, place, angle, samples, features.descriptors, index * descriptorWords)
  }
  return features
}

/** Room for so many features of a picture of this size, all zero. */
export function emptyFeatures(count: number, width: number, height: number): LocalFeatures {
  return {
    count,
    width,
    height,
    x: new Float32Array(count),
    y: new Float32Array(count),
    size: new Float32Array(count),
    angle: new Float32Array(count),
    descriptors: new Uint32Array(count * descriptorWords),
  }
}

function deviationOf(pixels: Float32Array): number {
  let sum = 0
  let squares = 0
  for (const pixel of pixels) {
    sum += pixel
    squares += pixel * pixel
  }
  const mean = sum / pixels.length
  return Math.sqrt(Math.max(0, squares / pixels.length - mean * mean))
}

/** Octaves of ever more blurred pictures, each octave half as large as the one before. */
function scaleSpace(luma: Luma): Octave[] {
  const octaves: Octave[] = []
  let base: Level = blurred(luma, Math.sqrt(baseBlur * baseBlur - cameraBlur * cameraBlur))
  for (let scale = 1; Math.min(base.width, base.height) >= sideMin; scale *= 2) {
    const levels = [base]
    for (let level = 1; level < steps + 3; level++) {
      const before = baseBlur * 2 ** ((level - 1) / steps)
      levels.push(blurred(levels[level - 1]!, before * Math.sqrt(2 ** (2 / steps) - 1)))
    }
    octaves.push({ levels, scale })
    base = halved(levels[steps]!)
  }
  return octaves
}

function halved(from: Level): Level {
  const width = from.width >> 1
  const height = from.height >> 1
  const pixels = new Float32Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = 2 * y * from.width + 2 * x
      pixels[y * width + x] =
        (from.pixels[at]! + from.pixels[at + 1]! + from.pixels[at + from.width]! + from.pixels[at + from.width + 1]!) /
        4
    }
  return { pixels, width, height }
}

/** Extremes of the differences between levels, over place and blur. */
function findPlaces({ levels, scale }: Octave, octave: number, least: number, places: Place[]): void {
  const { width, height } = levels[0]!
  const differences = levels.slice(1).map((level, index) => {
    const under = levels[index]!.pixels
    const pixels = new Float32Array(width * height)
    for (let at = 0; at < pixels.length; at++) pixels[at] = level.pixels[at]! - under[at]!
    return pixels
  })
  for (let level = 1; level <= steps; level++) {
    const [under, here, over] = [differences[level - 1]!, differences[level]!, differences[level + 1]!]
    for (let y = 1; y < height - 1; y++)
      for (let x = 1; x < width - 1; x++) {
        const at = y * width + x
        const value = here[at]!
        if (Math.abs(value) < least * 0.8) continue
        if (!isExtreme(value, at, width, here, true) || !isExtreme(value, at, width, under, false)) continue
        if (!isExtreme(value, at, width, over, false)) continue
        const place = refine(under, here, over, at, width)
        if (place === undefined || Math.abs(place.value) < least) continue
        const blur = baseBlur * 2 ** ((level + place.level) / steps)
        places.push({
          x: x + place.x,
          y: y + place.y,
          octave,
          level,
          blur,
          size: blur * scale,
          response: Math.abs(place.value) * Math.min(1, place.corner / cornerShare),
        })
      }
  }
}

function isExtreme(value: number, at: number, width: number, pixels: Float32Array, own: boolean): boolean {
  for (let row = -1; row <= 1; row++)
    for (let column = -1; column <= 1; column++) {
      if (own && row === 0 && column === 0) continue
      const other = pixels[at + row * width + column]!
      if (value > 0 ? other >= value : other <= value) return false
    }
  return true
}

/** Where between the pixels the extreme lies, if it is one: one Newton step in place and blur, each for itself. */
function refine(
  under: Float32Array,
  here: Float32Array,
  over: Float32Array,
  at: number,
  width: number,
): { x: number; y: number; level: number; value: number; corner: number } | undefined {
  const value = here[at]!
  const dx = (here[at + 1]! - here[at - 1]!) / 2
  const dy = (here[at + width]! - here[at - width]!) / 2
  const ds = (over[at]! - under[at]!) / 2
  const dxx = here[at + 1]! + here[at - 1]! - 2 * value
  const dyy = here[at + width]! + here[at - width]! - 2 * value
  const dss = over[at]! + under[at]! - 2 * value
  const dxy = (here[at + width + 1]! - here[at + width - 1]! - here[at - width + 1]! + here[at - width - 1]!) / 4
  const trace = dxx + dyy
  const determinant = dxx * dyy - dxy * dxy
  const corner = determinant / (trace * trace)
  if (!(corner > cornerShareMin)) return undefined
  const stepX = clamp((-dx * dyy + dy * dxy) / determinant)
  const stepY = clamp((-dy * dxx + dx * dxy) / determinant)
  const stepS = dss === 0 ? 0 : clamp(-ds / dss)
  const peak = value + (dx * stepX + dy * stepY + ds * stepS) / 2
  return { x: stepX, y: stepY, level: stepS, value: peak, corner }
}

const clamp = (value: number) => Math.max(-0.6, Math.min(0.6, value))

const turns = 36
const histogram = new Float32Array(turns)
const smooth = new Float32Array(turns)

/** Direction in which brightness rises most around a place (Lowe 2004, section 5). */
function orientation(level: Level, place: Place): number {
  const { pixels, width, height } = level
  const deviation = 1.5 * place.blur
  const reach = Math.round(3 * deviation)
  const cx = Math.round(place.x)
  const cy = Math.round(place.y)
  histogram.fill(0)
  for (let y = Math.max(1, cy - reach); y <= Math.min(height - 2, cy + reach); y++)
    for (let x = Math.max(1, cx - reach); x <= Math.min(width - 2, cx + reach); x++) {
      const away = (x - place.x) ** 2 + (y - place.y) ** 2
      if (away > reach * reach) continue
      const at = y * width + x
      const dx = pixels[at + 1]! - pixels[at - 1]!
      const dy = pixels[at + width]! - pixels[at - width]!
      const weight = Math.sqrt(dx * dx + dy * dy) * Math.exp(-away / (2 * deviation * deviation))
      const turn = (Math.atan2(dy, dx) / (2 * Math.PI)) * turns + turns
      const low = Math.floor(turn)
      const share = turn - low
      histogram[low % turns] = histogram[low % turns]! + weight * (1 - share)
      histogram[(low + 1) % turns] = histogram[(low + 1) % turns]! + weight * share
    }
  for (let round = 0; round < 3; round++) {
    for (let turn = 0; turn < turns; turn++)
      smooth[turn] = (histogram[(turn + turns - 1) % turns]! + histogram[turn]! + histogram[(turn + 1) % turns]!) / 3
    histogram.set(smooth)
  }
  let best = 0
  for (let turn = 1; turn < turns; turn++) if (histogram[turn]! > histogram[best]!) best = turn
  const before = histogram[(best + turns - 1) % turns]!
  const after = histogram[(best + 1) % turns]!
  const bend = before + after - 2 * histogram[best]!
  return ((best + (bend === 0 ? 0 : (before - after) / (2 * bend))) / turns) * 2 * Math.PI
}

// Sample points around a place, in units of its size: rings whose points lie symmetrically to both axes.
const rings = [
  { radius: 1.8, count: 8, phase: 0.5 },
  { radius: 3.7, count: 12, phase: 0.5 },
  { radius: 5.8, count: 16, phase: 0.5 },
  { radius: 8.2, count: 20, phase: 0.5 },
] as const
const points = Float32Array.from(
  rings.flatMap(({ radius, count, phase }) =>
    Array.from({ length: count }, (_, at) => {
      const angle = ((at + phase) / count) * 2 * Math.PI
      return [radius * Math.cos(angle), radius * Math.sin(angle)]
    }).flat(),
  ),
)
const reachOfPoint = Float32Array.from({ length: points.length / 2 }, (_, at) =>
  Math.hypot(points[2 * at]!, points[2 * at + 1]!),
)

/** Which samples are compared: 64 pairs, each in its four reflections. */
const pairs: Uint8Array = (() => {
  const count = points.length / 2
  const pointAt = (x: number, y: number) => {
    for (let at = 0; at < count; at++)
      if (Math.abs(points[2 * at]! - x) < 1e-3 && Math.abs(points[2 * at + 1]! - y) < 1e-3) return at
    throw new Error('The sample points are not symmetric')
  }
  const reflections = [
    [1, 1],
    [1, -1],
    [-1, -1],
    [-1, 1],
  ] as const
  const random = createRandom(20_260_717)
  const taken = new Set<string>()
  const base: number[][] = []
  while (base.length < 64) {
    const a = random.int(count)
    const b = random.int(count)
    const apart = Math.hypot(points[2 * a]! - points[2 * b]!, points[2 * a + 1]! - points[2 * b + 1]!)
    if (a === b || apart > 11) continue
    const images = reflections.map(([sx, sy]) => [
      pointAt(points[2 * a]! * sx, points[2 * a + 1]! * sy),
      pointAt(points[2 * b]! * sx, points[2 * b + 1]! * sy),
    ])
    const keys = new Set(images.map(([one, two]) => [one, two].toSorted((p, q) => p! - q!).join()))
    if (keys.size < 4 || [...keys].some((key) => taken.has(key))) continue
    for (const key of keys) taken.add(key)
    base.push(images.flat())
  }
  const bytes = new Uint8Array(512)
  for (let reflection = 0; reflection < 4; reflection++)
    for (let pair = 0; pair < 64; pair++)
      bytes.set(base[pair]!.slice(reflection * 2, reflection * 2 + 2), (reflection * 64 + pair) * 2)
  return bytes
})()

/** Writes the comparisons around a place. Samples further out are taken from more blurred levels. */
function describe(
  levels: Level[],
  place: Place,
  angle: number,
  samples: Float32Array,
  words: Uint32Array,
  offset: number,
): void {
  const cos = Math.cos(angle) * place.blur
  const sin = Math.sin(angle) * place.blur
  const { width, height } = levels[0]!
  const right = width - 1.001
  const bottom = height - 1.001
  for (let at = 0; at < samples.length; at++) {
    const px = points[2 * at]!
    const py = points[2 * at + 1]!
    const x = Math.max(0, Math.min(right, place.x + px * cos - py * sin))
    const y = Math.max(0, Math.min(bottom, place.y + px * sin + py * cos))
    const { pixels } = levels[place.level + (reachOfPoint[at]! > 5 ? 2 : 1)]!
    const left = Math.floor(x)
    const top = Math.floor(y)
    const shareX = x - left
    const shareY = y - top
    const from = top * width + left
    const above = pixels[from]! * (1 - shareX) + pixels[from + 1]! * shareX
    const below = pixels[from + width]! * (1 - shareX) + pixels[from + width + 1]! * shareX
    samples[at] = above * (1 - shareY) + below * shareY
  }
  for (let word = 0; word < descriptorWords; word++) {
    let bits = 0
    for (let bit = 0; bit < 32; bit++) {
      const pair = (word * 32 + bit) * 2
      if (samples[pairs[pair]!]! < samples[pairs[pair + 1]!]!) bits |= 1 << bit
    }
    words[offset + word] = bits
  }
}

/** How a picture may be changed so that its features can be computed from those of the original. */
export type FeatureVariant = { mirrored: boolean; inverted: boolean }

/** The features that the mirrored (left to right) or inverted picture has, without looking at pixels again. */
export function variantFeatures(features: LocalFeatures, { mirrored, inverted }: FeatureVariant): LocalFeatures {
  const { count, width, height } = features
  const out = emptyFeatures(count, width, height)
  out.size.set(features.size)
  out.y.set(features.y)
  // Groups of two words: as is, flipped across, turned by half, flipped along the direction.
  const swap = (mirrored ? 1 : 0) ^ (inverted ? 2 : 0)
  for (let at = 0; at < count; at++) {
    out.x[at] = mirrored ? width - features.x[at]! : features.x[at]!
    out.angle[at] = (mirrored ? Math.PI - features.angle[at]! : features.angle[at]!) + (inverted ? Math.PI : 0)
    for (let word = 0; word < descriptorWords; word++) {
      const from = features.descriptors[at * descriptorWords + (word ^ (swap << 1))]!
      out.descriptors[at * descriptorWords + word] = inverted ? ~from : from
    }
  }
  return out
}
