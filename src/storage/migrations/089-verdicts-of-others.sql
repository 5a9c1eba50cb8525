-- Verdicts of the teams that match against a shared bank, and opinions of exchange peers, count for its entries.

-- In the tenant of a team: its verdicts on entries of other teams' banks. The version counts their changes.
CREATE TABLE foreign_verdicts (
  tenant_id text NOT NULL,
  entry_id text NOT NULL,
  owner_tenant_id text NOT NULL,
  right_verdicts int NOT NULL DEFAULT 0,
  wrong_verdicts int NOT NULL DEFAULT 0,
  version int NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX foreign_verdicts_owner ON foreign_verdicts (owner_tenant_id, entry_id) WHERE version > 0;

-- In the tenant of the owner: what it was told last of an entry.
CREATE TABLE team_verdicts (
  tenant_id text NOT NULL,
  entry_id text NOT NULL,
  right_verdicts int NOT NULL,
  wrong_verdicts int NOT NULL,
  version int NOT NULL,
  teams jsonb NOT NULL,
  PRIMARY KEY (tenant_id, entry_id)
);
ALTER TABLE bank_entries
  ADD COLUMN team_right int NOT NULL DEFAULT 0,
  ADD COLUMN team_wrong int NOT NULL DEFAULT 0,
  ADD COLUMN team_right_forgiven int NOT NULL DEFAULT 0,
  ADD COLUMN team_wrong_forgiven int NOT NULL DEFAULT 0;
ALTER TABLE entry_merges
  ADD COLUMN team_right int NOT NULL DEFAULT 0,
  ADD COLUMN team_wrong int NOT NULL DEFAULT 0;
CREATE INDEX bank_entries_told ON bank_entries (tenant_id) WHERE team_right > 0 OR team_wrong > 0;

-- What was judged so far. A decision that a person made on a proposal counts through the proposal.
WITH owners AS (
  SELECT DISTINCT tenant_id, body ->> 'bankId' AS bank_id, body ->> 'ownerTenantId' AS owner_tenant_id
  FROM ledger_entries WHERE kind = 'bank.subscribed'),
judged AS (
  SELECT tenant_id, bank_id, entry_id, confirmed::int AS "right", dismissed::int AS wrong FROM match_proposals
  UNION ALL
  SELECT d.tenant_id, d.bank_id, d.entry_id,
    CASE WHEN d.confirmed AND (l.automation = 'full' OR p.entry_id IS NULL) THEN 1 ELSE 0 END - (d.confirmed AND d.overturned)::int,
    d.overturned::int
  FROM match_decisions d
  JOIN owners o ON o.tenant_id = d.tenant_id AND o.bank_id = d.bank_id
  LEFT JOIN ledger_entries l ON l.tenant_id = d.tenant_id AND l.kind = 'decision.made' AND l.body ->> 'decisionId' = d.decision_id
  LEFT JOIN match_proposals p ON p.tenant_id = d.tenant_id AND p.proposal_entry_id = l.body ->> 'proposalEntryId')
INSERT INTO foreign_verdicts
SELECT j.tenant_id, j.entry_id, o.owner_tenant_id, sum(j."right"), sum(j.wrong), sum(j."right" + j.wrong)
FROM judged j JOIN owners o ON o.tenant_id = j.tenant_id AND o.bank_id = j.bank_id
GROUP BY j.tenant_id, j.entry_id, o.owner_tenant_id ON CONFLICT DO NOTHING;
