import { Type } from 'typebox'
import { durationPattern } from '../domain/duration.ts'
import { featureKinds, listKinds, ruleModes } from '../domain/rule.ts'

/** Limits of rule files. */
export const fileBytesMax = 1_000_000
export const rulesMax = 2_000
export const featuresMax = 500
export const listEntriesMax = 50_000
export const windowMsMax = 90 * 86_400_000
export const windowMsMin = 1_000

const id = (about: string) => Type.String({ pattern: '^[a-z][a-z0-9_-]{0,63}$', description: about })
const name = '^[a-z][a-z0-9_]{0,63}$'
const word = (about: string) => Type.String({ pattern: '^[a-z][a-z0-9_.-]{0,99}$', description: about })
const text = (maxLength: number, about: string) => Type.String({ minLength: 1, maxLength, description: about })
const duration = (about: string) => Type.String({ pattern: durationPattern, maxLength: 40, description: about })
const condition = (about: string) => Type.String({ minLength: 1, maxLength: 10_000, description: `CEL. ${about}` })
const eventType = Type.String({ pattern: '^(\\*|[a-z][a-z0-9_]*(\\.[a-z0-9_]+)+)$', maxLength: 100 })
const on = Type.Union([eventType, Type.Array(eventType, { minItems: 1, maxItems: 100, uniqueItems: true })], {
  description: 'Event types, or * for all.',
})
const strict = { additionalProperties: false }
const oneOf = <const Words extends readonly string[]>(words: Words, about: string) =>
  Type.Enum([...words], { description: about })
const target = oneOf(
  ['actor', 'item', 'thread', 'target'],
  'Whom it is put on; target is the first target of the event.',
)

const feature = Type.Object(
  {
    kind: oneOf(featureKinds, 'What is measured.'),
    description: Type.Optional(text(1_000, 'What it is for.')),
    key: condition('What is measured per: actor.id, origin.ip. Events without it do not count.'),
    of: Type.Optional(condition('What is told apart (distinct), added up (sum) or kept (last).')),
    on,
    where: Type.Optional(condition('Only events for which it is true count.')),
    window: duration('How far back it looks: 10m, 24h, 90d.'),
    per: Type.Optional(duration('For rates: events per this time. 1m unless told.')),
    lateness: Type.Optional(duration('How late an event may come and still count exactly. 10m unless told.')),
  },
  { ...strict, description: 'A measurement over a sliding window of event time, per key.' },
)

const list = Type.Object(
  {
    kind: oneOf(listKinds, 'Domains match subdomains; domains and words ignore case.'),
    description: Type.Optional(text(1_000, 'Where it comes from.')),
    entries: Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), { maxItems: listEntriesMax }),
  },
  strict,
)

const effect = Type.Object(
  {
    violation: Type.Optional(
      Type.Object(
        {
          violation: word('The violation that the policy knows.'),
          severity: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
          confidence: Type.Number({ minimum: 0, maximum: 1 }),
          route: oneOf(['auto', 'review'], 'auto becomes a decision at once; review waits for a person.'),
        },
        strict,
      ),
    ),
    label: Type.Optional(
      Type.Object(
        { label: word('A declared label.'), on: target, for: Type.Optional(duration('Until when it holds.')) },
        strict,
      ),
    ),
    review: Type.Optional(
      Type.Object(
        {
          queue: id('The queue.'),
          priority: Type.Number({ minimum: 0, maximum: 1 }),
          on: Type.Optional(target),
          violation: Type.Optional(word('The violation that is suspected.')),
        },
        strict,
      ),
    ),
    gate: Type.Optional(
      Type.Object(
        {
          feature: word('The platform feature that closes.'),
          for: duration('How long.'),
          reason: text(1_000, 'Shown to the person.'),
        },
        strict,
      ),
    ),
    webhook: Type.Optional(Type.Object({ topic: word('The topic of the webhook.') }, strict)),
  },
  { ...strict, minProperties: 1, maxProperties: 1, description: 'One proposal; exactly one key.' },
)

const rule = Type.Object(
  {
    id: id('Never reused for another rule.'),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Assigned on publishing; ignored in files.' })),
    owner: text(100, 'Who answers for it.'),
    description: text(1_000, 'What it finds, in words; the start of every explanation.'),
    on,
    when: condition('It hits when this is true; null (something is missing) is not true.'),
    // oxlint-disable-next-line unicorn/no-thenable
    then: Type.Array(effect, { minItems: 1, maxItems: 10 }),
    mode: oneOf(ruleModes, 'live acts, shadow is counted only, off is not evaluated.'),
    quota: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Hits per hour that trip it to shadow.' }),
    ),
  },
  strict,
)

/** The shape of a rule file, as a JSON Schema (draft 2020-12) and as the check of `parseRuleFile`. */
export const ruleFileSchema = Type.Object(
  {
    features: Type.Optional(
      Type.Record(Type.String({ pattern: name }), feature, { maxProperties: featuresMax, ...strict }),
    ),
    lists: Type.Optional(Type.Record(Type.String({ pattern: name }), list, { maxProperties: 200, ...strict })),
    labels: Type.Optional(
      Type.Record(
        Type.String({ pattern: name }),
        Type.Object({ description: text(1_000, 'What it says about its subject.') }, strict),
        { maxProperties: 500, ...strict },
      ),
    ),
    rules: Type.Optional(Type.Array(rule, { maxItems: rulesMax })),
  },
  {
    ...strict,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://custos.dev/schemas/rule-file.json',
    title: 'Custos rule file',
    description: 'Rules, the features they count, the lists and labels they read.',
  },
)
