import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { hammingDistance, hashWords } from '../../src/kernels/hamming-index.ts'
import { pdqFromHex } from '../../src/kernels/pdq.ts'
import type { VpdqFrames } from '../../src/kernels/vpdq.ts'

// Hashes of every frame of sample videos, by the reference; see ../shared/data/match/README.md.
const folder = fileURLToPath(new URL('../../../shared/data/match/', import.meta.url))
export const skip = existsSync(folder) ? false : `${folder} is absent`
export const videoPath = (name: string) => `${folder}videos/${name}.mp4`

export type Deviation = {
  frames: [made: number, expected: number]
  /** Largest distance among frames of quality 50 and more, and largest difference of quality among all. */
  bits: number
  quality: number
  timeMs: number
}

/** How far hashes of every `step`-th frame are from the reference's hashes of the same frames. */
export function deviationOf(name: string, made: VpdqFrames, step: number): Deviation {
  const lines = readFileSync(`${folder}vpdq/sample-hashes/${name}.txt`, 'utf8').trim().split('\n')
  const expected = lines
    .filter((_, at) => at % step === 0)
    .map((line) => line.split(',') as [string, string, string, string])
  const off: Deviation = { frames: [made.qualities.length, expected.length], bits: 0, quality: 0, timeMs: 0 }
  for (const [at, [, quality, hex, seconds]] of expected.entries()) {
    if (at >= made.qualities.length) break
    const bits = hammingDistance(made.words, at * hashWords, pdqFromHex(hex), 0)
    if (Number(quality) >= 50) off.bits = Math.max(off.bits, bits)
    off.quality = Math.max(off.quality, Math.abs(made.qualities[at]! - Number(quality)))
    off.timeMs = Math.max(off.timeMs, Math.abs(made.timesMs[at]! - 1_000 * Number(seconds)))
  }
  return off
}
