import { ones32 } from '../kernels/hamming-index.ts'
import { decodeFingerprint, fingerprintStepSeconds } from '../kernels/chromaprint.ts'
import { compareFingerprints } from '../kernels/fingerprint-index.ts'
import { chromaprintType } from './signal-types/chromaprint.ts'

export type SoundPicture = {
  /** Milliseconds from one value to the next. */
  stepMs: number
  /** One 32-bit value a step. */
  a: number[]
  b: number[] | null
  /** The stretch that both have in common, and how many of 32 bits differ at each of its steps. */
  same: { aFrom: number; bFrom: number; tempo: number; differing: number[] } | null
}

/**
 * A sound fingerprint as values to draw, or two with the stretch in which they sound the same. Throws an InputError that
 * names the field for what is no fingerprint.
 */
export function soundPicture(a: string, b?: string): SoundPicture {
  const read = (field: string, signal: string) => decodeFingerprint(chromaprintType.parse(field, signal))!
  const own = read('a', a)
  const other = b === undefined ? undefined : read('b', b)
  const hit = other === undefined ? undefined : compareFingerprints(own, other)
  return {
    stepMs: fingerprintStepSeconds * 1_000,
    a: [...own],
    b: other === undefined ? null : [...other],
    same:
      hit === undefined || other === undefined
        ? null
        : {
            aFrom: hit.queryFrom,
            bFrom: hit.entryFrom,
            tempo: hit.tempo,
            differing: Array.from({ length: hit.length }, (_, at) => {
              const place = Math.min(other.length - 1, hit.entryFrom + Math.round(at * hit.tempo))
              return ones32(own[hit.queryFrom + at]! ^ other[place]!)
            }),
          },
  }
}
