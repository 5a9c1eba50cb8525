import type { FieldProblem } from '../../domain/error.ts'
import { InputError, quote } from '../../domain/error.ts'

export const exchangeKinds = [
  'ncmec',
  'stopncii',
  'tech-against-terrorism',
  'threatexchange',
  'file',
  'custos',
] as const
export type ExchangeKind = (typeof exchangeKinds)[number]

/** What may be said about a record of the other side; `share` offers one of our own entries to it. */
export const opinions = ['seen', 'confirm', 'dispute'] as const
export type Opinion = (typeof opinions)[number]
export type SentOpinion = Opinion | 'share'

/** One field of the settings or credentials of a kind: enough to draw a form and to check what was filled in. */
export type Field = {
  name: string
  title: string
  help: string
  kind: 'text' | 'url' | 'whole' | 'flag' | 'choice' | 'texts'
  required: boolean
  choices?: readonly string[]
  /** Texts must look like this. */
  pattern?: RegExp
}

export type Settings = Record<string, string | number | boolean | string[]>
export type Credentials = Record<string, string>

/** Which records come in. An empty filter lets all in. */
export type Filter = {
  /** Signal types; others of a record are left out. */
  types?: string[]
  /** At least one of these tags, and none of those. */
  labels?: string[]
  withoutLabels?: string[]
  /** Owners by id; from anybody else nothing comes in. */
  owners?: string[]
  withoutOwners?: string[]
  /** 1 to 4; records without a severity pass. */
  severityMin?: number
}

export type Exchange = {
  exchangeId: string
  tenantId: string
  kind: ExchangeKind
  name: string
  bankId: string
  enabled: boolean
  settings: Settings
  credentialsRef: string | null
  credentialsFields: string[]
  credentialsSetMs: number | null
  everyMs: number
  filter: Filter
  /** Tags of the other side to labels here; the empty text drops a tag, and tags that are not named are kept. */
  labels: Record<string, string>
  sendBack: Record<Opinion, boolean>
  cursor: unknown
  snapshotId: string | null
  nextMs: number | null
  failures: number
  leaseRunId: string | null
  leaseUntilMs: number | null
  createdMs: number
  deletedMs: number | null
  version: number
}

/** What became of the records of a run. */
export type Counts = {
  received: number
  added: number
  changed: number
  withdrawn: number
  unchanged: number
  filtered: number
  unsupported: number
  malformed: number
}
export const noCounts: Counts = {
  received: 0,
  added: 0,
  changed: 0,
  withdrawn: 0,
  unchanged: 0,
  filtered: 0,
  unsupported: 0,
  malformed: 0,
}

export type Run = {
  runId: string
  exchangeId: string
  trigger: 'schedule' | 'person' | 'upload'
  state: 'running' | 'done' | 'failed' | 'stopped'
  startedMs: number
  endedMs: number | null
  pages: number
  counts: Counts
  /** Hash kinds that nothing here can match, and how many of each came. */
  unsupported: Record<string, number>
  estimate: number | null
  error: string | null
  notes: string[]
}

export const recordStates = ['live', 'withdrawn', 'filtered', 'unsupported', 'malformed'] as const
export type RecordState = (typeof recordStates)[number]

export const everyMsMin = 60_000
export const everyMsMax = 30 * 86_400_000

/**
 * Settings or credentials as filled in, held against their fields. Throws an InputError that names every bad field; the
 * values of secrets are not repeated.
 */
export function parseFields(
  fields: readonly Field[],
  input: Record<string, unknown>,
  path: string,
  options: { secret?: boolean } = {},
): Settings {
  const problems: FieldProblem[] = []
  const parsed: Settings = {}
  const bad = (name: string, problem: string) =>
    void problems.push({
      field: `${path}.${name}`,
      problem,
      ...(options.secret === true || input[name] === undefined ? {} : { value: quote(input[name]) }),
    })
  for (const name of Object.keys(input))
    if (!fields.some((field) => field.name === name))
      bad(name, `is unknown; there are ${fields.map((field) => field.name).join(', ') || 'none'}`)
  for (const field of fields) {
    const value = input[field.name]
    if (value === undefined || value === null || value === '') {
      if (field.required) bad(field.name, 'is required')
      continue
    }
    const problem = fieldProblem(field, value)
    if (problem === undefined) parsed[field.name] = value as Settings[string]
    else bad(field.name, problem)
  }
  if (problems.length > 0) throw new InputError(`${problems[0]!.field} ${problems[0]!.problem}`, problems)
  return parsed
}

function fieldProblem(field: Field, value: unknown): string | undefined {
  switch (field.kind) {
    case 'flag':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'whole':
      return Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'must be a whole number above 0'
    case 'texts':
      return Array.isArray(value) && value.length <= 1_000 && value.every((one) => isText(one))
        ? undefined
        : 'must be a list of at most 1000 texts'
    case 'choice':
      return field.choices!.includes(value as string) ? undefined : `must be one of ${field.choices!.join(', ')}`
    case 'url':
      if (!isText(value) || !URL.canParse(value)) return 'must be an absolute URL'
      if (!/^https?:$/.test(new URL(value).protocol)) return 'must start with https:// or http://'
      return new URL(value).username === '' ? undefined : 'must not hold a user name or password'
    case 'text':
      if (!isText(value)) return 'must be text of at most 2000 characters without control characters'
      return field.pattern === undefined || field.pattern.test(value) ? undefined : `must match ${field.pattern.source}`
  }
}

// oxlint-disable-next-line no-control-regex
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 2_000 && !/[\u0000-\u001f\u007f]/.test(value)
