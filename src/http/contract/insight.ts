import { Type, type Static, type TSchema } from 'typebox'
import { TimeMs, route } from './route.ts'

const Count = Type.Integer({ minimum: 0 })

export const Proportion = Type.Object(
  {
    count: Count,
    of: Count,
    share: Type.Union([Type.Number(), Type.Null()], { description: 'Null when there is nothing to divide by.' }),
    low: Type.Number({ description: 'Lower end of the 95 % interval (Wilson).' }),
    high: Type.Number({ description: 'Upper end of the 95 % interval (Wilson).' }),
  },
  { description: 'A share with its denominator and interval; never shown without them.' },
)
export type Proportion = Static<typeof Proportion>

/** One schema for each measure of the overview. */
function perMeasure<Schema extends TSchema>(schema: Schema) {
  return Type.Object({
    events: schema,
    proposals: schema,
    decisions: schema,
    reversals: schema,
    appealsFiled: schema,
    appealsUpheld: schema,
    appealsOverturned: schema,
    appealsModified: schema,
    jobsOpened: schema,
    jobsDecided: schema,
  })
}

export const Overview = Type.Object({
  period: Type.Union([Type.Literal('1h'), Type.Literal('24h'), Type.Literal('7d')]),
  fromMs: TimeMs,
  untilMs: TimeMs,
  bucketMs: Type.Integer({ description: 'Milliseconds that one bar of the series stands for.' }),
  eventsPerSecond: Type.Number({ description: 'Arrivals over the last minute.' }),
  totals: perMeasure(Type.Object({ now: Count, before: Count })),
  series: perMeasure(Type.Object({ now: Type.Array(Count), before: Type.Array(Count) })),
  overturned: Proportion,
  queues: Type.Array(
    Type.Object({
      queue: Type.String(),
      open: Count,
      overdue: Count,
      oldestMs: Type.Union([TimeMs, Type.Null()], { description: 'Since when the oldest open job waits.' }),
    }),
  ),
  decisions: Type.Array(Type.Object({ automation: Type.String(), made: Count, reversed: Count })),
})
export type Overview = Static<typeof Overview>

export const getOverview = route({
  id: 'insight.overview',
  method: 'GET',
  path: '/v1/insight/overview',
  summary: 'The numbers of the overview, with the period before',
  description: 'Counted by the time at which things happened. At most five seconds old.',
  scope: 'insight:read',
  query: Type.Object({
    period: Type.Optional(
      Type.Union([Type.Literal('1h'), Type.Literal('24h'), Type.Literal('7d')], { default: '24h' }),
    ),
  }),
  response: Overview,
})

const PrecisionRow = Type.Object({
  name: Type.String(),
  precision: Proportion,
  otherViolation: Type.Integer({ description: 'Violating, but in another way than was said.' }),
  wrong: Count,
  unknown: Type.Integer({ description: 'No truth is known; left out of the proportion.' }),
})

export const Accuracy = Type.Object({
  knownEvents: Type.Integer({ description: 'Events whose truth is known. 0: nothing can be measured.' }),
  byViolation: Type.Object({ made: Type.Array(PrecisionRow), standing: Type.Array(PrecisionRow) }),
  byWay: Type.Object({ made: Type.Array(PrecisionRow), standing: Type.Array(PrecisionRow) }),
  byRule: Type.Array(PrecisionRow),
  byLabel: Type.Array(PrecisionRow),
  recall: Type.Array(Type.Object({ violation: Type.String(), events: Proportion, accounts: Proportion })),
  innocent: Proportion,
})
export type Accuracy = Static<typeof Accuracy>

export const getAccuracy = route({
  id: 'insight.accuracy',
  method: 'GET',
  path: '/v1/insight/accuracy',
  summary: 'Precision and recall against the truth of the simulator',
  description: '`made` counts decisions as they were first made, `standing` only those that no appeal reversed.',
  scope: 'insight:read',
  response: Accuracy,
})
