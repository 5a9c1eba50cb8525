import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readPolicy, referencePolicyText } from './policy-file.ts'
import { buildStatement, checkDsaStatement, dsaStatement, withoutPersonalData, type DsaInput } from './statement.ts'
import { languages } from './words.ts'

const policy = readPolicy(referencePolicyText())
const statement = (violation: string, more: Partial<Parameters<typeof buildStatement>[0]> = {}) =>
  buildStatement({
    violation: policy.violations[violation]!,
    language: 'en',
    context: 'feed',
    facts: 'It matches a known scam.',
    automation: 'full',
    automatedDetection: true,
    appealUntilMs: 1_000,
    ...more,
  })
const dsa = (violation: string, more: Partial<DsaInput> = {}) =>
  dsaStatement({
    decisionId: '0193-a_b',
    statement: statement(violation),
    policy,
    removesItem: true,
    itemId: 'i1',
    occurredAtMs: Date.UTC(2026, 10, 19),
    appliedAtMs: Date.UTC(2026, 10, 20),
    consequences: [],
    ...more,
  })

test('every violation of the reference policy makes a statement that the transparency database takes', () => {
  for (const violation of Object.keys(policy.violations))
    assert.deepEqual(checkDsaStatement(dsa(violation)), [], violation)
  const spam = dsa('spam', { removesItem: false })
  assert.deepEqual(checkDsaStatement(spam), [])
  assert.deepEqual(spam.decision_visibility, ['DECISION_VISIBILITY_CONTENT_LABELLED'])
})

test('consequences appear as the restrictions that they are, with their ends', () => {
  const untilMs = Date.UTC(2026, 11, 20)
  const suspended = dsa('scam', { consequences: [{ context: 'feed', action: 'suspend', features: ['*'], untilMs }] })
  assert.deepEqual(
    [suspended.decision_provision, suspended.end_date_service_restriction],
    ['DECISION_PROVISION_PARTIAL_SUSPENSION', '2026-12-20'],
  )
  const payouts = dsa('monetisation_fraud', {
    consequences: [{ context: 'monetisation', action: 'stop_payouts', features: ['payouts'], untilMs }],
  })
  assert.deepEqual([payouts.decision_monetary, payouts.decision_provision], ['DECISION_MONETARY_SUSPENSION', undefined])
  const disabled = dsa('egregious_media', { consequences: [{ context: '*', action: 'disable', features: ['*'] }] })
  assert.deepEqual(
    [disabled.decision_account, disabled.decision_ground, disabled.incompatible_content_ground],
    ['DECISION_ACCOUNT_TERMINATED', 'DECISION_GROUND_ILLEGAL_CONTENT', undefined],
  )
})

test('each rule of the database is checked by name', () => {
  const fields = (change: object) => checkDsaStatement({ ...dsa('scam'), ...change }).map((problem) => problem.field)
  assert.deepEqual(fields({ puid: 'a b' }), ['puid'])
  assert.deepEqual(fields({ puid: 'x'.repeat(501) }), ['puid'])
  assert.deepEqual(fields({ decision_facts: 'x'.repeat(5_001) }), ['decision_facts'])
  assert.deepEqual(fields({ decision_facts: '' }), ['decision_facts'])
  assert.deepEqual(fields({ decision_visibility: [] }), ['decision_visibility'])
  assert.deepEqual(fields({ decision_visibility: ['GONE'] }), ['decision_visibility'])
  assert.deepEqual(fields({ incompatible_content_ground: '' }), ['incompatible_content_ground'])
  assert.deepEqual(fields({ decision_ground: 'DECISION_GROUND_ILLEGAL_CONTENT' }), [
    'illegal_content_legal_ground',
    'illegal_content_explanation',
  ])
  assert.deepEqual(fields({ category: 'STATEMENT_CATEGORY_RUDE' }), ['category'])
  assert.deepEqual(fields({ content_type: ['CONTENT_TYPE_OTHER'] }), ['content_type_other'])
  assert.deepEqual(fields({ content_date: '20.11.2026' }), ['content_date'])
})

test('what identifies people by its form is masked in the facts, and they are cut to the limit', () => {
  assert.equal(
    withoutPersonalData('Write to jo.doe+x@example.org or +44 20 7946 0958 from 198.51.100.7'),
    'Write to [e-mail] or [number] from [address]',
  )
  assert.equal(statement('scam', { facts: 'x'.repeat(9_000) }).facts.length, 5_000)
})

test('how it was found is said in every language, in words that give nothing away', () => {
  const findings = ['report', 'picture', 'text', 'activity', 'check', 'person'] as const
  const said = languages.map((language) => statement('scam', { language, facts: findings }))
  for (const { facts, language } of said) {
    assert.ok(facts.length > 50 && facts.length <= 5_000)
    assert.doesNotMatch(facts, /\d|undefined/, language)
  }
  assert.equal(new Set(said.map(({ facts }) => facts)).size, languages.length)
  assert.deepEqual(said[0]!.findings, findings)
  assert.equal(
    statement('scam', { facts: ['report', 'person'] }).facts,
    'It was reported to us. A person looked at it and found that it breaks the rule.',
  )
  assert.equal(statement('scam').findings, undefined)
})

test('the statement speaks the language of the person where the policy does', () => {
  assert.equal(statement('scam', { language: 'de-AT' }).policyTitle, 'Betrug')
  const japanese = statement('scam', { language: 'ja' })
  assert.deepEqual([japanese.language, japanese.policyTitle], ['ja', 'Scams and fraud'])
  assert.equal(statement('scam', { language: 'tlh' }).language, 'en')
})

const constants = new URL('../../../shared/data/dsa/dsa_sor/enums.json', import.meta.url)
test(
  'our constants are those of the official database',
  { skip: existsSync(constants) ? false : 'the official constants are not on this machine' },
  () => {
    const { enums } = JSON.parse(readFileSync(constants, 'utf8')) as { enums: Record<string, string[]> }
    for (const [field, name] of [
      ['category', 'STATEMENT_CATEGORIES'],
      ['source_type', 'SOURCE_TYPES'],
      ['automated_decision', 'AUTOMATED_DECISIONS'],
      ['decision_account', 'DECISION_ACCOUNTS'],
      ['decision_monetary', 'DECISION_MONETARIES'],
      ['decision_provision', 'DECISION_PROVISIONS'],
    ] as const)
      for (const value of enums[name]!)
        assert.deepEqual(checkDsaStatement({ ...dsa('scam'), [field]: value }), [], `${field}: ${value}`)
    for (const value of enums.DECISION_VISIBILITIES!)
      assert.deepEqual(checkDsaStatement({ ...dsa('scam'), decision_visibility: [value as never] }), [], value)
  },
)
