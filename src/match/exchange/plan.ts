import { createHash } from 'node:crypto'
import type { NewEntry } from '../../domain/entry.ts'
import type { BankEntryStatus } from '../bank.ts'
import { bankSubject } from '../changes.ts'
import { signalTypes } from '../signal-types/all.ts'
import { ExchangeError } from './call.ts'
import type { UpstreamRecord } from './connector.ts'
import { noCounts, type Counts, type Exchange, type Filter, type RecordState } from './exchange.ts'
import type { StoredRecord } from './store.ts'

export type PlanOutcome = Exclude<keyof Counts, 'received'>

/** What becomes of one record: in words, as a row, and as entries of the ledger. */
export type Planned = {
  outcome: PlanOutcome
  because: string
  signals: Record<string, string>
  labels: string[]
  /** Hash kinds of the record that nothing here matches. */
  unsupported: string[]
  record: StoredRecord
  entries: NewEntry[]
}

export type PlanContext = {
  nowMs: number
  newId: () => string
  /** The snapshot that is being read, if one is. */
  snapshotId: string | null
  known: ReadonlyMap<string, StoredRecord>
  /** Of the entries of known records. */
  statusOf: ReadonlyMap<string, BankEntryStatus>
  /** Entries that the tenant may hold, and how many more there is room for; as many as it likes where missing. */
  quota?: { entriesMax: number; left: number }
}

const labelsMax = 50
const labelLengthMax = 100
const reasonLengthMax = 500

/**
 * Decides what records of the other side change here: new ones become entries, changed ones replace theirs, withdrawn
 * ones retire theirs, and what the filter or the signal types leave out is kept as a row with the reason. An entry that
 * people here retired stays retired. Of a record that comes twice the last counts. Throws an ExchangeError when that
 * would be more entries than the tenant may hold: nothing of the page is then kept, and the next run reads it again.
 */
export function planRecords(
  exchange: Pick<Exchange, 'exchangeId' | 'name' | 'bankId' | 'filter' | 'labels'>,
  records: readonly UpstreamRecord[],
  context: PlanContext,
): Planned[] {
  const newest = new Map<string, UpstreamRecord>()
  for (const record of records) {
    // Deleted first, so that the order of the map is the order in which they last came.
    newest.delete(record.externalId)
    newest.set(record.externalId, record)
  }
  const planned = [...newest.values()].map((record) => planRecord(exchange, record, context))
  const { quota } = context
  const more = entriesGained(planned)
  if (quota !== undefined && more > quota.left)
    throw new ExchangeError(
      'quota',
      `${exchange.name} has ${more} more entries on this page, and there is room for ${Math.max(0, quota.left)}: this tenant may hold ${quota.entriesMax} that are not retired (banks.entriesMax). Retire some, filter more, or raise the limit in the settings; the next run goes on from here`,
    )
  return planned
}

/** How many more entries there are afterwards. */
export function entriesGained(planned: readonly Planned[]): number {
  const of = (kind: NewEntry['kind']) =>
    planned.reduce((sum, { entries }) => sum + entries.filter((entry) => entry.kind === kind).length, 0)
  return of('bank.entry_added') - of('bank.entry_retired')
}

/** The retirement of records: of those that a list, read to its end, no longer names, unless another reason is given. */
export function planMissing(
  exchange: Pick<Exchange, 'exchangeId' | 'name' | 'bankId'>,
  missing: readonly StoredRecord[],
  context: Pick<PlanContext, 'nowMs' | 'statusOf' | 'snapshotId'>,
  because = `${exchange.name} no longer names it`,
): Planned[] {
  return missing.map((known) => ({
    outcome: 'withdrawn',
    because,
    signals: {},
    labels: [],
    unsupported: [],
    record: { ...known, state: 'withdrawn', snapshotId: context.snapshotId, lastMs: context.nowMs },
    entries: retirement(exchange, known, because, context),
  }))
}

function planRecord(
  exchange: Pick<Exchange, 'exchangeId' | 'name' | 'bankId' | 'filter' | 'labels'>,
  record: UpstreamRecord,
  context: PlanContext,
): Planned {
  const known = context.known.get(record.externalId)
  const { signals, unsupported, problem } = readSignals(record, exchange.filter.types)
  const labels = mapTags(record.tags, exchange.labels)
  const contentHash = hashOf(signals, labels, record.quality)
  const ownerText = record.owner === undefined ? '' : ` (${record.owner.name ?? record.owner.id})`

  const row = (state: RecordState, entryId: string | null): StoredRecord => ({
    exchangeId: exchange.exchangeId,
    externalId: record.externalId,
    bankId: exchange.bankId,
    entryId,
    state,
    owner: record.owner?.id ?? known?.owner ?? null,
    ownerName: record.owner?.name ?? known?.ownerName ?? null,
    tags: record.deleted ? (known?.tags ?? []) : record.tags.slice(0, labelsMax),
    severity: record.severity ?? null,
    unsupported,
    ref: record.deleted ? { ...known?.ref, ...record.ref } : record.ref,
    contentHash: record.deleted ? (known?.contentHash ?? '') : contentHash,
    snapshotId: context.snapshotId,
    firstMs: known?.firstMs ?? context.nowMs,
    lastMs: context.nowMs,
    seenQueued: known?.seenQueued ?? false,
    opinionQueued: known?.opinionQueued ?? null,
    sent: known?.sent ?? [],
  })
  const out = (state: Exclude<RecordState, 'live'>, because: string): Planned => ({
    outcome: state,
    because,
    signals,
    labels,
    unsupported,
    record: row(state, known?.entryId ?? null),
    entries: known === undefined ? [] : retirement(exchange, known, because, context),
  })

  if (record.deleted)
    return known === undefined || known.state === 'withdrawn'
      ? { ...out('withdrawn', `withdrawn there${ownerText}; never came here`), outcome: 'unchanged', entries: [] }
      : out('withdrawn', `withdrawn by ${exchange.name}${ownerText}`)
  const refusal = record.refused ?? filterProblem(record, exchange.filter)
  if (refusal !== undefined) return out('filtered', refusal)
  if (Object.keys(signals).length === 0) {
    if (problem !== undefined) return out('malformed', problem)
    if (unsupported.length > 0)
      return out('unsupported', `only has ${unsupported.join(', ')}, which nothing here matches`)
    return record.signals.length > 0
      ? out('filtered', 'the filter leaves out all of its hashes')
      : out('malformed', 'it has no hash')
  }

  const status = known?.entryId == null || known.state !== 'live' ? undefined : context.statusOf.get(known.entryId)
  const standing: Planned = {
    outcome: 'unchanged',
    because: 'the same as before',
    signals,
    labels,
    unsupported,
    record: row('live', known?.entryId ?? null),
    entries: [],
  }
  if (status === 'retired') return { ...standing, because: 'its entry was retired here' }
  if (status !== undefined && known!.contentHash === contentHash) return standing
  // What people hold back stays held back when only its labels change over there.
  if (status === 'quarantined' && known!.contentHash.startsWith(`${signalsHash(signals)}.`))
    return {
      ...standing,
      because: 'its entry is held back here',
      record: { ...standing.record, contentHash: known!.contentHash },
    }
  // The same content under other labels stays the same entry, with its record.
  if (status === 'active' && known!.contentHash.startsWith(`${signalsHash(signals)}.`)) {
    const because = `labelled anew by ${exchange.name}${ownerText}`
    const body = {
      bankId: exchange.bankId,
      entryId: known!.entryId!,
      labels,
      exchange: originOf(exchange, record, context.nowMs),
    }
    return {
      ...standing,
      outcome: 'changed',
      because,
      entries: [entryOf('bank.entry_edited', exchange, context.nowMs, because, body)],
    }
  }
  const entryId = context.newId()
  return {
    ...standing,
    outcome: status === undefined ? 'added' : 'changed',
    because: status === undefined ? `new${ownerText}` : `changed there${ownerText}`,
    record: { ...row('live', entryId), seenQueued: false, opinionQueued: null },
    entries: [
      ...(known === undefined
        ? []
        : retirement(exchange, known, `changed by ${exchange.name}; entry ${entryId} replaces it`, context)),
      entryOf('bank.entry_added', exchange, context.nowMs, '', {
        bankId: exchange.bankId,
        entryId,
        signals,
        ...(record.quality === undefined ? {} : { quality: record.quality }),
        ...(signals.text === undefined ? {} : { text: signals.text }),
        labels,
        source: exchange.name,
        exchange: originOf(exchange, record, context.nowMs),
      }),
    ],
  }
}

/** Where an entry comes from, as its record says. */
function originOf(
  exchange: Pick<Exchange, 'exchangeId' | 'name'>,
  record: UpstreamRecord,
  fetchedMs: number,
): Record<string, unknown> {
  return {
    exchangeId: exchange.exchangeId,
    name: exchange.name,
    fetchedMs,
    externalId: record.externalId,
    ...(record.owner === undefined ? {} : { owner: record.owner.id }),
    ...(record.owner?.name === undefined ? {} : { ownerName: record.owner.name }),
    tags: record.tags.slice(0, labelsMax),
  }
}

const bulkMax = 1_000

/** The ledger entries of a page: retirements and edits first, then everything new, up to 1,000 in one entry. */
export function entriesOfPlan(
  exchange: Pick<Exchange, 'exchangeId' | 'bankId'>,
  planned: readonly Planned[],
  nowMs: number,
): NewEntry[] {
  const all = planned.flatMap(({ entries }) => entries)
  const added = all.flatMap((entry) => {
    if (entry.kind !== 'bank.entry_added') return []
    const { bankId: _bankId, ...body } = entry.body
    return [body]
  })
  const bulk: NewEntry[] = []
  for (let at = 0; at < added.length; at += bulkMax) {
    const body = { bankId: exchange.bankId, entries: added.slice(at, at + bulkMax) }
    bulk.push(entryOf('bank.entries_added', exchange, nowMs, '', body))
  }
  return [...all.filter((entry) => entry.kind !== 'bank.entry_added'), ...bulk]
}

function retirement(
  exchange: Pick<Exchange, 'exchangeId' | 'name' | 'bankId'>,
  known: StoredRecord,
  because: string,
  context: Pick<PlanContext, 'nowMs' | 'statusOf'>,
): NewEntry[] {
  if (known.state !== 'live' || known.entryId === null) return []
  const status = context.statusOf.get(known.entryId)
  if (status === undefined || status === 'retired') return []
  const reason = because.slice(0, reasonLengthMax)
  const body = { bankId: known.bankId, entryId: known.entryId, reason }
  return [entryOf('bank.entry_retired', exchange, context.nowMs, reason, body)]
}

function entryOf<Kind extends 'bank.entry_added' | 'bank.entries_added' | 'bank.entry_edited' | 'bank.entry_retired'>(
  kind: Kind,
  exchange: Pick<Exchange, 'exchangeId' | 'bankId'>,
  nowMs: number,
  because: string,
  body: NewEntry<Kind>['body'],
): NewEntry {
  return {
    kind,
    subject: bankSubject(exchange.bankId),
    occurredAtMs: nowMs,
    author: { kind: 'system', part: `exchange:${exchange.exchangeId}` },
    automation: 'full',
    because: because === '' ? [] : [{ name: kind, value: exchange.exchangeId, because }],
    body,
  } as NewEntry
}

/** The signals that can be matched here, in canonical form; the first of each type. */
function readSignals(record: UpstreamRecord, wanted: readonly string[] | undefined) {
  const signals: Record<string, string> = {}
  const unsupported = new Set<string>()
  let problem: string | undefined
  for (const { type, value } of record.signals) {
    const signalType = signalTypes.find((each) => each.name === type)
    if (signalType === undefined) unsupported.add(type)
    else if (wanted === undefined || wanted.includes(type)) {
      try {
        signals[type] ??= signalType.parse(type, value)
      } catch (error) {
        problem = `its ${(error as Error).message}`
      }
    }
  }
  return { signals, unsupported: [...unsupported].sort(), problem }
}

function filterProblem(record: UpstreamRecord, filter: Filter): string | undefined {
  const { labels, withoutLabels, owners, withoutOwners, severityMin } = filter
  const has = (list: readonly string[]) => record.tags.find((tag) => list.includes(tag))
  if (labels !== undefined && labels.length > 0 && has(labels) === undefined) return 'none of its tags is wanted'
  const unwanted = withoutLabels === undefined ? undefined : has(withoutLabels)
  if (unwanted !== undefined) return `it is tagged ${unwanted}`
  const isFrom = (list: readonly string[]) =>
    record.owner !== undefined &&
    (list.includes(record.owner.id) || list.includes(record.owner.name ?? record.owner.id))
  if (owners !== undefined && owners.length > 0 && !isFrom(owners)) return 'its owner is not among those wanted'
  if (withoutOwners !== undefined && isFrom(withoutOwners)) return 'its owner is left out'
  if (severityMin !== undefined && record.severity !== undefined && record.severity < severityMin)
    return `its severity is ${record.severity}, below ${severityMin}`
  return undefined
}

/** Tags of the other side as labels here. */
export function mapTags(tags: readonly string[], map: Readonly<Record<string, string>>): string[] {
  const labels = tags.map((tag) => (Object.hasOwn(map, tag) ? map[tag]! : tag).trim().slice(0, labelLengthMax))
  return [...new Set(labels.filter((label) => label !== ''))].sort().slice(0, labelsMax)
}

const sorted = (signals: Record<string, string>) => Object.entries(signals).sort(([a], [b]) => (a < b ? -1 : 1))
const sha256 = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url')

function signalsHash(signals: Record<string, string>): string {
  return sha256(sorted(signals))
}
function hashOf(signals: Record<string, string>, labels: readonly string[], quality: number | undefined): string {
  return `${signalsHash(signals)}.${sha256([labels, quality ?? null])}`
}

/** Adds what became of planned records to the counts of a run. */
export function countPlanned(
  counts: Counts,
  unsupported: Record<string, number>,
  planned: readonly Planned[],
  received: number,
): { counts: Counts; unsupported: Record<string, number> } {
  const sum = { ...noCounts, ...counts, received: counts.received + received }
  const kinds = { ...unsupported }
  for (const one of planned) {
    sum[one.outcome]++
    for (const kind of one.unsupported) kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  return { counts: sum, unsupported: kinds }
}
