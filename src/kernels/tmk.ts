// TMK+PDQF: a video as Fourier sums of the PDQ features of its frames before they become bits. "The TMK+PDQF
// video-hashing algorithm and the PDQ image-hashing algorithm" (Facebook, 2019), sections 3 and 4; after Poullot et al.,
// "Temporal matching kernel with explicit feature maps" (ACM Multimedia 2015). Files are those of the reference (`.tmk`).

export const tmkFramesPerSecond = 15
export const tmkDimension = 256
const poullotPeriods = [2_731, 4_391, 9_767, 14_653]
const poullotBeta = 32
const poullotCoefficients = 32
/** Two videos of different length are the same from here, at both levels. */
export const tmkScoreMin = 0.7

const magic = 'TMK1FVECPDQF'
const headBytes = 32
const periodsMax = 16
const coefficientsMax = 256

export type TmkFeatures = {
  framesPerSecond: number
  frameCount: number
  /** In frames. */
  periods: Int32Array
  coefficients: Float32Array
  /** Mean of the features of all frames, 256 of them. */
  average: Float32Array
  /** Periods x coefficients x 256. */
  cos: Float32Array
  sin: Float32Array
}

/** Bytes of a file with four periods and 32 coefficients, as everybody makes them. */
export const tmkBytes = headBytes + 4 * (4 + 32 + tmkDimension * (1 + 2 * 4 * 32))

/** The features in a `.tmk` file. Throws a TypeError that says what is wrong with any other bytes. */
export function readTmk(bytes: Uint8Array): TmkFeatures {
  if (bytes.length < headBytes) throw new TypeError(`it has ${bytes.length} bytes and the head alone has ${headBytes}`)
  const head = String.fromCharCode(...bytes.subarray(0, magic.length))
  if (head.slice(0, 4) !== 'TMK1') throw new TypeError('it does not begin with TMK1')
  if (head !== magic)
    throw new TypeError(`it holds ${JSON.stringify(head.slice(4))} and not the feature vectors of PDQF (FVECPDQF)`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [framesPerSecond, periodCount, coefficientCount, dimension, frameCount] = [12, 16, 20, 24, 28].map((at) =>
    view.getInt32(at, true),
  ) as [number, number, number, number, number]
  if (dimension !== tmkDimension)
    throw new TypeError(`its features have ${dimension} dimensions and not ${tmkDimension}`)
  if (periodCount < 1 || periodCount > periodsMax || coefficientCount < 1 || coefficientCount > coefficientsMax)
    throw new TypeError(`it has ${periodCount} periods and ${coefficientCount} coefficients`)
  if (framesPerSecond < 1 || frameCount < 0)
    throw new TypeError(`it has ${frameCount} frames at ${framesPerSecond} a second`)
  const sums = periodCount * coefficientCount * dimension
  const expected = headBytes + 4 * (periodCount + coefficientCount + dimension + 2 * sums)
  if (bytes.length !== expected)
    throw new TypeError(`it has ${bytes.length} bytes where its head announces ${expected}`)
  let at = headBytes
  const periods = Int32Array.from({ length: periodCount }, () => view.getInt32((at += 4) - 4, true))
  if (periods.some((period) => period < 1 || period > 10_000_000)) throw new TypeError('its periods are not periods')
  const floats = (count: number) => {
    const values = new Float32Array(count)
    for (let index = 0; index < count; index++, at += 4) {
      const value = view.getFloat32(at, true)
      if (!Number.isFinite(value)) throw new TypeError('it holds what is no number')
      values[index] = value
    }
    return values
  }
  const [coefficients, average, cos, sin] = [floats(coefficientCount), floats(dimension), floats(sums), floats(sums)]
  return { framesPerSecond, frameCount, periods, coefficients, average, cos, sin }
}

/** The `.tmk` file of these features. */
export function writeTmk(features: TmkFeatures): Uint8Array {
  const { periods, coefficients, average, cos, sin } = features
  const parts = [coefficients, average, cos, sin]
  const floats = parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(headBytes + 4 * (periods.length + floats))
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < magic.length; at++) bytes[at] = magic.charCodeAt(at)
  let at = magic.length
  const { framesPerSecond, frameCount } = features
  for (const value of [framesPerSecond, periods.length, coefficients.length, average.length, frameCount, ...periods])
    view.setInt32((at += 4) - 4, value, true)
  for (const part of parts) for (const value of part) view.setFloat32((at += 4) - 4, value, true)
  return bytes
}

/** Why two sets of features cannot be compared, or undefined. */
export function tmkMismatch(a: TmkFeatures, b: TmkFeatures): string | undefined {
  if (a.framesPerSecond !== b.framesPerSecond) return `${a.framesPerSecond} and ${b.framesPerSecond} frames a second`
  if (a.periods.join() !== b.periods.join()) return `periods ${a.periods.join()} and ${b.periods.join()}`
  const near = (value: number, other: number) =>
    Math.abs(value - other) <= 1e-6 * Math.max(Math.abs(value), Math.abs(other))
  if (
    a.coefficients.length !== b.coefficients.length ||
    !a.coefficients.every((value, index) => near(value, b.coefficients[index]!))
  )
    return 'different coefficients'
  return undefined
}

/** Level 1: cosine of the mean features, -1 to 1; 0 for a video without features. */
export function tmkLevel1(a: Pick<TmkFeatures, 'average'>, b: Pick<TmkFeatures, 'average'>): number {
  const norms = norm(a.average, 0, a.average.length) * norm(b.average, 0, b.average.length)
  return norms === 0 ? 0 : dot(a.average, b.average, 0, a.average.length) / norms
}

/**
 * Level 2: the best agreement over all shifts of one video against the other, modulo each period; about 0 for unrelated
 * videos and 1 for the same. Throws a TypeError for features that cannot be compared.
 */
export function tmkLevel2(a: TmkFeatures, b: TmkFeatures): number {
  const mismatch = tmkMismatch(a, b)
  if (mismatch !== undefined) throw new TypeError(`TMK features cannot be compared: ${mismatch}`)
  const count = a.coefficients.length
  const even = new Float64Array(count)
  const odd = new Float64Array(count)
  let best = -Infinity
  for (const [index, period] of a.periods.entries()) {
    for (let harmonic = 0; harmonic < count; harmonic++) {
      const from = (index * count + harmonic) * tmkDimension
      even[harmonic] = dot(a.cos, b.cos, from, tmkDimension)
      if (harmonic === 0) continue
      even[harmonic]! += dot(a.sin, b.sin, from, tmkDimension)
      odd[harmonic] = dot(a.sin, b.cos, from, tmkDimension) - dot(a.cos, b.sin, from, tmkDimension)
    }
    const { cosines, sines } = circle(period)
    for (let shift = 0; shift < period; shift++) {
      let sum = even[0]!
      for (let harmonic = 1, angle = shift; harmonic < count; harmonic++, angle += shift) {
        if (angle >= period) angle -= period
        sum += cosines[angle]! * even[harmonic]! + sines[angle]! * odd[harmonic]!
      }
      if (sum > best) best = sum
    }
  }
  return best / normalizer(a.coefficients)
}

/** What the sums come to for a video against itself. */
function normalizer(coefficients: Float32Array): number {
  return coefficients.reduce((sum, value, index) => sum + (index === 0 ? value : 2 * value), 0)
}

const circles = new Map<number, { cosines: Float64Array; sines: Float64Array }>()
function circle(period: number) {
  let known = circles.get(period)
  if (known === undefined) {
    const angles = Float64Array.from({ length: period }, (_, at) => (2 * Math.PI * at) / period)
    known = { cosines: angles.map(Math.cos), sines: angles.map(Math.sin) }
    if (period <= poullotPeriods.at(-1)!) circles.set(period, known)
  }
  return known
}

function dot(a: Float32Array, b: Float32Array, from: number, length: number): number {
  let sum = 0
  for (let at = from; at < from + length; at++) sum += a[at]! * b[at]!
  return sum
}

const norm = (values: Float32Array, from: number, length: number) => Math.sqrt(dot(values, values, from, length))

function normalize(values: Float32Array, from: number, length: number, scale: number): void {
  const size = norm(values, from, length)
  for (let at = from; at < from + length; at++) values[at]! *= size > 0 ? scale / size : scale
}

/** I_order(x), the modified Bessel function of the first kind, by its power series (DLMF 10.25.2). */
function bessel(order: number, x: number): number {
  let term = 1
  for (let at = 1; at <= order; at++) term *= x / 2 / at
  let sum = 0
  for (let at = 1; term > sum * 1e-18; at++) {
    sum += term
    term *= (x * x) / 4 / (at * (at + order))
  }
  return sum
}

/** Takes the features of frames, fifteen a second, one after the other: 16 x 16 values of the DCT as PDQ has them. */
export function createTmk(): { add: (feature: Float32Array) => void; finish: () => TmkFeatures } {
  const periods = Int32Array.from(poullotPeriods)
  const coefficients = Float32Array.from({ length: poullotCoefficients }, (_, order) =>
    order === 0
      ? (bessel(0, poullotBeta) - Math.exp(-poullotBeta)) / (2 * Math.sinh(poullotBeta))
      : bessel(order, poullotBeta) / Math.sinh(poullotBeta),
  )
  const count = coefficients.length
  const average = new Float32Array(tmkDimension)
  const cos = new Float32Array(periods.length * count * tmkDimension)
  const sin = new Float32Array(cos.length)
  let frameCount = 0
  return {
    add(feature) {
      if (feature.length !== tmkDimension)
        throw new RangeError(`A frame has ${tmkDimension} features, not ${feature.length}`)
      for (let at = 0; at < tmkDimension; at++) average[at]! += feature[at]!
      const unit = feature.slice()
      normalize(unit, 0, tmkDimension, 1)
      for (const [index, period] of periods.entries()) {
        const { cosines, sines } = circle(period)
        for (let harmonic = 0; harmonic < count; harmonic++) {
          const from = (index * count + harmonic) * tmkDimension
          const angle = (harmonic * frameCount) % period
          const [cosine, sine] = [cosines[angle]!, sines[angle]!]
          for (let at = 0; at < tmkDimension; at++) {
            cos[from + at]! += unit[at]! * cosine
            sin[from + at]! += unit[at]! * sine
          }
        }
      }
      frameCount++
    },
    finish() {
      const features = { average: average.slice(), cos: cos.slice(), sin: sin.slice() }
      if (frameCount > 0) {
        for (let at = 0; at < tmkDimension; at++) features.average[at]! /= frameCount
        for (let row = 0; row < periods.length * count; row++)
          for (const sums of [features.cos, features.sin])
            normalize(sums, row * tmkDimension, tmkDimension, Math.sqrt(coefficients[row % count]!))
      }
      return { framesPerSecond: tmkFramesPerSecond, frameCount, periods, coefficients, ...features }
    },
  }
}
