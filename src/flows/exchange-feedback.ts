import { uuidv7 } from '../domain/ids.ts'
import { ExchangeError } from '../match/exchange/call.ts'
import type { FeedbackItem } from '../match/exchange/connector.ts'
import { connectors } from '../match/exchange/connectors.ts'
import { opinions, type Exchange, type Opinion, type SentOpinion } from '../match/exchange/exchange.ts'
import { kinds, takes } from '../match/exchange/kinds.ts'
import { selectExchange, selectRecordOfEntry, selectRecords, selectSendingExchanges } from '../match/exchange/store.ts'
import * as feedbackStore from '../match/feedback/store.ts'
import { selectBankEntriesById, selectBankEntry } from '../match/store.ts'
import type { Tx } from '../storage/database.ts'
import { retryDelayMs } from './deliver.ts'
import { openCredentials, type ExchangeDeps } from './exchange.ts'

const collectMax = 500
const sendMax = 32
/** Longer than a request can be on its way. */
const leaseMs = 5 * 60_000
const becauseLengthMax = 500

/** What there is to say about a record after what was decided here, in words. */
export function opinionsOn(
  record: feedbackStore.JudgedRecord,
  wanted: readonly Opinion[],
): { opinion: Opinion; because: string }[] {
  const times = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  const found: { opinion: Opinion; because: string }[] = []
  if (wanted.includes('seen') && record.matches > 0 && !record.seenQueued)
    found.push({ opinion: 'seen', because: times(record.matches, 'match').replace('matchs', 'matches') })
  const { verdict } = record
  if (verdict !== null && wanted.includes(verdict) && record.opinionQueued !== verdict)
    found.push({
      opinion: verdict,
      because:
        verdict === 'confirm'
          ? `${times(record.confirmed, 'verdict')} upheld`
          : `${times(record.overturned, 'decision')} overturned`,
    })
  return found
}

/** The opinions that an exchange takes and that are switched on. */
export function switchedOn(exchange: Pick<Exchange, 'kind' | 'sendBack'>): Opinion[] {
  return kinds[exchange.kind].sendBack.filter((opinion) => exchange.sendBack[opinion])
}

/**
 * Queues what there is to send back after matches and verdicts, once for each record and opinion; an opinion that changed
 * is said again. Answers how many.
 */
export async function collectFeedback(deps: ExchangeDeps): Promise<number> {
  let queued = 0
  for (const found of await selectSendingExchanges(deps.db.query))
    queued += await deps.db.transaction(async (tx) => {
      // One collector at a time: what two would find together would be said twice.
      const exchange = await selectExchange(tx.query, found.tenantId, found.exchangeId, true)
      if (exchange === undefined || exchange.deletedMs !== null) return 0
      const wanted = switchedOn(exchange)
      if (wanted.length === 0) return 0
      let count = 0
      for (const record of await feedbackStore.selectJudged(tx.query, exchange, wanted, collectMax)) {
        const said = opinionsOn(record, wanted)
        for (const { opinion, because } of said) await queue(tx, deps, exchange, record, opinion, because)
        const verdict = said.find(({ opinion }) => opinion !== 'seen')?.opinion
        await feedbackStore.markQueued(tx, exchange.tenantId, record, {
          seen: record.seenQueued || said.some(({ opinion }) => opinion === 'seen'),
          opinion: verdict ?? record.opinionQueued,
        })
        count += said.length
      }
      return count
    })
  return queued
}

function queue(
  tx: Tx,
  deps: Pick<ExchangeDeps, 'clock' | 'randomBytes'>,
  exchange: Pick<Exchange, 'tenantId' | 'exchangeId'>,
  record: { externalId: string; entryId: string | null },
  opinion: SentOpinion,
  because: string,
): Promise<string> {
  const nowMs = deps.clock()
  const feedbackId = uuidv7(nowMs, deps.randomBytes)
  return feedbackStore
    .insertFeedback(tx, {
      tenantId: exchange.tenantId,
      feedbackId,
      exchangeId: exchange.exchangeId,
      externalId: record.externalId,
      entryId: record.entryId ?? '',
      opinion,
      because: because.slice(0, becauseLengthMax),
      nowMs,
    })
    .then(() => feedbackId)
}

/** Queues an opinion that a person gives, or an entry of ours to share; undefined where the exchange takes no such thing. */
export async function queueOpinion(
  deps: ExchangeDeps,
  exchange: Exchange,
  entryId: string,
  opinion: SentOpinion,
  because: string,
): Promise<{ ok: true; feedbackId: string } | { ok: false; detail: string }> {
  const { tenantId } = exchange
  if (!takes(exchange.kind, opinion))
    return { ok: false, detail: `${kinds[exchange.kind].title} takes no "${opinion}".` }
  return deps.db.transaction(async (tx) => {
    const record = await selectRecordOfEntry(tx.query, tenantId, entryId)
    const theirs = record?.exchangeId === exchange.exchangeId ? record : undefined
    if (opinion !== 'share' && theirs === undefined)
      return { ok: false, detail: `Entry ${entryId} did not come from ${exchange.name}.` } as const
    if (opinion === 'share' && (await selectBankEntry(tx.query, tenantId, entryId)) === undefined)
      return { ok: false, detail: `There is no entry ${entryId}.` } as const
    const about = theirs ?? { externalId: `own:${entryId}`, entryId }
    const feedbackId = await queue(tx, deps, exchange, about, opinion, because)
    if (theirs !== undefined && opinion !== 'share')
      await feedbackStore.markQueued(tx, tenantId, theirs, {
        seen: theirs.seenQueued || opinion === 'seen',
        opinion: opinion === 'seen' ? theirs.opinionQueued : opinion,
      })
    return { ok: true, feedbackId } as const
  })
}

/**
 * Sends what is due: retried for 72 hours while the other side is away or busy, parked with the reason when it does not
 * take it. What was sent is written on the record. Answers how many it dealt with.
 */
export async function sendFeedback(deps: ExchangeDeps): Promise<number> {
  const due = await feedbackStore.leaseFeedback(deps.db.query, deps.clock(), leaseMs, sendMax)
  for (const feedback of due) {
    const settle = (change: Parameters<typeof feedbackStore.settleFeedback>[2]) =>
      deps.db.transaction((tx) => feedbackStore.settleFeedback(tx, feedback, change))
    try {
      await sendOne(deps, feedback)
      await settle({ state: 'sent', nextMs: feedback.nextMs, error: null, sentMs: deps.clock() })
    } catch (error) {
      const text = (error as Error).message.slice(0, 500)
      const known = error instanceof ExchangeError ? error : undefined
      const delayMs = known?.reason === 'refused' ? undefined : retryDelayMs(feedback.attempts)
      if (known === undefined) deps.log({ level: 'error', msg: 'feedback broke', error: (error as Error).stack })
      await settle(
        delayMs === undefined
          ? { state: 'parked', nextMs: feedback.nextMs, error: text, sentMs: null }
          : {
              state: 'pending',
              nextMs: deps.clock() + Math.max(delayMs, known?.retryAfterMs ?? 0),
              error: text,
              sentMs: null,
            },
      )
    }
  }
  return due.length
}

async function sendOne(deps: ExchangeDeps, feedback: feedbackStore.Feedback): Promise<void> {
  const exchange = await selectExchange(deps.db.query, feedback.tenantId, feedback.exchangeId)
  const connector = exchange === undefined ? undefined : connectors[exchange.kind]
  if (exchange === undefined || connector?.send === undefined)
    throw new ExchangeError('refused', 'This exchange takes nothing back')
  const item = await itemOf(deps, exchange, feedback)
  const { call, clock } = deps
  const credentials = await openCredentials(deps, exchange)
  await connector.send({ call, settings: exchange.settings, credentials, nowMs: clock }, item)
}

async function itemOf(
  deps: Pick<ExchangeDeps, 'db'>,
  exchange: Exchange,
  about: Pick<feedbackStore.Feedback, 'externalId' | 'entryId' | 'opinion' | 'because'>,
): Promise<FeedbackItem> {
  const { tenantId, exchangeId } = exchange
  const [record] = await selectRecords(deps.db.query, tenantId, exchangeId, [about.externalId])
  const entry = await selectBankEntry(deps.db.query, tenantId, about.entryId)
  return { opinion: about.opinion, because: about.because, ref: record?.ref ?? {}, signals: entry?.signals ?? {} }
}

export type FeedbackPreview = {
  counts: Record<Opinion, number>
  items: {
    externalId: string
    entryId: string
    opinion: Opinion
    because: string
    on: boolean
    request: { method: string; url: string; body: string } | null
    problem: string | null
  }[]
}

const previewMax = 10_000

/** What would be sent back for everything that was decided so far, switched on or not, as it would leave. */
export async function previewFeedback(deps: ExchangeDeps, exchange: Exchange, limit: number): Promise<FeedbackPreview> {
  const { requestOf } = connectors[exchange.kind]
  const preview: FeedbackPreview = { counts: { seen: 0, confirm: 0, dispute: 0 }, items: [] }
  const judged = await feedbackStore.selectJudged(deps.db.query, exchange, opinions, previewMax)
  const said = judged.flatMap((record) => opinionsOn(record, opinions).map((one) => ({ record, ...one })))
  for (const { opinion } of said) preview.counts[opinion]++
  const shown = said.slice(0, limit)
  const entries = await selectBankEntriesById(
    deps.db.query,
    exchange.tenantId,
    shown.map(({ record }) => record.entryId!),
  )
  for (const { record, opinion, because } of shown) {
    const signals = entries.find((entry) => entry.entryId === record.entryId)?.signals ?? {}
    const outcome = takes(exchange.kind, opinion)
      ? requestOf?.(exchange.settings, { opinion, because, ref: record.ref, signals }, deps.clock())
      : undefined
    preview.items.push({
      externalId: record.externalId,
      entryId: record.entryId!,
      opinion,
      because,
      on: exchange.sendBack[opinion],
      request:
        outcome?.ok === true
          ? { method: outcome.request.method, url: outcome.request.url, body: outcome.request.body ?? '' }
          : null,
      problem:
        outcome === undefined
          ? `${kinds[exchange.kind].title} takes no "${opinion}"`
          : outcome.ok
            ? null
            : outcome.detail,
    })
  }
  return preview
}
