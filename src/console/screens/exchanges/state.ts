import type { Exchange, ExchangeRun } from '../../../http/contract/exchanges.ts'
import { countOf } from '../../frame/time.ts'
import type { Tone } from '../../parts/Badge.tsx'

export const statusWords: Record<Exchange['status'], string> = {
  off: 'paused',
  waiting: 'waiting',
  running: 'running',
  failing: 'failing',
  'needs-credentials': 'needs credentials',
}
export const statusTones: Record<Exchange['status'], Tone> = {
  off: 'plain',
  waiting: 'plain',
  running: 'accent',
  failing: 'attention',
  'needs-credentials': 'attention',
}

export const runWords: Record<ExchangeRun['state'], string> = {
  running: 'running',
  done: 'done',
  failed: 'failed',
  stopped: 'stopped',
}
export const triggerWords: Record<ExchangeRun['trigger'], string> = {
  schedule: 'by the clock',
  person: 'by hand',
  upload: 'uploaded file',
}

const outcomes: [keyof ExchangeRun['counts'], string][] = [
  ['added', 'new'],
  ['changed', 'changed'],
  ['withdrawn', 'withdrawn'],
  ['unchanged', 'as before'],
  ['filtered', 'left out by the filter'],
  ['unsupported', 'with no hash that can be matched here'],
  ['malformed', 'unreadable'],
]

/** What became of the records of a run, in one sentence. */
export function countsText(counts: ExchangeRun['counts']): string {
  const parts = outcomes
    .filter(([name]) => counts[name] > 0)
    .map(([name, word]) => `${counts[name].toLocaleString('en')} ${word}`)
  return `${countOf(counts.received, 'record')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}

/** How often, in words. */
export function everyText(minutes: number): string {
  if (minutes % 1_440 === 0) return minutes === 1_440 ? 'every day' : `every ${minutes / 1_440} days`
  if (minutes % 60 === 0) return minutes === 60 ? 'every hour' : `every ${minutes / 60} hours`
  return minutes === 1 ? 'every minute' : `every ${minutes} minutes`
}

export const everyChoices = [5, 15, 60, 360, 1_440, 10_080].map((minutes) => ({
  value: String(minutes),
  label: everyText(minutes),
}))

export const sendWords = {
  seen: { title: 'Matches', says: 'They hear that an entry of theirs matched here' },
  confirm: { title: 'Confirmations', says: 'They hear that people here agreed with an entry' },
  dispute: {
    title: 'Disputes',
    says: 'They hear that a decision on an entry was overturned, or that it is disputed here',
  },
} as const
export type Sendable = keyof typeof sendWords
