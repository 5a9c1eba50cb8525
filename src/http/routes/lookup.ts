import type { FastifyRequest } from 'fastify'
import { InputError } from '../../domain/error.ts'
import { partsOf, partsOfRecord, type MediaParts } from '../../match/content.ts'
import { compositeOf } from '../../match/composite.ts'
import { selectRecordsOfEntries } from '../../match/exchange/store.ts'
import type { Lookup, LookupOptions, Match } from '../../match/lookup.ts'
import { contentOfSignals, joined } from '../../match/raw-signals.ts'
import type { LinkContent, LookupContent } from '../../match/signal-types/signal-type.ts'
import { selectEntryRecords } from '../../match/store.ts'
import type { FetchMedia } from '../../media/fetch.ts'
import { followLinks, type ResolveRedirects } from '../../media/redirects.ts'
import { bytesOfBase64, type MediaLibrary } from '../../media/library.ts'
import type { Database } from '../../storage/database.ts'
import { lookupMany, lookupMatches, LookupBody, type FullMatch } from '../contract/match.ts'
import { notFound, problem } from '../problem.ts'
import { bodyCheck, type Mount } from '../server.ts'
import { filesOf, isForm } from './upload-body.ts'

export type LookupRouteDeps = {
  db: Pick<Database, 'query'>
  media: MediaLibrary
  lookup: Pick<Lookup, 'lookup' | 'lookupMany'>
  fetchMedia: (tenantId: string) => FetchMedia
  resolveRedirects: ResolveRedirects
  /** Counts lookups against the tenant's quota; throws 429 for too many. */
  admitLookups: (tenantId: string, lookups: number) => void
}

const matchesMax = 1_000
/** The answer to a batch stays small enough to be read at once. */
const batchMatchesMax = 100

/** Lookups of content that is not part of an event: one item with all its parts, or many signals at once. */
export function lookupRoutes(mount: Mount, deps: LookupRouteDeps): void {
  const { db, lookup } = deps
  const checked = bodyCheck(LookupBody)

  mount(lookupMatches, async ({ request, principal }) => {
    const { tenantId } = principal
    const { body, files } = await bodyOf(request, checked)
    deps.admitLookups(tenantId, 1)
    const media = [...(await mediaOf(deps, tenantId, body)), ...(await Promise.all(files.map(hashed(deps))))]
    let content: LookupContent = {
      ...(media.length === 0 ? {} : partsOf(media)),
      ...(body.text === undefined ? {} : { text: body.text }),
      ...(body.links === undefined ? {} : { links: await linksOf(deps, body.links, body.follow) }),
    }
    if (body.signals !== undefined) content = joined(content, contentOfSignals('signals', body.signals), 'signals.text')
    if (Object.keys(content).length === 0)
      throw new InputError('There is nothing to look up', [
        { field: '', problem: 'needs media, photos, text, links or signals' },
      ])
    const found = await lookup.lookup(tenantId, content, {
      ...filterOf(body),
      turned: body.turned ?? media.length > 0,
    })
    const matches = found.slice(0, matchesMax)
    return {
      matches: await withRecords(db, tenantId, matches),
      composite: compositeOf(matches),
      truncated: found.length > matchesMax,
    }
  })

  mount(lookupMany, async ({ body, principal }) => {
    const { tenantId } = principal
    deps.admitLookups(tenantId, body.lookups.length)
    const refused = new Map<number, InputError>()
    const contents = body.lookups.map((one, index): LookupContent => {
      try {
        return contentOfOne(one, index)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        refused.set(index, error)
        return {}
      }
    })
    const found = await lookup.lookupMany(tenantId, contents, { ...filterOf(body), turned: body.turned ?? false })
    return {
      results: body.lookups.map(({ id }, index) => {
        const error = refused.get(index)
        const matches = found[index]!
        return {
          ...(id === undefined ? {} : { id }),
          ...(error === undefined
            ? { matches: matches.slice(0, batchMatchesMax).map(shortMatch) }
            : { refused: { detail: error.message, errors: error.problems } }),
          ...(matches.length > batchMatchesMax ? { truncated: true } : {}),
        }
      }),
    }
  })
}

function filterOf(body: { banks?: string[]; types?: string[]; minConfidence?: number }): LookupOptions {
  return {
    ...(body.banks === undefined ? {} : { banks: body.banks }),
    ...(body.types === undefined ? {} : { types: body.types }),
    ...(body.minConfidence === undefined ? {} : { confidenceMin: body.minConfidence }),
  }
}

type BatchLookup = { signals?: Record<string, string>; quality?: number; text?: string }
function contentOfOne({ signals, quality, text }: BatchLookup, index: number): LookupContent {
  const field = `lookups[${index}]`
  if (signals === undefined && text === undefined)
    throw new InputError(`${field} needs signals or text`, [{ field, problem: 'needs signals or text' }])
  let content = contentOfSignals(`${field}.signals`, signals ?? {})
  if (text !== undefined) content = joined(content, { text }, `${field}.text`)
  if (quality === undefined || content.photos === undefined) return content
  return { ...content, photos: content.photos.map((photo) => ({ ...photo, quality })) }
}

function shortMatch({ bank, entryId, signalType, distance, threshold, confidence, transformation, labels }: Match) {
  return {
    bankId: bank.id,
    entryId,
    signalType,
    distance,
    threshold,
    confidence,
    ...(transformation === undefined ? {} : { transformation }),
    labels,
  }
}

/** Matches with the history of their entries. */
async function withRecords(
  db: Pick<Database, 'query'>,
  tenantId: string,
  matches: readonly Match[],
): Promise<FullMatch[]> {
  if (matches.length === 0) return []
  const entryIds = [...new Set(matches.map(({ entryId }) => entryId))]
  const [records, exchanged] = await Promise.all([
    selectEntryRecords(db.query, tenantId, entryIds),
    selectRecordsOfEntries(db.query, tenantId, entryIds),
  ])
  const exchangeOf = new Map(exchanged.toReversed().map((record) => [record.entryId, record]))
  return matches.flatMap((match) => {
    const own = records.get(match.entryId)
    // Gone since it was found.
    if (own === undefined) return []
    const { source, matches: made, confirmed, disputed } = own
    const record = exchangeOf.get(match.entryId)
    return [
      {
        ...match,
        source,
        exchange:
          record === undefined
            ? null
            : {
                exchangeId: record.exchangeId,
                externalId: record.externalId,
                owner: record.ownerName ?? record.owner,
                tags: record.tags,
                severity: record.severity,
                firstMs: record.firstMs,
                lastMs: record.lastMs,
              },
        record: { matches: made, confirmed, disputed },
      },
    ]
  })
}

const hashed = (deps: LookupRouteDeps) => async (bytes: Uint8Array) => partsOfRecord(await deps.media.hash(bytes))

/** The media that a request names, hashed: photos first, then `media`, each under its index in that order. */
async function mediaOf(deps: LookupRouteDeps, tenantId: string, body: LookupBody): Promise<MediaParts[]> {
  const upload = async (sha256: string) => {
    const record = await deps.media.find(tenantId, sha256)
    if (record === undefined) throw notFound('upload', sha256)
    return partsOfRecord(record)
  }
  const exactlyOne = (field: string, value: object, names: readonly string[]) => {
    const given = names.filter((name) => (value as Record<string, unknown>)[name] !== undefined)
    if (given.length !== 1)
      throw new InputError(`${field} needs exactly one of ${names.join(', ')}`, [
        { field, problem: `needs exactly one of ${names.join(', ')}`, value: given.join(', '), limit: 1 },
      ])
  }
  const photos = (body.photos ?? []).map(async (photo, index): Promise<MediaParts> => {
    exactlyOne(`photos[${index}]`, photo, ['upload', 'pdq'])
    if (photo.upload !== undefined) return upload(photo.upload)
    const { pdq, quality } = photo
    return {
      photos: [{ pdq: pdq!.toLowerCase(), ...(quality === undefined ? {} : { quality }) }],
      videos: [],
      audios: [],
    }
  })
  const media = (body.media ?? []).map(async (one, index): Promise<MediaParts> => {
    const field = `media[${index}]`
    exactlyOne(field, one, ['upload', 'url', 'bytes'])
    if (one.upload !== undefined) return upload(one.upload)
    if (one.bytes !== undefined) return hashed(deps)(bytesOfBase64(`${field}.bytes`, one.bytes))
    const fetched = await deps.fetchMedia(tenantId)(one.url!)
    if (!fetched.ok)
      throw new InputError(fetched.detail, [
        { field: `${field}.url`, problem: fetched.detail, value: one.url!.slice(0, 200), limit: fetched.reason },
      ])
    return hashed(deps)(fetched.bytes)
  })
  return Promise.all([...photos, ...media])
}

function linksOf(
  { resolveRedirects }: LookupRouteDeps,
  links: NonNullable<LookupBody['links']>,
  follow = false,
): Promise<LinkContent[]> {
  const given = links.map((link) => (typeof link === 'string' ? { url: link } : link))
  return follow ? followLinks(resolveRedirects, given) : Promise.resolve(given)
}

async function bodyOf(
  request: FastifyRequest,
  checked: (value: unknown) => LookupBody,
): Promise<{ body: LookupBody; files: Uint8Array[] }> {
  if (!isForm(request)) {
    if (request.body === undefined)
      throw problem(415, 'Unknown content type', 'Send application/json, or a multipart form with files.')
    return { body: checked(request.body), files: [] }
  }
  const { files, fields } = await filesOf(request)
  let options: unknown = {}
  try {
    options = JSON.parse(fields.get('lookup') ?? '{}')
  } catch (error) {
    throw problem(400, 'The field "lookup" is not JSON', (error as Error).message)
  }
  return { body: checked(options), files }
}
