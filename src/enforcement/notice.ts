import type { Automation } from '../domain/entry.ts'
import type { Policy } from '../domain/policy.ts'
import { words, type Words } from './words.ts'

export type NoticeConsequence = { action: string; context: string; features: string[]; untilMs?: number | null }

export type NoticeInput = {
  policy: Policy
  /** Language of the person; English when it has no texts. */
  language: string
  kind: 'decision' | 'reversed' | 'modified' | 'upheld' | 'appeal_received'
  context: string
  occurredAtMs: number
  removed: boolean
  /** Title and text of the rule, in the same language where the policy has it. */
  title: string
  text: string
  url?: string
  automation: Automation
  appealUntilMs: number
  consequences: readonly NoticeConsequence[]
  /** Whether this was a first occurrence that costs nothing. */
  education: boolean
}

export type Notice = { language: string; direction: 'ltr' | 'rtl'; lines: string[]; url?: string }

/**
 * What the person is told: what happened, which rule with its text, what follows where and how long, whether automation
 * took part, and how to appeal until when.
 */
export function renderNotice(input: NoticeInput): Notice {
  const language = pickLanguage(input.language)
  const texts: Words = { ...words[language]!, ...input.policy.notices[language] }
  const context = input.policy.contexts[input.context]?.title ?? input.context
  const fill = (template: string, values: Record<string, string>) =>
    template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  const day = (timeMs: number) =>
    new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(timeMs)
  const moment = (timeMs: number) =>
    new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(timeMs) +
    ' UTC'

  const lines: string[] = []
  if (input.kind === 'appeal_received') lines.push(texts.appealReceived)
  else if (input.kind !== 'decision') lines.push(texts[input.kind])
  lines.push(fill(input.removed ? texts.removed : texts.decided, { date: day(input.occurredAtMs), context }))
  if (input.kind === 'reversed') return finish([lines[0]!, lines[1]!, texts.nothing])
  lines.push(fill(texts.rule, { title: input.title, text: input.text }))
  if (input.kind === 'appeal_received') return finish(lines)
  if (input.education) lines.push(texts.education)
  const names = (one: NoticeConsequence) =>
    one.features[0] === '*'
      ? (input.policy.contexts[one.context]?.title ?? one.context)
      : one.features.map((feature) => feature.replaceAll('_', ' ')).join(', ')
  for (const one of input.consequences) {
    if (one.context === '*') lines.push(texts.disabled)
    else if (one.features.length === 0) {
      if (one.context === input.context)
        lines.push(fill(texts.warned, { until: day(one.untilMs ?? input.appealUntilMs) }))
    } else if (one.untilMs === undefined || one.untilMs === null) lines.push(texts.disabled)
    else lines.push(fill(texts.suspended, { until: moment(one.untilMs), features: names(one) }))
  }
  lines.push({ full: texts.automatic, partial: texts.partly, none: texts.person }[input.automation])
  lines.push(fill(texts.appeal, { until: day(input.appealUntilMs) }))
  return finish(lines)

  function finish(all: string[]): Notice {
    return {
      language,
      direction: language === 'ar' ? 'rtl' : 'ltr',
      lines: all,
      ...(input.url === undefined ? {} : { url: input.url }),
    }
  }
}

/** The nearest language that has texts: `pt-BR` reads `pt`, an unknown one English. */
export function pickLanguage(language: string): string {
  const base = language.toLowerCase().split('-')[0]!
  return Object.hasOwn(words, base) ? base : 'en'
}
