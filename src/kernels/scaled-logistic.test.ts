import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMersenneTwister } from './mersenne-twister.ts'
import { quantile } from './quantile.ts'
import { createRandom } from './random.ts'
import { solveScaled } from './scaled-logistic-exact.ts'
import { descendScaled, type ScaledModel, type ScaledPart } from './scaled-logistic.ts'
import { singleSum } from './single-sum.ts'

const rows = 40
const columns = 50

/** Columns are true or not; odd rows follow that, even ones mark at random. */
function marks() {
  const random = createRandom(9)
  const cells = { row: [] as number[], column: [] as number[], marked: [] as number[] }
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      if (!random.chance(0.6)) continue
      cells.row.push(row)
      cells.column.push(column)
      cells.marked.push(row % 2 === 1 ? Number(column < 20 === random.chance(0.95)) : Number(random.chance(0.3)))
    }
  const marked = Uint8Array.from(cells.marked)
  const weight = Float32Array.from(marked, (mark) => (mark === 1 ? 2 : 1))
  return { row: Int32Array.from(cells.row), column: Int32Array.from(cells.column), marked, weight }
}
const begin = (): ScaledModel => ({
  base: new Float32Array(1),
  rowIntercept: new Float32Array(rows),
  rowFactor: new Float32Array(rows),
  rowScale: new Float32Array(rows).fill(1),
  columnIntercept: new Float32Array(columns),
  columnFactor: new Float32Array(columns),
})
const ridge = {
  base: 0,
  rowIntercept: 0.3 / rows,
  rowFactor: 0.03 / rows,
  rowScale: 0.1 / rows,
  columnIntercept: 0.03 / columns,
  columnFactor: 0.03 / columns,
}

test('Newton steps and gradient steps find the same minimum of a convex problem', () => {
  const cells = marks()
  const moving: ScaledPart[] = ['base', 'rowIntercept', 'columnIntercept']
  const [one, other] = [begin(), begin()]
  const solved = solveScaled(cells, one, moving, ridge, { tolerance: 1e-9, sweepsMax: 100 })
  const stepped = descendScaled(cells, other, moving, ridge, {
    stepSize: 0.05,
    stepsMax: 4_000,
    checkEvery: 50,
    tolerance: 1e-7,
  })
  assert.ok(Math.abs(solved.loss - stepped.loss) < 2e-5, `${solved.loss} ${stepped.loss}`)
  for (let column = 0; column < columns; column++)
    assert.ok(Math.abs(one.columnIntercept[column]! - other.columnIntercept[column]!) < 0.05)
  assert.deepEqual(one.rowFactor, begin().rowFactor)
})

test('scales tell those who follow the truth from those who mark at random', () => {
  const cells = marks()
  const model = begin()
  solveScaled(cells, model, ['base', 'rowIntercept', 'columnIntercept'], ridge, { tolerance: 1e-6, sweepsMax: 50 })
  const before = solveScaled(cells, model, ['base', 'rowIntercept', 'rowScale'], ridge, {
    tolerance: 1e-6,
    sweepsMax: 1,
  })
  const after = solveScaled(cells, model, ['base', 'rowIntercept', 'rowScale'], ridge, {
    tolerance: 1e-6,
    sweepsMax: 50,
  })
  assert.ok(after.loss < before.loss)
  const mean = (parity: number) =>
    model.rowScale.filter((_, row) => row % 2 === parity).reduce((sum, scale) => sum + scale, 0) / (rows / 2)
  assert.ok(mean(1) > 3 * Math.abs(mean(0)), `${mean(1)} ${mean(0)}`)
})

test('the Mersenne twister gives its published numbers, and normals have mean 0 and variance 1', () => {
  // First outputs of the authors' reference implementation, seeded with 5489 (its default).
  const source = createMersenneTwister(5489)
  assert.deepEqual([source.uint32(), source.uint32(), source.uint32()], [3_499_211_612, 581_869_302, 3_890_346_734])
  const normals = createMersenneTwister(1).normals(100_003)
  const mean = normals.reduce((sum, value) => sum + value, 0) / normals.length
  const variance = normals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / normals.length
  assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.02)
  assert.equal(createMersenneTwister(1).normals(7).length, 7)
})

test('a single-precision sum is within a few units in the last place of the true one', () => {
  const random = createRandom(4)
  for (const count of [0, 1, 7, 31, 32, 1_000, 70_001]) {
    const values = Float32Array.from({ length: count }, () => random.float())
    const exact = values.reduce((sum, value) => sum + value, 0)
    assert.ok(Math.abs(singleSum(values) - exact) <= 4e-7 * exact, String(count))
  }
})

test('quantiles lie between neighbours by a straight line', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5)
  assert.equal(quantile([1, 2], 0.25), 1.25)
  assert.equal(quantile([5], 0.9), 5)
  assert.ok(Number.isNaN(quantile([], 0.5)))
})
