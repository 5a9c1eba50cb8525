import type { Author, LedgerEntry, NewEntry, Severity, ViolationProposal } from '../domain/entry.ts'
import type { Signal } from '../domain/signal.ts'
import { ensurePolicies } from '../enforcement/policies.ts'
import { selectDecision } from '../enforcement/store.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { signalTypeNamed } from '../match/raw-signals.ts'
import { openJob, withdrawAnswered } from '../review/open.ts'
import { selectJob } from '../review/store.ts'
import type { Tx } from '../storage/database.ts'
import { selectEvent } from '../storage/event-log.ts'
import {
  lockRetroBatch,
  selectRetroItems,
  updateRetroBatch,
  updateRetroItem,
  type RetroBatch,
  type RetroItem,
} from '../storage/retro-records.ts'
import { scheduleTimer, type Timer, type TimerHandlers } from '../storage/timers.ts'
import { selectBank, selectBankEntry, selectImportedEntries } from '../match/store.ts'
import { propose } from './enforce.ts'
import { reverse } from './remedy.ts'
import { applyRetro, type RetroDeps } from './retro.ts'
import { dismiss, releaseStep, withdraw } from './retro-release.ts'
import { retroRule } from './rule-trace.ts'

/** Items of one step: a transaction stays short, and a restart repeats nothing. */
const stepItems = 25
const importedAtOnce = 200

/** The work behind retro-matching: batches step by step, entries that apply themselves, and entries that let go. */
export function retroTimers(deps: RetroDeps, log: (line: Record<string, unknown>) => void): TimerHandlers {
  return {
    async retro(tx, timer) {
      const batch = await lockRetroBatch(tx, timer.tenantId, String(timer.body.batchId))
      if (batch?.state === 'applying') await applyStep(tx, deps, timer, batch)
      else if (batch?.state === 'undoing') await undoStep(tx, deps, timer, batch)
    },
    async 'retro-entry'(_tx, timer) {
      const { bankId, entryId } = timer.body as { bankId: string; entryId: string }
      const policy = deps.settings(timer.tenantId).retroBanks[bankId]
      if (policy === undefined) return
      const author: Author = { kind: 'system', part: 'retro' }
      // The batch commits by itself: a timer that is run again after a crash must not begin a second one.
      const effectKey = `retro-entry|${timer.id}`
      const applied = await applyRetro(deps, timer.tenantId, { bankId, entryId, author, effectKey, ...policy })
      if (!applied.ok && applied.reason !== 'nothing-found' && applied.reason !== 'done-before')
        log({ level: 'warn', msg: 'an entry was not applied to past items', entryId, reason: applied.detail })
    },
    async 'retro-import'(tx, timer) {
      const { tenantId, body } = timer
      const { bankId, importId, afterId } = body as { bankId: string; importId: string; afterId?: string }
      const page = await selectImportedEntries(tx.query, tenantId, importId, afterId ?? '', importedAtOnce)
      for (const entryId of page)
        await scheduleTimer(tx, {
          tenantId,
          kind: 'retro-entry',
          key: entryId,
          dueMs: timer.dueMs,
          body: { bankId, entryId },
        })
      if (page.length === importedAtOnce) await again(tx, { ...timer, body: { ...body, afterId: page.at(-1)! } })
    },
    async 'retro-release'(tx, timer) {
      if (await releaseStep(tx, deps, timer.tenantId, timer.body)) await again(tx, timer)
    },
  }
}

/** The next step of the same work, due at once. */
async function again(tx: Tx, timer: Timer): Promise<void> {
  const [base, step = '0'] = timer.key.split('#')
  const key = `${base}#${Number(step) + 1}`
  await scheduleTimer(tx, { tenantId: timer.tenantId, kind: timer.kind, key, dueMs: timer.dueMs, body: timer.body })
}

async function applyStep(tx: Tx, deps: RetroDeps, timer: Timer, batch: RetroBatch): Promise<void> {
  const { tenantId } = timer
  const items = await selectRetroItems(tx.query, tenantId, batch.batchId, 'waiting', stepItems)
  const retired = (await selectBankEntry(tx.query, tenantId, batch.entryId))?.status === 'retired'
  for (const item of items) {
    const done = retired ? { outcome: 'skipped' } : await applyItem(tx, deps, tenantId, batch, item)
    await updateRetroItem(tx, tenantId, batch.batchId, item.place, done)
  }
  if (items.length === stepItems) return again(tx, timer)
  await updateRetroBatch(tx, tenantId, batch.batchId, { state: 'applied', nowMs: deps.clock() })
}

type Applied = Pick<RetroItem, 'outcome'> & Partial<Pick<RetroItem, 'proposalEntryId' | 'decisionId' | 'jobId'>>

async function applyItem(
  tx: Tx,
  deps: RetroDeps,
  tenantId: string,
  batch: RetroBatch,
  item: RetroItem,
): Promise<Applied> {
  const stored = await selectEvent(tx.query, tenantId, item.eventId)
  // Erased since it was found.
  if (stored === undefined || stored.event.item === undefined) return { outcome: 'gone' }
  const { event, occurredAtMs } = stored
  const bank = await selectBank(tx.query, tenantId, batch.bankId)
  const type = signalTypeNamed('type', item.type)
  const threshold = bank?.thresholds[item.type] ?? type.threshold
  const match = {
    bankId: batch.bankId,
    entryId: batch.entryId,
    signalType: item.type,
    distance: item.distance,
    threshold,
  }
  const name = item.part === 'text' ? 'match.text' : item.part.startsWith('link') ? 'match.link' : 'match.media'
  const signal: Signal = {
    name,
    subject: { kind: 'item', id: item.itemId },
    value: Math.round(item.similarity * 1_000) / 1_000,
    confidence: Math.round(item.similarity * 1_000) / 1_000,
    because: `${type.describe(item.distance)} from entry ${batch.entryId} of bank "${bank?.name ?? batch.bankId}", which was added later`,
    version: type.version,
    evidence: { ...match, part: item.part, batchId: batch.batchId },
  }
  const because = [
    {
      name: 'match.retro',
      value: batch.batchId,
      because: 'A bank entry was applied to past items',
      ref: batch.ledgerEntryId,
    },
    { name: signal.name, value: signal.value, because: signal.because },
  ]
  const automation = batch.author.kind === 'person' ? ('partial' as const) : ('full' as const)
  const by = { author: batch.author, automation }
  const effectKey = `retro|${batch.batchId}|${item.itemId}`
  const actorId = event.actor.id
  if (batch.violation === null) {
    const jobId = await openJob(tx, deps, tenantId, {
      subject: { kind: 'item', id: item.itemId },
      queue: 'default',
      question: 'violation',
      priority: 50 * item.similarity,
      eventId: item.eventId,
      actorId,
      itemId: item.itemId,
      author: batch.author,
      cause: batch.ledgerEntryId,
      because,
      effectKey,
    })
    return { outcome: 'review', ...(jobId === undefined ? {} : { jobId }) }
  }
  const { policy } = (await ensurePolicies(tx, deps, tenantId)).inForce(occurredAtMs)
  const proposal: ViolationProposal = {
    eventId: item.eventId,
    rule: retroRule,
    violation: batch.violation,
    severity: batch.severity ?? policy.violations[batch.violation]?.severity ?? (1 satisfies Severity),
    context: event.context,
    confidence: item.similarity,
    actorId,
    itemId: item.itemId,
    ...(event.thread === undefined ? {} : { threadId: event.thread.id }),
    occurredAtMs,
    foundAtMs: batch.createdMs,
    ...(event.item?.language === undefined ? {} : { language: event.item.language }),
    route: batch.route,
    match,
    // What one entry finds at once is one fault, however often it was posted.
    dedupeKey: `retro:${batch.batchId}:${actorId}`,
    facts: { eventId: item.eventId, signals: [signal], features: {}, labels: {}, lists: {} },
  }
  const proposed = await propose(tx, deps, tenantId, proposal, { because, by, effectKey, cause: batch.ledgerEntryId })
  if (!proposed.ok) return { outcome: 'already' }
  const { entries, decisionId, jobId } = proposed
  return {
    outcome: decisionId !== undefined ? 'decided' : jobId !== undefined ? 'review' : 'already',
    proposalEntryId: entries[0]!.id,
    ...(decisionId === undefined ? {} : { decisionId }),
    ...(jobId === undefined ? {} : { jobId }),
  }
}

async function undoStep(tx: Tx, deps: RetroDeps, timer: Timer, batch: RetroBatch): Promise<void> {
  const { tenantId } = timer
  const items = await selectRetroItems(tx.query, tenantId, batch.batchId, 'to-undo', stepItems)
  for (const item of items)
    await updateRetroItem(tx, tenantId, batch.batchId, item.place, {
      ...(item.outcome === 'waiting' ? { outcome: 'skipped' } : {}),
      undone: await undoItem(tx, deps, tenantId, batch, item),
    })
  if (items.length === stepItems) return again(tx, timer)
  await updateRetroBatch(tx, tenantId, batch.batchId, { state: 'undone', nowMs: deps.clock() })
}

/** Answers what became of it: `reversed`, `withdrawn`, `kept` (a person has decided) or `nothing`. */
async function undoItem(
  tx: Tx,
  deps: RetroDeps,
  tenantId: string,
  batch: RetroBatch,
  item: RetroItem,
): Promise<string> {
  const author = batch.undoAuthor!
  const reason = batch.undoReason!
  if (item.decisionId !== null) {
    const decision = await selectDecision(tx.query, tenantId, item.decisionId)
    if (decision === undefined || decision.status === 'reversed') return 'nothing'
    const reversed = await reverse(tx, deps, tenantId, { decisionId: item.decisionId, author, reason })
    if (!reversed.ok) return 'kept'
    await withdrawAnswered(tx, deps, tenantId, reversed.entries)
    return 'reversed'
  }
  const job = item.jobId === null ? undefined : await selectJob(tx.query, tenantId, item.jobId)
  if (item.proposalEntryId !== null) {
    if (job?.state === 'withdrawn') return 'nothing'
    if (job !== undefined && (job.state === 'decided' || !job.waiting.includes(item.proposalEntryId))) return 'kept'
    const subject = job?.subject ?? { kind: 'item' as const, id: item.itemId }
    await dismiss(tx, deps, tenantId, [{ proposalEntryId: item.proposalEntryId, subject }], { author, reason })
    return 'withdrawn'
  }
  if (job === undefined) return 'nothing'
  if (job.state !== 'open' || job.proposals.length > 0) return 'kept'
  await withdraw(tx, deps, tenantId, job.jobId, { author, reason })
  return 'withdrawn'
}

/**
 * The ledger with what follows for the past from changes of banks, whoever makes them: what is retired, alone, with its
 * import or by a merge, lets go of what waits because of it, and what begins to match in a bank that is set so is applied
 * to past items.
 */
export function withRetro<L extends Ledger>(ledger: L, settings: RetroDeps['settings']): L {
  return {
    ...ledger,
    async append(tx: Tx, tenantId: string, entries: readonly NewEntry[]): Promise<LedgerEntry[]> {
      const recorded = await ledger.append(tx, tenantId, entries)
      for (const { kind, body, recordedAtMs: dueMs } of recorded) {
        const release = (key: string, about: Record<string, string>) =>
          scheduleTimer(tx, { tenantId, kind: 'retro-release', key, dueMs, body: about })
        if (kind === 'bank.entry_retired') await release(body.entryId, { entryId: body.entryId })
        else if (kind === 'bank.import_undone') await release(`import:${body.importId}`, { importId: body.importId })
        else if (kind === 'bank.entries_merged')
          for (const mergedId of body.retiredIds)
            await release(mergedId, { bankId: body.bankId, mergedId, keptId: body.entryId })
        else if ('bankId' in body && settings(tenantId).retroBanks[body.bankId] !== undefined) {
          const { bankId } = body
          for (const entryId of entriesThatApply(kind, body))
            await scheduleTimer(tx, { tenantId, kind: 'retro-entry', key: entryId, dueMs, body: { bankId, entryId } })
          if (kind === 'bank.import_went_live') {
            const { importId } = body
            await scheduleTimer(tx, {
              tenantId,
              kind: 'retro-import',
              key: importId,
              dueMs,
              body: { bankId, importId },
            })
          }
        }
      }
      return recorded
    },
  }
}

/** Entries that begin to match by this. */
function entriesThatApply(kind: LedgerEntry['kind'], body: LedgerEntry['body']): string[] {
  if (kind === 'bank.entries_added')
    return (body as LedgerEntry<'bank.entries_added'>['body']).entries.flatMap(({ entryId, draft }) =>
      draft === true ? [] : [entryId],
    )
  if (kind === 'bank.entries_unmerged') return (body as LedgerEntry<'bank.entries_unmerged'>['body']).partedIds ?? []
  if (kind === 'bank.entry_added' || kind === 'bank.entry_released' || kind === 'bank.entry_went_live')
    return [(body as LedgerEntry<'bank.entry_added'>['body']).entryId]
  return []
}
