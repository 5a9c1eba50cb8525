import type { NewEntry } from '../../domain/entry.ts'
import type { Outcome } from '../../domain/error.ts'
import { uuidv7, type Clock, type RandomBytes } from '../../domain/ids.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import {
  addBankEntry,
  changeBankEntry,
  createBank,
  updateBank,
  type ChangeContext,
  type EntryChange,
} from '../../match/changes.ts'
import type { Lookup } from '../../match/lookup.ts'
import { selectBank, selectBankEntries, selectBankEntry, selectBanks } from '../../match/store.ts'
import type { MediaLibrary } from '../../media/library.ts'
import type { Database, Tx } from '../../storage/database.ts'
import { lockKeys } from '../../storage/ledger-records.ts'
import {
  changeBank,
  getBank,
  getBankEntry,
  listBankEntries,
  listBanks,
  makeBank,
  makeBankEntry,
  quarantineBankEntry,
  releaseBankEntry,
  retireBankEntry,
} from '../contract/banks.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound, problem, requireMatch } from '../problem.ts'
import type { Mount } from '../server.ts'

export type BankRouteDeps = {
  db: Database
  ledger: Ledger
  clock: Clock
  randomBytes: RandomBytes
  media: Pick<MediaLibrary, 'find'>
  lookup: Pick<Lookup, 'refresh'>
}

const pageOf = <T>(items: T[], limit: number, idOf: (item: T) => string) => ({
  items,
  next: items.length === limit ? idOf(items.at(-1)!) : null,
})
const etagOf = ({ version }: { version: number }) => `"${version}"`

/** Banks and their entries: kept by hand or by a platform, each change in the ledger. */
export function bankRoutes(mount: Mount, deps: BankRouteDeps): void {
  const { db, ledger, clock, randomBytes, media, lookup } = deps

  const contextOf = (principal: Principal): ChangeContext => ({
    author: authorOf(principal),
    nowMs: clock(),
    newId: () => uuidv7(clock(), randomBytes),
  })
  /** One change of the tenant's banks at a time: names and contents are unique. */
  const change = async <T extends { entries: NewEntry[] }>(
    tenantId: string,
    decide: (tx: Tx) => Promise<Outcome<T, string>>,
  ): Promise<T> => {
    const changed = await db.transaction(async (tx) => {
      await lockKeys(tx, [`banks:${tenantId}`])
      const outcome = await decide(tx)
      if (!outcome.ok)
        throw problem(outcome.reason.startsWith('no-such') ? 404 : 409, 'The bank was not changed', outcome.detail)
      await ledger.append(tx, tenantId, outcome.entries)
      return outcome
    })
    // Whoever asks this process next finds it.
    await lookup.refresh()
    return changed
  }
  const bankOf = async (tenantId: string, bankId: string) => {
    const bank = await selectBank(db.query, tenantId, bankId)
    if (bank === undefined) throw notFound('bank', bankId)
    return bank
  }
  const entryOf = async (tenantId: string, bankId: string, entryId: string) => {
    const entry = await selectBankEntry(db.query, tenantId, entryId)
    if (entry === undefined || entry.bankId !== bankId) throw notFound('bank entry', entryId)
    return entry
  }

  mount(listBanks, async ({ query, principal }) => {
    const limit = query.limit ?? 50
    return pageOf(
      await selectBanks(db.query, principal.tenantId, query.after ?? '', limit),
      limit,
      (bank) => bank.bankId,
    )
  })

  mount(makeBank, async ({ body, principal, reply }) => {
    const { tenantId } = principal
    const { bankId } = await change(tenantId, (tx) =>
      createBank(tx.query, tenantId, { purpose: '', action: 'review', ...body }, contextOf(principal)),
    )
    const bank = await bankOf(tenantId, bankId)
    reply.header('etag', etagOf(bank)).header('location', `/v1/banks/${bankId}`)
    return bank
  })

  mount(getBank, async ({ params, principal, reply }) => {
    const bank = await bankOf(principal.tenantId, params.bankId)
    reply.header('etag', etagOf(bank))
    return bank
  })

  mount(changeBank, async ({ params, body, principal, request, reply }) => {
    const { tenantId } = principal
    await change(tenantId, async (tx) => {
      const bank = await selectBank(tx.query, tenantId, params.bankId)
      if (bank === undefined) throw notFound('bank', params.bankId)
      requireMatch(request.headers['if-match'], etagOf(bank), 'bank')
      return updateBank(tx.query, tenantId, params.bankId, body, contextOf(principal))
    })
    const bank = await bankOf(tenantId, params.bankId)
    reply.header('etag', etagOf(bank))
    return bank
  })

  mount(listBankEntries, async ({ params, query, principal }) => {
    const { tenantId } = principal
    await bankOf(tenantId, params.bankId)
    const limit = query.limit ?? 50
    const items = await selectBankEntries(db.query, tenantId, {
      bankId: params.bankId,
      ...(query.status === undefined ? {} : { status: query.status }),
      afterId: query.after ?? '',
      limit,
    })
    return pageOf(items, limit, (entry) => entry.entryId)
  })

  mount(makeBankEntry, async ({ params, body, principal, reply }) => {
    const { tenantId } = principal
    const { upload, pdq, quality, ...rest } = body
    const stored = upload === undefined ? undefined : await media.find(tenantId, upload)
    if (upload !== undefined && stored === undefined) throw notFound('upload', upload)
    const { entryId } = await change(tenantId, (tx) =>
      addBankEntry(
        tx.query,
        tenantId,
        params.bankId,
        {
          ...rest,
          ...(stored === undefined ? {} : { media: stored }),
          ...(pdq === undefined ? {} : { pdq: { hash: pdq, ...(quality === undefined ? {} : { quality }) } }),
        },
        contextOf(principal),
      ),
    )
    const entry = await entryOf(tenantId, params.bankId, entryId)
    reply.header('etag', etagOf(entry))
    return entry
  })

  mount(getBankEntry, async ({ params, principal, reply }) => {
    const entry = await entryOf(principal.tenantId, params.bankId, params.entryId)
    reply.header('etag', etagOf(entry))
    return entry
  })

  const changes = [
    ['quarantine', quarantineBankEntry],
    ['release', releaseBankEntry],
    ['retire', retireBankEntry],
  ] as const satisfies [EntryChange, typeof quarantineBankEntry][]
  for (const [how, route] of changes)
    mount(route, async ({ params, body, principal, request, reply }) => {
      const { tenantId } = principal
      await change(tenantId, async (tx) => {
        const entry = await selectBankEntry(tx.query, tenantId, params.entryId)
        if (entry !== undefined) requireMatch(request.headers['if-match'], etagOf(entry), 'bank entry', false)
        return changeBankEntry(
          tx.query,
          tenantId,
          params.bankId,
          params.entryId,
          how,
          body.reason,
          contextOf(principal),
        )
      })
      const entry = await entryOf(tenantId, params.bankId, params.entryId)
      reply.header('etag', etagOf(entry))
      return entry
    })
}
