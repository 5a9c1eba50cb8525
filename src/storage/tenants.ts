import { fillSettings, type TenantSettings } from '../domain/settings.ts'
import { toJsonb, type Query, type Tx } from './database.ts'

export type TenantRow = { id: string; name: string; settings: TenantSettings; version: number; createdMs: number }

type Stored = { id: string; name: string; settings: Partial<TenantSettings>; version: number; created_ms: number }
const columns = `id, name, settings, settings_version AS version, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms`
const toTenant = (row: Stored): TenantRow => ({
  id: row.id,
  name: row.name,
  settings: fillSettings(row.settings),
  version: row.version,
  createdMs: row.created_ms,
})

/** Makes a tenant; false when its id is taken. */
export async function insertTenant(
  tx: Tx,
  tenant: { id: string; name: string; nowMs: number; settings?: Partial<TenantSettings> },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO tenants (id, name, settings, created_at) VALUES ($1, $2, $3, to_timestamp($4 / 1000.0)) ON CONFLICT (id) DO NOTHING RETURNING id`,
    [tenant.id, tenant.name, toJsonb(tenant.settings ?? {}), tenant.nowMs],
  )
  return rows.length > 0
}

/** A tenant with its settings; `lock` keeps others from changing it until the transaction ends. */
export async function selectTenant(query: Query, id: string, lock = false): Promise<TenantRow | undefined> {
  const [row] = await query<Stored>(`SELECT ${columns} FROM tenants WHERE id = $1${lock ? ' FOR UPDATE' : ''}`, [id])
  return row === undefined ? undefined : toTenant(row)
}

/** Tenants by id, from after `after`; only those in `ids` when given. */
export async function selectTenants(
  query: Query,
  filter: { after: string; limit: number; ids?: readonly string[] },
): Promise<TenantRow[]> {
  const rows = await query<Stored>(
    `SELECT ${columns} FROM tenants WHERE id > $1 AND ($3::text[] IS NULL OR id = ANY($3)) ORDER BY id LIMIT $2`,
    [filter.after, filter.limit, filter.ids ?? null],
  )
  return rows.map(toTenant)
}

/** Replaces name and settings of a tenant and counts its version up. */
export async function updateTenant(
  tx: Tx,
  id: string,
  change: { name: string; settings: TenantSettings },
): Promise<void> {
  await tx.query('UPDATE tenants SET name = $2, settings = $3, settings_version = settings_version + 1 WHERE id = $1', [
    id,
    change.name,
    toJsonb(change.settings),
  ])
}
