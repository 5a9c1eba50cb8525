import { pdqHash, pdqStages, pdqWords } from '../kernels/pdq.ts'
import { createSteadyMargins } from '../kernels/steady-margins.ts'
import { vpdqQualityMin, type VpdqFrames } from '../kernels/vpdq.ts'
import { cutMargins } from './derivatives.ts'
import type { RgbFrame } from './ffmpeg.ts'

/** Frames that are kept until it is known where the bars are: so many, or so many bytes of them. */
const heldMax = 60
const heldBytesMax = 64 * 1024 * 1024

export type FrameHashes = {
  /** Takes the next frame. Its pixels may be written over afterwards. */
  add: (frame: RgbFrame) => void
  frames: () => VpdqFrames
  /** The same without the bars around the picture, for a video that has them at the same place throughout. */
  inner: () => VpdqFrames | undefined
}

/** Hashes frames as they come; the n-th of them is frame `n * step`. */
export function createFrameHashes(fps: number, step: number): FrameHashes {
  const whole = createList()
  const inside = createList()
  const margins = createSteadyMargins()
  let held: { frame: RgbFrame; timeMs: number }[] | undefined = []
  let heldBytes = 0
  let seen = 0

  const addInner = ({ rgb, width, height }: RgbFrame, timeMs: number) => {
    const cut = cutMargins(rgb, width, height, margins.found()!)
    if (cut !== undefined) inside.add(cut, timeMs)
  }
  /** Hashes what was kept, with what is known of the bars by now. */
  const settle = () => {
    if (margins.found() !== undefined) for (const { frame, timeMs } of held ?? []) addInner(frame, timeMs)
    held = undefined
  }
  return {
    add(frame) {
      const timeMs = Math.round(((seen++ * step) / fps) * 1_000)
      const quality = whole.add(frame, timeMs)
      // What is dark all over, or blurred, says nothing of bars and is not compared.
      if (quality === undefined || quality < vpdqQualityMin) return
      if (held === undefined) {
        if (margins.found() !== undefined) addInner(frame, timeMs)
        return
      }
      margins.add(frame.rgb, frame.width, frame.height)
      if (margins.found() === undefined) {
        settle()
        return
      }
      held.push({ frame: { ...frame, rgb: frame.rgb.slice() }, timeMs })
      heldBytes += frame.rgb.length
      if (held.length === heldMax || heldBytes >= heldBytesMax) settle()
    },
    frames: whole.frames,
    inner() {
      settle()
      const frames = inside.frames()
      return frames.qualities.length === 0 ? undefined : frames
    },
  }
}

function createList() {
  const words: number[] = []
  const qualities: number[] = []
  const timesMs: number[] = []
  return {
    /** The quality; undefined for what is too small to hash. */
    add({ rgb, width, height }: RgbFrame, timeMs: number): number | undefined {
      const stages = pdqStages(rgb, width, height)
      if (stages === undefined) return undefined
      words.push(...pdqHash(stages))
      qualities.push(stages.quality)
      timesMs.push(timeMs)
      return stages.quality
    },
    frames: (): VpdqFrames => ({
      words: Uint32Array.from({ length: qualities.length * pdqWords }, (_, at) => words[at]!),
      qualities: Uint8Array.from(qualities),
      timesMs: Float64Array.from(timesMs),
    }),
  }
}
