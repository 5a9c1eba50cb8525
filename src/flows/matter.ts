import type { Event } from '../domain/event.ts'
import type { Query } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'
import { selectItemVersions } from '../storage/event-view.ts'

/** What a job or a proposal is really about. */
export type Matter = {
  /** The event by which the item came to be or was last changed; a report is never the matter itself. */
  event?: Event
  occurredAtMs: number
  /** Whose act it is. Never the person who reported it. */
  actorId?: string
}

/**
 * What an event is about. For most it is the event itself. A report is about the item that it names and the person who
 * posted it: the item's own event where we have seen it, else the first target of the report.
 */
export async function matterOf(query: Query, tenantId: string, event: Event, occurredAtMs: number): Promise<Matter> {
  if (event.type !== 'report.filed') return { event, occurredAtMs, actorId: event.actor.id }
  const versions = event.item === undefined ? [] : await selectItemVersions(query, tenantId, event.item.id, 10)
  const seen = versions.find((version) => version.event.type !== 'item.deleted') ?? versions[0]
  if (seen !== undefined) return { ...seen, actorId: seen.event.actor.id }
  return { occurredAtMs, actorId: event.targets?.[0]?.id }
}

/** The same for an event by its id; undefined when there is no such event. */
export async function matterOfEvent(
  query: Query,
  tenantId: string,
  eventId: string | undefined,
): Promise<Matter | undefined> {
  const stored = eventId === undefined ? undefined : await selectEvent(query, tenantId, eventId)
  return stored === undefined ? undefined : matterOf(query, tenantId, stored.event, stored.occurredAtMs)
}
