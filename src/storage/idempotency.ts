import type { Query, Tx } from './database.ts'

export type IdempotencyKey = { tenantId: string; caller: string; keySha256: Buffer }
export type IdempotencyRow = {
  requestSha256: Buffer
  state: 'running' | 'committed' | 'done'
  claim: string
  leaseMs: number
  status: number | null
  answer: Buffer | null
}

const columns = `request_sha256 AS "requestSha256", state, claim, lease_ms AS "leaseMs", status, answer`
const where = 'tenant_id = $1 AND caller = $2 AND key_sha256 = $3'

/**
 * Claims a key for one request. Answers undefined when the claim holds: the key is new, older than it is kept, or its
 * request stopped before it changed anything. Else the row that stands in the way.
 */
export async function claimKey(
  query: Query,
  key: IdempotencyKey,
  claim: { requestSha256: Buffer; claim: string; nowMs: number; leaseMs: number; keptMs: number },
): Promise<IdempotencyRow | undefined> {
  const rows = await query(
    `INSERT INTO idempotency_keys AS k (tenant_id, caller, key_sha256, request_sha256, state, claim, lease_ms, created_ms)
     VALUES ($1, $2, $3, $4, 'running', $5, $6, $7)
     ON CONFLICT (tenant_id, caller, key_sha256) DO UPDATE
       SET request_sha256 = excluded.request_sha256, state = 'running', claim = excluded.claim, lease_ms = excluded.lease_ms,
           created_ms = excluded.created_ms, status = NULL, answer = NULL
       WHERE k.created_ms < $8 OR (k.state = 'running' AND k.lease_ms < $7 AND k.request_sha256 = excluded.request_sha256)
     RETURNING 1`,
    [
      key.tenantId,
      key.caller,
      key.keySha256,
      claim.requestSha256,
      claim.claim,
      claim.leaseMs,
      claim.nowMs,
      claim.nowMs - claim.keptMs,
    ],
    'idempotency-claim',
  )
  if (rows.length > 0) return undefined
  const [row] = await query<IdempotencyRow>(`SELECT ${columns} FROM idempotency_keys WHERE ${where}`, [
    key.tenantId,
    key.caller,
    key.keySha256,
  ])
  // Gone between the two statements: a claim that was given up. Whoever comes next may have it.
  return row ?? claimKey(query, key, claim)
}

/** Marks, in the transaction of the change itself, that it was made. False when the claim was lost meanwhile. */
export async function commitKey(tx: Tx, key: IdempotencyKey, claim: string): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE idempotency_keys SET state = 'committed' WHERE ${where} AND claim = $4 AND state IN ('running', 'committed') RETURNING 1`,
    [key.tenantId, key.caller, key.keySha256, claim],
    'idempotency-commit',
  )
  return rows.length > 0
}

/** Keeps the answer of a request for those who send it again. */
export async function finishKey(
  query: Query,
  key: IdempotencyKey,
  claim: string,
  status: number,
  answer: Buffer,
): Promise<void> {
  await query(
    `UPDATE idempotency_keys SET state = 'done', status = $5, answer = $6 WHERE ${where} AND claim = $4`,
    [key.tenantId, key.caller, key.keySha256, claim, status, answer],
    'idempotency-finish',
  )
}

/** Gives a claim up whose request changed nothing, so that it can be tried again. */
export async function releaseKey(query: Query, key: IdempotencyKey, claim: string): Promise<void> {
  await query(`DELETE FROM idempotency_keys WHERE ${where} AND claim = $4 AND state = 'running'`, [
    key.tenantId,
    key.caller,
    key.keySha256,
    claim,
  ])
}

/** Forgets keys that are older than they are kept; answers how many. */
export async function deleteOldKeys(query: Query, beforeMs: number): Promise<number> {
  const rows = await query<{ n: number }>(
    `WITH gone AS (DELETE FROM idempotency_keys WHERE created_ms < $1 RETURNING 1) SELECT count(*)::int AS n FROM gone`,
    [beforeMs],
  )
  return rows[0]!.n
}
