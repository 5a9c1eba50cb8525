import type { LedgerEntry } from '../../domain/entry.ts'
import type { SubjectRef } from '../../domain/subject.ts'
import { standingNow } from '../../enforcement/current.ts'
import { selectConsequences, selectDecisions, selectGates } from '../../enforcement/store.ts'
import { selectHolds, selectLabels } from '../../storage/marks.ts'
import type { EnforceDeps } from '../../flows/enforce.ts'
import { titleOf } from '../../flows/explain.ts'
import { applyLabel, completeTraining as trained, removeLabel } from '../../flows/marks.ts'
import { entriesAbout } from '../../ledger/read.ts'
import type { Database } from '../../storage/database.ts'
import {
  completeTraining,
  getSubject,
  getTimeline,
  labelSubject,
  unlabelSubject,
  type SubjectView,
} from '../contract/subjects.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { authorOf, type Principal } from '../principal.ts'
import { notFound } from '../problem.ts'
import type { Mount } from '../server.ts'
import { consequenceView, decisionView } from './decisions.ts'

export type SubjectRoutesDeps = EnforceDeps & { db: Database }

const decisionsShown = 50

export function subjectRoutes(mount: Mount, deps: SubjectRoutesDeps): void {
  const { db } = deps
  const { query } = db

  mount(getSubject, async ({ params, principal }): Promise<SubjectView> => {
    const { tenantId } = principal
    const subject = params as SubjectRef
    const nowMs = deps.clock()
    const about = { actor: { actorId: params.id }, item: { itemId: params.id }, thread: { threadId: params.id } }
    const decisions = await selectDecisions(query, tenantId, { ...about[params.kind], limit: decisionsShown })
    const labels = await selectLabels(query, tenantId, subject, nowMs)
    const frame = { subject, labels, decisions: decisions.map(decisionView) }
    if (subject.kind !== 'actor') {
      const heldBy = await selectHolds(query, subject.kind, tenantId, subject.id)
      const held = subject.kind === 'item' ? 'removed' : 'restricted'
      const status = heldBy.length > 0 ? held : 'active'
      return { ...frame, status, heldBy, standing: [], consequences: [], gates: [] }
    }
    const standing = await standingNow(query, deps.policies, tenantId, subject.id, nowMs)
    const policy = deps.policies.known(tenantId)?.newest.policy
    const consequences = await selectConsequences(query, tenantId, subject.id, false)
    const gates = (await selectGates(query, tenantId, subject.id)).filter((gate) => (gate.untilMs ?? Infinity) > nowMs)
    const contexts = Object.entries(standing.contexts)
    const disabled = contexts.some(([, here]) => here.consequences.some((one) => one.context === '*'))
    const closed = contexts.some(([, here]) => here.closed.length > 0) || gates.length > 0
    const warned = contexts.some(([, here]) => here.level > 0)
    return {
      ...frame,
      status: disabled ? 'disabled' : closed ? 'restricted' : warned ? 'warned' : 'active',
      heldBy: [],
      standing: contexts.map(([context, here]) => ({
        context,
        title: policy?.contexts[context]?.title ?? context,
        points: here.points,
        own: here.own,
        spilled: here.spilled,
        level: here.level,
        action: here.action,
        arithmetic: here.arithmetic,
        closed: here.closed.map(({ feature, untilMs }) => ({ feature, untilMs: untilMs ?? null })),
      })),
      consequences: consequences.map(consequenceView),
      gates: gates.map(({ id, ...gate }) => ({ gateId: id, ...gate })),
    }
  })

  mount(getTimeline, async ({ params, query: asked, principal }) => {
    const { limit = 50, after } = asked
    const beforeOrdinal = after === undefined ? undefined : Number(decodeCursor(after, 1)[0])
    const entries = await entriesAbout(query, principal.tenantId, params as SubjectRef, {
      limit,
      ...(beforeOrdinal === undefined ? {} : { beforeOrdinal }),
    })
    return {
      items: entries.map((entry: LedgerEntry) => ({
        entryId: entry.id,
        kind: entry.kind,
        title: titleOf(entry),
        atMs: entry.occurredAtMs,
        recordedMs: entry.recordedAtMs,
        author: entry.author,
        automation: entry.automation,
        because: entry.because,
        cause: entry.cause ?? null,
        body: entry.body,
      })),
      next: entries.length < limit ? null : encodeCursor([String(entries.at(-1)!.ordinal)]),
    }
  })

  const by = (principal: Principal, reason: string) => ({
    author: authorOf(principal),
    automation: 'none' as const,
    because: reason === '' ? [] : [{ name: 'reason', value: reason, because: reason }],
  })

  mount(labelSubject, async ({ params, body, principal }) => {
    const { kind, id, label } = params
    const nowMs = deps.clock()
    const expiresAtMs = body.forMs === undefined ? undefined : nowMs + body.forMs
    const given = { subject: { kind, id }, label, expiresAtMs, occurredAtMs: nowMs }
    await db.transaction((tx) => applyLabel(tx, deps, principal.tenantId, given, by(principal, body.reason)))
    return { ok: true }
  })

  mount(unlabelSubject, async ({ params, principal }) => {
    const { kind, id, label } = params
    const subject: SubjectRef = { kind, id }
    const held = await selectLabels(query, principal.tenantId, subject, deps.clock())
    if (!held.some((one) => one.label === label)) throw notFound('label', label)
    await db.transaction((tx) =>
      removeLabel(tx, deps, principal.tenantId, { subject, label, how: 'person' }, by(principal, '')),
    )
    return { ok: true }
  })

  mount(completeTraining, async ({ params, body, principal }) => {
    const training = { actorId: params.id, violation: body.violation }
    await db.transaction((tx) => trained(tx, deps, principal.tenantId, training, by(principal, '')))
    return { ok: true }
  })
}
