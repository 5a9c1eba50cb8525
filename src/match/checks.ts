import { InputError, nestedDeeper, quote, type FieldProblem } from '../domain/error.ts'
import type { BankSampling, BankSharing } from '../domain/entry.ts'
import { bankActions } from './bank.ts'
import { signalTypes } from './signal-types/all.ts'
import type { SignalType } from './signal-types/signal-type.ts'

export const bankTextLengthMax = 10_000
export const metadataBytesMax = 16 * 1024
const metadataLevelsMax = 16
export const labelsMax = 50
export const labelLengthMax = 100
export const noteLengthMax = 2_000
export const sourceLengthMax = 200
export const signalLengthMax = 1_000_000

/** Content of a new entry: an image that was stored, hashes that somebody else made, or a text. */
export type NewEntryContent = {
  media?: { sha256: string; pdq?: { hash: string; quality: number }; signals?: Readonly<Record<string, string>> }
  pdq?: { hash: string; quality?: number }
  /** By signal type; `quality` is that of a PDQ hash among them. */
  signals?: Readonly<Record<string, string>>
  quality?: number
  text?: string
}
export type NewEntryDetails = {
  labels?: readonly string[]
  source?: string
  note?: string | null
  metadata?: Record<string, unknown>
  exchange?: Record<string, unknown> | null
  expiresMs?: number | null
}
export type NewEntryInput = NewEntryContent &
  NewEntryDetails & { note?: string; exchange?: Record<string, unknown>; expiresMs?: number; draft?: boolean }

const names = () => signalTypes.map((each) => each.name).join(', ')
const typeNamed = (name: string) => signalTypes.find((each) => each.name === name)

/**
 * The signals of new content in their canonical form. Throws an InputError that names the field, its value and the limit
 * for content that cannot be matched.
 */
export function signalsOf(input: NewEntryContent): { signals: Record<string, string>; quality?: number } {
  const given = (['media', 'signals', 'pdq', 'text'] as const).filter((key) => input[key] !== undefined)
  if (given.length !== 1)
    throw new InputError('A bank entry needs exactly one of media, signals, pdq and text', [
      { field: '', problem: 'needs exactly one of media, signals, pdq and text', value: given.join(', '), limit: 1 },
    ])
  if (input.text !== undefined) {
    if (input.text.length > bankTextLengthMax)
      throw new InputError('The text of a bank entry is too long', [
        { field: 'text', problem: `is ${input.text.length} characters long`, limit: bankTextLengthMax },
      ])
    return { signals: signalsOfText(input.text) }
  }
  if (input.media !== undefined) {
    // All digests: whoever asks by a hash often has no other than the MD5.
    const { sha256, pdq, signals } = input.media
    return {
      signals: { ...signals, sha256, ...(pdq === undefined ? {} : { pdq: pdq.hash }) },
      ...(pdq === undefined ? {} : { quality: pdq.quality }),
    }
  }
  const quality = input.pdq === undefined ? input.quality : input.pdq.quality
  const signals =
    input.pdq === undefined ? parseSignals(input.signals!) : { pdq: typeNamed('pdq')!.parse('pdq', input.pdq.hash) }
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 0 && quality <= 100))
    throw new InputError('quality must be a whole number from 0 to 100', [
      { field: 'quality', problem: 'must be a whole number from 0 to 100', value: quote(quality), limit: 100 },
    ])
  return { signals, ...(quality === undefined ? {} : { quality }) }
}

/** Every signal that the text signal types make of a text; one that says nothing is refused. */
function signalsOfText(text: string): Record<string, string> {
  const signals: Record<string, string> = { text: typeNamed('text')!.parse('text', text) }
  const content = { text }
  for (const type of signalTypes) {
    if (type.part !== 'text' || type.name === 'text') continue
    const signal = type.signalOf(content)
    if (signal !== undefined) signals[type.name] = signal
  }
  return signals
}

/** Signals made elsewhere, in canonical form; throws an InputError for unknown types and what they cannot read. */
export function parseSignals(given: Readonly<Record<string, string>>): Record<string, string> {
  const problems: FieldProblem[] = []
  const signals: Record<string, string> = {}
  if (Object.keys(given).length === 0) problems.push({ field: 'signals', problem: `needs one of ${names()}` })
  for (const [name, signal] of Object.entries(given)) {
    const field = `signals.${name}`
    const type = typeNamed(name)
    if (type === undefined) problems.push({ field, problem: `is not a signal type; there are ${names()}` })
    else if (typeof signal !== 'string') problems.push({ field, problem: 'must be a string', value: quote(signal) })
    else if (signal.length > signalLengthMax)
      problems.push({ field, problem: `is ${signal.length} characters long`, limit: signalLengthMax })
    else
      try {
        signals[name] = type.parse(field, signal)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        problems.push(...error.problems)
      }
  }
  if (problems.length > 0)
    throw new InputError(`The signals cannot be matched: ${problems[0]!.field} ${problems[0]!.problem}`, problems)
  return signals
}

/** Throws an InputError that names every field of an entry that is too long, too large or of the wrong kind. */
export function checkDetails(details: NewEntryDetails): void {
  const problems: FieldProblem[] = []
  const { labels, source, note, metadata, exchange, expiresMs } = details
  if (labels !== undefined && (!Array.isArray(labels) || labels.length > labelsMax))
    problems.push({ field: 'labels', problem: `must be a list of at most ${labelsMax}`, limit: labelsMax })
  else
    for (const [at, label] of (labels ?? []).entries())
      if (typeof label !== 'string' || label.trim() === '' || label.length > labelLengthMax)
        problems.push({
          field: `labels[${at}]`,
          problem: `must have 1 to ${labelLengthMax} characters`,
          value: quote(label),
          limit: labelLengthMax,
        })
  if (source !== undefined && (typeof source !== 'string' || source === '' || source.length > sourceLengthMax))
    problems.push({
      field: 'source',
      problem: `must have 1 to ${sourceLengthMax} characters`,
      value: quote(source),
      limit: sourceLengthMax,
    })
  if (note !== undefined && note !== null && (typeof note !== 'string' || note.length > noteLengthMax))
    problems.push({
      field: 'note',
      problem: `must have at most ${noteLengthMax} characters`,
      value: quote(note),
      limit: noteLengthMax,
    })
  for (const [field, value] of [
    ['metadata', metadata],
    ['exchange', exchange],
  ] as const) {
    if (value === undefined || value === null) continue
    if (typeof value !== 'object' || Array.isArray(value) || nestedDeeper(value, metadataLevelsMax))
      problems.push({
        field,
        problem: `must be a JSON object, at most ${metadataLevelsMax} levels deep`,
        value: quote(value),
      })
    else {
      const bytes = Buffer.byteLength(JSON.stringify(value))
      if (bytes > metadataBytesMax)
        problems.push({ field, problem: `is ${bytes} bytes of JSON`, limit: metadataBytesMax })
    }
  }
  if (expiresMs !== undefined && expiresMs !== null && !isTime(expiresMs))
    problems.push({ field: 'expiresMs', problem: 'must be a time in milliseconds since 1970', value: quote(expiresMs) })
  if (problems.length > 0)
    throw new InputError(`The entry cannot be kept: ${problems[0]!.field} ${problems[0]!.problem}`, problems)
}

const isTime = (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 8.64e15

export type BankFields = {
  name?: string
  purpose?: string
  action?: string
  thresholds?: Record<string, number>
  owner?: string | null
  sharing?: BankSharing
  sampling?: BankSampling
  expiresMs?: number | null
  ageOutDays?: number | null
}

/** Throws an InputError that names every field of a bank that is out of its range. */
export function checkBank(bank: BankFields): void {
  const problems: FieldProblem[] = []
  if (bank.name !== undefined && (bank.name.trim() === '' || bank.name.length > 200))
    problems.push({ field: 'name', problem: 'must have 1 to 200 characters', value: quote(bank.name), limit: 200 })
  if (bank.action !== undefined && !(bankActions as readonly string[]).includes(bank.action))
    problems.push({ field: 'action', problem: `must be one of ${bankActions.join(', ')}`, value: quote(bank.action) })
  problems.push(...thresholdProblems(bank.thresholds ?? {}))
  for (const field of ['reviewShare', 'trafficShare'] as const) {
    const share = bank.sampling?.[field]
    if (bank.sampling !== undefined && !(typeof share === 'number' && share >= 0 && share <= 1))
      problems.push({ field: `sampling.${field}`, problem: 'must be from 0 to 1', value: quote(share), limit: 1 })
  }
  if (bank.sharing !== undefined && bank.sharing.with !== 'listed' && bank.sharing.tenants.length > 0)
    problems.push({
      field: 'sharing.tenants',
      problem: 'must be empty unless sharing.with is "listed"',
      value: quote(bank.sharing.tenants),
    })
  if (bank.expiresMs !== undefined && bank.expiresMs !== null && !isTime(bank.expiresMs))
    problems.push({
      field: 'expiresMs',
      problem: 'must be a time in milliseconds since 1970',
      value: quote(bank.expiresMs),
    })
  if (
    typeof bank.ageOutDays === 'number' &&
    !(Number.isInteger(bank.ageOutDays) && bank.ageOutDays >= 1 && bank.ageOutDays <= 3_650)
  )
    problems.push({
      field: 'ageOutDays',
      problem: 'must be a whole number from 1 to 3650',
      value: quote(bank.ageOutDays),
      limit: 3_650,
    })
  if (problems.length > 0)
    throw new InputError(`The bank cannot be kept: ${problems[0]!.field} ${problems[0]!.problem}`, problems)
}

/** What is wrong with thresholds by signal type. */
export function thresholdProblems(thresholds: Record<string, number>): FieldProblem[] {
  return Object.entries(thresholds).flatMap(([name, threshold]): FieldProblem[] => {
    const [typeName, variant] = name.split(/:(.*)/s)
    const known = typeNamed(typeName!)
    const type = variant === undefined || known?.variantPattern?.test(variant) === true ? known : undefined
    const field = `thresholds.${name}`
    if (type === undefined) return [{ field, problem: `is not a signal type; there are ${names()}` }]
    if (isThreshold(threshold, type)) return []
    const what = type.thresholdStep === 1 ? 'a whole number' : `a multiple of ${type.thresholdStep}`
    return [
      {
        field,
        problem: `must be ${what} from 0 to ${type.thresholdMax}`,
        value: quote(threshold),
        limit: type.thresholdMax,
      },
    ]
  })
}

function isThreshold(value: number, { thresholdMax, thresholdStep }: SignalType): boolean {
  const steps = value / thresholdStep
  return value >= 0 && value <= thresholdMax && Math.abs(steps - Math.round(steps)) < 1e-9
}
