import { runTool, soundArguments, type ToolLimits } from './ffmpeg.ts'

export const soundMime = 'audio/wav'
/** What can be listened to: the beginning of a sound, in one channel. */
export const soundSecondsMax = 600
const samplesPerSecond = 22_050
const headBytes = 44

/**
 * The first ten minutes of a sound, or of the sound of a video, as WAV in one channel at 22,050 samples a second: made
 * anew by ffmpeg in a process of its own, so that no bytes of the sender reach a browser, and of a known length, so that
 * one can move about in it. Undefined without a sound track.
 */
export async function soundOf(path: string, options: ToolLimits & { ffmpeg: string }): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  await runTool(options.ffmpeg, soundArguments(path, soundSecondsMax, samplesPerSecond), options, {
    read: (chunk) => void chunks.push(chunk),
  })
  const samples = Buffer.concat(chunks)
  const bytes = samples.length - (samples.length % 2)
  return bytes === 0 ? undefined : Buffer.concat([wavHead(bytes), samples.subarray(0, bytes)])
}

/** The head of a WAV file of 16-bit samples in one channel (Microsoft, "Multiple channel audio data and WAVE files", 2001). */
function wavHead(bytes: number): Buffer {
  const head = Buffer.alloc(headBytes)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(headBytes - 8 + bytes, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(samplesPerSecond, 24)
  head.writeUInt32LE(samplesPerSecond * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36, 'latin1')
  head.writeUInt32LE(bytes, 40)
  return head
}
