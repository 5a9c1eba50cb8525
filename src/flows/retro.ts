import type { Author, Severity } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { uuidv7 } from '../domain/ids.ts'
import type { MatchSettings } from '../domain/settings.ts'
import type { BankEntry } from '../match/bank.ts'
import { bankSubject } from '../match/changes.ts'
import { itemsOfHits, statesOf, type ItemState, type SeenItem } from '../match/seen/items.ts'
import type { Seen } from '../match/seen/seen.ts'
import { selectBank, selectBankEntry } from '../match/store.ts'
import type { Database } from '../storage/database.ts'
import {
  insertRetroBatch,
  lockRetroBatch,
  selectRetroBatches,
  updateRetroBatch,
  type RetroBatch,
} from '../storage/retro-records.ts'
import { scheduleTimer } from '../storage/timers.ts'
import type { EnforceDeps } from './enforce.ts'

export type RetroDeps = EnforceDeps & {
  db: Database
  seen: Seen
  settings: (tenantId: string) => MatchSettings
}

/** What a set of signals finds among past items, before anything is done. */
export type RetroPreview = {
  items: number
  /** False when there are more than the limit; the items are then the nearest. */
  complete: boolean
  limit: number
  /** Items by day (UTC), oldest first. */
  byDay: { day: string; items: number }[]
  byState: Record<ItemState, number>
  bySignalType: Record<string, number>
  sample: (SeenItem & { state: ItemState })[]
}

type Searched = {
  signals: Readonly<Record<string, string>>
  quality?: number | null
  thresholds?: Record<string, number>
}
const sampleItems = 20
const noStates: Record<ItemState, number> = { removed: 0, waiting: 0, decided: 0, untouched: 0 }

/** What an entry, or signals that are in no bank yet, would find; nothing is changed. */
export async function previewRetro(deps: RetroDeps, tenantId: string, searched: Searched): Promise<RetroPreview> {
  const { items, complete, limit } = await findItems(deps, tenantId, searched)
  const stateOf = await statesOf(deps.db.query, tenantId, items)
  const count = (keys: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
    return counts
  }
  const byDay = count(items.map(({ occurredAtMs }) => new Date(occurredAtMs).toISOString().slice(0, 10)))
  return {
    items: items.length,
    complete,
    limit,
    byDay: Object.entries(byDay)
      .map(([day, found]) => ({ day, items: found }))
      .sort((a, b) => (a.day < b.day ? -1 : 1)),
    byState: { ...noStates, ...count(items.map(({ itemId }) => stateOf(itemId))) },
    bySignalType: count(items.map(({ type }) => type)),
    sample: items.slice(0, sampleItems).map((item) => ({ ...item, state: stateOf(item.itemId) })),
  }
}

/** Past items that signals find, nearest first, up to what the tenant allows at once. */
export async function findItems(deps: RetroDeps, tenantId: string, { signals, quality, thresholds }: Searched) {
  const limit = deps.settings(tenantId).retroItemsMax
  const { hits, complete } = await deps.seen.find(tenantId, signals, { thresholds, quality, limit })
  return { items: await itemsOfHits(deps.db.query, tenantId, hits), complete, limit }
}

export type ApplyInput = {
  bankId: string
  entryId: string
  /** Which rule of the policy past items break; without it, jobs ask a person. */
  violation?: string
  severity?: Severity
  /** What the bank's action says where missing: `auto` for banks that remove. */
  route?: 'review' | 'auto'
  author: Author
  /** Of what asks for it; what asked once already is refused. */
  effectKey?: string
}
export type ApplyRefusal =
  | 'no-such-entry'
  | 'not-active'
  | 'too-many'
  | 'nothing-found'
  | 'running'
  | 'needs-violation'
  | 'done-before'

/**
 * Applies an entry to everything past that it matches: one batch, whose proposals or jobs are then made step by step and
 * survive a restart. Refused beyond the tenant's limit, and while another batch of the same entry runs.
 */
export async function applyRetro(
  deps: RetroDeps,
  tenantId: string,
  input: ApplyInput,
): Promise<Outcome<{ batchId: string; items: number }, ApplyRefusal>> {
  const { bankId, entryId, violation, severity, author } = input
  const searched = await entryOf(deps, tenantId, bankId, entryId)
  if (!searched.ok) return searched
  const { entry, thresholds, action } = searched
  if (entry.status !== 'active')
    return {
      ok: false,
      reason: 'not-active',
      detail: `Entry ${entryId} is ${entry.status}; only active entries apply.`,
    }
  const route = input.route ?? (action === 'remove' && violation !== undefined ? 'auto' : 'review')
  if (route === 'auto' && violation === undefined)
    return { ok: false, reason: 'needs-violation', detail: 'Nothing is decided without saying which violation it is.' }
  const { items, complete, limit } = await findItems(deps, tenantId, { ...entry, thresholds })
  if (!complete)
    return {
      ok: false,
      reason: 'too-many',
      detail: `Entry ${entryId} matches more than ${limit} past items, the most that may be applied at once. Look at the entry again: what matches so much is seldom one piece of content.`,
    }
  if (items.length === 0)
    return { ok: false, reason: 'nothing-found', detail: `Entry ${entryId} matches nothing that is kept of the past.` }
  return deps.db.transaction(async (tx) => {
    const running = await selectRetroBatches(tx.query, tenantId, { entryId, limit: 20 })
    if (running.some(({ state }) => state === 'applying' || state === 'undoing'))
      return { ok: false, reason: 'running', detail: `Another batch of entry ${entryId} is still running.` }
    const nowMs = deps.clock()
    const batchId = uuidv7(nowMs, deps.randomBytes)
    const [begun] = await deps.ledger.append(tx, tenantId, [
      {
        kind: 'retro.applied',
        subject: bankSubject(bankId),
        occurredAtMs: nowMs,
        author,
        automation: author.kind === 'person' ? 'none' : 'full',
        because: [
          { name: 'match.retro', value: items.length, because: `${items.length} past items match entry ${entryId}` },
        ],
        body: {
          batchId,
          bankId,
          entryId,
          items: items.length,
          route,
          ...(violation === undefined ? {} : { violation }),
          ...(severity === undefined ? {} : { severity }),
        },
        ...(input.effectKey === undefined ? {} : { effectKey: input.effectKey }),
      },
    ])
    if (begun === undefined)
      return { ok: false, reason: 'done-before', detail: `Entry ${entryId} was applied by the same request before.` }
    await insertRetroBatch(
      tx,
      tenantId,
      {
        batchId,
        bankId,
        entryId,
        ledgerEntryId: begun.id,
        violation: violation ?? null,
        severity: severity ?? null,
        route,
        author,
        createdMs: nowMs,
      },
      items.map((item) => ({ ...item, transformation: item.transformation ?? null })),
    )
    await scheduleTimer(tx, { tenantId, kind: 'retro', key: `${batchId}|0`, dueMs: nowMs, body: { batchId } })
    return { ok: true, batchId, items: items.length }
  })
}

/** The entry with the thresholds and action of its bank. */
export async function entryOf(
  deps: Pick<RetroDeps, 'db'>,
  tenantId: string,
  bankId: string,
  entryId: string,
): Promise<Outcome<{ entry: BankEntry; thresholds: Record<string, number>; action: string }, 'no-such-entry'>> {
  const [bank, entry] = await Promise.all([
    selectBank(deps.db.query, tenantId, bankId),
    selectBankEntry(deps.db.query, tenantId, entryId),
  ])
  if (bank === undefined || entry === undefined || entry.bankId !== bankId)
    return { ok: false, reason: 'no-such-entry', detail: `There is no entry ${entryId} in bank ${bankId}.` }
  return { ok: true, entry, thresholds: bank.thresholds, action: bank.action }
}

/**
 * Takes a batch back, in one step: open proposals and jobs are withdrawn and automatic decisions reversed, one after
 * the other; what a person decided in the meantime stays. A batch that is still applied stops first.
 */
export function undoRetro(
  deps: RetroDeps,
  tenantId: string,
  input: { batchId: string; reason: string; author: Author },
): Promise<Outcome<{ batch: RetroBatch }, 'no-such-batch' | 'already-undone'>> {
  const { batchId, reason, author } = input
  return deps.db.transaction(async (tx) => {
    const batch = await lockRetroBatch(tx, tenantId, batchId)
    if (batch === undefined)
      return { ok: false, reason: 'no-such-batch', detail: `There is no batch ${batchId.slice(0, 100)} here.` }
    if (batch.state === 'undoing' || batch.state === 'undone')
      return { ok: false, reason: 'already-undone', detail: `Batch ${batchId} is ${batch.state} already.` }
    const nowMs = deps.clock()
    const { bankId, entryId, items } = batch
    await deps.ledger.append(tx, tenantId, [
      {
        kind: 'retro.undone',
        subject: bankSubject(bankId),
        occurredAtMs: nowMs,
        cause: batch.ledgerEntryId,
        author,
        automation: author.kind === 'person' ? 'none' : 'full',
        because: [{ name: 'reason', value: reason, because: reason }],
        body: { batchId, bankId, entryId, items, reason },
      },
    ])
    await updateRetroBatch(tx, tenantId, batchId, { state: 'undoing', nowMs, undoAuthor: author, undoReason: reason })
    await scheduleTimer(tx, { tenantId, kind: 'retro', key: `${batchId}|undo`, dueMs: nowMs, body: { batchId } })
    return { ok: true, batch: { ...batch, state: 'undoing' } }
  })
}
