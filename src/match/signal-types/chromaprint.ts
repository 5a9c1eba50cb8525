import { InputError, quote } from '../../domain/error.ts'
import { decodeFingerprint, encodeFingerprint } from '../../kernels/chromaprint.ts'
import {
  compareFingerprints,
  createFingerprintIndex,
  distinctMin,
  distinctValues,
  stretchMin,
  type FingerprintHit,
} from '../../kernels/fingerprint-index.ts'
import type { SignalHit, SyncSignalType } from './signal-type.ts'

/** Two hours of sound. */
const valuesMax = 60_000

/**
 * Sounds, and the sound of videos, by Chromaprint: the share of bits that differ over the longest stretch that both have
 * in common, of five seconds at least. A clip matches the whole and the whole its clip, at tempos up to 6 % apart.
 */
export const chromaprintType: SyncSignalType = {
  name: 'chromaprint',
  version: 'chromaprint@1',
  threshold: 0.25,
  thresholdMax: 0.35,
  thresholdStep: 0.01,
  part: 'audio',
  words: {
    title: 'Sound, Chromaprint',
    about:
      'Sounds, and the sound of videos, by their melody and harmony: found again recompressed, cut and at a slightly other speed; not sung or spoken anew.',
    media: ['audio', 'video'],
    scale: { zero: 0, perDistance: 100, decimals: 0, unit: '% of the bits of the sound differ' },
    finds: [
      { upTo: 0.25, what: 'the same recording, recompressed or cut' },
      { upTo: 0.35, what: 'also with noise or speech over it, and some that only sound alike' },
    ],
  },
  describe: (distance) => `${Math.round(distance * 100)} % of the bits of the sound differ`,
  parse(field, signal) {
    const refuse = (problem: string, limit?: number) =>
      new InputError(`${field} ${problem}`, [
        { field, problem, value: quote(signal), ...(limit === undefined ? {} : { limit }) },
      ])
    const values = /^\d+(,\d+)+$/.test(signal) ? rawValues(signal) : decodeFingerprint(signal)
    if (values === undefined)
      throw refuse(
        'must be a Chromaprint fingerprint of algorithm 1: URL-safe base64 as fpcalc prints it, or raw numbers',
      )
    if (values.length < stretchMin) throw refuse(`has ${values.length} values; about 8 seconds of sound`, stretchMin)
    if (values.length > valuesMax) throw refuse(`has ${values.length} values`, valuesMax)
    if (distinctValues(values) < distinctMin) throw refuse('is silence or a tone, which much else is like', distinctMin)
    return encodeFingerprint(values)
  },
  contentOf: (signal) => ({ audios: [{ signals: { chromaprint: signal } }] }),
  signalOf: ({ audios, videos }) => audios?.[0]?.signals.chromaprint ?? videos?.[0]?.signals.chromaprint,
  compare(query, entry) {
    const hit = compareFingerprints(decodeFingerprint(query)!, decodeFingerprint(entry)!)
    return hit === undefined ? { distance: 0.5, similarity: 0 } : { ...nearness(hit), ...changeOf(hit) }
  },
  createIndex() {
    const index = createFingerprintIndex()
    return {
      add(slot, signal) {
        const values = decodeFingerprint(signal)!
        if (values.length >= stretchMin && distinctValues(values) >= distinctMin) index.add(slot, values)
      },
      remove: (slot) => void index.remove(slot),
      search({ audios, videos }, { radiusMax, thresholdOf, wanted }) {
        const hits: SignalHit[] = []
        for (const [kind, media] of [
          ['audio', audios],
          ['video', videos],
        ] as const)
          for (const [at, { sha256, signals }] of (media ?? []).entries()) {
            const values = signals.chromaprint === undefined ? undefined : decodeFingerprint(signals.chromaprint)
            if (values === undefined || values.length < stretchMin || distinctValues(values) < distinctMin) continue
            for (const hit of index.search(values, radiusMax)) {
              if (wanted?.(hit.id) === false || hit.distance > thresholdOf(hit.id)) continue
              hits.push({
                slot: hit.id,
                part: { kind, index: at, ...(sha256 === undefined ? {} : { mediaSha256: sha256 }) },
                ...nearness(hit),
                confidence: confidenceOf(hit),
                ...changeOf(hit),
              })
            }
          }
        return hits
      },
    }
  },
}

/** Half of the bits differ by chance: that is no similarity at all. */
function nearness({ distance }: Pick<FingerprintHit, 'distance'>): { distance: number; similarity: number } {
  const rounded = Math.round(distance * 1_000) / 1_000
  return { distance: rounded, similarity: Math.max(0, 1 - 2 * rounded) }
}

/** Short stretches agree by chance more often. */
function confidenceOf({ distance, length }: FingerprintHit): number {
  return Math.max(0, 1 - 2 * distance) * (1 - Math.exp(-length / stretchMin))
}

function changeOf({ tempo }: Pick<FingerprintHit, 'tempo'>): { transformation?: string } {
  return tempo === 1 ? {} : { transformation: tempo > 1 ? 'faster' : 'slower' }
}

function rawValues(text: string): Uint32Array | undefined {
  const numbers = text.split(',').map(Number)
  return numbers.every((value) => value <= 0xffff_ffff) ? Uint32Array.from(numbers) : undefined
}
