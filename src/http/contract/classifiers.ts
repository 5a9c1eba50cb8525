import { Type, type Static } from 'typebox'
import { TimeMs, route } from './route.ts'

const ClassifierScope = Type.Enum(['photo', 'video', 'audio', 'text', 'link', 'composite'], {
  description: 'The kind of part that it looks at; "composite" weighs all signals of a post or ad together.',
})
const ClassifierMode = Type.Enum(['shadow', 'live', 'retired'], {
  description: 'In shadow its answer is kept beside the match and changes nothing.',
})
const Share = Type.Number({ minimum: 0, maximum: 1 })

export const SimilarityReport = Type.Object(
  {
    pairs: Type.Object({
      same: Type.Integer(),
      different: Type.Integer(),
      background: Type.Integer({ description: 'Pairs of unrelated bank entries that it was trained on as well.' }),
    }),
    folds: Type.Integer(),
    auc: Type.Number({ description: 'The chance that a pair of the same content scores above one that is not.' }),
    logLoss: Type.Number(),
    brier: Type.Number(),
    calibrationError: Type.Number({ description: 'Mean distance between what it says and what holds.' }),
    calibration: Type.Array(Type.Object({ from: Share, to: Share, count: Type.Integer(), said: Share, held: Share })),
    thresholds: Type.Object({ logLoss: Type.Number(), precision: Share, recall: Share }),
    precisionAtSameRecall: Share,
    gain: Type.Object({ mean: Type.Number(), low: Type.Number({ description: 'One-sided 95 % bound.' }) }),
    beatsThresholds: Type.Boolean(),
    verdict: Type.String({ description: 'Why it may go live, or why not.' }),
  },
  { description: 'Measured on pairs of entries that it had not seen (cross-validation by entry).' },
)

export const ClassifierView = Type.Object({
  classifierId: Type.String(),
  scope: ClassifierScope,
  version: Type.Integer(),
  mode: ClassifierMode,
  features: Type.Array(Type.String()),
  report: SimilarityReport,
  trainedMs: TimeMs,
  movedMs: TimeMs,
})
export type ClassifierView = Static<typeof ClassifierView>

const Since = Type.Object(
  {
    pairs: Type.Integer(),
    said: Share,
    held: Share,
    logLoss: Type.Number(),
    calibrationError: Type.Number(),
    calibration: SimilarityReport.properties.calibration,
    z: Type.Number({ description: 'How far it is off, in standard deviations of chance.' }),
    drifted: Type.Boolean({ description: 'It no longer says what holds, beyond chance.' }),
    verdict: Type.String(),
  },
  { description: 'On pairs that people judged after it was trained; missing while there are none.' },
)

/** A feature's share of the log-odds over its range, to be drawn. */
const Shape = Type.Object({
  feature: Type.String(),
  points: Type.Array(Type.Object({ value: Type.Number(), logOdds: Type.Number() })),
  missing: Type.Number({ description: 'Its share where one side lacks the signal.' }),
})

export const listClassifiers = route({
  id: 'classifiers.list',
  method: 'GET',
  path: '/v1/match/classifiers',
  summary: 'Similarity classifiers, newest first, and the pairs there are to learn from',
  scope: 'match:read',
  response: Type.Object({
    items: Type.Array(ClassifierView),
    pairs: Type.Object({ open: Type.Integer(), same: Type.Integer(), different: Type.Integer() }),
  }),
})

export const getClassifier = route({
  id: 'classifiers.get',
  method: 'GET',
  path: '/v1/match/classifiers/:classifierId',
  summary: 'One similarity classifier with the shape of each feature',
  scope: 'match:read',
  params: Type.Object({ classifierId: Type.String({ maxLength: 100 }) }),
  response: Type.Object({
    ...ClassifierView.properties,
    intercept: Type.Number(),
    shapes: Type.Array(Shape),
    since: Type.Optional(Since),
  }),
})

export const trainClassifier = route({
  id: 'classifiers.train',
  method: 'POST',
  path: '/v1/match/classifiers',
  summary: 'Train a similarity classifier on what people judged',
  description:
    'Learns from pairs of content and bank entry that somebody compared, and from verdicts on matches. It begins in shadow. Refused with 409 while there are too few pairs.',
  scope: 'banks:write',
  body: Type.Object({ scope: ClassifierScope }, { additionalProperties: false }),
  response: ClassifierView,
  status: 201,
})

export const moveClassifier = route({
  id: 'classifiers.move',
  method: 'PATCH',
  path: '/v1/match/classifiers/:classifierId',
  summary: 'Let a similarity classifier judge, watch it in shadow, or retire it',
  description:
    'Only one that beat the thresholds on unseen pairs may go live; it then takes the place of the live one of its scope.',
  scope: 'banks:write',
  params: Type.Object({ classifierId: Type.String({ maxLength: 100 }) }),
  body: Type.Object(
    { mode: ClassifierMode, reason: Type.String({ minLength: 1, maxLength: 1_000 }) },
    { additionalProperties: false },
  ),
  response: ClassifierView,
})

export const MatchPair = Type.Object({
  pairId: Type.String(),
  bankId: Type.String(),
  entryId: Type.String(),
  itemId: Type.Union([Type.String(), Type.Null()]),
  part: Type.String(),
  features: Type.Record(Type.String(), Type.Number()),
  same: Type.Union([Type.Boolean(), Type.Null()]),
  source: Type.Union([Type.Literal('pair'), Type.Literal('verdict'), Type.Null()]),
  foundMs: TimeMs,
  judgedMs: Type.Union([TimeMs, Type.Null()]),
})
export type MatchPair = Static<typeof MatchPair>

export const listPairs = route({
  id: 'match.pairs.list',
  method: 'GET',
  path: '/v1/match/pairs',
  summary: 'Matches that nobody compared yet, oldest first',
  scope: 'match:read',
  query: Type.Object({
    after: Type.Optional(Type.String({ maxLength: 100 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  }),
  response: Type.Object({ items: Type.Array(MatchPair), next: Type.Union([Type.String(), Type.Null()]) }),
})

export const judgePair = route({
  id: 'match.pairs.judge',
  method: 'POST',
  path: '/v1/match/pairs/:pairId',
  summary: 'Say whether content and bank entry are the same',
  description: 'The id of a pair is that of the proposal that rests on the match. The last word counts.',
  scope: 'review:write',
  params: Type.Object({ pairId: Type.String({ maxLength: 100 }) }),
  body: Type.Object({ same: Type.Boolean() }, { additionalProperties: false }),
  response: MatchPair,
})
