import type { Query } from '../../storage/database.ts'
import { selectItemStates, selectSeenParts } from '../../storage/seen-records.ts'
import type { SeenHit } from './seen.ts'

/** A past item that is near, by its nearest part. */
export type SeenItem = {
  itemId: string
  eventId: string
  actorId: string | null
  part: string
  occurredAtMs: number
  type: string
  distance: number
  similarity: number
  threshold: number
  transformation?: string
}

/** The items behind hits, each once by its nearest part, in the order of the hits. What was erased meanwhile is missing. */
export async function itemsOfHits(query: Query, tenantId: string, hits: readonly SeenHit[]): Promise<SeenItem[]> {
  const parts = new Map(
    (
      await selectSeenParts(
        query,
        tenantId,
        hits.map(({ seq }) => seq),
      )
    ).map((part) => [part.seq, part]),
  )
  const items = new Map<string, SeenItem>()
  for (const { seq, ...hit } of hits) {
    const found = parts.get(seq)
    if (found === undefined || items.has(found.itemId)) continue
    const { itemId, eventId, actorId, part, occurredAtMs } = found
    items.set(itemId, { itemId, eventId, actorId, part, occurredAtMs, ...hit })
  }
  return [...items.values()]
}

export type ItemState = 'removed' | 'waiting' | 'decided' | 'untouched'

/** Where items stand now, by item id. */
export async function statesOf(
  query: Query,
  tenantId: string,
  items: readonly { itemId: string }[],
): Promise<(itemId: string) => ItemState> {
  const states = await selectItemStates(
    query,
    tenantId,
    items.map(({ itemId }) => itemId),
  )
  return (itemId) => states.get(itemId) ?? 'untouched'
}
