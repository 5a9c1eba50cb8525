import type { Projector } from '../ledger/ledger.ts'
import { assignAppeal, closeAppeal, insertAppeal } from './store.ts'

/** Appeals as they stand. */
export const appealProjector: Projector = {
  name: 'appeals',
  tables: ['appeals'],
  kinds: ['appeal.filed', 'appeal.assigned', 'appeal.decided'],
  async project(tx, entry) {
    if (entry.kind === 'appeal.filed') await insertAppeal(tx, entry)
    if (entry.kind === 'appeal.assigned') await assignAppeal(tx, entry)
    if (entry.kind === 'appeal.decided') await closeAppeal(tx, entry)
  },
}
