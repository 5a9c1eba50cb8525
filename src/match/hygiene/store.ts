import { toJsonb, type Query, type Tx } from '../../storage/database.ts'

export type Canary = {
  canaryId: string
  bankId: string
  /** The entry that must match; any of the bank where null. */
  entryId: string | null
  expects: 'match' | 'no-match'
  signals: Record<string, string>
  mediaSha256: string | null
  text: string | null
  note: string
  state: 'waiting' | 'ok' | 'failing'
  because: string
  sinceMs: number
  checkedMs: number | null
}

export async function insertCanary(tx: Tx, tenantId: string, canary: Omit<Canary, 'checkedMs'>): Promise<void> {
  await tx.query(
    `INSERT INTO canaries (tenant_id, canary_id, bank_id, entry_id, expects, signals, media_sha256, text, note, state, because, since_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      canary.canaryId,
      canary.bankId,
      canary.entryId,
      canary.expects,
      toJsonb(canary.signals),
      canary.mediaSha256,
      canary.text,
      canary.note,
      canary.state,
      canary.because,
      canary.sinceMs,
    ],
  )
}

export async function deleteCanary(tx: Tx, tenantId: string, canaryId: string): Promise<void> {
  await tx.query('DELETE FROM canaries WHERE tenant_id = $1 AND canary_id = $2', [tenantId, canaryId])
}

export async function updateCanaryState(
  tx: Tx,
  tenantId: string,
  canaryId: string,
  state: { state: 'ok' | 'failing'; because: string; sinceMs: number },
): Promise<void> {
  await tx.query(
    'UPDATE canaries SET state = $3, because = $4, since_ms = $5 WHERE tenant_id = $1 AND canary_id = $2',
    [tenantId, canaryId, state.state, state.because, state.sinceMs],
  )
}

type CanaryRow = {
  canary_id: string
  bank_id: string
  entry_id: string | null
  expects: Canary['expects']
  signals: Record<string, string>
  media_sha256: string | null
  text: string | null
  note: string
  state: Canary['state']
  because: string
  since_ms: number
  checked_ms: number | null
}

/** Canaries of a tenant, or of one bank, or one of them; failing ones first. */
export async function selectCanaries(
  query: Query,
  tenantId: string,
  filter: { bankId?: string; canaryId?: string; limit: number },
): Promise<Canary[]> {
  const rows = await query<CanaryRow>(
    `SELECT c.*, k.checked_ms FROM canaries c LEFT JOIN canary_checks k ON k.tenant_id = c.tenant_id AND k.canary_id = c.canary_id
     WHERE c.tenant_id = $1 AND ($2::text IS NULL OR c.bank_id = $2) AND ($3::text IS NULL OR c.canary_id = $3)
     ORDER BY c.state = 'failing' DESC, c.canary_id LIMIT $4`,
    [tenantId, filter.bankId ?? null, filter.canaryId ?? null, filter.limit],
  )
  return rows.map((row) => ({
    canaryId: row.canary_id,
    bankId: row.bank_id,
    entryId: row.entry_id,
    expects: row.expects,
    signals: row.signals,
    mediaSha256: row.media_sha256,
    text: row.text,
    note: row.note,
    state: row.state,
    because: row.because,
    sinceMs: row.since_ms,
    checkedMs: row.checked_ms,
  }))
}
