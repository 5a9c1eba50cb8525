// Audio fingerprints that are compatible with Chromaprint's default algorithm (Lalinský, "How does Chromaprint work?",
// 2011; classifiers after Jang, Yoo, Lee, Kim, Kalker, "Pairwise Boosted Audio Fingerprint", 2009): chroma of
// overlapping frames as a picture, and 16 filters of two bits over every stretch of it.

/** Samples a second that the fingerprint is made of, in one channel. */
export const fingerprintRate = 11_025
const frameSize = 4_096
const frameStep = Math.floor(frameSize / 3)
const notes = 12
const lowestHz = 28
const highestHz = 3_520
/** The A four octaves under concert pitch. */
const baseHz = 440 / 16
const smoothing = [0.25, 0.75, 1, 0.75, 0.25]
const loudnessMin = 0.01
/** Frames that one sub-fingerprint looks at. */
const stretch = 16
/** Seconds from one sub-fingerprint to the next. */
export const fingerprintStepSeconds = frameStep / fingerprintRate

/** Shape of the filter, its lowest note, how many notes and frames it covers, and where its value is cut in four. */
const classifiers = (
  [
    [0, 4, 3, 15, [1.98215, 2.35817, 2.63523]],
    [4, 4, 6, 15, [-1.03809, -0.651211, -0.282167]],
    [1, 0, 4, 16, [-0.298702, 0.119262, 0.558497]],
    [3, 8, 2, 12, [-0.105439, 0.0153946, 0.135898]],
    [3, 4, 4, 8, [-0.142891, 0.0258736, 0.200632]],
    [4, 0, 3, 5, [-0.826319, -0.590612, -0.368214]],
    [1, 2, 2, 9, [-0.557409, -0.233035, 0.0534525]],
    [2, 7, 3, 4, [-0.0646826, 0.00620476, 0.0784847]],
    [2, 6, 2, 16, [-0.192387, -0.029699, 0.215855]],
    [2, 1, 3, 2, [-0.0397818, -0.00568076, 0.0292026]],
    [5, 10, 1, 15, [-0.53823, -0.369934, -0.190235]],
    [3, 6, 2, 10, [-0.124877, 0.0296483, 0.139239]],
    [2, 1, 1, 14, [-0.101475, 0.0225617, 0.231971]],
    [3, 5, 6, 4, [-0.0799915, -0.00729616, 0.063262]],
    [1, 9, 2, 12, [-0.272556, 0.019424, 0.302559]],
    [3, 4, 2, 14, [-0.164292, -0.0321188, 0.0846339]],
  ] as const
).map(([shape, note, height, width, cuts]) => ({ shape, note, height, width, cuts }))
/** Neighbouring quarters differ in one bit. */
const gray = [0, 1, 3, 2]

export type Fingerprinter = {
  /** Takes the next samples: 16 bits, one channel, 11,025 a second. */
  add: (samples: Int16Array) => void
  /** Everything up to now, one 32-bit sub-fingerprint for each 0.124 s after the first 2.6 s. */
  fingerprint: () => Uint32Array
}

/** Fingerprints sound as it comes in; memory grows by 32 bytes a second. */
export function createFingerprinter(): Fingerprinter {
  const transform = createRealTransform(frameSize)
  const window = Float64Array.from(
    { length: frameSize },
    (_, at) => (0.54 - 0.46 * Math.cos((2 * Math.PI * at) / (frameSize - 1))) / 32_767,
  )
  const { first, noteOf } = notesOfBins()
  const waiting = new Int16Array(frameSize)
  let held = 0
  const frame = new Float64Array(frameSize)
  /** The chroma of the last five frames, turning. */
  const recent = Array.from({ length: smoothing.length }, () => new Float64Array(notes))
  let frames = 0
  /** Sums over all notes up to one and all rows up to one, of the last rows, turning. */
  const sums = Array.from({ length: stretch + 1 }, () => new Float64Array(notes + 1))
  let rows = 0
  let values = new Uint32Array(256)
  let count = 0

  const area: Area = (fromRow, fromNote, toRow, toNote) => {
    const low = sums[(rows - stretch + fromRow) % (stretch + 1)]!
    const high = sums[(rows - stretch + toRow) % (stretch + 1)]!
    return high[toNote]! - high[fromNote]! - low[toNote]! + low[fromNote]!
  }
  const classify = () => {
    let bits = 0
    for (let at = 0; at < classifiers.length; at++) {
      const { shape, note, height, width, cuts } = classifiers[at]!
      const value = filterValue(area, shape, note, height, width)
      const quarter = value < cuts[1]! ? (value < cuts[0]! ? 0 : 1) : value < cuts[2]! ? 2 : 3
      bits = (bits << 2) | gray[quarter]!
    }
    if (count === values.length) {
      const more = new Uint32Array(values.length * 2)
      more.set(values)
      values = more
    }
    values[count++] = bits >>> 0
  }

  const addRow = (chroma: Float64Array) => {
    let length = 0
    for (const value of chroma) length += value * value
    length = Math.sqrt(length)
    // sums[i] holds the sums before row i; the row of zeros before the first one is there from the start.
    const before = sums[rows % (stretch + 1)]!
    const after = sums[(rows + 1) % (stretch + 1)]!
    let sum = 0
    for (let note = 0; note < notes; note++) {
      sum += length < loudnessMin ? 0 : chroma[note]! / length
      after[note + 1] = before[note + 1]! + sum
    }
    rows++
    if (rows >= stretch) classify()
  }

  const smoothed = new Float64Array(notes)
  const addFrame = () => {
    for (let at = 0; at < frameSize; at++) frame[at] = waiting[at]! * window[at]!
    const spectrum = transform(frame)
    const chroma = recent[frames % smoothing.length]!.fill(0)
    for (let bin = 0; bin < noteOf.length; bin++) {
      const re = spectrum[2 * (first + bin)]!
      const im = spectrum[2 * (first + bin) + 1]!
      chroma[noteOf[bin]!]! += re * re + im * im
    }
    frames++
    if (frames < smoothing.length) return
    smoothed.fill(0)
    for (const [age, weight] of smoothing.entries()) {
      const one = recent[(frames + age) % smoothing.length]!
      for (let note = 0; note < notes; note++) smoothed[note]! += weight * one[note]!
    }
    addRow(smoothed)
  }

  return {
    add(samples) {
      for (let at = 0; at < samples.length;) {
        const take = Math.min(samples.length - at, frameSize - held)
        waiting.set(samples.subarray(at, at + take), held)
        held += take
        at += take
        if (held < frameSize) return
        addFrame()
        waiting.copyWithin(0, frameStep)
        held -= frameStep
      }
    },
    fingerprint: () => values.slice(0, count),
  }
}

type Area = (fromRow: number, fromNote: number, toRow: number, toNote: number) => number

/** The logarithm of how much more energy lies in one half of the stretch than in the other (paper, figure 2). */
function filterValue(area: Area, shape: number, note: number, height: number, width: number): number {
  const top = note + height
  const halfRow = width >> 1
  const halfNote = note + (height >> 1)
  let more = 0
  let less = 0
  if (shape === 0) more = area(0, note, width, top)
  else if (shape === 1) {
    more = area(0, halfNote, width, top)
    less = area(0, note, width, halfNote)
  } else if (shape === 2) {
    more = area(halfRow, note, width, top)
    less = area(0, note, halfRow, top)
  } else if (shape === 3) {
    more = area(0, halfNote, halfRow, top) + area(halfRow, note, width, halfNote)
    less = area(0, note, halfRow, halfNote) + area(halfRow, halfNote, width, top)
  } else if (shape === 4) {
    const third = Math.floor(height / 3)
    more = area(0, note + third, width, note + 2 * third)
    less = area(0, note, width, note + third) + area(0, note + 2 * third, width, top)
  } else {
    const third = Math.floor(width / 3)
    more = area(third, note, 2 * third, top)
    less = area(0, note, third, top) + area(2 * third, note, width, top)
  }
  return Math.log((1 + more) / (1 + less))
}

/** Which of twelve notes each bin of the spectrum belongs to, from the first bin on. */
function notesOfBins(): { first: number; noteOf: Uint8Array } {
  const binOf = (hz: number) => Math.round((frameSize * hz) / fingerprintRate)
  const first = Math.max(1, binOf(lowestHz))
  const last = Math.min(frameSize / 2, binOf(highestHz))
  const noteOf = Uint8Array.from({ length: last - first }, (_, at) => {
    const octave = Math.log(((first + at) * fingerprintRate) / frameSize / baseHz) / Math.log(2)
    return Math.floor(notes * (octave - Math.floor(octave)))
  })
  return { first, noteOf }
}

/**
 * The spectrum of `size` real numbers: bins 0 to size / 2 - 1, real and imaginary part in turn. One complex transform of
 * half the size, decimated in time (Cooley and Tukey 1965), and the split of its result (Numerical Recipes, 12.3). The
 * answer is written over by the next call.
 */
function createRealTransform(size: number): (values: Float64Array) => Float64Array {
  const half = size / 2
  const bits = Math.log2(half)
  const cosines = Float64Array.from({ length: half }, (_, at) => Math.cos((-2 * Math.PI * at) / size))
  const sines = Float64Array.from({ length: half }, (_, at) => Math.sin((-2 * Math.PI * at) / size))
  const reversed = Uint32Array.from({ length: half }, (_, at) => {
    let from = at
    let to = 0
    for (let bit = 0; bit < bits; bit++, from >>= 1) to = (to << 1) | (from & 1)
    return to
  })
  const work = new Float64Array(size)
  const spectrum = new Float64Array(size)
  return (values) => {
    for (let at = 0; at < half; at++) {
      const from = reversed[at]!
      work[2 * at] = values[2 * from]!
      work[2 * at + 1] = values[2 * from + 1]!
    }
    // Two levels at a time: half the passes over memory.
    let width = 1
    if (bits % 2 === 1) {
      for (let at = 0; at < size; at += 4) {
        const re = work[at + 2]!
        const im = work[at + 3]!
        work[at + 2] = work[at]! - re
        work[at + 3] = work[at + 1]! - im
        work[at]! += re
        work[at + 1]! += im
      }
      width = 2
    }
    for (; width < half; width *= 4) {
      const stride = half / (width * 2)
      const next = 2 * width
      for (let k = 0; k < width; k++) {
        const c1 = cosines[2 * k * stride]!
        const s1 = sines[2 * k * stride]!
        const c2 = cosines[k * stride]!
        const s2 = sines[k * stride]!
        const c3 = c1 * c2 - s1 * s2
        const s3 = c1 * s2 + s1 * c2
        for (let i0 = 2 * k; i0 < size; i0 += 4 * next) {
          const i1 = i0 + next
          const i2 = i1 + next
          const i3 = i2 + next
          const r1 = work[i1]! * c1 - work[i1 + 1]! * s1
          const m1 = work[i1]! * s1 + work[i1 + 1]! * c1
          const r2 = work[i2]! * c2 - work[i2 + 1]! * s2
          const m2 = work[i2]! * s2 + work[i2 + 1]! * c2
          const r3 = work[i3]! * c3 - work[i3 + 1]! * s3
          const m3 = work[i3]! * s3 + work[i3 + 1]! * c3
          const ra = work[i0]! + r1
          const ma = work[i0 + 1]! + m1
          const rb = work[i0]! - r1
          const mb = work[i0 + 1]! - m1
          const rc = r2 + r3
          const mc = m2 + m3
          const rd = r2 - r3
          const md = m2 - m3
          work[i0] = ra + rc
          work[i0 + 1] = ma + mc
          work[i1] = rb + md
          work[i1 + 1] = mb - rd
          work[i2] = ra - rc
          work[i2 + 1] = ma - mc
          work[i3] = rb - md
          work[i3 + 1] = mb + rd
        }
      }
    }
    spectrum[0] = work[0]! + work[1]!
    spectrum[1] = 0
    for (let at = 1; at < half; at++) {
      const other = half - at
      const ar = work[2 * at]!
      const ai = work[2 * at + 1]!
      const br = work[2 * other]!
      const bi = -work[2 * other + 1]!
      const er = (ar + br) / 2
      const ei = (ai + bi) / 2
      const or = (ai - bi) / 2
      const oi = (br - ar) / 2
      spectrum[2 * at] = er + or * cosines[at]! - oi * sines[at]!
      spectrum[2 * at + 1] = ei + or * sines[at]! + oi * cosines[at]!
    }
    return spectrum
  }
}

const algorithm = 1
const countMax = (1 << 24) - 1

/**
 * The text form that AcoustID and fpcalc use: differences from one sub-fingerprint to the next as distances between set
 * bits, three bits each with exceptions of five, in URL-safe base64 without padding.
 */
export function encodeFingerprint(values: Uint32Array): string {
  if (values.length > countMax)
    throw new RangeError(`A fingerprint has at most ${countMax} values, not ${values.length}`)
  const normal: number[] = []
  const exceptional: number[] = []
  let before = 0
  for (const value of values) {
    let last = 0
    for (let bit = 1, rest = (value ^ before) >>> 0; rest !== 0; bit++, rest >>>= 1) {
      if ((rest & 1) === 0) continue
      normal.push(Math.min(7, bit - last))
      if (bit - last >= 7) exceptional.push(bit - last - 7)
      last = bit
    }
    normal.push(0)
    before = value
  }
  const head = [algorithm, (values.length >> 16) & 255, (values.length >> 8) & 255, values.length & 255]
  return base64Url([...head, ...packed(normal, 3), ...packed(exceptional, 5)])
}

/** What `encodeFingerprint` made, or undefined for text that is no fingerprint of this algorithm. */
export function decodeFingerprint(text: string): Uint32Array | undefined {
  const bytes = bytesOfBase64Url(text)
  if (bytes === undefined || bytes.length < 4 || bytes[0] !== algorithm) return undefined
  const count = (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!
  // Each value ends with three bits of zero.
  if (count * 3 > (bytes.length - 4) * 8) return undefined
  const normal = bitReader(bytes, 4, 3)
  const steps: number[] = []
  for (let ends = 0; ends < count;) {
    const step = normal.next()
    if (step === undefined) return undefined
    steps.push(step)
    if (step === 0) ends++
  }
  const exceptional = bitReader(bytes, 4 + Math.ceil((steps.length * 3) / 8), 5)
  const values = new Uint32Array(count)
  let at = 0
  let bit = 0
  let difference = 0
  for (const step of steps) {
    if (step === 0) {
      values[at] = (difference ^ (at === 0 ? 0 : values[at - 1]!)) >>> 0
      at++
      bit = 0
      difference = 0
      continue
    }
    const more = step === 7 ? exceptional.next() : 0
    if (more === undefined) return undefined
    bit += step + more
    if (bit > 32) return undefined
    difference |= 1 << (bit - 1)
  }
  return values
}

function packed(values: readonly number[], width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8))
  for (const [index, value] of values.entries())
    for (let bit = 0; bit < width; bit++)
      if ((value >> bit) & 1) bytes[(index * width + bit) >> 3]! |= 1 << ((index * width + bit) & 7)
  return bytes
}

function bitReader(bytes: Uint8Array, from: number, width: number): { next: () => number | undefined } {
  let at = from * 8
  return {
    next() {
      if (at + width > bytes.length * 8) return undefined
      let value = 0
      for (let bit = 0; bit < width; bit++, at++) value |= ((bytes[at >> 3]! >> (at & 7)) & 1) << bit
      return value
    },
  }
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function base64Url(bytes: readonly number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = 0, c = 0] = bytes.slice(at, at + 3) as [number, number?, number?]
    const group = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63]
    text += group
      .slice(0, Math.min(4, bytes.length - at + 1))
      .map((digit) => digits[digit]!)
      .join('')
  }
  return text
}

function bytesOfBase64Url(text: string): Uint8Array | undefined {
  const plain = text.replace(/=+$/, '')
  if (plain.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((plain.length * 3) / 4))
  let bits = 0
  let held = 0
  let to = 0
  for (const character of plain) {
    const digit = digits.indexOf(character)
    if (digit < 0) return undefined
    held = ((held << 6) | digit) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[to++] = (held >> bits) & 255
  }
  return bytes
}
