// Additive logistic models: the log-odds are a sum of one shape for each feature, so that what each feature contributed
// to a probability can be said exactly (generalised additive models: Hastie and Tibshirani 1986; shapes that only rise:
// Lou, Caruana, Gehrke 2012 without boosting, since hinges between quantiles are enough and have one optimum).

/** `rows` holds `labels.length` times `features` values, row by row; NaN is missing. Labels are 0 or 1. */
export type Examples = { features: number; rows: Float64Array; labels: Uint8Array; weights?: Float64Array }

/** A feature's share of the log-odds: 0 at the first knot, then rising piecewise linearly and never falling. */
export type Shape = {
  knots: number[]
  /** By how much the log-odds rise from each knot to the next; none is negative. */
  rises: number[]
  /** The share where the feature is missing. */
  missing: number
  /** Mean share over the training examples: contributions are told against it. */
  mean: number
}

export type AdditiveModel = { intercept: number; shapes: Shape[] }

export type FitOptions = {
  /** Knots a feature, at quantiles of its values; 8 unless said. */
  knotsMax?: number
  /** Strength of the pull towards "says nothing", in examples; 1 unless said. */
  penalty?: number
}

const roundsMax = 60
const sweepsMax = 40
const tolerance = 1e-7

/**
 * The additive model of the largest penalised likelihood: a convex problem, solved by Newton steps whose quadratics are
 * minimised coordinate by coordinate within the bounds (Friedman, Hastie, Tibshirani 2010, section 3), each step
 * halved until the likelihood rises. The same examples give the same model. Throws a RangeError unless both labels
 * occur.
 */
export function fitAdditive(examples: Examples, { knotsMax = 8, penalty = 1 }: FitOptions = {}): AdditiveModel {
  const { features, rows, labels } = examples
  const count = labels.length
  checkExamples(examples)
  const weights = examples.weights ?? new Float64Array(count).fill(1)
  const knots = Array.from({ length: features }, (_, feature) => knotsOf(rows, features, feature, knotsMax))
  const { columns, bounded } = columnsOf(examples, knots)

  const beta = new Float64Array(columns.length)
  let intercept = startOf(labels, weights)
  let margins = new Float64Array(count).fill(intercept)
  let loss = lossOf(margins, labels, weights) + penaltyOf(beta, penalty)
  for (let round = 0; round < roundsMax; round++) {
    const step = newtonStep(columns, bounded, beta, intercept, margins, labels, weights, penalty)
    let scale = 1
    let improved = false
    for (let halving = 0; halving < 30; halving++, scale /= 2) {
      const tried = marginsAt(columns, beta, intercept, step, scale, count)
      const triedBeta = beta.map((value, column) => value + scale * (step.beta[column]! - value))
      const triedLoss = lossOf(tried, labels, weights) + penaltyOf(triedBeta, penalty)
      if (triedLoss > loss) continue
      improved = loss - triedLoss > tolerance * Math.max(1, loss)
      beta.set(triedBeta)
      intercept += scale * (step.intercept - intercept)
      margins = tried
      loss = triedLoss
      break
    }
    if (!improved) break
  }
  return modelOf(examples, weights, knots, beta, intercept)
}

/** The log-odds of one row. */
export function logOddsOf(model: AdditiveModel, rows: Float64Array, offset = 0): number {
  let sum = model.intercept
  for (const [feature, shape] of model.shapes.entries()) sum += shapeAt(shape, rows[offset + feature]!)
  return sum
}

/**
 * What each feature adds to the log-odds of a row, against the mean of the training examples; together with
 * `baseLogOdds` they sum to the log-odds of the row.
 */
export function contributionsOf(model: AdditiveModel, rows: Float64Array, offset = 0): Float64Array {
  return Float64Array.from(model.shapes, (shape, feature) => shapeAt(shape, rows[offset + feature]!) - shape.mean)
}

/** The log-odds of an example that is average in every feature. */
export function baseLogOdds(model: AdditiveModel): number {
  return model.shapes.reduce((sum, shape) => sum + shape.mean, model.intercept)
}

/** The probability of log-odds. */
export function probabilityOf(logOdds: number): number {
  return logOdds >= 0 ? 1 / (1 + Math.exp(-logOdds)) : Math.exp(logOdds) / (1 + Math.exp(logOdds))
}

/** The model with all log-odds multiplied by `slope` and moved by `shift`: what `plattScale` asks for. */
export function rescaled(model: AdditiveModel, { slope, shift }: { slope: number; shift: number }): AdditiveModel {
  return {
    intercept: model.intercept * slope + shift,
    shapes: model.shapes.map((shape) => ({
      knots: shape.knots,
      rises: shape.rises.map((rise) => rise * slope),
      missing: shape.missing * slope,
      mean: shape.mean * slope,
    })),
  }
}

/**
 * The slope and shift that calibrate log-odds of examples that the model has not seen (Platt 1999, with the smoothed
 * targets of his section 2.2 and the Newton method of Lin, Lin, Weng 2007). The slope is never negative.
 */
export function plattScale(
  logOdds: Float64Array,
  labels: Uint8Array,
  weights?: Float64Array,
): { slope: number; shift: number } {
  let positive = 0
  let negative = 0
  for (const [index, label] of labels.entries()) {
    if (label === 1) positive += weights?.[index] ?? 1
    else negative += weights?.[index] ?? 1
  }
  const high = (positive + 1) / (positive + 2)
  const low = 1 / (negative + 2)
  let [slope, shift] = [1, 0]
  const lossAt = (a: number, b: number) => {
    let loss = 0
    for (const [index, value] of logOdds.entries()) {
      const margin = a * value + b
      const target = labels[index] === 1 ? high : low
      loss += (weights?.[index] ?? 1) * (softplus(margin) - target * margin)
    }
    return loss
  }
  let loss = lossAt(slope, shift)
  for (let round = 0; round < 100; round++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-9, 0, 1e-9]
    for (const [index, value] of logOdds.entries()) {
      const weight = weights?.[index] ?? 1
      const p = probabilityOf(slope * value + shift)
      const error = weight * (p - (labels[index] === 1 ? high : low))
      const curve = weight * p * (1 - p)
      ga += error * value
      gb += error
      haa += curve * value * value
      hab += curve * value
      hbb += curve
    }
    const determinant = haa * hbb - hab * hab
    if (!(Math.abs(determinant) > 1e-18)) break
    const da = -(hbb * ga - hab * gb) / determinant
    const db = -(haa * gb - hab * ga) / determinant
    let scale = 1
    while (scale > 1e-9 && lossAt(slope + scale * da, shift + scale * db) > loss) scale /= 2
    if (scale <= 1e-9) break
    slope += scale * da
    shift += scale * db
    const next = lossAt(slope, shift)
    if (loss - next < 1e-10 * Math.max(1, loss)) break
    loss = next
  }
  return slope > 0 && Number.isFinite(slope) && Number.isFinite(shift) ? { slope, shift } : { slope: 1, shift: 0 }
}

function checkExamples({ features, rows, labels, weights }: Examples): void {
  if (!Number.isInteger(features) || features < 1)
    throw new RangeError(`Examples need at least one feature, not ${features}`)
  if (rows.length !== labels.length * features)
    throw new RangeError(`${labels.length} examples of ${features} features need ${labels.length * features} values`)
  if (weights !== undefined && weights.length !== labels.length)
    throw new RangeError(`${labels.length} examples need as many weights, not ${weights.length}`)
  if (!labels.includes(0) || !labels.includes(1)) throw new RangeError('Examples need both labels, 0 and 1')
}

/** Distinct quantiles of a feature, ends included; fewer than two distinct values have no shape to learn. */
function knotsOf(rows: Float64Array, features: number, feature: number, knotsMax: number): number[] {
  const values: number[] = []
  for (let at = feature; at < rows.length; at += features) if (!Number.isNaN(rows[at]!)) values.push(rows[at]!)
  const sorted = Float64Array.from(values).sort()
  if (sorted.length === 0) return []
  const distinct = new Set<number>()
  for (let knot = 0; knot < knotsMax; knot++)
    distinct.add(sorted[Math.round((knot * (sorted.length - 1)) / (knotsMax - 1))]!)
  // Quantiles of a lopsided feature are all one value: its rest is cut evenly.
  if (distinct.size < knotsMax / 2)
    for (let knot = 1; knot < 4; knot++) distinct.add(sorted[0]! + (knot * (sorted.at(-1)! - sorted[0]!)) / 4)
  return [...distinct].sort((a, b) => a - b)
}

/** How far a value has gone from one knot to the next, 0 to 1. */
function hinge(value: number, from: number, to: number): number {
  return value <= from ? 0 : value >= to ? 1 : (value - from) / (to - from)
}

/** One column for each stretch between knots, and one for "missing" of each feature that can be. */
function columnsOf(
  { features, rows, labels }: Examples,
  knots: number[][],
): { columns: Float64Array[]; bounded: boolean[] } {
  const columns: Float64Array[] = []
  const bounded: boolean[] = []
  for (let feature = 0; feature < features; feature++) {
    const own = knots[feature]!
    for (let knot = 0; knot + 1 < own.length; knot++) {
      columns.push(
        Float64Array.from(labels, (_, row) => {
          const value = rows[row * features + feature]!
          return Number.isNaN(value) ? 0 : hinge(value, own[knot]!, own[knot + 1]!)
        }),
      )
      bounded.push(true)
    }
    columns.push(Float64Array.from(labels, (_, row) => (Number.isNaN(rows[row * features + feature]!) ? 1 : 0)))
    bounded.push(false)
  }
  return { columns, bounded }
}

function startOf(labels: Uint8Array, weights: Float64Array): number {
  let [positive, all] = [0, 0]
  for (const [index, weight] of weights.entries()) {
    all += weight
    if (labels[index] === 1) positive += weight
  }
  return Math.log((positive + 0.5) / (all - positive + 0.5))
}

const softplus = (value: number) => (value > 0 ? value + Math.log1p(Math.exp(-value)) : Math.log1p(Math.exp(value)))

function lossOf(margins: Float64Array, labels: Uint8Array, weights: Float64Array): number {
  let loss = 0
  for (const [index, margin] of margins.entries())
    loss += weights[index]! * (softplus(margin) - (labels[index] === 1 ? margin : 0))
  return loss
}

const penaltyOf = (beta: Float64Array, penalty: number) =>
  (penalty / 2) * beta.reduce((sum, value) => sum + value * value, 0)

type Step = { beta: Float64Array; intercept: number }

/** The minimum, within the bounds, of the quadratic that touches the loss at the present margins. */
function newtonStep(
  columns: Float64Array[],
  bounded: boolean[],
  start: Float64Array,
  startIntercept: number,
  margins: Float64Array,
  labels: Uint8Array,
  weights: Float64Array,
  penalty: number,
): Step {
  const count = labels.length
  const curve = new Float64Array(count)
  /** Working response minus the present fit. */
  const rest = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    const p = probabilityOf(margins[row]!)
    curve[row] = Math.max(weights[row]! * p * (1 - p), weights[row]! * 1e-6)
    rest[row] = (weights[row]! * ((labels[row] === 1 ? 1 : 0) - p)) / curve[row]!
  }
  const beta = start.slice()
  let intercept = startIntercept
  const curvature = columns.map((column) => {
    let sum = penalty
    for (let row = 0; row < count; row++) sum += curve[row]! * column[row]! * column[row]!
    return sum
  })
  const total = curve.reduce((sum, value) => sum + value, 0)
  for (let sweep = 0; sweep < sweepsMax; sweep++) {
    let moved = 0
    let slope = 0
    for (let row = 0; row < count; row++) slope += curve[row]! * rest[row]!
    const up = slope / total
    intercept += up
    moved = Math.max(moved, Math.abs(up))
    for (let row = 0; row < count; row++) rest[row]! -= up
    for (const [at, column] of columns.entries()) {
      let gradient = -penalty * beta[at]!
      for (let row = 0; row < count; row++) gradient += curve[row]! * column[row]! * rest[row]!
      const next = beta[at]! + gradient / curvature[at]!
      const value = bounded[at]! ? Math.max(0, next) : next
      const change = value - beta[at]!
      if (change === 0) continue
      beta[at] = value
      moved = Math.max(moved, Math.abs(change))
      for (let row = 0; row < count; row++) rest[row]! -= change * column[row]!
    }
    if (moved < tolerance) break
  }
  return { beta, intercept }
}

function marginsAt(
  columns: Float64Array[],
  beta: Float64Array,
  intercept: number,
  step: Step,
  scale: number,
  count: number,
): Float64Array<ArrayBuffer> {
  const margins = new Float64Array(count).fill(intercept + scale * (step.intercept - intercept))
  for (const [at, column] of columns.entries()) {
    const value = beta[at]! + scale * (step.beta[at]! - beta[at]!)
    if (value !== 0) for (let row = 0; row < count; row++) margins[row]! += value * column[row]!
  }
  return margins
}

function modelOf(
  { features, rows, labels }: Examples,
  weights: Float64Array,
  knots: number[][],
  beta: Float64Array,
  intercept: number,
): AdditiveModel {
  let at = 0
  const shapes = knots.map((own): Shape => {
    const rises = Array.from(beta.subarray(at, at + Math.max(0, own.length - 1)))
    at += rises.length
    return { knots: own, rises, missing: beta[at++]!, mean: 0 }
  })
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  for (const [feature, shape] of shapes.entries())
    for (let row = 0; row < labels.length; row++)
      shape.mean += (weights[row]! / total) * shapeAt(shape, rows[row * features + feature]!)
  return { intercept, shapes }
}

function shapeAt({ knots, rises, missing }: Shape, value: number): number {
  if (Number.isNaN(value)) return missing
  let sum = 0
  for (const [knot, rise] of rises.entries()) sum += rise * hinge(value, knots[knot]!, knots[knot + 1]!)
  return sum
}
