import type { Author } from '../domain/entry.ts'
import type { Clock } from '../domain/ids.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { dropSamplesOf } from '../rules/store.ts'
import type { Database } from '../storage/database.ts'
import { redactEvents } from '../storage/event-log.ts'
import { deleteSeenOfActor } from '../storage/seen-records.ts'
import { deleteVaultKey } from '../storage/vault-records.ts'

export type EraseDeps = { db: Database; ledger: Ledger; clock: Clock }

/**
 * Erases what an actor said and where they said it from, in one transaction: the key of their vault is destroyed, their
 * events keep nothing but id, type, time and context, hashes of what they posted are deleted, and rules keep no sample
 * of them. The ledger keeps what was decided, and still verifies.
 * Archives made earlier still hold it all. Answers how many events were erased; zero when it was done before.
 */
export function erasePerson(
  { db, ledger, clock }: EraseDeps,
  tenantId: string,
  actorId: string,
  author: Author,
): Promise<{ eventsErased: number }> {
  return db.transaction(async (tx) => {
    await deleteSeenOfActor(tx, tenantId, actorId)
    const eventsErased = await redactEvents(tx, tenantId, actorId)
    await dropSamplesOf(tx, tenantId, actorId)
    await deleteVaultKey(tx, tenantId, actorId)
    await ledger.append(tx, tenantId, [
      {
        kind: 'person.erased',
        subject: { kind: 'actor', id: actorId },
        occurredAtMs: clock(),
        author,
        automation: 'none',
        because: [],
        body: { actorId, eventsErased },
      },
    ])
    return { eventsErased }
  })
}
