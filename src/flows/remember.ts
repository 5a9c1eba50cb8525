import type { MatchSettings } from '../domain/settings.ts'
import type { SeenSignalOf } from '../match/seen/rows.ts'
import type { Tx } from '../storage/database.ts'
import { insertSeen } from '../storage/seen-records.ts'
import type { StreamEvent } from '../streams/stream.ts'

export type RememberDeps = {
  /** What was made of an event when it was gathered. */
  seenOf: (stored: StreamEvent) => readonly SeenSignalOf[]
  settings: (tenantId: string) => MatchSettings
}

/** Keeps the hashes of a batch of events that passed, with the cursor that passes them; tenants may keep none. */
export function rememberSeen({
  seenOf,
  settings,
}: RememberDeps): (tx: Tx, events: readonly StreamEvent[]) => Promise<void> {
  return (tx, events) =>
    insertSeen(
      tx,
      events.flatMap((stored) =>
        settings(stored.tenantId).seenDays === 0
          ? []
          : seenOf(stored).map((one) => ({
              ...one,
              tenantId: stored.tenantId,
              eventId: stored.event.id,
              itemId: stored.event.item!.id,
              occurredAtMs: stored.occurredAtMs,
              keptAtMs: stored.receivedAtMs,
            })),
      ),
    )
}
