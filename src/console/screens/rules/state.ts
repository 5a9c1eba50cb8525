import type { Static } from 'typebox'
import type { RuleSummary } from '../../../http/contract/rules.ts'

export type Rule = Static<typeof RuleSummary>

export const modeWords = {
  live: 'live',
  shadow: 'shadow',
  off: 'off',
} satisfies Record<Rule['mode'], string>
export const modeTones = { live: 'accent', shadow: 'plain', off: 'plain' } as const

/** A rule file to begin with: complete, harmless (shadow), and showing each part once. */
export const draftText = `# A rule file: features that count, and rules that read them.
features:
  messages_1h:
    kind: count
    description: Messages of one account in the last hour.
    key: actor.id
    on: [message.sent]
    window: 1h

rules:
  - id: many-messages
    owner: integrity
    description: An account that sends unusually many messages.
    on: [message.sent]
    when: messages_1h > 100
    then:
      - review: { queue: spam, priority: 0.3 }
    mode: shadow    # watches without acting; "live" acts
`

/** Hits per hour as one series for the newest days, oldest first, with the days before it as comparison. */
export function hourly(
  hours: { hourMs: number; hits: number }[],
  untilMs: number,
  count: number,
): { now: number[]; before: number[] } {
  const hourMs = 3_600_000
  const last = Math.floor(untilMs / hourMs)
  const series = Array.from({ length: count * 2 }, () => 0)
  for (const { hourMs: at, hits } of hours) {
    const index = count * 2 - 1 - (last - Math.floor(at / hourMs))
    if (index >= 0 && index < series.length) series[index]! += hits
  }
  return { before: series.slice(0, count), now: series.slice(count) }
}
