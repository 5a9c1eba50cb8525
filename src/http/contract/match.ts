import { Type, type Static } from 'typebox'
import { route } from './route.ts'

const Sha256 = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the bytes, 64 lower-case hexadecimal digits.',
})
const Pdq = Type.String({
  pattern: '^[0-9a-fA-F]{64}$',
  description: 'PDQ hash, 64 hexadecimal digits, bit 255 first.',
})
const Quality = Type.Integer({ minimum: 0, maximum: 100, description: 'PDQ quality; under 50 nothing is matched.' })
const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** 100 MiB of media and some room for the frame of a multipart body. */
export const uploadBodyBytesMax = 100 * 1024 * 1024 + 16 * 1024

const MediaKind = Type.Union([Type.Literal('photo'), Type.Literal('video'), Type.Literal('audio')])
const Signals = Type.Record(Type.String(), Type.String(), {
  description: 'Signals in canonical form, by the name of their type.',
})

export const Upload = Type.Object({
  upload: Sha256,
  mime: Type.String(),
  bytes: Type.Integer(),
  kind: MediaKind,
  animated: Type.Boolean({ description: 'A photo with more than one frame.' }),
  width: orNull(Type.Integer()),
  height: orNull(Type.Integer()),
  durationMs: orNull(Type.Number()),
  pdq: orNull(Pdq),
  quality: orNull(Quality),
  signals: Signals,
})
export type Upload = Static<typeof Upload>

export const makeUpload = route({
  id: 'uploads.create',
  method: 'POST',
  path: '/v1/uploads',
  summary: 'Keep a photo, video or sound and hash it',
  description:
    'Takes the file as the body, or as the first file of a multipart form: a photo up to 25 MiB and 50 megapixels, a video up to 100 MiB, a sound up to 50 MiB. The real type counts, not the declared one. The same bytes give the same id again.',
  scope: 'uploads:write',
  rawBody: true,
  bodyBytesMax: uploadBodyBytesMax,
  response: Upload,
  status: 201,
})

export const MediaVariant = Type.Union([Type.Literal('blurred'), Type.Literal('thumb'), Type.Literal('full')])

export const getMedia = route({
  id: 'media.get',
  method: 'GET',
  path: '/v1/media/:sha256',
  summary: 'Look at an image: blurred, as a thumbnail, or in full',
  description:
    '`blurred` and `thumb` are grey and blurred. `full` needs the scope media:reveal, and every look is in the audit log. Answers WebP.',
  scope: 'media:read',
  params: Type.Object({ sha256: Sha256 }),
  query: Type.Object({
    variant: Type.Optional(MediaVariant),
    job: Type.Optional(Type.String({ maxLength: 100, description: 'The job for which it is looked at.' })),
  }),
  response: Type.Unknown(),
  rawResponse: true,
})

export const MatchedPart = Type.Union([
  Type.Object({
    kind: Type.Union([Type.Literal('photo'), Type.Literal('video'), Type.Literal('audio')]),
    index: Type.Integer(),
    mediaSha256: Type.Optional(Sha256),
  }),
  Type.Object({
    kind: Type.Literal('text'),
    start: Type.Integer(),
    end: Type.Integer(),
    excerpt: Type.String(),
  }),
  Type.Object({ kind: Type.Literal('link'), index: Type.Integer(), url: Type.String() }),
])

export const SimilarityJudgement = Type.Object(
  {
    classifierId: Type.String(),
    scope: Type.String(),
    version: Type.Integer(),
    mode: Type.Union([Type.Literal('shadow'), Type.Literal('live')]),
    probability: Type.Number({ description: 'That both are the same content.' }),
    base: Type.Number({ description: 'Log-odds of an average pair.' }),
    contributions: Type.Array(
      Type.Object({
        feature: Type.String(),
        value: Type.Union([Type.Number(), Type.Null()]),
        logOdds: Type.Number({ description: 'What the feature adds to the log-odds.' }),
      }),
    ),
  },
  { description: 'What a similarity classifier says of a match. In shadow it changes nothing.' },
)

export const Match = Type.Object({
  bank: Type.Object({ id: Type.String(), name: Type.String(), action: Type.String() }),
  entryId: Type.String(),
  signalType: Type.String(),
  version: Type.String(),
  part: MatchedPart,
  distance: Type.Number(),
  threshold: Type.Number(),
  described: Type.String({ description: 'The distance in words.' }),
  similarity: Type.Number(),
  confidence: Type.Number(),
  quality: Type.Optional(Quality),
  transformation: Type.Optional(Type.String({ description: 'How the photo is turned against the entry.' })),
  labels: Type.Array(Type.String()),
  pair: Type.Optional(
    Type.Object(
      { part: Type.String(), features: Type.Record(Type.String(), Type.Number()) },
      { description: 'How alike content and entry are over all signals that both have.' },
    ),
  ),
  judgements: Type.Optional(Type.Array(SimilarityJudgement)),
})

export const lookupMatches = route({
  id: 'match.lookup',
  method: 'POST',
  path: '/v1/match/lookup',
  summary: 'Find everything in the banks that a piece of content matches',
  scope: 'match:read',
  body: Type.Object(
    {
      photos: Type.Optional(
        Type.Array(
          Type.Object(
            { upload: Type.Optional(Sha256), pdq: Type.Optional(Pdq), quality: Type.Optional(Quality) },
            { additionalProperties: false },
          ),
          { maxItems: 20 },
        ),
      ),
      text: Type.Optional(Type.String({ maxLength: 100_000 })),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ matches: Type.Array(Match) }),
})

export const hashContent = route({
  id: 'match.hash',
  method: 'POST',
  path: '/v1/match/hash',
  summary: 'Hash a photo, video or sound, or fold a text, without keeping it',
  description: 'Takes a file as POST /v1/uploads does, or JSON with a text.',
  scope: 'match:read',
  rawBody: true,
  bodyBytesMax: uploadBodyBytesMax,
  response: Type.Object({
    kind: Type.Optional(MediaKind),
    animated: Type.Optional(Type.Boolean()),
    signals: Signals,
    quality: Type.Optional(Quality),
    dihedral: Type.Optional(Type.Array(Pdq, { description: 'Hashes of all eight turned images, the original first.' })),
    readings: Type.Optional(
      Type.Array(Type.Object({ transformation: Type.String(), pdq: Pdq, quality: Quality }), {
        description: 'Hashes of the photo without what may have been added to it.',
      }),
    ),
  }),
})

export const compareSignals = route({
  id: 'match.compare',
  method: 'POST',
  path: '/v1/match/compare',
  summary: 'How far two hashes or two texts are from each other',
  scope: 'match:read',
  body: Type.Union([
    Type.Object({ signalType: Type.Literal('pdq'), a: Pdq, b: Pdq }, { additionalProperties: false }),
    Type.Object(
      {
        signalType: Type.Literal('text'),
        a: Type.String({ maxLength: 100_000 }),
        b: Type.String({ maxLength: 100_000 }),
      },
      { additionalProperties: false },
    ),
  ]),
  response: Type.Object({
    matches: Type.Boolean(),
    distance: Type.Number(),
    threshold: Type.Number(),
    described: Type.String(),
  }),
})
