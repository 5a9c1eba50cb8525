import { toJsonb, type Query } from '../../storage/database.ts'

export type VectorType = 'embedding-photo' | 'embedding-text'

/** A bank entry that a model has not looked at yet: its text, or its photo. */
export type EntryToEmbed = { tenantId: string; entryId: string; text: string | null; mediaSha256: string | null }

/** Entries with something for models of this type: texts, or photos of which the file was stored. */
const suited: Record<VectorType, string> = {
  'embedding-text': `e.text IS NOT NULL`,
  'embedding-photo': `e.media_sha256 IS NOT NULL AND EXISTS (SELECT 1 FROM media m WHERE m.tenant_id = e.tenant_id
    AND m.sha256 = e.media_sha256 AND m.kind = 'photo')`,
}
const entryToEmbed = `e.tenant_id AS "tenantId", e.entry_id AS "entryId", e.text, e.media_sha256 AS "mediaSha256"`
const unseenBy = (model: string) =>
  `NOT EXISTS (SELECT 1 FROM entry_vectors v WHERE v.tenant_id = e.tenant_id AND v.entry_id = e.entry_id AND v.model = ${model})`

/** Entries of all tenants, not retired, that a model has not looked at, by tenant and id from after a place. */
export function selectUnseenEntries(
  query: Query,
  { id, type }: { id: string; type: VectorType },
  after: { tenantId: string; entryId: string },
  limit: number,
): Promise<EntryToEmbed[]> {
  return query(
    `SELECT ${entryToEmbed} FROM bank_entries e
     WHERE (e.tenant_id, e.entry_id) > ($2, $3) AND e.status <> 'retired' AND ${suited[type]} AND ${unseenBy('$1')}
     ORDER BY e.tenant_id, e.entry_id LIMIT $4`,
    [id, after.tenantId, after.entryId, limit],
    `vectors-unseen-${type}`,
  )
}

/** The same among these entries of one tenant. */
export function selectUnseenOf(
  query: Query,
  { id, type }: { id: string; type: VectorType },
  tenantId: string,
  entryIds: readonly string[],
): Promise<EntryToEmbed[]> {
  return query(
    `SELECT ${entryToEmbed} FROM bank_entries e
     WHERE e.tenant_id = $2 AND e.entry_id = ANY($3) AND e.status <> 'retired' AND ${suited[type]} AND ${unseenBy('$1')}`,
    [id, tenantId, entryIds],
    `vectors-unseen-of-${type}`,
  )
}

export type MadeVector = {
  tenantId: string
  entryId: string
  model: string
  type: VectorType
  /** `model:base64`, or why there is none. */
  vector: string | null
  because: string | null
}

/** Keeps what models made, and marks the entries as changed so that every index takes it in. */
export async function insertVectors(query: Query, made: readonly MadeVector[]): Promise<void> {
  if (made.length === 0) return
  await query(
    `WITH given AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS g ("tenantId" text, "entryId" text, model text, type text, vector text,
         because text)),
     kept AS (
       INSERT INTO entry_vectors (tenant_id, entry_id, model, type, vector, because)
       SELECT "tenantId", "entryId", model, type, vector, because FROM given ON CONFLICT DO NOTHING
       RETURNING tenant_id, entry_id)
     INSERT INTO bank_changes (tenant_id, bank_id, entry_id, xid)
     SELECT DISTINCT e.tenant_id, e.bank_id, e.entry_id, pg_current_xact_id() FROM kept JOIN bank_entries e
       USING (tenant_id, entry_id)
     ON CONFLICT (tenant_id, bank_id, entry_id) DO UPDATE SET xid = excluded.xid`,
    [toJsonb(made)],
    'vectors-insert',
  )
}

/** Takes away up to so many vectors of a model; answers how many it took. */
export async function deleteVectors(query: Query, model: string, limit: number): Promise<number> {
  const [row] = await query<{ count: number }>(
    `WITH dropped AS (
       DELETE FROM entry_vectors WHERE ctid = ANY (ARRAY(SELECT ctid FROM entry_vectors WHERE model = $1 LIMIT $2))
       RETURNING tenant_id, entry_id),
     changed AS (
       INSERT INTO bank_changes (tenant_id, bank_id, entry_id, xid)
       SELECT e.tenant_id, e.bank_id, e.entry_id, pg_current_xact_id() FROM dropped JOIN bank_entries e USING (tenant_id, entry_id)
       ON CONFLICT (tenant_id, bank_id, entry_id) DO UPDATE SET xid = excluded.xid)
     SELECT count(*) AS count FROM dropped`,
    [model, limit],
    'vectors-delete',
  )
  return row!.count
}

/** Models that vectors are kept of, with how many of all tenants, or of one, and of how many entries they made none. */
export function countVectors(
  query: Query,
  tenantId?: string,
): Promise<{ model: string; type: VectorType; vectors: number; none: number }[]> {
  return query(
    `SELECT model, type, count(vector) AS vectors, count(*) - count(vector) AS none FROM entry_vectors
     WHERE $1::text IS NULL OR tenant_id = $1 GROUP BY model, type ORDER BY model`,
    [tenantId ?? null],
  )
}

/** How many entries of a tenant, not retired, have something for models of each type. */
export async function countSuited(query: Query, tenantId: string): Promise<Record<VectorType, number>> {
  const [row] = await query<Record<VectorType, number>>(
    `SELECT count(*) FILTER (WHERE ${suited['embedding-photo']}) AS "embedding-photo",
       count(*) FILTER (WHERE ${suited['embedding-text']}) AS "embedding-text"
     FROM bank_entries e WHERE e.tenant_id = $1 AND e.status <> 'retired'`,
    [tenantId],
  )
  return row!
}
