import type { Hit } from '../domain/effect.ts'
import type { NewEntry } from '../domain/entry.ts'
import { wilson } from '../kernels/wilson.ts'
import type { Query, Tx } from '../storage/database.ts'
import type { RuleSet } from './rule-set.ts'
import { addHits, selectLiveHits, type StandingCounts } from './store.ts'

const hourMs = 3_600_000
const samplesPerHourMax = 10
const hourOf = (timeMs: number) => Math.floor(timeMs / hourMs) * hourMs

export type RecordedHits = {
  /** Live hits within the quotas of their rules: the ones whose effects are to be written. */
  enforced: Hit[]
  /** To append to the ledger: rules that passed their quota and go to shadow. */
  tripped: NewEntry<'rule.tripped'>[]
}

/**
 * Counts the hits of one event, live and shadow, per rule and hour of event time, in the transaction that writes their
 * effects: exactly once. A rule with a quota acts at most that often in an hour; the hit that is one too many trips it.
 */
export async function recordHits(
  tx: Tx,
  tenantId: string,
  set: RuleSet,
  { eventId, occurredAtMs }: { eventId: string; occurredAtMs: number },
  hits: readonly Hit[],
): Promise<RecordedHits> {
  const recorded: RecordedHits = { enforced: [], tripped: [] }
  // Always in the same order: two workers that count the same rules must not wait for each other in a circle.
  for (const hit of hits.toSorted((a, b) => (a.rule.id < b.rule.id ? -1 : 1))) {
    const startMs = hourOf(occurredAtMs)
    const sample = { eventId, occurredAtMs, version: hit.rule.version, because: hit.because, facts: hit.facts }
    const total = await addHits(tx, tenantId, hit.rule, startMs, [sample], samplesPerHourMax)
    if (hit.rule.mode !== 'live') continue
    const quota = set.rules.find((rule) => rule.id === hit.rule.id)?.document.quota
    if (quota === undefined || total <= quota) recorded.enforced.push(hit)
    // Whoever sets it live again within the hour gets another quota before it trips again.
    else if ((total - 1) % quota === 0) recorded.tripped.push(trippedEntry(hit, quota, eventId, occurredAtMs))
  }
  const order = new Map(hits.map((hit, index) => [hit, index]))
  recorded.enforced.sort((a, b) => order.get(a)! - order.get(b)!)
  return recorded
}

/** Knows while a batch is judged which of its hits `recordHits` will enforce when it is written. */
export type Quotas = {
  /** Reads the counts that the hits of this batch will be added to. Call it once the batch before is written. */
  load: (
    query: Query,
    batch: readonly { tenantId: string; occurredAtMs: number }[],
    setOf: (tenantId: string) => RuleSet,
  ) => Promise<void>
  /** Counts a live hit; false when it is beyond the quota of its rule. */
  admits: (tenantId: string, set: RuleSet, hit: Hit, occurredAtMs: number) => boolean
}

/** Quotas foretold for one reader of the stream; of several, each knows of the others' hits up to its last batch. */
export function createQuotas(): Quotas {
  let totals = new Map<string, number>()
  const keyOf = (tenantId: string, rule: { id: string; version: number }, startMs: number) =>
    `${tenantId}\n${rule.id}\n${rule.version}\n${startMs}`
  return {
    async load(query, batch, setOf) {
      const loaded = new Map<string, number>()
      const hours = new Map<string, Set<number>>()
      for (const { tenantId, occurredAtMs } of batch) {
        const own = hours.get(tenantId) ?? new Set<number>()
        hours.set(tenantId, own.add(hourOf(occurredAtMs)))
      }
      for (const [tenantId, own] of hours) {
        const limited = setOf(tenantId).rules.filter((rule) => rule.document.quota !== undefined)
        if (limited.length === 0) continue
        const ids = limited.map((rule) => rule.id)
        for (const row of await selectLiveHits(query, tenantId, ids, [...own]))
          loaded.set(keyOf(tenantId, { id: row.ruleId, version: row.version }, row.hourMs), row.hits)
      }
      totals = loaded
    },
    admits(tenantId, set, hit, occurredAtMs) {
      const quota = set.rules.find((rule) => rule.id === hit.rule.id)?.document.quota
      if (quota === undefined) return true
      const key = keyOf(tenantId, hit.rule, hourOf(occurredAtMs))
      const total = (totals.get(key) ?? 0) + 1
      totals.set(key, total)
      return total <= quota
    },
  }
}

function trippedEntry(hit: Hit, quota: number, eventId: string, occurredAtMs: number): NewEntry<'rule.tripped'> {
  const { id, version } = hit.rule
  const reason = `More than ${quota} hits in an hour; it counts on in shadow until somebody sets it live again.`
  return {
    kind: 'rule.tripped',
    subject: { kind: 'item', id: `custos:rule:${id}` },
    occurredAtMs,
    cause: eventId,
    author: { kind: 'system', part: 'rules' },
    automation: 'full',
    because: [{ name: 'rule.quota', value: quota, because: reason }],
    body: { ruleId: id, version, reason },
    effectKey: `rule.tripped:${id}:${version}:${eventId}`,
  }
}

/** How right a rule has been, by what people made of what it proposed. */
export type Standing = StandingCounts & {
  /** Right, of all that a person looked at; null before anything was. What nobody has looked at proves nothing. */
  precision: number | null
  /** 95 % interval of the precision (Wilson 1927). */
  interval: [number, number] | null
}

/** Counts with the precision that they amount to. */
export function standingOf(counts: StandingCounts): Standing {
  const judged = counts.stood + counts.overturned + counts.dismissed
  if (judged === 0) return { ...counts, precision: null, interval: null }
  const { low, high } = wilson(counts.stood, judged)
  return { ...counts, precision: counts.stood / judged, interval: [low, high] }
}

/** The standing of a rule that has proposed nothing yet. */
export function noStanding(ruleId: string): Standing {
  return standingOf({
    ruleId,
    proposals: 0,
    open: 0,
    confirmed: 0,
    dismissed: 0,
    decisions: 0,
    stood: 0,
    overturned: 0,
  })
}
