import type { Overview } from '../../../http/contract/insight.ts'

export const periods = {
  '1h': { now: 'last hour', before: 'hour before' },
  '24h': { now: 'last 24 h', before: '24 h before' },
  '7d': { now: 'last 7 days', before: '7 days before' },
} satisfies Record<Overview['period'], { now: string; before: string }>

export type Measure = keyof Overview['totals']

/** The measures of the overview in the order of the loop: what came in, what was seen in it, what was done, what was wrong. */
export const tiles: { measure: Measure; title: string; to: string }[] = [
  { measure: 'events', title: 'Events', to: '/events' },
  { measure: 'proposals', title: 'Violations proposed', to: '/rules' },
  { measure: 'decisions', title: 'Decisions', to: '/decisions' },
  { measure: 'jobsDecided', title: 'Jobs decided', to: '/review' },
  { measure: 'appealsFiled', title: 'Appeals', to: '/appeals' },
  { measure: 'reversals', title: 'Reversals', to: '/decisions?state=reversed' },
]

/** Whether nothing at all has happened yet: then the overview explains itself instead. */
export function isEmpty(overview: Overview): boolean {
  return (
    Object.values(overview.totals).every(({ now, before }) => now === 0 && before === 0) && overview.queues.length === 0
  )
}
