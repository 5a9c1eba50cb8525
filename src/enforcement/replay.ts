import type { LedgerEntry } from '../domain/entry.ts'
import { entriesAbout, entriesCausedBy, entryById, type PagedEntry } from '../ledger/read.ts'
import type { Query } from '../storage/database.ts'
import type { Policies } from './policies.ts'
import { consequenceId } from './settle.ts'
import { historyOf, standing, type Consequence, type Standing } from './standing.ts'
import { selectConsequences } from './store.ts'

export type Replay = {
  /** Whether the ledger, folded again under the policy versions of its time, gives the same consequences. */
  same: boolean
  /** What was compared, or how it differs. */
  detail: string
  /** Standing right after the decision, derived anew. */
  standing?: Standing
}

const pageEntries = 1_000
const historyKinds = ['decision.made', 'decision.modified', 'decision.reversed', 'training.completed'] as const

/** All entries that make up the history of an actor, oldest first, from the ledger itself. */
async function historyEntries(query: Query, tenantId: string, actorId: string): Promise<PagedEntry[]> {
  const entries: PagedEntry[] = []
  for (let beforeOrdinal: number | undefined; ;) {
    const page = await entriesAbout(
      query,
      tenantId,
      { kind: 'actor', id: actorId },
      { kinds: historyKinds, limit: pageEntries, ...(beforeOrdinal === undefined ? {} : { beforeOrdinal }) },
    )
    entries.push(...page)
    if (page.length < pageEntries) return entries.reverse()
    beforeOrdinal = page.at(-1)!.ordinal
  }
}

/**
 * Derives the consequences of a decision again, from nothing but ledger entries and the policy versions that they name, as
 * of the moment of the decision; then those that run now; and compares both with what was recorded.
 */
export async function replayDecision(
  query: Query,
  policies: Policies,
  tenantId: string,
  decisionId: string,
  nowMs: number,
): Promise<Replay> {
  const made = (await entryById(query, tenantId, decisionId)) as LedgerEntry<'decision.made'> | undefined
  const loaded = await policies.load(query, tenantId)
  if (made === undefined || made.kind !== 'decision.made' || loaded === undefined)
    return { same: false, detail: `The ledger has no decision "${decisionId.slice(0, 100)}".` }
  const { actorId, policyVersion, statement } = made.body
  const version = loaded.set.versions.get(policyVersion)
  if (version === undefined) return { same: false, detail: `Policy version ${policyVersion} is not published.` }
  const entries = await historyEntries(query, tenantId, actorId)
  const upTo = entries.findIndex((entry) => entry.id === decisionId) + 1
  // The window is counted from the moment of the decision, which thus stands in the statement to the millisecond.
  const decidedMs = statement.appealUntilMs - version.policy.appeals.windowMs
  const then = standing(historyOf(entries.slice(0, upTo)), loaded.set, decidedMs)
  const derived = byId(tenantId, actorId, then)
  const differences: string[] = []

  const recorded = (await entriesCausedBy(query, tenantId, decisionId)).filter(
    (entry): entry is PagedEntry & LedgerEntry<'consequence.started'> => entry.kind === 'consequence.started',
  )
  for (const { body } of recorded) {
    const again = derived.get(body.consequenceId)
    if (again === undefined) differences.push(`${body.action} in ${body.context} does not follow again`)
    else if (spell(body) !== spell(again)) differences.push(`${body.context}: ${spell(body)} was ${spell(again)} again`)
  }
  for (const [id, one] of derived)
    if (one.fromMs === made.occurredAtMs && !recorded.some(({ body }) => body.consequenceId === id)) {
      const earlier = await selectConsequences(query, tenantId, actorId, false)
      if (!earlier.some((row) => row.id === id)) differences.push(`${one.action} in ${one.context} was never recorded`)
    }

  const now = byId(tenantId, actorId, standing(historyOf(entries), loaded.set, nowMs))
  const running = await selectConsequences(query, tenantId, actorId, true)
  for (const row of running) {
    if (row.untilMs !== null && row.untilMs <= nowMs) continue
    const again = now.get(row.id)
    if (again !== undefined && spell({ ...row, untilMs: row.untilMs ?? undefined }) === spell(again)) continue
    if (again === undefined && row.untilMs === null && row.features.length === 0) continue
    differences.push(`${row.action} in ${row.context} runs, but does not follow now`)
  }
  for (const [id, one] of now)
    if (!running.some((row) => row.id === id))
      differences.push(`${one.action} in ${one.context} follows now, but does not run`)

  return {
    same: differences.length === 0,
    detail:
      differences.length === 0
        ? `${upTo} entries folded again under policy version ${policyVersion} give the same ${recorded.length} consequences; ${now.size} run now.`
        : differences.join('; '),
    standing: then,
  }
}

function byId(tenantId: string, actorId: string, from: Standing): Map<string, Consequence> {
  const found = new Map<string, Consequence>()
  for (const context of Object.values(from.contexts))
    for (const one of context.consequences) found.set(consequenceId(tenantId, actorId, one.key), one)
  return found
}

function spell(
  one: Pick<Consequence, 'action' | 'level' | 'features' | 'fromMs' | 'untilMs' | 'causes' | 'arithmetic'>,
) {
  const { action, level, features, fromMs, untilMs, causes, arithmetic } = one
  return JSON.stringify([action, level, features, fromMs, untilMs ?? null, causes, arithmetic])
}
