import type { EntryPair } from './store.ts'

export type PairGroup = {
  bankId: string
  /** The oldest entry. */
  groupId: string
  /** Each with its distance to the nearest other. */
  members: { entryId: string; signalType: string; distance: number }[]
}

/** Pairs joined into groups: whoever is near to one of a group belongs to it. Groups by their oldest entry. */
export function groupsOf(pairs: readonly EntryPair[]): PairGroup[] {
  const parent = new Map<string, string>()
  const rootOf = (id: string): string => {
    let root = id
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up
    // Every step of the way points to the root from now on (path compression, Tarjan 1975).
    for (let at = id; at !== root;) {
      const up = parent.get(at)!
      parent.set(at, root)
      at = up
    }
    return root
  }
  const nearest = new Map<string, { signalType: string; distance: number }>()
  for (const { entryId, otherId, signalType, distance } of pairs) {
    for (const id of [entryId, otherId]) {
      if (!parent.has(id)) parent.set(id, id)
      const known = nearest.get(id)
      if (known === undefined || distance < known.distance) nearest.set(id, { signalType, distance })
    }
    const [a, b] = [rootOf(entryId), rootOf(otherId)]
    if (a !== b) parent.set(a < b ? b : a, a < b ? a : b)
  }
  const groups = new Map<string, PairGroup>()
  for (const { bankId, entryId } of pairs) {
    const groupId = rootOf(entryId)
    if (!groups.has(groupId)) groups.set(groupId, { bankId, groupId, members: [] })
  }
  for (const [entryId, near] of nearest) groups.get(rootOf(entryId))!.members.push({ entryId, ...near })
  for (const group of groups.values()) group.members.sort((a, b) => (a.entryId < b.entryId ? -1 : 1))
  return [...groups.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}
