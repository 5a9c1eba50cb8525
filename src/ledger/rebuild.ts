import type { Database } from '../storage/database.ts'
import { digestTable, lockAppends, selectEntries, truncateTables } from '../storage/ledger-records.ts'
import type { Projector } from './ledger.ts'

export type RebuildReport = {
  entries: number
  tables: { table: string; before: string; after: string; same: boolean }[]
}

/**
 * Makes every projection anew from the ledger, in one transaction, and says per table whether the rows are the same as
 * before. Writers wait meanwhile.
 */
export function rebuildProjections(
  db: Database,
  projectors: readonly Projector[],
  tenantIds: readonly string[],
  onProgress?: (entries: number) => void,
): Promise<RebuildReport> {
  return db.transaction(async (tx) => {
    const tables = [...new Set(projectors.flatMap((projector) => projector.tables))]
    // Nobody may append between the emptying of the tables and the commit.
    await lockAppends(tx)
    const before = new Map<string, string>()
    for (const table of tables) before.set(table, await digestTable(tx.query, table))
    await truncateTables(tx, tables)
    let entries = 0
    for (const tenantId of tenantIds) {
      for (let afterOrdinal = 0; ;) {
        const page = await selectEntries(tx.query, tenantId, { afterOrdinal, order: 'oldest', limit: 1_000 })
        for (const entry of page)
          for (const projector of projectors)
            if (projector.kinds.includes(entry.kind)) await projector.project(tx, entry)
        entries += page.length
        onProgress?.(entries)
        if (page.length < 1_000) break
        afterOrdinal = page.at(-1)!.ordinal
      }
    }
    const report = []
    for (const table of tables) {
      const after = await digestTable(tx.query, table)
      report.push({ table, before: before.get(table)!, after, same: before.get(table) === after })
    }
    return { entries, tables: report }
  })
}
