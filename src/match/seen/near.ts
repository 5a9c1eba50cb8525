import { signalTypeNamed } from '../raw-signals.ts'
import { keptTypeOf } from './rows.ts'

/** How near a kept signal is. */
export type NearHit = {
  type: string
  distance: number
  similarity: number
  threshold: number
  transformation?: string
}
/** What kept signals are compared with. */
export type CompareWith = { type: string; signal: string; quality: number | null; threshold: number }

/** Whether a kept signal is near one signal, by the index of its type: with turns, passages and whatever else it knows. */
export function nearTo({
  type: name,
  signal,
  quality,
  threshold,
}: CompareWith): (kept: string) => Promise<NearHit | undefined> {
  const type = signalTypeNamed('type', name)
  const index = type.createIndex()
  const { contentOf } = keptTypeOf(type)
  index.add(0, signal, quality)
  return async (kept) => {
    const [hit] = await index.search(contentOf(kept), { radiusMax: threshold, thresholdOf: () => threshold })
    if (hit === undefined) return undefined
    const { distance, similarity, transformation } = hit
    return {
      type: type.name,
      distance,
      similarity,
      threshold,
      ...(transformation === undefined ? {} : { transformation }),
    }
  }
}
