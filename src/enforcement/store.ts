import type { Author, Automation, DecisionBody, LedgerEntry, Severity, StatementOfReasons } from '../domain/entry.ts'
import type { Reason } from '../domain/signal.ts'
import { toJsonb, type Query, type Tx } from '../storage/database.ts'
import { loosenHold } from '../storage/marks.ts'
import type { Strike, Training } from './fold.ts'

// Policies

export type PolicyRow = {
  version: number
  policyId: string
  text: string
  sha256: string
  effectiveFromMs: number
  publishedMs: number
  author: Author
}

export async function insertPolicy(tx: Tx, entry: LedgerEntry<'policy.published'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `INSERT INTO policies (tenant_id, version, policy_id, text, sha256, effective_from_ms, published_ms, author, entry_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      entry.tenantId,
      body.version,
      body.policyId,
      body.text,
      body.sha256,
      body.effectiveFromMs,
      entry.occurredAtMs,
      toJsonb(entry.author),
      entry.id,
    ],
  )
}

/** Versions of a tenant without their texts, oldest first: cheap enough to ask before every decision. */
export function selectPolicyVersions(
  query: Query,
  tenantId: string,
): Promise<{ version: number; effectiveFromMs: number; sha256: string }[]> {
  return query(
    `SELECT version, effective_from_ms AS "effectiveFromMs", sha256 FROM policies WHERE tenant_id = $1 ORDER BY version`,
    [tenantId],
    'policy-versions',
  )
}

export function selectPolicies(query: Query, tenantId: string, versions?: readonly number[]): Promise<PolicyRow[]> {
  return query<PolicyRow>(
    `SELECT version, policy_id AS "policyId", text, sha256, effective_from_ms AS "effectiveFromMs",
            published_ms AS "publishedMs", author
     FROM policies WHERE tenant_id = $1 AND ($2::int[] IS NULL OR version = ANY($2)) ORDER BY version DESC`,
    [tenantId, versions ?? null],
  )
}

// Decisions

export type DecisionRow = {
  id: string
  actorId: string
  itemId: string | null
  threadId: string | null
  eventId: string | null
  violation: string
  severity: Severity
  context: string
  policyVersion: number
  status: 'active' | 'modified' | 'reversed'
  madeMs: number
  recordedMs: number
  author: Author
  automation: Automation
  because: Reason[]
  body: DecisionBody
  statement: StatementOfReasons
  proposalEntryId: string | null
  jobId: string | null
  appealUntilMs: number
  revision: number
  changedMs: number | null
  changedReason: string | null
}

const decisionColumns = `id, actor_id AS "actorId", item_id AS "itemId", thread_id AS "threadId", event_id AS "eventId", violation,
  severity, context, policy_version AS "policyVersion", status, made_ms AS "madeMs", recorded_ms AS "recordedMs", author,
  automation, because, body, statement, proposal_entry_id AS "proposalEntryId", job_id AS "jobId",
  appeal_until_ms AS "appealUntilMs", revision, changed_ms AS "changedMs", changed_reason AS "changedReason"`

export async function insertDecision(tx: Tx, entry: LedgerEntry<'decision.made'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `INSERT INTO decisions (tenant_id, id, actor_id, item_id, thread_id, event_id, violation, severity, context, policy_version,
       made_ms, recorded_ms, author, automation, because, body, statement, proposal_entry_id, job_id, rule_id, rule_version,
       bank_entry_id, appeal_until_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
    [
      entry.tenantId,
      body.decisionId,
      body.actorId,
      body.itemId ?? null,
      body.threadId ?? null,
      body.eventId ?? null,
      body.violation,
      body.severity,
      body.context,
      body.policyVersion,
      entry.occurredAtMs,
      entry.recordedAtMs,
      toJsonb(entry.author),
      entry.automation,
      toJsonb(entry.because),
      toJsonb(body),
      toJsonb(body.statement),
      body.proposalEntryId ?? null,
      body.jobId ?? null,
      body.rule?.id ?? null,
      body.rule?.version ?? null,
      body.match?.entryId ?? null,
      body.statement.appealUntilMs,
    ],
    'decision-insert',
  )
}

export async function modifyDecision(tx: Tx, entry: LedgerEntry<'decision.modified'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `UPDATE decisions SET severity = coalesce($3, severity), violation = coalesce($4, violation), statement = $5,
       status = CASE WHEN status = 'reversed' THEN status ELSE 'modified' END, revision = revision + 1, changed_ms = $6,
       changed_entry_id = $7, changed_reason = $8
     WHERE tenant_id = $1 AND id = $2`,
    [
      entry.tenantId,
      body.decisionId,
      body.severity ?? null,
      body.violation ?? null,
      toJsonb(body.statement),
      entry.occurredAtMs,
      entry.id,
      body.statement.correction ?? null,
    ],
  )
}

export async function reverseDecision(tx: Tx, entry: LedgerEntry<'decision.reversed'>): Promise<void> {
  const [row] = await tx.query<{ itemId: string | null; threadId: string | null }>(
    `UPDATE decisions SET status = 'reversed', statement = $3, revision = revision + 1, changed_ms = $4,
       changed_entry_id = $5, changed_reason = $6
     WHERE tenant_id = $1 AND id = $2 RETURNING item_id AS "itemId", thread_id AS "threadId"`,
    [
      entry.tenantId,
      entry.body.decisionId,
      toJsonb(entry.body.statement),
      entry.occurredAtMs,
      entry.id,
      entry.body.reason,
    ],
  )
  // It no longer holds anything; whether the item comes back is said by item.restored.
  const { tenantId, body } = entry
  if (typeof row?.itemId === 'string') await loosenHold(tx, 'item', tenantId, row.itemId, body.decisionId)
  if (typeof row?.threadId === 'string') await loosenHold(tx, 'thread', tenantId, row.threadId, body.decisionId)
}

export async function selectDecision(query: Query, tenantId: string, id: string): Promise<DecisionRow | undefined> {
  const [row] = await query<DecisionRow>(
    `SELECT ${decisionColumns} FROM decisions WHERE tenant_id = $1 AND id::text = $2`,
    [tenantId, id],
  )
  return row
}

export type DecisionFilter = {
  actorId?: string
  itemId?: string
  eventId?: string
  threadId?: string
  context?: string
  violation?: string
  status?: DecisionRow['status']
  ruleId?: string
  bankEntryId?: string
  proposalEntryId?: string
  /** Only decisions that still hold. */
  standing?: boolean
  before?: { recordedMs: number; id: string }
  limit: number
}

/** Decisions by any of the filters, newest first. */
export function selectDecisions(query: Query, tenantId: string, filter: DecisionFilter): Promise<DecisionRow[]> {
  const conditions = ['tenant_id = $1']
  const values: unknown[] = [tenantId]
  const add = (condition: string, ...given: unknown[]) => {
    if (given[0] === undefined) return
    conditions.push(
      condition.replaceAll('?', () => {
        values.push(given.shift())
        return `$${values.length}`
      }),
    )
  }
  add('actor_id = ?', filter.actorId)
  add('item_id = ?', filter.itemId)
  add('event_id = ?', filter.eventId)
  add('thread_id = ?', filter.threadId)
  add('context = ?', filter.context)
  add('violation = ?', filter.violation)
  add('status = ?', filter.status)
  add('rule_id = ?', filter.ruleId)
  add('bank_entry_id = ?', filter.bankEntryId)
  add('proposal_entry_id = ?', filter.proposalEntryId)
  if (filter.standing === true) conditions.push(`status <> 'reversed'`)
  add('(recorded_ms, id) < (?, ?::uuid)', filter.before?.recordedMs, filter.before?.id)
  values.push(filter.limit)
  return query<DecisionRow>(
    `SELECT ${decisionColumns} FROM decisions WHERE ${conditions.join(' AND ')}
     ORDER BY recorded_ms DESC, id DESC LIMIT $${values.length}`,
    values,
  )
}

/** Accounts with the newest decisions. */
export async function selectRecentActors(query: Query, tenantId: string, limit: number): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `SELECT actor_id AS id FROM decisions WHERE tenant_id = $1 AND status <> 'reversed'
     GROUP BY actor_id ORDER BY max(recorded_ms) DESC, actor_id LIMIT $2`,
    [tenantId, limit],
  )
  return rows.map((row) => row.id)
}

// History, as the fold takes it

export async function insertTraining(tx: Tx, entry: LedgerEntry<'training.completed'>): Promise<void> {
  await tx.query(
    'INSERT INTO trainings (tenant_id, actor_id, entry_id, violation, at_ms) VALUES ($1, $2, $3, $4, $5)',
    [entry.tenantId, entry.body.actorId, entry.id, entry.body.violation, entry.occurredAtMs],
  )
}

/** Decisions of an actor that still hold, as strikes, with how automatic each was. */
export async function selectStrikes(
  query: Query,
  tenantId: string,
  actorId: string,
): Promise<{ strikes: Strike[]; automation: Map<string, Automation> }> {
  const rows = await query<{
    decisionId: string
    atMs: number
    violation: string
    severity: Severity
    context: string
    policyVersion: number
    attribution: number
    confidence: number
    itemAgeMs: number | null
    dedupeKey: string | null
    automation: Automation
  }>(
    `SELECT id AS "decisionId", made_ms AS "atMs", violation, severity, context, policy_version AS "policyVersion",
       (body->>'attribution')::float8 AS attribution, (body->>'attributionConfidence')::float8 AS confidence,
       coalesce((body->>'foundAtMs')::bigint, (body->>'occurredAtMs')::bigint) - (body->>'itemCreatedAtMs')::bigint AS "itemAgeMs",
       body->>'dedupeKey' AS "dedupeKey", automation
     FROM decisions WHERE tenant_id = $1 AND actor_id = $2 AND status <> 'reversed' ORDER BY made_ms, id`,
    [tenantId, actorId],
    'strikes',
  )
  return {
    strikes: rows.map(({ confidence, itemAgeMs, dedupeKey, automation: _, ...row }) => ({
      ...row,
      attributionConfidence: confidence,
      ...(itemAgeMs === null ? {} : { itemAgeMs }),
      ...(dedupeKey === null ? {} : { dedupeKey }),
    })),
    automation: new Map(rows.map((row) => [row.decisionId, row.automation])),
  }
}

export function selectTrainings(query: Query, tenantId: string, actorId: string): Promise<Training[]> {
  return query<Training>(
    'SELECT violation, at_ms AS "atMs" FROM trainings WHERE tenant_id = $1 AND actor_id = $2 ORDER BY at_ms, entry_id',
    [tenantId, actorId],
    'trainings',
  )
}

// Consequences, gates, standing

export type ConsequenceRow = {
  id: string
  actorId: string
  context: string
  action: string
  level: number
  features: string[]
  fromMs: number
  untilMs: number | null
  causes: string[]
  arithmetic: string
  automation: Automation
  state: 'running' | 'expired' | 'reversed' | 'superseded'
  endedMs: number | null
}

export async function startConsequence(tx: Tx, entry: LedgerEntry<'consequence.started'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `INSERT INTO consequences (tenant_id, id, actor_id, context, action, level, features, from_ms, until_ms, causes, arithmetic, automation)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (tenant_id, id) DO UPDATE SET action = excluded.action, features = excluded.features, from_ms = excluded.from_ms,
       until_ms = excluded.until_ms, causes = excluded.causes, arithmetic = excluded.arithmetic, automation = excluded.automation,
       state = 'running', ended_ms = NULL`,
    [
      entry.tenantId,
      body.consequenceId,
      body.actorId,
      body.context,
      body.action,
      body.level,
      body.features,
      body.fromMs,
      body.untilMs ?? null,
      body.causes,
      body.arithmetic,
      entry.automation,
    ],
  )
}

export async function endConsequence(tx: Tx, entry: LedgerEntry<'consequence.ended'>): Promise<void> {
  await tx.query('UPDATE consequences SET state = $3, ended_ms = $4 WHERE tenant_id = $1 AND id = $2', [
    entry.tenantId,
    entry.body.consequenceId,
    entry.body.how,
    entry.occurredAtMs,
  ])
}

export function selectConsequences(
  query: Query,
  tenantId: string,
  actorId: string,
  running: boolean,
): Promise<ConsequenceRow[]> {
  return query<ConsequenceRow>(
    `SELECT id, actor_id AS "actorId", context, action, level, features, from_ms AS "fromMs", until_ms AS "untilMs", causes,
       arithmetic, automation, state, ended_ms AS "endedMs"
     FROM consequences WHERE tenant_id = $1 AND actor_id = $2 AND (NOT $3 OR state = 'running') ORDER BY from_ms, context, level, id`,
    [tenantId, actorId, running],
    'consequences',
  )
}

export type GateRow = {
  id: string
  feature: string
  context: string
  untilMs: number | null
  consequenceId: string | null
  reason: string
}

export async function closeGate(tx: Tx, entry: LedgerEntry<'gate.closed'>): Promise<void> {
  const { body } = entry
  await tx.query(
    `INSERT INTO gates (tenant_id, id, actor_id, feature, context, until_ms, consequence_id, reason, entry_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (tenant_id, id) DO UPDATE SET until_ms = excluded.until_ms, consequence_id = excluded.consequence_id,
       reason = excluded.reason, entry_id = excluded.entry_id`,
    [
      entry.tenantId,
      body.gateId,
      body.actorId,
      body.feature,
      body.context,
      body.untilMs ?? null,
      body.consequenceId ?? null,
      body.reason,
      entry.id,
    ],
  )
}

export async function openGate(tx: Tx, tenantId: string, gateId: string): Promise<void> {
  await tx.query('DELETE FROM gates WHERE tenant_id = $1 AND id = $2', [tenantId, gateId])
}

/** One gate that is closed, whatever its end. */
export async function selectGate(query: Query, tenantId: string, id: string): Promise<GateRow | undefined> {
  const [row] = await query<GateRow>(
    `SELECT id, feature, context, until_ms AS "untilMs", consequence_id AS "consequenceId", reason
     FROM gates WHERE tenant_id = $1 AND id = $2`,
    [tenantId, id],
  )
  return row
}

export function selectGates(query: Query, tenantId: string, actorId: string): Promise<GateRow[]> {
  return query<GateRow>(
    `SELECT id, feature, context, until_ms AS "untilMs", consequence_id AS "consequenceId", reason
     FROM gates WHERE tenant_id = $1 AND actor_id = $2 ORDER BY id`,
    [tenantId, actorId],
    'gates',
  )
}

export type StandingRow = {
  context: string
  points: number
  own: number
  spilled: number
  level: number
  action: string
  changedMs: number
}

export async function writeStandings(tx: Tx, entry: LedgerEntry<'standing.changed'>): Promise<void> {
  const contexts = Object.keys(entry.body.contexts)
  const column = <T>(read: (one: (typeof entry.body.contexts)[string]) => T) =>
    contexts.map((context) => read(entry.body.contexts[context]!))
  await tx.query(
    `INSERT INTO standings (tenant_id, actor_id, context, points, own, spilled, level, action, changed_ms)
     SELECT $1, $2, context, points, own, spilled, level, action, $9
     FROM unnest($3::text[], $4::float8[], $5::float8[], $6::float8[], $7::int[], $8::text[]) AS t (context, points, own, spilled, level, action)
     ON CONFLICT (tenant_id, actor_id, context) DO UPDATE SET points = excluded.points, own = excluded.own,
       spilled = excluded.spilled, level = excluded.level, action = excluded.action, changed_ms = excluded.changed_ms`,
    [
      entry.tenantId,
      entry.body.actorId,
      contexts,
      column((one) => one.points),
      column((one) => one.own),
      column((one) => one.spilled),
      column((one) => one.level),
      column((one) => one.action),
      entry.occurredAtMs,
    ],
  )
}

export function selectStandings(query: Query, tenantId: string, actorId: string): Promise<StandingRow[]> {
  return query<StandingRow>(
    `SELECT context, points, own, spilled, level, action, changed_ms AS "changedMs"
     FROM standings WHERE tenant_id = $1 AND actor_id = $2 ORDER BY context`,
    [tenantId, actorId],
    'standings',
  )
}

/** All that a gate check reads, in one question. */
export type GateState = {
  gates: GateRow[]
  labels: { label: string; expiresMs: number | null }[]
}

/** Gates and labels of some accounts; one that has neither is not in the answer. */
export async function selectGateStates(
  query: Query,
  tenantId: string,
  actorIds: readonly string[],
): Promise<Map<string, GateState>> {
  const rows = await query<GateRow & { kind: 'gate' | 'label'; actorId: string }>(
    `SELECT 'gate' AS kind, actor_id AS "actorId", id, feature, context, until_ms AS "untilMs",
       consequence_id AS "consequenceId", reason
     FROM gates WHERE tenant_id = $1 AND actor_id = ANY($2)
     UNION ALL
     SELECT 'label', subject_id, label, '', '', expires_ms, NULL, '' FROM labels
     WHERE tenant_id = $1 AND subject_kind = 'actor' AND subject_id = ANY($2)`,
    [tenantId, actorIds],
    'gate-states',
  )
  const states = new Map<string, GateState>()
  for (const { kind, actorId, ...row } of rows) {
    const state = states.get(actorId) ?? { gates: [], labels: [] }
    states.set(actorId, state)
    if (kind === 'gate') state.gates.push(row)
    else state.labels.push({ label: row.id, expiresMs: row.untilMs })
  }
  return states
}
