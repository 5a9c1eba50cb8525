// Observed cells of a matrix that is mostly unknown, as flat arrays, and the same cells grouped by one of its sides.

/** One entry a known cell: its row, its column, its value. */
export type Observations = {
  readonly row: Int32Array
  readonly column: Int32Array
  readonly value: Float32Array
  readonly rowCount: number
  readonly columnCount: number
}

/** Cells in the order of one side: those of element `e` lie from `starts[e]` to `starts[e + 1]`. */
export type Grouped = {
  readonly starts: Int32Array
  /** Where the cell stands on the other side. */
  readonly others: Int32Array
  readonly values: Float32Array
}

/** Cells grouped by row, in their order within each: one counting sort. */
export function groupByRow(cells: Observations): Grouped {
  return group(cells.row, cells.column, cells.value, cells.rowCount)
}

/** Cells grouped by column, in their order within each. */
export function groupByColumn(cells: Observations): Grouped {
  return group(cells.column, cells.row, cells.value, cells.columnCount)
}

function group(keys: Int32Array, others: Int32Array, values: Float32Array, count: number): Grouped {
  const starts = startsOf(keys, count)
  const next = starts.slice(0, count)
  const grouped = { starts, others: new Int32Array(keys.length), values: new Float32Array(keys.length) }
  for (let at = 0; at < keys.length; at++) {
    const place = next[keys[at]!]!++
    grouped.others[place] = others[at]!
    grouped.values[place] = values[at]!
  }
  return grouped
}

/** Where the cells of each key begin when they are sorted by key; one more entry than there are keys. */
export function startsOf(keys: Int32Array, count: number): Int32Array {
  const starts = new Int32Array(count + 1)
  for (let at = 0; at < keys.length; at++) starts[keys[at]! + 1]!++
  for (let key = 0; key < count; key++) starts[key + 1]! += starts[key]!
  return starts
}

/** Positions of the cells in the order of their keys, and where those of each key begin: a stable counting sort. */
export function orderBy(keys: Int32Array, count: number): { starts: Int32Array; order: Int32Array } {
  const starts = startsOf(keys, count)
  const next = starts.slice(0, count)
  const order = new Int32Array(keys.length)
  for (let at = 0; at < keys.length; at++) order[next[keys[at]!]!++] = at
  return { starts, order }
}
