import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { InputError, type FieldProblem } from '../domain/error.ts'
import { checkImageBytes, type ImageMime } from './decode.ts'
import { derivativesVersion, type PhotoReading } from './derivatives.ts'
import type { MediaKind } from './kinds.ts'
import type { PdqConvention } from '../kernels/pdq.ts'
import type { PreviewVariant } from './preview.ts'

export type HashedImage = {
  mime: ImageMime
  width: number
  height: number
  /** Missing for images with a side under 5 pixels. `dihedral` holds all eight hashes, the original first. */
  pdq?: { hash: string; quality: number; dihedral: string[] }
  /** The photo without what may have been added to it: how each reading came to be, its hash and quality. */
  readings?: PhotoReading[]
  /** What else was made of the same pixels, by signal type, in canonical form. */
  signals?: Record<string, string>
}

/** One file of any kind. */
export type HashedFile = {
  bytes: number
  sha256: string
  md5: string
  /** By its first bytes. */
  mime: string
  /** Missing for what is no photo, video or sound. */
  kind?: MediaKind
  /** A photo with more than one frame. */
  animated?: boolean
  /** Missing for what is no image, or cannot be decoded; `problem` then says why. */
  image?: HashedImage
  problem?: string
}

/** Algorithms and versions of everything in a HashedImage: photos that others hashed are hashed anew when they are sent. */
export const imageHasherVersion = `pdq@1+${derivativesVersion}`

export type WorkerRequest = { id: number } & (
  | { op: 'hash'; bytes: Uint8Array; derivatives: boolean }
  | { op: 'preview'; bytes: Uint8Array; variant: PreviewVariant }
  | { op: 'file'; path: string; convention: PdqConvention }
  | { op: 'thumbnail'; path: string; side: number }
  | { op: 'pixels'; bytes: Uint8Array; width: number; height: number }
)
type Result = HashedImage | HashedFile | Uint8Array
export type WorkerAnswer =
  | { id: number; ok: true; result: Result }
  | { id: number; ok: false; message: string; problems?: FieldProblem[] }

export type MediaPool = {
  /**
   * Type, size and PDQ of an image; with `derivatives` also the readings and local features by which edited copies are
   * found, which cost several times as much. Throws an InputError for what is hostile or broken.
   */
  hash: (bytes: Uint8Array, options?: { derivatives?: boolean }) => Promise<HashedImage>
  preview: (bytes: Uint8Array, variant: PreviewVariant) => Promise<Uint8Array>
  /** Digests, type and hash of a file that the worker reads itself, so that its bytes cross no process. */
  hashFile: (path: string, convention: PdqConvention) => Promise<HashedFile>
  /** A small WebP of an image file, in colour. */
  thumbnail: (path: string, side: number) => Promise<Uint8Array>
  /** Interleaved 8-bit RGB of this size, the picture upright and cropped to its shape: what models look at. */
  pixels: (bytes: Uint8Array, size: { width: number; height: number }) => Promise<Uint8Array>
  /** Jobs that wait or run. */
  readonly pending: number
  close: () => Promise<void>
}

export type MediaPoolOptions = {
  workers?: number
  /** For one file, decoding and hashing together. */
  timeoutMs?: number
  /** Workers without work end after this. */
  idleMs?: number
  /** Jobs beyond this are refused, so that a flood of images cannot fill the memory. */
  pendingMax?: number
}

type Job = {
  request: WorkerRequest
  done: (result: Result) => void
  fail: (error: Error) => void
  /** Workers that died of this job, or with it. */
  deaths: number
}
type Worker = { child: ChildProcess; job?: Job; deadline?: NodeJS.Timeout; idle?: NodeJS.Timeout }

const workerPath = fileURLToPath(new URL('./hash-worker.ts', import.meta.url))

/**
 * Decodes and hashes in processes of their own, started when first needed: the main thread never waits for pixels, and
 * a file that kills its decoder, or keeps it busy for too long, fails alone.
 */
export function createMediaPool(options: MediaPoolOptions = {}): MediaPool {
  const { workers: workersMax = 2, timeoutMs = 20_000, idleMs = 60_000, pendingMax = 256 } = options
  const queue: Job[] = []
  const workers = new Set<Worker>()
  let nextId = 1
  let closed = false

  const start = (): Worker => {
    const child = fork(workerPath, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const worker: Worker = { child }
    workers.add(worker)
    child.on('message', (answer: WorkerAnswer) => {
      const job = worker.job
      if (job === undefined || answer.id !== job.request.id) return
      release(worker)
      if (answer.ok) job.done(answer.result)
      else
        job.fail(
          answer.problems === undefined ? new Error(answer.message) : new InputError(answer.message, answer.problems),
        )
      next()
    })
    const gone = (why: string) => {
      if (!workers.delete(worker)) return
      const job = worker.job
      release(worker)
      // One death may be the machine's fault; two are the file's.
      if (job !== undefined && !closed && ++job.deaths < 2) queue.unshift(job)
      else job?.fail(closed ? new Error('The media pool is closed') : gaveUp(why))
      next()
    }
    child.once('error', (error) => gone(error.message))
    child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`))
    return worker
  }

  const release = (worker: Worker) => {
    clearTimeout(worker.deadline)
    clearTimeout(worker.idle)
    delete worker.job
    // An idle worker must not keep the program alive.
    worker.child.unref()
    worker.child.channel?.unref()
    worker.idle = setTimeout(() => worker.child.kill('SIGKILL'), idleMs)
    worker.idle.unref()
  }

  const give = (worker: Worker, job: Job) => {
    clearTimeout(worker.idle)
    worker.job = job
    worker.child.ref()
    worker.child.channel?.ref()
    worker.deadline = setTimeout(() => {
      delete worker.job
      job.fail(gaveUp(`no answer within ${timeoutMs} ms`, timeoutMs))
      worker.child.kill('SIGKILL')
    }, timeoutMs)
    worker.child.send(job.request, (error) => {
      if (error !== null && worker.job === job) worker.child.kill('SIGKILL')
    })
  }

  const next = () => {
    while (queue.length > 0) {
      const free = [...workers].find(
        (worker) => worker.job === undefined && worker.child.connected && !worker.child.killed,
      )
      if (free === undefined && workers.size >= workersMax) return
      give(free ?? start(), queue.shift()!)
    }
  }

  const pending = () => queue.length + [...workers].filter((worker) => worker.job !== undefined).length
  const ask = <T extends Result>(request: WorkerRequest) =>
    new Promise<T>((done, fail) => {
      if (closed) return fail(new Error('The media pool is closed'))
      if (pending() >= pendingMax) return fail(gaveUp(`${pendingMax} images already wait`, pendingMax))
      queue.push({ request, done: done as Job['done'], fail, deaths: 0 })
      next()
    })

  return {
    async hash(bytes, { derivatives = false } = {}) {
      // Cheap refusals need no process.
      checkImageBytes(bytes)
      return ask<HashedImage>({ id: nextId++, op: 'hash', bytes, derivatives })
    },
    hashFile: (path, convention) => ask<HashedFile>({ id: nextId++, op: 'file', path, convention }),
    thumbnail: (path, side) => ask<Uint8Array>({ id: nextId++, op: 'thumbnail', path, side }),
    preview: (bytes, variant) => ask<Uint8Array>({ id: nextId++, op: 'preview', bytes, variant }),
    pixels: (bytes, size) => ask<Uint8Array>({ id: nextId++, op: 'pixels', bytes, ...size }),
    get pending() {
      return pending()
    },
    async close() {
      closed = true
      for (const job of queue.splice(0)) job.fail(new Error('The media pool is closed'))
      await Promise.all(
        [...workers].map(
          (worker) =>
            new Promise<void>((done) => {
              // Whoever waits for the end must live to see it.
              worker.child.ref()
              worker.child.once('exit', () => done())
              worker.child.kill('SIGKILL')
            }),
        ),
      )
    },
  }
}

function gaveUp(why: string, limit?: number): InputError {
  return new InputError(`The image could not be decoded: ${why}`, [
    { field: 'media', problem: `could not be decoded: ${why}`, ...(limit === undefined ? {} : { limit }) },
  ])
}
