import type { NewEntry } from '../../domain/entry.ts'
import type { Outcome } from '../../domain/error.ts'
import { uuidv7 } from '../../domain/ids.ts'
import { disabledForGood, disableUntil, enabled } from '../../flows/hma.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { unsampled, type Bank, type BankEntry } from '../../match/bank.ts'
import { bankSubject, changeBankEntry, createBank, updateBank, type ChangeContext } from '../../match/changes.ts'
import { selectExchange, selectRecordOfEntry } from '../../match/exchange/store.ts'
import { cancelImportsOf } from '../../match/imports/store.ts'
import type { Lookup } from '../../match/lookup.ts'
import {
  selectBankEntries,
  selectBankEntriesById,
  selectBankEntry,
  selectBankNamed,
  selectBanks,
} from '../../match/store.ts'
import type { Tx } from '../../storage/database.ts'
import * as rows from '../../storage/hma.ts'
import { lockKeys } from '../../storage/ledger-records.ts'
import * as contract from '../contract/hma.ts'
import { hmaMount, isYes, objectOf, refuse, theirName, typeNamed } from '../hma.ts'
import { authorOf, type Principal } from '../principal.ts'
import type { Mount } from '../server.ts'
import { hashForm, hashUrl, type HmaMatchDeps } from './hma.ts'
import { isForm } from './upload-body.ts'

export type HmaBankDeps = HmaMatchDeps & { ledger: Ledger; lookup: Pick<Lookup, 'lookup' | 'banks' | 'refresh'> }

const namePattern = /^[A-Z_][A-Z0-9_]*$/
const noteLengthMax = 255
const bulkMax = 1_000
const pageMax = 1_000
const fiveYearsS = 5 * 365 * 86_400
const retirePage = 1_000
const banksMax = 10_000

type BankParams = { bankName: string }
type ContentParams = BankParams & { contentId: string }

/** Banks and their content under /hma. */
export function hmaBankRoutes(mount: Mount, deps: HmaBankDeps): void {
  const { db, ledger, clock, randomBytes, lookup } = deps
  const on = hmaMount(mount)

  const contextOf = (principal: Principal): ChangeContext => ({
    author: authorOf(principal),
    nowMs: clock(),
    newId: () => uuidv7(clock(), randomBytes),
  })
  const apply = async <T extends { entries: NewEntry[] }>(
    tx: Tx,
    tenantId: string,
    changed: Outcome<T, string>,
    status: number,
  ): Promise<T> => {
    if (!changed.ok) throw refuse(status, changed.detail)
    await ledger.append(tx, tenantId, changed.entries)
    return changed
  }
  const locked = async <T>(tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T> => {
    const done = await db.transaction(async (tx) => {
      await lockKeys(tx, [`banks:${tenantId}`])
      return work(tx)
    })
    await lookup.refresh()
    return done
  }
  const viewOf = (bank: Pick<Bank, 'name' | 'sampling'>) => ({
    name: bank.name,
    matching_enabled_ratio: bank.sampling.trafficShare,
  })
  const bankOf = async (tenantId: string, name: string): Promise<Bank> => {
    const bank = await selectBankNamed(db.query, tenantId, name)
    const gone = await rows.selectGoneBanks(db.query, tenantId)
    if (bank === undefined || gone.has(bank.bankId)) throw refuse(404, `bank '${name.slice(0, 200)}' not found`)
    return bank
  }
  const checkName = (name: unknown): string => {
    if (typeof name !== 'string' || !namePattern.test(name) || name.length > 200)
      throw refuse(400, 'Bank names must be UPPER_WITH_UNDERSCORE')
    return name
  }
  const ratioIn = (body: Record<string, unknown>): number | undefined => {
    const ratio = body.enabled_ratio ?? (typeof body.enabled === 'boolean' ? Number(body.enabled) : undefined)
    if (ratio === undefined || ratio === null) return undefined
    if (typeof ratio !== 'number' || !(ratio >= 0 && ratio <= 1))
      throw refuse(400, 'enabled_ratio must be a number from 0 to 1')
    return ratio
  }

  on(contract.hmaBanks, async ({ principal }) => {
    const gone = await rows.selectGoneBanks(db.query, principal.tenantId)
    const banks = await selectBanks(db.query, principal.tenantId, '', banksMax)
    return banks.filter((bank) => !gone.has(bank.bankId)).map(viewOf)
  })
  on(contract.hmaBank, async ({ params, principal }) =>
    viewOf(await bankOf(principal.tenantId, (params as BankParams).bankName)),
  )
  on(contract.hmaMakeBank, async ({ request, principal }) => {
    const { tenantId } = principal
    const body = objectOf(request)
    if (body.name === undefined) throw refuse(422, 'name is required')
    const name = checkName(body.name)
    const ratio = ratioIn(body) ?? 1
    return locked(tenantId, async (tx) => {
      const sampling = { ...unsampled, trafficShare: ratio }
      const bank = { name, purpose: '', action: 'review', sampling }
      await apply(tx, tenantId, await createBank(tx.query, tenantId, bank, contextOf(principal)), 403)
      return { name, matching_enabled_ratio: ratio }
    })
  })
  on(contract.hmaChangeBank, async ({ params, request, principal }) => {
    const { tenantId } = principal
    const body = objectOf(request)
    const bank = await bankOf(tenantId, (params as BankParams).bankName)
    const ratio = ratioIn(body)
    const name = body.name === undefined || body.name === null ? bank.name : checkName(body.name)
    return locked(tenantId, async (tx) => {
      const sampling = ratio === undefined ? bank.sampling : { ...bank.sampling, trafficShare: ratio }
      if (name !== bank.name || ratio !== undefined)
        await apply(
          tx,
          tenantId,
          await updateBank(tx.query, tenantId, bank.bankId, { name, sampling }, contextOf(principal)),
          403,
        )
      return viewOf({ name, sampling })
    })
  })
  on(contract.hmaDeleteBank, async ({ params, principal }) => {
    const { tenantId } = principal
    const bank = await selectBankNamed(db.query, tenantId, (params as BankParams).bankName)
    if (bank === undefined) return { message: 'Done' }
    // Out of sight first: then nothing of it matches, however long the rest takes.
    await locked(tenantId, async (tx) => {
      await rows.insertGoneBank(tx, tenantId, bank.bankId)
      const name = `${bank.name.slice(0, 150)} (deleted ${bank.bankId})`
      const off = { name, enabled: false }
      await apply(tx, tenantId, await updateBank(tx.query, tenantId, bank.bankId, off, contextOf(principal)), 403)
      await cancelImportsOf(tx, tenantId, bank.bankId, clock())
    })
    for (const status of ['active', 'quarantined'] as const)
      for (;;) {
        const page = await selectBankEntries(db.query, tenantId, {
          bankId: bank.bankId,
          status,
          afterId: '',
          limit: retirePage,
        })
        if (page.length === 0) break
        await locked(tenantId, async (tx) => {
          for (const entry of page) await retire(tx, principal, entry, 'its bank was deleted')
        })
      }
    return { message: 'Done' }
  })

  const retire = async (tx: Tx, principal: Principal, entry: BankEntry, reason: string): Promise<boolean> => {
    const { tenantId } = principal
    const { bankId, entryId } = entry
    const changed = await changeBankEntry(tx.query, tenantId, bankId, entryId, 'retire', reason, contextOf(principal))
    if (changed.ok) await ledger.append(tx, tenantId, changed.entries)
    return changed.ok
  }

  /** New content of signals, several at once; answers the numbers in their order. */
  const add = async (
    principal: Principal,
    bank: Bank,
    all: {
      signals: Record<string, string>
      quality?: number | undefined
      metadata?: object | undefined
      note?: string | undefined
    }[],
  ): Promise<number[]> => {
    const { tenantId } = principal
    return locked(tenantId, async (tx) => {
      const ids = all.map(() => uuidv7(clock(), randomBytes))
      const entries = all.map(({ signals, quality, note }, index): NewEntry => ({
        kind: 'bank.entry_added',
        subject: bankSubject(bank.bankId),
        occurredAtMs: clock(),
        author: authorOf(principal),
        automation: 'none',
        because: [],
        body: {
          bankId: bank.bankId,
          entryId: ids[index]!,
          signals,
          ...(quality === undefined ? {} : { quality }),
          ...(signals.text === undefined ? {} : { text: signals.text }),
          labels: [],
          source: 'hma',
          ...(note === undefined ? {} : { note }),
        },
      }))
      await ledger.append(tx, tenantId, entries)
      const numbers = await rows.upsertContentIds(tx, tenantId, ids)
      for (const [index, { metadata, note }] of all.entries())
        if (metadata !== undefined || note !== undefined)
          await rows.updateContent(tx, tenantId, numbers.get(ids[index]!)!, {
            ...(metadata === undefined ? {} : { metadata: metadata as Record<string, unknown> }),
            ...(note === undefined ? {} : { note }),
          })
      return ids.map((id) => numbers.get(id)!)
    })
  }

  on(contract.hmaAddContent, async ({ params, query, request, principal }) => {
    const { tenantId } = principal
    const bank = await bankOf(tenantId, (params as BankParams).bankName)
    const { url, types } = query as { url?: string; types?: string }
    const form = isForm(request)
    const body = form ? {} : objectOf(request, false)
    if (!url && !form) throw refuse(400, 'Neither `url` nor multipart file upload was received')
    const metadata = metadataIn(body.metadata)
    const note = noteIn(body.note)
    const made = url
      ? await hashUrl(deps, tenantId, query as { url: string })
      : await hashForm(deps, tenantId, request, types)
    const signals = Object.fromEntries(
      [...made.hashes].filter(([, hash]) => hash !== '').map(([type, hash]) => [type.name, hash]),
    )
    if (Object.keys(signals).length === 0) throw refuse(400, 'No signals given')
    const [id] = await add(principal, bank, [
      { signals, metadata, note, ...(signals.pdq === undefined ? {} : { quality: made.quality }) },
    ])
    return { id: id!, signals: theirs(signals) }
  })

  on(contract.hmaAddSignal, async ({ params, request, principal }) => {
    const bank = await bankOf(principal.tenantId, (params as BankParams).bankName)
    const many = Array.isArray(request.body)
    const list = many ? (request.body as unknown[]) : [objectOf(request)]
    if (list.length > bulkMax) throw refuse(400, `At most ${bulkMax} at once`)
    const all = list.map((one) => {
      if (typeof one !== 'object' || one === null || Array.isArray(one)) throw refuse(400, 'Each must be a JSON object')
      const { note, ...given } = one as Record<string, unknown>
      if (Object.keys(given).length === 0) throw refuse(400, 'No signals given')
      const signals: Record<string, string> = {}
      for (const [name, value] of Object.entries(given)) {
        const type = typeNamed(name)
        if (type === undefined) throw refuse(400, `No such signal type ${name.slice(0, 100)}`)
        try {
          signals[type.name] = type.parse(name, String(value))
        } catch (error) {
          throw refuse(400, `Invalid ${name.slice(0, 100)} signal: ${(error as Error).message}`)
        }
      }
      return { signals, note: noteIn(note) }
    })
    const ids = await add(principal, bank, all)
    const answers = ids.map((id, index) => ({ id, signals: theirs(all[index]!.signals) }))
    return many ? answers : answers[0]!
  })

  const contentOf = async (tenantId: string, { bankName, contentId }: ContentParams) => {
    const bank = await bankOf(tenantId, bankName)
    const content = await rows.selectContent(db.query, tenantId, Number(contentId))
    const entry = content === undefined ? undefined : await selectBankEntry(db.query, tenantId, content.entryId)
    if (content === undefined || entry === undefined || entry.bankId !== bank.bankId || entry.status === 'retired')
      throw refuse(404, `content '${contentId}' not found`)
    return { bank, content, entry }
  }
  const recordOf = async (tenantId: string, entryId: string) => {
    const record = await selectRecordOfEntry(db.query, tenantId, entryId)
    const exchange = record === undefined ? undefined : await selectExchange(db.query, tenantId, record.exchangeId)
    return record === undefined || exchange === undefined ? undefined : { record, exchange }
  }

  on(contract.hmaContent, async ({ params, query, principal }) => {
    const { tenantId } = principal
    const { bank, content, entry } = await contentOf(tenantId, params as ContentParams)
    const { include_signals, include_metadata, full } = query as Record<string, string | undefined>
    const from = await recordOf(tenantId, entry.entryId)
    const collab = from === undefined ? null : { [from.exchange.name]: [from.record.externalId] }
    const metadata =
      content.metadata === null && collab === null
        ? undefined
        : { content_id: null, content_uri: null, json: null, ...content.metadata, collab }
    return {
      id: content.contentId,
      disable_until_ts: disabledAs(content, entry, clock()),
      original_media_uri: null,
      bank: viewOf(bank),
      ...(isYes(include_signals) ? { signals: theirs(entry.signals) } : {}),
      ...(metadata === undefined || /^false$/i.test(include_metadata ?? '') ? {} : { metadata }),
      ...(content.note === null ? {} : { note: content.note }),
      ...(isYes(full)
        ? {
            entry_id: entry.entryId,
            status: entry.status,
            status_reason: entry.statusReason,
            labels: entry.labels,
            source: entry.source,
            matches: entry.matches,
            confirmed: entry.confirmed,
            disputed: entry.overturned,
          }
        : {}),
    }
  })

  on(contract.hmaContents, async ({ params, query, principal }) => {
    const { tenantId } = principal
    const bank = await bankOf(tenantId, (params as BankParams).bankName)
    const { after = '0', limit: asked = '50', include_signals } = query as Record<string, string | undefined>
    if (!/^\d{1,15}$/.test(after)) throw refuse(400, 'after must be the `next` of the page before')
    const limit = Math.min(pageMax, Math.max(1, Number.parseInt(asked, 10) || 50))
    // What no client has asked for yet gets its numbers now, before they are listed in order.
    for (;;) {
      const unnumbered = await rows.selectUnnumbered(db.query, tenantId, bank.bankId, 10_000)
      if (unnumbered.length === 0) break
      await db.transaction((tx) => rows.upsertContentIds(tx, tenantId, unnumbered))
    }
    const page = await rows.selectContents(db.query, tenantId, bank.bankId, Number(after), limit)
    const found = await selectBankEntriesById(
      db.query,
      tenantId,
      page.map((one) => one.entryId),
    )
    const entries = new Map(found.map((entry) => [entry.entryId, entry]))
    return {
      content: page.map((content) => ({
        id: content.contentId,
        disable_until_ts: disabledAs(content, entries.get(content.entryId)!, clock()),
        ...(isYes(include_signals) ? { signals: theirs(entries.get(content.entryId)!.signals) } : {}),
        ...(content.note === null ? {} : { note: content.note }),
      })),
      next: page.length === limit ? String(page.at(-1)!.contentId) : null,
    }
  })

  on(contract.hmaChangeContent, async ({ params, request, principal }) => {
    const { tenantId } = principal
    const { bank, content } = await contentOf(tenantId, params as ContentParams)
    const body = objectOf(request)
    const note = 'note' in body ? (noteIn(body.note) ?? null) : undefined
    const untilS = body.disable_until_ts === undefined ? undefined : Number(body.disable_until_ts)
    if (untilS !== undefined) {
      if (!Number.isSafeInteger(untilS))
        throw refuse(400, `Invalid int: '${String(body.disable_until_ts).slice(0, 100)}'`)
      if (untilS < 0) throw refuse(400, 'disable_until_ts must be a non-negative integer')
      if (untilS > clock() / 1_000 + fiveYearsS)
        throw refuse(400, 'disable_until_ts must be less than 5 years in the future')
    }
    await locked(tenantId, async (tx) => {
      if (note !== undefined) await rows.updateContent(tx, tenantId, content.contentId, { note })
      if (untilS !== undefined) await disableUntil(tx, deps, tenantId, content.contentId, untilS, authorOf(principal))
    })
    const now = await contentOf(tenantId, params as ContentParams)
    const from = await recordOf(tenantId, now.entry.entryId)
    return {
      id: now.content.contentId,
      disable_until_ts: disabledAs(now.content, now.entry, clock()),
      collab_metadata: from === undefined ? {} : { [from.exchange.name]: [from.record.externalId] },
      original_media_uri: null,
      bank: viewOf(bank),
      user_metadata: now.content.metadata,
      note: now.content.note,
    }
  })

  on(contract.hmaDeleteContent, async ({ params, principal }) => {
    const { tenantId } = principal
    const bank = await bankOf(tenantId, (params as ContentParams).bankName)
    const content = await rows.selectContent(db.query, tenantId, Number((params as ContentParams).contentId))
    const entry = content === undefined ? undefined : await selectBankEntry(db.query, tenantId, content.entryId)
    if (entry === undefined || entry.bankId !== bank.bankId) return { deleted: 0 }
    const deleted = await locked(tenantId, (tx) => retire(tx, principal, entry, 'deleted by a client'))
    return { deleted: Number(deleted) }
  })
}

const theirs = (signals: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(signals).map(([name, signal]) => [theirName(name), signal]))

/** How these clients are told that an entry matches or does not, whoever held it back. */
function disabledAs(content: rows.HmaContent, entry: BankEntry, nowMs: number): number {
  if (entry.status === 'active') return content.disabledUntilS === disabledForGood ? enabled : content.disabledUntilS
  return content.disabledUntilS * 1_000 > nowMs ? content.disabledUntilS : disabledForGood
}

function noteIn(note: unknown): string | undefined {
  if (note === undefined || note === null || note === '') return undefined
  if (typeof note !== 'string') throw refuse(400, 'note should be a string')
  if (note.length > noteLengthMax) throw refuse(400, `note must be at most ${noteLengthMax} characters`)
  return note
}

function metadataIn(metadata: unknown): object | undefined {
  if (metadata === undefined || metadata === null) return undefined
  if (typeof metadata !== 'object' || Array.isArray(metadata)) throw refuse(400, 'metadata should be a json object')
  const { collab: _collab, ...given } = metadata as Record<string, unknown>
  for (const [name, value] of Object.entries(given)) {
    const wanted = { content_id: 'string', content_uri: 'string', json: 'object' }[name]
    // oxlint-disable-next-line valid-typeof
    if (wanted === undefined || (value !== null && typeof value !== wanted))
      throw refuse(400, `Invalid metadata: ${name.slice(0, 100)}`)
  }
  return Object.keys(given).length === 0 ? undefined : given
}
