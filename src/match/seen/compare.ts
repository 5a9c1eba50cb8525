import { Worker } from 'node:worker_threads'
import type { CompareWith, NearHit } from './near.ts'

export type { CompareWith } from './near.ts'
export type CompareRequest = {
  id: number
  job: number
  with: CompareWith
  seqs: Float64Array
  lengths: Uint32Array
  /** All signals, one after the other. */
  signals: Uint8Array<ArrayBuffer>
}
export type CompareAnswer =
  | { id: number; ok: true; hits: (NearHit & { seq: number })[] }
  | { id: number; ok: false; message: string }

type Kept = { seq: number; signal: Uint8Array }

export type Comparer = {
  /** Begins a comparison with one signal; what is returned answers which of some kept signals are near it. */
  begin: (what: CompareWith) => (rows: readonly Kept[]) => Promise<(NearHit & { seq: number })[]>
  close: () => Promise<void>
}

const workerUrl = new URL('./compare-worker.ts', import.meta.url)

/**
 * Compares kept signals in a thread of its own, started when first needed: one comparison of local features or of two
 * hours of sound takes longer than anybody else should wait.
 */
export function createComparer({ idleMs = 60_000 } = {}): Comparer {
  let thread: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let closed = false
  let ids = 0
  let jobs = 0
  const waiting = new Map<
    number,
    { done: (hits: (NearHit & { seq: number })[]) => void; fail: (error: Error) => void }
  >()

  const start = (): Worker => {
    const worker = new Worker(workerUrl)
    // It must not keep a program alive that has nothing else to do.
    worker.unref()
    worker.on('message', (answer: CompareAnswer) => {
      const one = waiting.get(answer.id)
      waiting.delete(answer.id)
      if (answer.ok) one?.done(answer.hits)
      else one?.fail(new Error(answer.message))
      if (waiting.size > 0) return
      worker.unref()
      idle = setTimeout(() => void stop(), idleMs).unref()
    })
    const gone = (error: Error) => {
      if (thread === worker) void stop(error)
    }
    worker.on('error', gone)
    worker.on('exit', () => gone(new Error('The thread that compares signals ended')))
    return worker
  }
  const stop = async (error = new Error('The past is not searched any more')) => {
    clearTimeout(idle)
    const worker = thread
    thread = undefined
    for (const one of waiting.values()) one.fail(error)
    waiting.clear()
    await worker?.terminate()
  }

  return {
    begin(what) {
      const job = ++jobs
      return (rows) =>
        new Promise((done, fail) => {
          if (closed) return fail(new Error('The past is not searched any more'))
          clearTimeout(idle)
          thread ??= start()
          thread.ref()
          const id = ++ids
          waiting.set(id, { done, fail })
          const lengths = Uint32Array.from(rows, ({ signal }) => signal.length)
          const signals = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0))
          let at = 0
          for (const { signal } of rows) {
            signals.set(signal, at)
            at += signal.length
          }
          const request: CompareRequest = {
            id,
            job,
            with: what,
            seqs: Float64Array.from(rows, ({ seq }) => seq),
            lengths,
            signals,
          }
          thread.postMessage(request, [signals.buffer])
        })
    },
    async close() {
      closed = true
      await stop()
    },
  }
}
