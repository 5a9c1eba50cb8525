import { InputError, quote } from '../../domain/error.ts'
import { createTlshIndex } from '../../kernels/tlsh-index.ts'
import { tlshDistance, tlshFromText, tlshOf, tlshToText } from '../../kernels/tlsh.ts'
import { wholeText } from './text-near.ts'
import type { LookupContent, SyncSignalType } from './signal-type.ts'
import { onceFor } from './text-readings.ts'

/** Beyond this, unrelated texts begin to meet. */
const thresholdMax = 100
const encoder = new TextEncoder()
const digestFor = (content: LookupContent) => onceFor(content, 'tlsh', () => tlshOf(encoder.encode(content.text ?? '')))

/**
 * Texts of 50 bytes and more by TLSH, as other platforms exchange it: over the UTF-8 bytes as they are, lengths left out
 * of the distance, matched at 30. `text-near` finds far more; this is for hashes that come from elsewhere.
 */
export const tlshType: SyncSignalType = {
  name: 'tlsh',
  version: 'tlsh@T1',
  threshold: 30,
  thresholdMax,
  part: 'text',
  thresholdStep: 1,
  words: {
    title: 'Text, TLSH',
    about:
      'Longer texts by the digest that other parties exchange; nearly the same text is found more surely by its wording.',
    media: ['text'],
    scale: { zero: 0, perDistance: 1, decimals: 0, unit: 'apart in TLSH' },
    finds: [
      { upTo: 30, what: 'the same text with small changes' },
      { upTo: thresholdMax, what: 'also texts that were much changed, and some that only are alike' },
    ],
  },
  describe: (distance) => (distance === 0 ? 'the same TLSH digest' : `${distance} apart in TLSH, lengths left out`),
  parse(field, signal) {
    const digest = tlshFromText(signal)
    if (digest !== undefined) return tlshToText(digest)
    const problem = 'must be T1 and 70 hexadecimal digits'
    throw new InputError(`${field} ${problem}`, [{ field, problem, value: quote(signal), limit: 72 }])
  },
  contentOf: (signal) => ({ textSignals: { tlsh: signal } }),
  signalOf(content) {
    if (content.textSignals?.tlsh !== undefined) return content.textSignals.tlsh
    const digest = content.text === undefined ? undefined : digestFor(content)
    return digest === undefined ? undefined : tlshToText(digest)
  },
  compare(query, entry) {
    const distance = tlshDistance(tlshFromText(query)!, tlshFromText(entry)!, { length: false })
    return { distance, similarity: similarityOf(distance) }
  },
  createIndex() {
    const index = createTlshIndex()
    return {
      add(slot, signal) {
        const digest = tlshFromText(signal)
        if (digest !== undefined) index.add(slot, digest)
      },
      remove: (slot) => void index.remove(slot),
      search(content, { radiusMax, thresholdOf, wanted }) {
        if (index.size === 0) return []
        const given = content.textSignals?.tlsh
        const digest = given === undefined ? digestFor(content) : tlshFromText(given)
        if (digest === undefined) return []
        const part = wholeText(content.text ?? '')
        return index
          .query(digest, radiusMax)
          .filter(({ id, distance }) => wanted?.(id) !== false && distance <= thresholdOf(id))
          .map(({ id, distance }) => {
            const similarity = similarityOf(distance)
            return { slot: id, part, distance, similarity, confidence: similarity }
          })
      },
    }
  },
}

/** Unrelated texts are 200 and more apart. */
function similarityOf(distance: number): number {
  return Math.max(0, 1 - distance / 200)
}
