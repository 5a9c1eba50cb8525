/** The value below which the share `q` (0 to 1) of the values lies, between neighbours by a straight line. NaN of none. */
export function quantile(values: Float64Array | readonly number[], q: number): number {
  return sortedQuantile(Float64Array.from(values).sort(), q)
}

/** The same of values that are sorted already. */
export function sortedQuantile(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return NaN
  const place = q * (sorted.length - 1)
  const low = Math.floor(place)
  const below = sorted[low]!
  const above = sorted[Math.min(low + 1, sorted.length - 1)]!
  return below + (above - below) * (place - low)
}
