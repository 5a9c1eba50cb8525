import type { Query } from '../storage/database.ts'
import { proportion, type Proportion } from './overview.ts'
import {
  caughtByViolation,
  countTruth,
  decisionHits,
  innocentHit,
  labelHits,
  proposalHits,
  type Hits,
} from './store.ts'

export type PrecisionRow = {
  name: string
  /** Right, out of those about which the truth is known. Another violation than the true one is not right. */
  precision: Proportion
  otherViolation: number
  wrong: number
  /** Left out of the proportion: no truth is known about them. */
  unknown: number
}

export type RecallRow = {
  violation: string
  /** Violating events on which a decision stands. */
  events: Proportion
  /** Accounts with violating events, at least one of which a decision stands on. */
  accounts: Proportion
}

export type Accuracy = {
  /** Events whose truth is known. With none, there is nothing to measure against. */
  knownEvents: number
  byViolation: { made: PrecisionRow[]; standing: PrecisionRow[] }
  /** Decided by a person, or automatically: as made, and what stands after appeals. */
  byWay: { made: PrecisionRow[]; standing: PrecisionRow[] }
  byRule: PrecisionRow[]
  byLabel: PrecisionRow[]
  recall: RecallRow[]
  /** Accounts that did nothing wrong and have a decision against them all the same. */
  innocent: Proportion
}

/**
 * How right the judgements were, against the truth of the simulator. What no truth is known about is counted as unknown
 * and never as right or wrong; every proportion carries its denominator and its 95 % interval.
 */
export async function accuracy(query: Query, tenantId: string): Promise<Accuracy> {
  const [known, made, standing, wayMade, wayStanding, rules, labels, caught, innocent] = await Promise.all([
    countTruth(query, tenantId),
    decisionHits(query, tenantId, 'violation', false),
    decisionHits(query, tenantId, 'violation', true),
    decisionHits(query, tenantId, 'how', false),
    decisionHits(query, tenantId, 'how', true),
    proposalHits(query, tenantId),
    labelHits(query, tenantId),
    caughtByViolation(query, tenantId),
    innocentHit(query, tenantId),
  ])
  return {
    knownEvents: known,
    byViolation: { made: made.map(rowOf), standing: standing.map(rowOf) },
    byWay: { made: wayMade.map(rowOf), standing: wayStanding.map(rowOf) },
    byRule: rules.map(rowOf),
    byLabel: labels.map(rowOf),
    recall: caught.map((row) => ({
      violation: row.violation,
      events: proportion(row.eventsCaught, row.events),
      accounts: proportion(row.actorsCaught, row.actors),
    })),
    innocent: proportion(innocent.hit, innocent.accounts),
  }
}

function rowOf({ name, right, otherViolation, wrong, unknown }: Hits): PrecisionRow {
  return {
    name: name ?? '(none)',
    precision: proportion(right, right + otherViolation + wrong),
    otherViolation,
    wrong,
    unknown,
  }
}
