import type { Decision } from '../../../http/contract/decisions.ts'
import type { StoredEventView } from '../../../http/contract/events.ts'
import type { Static } from 'typebox'
import type { TimelineEntry } from '../../../http/contract/subjects.ts'
import type { TimelinePoint } from '../../parts/Timeline.tsx'
import { condense } from '../../parts/arithmetic.ts'
import { entryTone, timelineKind } from '../../parts/entry-words.ts'
import { eventLine } from '../events/state.ts'

export type AccountRow = {
  actorId: string
  decisions: number
  reversed: number
  /** Gravest severity among the decisions that stand; 0 without one. */
  worst: number
  violations: string[]
  lastMs: number
}

/** Accounts in the order of their newest decision; those that were only seen come after. */
export function accountsOf(decisions: Decision[], events: StoredEventView[]): AccountRow[] {
  const rows = new Map<string, AccountRow>()
  const rowOf = (actorId: string, atMs: number): AccountRow => {
    let row = rows.get(actorId)
    if (row === undefined) {
      row = { actorId, decisions: 0, reversed: 0, worst: 0, violations: [], lastMs: atMs }
      rows.set(actorId, row)
    }
    row.lastMs = Math.max(row.lastMs, atMs)
    return row
  }
  for (const decision of decisions) {
    const row = rowOf(decision.actorId, decision.madeMs)
    row.decisions++
    if (decision.status === 'reversed') row.reversed++
    else row.worst = Math.max(row.worst, decision.severity)
    if (!row.violations.includes(decision.violation)) row.violations.push(decision.violation)
  }
  for (const { event, occurredAtMs } of events) rowOf(event.actor.id, occurredAtMs)
  return [...rows.values()]
}

/** Events and ledger entries of a subject as points on one axis. */
export function timelineOf(
  entries: Static<typeof TimelineEntry>[],
  events: StoredEventView[],
  kinds: ReadonlySet<string>,
): TimelinePoint[] {
  return [
    ...entries
      .filter((entry) => kinds.has(groupOf(entry.kind)))
      .map((entry): TimelinePoint => ({
        id: entry.entryId,
        timeMs: entry.atMs,
        kind: timelineKind(entry.kind),
        title: condense(entry.title),
        // The reason is only told where the title does not say it already.
        detail: detailOf(entry),
        tone: entryTone(entry.kind),
      })),
    ...(kinds.has('events')
      ? events.map(({ event, occurredAtMs }): TimelinePoint => ({
          id: event.id,
          timeMs: occurredAtMs,
          kind: 'event',
          title: event.type,
          detail: eventLine(event),
        }))
      : []),
  ]
}

function detailOf(entry: Static<typeof TimelineEntry>): string | undefined {
  const because = entry.because[0]?.because
  return because === undefined || entry.title.includes(because) ? undefined : condense(because)
}

/** Which of the filters of the timeline an entry belongs to. */
export function groupOf(kind: string): string {
  const area = kind.split('.')[0]!
  if (area === 'appeal' || area === 'job') return 'appeals'
  if (area === 'signal' || area === 'label') return 'signals'
  return 'decisions'
}
