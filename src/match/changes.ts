import type { Author, Automation, NewEntry } from '../domain/entry.ts'
import { InputError, quote, type FieldProblem, type Outcome } from '../domain/error.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { foldText } from '../kernels/text-fold.ts'
import type { Query, Tx } from '../storage/database.ts'
import { bankActions, overturnsUntilQuarantine, type BankEntryStatus } from './bank.ts'
import { signalTypes } from './signal-types/all.ts'
import type { SignalType } from './signal-types/signal-type.ts'
import {
  selectBank,
  selectBankEntry,
  selectBankNamed,
  selectEntryOfDecision,
  selectOpenDecisions,
  selectSameEntry,
} from './store.ts'

/** Who changes a bank, when, and where new ids come from. */
export type ChangeContext = { author: Author; nowMs: number; newId: () => string; cause?: string }

export type NewBank = {
  name: string
  purpose: string
  action: string
  thresholds?: Record<string, number>
  negative?: boolean
}
export type BankUpdate = { name?: string; purpose?: string; action?: string; thresholds?: Record<string, number> }

/** Content of a new entry: an image that was stored, a hash that somebody else made, or a text. */
export type NewEntryContent = {
  media?: { sha256: string; pdq?: { hash: string; quality: number }; signals?: Readonly<Record<string, string>> }
  pdq?: { hash: string; quality?: number }
  text?: string
}
export type NewEntryInput = NewEntryContent & { labels?: readonly string[]; source?: string; note?: string }

export const bankTextLengthMax = 10_000

/** Banks stand in the ledger as items under a name that no platform's item id has. */
export const bankSubject = (bankId: string): SubjectRef => ({ kind: 'item', id: `custos:bank:${bankId}` })

function entryOf<Kind extends NewEntry['kind']>(
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

/** A new bank, unless the tenant has one of this name. Throws an InputError for thresholds out of range. */
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
  return {
    ok: true,
    bankId,
    entries: [entryOf('bank.created', bankId, { bankId, name, purpose, action, thresholds, negative }, context)],
  }
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
  return { ok: true, entries: [entryOf('bank.updated', bankId, { bankId, ...update }, context)] }
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
): Promise<Outcome<{ entryId: string; entries: NewEntry[] }, 'no-such-bank' | 'duplicate'>> {
  const { signals, quality } = signalsOf(input)
  const bank = await selectBank(query, tenantId, bankId)
  if (bank === undefined) return noSuchBank(bankId)
  const same = await selectSameEntry(query, tenantId, bankId, signals)
  if (same !== undefined)
    return {
      ok: false,
      reason: 'duplicate',
      detail: `Bank "${bank.name}" already has this as entry ${same.entryId} (${same.status}).`,
    }
  const entryId = context.newId()
  return {
    ok: true,
    entryId,
    entries: [
      entryOf(
        'bank.entry_added',
        bankId,
        {
          bankId,
          entryId,
          signals,
          ...(quality === undefined ? {} : { quality }),
          ...(input.media === undefined ? {} : { mediaSha256: input.media.sha256 }),
          ...(input.text === undefined ? {} : { text: input.text }),
          labels: [...(input.labels ?? [])],
          source: input.source ?? 'manual',
          ...(input.note === undefined ? {} : { note: input.note }),
        },
        context,
      ),
    ],
  }
}

export type EntryChange = 'quarantine' | 'release' | 'retire'
const allowedFrom = {
  quarantine: ['active'],
  release: ['quarantined'],
  retire: ['active', 'quarantined'],
} satisfies Record<EntryChange, BankEntryStatus[]> as Record<EntryChange, BankEntryStatus[]>
const kindOf = {
  quarantine: 'bank.entry_quarantined',
  release: 'bank.entry_released',
  retire: 'bank.entry_retired',
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
): Promise<Outcome<{ entries: NewEntry[] }, 'no-such-entry' | 'wrong-status'>> {
  const entry = await selectBankEntry(query, tenantId, entryId)
  if (entry === undefined || entry.bankId !== bankId)
    return { ok: false, reason: 'no-such-entry', detail: `There is no entry ${entryId} in bank ${bankId}.` }
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
    ...(change === 'quarantine' ? { decisionIds: await selectOpenDecisions(query, tenantId, entryId) } : {}),
  }
  return { ok: true, entries: [entryOf(kindOf[change], bankId, body as never, context, reason)] }
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
  const made = entryOf('bank.entry_quarantined', bankId, { bankId, entryId, reason, decisionIds }, context, reason)
  return [{ ...made, effectKey: `quarantine:${entryId}:${overturned}` }]
}

function signalsOf(input: NewEntryContent): { signals: Record<string, string>; quality?: number } {
  const given = (['media', 'pdq', 'text'] as const).filter((key) => input[key] !== undefined)
  if (given.length !== 1)
    throw new InputError('A bank entry needs exactly one of media, pdq and text', [
      { field: '', problem: 'needs exactly one of media, pdq and text', value: given.join(', '), limit: 1 },
    ])
  if (input.text !== undefined) {
    if (input.text.length > bankTextLengthMax)
      throw new InputError('The text of a bank entry is too long', [
        { field: 'text', problem: `is ${input.text.length} characters long`, limit: bankTextLengthMax },
      ])
    const { text } = foldText(input.text)
    if (text === '')
      throw new InputError('The text of a bank entry says nothing', [
        { field: 'text', problem: 'has no letters, digits or emoji', value: quote(input.text) },
      ])
    return { signals: { text } }
  }
  if (input.pdq !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(input.pdq.hash))
      throw new InputError('A PDQ hash must be 64 hexadecimal digits', [
        { field: 'pdq', problem: 'must be 64 hexadecimal digits', value: quote(input.pdq.hash), limit: 64 },
      ])
    return {
      signals: { pdq: input.pdq.hash.toLowerCase() },
      ...(input.pdq.quality === undefined ? {} : { quality: input.pdq.quality }),
    }
  }
  const { sha256, pdq, signals } = input.media!
  return {
    signals: { ...signals, sha256, ...(pdq === undefined ? {} : { pdq: pdq.hash }) },
    ...(pdq === undefined ? {} : { quality: pdq.quality }),
  }
}

function checkBank(bank: BankUpdate): void {
  const problems: FieldProblem[] = []
  if (bank.name !== undefined && (bank.name.trim() === '' || bank.name.length > 200))
    problems.push({ field: 'name', problem: 'must have 1 to 200 characters', value: quote(bank.name), limit: 200 })
  if (bank.action !== undefined && !(bankActions as readonly string[]).includes(bank.action))
    problems.push({ field: 'action', problem: `must be one of ${bankActions.join(', ')}`, value: quote(bank.action) })
  for (const [name, threshold] of Object.entries(bank.thresholds ?? {})) {
    const type = signalTypes.find((each) => each.name === name)
    if (type === undefined)
      problems.push({
        field: `thresholds.${name}`,
        problem: `is not a signal type; there are ${signalTypes.map((each) => each.name).join(', ')}`,
      })
    else if (!isThreshold(threshold, type))
      problems.push({
        field: `thresholds.${name}`,
        problem: `must be ${type.thresholdStep === 1 ? 'a whole number' : `a multiple of ${type.thresholdStep}`} from 0 to ${type.thresholdMax}`,
        value: quote(threshold),
        limit: type.thresholdMax,
      })
  }
  if (problems.length > 0)
    throw new InputError(`The bank cannot be kept: ${problems[0]!.field} ${problems[0]!.problem}`, problems)
}

function isThreshold(value: number, { thresholdMax, thresholdStep }: SignalType): boolean {
  const steps = value / thresholdStep
  return value >= 0 && value <= thresholdMax && Math.abs(steps - Math.round(steps)) < 1e-9
}

function noSuchBank(bankId: string) {
  return { ok: false, reason: 'no-such-bank', detail: `There is no bank ${bankId}.` } as const
}

function nameTaken(name: string, bankId: string) {
  return { ok: false, reason: 'name-taken', detail: `Bank ${bankId} is already called "${name}".` } as const
}
