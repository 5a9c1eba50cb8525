import type { Author, NewEntry } from '../domain/entry.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { withdrawAnswered } from '../review/open.ts'
import { selectJob } from '../review/store.ts'
import type { Tx } from '../storage/database.ts'
import { selectWaitingOn, type Released } from '../storage/retro-records.ts'
import { entryOf, findItems, type RetroDeps } from './retro.ts'

const releasedAtOnce = 200

export type By = { author: Author; reason: string }

/** Dismisses proposals that nobody has settled, and withdraws the jobs that only asked about them. */
export async function dismiss(
  tx: Tx,
  deps: RetroDeps,
  tenantId: string,
  proposals: readonly { proposalEntryId: string; subject: SubjectRef }[],
  { author, reason }: By,
): Promise<void> {
  const nowMs = deps.clock()
  const dismissed = await deps.ledger.append(
    tx,
    tenantId,
    proposals.map(({ proposalEntryId, subject }): NewEntry => ({
      kind: 'violation.dismissed',
      subject,
      occurredAtMs: nowMs,
      cause: proposalEntryId,
      author,
      automation: author.kind === 'person' ? 'none' : 'full',
      because: [{ name: 'reason', value: reason, because: reason }],
      body: { proposalEntryId },
    })),
  )
  await withdrawAnswered(tx, deps, tenantId, dismissed)
}

/** Withdraws a job that no proposal waits in. */
export async function withdraw(
  tx: Tx,
  deps: RetroDeps,
  tenantId: string,
  jobId: string,
  { author, reason }: By,
): Promise<void> {
  const job = (await selectJob(tx.query, tenantId, jobId))!
  await deps.ledger.append(tx, tenantId, [
    {
      kind: 'job.withdrawn',
      subject: job.subject,
      occurredAtMs: deps.clock(),
      cause: job.createdEntryId,
      author,
      automation: author.kind === 'person' ? 'none' : 'full',
      because: [],
      body: { jobId, reason },
    },
  ])
}

/** Lets go of what still waits because of entries that were taken out; answers whether there is more. */
export async function releaseStep(
  tx: Tx,
  deps: RetroDeps,
  tenantId: string,
  body: Record<string, unknown>,
): Promise<boolean> {
  const released = await releasedOf(deps, tenantId, body)
  if (released === undefined) return false
  const by: By = {
    author: { kind: 'system', part: 'retro' },
    reason:
      'importId' in released
        ? `What this rested on came with import ${released.importId}, which was undone.`
        : 'mergedId' in released
          ? `Entry ${released.mergedId}, which this rested on, was merged into one that does not match it.`
          : `Entry ${released.entryId}, which this rested on, was taken out of its bank.`,
  }
  const { proposals, jobs } = await selectWaitingOn(tx.query, tenantId, released, releasedAtOnce)
  if (proposals.length > 0) await dismiss(tx, deps, tenantId, proposals, by)
  for (const jobId of jobs) await withdraw(tx, deps, tenantId, jobId, by)
  return proposals.length === releasedAtOnce || jobs.length === releasedAtOnce
}

/** What a timer asks to let go; undefined where the kept entry of a merge matches more than can be told apart. */
async function releasedOf(
  deps: RetroDeps,
  tenantId: string,
  body: Record<string, unknown>,
): Promise<Released | undefined> {
  const { entryId, importId, bankId, mergedId, keptId } = body as Record<string, string | undefined>
  if (importId !== undefined) return { importId }
  if (mergedId === undefined) return { entryId: entryId! }
  const kept = await entryOf(deps, tenantId, bankId!, keptId!)
  if (!kept.ok) return undefined
  const { items, complete } = await findItems(deps, tenantId, { ...kept.entry, thresholds: kept.thresholds })
  return complete ? { mergedId, keptItems: items.map(({ itemId }) => itemId) } : undefined
}
