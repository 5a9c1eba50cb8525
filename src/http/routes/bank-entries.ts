import type { NewEntry } from '../../domain/entry.ts'
import type { Outcome } from '../../domain/error.ts'
import { entryById } from '../../ledger/read.ts'
import { addBankEntry, changeBankEntry, type EntryChange } from '../../match/changes.ts'
import { signalsOf } from '../../match/checks.ts'
import {
  editBankEntry as edit,
  judgeBankEntry,
  mergeBankEntries as merge,
  moveBankEntry as move,
  undoBankMerge,
} from '../../match/entries/changes.ts'
import { countEntriesBy, selectEntriesBy, selectHistory, selectOpinions } from '../../match/entries/store.ts'
import { selectTeamVerdicts } from '../../match/team-verdicts/store.ts'
import { nearEntries } from '../../match/hygiene/near.ts'
import type { PastMatches } from '../../match/hygiene/past.ts'
import { selectBankEntry } from '../../match/store.ts'
import type { Tx } from '../../storage/database.ts'
import * as contract from '../contract/banks.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import type { Principal } from '../principal.ts'
import { requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'
import { bankWork, etagOf, type BankRouteDeps } from './bank-work.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

export type BankEntryRouteDeps = BankRouteDeps & {
  /** What signals would have matched of the content that was kept as hashes; missing where nothing is kept. */
  pastMatches?: PastMatches
}

const dayMs = 86_400_000

export function bankEntryRoutes(mount: Mount, deps: BankEntryRouteDeps): void {
  const { db, clock, lookup } = deps
  const { contextOf, change, bankOf, entryOf, entryView, peerWeightOf, contentOf } = bankWork(deps)

  mount(contract.listBankEntries, async ({ params, query, principal }) => {
    const { tenantId } = principal
    await bankOf(tenantId, params.bankId)
    const { limit = 50, after, order = 'added', ...filter } = query
    const place = after === undefined ? undefined : placeOf(after)
    const { entries, last } = await selectEntriesBy(
      db.query,
      tenantId,
      { ...filter, bankId: params.bankId },
      { order, peerWeight: peerWeightOf(tenantId), ...(place === undefined ? {} : { after: place }), limit },
    )
    return {
      items: entries.map((entry) => entryView(tenantId, entry)),
      next: entries.length === limit ? encodeCursor([String(last!.value), last!.entryId]) : null,
    }
  })

  mount(contract.countBankEntries, async ({ params, query, principal }) => {
    await bankOf(principal.tenantId, params.bankId)
    return countEntriesBy(db.query, principal.tenantId, { ...query, bankId: params.bankId })
  })

  mount(contract.makeBankEntry, async ({ params, body, principal, reply }) => {
    const { tenantId } = principal
    const { upload, pdq, signals, quality, text, ...details } = body
    const content = await contentOf(tenantId, { upload, pdq, signals, quality, text })
    const made = signalsOf(content)
    await bankOf(tenantId, params.bankId)
    const near = (await nearEntries(lookup, tenantId, made.signals)).filter((one) => one.bankId === params.bankId)
    const { entryId } = await change(tenantId, (tx) =>
      addBankEntry(tx.query, tenantId, params.bankId, { ...details, ...content }, contextOf(principal)),
    )
    const entry = await entryOf(tenantId, params.bankId, entryId)
    reply.header('etag', etagOf(entry))
    return { ...entryView(tenantId, entry), near }
  })

  mount(contract.getBankEntry, async ({ params, principal, reply }) => {
    const entry = await entryOf(principal.tenantId, params.bankId, params.entryId)
    reply.header('etag', etagOf(entry))
    return entryView(principal.tenantId, entry)
  })

  /** Changes one entry when it is still as the caller saw it, and answers it as it is then. */
  const changeEntry = async (
    at: {
      params: { bankId: string; entryId: string }
      principal: Principal
      request: FastifyRequest
      reply: FastifyReply
    },
    decide: (tx: Tx) => Promise<Outcome<{ entries: NewEntry[] }, string>>,
    options: { needsMatch?: boolean; toBankId?: string } = {},
  ) => {
    const { tenantId } = at.principal
    const { bankId, entryId } = at.params
    await change(tenantId, async (tx) => {
      const entry = await selectBankEntry(tx.query, tenantId, entryId)
      if (entry !== undefined && entry.bankId === bankId)
        requireMatch(at.request.headers['if-match'], etagOf(entry), 'bank entry', options.needsMatch === true)
      return decide(tx)
    })
    const entry = await entryOf(tenantId, options.toBankId ?? bankId, entryId)
    at.reply.header('etag', etagOf(entry))
    return entryView(tenantId, entry)
  }

  mount(contract.editBankEntry, (at) =>
    changeEntry(
      at,
      (tx) =>
        edit(tx.query, at.principal.tenantId, at.params.bankId, at.params.entryId, at.body, contextOf(at.principal)),
      { needsMatch: true },
    ),
  )

  mount(contract.moveBankEntry, (at) => {
    const { toBankId, reason = '' } = at.body
    const { bankId, entryId } = at.params
    return changeEntry(
      at,
      (tx) => move(tx.query, at.principal.tenantId, bankId, entryId, { toBankId, reason }, contextOf(at.principal)),
      { toBankId },
    )
  })

  const changes = [
    ['release', contract.releaseBankEntry],
    ['retire', contract.retireBankEntry],
    ['go-live', contract.goLiveBankEntry],
    ['quarantine', contract.quarantineBankEntry],
  ] as const satisfies [EntryChange, unknown][]
  for (const [how, route] of changes)
    mount(route as typeof contract.quarantineBankEntry, (at) => {
      const { bankId, entryId } = at.params
      const { reason = '', hold } = at.body as { reason?: string; hold?: 'silent' | 'review' }
      return changeEntry(at, (tx) =>
        changeBankEntry(tx.query, at.principal.tenantId, bankId, entryId, how, reason, contextOf(at.principal), hold),
      )
    })

  const opinions = [
    ['confirmed', contract.confirmBankEntry],
    ['disputed', contract.disputeBankEntry],
  ] as const
  for (const [opinion, route] of opinions)
    mount(route as typeof contract.disputeBankEntry, (at) => {
      const { bankId, entryId } = at.params
      const { reason = '' } = at.body as { reason?: string }
      return changeEntry(at, (tx) =>
        judgeBankEntry(tx.query, at.principal.tenantId, bankId, entryId, opinion, reason, contextOf(at.principal)),
      )
    })

  mount(contract.entryHistory, async ({ params, query, principal }) => {
    const { tenantId } = principal
    await entryOf(tenantId, params.bankId, params.entryId)
    const { limit = 50, after } = query
    const beforeOrdinal = after === undefined ? undefined : Number(decodeCursor(after, 1)[0])
    const told = await selectHistory(db.query, tenantId, params.entryId, {
      ...(beforeOrdinal === undefined || Number.isNaN(beforeOrdinal) ? {} : { beforeOrdinal }),
      limit,
    })
    const items = await Promise.all(
      told.map(async ({ id }) => {
        const entry = (await entryById(db.query, tenantId, id))!
        // One entry of the ledger may have added a thousand.
        if (entry.kind !== 'bank.entries_added') return entry
        const { entries, ...body } = entry.body
        return { ...entry, body: { ...body, entries: entries.filter((one) => one.entryId === params.entryId) } }
      }),
    )
    return { items, next: told.length === limit ? encodeCursor([String(told.at(-1)!.ordinal)]) : null }
  })

  mount(contract.entryOpinions, async ({ params, principal }) => {
    await entryOf(principal.tenantId, params.bankId, params.entryId)
    const [items, teams] = await Promise.all([
      selectOpinions(db.query, principal.tenantId, params.entryId),
      selectTeamVerdicts(db.query, principal.tenantId, params.entryId),
    ])
    return { items, teams }
  })

  const preview = async (
    tenantId: string,
    signals: Record<string, string>,
    { days = 30, limit = 20 }: { days?: number; limit?: number },
    entryId?: string,
  ): Promise<contract.PastMatches> => {
    const sinceMs = clock() - days * dayMs
    const near = (await nearEntries(lookup, tenantId, signals)).filter((one) => one.entryId !== entryId)
    if (deps.pastMatches === undefined) return { available: false, sinceMs, count: 0, perDay: [], sample: [], near }
    const past = await deps.pastMatches(tenantId, signals, { sinceMs, limit })
    return { available: true, sinceMs, ...past, near }
  }
  mount(contract.previewNewEntry, async ({ params, query, body, principal }) => {
    await bankOf(principal.tenantId, params.bankId)
    const { signals } = signalsOf(await contentOf(principal.tenantId, body))
    return preview(principal.tenantId, signals, query)
  })
  mount(contract.previewBankEntry, async ({ params, query, principal }) => {
    const { signals } = await entryOf(principal.tenantId, params.bankId, params.entryId)
    return preview(principal.tenantId, signals, query, params.entryId)
  })

  mount(contract.mergeBankEntries, async ({ params, body, principal }) => {
    const { tenantId } = principal
    const { keep, retire, reason = '' } = body
    const { mergeId } = await change(tenantId, (tx) =>
      merge(tx.query, tenantId, params.bankId, { keep, retire, reason }, contextOf(principal)),
    )
    return { mergeId, kept: entryView(tenantId, await entryOf(tenantId, params.bankId, keep)) }
  })
  mount(contract.undoMerge, async ({ params, body, principal }) => {
    const { tenantId } = principal
    const { bankId, mergeId } = params
    const { keptId } = await change(tenantId, (tx) =>
      undoBankMerge(tx.query, tenantId, bankId, mergeId, body.reason ?? '', contextOf(principal)),
    )
    return { mergeId, kept: entryView(tenantId, await entryOf(tenantId, bankId, keptId)) }
  })
}

function placeOf(after: string): { value: number; entryId: string } {
  // Cursors of before entries had orders were ids.
  if (/^[0-9a-f]{8}-/.test(after)) return { value: 0, entryId: after }
  const [value, entryId] = decodeCursor(after, 2) as [string, string]
  return { value: Number.isFinite(Number(value)) ? Number(value) : 0, entryId }
}
