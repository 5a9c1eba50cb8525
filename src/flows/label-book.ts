import type { LedgerEntry } from '../domain/entry.ts'
import { subjectKey, type SubjectRef } from '../domain/subject.ts'
import type { Query } from '../storage/database.ts'
import { selectEntries } from '../storage/ledger-records.ts'

/**
 * The labels that conditions read, in memory. Labels that the worker's own rules apply count from the next event on,
 * whatever the batches; those of people and of other programs arrive by following the ledger.
 */
export type LabelBook = {
  /** Labels of a subject at a time, sorted. */
  of: (tenantId: string, subject: SubjectRef, atMs: number) => string[]
  apply: (tenantId: string, subject: SubjectRef, label: string, expiresAtMs: number | undefined) => void
  /** Reads what the ledger has got since the last time. */
  follow: (query: Query, tenantIds: readonly string[]) => Promise<void>
  /** Forgets everything; the next `follow` reads all of it again. */
  reset: () => void
}

const pageEntries = 5_000
/** Transactions may commit out of the order in which they drew ordinals; looking back this far finds the late ones. */
const lookBackEntries = 2_000

/** A label book that holds nothing yet; it fills as it follows the ledger. */
export function createLabelBook(): LabelBook {
  let labels = new Map<string, Map<string, number>>()
  let followed = new Map<string, number>()
  const keyOf = (tenantId: string, subject: SubjectRef) => `${tenantId}\n${subjectKey(subject)}`

  const take = (entry: LedgerEntry): void => {
    const key = keyOf(entry.tenantId, entry.subject)
    if (entry.kind === 'label.applied') {
      const held = labels.get(key) ?? new Map<string, number>()
      labels.set(key, held.set(entry.body.label, entry.body.expiresAtMs ?? Number.POSITIVE_INFINITY))
    } else if (entry.kind === 'label.removed') {
      labels.get(key)?.delete(entry.body.label)
      if (labels.get(key)?.size === 0) labels.delete(key)
    }
  }

  return {
    of(tenantId, subject, atMs) {
      const held = labels.get(keyOf(tenantId, subject))
      if (held === undefined) return []
      const names: string[] = []
      for (const [name, expiresAtMs] of held) if (expiresAtMs > atMs) names.push(name)
      return names.sort()
    },
    apply(tenantId, subject, label, expiresAtMs) {
      const key = keyOf(tenantId, subject)
      const held = labels.get(key) ?? new Map<string, number>()
      labels.set(key, held.set(label, expiresAtMs ?? Number.POSITIVE_INFINITY))
    },
    async follow(query, tenantIds) {
      for (const tenantId of tenantIds) {
        let afterOrdinal = followed.get(tenantId) ?? 0
        const seenTo = afterOrdinal
        afterOrdinal = Math.max(0, afterOrdinal - lookBackEntries)
        for (;;) {
          const page = await selectEntries(query, tenantId, {
            kinds: ['label.applied', 'label.removed'],
            afterOrdinal,
            order: 'oldest',
            limit: pageEntries,
          })
          for (const entry of page) take(entry)
          if (page.length > 0) afterOrdinal = page.at(-1)!.ordinal
          if (page.length < pageEntries) break
        }
        followed.set(tenantId, Math.max(seenTo, afterOrdinal))
      }
    },
    reset() {
      labels = new Map()
      followed = new Map()
    },
  }
}
