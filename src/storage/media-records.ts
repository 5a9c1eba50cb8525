import { toJsonb, type Query } from './database.ts'

export type StoredMedia = {
  sha256: string
  kind: 'photo' | 'video' | 'audio'
  mime: string
  animated: boolean
  bytes: number
  width?: number
  height?: number
  durationMs?: number
  pdq?: { hash: string; quality: number; dihedral: string[] }
  readings?: {
    transformation: string
    pdq: string
    quality: number
    inside?: { left: number; top: number; width: number; height: number }
  }[]
  /** Canonical signals by the name of their type. */
  signals: Record<string, string>
  /** Which algorithms and versions hashed it. */
  hashedBy: string
}

type MediaRow = {
  sha256: string
  kind: StoredMedia['kind']
  mime: string
  animated: boolean
  bytes: number
  width: number | null
  height: number | null
  duration_ms: number | null
  pdq: string | null
  pdq_quality: number | null
  pdq_dihedral: string[] | null
  readings: StoredMedia['readings'] | null
  signals: Record<string, string>
  hashed_by: string
}

const columns = `sha256, kind, mime, animated, bytes, width, height, duration_ms, pdq, pdq_quality, pdq_dihedral, readings,
  signals, hashed_by`

const toMedia = (row: MediaRow): StoredMedia => ({
  sha256: row.sha256,
  kind: row.kind,
  mime: row.mime,
  animated: row.animated,
  bytes: row.bytes,
  ...(row.width === null ? {} : { width: row.width }),
  ...(row.height === null ? {} : { height: row.height }),
  ...(row.duration_ms === null ? {} : { durationMs: row.duration_ms }),
  ...(row.pdq === null
    ? {}
    : { pdq: { hash: row.pdq, quality: row.pdq_quality!, dihedral: row.pdq_dihedral ?? [row.pdq] } }),
  ...(row.readings === null ? {} : { readings: row.readings }),
  signals: row.signals,
  hashedBy: row.hashed_by,
})

/** The records of stored media, by tenant and SHA-256. */
export function createMediaRecords(query: Query): {
  find: (tenantId: string, sha256: string) => Promise<StoredMedia | undefined>
  findHashed: (sha256: string, hashedBy: string) => Promise<StoredMedia | undefined>
  save: (tenantId: string, media: StoredMedia) => Promise<void>
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
    async findHashed(sha256, hashedBy) {
      const [row] = await query<MediaRow>(
        `SELECT ${columns} FROM media WHERE sha256 = $1 AND hashed_by = $2 AND problem IS NULL LIMIT 1`,
        [sha256, hashedBy],
        'media-find-hashed',
      )
      return row === undefined ? undefined : toMedia(row)
    },
    async save(tenantId, media) {
      await query(
        `INSERT INTO media (tenant_id, sha256, kind, mime, animated, bytes, width, height, duration_ms, pdq, pdq_quality,
           pdq_dihedral, readings, signals, hashed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (tenant_id, sha256) DO UPDATE SET kind = excluded.kind, mime = excluded.mime, animated = excluded.animated,
           width = excluded.width, height = excluded.height, duration_ms = excluded.duration_ms, pdq = excluded.pdq,
           pdq_quality = excluded.pdq_quality, pdq_dihedral = excluded.pdq_dihedral, readings = excluded.readings,
           signals = excluded.signals, hashed_by = excluded.hashed_by`,
        [
          tenantId,
          media.sha256,
          media.kind,
          media.mime,
          media.animated,
          media.bytes,
          media.width ?? null,
          media.height ?? null,
          media.durationMs === undefined ? null : Math.round(media.durationMs),
          media.pdq?.hash ?? null,
          media.pdq?.quality ?? null,
          media.pdq?.dihedral ?? null,
          media.readings === undefined ? null : toJsonb(media.readings),
          toJsonb(media.signals),
          media.hashedBy,
        ],
        'media-save',
      )
    },
  }
}
