import type { LedgerEntry } from '../domain/entry.ts'
import type { Projector } from '../ledger/ledger.ts'
import type { Tx } from '../storage/database.ts'
import * as marks from '../storage/marks.ts'
import * as store from './store.ts'

/** Policies by version, as they were published. */
export const policyProjector: Projector = {
  name: 'policies',
  tables: ['policies'],
  kinds: ['policy.published'],
  project: (tx, entry) => (entry.kind === 'policy.published' ? store.insertPolicy(tx, entry) : nothing()),
}

/** Decisions as they stand, trainings, and which items and threads they remove or restrict. */
export const decisionProjector: Projector = {
  name: 'decisions',
  tables: ['decisions', 'trainings', 'item_status', 'thread_status'],
  kinds: [
    'decision.made',
    'decision.modified',
    'decision.reversed',
    'training.completed',
    'item.removed',
    'item.restored',
    'thread.restricted',
    'thread.released',
  ],
  project: projectDecision,
}

async function projectDecision(tx: Tx, entry: LedgerEntry): Promise<void> {
  switch (entry.kind) {
    case 'decision.made':
      return store.insertDecision(tx, entry)
    case 'decision.modified':
      return store.modifyDecision(tx, entry)
    case 'decision.reversed':
      return store.reverseDecision(tx, entry)
    case 'training.completed':
      return store.insertTraining(tx, entry)
    case 'item.removed':
      return marks.addHold(tx, 'item', entry.tenantId, entry.body.itemId, entry.body.decisionId, entry.occurredAtMs)
    case 'item.restored':
      return marks.dropHold(tx, 'item', entry.tenantId, entry.body.itemId, entry.body.decisionId, entry.occurredAtMs)
    case 'thread.restricted':
      return marks.addHold(tx, 'thread', entry.tenantId, entry.body.threadId, entry.body.decisionId, entry.occurredAtMs)
    case 'thread.released':
      return marks.dropHold(
        tx,
        'thread',
        entry.tenantId,
        entry.body.threadId,
        entry.body.decisionId,
        entry.occurredAtMs,
      )
  }
}

/** Consequences, closed gates and standing per context. */
export const standingProjector: Projector = {
  name: 'standing',
  tables: ['consequences', 'gates', 'standings'],
  kinds: ['consequence.started', 'consequence.ended', 'gate.closed', 'gate.opened', 'standing.changed'],
  project: projectStanding,
}

async function projectStanding(tx: Tx, entry: LedgerEntry): Promise<void> {
  switch (entry.kind) {
    case 'consequence.started':
      return store.startConsequence(tx, entry)
    case 'consequence.ended':
      return store.endConsequence(tx, entry)
    case 'gate.closed':
      return store.closeGate(tx, entry)
    case 'gate.opened':
      return store.openGate(tx, entry.tenantId, entry.body.gateId)
    case 'standing.changed':
      return store.writeStandings(tx, entry)
  }
}

/** Labels on subjects. */
export const labelProjector: Projector = {
  name: 'labels',
  tables: ['labels'],
  kinds: ['label.applied', 'label.removed'],
  async project(tx, entry) {
    if (entry.kind === 'label.applied') await marks.applyLabel(tx, entry)
    if (entry.kind === 'label.removed') await marks.removeLabel(tx, entry)
  },
}

export const enforcementProjectors = [policyProjector, decisionProjector, standingProjector, labelProjector]

function nothing(): Promise<void> {
  return Promise.resolve()
}
