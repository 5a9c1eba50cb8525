// Disjoint sets in flat arrays: union by size, paths halved on the way up (Tarjan, van Leeuwen, "Worst-case analysis of
// set union algorithms", JACM 31, 1984).

export type UnionFind = {
  readonly size: number
  /** A new set of one; answers its number, from 0. */
  add: () => number
  /** The number that stands for the set. */
  find: (element: number) => number
  /** Makes two sets one; answers the number that stands for it now. */
  join: (a: number, b: number) => number
}

/** No sets yet. */
export function createUnionFind(): UnionFind {
  let parents = new Uint32Array(64)
  let sizes = new Uint32Array(64)
  let size = 0
  const find = (element: number): number => {
    let at = element
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!
      at = parents[at]!
    }
    return at
  }
  return {
    get size() {
      return size
    },
    add() {
      if (size === parents.length) {
        const [wideParents, wideSizes] = [new Uint32Array(size * 2), new Uint32Array(size * 2)]
        wideParents.set(parents)
        wideSizes.set(sizes)
        parents = wideParents
        sizes = wideSizes
      }
      parents[size] = size
      sizes[size] = 1
      return size++
    },
    find,
    join(a, b) {
      const [x, y] = [find(a), find(b)]
      if (x === y) return x
      const [large, small] = sizes[x]! >= sizes[y]! ? [x, y] : [y, x]
      parents[small] = large
      sizes[large]! += sizes[small]!
      return large
    },
  }
}
