import { InputError, quote } from '../../domain/error.ts'
import { createSketchIndex } from '../../kernels/minhash.ts'
import { resemblance, sketchOf, sketchSize } from '../../kernels/text-sketch.ts'
import type { LookupContent, MatchedPart, SyncSignalType } from './signal-type.ts'
import { folderOf, onceFor } from './text-readings.ts'

const excerptLengthMax = 200
/** Texts with fewer different shingles say too little to be nearly the same as anything: about three words. */
const shinglesMin = 16

/** Shares are told in steps of one per cent. */
const distanceOf = (alike: number) => Math.round(100 * (1 - alike)) / 100

/** A whole text as the part that matched. */
export function wholeText(text: string): MatchedPart {
  return { kind: 'text', start: 0, end: text.length, excerpt: text.slice(0, excerptLengthMax) }
}

/** The sketch of a text without the addresses in it, which change from copy to copy and have types of their own. */
function sketchFor(content: LookupContent): Uint32Array | undefined {
  return onceFor(content, 'text-near', () => {
    const sketch = sketchOf(folderOf(content)((content.text ?? '').replace(/\bhttps?:\/\/\S+/gi, ' ')).text)
    return sketch.length < shinglesMin ? undefined : sketch
  })
}

function encode(sketch: Uint32Array): string {
  const bytes = Buffer.alloc(sketch.length * 4)
  for (const [at, hash] of sketch.entries()) bytes.writeUInt32LE(hash, at * 4)
  return bytes.toString('base64')
}

function decode(signal: string): Uint32Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(signal)) return undefined
  const bytes = Buffer.from(signal, 'base64')
  if (bytes.length % 4 !== 0 || bytes.length > 4 * sketchSize || bytes.length < 4 * shinglesMin) return undefined
  const sketch = Uint32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(at * 4))
  return sketch.every((hash, at) => at === 0 || hash > sketch[at - 1]!) ? sketch : undefined
}

/** Texts of which a few words were changed, left out, added or moved. Three words or so are needed. */
export const textNearType: SyncSignalType = {
  name: 'text-near',
  version: 'text-near@1',
  // Of 100,000 pairs of unrelated posts about one is as near as this; bench/match.text.bench.ts says more.
  threshold: 0.5,
  thresholdMax: 0.7,
  part: 'text',
  thresholdStep: 0.01,
  words: {
    title: 'Nearly the same text',
    about: 'Texts that share much of their wording (MinHash): names, sums and sentences may differ.',
    media: ['text'],
    scale: { zero: 100, perDistance: -100, decimals: 0, unit: '% of the wording the same' },
    finds: [
      { upTo: 0.5, what: 'the same text with some words changed' },
      { upTo: 0.7, what: 'also texts that only quote it, and some on the same matter' },
    ],
  },
  describe: (distance) => `${Math.round(100 * (1 - distance))} % of the wording the same`,
  parse(field, signal) {
    const sketch = decode(signal)
    if (sketch !== undefined) return encode(sketch)
    const problem = `must be ${shinglesMin} to ${sketchSize} ascending 32-bit hashes (little endian) in Base64`
    throw new InputError(`${field} ${problem}`, [{ field, problem, value: quote(signal), limit: sketchSize }])
  },
  contentOf: (signal) => ({ textSignals: { 'text-near': signal } }),
  signalOf(content) {
    if (content.textSignals?.['text-near'] !== undefined) return content.textSignals['text-near']
    const sketch = content.text === undefined ? undefined : sketchFor(content)
    return sketch === undefined ? undefined : encode(sketch)
  },
  compare(query, entry) {
    const alike = resemblance(decode(query)!, decode(entry)!)
    return { distance: distanceOf(alike), similarity: alike }
  },
  createIndex() {
    const index = createSketchIndex()
    return {
      add(slot, signal) {
        const sketch = decode(signal)
        if (sketch !== undefined) index.add(slot, sketch)
      },
      remove: (slot) => void index.remove(slot),
      search(content, { radiusMax, thresholdOf, wanted }) {
        if (index.size === 0) return []
        const given = content.textSignals?.['text-near']
        const sketch = given === undefined ? sketchFor(content) : decode(given)
        if (sketch === undefined) return []
        const part = wholeText(content.text ?? '')
        return (
          index
            // Distances are rounded to a step, so the last half step counts too.
            .query(sketch, Math.max(0, 1 - radiusMax - 0.005))
            .map(({ id, resemblance: similarity }) => ({
              slot: id,
              part,
              distance: distanceOf(similarity),
              similarity,
              // Unrelated texts hardly ever share a third of their wording, so more than that is more than chance.
              confidence: Math.min(1, Math.max(0, (similarity - 0.3) / 0.5)),
            }))
            .filter(({ slot, distance }) => wanted?.(slot) !== false && distance <= thresholdOf(slot))
        )
      },
    }
  },
}
