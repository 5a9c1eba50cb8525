import type { Author, Facts, LedgerEntry } from '../domain/entry.ts'
import type { RuleMode } from '../domain/rule.ts'
import type { Signal } from '../domain/signal.ts'
import { toJsonb, type Query, type Tx } from '../storage/database.ts'

/** A rule as it stands: its current version, and the mode that it is in now. */
export type StoredRule = {
  ruleId: string
  version: number
  mode: RuleMode
  text: string
  sha256: string
  changedMs: number
  /** Why the circuit breaker put it to shadow, while it has. */
  tripped: string | null
}

const ruleColumns = 'rule_id AS "ruleId", version, mode, text, sha256, changed_ms AS "changedMs", tripped'

export function selectRules(query: Query, tenantId: string): Promise<StoredRule[]> {
  return query(`SELECT ${ruleColumns} FROM rules WHERE tenant_id = $1 ORDER BY rule_id`, [tenantId])
}

export async function selectRule(query: Query, tenantId: string, ruleId: string): Promise<StoredRule | undefined> {
  const rows = await query<StoredRule>(`SELECT ${ruleColumns} FROM rules WHERE tenant_id = $1 AND rule_id = $2`, [
    tenantId,
    ruleId,
  ])
  return rows[0]
}

export type StoredVersion = {
  ruleId: string
  version: number
  mode: RuleMode
  text: string
  sha256: string
  entryId: string
  publishedMs: number
  author: Author
}

const versionColumns =
  'rule_id AS "ruleId", version, mode, text, sha256, entry_id AS "entryId", published_ms AS "publishedMs", author'

/** Every version of a rule, newest first. */
export function selectVersions(query: Query, tenantId: string, ruleId: string): Promise<StoredVersion[]> {
  return query(
    `SELECT ${versionColumns} FROM rule_versions WHERE tenant_id = $1 AND rule_id = $2 ORDER BY version DESC`,
    [tenantId, ruleId],
  )
}

export async function selectVersion(
  query: Query,
  tenantId: string,
  ruleId: string,
  version: number,
): Promise<StoredVersion | undefined> {
  const rows = await query<StoredVersion>(
    `SELECT ${versionColumns} FROM rule_versions WHERE tenant_id = $1 AND rule_id = $2 AND version = $3`,
    [tenantId, ruleId, version],
  )
  return rows[0]
}

/** The newest version number of each rule of a tenant. */
export async function selectNewestVersions(query: Query, tenantId: string): Promise<Map<string, number>> {
  const rows = await query<{ rule_id: string; version: number }>(
    'SELECT rule_id, max(version) AS version FROM rule_versions WHERE tenant_id = $1 GROUP BY rule_id',
    [tenantId],
  )
  return new Map(rows.map((row) => [row.rule_id, row.version]))
}

/** Serialises changes of one tenant's rules, so that two people cannot both make version 4. */
export async function lockRules(tx: Tx, tenantId: string): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('rules:' || $1, 0))", [tenantId])
}

export function selectRevisions(query: Query): Promise<{ tenantId: string; revision: number }[]> {
  return query('SELECT tenant_id AS "tenantId", revision FROM rule_revisions')
}

async function bumpRevision(tx: Tx, tenantId: string): Promise<void> {
  await tx.query(
    `INSERT INTO rule_revisions (tenant_id, revision) VALUES ($1, 1)
     ON CONFLICT (tenant_id) DO UPDATE SET revision = rule_revisions.revision + 1`,
    [tenantId],
  )
}

export async function projectPublished(tx: Tx, entry: LedgerEntry<'rule.published'>): Promise<void> {
  const { ruleId, version, mode, text, sha256 } = entry.body
  await tx.query(
    `INSERT INTO rule_versions (tenant_id, rule_id, version, mode, text, sha256, entry_id, published_ms, author)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [entry.tenantId, ruleId, version, mode, text, sha256, entry.id, entry.occurredAtMs, JSON.stringify(entry.author)],
  )
  await tx.query(
    `INSERT INTO rules (tenant_id, rule_id, version, mode, text, sha256, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id, rule_id) DO UPDATE SET version = excluded.version, mode = excluded.mode,
       text = excluded.text, sha256 = excluded.sha256, changed_ms = excluded.changed_ms, tripped = NULL`,
    [entry.tenantId, ruleId, version, mode, text, sha256, entry.occurredAtMs],
  )
  await bumpRevision(tx, entry.tenantId)
}

export async function projectRolledBack(tx: Tx, entry: LedgerEntry<'rule.rolled_back'>): Promise<void> {
  const { ruleId, toVersion } = entry.body
  await tx.query(
    `UPDATE rules SET version = v.version, mode = v.mode, text = v.text, sha256 = v.sha256, changed_ms = $4, tripped = NULL
     FROM rule_versions v
     WHERE rules.tenant_id = $1 AND rules.rule_id = $2 AND v.tenant_id = $1 AND v.rule_id = $2 AND v.version = $3`,
    [entry.tenantId, ruleId, toVersion, entry.occurredAtMs],
  )
  await bumpRevision(tx, entry.tenantId)
}

export async function projectMode(
  tx: Tx,
  entry: LedgerEntry,
  change: { ruleId: string; version: number; mode: RuleMode; tripped: string | null },
): Promise<void> {
  await tx.query(
    'UPDATE rules SET mode = $4, tripped = $5, changed_ms = $6 WHERE tenant_id = $1 AND rule_id = $2 AND version = $3',
    [entry.tenantId, change.ruleId, change.version, change.mode, change.tripped, entry.occurredAtMs],
  )
  await bumpRevision(tx, entry.tenantId)
}

type RuleRef = { id: string; version: number }

export async function projectProposal(tx: Tx, tenantId: string, proposalId: string, rule: RuleRef): Promise<void> {
  await tx.query(
    `INSERT INTO rule_proposals (tenant_id, proposal_id, rule_id, version, state) VALUES ($1, $2, $3, $4, 'open')`,
    [tenantId, proposalId, rule.id, rule.version],
  )
}

export async function projectProposalState(
  tx: Tx,
  tenantId: string,
  proposalId: string,
  state: 'confirmed' | 'dismissed',
): Promise<void> {
  await tx.query('UPDATE rule_proposals SET state = $3 WHERE tenant_id = $1 AND proposal_id = $2', [
    tenantId,
    proposalId,
    state,
  ])
}

export async function projectDecision(
  tx: Tx,
  tenantId: string,
  decision: { decisionId: string; proposalId?: string; rule: RuleRef; seen: boolean },
): Promise<void> {
  const { decisionId, proposalId, rule, seen } = decision
  await tx.query(
    'INSERT INTO rule_decisions (tenant_id, decision_id, rule_id, version, seen) VALUES ($1, $2, $3, $4, $5)',
    [tenantId, decisionId, rule.id, rule.version, seen],
  )
  if (proposalId !== undefined)
    await tx.query(
      `UPDATE rule_proposals SET state = 'decided' WHERE tenant_id = $1 AND proposal_id = $2 AND state = 'open'`,
      [tenantId, proposalId],
    )
}

export async function projectUpheld(tx: Tx, tenantId: string, decisionId: string): Promise<void> {
  await tx.query('UPDATE rule_decisions SET seen = true WHERE tenant_id = $1 AND decision_id = $2', [
    tenantId,
    decisionId,
  ])
}

export async function projectOverturned(tx: Tx, tenantId: string, decisionId: string): Promise<void> {
  await tx.query('UPDATE rule_decisions SET overturned = true WHERE tenant_id = $1 AND decision_id = $2', [
    tenantId,
    decisionId,
  ])
}

/** What became of what a rule proposed. */
export type StandingCounts = {
  ruleId: string
  proposals: number
  open: number
  confirmed: number
  dismissed: number
  decisions: number
  /** Decisions that a person made or upheld, and that still stand. */
  stood: number
  overturned: number
}

/** Counts per rule, over all versions or one. Rules that never proposed anything are absent. */
export function selectStanding(
  query: Query,
  tenantId: string,
  filter: { ruleId?: string; version?: number } = {},
): Promise<StandingCounts[]> {
  return query(
    `SELECT rule_id AS "ruleId", sum(proposals) AS proposals, sum(open) AS open, sum(confirmed) AS confirmed,
       sum(dismissed) AS dismissed, sum(decisions) AS decisions, sum(stood) AS stood, sum(overturned) AS overturned
     FROM (
       SELECT rule_id, version, 1 AS proposals, (state = 'open')::int AS open, (state = 'confirmed')::int AS confirmed,
         (state = 'dismissed')::int AS dismissed, 0 AS decisions, 0 AS stood, 0 AS overturned
       FROM rule_proposals WHERE tenant_id = $1
       UNION ALL
       SELECT rule_id, version, 0, 0, 0, 0, 1, (seen AND NOT overturned)::int, overturned::int FROM rule_decisions WHERE tenant_id = $1
     ) t
     WHERE ($2::text IS NULL OR rule_id = $2) AND ($3::int IS NULL OR version = $3)
     GROUP BY rule_id`,
    [tenantId, filter.ruleId ?? null, filter.version ?? null],
  )
}

/** One hit kept to be looked at: with its facts it can be traced and judged again. */
export type HitSample = { eventId: string; occurredAtMs: number; version: number; because: string; facts: Facts }

/** Adds hits to the counter of their hour; answers the total of that hour with them. */
export async function addHits(
  tx: Tx,
  tenantId: string,
  rule: { id: string; version: number; mode: string },
  hourMs: number,
  samples: readonly HitSample[],
  samplesMax: number,
): Promise<number> {
  const rows = await tx.query<{ hits: number }>(
    `INSERT INTO rule_stats (tenant_id, rule_id, version, mode, hour_ms, hits, samples) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id, rule_id, hour_ms, version, mode) DO UPDATE SET hits = rule_stats.hits + excluded.hits,
       samples = CASE WHEN jsonb_array_length(rule_stats.samples) < $8 THEN rule_stats.samples || excluded.samples
         ELSE rule_stats.samples END
     RETURNING hits`,
    [
      tenantId,
      rule.id,
      rule.version,
      rule.mode,
      hourMs,
      samples.length,
      toJsonb(samples.slice(0, samplesMax)),
      samplesMax,
    ],
    'rule-stats-add',
  )
  return rows[0]!.hits
}

/** Live hits of rules in these hours so far, for as many as there are any of. */
export function selectLiveHits(
  query: Query,
  tenantId: string,
  ruleIds: readonly string[],
  hoursMs: readonly number[],
): Promise<{ ruleId: string; version: number; hourMs: number; hits: number }[]> {
  return query(
    `SELECT rule_id AS "ruleId", version, hour_ms AS "hourMs", hits FROM rule_stats
     WHERE tenant_id = $1 AND mode = 'live' AND rule_id = ANY($2) AND hour_ms = ANY($3::bigint[])`,
    [tenantId, ruleIds, hoursMs],
    'rule-stats-live',
  )
}

export type HourCount = { ruleId: string; version: number; mode: 'live' | 'shadow'; hourMs: number; hits: number }

/** Hits per rule and hour from `sinceMs` on, by event time. */
export function selectHourCounts(
  query: Query,
  tenantId: string,
  filter: { ruleId?: string; sinceMs: number },
): Promise<HourCount[]> {
  return query(
    `SELECT rule_id AS "ruleId", version, mode, hour_ms AS "hourMs", hits FROM rule_stats
     WHERE tenant_id = $1 AND hour_ms >= $2 AND ($3::text IS NULL OR rule_id = $3) ORDER BY hour_ms`,
    [tenantId, filter.sinceMs, filter.ruleId ?? null],
  )
}

/** Totals per rule and mode over all time, with the newest hour. */
export function selectTotals(
  query: Query,
  tenantId: string,
): Promise<{ ruleId: string; live: number; shadow: number; lastHourMs: number }[]> {
  return query(
    `SELECT rule_id AS "ruleId", coalesce(sum(hits) FILTER (WHERE mode = 'live'), 0)::bigint AS live,
       coalesce(sum(hits) FILTER (WHERE mode = 'shadow'), 0)::bigint AS shadow, max(hour_ms) AS "lastHourMs"
     FROM rule_stats WHERE tenant_id = $1 GROUP BY rule_id`,
    [tenantId],
  )
}

/** The newest samples of hits of a rule. */
export async function selectSamples(
  query: Query,
  tenantId: string,
  ruleId: string,
  limit: number,
): Promise<HitSample[]> {
  const rows = await query<{ samples: HitSample[] }>(
    'SELECT samples FROM rule_stats WHERE tenant_id = $1 AND rule_id = $2 ORDER BY hour_ms DESC LIMIT 24',
    [tenantId, ruleId],
  )
  return rows.flatMap((row) => row.samples.toReversed()).slice(0, limit)
}

/** The sample of one event, when it was kept. */
export async function selectSample(
  query: Query,
  tenantId: string,
  ruleId: string,
  eventId: string,
): Promise<HitSample | undefined> {
  const rows = await query<{ sample: HitSample }>(
    `SELECT sample FROM rule_stats, jsonb_array_elements(samples) AS sample
     WHERE tenant_id = $1 AND rule_id = $2 AND sample ->> 'eventId' = $3 ORDER BY version DESC LIMIT 1`,
    [tenantId, ruleId, eventId],
  )
  return rows[0]?.sample
}

/** Signals recorded for these events, by event id. */
export async function selectSignals(
  query: Query,
  tenantId: string,
  eventIds: readonly string[],
): Promise<Map<string, Signal[]>> {
  const rows = await query<{ cause: string; signals: Signal[] }>(
    `SELECT cause, body -> 'signals' AS signals FROM ledger_entries
     WHERE tenant_id = $1 AND kind = 'signal.recorded' AND cause = ANY($2) ORDER BY ordinal`,
    [tenantId, eventIds],
  )
  const byEvent = new Map<string, Signal[]>()
  for (const { cause, signals } of rows) byEvent.set(cause, [...(byEvent.get(cause) ?? []), ...signals])
  return byEvent
}

export type LabelChange = {
  subject: string
  label: string
  atMs: number
  /** When it ends by itself; null for never. Undefined for a removal. */
  untilMs?: number | null
}

/** When labels were set on and taken from subjects (`actor:u1`), oldest first. */
export async function selectLabelChanges(
  query: Query,
  tenantId: string,
  subjects: readonly string[],
): Promise<LabelChange[]> {
  const rows = await query<{ kind: string; subject: string; label: string; at_ms: number; until_ms: number | null }>(
    `SELECT kind, subject_kind || ':' || subject_id AS subject, body ->> 'label' AS label, occurred_ms AS at_ms,
       (body ->> 'expiresAtMs')::bigint AS until_ms
     FROM ledger_entries
     WHERE tenant_id = $1 AND kind IN ('label.applied', 'label.removed') AND subject_kind || ':' || subject_id = ANY($2)
     ORDER BY ordinal`,
    [tenantId, subjects],
  )
  return rows.map(({ kind, subject, label, at_ms: atMs, until_ms: untilMs }) => ({
    subject,
    label,
    atMs,
    ...(kind === 'label.applied' && { untilMs }),
  }))
}

/** What rules proposed because of an event: the facts that the ledger keeps. */
export async function selectFacts(
  query: Query,
  tenantId: string,
  eventId: string,
  ruleId: string,
): Promise<{ version: number; facts: Facts } | undefined> {
  const rows = await query<{ version: number; facts: Facts }>(
    `SELECT (body -> 'rule' ->> 'version')::int AS version, body -> 'facts' AS facts FROM ledger_entries
     WHERE tenant_id = $1 AND kind = 'violation.proposed' AND cause = $2 AND body -> 'rule' ->> 'id' = $3
     ORDER BY ordinal DESC LIMIT 1`,
    [tenantId, eventId, ruleId],
  )
  return rows[0]
}

/** Takes the samples of an actor's events away: their facts quote what the person wrote. Answers how many went. */
export async function dropSamplesOf(tx: Tx, tenantId: string, actorId: string): Promise<number> {
  const rows = await tx.query<{ dropped: number }>(
    `WITH kept AS (
       SELECT rule_id, hour_ms, version, mode, coalesce(jsonb_agg(s) FILTER (WHERE e.event_id IS NULL), '[]') AS samples,
         count(e.event_id) AS dropped
       FROM rule_stats r CROSS JOIN LATERAL jsonb_array_elements(r.samples) AS s
       LEFT JOIN events e ON e.tenant_id = $1 AND e.event_id = s ->> 'eventId' AND e.actor_id = $2
       WHERE r.tenant_id = $1 GROUP BY rule_id, hour_ms, version, mode HAVING count(e.event_id) > 0
     )
     UPDATE rule_stats r SET samples = kept.samples FROM kept
     WHERE r.tenant_id = $1 AND (r.rule_id, r.hour_ms, r.version, r.mode) = (kept.rule_id, kept.hour_ms, kept.version, kept.mode)
     RETURNING kept.dropped`,
    [tenantId, actorId],
  )
  return rows.reduce((sum, { dropped }) => sum + dropped, 0)
}
