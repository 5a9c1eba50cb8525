import type { Hit } from '../domain/effect.ts'
import type { NewEntry } from '../domain/entry.ts'
import { wilson } from '../kernels/wilson.ts'
import type { Tx } from '../storage/database.ts'
import type { RuleSet } from './rule-set.ts'
import { addHits, type StandingCounts } from './store.ts'

const hourMs = 3_600_000
const samplesPerHourMax = 10

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
    const startMs = Math.floor(occurredAtMs / hourMs) * hourMs
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
