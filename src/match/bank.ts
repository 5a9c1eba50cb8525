import type { Author } from '../domain/entry.ts'

/** What the owner of a bank wants done with a match; rules decide what is done. */
export const bankActions = ['observe', 'label', 'review', 'remove'] as const
export type BankAction = (typeof bankActions)[number]

export type Bank = {
  bankId: string
  name: string
  purpose: string
  action: string
  /** Largest distance that still matches, by signal type; the signal type's own where missing. */
  thresholds: Record<string, number>
  /** Matches of this bank are never reported, and silence those of other banks that are no nearer. */
  negative: boolean
  createdMs: number
  version: number
  /** Entries by status. */
  entries: { active: number; quarantined: number; retired: number }
}

export const entryStatuses = ['active', 'quarantined', 'retired'] as const
export type BankEntryStatus = (typeof entryStatuses)[number]

export type BankEntry = {
  entryId: string
  bankId: string
  /** Hash or folded text, by signal type. */
  signals: Record<string, string>
  quality: number | null
  mediaSha256: string | null
  text: string | null
  labels: string[]
  source: string
  note: string | null
  /** Only active entries match. */
  status: BankEntryStatus
  statusReason: string | null
  addedMs: number
  addedBy: Author
  /** Proposals that rest on this entry, how many of them a person confirmed, and how many decisions were overturned. */
  matches: number
  confirmed: number
  overturned: number
  lastMatchMs: number | null
  version: number
}

/** So many overturned decisions quarantine the entry that they rest on. */
export const overturnsUntilQuarantine = 3
