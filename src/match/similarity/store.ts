import type { Author } from '../../domain/entry.ts'
import { toJsonb, type Query, type Tx } from '../../storage/database.ts'
import type { SimilarityModel, SimilarityReport } from './classifier.ts'
import type { PairFeatures, Scope } from './features.ts'
import { signalsWithVectors } from '../store.ts'

export type ClassifierMode = 'shadow' | 'live' | 'retired'
export type Classifier = {
  classifierId: string
  scope: Scope
  version: number
  mode: ClassifierMode
  model: SimilarityModel
  report: SimilarityReport
  trainedMs: number
  trainedBy: Author
  movedMs: number
}

export type MatchPair = {
  pairId: string
  bankId: string
  entryId: string
  itemId: string | null
  part: string
  features: PairFeatures
  same: boolean | null
  source: 'pair' | 'verdict' | null
  foundMs: number
  judgedMs: number | null
}

const classifierColumns = `classifier_id AS "classifierId", scope, version, mode, model, report, trained_ms AS "trainedMs",
  trained_by AS "trainedBy", moved_ms AS "movedMs"`
const pairColumns = `pair_id AS "pairId", bank_id AS "bankId", entry_id AS "entryId", item_id AS "itemId", part, features, same,
  source, found_ms AS "foundMs", judged_ms AS "judgedMs"`

/** Every classifier, newest first. */
export function selectClassifiers(query: Query, tenantId: string): Promise<Classifier[]> {
  return query(
    `SELECT ${classifierColumns} FROM match_classifiers WHERE tenant_id = $1 ORDER BY trained_ms DESC, version DESC LIMIT 200`,
    [tenantId],
  )
}

/** Those that judge matches now, live ones or in shadow. */
export function selectActiveClassifiers(query: Query, tenantId: string): Promise<Classifier[]> {
  return query(
    `SELECT ${classifierColumns} FROM match_classifiers WHERE tenant_id = $1 AND mode <> 'retired' ORDER BY version DESC`,
    [tenantId],
    'match-classifiers-active',
  )
}

export async function selectClassifier(
  query: Query,
  tenantId: string,
  classifierId: string,
): Promise<Classifier | undefined> {
  const [row] = await query<Classifier>(
    `SELECT ${classifierColumns} FROM match_classifiers WHERE tenant_id = $1 AND classifier_id = $2`,
    [tenantId, classifierId],
  )
  return row
}

export async function selectNextVersion(query: Query, tenantId: string, scope: Scope): Promise<number> {
  const [row] = await query<{ version: number }>(
    'SELECT coalesce(max(version), 0) + 1 AS version FROM match_classifiers WHERE tenant_id = $1 AND scope = $2',
    [tenantId, scope],
  )
  return row!.version
}

export async function insertClassifier(
  tx: Tx,
  tenantId: string,
  classifier: Omit<Classifier, 'mode' | 'movedMs'>,
): Promise<void> {
  // A newer one in shadow takes the place of an older one in shadow; a live one stays until somebody moves it.
  await tx.query(
    `UPDATE match_classifiers SET mode = 'retired', moved_ms = $3 WHERE tenant_id = $1 AND scope = $2 AND mode = 'shadow'`,
    [tenantId, classifier.scope, classifier.trainedMs],
  )
  await tx.query(
    `INSERT INTO match_classifiers (tenant_id, classifier_id, scope, version, mode, model, report, trained_ms, trained_by, moved_ms)
     VALUES ($1, $2, $3, $4, 'shadow', $5, $6, $7, $8, $7)`,
    [
      tenantId,
      classifier.classifierId,
      classifier.scope,
      classifier.version,
      toJsonb(classifier.model),
      toJsonb(classifier.report),
      classifier.trainedMs,
      toJsonb(classifier.trainedBy),
    ],
  )
}

/** Sets the mode; a classifier that goes live retires the one of its scope that was. */
export async function updateClassifierMode(
  tx: Tx,
  tenantId: string,
  classifierId: string,
  mode: ClassifierMode,
  movedMs: number,
): Promise<void> {
  if (mode === 'live')
    await tx.query(
      `UPDATE match_classifiers c SET mode = 'retired', moved_ms = $3 FROM match_classifiers own
       WHERE own.tenant_id = $1 AND own.classifier_id = $2 AND c.tenant_id = $1 AND c.scope = own.scope AND c.mode = 'live'
         AND c.classifier_id <> $2`,
      [tenantId, classifierId, movedMs],
    )
  await tx.query('UPDATE match_classifiers SET mode = $3, moved_ms = $4 WHERE tenant_id = $1 AND classifier_id = $2', [
    tenantId,
    classifierId,
    mode,
    movedMs,
  ])
}

export async function insertPair(
  tx: Tx,
  tenantId: string,
  pair: Pick<MatchPair, 'pairId' | 'bankId' | 'entryId' | 'itemId' | 'part' | 'features' | 'foundMs'>,
): Promise<void> {
  await tx.query(
    `INSERT INTO match_pairs (tenant_id, pair_id, bank_id, entry_id, item_id, part, features, found_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [tenantId, pair.pairId, pair.bankId, pair.entryId, pair.itemId, pair.part, toJsonb(pair.features), pair.foundMs],
    'match-pair-insert',
  )
}

/** What a decision says of a pair; a person who compared both has the last word. */
export async function judgePairByVerdict(
  tx: Tx,
  tenantId: string,
  where: { pairId: string } | { decisionId: string },
  same: boolean,
  judgedMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE match_pairs SET same = $3, source = 'verdict', judged_ms = $4
     WHERE tenant_id = $1 AND ${'pairId' in where ? 'pair_id' : 'decision_id'} = $2 AND source IS DISTINCT FROM 'pair'`,
    [tenantId, 'pairId' in where ? where.pairId : where.decisionId, same, judgedMs],
  )
}

export async function judgePairByPerson(
  tx: Tx,
  tenantId: string,
  pairId: string,
  same: boolean,
  judgedMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE match_pairs SET same = $3, source = 'pair', judged_ms = $4 WHERE tenant_id = $1 AND pair_id = $2`,
    [tenantId, pairId, same, judgedMs],
  )
}

/** Remembers which decision came of a pair, so that its reversal finds the pair. */
export async function linkPairDecision(tx: Tx, tenantId: string, pairId: string, decisionId: string): Promise<void> {
  await tx.query('UPDATE match_pairs SET decision_id = $3 WHERE tenant_id = $1 AND pair_id = $2', [
    tenantId,
    pairId,
    decisionId,
  ])
}

export async function selectPair(query: Query, tenantId: string, pairId: string): Promise<MatchPair | undefined> {
  const [row] = await query<MatchPair>(`SELECT ${pairColumns} FROM match_pairs WHERE tenant_id = $1 AND pair_id = $2`, [
    tenantId,
    pairId,
  ])
  return row
}

/** Pairs judged after a time, the latest first. */
export function selectJudgedPairs(query: Query, tenantId: string, limit: number, sinceMs = -1): Promise<MatchPair[]> {
  return query(
    `SELECT ${pairColumns} FROM match_pairs WHERE tenant_id = $1 AND same IS NOT NULL AND judged_ms > $3
     ORDER BY judged_ms DESC, pair_id DESC LIMIT $2`,
    [tenantId, limit, sinceMs],
  )
}

/** Pairs that nobody looked at, by id; pass the last id for the next page. */
export function selectOpenPairs(query: Query, tenantId: string, afterId: string, limit: number): Promise<MatchPair[]> {
  return query(
    `SELECT ${pairColumns} FROM match_pairs WHERE tenant_id = $1 AND same IS NULL AND pair_id > $2 ORDER BY pair_id LIMIT $3`,
    [tenantId, afterId, limit],
  )
}

export async function countPairs(
  query: Query,
  tenantId: string,
): Promise<{ open: number; same: number; different: number }> {
  const [row] = await query<{ open: number; same: number; different: number }>(
    `SELECT count(*) FILTER (WHERE same IS NULL) AS open, count(*) FILTER (WHERE same) AS same,
       count(*) FILTER (WHERE NOT same) AS different FROM match_pairs WHERE tenant_id = $1`,
    [tenantId],
  )
  return row!
}

/** Signals of active entries, spread over the tenant's banks by the order of their ids' hashes. */
export function selectEntrySample(
  query: Query,
  tenantId: string,
  limit: number,
): Promise<{ entryId: string; signals: Record<string, string>; quality: number | null }[]> {
  return query(
    `SELECT e.entry_id AS "entryId", ${signalsWithVectors} AS signals, e.quality FROM bank_entries e
     WHERE e.tenant_id = $1 AND e.status = 'active' ORDER BY md5(e.entry_id) LIMIT $2`,
    [tenantId, limit],
  )
}
