import type { EntryKind } from '../../domain/entry.ts'
import { InputError, quote } from '../../domain/error.ts'
import { verifyLedger, type Verification } from '../../ledger/seal.ts'
import type { Database } from '../../storage/database.ts'
import { selectEntries, selectHeads } from '../../storage/ledger-records.ts'
import * as contract from '../contract/audit.ts'
import type { Mount } from '../server.ts'

/** The ledger for people: filtered, and checked against tampering. */
export function auditRoutes(mount: Mount, deps: { db: Database }): void {
  const { db } = deps
  // A verification reads the whole chain; who asks meanwhile gets the answer of the one that runs.
  const verifying = new Map<string, Promise<Verification>>()

  mount(contract.listAudit, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    if (query.after !== undefined && !/^\d{1,15}$/.test(query.after))
      throw new InputError('after is no cursor', [
        { field: 'after', problem: 'must be the `next` of the page before', value: quote(query.after) },
      ])
    if ((query.subjectId === undefined) !== (query.subjectKind === undefined))
      throw new InputError('subjectKind and subjectId belong together', [
        { field: query.subjectId === undefined ? 'subjectId' : 'subjectKind', problem: 'is required with the other' },
      ])
    const kinds = query.kinds?.split(',').filter((kind) => kind !== '') as EntryKind[] | undefined
    const rows = await selectEntries(db.query, principal.tenantId, {
      limit: limit + 1,
      ...(kinds === undefined || kinds.length === 0 ? {} : { kinds }),
      ...(query.author === undefined ? {} : { authorId: query.author }),
      ...(query.subjectId === undefined ? {} : { subject: { kind: query.subjectKind!, id: query.subjectId } }),
      ...(query.after === undefined ? {} : { beforeOrdinal: Number(query.after) }),
      fromMs: query.fromMs,
      untilMs: query.untilMs,
    })
    const page = rows.slice(0, limit)
    return {
      items: page.map(({ ordinal: _ordinal, tenantId: _tenantId, effectKey: _effectKey, ...entry }) => entry),
      next: rows.length > limit ? String(page.at(-1)!.ordinal) : null,
    }
  })
  mount(contract.getLedgerHead, async ({ principal }) => {
    const head = (await selectHeads(db.query)).get(principal.tenantId)
    return { sequence: head?.sequence ?? 0, hash: head?.hash.toString('hex') ?? null }
  })
  mount(contract.verifyLedger, ({ principal }) => {
    const { tenantId } = principal
    const running =
      verifying.get(tenantId) ?? verifyLedger(db.query, tenantId).finally(() => verifying.delete(tenantId))
    verifying.set(tenantId, running)
    return running
  })
}
