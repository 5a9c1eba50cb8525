export type Interval = { low: number; high: number }

/**
 * The score interval of a proportion (Wilson 1927): honest for few trials and near 0 and 1, where the textbook interval
 * is not. `z` is the normal quantile, 1.96 for 95 %. No trials give the whole range from 0 to 1.
 */
export function wilson(successes: number, trials: number, z = 1.959964): Interval {
  if (!(trials >= 0) || !(successes >= 0) || successes > trials)
    throw new RangeError(`wilson() needs 0 <= successes <= trials, not ${successes} of ${trials}`)
  if (trials === 0) return { low: 0, high: 1 }
  const share = successes / trials
  const squared = z * z
  const denominator = 1 + squared / trials
  const centre = (share + squared / (2 * trials)) / denominator
  const half = (z / denominator) * Math.sqrt((share * (1 - share)) / trials + squared / (4 * trials * trials))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
