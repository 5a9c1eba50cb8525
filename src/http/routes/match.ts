import type { Clock } from '../../domain/ids.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { signalTypeNamed } from '../../match/raw-signals.ts'
import { signalTypes } from '../../match/signal-types/all.ts'
import type { MediaLibrary } from '../../media/library.ts'
import { previewMime } from '../../media/preview.ts'
import type { Database } from '../../storage/database.ts'
import { compareSignals, getMedia, hashContent, makeUpload } from '../contract/match.ts'
import type { ResponseOf } from '../contract/route.ts'
import { listSignalTypes } from '../contract/signal-types.ts'
import { authorOf } from '../principal.ts'
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
    const { distance, similarity, transformation, entryShare, spans } = type.compare(
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
      ...(entryShare === undefined ? {} : { entryShare }),
      ...(spans === undefined ? {} : { spans: [...spans] }),
    }
  })
}

/** What the signal types make of a text by itself. */
function textSignalsOf(text: string): Record<string, string> {
  const made = signalTypes
    .filter(({ part }) => part === 'text')
    .map((type): [string, string | undefined] => [type.name, type.signalOf({ text })])
  return Object.fromEntries(made.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
