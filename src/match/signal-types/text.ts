import { InputError, quote } from '../../domain/error.ts'
import { createPhraseIndex, foldText } from '../../kernels/text-fold.ts'
import type { SignalHit, SyncSignalType } from './signal-type.ts'
import { folderOf } from './text-readings.ts'

const excerptLengthMax = 200

/** Texts that read the same after folding: whole, or for longer entries as a passage of the text. */
export const textType: SyncSignalType = {
  name: 'text',
  version: 'text-fold@1',
  threshold: 0,
  thresholdMax: 0,
  part: 'text',
  thresholdStep: 1,
  words: {
    title: 'Same words',
    about:
      'Texts with the same words in the same order, whatever the case, accents and punctuation; also inside longer ones.',
    media: ['text'],
    finds: [{ upTo: 0, what: 'the same words in the same order' }],
  },
  describe: (distance) => (distance === 0 ? 'the same words' : 'other words'),
  parse(field, signal) {
    const { text } = foldText(signal)
    if (text !== '') return text
    throw new InputError(`${field} says nothing`, [
      { field, problem: 'has no letters, digits or emoji', value: quote(signal) },
    ])
  },
  contentOf: (signal) => ({ text: signal }),
  signalOf: (content) => (content.text === undefined ? undefined : folderOf(content)(content.text).text || undefined),
  compare: (query, entry) => ({ distance: query === entry ? 0 : 1, similarity: query === entry ? 1 : 0 }),
  createIndex() {
    const index = createPhraseIndex()
    return {
      add: (slot, signal) => index.add(slot, signal),
      remove: (slot) => void index.remove(slot),
      search(content, { wanted }) {
        if (content.text === undefined || content.text === '' || index.size === 0) return []
        const folded = folderOf(content)(content.text)
        const first = new Map<number, SignalHit>()
        for (const { id, start, end } of index.search(folded.text)) {
          if (first.has(id) || wanted?.(id) === false) continue
          const from = folded.starts[start]!
          const to = folded.ends[end - 1]!
          first.set(id, {
            slot: id,
            part: {
              kind: 'text',
              start: from,
              end: to,
              excerpt: content.text.slice(from, to).slice(0, excerptLengthMax),
            },
            distance: 0,
            similarity: 1,
            confidence: 1,
          })
        }
        return [...first.values()]
      },
    }
  },
}
