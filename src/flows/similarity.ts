import type { Author } from '../domain/entry.ts'
import type { Outcome } from '../domain/error.ts'
import { uuidv7, type Clock, type RandomBytes } from '../domain/ids.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { trainSimilarity, type JudgedPair } from '../match/similarity/classifier.ts'
import type { Scope } from '../match/similarity/features.ts'
import { backgroundPairs } from '../match/similarity/judge.ts'
import {
  selectClassifier,
  selectEntrySample,
  selectJudgedPairs,
  selectNextVersion,
  selectPair,
  type Classifier,
  type ClassifierMode,
  type MatchPair,
} from '../match/similarity/store.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import type { Database } from '../storage/database.ts'

export type SimilarityDeps = { db: Database; ledger: Ledger; clock: Clock; randomBytes: RandomBytes }

/** The latest pairs are learnt from; older ones tell of content that is hardly posted any more. */
const pairsMax = 20_000
const sampleEntries = 60
/** What follows from a verdict on the item is less sure than what a person said who compared both. */
const verdictWeight = 0.5

const subjectOf = (classifierId: string) => ({ kind: 'item' as const, id: `custos:classifier:${classifierId}` })

/** Trains a classifier of a scope on what people judged; it begins in shadow. Refused while there is too little. */
export async function trainClassifier(
  deps: SimilarityDeps,
  tenantId: string,
  scope: Scope,
  author: Author,
): Promise<Outcome<{ classifier: Classifier }, 'too-few-pairs'>> {
  const { db, ledger, clock, randomBytes } = deps
  const judged = (await selectJudgedPairs(db.query, tenantId, pairsMax))
    .filter((pair) => scope === 'composite' || pair.part === scope)
    .map((pair): JudgedPair => ({
      entryId: pair.entryId,
      features: pair.features,
      same: pair.same!,
      weight: pair.source === 'pair' ? 1 : verdictWeight,
    }))
  const background = backgroundPairs(
    await selectEntrySample(db.query, tenantId, sampleEntries),
    Math.min(500, judged.length * 2),
  )
  const trained = trainSimilarity(scope, judged, background)
  if (!trained.ok) return trained
  const nowMs = clock()
  const classifierId = uuidv7(nowMs, randomBytes)
  return db.transaction(async (tx) => {
    await lockKeys(tx, [`${tenantId}:match-classifier:${scope}`])
    const version = await selectNextVersion(tx.query, tenantId, scope)
    await ledger.append(tx, tenantId, [
      {
        kind: 'match.classifier_trained',
        subject: subjectOf(classifierId),
        occurredAtMs: nowMs,
        author,
        automation: author.kind === 'person' ? 'none' : 'full',
        because: [{ name: 'match.classifier_trained', value: version, because: trained.report.verdict }],
        body: { classifierId, scope, version, model: trained.model, report: trained.report },
      },
    ])
    return { ok: true, classifier: (await selectClassifier(tx.query, tenantId, classifierId))! }
  })
}

/**
 * Lets a classifier judge, watches it in shadow, or retires it. Going live takes the place of the live one of its scope,
 * and is refused while it has not beaten the thresholds on pairs that it had not seen.
 */
export async function moveClassifier(
  deps: SimilarityDeps,
  tenantId: string,
  classifierId: string,
  move: { mode: ClassifierMode; reason: string },
  author: Author,
): Promise<Outcome<{ classifier: Classifier }, 'no-such-classifier' | 'not-better' | 'already'>> {
  const { db, ledger, clock } = deps
  return db.transaction(async (tx) => {
    const classifier = await selectClassifier(tx.query, tenantId, classifierId)
    if (classifier === undefined)
      return { ok: false, reason: 'no-such-classifier', detail: `There is no classifier ${classifierId}.` }
    await lockKeys(tx, [`${tenantId}:match-classifier:${classifier.scope}`])
    if (classifier.mode === move.mode)
      return { ok: false, reason: 'already', detail: `Classifier ${classifierId} is already ${move.mode}.` }
    if (move.mode === 'live' && !classifier.report.beatsThresholds)
      return { ok: false, reason: 'not-better', detail: classifier.report.verdict }
    await ledger.append(tx, tenantId, [
      {
        kind: 'match.classifier_moved',
        subject: subjectOf(classifierId),
        occurredAtMs: clock(),
        author,
        automation: 'none',
        because: [{ name: 'match.classifier_moved', value: move.mode, because: move.reason }],
        body: { classifierId, ...move },
      },
    ])
    return { ok: true, classifier: (await selectClassifier(tx.query, tenantId, classifierId))! }
  })
}

/** What a person says who compared a piece of content with a bank entry: the same content, or not. */
export async function judgePairAs(
  deps: SimilarityDeps,
  tenantId: string,
  pairId: string,
  same: boolean,
  author: Author,
): Promise<Outcome<{ pair: MatchPair }, 'no-such-pair'>> {
  const { db, ledger, clock } = deps
  return db.transaction(async (tx) => {
    const pair = await selectPair(tx.query, tenantId, pairId)
    if (pair === undefined) return { ok: false, reason: 'no-such-pair', detail: `There is no pair ${pairId}.` }
    await ledger.append(tx, tenantId, [
      {
        kind: 'match.pair_judged',
        subject: { kind: 'item', id: `custos:bank:${pair.bankId}` },
        occurredAtMs: clock(),
        author,
        automation: 'none',
        because: [
          {
            name: 'match.pair_judged',
            value: same,
            because: same ? 'both are the same content' : 'not the same content',
          },
        ],
        body: { pairId, entryId: pair.entryId, same },
      },
    ])
    return { ok: true, pair: (await selectPair(tx.query, tenantId, pairId))! }
  })
}
