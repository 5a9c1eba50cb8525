import type { Event } from '../domain/event.ts'
import type { Query } from './database.ts'

export type SeenEvent = { event: Event; occurredAtMs: number; position: number }

type SeenRow = { body: Event; occurred_ms: number; position: number }
const toSeen = (row: SeenRow): SeenEvent => ({
  event: row.body,
  occurredAtMs: row.occurred_ms,
  position: row.position,
})

/** What happened in a thread right before and right after a moment, oldest first, without the event itself. */
export async function selectThreadAround(
  query: Query,
  tenantId: string,
  threadId: string,
  around: { eventId: string; occurredAtMs: number },
  each: number,
): Promise<{ before: SeenEvent[]; after: SeenEvent[] }> {
  const values = [tenantId, threadId, around.occurredAtMs, around.eventId, each]
  const side = (comparison: string, order: string, name: string) =>
    query<SeenRow>(
      `SELECT body, occurred_ms, position FROM events
       WHERE tenant_id = $1 AND thread_id = $2 AND occurred_ms ${comparison} $3 AND event_id <> $4
       ORDER BY occurred_ms ${order}, position ${order} LIMIT $5`,
      values,
      name,
    )
  const [before, after] = [await side('<=', 'DESC', 'thread-before'), await side('>', 'ASC', 'thread-after')]
  return { before: before.reverse().map(toSeen), after: after.map(toSeen) }
}

/** The versions of an item, newest first: as posted and as edited or deleted since. */
export async function selectItemVersions(
  query: Query,
  tenantId: string,
  itemId: string,
  limit: number,
): Promise<SeenEvent[]> {
  const rows = await query<SeenRow>(
    `SELECT body, occurred_ms, position FROM events
     WHERE tenant_id = $1 AND item_id = $2 AND type = ANY($3) ORDER BY position DESC LIMIT $4`,
    [tenantId, itemId, versionTypes, limit],
    'item-versions',
  )
  return rows.map(toSeen)
}

const versionTypes = ['item.created', 'item.edited', 'item.deleted', 'message.sent', 'ad.submitted']

/** How often an item was posted, edited or deleted: changes when what a reviewer saw is no longer what is there. */
export async function countItemVersions(query: Query, tenantId: string, itemId: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    'SELECT count(*) AS count FROM events WHERE tenant_id = $1 AND item_id = $2 AND type = ANY($3)',
    [tenantId, itemId, versionTypes],
    'item-version-count',
  )
  return row!.count
}

export type ActorSummary = {
  /** When the account was made; absent when its creation was never sent. */
  createdAtMs?: number
  firstSeenAtMs?: number
  lastSeenAtMs?: number
  /** Events of this actor, counted up to 10,000. */
  events: number
  /** The newest attributes that the platform sent with this actor: display name, followers, and so on. */
  attributes: Record<string, unknown>
}

/** What the events say of an actor, for the head of a screen. */
export async function selectActorSummary(query: Query, tenantId: string, actorId: string): Promise<ActorSummary> {
  const [row] = await query<{
    created: number | null
    first_seen: number | null
    last_seen: number | null
    events: number
    newest: Event | null
  }>(
    `SELECT (SELECT min(occurred_ms) FROM events WHERE tenant_id = $1 AND actor_id = $2 AND type = 'account.created') AS created,
       (SELECT min(occurred_ms) FROM events WHERE tenant_id = $1 AND actor_id = $2) AS first_seen,
       (SELECT max(occurred_ms) FROM events WHERE tenant_id = $1 AND actor_id = $2) AS last_seen,
       (SELECT count(*) FROM (SELECT 1 FROM events WHERE tenant_id = $1 AND actor_id = $2 LIMIT 10000) AS bounded) AS events,
       (SELECT body FROM events WHERE tenant_id = $1 AND actor_id = $2 ORDER BY occurred_ms DESC LIMIT 1) AS newest`,
    [tenantId, actorId],
    'actor-summary',
  )
  return {
    createdAtMs: row!.created ?? undefined,
    firstSeenAtMs: row!.first_seen ?? undefined,
    lastSeenAtMs: row!.last_seen ?? undefined,
    events: row!.events,
    attributes: row!.newest?.actor.attributes ?? {},
  }
}

/** Reports about an item, newest first. */
export async function selectItemReports(
  query: Query,
  tenantId: string,
  itemId: string,
  limit: number,
): Promise<SeenEvent[]> {
  const rows = await query<SeenRow>(
    `SELECT body, occurred_ms, position FROM events
     WHERE tenant_id = $1 AND item_id = $2 AND type = 'report.filed' ORDER BY position DESC LIMIT $3`,
    [tenantId, itemId, limit],
    'item-reports',
  )
  return rows.map(toSeen)
}
