import type { Query } from './database.ts'

export type StoredMedia = {
  sha256: string
  mime: string
  bytes: number
  width: number
  height: number
  pdq?: { hash: string; quality: number; dihedral: string[] }
}

type MediaRow = {
  sha256: string
  mime: string
  bytes: number
  width: number
  height: number
  pdq: string | null
  pdq_quality: number | null
  pdq_dihedral: string[] | null
}

const columns = 'sha256, mime, bytes, width, height, pdq, pdq_quality, pdq_dihedral'

const toMedia = (row: MediaRow): StoredMedia => ({
  sha256: row.sha256,
  mime: row.mime,
  bytes: row.bytes,
  width: row.width,
  height: row.height,
  ...(row.pdq === null
    ? {}
    : { pdq: { hash: row.pdq, quality: row.pdq_quality!, dihedral: row.pdq_dihedral ?? [row.pdq] } }),
})

/** The records of stored media, by tenant and SHA-256. */
export function createMediaRecords(query: Query): {
  find: (tenantId: string, sha256: string) => Promise<StoredMedia | undefined>
  findHashed: (sha256: string) => Promise<StoredMedia | undefined>
  insert: (tenantId: string, media: StoredMedia) => Promise<void>
} {
  return {
    async find(tenantId, sha256) {
      const [row] = await query<MediaRow>(
        `SELECT ${columns} FROM media WHERE tenant_id = $1 AND sha256 = $2 AND problem IS NULL`,
        [tenantId, sha256],
        'media-find',
      )
      return row === undefined ? undefined : toMedia(row)
    },
    async findHashed(sha256) {
      const [row] = await query<MediaRow>(
        `SELECT ${columns} FROM media WHERE sha256 = $1 AND problem IS NULL LIMIT 1`,
        [sha256],
        'media-find-hashed',
      )
      return row === undefined ? undefined : toMedia(row)
    },
    async insert(tenantId, media) {
      await query(
        `INSERT INTO media (tenant_id, sha256, mime, bytes, width, height, pdq, pdq_quality, pdq_dihedral)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, sha256) DO NOTHING`,
        [
          tenantId,
          media.sha256,
          media.mime,
          media.bytes,
          media.width,
          media.height,
          media.pdq?.hash ?? null,
          media.pdq?.quality ?? null,
          media.pdq?.dihedral ?? null,
        ],
        'media-insert',
      )
    },
  }
}
