-- Banks of known content. All but the media columns are projections of the ledger (bank.*, and verdicts on matches).

ALTER TABLE media ADD COLUMN pdq_dihedral text[];
CREATE INDEX media_sha256 ON media (sha256);

CREATE TABLE banks (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  name text NOT NULL,
  purpose text NOT NULL,
  action text NOT NULL,
  thresholds jsonb NOT NULL,
  negative boolean NOT NULL,
  created_ms bigint NOT NULL,
  version int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, bank_id)
);
CREATE INDEX banks_name ON banks (tenant_id, name);

CREATE TABLE bank_entries (
  tenant_id text NOT NULL,
  entry_id text NOT NULL,
  bank_id text NOT NULL,
  signals jsonb NOT NULL,
  quality int,
  media_sha256 text,
  text text,
  labels text[] NOT NULL,
  source text NOT NULL,
  note text,
  status text NOT NULL CHECK (status IN ('active', 'quarantined', 'retired')),
  status_reason text,
  added_ms bigint NOT NULL,
  added_by jsonb NOT NULL,
  matches int NOT NULL DEFAULT 0,
  confirmed int NOT NULL DEFAULT 0,
  overturned int NOT NULL DEFAULT 0,
  -- What was overturned before the last release from quarantine; that much was looked at and forgiven.
  overturned_forgiven int NOT NULL DEFAULT 0,
  last_match_ms bigint,
  version int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX bank_entries_bank ON bank_entries (tenant_id, bank_id, entry_id);
CREATE INDEX bank_entries_pdq ON bank_entries (tenant_id, (signals ->> 'pdq')) WHERE signals ? 'pdq';
CREATE INDEX bank_entries_sha256 ON bank_entries (tenant_id, (signals ->> 'sha256')) WHERE signals ? 'sha256';
-- Texts may be longer than an index row.
CREATE INDEX bank_entries_text ON bank_entries (tenant_id, md5(signals ->> 'text')) WHERE signals ? 'text';

-- Which bank entry a proposal, and then a decision, rests on: verdicts and overturns name only those.
CREATE TABLE match_proposals (
  tenant_id text NOT NULL,
  proposal_entry_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  confirmed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, proposal_entry_id)
);
CREATE TABLE match_decisions (
  tenant_id text NOT NULL,
  decision_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  made_ms bigint NOT NULL,
  overturned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, decision_id)
);
CREATE INDEX match_decisions_entry ON match_decisions (tenant_id, entry_id, made_ms);

-- No projection: which banks and entries changed since which transaction, for the indexes that every process keeps in
-- memory. One row each, the empty entry for the bank itself.
CREATE TABLE bank_changes (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  xid xid8 NOT NULL,
  PRIMARY KEY (tenant_id, bank_id, entry_id)
);
CREATE INDEX bank_changes_xid ON bank_changes (xid);
