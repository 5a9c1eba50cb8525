import type { EntryKind, LedgerEntry } from '../domain/entry.ts'
import { uuidv7, type RandomBytes } from '../domain/ids.ts'
import type { Tx } from '../storage/database.ts'
import { enqueueEffects } from '../storage/outbox.ts'
import type { Notice } from './notice.ts'

/** Entries that a platform has to act on, or will want to know of. */
const announced = new Set<EntryKind>([
  'decision.made',
  'decision.modified',
  'decision.reversed',
  'item.removed',
  'item.restored',
  'thread.restricted',
  'thread.released',
  'consequence.started',
  'consequence.ended',
  'gate.closed',
  'gate.opened',
  'label.applied',
  'label.removed',
  'appeal.filed',
  'appeal.decided',
])

export type NoticeFor = {
  actorId: string
  decisionId: string
  notice: Notice
  appealUntilMs?: number
  /** The statement as the EU transparency database takes it. */
  dsaStatement?: unknown
}

/**
 * Tells the platform: one effect per entry, under the entry's kind as its topic, all in the order of the actor they concern;
 * then the notices for people. `page` says which account page to link; the platform mints the token and puts it in.
 */
export async function announce(
  tx: Tx,
  deps: { randomBytes: RandomBytes },
  tenantId: string,
  actorId: string,
  entries: readonly LedgerEntry[],
  notices: readonly NoticeFor[] = [],
): Promise<void> {
  const effects = entries
    .filter((entry) => announced.has(entry.kind))
    .map((entry) => ({
      subject: `actor:${actorId}`,
      topic: entry.kind as string,
      entryId: entry.id,
      nowMs: entry.recordedAtMs,
      id: uuidv7(entry.recordedAtMs, deps.randomBytes),
      body: {
        ...entry.body,
        entryId: entry.id,
        actorId,
        subject: entry.subject,
        occurredAtMs: entry.occurredAtMs,
        automation: entry.automation,
        ...('cause' in entry ? { cause: entry.cause } : {}),
      },
    }))
  const last = entries.at(-1)
  if (last !== undefined)
    for (const { notice, ...about } of notices)
      effects.push({
        subject: `actor:${about.actorId}`,
        topic: 'notice.created',
        entryId: last.id,
        nowMs: last.recordedAtMs,
        id: uuidv7(last.recordedAtMs, deps.randomBytes),
        body: {
          ...about,
          entryId: last.id,
          subject: { kind: 'actor', id: about.actorId },
          occurredAtMs: last.occurredAtMs,
          automation: last.automation,
          notice,
          page: { path: '/me/{token}', actorId: about.actorId, decisionId: about.decisionId },
        } as never,
      })
  await enqueueEffects(tx, tenantId, effects)
}
