import { createHash } from 'node:crypto'
import type { Database, Query } from '../storage/database.ts'
import {
  insertSeals,
  lockSealer,
  orderHorizon,
  selectHeads,
  selectSealed,
  selectUnsealed,
} from '../storage/ledger-records.ts'

const genesis = Buffer.alloc(32)
const batchMax = 2_000

export type Sealer = {
  /** Seals what can be sealed now; answers how many entries were. */
  tick: () => Promise<number>
}

/** The hash of an entry in its place: SHA-256 over the hash before and the canonical text of the entry. */
export function chainHash(previous: Buffer, canonical: string): Buffer {
  return createHash('sha256').update(previous).update(canonical, 'utf8').digest()
}

/**
 * Gives committed entries their sequence and hash. Writers never wait for it: entries are ordered by the ordinal that
 * they drew on insert, and a cut is sealed only once every transaction that could still add below it has ended.
 * Under a subject's lock ordinals rise, so the order of the chain is the order in which projections saw each subject.
 */
export function createSealer(db: Database): Sealer {
  let cut: { ordinal: number; xmax: bigint } | undefined
  return {
    async tick() {
      const horizon = await orderHorizon(db.query)
      // The cut from the last tick is safe once no transaction from before it is still running.
      const safe = cut !== undefined && horizon.xmin >= cut.xmax ? cut : undefined
      if (safe !== undefined || cut === undefined)
        cut = horizon.behind ? { ordinal: horizon.ordinal, xmax: horizon.xmax } : undefined
      if (safe === undefined) return 0
      return db.transaction(async (tx) => {
        if (!(await lockSealer(tx))) return 0
        const rows = await selectUnsealed(tx, safe.ordinal, batchMax)
        if (rows.length === 0) return 0
        const heads = await selectHeads(tx.query)
        const touched = new Map<string, { sequence: number; hash: Buffer }>()
        const seals = rows.map((row) => {
          const head = touched.get(row.tenant_id) ?? heads.get(row.tenant_id) ?? { sequence: 0, hash: genesis }
          const next = { sequence: head.sequence + 1, hash: chainHash(head.hash, row.canonical) }
          touched.set(row.tenant_id, next)
          return { tenantId: row.tenant_id, entryId: row.id, ...next }
        })
        await insertSeals(tx, seals, touched, rows.at(-1)!.ordinal)
        return rows.length
      })
    },
  }
}

export type Verification =
  | { ok: true; entries: number; head: string }
  | { ok: false; sequence: number; entryId?: string; problem: string }

/** Walks the whole chain of one tenant and recomputes every hash; the first break is named. */
export async function verifyLedger(
  query: Query,
  tenantId: string,
  onProgress?: (entries: number) => void,
): Promise<Verification> {
  let hash = genesis
  let sequence = 0
  for (;;) {
    const rows = await selectSealed(query, tenantId, sequence, 1_000)
    for (const row of rows) {
      if (row.sequence !== sequence + 1)
        return { ok: false, sequence: sequence + 1, problem: `entry ${sequence + 1} is missing` }
      hash = chainHash(hash, row.canonical) as Buffer<ArrayBuffer>
      if (!hash.equals(row.hash))
        return {
          ok: false,
          sequence: row.sequence,
          entryId: row.id,
          problem: `entry ${row.sequence} does not have the hash it was sealed with`,
        }
      sequence = row.sequence
    }
    onProgress?.(sequence)
    if (rows.length === 0) break
  }
  const head = (await selectHeads(query)).get(tenantId)
  if (head !== undefined && head.sequence !== sequence)
    return { ok: false, sequence, problem: `the head says ${head.sequence} entries, the chain has ${sequence}` }
  return { ok: true, entries: sequence, head: hash.toString('hex') }
}
