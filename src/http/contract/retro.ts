import { Type, type Static } from 'typebox'
import { Page, PageQuery, route, TimeMs } from './route.ts'

const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Id = Type.String({ minLength: 1, maxLength: 256 })
const Signals = Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 1_000_000 }), {
  maxProperties: 50,
})
const Severity = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3), Type.Literal(4)])
const RetroRoute = Type.Union([Type.Literal('review'), Type.Literal('auto')])
const Counts = Type.Record(Type.String(), Type.Integer())

const seenItem = {
  itemId: Type.String(),
  eventId: Type.String(),
  actorId: orNull(Type.String()),
  part: Type.String({ description: 'Kind and index of the part in the item: photo:0, text, link:2.' }),
  occurredAtMs: TimeMs,
  type: Type.String({ description: 'Signal type.' }),
  distance: Type.Number(),
  similarity: Type.Number(),
  threshold: Type.Number(),
  transformation: Type.Optional(Type.String({ description: 'How the photo is turned against the entry.' })),
}
export const SeenItem = Type.Object(seenItem)
export type SeenItem = Static<typeof SeenItem>

export const ItemState = Type.Union(
  [Type.Literal('removed'), Type.Literal('waiting'), Type.Literal('decided'), Type.Literal('untouched')],
  { description: 'Removed, waiting for a person, decided without removal, or none of these.' },
)

export const previewRetro = route({
  id: 'match.retro.preview',
  method: 'POST',
  path: '/v1/match/retro/preview',
  summary: 'What an entry would match of everything that passed',
  description:
    'Give an entry of a bank, or signals that are in no bank yet. Nothing is changed. What passed is kept as hashes for the days that the settings say.',
  scope: 'banks:read',
  body: Type.Object(
    {
      bankId: Type.Optional(Id),
      entryId: Type.Optional(Id),
      signals: Type.Optional(Signals),
      quality: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      thresholds: Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Number({ minimum: 0 }))),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    items: Type.Integer(),
    complete: Type.Boolean({ description: 'False when more items match than may be applied at once.' }),
    limit: Type.Integer(),
    byDay: Type.Array(Type.Object({ day: Type.String(), items: Type.Integer() })),
    byState: Type.Object({
      removed: Type.Integer(),
      waiting: Type.Integer(),
      decided: Type.Integer(),
      untouched: Type.Integer(),
    }),
    bySignalType: Counts,
    sample: Type.Array(Type.Object({ ...seenItem, state: ItemState })),
  }),
})

export const RetroBatch = Type.Object({
  batchId: Type.String(),
  bankId: Type.String(),
  entryId: Type.String(),
  violation: orNull(Type.String()),
  severity: orNull(Severity),
  route: RetroRoute,
  state: Type.Union([
    Type.Literal('applying'),
    Type.Literal('applied'),
    Type.Literal('undoing'),
    Type.Literal('undone'),
  ]),
  items: Type.Integer(),
  author: Type.Unknown({ description: 'Who applied it, as in the ledger.' }),
  undoAuthor: Type.Unknown(),
  undoReason: orNull(Type.String()),
  createdMs: TimeMs,
  changedMs: TimeMs,
})
export const RetroProgress = Type.Object({
  ...RetroBatch.properties,
  outcomes: Type.Record(Type.String(), Type.Integer(), {
    description: 'Items by what was done: waiting, review, decided, already, gone, skipped.',
  }),
  undone: Type.Record(Type.String(), Type.Integer(), {
    description: 'Items by how they were undone: reversed, withdrawn, nothing, or kept because a person decided.',
  }),
})

export const applyRetro = route({
  id: 'match.retro.apply',
  method: 'POST',
  path: '/v1/match/retro',
  summary: 'Apply an entry to everything past that it matches',
  description:
    'One batch of proposals (with a violation) or review jobs (without). Refused when more items match than the settings allow. `auto` decides at once and needs decisions:write.',
  scope: 'banks:write',
  body: Type.Object(
    {
      bankId: Id,
      entryId: Id,
      violation: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      severity: Type.Optional(Severity),
      route: Type.Optional(RetroRoute),
    },
    { additionalProperties: false },
  ),
  response: RetroProgress,
  status: 201,
  idempotent: true,
})

export const listRetro = route({
  id: 'match.retro.list',
  method: 'GET',
  path: '/v1/match/retro',
  summary: 'Batches of past items that entries were applied to, newest first',
  scope: 'banks:read',
  query: Type.Object({ ...PageQuery.properties, bankId: Type.Optional(Id), entryId: Type.Optional(Id) }),
  response: Page(RetroBatch),
})

const batchParams = Type.Object({ batchId: Id })
export const getRetro = route({
  id: 'match.retro.get',
  method: 'GET',
  path: '/v1/match/retro/:batchId',
  summary: 'One batch and how far it is',
  scope: 'banks:read',
  params: batchParams,
  response: RetroProgress,
})

export const undoRetro = route({
  id: 'match.retro.undo',
  method: 'POST',
  path: '/v1/match/retro/:batchId/undo',
  summary: 'Take a batch back in one step',
  description:
    'Withdraws its open proposals and jobs and reverses its automatic decisions; what a person decided stays and is counted as kept.',
  scope: 'banks:write',
  params: batchParams,
  body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 2_000 }) }, { additionalProperties: false }),
  response: RetroProgress,
})

export const findSimilar = route({
  id: 'match.similar',
  method: 'POST',
  path: '/v1/match/similar',
  summary: 'Everything that passed and is like an item, without any bank',
  description: 'Give exactly one of eventId, itemId and signals. Nearest first; pages go on with `next` as `after`.',
  scope: 'events:read',
  body: Type.Object(
    {
      eventId: Type.Optional(Id),
      itemId: Type.Optional(Id),
      signals: Type.Optional(Signals),
      types: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 })),
      thresholds: Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Number({ minimum: 0 }))),
      after: Type.Optional(Type.String({ maxLength: 500 })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    items: Type.Array(SeenItem),
    next: orNull(Type.String()),
    complete: Type.Boolean({ description: 'False when there are more than the 10,000 nearest.' }),
  }),
})

export const listClusters = route({
  id: 'match.clusters',
  method: 'GET',
  path: '/v1/match/clusters',
  summary: 'The biggest groups of near-identical photos or texts of a period',
  scope: 'events:read',
  query: Type.Object({
    type: Type.Optional(Type.String({ maxLength: 100, description: 'Signal type, pdq unless said.' })),
    sinceMs: Type.Optional(TimeMs),
    untilMs: Type.Optional(TimeMs),
    partsMin: Type.Optional(Type.Integer({ minimum: 2, maximum: 1_000_000, default: 2 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20 })),
  }),
  response: Type.Object({
    clusters: Type.Array(
      Type.Object({
        parts: Type.Integer(),
        signals: Type.Integer({ description: 'Different signals among the parts.' }),
        signal: Type.String({ description: 'The commonest of them.' }),
        firstMs: TimeMs,
        lastMs: TimeMs,
        sample: Type.Array(
          Type.Object({
            itemId: Type.String(),
            eventId: Type.String(),
            actorId: orNull(Type.String()),
            part: Type.String(),
            occurredAtMs: TimeMs,
          }),
        ),
      }),
    ),
    sinceMs: TimeMs,
    untilMs: TimeMs,
    knownSinceMs: Type.Integer({ description: 'Groups are known this far back.' }),
  }),
})
