import type { EntryKind, LedgerEntry } from '../domain/entry.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Query } from '../storage/database.ts'
import { selectDescendants, selectEntries } from '../storage/ledger-records.ts'

export type PagedEntry = LedgerEntry & { ordinal: number }
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** One entry by id, or undefined. Ids that are not UUIDs are simply not found. */
export async function entryById(query: Query, tenantId: string, id: string): Promise<LedgerEntry | undefined> {
  if (!uuid.test(id)) return undefined
  return (await selectEntries(query, tenantId, { id, limit: 1 }))[0]
}

export type AboutOptions = {
  kinds?: readonly EntryKind[]
  limit?: number
  beforeOrdinal?: number
  order?: 'oldest' | 'newest'
}

/** Entries about a subject, newest first; pass the last `ordinal` as `beforeOrdinal` for the next page. */
export function entriesAbout(
  query: Query,
  tenantId: string,
  subject: SubjectRef,
  options: AboutOptions = {},
): Promise<PagedEntry[]> {
  return selectEntries(query, tenantId, { subject, limit: options.limit ?? 50, ...options })
}

/** Entries that name this event or entry as their cause, oldest first. */
export function entriesCausedBy(query: Query, tenantId: string, cause: string): Promise<PagedEntry[]> {
  return selectEntries(query, tenantId, { cause, limit: 1_000, order: 'oldest' })
}

/** The newest entries of a tenant, optionally of some kinds: the audit log. */
export function recentEntries(query: Query, tenantId: string, options: AboutOptions = {}): Promise<PagedEntry[]> {
  return selectEntries(query, tenantId, { limit: options.limit ?? 50, ...options })
}

/** An entry with all that led to it: itself first, then each cause until the event that began it. */
export async function chainOf(query: Query, tenantId: string, id: string): Promise<LedgerEntry[]> {
  const chain: LedgerEntry[] = []
  for (let next: string | undefined = id; next !== undefined && chain.length < 100;) {
    const entry: LedgerEntry | undefined = await entryById(query, tenantId, next)
    if (entry === undefined || chain.some((known) => known.id === entry.id)) break
    chain.push(entry)
    next = entry.cause
  }
  return chain
}

/** Everything that followed from an event or entry, through any number of steps, oldest first. */
export function descendantsOf(query: Query, tenantId: string, root: string): Promise<PagedEntry[]> {
  return selectDescendants(query, tenantId, root, 1_000)
}
