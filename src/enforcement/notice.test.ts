import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickLanguage, renderNotice, type NoticeInput } from './notice.ts'
import { readPolicy, referencePolicyText } from './policy-file.ts'
import { languages, words } from './words.ts'

const policy = readPolicy(referencePolicyText())
const notice = (change: Partial<NoticeInput>) =>
  renderNotice({
    policy,
    language: 'en',
    kind: 'decision',
    context: 'feed',
    occurredAtMs: Date.UTC(2026, 10, 19),
    removed: true,
    title: 'Scams and fraud',
    text: 'We do not allow deceiving people.',
    automation: 'full',
    appealUntilMs: Date.UTC(2027, 4, 22),
    consequences: [{ action: 'suspend', context: 'feed', features: ['*'], untilMs: Date.UTC(2026, 10, 21, 8) }],
    education: false,
    ...change,
  }).lines

test('a notice says what, which rule, where and how long, whether automation decided, and how to appeal until when', () => {
  assert.deepEqual(notice({}), [
    'We removed your content of November 19, 2026 in Feed.',
    'Why: Scams and fraud. We do not allow deceiving people.',
    'Until November 21, 2026 at 8:00 AM UTC you cannot use: Feed.',
    'This was found and decided automatically.',
    'If you think this is wrong, you can appeal until May 22, 2027.',
  ])
})

test('a first occurrence, a warning, a disabled account and a reversal each say so', () => {
  assert.match(notice({ education: true, consequences: [] }).join('\n'), /first time, so it has no further effect/)
  assert.match(
    notice({ consequences: [{ action: 'warn', context: 'feed', features: [] }] }).join('\n'),
    /This is a warning/,
  )
  assert.match(
    notice({ consequences: [{ action: 'disable', context: '*', features: ['*'] }] }).join('\n'),
    /account is disabled/,
  )
  const reversed = notice({ kind: 'reversed' })
  assert.match(reversed[0]!, /our decision was wrong/)
  assert.ok(!reversed.join('\n').includes('appeal'))
})

test('every language has every text, with the same places to fill in, and none is left open', () => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort()
  for (const language of languages) {
    for (const [name, text] of Object.entries(words[language]!))
      assert.deepEqual(
        places(text),
        places((words.en as Record<string, unknown>)[name] as string),
        `${language} ${name}`,
      )
    for (const kind of ['decision', 'reversed', 'modified', 'upheld', 'appeal_received'] as const)
      assert.doesNotMatch(notice({ language, kind }).join('\n'), /[{}]|undefined/)
  }
})

test('a policy may replace texts, and dialects read their language', () => {
  const own = { ...policy, notices: { en: { person: 'Jo from the team decided this.' } } }
  assert.ok(notice({ policy: own, automation: 'none' }).includes('Jo from the team decided this.'))
  assert.deepEqual([pickLanguage('pt-BR'), pickLanguage('xx'), pickLanguage('constructor')], ['pt', 'en', 'en'])
})
