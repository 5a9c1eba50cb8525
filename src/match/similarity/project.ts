import type { LedgerEntry } from '../../domain/entry.ts'
import type { Projector } from '../../ledger/ledger.ts'
import type { SimilarityModel, SimilarityReport } from './classifier.ts'
import type { PairFeatures, Scope } from './features.ts'
import {
  insertClassifier,
  insertPair,
  judgePairByPerson,
  judgePairByVerdict,
  linkPairDecision,
  updateClassifierMode,
} from './store.ts'

/** Pairs to learn from, and the classifiers that came of them, out of the ledger. */
export const similarityProjector: Projector = {
  name: 'similarity',
  tables: ['match_pairs', 'match_classifiers'],
  kinds: [
    'violation.proposed',
    'violation.confirmed',
    'violation.dismissed',
    'decision.made',
    'decision.reversed',
    'match.pair_judged',
    'match.classifier_trained',
    'match.classifier_moved',
  ],
  async project(tx, entry) {
    const { tenantId, occurredAtMs: atMs } = entry
    const is = <K extends LedgerEntry['kind']>(kind: K): LedgerEntry<K>['body'] | undefined =>
      entry.kind === kind ? (entry.body as LedgerEntry<K>['body']) : undefined

    const proposed = is('violation.proposed')
    if (proposed !== undefined) {
      const pair = pairOf(proposed)
      if (pair !== undefined)
        await insertPair(tx, tenantId, {
          ...pair,
          pairId: entry.id,
          itemId: proposed.itemId ?? null,
          foundMs: atMs,
        })
      return
    }
    const confirmed = is('violation.confirmed')
    if (confirmed !== undefined)
      return judgePairByVerdict(tx, tenantId, { pairId: confirmed.proposalEntryId }, true, atMs)
    const dismissed = is('violation.dismissed')
    if (dismissed !== undefined)
      return judgePairByVerdict(tx, tenantId, { pairId: dismissed.proposalEntryId }, false, atMs)
    const made = is('decision.made')
    if (made !== undefined) {
      if (made.proposalEntryId === undefined) return
      await linkPairDecision(tx, tenantId, made.proposalEntryId, made.decisionId)
      // An automatic decision is the match itself, said twice.
      if (entry.automation !== 'full')
        await judgePairByVerdict(tx, tenantId, { pairId: made.proposalEntryId }, true, atMs)
      return
    }
    const reversed = is('decision.reversed')
    if (reversed !== undefined)
      return judgePairByVerdict(tx, tenantId, { decisionId: reversed.decisionId }, false, atMs)
    const judged = is('match.pair_judged')
    if (judged !== undefined) return judgePairByPerson(tx, tenantId, judged.pairId, judged.same, atMs)
    const trained = is('match.classifier_trained')
    if (trained !== undefined)
      return insertClassifier(tx, tenantId, {
        classifierId: trained.classifierId,
        scope: trained.scope as Scope,
        version: trained.version,
        model: trained.model as SimilarityModel,
        report: trained.report as SimilarityReport,
        trainedMs: atMs,
        trainedBy: entry.author,
      })
    const moved = is('match.classifier_moved')
    if (moved !== undefined) return updateClassifierMode(tx, tenantId, moved.classifierId, moved.mode, atMs)
  },
}

/** The pair that a proposal rests on, with the features that its signal carries. */
function pairOf(
  proposed: LedgerEntry<'violation.proposed'>['body'],
): { bankId: string; entryId: string; part: string; features: PairFeatures } | undefined {
  const { match, facts } = proposed
  if (match === undefined) return undefined
  for (const { evidence } of facts.signals) {
    const held = evidence as { entryId?: string; signalType?: string; pair?: { part: string; features: PairFeatures } }
    if (held?.entryId === match.entryId && held.signalType === match.signalType && held.pair !== undefined)
      return { bankId: match.bankId, entryId: match.entryId, ...held.pair }
  }
  return undefined
}
