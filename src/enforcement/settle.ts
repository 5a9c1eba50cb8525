import { createHash } from 'node:crypto'
import type { Automation, EntryBodies, LedgerEntry, NewEntry } from '../domain/entry.ts'
import type { SubjectRef } from '../domain/subject.ts'
import type { Tx } from '../storage/database.ts'
import { lockKeys } from '../storage/ledger-records.ts'
import { cancelTimer, scheduleTimer } from '../storage/timers.ts'
import { fold, type Fold } from './fold.ts'
import type { PolicySet } from './policy-set.ts'
import { ensurePolicies, type Policies, type PublishDeps } from './policies.ts'
import { keyOf, standingOf, type Consequence, type Standing } from './standing.ts'
import {
  selectConsequences,
  selectGates,
  selectStandings,
  selectStrikes,
  selectTrainings,
  type ConsequenceRow,
} from './store.ts'

export type SettleDeps = PublishDeps & { policies: Policies }

/** What everybody who changes an actor's standing locks first, so that a threshold is never crossed twice or not at all. */
export const actorLock = (tenantId: string, actorId: string): string => `${tenantId} actor:${actorId}`

/** Takes the locks of these actors, in an order that cannot deadlock, until the transaction ends. */
export function lockActors(tx: Tx, tenantId: string, actorIds: readonly string[]): Promise<void> {
  return lockKeys(
    tx,
    actorIds.map((actorId) => actorLock(tenantId, actorId)),
  )
}

/** The id of a consequence: the same whenever the same history is folded. */
export function consequenceId(tenantId: string, actorId: string, key: string): string {
  return `c-${createHash('sha256').update(`${tenantId}\n${actorId}\n${key}`).digest('hex').slice(0, 24)}`
}

export type Settled = { entries: LedgerEntry[]; standing: Standing; started: Consequence[] }

/**
 * Folds the standing of an actor anew and appends exactly what differs from what runs: consequences and gates that start,
 * end, or change their end. Sets the timer for the next moment at which something ends by itself. The caller holds the
 * actor's lock, and says whether it `undoes` a decision.
 */
export async function settle(
  tx: Tx,
  deps: SettleDeps,
  tenantId: string,
  actorId: string,
  { nowMs, cause, undoes = false }: { nowMs: number; cause?: string; undoes?: boolean },
): Promise<Settled> {
  const { set, newest } = await ensurePolicies(tx, deps, tenantId)
  const { strikes, automation } = await selectStrikes(tx.query, tenantId, actorId)
  const result = fold(strikes, await selectTrainings(tx.query, tenantId, actorId), set, nowMs)
  const standing = standingOf(result, set, nowMs)
  const wanted = new Map<string, Consequence>()
  for (const context of Object.values(standing.contexts))
    for (const one of context.consequences) wanted.set(consequenceId(tenantId, actorId, one.key), one)
  const running = await selectConsequences(tx.query, tenantId, actorId, true)

  const subject: SubjectRef = { kind: 'actor', id: actorId }
  const author = { kind: 'policy' as const, id: newest.policy.id, version: newest.version }
  const entry = <K extends NewEntry['kind']>(
    kind: K,
    body: EntryBodies[K],
    more: { automation?: Automation; atMs?: number; because?: NewEntry['because'] } = {},
  ) =>
    ({
      kind,
      subject,
      occurredAtMs: more.atMs ?? nowMs,
      ...(cause === undefined ? {} : { cause }),
      author,
      automation: more.automation ?? 'full',
      because: more.because ?? [],
      body,
    }) as NewEntry

  const entries: NewEntry[] = []
  const ends = endings(result, set, tenantId, actorId, nowMs)
  for (const row of running) {
    if (wanted.has(row.id)) continue
    // What no longer follows at all was undone, or made way for what a late or simultaneous strike changed.
    const end = ends.get(row.id) ?? { how: undoes ? ('reversed' as const) : ('superseded' as const), atMs: nowMs }
    const { id, context } = row
    entries.push(entry('consequence.ended', { consequenceId: id, actorId, context, how: end.how }, { atMs: end.atMs }))
  }
  const before = new Map(running.map((row) => [row.id, row]))
  const started: Consequence[] = []
  for (const [id, one] of wanted) {
    const known = before.get(id)
    if (known !== undefined && !differs(known, one)) continue
    if (known === undefined) started.push(one)
    const { key: _, spilled: __, ...rest } = one
    entries.push(
      entry(
        'consequence.started',
        { ...rest, consequenceId: id, actorId },
        {
          // Counting is automatic; where a person decided a strike in the sum, the whole is only partly so.
          automation: one.causes.every((decision) => automation.get(decision) === 'full') ? 'full' : 'partial',
          because: [{ name: 'points', value: standing.contexts[one.context]?.points ?? null, because: one.arithmetic }],
        },
      ),
    )
  }
  entries.push(...(await gateChanges(tx, tenantId, actorId, wanted, ends, nowMs, entry)))
  const changed = await standingChanges(tx, tenantId, actorId, standing)
  if (changed !== undefined) entries.push(entry('standing.changed', { actorId, contexts: changed }))

  const appended = await deps.ledger.append(tx, tenantId, entries)
  if (standing.nextChangeMs === undefined) await cancelTimer(tx, tenantId, 'standing', actorId)
  else
    await scheduleTimer(tx, {
      tenantId,
      kind: 'standing',
      key: actorId,
      dueMs: standing.nextChangeMs,
      body: { actorId },
    })
  return { entries: appended, standing, started }
}

function differs(row: ConsequenceRow, one: Consequence): boolean {
  return (
    (row.untilMs ?? undefined) !== one.untilMs ||
    row.arithmetic !== one.arithmetic ||
    row.causes.join() !== one.causes.join() ||
    row.features.join() !== one.features.join()
  )
}

/** How and when each consequence that was ever taken ended by the clock or gave way to a graver one. */
function endings(
  result: Fold,
  set: PolicySet,
  tenantId: string,
  actorId: string,
  nowMs: number,
): Map<string, { how: 'expired' | 'superseded'; atMs: number }> {
  const ends = new Map<string, { how: 'expired' | 'superseded'; atMs: number }>()
  for (const taken of result.taken) {
    const id = consequenceId(tenantId, actorId, keyOf(set, taken))
    const bySuccessor = taken.supersededMs <= nowMs && taken.supersededMs <= taken.untilMs
    ends.set(
      id,
      bySuccessor
        ? { how: 'superseded', atMs: taken.supersededMs }
        : { how: 'expired', atMs: Math.min(nowMs, taken.untilMs) },
    )
  }
  return ends
}

/** Gates are kept per feature, not per consequence: a longer suspension moves the end and opens nothing in between. */
async function gateChanges(
  tx: Tx,
  tenantId: string,
  actorId: string,
  wanted: ReadonlyMap<string, Consequence>,
  ends: ReadonlyMap<string, { how: 'expired' | 'superseded' }>,
  nowMs: number,
  entry: <K extends NewEntry['kind']>(kind: K, body: EntryBodies[K], more?: { atMs?: number }) => NewEntry,
): Promise<NewEntry[]> {
  type Closed = { feature: string; context: string; untilMs?: number; consequenceId: string; reason: string }
  const closed = new Map<string, Closed>()
  for (const [id, one] of wanted)
    for (const feature of one.features) {
      const gateId = `${actorId}|${one.context}|${feature}`
      const other = closed.get(gateId)
      if (other !== undefined && (other.untilMs ?? Infinity) >= (one.untilMs ?? Infinity)) continue
      const { context, untilMs } = one
      closed.set(gateId, { feature, context, untilMs, consequenceId: id, reason: `${one.action}: ${one.arithmetic}` })
    }
  const changes: NewEntry[] = []
  for (const row of await selectGates(tx.query, tenantId, actorId)) {
    if (row.consequenceId === null) continue
    const now = closed.get(row.id)
    if (now === undefined) {
      const how = ends.get(row.consequenceId)?.how === 'expired' ? 'expired' : 'reversed'
      const { feature, context } = row
      const atMs = how === 'expired' && row.untilMs !== null ? Math.min(nowMs, row.untilMs) : nowMs
      changes.push(entry('gate.opened', { gateId: row.id, actorId, feature, context, how }, { atMs }))
    } else if (
      (row.untilMs ?? undefined) === now.untilMs &&
      row.consequenceId === now.consequenceId &&
      row.reason === now.reason
    )
      closed.delete(row.id)
  }
  for (const [gateId, one] of closed) changes.push(entry('gate.closed', { gateId, actorId, ...one }))
  return changes
}

async function standingChanges(
  tx: Tx,
  tenantId: string,
  actorId: string,
  standing: Standing,
): Promise<EntryBodies['standing.changed']['contexts'] | undefined> {
  const before = new Map((await selectStandings(tx.query, tenantId, actorId)).map((row) => [row.context, row]))
  const changed: EntryBodies['standing.changed']['contexts'] = {}
  for (const [context, { points, own, spilled, level, action }] of Object.entries(standing.contexts)) {
    const row = before.get(context) ?? { points: 0, own: 0, spilled: 0, level: 0, action: 'none' }
    if (row.own !== own || row.spilled !== spilled || row.level !== level || row.action !== action)
      changed[context] = { points, own, spilled, level, action }
  }
  return Object.keys(changed).length === 0 ? undefined : changed
}
