import type { Severity } from '../domain/entry.ts'
import { isNotice, type Decay, type LadderStep, type PolicyViolation } from '../domain/policy.ts'
import type { Cell, PolicySet, Version } from './policy-set.ts'

/** One decision against an actor as it stands now: modified decisions with their new values, reversed ones left out. */
export type Strike = {
  decisionId: string
  /** From when it counts: the event's time when a rule decided, the verdict's when a person did. */
  atMs: number
  violation: string
  severity: Severity
  context: string
  policyVersion: number
  attribution: number
  attributionConfidence: number
  /** Age of the item when it was found. */
  itemAgeMs?: number
  dedupeKey?: string
}

export type Training = { violation: string; atMs: number }

/** Why a strike has the points it has. */
export type Counted =
  | 'points'
  | 'everywhere'
  | 'education'
  | 'warning'
  | 'too_old'
  | 'few_occurrences'
  | 'low_confidence'
  | 'no_share'
  | 'unknown_violation'

/** One step of a ladder, taken. Times in milliseconds; `untilMs` is Infinity for what has no end. */
export type Taken = {
  /** Index of the context, or `everywhere`. */
  context: number
  level: number
  step: LadderStep
  version: number
  cell: number
  fromMs: number
  untilMs: number
  /** When a consequence at least as severe and long took its place. */
  supersededMs: number
  /** Index of the strike that set it off. */
  strike: number
  own: number
  spilled: number
  /** Whether only points from other contexts brought it about. */
  bySpill: boolean
}

export const everywhere = -1

/** Everything that follows from a history up to a moment. Arrays are by strike, in order of time. */
export type Fold = {
  strikes: readonly Strike[]
  counted: Counted[]
  points: number[]
  /** When each strike stops counting. */
  expiresMs: number[]
  contextOf: number[]
  versionOf: (Version | undefined)[]
  groupOf: (string | undefined)[]
  taken: Taken[]
  /** Those of `taken` that still ran at the last strike. */
  running: Taken[]
}

/**
 * Folds strikes into the ladder steps that they take, up to and including `untilMs`. The order in which strikes are given
 * does not matter. Every strike that counts looks at the points of its moment and takes the highest step they reach, even
 * when no threshold was crossed just then: otherwise voiding an early strike would move a crossing to a later one and make
 * things worse.
 */
export function fold(
  given: readonly Strike[],
  trainings: readonly Training[],
  set: PolicySet,
  untilMs = Infinity,
): Fold {
  const strikes = inOrder(given, untilMs)
  const count = strikes.length
  const result: Fold = {
    strikes,
    counted: [],
    points: [],
    expiresMs: [],
    contextOf: [],
    versionOf: [],
    groupOf: [],
    taken: [],
    running: [],
  }
  const { counted, points, contextOf, versionOf } = result
  const tally = createTally(set.contexts.length)

  let index = 0
  while (index < count) {
    const nowMs = strikes[index]!.atMs
    if (nowMs >= tally.nextExpiryMs) expire(tally, result, nowMs)
    // Strikes of one moment count together, whichever arrived first.
    const first = index
    for (; index < count && strikes[index]!.atMs === nowMs; index++) {
      const strike = strikes[index]!
      const version = set.versions.get(strike.policyVersion)
      versionOf[index] = version
      contextOf[index] = set.contextIndex.get(strike.context) ?? everywhere - 1
      countStrike(result, index, trainings, version)
      if (points[index]! > 0 && contextOf[index]! >= 0) addTo(tally, result, index)
    }
    for (let one = first; one < index; one++) {
      if (counted[one] === 'everywhere') takeEverywhere(result, one)
      if (points[one]! > 0 && contextOf[one]! >= 0) trigger(result, one, tally)
    }
  }
  return result
}

function inOrder(given: readonly Strike[], untilMs: number): readonly Strike[] {
  let sorted = true
  for (let index = 0; index < given.length && sorted; index++) {
    const strike = given[index]!
    if (strike.atMs > untilMs) sorted = false
    else if (index > 0) {
      const before = given[index - 1]!
      if (before.atMs > strike.atMs || (before.atMs === strike.atMs && before.decisionId > strike.decisionId))
        sorted = false
    }
  }
  if (sorted) return given
  return given
    .filter((strike) => strike.atMs <= untilMs)
    .sort((a, b) => a.atMs - b.atMs || (a.decisionId < b.decisionId ? -1 : a.decisionId > b.decisionId ? 1 : 0))
}

/** Decides what one strike costs by itself, given the ones before it. */
function countStrike(result: Fold, index: number, trainings: readonly Training[], version: Version | undefined): void {
  const strike = result.strikes[index]!
  const violation = version?.violations.get(strike.violation)
  result.points[index] = 0
  result.expiresMs[index] = violation === undefined ? strike.atMs : strike.atMs + violation.expiryMs
  if (version === undefined || violation === undefined) {
    result.counted[index] = 'unknown_violation'
    return
  }
  // A fixed span of the calendar, not one that starts with the first strike: voiding that one would regroup the others.
  if (strike.dedupeKey !== undefined)
    result.groupOf[index] =
      `${strike.context}\n${strike.dedupeKey}\n${Math.floor(strike.atMs / violation.dedupeWindowMs)}`
  result.counted[index] = countedAs(result, index, trainings, version, violation)
  if (result.counted[index] === 'points' || result.counted[index] === 'everywhere')
    result.points[index] = Math.round(violation.points[strike.severity] * strike.attribution * micro) / micro
}

function countedAs(
  result: Fold,
  index: number,
  trainings: readonly Training[],
  version: Version,
  violation: PolicyViolation,
): Counted {
  const strike = result.strikes[index]!
  if (strike.attributionConfidence < version.policy.attribution.confidenceMin) return 'low_confidence'
  if (strike.attribution <= 0) return 'no_share'
  if (strike.attribution >= 1 && (violation.egregious || version.egregious.has(strike.severity))) return 'everywhere'
  if (
    violation.itemAgeMsMax !== undefined &&
    strike.itemAgeMs !== undefined &&
    strike.itemAgeMs > violation.itemAgeMsMax
  )
    return 'too_old'
  const { firstOccurrence, occurrences } = violation
  if (occurrences !== undefined) {
    let seen = 1
    for (let one = 0; one < index; one++)
      if (isOccurrence(result, one, strike.violation) && strike.atMs - result.strikes[one]!.atMs < occurrences.windowMs)
        seen++
    if (seen < occurrences.count) return 'few_occurrences'
  }
  if (firstOccurrence === undefined || strike.severity > firstOccurrence.severityMax) return 'points'
  for (let one = index - 1; one >= 0; one--)
    if (isOccurrence(result, one, strike.violation) && strike.atMs < lapseMs(result, one, trainings)) return 'points'
  return firstOccurrence.handling
}

function isOccurrence(result: Fold, index: number, violation: string): boolean {
  if (result.strikes[index]!.violation !== violation) return false
  const counted = result.counted[index]
  return counted !== 'low_confidence' && counted !== 'no_share' && counted !== 'too_old'
}

/** Until when an occurrence makes the next one of its kind a repetition. Training shortens it for those only warned. */
function lapseMs(result: Fold, index: number, trainings: readonly Training[]): number {
  const strike = result.strikes[index]!
  const expiresMs = result.expiresMs[index]!
  const counted = result.counted[index]
  if (counted !== 'education' && counted !== 'warning') return expiresMs
  const lapse = result.versionOf[index]!.violations.get(strike.violation)!.firstOccurrence!.lapseAfterTrainingMs
  let earliest = expiresMs
  for (const training of trainings)
    if (training.violation === strike.violation && training.atMs >= strike.atMs)
      earliest = Math.min(earliest, training.atMs + lapse)
  return earliest
}

/** Points are counted in millionths, as whole numbers: adding and taking away again is exact. */
const micro = 1_000_000

/** Points per context of the strikes that count at a moment; a group counts as its highest member. */
type Tally = {
  sums: Float64Array
  /** Strikes that count, from `head` on, in order of time. */
  active: number[]
  head: number
  groups: Map<string, { highest: number; members: number }> | undefined
  nextExpiryMs: number
  lastExpiryMs: number
  /** Whether strikes expire in the order in which they came: then only the head needs a look. */
  inOrder: boolean
}

function createTally(contexts: number): Tally {
  return {
    sums: new Float64Array(contexts),
    active: [],
    head: 0,
    groups: undefined,
    nextExpiryMs: Infinity,
    lastExpiryMs: -Infinity,
    inOrder: true,
  }
}

function addTo(tally: Tally, result: Fold, index: number): void {
  const expiresMs = result.expiresMs[index]!
  if (expiresMs < tally.lastExpiryMs) tally.inOrder = false
  tally.lastExpiryMs = expiresMs
  tally.nextExpiryMs = Math.min(tally.nextExpiryMs, expiresMs)
  tally.active.push(index)
  sumUp(tally, result, index)
}

function sumUp(tally: Tally, result: Fold, index: number): void {
  const points = Math.round(result.points[index]! * micro)
  const key = result.groupOf[index]
  const context = result.contextOf[index]!
  if (key === undefined) {
    tally.sums[context]! += points
    return
  }
  tally.groups ??= new Map()
  const group = tally.groups.get(key)
  if (group === undefined) {
    tally.groups.set(key, { highest: points, members: 1 })
    tally.sums[context]! += points
  } else {
    group.members++
    if (points > group.highest) {
      tally.sums[context]! += points - group.highest
      group.highest = points
    }
  }
}

/** Takes out what has expired. */
function expire(tally: Tally, result: Fold, nowMs: number): void {
  let anew = false
  if (tally.inOrder) {
    while (tally.head < tally.active.length && result.expiresMs[tally.active[tally.head]!]! <= nowMs) {
      const index = tally.active[tally.head++]!
      const key = result.groupOf[index]
      const group = key === undefined ? undefined : tally.groups!.get(key)!
      if (group !== undefined && group.members > 1) anew = true
      else {
        tally.sums[result.contextOf[index]!]! -= Math.round(result.points[index]! * micro)
        if (key !== undefined) tally.groups!.delete(key)
      }
    }
    if (tally.head * 2 > tally.active.length) {
      tally.active = tally.active.slice(tally.head)
      tally.head = 0
    }
  } else {
    tally.active = tally.active.filter((one) => result.expiresMs[one]! > nowMs)
    anew = true
  }
  if (anew) {
    tally.sums.fill(0)
    tally.groups = undefined
    for (let at = tally.head; at < tally.active.length; at++) sumUp(tally, result, tally.active[at]!)
  }
  tally.nextExpiryMs = Infinity
  const last = tally.inOrder ? Math.min(tally.head + 1, tally.active.length) : tally.active.length
  for (let at = tally.head; at < last; at++)
    tally.nextExpiryMs = Math.min(tally.nextExpiryMs, result.expiresMs[tally.active[at]!]!)
}

function share(points: number, group: string | undefined, highest: Map<string, number> | undefined): number {
  if (group === undefined || highest === undefined) return points
  const before = highest.get(group) ?? 0
  if (points <= before) return 0
  highest.set(group, points)
  return points - before
}

/** How much of its points a strike still has after a time. */
export function decayed(decay: Decay, ageMs: number): number {
  if (decay.kind === 'half_life') return 2 ** (-ageMs / decay.halfLifeMs)
  if (decay.kind === 'none') return 1
  let kept = 1
  for (const step of decay.steps) if (ageMs >= step.afterMs) kept = step.share
  return kept
}

const ownAndSpilled = new Float64Array(2)

/** Own and spilled points of a cell at a moment, written to `ownAndSpilled` to spare an allocation per strike. */
function cellPoints(cell: Cell, result: Fold, tally: Tally, nowMs: number): void {
  let own = 0
  let spilled = 0
  if (cell.plain) {
    for (let context = 0; context < tally.sums.length; context++) {
      const sum = tally.sums[context]!
      if (sum === 0) continue
      if (cell.own[context] === 1) own += sum
      else spilled += sum * cell.weights[context]!
    }
    own /= micro
    spilled /= micro
  } else {
    const highest = tally.groups === undefined ? undefined : new Map<string, number>()
    for (let at = tally.head; at < tally.active.length; at++) {
      const one = tally.active[at]!
      const strike = result.strikes[one]!
      const ageMs = nowMs - strike.atMs
      if (ageMs >= cell.windowMs) continue
      if (cell.violations !== undefined && !cell.violations.has(strike.violation)) continue
      const points = share(result.points[one]! * decayed(cell.decay, ageMs), result.groupOf[one], highest)
      const context = result.contextOf[one]!
      if (cell.own[context] === 1) own += points
      else spilled += points * cell.weights[context]!
    }
  }
  ownAndSpilled[0] = own
  ownAndSpilled[1] = spilled
}

/** How many steps of a ladder the points reach; 0 is none. */
function levelOf(ladder: readonly LadderStep[], points: number): number {
  let level = 0
  while (level < ladder.length && points >= ladder[level]!.at) level++
  return level
}

function trigger(result: Fold, index: number, tally: Tally): void {
  const strike = result.strikes[index]!
  const version = result.versionOf[index]!
  const context = result.contextOf[index]!
  const cells = version.cells
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at]!
    if (cell.weights[context] === 0) continue
    if (cell.violations !== undefined && !cell.violations.has(strike.violation)) continue
    cellPoints(cell, result, tally, strike.atMs)
    const own = ownAndSpilled[0]!
    const spilled = ownAndSpilled[1]!
    for (let place = 0; place < cell.contexts.length; place++) {
      const ladder = cell.ladders[place]!
      const total = spilled === 0 ? levelOf(ladder, own) : levelOf(ladder, own + spilled)
      // A strike of another context never sets off what this context's own points had brought before.
      const ownLevel = cell.own[context] === 1 ? (spilled === 0 ? total : levelOf(ladder, own)) : 0
      const level = Math.max(ownLevel, spilled === 0 ? ownLevel : Math.min(total, cell.capLevels[place]!))
      if (level === 0) continue
      const step = ladder[level - 1]!
      // That points of another context weigh here shows in the level; nobody is warned again for it.
      if (cell.own[context] === 0 && isNotice(step)) continue
      take(result, index, version, at, cell.contexts[place]!, level, step, own, spilled)
    }
  }
}

function takeEverywhere(result: Fold, index: number): void {
  const version = result.versionOf[index]!
  take(
    result,
    index,
    version,
    -1,
    everywhere,
    version.everywhereLevel,
    version.everywhereStep,
    result.points[index]!,
    0,
  )
}

function take(
  result: Fold,
  index: number,
  version: Version,
  cell: number,
  context: number,
  level: number,
  step: LadderStep,
  own: number,
  spilled: number,
): void {
  const nowMs = result.strikes[index]!.atMs
  const notice = isNotice(step)
  let untilMs = notice ? result.expiresMs[index]! : step.permanent ? Infinity : nowMs + step.durationMs!
  const running = result.running.filter((other) => runsAt(other, nowMs))
  result.running = running
  if (!notice && !step.permanent && version.policy.stacking === 'consecutive' && addsPoints(result, index)) {
    for (const other of running)
      if (other.context === context && !isNotice(other.step) && other.untilMs < Infinity)
        untilMs = Math.max(untilMs, other.untilMs + step.durationMs!)
  }
  for (const other of running) {
    if (other.context !== context) continue
    if (isNotice(other.step)) {
      // A notice lasts while points do: it is stretched, not given again.
      if (other.level >= level || !notice) other.untilMs = Math.max(other.untilMs, result.expiresMs[index]!)
      if (notice && other.level >= level) return
      continue
    }
    if (notice) continue
    if (other.level >= level && other.untilMs >= untilMs && covers(other.step, step)) return
    if (level >= other.level && untilMs >= other.untilMs && covers(step, other.step)) other.supersededMs = nowMs
  }
  const one: Taken = {
    context,
    level,
    step,
    version: version.version,
    cell,
    fromMs: nowMs,
    untilMs,
    supersededMs: Infinity,
    strike: index,
    own,
    spilled,
    bySpill: cell >= 0 && version.cells[cell]!.own[result.contextOf[index]!] === 0,
  }
  result.taken.push(one)
  running.push(one)
}

/** Whether a strike raised the points of its group, rather than being one more item of the same batch. */
function addsPoints(result: Fold, index: number): boolean {
  const group = result.groupOf[index]
  if (group === undefined) return true
  for (let one = 0; one < index; one++)
    if (result.groupOf[one] === group && result.points[one]! >= result.points[index]!) return false
  return true
}

function covers(wider: LadderStep, narrower: LadderStep): boolean {
  if (wider.closes === 'all' || narrower === wider) return true
  if (narrower.closes === 'all') return false
  return narrower.closes.every((feature) => (wider.closes as string[]).includes(feature))
}

/** Whether a taken step holds at a moment. */
export function runsAt(taken: Taken, nowMs: number): boolean {
  return taken.fromMs <= nowMs && nowMs < taken.untilMs && nowMs < taken.supersededMs
}

export type ContextPoints = { own: number; spilled: number; noticeLevel: number; noticeAction: string }

/** Points per context at a moment, with the highest notice that they uphold. Index as in `set.contexts`. */
export function pointsAt(result: Fold, set: PolicySet, atMs: number): ContextPoints[] {
  const points = set.contexts.map(() => ({ own: 0, spilled: 0, noticeLevel: 0, noticeAction: 'none' }))
  const tally = createTally(set.contexts.length)
  const versions = new Set<Version>()
  for (let index = 0; index < result.strikes.length; index++) {
    if (result.strikes[index]!.atMs > atMs || result.expiresMs[index]! <= atMs) continue
    if (result.points[index]! <= 0 || result.contextOf[index]! < 0) continue
    addTo(tally, result, index)
    versions.add(result.versionOf[index]!)
  }
  for (const version of versions) {
    for (const cell of version.cells) {
      cellPoints(cell, result, tally, atMs)
      const own = ownAndSpilled[0]!
      const spilled = ownAndSpilled[1]!
      for (let place = 0; place < cell.contexts.length; place++) {
        const at = points[cell.contexts[place]!]!
        if (own + spilled > at.own + at.spilled) {
          at.own = own
          at.spilled = spilled
        }
        const ladder = cell.ladders[place]!
        const level = Math.max(levelOf(ladder, own), Math.min(levelOf(ladder, own + spilled), cell.capLevels[place]!))
        // Steps with an end of their own hold by the clock, not by points: only notices are read off the points.
        const notice = ladder.slice(0, level).findLastIndex(isNotice) + 1
        if (notice > at.noticeLevel) {
          at.noticeLevel = notice
          at.noticeAction = ladder[notice - 1]!.action
        }
      }
    }
  }
  return points
}
