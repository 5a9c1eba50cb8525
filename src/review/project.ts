import type { Projector } from '../ledger/ledger.ts'
import { closeJob, insertJob, markSkipped, mergeIntoJob, settleProposal, upsertQueue } from './store.ts'

/** Jobs and queues as they follow from the ledger. Claims are locks, not history, and lie in a table of their own. */
export const reviewProjector: Projector = {
  name: 'review',
  tables: ['jobs', 'queues'],
  kinds: [
    'job.created',
    'job.merged',
    'job.skipped',
    'job.decided',
    'job.withdrawn',
    'violation.confirmed',
    'violation.dismissed',
    'queue.configured',
  ],
  async project(tx, entry) {
    const { tenantId } = entry
    switch (entry.kind) {
      case 'job.created': {
        const { subject, id, recordedAtMs, body } = entry
        return insertJob(tx, tenantId, { ...body, subject, createdEntryId: id, createdAtMs: recordedAtMs })
      }
      case 'job.merged':
        return mergeIntoJob(tx, tenantId, entry.body)
      case 'job.skipped':
        return markSkipped(tx, tenantId, entry.body.jobId, entry.body.personId)
      case 'job.decided':
        return closeJob(tx, tenantId, { ...entry.body, state: 'decided', closedAtMs: entry.occurredAtMs })
      case 'job.withdrawn':
        return closeJob(tx, tenantId, { ...entry.body, state: 'withdrawn', closedAtMs: entry.occurredAtMs })
      case 'violation.confirmed':
      case 'violation.dismissed':
        return settleProposal(tx, tenantId, entry.body.proposalEntryId)
      case 'queue.configured':
        return upsertQueue(tx, tenantId, entry.body)
      default:
        return undefined
    }
  },
}
