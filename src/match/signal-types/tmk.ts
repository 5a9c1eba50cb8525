import { InputError } from '../../domain/error.ts'
import {
  readTmk,
  tmkBytes,
  tmkLevel1,
  tmkLevel2,
  tmkMismatch,
  tmkScoreMin,
  type TmkFeatures,
} from '../../kernels/tmk.ts'
import type { SignalHit, SyncSignalType } from './signal-type.ts'

const hundredths = (value: number) => Math.max(0, Math.ceil(Math.round(value * 1e6) / 1e4) / 100)
const fromBase64 = (signal: string) => readTmk(Buffer.from(signal, 'base64'))

/** The worse of both levels: the reference matches where both are at least 0.7. */
function similarityOf(query: TmkFeatures, entry: TmkFeatures, atLeast = -Infinity): number {
  const level1 = tmkLevel1(query, entry)
  return level1 < atLeast || tmkMismatch(query, entry) !== undefined
    ? Math.min(level1, 0)
    : Math.min(level1, tmkLevel2(query, entry))
}

/**
 * Videos by TMK+PDQF, as the `.tmk` files of other platforms in base64. The distance is one less the worse of the two
 * levels. An entry takes 263 KB of memory: this is for lists that come from elsewhere; videos hashed here have vPDQ.
 */
export const tmkType: SyncSignalType = {
  name: 'tmk',
  version: 'tmk-pdqf@1',
  threshold: hundredths(1 - tmkScoreMin),
  thresholdMax: 0.5,
  part: 'video',
  thresholdStep: 0.01,
  words: {
    title: 'Video, TMK',
    about: 'Whole videos of about the same length, by how their frames change over time; clips are not found.',
    media: ['video'],
    scale: { zero: 1, perDistance: -1, decimals: 2, unit: 'as TMK scores' },
    finds: [{ upTo: 0.5, what: 'the same video, recompressed or resized' }],
  },
  describe: (distance) => `TMK scores of at least ${Math.max(0, 1 - distance).toFixed(2)}`,
  parse(field, signal) {
    const refuse = (problem: string) =>
      new InputError(`${field} ${problem}`, [{ field, problem, value: signal.slice(0, 64), limit: tmkBytes }])
    // Four characters hold three bytes; line breaks may be among them.
    if (signal.length > tmkBytes * 1.5) throw refuse(`has ${signal.length} characters; a .tmk file in base64 has fewer`)
    const compact = signal.replaceAll(/\s/g, '')
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) throw refuse('is not base64')
    const bytes = Buffer.from(compact, 'base64')
    try {
      readTmk(bytes)
    } catch (error) {
      throw refuse(`is not a .tmk file: ${(error as TypeError).message}`)
    }
    return bytes.toString('base64')
  },
  contentOf: (signal) => ({ videos: [{ signals: { tmk: signal } }] }),
  signalOf: (content) => content.videos?.[0]?.signals.tmk,
  compare(query, entry) {
    const similarity = similarityOf(fromBase64(query), fromBase64(entry))
    return { distance: hundredths(1 - similarity), similarity: Math.max(0, similarity) }
  },
  createIndex() {
    const entries = new Map<number, TmkFeatures>()
    return {
      add: (slot, signal) => void entries.set(slot, fromBase64(signal)),
      remove: (slot) => void entries.delete(slot),
      search(content, { radiusMax, thresholdOf, wanted }) {
        const hits: SignalHit[] = []
        if (entries.size === 0) return hits
        for (const [index, { signals, sha256 }] of (content.videos ?? []).entries()) {
          if (signals.tmk === undefined) continue
          const query = fromBase64(signals.tmk)
          for (const [slot, entry] of entries) {
            if (wanted?.(slot) === false) continue
            // Level 1 is a thousand times cheaper, and rules nearly all out.
            const similarity = similarityOf(query, entry, 1 - radiusMax - 0.01)
            const distance = hundredths(1 - similarity)
            if (distance > thresholdOf(slot)) continue
            hits.push({
              slot,
              part: { kind: 'video', index, ...(sha256 === undefined ? {} : { mediaSha256: sha256 }) },
              distance,
              similarity: Math.min(1, similarity),
              confidence: Math.min(1, similarity),
            })
          }
        }
        return hits
      },
    }
  },
}
