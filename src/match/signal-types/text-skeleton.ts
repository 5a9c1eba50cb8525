import { InputError, quote } from '../../domain/error.ts'
import {
  createSkeletonIndex,
  skeletonOf,
  skeletonWeight,
  skeletonWeightMin,
  type Skeleton,
} from '../../kernels/skeleton.ts'
import type { LookupContent, SignalHit, SyncSignalType } from './signal-type.ts'
import { folderOf, onceFor } from './text-readings.ts'

const excerptLengthMax = 200

/** A skeleton that is long enough to say something. */
const saying = (skeleton: string) => (skeletonWeight(skeleton) < skeletonWeightMin ? undefined : skeleton)
const skeletonFor = (content: LookupContent, text: string): Skeleton =>
  onceFor(content, 'text-skeleton', () => skeletonOf(text, folderOf(content)))

/**
 * Texts that look the same however they were disguised: letters of other scripts, digits for letters, gaps and dots
 * inside words, repeated letters. Whole, or for longer entries as a passage. What reads the same as it stands is `text`.
 */
export const textSkeletonType: SyncSignalType = {
  name: 'text-skeleton',
  version: 'text-skeleton@1',
  threshold: 0,
  thresholdMax: 0,
  part: 'text',
  thresholdStep: 1,
  words: {
    title: 'Same words, disguised',
    about: 'Texts whose letters were swapped for others that look alike, spread out or broken up to escape filters.',
    media: ['text'],
    finds: [{ upTo: 0, what: 'the same words, with look-alike letters undone' }],
  },
  describe: (distance) => (distance === 0 ? 'the same words in disguise' : 'other words'),
  parse(field, signal) {
    const skeleton = saying(skeletonOf(signal).text)
    if (skeleton !== undefined) return skeleton
    const problem = `must have a skeleton of at least ${skeletonWeightMin} letters`
    throw new InputError(`${field} ${problem}`, [{ field, problem, value: quote(signal), limit: skeletonWeightMin }])
  },
  contentOf: (signal) => ({ textSignals: { 'text-skeleton': signal } }),
  signalOf: (content) =>
    content.textSignals?.['text-skeleton'] ??
    (content.text === undefined ? undefined : saying(skeletonFor(content, content.text).text)),
  compare: (query, entry) => ({ distance: query === entry ? 0 : 1, similarity: query === entry ? 1 : 0 }),
  createIndex() {
    const index = createSkeletonIndex()
    return {
      add: (slot, signal) => index.add(slot, signal),
      remove: (slot) => void index.remove(slot),
      search(content, { wanted }) {
        const text = content.textSignals?.['text-skeleton'] ?? content.text ?? ''
        if (text === '' || index.size === 0) return []
        const skeleton = skeletonFor(content, text)
        const first = new Map<number, SignalHit>()
        for (const { id, start, end } of index.search(skeleton)) {
          if (first.has(id) || wanted?.(id) === false) continue
          const from = skeleton.starts[start]!
          const to = skeleton.ends[end - 1]!
          first.set(id, {
            slot: id,
            part: { kind: 'text', start: from, end: to, excerpt: text.slice(from, to).slice(0, excerptLengthMax) },
            distance: 0,
            similarity: 1,
            // Two texts may look alike and say different things; the longer, the less likely.
            confidence: 1 - 1 / (2 + (end - start) / 4),
          })
        }
        return [...first.values()]
      },
    }
  },
}
