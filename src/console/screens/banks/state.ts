import type { Bank, BankEntry } from '../../../http/contract/banks.ts'

export const actionWords: Record<string, string> = {
  observe: 'observe only',
  label: 'label',
  review: 'send to review',
  remove: 'remove at once',
}

export const statusTones = { pending: 'plain', active: 'plain', quarantined: 'attention', retired: 'plain' } as const

/**
 * 95 % interval of a share (Wilson 1927): holds its coverage for the small counts that a bank entry has.
 * Null without observations.
 */
export function wilson(count: number, of: number): { share: number; low: number; high: number } | null {
  if (of === 0) return null
  const z = 1.959964
  const share = count / of
  const middle = (share + (z * z) / (2 * of)) / (1 + (z * z) / of)
  const half = (z / (1 + (z * z) / of)) * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))
  return { share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** How often people agreed with matches of this entry, of those that people have looked at. */
export function precisionOf(entry: BankEntry): { share: number; low: number; high: number; of: number } | null {
  const of = entry.confirmed + entry.overturned
  const interval = wilson(entry.confirmed, of)
  return interval === null ? null : { ...interval, of }
}

export function entriesText(bank: Bank): string {
  const { active, quarantined, retired } = bank.entries
  return [
    `${active.toLocaleString('en')} active`,
    quarantined > 0 ? `${quarantined.toLocaleString('en')} quarantined` : '',
    retired > 0 ? `${retired.toLocaleString('en')} retired` : '',
  ]
    .filter((part) => part !== '')
    .join(', ')
}
