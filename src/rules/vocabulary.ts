import { Environment } from '@marcbachmann/cel-js'
import type { FeatureKind } from '../domain/rule.ts'

/** Limits of one expression. Rules come from people, but a rule must never be able to stall the stream. */
export const expressionLengthMax = 10_000
export const expressionNodesMax = 2_000
export const expressionDepthMax = 64
/** See `costOf` in compile.ts: one step is about one comparison. */
export const expressionCostMax = 5_000

/** The fields that conditions see, per type. `attributes` hold whatever the platform sends: their types are dynamic. */
export const fieldTypes: Record<string, Record<string, string>> = {
  Event: { id: 'string', type: 'string', time: 'string', timeMs: 'double', context: 'string' },
  Actor: { id: 'string', kind: 'string', attributes: 'map<string, dyn>' },
  Media: { id: 'string', kind: 'string', url: 'string', upload: 'string', hashes: 'map<string, dyn>' },
  Item: {
    id: 'string',
    kind: 'string',
    text: 'string',
    language: 'string',
    links: 'list<string>',
    media: 'list<Media>',
    generated: 'map<string, dyn>',
    parent: 'string',
    attributes: 'map<string, dyn>',
  },
  Thread: {
    id: 'string',
    kind: 'string',
    role: 'string',
    memberCount: 'double',
    admins: 'list<string>',
    attributes: 'map<string, dyn>',
  },
  Target: { id: 'string', kind: 'string' },
  Origin: { ip: 'string', device: 'string', userAgent: 'string' },
  Subject: { kind: 'string', id: 'string' },
  Signal: {
    name: 'string',
    subject: 'Subject',
    value: 'dyn',
    confidence: 'double',
    because: 'string',
    version: 'string',
    evidence: 'map<string, dyn>',
  },
}

/** The names that every condition may use, and their types. */
export const variableTypes: Record<string, string> = {
  event: 'Event',
  actor: 'Actor',
  item: 'Item',
  thread: 'Thread',
  targets: 'list<Target>',
  target: 'Target',
  origin: 'Origin',
  attributes: 'map<string, dyn>',
}

/** Functions of our own, with the sentence that the editor shows. */
export const functionDocs: Record<string, { signatures: string[]; about: string; inFeatures: boolean }> = {
  signal: {
    signatures: ['signal(string): Signal'],
    about: 'The most confident signal of that name on this event, or null.',
    inFeatures: false,
  },
  signals: {
    signatures: ['signals(string): list<Signal>'],
    about: 'All signals of that name on this event.',
    inFeatures: false,
  },
  hasLabel: {
    signatures: ['Actor', 'Item', 'Thread', 'Target'].map((type) => `hasLabel(${type}, string): bool`),
    about: 'Whether the subject holds the label now.',
    inFeatures: false,
  },
  inList: {
    signatures: ['inList(string, string): bool'],
    about: 'Whether the list holds the text; lists of domains hold subdomains too.',
    inFeatures: false,
  },
  crosses: {
    signatures: ['crosses(double, double): bool', 'crosses(double, int): bool'],
    about: 'Whether this very event takes the feature from below the number to it or past it.',
    inFeatures: false,
  },
  previous: {
    signatures: ['previous(dyn): dyn'],
    about: 'The value of the feature just before this event.',
    inFeatures: false,
  },
  domain: {
    signatures: ['domain(string): string'],
    about: 'The host of a link or e-mail address, lower case, without www.',
    inFeatures: true,
  },
  secondsSince: {
    signatures: ['secondsSince(dyn): double'],
    about: 'Seconds from a time (ISO text or milliseconds) to the time of the event.',
    inFeatures: true,
  },
  lower: { signatures: ['lower(string): string'], about: 'The text in lower case.', inFeatures: true },
  min: { signatures: ['min(dyn, dyn): double'], about: 'The smaller of two numbers.', inFeatures: true },
  max: { signatures: ['max(dyn, dyn): double'], about: 'The larger of two numbers.', inFeatures: true },
}

const featureTypes = {
  count: 'double',
  distinct: 'double',
  rate: 'double',
  sum: 'double',
  last: 'dyn',
} satisfies Record<FeatureKind, string>

/** Everything a condition may name besides the built-in words. */
export type Names = {
  features: ReadonlyMap<string, FeatureKind>
  lists: ReadonlySet<string>
  labels: ReadonlySet<string>
  signals: ReadonlySet<string>
}

export const noNames: Names = { features: new Map(), lists: new Set(), labels: new Set(), signals: new Set() }

const reservedNames: ReadonlySet<string> = new Set([
  ...Object.keys(variableTypes),
  ...Object.keys(functionDocs),
  'cel',
  'size',
  'has',
  'true',
  'false',
  'null',
  'in',
])

/** Whether a feature may bear this name: it must mean nothing else, neither to us nor to CEL. */
export function canNameFeature(name: string): boolean {
  if (reservedNames.has(name) || name in Object.prototype) return false
  try {
    sharedEnvironment().clone().registerVariable(name, 'double')
    return true
  } catch {
    return false
  }
}

let shared: Environment | undefined

function sharedEnvironment(): Environment {
  if (shared !== undefined) return shared
  const never = () => {
    throw new Error('Conditions are compiled by src/rules/compile.ts and never evaluated by cel-js')
  }
  const environment = new Environment({
    homogeneousAggregateLiterals: true,
    limits: { maxAstNodes: expressionNodesMax, maxDepth: expressionDepthMax, maxListElements: 1_000 },
  })
  // Types name other types, so those without references come first.
  for (const name of ['Subject', 'Signal', 'Media', 'Event', 'Actor', 'Item', 'Thread', 'Target', 'Origin'])
    environment.registerType(name, { fields: fieldTypes[name]! })
  // A missing field is null, so every type can be compared with null.
  for (const name of ['string', 'int', 'double', 'bool', 'list<string>', 'list<Media>', 'list<Target>', 'list<Signal>'])
    environment.registerOperator(`${name} == null`, never)
  environment.registerOperator('map == null', never)
  for (const name of Object.keys(fieldTypes)) environment.registerOperator(`${name} == null`, never)
  // Numbers of events are doubles, literals are ints: let them be mixed.
  environment.registerOperator('int == double', never)
  for (const operator of ['+', '-', '*', '/', '%']) {
    if (operator === '%') environment.registerOperator('double % double: double', never)
    environment.registerOperator(`int ${operator} double: double`, never)
    environment.registerOperator(`double ${operator} int: double`, never)
  }
  for (const { signatures } of Object.values(functionDocs))
    for (const signature of signatures) environment.registerFunction(signature, never)
  for (const [name, type] of Object.entries(variableTypes)) environment.registerVariable(name, type)
  return (shared = environment)
}

/** The typed environment in which conditions with these feature names are checked. */
export function environmentFor(features: ReadonlyMap<string, FeatureKind>): Environment {
  const environment = sharedEnvironment().clone()
  for (const [name, kind] of features) environment.registerVariable(name, featureTypes[kind])
  return environment
}
