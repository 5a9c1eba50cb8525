import type { FastifyRequest } from 'fastify'
import { InputError } from '../../domain/error.ts'
import type { Clock } from '../../domain/ids.ts'
import { hammingDistance } from '../../kernels/hamming-index.ts'
import { pdqFromHex } from '../../kernels/pdq.ts'
import { foldText } from '../../kernels/text-fold.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { photoOfRecord } from '../../match/content.ts'
import type { Lookup } from '../../match/lookup.ts'
import { photoType } from '../../match/signal-types/photo.ts'
import type { PhotoContent } from '../../match/signal-types/signal-type.ts'
import { textType } from '../../match/signal-types/text.ts'
import { anyMediaBytesMax, kindBytesMax, sniffMedia } from '../../media/kinds.ts'
import type { MediaLibrary } from '../../media/library.ts'
import { previewMime } from '../../media/preview.ts'
import type { Database } from '../../storage/database.ts'
import {
  compareSignals,
  getMedia,
  hashContent,
  lookupMatches,
  makeUpload,
  uploadBodyBytesMax,
} from '../contract/match.ts'
import type { ResponseOf } from '../contract/route.ts'
import { authorOf } from '../principal.ts'
import { bodyTooLarge, notFound, problem } from '../problem.ts'
import type { Mount } from '../server.ts'

export type MatchRouteDeps = {
  db: Database
  ledger: Ledger
  clock: Clock
  media: MediaLibrary
  lookup: Pick<Lookup, 'lookup'>
}

/** Uploads, previews, and lookups of content that is not part of an event. */
export function matchRoutes(mount: Mount, deps: MatchRouteDeps): void {
  const { db, ledger, clock, media, lookup } = deps

  mount(makeUpload, async ({ request, principal, reply }) => {
    const record = await media.put(principal.tenantId, await mediaOf(request))
    reply.header('location', `/v1/media/${record.sha256}`)
    return {
      upload: record.sha256,
      mime: record.mime,
      bytes: record.bytes,
      kind: record.kind,
      animated: record.animated,
      width: record.width ?? null,
      height: record.height ?? null,
      durationMs: record.durationMs ?? null,
      signals: { sha256: record.sha256, ...record.signals },
      pdq: record.pdq?.hash ?? null,
      quality: record.pdq?.quality ?? null,
    }
  })

  mount(getMedia, async ({ params, query, principal, reply }) => {
    const { tenantId } = principal
    const variant = query.variant ?? 'blurred'
    if (variant === 'full' && !principal.scopes.has('media:reveal'))
      throw problem(
        403,
        'Not allowed',
        `The full picture needs the scope "media:reveal", which ${principal.name} does not have.`,
      )
    if ((await media.find(tenantId, params.sha256)) === undefined) throw notFound('media', params.sha256)
    if (variant === 'full')
      // Before the picture leaves: a look that is not in the log must not happen.
      await db.transaction((tx) =>
        ledger.append(tx, tenantId, [
          {
            kind: 'person.viewed_sensitive',
            subject: { kind: 'item', id: `custos:media:${params.sha256}` },
            occurredAtMs: clock(),
            author: authorOf(principal),
            automation: 'none',
            because: [],
            body: {
              personId: principal.id,
              mediaSha256: params.sha256,
              ...(query.job === undefined ? {} : { jobId: query.job }),
              what: 'media in full',
            },
          },
        ]),
      )
    const preview = await media.preview(tenantId, params.sha256, variant)
    if (preview === undefined) throw notFound('media', params.sha256)
    return reply
      .type(previewMime)
      .header('cache-control', variant === 'full' ? 'no-store' : 'private, max-age=86400, immutable')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .send(Buffer.from(preview.buffer, preview.byteOffset, preview.byteLength))
  })

  mount(lookupMatches, async ({ body, principal }) => {
    const { tenantId } = principal
    const photos = await Promise.all(
      (body.photos ?? []).map(async (photo, index): Promise<PhotoContent> => {
        if (photo.upload === undefined) {
          if (photo.pdq === undefined)
            throw new InputError(`photos[${index}] needs upload or pdq`, [
              { field: `photos[${index}]`, problem: 'needs upload or pdq' },
            ])
          return { pdq: photo.pdq, ...(photo.quality === undefined ? {} : { quality: photo.quality }) }
        }
        const record = await media.find(tenantId, photo.upload)
        if (record === undefined) throw notFound('upload', photo.upload)
        return photoOfRecord(record)
      }),
    )
    return {
      matches: await lookup.lookup(tenantId, { photos, ...(body.text === undefined ? {} : { text: body.text }) }),
    }
  })

  mount(hashContent, async ({ request }): Promise<ResponseOf<typeof hashContent>> => {
    const text = (request.body as { text?: unknown } | undefined)?.text
    if (typeof text === 'string') return { signals: { text: foldText(text).text } }
    const record = await media.hash(await mediaOf(request))
    const { kind, animated, pdq, readings, sha256 } = record
    return {
      kind,
      animated,
      signals: { sha256, ...(pdq === undefined ? {} : { pdq: pdq.hash }), ...record.signals },
      ...(pdq === undefined ? {} : { quality: pdq.quality, dihedral: pdq.dihedral }),
      ...(readings === undefined ? {} : { readings }),
    }
  })

  mount(compareSignals, ({ body }) => {
    const type = body.signalType === 'pdq' ? photoType : textType
    const distance =
      body.signalType === 'pdq'
        ? hammingDistance(pdqFromHex(body.a), 0, pdqFromHex(body.b), 0)
        : Number(foldText(body.a).text !== foldText(body.b).text)
    const matches = distance <= type.threshold
    return {
      matches,
      distance,
      threshold: type.threshold,
      described: matches || body.signalType === 'pdq' ? type.describe(distance) : 'other words',
    }
  })
}

const drainedBytesMax = 2 * uploadBodyBytesMax

/** The medium in a request: the body itself, or the first file of a multipart form. */
async function mediaOf(request: FastifyRequest): Promise<Uint8Array> {
  const type = request.headers['content-type'] ?? ''
  if (/^application\/json\b/i.test(type))
    throw problem(
      415,
      'A file is needed',
      'Send the bytes of the photo, video or sound as the body, or as a file of a multipart form.',
    )
  const chunks: Uint8Array[] = []
  let length = 0
  const tooLarge = () => bodyTooLarge(anyMediaBytesMax)
  if (Number(request.headers['content-length']) > drainedBytesMax) throw tooLarge()
  for await (const chunk of request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length <= uploadBodyBytesMax) chunks.push(chunk)
    // Somewhat too much is read to its end and dropped: a sender that is cut off never sees why.
    else if (length > drainedBytesMax) throw tooLarge()
  }
  if (length > uploadBodyBytesMax) throw tooLarge()
  const body = Buffer.concat(chunks)
  const checked = (bytes: Uint8Array) => {
    const bytesMax = kindBytesMax[sniffMedia(bytes)?.kind ?? 'photo']
    if (bytes.length > bytesMax) throw bodyTooLarge(bytesMax)
    return bytes
  }
  if (!/^multipart\/form-data\b/i.test(type)) return checked(body)
  let form: FormData
  try {
    form = await new Response(body, { headers: { 'content-type': type } }).formData()
  } catch (error) {
    throw problem(400, 'The form cannot be read', (error as Error).message)
  }
  for (const value of form.values())
    if (typeof value !== 'string') return checked(new Uint8Array(await value.arrayBuffer()))
  throw new InputError('The form has no file', [{ field: 'file', problem: 'is required' }])
}
