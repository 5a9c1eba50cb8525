import { toJsonb, type Query, type Tx } from '../../storage/database.ts'
import type { Bank, Subscription, VisibleBank } from '../bank.ts'
import { bankColumns, toBank, type BankRow } from '../store.ts'

type SubscriptionRow = {
  tenant_id: string
  bank_id: string
  owner_tenant_id: string
  thresholds: Record<string, number>
  action: string | null
  enabled: boolean
  created_ms: number
  version: number
}
const toSubscription = (row: SubscriptionRow): Subscription => ({
  tenantId: row.tenant_id,
  bankId: row.bank_id,
  ownerTenantId: row.owner_tenant_id,
  thresholds: row.thresholds,
  action: row.action,
  enabled: row.enabled,
  createdMs: row.created_ms,
  version: row.version,
})
const columns = 's.tenant_id, s.bank_id, s.owner_tenant_id, s.thresholds, s.action, s.enabled, s.created_ms, s.version'

/** Whether the owner of bank `b` lets tenant $1 have it. */
const offered = `(b.sharing ->> 'with' = 'everyone' OR b.sharing ->> 'with' = 'listed' AND jsonb_exists(b.sharing -> 'tenants', $1))`

export type SharedBank = { bank: Bank; ownerTenantId: string; subscription: Subscription | null }
type SharedRow = BankRow & { tenant_id: string; subscription: SubscriptionRow | null }
const shared = `SELECT b.tenant_id, ${bankColumns
  .split(',')
  .map((column) => `b.${column.trim()}`)
  .join(', ')}, to_jsonb(s) AS subscription
  FROM banks b LEFT JOIN bank_subscriptions s ON s.tenant_id = $1 AND s.owner_tenant_id = b.tenant_id AND s.bank_id = b.bank_id`
const toShared = (row: SharedRow): SharedBank => ({
  bank: toBank(row),
  ownerTenantId: row.tenant_id,
  subscription: row.subscription === null ? null : toSubscription(row.subscription),
})

/** Banks of other tenants that this one may subscribe to (or, with `subscribed`, does), by id. */
export async function selectOfferedBanks(
  query: Query,
  tenantId: string,
  page: { afterId: string; limit: number; subscribed?: boolean },
): Promise<SharedBank[]> {
  const rows = await query<SharedRow>(
    `${shared} WHERE b.tenant_id <> $1 AND ${offered} AND b.bank_id > $2 ${page.subscribed === true ? 'AND s.bank_id IS NOT NULL' : ''}
     ORDER BY b.bank_id LIMIT $3`,
    [tenantId, page.afterId, page.limit],
  )
  return rows.map(toShared)
}

/** A bank of another tenant that this one may subscribe to. */
export async function selectOfferedBank(
  query: Query,
  tenantId: string,
  bankId: string,
): Promise<SharedBank | undefined> {
  const [row] = await query<SharedRow>(`${shared} WHERE b.tenant_id <> $1 AND ${offered} AND b.bank_id = $2`, [
    tenantId,
    bankId,
  ])
  return row === undefined ? undefined : toShared(row)
}

export async function selectSubscription(
  query: Query,
  tenantId: string,
  bankId: string,
): Promise<Subscription | undefined> {
  const [row] = await query<SubscriptionRow>(
    `SELECT ${columns} FROM bank_subscriptions s WHERE s.tenant_id = $1 AND s.bank_id = $2`,
    [tenantId, bankId],
  )
  return row === undefined ? undefined : toSubscription(row)
}

export async function selectSubscribers(query: Query, ownerTenantId: string, bankId: string): Promise<Subscription[]> {
  const rows = await query<SubscriptionRow>(
    `SELECT ${columns} FROM bank_subscriptions s WHERE s.owner_tenant_id = $1 AND s.bank_id = $2 ORDER BY s.tenant_id LIMIT 1000`,
    [ownerTenantId, bankId],
  )
  return rows.map(toSubscription)
}

export async function upsertSubscription(
  tx: Tx,
  tenantId: string,
  subscription: Omit<Subscription, 'tenantId' | 'version'>,
): Promise<void> {
  await tx.query(
    `INSERT INTO bank_subscriptions (tenant_id, bank_id, owner_tenant_id, thresholds, action, enabled, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id, bank_id) DO UPDATE SET owner_tenant_id = excluded.owner_tenant_id, thresholds = excluded.thresholds,
       action = excluded.action, enabled = excluded.enabled, version = bank_subscriptions.version + 1`,
    [
      tenantId,
      subscription.bankId,
      subscription.ownerTenantId,
      toJsonb(subscription.thresholds),
      subscription.action,
      subscription.enabled,
      subscription.createdMs,
    ],
  )
}

export async function deleteSubscription(tx: Tx, tenantId: string, bankId: string): Promise<void> {
  await tx.query('DELETE FROM bank_subscriptions WHERE tenant_id = $1 AND bank_id = $2', [tenantId, bankId])
}

/**
 * The banks that a tenant's lookups ask, by id: its own that are switched on, and those of other tenants that it
 * subscribes to while their owners share them and have them switched on.
 */
export async function banksVisibleTo(
  query: Query,
  tenantId: string,
  page: { afterId: string; limit: number; bankId?: string },
): Promise<VisibleBank[]> {
  const rows = await query<SharedRow>(
    `${shared} WHERE b.enabled AND b.bank_id > $2 AND ($4::text IS NULL OR b.bank_id = $4)
       AND (b.tenant_id = $1 OR s.enabled AND ${offered})
     ORDER BY b.bank_id LIMIT $3`,
    [tenantId, page.afterId, page.limit, page.bankId ?? null],
  )
  return rows.map((row) => {
    const { bank, ownerTenantId, subscription } = toShared(row)
    if (ownerTenantId === tenantId || subscription === null) return { ...bank, ownerTenantId }
    return {
      ...bank,
      ownerTenantId,
      thresholds: { ...bank.thresholds, ...subscription.thresholds },
      action: subscription.action ?? bank.action,
      // How much of its own traffic a team samples is its own matter.
      sampling: { reviewShare: 0, trafficShare: 1 },
    }
  })
}
