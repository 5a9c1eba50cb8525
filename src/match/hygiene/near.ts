import type { Lookup } from '../lookup.ts'
import { signalTypes } from '../signal-types/all.ts'

export type NearEntry = {
  entryId: string
  bankId: string
  signalType: string
  distance: number
  described: string
}

/** Entries that match content with these signals, nearest first, each under the signal type that finds it nearest. */
export async function nearEntries(
  { lookup }: Pick<Lookup, 'lookup'>,
  tenantId: string,
  signals: Readonly<Record<string, string>>,
): Promise<NearEntry[]> {
  const best = new Map<string, NearEntry & { similarity: number }>()
  for (const type of signalTypes) {
    const signal = signals[type.name]
    if (signal === undefined) continue
    for (const match of await lookup(tenantId, type.contentOf(signal))) {
      const known = best.get(match.entryId)
      if (known !== undefined && known.similarity >= match.similarity) continue
      best.set(match.entryId, {
        entryId: match.entryId,
        bankId: match.bank.id,
        signalType: match.signalType,
        distance: match.distance,
        described: match.described,
        similarity: match.similarity,
      })
    }
  }
  return [...best.values()]
    .sort((a, b) => b.similarity - a.similarity || (a.entryId < b.entryId ? -1 : 1))
    .map(({ similarity: _similarity, ...near }) => near)
}
