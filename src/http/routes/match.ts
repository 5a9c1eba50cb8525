import type { FastifyReply } from 'fastify'
import type { Clock } from '../../domain/ids.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { signalTypeNamed } from '../../match/raw-signals.ts'
import { signalTypes } from '../../match/signal-types/all.ts'
import type { MediaLibrary } from '../../media/library.ts'
import { soundPicture } from '../../match/sound-picture.ts'
import { previewMime } from '../../media/preview.ts'
import { soundMime } from '../../media/sound.ts'
import type { Database } from '../../storage/database.ts'
import { compareSignals, drawSound, getMedia, getSound, hashContent, makeUpload } from '../contract/match.ts'
import type { ResponseOf } from '../contract/route.ts'
import { listSignalTypes } from '../contract/signal-types.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem } from '../problem.ts'
import type { Mount } from '../server.ts'
import { lookupRoutes, type LookupRouteDeps } from './lookup.ts'
import { fileOf } from './upload-body.ts'

export type MatchRouteDeps = LookupRouteDeps & {
  db: Database
  ledger: Ledger
  clock: Clock
  media: MediaLibrary
}

/** Uploads, previews, and lookups of content that is not part of an event. */
export function matchRoutes(mount: Mount, deps: MatchRouteDeps): void {
  const { db, ledger, clock, media } = deps
  lookupRoutes(mount, deps)

  /** Before anything leaves: a look that is not in the log must not happen. */
  const noteLook = (principal: Principal, mediaSha256: string, what: string, jobId: string | undefined) =>
    db.transaction((tx) =>
      ledger.append(tx, principal.tenantId, [
        {
          kind: 'person.viewed_sensitive',
          subject: { kind: 'item', id: `custos:media:${mediaSha256}` },
          occurredAtMs: clock(),
          author: authorOf(principal),
          automation: 'none',
          because: [],
          body: { personId: principal.id, mediaSha256, ...(jobId === undefined ? {} : { jobId }), what },
        },
      ]),
    )

  mount(makeUpload, async ({ request, principal, reply }) => {
    const record = await media.put(principal.tenantId, await fileOf(request))
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
      signals: {
        sha256: record.sha256,
        ...(record.pdq === undefined ? {} : { pdq: record.pdq.hash }),
        ...record.signals,
      },
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
    if (variant === 'full') await noteLook(principal, params.sha256, 'media in full', query.job)
    const preview = await media.preview(tenantId, params.sha256, variant)
    if (preview === undefined) throw notFound('media', params.sha256)
    return sendMedia(reply, previewMime, variant !== 'full', preview)
  })

  mount(getSound, async ({ params, query, principal, reply }) => {
    const { tenantId } = principal
    if ((await media.find(tenantId, params.sha256)) === undefined) throw notFound('media', params.sha256)
    await noteLook(principal, params.sha256, 'the sound of media', query.job)
    const sound = await media.sound(tenantId, params.sha256)
    if (sound === undefined)
      throw problem(404, 'No sound', `The media "${params.sha256}" has no sound that can be played here.`)
    return sendMedia(reply, soundMime, false, sound)
  })

  mount(drawSound, ({ body }) => soundPicture(body.a, body.b))

  mount(hashContent, async ({ request }): Promise<ResponseOf<typeof hashContent>> => {
    const text = (request.body as { text?: unknown } | undefined)?.text
    if (typeof text === 'string') return { signals: textSignalsOf(text) }
    const record = await media.hash(await fileOf(request))
    const { kind, animated, pdq, readings, sha256 } = record
    return {
      kind,
      animated,
      signals: { sha256, ...(pdq === undefined ? {} : { pdq: pdq.hash }), ...record.signals },
      ...(pdq === undefined ? {} : { quality: pdq.quality, dihedral: pdq.dihedral }),
      ...(readings === undefined ? {} : { readings }),
    }
  })

  mount(listSignalTypes, () => ({
    items: signalTypes.map(({ name, version, threshold, thresholdMax, thresholdStep, words }) => ({
      name,
      version,
      title: words.title,
      about: words.about,
      media: [...words.media],
      threshold,
      thresholdMax,
      thresholdStep,
      scale:
        words.scale === undefined
          ? null
          : { ...words.scale, nearer: words.scale.perDistance > 0 ? ('lower' as const) : ('higher' as const) },
      finds: [...words.finds],
    })),
  }))

  mount(compareSignals, ({ body }) => {
    const type = signalTypeNamed('signalType', body.signalType)
    const { distance, similarity, transformation, transformationMatrix, entryShare, spans } = type.compare(
      type.parse('a', body.a),
      type.parse('b', body.b),
    )
    return {
      matches: distance <= type.threshold,
      distance,
      threshold: type.threshold,
      similarity,
      described: type.describe(distance),
      ...(transformation === undefined ? {} : { transformation }),
      ...(transformationMatrix === undefined ? {} : { transformationMatrix }),
      ...(entryShare === undefined ? {} : { entryShare }),
      ...(spans === undefined ? {} : { spans: [...spans] }),
    }
  })
}

function sendMedia(reply: FastifyReply, mime: string, kept: boolean, bytes: Uint8Array): FastifyReply {
  return reply
    .type(mime)
    .header('cache-control', kept ? 'private, max-age=86400, immutable' : 'no-store')
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

/** What the signal types make of a text by itself. */
function textSignalsOf(text: string): Record<string, string> {
  const made = signalTypes
    .filter(({ part }) => part === 'text')
    .map((type): [string, string | undefined] => [type.name, type.signalOf({ text })])
  return Object.fromEntries(made.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
