import type { Query } from '../../storage/database.ts'

/** What was made of the matches of a bank: in all, over all of its entries, and by day (UTC), oldest first. */
export type BankRecord = {
  bankId: string
  matches: number
  right: number
  wrong: number
  days: BankDay[]
}
/** `matches` are looked-up contents that matched; verdicts count on the day on which they were given. */
export type BankDay = { dayMs: number; matches: number; right: number; wrong: number }

/** The records of the banks of a tenant, or of one of them; those that nothing is known of are missing. */
export async function selectBankRecords(
  query: Query,
  tenantId: string,
  { bankId, sinceMs }: { bankId?: string; sinceMs: number },
): Promise<BankRecord[]> {
  const records = new Map<string, BankRecord>()
  const recordOf = (id: string): BankRecord => {
    const known = records.get(id)
    if (known !== undefined) return known
    const made = { bankId: id, matches: 0, right: 0, wrong: 0, days: [] }
    records.set(id, made)
    return made
  }
  const totals = await query<{ bank_id: string; matches: number; right: number; wrong: number }>(
    // What was merged counts for the entry that was kept.
    `SELECT bank_id, sum(matches) AS matches, sum(right_verdicts) AS "right", sum(wrong_verdicts) AS wrong FROM bank_entries
     WHERE tenant_id = $1 AND ($2::text IS NULL OR bank_id = $2) AND merged_into IS NULL
       AND (matches > 0 OR confirmed > 0 OR overturned > 0) GROUP BY bank_id`,
    [tenantId, bankId ?? null],
  )
  for (const { bank_id, ...sums } of totals) Object.assign(recordOf(bank_id), sums)
  const days = await query<BankDay & { bank_id: string }>(
    `WITH told AS (
       SELECT p.bank_id, e.recorded_ms AS at_ms, e.kind = 'violation.confirmed' AS upheld
       FROM ledger_entries e JOIN match_proposals p ON p.tenant_id = $1 AND p.proposal_entry_id = e.body ->> 'proposalEntryId'
       WHERE e.tenant_id = $1 AND e.kind IN ('violation.confirmed', 'violation.dismissed') AND e.recorded_ms >= $3
       UNION ALL
       SELECT d.bank_id, e.recorded_ms, e.kind <> 'decision.reversed'
       FROM ledger_entries e JOIN match_decisions d ON d.tenant_id = $1 AND d.decision_id = e.body ->> 'decisionId'
       WHERE e.tenant_id = $1 AND e.recorded_ms >= $3 AND (e.kind = 'decision.reversed'
         OR e.kind = 'decision.made' AND e.automation <> 'full'
         OR e.kind = 'appeal.decided' AND e.body ->> 'outcome' = 'upheld')),
     counted AS (
       SELECT bank_id, at_ms, 0 AS matches, upheld::int AS "right", (NOT upheld)::int AS wrong FROM told
       UNION ALL
       SELECT e.bank_id, c.span_ms, c.matches, 0, 0 FROM entry_match_counts c
       JOIN bank_entries e ON e.tenant_id = c.tenant_id AND e.entry_id = c.entry_id
       WHERE c.tenant_id = $1 AND c.span_ms >= $3)
     SELECT bank_id, at_ms / 86400000 * 86400000 AS "dayMs", sum(matches)::bigint AS matches, sum("right")::bigint AS "right",
       sum(wrong)::bigint AS wrong
     FROM counted WHERE $2::text IS NULL OR bank_id = $2 GROUP BY 1, 2 ORDER BY 1, 2`,
    [tenantId, bankId ?? null, sinceMs],
  )
  for (const { bank_id, ...day } of days) recordOf(bank_id).days.push(day)
  return [...records.values()]
}
