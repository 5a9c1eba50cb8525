import type { Author, BankSampling, BankSharing } from '../domain/entry.ts'

/** What the owner of a bank wants done with a match; rules decide what is done. */
export const bankActions = ['observe', 'label', 'review', 'remove'] as const
export type BankAction = (typeof bankActions)[number]

export type Bank = {
  bankId: string
  name: string
  purpose: string
  /** Id of the person who answers for it. */
  owner: string | null
  action: string
  /** Largest distance that still matches, by signal type; the signal type's own where missing. */
  thresholds: Record<string, number>
  /** Matches of this bank are never reported, and silence those of other banks that are no nearer. */
  negative: boolean
  /** Nothing of a bank that is switched off matches. */
  enabled: boolean
  sharing: BankSharing
  sampling: BankSampling
  /** Switched off then. */
  expiresMs: number | null
  /** Entries that matched nothing for so long are proposed for retirement. */
  ageOutDays: number | null
  createdMs: number
  version: number
  /** Entries by status. */
  entries: Record<BankEntryStatus, number>
}

export const nobody: BankSharing = { with: 'nobody', tenants: [] }
export const unsampled: BankSampling = { reviewShare: 0, trafficShare: 1 }

export const entryStatuses = ['pending', 'active', 'quarantined', 'retired'] as const
export type BankEntryStatus = (typeof entryStatuses)[number]
/** How a quarantined entry is held: it does not match, or what it matches goes to a reviewer. */
export type Hold = 'silent' | 'review'

/** Matches that were found right, and wrong. */
export type Tally = { right: number; wrong: number }
/**
 * Who found them so: people and appeals of the tenant itself, those of teams that match against its shared bank, and
 * installations that follow the bank (each its last word).
 */
export type Verdicts = { own: Tally; teams: Tally; peers: Tally }

export type BankEntry = {
  entryId: string
  bankId: string
  /** Signals in their canonical form, by signal type. */
  signals: Record<string, string>
  quality: number | null
  mediaSha256: string | null
  text: string | null
  labels: string[]
  source: string
  note: string | null
  metadata: Record<string, unknown>
  exchange: Record<string, unknown> | null
  expiresMs: number | null
  /** Active entries match, and quarantined ones that are held for review. */
  status: BankEntryStatus
  statusReason: string | null
  statusMs: number | null
  hold: Hold | null
  addedMs: number
  addedBy: Author
  importId: string | null
  mergedInto: string | null
  /** Proposals that rest on this entry, how many of them a person confirmed or dismissed, and how many decisions were overturned. */
  matches: number
  confirmed: number
  dismissed: number
  overturned: number
  /** What was found of its matches since ever, and since its last release from quarantine. */
  verdicts: Verdicts & { since: Verdicts }
  confirmations: number
  disputes: number
  lastMatchMs: number | null
  version: number
}

/** A bank as one tenant matches against it: with its own thresholds and action where the bank is another tenant's. */
export type VisibleBank = Bank & { ownerTenantId: string }

/** A tenant's subscription to a bank of another one. */
export type Subscription = {
  tenantId: string
  bankId: string
  ownerTenantId: string
  thresholds: Record<string, number>
  action: string | null
  enabled: boolean
  createdMs: number
  version: number
}

/** So many overturned decisions quarantine the entry that they rest on. */
export const overturnsUntilQuarantine = 3
