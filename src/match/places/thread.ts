import { Worker } from 'node:worker_threads'
import type { Answers, Asked, Told } from './desk.ts'

/** What goes to the thread: questions have a number, and are answered in the order in which they were asked. */
export type PlacesRequest = { number: number; asked: Asked }
export type PlacesAnswer =
  | { number: number; ok: true; answer: Answers[Asked['op']] }
  | { number: number; ok: false; message: string }

/** One index in the thread. */
export type PlacesIndex = {
  tell: (told: WithoutIndex<Told>) => void
  ask: <A extends WithoutIndex<Asked>>(asked: A) => Promise<Answers[A['op']]>
}
type WithoutIndex<T> = T extends { index: number } ? Omit<T, 'index'> : T

type Waiting = { done: (answer: never) => void; fail: (error: Error) => void }

let worker: Worker | undefined
let nextIndex = 1
let nextNumber = 1
const waiting = new Map<number, Waiting>()

/**
 * A new index in the thread that all share, which starts when something is first told. What is told before a question is
 * known to its answer. The thread keeps the program alive only while somebody waits; its death is that of the program,
 * as an error in the main thread would be. Nobody closes an index: it goes when nobody refers to it any more.
 */
export function createPlacesIndex(): PlacesIndex {
  const index = nextIndex++
  const made: PlacesIndex = {
    tell: (told) => started().postMessage({ asked: { ...told, index } }),
    ask: (asked) =>
      new Promise((done, fail) => {
        const number = nextNumber++
        const thread = started()
        waiting.set(number, { done, fail })
        thread.ref()
        thread.postMessage({ number, asked: { ...asked, index } } as PlacesRequest)
      }),
  }
  abandoned.register(made, index)
  return made
}

const abandoned = new FinalizationRegistry<number>((index) => worker?.postMessage({ asked: { op: 'drop', index } }))

function started(): Worker {
  if (worker !== undefined) return worker
  worker = new Worker(new URL('./worker.ts', import.meta.url))
  worker.unref()
  worker.on('message', (answer: PlacesAnswer) => {
    const asker = waiting.get(answer.number)!
    waiting.delete(answer.number)
    if (waiting.size === 0) worker!.unref()
    if (answer.ok) asker.done(answer.answer as never)
    else asker.fail(new Error(`The thread of local features failed: ${answer.message}`))
  })
  return worker
}
