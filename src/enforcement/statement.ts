import type { Automation, Finding, StatementOfReasons } from '../domain/entry.ts'
import type { FieldProblem } from '../domain/error.ts'
import { violationWords, type Policy, type PolicyViolation } from '../domain/policy.ts'
import { pickLanguage } from './notice.ts'
import { findingsIn } from './findings.ts'

export const factsLengthMax = 5_000
export const explanationLengthMax = 2_000

const decided = { full: 'FULLY', partial: 'PARTIALLY', none: 'NOT_AUTOMATED' } satisfies Record<
  Automation,
  StatementOfReasons['automatedDecision']
>

export type StatementInput = {
  violation: PolicyViolation
  language: string
  context: string
  /** What was found, as somebody wrote it for the affected person; or by what, to be said in their language. */
  facts: string | readonly Finding[]
  automation: Automation
  automatedDetection: boolean
  sourceType?: StatementOfReasons['sourceType']
  appealUntilMs: number
}

/** The statement of reasons (DSA Art. 17) of a decision, in the language of the affected person where there is one. */
export function buildStatement(input: StatementInput): StatementOfReasons {
  const language = pickLanguage(input.language)
  const { title, text } = violationWords(input.violation, language)
  return {
    language,
    violation: input.violation.id,
    policyTitle: title,
    policyText: text,
    ...(input.violation.url === undefined ? {} : { policyUrl: input.violation.url }),
    legalGround: input.violation.ground === 'legal' ? 'ILLEGAL_CONTENT' : 'INCOMPATIBLE_CONTENT',
    ...(typeof input.facts === 'string'
      ? { facts: withoutPersonalData(input.facts).slice(0, factsLengthMax) }
      : { facts: findingsIn(language, input.facts), findings: [...input.facts] }),
    context: input.context,
    automatedDetection: input.automatedDetection,
    automatedDecision: decided[input.automation],
    sourceType: input.sourceType ?? 'VOLUNTARY',
    appealUntilMs: input.appealUntilMs,
  }
}

/** Masks what identifies people by its form: addresses of mail and machines, telephone numbers. */
export function withoutPersonalData(text: string): string {
  return text
    .replaceAll(/[\w.+-]+@[\w-]+\.[\w.-]+/g, '[e-mail]')
    .replaceAll(/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, '[address]')
    .replaceAll(/\+\d[\d ()-]{7,}\d/g, '[number]')
}

// The EU transparency database, POST /api/v1/statement (names of its constants as of release 2026-06).
const visibilities = [
  'DECISION_VISIBILITY_CONTENT_REMOVED',
  'DECISION_VISIBILITY_CONTENT_DISABLED',
  'DECISION_VISIBILITY_CONTENT_DEMOTED',
  'DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED',
  'DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED',
  'DECISION_VISIBILITY_CONTENT_LABELLED',
  'DECISION_VISIBILITY_OTHER',
] as const
const monetaries = ['DECISION_MONETARY_SUSPENSION', 'DECISION_MONETARY_TERMINATION', 'DECISION_MONETARY_OTHER'] as const
const provisions = [
  'DECISION_PROVISION_PARTIAL_SUSPENSION',
  'DECISION_PROVISION_TOTAL_SUSPENSION',
  'DECISION_PROVISION_PARTIAL_TERMINATION',
  'DECISION_PROVISION_TOTAL_TERMINATION',
] as const
const accounts = ['DECISION_ACCOUNT_SUSPENDED', 'DECISION_ACCOUNT_TERMINATED'] as const
const contents = [
  'CONTENT_TYPE_APP',
  'CONTENT_TYPE_AUDIO',
  'CONTENT_TYPE_IMAGE',
  'CONTENT_TYPE_PRODUCT',
  'CONTENT_TYPE_SYNTHETIC_MEDIA',
  'CONTENT_TYPE_TEXT',
  'CONTENT_TYPE_VIDEO',
  'CONTENT_TYPE_OTHER',
] as const
export type DsaContentType = (typeof contents)[number]
const sources = [
  'SOURCE_ARTICLE_16',
  'SOURCE_TRUSTED_FLAGGER',
  'SOURCE_TYPE_OTHER_NOTIFICATION',
  'SOURCE_VOLUNTARY',
] as const
const automated = [
  'AUTOMATED_DECISION_FULLY',
  'AUTOMATED_DECISION_PARTIALLY',
  'AUTOMATED_DECISION_NOT_AUTOMATED',
] as const
const categories = [
  'ANIMAL_WELFARE',
  'CONSUMER_INFORMATION',
  'CYBER_VIOLENCE',
  'CYBER_VIOLENCE_AGAINST_WOMEN',
  'DATA_PROTECTION_AND_PRIVACY_VIOLATIONS',
  'ILLEGAL_OR_HARMFUL_SPEECH',
  'INTELLECTUAL_PROPERTY_INFRINGEMENTS',
  'NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS',
  'NOT_SPECIFIED_NOTICE',
  'OTHER_VIOLATION_TC',
  'PROTECTION_OF_MINORS',
  'RISK_FOR_PUBLIC_SECURITY',
  'SCAMS_AND_FRAUD',
  'SELF_HARM',
  'UNSAFE_AND_PROHIBITED_PRODUCTS',
  'VIOLENCE',
].map((name) => `STATEMENT_CATEGORY_${name}`)

export type DsaStatement = {
  puid: string
  decision_visibility?: (typeof visibilities)[number][]
  decision_monetary?: (typeof monetaries)[number]
  decision_provision?: (typeof provisions)[number]
  decision_account?: (typeof accounts)[number]
  decision_ground: 'DECISION_GROUND_ILLEGAL_CONTENT' | 'DECISION_GROUND_INCOMPATIBLE_CONTENT'
  decision_ground_reference_url?: string
  illegal_content_legal_ground?: string
  illegal_content_explanation?: string
  incompatible_content_ground?: string
  incompatible_content_explanation?: string
  incompatible_content_illegal?: 'Yes' | 'No'
  content_type: DsaContentType[]
  content_type_other?: string
  category: string
  content_language?: string
  content_date: string
  application_date: string
  end_date_service_restriction?: string
  end_date_monetary_restriction?: string
  end_date_account_restriction?: string
  decision_facts: string
  source_type: (typeof sources)[number]
  automated_detection: 'Yes' | 'No'
  automated_decision: (typeof automated)[number]
}

export type DsaInput = {
  decisionId: string
  statement: StatementOfReasons
  policy: Policy
  removesItem: boolean
  itemId?: string
  contentTypes?: DsaContentType[]
  occurredAtMs: number
  appliedAtMs: number
  consequences: readonly { context: string; action: string; features: string[]; untilMs?: number | null }[]
}

const date = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 10)

/** The statement as the EU transparency database takes it. The person is not in it: only the decision's own id. */
export function dsaStatement(input: DsaInput): DsaStatement {
  const { statement, consequences } = input
  const violation = input.policy.violations[statement.violation]
  const legal = statement.legalGround === 'ILLEGAL_CONTENT'
  const ground =
    violation?.reference === undefined || violation.reference === '' ? statement.policyTitle : violation.reference
  const explanation = `${statement.policyTitle}. ${statement.policyText}`.slice(0, explanationLengthMax)
  const disabled = consequences.find((one) => one.context === '*')
  const money = consequences.find((one) => one.context === 'monetisation' && one.features.length > 0)
  const closing = consequences.filter(
    (one) => one.context !== '*' && one.context !== 'monetisation' && one.features.length > 0,
  )
  const end = (untilMs: number | null | undefined) =>
    untilMs === null || untilMs === undefined ? undefined : date(untilMs)
  const result: DsaStatement = {
    puid: input.decisionId,
    ...(input.removesItem && input.itemId !== undefined
      ? { decision_visibility: ['DECISION_VISIBILITY_CONTENT_REMOVED'] as const }
      : {}),
    ...(money === undefined
      ? {}
      : { decision_monetary: 'DECISION_MONETARY_SUSPENSION', end_date_monetary_restriction: end(money.untilMs) }),
    ...(closing.length === 0
      ? {}
      : {
          decision_provision: 'DECISION_PROVISION_PARTIAL_SUSPENSION',
          end_date_service_restriction: end(
            closing.reduce<number | null>(
              (latest, one) =>
                latest === null || one.untilMs === null || one.untilMs === undefined
                  ? null
                  : Math.max(latest, one.untilMs),
              0,
            ),
          ),
        }),
    ...(disabled === undefined ? {} : { decision_account: 'DECISION_ACCOUNT_TERMINATED' }),
    decision_ground: `DECISION_GROUND_${statement.legalGround}`,
    ...(statement.policyUrl === undefined ? {} : { decision_ground_reference_url: statement.policyUrl }),
    ...(legal
      ? { illegal_content_legal_ground: ground, illegal_content_explanation: explanation }
      : {
          incompatible_content_ground: ground,
          incompatible_content_explanation: explanation,
          incompatible_content_illegal: 'No',
        }),
    content_type: input.contentTypes ?? ['CONTENT_TYPE_TEXT'],
    category: violation?.category ?? 'STATEMENT_CATEGORY_OTHER_VIOLATION_TC',
    content_language: statement.language.slice(0, 2).toUpperCase(),
    content_date: date(input.occurredAtMs),
    application_date: date(input.appliedAtMs),
    decision_facts: statement.facts,
    source_type:
      statement.sourceType === 'TYPE_OTHER_NOTIFICATION'
        ? 'SOURCE_TYPE_OTHER_NOTIFICATION'
        : `SOURCE_${statement.sourceType}`,
    automated_detection: statement.automatedDetection ? 'Yes' : 'No',
    automated_decision: `AUTOMATED_DECISION_${statement.automatedDecision}`,
  } as DsaStatement
  // A warning restricts nothing, but a decision without any field is refused by the database.
  if (
    result.decision_visibility === undefined &&
    result.decision_monetary === undefined &&
    result.decision_provision === undefined &&
    result.decision_account === undefined
  )
    result.decision_visibility = ['DECISION_VISIBILITY_CONTENT_LABELLED']
  return JSON.parse(JSON.stringify(result)) as DsaStatement
}

/** What the transparency database would refuse about a statement. Empty when it would take it. */
export function checkDsaStatement(statement: DsaStatement): FieldProblem[] {
  const problems: FieldProblem[] = []
  const bad = (field: keyof DsaStatement, problem: string, limit?: number | string) =>
    problems.push({ field, problem, value: String(statement[field]), ...(limit === undefined ? {} : { limit }) })
  const oneOf = (field: keyof DsaStatement, known: readonly string[]) => {
    for (const value of [statement[field]].flat())
      if (value !== undefined && !known.includes(value)) bad(field, 'is not a known constant', known.join(', '))
  }
  if (!/^[A-Za-z0-9-_]+$/.test(statement.puid) || statement.puid.length > 500)
    bad('puid', 'must be letters, digits, - and _', 500)
  oneOf('decision_visibility', visibilities)
  oneOf('decision_monetary', monetaries)
  oneOf('decision_provision', provisions)
  oneOf('decision_account', accounts)
  oneOf('content_type', contents)
  oneOf('source_type', sources)
  oneOf('automated_decision', automated)
  oneOf('category', categories)
  const decisions = [
    statement.decision_visibility?.length,
    statement.decision_monetary,
    statement.decision_provision,
    statement.decision_account,
  ]
  if (decisions.every((one) => one === undefined || one === 0))
    bad('decision_visibility', 'at least one decision field is required')
  const legal = statement.decision_ground === 'DECISION_GROUND_ILLEGAL_CONTENT'
  const pair = legal
    ? (['illegal_content_legal_ground', 'illegal_content_explanation'] as const)
    : (['incompatible_content_ground', 'incompatible_content_explanation'] as const)
  for (const field of pair) {
    const text = statement[field]
    if (text === undefined || text === '') bad(field, 'is required by the decision ground')
    else if (text.length > (field.endsWith('explanation') ? explanationLengthMax : 500))
      bad(field, `is ${text.length} characters long`, field.endsWith('explanation') ? explanationLengthMax : 500)
  }
  if (statement.decision_facts === '') bad('decision_facts', 'is required')
  if (statement.decision_facts.length > factsLengthMax)
    bad('decision_facts', `is ${statement.decision_facts.length} characters long`, factsLengthMax)
  if (statement.content_type.length === 0) bad('content_type', 'is required')
  if (statement.content_type.includes('CONTENT_TYPE_OTHER') && statement.content_type_other === undefined)
    bad('content_type_other', 'is required with CONTENT_TYPE_OTHER')
  for (const field of ['content_date', 'application_date'] as const)
    if (!/^\d{4}-\d{2}-\d{2}$/.test(statement[field])) bad(field, 'must be a date such as 2026-11-20')
  return problems
}
