import { InputError } from '../domain/error.ts'
import { digestsOf, hashersFor, runHashers, withSource, type MediaHasher } from './hashers.ts'
import { imageHasherVersion, type HashedImage, type MediaPool } from './hash-pool.ts'
import { mediaTypeOf, type MediaKind, type MediaType } from './kinds.ts'
import type { PreviewVariant } from './preview.ts'
import type { MediaFiles } from './store.ts'

/** What is known of one stored photo, video or sound of one tenant. */
export type MediaRecord = {
  sha256: string
  kind: MediaKind
  mime: string
  /** A photo with more than one frame: its signals are those of a photo and of a video. */
  animated: boolean
  bytes: number
  /** In pixels, for photos and for videos whose hasher says so. */
  width?: number
  height?: number
  durationMs?: number
  pdq?: HashedImage['pdq']
  readings?: HashedImage['readings']
  /** Canonical signals by the name of their type: `md5`, `sha1`, and what the hashers made. */
  signals: Record<string, string>
  /** Which algorithms and versions hashed it. */
  hashedBy: string
}

/** Where records are kept; `storage/media-records.ts` keeps them in the database. */
export type MediaRecords = {
  find: (tenantId: string, sha256: string) => Promise<MediaRecord | undefined>
  /** What any tenant's copy of the same bytes hashed to by the same versions: hashing is a function of the bytes alone. */
  findHashed: (sha256: string, hashedBy: string) => Promise<MediaRecord | undefined>
  /** Makes the record, or brings the one that is there up to date. */
  save: (tenantId: string, record: MediaRecord) => Promise<void>
}

export type MediaLibrary = {
  /**
   * Checks, hashes and keeps a medium; durable when it resolves. The same bytes again cost a look-up. Throws an
   * InputError that names the limit for what is no medium, hostile or broken; nothing of it is kept.
   */
  put: (tenantId: string, bytes: Uint8Array) => Promise<MediaRecord>
  /** What `put` would keep, without keeping anything. */
  hash: (bytes: Uint8Array) => Promise<MediaRecord>
  find: (tenantId: string, sha256: string) => Promise<MediaRecord | undefined>
  /** The record with the signals that an entry of a bank made of it should hold; undefined when this tenant has no such media. */
  findForEntry: (tenantId: string, sha256: string) => Promise<MediaRecord | undefined>
  /** The bytes as sent, or undefined when this tenant has no such media. */
  read: (tenantId: string, sha256: string) => Promise<Uint8Array | undefined>
  /** A WebP preview; undefined when this tenant has no such media, or it has no picture. */
  preview: (tenantId: string, sha256: string, variant: PreviewVariant) => Promise<Uint8Array | undefined>
  /** What can be listened to, as WAV; undefined when this tenant has no such media, or it has no sound. */
  sound: (tenantId: string, sha256: string) => Promise<Uint8Array | undefined>
}

export type MediaLibraryDeps = {
  files: MediaFiles
  pool: MediaPool
  records: MediaRecords
  /** Hashers beside PDQ and the digests; `createHashers` of `media/all-hashers.ts`. */
  hashers?: readonly MediaHasher[]
}

/** Media of all tenants: files by content, records by tenant. */
export function createMediaLibrary({ files, pool, records, hashers = [] }: MediaLibraryDeps): MediaLibrary {
  const wantedBy = (type: MediaType) =>
    [...(type.kind === 'photo' ? [imageHasherVersion] : []), ...hashersFor(hashers, type).map(({ name }) => name)].join(
      ',',
    )

  const hashed = async (bytes: Uint8Array, type: MediaType, digests: Awaited<ReturnType<typeof digestsOf>>) => {
    const { sha256, sha1, md5 } = digests
    const image = type.kind === 'photo' ? await pool.hash(bytes, { derivatives: true }) : undefined
    const made = await runHashers(hashers, { ...type, sha256 }, bytes)
    const by = [...(image === undefined ? [] : [imageHasherVersion]), ...made.by]
    const record: MediaRecord = {
      sha256,
      kind: type.kind,
      mime: type.mime,
      animated: type.animated,
      bytes: bytes.length,
      ...sizesOf({ ...made, ...image }),
      ...(image?.pdq === undefined ? {} : { pdq: image.pdq }),
      ...(image?.readings === undefined ? {} : { readings: image.readings }),
      signals: { md5, sha1, ...image?.signals, ...made.signals },
      hashedBy: by.join(','),
    }
    return record
  }

  const read: MediaLibrary['read'] = async (tenantId, sha256) =>
    (await records.find(tenantId, sha256)) === undefined ? undefined : files.read(sha256)
  return {
    async put(tenantId, bytes) {
      const type = mediaTypeOf(bytes)
      const digests = await digestsOf(bytes)
      const wanted = wantedBy(type)
      const own = await records.find(tenantId, digests.sha256)
      if (own?.hashedBy === wanted && own.signals.md5 !== undefined) return own
      const known = await records.findHashed(digests.sha256, wanted)
      const record = known?.signals.md5 === undefined ? await hashed(bytes, type, digests) : known
      await files.put(bytes)
      await records.save(tenantId, record)
      return record
    },
    async hash(bytes) {
      return hashed(bytes, mediaTypeOf(bytes), await digestsOf(bytes))
    },
    find: (tenantId, sha256) => records.find(tenantId, sha256),
    async findForEntry(tenantId, sha256) {
      const record = await records.find(tenantId, sha256)
      const own = record === undefined ? [] : hashersFor(hashers, record).filter(({ entry }) => entry !== undefined)
      const bytes = own.length === 0 ? undefined : await files.read(sha256)
      if (record === undefined || bytes === undefined) return record
      const signals = { ...record.signals }
      await withSource(record, bytes, async (source) => {
        for (const hasher of own) Object.assign(signals, await hasher.entry!(source))
      })
      return { ...record, signals }
    },
    read,
    async preview(tenantId, sha256, variant) {
      const record = await records.find(tenantId, sha256)
      const bytes = record === undefined ? undefined : await files.read(sha256)
      if (record === undefined || bytes === undefined) return undefined
      if (record.kind === 'photo') return pool.preview(bytes, variant)
      const makes = hashersFor(hashers, record).find(({ poster }) => poster !== undefined)
      const poster = await withSource(record, bytes, async (source) => makes?.poster?.(source))
      return poster === undefined ? undefined : pool.preview(poster, variant)
    },
    async sound(tenantId, sha256) {
      const record = await records.find(tenantId, sha256)
      const makes =
        record === undefined ? undefined : hashersFor(hashers, record).find(({ sound }) => sound !== undefined)
      const bytes = makes === undefined ? undefined : await files.read(sha256)
      if (record === undefined || bytes === undefined) return undefined
      return withSource(record, bytes, async (source) => makes?.sound?.(source))
    },
  }
}

function sizesOf({ width, height, durationMs }: { width?: number; height?: number; durationMs?: number }) {
  return {
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(durationMs === undefined ? {} : { durationMs }),
  }
}

/** The bytes of base64 text. Throws an InputError that names the field for anything else. */
export function bytesOfBase64(field: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, ''))
    throw new InputError(`${field} is not base64`, [{ field, problem: 'is not base64' }])
  return bytes
}
