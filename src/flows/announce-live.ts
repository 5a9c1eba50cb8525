import type { EntryKind, LedgerEntry } from '../domain/entry.ts'
import type { Ledger } from '../ledger/ledger.ts'

export type LiveTopicOfEntry = 'decisions' | 'jobs' | 'appeals' | 'banks' | 'rules'

const topicOfPrefix: Record<string, LiveTopicOfEntry> = {
  decision: 'decisions',
  consequence: 'decisions',
  gate: 'decisions',
  item: 'decisions',
  job: 'jobs',
  violation: 'jobs',
  appeal: 'appeals',
  bank: 'banks',
  rule: 'rules',
}

/** Which live screens an entry concerns; undefined for the many that none shows. */
export function liveTopicOf(kind: EntryKind): LiveTopicOfEntry | undefined {
  return topicOfPrefix[kind.slice(0, kind.indexOf('.'))]
}

/** The same ledger, telling live screens of each entry once the transaction that wrote it has committed. */
export function withLive(ledger: Ledger, publish: (topic: LiveTopicOfEntry, entry: LedgerEntry) => void): Ledger {
  return {
    ...ledger,
    async append(tx, tenantId, entries) {
      const recorded = await ledger.append(tx, tenantId, entries)
      tx.afterCommit(() => {
        for (const entry of recorded) {
          const topic = liveTopicOf(entry.kind)
          if (topic !== undefined) publish(topic, entry)
        }
      })
      return recorded
    },
  }
}
