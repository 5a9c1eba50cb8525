import type { Author, Automation, BankEntryBody, BankSettings, NewEntry } from '../domain/entry.ts'
import { InputError, type FieldProblem, type Outcome } from '../domain/error.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Query, Tx } from '../storage/database.ts'
import { photoEmbeddingType, textEmbeddingType } from './signal-types/embedding.ts'
import { overturnsUntilQuarantine, type BankEntryStatus, type Hold } from './bank.ts'
import { checkBank, checkDetails, signalsOf, type BankFields, type NewEntryInput } from './checks.ts'
import {
  countHeldEntries,
  selectBank,
  selectBankEntry,
  selectBankNamed,
  selectSameEntries,
  signalKey,
} from './store.ts'
import { selectEntryOfDecision, selectOpenDecisions } from './verdicts/store.ts'

/** Who changes a bank, when, and where new ids come from. */
export type ChangeContext = {
  author: Author
  nowMs: number
  newId: () => string
  cause?: string
  /** Entries that the tenant may hold; as many as it likes where missing. */
  entriesMax?: number
}

export type NewBank = BankFields & {
  name: string
  purpose: string
  action: string
  negative?: boolean
  enabled?: boolean
}
export type BankUpdate = BankFields & { enabled?: boolean }

/** Banks stand in the ledger as items under a name that no platform's item id has. */
export const bankSubject = (bankId: string): SubjectRef => ({ kind: 'item', id: `custos:bank:${bankId}` })

/** An entry of the ledger about a bank, by whoever changes it. */
export function bankLedgerEntry<Kind extends NewEntry['kind']>(
  kind: Kind,
  bankId: string,
  body: NewEntry<Kind>['body'],
  context: ChangeContext,
  because = '',
): NewEntry {
  const automation: Automation =
    context.author.kind === 'person' || context.author.kind === 'platform' ? 'none' : 'full'
  return {
    kind,
    subject: bankSubject(bankId),
    occurredAtMs: context.nowMs,
    author: context.author,
    automation,
    because: because === '' ? [] : [{ name: kind, value: bankId, because }],
    body,
    ...(context.cause === undefined ? {} : { cause: context.cause }),
  } as NewEntry
}

/** A new bank, unless the tenant has one of this name. Throws an InputError for fields out of range. */
export async function createBank(
  query: Query,
  tenantId: string,
  bank: NewBank,
  context: ChangeContext,
): Promise<Outcome<{ bankId: string; entries: NewEntry[] }, 'name-taken'>> {
  checkBank(bank)
  const taken = await selectBankNamed(query, tenantId, bank.name)
  if (taken !== undefined) return nameTaken(bank.name, taken.bankId)
  const bankId = context.newId()
  const { name, purpose, action, thresholds = {}, negative = false } = bank
  const body = { bankId, name, purpose, action, thresholds, negative, ...settingsOf(bank) }
  return { ok: true, bankId, entries: [bankLedgerEntry('bank.created', bankId, body, context)] }
}

const settingNames = ['enabled', 'owner', 'sharing', 'sampling', 'expiresMs', 'ageOutDays'] as const
function settingsOf(bank: BankUpdate): Partial<BankSettings> {
  return Object.fromEntries(settingNames.flatMap((name) => (bank[name] === undefined ? [] : [[name, bank[name]]])))
}

/** Changes of a bank; only what is given changes. */
export async function updateBank(
  query: Query,
  tenantId: string,
  bankId: string,
  update: BankUpdate,
  context: ChangeContext,
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-bank' | 'name-taken'>> {
  checkBank(update)
  if ((await selectBank(query, tenantId, bankId)) === undefined) return noSuchBank(bankId)
  if (update.name !== undefined) {
    const taken = await selectBankNamed(query, tenantId, update.name)
    if (taken !== undefined && taken.bankId !== bankId) return nameTaken(update.name, taken.bankId)
  }
  return { ok: true, entries: [bankLedgerEntry('bank.updated', bankId, { bankId, ...update }, context)] }
}

/**
 * A new entry, unless the bank already has the same content; the refusal names that entry. Throws an InputError for
 * content that cannot be matched.
 */
export async function addBankEntry(
  query: Query,
  tenantId: string,
  bankId: string,
  input: NewEntryInput,
  context: ChangeContext,
): Promise<Outcome<{ entryId: string; entries: NewEntry[] }, 'no-such-bank' | 'duplicate' | 'quota'>> {
  const body = entryBodyOf(input, context.newId)
  const bank = await selectBank(query, tenantId, bankId)
  if (bank === undefined) return noSuchBank(bankId)
  const same = await selectSameEntries(query, tenantId, bankId, signalsList(body.signals))
  const [first] = [...same.values()].sort((a, b) => (a.entryId < b.entryId ? -1 : 1))
  if (first !== undefined)
    return {
      ok: false,
      reason: 'duplicate',
      detail: `Bank "${bank.name}" already has this as entry ${first.entryId} (${first.status}).`,
    }
  const full = await quotaLeft(query, tenantId, context)
  if (full < 1) return overQuota(context.entriesMax!)
  const { entryId } = body
  return {
    ok: true,
    entryId,
    entries: [bankLedgerEntry('bank.entry_added', bankId, { bankId, ...body }, context)],
  }
}

/** The body of a new entry in the ledger. Throws an InputError that names every bad field. */
export function entryBodyOf(input: NewEntryInput, newId: () => string): BankEntryBody {
  const { signals, quality } = signalsOf(input)
  checkDetails(input)
  const { media, text, labels, source, note, metadata, exchange, expiresMs, draft } = input
  return {
    entryId: newId(),
    // What models make of the medium is kept beside the ledger: it is made anew with every other model.
    signals: media === undefined ? signals : withoutVectors(signals),
    ...(quality === undefined ? {} : { quality }),
    ...(media === undefined ? {} : { mediaSha256: media.sha256 }),
    ...(text === undefined ? {} : { text }),
    labels: [...new Set(labels)],
    source: source ?? 'manual',
    ...(note === undefined ? {} : { note }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(exchange === undefined ? {} : { exchange }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...(draft === true ? { draft } : {}),
  }
}

function withoutVectors(signals: Record<string, string>): Record<string, string> {
  const { [photoEmbeddingType.name]: _photo, [textEmbeddingType.name]: _text, ...rest } = signals
  return rest
}

export type BulkResult =
  | { outcome: 'accepted'; entryId: string }
  | { outcome: 'duplicate'; entryId: string }
  | { outcome: 'refused'; problems: FieldProblem[] }
/** One of many: an input, or what was already found wrong with it. */
export type BulkInput = NewEntryInput | { problems: FieldProblem[] }

/** As many new entries go into one entry of the ledger. */
export const entriesPerLedgerEntry = 1_000

/**
 * Many new entries in as few ledger entries as possible, and what became of each input, in their order. What the bank or
 * an earlier input has already is a duplicate; bad input refuses itself alone.
 */
export async function addBankEntries(
  query: Query,
  tenantId: string,
  bankId: string,
  inputs: readonly BulkInput[],
  context: ChangeContext,
  importId?: string,
): Promise<Outcome<{ entries: NewEntry[]; results: BulkResult[] }, 'no-such-bank'>> {
  if ((await selectBank(query, tenantId, bankId)) === undefined) return noSuchBank(bankId)
  const results: BulkResult[] = []
  const bodies: (BankEntryBody | undefined)[] = inputs.map((input, at) => {
    try {
      if ('problems' in input) throw new InputError('refused', input.problems)
      return entryBodyOf(input, context.newId)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      results[at] = {
        outcome: 'refused',
        problems: error.problems.length > 0 ? error.problems : [{ field: '', problem: error.message }],
      }
      return undefined
    }
  })
  const asked = new Map<string, { type: string; signal: string }>()
  for (const body of bodies)
    for (const one of signalsList(body?.signals ?? {})) asked.set(signalKey(one.type, one.signal), one)
  const same = await selectSameEntries(query, tenantId, bankId, [...asked.values()])
  let left = await quotaLeft(query, tenantId, context)
  const taken = new Map<string, string>([...same].map(([key, { entryId }]) => [key, entryId]))
  const accepted: BankEntryBody[] = []
  for (const [at, body] of bodies.entries()) {
    if (body === undefined) continue
    const keys = signalsList(body.signals).map(({ type, signal }) => signalKey(type, signal))
    const known = keys.map((key) => taken.get(key)).find((entryId) => entryId !== undefined)
    if (known !== undefined) results[at] = { outcome: 'duplicate', entryId: known }
    else if (left < 1)
      results[at] = {
        outcome: 'refused',
        problems: [{ field: '', problem: overQuota(context.entriesMax!).detail, limit: context.entriesMax! }],
      }
    else {
      left--
      for (const key of keys) taken.set(key, body.entryId)
      accepted.push(body)
      results[at] = { outcome: 'accepted', entryId: body.entryId }
    }
  }
  const entries: NewEntry[] = []
  for (let at = 0; at < accepted.length; at += entriesPerLedgerEntry)
    entries.push(
      bankLedgerEntry(
        'bank.entries_added',
        bankId,
        {
          bankId,
          ...(importId === undefined ? {} : { importId }),
          entries: accepted.slice(at, at + entriesPerLedgerEntry),
        },
        context,
      ),
    )
  return { ok: true, entries, results }
}

async function quotaLeft(query: Query, tenantId: string, { entriesMax }: ChangeContext): Promise<number> {
  return entriesMax === undefined ? Number.POSITIVE_INFINITY : entriesMax - (await countHeldEntries(query, tenantId))
}

function overQuota(entriesMax: number) {
  return {
    ok: false,
    reason: 'quota',
    detail: `This tenant may hold ${entriesMax} bank entries that are not retired, and does. Retire some, or raise banks.entriesMax in the settings.`,
  } as const
}

const signalsList = (signals: Record<string, string>) =>
  Object.entries(signals).map(([type, signal]) => ({ type, signal }))

export type EntryChange = 'quarantine' | 'release' | 'retire' | 'go-live'
const allowedFrom = {
  quarantine: ['active'],
  release: ['quarantined'],
  retire: ['pending', 'active', 'quarantined'],
  'go-live': ['pending'],
} satisfies Record<EntryChange, BankEntryStatus[]> as Record<EntryChange, BankEntryStatus[]>
const kindOf = {
  quarantine: 'bank.entry_quarantined',
  release: 'bank.entry_released',
  retire: 'bank.entry_retired',
  'go-live': 'bank.entry_went_live',
} as const

/** Takes an entry out of matching, back into it, or out for good. Quarantine names the decisions that rest on it. */
export async function changeBankEntry(
  query: Query,
  tenantId: string,
  bankId: string,
  entryId: string,
  change: EntryChange,
  reason: string,
  context: ChangeContext,
  hold: Hold = 'silent',
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-entry' | 'wrong-status'>> {
  const entry = await selectBankEntry(query, tenantId, entryId)
  if (entry === undefined || entry.bankId !== bankId) return noSuchEntry(bankId, entryId)
  if (!allowedFrom[change].includes(entry.status))
    return {
      ok: false,
      reason: 'wrong-status',
      detail: `Entry ${entryId} is ${entry.status}; only ${allowedFrom[change].join(' or ')} entries can be changed by "${change}".`,
    }
  const body = {
    bankId,
    entryId,
    reason,
    ...(change === 'quarantine' ? { decisionIds: await selectOpenDecisions(query, tenantId, entryId), hold } : {}),
  }
  return { ok: true, entries: [bankLedgerEntry(kindOf[change], bankId, body as never, context, reason)] }
}

/**
 * To be asked in the transaction that reversed a decision, after the reversal was appended: the quarantine of the entry
 * that the decision rests on, once three were overturned, with its other decisions that still stand; else nothing.
 */
export async function quarantineIfOverturned(
  tx: Tx,
  tenantId: string,
  decisionId: string,
  context: ChangeContext,
): Promise<NewEntry[]> {
  const entry = await selectEntryOfDecision(tx, tenantId, decisionId)
  if (entry === undefined || entry.status !== 'active' || entry.unforgiven < overturnsUntilQuarantine) return []
  const { bankId, entryId, overturned, unforgiven } = entry
  const reason = `${unforgiven} decisions that rest on this entry were overturned`
  const decisionIds = await selectOpenDecisions(tx.query, tenantId, entryId)
  const body = { bankId, entryId, reason, decisionIds }
  const made = bankLedgerEntry('bank.entry_quarantined', bankId, body, context, reason)
  return [{ ...made, effectKey: `quarantine:${entryId}:${overturned}` }]
}

/** The refusal for a bank that this tenant does not have. */
export function noSuchBank(bankId: string) {
  return { ok: false, reason: 'no-such-bank', detail: `There is no bank ${bankId}.` } as const
}

/** The refusal for an entry that this bank does not have. */
export function noSuchEntry(bankId: string, entryId: string) {
  return { ok: false, reason: 'no-such-entry', detail: `There is no entry ${entryId} in bank ${bankId}.` } as const
}

function nameTaken(name: string, bankId: string) {
  return { ok: false, reason: 'name-taken', detail: `Bank ${bankId} is already called "${name}".` } as const
}
