import type { EntryKind, LedgerEntry, NewEntry } from '../domain/entry.ts'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import { storable, type Tx } from '../storage/database.ts'
import { insertEntries } from '../storage/ledger-records.ts'

/**
 * Turns ledger entries into rows that screens and flows read. A projector uses nothing but the entry and its own
 * tables: no clock, no randomness, so that replaying the ledger makes the same rows again.
 */
export type Projector = {
  name: string
  /** The tables that this projector alone writes; a rebuild empties them first. */
  tables: readonly string[]
  kinds: readonly EntryKind[]
  project: (tx: Tx, entry: LedgerEntry) => Promise<void>
}

export type Ledger = {
  /**
   * Inserts entries and projects each, in order, in the caller's transaction. An entry whose effect key is already in
   * the ledger is skipped: neither returned nor projected. Answers the entries as recorded.
   */
  append: (tx: Tx, tenantId: string, entries: readonly NewEntry[]) => Promise<LedgerEntry[]>
  projectors: readonly Projector[]
}

export type LedgerDeps = { projectors: readonly Projector[]; clock: Clock; randomBytes: RandomBytes }

/** The ledger: what happened and what was decided, append-only, with its projections kept in step. */
export function createLedger({ projectors, clock, randomBytes }: LedgerDeps): Ledger {
  const byKind = new Map<EntryKind, Projector[]>()
  for (const projector of projectors) {
    for (const kind of projector.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), projector])
  }
  return {
    projectors,
    async append(tx, tenantId, entries) {
      if (entries.length === 0) return []
      const recordedAtMs = clock()
      // Projectors are given what the ledger keeps, so that a rebuild makes the same rows from hostile text too.
      const complete = entries.map((entry) => ({
        ...entry,
        because: storable(entry.because),
        body: storable(entry.body),
        id: entry.id ?? uuidv7(recordedAtMs, randomBytes),
        tenantId,
        recordedAtMs,
      })) as LedgerEntry[]
      const inserted = await insertEntries(tx, complete)
      const recorded = complete.filter((entry) => inserted.has(entry.id))
      for (const entry of recorded)
        for (const projector of byKind.get(entry.kind) ?? []) await projector.project(tx, entry)
      return recorded
    },
  }
}
