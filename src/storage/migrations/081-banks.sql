-- Banks in full: owners, sharing, sampling, expiry; entries with metadata, drafts, holds, opinions and merges.

ALTER TABLE banks
  ADD COLUMN owner text,
  ADD COLUMN enabled boolean NOT NULL DEFAULT true,
  ADD COLUMN sharing jsonb NOT NULL DEFAULT '{"with": "nobody", "tenants": []}',
  ADD COLUMN sampling jsonb NOT NULL DEFAULT '{"reviewShare": 0, "trafficShare": 1}',
  ADD COLUMN expires_ms bigint,
  ADD COLUMN age_out_days int,
  -- Entries by status, kept with every change: counting a million rows for a list of banks is no answer.
  ADD COLUMN pending int NOT NULL DEFAULT 0,
  ADD COLUMN active int NOT NULL DEFAULT 0,
  ADD COLUMN quarantined int NOT NULL DEFAULT 0,
  ADD COLUMN retired int NOT NULL DEFAULT 0;
CREATE INDEX banks_expiry ON banks (expires_ms) WHERE expires_ms IS NOT NULL AND enabled;
CREATE INDEX banks_shared ON banks (bank_id) WHERE sharing ->> 'with' <> 'nobody';

ALTER TABLE bank_entries
  DROP CONSTRAINT bank_entries_status_check,
  ADD CONSTRAINT bank_entries_status_check CHECK (status IN ('pending', 'active', 'quarantined', 'retired')),
  ADD COLUMN hold text CHECK (hold IN ('silent', 'review')),
  ADD COLUMN status_ms bigint,
  ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN exchange jsonb,
  ADD COLUMN expires_ms bigint,
  ADD COLUMN import_id text,
  -- The ledger entry that added it: entries of an import share one.
  ADD COLUMN added_entry text,
  ADD COLUMN merged_into text,
  ADD COLUMN dismissed int NOT NULL DEFAULT 0,
  -- Verdicts: right and wrong, and how many of both were looked at before the last release from quarantine.
  ADD COLUMN right_verdicts int NOT NULL DEFAULT 0,
  ADD COLUMN wrong_verdicts int NOT NULL DEFAULT 0,
  ADD COLUMN right_forgiven int NOT NULL DEFAULT 0,
  ADD COLUMN wrong_forgiven int NOT NULL DEFAULT 0,
  ADD COLUMN confirmations int NOT NULL DEFAULT 0,
  ADD COLUMN disputes int NOT NULL DEFAULT 0;
UPDATE bank_entries SET right_verdicts = confirmed, wrong_verdicts = overturned, status_ms = added_ms,
  hold = CASE WHEN status = 'quarantined' THEN 'silent' END;
UPDATE banks b SET active = e.active, quarantined = e.quarantined, retired = e.retired
FROM (SELECT tenant_id, bank_id, count(*) FILTER (WHERE status = 'active')::int AS active,
        count(*) FILTER (WHERE status = 'quarantined')::int AS quarantined,
        count(*) FILTER (WHERE status = 'retired')::int AS retired
      FROM bank_entries GROUP BY tenant_id, bank_id) e
WHERE b.tenant_id = e.tenant_id AND b.bank_id = e.bank_id;
CREATE INDEX bank_entries_expiry ON bank_entries (expires_ms) WHERE expires_ms IS NOT NULL AND status <> 'retired';
CREATE INDEX bank_entries_import ON bank_entries (tenant_id, import_id) WHERE import_id IS NOT NULL;
CREATE INDEX bank_entries_wrong ON bank_entries (tenant_id) WHERE status = 'active' AND wrong_verdicts > 0;
CREATE INDEX bank_entries_held ON bank_entries (tenant_id, status_ms) WHERE status = 'quarantined';

-- Every signal of an entry by its digest, for duplicates and for search, whatever its type.
CREATE TABLE entry_signals (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  type text NOT NULL,
  digest uuid NOT NULL,
  PRIMARY KEY (tenant_id, digest, type, bank_id, entry_id)
);
CREATE INDEX entry_signals_entry ON entry_signals (tenant_id, entry_id);
INSERT INTO entry_signals (tenant_id, bank_id, entry_id, type, digest)
SELECT tenant_id, bank_id, entry_id, s.key, md5(s.value)::uuid FROM bank_entries, jsonb_each_text(signals) AS s;
DROP INDEX bank_entries_pdq, bank_entries_sha256, bank_entries_text;

ALTER TABLE match_proposals ADD COLUMN dismissed boolean NOT NULL DEFAULT false;
-- Whether a decision counts for its entry, through a person or an appeal: an overturn takes that back.
ALTER TABLE match_decisions ADD COLUMN confirmed boolean NOT NULL DEFAULT false;

CREATE TABLE entry_opinions (
  tenant_id text NOT NULL,
  entry_id text NOT NULL,
  author_key text NOT NULL,
  author jsonb NOT NULL,
  opinion text NOT NULL CHECK (opinion IN ('confirmed', 'disputed')),
  reason text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, entry_id, author_key)
);

-- What each retired entry gave to the one that was kept, so that a merge can be undone.
CREATE TABLE entry_merges (
  tenant_id text NOT NULL,
  merge_id text NOT NULL,
  entry_id text NOT NULL,
  kept_id text NOT NULL,
  status text NOT NULL,
  status_reason text,
  hold text,
  matches int NOT NULL,
  confirmed int NOT NULL,
  dismissed int NOT NULL,
  overturned int NOT NULL,
  right_verdicts int NOT NULL,
  wrong_verdicts int NOT NULL,
  kept_labels text[] NOT NULL,
  PRIMARY KEY (tenant_id, merge_id, entry_id)
);

CREATE INDEX entry_merges_kept ON entry_merges (tenant_id, kept_id);

-- Banks of other tenants that a tenant matches against.
CREATE TABLE bank_subscriptions (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  owner_tenant_id text NOT NULL,
  thresholds jsonb NOT NULL,
  action text,
  enabled boolean NOT NULL,
  created_ms bigint NOT NULL,
  version int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, bank_id)
);
CREATE INDEX bank_subscriptions_bank ON bank_subscriptions (owner_tenant_id, bank_id);

CREATE TABLE canaries (
  tenant_id text NOT NULL,
  canary_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text,
  expects text NOT NULL CHECK (expects IN ('match', 'no-match')),
  signals jsonb NOT NULL,
  media_sha256 text,
  text text,
  note text NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'ok', 'failing')),
  because text NOT NULL,
  since_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, canary_id)
);
CREATE INDEX canaries_bank ON canaries (tenant_id, bank_id);

-- The tables below are no projections.

-- History of one entry without a walk through that of its whole bank.
CREATE INDEX ledger_bank_entry ON ledger_entries (tenant_id, (body ->> 'entryId'), ordinal)
  WHERE kind LIKE 'bank.entr%';

CREATE TABLE canary_checks (
  tenant_id text NOT NULL,
  canary_id text NOT NULL,
  checked_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, canary_id)
);

-- How often each entry matched what was looked up, in spans of ten minutes.
CREATE TABLE entry_match_counts (
  tenant_id text NOT NULL,
  entry_id text NOT NULL,
  span_ms bigint NOT NULL,
  matches int NOT NULL,
  PRIMARY KEY (tenant_id, entry_id, span_ms)
);
CREATE INDEX entry_match_counts_span ON entry_match_counts (span_ms, tenant_id);

-- Entries of one bank that match each other, and how far the search for them is, in order of entry ids.
CREATE TABLE entry_pairs (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  entry_a text NOT NULL,
  entry_b text NOT NULL,
  signal_type text NOT NULL,
  distance double precision NOT NULL,
  PRIMARY KEY (tenant_id, entry_a, entry_b)
);
CREATE INDEX entry_pairs_other ON entry_pairs (tenant_id, entry_b);
CREATE TABLE pair_scans (
  tenant_id text PRIMARY KEY,
  after_entry_id text NOT NULL
);

CREATE TABLE bank_imports (
  tenant_id text NOT NULL,
  import_id text NOT NULL,
  bank_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('receiving', 'running', 'done', 'cancelled', 'failed', 'undone')),
  format text NOT NULL,
  name text,
  defaults jsonb NOT NULL,
  header jsonb,
  rows int NOT NULL DEFAULT 0,
  done int NOT NULL DEFAULT 0,
  accepted int NOT NULL DEFAULT 0,
  duplicate int NOT NULL DEFAULT 0,
  refused int NOT NULL DEFAULT 0,
  error text,
  created_ms bigint NOT NULL,
  finished_ms bigint,
  created_by jsonb NOT NULL,
  PRIMARY KEY (tenant_id, import_id)
);
CREATE INDEX bank_imports_bank ON bank_imports (tenant_id, bank_id, import_id);
CREATE INDEX bank_imports_open ON bank_imports (status, import_id) WHERE status IN ('receiving', 'running');
CREATE TABLE bank_import_chunks (
  tenant_id text NOT NULL,
  import_id text NOT NULL,
  chunk int NOT NULL,
  first_line int NOT NULL,
  rows json NOT NULL,
  PRIMARY KEY (tenant_id, import_id, chunk)
);
CREATE TABLE bank_import_errors (
  tenant_id text NOT NULL,
  import_id text NOT NULL,
  line int NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('refused', 'duplicate')),
  problems jsonb NOT NULL,
  row text NOT NULL,
  PRIMARY KEY (tenant_id, import_id, line)
);
