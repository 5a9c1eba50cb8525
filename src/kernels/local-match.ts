// Whether two pictures show the same, by their local features: places that look alike must also lie alike.
import { variantFeatures, type FeatureVariant, type LocalFeatures } from './local-features.ts'
import { likePairs, type Pairs } from './local-pairs.ts'

/** Places of the query (`x`, `y`) in the entry: (a x + b y + c, d x + e y + f), in pixels of both pictures. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

export type LocalMatch = {
  /** Pairs of places that agree on one way to lay the query over the entry. */
  inliers: number
  /** Pairs that look alike, agreeing or not. */
  pairs: number
  /** Share of the entry's features that lie inside the query, large enough to be found, that have a partner there. */
  shareOfEntry: number
  /** Share of the query's features that lie inside the entry that have a partner there. */
  shareOfQuery: number
  /** Share of the cells with features of the entry, of those inside the query, that have an agreeing pair. */
  coverage: number
  /** Share of the entry that the query covers. */
  overlap: number
  matrix: Affine
  /** Which features agree: those of the query, and their partners in the entry. */
  queryAt: Uint16Array
  entryAt: Uint16Array
}

const angleOffMax = 0.42
const sizeOffMax = Math.log(1.6)

/** How the query lies over the entry, or undefined where fewer than four places agree. */
export function matchFeatures(query: LocalFeatures, entry: LocalFeatures): LocalMatch | undefined {
  const pairs = likePairs(query, entry)
  if (pairs.count < 4) return undefined
  return agree(query, entry, pairs)
}

/** The four ways in which a picture is looked for: as it is, mirrored, inverted, both. */
export const featureVariants: readonly FeatureVariant[] = [
  { mirrored: false, inverted: false },
  { mirrored: true, inverted: false },
  { mirrored: false, inverted: true },
  { mirrored: true, inverted: true },
]

/** The query in the four ways, in the order of `featureVariants`. */
export function turnedVariants(query: LocalFeatures): LocalFeatures[] {
  return featureVariants.map((variant) => variantFeatures(query, variant))
}

/** How the query, mirrored or inverted, lies over the entry; undefined where fewer than four places agree. */
export function matchVariant(
  query: LocalFeatures,
  variant: FeatureVariant,
  entry: LocalFeatures,
): LocalMatch | undefined {
  return matchFeatures(variantFeatures(query, variant), entry)
}

/** The variant of the query that has most places in common with the entry, or undefined where none has any. */
export function compareFeatures(
  query: LocalFeatures,
  entry: LocalFeatures,
): { variant: FeatureVariant; match: LocalMatch } | undefined {
  let best: { variant: FeatureVariant; match: LocalMatch } | undefined
  const paired = turnedVariants(query).map((turned, at) => ({ at, turned, pairs: likePairs(turned, entry) }))
  for (const { at, turned, pairs } of paired.sort((a, b) => b.pairs.count - a.pairs.count || a.at - b.at)) {
    // No more places can agree than look alike.
    if (pairs.count < 4 || pairs.count <= (best?.match.inliers ?? 0)) break
    const match = agree(turned, entry, pairs)
    if (match !== undefined && match.inliers > (best?.match.inliers ?? 0))
      best = { variant: featureVariants[at]!, match }
  }
  return best
}

/** Pairs with what each alone says of the turn (radians) and the size (natural logarithm) of the query in the entry. */
type Poses = Pairs & { turns: Float64Array; sizes: Float64Array }

function posesOf(query: LocalFeatures, entry: LocalFeatures, pairs: Pairs): Poses {
  const turns = new Float64Array(pairs.count)
  const sizes = new Float64Array(pairs.count)
  for (let at = 0; at < pairs.count; at++) {
    const from = pairs.query[at]!
    const to = pairs.entry[at]!
    turns[at] = entry.angle[to]! - query.angle[from]!
    sizes[at] = Math.log(entry.size[to]! / query.size[from]!)
  }
  return { ...pairs, turns, sizes }
}

/** Each pair alone says how the query would lie over the entry; the way that most pairs agree on is refined. */
function agree(query: LocalFeatures, entry: LocalFeatures, pairs: Pairs): LocalMatch | undefined {
  const poses = posesOf(query, entry, pairs)
  const tolerance = 0.03 * Math.sqrt(entry.width * entry.height)
  let best: Affine | undefined
  let most = 3
  for (let at = 0; at < poses.count; at++) {
    const matrix = matrixOf(query, entry, poses, at)
    const count = inliersOf(query, entry, poses, matrix, tolerance * 1.6).length
    if (count > most) {
      most = count
      best = matrix
    }
  }
  if (best === undefined) return undefined
  let inliers = inliersOf(query, entry, poses, best, tolerance * 1.6)
  for (let round = 0; round < 4; round++) {
    const fitted = fit(query, entry, poses, inliers, inliers.length >= 8 && round > 0)
    if (fitted === undefined || !plausible(fitted)) break
    const next = inliersOf(query, entry, poses, fitted, tolerance)
    if (next.length < 4) break
    best = fitted
    inliers = next
  }
  return measure(query, entry, pairs, inliers, best)
}

function matrixOf(query: LocalFeatures, entry: LocalFeatures, poses: Poses, at: number): Affine {
  const from = poses.query[at]!
  const to = poses.entry[at]!
  const scale = Math.exp(poses.sizes[at]!)
  const cos = scale * Math.cos(poses.turns[at]!)
  const sin = scale * Math.sin(poses.turns[at]!)
  const x = query.x[from]!
  const y = query.y[from]!
  return [cos, -sin, entry.x[to]! - cos * x + sin * y, sin, cos, entry.y[to]! - sin * x - cos * y]
}

/** Pairs that a matrix explains, in place, direction and size. */
function inliersOf(
  query: LocalFeatures,
  entry: LocalFeatures,
  poses: Poses,
  [a, b, c, d, e, f]: Affine,
  tolerance: number,
): number[] {
  const turn = Math.atan2(d - b, a + e)
  const size = Math.log(Math.max(1e-9, Math.abs(a * e - b * d))) / 2
  const inliers: number[] = []
  for (let at = 0; at < poses.count; at++) {
    if (Math.abs(poses.sizes[at]! - size) > sizeOffMax) continue
    if (Math.abs(wrapped(poses.turns[at]! - turn)) > angleOffMax) continue
    const from = poses.query[at]!
    const to = poses.entry[at]!
    const x = query.x[from]!
    const y = query.y[from]!
    const offX = a * x + b * y + c - entry.x[to]!
    const offY = d * x + e * y + f - entry.y[to]!
    const allowed = tolerance + 0.5 * entry.size[to]!
    if (offX * offX + offY * offY <= allowed * allowed) inliers.push(at)
  }
  return inliers
}

function wrapped(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI))
}

/** Least squares over the pairs: a similarity (turn, size, shift), or any affine map. */
function fit(
  query: LocalFeatures,
  entry: LocalFeatures,
  pairs: Pairs,
  inliers: readonly number[],
  affine: boolean,
): Affine | undefined {
  const n = inliers.length
  if (n < 3) return undefined
  let mx = 0
  let my = 0
  let mu = 0
  let mv = 0
  for (const at of inliers) {
    mx += query.x[pairs.query[at]!]! / n
    my += query.y[pairs.query[at]!]! / n
    mu += entry.x[pairs.entry[at]!]! / n
    mv += entry.y[pairs.entry[at]!]! / n
  }
  let xx = 0
  let xy = 0
  let yy = 0
  let xu = 0
  let yu = 0
  let xv = 0
  let yv = 0
  for (const at of inliers) {
    const x = query.x[pairs.query[at]!]! - mx
    const y = query.y[pairs.query[at]!]! - my
    const u = entry.x[pairs.entry[at]!]! - mu
    const v = entry.y[pairs.entry[at]!]! - mv
    xx += x * x
    xy += x * y
    yy += y * y
    xu += x * u
    yu += y * u
    xv += x * v
    yv += y * v
  }
  let a: number
  let b: number
  let d: number
  let e: number
  if (affine) {
    const determinant = xx * yy - xy * xy
    if (determinant < 1e-3 * (xx + yy) ** 2) return fit(query, entry, pairs, inliers, false)
    a = (xu * yy - yu * xy) / determinant
    b = (yu * xx - xu * xy) / determinant
    d = (xv * yy - yv * xy) / determinant
    e = (yv * xx - xv * xy) / determinant
  } else {
    const spreadOut = xx + yy
    if (spreadOut < 1e-6) return undefined
    a = e = (xu + yv) / spreadOut
    d = (xv - yu) / spreadOut
    b = -d
  }
  return [a, b, mu - a * mx - b * my, d, e, mv - d * mx - e * my]
}

/** No mirror image, no extreme size, no more slant than a photo of a screen has. */
function plausible([a, b, , d, e]: Affine): boolean {
  const determinant = a * e - b * d
  if (determinant < 0.01 || determinant > 100) return false
  const squares = a * a + b * b + d * d + e * e
  const larger = Math.sqrt((squares + Math.sqrt(Math.max(0, squares * squares - 4 * determinant * determinant))) / 2)
  return larger * larger <= 1.8 * determinant
}

const cells = 6
/** Blur in pixels of the query under which a feature of the entry is too small to be found there. */
const visibleSizeMin = 2

function measure(
  query: LocalFeatures,
  entry: LocalFeatures,
  pairs: Pairs,
  inliers: readonly number[],
  matrix: Affine,
): LocalMatch {
  const [a, b, c, d, e, f] = matrix
  const determinant = a * e - b * d
  const toQuery = (u: number, v: number): readonly [number, number] => [
    (e * (u - c) - b * (v - f)) / determinant,
    (a * (v - f) - d * (u - c)) / determinant,
  ]
  const inside = (u: number, v: number) => {
    const [x, y] = toQuery(u, v)
    return x >= 0 && y >= 0 && x < query.width && y < query.height
  }
  const cellOf = (to: number) =>
    Math.min(cells - 1, Math.floor((entry.y[to]! / entry.height) * cells)) * cells +
    Math.min(cells - 1, Math.floor((entry.x[to]! / entry.width) * cells))
  const places = new Set<number>()
  const partnered = new Set<number>()
  const covered = new Set<number>()
  for (const at of inliers) {
    const to = pairs.entry[at]!
    places.add(to)
    partnered.add(pairs.query[at]!)
    covered.add(cellOf(to))
  }
  const scale = Math.sqrt(determinant)
  const there = new Uint16Array(cells * cells)
  let visible = 0
  for (let to = 0; to < entry.count; to++)
    if (places.has(to) || (entry.size[to]! >= visibleSizeMin * scale && inside(entry.x[to]!, entry.y[to]!))) {
      visible++
      there[cellOf(to)]!++
    }
  let inEntry = 0
  for (let from = 0; from < query.count; from++) {
    const u = a * query.x[from]! + b * query.y[from]! + c
    const v = d * query.x[from]! + e * query.y[from]! + f
    if (partnered.has(from) || (u >= 0 && v >= 0 && u < entry.width && v < entry.height)) inEntry++
  }
  let within = 0
  const grid = 16
  for (let row = 0; row < grid; row++)
    for (let column = 0; column < grid; column++)
      if (inside(((column + 0.5) / grid) * entry.width, ((row + 0.5) / grid) * entry.height)) within++
  const seen = there.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0)
  return {
    inliers: places.size,
    pairs: pairs.count,
    shareOfEntry: visible === 0 ? 0 : Math.min(1, places.size / visible),
    shareOfQuery: inEntry === 0 ? 0 : partnered.size / inEntry,
    coverage: seen === 0 ? 0 : Math.min(1, covered.size / seen),
    overlap: within / (grid * grid),
    matrix,
    queryAt: Uint16Array.from(inliers, (at) => pairs.query[at]!),
    entryAt: Uint16Array.from(inliers, (at) => pairs.entry[at]!),
  }
}
