-- Exchanges: lists of known content that others keep, fetched into banks, and what is sent back about them. None of these
-- are projections: bank entries are (ledger), these say where an entry came from and how far a list was read.

CREATE TABLE exchanges (
  tenant_id text NOT NULL,
  exchange_id text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  bank_id text NOT NULL,
  enabled boolean NOT NULL,
  settings jsonb NOT NULL,
  -- The secret lies in the vault, sealed.
  credentials_ref text,
  credentials_fields text[] NOT NULL DEFAULT '{}',
  credentials_set_ms bigint,
  every_ms bigint NOT NULL,
  filter jsonb NOT NULL,
  labels jsonb NOT NULL,
  send_back jsonb NOT NULL,
  -- How far it was read; changed only in the transaction that keeps what was read.
  cursor jsonb,
  -- The snapshot that is being read: entries of an earlier one that it does not name are withdrawn at its end.
  snapshot_id text,
  next_ms bigint,
  failures int NOT NULL DEFAULT 0,
  -- Whoever holds the lease runs it; another process takes over once it has run out.
  lease_run_id text,
  lease_until_ms bigint,
  created_ms bigint NOT NULL,
  deleted_ms bigint,
  version int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, exchange_id)
);
CREATE UNIQUE INDEX exchanges_name ON exchanges (tenant_id, name) WHERE deleted_ms IS NULL;
CREATE INDEX exchanges_due ON exchanges (next_ms) WHERE enabled AND deleted_ms IS NULL;

CREATE TABLE exchange_runs (
  tenant_id text NOT NULL,
  run_id text NOT NULL,
  exchange_id text NOT NULL,
  trigger text NOT NULL CHECK (trigger IN ('schedule', 'person', 'upload')),
  state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'stopped')),
  started_ms bigint NOT NULL,
  ended_ms bigint,
  pages int NOT NULL DEFAULT 0,
  counts jsonb NOT NULL DEFAULT '{}',
  unsupported jsonb NOT NULL DEFAULT '{}',
  estimate bigint,
  error text,
  notes text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, run_id)
);
CREATE INDEX exchange_runs_exchange ON exchange_runs (tenant_id, exchange_id, run_id);

-- One row for each record of the other side, also for those that gave no entry: why is in the state.
CREATE TABLE exchange_records (
  tenant_id text NOT NULL,
  exchange_id text NOT NULL,
  external_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text,
  state text NOT NULL CHECK (state IN ('live', 'withdrawn', 'filtered', 'unsupported', 'malformed')),
  owner text,
  owner_name text,
  tags text[] NOT NULL DEFAULT '{}',
  severity int,
  unsupported text[] NOT NULL DEFAULT '{}',
  -- What the other side needs to recognise the record in feedback.
  ref jsonb NOT NULL DEFAULT '{}',
  -- What the entry was made of, to see whether it changed.
  content_hash text NOT NULL,
  snapshot_id text,
  first_ms bigint NOT NULL,
  last_ms bigint NOT NULL,
  -- The last opinion queued for the other side, and whether it was seen here.
  seen_queued boolean NOT NULL DEFAULT false,
  opinion_queued text,
  -- What was sent, newest last.
  sent jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (tenant_id, exchange_id, external_id)
);
CREATE INDEX exchange_records_entry ON exchange_records (tenant_id, entry_id) WHERE entry_id IS NOT NULL;

CREATE TABLE exchange_feedback (
  tenant_id text NOT NULL,
  feedback_id text NOT NULL,
  exchange_id text NOT NULL,
  external_id text NOT NULL,
  entry_id text NOT NULL,
  opinion text NOT NULL CHECK (opinion IN ('seen', 'confirm', 'dispute', 'share')),
  because text NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'sent', 'parked')),
  attempts int NOT NULL DEFAULT 0,
  next_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  sent_ms bigint,
  last_error text,
  PRIMARY KEY (tenant_id, feedback_id)
);
CREATE INDEX exchange_feedback_due ON exchange_feedback (next_ms) WHERE state = 'pending';
CREATE INDEX exchange_feedback_exchange ON exchange_feedback (tenant_id, exchange_id, feedback_id);

-- What other installations say about entries that they fetched from here.
CREATE TABLE bank_opinions (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  from_id text NOT NULL,
  from_name text NOT NULL,
  opinion text NOT NULL CHECK (opinion IN ('seen', 'confirm', 'dispute')),
  because text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, entry_id, from_id)
);

-- Entries that something was decided about: what feedback is made of.
CREATE INDEX bank_entries_judged ON bank_entries (tenant_id, bank_id)
  WHERE matches > 0 OR confirmed > 0 OR overturned > 0;

-- The whole numbers by which clients of Hasher-Matcher-Actioner know bank entries; handed out when first asked for.
CREATE TABLE hma_contents (
  tenant_id text NOT NULL,
  content_id bigint NOT NULL,
  entry_id text NOT NULL,
  -- As the client gave it: nothing here acts on it.
  metadata jsonb,
  note text,
  disabled_until_s bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, content_id),
  UNIQUE (tenant_id, entry_id)
);
-- Share of lookups that a bank or signal type takes part in, as these clients set it; 1 unless set.
CREATE TABLE hma_ratios (
  tenant_id text NOT NULL,
  what text NOT NULL CHECK (what IN ('bank', 'signal_type')),
  id text NOT NULL,
  ratio double precision NOT NULL CHECK (ratio BETWEEN 0 AND 1),
  -- Deleted by such a client: banks stay in the ledger, and are no longer shown to it.
  gone boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, what, id)
);
-- Such clients set credentials once for all exchanges of a kind. They lie in the vault.
CREATE TABLE hma_api_credentials (
  tenant_id text NOT NULL,
  kind text NOT NULL,
  credentials_ref text NOT NULL,
  PRIMARY KEY (tenant_id, kind)
);
