import type { Bank, BankEntry, Precision } from '../../../http/contract/banks.ts'
import type { BankImport } from '../../../http/contract/bank-imports.ts'
import { countOf } from '../../frame/time.ts'
import { signalsOfHash } from '../../parts/hash-words.ts'
import type { SignalTypes } from '../../parts/signal-types.ts'

export const actionWords: Record<string, string> = {
  observe: 'observe only',
  label: 'label',
  review: 'send to review',
  remove: 'remove at once',
}

export const statusTones = { pending: 'accent', active: 'plain', quarantined: 'attention', retired: 'plain' } as const
export const statusWords = {
  pending: 'draft',
  active: 'active',
  quarantined: 'quarantined',
  retired: 'retired',
} as const

/** The state of an entry in words, with how it is held. */
export function statusText({ status, hold }: Pick<BankEntry, 'status' | 'hold'>): string {
  return status === 'quarantined' && hold === 'review' ? 'held for review' : statusWords[status]
}

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

export function entriesText(bank: Bank): string {
  const { pending, active, quarantined, retired } = bank.entries
  const part = (count: number, word: string) => (count > 0 ? `${count.toLocaleString('en')} ${word}` : '')
  return [
    `${active.toLocaleString('en')} active`,
    part(pending, pending === 1 ? 'draft' : 'drafts'),
    part(quarantined, 'quarantined'),
    part(retired, 'retired'),
  ]
    .filter((text) => text !== '')
    .join(', ')
}

/** Who else may match against a bank, in words. */
export function sharingText({ sharing, ownerTenantId, subscription }: Bank): string {
  if (subscription !== null) return `from ${ownerTenantId}${subscription.enabled ? '' : ' (paused)'}`
  if (sharing.with === 'everyone') return 'everyone here'
  return sharing.with === 'listed' ? countOf(sharing.tenants.length, 'tenant') : 'nobody'
}

/** What an entry is called in lists: its labels, else where it comes from, else what it is. */
export function entryTitle(entry: Pick<BankEntry, 'labels' | 'source' | 'entryId'>): string {
  return entry.labels.join(', ') || entry.source || 'Entry'
}

/** What is known of content that is not kept here. */
export function hashOnlyText(signals: Record<string, string>, types: SignalTypes): string {
  // Those that tell most first; digests of the bytes say little.
  const order = (name: string) => types.all.findIndex((type) => type.name === name)
  const names = Object.keys(signals)
    .toSorted((a, b) => order(a) - order(b))
    .map(types.title)
  return names.length === 0 ? 'no hash' : `${names.slice(0, 3).join(' · ')}${names.length > 3 ? ' …' : ''}`
}

export const importWords: Record<BankImport['status'], string> = {
  receiving: 'being sent',
  running: 'running',
  done: 'done',
  cancelled: 'cancelled',
  failed: 'failed',
  undone: 'undone',
}

/** What became of the rows of an import, in one sentence. */
export function importText({ rows, accepted, duplicate, refused }: BankImport): string {
  const part = (count: number, word: string) => (count > 0 ? `${count.toLocaleString('en')} ${word}` : '')
  const parts = [part(accepted, 'added'), part(duplicate, 'already there'), part(refused, 'refused')]
  return `${countOf(rows, 'row')}: ${parts.filter((text) => text !== '').join(', ') || 'none worked through yet'}`
}

/** Which hash a pasted text may be, by its length or by a name before it; undefined when it is none. */
export function hashIn(text: string, types: SignalTypes): { type: string; value: string } | undefined {
  // Lists put a comma after the name.
  const [found] = Object.entries(signalsOfHash(text.replace(/^(\s*[a-z][a-z0-9-]{1,30})\s*,/i, '$1:')) ?? {})
  return found !== undefined && types.all.some(({ name }) => name === found[0])
    ? { type: found[0], value: found[1] }
    : undefined
}

/** Who found what of its matches, each source in words; only those who found something. */
export function precisionSources({ own, teams, peers }: Precision): [name: string, words: string][] {
  const found = ({ right, wrong }: { right: number; wrong: number }, one: string, many: string) =>
    right + wrong === 0 ? '' : `${countOf(right, one, many)} right, ${wrong.toLocaleString('en')} wrong`
  const weight = peers.weight === 0 ? 'not counted' : `each counts ${peers.weight.toLocaleString('en')} of a verdict`
  const followers = found(peers, 'says', 'say')
  const sources: [string, string][] = [
    ['Found here', found(own, 'match is', 'matches are')],
    ['Other teams', found(teams, 'match is', 'matches are')],
    ['Followers', followers && `${followers}, ${weight}`],
  ]
  return sources.filter(([, words]) => words !== '')
}
