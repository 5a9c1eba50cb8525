import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descend } from './factorization-adam.ts'
import { factorize } from './factorization-exact.ts'
import { emptyFactorization, orientFactors, solvePair, squaredLoss } from './factorization.ts'
import { groupByColumn, groupByRow, orderBy, type Observations } from './observations.ts'
import { createRandom } from './random.ts'

/** Cells of two camps that like different columns, with a little noise. */
function camps(rowCount: number, columnCount: number, share: number, seed: number): Observations {
  const random = createRandom(seed)
  const row: number[] = []
  const column: number[] = []
  const value: number[] = []
  for (let r = 0; r < rowCount; r++)
    for (let c = 0; c < columnCount; c++) {
      if (!random.chance(share)) continue
      row.push(r)
      column.push(c)
      const side = (r % 2 === 0 ? 1 : -1) * (c % 3 === 0 ? 0 : c % 3 === 1 ? 1 : -1)
      value.push(0.5 + 0.4 * side + 0.05 * random.normal())
    }
  return {
    row: Int32Array.from(row),
    column: Int32Array.from(column),
    value: Float32Array.from(value),
    rowCount,
    columnCount,
  }
}
const ridge = { rowIntercept: 1.5, rowFactor: 0.3, columnIntercept: 1.5, columnFactor: 0.3, mean: 10 }

test('cells stand in groups of their row and of their column', () => {
  const cells = camps(20, 30, 0.3, 1)
  for (const [grouped, keys] of [
    [groupByRow(cells), cells.row],
    [groupByColumn(cells), cells.column],
  ] as const) {
    assert.equal(grouped.starts.at(-1), cells.value.length)
    for (let key = 0; key + 1 < grouped.starts.length; key++)
      assert.equal(grouped.starts[key + 1]! - grouped.starts[key]!, keys.filter((one) => one === key).length)
  }
  const { order } = orderBy(cells.column, cells.columnCount)
  for (let at = 1; at < order.length; at++) {
    const [before, here] = [order[at - 1]!, order[at]!]
    assert.ok(
      cells.column[before]! < cells.column[here]! || (cells.column[before] === cells.column[here] && before < here),
    )
  }
})

test('at the optimum no small change of any parameter lowers the loss', () => {
  const cells = camps(40, 60, 0.4, 2)
  const { model, converged, sweeps } = factorize(cells, ridge)
  assert.ok(converged && sweeps < 60, `${sweeps} sweeps`)
  const best = squaredLoss(cells, model, ridge)
  for (const side of [model.rows, model.columns])
    for (let at = 0; at < side.length; at += 7)
      for (const change of [-0.01, 0.01]) {
        side[at]! += change
        assert.ok(squaredLoss(cells, model, ridge) > best)
        side[at]! -= change
      }
  for (const change of [-0.01, 0.01])
    assert.ok(squaredLoss(cells, { ...model, mean: model.mean + change }, ridge) > best)
})

test('the spectral start finds the two camps, where a start from nothing sees none', () => {
  const cells = camps(40, 60, 0.4, 3)
  const { model } = factorize(cells, ridge)
  const signs = (parity: number) =>
    new Set(Array.from({ length: 20 }, (_, at) => Math.sign(model.rows[2 * (2 * at + parity) + 1]!)))
  assert.equal(signs(0).size, 1)
  assert.deepEqual(
    [...signs(1)],
    [...signs(0)].map((sign) => -sign),
  )
  const flat = factorize(cells, ridge, { start: emptyFactorization(40, 60) })
  assert.ok(squaredLoss(cells, flat.model, ridge) > 2 * squaredLoss(cells, model, ridge))
})

test('gradient steps end near the optimum, and above it', () => {
  const cells = camps(40, 60, 0.4, 4)
  const count = cells.value.length
  const penalties = { rowIntercept: 0.15, rowFactor: 0.03, columnIntercept: 0.15, columnFactor: 0.03, mean: 0.15 }
  const same = {
    rowIntercept: (0.15 * count) / 40,
    rowFactor: (0.03 * count) / 40,
    columnIntercept: (0.15 * count) / 60,
    columnFactor: (0.03 * count) / 60,
    mean: 0.15 * count,
  }
  const exact = factorize(cells, same)
  const least = squaredLoss(cells, exact.model, same)
  const random = createRandom(5)
  const start = emptyFactorization(40, 60)
  for (const side of [start.rows, start.columns])
    for (let at = 1; at < side.length; at += 2) side[at] = random.between(-0.2, 0.2)
  const { model, loss, steps } = descend(cells, penalties, { start, stepSize: 1 })
  assert.ok(Math.abs(squaredLoss(cells, model, same) - loss) < 1e-6)
  assert.ok(loss >= least - 1e-7 && loss < least + 2e-4, `${loss} after ${steps} steps, optimum ${least}`)
})

test('frozen rows and mean stand still, and columns find what a solved pair finds', () => {
  const cells = camps(30, 12, 0.6, 6)
  const { model } = factorize(cells, ridge)
  const start = { ...model, columns: new Float64Array(24) }
  const { model: stepped } = descend(
    cells,
    { rowIntercept: 0, rowFactor: 0, columnIntercept: 0.15, columnFactor: 0.03, mean: 0 },
    { start, stepSize: 0.2, frozen: true, tolerance: 0, patience: 2_000 },
  )
  assert.deepEqual(stepped.rows, Float64Array.from(Float32Array.from(model.rows)))
  const weight = cells.value.length / 12
  for (let column = 0; column < 12; column++) {
    let [count, g, gg, t, tg] = [0, 0, 0, 0, 0]
    for (let at = 0; at < cells.value.length; at++) {
      if (cells.column[at] !== column) continue
      const factor = model.rows[2 * cells.row[at]! + 1]!
      const rest = cells.value[at]! - model.mean - model.rows[2 * cells.row[at]!]!
      count++
      g += factor
      gg += factor * factor
      t += rest
      tg += rest * factor
    }
    const solved = new Float64Array(2)
    solvePair(count, g, gg, t, tg, 0.15 * weight, 0.03 * weight, solved, 0)
    assert.ok(Math.abs(solved[0]! - stepped.columns[2 * column]!) < 2e-3)
    assert.ok(Math.abs(solved[1]! - stepped.columns[2 * column + 1]!) < 2e-3)
  }
})

test('most rows end on the negative side, and predictions stay', () => {
  const model = { mean: 0, rows: Float64Array.of(0, 1, 0, 2, 0, -1), columns: Float64Array.of(0, 3) }
  assert.equal(orientFactors(model), true)
  assert.deepEqual([...model.rows], [0, -1, 0, -2, 0, 1])
  assert.equal(model.columns[1], -3)
  assert.equal(orientFactors(model), false)
})

test('nothing known gives zeros', () => {
  const none = {
    row: new Int32Array(),
    column: new Int32Array(),
    value: new Float32Array(),
    rowCount: 0,
    columnCount: 0,
  }
  assert.deepEqual(factorize(none, ridge).model, emptyFactorization(0, 0))
})
