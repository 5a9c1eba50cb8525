// The thread in which frames become hashes: ffmpeg decodes in its own process, and the main thread waits for neither.
import { parentPort, workerData } from 'node:worker_threads'
import { InputError, type FieldProblem } from '../domain/error.ts'
import { vpdqFramesMax, vpdqToText } from '../kernels/vpdq-text.ts'
import { vpdqWithReadings } from '../kernels/vpdq.ts'
import { createStandby } from './standby.ts'
import { hashVideo, type VideoOptions } from './video.ts'

/** How long a decoder waits for the next video. */
export type VideoWorkerData = { standbyMs: number }
export type VideoRequest = { id: number; path: string; options: Partial<VideoOptions> }
export type VideoMade = { vpdq?: string; width: number; height: number; durationMs: number }
export type VideoAnswer =
  | { id: number; ok: true; made: VideoMade }
  | { id: number; ok: false; missing: string }
  | { id: number; ok: false; message: string; problems?: FieldProblem[] }

const standby = createStandby((workerData as VideoWorkerData).standbyMs)

async function answer({ id, path, options }: VideoRequest): Promise<VideoAnswer> {
  try {
    const hashed = await hashVideo(path, options, standby.run)
    if (!hashed.ok) return { id, ok: false, missing: hashed.detail }
    const { frames, inner, width, height, durationMs } = hashed.video
    const count = frames.qualities.length
    // Longer lists than anybody reads are made of the frames as they are.
    const both = inner !== undefined && count + inner.qualities.length <= vpdqFramesMax
    const vpdq = count === 0 ? undefined : vpdqToText(both ? vpdqWithReadings(frames, inner) : frames)
    return { id, ok: true, made: { width, height, durationMs, ...(vpdq === undefined ? {} : { vpdq }) } }
  } catch (error) {
    const problems = error instanceof InputError ? { problems: error.problems } : {}
    return { id, ok: false, message: error instanceof Error ? error.message : String(error), ...problems }
  }
}

parentPort?.on('message', (request: VideoRequest) => {
  void answer(request).then((done) => parentPort!.postMessage(done))
})
