import type { LedgerEntry } from '../../domain/entry.ts'
import { toJsonb, type Query, type Tx } from '../../storage/database.ts'

type Told = LedgerEntry<'bank.entry_judged_by_teams'>['body']

/**
 * What teams found of entries of a tenant's shared banks and it was not told yet: sums, and single teams where the bank's
 * sharing names them. Counts alone leave their tenants, never on what.
 */
export function selectUntoldVerdicts(query: Query, ownerTenantId: string, limit: number): Promise<Told[]> {
  return query<Told>(
    `SELECT f.bank_id AS "bankId", f.entry_id AS "entryId", f."right", f.wrong, f.version, f.teams
     FROM (
       SELECT e.bank_id, e.entry_id, sum(v.right_verdicts)::int AS "right", sum(v.wrong_verdicts)::int AS wrong, sum(v.version)::int AS version,
         coalesce(jsonb_agg(jsonb_build_object('tenantId', v.tenant_id, 'right', v.right_verdicts, 'wrong', v.wrong_verdicts)
           ORDER BY v.tenant_id) FILTER (WHERE b.sharing ->> 'with' = 'listed' AND jsonb_exists(b.sharing -> 'tenants', v.tenant_id)),
           '[]') AS teams
       FROM foreign_verdicts v JOIN bank_entries e ON e.tenant_id = $1 AND e.entry_id = v.entry_id
       JOIN banks b ON b.tenant_id = $1 AND b.bank_id = e.bank_id
       WHERE v.owner_tenant_id = $1 AND v.version > 0 GROUP BY e.bank_id, e.entry_id) f
     LEFT JOIN team_verdicts t ON t.tenant_id = $1 AND t.entry_id = f.entry_id
     WHERE f.version > coalesce(t.version, 0) ORDER BY f.entry_id LIMIT $2`,
    [ownerTenantId, limit],
  )
}

/** Keeps what teams found of an entry, and counts the difference for it, or for the one that it was merged into. */
export async function upsertTeamVerdicts(tx: Tx, tenantId: string, told: Told): Promise<void> {
  await tx.query(
    `WITH before AS (SELECT right_verdicts, wrong_verdicts FROM team_verdicts WHERE tenant_id = $1 AND entry_id = $2),
     more AS (
       SELECT $3 - coalesce((SELECT right_verdicts FROM before), 0) AS "right",
         $4 - coalesce((SELECT wrong_verdicts FROM before), 0) AS wrong),
     kept AS (
       INSERT INTO team_verdicts (tenant_id, entry_id, right_verdicts, wrong_verdicts, version, teams)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (tenant_id, entry_id) DO UPDATE SET right_verdicts = excluded.right_verdicts,
         wrong_verdicts = excluded.wrong_verdicts, version = excluded.version, teams = excluded.teams)
     UPDATE bank_entries b SET team_right = b.team_right + m."right", team_wrong = b.team_wrong + m.wrong,
       team_right_forgiven = least(b.team_right_forgiven, b.team_right + m."right"),
       team_wrong_forgiven = least(b.team_wrong_forgiven, b.team_wrong + m.wrong)
     FROM more m, bank_entries o WHERE o.tenant_id = $1 AND o.entry_id = $2
       AND b.tenant_id = $1 AND b.entry_id = coalesce(o.merged_into, o.entry_id)`,
    [tenantId, told.entryId, told.right, told.wrong, told.version, toJsonb(told.teams)],
  )
}

export type TeamVerdicts = { tenantId: string; name: string; right: number; wrong: number }

/** What single teams found of an entry and of those that were merged into it, as far as the bank's sharing named them. */
export function selectTeamVerdicts(query: Query, tenantId: string, entryId: string): Promise<TeamVerdicts[]> {
  return query<TeamVerdicts>(
    `SELECT g."tenantId", coalesce(n.name, g."tenantId") AS name, sum(g."right")::int AS "right", sum(g.wrong)::int AS wrong
     FROM bank_entries e JOIN team_verdicts t ON t.tenant_id = $1 AND t.entry_id = e.entry_id
     CROSS JOIN LATERAL jsonb_to_recordset(t.teams) AS g ("tenantId" text, "right" int, wrong int)
     LEFT JOIN tenants n ON n.id = g."tenantId"
     WHERE e.tenant_id = $1 AND (e.entry_id = $2 OR e.merged_into = $2) GROUP BY 1, 2 ORDER BY 1`,
    [tenantId, entryId],
  )
}
