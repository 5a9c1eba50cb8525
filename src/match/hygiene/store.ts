import type { BankEntry } from '../bank.ts'
import { foundRight, foundWrong, withPeers } from '../precision/store.ts'
import { entryColumns, toBankEntry, type EntryRow } from '../store.ts'
import type { FloodReading } from './floods.ts'
import { toJsonb, type Query, type Tx } from '../../storage/database.ts'

export type Canary = {
  canaryId: string
  bankId: string
  /** The entry that must match; any of the bank where null. */
  entryId: string | null
  expects: 'match' | 'no-match'
  signals: Record<string, string>
  mediaSha256: string | null
  text: string | null
  note: string
  state: 'waiting' | 'ok' | 'failing'
  because: string
  sinceMs: number
  checkedMs: number | null
}

export async function insertCanary(tx: Tx, tenantId: string, canary: Omit<Canary, 'checkedMs'>): Promise<void> {
  await tx.query(
    `INSERT INTO canaries (tenant_id, canary_id, bank_id, entry_id, expects, signals, media_sha256, text, note, state, because, since_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
    [
      tenantId,
      canary.canaryId,
      canary.bankId,
      canary.entryId,
      canary.expects,
      toJsonb(canary.signals),
      canary.mediaSha256,
      canary.text,
      canary.note,
      canary.state,
      canary.because,
      canary.sinceMs,
    ],
  )
}

export async function deleteCanary(tx: Tx, tenantId: string, canaryId: string): Promise<void> {
  await tx.query('DELETE FROM canaries WHERE tenant_id = $1 AND canary_id = $2', [tenantId, canaryId])
}

export async function updateCanaryState(
  tx: Tx,
  tenantId: string,
  canaryId: string,
  state: { state: 'ok' | 'failing'; because: string; sinceMs: number },
): Promise<void> {
  await tx.query(
    'UPDATE canaries SET state = $3, because = $4, since_ms = $5 WHERE tenant_id = $1 AND canary_id = $2',
    [tenantId, canaryId, state.state, state.because, state.sinceMs],
  )
}

type CanaryRow = {
  canary_id: string
  bank_id: string
  entry_id: string | null
  expects: Canary['expects']
  signals: Record<string, string>
  media_sha256: string | null
  text: string | null
  note: string
  state: Canary['state']
  because: string
  since_ms: number
  checked_ms: number | null
}

/** Canaries of a tenant, or of one bank, or one of them; failing ones first. */
export async function selectCanaries(
  query: Query,
  tenantId: string,
  filter: { bankId?: string; canaryId?: string; limit: number },
): Promise<Canary[]> {
  const rows = await query<CanaryRow>(
    `SELECT c.*, k.checked_ms FROM canaries c LEFT JOIN canary_checks k ON k.tenant_id = c.tenant_id AND k.canary_id = c.canary_id
     WHERE c.tenant_id = $1 AND ($2::text IS NULL OR c.bank_id = $2) AND ($3::text IS NULL OR c.canary_id = $3)
     ORDER BY c.state = 'failing' DESC, c.canary_id LIMIT $4`,
    [tenantId, filter.bankId ?? null, filter.canaryId ?? null, filter.limit],
  )
  return rows.map((row) => ({
    canaryId: row.canary_id,
    bankId: row.bank_id,
    entryId: row.entry_id,
    expects: row.expects,
    signals: row.signals,
    mediaSha256: row.media_sha256,
    text: row.text,
    note: row.note,
    state: row.state,
    because: row.because,
    sinceMs: row.since_ms,
    checkedMs: row.checked_ms,
  }))
}

export async function touchCanaries(
  query: Query,
  tenantId: string,
  canaryIds: readonly string[],
  checkedMs: number,
): Promise<void> {
  await query(
    `INSERT INTO canary_checks (tenant_id, canary_id, checked_ms) SELECT $1, id, $3 FROM unnest($2::text[]) AS id
     ON CONFLICT (tenant_id, canary_id) DO UPDATE SET checked_ms = excluded.checked_ms`,
    [tenantId, canaryIds, checkedMs],
  )
}

/** Tenants with banks: those that hygiene looks after. */
export async function selectBankTenants(query: Query): Promise<string[]> {
  const rows = await query<{ tenant_id: string }>('SELECT DISTINCT tenant_id FROM banks ORDER BY tenant_id')
  return rows.map((row) => row.tenant_id)
}

export async function addMatchCounts(
  query: Query,
  counts: readonly { tenantId: string; entryId: string; spanMs: number; matches: number }[],
): Promise<void> {
  // In one order everywhere, so that two processes never wait for each other in a circle.
  const sorted = [...counts].sort((a, b) => (a.tenantId + a.entryId < b.tenantId + b.entryId ? -1 : 1))
  await query(
    `INSERT INTO entry_match_counts AS c (tenant_id, entry_id, span_ms, matches)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[])
     ON CONFLICT (tenant_id, entry_id, span_ms) DO UPDATE SET matches = c.matches + excluded.matches`,
    [
      sorted.map((one) => one.tenantId),
      sorted.map((one) => one.entryId),
      sorted.map((one) => one.spanMs),
      sorted.map((one) => one.matches),
    ],
  )
}

export async function deleteMatchCounts(query: Query, beforeMs: number): Promise<void> {
  await query('DELETE FROM entry_match_counts WHERE span_ms < $1', [beforeMs])
}

/** Entries that matched at least so often since the window began, with what their own past was. */
export async function selectFloodReadings(
  query: Query,
  tenantId: string,
  window: { fromMs: number; baselineFromMs: number; windowMs: number; matchesMin: number; active: boolean },
): Promise<FloodReading[]> {
  return query<FloodReading>(
    `WITH busy AS (
       SELECT c.entry_id, sum(c.matches)::int AS matches FROM entry_match_counts c
       JOIN bank_entries e ON e.tenant_id = c.tenant_id AND e.entry_id = c.entry_id
       WHERE c.tenant_id = $1 AND c.span_ms >= $2
         AND (NOT $6 OR e.status = 'active' AND c.span_ms >= coalesce(e.status_ms, 0) - 600000)
       GROUP BY c.entry_id HAVING sum(c.matches) >= $5)
     SELECT e.entry_id AS "entryId", e.bank_id AS "bankId", b.matches, p.past AS "pastMatches",
       greatest(0, $2 - greatest($3, e.added_ms)) AS "pastMs",
       CASE WHEN e.status = 'active' AND e.status_ms > e.added_ms THEN a.accepted ELSE 0 END AS "acceptedMatches"
     FROM busy b JOIN bank_entries e ON e.tenant_id = $1 AND e.entry_id = b.entry_id
     CROSS JOIN LATERAL (SELECT coalesce(sum(matches), 0)::int AS past FROM entry_match_counts
       WHERE tenant_id = $1 AND entry_id = b.entry_id AND span_ms >= $3 AND span_ms < $2) p
     CROSS JOIN LATERAL (SELECT coalesce(max(n), 0)::int AS accepted FROM (
       SELECT sum(matches) AS n FROM entry_match_counts
       WHERE tenant_id = $1 AND entry_id = b.entry_id AND span_ms < e.status_ms GROUP BY span_ms / $4) w) a
     ORDER BY b.matches DESC, e.entry_id LIMIT 1000`,
    [tenantId, window.fromMs, window.baselineFromMs, window.windowMs, window.matchesMin, window.active],
  )
}

/** Matches of an entry by day (UTC), oldest first. */
export async function selectMatchDays(
  query: Query,
  tenantId: string,
  entryId: string,
  fromMs: number,
): Promise<{ dayMs: number; matches: number }[]> {
  return query<{ dayMs: number; matches: number }>(
    `SELECT (span_ms / 86400000) * 86400000 AS "dayMs", sum(matches)::int AS matches FROM entry_match_counts
     WHERE tenant_id = $1 AND entry_id = $2 AND span_ms >= $3 GROUP BY 1 ORDER BY 1`,
    [tenantId, entryId, fromMs],
  )
}

/** Entries that match, and were found wrong by somebody and judged at least so often since their last release. */
export async function selectJudgedEntries(
  query: Query,
  tenantId: string,
  { verdictsMin, peerWeight }: { verdictsMin: number; peerWeight: number },
): Promise<BankEntry[]> {
  const rows = await query<EntryRow>(
    `WITH wrong AS (
       SELECT entry_id FROM bank_entries WHERE tenant_id = $1 AND status = 'active' AND wrong_verdicts > 0
       UNION SELECT entry_id FROM bank_entries WHERE tenant_id = $1 AND team_wrong > 0
       UNION SELECT entry_id FROM bank_opinions WHERE tenant_id = $1 AND opinion = 'dispute' AND $3::float8 > 0)
     SELECT ${entryColumns} FROM wrong JOIN bank_entries e ON e.tenant_id = $1 AND e.entry_id = wrong.entry_id
     CROSS JOIN LATERAL (SELECT count(*) AS given FROM bank_opinions o WHERE o.tenant_id = $1 AND o.entry_id = e.entry_id
       AND o.opinion <> 'seen' AND o.at_ms > coalesce(e.status_ms, 0)) p
     WHERE e.status = 'active' AND e.right_verdicts - e.right_forgiven + e.wrong_verdicts - e.wrong_forgiven
       + e.team_right - e.team_right_forgiven + e.team_wrong - e.team_wrong_forgiven + $3::float8 * p.given >= $2
     ORDER BY e.entry_id LIMIT 1000`,
    [tenantId, verdictsMin, peerWeight],
  )
  return rows.map(toBankEntry)
}

/** Entries and banks whose time is over. */
export async function selectExpired(
  query: Query,
  nowMs: number,
  limit: number,
): Promise<{ tenantId: string; bankId: string; entryId: string | null }[]> {
  return query<{ tenantId: string; bankId: string; entryId: string | null }>(
    `(SELECT tenant_id AS "tenantId", bank_id AS "bankId", NULL AS "entryId" FROM banks
      WHERE enabled AND expires_ms IS NOT NULL AND expires_ms <= $1 LIMIT $2)
     UNION ALL
     (SELECT tenant_id, bank_id, entry_id FROM bank_entries
      WHERE expires_ms IS NOT NULL AND status <> 'retired' AND expires_ms <= $1 LIMIT $2)`,
    [nowMs, limit],
  )
}

// Near-duplicates.

export async function selectScanned(query: Query, tenantId: string): Promise<string> {
  const [row] = await query<{ after_entry_id: string }>('SELECT after_entry_id FROM pair_scans WHERE tenant_id = $1', [
    tenantId,
  ])
  return row?.after_entry_id ?? ''
}

export async function saveScanned(query: Query, tenantId: string, afterEntryId: string): Promise<void> {
  await query(
    `INSERT INTO pair_scans (tenant_id, after_entry_id) VALUES ($1, $2)
     ON CONFLICT (tenant_id) DO UPDATE SET after_entry_id = excluded.after_entry_id`,
    [tenantId, afterEntryId],
  )
}

export type EntryPair = { bankId: string; entryId: string; otherId: string; signalType: string; distance: number }

export async function upsertPairs(query: Query, tenantId: string, pairs: readonly EntryPair[]): Promise<void> {
  const unique = new Map(
    pairs.map((pair) => {
      const [a, b] = pair.entryId < pair.otherId ? [pair.entryId, pair.otherId] : [pair.otherId, pair.entryId]
      return [`${a} ${b}`, { ...pair, a, b }] as const
    }),
  )
  const rows = [...unique.values()]
  if (rows.length === 0) return
  await query(
    `INSERT INTO entry_pairs (tenant_id, bank_id, entry_a, entry_b, signal_type, distance)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::float8[])
     ON CONFLICT (tenant_id, entry_a, entry_b) DO UPDATE SET bank_id = excluded.bank_id,
       signal_type = excluded.signal_type, distance = excluded.distance`,
    [
      tenantId,
      rows.map((row) => row.bankId),
      rows.map((row) => row.a),
      rows.map((row) => row.b),
      rows.map((row) => row.signalType),
      rows.map((row) => row.distance),
    ],
  )
}

export async function deletePairs(query: Query, tenantId: string): Promise<void> {
  await query('DELETE FROM entry_pairs WHERE tenant_id = $1', [tenantId])
}

/** Pairs whose entries both still stand in the same bank, by the older of the two; at most 20,000. */
export async function selectPairs(query: Query, tenantId: string, bankId?: string): Promise<EntryPair[]> {
  return query<EntryPair>(
    `SELECT a.bank_id AS "bankId", p.entry_a AS "entryId", p.entry_b AS "otherId", p.signal_type AS "signalType", p.distance
     FROM entry_pairs p
     JOIN bank_entries a ON a.tenant_id = p.tenant_id AND a.entry_id = p.entry_a AND a.status <> 'retired'
     JOIN bank_entries b ON b.tenant_id = p.tenant_id AND b.entry_id = p.entry_b AND b.status <> 'retired'
     WHERE p.tenant_id = $1 AND a.bank_id = b.bank_id AND ($2::text IS NULL OR a.bank_id = $2)
     ORDER BY p.entry_a, p.entry_b LIMIT 20000`,
    [tenantId, bankId ?? null],
  )
}

// The board.

export type BoardList = 'quarantined' | 'lowPrecision' | 'expiring' | 'neverMatched' | 'agedOut' | 'disputed' | 'drafts'

const listed: Record<BoardList, { where: string; order: string }> = {
  quarantined: { where: `e.status = 'quarantined'`, order: 'e.status_ms DESC, e.entry_id' },
  lowPrecision: {
    where: `e.status IN ('active', 'quarantined') AND ${foundWrong('$6')} > 0
      AND ${foundRight('$6')} + ${foundWrong('$6')} >= $4
      AND ${foundRight('$6')} / (${foundRight('$6')} + ${foundWrong('$6')}) < $5`,
    order: `${foundRight('$6')} / (${foundRight('$6')} + ${foundWrong('$6')}), e.entry_id`,
  },
  expiring: {
    where: `e.status <> 'retired' AND e.expires_ms IS NOT NULL AND e.expires_ms < $3 + 7 * 86400000::bigint`,
    order: 'e.expires_ms, e.entry_id',
  },
  neverMatched: {
    where: `e.status = 'active' AND e.matches = 0 AND e.added_ms < $3 - 30 * 86400000::bigint`,
    order: 'e.added_ms, e.entry_id',
  },
  agedOut: {
    where: `e.status = 'active' AND EXISTS (SELECT 1 FROM banks b WHERE b.tenant_id = e.tenant_id AND b.bank_id = e.bank_id
      AND b.age_out_days IS NOT NULL
      AND coalesce(e.last_match_ms, e.added_ms) < $3 - b.age_out_days * 86400000::bigint)`,
    order: 'coalesce(e.last_match_ms, e.added_ms), e.entry_id',
  },
  disputed: {
    where: `e.status <> 'retired' AND (e.disputes > 0 OR p.wrong_opinions > 0)`,
    order: 'e.disputes + coalesce(p.wrong_opinions, 0) DESC, e.entry_id',
  },
  drafts: { where: `e.status = 'pending'`, order: 'e.added_ms DESC, e.entry_id' },
}

/** How many entries are on a list of the board, and the first of them. */
export async function selectBoardList(
  query: Query,
  tenantId: string,
  list: BoardList,
  options: {
    bankId?: string
    nowMs: number
    verdictsMin: number
    shareMax: number
    peerWeight: number
    limit: number
  },
): Promise<{ count: number; entries: BankEntry[] }> {
  const { where, order } = listed[list]
  const { nowMs, verdictsMin, shareMax, peerWeight } = options
  const values = [tenantId, options.bankId ?? null, nowMs, verdictsMin, shareMax, peerWeight]
  const from = `FROM bank_entries e ${withPeers} WHERE e.tenant_id = $1 AND ($2::text IS NULL OR e.bank_id = $2)
    AND $3::bigint IS NOT NULL AND $4::int IS NOT NULL AND $5::float8 IS NOT NULL AND $6::float8 IS NOT NULL AND ${where}`
  const [counted] = await query<{ count: number }>(`SELECT count(*) AS count ${from}`, values)
  const rows =
    options.limit === 0
      ? []
      : await query<EntryRow>(`SELECT ${entryColumns} ${from} ORDER BY ${order} LIMIT $7`, [...values, options.limit])
  return { count: counted!.count, entries: rows.map(toBankEntry) }
}
