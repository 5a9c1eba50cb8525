import { durationMs, formatDuration } from '../domain/duration.ts'
import type { FieldProblem } from '../domain/error.ts'
import { eventTypes } from '../domain/event.ts'
import type { EffectDocument, FeatureDocument, FeatureKind, RuleFile, RuleDocument, RuleMode } from '../domain/rule.ts'
import type { Environment } from '@marcbachmann/cel-js'
import { compileExpression } from './compile.ts'
import type { Expression, Reads } from './expression.ts'
import { ruleFileError, type ParsedRuleFile, type Path } from './rule-file.ts'
import { listReader, ruleSetOf, sha256, type Feature, type Rule, type RuleSet } from './rule-set.ts'
import { windowMsMax, windowMsMin } from './schema.ts'
import { canNameFeature, environmentFor, noNames, type Names } from './vocabulary.ts'

/** What a check knows about the rest of the tenant. Names that are absent are not checked. */
export type CheckOptions = {
  eventTypes?: ReadonlySet<string>
  signals?: ReadonlySet<string>
  violations?: ReadonlySet<string>
  queues?: ReadonlySet<string>
  /** Declared elsewhere, such as labels that people set. */
  labels?: ReadonlySet<string>
  /** Version and mode of each rule; 0 and the mode of the file unless told. */
  standing?: ReadonlyMap<string, { version: number; mode: RuleMode }>
  /** Whether declarations that nothing reads are problems. */
  unusedIsProblem?: boolean
}

/** Signals that Custos itself makes. */
export const builtInSignals: readonly string[] = ['match.media', 'match.text', 'media.unreadable']
export const defaultLatenessMs = 600_000
const featureCostMax = 500

type At = { problemAt: ParsedRuleFile['problemAt'] }
type Checked = Pick<ParsedRuleFile, 'file' | 'problemAt'>

/** Type-checks and compiles a rule file. Throws an InputError with every problem, each with line and column. */
export function compileRuleSet(parsed: Checked, options: CheckOptions = {}): RuleSet {
  const features: Feature[] = []
  return ruleSetOf(compileFile(parsed, options, features), features)
}

/**
 * Compiles the rules of one file, adding features to `features` that are not there yet. Throws an InputError with every
 * problem; then `features` is as it was.
 */
export function compileFile({ file, problemAt }: Checked, options: CheckOptions, features: Feature[]): Rule[] {
  const problems: FieldProblem[] = []
  const declared = Object.entries(file.features ?? {})
  const kinds = new Map(declared.map(([name, feature]) => [name, feature.kind]))
  const labels = new Set([...Object.keys(file.labels ?? {}), ...(options.labels ?? [])])
  const names: Names = {
    features: kinds,
    lists: new Set(Object.keys(file.lists ?? {})),
    labels,
    signals: new Set([...builtInSignals, ...(options.signals ?? [])]),
  }
  const free = new Set([...kinds.keys()].filter(canNameFeature))
  for (const name of kinds.keys())
    if (!free.has(name)) problems.push(problemAt(['features', name], 'is the name of something else', { key: true }))

  const eventEnvironment = environmentFor(new Map())
  const added: Feature[] = []
  const featureIndex = new Map<string, number>()
  for (const [name, document] of declared) {
    const feature = compileFeature(name, document, eventEnvironment, { problemAt }, problems, options)
    if (feature === undefined) {
      featureIndex.set(name, -1)
      continue
    }
    const known = features.findIndex((other) => other.name === name && other.sha256 === feature.sha256)
    featureIndex.set(name, known >= 0 ? known : features.length + added.length)
    if (known < 0) added.push(feature)
  }
  // Where features are wrong, their rules are still checked: all problems at once.
  const environment = environmentFor(new Map([...kinds].filter(([name]) => free.has(name))))
  const lists = new Map(Object.entries(file.lists ?? {}).map(([name, list]) => [name, listReader(list)]))
  const used: Used = { features: new Set(), lists: new Set(), labels: new Set() }
  const rules: Rule[] = []
  const ids = new Set<string>()
  for (const [index, document] of (file.rules ?? []).entries()) {
    const path: Path = ['rules', index]
    if (ids.has(document.id)) problems.push(problemAt([...path, 'id'], `there are two rules "${document.id}"`))
    ids.add(document.id)
    checkEventTypes(document.on, [...path, 'on'], { problemAt }, problems, options)
    const compiling = { names, featureIndex }
    const when = compileAt(document.when, [...path, 'when'], environment, compiling, { problemAt }, problems)
    checkEffects(document.then, [...path, 'then'], { problemAt }, problems, labels, options, used)
    if (when === undefined) continue
    if (when.type !== 'bool' && when.type !== 'dyn')
      problems.push(problemAt([...path, 'when'], `must be a condition (bool), not ${when.type}`, { offset: 0 }))
    note(when.reads, used)
    checkCrossings(when.reads, document, file, [...path, 'when'], { problemAt }, problems)
    const standing = options.standing?.get(document.id)
    rules.push({
      id: document.id,
      version: standing?.version ?? 0,
      mode: standing?.mode ?? document.mode,
      document,
      when,
      on: new Set(document.on),
      featureIndex,
      lists,
    })
  }
  // Where a condition cannot be read, what it uses is not known.
  if (options.unusedIsProblem !== false && problems.length === 0) checkUnused(file, used, { problemAt }, problems)
  if (problems.length > 0) throw ruleFileError(problems)
  features.push(...added)
  return rules
}

type Compiling = { names: Names; featureIndex: ReadonlyMap<string, number>; eventOnly?: boolean }

function compileAt(
  source: string,
  path: Path,
  environment: Environment,
  compiling: Compiling,
  { problemAt }: At,
  problems: FieldProblem[],
): Expression | undefined {
  const result = compileExpression(source, environment, compiling)
  if (result.ok) return result.expression
  for (const { start, problem, limit } of result.problems)
    problems.push(problemAt(path, problem, { offset: start, ...(limit === undefined ? {} : { limit }) }))
  return undefined
}

const needsOf = { count: false, rate: false, distinct: true, sum: true, last: true } satisfies Record<
  FeatureKind,
  boolean
>

function compileFeature(
  name: string,
  document: FeatureDocument,
  environment: Environment,
  at: At,
  problems: FieldProblem[],
  options: CheckOptions,
): Feature | undefined {
  const path: Path = ['features', name]
  const compiling = { names: noNames, featureIndex: new Map<string, number>(), eventOnly: true }
  const expression = (field: 'key' | 'of' | 'where', types: string[]) => {
    const source = document[field]
    if (source === undefined) return undefined
    const found = compileAt(source, [...path, field], environment, compiling, at, problems)
    if (found !== undefined && found.type !== 'dyn' && !types.includes(found.type))
      problems.push(at.problemAt([...path, field], `must be ${types.join(' or ')}, not ${found.type}`, { offset: 0 }))
    if (found !== undefined && found.cost > featureCostMax)
      problems.push(
        at.problemAt([...path, field], `can take ${found.cost} steps for one event`, { limit: featureCostMax }),
      )
    return found
  }
  const scalar = ['string', 'double', 'int', 'bool']
  const key = expression('key', scalar)
  const of = expression(
    'of',
    document.kind === 'sum'
      ? ['double', 'int']
      : document.kind === 'distinct'
        ? [...scalar, 'list', 'list<string>', 'list<dyn>']
        : scalar,
  )
  const where = expression('where', ['bool'])
  if (needsOf[document.kind] && document.of === undefined)
    problems.push(at.problemAt(path, `a feature of kind ${document.kind} needs "of"`, { key: true }))
  if (!needsOf[document.kind] && document.of !== undefined)
    problems.push(at.problemAt([...path, 'of'], `a feature of kind ${document.kind} takes no "of"`, { key: true }))
  if (document.kind !== 'rate' && document.per !== undefined)
    problems.push(at.problemAt([...path, 'per'], 'only a feature of kind rate takes "per"', { key: true }))
  checkEventTypes(document.on, [...path, 'on'], at, problems, options)
  const windowMs = bounded('window', document.window, path, at, problems)
  const perMs = bounded('per', document.per ?? '1m', path, at, problems)
  const latenessMs = bounded('lateness', document.lateness ?? formatDuration(defaultLatenessMs), path, at, problems, 0)
  if (key === undefined) return undefined
  return {
    name,
    kind: document.kind,
    document,
    key,
    ...(of && { of }),
    ...(where && { where }),
    on: new Set(document.on),
    windowMs,
    perMs,
    latenessMs,
    sha256: sha256(
      JSON.stringify([
        document.kind,
        document.key,
        document.of,
        [...document.on].sort(),
        document.where,
        windowMs,
        latenessMs,
        document.kind === 'rate' ? perMs : 0,
      ]),
    ),
  }
}

function bounded(
  field: string,
  text: string,
  path: Path,
  at: At,
  problems: FieldProblem[],
  leastMs = windowMsMin,
): number {
  const lengthMs = durationMs(text) ?? 0
  if (lengthMs > windowMsMax)
    problems.push(at.problemAt([...path, field], 'is too long', { limit: formatDuration(windowMsMax) }))
  if (lengthMs < leastMs)
    problems.push(at.problemAt([...path, field], 'is too short', { limit: formatDuration(leastMs) }))
  return lengthMs
}

const builtInTypes: ReadonlySet<string> = new Set(eventTypes)

function checkEventTypes(types: string[], path: Path, at: At, problems: FieldProblem[], options: CheckOptions): void {
  for (const [index, type] of types.entries()) {
    if (type === '*' || builtInTypes.has(type) || options.eventTypes?.has(type)) continue
    // One type may be written without brackets; then there is no node for the member.
    problems.push(at.problemAt(types.length === 1 ? path : [...path, index], `unknown event type "${type}"`))
  }
  if (types.length > 1 && types.includes('*')) problems.push(at.problemAt(path, '"*" already means every event type'))
}

type Used = { features: Set<string>; lists: Set<string>; labels: Set<string> }

function note(reads: Reads, used: Used): void {
  for (const name of [...reads.features, ...reads.previous]) used.features.add(name)
  for (const name of reads.lists) used.lists.add(name)
  for (const name of reads.labels) used.labels.add(name)
}

function checkEffects(
  effects: EffectDocument[],
  path: Path,
  at: At,
  problems: FieldProblem[],
  labels: ReadonlySet<string>,
  options: CheckOptions,
  used: Used,
): void {
  for (const [index, { label, violation, review, gate }] of effects.entries()) {
    if (label !== undefined) {
      used.labels.add(label.label)
      if (!labels.has(label.label))
        problems.push(at.problemAt([...path, index, 'label', 'label'], `the label "${label.label}" is not declared`))
    }
    for (const [kind, named] of [
      ['violation', violation?.violation],
      ['review', review?.violation],
    ] as const)
      if (named !== undefined && options.violations?.has(named) === false)
        problems.push(at.problemAt([...path, index, kind, 'violation'], `the policy knows no violation "${named}"`))
    if (review !== undefined && options.queues?.has(review.queue) === false)
      problems.push(at.problemAt([...path, index, 'review', 'queue'], `there is no queue "${review.queue}"`))
    for (const [kind, lasts] of [
      ['gate', gate?.for],
      ['label', label?.for],
    ] as const)
      if (lasts !== undefined && durationMs(lasts) === 0)
        problems.push(at.problemAt([...path, index, kind, 'for'], 'is too short', { limit: '1ms' }))
  }
}

/** A feature that moves on other events than the rule sees can never cross anything before its eyes. */
function checkCrossings(
  reads: Reads,
  rule: RuleDocument,
  file: RuleFile,
  path: Path,
  at: At,
  problems: FieldProblem[],
): void {
  for (const name of reads.previous) {
    const on = file.features?.[name]?.on ?? []
    if (on.includes('*') || rule.on.includes('*') || on.some((type) => rule.on.includes(type))) continue
    const offset = Math.max(0, rule.when.search(new RegExp(`\\b${name}\\b`)))
    problems.push(
      at.problemAt(
        path,
        `the rule sees no event that moves "${name}" (${on.join(', ')}), so its value never changes here`,
        { offset },
      ),
    )
  }
}

function checkUnused(file: RuleFile, used: Used, { problemAt }: At, problems: FieldProblem[]): void {
  for (const kind of ['features', 'lists', 'labels'] as const)
    for (const name of Object.keys(file[kind] ?? {}))
      if (!used[kind].has(name))
        problems.push(problemAt([kind, name], 'is declared but nothing uses it', { key: true }))
}
