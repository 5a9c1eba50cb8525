// Anderson acceleration of a fixed-point iteration, type II (Anderson, "Iterative procedures for nonlinear integral
// equations", JACM 12, 1965; Walker, Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49, 2011).

export type Anderson = {
  /** Takes the state and what one step made of it; writes the state to continue from into `state`. */
  advance: (state: Float64Array, stepped: Float64Array) => void
}

/**
 * Combines the last `depth` steps so that their differences cancel. Forgets them when a step grows by more than
 * `growthMax`: then the iteration has left the region where it is nearly linear.
 */
export function createAnderson(size: number, depth: number, growthMax: number): Anderson {
  // Differences of states and of residuals, newest last.
  const statesBefore: Float64Array[] = []
  const residualsBefore: Float64Array[] = []
  let lastState: Float64Array | undefined
  let lastResidual: Float64Array | undefined
  let lastNorm = Infinity

  return {
    advance(state, stepped) {
      const residual = new Float64Array(size)
      let square = 0
      for (let at = 0; at < size; at++) {
        const step = stepped[at]! - state[at]!
        residual[at] = step
        square += step * step
      }
      const norm = Math.sqrt(square)
      if (norm > growthMax * lastNorm) {
        statesBefore.length = 0
        residualsBefore.length = 0
      } else if (lastState !== undefined && lastResidual !== undefined) {
        const full = statesBefore.length === depth
        const stateChange = full ? statesBefore.shift()! : new Float64Array(size)
        const residualChange = full ? residualsBefore.shift()! : new Float64Array(size)
        for (let at = 0; at < size; at++) {
          stateChange[at] = state[at]! - lastState[at]!
          residualChange[at] = residual[at]! - lastResidual[at]!
        }
        statesBefore.push(stateChange)
        residualsBefore.push(residualChange)
      }
      lastNorm = norm
      lastState = state.slice()
      lastResidual = residual
      const weights = leastSquares(residualsBefore, residual)
      state.set(stepped)
      for (let past = 0; past < weights.length; past++) {
        const weight = weights[past]!
        if (weight === 0) continue
        const stateChange = statesBefore[past]!
        const residualChange = residualsBefore[past]!
        for (let at = 0; at < size; at++) state[at]! -= weight * (stateChange[at]! + residualChange[at]!)
      }
    },
  }
}

/** Weights of the columns whose sum comes nearest to the target, by normal equations with a trace of ridge. */
function leastSquares(columns: readonly Float64Array[], target: Float64Array): Float64Array {
  const count = columns.length
  const rows = Array.from({ length: count }, () => new Float64Array(count + 1))
  const dot = (a: Float64Array, b: Float64Array) => {
    let sum = 0
    for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!
    return sum
  }
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) rows[i]![j] = rows[j]![i] = dot(columns[i]!, columns[j]!)
    rows[i]![count] = dot(columns[i]!, target)
  }
  for (let i = 0; i < count; i++) rows[i]![i]! *= 1 + 1e-10
  return solveDense(rows)
}

/** Gauss with pivoting on rows that end in the right-hand side; an unknown without a usable pivot becomes zero. */
export function solveDense(rows: readonly Float64Array[]): Float64Array {
  const count = rows.length
  const order = [...rows]
  const scale = Math.max(...rows.map((row, at) => Math.abs(row[at]!)), 0)
  const usable: boolean[] = []
  for (let column = 0; column < count; column++) {
    let best = column
    for (let row = column + 1; row < count; row++)
      if (Math.abs(order[row]![column]!) > Math.abs(order[best]![column]!)) best = row
    const pivotRow = order[best]!
    order[best] = order[column]!
    order[column] = pivotRow
    const pivot = pivotRow[column]!
    usable.push(Math.abs(pivot) > 1e-14 * scale)
    if (!usable[column]) continue
    for (let row = column + 1; row < count; row++) {
      const factor = order[row]![column]! / pivot
      if (factor !== 0) for (let at = column; at <= count; at++) order[row]![at]! -= factor * pivotRow[at]!
    }
  }
  const solved = new Float64Array(count)
  for (let column = count - 1; column >= 0; column--) {
    if (!usable[column]) continue
    let rest = order[column]![count]!
    for (let at = column + 1; at < count; at++) rest -= order[column]![at]! * solved[at]!
    solved[column] = rest / order[column]![column]!
  }
  return solved
}
