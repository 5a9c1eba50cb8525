import type { Author, Automation, LedgerEntry } from '../domain/entry.ts'
import type { Reason } from '../domain/signal.ts'
import type { SubjectRef } from '../domain/subject.ts'
import { announce } from '../enforcement/announce.ts'
import { lockActors, settle } from '../enforcement/settle.ts'
import { selectGate } from '../enforcement/store.ts'
import { selectLabels } from '../storage/marks.ts'
import type { Tx } from '../storage/database.ts'
import { cancelTimer, scheduleTimer, type Timer, type TimerHandlers } from '../storage/timers.ts'
import type { EnforceDeps } from './enforce.ts'

/** What marks a subject without judging it: gates that are no consequences, labels, training; and how all of it ends. */

type By = { author: Author; automation: Automation; because: Reason[]; cause?: string; effectKey?: string }

/** Limits a feature for a time. A gate is not a strike: it has its own reason and end, and closing it again moves the end. */
export async function closeGate(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  gate: { actorId: string; feature: string; context: string; untilMs: number; reason: string; occurredAtMs: number },
  by: By,
): Promise<LedgerEntry[]> {
  const { actorId, feature, context, untilMs, reason, occurredAtMs } = gate
  await lockActors(tx, tenantId, [actorId])
  const gateId = `${actorId}|${context}|${feature}|limit`
  const open = await selectGate(tx.query, tenantId, gateId)
  if (untilMs <= deps.clock() || (open?.untilMs ?? 0) >= untilMs) return []
  const body = { gateId, actorId, feature, context, untilMs, reason }
  const entries = await deps.ledger.append(tx, tenantId, [
    { kind: 'gate.closed', subject: { kind: 'actor', id: actorId }, occurredAtMs, body, ...by },
  ])
  if (entries.length > 0)
    await scheduleTimer(tx, { tenantId, kind: 'gate', key: gateId, dueMs: untilMs, body: { actorId } })
  await announce(tx, deps, tenantId, actorId, entries)
  return entries
}

/** Opens a gate that is no consequence, before its time. Consequences end only with the decisions that they rest on. */
export async function openGate(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  gate: { actorId: string; gateId: string; how: 'expired' | 'reversed' | 'person' },
  by: By,
): Promise<LedgerEntry[]> {
  await lockActors(tx, tenantId, [gate.actorId])
  const row = await selectGate(tx.query, tenantId, gate.gateId)
  if (row === undefined || row.consequenceId !== null) return []
  const { feature, context } = row
  const entries = await deps.ledger.append(tx, tenantId, [
    {
      kind: 'gate.opened',
      subject: { kind: 'actor', id: gate.actorId },
      occurredAtMs: deps.clock(),
      body: { ...gate, feature, context },
      ...by,
    },
  ])
  await cancelTimer(tx, tenantId, 'gate', gate.gateId)
  await announce(tx, deps, tenantId, gate.actorId, entries)
  return entries
}

const labelKey = (subject: SubjectRef, label: string) => JSON.stringify([subject.kind, subject.id, label])

/** Puts a label on a subject, or moves the end of one that it has. A label that already lasts as long is left alone. */
export async function applyLabel(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  label: { subject: SubjectRef; label: string; expiresAtMs?: number; eventId?: string; occurredAtMs: number },
  by: By,
): Promise<LedgerEntry[]> {
  const { subject, occurredAtMs, ...body } = label
  const nowMs = deps.clock()
  if (body.expiresAtMs !== undefined && body.expiresAtMs <= nowMs) return []
  const held = (await selectLabels(tx.query, tenantId, subject, nowMs)).find((one) => one.label === body.label)
  if (held !== undefined && (held.expiresMs ?? Infinity) >= (body.expiresAtMs ?? Infinity)) return []
  const entries = await deps.ledger.append(tx, tenantId, [
    { kind: 'label.applied', subject, occurredAtMs, body, ...by },
  ])
  if (entries.length === 0) return []
  const key = labelKey(subject, body.label)
  if (body.expiresAtMs === undefined) await cancelTimer(tx, tenantId, 'label', key)
  else
    await scheduleTimer(tx, {
      tenantId,
      kind: 'label',
      key,
      dueMs: body.expiresAtMs,
      body: { subject, label: body.label },
    })
  return entries
}

/** Takes a label off a subject that has it. */
export async function removeLabel(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  label: { subject: SubjectRef; label: string; how: 'expired' | 'person' | 'remedy' },
  by: By,
): Promise<LedgerEntry[]> {
  const { subject, ...body } = label
  await cancelTimer(tx, tenantId, 'label', labelKey(subject, body.label))
  return deps.ledger.append(tx, tenantId, [{ kind: 'label.removed', subject, occurredAtMs: deps.clock(), body, ...by }])
}

/** Records that a person did the training on a rule: the next breach after its span is a first one again. */
export async function completeTraining(
  tx: Tx,
  deps: EnforceDeps,
  tenantId: string,
  training: { actorId: string; violation: string },
  by: By,
): Promise<LedgerEntry[]> {
  await lockActors(tx, tenantId, [training.actorId])
  const nowMs = deps.clock()
  const entries = await deps.ledger.append(tx, tenantId, [
    {
      kind: 'training.completed',
      subject: { kind: 'actor', id: training.actorId },
      occurredAtMs: nowMs,
      body: training,
      ...by,
    },
  ])
  if (entries.length === 0) return []
  const settled = await settle(tx, deps, tenantId, training.actorId, { nowMs, cause: entries[0]!.id })
  await announce(tx, deps, tenantId, training.actorId, settled.entries)
  return [...entries, ...settled.entries]
}

/** Ends what has run its time: consequences and strikes, gates, labels. One timer per actor, gate and label. */
export function enforcementTimers(deps: EnforceDeps): TimerHandlers {
  const by: By = { author: { kind: 'system', part: 'timers' }, automation: 'full', because: [] }
  return {
    async standing(tx: Tx, timer: Timer) {
      const actorId = timer.key
      await lockActors(tx, timer.tenantId, [actorId])
      const nowMs = Math.max(timer.dueMs, deps.clock())
      const { entries } = await settle(tx, deps, timer.tenantId, actorId, { nowMs })
      await announce(tx, deps, timer.tenantId, actorId, entries)
    },
    async gate(tx: Tx, timer: Timer) {
      const actorId = String(timer.body.actorId)
      await openGate(tx, deps, timer.tenantId, { actorId, gateId: timer.key, how: 'expired' }, by)
    },
    async label(tx: Tx, timer: Timer) {
      const subject = timer.body.subject as SubjectRef
      await removeLabel(tx, deps, timer.tenantId, { subject, label: String(timer.body.label), how: 'expired' }, by)
    },
  }
}
