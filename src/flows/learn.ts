import type { Author, LedgerEntry, NewEntry } from '../domain/entry.ts'
import { uuidv7 } from '../domain/ids.ts'
import { selectDecision } from '../enforcement/store.ts'
import { openJob } from '../review/open.ts'
import type { Tx } from '../storage/database.ts'
import type { EnforceDeps } from './enforce.ts'

export type LearnDeps = EnforceDeps & {
  /**
   * Entries that take a bank entry out of use once too many decisions that rest on it were overturned, naming those that
   * still stand; none while it may stay.
   */
  quarantineIfOverturned: (
    tx: Tx,
    tenantId: string,
    decisionId: string,
    context: { author: Author; nowMs: number; newId: () => string; cause?: string },
  ) => Promise<NewEntry[]>
}

/**
 * What an overturned decision teaches: the bank entry that it rested on is quarantined when it was wrong too often, and
 * each of its other decisions that still stand is offered for the same remedy, to somebody who did not make it.
 */
export async function learnFromOverturn(
  tx: Tx,
  deps: LearnDeps,
  tenantId: string,
  reversed: LedgerEntry<'decision.reversed'>,
): Promise<LedgerEntry[]> {
  const nowMs = deps.clock()
  const author: Author = { kind: 'system', part: 'learn' }
  const quarantine = await deps.quarantineIfOverturned(tx, tenantId, reversed.body.decisionId, {
    author,
    nowMs,
    newId: () => uuidv7(nowMs, deps.randomBytes),
    cause: reversed.id,
  })
  return appendQuarantines(tx, deps, tenantId, quarantine)
}

/** Appends quarantines of bank entries; each decision that they name is offered for remedy to somebody who did not make it. */
export async function appendQuarantines(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  quarantines: readonly NewEntry[],
): Promise<LedgerEntry[]> {
  const author: Author = { kind: 'system', part: 'learn' }
  const entries = await deps.ledger.append(tx, tenantId, quarantines)
  for (const entry of entries) {
    if (entry.kind !== 'bank.entry_quarantined') continue
    for (const decisionId of entry.body.decisionIds) {
      const decision = await selectDecision(tx.query, tenantId, decisionId)
      if (decision === undefined || decision.status === 'reversed') continue
      await openJob(tx, deps, tenantId, {
        subject: { kind: 'actor', id: decision.actorId },
        queue: 'remedy',
        question: 'remedy',
        priority: decision.severity * 25,
        actorId: decision.actorId,
        itemId: decision.itemId ?? undefined,
        eventId: decision.eventId ?? undefined,
        decisionId,
        violation: decision.violation,
        severity: decision.severity,
        excludedPeople: decision.author.kind === 'person' ? [decision.author.id] : [],
        author,
        cause: entry.id,
        because: [
          {
            name: 'bank.entry_quarantined',
            value: entry.body.entryId,
            because: `It rests on the same bank entry, which was quarantined: ${entry.body.reason}`,
            ref: entry.id,
          },
        ],
        effectKey: `remedy|${decisionId}|${entry.id}`,
      })
    }
  }
  return entries
}
