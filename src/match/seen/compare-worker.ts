// The thread that compares kept signals: see compare.ts.
import { parentPort } from 'node:worker_threads'
import { keptTypeOf, unpackSignal } from './rows.ts'
import { signalTypeNamed } from '../raw-signals.ts'
import type { CompareAnswer, CompareRequest } from './compare.ts'
import { nearTo } from './near.ts'

const comparisonsMax = 16
const comparisons = new Map<number, ReturnType<typeof nearTo>>()

/** The comparison of a job; the oldest are forgotten, and made again when they are asked for. */
function comparisonOf({ job, with: what }: CompareRequest): ReturnType<typeof nearTo> {
  const known = comparisons.get(job)
  if (known !== undefined) return known
  const made = nearTo(what)
  comparisons.set(job, made)
  if (comparisons.size > comparisonsMax) comparisons.delete(comparisons.keys().next().value!)
  return made
}

async function answerTo(request: CompareRequest): Promise<void> {
  let answer: CompareAnswer
  try {
    const near = comparisonOf(request)
    const { kept } = keptTypeOf(signalTypeNamed('type', request.with.type))
    const hits: (CompareAnswer & { ok: true })['hits'] = []
    let from = 0
    for (const [at, length] of request.lengths.entries()) {
      const hit = await near(unpackSignal(kept, Buffer.from(request.signals.buffer, from, length)))
      if (hit !== undefined) hits.push({ seq: request.seqs[at]!, ...hit })
      from += length
    }
    answer = { id: request.id, ok: true, hits }
  } catch (error) {
    answer = { id: request.id, ok: false, message: (error as Error).message }
  }
  parentPort!.postMessage(answer)
}

parentPort!.on('message', (request: CompareRequest) => void answerTo(request))
