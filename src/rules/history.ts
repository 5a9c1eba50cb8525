import type { Signal } from '../domain/signal.ts'
import { subjectKey, type SubjectRef } from '../domain/subject.ts'
import type { Query } from '../storage/database.ts'
import type { StoredEvent } from '../storage/event-log.ts'
import { subjectsRead, type Observed } from './evaluate.ts'
import type { RuleSet } from './rule-set.ts'
import { selectLabelChanges, selectSignals, type LabelChange } from './store.ts'

/** What rules could read at events of the past: their signals, and the labels that held at that moment. */
export type History = {
  signalsOf: (eventId: string) => Signal[]
  /** Labels that a subject held just before a moment of event time. */
  labelsAt: (atMs: number) => (subject: SubjectRef) => string[]
}

/** Reads the history of these events for these rules. */
export async function readHistory(
  query: Query,
  tenantId: string,
  sets: readonly RuleSet[],
  events: readonly Observed[],
): Promise<History> {
  const signals = await selectSignals(
    query,
    tenantId,
    events.map(({ event }) => event.id),
  )
  const subjects = new Set(
    sets.flatMap((set) => events.flatMap(({ event }) => subjectsRead(set, event).map(subjectKey))),
  )
  const changes = new Map<string, LabelChange[]>()
  if (subjects.size > 0)
    for (const change of await selectLabelChanges(query, tenantId, [...subjects]))
      changes.set(change.subject, [...(changes.get(change.subject) ?? []), change])
  return {
    signalsOf: (eventId) => signals.get(eventId) ?? [],
    labelsAt: (atMs) => (subject) => heldAt(changes.get(subjectKey(subject)) ?? [], atMs),
  }
}

function heldAt(changes: readonly LabelChange[], atMs: number): string[] {
  const held = new Map<string, number | null>()
  for (const { label, atMs: changedMs, untilMs } of changes) {
    // An event does not see the labels that it sets itself.
    if (changedMs >= atMs) continue
    if (untilMs === undefined) held.delete(label)
    else held.set(label, untilMs)
  }
  return [...held].filter(([, untilMs]) => untilMs === null || untilMs > atMs).map(([label]) => label)
}

/** Events from the log in the order of the stream, oldest first. */
export function inStreamOrder(newestFirst: readonly StoredEvent[]): StoredEvent[] {
  return newestFirst.toSorted((a, b) => {
    const [x, y] = [BigInt(a.at.xid), BigInt(b.at.xid)]
    return x === y ? a.at.position - b.at.position : x < y ? -1 : 1
  })
}
