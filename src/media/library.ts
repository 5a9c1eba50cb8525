import { InputError } from '../domain/error.ts'
import type { HashedImage, MediaPool } from './hash-pool.ts'
import type { PreviewVariant } from './preview.ts'
import { sha256Of, type MediaFiles } from './store.ts'

/** What is known of one stored image of one tenant. */
export type MediaRecord = {
  sha256: string
  mime: string
  bytes: number
  width: number
  height: number
  pdq?: HashedImage['pdq']
}

/** Where records are kept; `storage/media-records.ts` keeps them in the database. */
export type MediaRecords = {
  find: (tenantId: string, sha256: string) => Promise<MediaRecord | undefined>
  /** What any tenant's copy of the same bytes hashed to: hashing is a function of the bytes alone. */
  findHashed: (sha256: string) => Promise<MediaRecord | undefined>
  insert: (tenantId: string, record: MediaRecord) => Promise<void>
}

export type MediaLibrary = {
  /**
   * Checks, hashes and keeps an image; durable when it resolves. The same bytes again cost a look-up. Throws an
   * InputError that names the limit for what is no image, hostile or broken; nothing of it is kept.
   */
  put: (tenantId: string, bytes: Uint8Array) => Promise<MediaRecord>
  find: (tenantId: string, sha256: string) => Promise<MediaRecord | undefined>
  /** The bytes as sent, or undefined when this tenant has no such media. */
  read: (tenantId: string, sha256: string) => Promise<Uint8Array | undefined>
  /** A WebP preview, or undefined when this tenant has no such media. */
  preview: (tenantId: string, sha256: string, variant: PreviewVariant) => Promise<Uint8Array | undefined>
}

export type MediaLibraryDeps = { files: MediaFiles; pool: MediaPool; records: MediaRecords }

/** Media of all tenants: files by content, records by tenant. */
export function createMediaLibrary({ files, pool, records }: MediaLibraryDeps): MediaLibrary {
  const read: MediaLibrary['read'] = async (tenantId, sha256) =>
    (await records.find(tenantId, sha256)) === undefined ? undefined : files.read(sha256)
  return {
    async put(tenantId, bytes) {
      const sha256 = sha256Of(bytes)
      const own = await records.find(tenantId, sha256)
      if (own !== undefined) return own
      const known = await records.findHashed(sha256)
      const { mime, width, height, pdq } = known ?? (await pool.hash(bytes))
      const record: MediaRecord = {
        sha256,
        mime,
        bytes: bytes.length,
        width,
        height,
        ...(pdq === undefined ? {} : { pdq }),
      }
      await files.put(bytes)
      await records.insert(tenantId, record)
      return record
    },
    find: (tenantId, sha256) => records.find(tenantId, sha256),
    read,
    async preview(tenantId, sha256, variant) {
      const bytes = await read(tenantId, sha256)
      return bytes === undefined ? undefined : pool.preview(bytes, variant)
    },
  }
}

/** The bytes of base64 text. Throws an InputError that names the field for anything else. */
export function bytesOfBase64(field: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, ''))
    throw new InputError(`${field} is not base64`, [{ field, problem: 'is not base64' }])
  return bytes
}
