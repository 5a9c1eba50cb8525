import { Worker } from 'node:worker_threads'
import { InputError } from '../domain/error.ts'
import { findVideoTools } from './ffmpeg.ts'
import type { MediaHasher, MediaHashes } from './hashers.ts'
import { posterOf, type VideoOptions } from './video.ts'
import type { VideoAnswer, VideoRequest, VideoWorkerData } from './video-worker.ts'

export type VideoHasherOptions = Partial<VideoOptions> & {
  /** Videos that wait beyond this are refused, so that a flood cannot fill the memory. */
  pendingMax?: number
  /** The thread ends when it had nothing to do for this long. */
  idleMs?: number
}

/**
 * vPDQ of videos and animated images, one hash a second, one video at a time: ffmpeg uses the cores. Without ffmpeg
 * nothing is made, and the problem says what to install. An animated image that cannot be read as a video is still a
 * good photo.
 */
export function createVideoHasher({
  pendingMax = 64,
  idleMs = 60_000,
  ...options
}: VideoHasherOptions = {}): MediaHasher {
  const hash = createVideoThread(options, idleMs)
  let pending = 0
  return {
    name: 'vpdq@2',
    kinds: ['video'],
    async hash(source) {
      const tools = await findVideoTools(options.ffmpeg)
      if (!tools.ok) return { signals: {}, problem: tools.detail }
      if (pending >= pendingMax) throw tooMany(pendingMax)
      pending++
      try {
        return await hash(await source.path())
      } catch (error) {
        if (source.kind === 'photo' && error instanceof InputError) return { signals: {}, problem: error.message }
        throw error
      } finally {
        pending--
      }
    },
    async entry(source) {
      const tools = await findVideoTools(options.ffmpeg)
      if (!tools.ok || source.kind === 'photo') return {}
      return (await hash(await source.path(), { secondsPerHash: entrySecondsPerHash })).signals
    },
    async poster(source) {
      return posterOf(await source.path(), options)
    },
  }
}

/**
 * Of an entry, five frames a second: only the share of the asked video's frames counts, and a copy that was cut between
 * two seconds, or has another frame rate, shows others than those at whole seconds.
 */
const entrySecondsPerHash = 0.2

type Job = { request: VideoRequest; done: (made: MediaHashes) => void; fail: (error: Error) => void }

function createVideoThread(
  options: Partial<VideoOptions>,
  idleMs: number,
): (path: string, more?: Partial<VideoOptions>) => Promise<MediaHashes> {
  const queue: Job[] = []
  let worker: Worker | undefined
  let running: Job | undefined
  let idle: NodeJS.Timeout | undefined
  let nextId = 1
  // Ended by the thread before the thread is.
  const workerData: VideoWorkerData = { standbyMs: idleMs / 2 }

  const finish = (end: (job: Job) => void) => {
    const job = running
    running = undefined
    if (job !== undefined) end(job)
    next()
  }
  const start = (): Worker => {
    const made = new Worker(new URL('./video-worker.ts', import.meta.url), { workerData })
    made.on('message', (answer: VideoAnswer) => {
      if (answer.id === running?.request.id) finish((job) => settle(job, answer))
    })
    const gone = (why: string) => {
      if (worker !== made) return
      worker = undefined
      finish((job) => job.fail(new Error(`The thread that hashes videos ended: ${why}`)))
    }
    made.once('error', (error) => gone(String(error)))
    made.once('exit', (code) => gone(`exit code ${code}`))
    return made
  }
  const next = () => {
    if (running !== undefined) return
    running = queue.shift()
    if (running === undefined) {
      const resting = worker
      // Neither an idle thread nor its timer keeps the program alive.
      resting?.unref()
      idle = setTimeout(() => {
        if (worker === resting) worker = undefined
        void resting?.terminate()
      }, idleMs)
      idle.unref()
      return
    }
    clearTimeout(idle)
    worker ??= start()
    worker.ref()
    worker.postMessage(running.request)
  }
  return (path, more) =>
    new Promise((done, fail) => {
      queue.push({ request: { id: nextId++, path, options: { ...options, ...more } }, done, fail })
      next()
    })
}

function settle({ done, fail }: Job, answer: VideoAnswer): void {
  if (answer.ok) {
    const { vpdq, ...sizes } = answer.made
    done({ signals: vpdq === undefined ? {} : { vpdq }, ...sizes })
  } else if ('missing' in answer) done({ signals: {}, problem: answer.missing })
  else if (answer.problems === undefined) fail(new Error(answer.message))
  else fail(new InputError(answer.message, answer.problems))
}

function tooMany(limit: number): InputError {
  const problem = `could not be hashed: ${limit} videos already wait`
  return new InputError(`The video ${problem}`, [{ field: 'media', problem, limit }])
}
