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
  lookup: Pick<Lookup, 'lookupMany'>,
  tenantId: string,
  signals: Readonly<Record<string, string>>,
): Promise<NearEntry[]> {
  return (await nearEntriesOf(lookup, tenantId, [signals]))[0]!
}

/** The same for many; other work goes on in between. */
export async function nearEntriesOf(
  { lookupMany }: Pick<Lookup, 'lookupMany'>,
  tenantId: string,
  many: readonly Readonly<Record<string, string>>[],
): Promise<NearEntry[][]> {
  const best = many.map(() => new Map<string, NearEntry & { similarity: number }>())
  for (const type of signalTypes) {
    const having = many.flatMap((signals, at) => (signals[type.name] === undefined ? [] : [at]))
    const contents = having.map((at) => type.contentOf(many[at]![type.name]!))
    if (contents.length === 0) continue
    for (const [index, matches] of (await lookupMany(tenantId, contents, { types: [type.name] })).entries())
      for (const match of matches) {
        const found = best[having[index]!]!
        const known = found.get(match.entryId)
        if (known !== undefined && known.similarity >= match.similarity) continue
        found.set(match.entryId, {
          entryId: match.entryId,
          bankId: match.bank.id,
          signalType: match.signalType,
          distance: match.distance,
          described: match.described,
          similarity: match.similarity,
        })
      }
  }
  return best.map((found) =>
    [...found.values()]
      .sort((a, b) => b.similarity - a.similarity || (a.entryId < b.entryId ? -1 : 1))
      .map(({ similarity: _similarity, ...near }) => near),
  )
}
