import type { Query, Tx } from './database.ts'

/** Stores the key unless the person has one, and answers the one that stands. */
export async function upsertVaultKey(tx: Tx, tenantId: string, personId: string, wrapped: Buffer): Promise<Buffer> {
  const [row] = await tx.query<{ wrapped_key: Buffer }>(
    `INSERT INTO vault_keys (tenant_id, person_id, wrapped_key) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, person_id) DO UPDATE SET wrapped_key = vault_keys.wrapped_key RETURNING wrapped_key`,
    [tenantId, personId, wrapped],
  )
  return row!.wrapped_key
}

export async function selectVaultKey(query: Query, tenantId: string, personId: string): Promise<Buffer | undefined> {
  const [row] = await query<{ wrapped_key: Buffer }>(
    'SELECT wrapped_key FROM vault_keys WHERE tenant_id = $1 AND person_id = $2',
    [tenantId, personId],
  )
  return row?.wrapped_key
}

export async function deleteVaultKey(tx: Tx, tenantId: string, personId: string): Promise<void> {
  await tx.query('DELETE FROM vault_keys WHERE tenant_id = $1 AND person_id = $2', [tenantId, personId])
}

export async function insertVaultItem(
  tx: Tx,
  item: { id: string; tenantId: string; personId: string; sealed: Buffer },
): Promise<void> {
  await tx.query('INSERT INTO vault_items (id, tenant_id, person_id, sealed) VALUES ($1, $2, $3, $4)', [
    item.id,
    item.tenantId,
    item.personId,
    item.sealed,
  ])
}

export async function selectVaultItem(
  query: Query,
  tenantId: string,
  id: string,
): Promise<{ personId: string; sealed: Buffer } | undefined> {
  const [row] = await query<{ person_id: string; sealed: Buffer }>(
    'SELECT person_id, sealed FROM vault_items WHERE tenant_id = $1 AND id::text = $2',
    [tenantId, id],
  )
  return row === undefined ? undefined : { personId: row.person_id, sealed: row.sealed }
}
