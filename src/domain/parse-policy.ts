import type { Severity } from './entry.ts'
import { InputError, quote, type FieldProblem } from './error.ts'
import {
  attributionRoles,
  isNotice,
  type AttributionRole,
  type Counter,
  type Decay,
  type GateRule,
  type LadderStep,
  type Policy,
  type PolicyViolation,
} from './policy.ts'
import { createReader, type Reader } from './reader.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000
/** DSA Art. 20(1): complaints must be possible for at least six months. */
const appealWindowDaysMin = 183
const severities = [1, 2, 3, 4] as const
const contextName = /^[a-z][a-z0-9_]{0,63}$/
const name = /^[a-z][a-z0-9_-]{0,63}$/

/**
 * Checks a policy document (a plain object, already parsed from YAML or JSON) and fills in its defaults.
 * Throws an InputError that names every bad or unknown field; `line` is filled in by whoever knows the text.
 */
export function parsePolicy(input: unknown): Policy {
  const problems: FieldProblem[] = []
  const root = createReader(input, '', problems)
  const policy: Policy = {
    id: root.text('policy', { pattern: name }),
    title: root.text('title', { lengthMax: 200 }),
    effectiveFromMs: readTime(root, 'effectiveFrom'),
    contexts: root.map('contexts', contextName, (context) => ({
      title: context.text('title', { lengthMax: 200 }),
      features: context.texts('features', { pattern: contextName }),
    })),
    everywhere: readEverywhere(root.object('everywhere')),
    violations: {},
    ladders: root.map('ladders', name, () => []),
    counters: [],
    spillover: readSpillover(root.object('spillover')),
    attribution: readAttribution(root.object('attribution')),
    groups: readGroups(root.object('groups')),
    gates: readGates(root.object('gates')),
    stacking: root.choice('stacking', ['longest', 'consecutive'], 'longest'),
    evasion: readEvasion(root.object('evasion')),
    appeals: readAppeals(root.object('appeals')),
    notices: root.map('notices', /^[a-z]{2,3}(-[A-Za-z0-9]+)*$/, (texts) => texts.strings()),
  }
  const points = readPoints(root.object('points'), { 1: 1, 2: 2, 3: 4, 4: 10 })
  const expiryMs = root.number('expiryDays', { min: 1, max: 3_650, otherwise: 365 }) * dayMs
  const itemAgeDaysMax = root.optionalNumber('itemAgeDaysMax', { min: 1, max: 36_500 })
  policy.violations = root.map('violations', name, (violation, id) =>
    readViolation(violation, id, points, expiryMs, itemAgeDaysMax),
  )
  policy.ladders = root.map('ladders', name, (_, __, value, field) => readLadder(value, field, problems))
  policy.counters = root.list('counters').map(readCounter)
  root.refuseUnknown()
  checkReferences(policy, problems)
  if (problems.length > 0) {
    const first = problems[0]!
    throw new InputError(
      `Cannot read policy ${quote(policy.id)}: ${first.field || 'document'} ${first.problem}`,
      problems,
    )
  }
  return policy
}

function readTime(reader: Reader, field: string): number | undefined {
  const text = reader.optionalText(field, { lengthMax: 40 })
  if (text === undefined) return undefined
  const timeMs = Date.parse(text)
  if (Number.isNaN(timeMs)) reader.bad(field, text, 'must be an ISO 8601 time')
  return timeMs
}

function readPoints(reader: Reader, otherwise: Record<Severity, number>): Record<Severity, number> {
  const points = { ...otherwise }
  for (const severity of severities)
    points[severity] = reader.number(String(severity), { min: 0, max: 1_000, otherwise: otherwise[severity] })
  reader.refuseUnknown()
  for (const severity of [2, 3, 4] as const)
    if (points[severity] < points[(severity - 1) as Severity])
      reader.bad(String(severity), points[severity], 'must not be less than the points of the severity below')
  return points
}

function readViolation(
  reader: Reader,
  id: string,
  points: Record<Severity, number>,
  expiryMs: number,
  itemAgeDaysMax: number | undefined,
): PolicyViolation {
  const days = reader.optionalNumber('itemAgeDaysMax', { min: 1, max: 36_500 }) ?? itemAgeDaysMax
  const expiryDays = reader.optionalNumber('expiryDays', { min: 1, max: 3_650 })
  const first = reader.has('firstOccurrence') ? reader.object('firstOccurrence') : undefined
  const occurrences = reader.has('occurrences') ? reader.object('occurrences') : undefined
  const violation: PolicyViolation = {
    id,
    title: reader.text('title', { lengthMax: 200 }),
    text: reader.text('text', { lengthMax: 5_000 }),
    url: reader.optionalText('url', { lengthMax: 500, pattern: /^https?:\/\// }),
    translations: reader.map('translations', /^[a-z]{2,3}(-[A-Za-z0-9]+)*$/, (texts) => ({
      title: texts.text('title', { lengthMax: 200 }),
      text: texts.text('text', { lengthMax: 5_000 }),
    })),
    ground: reader.choice('ground', ['contractual', 'legal'], 'contractual'),
    reference: reader.optionalText('reference', { lengthMax: 500 }) ?? '',
    category: reader.text('category', { pattern: /^STATEMENT_CATEGORY_[A-Z_]+$/ }),
    severity: reader.number('severity', { min: 1, max: 4, whole: true }) as Severity,
    points: readPoints(reader.object('points'), points),
    expiryMs: expiryDays === undefined ? expiryMs : expiryDays * dayMs,
    itemAgeMsMax: days === undefined ? undefined : days * dayMs,
    egregious: reader.flag('egregious', false),
    dedupeWindowMs: reader.number('dedupeHours', { min: 1, max: 8_760, otherwise: 24 }) * hourMs,
    removesItem: reader.flag('removesItem', true),
  }
  if (first !== undefined) {
    violation.firstOccurrence = {
      handling: first.choice('handling', ['education', 'warning'], 'education'),
      severityMax: first.number('severityMax', { min: 1, max: 3, whole: true, otherwise: 1 }) as Severity,
      lapseAfterTrainingMs: first.number('lapseAfterTrainingDays', { min: 1, max: 3_650, otherwise: 90 }) * dayMs,
    }
    first.refuseUnknown()
    if (violation.egregious)
      reader.bad('firstOccurrence', true, 'cannot be forgiven: the violation is marked egregious')
  }
  if (occurrences !== undefined) {
    violation.occurrences = {
      count: occurrences.number('count', { min: 2, max: 1_000, whole: true }),
      windowMs: occurrences.number('windowDays', { min: 1, max: 3_650 }) * dayMs,
    }
    occurrences.refuseUnknown()
  }
  reader.refuseUnknown()
  return violation
}

function readLadder(value: unknown, field: string, problems: FieldProblem[]): LadderStep[] {
  if (!Array.isArray(value) || value.length === 0) {
    problems.push({ field, problem: 'must be a list of steps', value: quote(value) })
    return []
  }
  const steps = value.map((item: unknown, index) => {
    const reader = createReader(item, `${field}[${index}]`, problems)
    const days = reader.optionalNumber('days', { min: 1 / 24, max: 3_650 })
    const step: LadderStep = {
      at: reader.number('at', { min: 0.01, max: 100_000 }),
      action: reader.text('action', { pattern: name }),
      closes: reader.has('closes') && reader.value('closes') !== 'all' ? reader.texts('closes', {}) : [],
      durationMs: days === undefined ? undefined : Math.round(days * dayMs),
      permanent: reader.flag('permanent', false),
    }
    if (reader.value('closes') === 'all') {
      step.closes = 'all'
      reader.see('closes')
    }
    if (step.permanent && days !== undefined) reader.bad('permanent', true, 'cannot be given together with days')
    reader.refuseUnknown()
    return step
  })
  steps.forEach((step, index) => {
    const at = `${field}[${index}]`
    const notice = isNotice(step)
    if (notice && (step.closes === 'all' || step.closes.length > 0))
      problems.push({
        field: `${at}.days`,
        problem: 'is required for a step that closes features (or permanent: true)',
      })
    const before = steps[index - 1]
    if (before === undefined) return
    if (step.at <= before.at)
      problems.push({ field: `${at}.at`, problem: 'must be more than the step before', value: String(step.at) })
    // Otherwise a person with more points could be better off, and voiding a strike could make things worse.
    if (before.closes === 'all' ? step.closes !== 'all' : !before.closes.every((one) => closesFeature(step, one)))
      problems.push({ field: `${at}.closes`, problem: 'must close at least what the step before closes' })
    if (!isNotice(before) && stepMs(step) < stepMs(before))
      problems.push({ field: `${at}.days`, problem: 'must not be shorter than the step before' })
  })
  return steps
}

function stepMs(step: LadderStep): number {
  return step.permanent ? Infinity : (step.durationMs ?? 0)
}

function closesFeature(step: LadderStep, feature: string): boolean {
  return step.closes === 'all' || step.closes.includes(feature)
}

function readCounter(reader: Reader): Counter {
  const windowDays = reader.optionalNumber('windowDays', { min: 1, max: 3_650 })
  const each = reader.value('contexts') === undefined || reader.value('contexts') === 'each'
  if (each) reader.see('contexts')
  const counter: Counter = {
    id: reader.text('id', { pattern: name }),
    contexts: each ? 'each' : reader.texts('contexts', { pattern: contextName }),
    violations: reader.has('violations') ? reader.texts('violations', { pattern: name }) : undefined,
    windowMs: windowDays === undefined ? undefined : windowDays * dayMs,
    decay: readDecay(reader.object('decay')),
    ladder: reader.text('ladder', { pattern: name }),
    ladders: reader.object('ladders').strings(),
  }
  reader.refuseUnknown()
  return counter
}

function readDecay(reader: Reader): Decay {
  const kind = reader.choice('kind', ['none', 'step', 'half_life'], 'none')
  let decay: Decay = { kind: 'none' }
  if (kind === 'half_life') decay = { kind, halfLifeMs: reader.number('days', { min: 1, max: 3_650 }) * dayMs }
  if (kind === 'step') {
    const steps = reader.list('steps').map((step) => {
      const read = {
        afterMs: step.number('afterDays', { min: 1, max: 3_650 }) * dayMs,
        share: step.number('share', { min: 0, max: 1 }),
      }
      step.refuseUnknown()
      return read
    })
    for (let index = 1; index < steps.length; index++)
      if (steps[index]!.afterMs <= steps[index - 1]!.afterMs || steps[index]!.share > steps[index - 1]!.share)
        reader.bad(`steps[${index}]`, steps[index], 'must come later and keep no more than the step before')
    decay = { kind, steps }
  }
  reader.refuseUnknown()
  return decay
}

function readEverywhere(reader: Reader): Policy['everywhere'] {
  const given = reader.has('severities') ? reader.numbers('severities', { min: 1, max: 4, whole: true }) : [4]
  const everywhere = {
    severities: given as Severity[],
    action: reader.optionalText('action', { pattern: name }) ?? 'disable',
  }
  // A severity above one that acts everywhere must act everywhere too, or the graver act would cost less.
  for (const severity of severities)
    if (severity > Math.min(...everywhere.severities) && !everywhere.severities.includes(severity))
      reader.bad('severities', given, `must include ${severity}, which is graver`)
  reader.refuseUnknown()
  return everywhere
}

function readSpillover(reader: Reader): Policy['spillover'] {
  const spillover = {
    weight: reader.number('weight', { min: 0, max: 1, otherwise: 0 }),
    weights: reader.list('weights').map((row) => {
      const read = {
        from: row.text('from', { pattern: contextName }),
        to: row.text('to', { pattern: contextName }),
        weight: row.number('weight', { min: 0, max: 1 }),
      }
      row.refuseUnknown()
      return read
    }),
    cap: reader.optionalText('cap', { pattern: name }) ?? 'warn',
    caps: reader.object('caps').strings(),
  }
  reader.refuseUnknown()
  return spillover
}

function readAttribution(reader: Reader): Policy['attribution'] {
  const roles = reader.object('roles')
  const defaults: Record<AttributionRole, number> = {
    author: 1,
    approver: 0.5,
    owner: 0,
    admin: 0,
    quoter: 0.5,
    member: 0,
    victim: 0,
    prompter: 1,
    character_creator: 1,
    model: 0,
  }
  const weights = { ...defaults }
  for (const role of attributionRoles) weights[role] = roles.number(role, { min: 0, max: 1, otherwise: defaults[role] })
  roles.refuseUnknown()
  const attribution = {
    roles: weights,
    confidenceMin: reader.number('confidenceMin', { min: 0, max: 1, otherwise: 0.7 }),
    refusedAttempt: reader.number('refusedAttempt', { min: 0, max: 1, otherwise: 0 }),
  }
  reader.refuseUnknown()
  return attribution
}

function readGroups(reader: Reader): Policy['groups'] {
  const groups = {
    violatingShareMin: reader.number('violatingShareMin', { min: 0, max: 1, otherwise: 0.3 }),
    itemsMin: reader.number('itemsMin', { min: 1, max: 1_000_000, whole: true, otherwise: 5 }),
    adminsAll: reader.flag('adminsAll', true),
    action: reader.optionalText('action', { pattern: name }) ?? 'restrict',
  }
  reader.refuseUnknown()
  return groups
}

function readGates(reader: Reader): Policy['gates'] {
  const failSafe = reader.object('failSafe')
  const openOrClosed = ['open', 'closed'] as const
  const gates: Policy['gates'] = {
    risk: reader.list('risk').map((gate) => {
      const read: GateRule = {
        feature: gate.text('feature', { pattern: contextName }),
        context: gate.text('context', { pattern: contextName }),
        closeAt: gate.number('closeAt', { min: 0, max: 1 }),
        openAt: gate.number('openAt', { min: 0, max: 1 }),
        durationMs: gate.number('hours', { min: 1, max: 8_760, otherwise: 24 }) * hourMs,
        reason: gate.text('reason', { lengthMax: 500 }),
        appealable: gate.flag('appealable', true),
      }
      if (read.openAt > read.closeAt) gate.bad('openAt', read.openAt, 'must not be above closeAt', read.closeAt)
      gate.refuseUnknown()
      return read
    }),
    challengeLabels: reader.texts('challengeLabels', { lengthMax: 100 }),
    failSafe: {
      otherwise: failSafe.choice('otherwise', openOrClosed, 'open'),
      features: failSafe.map('features', contextName, (_, __, value, field) => {
        if (value !== 'open' && value !== 'closed')
          reader.problems.push({ field, problem: 'must be open or closed', value: quote(value) })
        return value === 'closed' ? 'closed' : 'open'
      }),
    },
  }
  failSafe.refuseUnknown()
  reader.refuseUnknown()
  return gates
}

function readEvasion(reader: Reader): Policy['evasion'] {
  const evasion = { linkConfidenceMin: reader.number('linkConfidenceMin', { min: 0, max: 1, otherwise: 0.9 }) }
  reader.refuseUnknown()
  return evasion
}

function readAppeals(reader: Reader): Policy['appeals'] {
  const appeals = {
    windowMs:
      reader.number('windowDays', { min: appealWindowDaysMin, max: 3_650, otherwise: appealWindowDaysMin }) * dayMs,
    coAdmins: reader.flag('coAdmins', true),
    notifiers: reader.flag('notifiers', true),
  }
  reader.refuseUnknown()
  return appeals
}

/** Names that point at nothing are the commonest slip in a policy; every one is reported with its place. */
function checkReferences(policy: Policy, problems: FieldProblem[]): void {
  const bad = (field: string, value: string, what: string, known: Iterable<string>) =>
    problems.push({ field, value, problem: `names no ${what}; known are ${[...known].join(', ')}` })
  const contexts = Object.keys(policy.contexts)
  const features = new Set(contexts.flatMap((context) => policy.contexts[context]!.features))
  const ladders = Object.keys(policy.ladders)
  if (contexts.length === 0) problems.push({ field: 'contexts', problem: 'at least one is needed' })
  if (policy.counters.length === 0) problems.push({ field: 'counters', problem: 'at least one is needed' })
  policy.counters.forEach((counter, index) => {
    const at = `counters[${index}]`
    if (!ladders.includes(counter.ladder)) bad(`${at}.ladder`, counter.ladder, 'ladder', ladders)
    for (const [context, ladder] of Object.entries(counter.ladders)) {
      if (!contexts.includes(context)) bad(`${at}.ladders.${context}`, context, 'context', contexts)
      if (!ladders.includes(ladder)) bad(`${at}.ladders.${context}`, ladder, 'ladder', ladders)
    }
    if (counter.contexts !== 'each')
      for (const context of counter.contexts)
        if (!contexts.includes(context)) bad(`${at}.contexts`, context, 'context', contexts)
    for (const violation of counter.violations ?? [])
      if (policy.violations[violation] === undefined)
        bad(`${at}.violations`, violation, 'violation', Object.keys(policy.violations))
  })
  const actions = new Set(Object.values(policy.ladders).flatMap((steps) => steps.map((step) => step.action)))
  actions.add('none')
  if (!actions.has(policy.spillover.cap)) bad('spillover.cap', policy.spillover.cap, 'action of a ladder', actions)
  for (const [context, action] of Object.entries(policy.spillover.caps)) {
    if (!contexts.includes(context)) bad(`spillover.caps.${context}`, context, 'context', contexts)
    if (!actions.has(action)) bad(`spillover.caps.${context}`, action, 'action of a ladder', actions)
  }
  policy.spillover.weights.forEach((row, index) => {
    for (const end of ['from', 'to'] as const)
      if (!contexts.includes(row[end])) bad(`spillover.weights[${index}].${end}`, row[end], 'context', contexts)
  })
  for (const [id, steps] of Object.entries(policy.ladders))
    steps.forEach((step, index) => {
      if (step.closes !== 'all')
        for (const feature of step.closes)
          if (!features.has(feature)) bad(`ladders.${id}[${index}].closes`, feature, 'feature', features)
    })
  policy.gates.risk.forEach((gate, index) => {
    if (!contexts.includes(gate.context)) bad(`gates.risk[${index}].context`, gate.context, 'context', contexts)
    else if (!policy.contexts[gate.context]!.features.includes(gate.feature))
      bad(
        `gates.risk[${index}].feature`,
        gate.feature,
        'feature of the context',
        policy.contexts[gate.context]!.features,
      )
  })
  for (const feature of Object.keys(policy.gates.failSafe.features))
    if (!features.has(feature)) bad(`gates.failSafe.features.${feature}`, feature, 'feature', features)
}
