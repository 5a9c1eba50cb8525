// The tab-separated tables that community notes are published in: names and order of their columns.

export const helpfulTags = [
  'helpfulOther',
  'helpfulInformative',
  'helpfulClear',
  'helpfulEmpathetic',
  'helpfulGoodSources',
  'helpfulUniqueContext',
  'helpfulAddressesClaim',
  'helpfulImportantContext',
  'helpfulUnbiasedLanguage',
] as const

export const notHelpfulTags = [
  'notHelpfulOther',
  'notHelpfulIncorrect',
  'notHelpfulSourcesMissingOrUnreliable',
  'notHelpfulOpinionSpeculationOrBias',
  'notHelpfulMissingKeyPoints',
  'notHelpfulOutdated',
  'notHelpfulHardToUnderstand',
  'notHelpfulArgumentativeOrBiased',
  'notHelpfulOffTopic',
  'notHelpfulSpamHarassmentOrAbuse',
  'notHelpfulIrrelevantSources',
  'notHelpfulOpinionSpeculation',
  'notHelpfulNoteNotNeeded',
] as const

export const tags = [...helpfulTags, ...notHelpfulTags]
export type Tag = (typeof tags)[number]

/** Tags of a rating are kept as bits in the order of the file. */
export const tagBit = (tag: Tag): number => 1 << tags.indexOf(tag)
export const notHelpfulMask = notHelpfulTags.reduce((mask, tag) => mask | tagBit(tag), 0)

/** Columns by name; `optional` ones came later than files that are still about. */
export type TableFormat = { name: string; columns: readonly { name: string; optional?: boolean }[] }

const required = (names: string) => names.split(' ').map((name) => ({ name }))
const optional = (names: string) => names.split(' ').map((name) => ({ name, optional: true }))

export const noteFormat: TableFormat = {
  name: 'notes',
  columns: [
    ...required(
      'noteId noteAuthorParticipantId createdAtMillis tweetId classification believable harmful validationDifficulty ' +
        'misleadingOther misleadingFactualError misleadingManipulatedMedia misleadingOutdatedInformation ' +
        'misleadingMissingImportantContext misleadingUnverifiedClaimAsFact misleadingSatire notMisleadingOther ' +
        'notMisleadingFactuallyCorrect notMisleadingOutdatedButNotWhenWritten notMisleadingClearlySatire ' +
        'notMisleadingPersonalOpinion trustworthySources summary',
    ),
    ...optional('isMediaNote isCollaborativeNote'),
  ],
}

export const ratingFormat: TableFormat = {
  name: 'ratings',
  columns: [
    ...required(
      'noteId raterParticipantId createdAtMillis version agree disagree helpful notHelpful helpfulnessLevel ' +
        `${tags.join(' ')} ratedOnTweetId`,
    ),
    ...optional('ratingSourceBucketed suggestion suggestionId'),
  ],
}

export const historyFormat: TableFormat = {
  name: 'note status history',
  columns: [
    ...required(
      'noteId noteAuthorParticipantId createdAtMillis timestampMillisOfFirstNonNMRStatus firstNonNMRStatus ' +
        'timestampMillisOfCurrentStatus currentStatus timestampMillisOfLatestNonNMRStatus mostRecentNonNMRStatus ' +
        'timestampMillisOfStatusLock lockedStatus timestampMillisOfRetroLock currentCoreStatus currentExpansionStatus ' +
        'currentGroupStatus currentDecidedBy currentModelingGroup timestampMillisOfMostRecentStatusChange ' +
        'timestampMillisOfNmrDueToMinStableCrhTime currentMultiGroupStatus currentModelingMultiGroup ' +
        'timestampMinuteOfFinalScoringOutput timestampMillisOfFirstNmrDueToMinStableCrhTime',
    ),
    ...optional('abovePcrhThresholdTime'),
  ],
}

export const enrollmentFormat: TableFormat = {
  name: 'user enrollment',
  columns: required(
    'participantId enrollmentState successfulRatingNeededToEarnIn timestampOfLastStateChange timestampOfLastEarnOut ' +
      'modelingPopulation modelingGroup numberOfTimesEarnedOut',
  ),
}
