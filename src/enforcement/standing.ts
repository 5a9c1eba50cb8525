import type { LedgerEntry } from '../domain/entry.ts'
import { pointsText } from '../domain/plain-words.ts'
import { isNotice, type LadderStep } from '../domain/policy.ts'
import {
  everywhere,
  decayed,
  fold,
  pointsAt,
  runsAt,
  type Counted,
  type Fold,
  type Strike,
  type Taken,
  type Training,
} from './fold.ts'
import type { PolicySet } from './policy-set.ts'

export type History = { strikes: Strike[]; trainings: Training[] }

/** A step of a ladder as it holds for a person, with the arithmetic that brought it about. */
export type Consequence = {
  /** The same for the same cause: context, policy version, counter, start and level. */
  key: string
  /** A context, or `*` for all. */
  context: string
  level: number
  action: string
  /** Names of features, or `*` for all. Empty for a notice. */
  features: string[]
  fromMs: number
  /** Absent for what has no end of its own: notices and permanent steps. */
  untilMs?: number
  /** Decisions whose points are in the sum; the newest 100 of them. */
  causes: string[]
  arithmetic: string
  /** Whether only points from other contexts brought it about. */
  spilled: boolean
}

export type ContextStanding = {
  /** Own and spilled points at that moment. */
  points: number
  own: number
  spilled: number
  level: number
  action: string
  arithmetic: string
  consequences: Consequence[]
  closed: { feature: string; untilMs?: number; consequence: string }[]
}

export type StrikeOutcome = { decisionId: string; counted: Counted; points: number; expiresMs: number }

export type Standing = {
  atMs: number
  contexts: Record<string, ContextStanding>
  /** What each decision cost, and until when; also those that no longer count. */
  outcomes: StrikeOutcome[]
  /** The next moment at which something ends by itself. */
  nextChangeMs?: number
}

/**
 * The history of one actor from its ledger entries. Entries may come in any order and more than once; a reversed
 * decision leaves nothing behind, a modified one counts from its own time with its new values.
 */
export function historyOf(entries: Iterable<LedgerEntry>): History {
  const made = new Map<string, LedgerEntry<'decision.made'>>()
  const changes = new Map<string, LedgerEntry<'decision.modified'>>()
  const reversed = new Set<string>()
  const trainings = new Map<string, Training>()
  for (const entry of entries) {
    if (entry.kind === 'decision.made') made.set(entry.body.decisionId, entry)
    else if (entry.kind === 'decision.reversed') reversed.add(entry.body.decisionId)
    else if (entry.kind === 'decision.modified') {
      const before = changes.get(entry.body.decisionId)
      if (before === undefined || isLater(entry, before)) changes.set(entry.body.decisionId, entry)
    } else if (entry.kind === 'training.completed')
      trainings.set(entry.id, { violation: entry.body.violation, atMs: entry.occurredAtMs })
  }
  const strikes: Strike[] = []
  for (const [decisionId, entry] of made) {
    if (reversed.has(decisionId)) continue
    const { body } = entry
    const change = changes.get(decisionId)?.body
    strikes.push({
      decisionId,
      atMs: entry.occurredAtMs,
      violation: change?.violation ?? body.violation,
      severity: change?.severity ?? body.severity,
      context: body.context,
      policyVersion: body.policyVersion,
      attribution: body.attribution,
      attributionConfidence: body.attributionConfidence,
      itemAgeMs:
        body.itemCreatedAtMs === undefined ? undefined : (body.foundAtMs ?? body.occurredAtMs) - body.itemCreatedAtMs,
      dedupeKey: body.dedupeKey,
    })
  }
  return { strikes, trainings: [...trainings.values()] }
}

function isLater(a: LedgerEntry, b: LedgerEntry): boolean {
  return a.occurredAtMs > b.occurredAtMs || (a.occurredAtMs === b.occurredAtMs && a.id > b.id)
}

/** Standing of one actor at a moment: a pure function of its history and the policy versions its decisions name. */
export function standing(history: History, set: PolicySet, atMs: number): Standing {
  return standingOf(fold(history.strikes, history.trainings, set, atMs), set, atMs)
}

/** As `standing`, from a fold that was made up to the same moment. */
export function standingOf(result: Fold, set: PolicySet, atMs: number): Standing {
  const points = pointsAt(result, set, atMs)
  const running = result.taken.filter((taken) => holds(taken, points, atMs))
  const contexts: Record<string, ContextStanding> = {}
  for (const [index, context] of set.contexts.entries()) {
    const { own, spilled, noticeLevel, noticeAction } = points[index]!
    const here = running.filter((taken) => taken.context === index || taken.context === everywhere)
    let level = noticeLevel
    let action = noticeAction
    for (const taken of here)
      if (taken.level > level) {
        level = taken.level
        action = taken.step.action
      }
    contexts[context] = {
      points: own + spilled,
      own,
      spilled,
      level,
      action,
      arithmetic: sumInWords(result, set, index, own, spilled, atMs),
      consequences: here.map((taken) => describe(result, set, taken)),
      closed: closedFeatures(here, set, context),
    }
  }
  return {
    atMs,
    contexts,
    outcomes: result.strikes.map((strike, index) => ({
      decisionId: strike.decisionId,
      counted: result.counted[index]!,
      points: result.points[index]!,
      expiresMs: result.expiresMs[index]!,
    })),
    nextChangeMs: nextChange(result, running, atMs),
  }
}

function holds(taken: Taken, points: { noticeLevel: number }[], atMs: number): boolean {
  if (!runsAt(taken, atMs)) return false
  // With decay or a window, points may fall below a notice before the strike expires.
  return !isNotice(taken.step) || points[taken.context]!.noticeLevel >= taken.level
}

/** Every step that was ever taken, running or not, in words. */
export function describe(result: Fold, set: PolicySet, taken: Taken): Consequence {
  const context = taken.context === everywhere ? '*' : set.contexts[taken.context]!
  return {
    key: keyOf(set, taken),
    context,
    level: taken.level,
    action: taken.step.action,
    features: taken.step.closes === 'all' ? ['*'] : taken.step.closes,
    fromMs: taken.fromMs,
    ...(isNotice(taken.step) || taken.untilMs === Infinity ? {} : { untilMs: taken.untilMs }),
    causes: causesOf(result, set, taken),
    arithmetic: arithmeticOf(result, set, taken),
    spilled: taken.bySpill,
  }
}

/** Names one consequence: the same context, policy version, step, start and level give the same key. */
export function keyOf(set: PolicySet, taken: Taken): string {
  const context = taken.context === everywhere ? '*' : set.contexts[taken.context]!
  return `${context}.${taken.version}.${taken.cell}.${taken.fromMs}.${taken.level}`
}

/** Features of a context that consequences close, each with the latest end; absent `untilMs` means no end. */
function closedFeatures(running: readonly Taken[], set: PolicySet, context: string): ContextStanding['closed'] {
  const closed = new Map<string, { untilMs: number; consequence: string }>()
  for (const taken of running) {
    const features =
      taken.step.closes === 'all'
        ? (set.versions.get(taken.version)!.policy.contexts[context]?.features ?? [])
        : taken.step.closes
    for (const feature of features) {
      const before = closed.get(feature)
      if (before === undefined || taken.untilMs > before.untilMs)
        closed.set(feature, { untilMs: taken.untilMs, consequence: keyOf(set, taken) })
    }
  }
  return [...closed]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([feature, { untilMs, consequence }]) => ({
      feature,
      ...(untilMs === Infinity ? {} : { untilMs }),
      consequence,
    }))
}

function nextChange(result: Fold, running: readonly Taken[], atMs: number): number | undefined {
  let next = Infinity
  for (const taken of running) if (taken.untilMs > atMs) next = Math.min(next, taken.untilMs)
  for (const [index, expiresMs] of result.expiresMs.entries())
    if (result.points[index]! > 0 && expiresMs > atMs) next = Math.min(next, expiresMs)
  return next === Infinity ? undefined : next
}

type Part = { decisionId: string; violation: string; points: number; context: string; weight: number }

/** The strikes in the sum of a taken step, with what each adds, in order of time. */
function partsOf(result: Fold, set: PolicySet, taken: Taken): Part[] {
  if (taken.cell < 0) {
    const strike = result.strikes[taken.strike]!
    return [{ ...strike, points: result.points[taken.strike]!, weight: 1 }]
  }
  const cell = set.versions.get(taken.version)!.cells[taken.cell]!
  return parts(result, taken.fromMs, (index, strike) => {
    if (cell.violations !== undefined && !cell.violations.has(strike.violation)) return 0
    const ageMs = taken.fromMs - strike.atMs
    return ageMs >= cell.windowMs ? 0 : decayed(cell.decay, ageMs) * cell.weights[result.contextOf[index]!]!
  })
}

function parts(result: Fold, atMs: number, weightOf: (index: number, strike: Strike) => number): Part[] {
  const found: Part[] = []
  const highest = new Map<string, number>()
  for (const [index, strike] of result.strikes.entries()) {
    if (strike.atMs > atMs || result.expiresMs[index]! <= atMs || result.points[index]! <= 0) continue
    if (result.contextOf[index]! < 0) continue
    const weight = weightOf(index, strike)
    if (weight === 0) continue
    const group = result.groupOf[index]
    let points = result.points[index]!
    if (group !== undefined) {
      const before = highest.get(group) ?? 0
      highest.set(group, Math.max(before, points))
      points = Math.max(0, points - before)
    }
    found.push({ decisionId: strike.decisionId, violation: strike.violation, points, context: strike.context, weight })
  }
  return found
}

/** Of very long histories, the newest: an entry must not grow with everything that ever happened. */
const causesMax = 100
const partsInWordsMax = 12

function causesOf(result: Fold, set: PolicySet, taken: Taken): string[] {
  return partsOf(result, set, taken)
    .slice(-causesMax)
    .map((part) => part.decisionId)
}

const rounded = (value: number) => String(Math.round(value * 1_000) / 1_000)

function inWords(list: readonly Part[], own: (part: Part) => boolean): string {
  const words = list
    .filter((part) => part.points > 0)
    .map((part) =>
      own(part) && part.weight === 1
        ? `${part.violation} ${rounded(part.points)}`
        : `${part.violation} ${rounded(part.weight)} × ${rounded(part.points)}${own(part) ? '' : ` from ${part.context}`}`,
    )
  if (words.length <= partsInWordsMax) return words.join(' + ')
  const times = new Map<string, number>()
  for (const word of words) times.set(word, (times.get(word) ?? 0) + 1)
  const kinds = [...times].map(([word, count]) => (count === 1 ? word : `${count} times ${word}`))
  const more = kinds.length - partsInWordsMax
  return more <= 0 ? kinds.join(' + ') : `${kinds.slice(0, partsInWordsMax).join(' + ')} + ${more} more kinds`
}

/** The sum behind a step, for people who check it: `spam 1 + scam 4 = 5 points; from 5: suspend for 3 days`. */
export function arithmeticOf(result: Fold, set: PolicySet, taken: Taken): string {
  const list = partsOf(result, set, taken)
  if (taken.cell < 0)
    return `${list[0]!.violation} of severity ${result.strikes[taken.strike]!.severity} acts everywhere at once: ${stepInWords(taken.step)}`
  const cell = set.versions.get(taken.version)!.cells[taken.cell]!
  const words = inWords(list, (part) => cell.own[set.contextIndex.get(part.context)!] === 1)
  const capped =
    taken.level < highestStep(cell.ladders[cell.contexts.indexOf(taken.context)]!, taken.own + taken.spilled)
      ? ` (points from other contexts cause at most ${taken.step.action})`
      : ''
  return `${words} = ${pointsText(taken.own + taken.spilled)}; from ${rounded(taken.step.at)}: ${stepInWords(taken.step)}${capped}`
}

function highestStep(ladder: readonly LadderStep[], points: number): number {
  return ladder.findLastIndex((step) => points >= step.at) + 1
}

function sumInWords(result: Fold, set: PolicySet, context: number, own: number, spilled: number, atMs: number): string {
  if (own + spilled === 0) return 'no points'
  const list = parts(result, atMs, (index, strike) => {
    const version = result.versionOf[index]!
    const cell = version.cells.find(
      (one) => one.contexts.includes(context) && (one.violations === undefined || one.violations.has(strike.violation)),
    )
    if (cell === undefined) return 0
    const ageMs = atMs - strike.atMs
    return ageMs >= cell.windowMs ? 0 : decayed(cell.decay, ageMs) * cell.weights[result.contextOf[index]!]!
  })
  return `${inWords(list, (part) => part.context === set.contexts[context])} = ${pointsText(own + spilled)}`
}

const dayMs = 86_400_000

/** A step of the ladder as a person reads it: the action and for how long. */
export function stepInWords(step: LadderStep): string {
  if (step.permanent) return `${step.action} without end`
  if (step.durationMs === undefined) return step.action
  const days = step.durationMs / dayMs
  return days < 1
    ? `${step.action} for ${rounded(days * 24)} hours`
    : `${step.action} for ${rounded(days)} ${days === 1 ? 'day' : 'days'}`
}
