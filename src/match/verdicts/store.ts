import type { Query, Tx } from '../../storage/database.ts'
import type { BankEntryStatus } from '../bank.ts'

// Verdicts and appeals name proposals and decisions; these tables say on which entry each rests. What rests on an entry
// that was merged into another counts for the one that was kept.

/** Where the bank is another tenant's, verdicts on its entry are kept here for its owner to be told the counts. */
const keptFor = (found: string) => `INSERT INTO foreign_verdicts (tenant_id, entry_id, owner_tenant_id)
  SELECT $1, f.entry_id, s.owner_tenant_id FROM ${found} f
  JOIN bank_subscriptions s ON s.tenant_id = $1 AND s.bank_id = f.bank_id ON CONFLICT DO NOTHING`
const countedFor = (found: string, right: string, wrong: string) => `UPDATE foreign_verdicts v
  SET right_verdicts = v.right_verdicts + ${right}, wrong_verdicts = v.wrong_verdicts + ${wrong}, version = v.version + 1
  FROM ${found} f WHERE v.tenant_id = $1 AND v.entry_id = f.entry_id`

/** Counts a proposal that rests on an entry. */
export async function countMatch(
  tx: Tx,
  tenantId: string,
  match: { proposalEntryId: string; bankId: string; entryId: string; occurredMs: number },
): Promise<void> {
  await tx.query(
    `WITH proposal AS (
       INSERT INTO match_proposals (tenant_id, proposal_entry_id, bank_id, entry_id) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING RETURNING bank_id, entry_id),
     kept AS (${keptFor('proposal')})
     UPDATE bank_entries b SET matches = b.matches + 1, last_match_ms = greatest(b.last_match_ms, $5::bigint)
     FROM proposal p JOIN bank_entries o ON o.tenant_id = $1 AND o.entry_id = p.entry_id
     WHERE b.tenant_id = $1 AND b.entry_id = coalesce(o.merged_into, o.entry_id)`,
    [tenantId, match.proposalEntryId, match.bankId, match.entryId, match.occurredMs],
    'bank-count-match',
  )
}

/** Counts a person's verdict on a proposal, once each way however often it is given. */
export async function countVerdict(
  tx: Tx,
  tenantId: string,
  proposalEntryId: string,
  verdict: 'confirmed' | 'dismissed',
): Promise<void> {
  const right = verdict === 'confirmed'
  await tx.query(
    `WITH proposal AS (
       UPDATE match_proposals SET ${verdict} = true WHERE tenant_id = $1 AND proposal_entry_id = $2 AND NOT ${verdict}
       RETURNING entry_id),
     told AS (${countedFor('proposal', right ? '1' : '0', right ? '0' : '1')})
     UPDATE bank_entries b SET ${verdict} = b.${verdict} + 1,
       ${right ? 'right_verdicts = b.right_verdicts + 1' : 'wrong_verdicts = b.wrong_verdicts + 1'}
     FROM proposal p JOIN bank_entries o ON o.tenant_id = $1 AND o.entry_id = p.entry_id
     WHERE b.tenant_id = $1 AND b.entry_id = coalesce(o.merged_into, o.entry_id)`,
    [tenantId, proposalEntryId],
  )
}

export async function selectProposalMatch(
  query: Query,
  tenantId: string,
  proposalEntryId: string,
): Promise<{ bankId: string; entryId: string } | undefined> {
  const [row] = await query<{ bank_id: string; entry_id: string }>(
    'SELECT bank_id, entry_id FROM match_proposals WHERE tenant_id = $1 AND proposal_entry_id = $2',
    [tenantId, proposalEntryId],
  )
  return row === undefined ? undefined : { bankId: row.bank_id, entryId: row.entry_id }
}

export async function insertMatchDecision(
  tx: Tx,
  tenantId: string,
  decision: { decisionId: string; bankId: string; entryId: string; madeMs: number; confirmed: boolean },
): Promise<void> {
  await tx.query(
    `WITH decision AS (
       INSERT INTO match_decisions (tenant_id, decision_id, bank_id, entry_id, made_ms, confirmed) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT DO NOTHING RETURNING bank_id, entry_id)
     ${keptFor('decision')}`,
    [tenantId, decision.decisionId, decision.bankId, decision.entryId, decision.madeMs, decision.confirmed],
  )
}

/** A decision by a person that rests on an entry without a proposal. */
export async function countConfirmedEntry(tx: Tx, tenantId: string, entryId: string): Promise<void> {
  await tx.query(
    `WITH told AS (${countedFor('(SELECT $2::text AS entry_id)', '1', '0')})
     UPDATE bank_entries b SET confirmed = b.confirmed + 1, right_verdicts = b.right_verdicts + 1
     FROM bank_entries o WHERE o.tenant_id = $1 AND o.entry_id = $2
       AND b.tenant_id = $1 AND b.entry_id = coalesce(o.merged_into, o.entry_id)`,
    [tenantId, entryId],
  )
}

/** Counts an overturned decision against its entry, once, and takes back what it had counted for it. */
export async function countOverturned(tx: Tx, tenantId: string, decisionId: string): Promise<void> {
  await tx.query(
    `WITH decision AS (
       UPDATE match_decisions SET overturned = true WHERE tenant_id = $1 AND decision_id = $2 AND NOT overturned
       RETURNING entry_id, confirmed),
     told AS (${countedFor('decision', '(-f.confirmed::int)', '1')})
     UPDATE bank_entries b SET overturned = b.overturned + 1, wrong_verdicts = b.wrong_verdicts + 1,
       right_verdicts = b.right_verdicts - d.confirmed::int, right_forgiven = least(b.right_forgiven, b.right_verdicts - d.confirmed::int)
     FROM decision d JOIN bank_entries o ON o.tenant_id = $1 AND o.entry_id = d.entry_id
     WHERE b.tenant_id = $1 AND b.entry_id = coalesce(o.merged_into, o.entry_id)`,
    [tenantId, decisionId],
  )
}

/** An appeal that upheld an automatic decision is the first look of a person at it. */
export async function countUpheld(tx: Tx, tenantId: string, decisionId: string): Promise<void> {
  await tx.query(
    `WITH decision AS (
       UPDATE match_decisions SET confirmed = true
       WHERE tenant_id = $1 AND decision_id = $2 AND NOT overturned AND NOT confirmed RETURNING entry_id),
     told AS (${countedFor('decision', '1', '0')})
     UPDATE bank_entries b SET right_verdicts = b.right_verdicts + 1
     FROM decision d JOIN bank_entries o ON o.tenant_id = $1 AND o.entry_id = d.entry_id
     WHERE b.tenant_id = $1 AND b.entry_id = coalesce(o.merged_into, o.entry_id)`,
    [tenantId, decisionId],
  )
}

/** The entry that a decision rests on, with what counts towards its quarantine, locked until the transaction ends. */
export async function selectEntryOfDecision(
  tx: Tx,
  tenantId: string,
  decisionId: string,
): Promise<
  { bankId: string; entryId: string; status: BankEntryStatus; overturned: number; unforgiven: number } | undefined
> {
  const [row] = await tx.query<{
    bank_id: string
    entry_id: string
    status: BankEntryStatus
    overturned: number
    unforgiven: number
  }>(
    `SELECT e.bank_id, e.entry_id, e.status, e.overturned, e.overturned - e.overturned_forgiven AS unforgiven
     FROM match_decisions d JOIN bank_entries o ON o.tenant_id = d.tenant_id AND o.entry_id = d.entry_id
     JOIN bank_entries e ON e.tenant_id = d.tenant_id AND e.entry_id = coalesce(o.merged_into, o.entry_id)
     WHERE d.tenant_id = $1 AND d.decision_id = $2 FOR UPDATE OF e`,
    [tenantId, decisionId],
  )
  return row === undefined
    ? undefined
    : {
        bankId: row.bank_id,
        entryId: row.entry_id,
        status: row.status,
        overturned: row.overturned,
        unforgiven: row.unforgiven,
      }
}

/** Decisions that rest on an entry, or on one that was merged into it, and still stand, oldest first. */
export async function selectOpenDecisions(
  query: Query,
  tenantId: string,
  entryId: string,
  sinceMs = 0,
): Promise<string[]> {
  const rows = await query<{ decision_id: string }>(
    `SELECT decision_id FROM match_decisions WHERE tenant_id = $1 AND NOT overturned AND made_ms >= $3 AND entry_id IN (
       SELECT $2 UNION SELECT m.entry_id FROM entry_merges m JOIN bank_entries o ON o.tenant_id = $1 AND o.entry_id = m.entry_id
       WHERE m.tenant_id = $1 AND m.kept_id = $2 AND o.merged_into = $2)
     ORDER BY made_ms, decision_id`,
    [tenantId, entryId, sinceMs],
  )
  return rows.map((row) => row.decision_id)
}
