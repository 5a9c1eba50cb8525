import type { Query } from '../src/storage/database.ts'
import { readEffects } from '../src/storage/outbox.ts'

/**
 * Waits until readers of streams see all that was committed before. Their horizon is that of the whole server, so a
 * transaction that is open in the database of another test file holds them up for a moment.
 */
export async function horizonReached(query: Query): Promise<void> {
  const [mark] = await query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')
  for (;;) {
    const [now] = await query<{ xmin: string }>('SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin')
    if (BigInt(now!.xmin) > BigInt(mark!.xid)) return
    await new Promise((done) => setTimeout(done, 10))
  }
}

/** Effects by cursor, once all that was committed before can be seen. */
export async function effectsRead(
  query: Query,
  tenantId: string,
  after: string,
  limit: number,
): ReturnType<typeof readEffects> {
  await horizonReached(query)
  return readEffects(query, tenantId, after, limit)
}
