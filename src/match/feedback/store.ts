import { toJsonb, type Query, type Tx } from '../../storage/database.ts'
import type { Exchange, Opinion, SentOpinion } from '../exchange/exchange.ts'
import { toRecord, type RecordRow, type StoredRecord } from '../exchange/store.ts'

/** A record with what was decided here about its entry. */
export type JudgedRecord = StoredRecord & {
  matches: number
  confirmed: number
  overturned: number
  verdict: 'confirm' | 'dispute' | null
}

/**
 * Records whose entries matched or were judged and about which there is something new to say, as far as it is among
 * `wanted`. A verdict is upheld while more was confirmed than overturned.
 */
export async function selectJudged(
  query: Query,
  exchange: Pick<Exchange, 'tenantId' | 'exchangeId' | 'bankId'>,
  wanted: readonly Opinion[],
  limit: number,
): Promise<JudgedRecord[]> {
  const rows = await query<
    RecordRow & { matches: number; confirmed: number; overturned: number; verdict: 'confirm' | 'dispute' | null }
  >(
    `SELECT r.*, b.matches, b.confirmed, b.overturned, v.verdict
     FROM bank_entries b JOIN exchange_records r ON r.tenant_id = b.tenant_id AND r.entry_id = b.entry_id
       CROSS JOIN LATERAL (SELECT CASE WHEN b.confirmed > b.overturned THEN 'confirm'
         WHEN b.overturned > 0 THEN 'dispute' END AS verdict) v
     WHERE b.tenant_id = $1 AND b.bank_id = $3 AND r.exchange_id = $2
       AND (b.matches > 0 OR b.confirmed > 0 OR b.overturned > 0)
       AND (('seen' = ANY($4) AND b.matches > 0 AND NOT r.seen_queued)
         OR (v.verdict = ANY($4) AND r.opinion_queued IS DISTINCT FROM v.verdict))
     ORDER BY r.entry_id LIMIT $5`,
    [exchange.tenantId, exchange.exchangeId, exchange.bankId, wanted, limit],
  )
  return rows.map((row) => ({
    ...toRecord(row),
    matches: row.matches,
    confirmed: row.confirmed,
    overturned: row.overturned,
    verdict: row.verdict,
  }))
}

/** Notes that an opinion was queued, so that it is not queued again. */
export async function markQueued(
  tx: Tx,
  tenantId: string,
  record: Pick<StoredRecord, 'exchangeId' | 'externalId'>,
  queued: { seen: boolean; opinion: string | null },
): Promise<void> {
  await tx.query(
    `UPDATE exchange_records SET seen_queued = $4, opinion_queued = $5
     WHERE tenant_id = $1 AND exchange_id = $2 AND external_id = $3`,
    [tenantId, record.exchangeId, record.externalId, queued.seen, queued.opinion],
  )
}

export type Feedback = {
  tenantId: string
  feedbackId: string
  exchangeId: string
  externalId: string
  entryId: string
  opinion: SentOpinion
  because: string
  state: 'pending' | 'sent' | 'parked'
  attempts: number
  nextMs: number
  createdMs: number
  sentMs: number | null
  lastError: string | null
}
const feedbackColumns = `tenant_id AS "tenantId", feedback_id AS "feedbackId", exchange_id AS "exchangeId",
  external_id AS "externalId", entry_id AS "entryId", opinion, because, state, attempts, next_ms AS "nextMs",
  created_ms AS "createdMs", sent_ms AS "sentMs", last_error AS "lastError"`

export async function insertFeedback(
  tx: Tx,
  feedback: Pick<Feedback, 'tenantId' | 'feedbackId' | 'exchangeId' | 'externalId' | 'entryId' | 'because'> & {
    opinion: SentOpinion
    nowMs: number
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO exchange_feedback (tenant_id, feedback_id, exchange_id, external_id, entry_id, opinion, because, state, next_ms, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $8)`,
    [
      feedback.tenantId,
      feedback.feedbackId,
      feedback.exchangeId,
      feedback.externalId,
      feedback.entryId,
      feedback.opinion,
      feedback.because,
      feedback.nowMs,
    ],
  )
}

/** Takes feedback that is due for sending and puts the next attempt `leaseMs` off; the oldest of each record only. */
export function leaseFeedback(query: Query, nowMs: number, leaseMs: number, limit: number): Promise<Feedback[]> {
  return query<Feedback>(
    `UPDATE exchange_feedback f SET attempts = attempts + 1, next_ms = $1 + $2::bigint
     FROM (SELECT d.tenant_id AS t, d.feedback_id AS i FROM exchange_feedback d JOIN exchanges e
             ON e.tenant_id = d.tenant_id AND e.exchange_id = d.exchange_id AND e.deleted_ms IS NULL AND e.enabled
           WHERE d.state = 'pending' AND d.next_ms <= $1 AND NOT EXISTS (
             SELECT 1 FROM exchange_feedback o WHERE o.tenant_id = d.tenant_id AND o.exchange_id = d.exchange_id
               AND o.external_id = d.external_id AND o.state = 'pending' AND o.feedback_id < d.feedback_id)
           ORDER BY d.next_ms LIMIT $3 FOR UPDATE OF d SKIP LOCKED) due
     WHERE f.tenant_id = due.t AND f.feedback_id = due.i
     RETURNING ${feedbackColumns}`,
    [nowMs, leaseMs, limit],
    'exchange-feedback-lease',
  )
}

/** Ends an attempt; what was sent is written on the record in the same transaction. */
export async function settleFeedback(
  tx: Tx,
  feedback: Pick<
    Feedback,
    'tenantId' | 'feedbackId' | 'exchangeId' | 'externalId' | 'opinion' | 'because' | 'attempts'
  >,
  change: { state: Feedback['state']; nextMs: number; error: string | null; sentMs: number | null },
): Promise<void> {
  const settled = await tx.query(
    `UPDATE exchange_feedback SET state = $3, next_ms = $4, last_error = $5, sent_ms = $6
     WHERE tenant_id = $1 AND feedback_id = $2 AND attempts = $7 AND state = 'pending' RETURNING 1`,
    [
      feedback.tenantId,
      feedback.feedbackId,
      change.state,
      change.nextMs,
      change.error,
      change.sentMs,
      feedback.attempts,
    ],
  )
  if (settled.length > 0 && change.sentMs !== null)
    await tx.query(
      `UPDATE exchange_records SET sent = sent || $4::jsonb WHERE tenant_id = $1 AND exchange_id = $2 AND external_id = $3`,
      [
        feedback.tenantId,
        feedback.exchangeId,
        feedback.externalId,
        toJsonb([{ opinion: feedback.opinion, sentMs: change.sentMs, because: feedback.because }]),
      ],
    )
}

/** Feedback of an exchange, newest first; pass the last id for the next page. */
export function selectFeedback(
  query: Query,
  tenantId: string,
  exchangeId: string,
  page: { beforeId: string | null; state?: Feedback['state']; limit: number },
): Promise<Feedback[]> {
  return query<Feedback>(
    `SELECT ${feedbackColumns} FROM exchange_feedback WHERE tenant_id = $1 AND exchange_id = $2
       AND ($3::text IS NULL OR feedback_id < $3) AND ($4::text IS NULL OR state = $4)
     ORDER BY feedback_id DESC LIMIT $5`,
    [tenantId, exchangeId, page.beforeId, page.state ?? null, page.limit],
  )
}

export async function countFeedback(
  query: Query,
  tenantId: string,
  exchangeIds: readonly string[],
): Promise<Map<string, Record<Feedback['state'], number>>> {
  const rows = await query<{ exchange_id: string; state: Feedback['state']; n: number }>(
    `SELECT exchange_id, state, count(*)::int AS n FROM exchange_feedback
     WHERE tenant_id = $1 AND exchange_id = ANY($2) GROUP BY 1, 2`,
    [tenantId, exchangeIds],
  )
  const counts = new Map(exchangeIds.map((id) => [id, { pending: 0, sent: 0, parked: 0 }]))
  for (const row of rows) counts.get(row.exchange_id)![row.state] = row.n
  return counts
}

/** Puts parked feedback back in line, all or one, with all its attempts anew; answers how many. */
export async function retryFeedback(
  tx: Tx,
  tenantId: string,
  exchangeId: string,
  nowMs: number,
  feedbackId: string | null,
): Promise<number> {
  const rows = await tx.query(
    `UPDATE exchange_feedback SET state = 'pending', attempts = 0, next_ms = $3
     WHERE tenant_id = $1 AND exchange_id = $2 AND state = 'parked' AND ($4::text IS NULL OR feedback_id = $4) RETURNING 1`,
    [tenantId, exchangeId, nowMs, feedbackId],
  )
  return rows.length
}

/** Parks what waits and is no longer wanted; people see it and may send it after all. */
export async function parkSwitchedOff(
  tx: Tx,
  exchange: Pick<Exchange, 'tenantId' | 'exchangeId'>,
  sendBack: Exchange['sendBack'],
): Promise<void> {
  await tx.query(
    `UPDATE exchange_feedback SET state = 'parked', last_error = 'switched off before it was sent'
     WHERE tenant_id = $1 AND exchange_id = $2 AND state = 'pending' AND opinion = ANY($3)`,
    [
      exchange.tenantId,
      exchange.exchangeId,
      (['seen', 'confirm', 'dispute'] as const).filter((opinion) => !sendBack[opinion]),
    ],
  )
}

export type BankOpinion = { fromId: string; fromName: string; opinion: Opinion; because: string; atMs: number }

/** What another installation says about an entry; its newest word counts. */
export async function upsertOpinion(
  tx: Tx,
  tenantId: string,
  about: { bankId: string; entryId: string },
  opinion: BankOpinion,
): Promise<void> {
  await tx.query(
    `INSERT INTO bank_opinions (tenant_id, bank_id, entry_id, from_id, from_name, opinion, because, at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (tenant_id, entry_id, from_id) DO UPDATE SET opinion = excluded.opinion, because = excluded.because,
       from_name = excluded.from_name, at_ms = excluded.at_ms`,
    [
      tenantId,
      about.bankId,
      about.entryId,
      opinion.fromId,
      opinion.fromName,
      opinion.opinion,
      opinion.because,
      opinion.atMs,
    ],
  )
}

export function selectOpinions(query: Query, tenantId: string, entryId: string): Promise<BankOpinion[]> {
  return query<BankOpinion>(
    `SELECT from_id AS "fromId", from_name AS "fromName", opinion, because, at_ms AS "atMs" FROM bank_opinions
     WHERE tenant_id = $1 AND entry_id = $2 ORDER BY at_ms, from_id`,
    [tenantId, entryId],
  )
}

/** Where a reader of a bank's changes stands: behind an entry of the ledger, and within the next one behind an entry of the bank. */
export type LogPlace = { ordinal: number; entryId: string }

/**
 * Entries of a bank that the ledger names after a place, in order, and how far that reaches: never past the seal. What
 * names a whole import is read in pages like all else.
 */
export async function selectBankLog(
  query: Query,
  tenantId: string,
  bank: { bankId: string; subjectId: string },
  after: LogPlace,
  limit: number,
): Promise<{ entryIds: Map<string, number>; next: LogPlace; more: boolean }> {
  const rows = await query<{ ordinal: number; entry_ids: string[]; import_id: string | null; recorded_ms: number }>(
    `SELECT ordinal, recorded_ms, CASE
         WHEN body ? 'entryId' THEN ARRAY[body ->> 'entryId'] ||
           ARRAY(SELECT jsonb_array_elements_text(coalesce(body -> 'retiredIds', body -> 'partedIds', '[]')))
         WHEN kind = 'bank.entries_added' THEN ARRAY(SELECT e ->> 'entryId' FROM jsonb_array_elements(body -> 'entries') AS e)
         ELSE '{}' END AS entry_ids,
       CASE WHEN kind IN ('bank.import_undone', 'bank.import_went_live') THEN body ->> 'importId' END AS import_id
     FROM ((SELECT * FROM ledger_entries WHERE tenant_id = $1 AND subject_kind = 'item' AND subject_id = $2
              AND ordinal > $3 AND ordinal <= (SELECT ordinal FROM ledger_watermark) ORDER BY ordinal LIMIT $4)
       UNION ALL (SELECT * FROM ledger_entries WHERE tenant_id = $1 AND kind = 'bank.entry_moved' AND body ->> 'toBankId' = $5
              AND ordinal > $3 AND ordinal <= (SELECT ordinal FROM ledger_watermark) ORDER BY ordinal LIMIT $4)) AS told
     ORDER BY ordinal LIMIT $4`,
    [tenantId, bank.subjectId, after.ordinal, limit, bank.bankId],
  )
  const entryIds = new Map<string, number>()
  let next: LogPlace = after
  for (const row of rows) {
    // One ledger entry may name many entries of the bank; only that of an import is cut in two.
    if (entryIds.size >= limit) return { entryIds, next, more: true }
    for (const entryId of row.entry_ids) entryIds.set(entryId, row.recorded_ms)
    if (row.import_id !== null) {
      const room = limit - entryIds.size
      const page = await query<{ entry_id: string }>(
        `SELECT entry_id FROM bank_entries WHERE tenant_id = $1 AND import_id = $2 AND entry_id > $3
         ORDER BY entry_id LIMIT $4`,
        [tenantId, row.import_id, next.entryId, room],
      )
      for (const { entry_id } of page) entryIds.set(entry_id, row.recorded_ms)
      if (page.length === room)
        return { entryIds, next: { ordinal: next.ordinal, entryId: page.at(-1)!.entry_id }, more: true }
    }
    next = { ordinal: row.ordinal, entryId: '' }
  }
  return { entryIds, next, more: rows.length === limit }
}
