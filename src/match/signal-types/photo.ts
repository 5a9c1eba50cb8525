import { createHammingIndex, hammingDistance } from '../../kernels/hamming-index.ts'
import { hammingStats } from '../../kernels/hamming-stats.ts'
import { dihedrals, pdqBits, pdqDihedralOfHash, pdqFromHex, pdqWords, type Dihedral } from '../../kernels/pdq.ts'
import { parseDigits } from './digits.ts'
import type { Inside, PhotoContent, SignalHit, SyncSignalType, TransformationMatrix } from './signal-type.ts'

/** Hashes under this quality are too unspecific: flat and tiny pictures collide (PDQ paper, section 6). */
export const pdqQualityMin = 50
// Unrelated photos lie around 128 bits; beyond 64 they begin to meet in lists of millions.
const thresholdMax = 64
/** Of one photo in one position; a bank may hold the same hash a million times. */
const hitsMax = 2_000

/** Photos by PDQ, in all eight dihedral positions and in the readings that were made of them. */
export const photoType: SyncSignalType = {
  name: 'pdq',
  version: 'pdq@1',
  threshold: 31,
  thresholdMax,
  part: 'photo',
  thresholdStep: 1,
  words: {
    title: 'Photo, PDQ',
    about:
      'Photos by where they are light and dark: found again resized, recompressed, mirrored, turned and lightly edited; not cut, framed or written on.',
    media: ['photo'],
    scale: { zero: 0, perDistance: 1, decimals: 0, unit: `of ${pdqBits} bits differ` },
    finds: [
      { upTo: 0, what: 'the very same hash: at most saved anew' },
      { upTo: 16, what: 'resized or recompressed' },
      { upTo: 31, what: 'resized, recompressed or lightly edited' },
      { upTo: thresholdMax, what: 'also heavily edited, and some that only look alike' },
    ],
  },
  describe: (distance) => `${distance} of ${pdqBits} bits`,
  parse: (field, signal) => parseDigits(field, signal, 64),
  contentOf: (signal) => ({ photos: [{ pdq: signal }] }),
  signalOf: (content) => content.photos?.[0]?.pdq,
  compare(query, entry) {
    const distance = hammingDistance(pdqFromHex(query), 0, pdqFromHex(entry), 0)
    return { distance, similarity: 1 - distance / pdqBits }
  },
  createIndex() {
    const index = createHammingIndex()
    return {
      add(slot, signal, quality) {
        // Kept in the bank and shown, but not matched.
        if (quality === null || quality >= pdqQualityMin) index.add(slot, pdqFromHex(signal))
      },
      addLater(slot, signal, quality) {
        if (quality === null || quality >= pdqQualityMin) index.addLater(slot, pdqFromHex(signal))
      },
      maintain: (budgetNs) => index.maintain(budgetNs),
      remove: (slot) => void index.remove(slot),
      stats: () => hammingStats(index),
      search(content, { radiusMax, thresholdOf, wanted, unturned }) {
        const hits: SignalHit[] = []
        for (const [at, photo] of (content.photos ?? []).entries()) {
          if (photo.pdq === undefined || index.size === 0) continue
          const best = new Map<number, SignalHit>()
          for (const { words, offset, quality, transformation, matrix } of viewsOf(photo, unturned === true)) {
            if ((quality ?? 100) < pdqQualityMin) continue
            for (const { id, distance } of index.query(words, radiusMax, offset, {
              limit: hitsMax,
              ...(wanted === undefined ? {} : { wanted }),
            })) {
              if (distance > thresholdOf(id) || distance >= (best.get(id)?.distance ?? Infinity)) continue
              const similarity = 1 - distance / pdqBits
              best.set(id, {
                slot: id,
                part: {
                  kind: 'photo',
                  index: at,
                  ...(photo.sha256 === undefined ? {} : { mediaSha256: photo.sha256 }),
                },
                distance,
                similarity,
                confidence: similarity * (0.8 + (0.2 * (quality ?? 100)) / 100),
                ...(quality === undefined ? {} : { quality }),
                ...(transformation === undefined ? {} : { transformation }),
                transformationMatrix: matrix,
              })
            }
          }
          hits.push(...best.values())
        }
        return hits
      },
    }
  },
}

/** One way to look at a photo: its hash at a place among words, and how it comes from the photo as sent. */
type View = {
  words: Uint32Array
  offset: number
  quality: number | undefined
  transformation?: string
  matrix: TransformationMatrix
}

const asItIs: TransformationMatrix = [1, 0, 0, 0, 1, 0, 0, 0, 1]
/** Where a place of the photo is once it is turned in this way. */
const turnMatrices: Record<Dihedral, TransformationMatrix> = {
  original: asItIs,
  rotate90: [0, 1, 0, -1, 0, 1, 0, 0, 1],
  rotate180: [-1, 0, 1, 0, -1, 1, 0, 0, 1],
  rotate270: [0, -1, 1, 1, 0, 0, 0, 0, 1],
  flipX: [1, 0, 0, 0, -1, 1, 0, 0, 1],
  flipY: [-1, 0, 1, 0, 1, 0, 0, 0, 1],
  flipPlus1: [0, 1, 0, 1, 0, 0, 0, 0, 1],
  flipMinus1: [0, -1, 1, -1, 0, 1, 0, 0, 1],
}

/** The photo as it is, its seven turns, and its readings. */
function viewsOf(photo: PhotoContent, unturned: boolean): View[] {
  const { quality } = photo
  if (unturned) return [{ words: pdqFromHex(photo.pdq!), offset: 0, quality, matrix: asItIs }]
  const words = turnedHashes(photo)
  return [
    ...dihedrals.map((name, turn) => ({
      words,
      offset: turn * pdqWords,
      quality,
      matrix: turnMatrices[name],
      ...(turn === 0 ? {} : { transformation: name }),
    })),
    ...(photo.readings ?? []).map((reading) => ({
      ...reading,
      words: pdqFromHex(reading.pdq),
      offset: 0,
      matrix: reading.inside === undefined ? asItIs : matrixOfInside(reading.inside),
    })),
  ]
}

/** What was read of the photo is all of the entry. */
function matrixOfInside({ left, top, width, height }: Inside): TransformationMatrix {
  return [1 / width, 0, -left / width, 0, 1 / height, -top / height, 0, 0, 1]
}

/** The eight hashes of a photo, 8 words each: as given, or estimated from the one. */
function turnedHashes(photo: PhotoContent): Uint32Array {
  if (photo.dihedral?.length !== dihedrals.length) return pdqDihedralOfHash(pdqFromHex(photo.pdq!))
  const words = new Uint32Array(dihedrals.length * pdqWords)
  for (const [turn, hash] of photo.dihedral.entries()) words.set(pdqFromHex(hash), turn * pdqWords)
  return words
}
