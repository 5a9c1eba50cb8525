// Every number that scoring depends on, with the values of the public reference as defaults. Groups and topics are
// configuration: a community that has none leaves `groups` out and takes everybody for one.
import type { ScaledOptions } from '../kernels/scaled-logistic.ts'
import type { Tag } from './table-format.ts'

/** `exact` solves every fit to its optimum; `compat` stops where the reference's optimiser stops, with its quirks. */
export type Mode = 'exact' | 'compat'

/** Penalties per mean square, beside the mean squared residual. */
export type FactorPenalties = {
  raterIntercept: number
  raterFactor: number
  noteIntercept: number
  noteFactor: number
  mean: number
}

export type ReputationSettings = {
  /** An author's helpful share less five times the not helpful share must reach this, and the mean intercept that. */
  ratioDifferenceMin: number
  notHelpfulWeight: number
  meanNoteScoreMin: number
  agreeShareMin: number
  /** Ratings count as valid when made this soon after the note, before anybody could look the outcome up. */
  validForMs: number
  /** Of notes older than this, the first few ratings count. */
  oldNotesBeforeMs: number
  oldNoteRatingsMax: number
}

export type HarassmentSettings = {
  sinceMs: number
  /** Intercept from which calling the note helpful costs, and what it costs at just that intercept. */
  interceptMin: number
  penalty: number
  /** Whether the penalty grows with the intercept. */
  proportional: boolean
}

export type DiligenceSettings = {
  tags: readonly Tag[]
  penalty: number
  raterInterceptMultiplier: number
  raterScaleMultiplier: number
  positiveWeight: number
  finalPositiveWeight: number
  reputationExponent: number
  reputationFloor: number
  noteNormExponent: number
  descent: ScaledOptions
}

export type RuleSettings = {
  ratingsMin: number
  helpfulMin: number
  /** How far a note that is helpful now may fall below `helpfulMin`. */
  inertia: number
  notHelpfulMax: number
  notHelpfulPerFactor: number
  upperBoundMax: number
  notMisleadingMax: number
  ratio: { perSideMin: number; sideMeanMax: number; meanMax: number }
  tagTotalMin: number
  tagQuantile: number
  incorrect: { tagsMin: number; votersMin: number; scoreMin: number; distanceMax: number; clip: number }
  /** `undefined` switches the rule off. */
  diligenceMax: number | undefined
  factorMax: number
  /** Below this intercept no weaker model may promote the note; `undefined`: filters answer "needs more" instead. */
  firmRejectBelow: number | undefined
  minorityNetMin: number | undefined
  balance: { shareMin: number; netMax: number } | undefined
  withoutHighVolumeMin: number
  withoutCorrelatedMin: number
}

export type ModelSettings = {
  name: string
  /** Raters of these groups; `undefined`: everybody. */
  groups: readonly number[] | undefined
  includeUnassigned: boolean
  /** Least share of a note's ratings from raters in scope; `undefined`: any. */
  captureMin: number | undefined
  /** Only notes that this share is reached of are fitted at all. */
  strict: boolean
  noteRatingsMin: number
  raterRatingsMin: number
  /** The group that a first fit is made with, so that sides do not swap between runs; `undefined`: no such fit. */
  stableGroup: number | undefined
  stableShareMin: number
  stableRatingsMin: number
  penalties: FactorPenalties
  usesReputation: boolean
  reputation: ReputationSettings
  harassment: HarassmentSettings
  diligence: DiligenceSettings
  bounds: boolean
  /** Ratings a note that the penalties of the fit on sampled ratings pretend. */
  sampledRatio: number
  rules: RuleSettings
}

export type IntakeSettings = {
  notMisleadingSinceMs: number
  /** Below so many notes, nobody counts as rating too much. */
  highVolumeNotesMin: number
  highVolumeWindowsDays: readonly number[]
  highVolumeQuantile: number
}

export type ScoringSettings = {
  mode: Mode
  /** Seed of the few random starts of compat mode. */
  seed: number
  intake: IntakeSettings
  core: ModelSettings
}

const reputation: ReputationSettings = {
  ratioDifferenceMin: 0,
  notHelpfulWeight: 5,
  meanNoteScoreMin: 0.05,
  agreeShareMin: 0.66,
  validForMs: 48 * 3_600_000,
  oldNotesBeforeMs: 1_652_918_400_000,
  oldNoteRatingsMax: 5,
}

const diligence: DiligenceSettings = {
  tags: ['notHelpfulIncorrect', 'notHelpfulIrrelevantSources', 'notHelpfulSourcesMissingOrUnreliable'],
  penalty: 0.03,
  raterInterceptMultiplier: 10,
  raterScaleMultiplier: 50,
  positiveWeight: 100,
  finalPositiveWeight: 500,
  reputationExponent: 0.5,
  reputationFloor: 0.1,
  noteNormExponent: -0.5,
  descent: { stepSize: 0.2, stepsMax: 301, checkEvery: 5, tolerance: 1e-5 },
}

const rules: RuleSettings = {
  ratingsMin: 5,
  helpfulMin: 0.4,
  inertia: 0.01,
  notHelpfulMax: -0.05,
  notHelpfulPerFactor: -0.8,
  upperBoundMax: -0.04,
  notMisleadingMax: -0.15,
  ratio: { perSideMin: 3, sideMeanMax: 0.4, meanMax: 0.3 },
  tagTotalMin: 2.5,
  tagQuantile: 0.95,
  incorrect: { tagsMin: 2, votersMin: 3, scoreMin: 2.5, distanceMax: 0.3, clip: 0.4 },
  diligenceMax: 0.263,
  factorMax: 0.5,
  firmRejectBelow: 0.3,
  minorityNetMin: 4,
  balance: { shareMin: 0.05, netMax: 10 },
  withoutHighVolumeMin: 0.37,
  withoutCorrelatedMin: 0.37,
}

/** The reference's core model, over the groups it counts as core. */
export const coreModel: ModelSettings = {
  name: 'MFCoreScorer',
  groups: [1, 2, 3, 6, 8, 9, 10, 11, 13, 14, 19, 21, 25],
  includeUnassigned: true,
  captureMin: 0.5,
  strict: false,
  noteRatingsMin: 5,
  raterRatingsMin: 10,
  stableGroup: 13,
  stableShareMin: 0.75,
  stableRatingsMin: 5,
  penalties: { raterIntercept: 0.15, raterFactor: 0.03, noteIntercept: 0.15, noteFactor: 0.03, mean: 0.15 },
  usesReputation: true,
  reputation,
  harassment: { sinceMs: 1_639_699_200_000, interceptMin: 2, penalty: 10, proportional: true },
  diligence,
  bounds: true,
  sampledRatio: 10,
  rules,
}

export const defaultSettings: ScoringSettings = {
  mode: 'exact',
  seed: 11,
  intake: {
    notMisleadingSinceMs: 1_664_755_200_000,
    highVolumeNotesMin: 200,
    highVolumeWindowsDays: [7, 28],
    highVolumeQuantile: 0.999,
  },
  core: coreModel,
}
