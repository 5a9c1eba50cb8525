import { createDigestIndex, wordsOfHex } from '../../kernels/digest-index.ts'
import { parseDigits } from './digits.ts'
import type { LookupContent, SignalHit, SyncSignalType } from './signal-type.ts'

/** Hits of one medium beyond this say nothing new: they all are the same bytes. */
const hitsMax = 1_000

type Medium = { sha256?: string; signals?: Readonly<Record<string, string>>; quality?: number }
type MediumKind = 'photo' | 'video' | 'audio'

/** Media of any kind by a digest of their bytes: also what is too flat, short or small for a perceptual hash. */
function exactTypeOf(name: 'sha256' | 'sha1' | 'md5', digits: number): SyncSignalType {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`, 'i')
  const digestOf = ({ sha256, signals }: Medium) => (name === 'sha256' ? (sha256 ?? signals?.sha256) : signals?.[name])
  return {
    name,
    version: `${name}@1`,
    threshold: 0,
    thresholdMax: 0,
    part: 'photo',
    thresholdStep: 1,
    words: {
      title: `Same file, ${name.toUpperCase().replace('SHA', 'SHA-')}`,
      about: 'Files with the same bytes, of any kind; one that is saved anew has others.',
      media: ['photo', 'video', 'audio'],
      finds: [{ upTo: 0, what: 'the same bytes' }],
    },
    describe: (distance) => (distance === 0 ? 'the same bytes' : 'other bytes'),
    parse: (field, signal) => parseDigits(field, signal, digits),
    contentOf: (signal) => ({ photos: [{ signals: { [name]: signal } }] }),
    signalOf: ({ photos = [], videos = [], audios = [] }) =>
      [...photos, ...videos, ...audios].map(digestOf).find((digest) => digest !== undefined),
    compare: (query, entry) => ({ distance: query === entry ? 0 : 1, similarity: query === entry ? 1 : 0 }),
    createIndex() {
      const index = createDigestIndex(digits / 8)
      return {
        add: (slot, signal) => index.add(slot, wordsOfHex(signal)),
        remove: (slot) => void index.remove(slot),
        search(content, { wanted }) {
          const hits: SignalHit[] = []
          if (index.size === 0) return hits
          for (const [kind, media] of mediaOf(content))
            for (const [at, medium] of media.entries()) {
              const digest = digestOf(medium)
              if (digest === undefined || !pattern.test(digest)) continue
              const part = { kind, index: at, ...(medium.sha256 === undefined ? {} : { mediaSha256: medium.sha256 }) }
              const quality = medium.quality === undefined ? {} : { quality: medium.quality }
              let found = 0
              for (
                let slot = index.first(wordsOfHex(digest.toLowerCase()));
                slot >= 0 && found < hitsMax;
                slot = index.nextSame(slot)
              ) {
                if (wanted?.(slot) === false) continue
                found++
                hits.push({ slot, part, distance: 0, similarity: 1, confidence: 1, ...quality })
              }
            }
          return hits
        },
      }
    },
  }
}

function mediaOf({ photos, videos, audios }: LookupContent): [MediumKind, readonly Medium[]][] {
  return [
    ['photo', photos ?? []],
    ['video', videos ?? []],
    ['audio', audios ?? []],
  ]
}

export const exactType = exactTypeOf('sha256', 64)
export const sha1Type = exactTypeOf('sha1', 40)
/** Kept because lists of other parties have nothing better; not proof against made collisions (RFC 6151). */
export const md5Type = exactTypeOf('md5', 32)
