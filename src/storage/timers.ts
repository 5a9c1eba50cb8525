import { isUnavailable, toJsonb, type Database, type Tx } from './database.ts'

export type Timer = {
  id: string
  tenantId: string
  kind: string
  key: string
  dueMs: number
  body: Record<string, unknown>
}
export type TimerHandlers = Record<string, (tx: Tx, timer: Timer) => Promise<void>>

/** Sets a timer, or moves the one with the same kind and key. Part of the caller's transaction. */
export async function scheduleTimer(
  tx: Tx,
  timer: { tenantId: string; kind: string; key: string; dueMs: number; body?: Record<string, unknown> },
): Promise<void> {
  await tx.query(
    `INSERT INTO timers (id, tenant_id, kind, key, due_ms, body) VALUES (gen_random_uuid(), $1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, kind, key) DO UPDATE SET due_ms = excluded.due_ms, body = excluded.body, attempts = 0, last_error = NULL`,
    [timer.tenantId, timer.kind, timer.key, timer.dueMs, toJsonb(timer.body ?? {})],
  )
}

/** Takes a timer back; nothing happens when it already ran. */
export async function cancelTimer(tx: Tx, tenantId: string, kind: string, key: string): Promise<void> {
  await tx.query('DELETE FROM timers WHERE tenant_id = $1 AND kind = $2 AND key = $3', [tenantId, kind, key])
}

/** A timer that keeps failing waits this long between tries, and stays visible with its error. */
const retryMs = 30_000

/**
 * Runs the timers that are due, each in the transaction that removes it: exactly once, also when the program dies in the
 * middle or another worker runs beside. A handler that fails leaves its timer for later. Answers how many ran.
 */
export async function runDueTimers(db: Database, nowMs: number, handlers: TimerHandlers, limit = 200): Promise<number> {
  let ran = 0
  for (; ran < limit; ran++) {
    let failing: { id: string; error: Error } | undefined
    const found = await db
      .transaction(async (tx) => {
        const [row] = await tx.query<{
          id: string
          tenant_id: string
          kind: string
          key: string
          due_ms: number
          body: Record<string, unknown>
        }>(
          'SELECT * FROM timers WHERE due_ms <= $1 AND kind = ANY($2) ORDER BY due_ms LIMIT 1 FOR UPDATE SKIP LOCKED',
          [nowMs, Object.keys(handlers)],
          'timers-due',
        )
        if (row === undefined) return false
        failing = { id: row.id, error: new Error('unknown') }
        await handlers[row.kind]!(tx, {
          id: row.id,
          tenantId: row.tenant_id,
          kind: row.kind,
          key: row.key,
          dueMs: row.due_ms,
          body: row.body,
        })
        await tx.query('DELETE FROM timers WHERE id = $1 AND due_ms <= $2', [row.id, nowMs])
        failing = undefined
        return true
      })
      .catch(async (error: Error) => {
        if (failing === undefined || isUnavailable(error)) throw error
        await db.query('UPDATE timers SET due_ms = $2, attempts = attempts + 1, last_error = $3 WHERE id = $1', [
          failing.id,
          nowMs + retryMs,
          error.message,
        ])
        return true
      })
    if (!found) break
  }
  return ran
}
