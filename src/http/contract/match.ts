import { Type, type Static } from 'typebox'
import { FieldProblem, route } from './route.ts'

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

export const getSound = route({
  id: 'media.sound',
  method: 'GET',
  path: '/v1/media/:sha256/sound',
  summary: 'Listen to a sound, or to the sound of a video',
  description:
    'The first ten minutes in one channel, made anew as WAV. Every time is in the audit log as a look. 404 for media without sound.',
  scope: 'media:reveal',
  params: Type.Object({ sha256: Sha256 }),
  query: Type.Object({
    job: Type.Optional(Type.String({ maxLength: 100, description: 'The job for which it is listened to.' })),
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

export const TransformationMatrix = Type.Array(Type.Number(), {
  minItems: 9,
  maxItems: 9,
  description:
    "How the looked-up photo lies over the entry's: a 3 x 3 matrix [a, b, c, d, e, f, g, h, i], row by row. What is at (x, y) of the looked-up photo is at ((a x + b y + c) / w, (d x + e y + f) / w) of the entry's, with w = g x + h y + i. Places are shares of the width and the height of each photo, from its upper left corner (0, 0) to its lower right one (1, 1), as the pixels are stored: EXIF orientation is not applied.",
})

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
  transformationMatrix: Type.Optional(TransformationMatrix),
  labels: Type.Array(Type.String()),
  review: Type.Optional(
    Type.String({ description: 'Why a person looks at it although a rule would decide: held, or a sample.' }),
  ),
  pair: Type.Optional(
    Type.Object(
      { part: Type.String(), features: Type.Record(Type.String(), Type.Number()) },
      { description: 'How alike content and entry are over all signals that both have.' },
    ),
  ),
  judgements: Type.Optional(Type.Array(SimilarityJudgement)),
})

/** The entry's own history, and who vouches for it. */
const EntryRecord = Type.Object({
  matches: Type.Integer({ description: 'Proposals that rest on the entry.' }),
  confirmed: Type.Integer({ description: 'How many of them a person confirmed.' }),
  disputed: Type.Integer({ description: 'Decisions on it that were overturned, and disputes of its partners.' }),
})
const FullMatch = Type.Object({
  ...Match.properties,
  source: Type.String({ description: 'Where the entry comes from.' }),
  exchange: orNull(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'By which exchange it came and from whom, as kept there.',
    }),
  ),
  record: EntryRecord,
})
export type FullMatch = Static<typeof FullMatch>

const Url = Type.String({ minLength: 1, maxLength: 4_096 })
const RawSignals = Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 1_000_000 }), {
  maxProperties: 50,
  description: 'Signals that somebody else made, by the name of their type: { "pdq": "…", "md5": "…" }.',
})
const lookupFilter = {
  banks: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 1_000, description: 'Only these banks.' }),
  ),
  types: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      maxItems: 50,
      description: 'Only these signal types.',
    }),
  ),
  minConfidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  turned: Type.Optional(
    Type.Boolean({
      description: 'Look for photos turned and mirrored too. True for media, false where only signals are given.',
    }),
  ),
}
export const LookupBody = Type.Object(
  {
    media: Type.Optional(
      Type.Array(
        Type.Object(
          {
            upload: Type.Optional(Sha256),
            url: Type.Optional(Url),
            bytes: Type.Optional(Type.String({ description: 'Base64.' })),
          },
          { additionalProperties: false, description: 'Exactly one of upload, url and bytes.' },
        ),
        { maxItems: 20 },
      ),
    ),
    photos: Type.Optional(
      Type.Array(
        Type.Object(
          { upload: Type.Optional(Sha256), pdq: Type.Optional(Pdq), quality: Type.Optional(Quality) },
          { additionalProperties: false },
        ),
        { maxItems: 20, description: 'Photos as uploads or hashes; they count before `media`.' },
      ),
    ),
    text: Type.Optional(Type.String({ maxLength: 100_000 })),
    links: Type.Optional(
      Type.Array(
        Type.Union([
          Url,
          Type.Object(
            { url: Url, redirects: Type.Optional(Type.Array(Url, { maxItems: 20 })) },
            { additionalProperties: false },
          ),
        ]),
        { maxItems: 100 },
      ),
    ),
    follow: Type.Optional(
      Type.Boolean({ description: 'Follow the redirects of the first 10 links that come without them.' }),
    ),
    signals: Type.Optional(RawSignals),
    ...lookupFilter,
  },
  { additionalProperties: false },
)
export type LookupBody = Static<typeof LookupBody>

const Composite = Type.Object(
  {
    entries: Type.Array(
      Type.Object({
        bankId: Type.String(),
        entryId: Type.String(),
        confidence: Type.Number(),
        similarity: Type.Number(),
        parts: Type.Array(MatchedPart),
      }),
    ),
    strongest: orNull(MatchedPart),
    confidence: Type.Number(),
  },
  { description: 'The item as a whole: each entry once, surest first, and the part that matches most surely.' },
)

export const lookupMatches = route({
  id: 'match.lookup',
  method: 'POST',
  path: '/v1/match/lookup',
  summary: 'Find everything in the banks that a piece of content matches',
  description:
    'All parts of one post or ad are looked up as one. As JSON, or as a multipart form whose files are media and whose field "lookup" holds the JSON. Media given by URL or bytes are hashed and not kept.',
  scope: 'match:read',
  rawBody: true,
  bodyBytesMax: uploadBodyBytesMax,
  body: LookupBody,
  response: Type.Object({
    matches: Type.Array(FullMatch),
    composite: Composite,
    truncated: Type.Boolean({ description: 'True when there were more than the 1,000 nearest matches.' }),
  }),
})

export const batchMax = 100
export const lookupMany = route({
  id: 'match.lookups',
  method: 'POST',
  path: '/v1/match/lookups',
  summary: 'Look up to 100 signals and texts up at once',
  description: 'Each is answered or refused by itself, in order. Answers say bank, entry and distance and no more.',
  scope: 'match:read',
  bodyBytesMax: 8 * 1024 * 1024,
  body: Type.Object(
    {
      lookups: Type.Array(
        Type.Object(
          {
            id: Type.Optional(Type.String({ maxLength: 256, description: 'Comes back with the answer.' })),
            signals: Type.Optional(RawSignals),
            quality: Type.Optional(Quality),
            text: Type.Optional(Type.String({ maxLength: 100_000 })),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: batchMax },
      ),
      ...lookupFilter,
    },
    { additionalProperties: false },
  ),
  response: Type.Object({
    results: Type.Array(
      Type.Object({
        id: Type.Optional(Type.String()),
        matches: Type.Optional(
          Type.Array(
            Type.Object({
              bankId: Type.String(),
              entryId: Type.String(),
              signalType: Type.String(),
              distance: Type.Number(),
              threshold: Type.Number(),
              confidence: Type.Number(),
              transformation: Type.Optional(Type.String()),
              labels: Type.Array(Type.String()),
            }),
          ),
        ),
        truncated: Type.Optional(Type.Boolean()),
        refused: Type.Optional(
          Type.Object({ detail: Type.String(), errors: Type.Array(FieldProblem) }, { description: 'Why not.' }),
        ),
      }),
    ),
  }),
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
      Type.Array(
        Type.Object({
          transformation: Type.String(),
          pdq: Pdq,
          quality: Quality,
          inside: Type.Optional(
            Type.Object(
              { left: Type.Number(), top: Type.Number(), width: Type.Number(), height: Type.Number() },
              {
                description: 'What of the photo was read, in shares of its width and height; all of it where missing.',
              },
            ),
          ),
        }),
        {
          description: 'Hashes of the photo without what may have been added to it.',
        },
      ),
    ),
  }),
})

export const compareSignals = route({
  id: 'match.compare',
  method: 'POST',
  path: '/v1/match/compare',
  summary: 'How far two signals of one type are from each other',
  description: '`a` as the query, `b` as the entry of a bank, by the default threshold of the type.',
  scope: 'match:read',
  body: Type.Object(
    {
      signalType: Type.String({ minLength: 1, maxLength: 100 }),
      a: Type.String({ maxLength: 1_000_000 }),
      b: Type.String({ maxLength: 1_000_000 }),
    },
    { additionalProperties: false },
  ),
  bodyBytesMax: 4 * 1024 * 1024,
  response: Type.Object({
    matches: Type.Boolean(),
    distance: Type.Number(),
    threshold: Type.Number(),
    similarity: Type.Number(),
    described: Type.String(),
    transformation: Type.Optional(Type.String()),
    transformationMatrix: Type.Optional(TransformationMatrix),
    entryShare: Type.Optional(
      Type.Number({ description: 'How much of `b` is in `a`, where that is another question: videos.' }),
    ),
    spans: Type.Optional(
      Type.Array(
        Type.Object({
          queryFromMs: Type.Number(),
          queryToMs: Type.Number(),
          entryFromMs: Type.Number(),
          entryToMs: Type.Number(),
          frames: Type.Integer(),
        }),
        { description: 'Which times of `a` are which times of `b`, longest stretch first: videos.' },
      ),
    ),
  }),
})

export const drawSound = route({
  id: 'match.drawSound',
  method: 'POST',
  path: '/v1/match/sound',
  summary: 'A sound fingerprint as numbers to draw, or two with the stretch in which they sound the same',
  scope: 'match:read',
  body: Type.Object(
    {
      a: Type.String({ maxLength: 1_000_000, description: 'A Chromaprint fingerprint.' }),
      b: Type.Optional(Type.String({ maxLength: 1_000_000, description: 'The one of a bank entry, say.' })),
    },
    { additionalProperties: false },
  ),
  bodyBytesMax: 4 * 1024 * 1024,
  response: Type.Object({
    stepMs: Type.Number({ description: 'From one value to the next.' }),
    a: Type.Array(Type.Integer(), { description: 'One 32-bit value a step.' }),
    b: orNull(Type.Array(Type.Integer())),
    same: orNull(
      Type.Object(
        {
          aFrom: Type.Integer(),
          bFrom: Type.Integer(),
          tempo: Type.Number({ description: 'Steps of `b` in one of `a`.' }),
          differing: Type.Array(Type.Integer(), { description: 'How many of 32 bits differ, at each step of `a`.' }),
        },
        { description: 'The best stretch; null where they agree nowhere.' },
      ),
    ),
  }),
})
export type SoundPicture = Static<typeof drawSound.response>
