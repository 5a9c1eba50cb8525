import { InputError } from '../domain/error.ts'
import { createFingerprinter, encodeFingerprint, fingerprintRate } from '../kernels/chromaprint.ts'
import { distinctMin, distinctValues } from '../kernels/fingerprint-index.ts'
import { findVideoTools, runTool, soundArguments } from './ffmpeg.ts'
import type { MediaHasher } from './hashers.ts'
import { soundOf } from './sound.ts'

/** Sound beyond is not listened to. */
export const audioSecondsMax = 7_200
const runsMax = 2
const waitingMax = 64

export type AudioOptions = {
  /** The ffmpeg program: a name on the PATH, or a path. */
  ffmpeg: string
  timeoutMs: number
  memoryBytes: number
}

export type HashedAudio = {
  /** One 32-bit value for each 0.124 s after the first 2.6 s; empty for shorter sounds. */
  values: Uint32Array
  durationMs: number
}

const defaults: AudioOptions = { ffmpeg: 'ffmpeg', timeoutMs: 120_000, memoryBytes: 2 * 1024 ** 3 }

/**
 * Listens to a file, or to the first sound track of a video, for at most two hours: mixed to one channel at 11,025
 * samples a second by ffmpeg in a process of its own, as Chromaprint's fpcalc does. Undefined without a sound track.
 * Throws an InputError for what is damaged, too slow or too large.
 */
export async function hashAudio(path: string, options: Partial<AudioOptions> = {}): Promise<HashedAudio | undefined> {
  const { ffmpeg, timeoutMs, memoryBytes } = { ...defaults, ...options }
  const fingerprinter = createFingerprinter()
  let bytes = 0
  let odd: number | undefined
  const ran = await runTool(
    ffmpeg,
    soundArguments(path, audioSecondsMax, fingerprintRate),
    { timeoutMs, memoryBytes },
    {
      read(chunk) {
        bytes += chunk.length
        const all = odd === undefined ? chunk : Buffer.concat([Buffer.of(odd), chunk])
        odd = all.length % 2 === 1 ? all[all.length - 1] : undefined
        const samples = samplesOf(all)
        fingerprinter.add(samples)
      },
    },
  )
  if (ran.ended === 'timeout') throw refuse(`took longer than ${timeoutMs} ms to decode`, timeoutMs)
  if (bytes === 0 && /matches no streams/.test(ran.said)) return undefined
  // What was heard before a damaged end is a fingerprint all the same.
  if (bytes === 0 && ran.code !== 0) throw refuse(`cannot be decoded: ${firstLine(ran.said)}`)
  return { values: fingerprinter.fingerprint(), durationMs: Math.round((bytes / 2 / fingerprintRate) * 1_000) }
}

/**
 * Chromaprint fingerprints of sounds, and of the sound of videos. Silence, a tone and less than three seconds have none:
 * too much else is like them. Without ffmpeg nothing is made, and the problem says what to install.
 */
export function createAudioHasher(options: Partial<AudioOptions> = {}): MediaHasher {
  let running = 0
  const waiting: (() => void)[] = []
  const turn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting.length >= waitingMax) throw refuse(`could not be hashed: ${waitingMax} sounds already wait`, waitingMax)
    if (running >= runsMax) await new Promise<void>((go) => waiting.push(go))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
  return {
    name: 'chromaprint@1',
    kinds: ['audio', 'video'],
    async hash(source) {
      const tools = await findVideoTools(options.ffmpeg)
      if (!tools.ok) return { signals: {}, problem: tools.detail.replace('Video is off', 'Sound is off') }
      if (source.kind === 'photo') return { signals: {} }
      const path = await source.path()
      try {
        const heard = await turn(() => hashAudio(path, options))
        if (heard === undefined) return { signals: {} }
        const signals: Record<string, string> =
          distinctValues(heard.values) < distinctMin ? {} : { chromaprint: encodeFingerprint(heard.values) }
        return { signals, ...(source.kind === 'audio' ? { durationMs: heard.durationMs } : {}) }
      } catch (error) {
        // A video whose sound is broken is still a good video.
        if (source.kind === 'video' && error instanceof InputError) return { signals: {}, problem: error.message }
        throw error
      }
    },
    async sound(source) {
      const tools = await findVideoTools(options.ffmpeg)
      if (!tools.ok) return undefined
      const path = await source.path()
      return turn(() => soundOf(path, { ...defaults, ...options }))
    },
  }
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** 16-bit samples, little-endian; a view of the bytes where that is what they are here. */
function samplesOf(bytes: Buffer): Int16Array {
  const count = bytes.length >> 1
  if (littleEndian && bytes.byteOffset % 2 === 0) return new Int16Array(bytes.buffer, bytes.byteOffset, count)
  return Int16Array.from({ length: count }, (_, at) => bytes.readInt16LE(at * 2))
}

const firstLine = (text: string) => text.trim().split('\n')[0]!.slice(0, 200) || 'ffmpeg says nothing'

function refuse(problem: string, limit?: number): InputError {
  return new InputError(`The sound ${problem}`, [
    { field: 'media', problem, ...(limit === undefined ? {} : { limit }) },
  ])
}
