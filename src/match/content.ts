import type { MediaRecord } from '../media/library.ts'
import type { MediaContent, PhotoContent } from './signal-types/signal-type.ts'

/** Media of one item by kind. A medium has the same index in all lists, and nothing in those that are not of its kind. */
export type MediaParts = { photos: PhotoContent[]; videos: MediaContent[]; audios: MediaContent[] }

/** Nothing to look up; what stands where a medium could not be read. */
export const noParts = { photo: {}, video: { signals: {} }, audio: { signals: {} } } as const

/** Puts the media of an item, in their order, into the lists that lookups take; undefined where one cannot be read. */
export function partsOf(media: readonly (MediaParts | undefined)[]): MediaParts {
  return {
    photos: media.map((parts) => parts?.photos[0] ?? noParts.photo),
    videos: media.map((parts) => parts?.videos[0] ?? noParts.video),
    audios: media.map((parts) => parts?.audios[0] ?? noParts.audio),
  }
}

/** A stored medium as lookups take it. An animated photo is a photo and a video. */
export function partsOfRecord(record: MediaRecord): MediaParts {
  const { kind, sha256, signals } = record
  const medium: MediaContent = { sha256, signals }
  return {
    photos: kind === 'photo' ? [photoOfRecord(record)] : [],
    // The digests of an animated photo are found by the photo already.
    videos: kind === 'video' ? [medium] : record.animated ? [{ signals: withoutDigests(signals) }] : [],
    audios: kind === 'audio' ? [medium] : [],
  }
}

/** A stored photo as lookups take it. */
export function photoOfRecord({ sha256, pdq, readings, signals }: MediaRecord): PhotoContent {
  return {
    sha256,
    ...(pdq === undefined ? {} : { pdq: pdq.hash, quality: pdq.quality, dihedral: pdq.dihedral }),
    ...(readings === undefined ? {} : { readings }),
    signals,
  }
}

/** Hashes that a platform made itself, as lookups take them: of a medium of this kind, already in canonical form. */
export function partsOfHashes(kind: string, hashes: Readonly<Record<string, string>>): MediaParts {
  const { pdq, sha256, ...signals } = hashes
  const digest = sha256 === undefined ? {} : { sha256 }
  return {
    photos: kind === 'video' || kind === 'audio' ? [] : [{ ...digest, ...(pdq === undefined ? {} : { pdq }), signals }],
    videos: kind === 'video' ? [{ ...digest, signals }] : [],
    audios: kind === 'audio' ? [{ ...digest, signals }] : [],
  }
}

function withoutDigests({ md5: _md5, sha1: _sha1, ...signals }: Readonly<Record<string, string>>) {
  return signals
}
