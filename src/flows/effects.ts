import type { Effect, Hit } from '../domain/effect.ts'
import type { Author, LedgerEntry, ViolationProposal } from '../domain/entry.ts'
import type { Event } from '../domain/event.ts'
import { uuidv7 } from '../domain/ids.ts'
import type { Reason } from '../domain/signal.ts'
import { ensurePolicies } from '../enforcement/policies.ts'
import { entriesCausedBy } from '../ledger/read.ts'
import { openJob } from '../review/open.ts'
import type { RuleBook } from '../rules/rule-book.ts'
import { recordHits } from '../rules/stats.ts'
import type { Tx } from '../storage/database.ts'
import { enqueueEffects } from '../storage/outbox.ts'
import { lockActors, propose, type EnforceDeps } from './enforce.ts'
import type { Judged } from './ingest.ts'
import { applyLabel, closeGate } from './marks.ts'
import { matterOf } from './matter.ts'

export type EffectDeps = EnforceDeps & { book: RuleBook }

/** Locks everybody whom the effects of a batch may touch, sorted, before the first write. */
export async function lockJudged(tx: Tx, judged: readonly Judged[]): Promise<void> {
  const actors = new Map<string, Set<string>>()
  for (const { stored, hits } of judged) {
    if (!hits.some((hit) => hit.rule.mode === 'live')) continue
    const own = actors.get(stored.tenantId) ?? new Set()
    actors.set(stored.tenantId, own.add(stored.event.actor.id))
  }
  for (const [tenantId, ids] of [...actors].sort(([a], [b]) => (a < b ? -1 : 1)))
    await lockActors(tx, tenantId, [...ids])
}

/**
 * Writes what followed from one event: its signals, then the effects of each live rule that held. Every effect has a key
 * made of event, rule, version and effect, so that a redelivery finds it and writes nothing.
 */
export async function applyJudged(tx: Tx, deps: EffectDeps, { stored, signals, hits }: Judged): Promise<LedgerEntry[]> {
  const { tenantId, event, occurredAtMs } = stored
  const entries: LedgerEntry[] = []
  if (signals.length > 0)
    entries.push(
      ...(await deps.ledger.append(tx, tenantId, [
        {
          kind: 'signal.recorded',
          subject: signals[0]!.subject,
          occurredAtMs,
          cause: event.id,
          author: { kind: 'system', part: 'match' },
          automation: 'full',
          because: signals.slice(0, 20).map(({ name, value, because }) => ({ name, value, because })),
          body: { eventId: event.id, signals: signals.slice(0, 100) },
          effectKey: `${event.id}|signals`,
        },
      ])),
    )
  if (hits.length === 0) return entries
  const { enforced, tripped } = await recordHits(
    tx,
    tenantId,
    deps.book.current(tenantId),
    { eventId: event.id, occurredAtMs },
    hits,
  )
  entries.push(...(await deps.ledger.append(tx, tenantId, tripped)))
  if (tripped.length > 0) tx.afterCommit(() => deps.book.invalidate())
  for (const hit of enforced) {
    for (const [index, effect] of hit.effects.entries())
      entries.push(...(await applyEffect(tx, deps, stored, hit, effect, index)))
  }
  return entries
}

async function applyEffect(
  tx: Tx,
  deps: EffectDeps,
  { tenantId, event, occurredAtMs }: Judged['stored'],
  hit: Hit,
  effect: Effect,
  index: number,
): Promise<LedgerEntry[]> {
  const { id, version } = hit.rule
  const author: Author = { kind: 'rule', id, version }
  const because: Reason[] = [
    { name: `rule.${id}`, value: true, because: hit.because, ref: `${id}@${version}` },
    ...hit.facts.signals.map(({ name, value, because: why }) => ({ name, value, because: why })),
    ...Object.entries(hit.facts.features)
      .filter(([name]) => !name.includes('@'))
      .map(([name, value]) => ({
        name: `feature.${name}`,
        value,
        because: `${name} was ${String(value)} at this event`,
      })),
  ]
  const effectKey = `${event.id}|${id}@${version}|${index}`
  const by = { author, automation: 'full' as const, because, cause: event.id, effectKey }
  switch (effect.kind) {
    case 'violation': {
      // A report that names nobody proposes nothing: least of all against the person who reported.
      const { actorId } = await matterOf(tx.query, tenantId, event, occurredAtMs)
      if (actorId === undefined) return []
      const proposed = await propose(
        tx,
        deps,
        tenantId,
        await proposalOf(tx, deps, tenantId, event, occurredAtMs, hit, effect, actorId),
        { because },
      )
      if (!proposed.ok) return []
      // The job that it opened follows from the proposal, not from this call; a caller that waits wants to hear of it.
      const opened =
        proposed.jobId === undefined ? [] : await entriesCausedBy(tx.query, tenantId, proposed.entries[0]!.id)
      return [...proposed.entries, ...opened]
    }
    case 'label':
      return applyLabel(
        tx,
        deps,
        tenantId,
        {
          subject: effect.subject,
          label: effect.label,
          eventId: event.id,
          occurredAtMs,
          ...(effect.forMs === undefined ? {} : { expiresAtMs: occurredAtMs + effect.forMs }),
        },
        by,
      )
    case 'review': {
      const { actorId } = await matterOf(tx.query, tenantId, event, occurredAtMs)
      const jobId = await openJob(tx, deps, tenantId, {
        subject: effect.subject,
        queue: effect.queue,
        question: 'violation',
        priority: effect.priority,
        eventId: event.id,
        actorId: effect.subject.kind === 'actor' ? effect.subject.id : actorId,
        itemId: event.item?.id,
        violation: effect.violation,
        author,
        cause: event.id,
        because,
        effectKey,
      })
      return jobId === undefined
        ? []
        : (await entriesCausedBy(tx.query, tenantId, event.id)).filter((entry) => entry.effectKey === effectKey)
    }
    case 'gate':
      return closeGate(
        tx,
        deps,
        tenantId,
        {
          actorId: event.actor.id,
          feature: effect.feature,
          context: event.context,
          untilMs: occurredAtMs + effect.forMs,
          reason: effect.reason,
          occurredAtMs,
        },
        by,
      )
    case 'webhook': {
      const nowMs = deps.clock()
      await enqueueEffects(tx, tenantId, [
        {
          id: uuidv7(nowMs, deps.randomBytes),
          subject: `actor:${event.actor.id}`,
          topic: effect.topic,
          nowMs,
          body: {
            eventId: event.id,
            actorId: event.actor.id,
            itemId: event.item?.id,
            rule: hit.rule,
            because: hit.because,
            occurredAtMs,
          },
        },
      ])
      return []
    }
  }
}

async function proposalOf(
  tx: Tx,
  deps: EffectDeps,
  tenantId: string,
  event: Event,
  occurredAtMs: number,
  hit: Hit,
  effect: Effect & { kind: 'violation' },
  actorId: string,
): Promise<ViolationProposal> {
  const { policy } = (await ensurePolicies(tx, deps, tenantId)).inForce(occurredAtMs)
  const createdAt = event.item?.attributes?.createdAt
  const createdMs = typeof createdAt === 'string' ? Date.parse(createdAt) : Number.NaN
  return {
    eventId: event.id,
    rule: { id: hit.rule.id, version: hit.rule.version },
    violation: effect.violation,
    severity: effect.severity ?? policy.violations[effect.violation]?.severity ?? 1,
    context: event.context,
    confidence: effect.confidence,
    actorId,
    itemId: event.item?.id,
    threadId: event.thread?.id,
    occurredAtMs,
    ...(Number.isNaN(createdMs) ? {} : { itemCreatedAtMs: createdMs }),
    ...(event.item?.language === undefined ? {} : { language: event.item.language }),
    route: effect.route,
    match: effect.match,
    facts: hit.facts,
    ...(event.type === 'report.filed' ? { sourceType: 'TYPE_OTHER_NOTIFICATION' as const } : {}),
  }
}
