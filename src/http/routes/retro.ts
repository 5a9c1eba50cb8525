import { InputError } from '../../domain/error.ts'
import { applyRetro, entryOf, previewRetro, undoRetro, type RetroDeps } from '../../flows/retro.ts'
import { itemsOfHits } from '../../match/seen/items.ts'
import type { Clusters } from '../../match/seen/clusters.ts'
import { clusterDays } from '../../match/seen/clusters.ts'
import { signalTypeNamed } from '../../match/raw-signals.ts'
import { unpackSignal, withDerived } from '../../match/seen/rows.ts'
import type { SeenHit } from '../../match/seen/seen.ts'
import { countRetroOutcomes, selectRetroBatch, selectRetroBatches } from '../../storage/retro-records.ts'
import { selectSeenOf, selectSeenParts } from '../../storage/seen-records.ts'
import * as contract from '../contract/retro.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf } from '../principal.ts'
import { notFound, problem } from '../problem.ts'
import type { Mount } from '../server.ts'

export type RetroRouteDeps = RetroDeps & { clusters: Clusters }

const similarMax = 10_000

/** Past content: what a new entry finds there, what is like an item, and what came often. */
export function retroRoutes(mount: Mount, deps: RetroRouteDeps): void {
  const { query } = deps.db

  const progressOf = async (tenantId: string, batchId: string) => {
    const batch = await selectRetroBatch(query, tenantId, batchId)
    if (batch === undefined) throw notFound('batch', batchId)
    const { ledgerEntryId: _entry, ...shown } = batch
    return { ...shown, ...(await countRetroOutcomes(query, tenantId, batchId)) }
  }

  mount(contract.previewRetro, async ({ body, principal }) => {
    const { tenantId } = principal
    const { bankId, entryId, signals, quality, thresholds } = body
    if (signals !== undefined && entryId === undefined)
      return previewRetro(deps, tenantId, { signals: parsed(signals), quality: quality ?? null, thresholds })
    if (bankId === undefined || entryId === undefined || signals !== undefined)
      throw new InputError('Give bankId and entryId, or signals', [
        { field: '', problem: 'needs bankId and entryId, or signals' },
      ])
    const found = await entryOf(deps, tenantId, bankId, entryId)
    if (!found.ok) throw problem(404, 'No such entry', found.detail)
    return previewRetro(deps, tenantId, { ...found.entry, thresholds: { ...found.thresholds, ...thresholds } })
  })

  mount(contract.applyRetro, async ({ body, principal }) => {
    const { tenantId } = principal
    if (body.route !== 'review' && body.violation !== undefined && !principal.scopes.has('decisions:write'))
      throw problem(403, 'Not allowed', 'To decide at once needs the scope "decisions:write"; ask for route "review".')
    const applied = await applyRetro(deps, tenantId, { ...body, author: authorOf(principal) })
    if (!applied.ok)
      throw problem(applied.reason === 'no-such-entry' ? 404 : 409, 'The entry was not applied', applied.detail)
    return progressOf(tenantId, applied.batchId)
  })

  mount(contract.listRetro, async ({ query: asked, principal }) => {
    const limit = asked.limit ?? 50
    const { bankId, entryId, after: before } = asked
    const batches = await selectRetroBatches(query, principal.tenantId, { bankId, entryId, before, limit: limit + 1 })
    const items = batches.slice(0, limit).map(({ ledgerEntryId: _entry, ...shown }) => shown)
    return { items, next: batches.length > limit ? items.at(-1)!.batchId : null }
  })

  mount(contract.getRetro, ({ params, principal }) => progressOf(principal.tenantId, params.batchId))

  mount(contract.undoRetro, async ({ params, body, principal }) => {
    const { tenantId } = principal
    const undone = await undoRetro(deps, tenantId, { ...params, ...body, author: authorOf(principal) })
    if (!undone.ok)
      throw problem(undone.reason === 'no-such-batch' ? 404 : 409, 'The batch was not taken back', undone.detail)
    return progressOf(tenantId, params.batchId)
  })

  mount(contract.findSimilar, async ({ body, principal }) => {
    const { tenantId } = principal
    const { eventId, itemId, signals, types, thresholds } = body
    if ([eventId, itemId, signals].filter((one) => one !== undefined).length !== 1)
      throw new InputError('Give exactly one of eventId, itemId and signals', [
        { field: '', problem: 'needs exactly one of eventId, itemId and signals', limit: 1 },
      ])
    const asked = signals === undefined ? await kept(tenantId, { eventId, itemId }) : [parsed(signals)]
    const nearest = new Map<number, SeenHit>()
    let complete = true
    for (const one of asked) {
      const found = await deps.seen.find(tenantId, one, { types, thresholds, limit: similarMax })
      complete &&= found.complete
      for (const hit of found.hits)
        if (hit.similarity > (nearest.get(hit.seq)?.similarity ?? -1)) nearest.set(hit.seq, hit)
    }
    const hits = [...nearest.values()].sort((a, b) => b.similarity - a.similarity || b.seq - a.seq).slice(0, similarMax)
    const items = (await itemsOfHits(query, tenantId, hits)).filter(
      (item) => item.eventId !== eventId && item.itemId !== itemId,
    )
    const limit = body.limit ?? 50
    // By its last item, not by a count: what came meanwhile moves no page.
    const [similarity, last] = body.after === undefined ? [] : decodeCursor(body.after, 2)
    const at = items.findIndex((item) => item.itemId === last)
    const below = items.findIndex((item) => item.similarity < Number(similarity))
    const from = last === undefined ? 0 : at >= 0 ? at + 1 : below >= 0 ? below : items.length
    const page = items.slice(from, from + limit)
    const end = page.at(-1)
    return {
      items: page,
      next:
        end !== undefined && from + limit < items.length ? encodeCursor([String(end.similarity), end.itemId]) : null,
      complete,
    }
  })

  /** What is kept of an item, as sets of signals without two of one type. */
  const kept = async (tenantId: string, of: { eventId?: string; itemId?: string }) => {
    const rows = await selectSeenOf(
      query,
      tenantId,
      of.eventId === undefined ? { itemId: of.itemId! } : { eventId: of.eventId },
    )
    if (rows.length === 0)
      throw notFound(of.eventId === undefined ? 'kept item' : 'kept event', of.eventId ?? of.itemId!)
    const parts = new Map<string, Record<string, string>>()
    for (const { part, type, signal } of rows)
      parts.set(part, { ...parts.get(part), ...withDerived(type, unpackSignal(type, signal)) })
    return [...parts.values()]
  }

  mount(contract.listClusters, async ({ query: asked, principal }) => {
    const { tenantId } = principal
    const nowMs = deps.clock()
    const { type = 'pdq', sinceMs = nowMs - 86_400_000, untilMs = nowMs + 1, partsMin = 2, limit = 20 } = asked
    signalTypeNamed('type', type)
    if (sinceMs >= untilMs || sinceMs < nowMs - clusterDays * 86_400_000)
      throw new InputError('The period is not known', [
        {
          field: 'sinceMs',
          problem: `must be before untilMs and within the last ${clusterDays} days`,
          value: String(sinceMs),
          limit: clusterDays,
        },
      ])
    const known = await deps.clusters.biggest(tenantId, { type, sinceMs, untilMs, partsMin, limit })
    const rows = await selectSeenParts(
      query,
      tenantId,
      known.clusters.flatMap(({ seqs }) => seqs),
    )
    const bySeq = new Map(rows.map((row) => [row.seq, row]))
    return {
      clusters: known.clusters.map(({ seqs, ...cluster }) => ({
        ...cluster,
        sample: seqs.flatMap((seq) => {
          const row = bySeq.get(seq)
          if (row === undefined) return []
          const { itemId, eventId, actorId, part, occurredAtMs } = row
          return [{ itemId, eventId, actorId, part, occurredAtMs }]
        }),
      })),
      sinceMs,
      untilMs,
      knownSinceMs: known.sinceMs,
    }
  })
}

function parsed(signals: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(signals).map(([name, signal]) => [
      name,
      signalTypeNamed(`signals.${name.slice(0, 100)}`, name).parse(`signals.${name}`, signal),
    ]),
  )
}
