import { Type, type Static } from 'typebox'
import { eventTypes, linksMax, mediaMax, nameLengthMax, targetsMax, textLengthMax } from '../../domain/event.ts'
import { PageQuery, Page, Problem, Reason, Subject, TimeMs, route } from './route.ts'

const Id = Type.String({ minLength: 1, maxLength: 256 })
const Attributes = Type.Record(Type.String(), Type.Unknown(), {
  description: `Fields of your own. Strings up to ${nameLengthMax} characters.`,
})

export const Media = Type.Object({
  id: Id,
  kind: Type.String({ description: '`photo` is matched; other kinds are kept and shown.' }),
  url: Type.Optional(
    Type.String({ description: 'Fetched by Custos from allowed hosts; never from private addresses.' }),
  ),
  upload: Type.Optional(Type.String({ description: 'The answer of POST /v1/uploads.' })),
  bytes: Type.Optional(Type.String({ description: 'Base64, for small media. Stored, then replaced by `upload`.' })),
  hashes: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'For platforms that may not send content: `pdq`, `sha256`, …',
    }),
  ),
})

export const EventSchema = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'Chosen by you, unique per tenant: the idempotency key.',
    }),
    type: Type.String({ description: `One of ${eventTypes.join(', ')}, or a declared type.` }),
    time: Type.String({ description: 'ISO 8601 with a zone. At most five minutes ahead of the server.' }),
    context: Type.Optional(
      Type.String({ default: 'default', description: 'The product surface, as declared in the policy.' }),
    ),
    actor: Type.Object({ id: Id, kind: Type.Optional(Type.String()), attributes: Type.Optional(Attributes) }),
    item: Type.Optional(
      Type.Object({
        id: Id,
        kind: Type.Optional(Type.String()),
        text: Type.Optional(Type.String({ maxLength: textLengthMax })),
        language: Type.Optional(Type.String()),
        links: Type.Optional(Type.Array(Type.String(), { maxItems: linksMax })),
        media: Type.Optional(Type.Array(Media, { maxItems: mediaMax })),
        generated: Type.Optional(Attributes),
        parent: Type.Optional(Id),
        attributes: Type.Optional(Attributes),
      }),
    ),
    thread: Type.Optional(
      Type.Object({
        id: Id,
        kind: Type.Optional(Type.String()),
        role: Type.Optional(Type.String()),
        memberCount: Type.Optional(Type.Integer({ minimum: 0 })),
        admins: Type.Optional(Type.Array(Id)),
        attributes: Type.Optional(Attributes),
      }),
    ),
    targets: Type.Optional(
      Type.Array(Type.Object({ id: Id, kind: Type.Optional(Type.String()) }), { maxItems: targetsMax }),
    ),
    origin: Type.Optional(
      Type.Object({
        ip: Type.Optional(Type.String()),
        device: Type.Optional(Type.String()),
        userAgent: Type.Optional(Type.String()),
      }),
    ),
    attributes: Type.Optional(Attributes),
  },
  {
    title: 'Event',
    examples: [
      {
        id: 'msg-88-sent',
        type: 'message.sent',
        time: '2026-11-20T12:00:00.250Z',
        context: 'private_messaging',
        actor: { id: 'u1', attributes: { createdAt: '2026-11-19T08:00:00Z' } },
        item: { id: 'm88', kind: 'message', text: 'hello', links: [] },
        targets: [{ id: 'u2' }],
      },
    ],
  },
)

export const EventAnswer = Type.Object({
  /** Place in the request, from 0; for NDJSON the line number, from 1. */
  index: Type.Integer(),
  id: Type.Union([Type.String(), Type.Null()]),
  status: Type.Union([Type.Literal('accepted'), Type.Literal('duplicate'), Type.Literal('refused')]),
  reason: Type.Optional(Type.String()),
  errors: Problem.properties.errors,
})
export type EventAnswer = Static<typeof EventAnswer>

export const eventsBytesMax = 32 * 1024 * 1024
export const eventsPerRequestMax = 50_000

export const appendEvents = route({
  id: 'events.append',
  method: 'POST',
  path: '/v1/events',
  summary: 'Send events',
  description:
    'One event, a JSON array, or NDJSON (`content-type: application/x-ndjson`, one event a line). What is answered as accepted is on disk. A bad event is refused alone; the others are taken.',
  scope: 'events:write',
  body: Type.Union([EventSchema, Type.Array(EventSchema)]),
  rawBody: true,
  bodyBytesMax: eventsBytesMax,
  response: Type.Object({
    accepted: Type.Integer(),
    duplicate: Type.Integer(),
    refused: Type.Integer(),
    results: Type.Array(EventAnswer),
  }),
})

export const StoredEvent = Type.Object({
  event: EventSchema,
  position: Type.Integer(),
  occurredAtMs: TimeMs,
  receivedAtMs: TimeMs,
  late: Type.Boolean({ description: 'It arrived more than a minute after it happened.' }),
})
export type StoredEventView = Static<typeof StoredEvent>

export const listEvents = route({
  id: 'events.list',
  method: 'GET',
  path: '/v1/events',
  summary: 'List events, newest first',
  scope: 'events:read',
  query: Type.Object({
    ...PageQuery.properties,
    type: Type.Optional(Type.String({ maxLength: 100 })),
    context: Type.Optional(Type.String({ maxLength: 64 })),
    actorId: Type.Optional(Type.String({ maxLength: 256 })),
    itemId: Type.Optional(Type.String({ maxLength: 256 })),
    threadId: Type.Optional(Type.String({ maxLength: 256 })),
    text: Type.Optional(Type.String({ maxLength: 200, description: 'Text anywhere in the event.' })),
    sinceMs: Type.Optional(TimeMs),
    untilMs: Type.Optional(TimeMs),
  }),
  response: Page(StoredEvent),
})

const LedgerEntryView = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  subject: Subject,
  occurredAtMs: TimeMs,
  recordedAtMs: TimeMs,
  author: Type.Unknown(),
  automation: Type.String(),
  because: Type.Array(Reason),
  body: Type.Unknown(),
})

export const getEvent = route({
  id: 'events.get',
  method: 'GET',
  path: '/v1/events/:eventId',
  summary: 'An event and all that followed from it',
  scope: 'events:read',
  params: Type.Object({ eventId: Id }),
  response: Type.Object({ stored: StoredEvent, processed: Type.Boolean(), entries: Type.Array(LedgerEntryView) }),
})

export const DecideAnswer = Type.Object({
  eventId: Type.String(),
  status: Type.Union([Type.Literal('accepted'), Type.Literal('duplicate')]),
  verdict: Type.Union([Type.Literal('allow'), Type.Literal('review'), Type.Literal('act'), Type.Literal('pending')], {
    description:
      '`act`: a decision was made. `review`: a person will look. `pending`: not decided within the wait; read it at /v1/events/{id}.',
  }),
  decisions: Type.Array(
    Type.Object({
      decisionId: Type.String(),
      violation: Type.String(),
      severity: Type.Integer(),
      removesItem: Type.Boolean(),
      because: Type.Array(Reason),
    }),
  ),
  labels: Type.Array(Type.Object({ subject: Subject, label: Type.String() })),
  jobs: Type.Array(Type.Object({ jobId: Type.String(), queue: Type.String() })),
  gates: Type.Array(
    Type.Object({
      feature: Type.String(),
      context: Type.String(),
      untilMs: Type.Optional(TimeMs),
      reason: Type.String(),
    }),
  ),
  entries: Type.Array(Type.String({ description: 'Ids of the ledger entries that followed from the event.' })),
})
export type DecideAnswer = Static<typeof DecideAnswer>

export const decideEvent = route({
  id: 'decide',
  method: 'POST',
  path: '/v1/decide',
  summary: 'Send one event and wait for what is decided about it',
  description:
    'The event is stored and judged in the order of the stream. `Prefer: wait=2` sets how many seconds to wait (default 5, at most 30).',
  scope: 'decide:write',
  body: EventSchema,
  rawBody: true,
  bodyBytesMax: eventsBytesMax,
  response: DecideAnswer,
})
