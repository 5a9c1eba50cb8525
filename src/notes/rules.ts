// From what the fits say of a note to its status in one model: rules in order, each overwriting what it acts on.
import { firmReject, helpful, needsHelp, needsMore, notHelpful, notMisleading, type Status } from './status.ts'
import type { RuleSettings } from './settings.ts'
import { notHelpfulTags } from './table-format.ts'

/** What the rules know of one note. What is unknown is NaN, and no comparison with it holds. */
export type NoteEvidence = {
  ratings: number
  classification: number
  currentStatus: number
  intercept: number
  factor: number
  /** Highest intercept that one more helpful rating could give it. */
  upperBound: number
  /** Raters with a negative factor, and the others: how many, their mean answer, helpful less not helpful. */
  sides: readonly [SideEvidence, SideEvidence]
  tagTotal: number
  /** Weight of each tag, in the order of `notHelpfulTags`. */
  tagWeights: Float64Array
  incorrect: { tags: number; voters: number; score: number }
  diligence: number
  withoutHighVolume: number
  withoutCorrelated: number
}

export type SideEvidence = { count: number; mean: number; net: number }

/** A rule that acted: its name, and what it left the note with. */
export type Ruling = { rule: RuleName; status: Status }

/** Names of rules in tables of the reference's format, with their version. */
export const ruleNames = {
  initial: 'InitialNMR (v1.0)',
  helpful: 'GeneralCRH (v1.0)',
  notHelpful: 'GeneralCRNH (v1.0)',
  upperBound: 'UcbCRNH (v1.0)',
  ratio: 'RatioCRNH (v1.0)',
  notMisleading: 'NmCRNH (v1.0)',
  inertia: 'GeneralCRHInertia (v1.0)',
  tagOutlier: 'TagFilter (v1.0)',
  incorrect: 'FilterIncorrect (v1.0)',
  diligence: 'FilterLowDiligence (v1.0)',
  largeFactor: 'FilterLargeFactor (v1.0)',
  lowIntercept: 'RejectLowIntercept (v1.0)',
  minority: 'MinMinorityRaters (v1.0)',
  balance: 'RaterBalance (v1.0)',
  highVolume: 'NoHighVolIntercept (v1.0)',
  correlated: 'NoCorrelatedIntercept (v1.0)',
} as const
export type RuleName = keyof typeof ruleNames

export type Verdict = {
  status: Status
  /** Every rule that acted, in order; the last decided. */
  rulings: Ruling[]
  /** Bits of the tags that were out of the ordinary, in the order of `notHelpfulTags`. */
  outlierTags: number
}

/** The rules of the first round, by the intercept alone. */
export function preliminaryStatus(
  evidence: Pick<NoteEvidence, 'ratings' | 'classification' | 'intercept' | 'factor'>,
  settings: RuleSettings,
): Status {
  const { ratings, classification, intercept, factor } = evidence
  const enough = ratings >= settings.ratingsMin
  let status: Status = needsMore
  if (enough && intercept >= settings.helpfulMin && classification !== notMisleading) status = helpful
  if (enough && intercept <= settings.notHelpfulMax + settings.notHelpfulPerFactor * Math.abs(factor))
    status = notHelpful
  if (classification === notMisleading && intercept < settings.notMisleadingMax) status = notHelpful
  return status
}

const hardToUnderstand = notHelpfulTags.indexOf('notHelpfulHardToUnderstand')

/** All rules of the final round, in the order in which they overwrite each other. */
export function decide(note: NoteEvidence, settings: RuleSettings, tagThresholds: Float64Array): Verdict {
  const rulings: Ruling[] = [{ rule: 'initial', status: needsMore }]
  let status: Status = needsMore
  const act = (rule: RuleName, to: Status, when: boolean) => {
    if (!when) return
    status = to
    rulings.push({ rule, status })
  }
  const is = (expected: Status) => status === expected
  const rejected: Status = settings.firmRejectBelow === undefined ? needsMore : firmReject
  const enough = note.ratings >= settings.ratingsMin
  const misleads = note.classification !== notMisleading
  const slope = settings.notHelpfulPerFactor * Math.abs(note.factor)

  act('helpful', helpful, enough && note.intercept >= settings.helpfulMin && misleads)
  act('notHelpful', notHelpful, enough && note.intercept <= settings.notHelpfulMax + slope)
  act('upperBound', notHelpful, enough && note.upperBound < settings.upperBoundMax)
  act('ratio', notHelpful, enough && bothSidesDislike(note.sides, settings.ratio))
  act('notMisleading', notHelpful, !misleads && note.intercept < settings.notMisleadingMax)
  const nearly = note.intercept >= settings.helpfulMin - settings.inertia
  act('inertia', helpful, !is(helpful) && note.currentStatus === helpful && enough && nearly && misleads)

  const outlierTags = is(notHelpful) ? 0 : outliersOf(note, settings, tagThresholds)
  act('tagOutlier', rejected, outlierTags !== 0)
  const { incorrect } = settings
  act(
    'incorrect',
    rejected,
    !is(notHelpful) &&
      note.incorrect.tags >= incorrect.tagsMin &&
      note.incorrect.voters >= incorrect.votersMin &&
      note.incorrect.score >= incorrect.scoreMin,
  )
  act(
    'diligence',
    rejected,
    !is(notHelpful) && settings.diligenceMax !== undefined && note.diligence > settings.diligenceMax,
  )
  act('largeFactor', rejected, is(helpful) && Math.abs(note.factor) > settings.factorMax)
  const floor = settings.firmRejectBelow
  act('lowIntercept', firmReject, floor !== undefined && !is(notHelpful) && note.intercept < floor)

  const [one, other] = note.sides
  const minority = Math.max(0, Math.min(one.net, other.net))
  const least = settings.minorityNetMin
  act('minority', needsHelp, least !== undefined && is(helpful) && minority < least)
  const { balance } = settings
  act(
    'balance',
    needsHelp,
    balance !== undefined &&
      is(helpful) &&
      minority >= (least ?? 0) &&
      minority < balance.netMax &&
      minority / (one.count + other.count) < balance.shareMin,
  )
  act('highVolume', needsHelp, is(helpful) && note.withoutHighVolume < settings.withoutHighVolumeMin)
  act('correlated', needsHelp, is(helpful) && note.withoutCorrelated < settings.withoutCorrelatedMin)
  return { status, rulings, outlierTags }
}

/** In single precision, where .4 and .2 have the mean .3: in double precision it would lie above. */
function bothSidesDislike([one, other]: NoteEvidence['sides'], settings: RuleSettings['ratio']): boolean {
  const [a, b] = [Math.fround(one.mean), Math.fround(other.mean)]
  return (
    Math.min(one.count, other.count) >= settings.perSideMin &&
    a <= Math.fround(settings.sideMeanMax) &&
    b <= Math.fround(settings.sideMeanMax) &&
    Math.fround(a + b) / 2 <= Math.fround(settings.meanMax)
  )
}

function outliersOf(note: NoteEvidence, settings: RuleSettings, thresholds: Float64Array): number {
  let found = 0
  for (let tag = 0; tag < notHelpfulTags.length; tag++) {
    const weight = note.tagWeights[tag]!
    if (tag !== hardToUnderstand && weight > settings.tagTotalMin && weight / note.tagTotal > thresholds[tag]!)
      found |= 1 << tag
  }
  return found
}
