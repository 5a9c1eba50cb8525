import type { FastifyRequest } from 'fastify'
import type { Clock, RandomBytes } from '../../domain/ids.ts'
import type { Bank } from '../../match/bank.ts'
import { partsOf, partsOfRecord } from '../../match/content.ts'
import { selectExchange, selectRecordsOfEntries } from '../../match/exchange/store.ts'
import type { Lookup, Match } from '../../match/lookup.ts'
import { signalTypes } from '../../match/signal-types/all.ts'
import { pdqQualityMin } from '../../match/signal-types/photo.ts'
import type { LookupContent, SignalType } from '../../match/signal-types/signal-type.ts'
import { selectBankEntriesById } from '../../match/store.ts'
import type { FetchMedia } from '../../media/fetch.ts'
import type { MediaLibrary, MediaRecord } from '../../media/library.ts'
import type { Database } from '../../storage/database.ts'
import * as rows from '../../storage/hma.ts'
import * as contract from '../contract/hma.ts'
import { coinOf, contentTypes, hmaMount, isYes, namesIn, objectOf, refuse, theirName, typeNamed } from '../hma.ts'
import type { Mount } from '../server.ts'
import { filesOf, isForm } from './upload-body.ts'

export type HmaMatchDeps = {
  db: Database
  clock: Clock
  randomBytes: RandomBytes
  media: Pick<MediaLibrary, 'hash'>
  lookup: Pick<Lookup, 'lookup' | 'banks'>
  fetchMedia: (tenantId: string) => FetchMedia
  /** Counts lookups against the tenant's quota; throws 429 for too many. */
  admitLookups: (tenantId: string, lookups: number) => void
}

/** What was made of a file: signals by our names, and the content to look up. An empty signal is too poor to match. */
export type HmaHashes = { hashes: Map<SignalType, string>; content: LookupContent; quality: number | undefined }

const matchesMax = 10_000
/** Counting the signals of a large tenant takes a while; they are as old as this. */
const countsMs = 2_000

/** Hashing and matching under /hma, as clients of Hasher-Matcher-Actioner know them. */
export function hmaMatchRoutes(mount: Mount, deps: HmaMatchDeps): void {
  const { db, clock, lookup } = deps
  const on = hmaMount(mount)

  on(contract.hmaStatus, ({ reply }) => reply.type('text/plain; charset=utf-8').send('I-AM-ALIVE'))
  on(contract.hmaLive, ({ reply }) => reply.type('text/plain; charset=utf-8').send('I-AM-ALIVE'))

  on(contract.hmaHash, async ({ query, principal }) =>
    answerOf((await hashUrl(deps, principal.tenantId, query as HashQuery)).hashes),
  )
  on(contract.hmaHashFile, async ({ query, request, principal }) =>
    answerOf((await hashForm(deps, principal.tenantId, request, (query as HashQuery).types)).hashes),
  )

  /** Banks that take part, by the names asked for, their share of lookups, and the coin that was flipped. */
  const banksFor = async (tenantId: string, names: string[] | undefined, coin: number, everybody: boolean) => {
    const gone = await rows.selectGoneBanks(db.query, tenantId)
    const banks = await lookup.banks(tenantId)
    const takesPart = (bank: Bank) =>
      !gone.has(bank.bankId) &&
      (names === undefined || names.includes(bank.name)) &&
      (everybody || bank.sampling.trafficShare > coin)
    return [...banks.values()].filter((bank) => takesPart(bank)).map((bank) => bank.bankId)
  }
  const find = async (tenantId: string, content: LookupContent, type: SignalType, banks: string[], turned: boolean) => {
    if (banks.length === 0) return []
    const found = await lookup.lookup(tenantId, content, { banks, types: [type.name], turned })
    return found.slice(0, matchesMax)
  }
  const numbersOf = (tenantId: string, matches: readonly Match[]) => {
    const ids = matches.map((match) => match.entryId)
    return ids.length === 0
      ? Promise.resolve(new Map<string, number>())
      : db.transaction((tx) => rows.upsertContentIds(tx, tenantId, ids))
  }
  const byBank = async (tenantId: string, matches: readonly Match[], hash: string, full: boolean) => {
    const numbers = await numbersOf(tenantId, matches)
    const more = full ? await fullOf(db, tenantId, matches, hash) : new Map<Match, object>()
    const answer: Record<string, object[]> = {}
    for (const match of matches)
      (answer[match.bank.name] ??= []).push({
        bank_content_id: numbers.get(match.entryId)!,
        distance: distanceText(match),
        ...more.get(match),
      })
    return answer
  }
  const usable = async (tenantId: string, name: string): Promise<SignalType> => {
    const type = typeNamed(name)
    if (type === undefined) throw refuse(400, `No such SignalType '${name.slice(0, 100)}'`)
    const ratios = await rows.selectTypeRatios(db.query, tenantId)
    if (ratios.get(type.name) === 0) throw refuse(400, `SignalType '${name.slice(0, 100)}' is not enabled`)
    return type
  }
  const parsed = (type: SignalType, signal: string) => {
    try {
      return type.parse('signal', signal.trim())
    } catch (error) {
      throw refuse(400, `invalid signal: ${(error as Error).message}`)
    }
  }
  const lookupHashes = async (tenantId: string, made: HmaHashes, query: LookupQuery) => {
    deps.admitLookups(tenantId, made.hashes.size)
    const coin = coinOf(query.seed, deps.randomBytes)
    const banks = await banksFor(tenantId, namesIn(query.banks), coin, isYes(query.bypass_coinflip))
    const answer: Record<string, object> = {}
    for (const [type, hash] of made.hashes) {
      const matches = hash === '' ? [] : await find(tenantId, made.content, type, banks, true)
      answer[theirName(type.name)] = await byBank(tenantId, matches, hash, isYes(query.full))
    }
    return answer
  }

  on(contract.hmaLookup, async ({ query: given, principal }) => {
    const { tenantId } = principal
    const query = given as LookupQuery
    if (query.url !== undefined && query.url !== '') {
      const answer = await lookupHashes(tenantId, await hashUrl(deps, tenantId, query), query)
      return query.signal_type === undefined ? answer : (answer[query.signal_type] ?? {})
    }
    if (!query.signal || !query.signal_type) throw refuse(400, 'Either url or both signal and signal_type are required')
    const type = await usable(tenantId, query.signal_type)
    const hash = parsed(type, query.signal)
    deps.admitLookups(tenantId, 1)
    const coin = coinOf(query.seed, deps.randomBytes)
    const banks = await banksFor(tenantId, namesIn(query.banks), coin, isYes(query.bypass_coinflip))
    const matches = await find(tenantId, type.contentOf(hash), type, banks, isYes(query.turned))
    return byBank(tenantId, matches, hash, isYes(query.full))
  })

  on(contract.hmaLookupFile, async ({ query, request, principal }) => {
    const { tenantId } = principal
    return lookupHashes(
      tenantId,
      await hashForm(deps, tenantId, request, (query as HashQuery).types),
      query as LookupQuery,
    )
  })

  on(contract.hmaRawLookup, async ({ query: given, principal }) => {
    const { tenantId } = principal
    const query = given as LookupQuery
    if (!query.signal || !query.signal_type) throw refuse(400, 'signal and signal_type are required')
    const type = await usable(tenantId, query.signal_type)
    const hash = parsed(type, query.signal)
    deps.admitLookups(tenantId, 1)
    const banks = await banksFor(tenantId, namesIn(query.banks), 0, true)
    const matches = await find(tenantId, type.contentOf(hash), type, banks, false)
    const numbers = await numbersOf(tenantId, matches)
    return {
      matches: matches.map((match) =>
        isYes(query.include_distance)
          ? { bank_content_id: numbers.get(match.entryId)!, distance: distanceText(match) }
          : numbers.get(match.entryId)!,
      ),
    }
  })

  on(contract.hmaCompare, async ({ request, principal }) => {
    const answer: Record<string, unknown> = {}
    for (const [name, pair] of Object.entries(objectOf(request))) {
      if (!Array.isArray(pair)) throw refuse(400, `Comparison hashes for ${name.slice(0, 100)} was not a list`)
      if (pair.length !== 2) throw refuse(400, 'Comparison hash list length must be exactly 2')
      const type = await usable(principal.tenantId, name)
      try {
        const [a, b] = pair.map((hash) => type.parse(name, String(hash))) as [string, string]
        const { distance } = type.compare(a, b)
        answer[name] = [distance <= type.threshold, isExact(type) ? {} : { distance }]
      } catch (error) {
        throw refuse(400, `Invalid ${name.slice(0, 100)} hash: ${(error as Error).message}`)
      }
    }
    return answer
  })

  type Counts = Awaited<ReturnType<typeof rows.countSignals>>
  const counted = new Map<string, { atMs: number; counts: Promise<Counts> }>()
  const countsOf = async (tenantId: string, only: string | undefined) => {
    if (only !== undefined && typeNamed(only) === undefined)
      throw refuse(400, `No such signal type '${only.slice(0, 100)}'`)
    let held = counted.get(tenantId)
    if (held === undefined || clock() - held.atMs >= countsMs) {
      held = { atMs: clock(), counts: rows.countSignals(db.query, tenantId) }
      counted.set(tenantId, held)
      held.counts.catch(() => counted.delete(tenantId))
    }
    const counts = await held.counts
    const wanted = only === undefined ? signalTypes : [typeNamed(only)!]
    return wanted.map(({ name }) => ({ name: theirName(name), ...(counts.get(name) ?? { size: 0, newestS: -1 }) }))
  }
  on(contract.hmaIndexStatus, async ({ query, principal }) =>
    Object.fromEntries(
      (await countsOf(principal.tenantId, (query as LookupQuery).signal_type)).map(({ name, size, newestS }) => [
        name,
        // There is no build: what is committed is searched.
        { present: size > 0, built_to: newestS, size },
      ]),
    ),
  )
  on(contract.hmaSignalTypeIndex, async ({ query, principal }) =>
    Object.fromEntries(
      (await countsOf(principal.tenantId, (query as LookupQuery).signal_type)).map(({ name, size, newestS }) => [
        name,
        {
          db_size: size,
          index_size: size,
          index_out_of_date: false,
          newest_db_item: newestS,
          index_built_to: newestS,
        },
      ]),
    ),
  )

  on(contract.hmaSignalTypes, async ({ principal }) => {
    const ratios = await rows.selectTypeRatios(db.query, principal.tenantId)
    return signalTypes.map(({ name }) => ({ name: theirName(name), enabled_ratio: ratios.get(name) ?? 1 }))
  })
  on(contract.hmaChangeSignalType, async ({ params, request, principal, reply }) => {
    const { signalType: name } = params as { signalType: string }
    const body = objectOf(request)
    const ratio = Number(
      body.enabled_ratio ?? (body.enabled === undefined ? Number.NaN : Number(body.enabled === true)),
    )
    if (body.enabled_ratio === undefined && body.enabled === undefined) throw refuse(400, 'enabled_ratio is required')
    if (!(ratio >= 0 && ratio <= 1)) throw refuse(400, 'enabled_ratio must be a number from 0 to 1')
    const type = typeNamed(name)
    if (type === undefined) throw refuse(400, `No such SignalType '${name.slice(0, 100)}'`)
    await db.transaction((tx) => rows.upsertTypeRatio(tx, principal.tenantId, type.name, ratio))
    return reply.code(204).send()
  })
  on(contract.hmaContentTypes, () => Object.keys(contentTypes).map((name) => ({ name, enabled: true })))
}

type HashQuery = { url?: string; content_type?: string; types?: string }
type LookupQuery = HashQuery & {
  signal?: string
  signal_type?: string
  banks?: string
  seed?: string
  bypass_coinflip?: string
  include_distance?: string
  full?: string
  turned?: string
}

const isExact = (type: SignalType) => type.thresholdMax === 0
/** Types that know only same and other have no distance: Hasher-Matcher-Actioner writes a dash. */
function distanceText(match: Match): string {
  const type = signalTypes.find(({ name }) => name === match.signalType)
  return type !== undefined && isExact(type) ? '-' : String(match.distance)
}

const answerOf = (hashes: ReadonlyMap<SignalType, string>) =>
  Object.fromEntries([...hashes].map(([type, hash]) => [theirName(type.name), hash]))

/** Hashes of what lies at a URL, fetched under the rules for media. */
export async function hashUrl(
  deps: Pick<HmaMatchDeps, 'media' | 'fetchMedia' | 'db'>,
  tenantId: string,
  { url, content_type: hint, types }: HashQuery,
): Promise<HmaHashes> {
  if (url === undefined || url === '') throw refuse(400, 'url is required')
  const fetched = await deps.fetchMedia(tenantId)(url)
  if (!fetched.ok) throw refuse(fetched.reason === 'too-large' ? 413 : 400, fetched.detail)
  const declared = /^(image|video|audio)\b/i.exec(fetched.contentType)?.[1]?.toLowerCase()
  const contentType = hint || (declared === 'image' ? 'photo' : declared)
  if (contentType === undefined)
    throw refuse(
      400,
      `unsupported url ContentType: '${fetched.contentType.slice(0, 100)}', if you know the expected type, provide it with the content_type query param`,
    )
  return hashesOf(deps, tenantId, contentType, await deps.media.hash(fetched.bytes), types)
}

/** Hashes of the one file of a form, whose field is named by the content type. */
export async function hashForm(
  deps: Pick<HmaMatchDeps, 'media' | 'db'>,
  tenantId: string,
  request: FastifyRequest,
  types: string | undefined,
): Promise<HmaHashes> {
  if (!isForm(request)) throw refuse(400, 'Missing multipart/form-data file upload')
  const { files, names } = await filesOf(request)
  if (files.length === 0) throw refuse(400, 'Missing multipart/form-data file upload')
  if (files.length > 1) throw refuse(400, 'Only one file allowed per request')
  return hashesOf(deps, tenantId, names[0]!, await deps.media.hash(files[0]!), types)
}

async function hashesOf(
  deps: Pick<HmaMatchDeps, 'db'>,
  tenantId: string,
  contentType: string,
  record: MediaRecord,
  types: string | undefined,
): Promise<HmaHashes> {
  if (!Object.hasOwn(contentTypes, contentType))
    throw refuse(400, `no such content_type: '${contentType.slice(0, 100)}'`)
  const ratios = await rows.selectTypeRatios(deps.db.query, tenantId)
  const enabledType = (type: SignalType | undefined) =>
    type === undefined || ratios.get(type.name) === 0 ? undefined : type
  const named = namesIn(types)
  if (named?.length === 0) throw refuse(400, 'empty signal type selection')
  const wanted =
    named?.map((name) => {
      const type = enabledType(typeNamed(name))
      if (type === undefined) throw refuse(400, `signal type '${name.slice(0, 100)}' doesn't exist or is disabled`)
      return type
    }) ?? contentTypes[contentType]!.flatMap((name) => enabledType(typeNamed(name)) ?? [])
  const made: Record<string, string | undefined> = {
    sha256: record.sha256,
    ...record.signals,
    // Flat and tiny pictures collide: such a hash is empty there, too.
    pdq: record.pdq !== undefined && record.pdq.quality >= pdqQualityMin ? record.pdq.hash : undefined,
  }
  const hashes = new Map<SignalType, string>()
  for (const type of wanted) {
    const hash = made[type.name]
    if (hash !== undefined) hashes.set(type, hash)
    else if (type.name === 'pdq' && contentType === 'photo') hashes.set(type, '')
  }
  return { hashes, content: partsOf([partsOfRecord(record)]), quality: record.pdq?.quality }
}

/** What a match has besides its number and its distance: hash, bank, threshold, exchange record. */
async function fullOf(
  db: Database,
  tenantId: string,
  matches: readonly Match[],
  hash: string,
): Promise<Map<Match, object>> {
  const ids = matches.map((match) => match.entryId)
  const entries = new Map((await selectBankEntriesById(db.query, tenantId, ids)).map((one) => [one.entryId, one]))
  const records = new Map((await selectRecordsOfEntries(db.query, tenantId, ids)).map((one) => [one.entryId, one]))
  const names = new Map<string, string>()
  for (const { exchangeId } of records.values())
    if (!names.has(exchangeId))
      names.set(exchangeId, (await selectExchange(db.query, tenantId, exchangeId))?.name ?? '')
  return new Map(
    matches.map((match) => {
      const entry = entries.get(match.entryId)
      const record = records.get(match.entryId)
      return [
        match,
        {
          query_hash: hash,
          hash: entry?.signals[match.signalType] ?? null,
          signal_type: theirName(match.signalType),
          bank: match.bank.name,
          entry_id: match.entryId,
          threshold: match.threshold,
          described: match.described,
          confidence: match.confidence,
          transformation: match.transformation ?? null,
          labels: match.labels,
          source: entry?.source ?? null,
          confirmed: entry?.confirmed ?? 0,
          disputed: entry?.overturned ?? 0,
          exchange:
            record === undefined
              ? null
              : {
                  name: names.get(record.exchangeId)!,
                  external_id: record.externalId,
                  owner: record.owner,
                  owner_name: record.ownerName,
                  tags: record.tags,
                  first_fetched_ts: Math.floor(record.firstMs / 1_000),
                  last_fetched_ts: Math.floor(record.lastMs / 1_000),
                  sent: record.sent.map(({ opinion, sentMs }) => ({ opinion, sent_ts: Math.floor(sentMs / 1_000) })),
                },
        },
      ] as const
    }),
  )
}
