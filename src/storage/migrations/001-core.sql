-- Tenants, events, ledger, streams, effects and timers: the ground that every system stands on.

CREATE TABLE tenants (
  id text PRIMARY KEY,
  name text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Events as the platform sent them. Readers follow (xid, position): a row whose transaction is still open is not read
-- past, so that no cursor ever skips one that commits late.
CREATE TABLE events (
  tenant_id text NOT NULL,
  event_id text NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  position bigint GENERATED ALWAYS AS IDENTITY,
  partition smallint NOT NULL DEFAULT 0,
  type text NOT NULL,
  context text NOT NULL,
  actor_id text NOT NULL,
  item_id text,
  thread_id text,
  occurred_ms bigint NOT NULL,
  received_ms bigint NOT NULL,
  late boolean NOT NULL DEFAULT false,
  body json NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX events_stream ON events (partition, xid, position);
CREATE INDEX events_actor ON events (tenant_id, actor_id, occurred_ms);
CREATE INDEX events_item ON events (tenant_id, item_id) WHERE item_id IS NOT NULL;
CREATE INDEX events_thread ON events (tenant_id, thread_id, occurred_ms) WHERE thread_id IS NOT NULL;

-- How far each consumer has read a partition. The token fences: who lost the partition writes nothing.
CREATE TABLE stream_cursors (
  consumer text NOT NULL,
  partition smallint NOT NULL,
  xid xid8 NOT NULL DEFAULT '0',
  position bigint NOT NULL DEFAULT 0,
  token bigint NOT NULL DEFAULT 0,
  owner text,
  events bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, partition)
);

CREATE TABLE feature_snapshots (
  consumer text NOT NULL,
  partition smallint NOT NULL,
  xid xid8 NOT NULL,
  position bigint NOT NULL,
  declared_sha256 text NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now(),
  body bytea NOT NULL,
  PRIMARY KEY (consumer, partition)
);

-- Append-only: entries are inserted, never changed. Sequence and hash chain lie in ledger_seals.
CREATE TABLE ledger_entries (
  id uuid PRIMARY KEY,
  tenant_id text NOT NULL,
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  subject_kind text NOT NULL,
  subject_id text NOT NULL,
  occurred_ms bigint NOT NULL,
  recorded_ms bigint NOT NULL,
  cause text,
  author jsonb NOT NULL,
  automation text NOT NULL,
  because jsonb NOT NULL,
  body jsonb NOT NULL,
  effect_key text
);
CREATE UNIQUE INDEX ledger_order ON ledger_entries (ordinal);
CREATE INDEX ledger_subject ON ledger_entries (tenant_id, subject_kind, subject_id, ordinal);
CREATE INDEX ledger_cause ON ledger_entries (tenant_id, cause) WHERE cause IS NOT NULL;
CREATE INDEX ledger_kind ON ledger_entries (tenant_id, kind, ordinal);
CREATE UNIQUE INDEX ledger_effect ON ledger_entries (tenant_id, effect_key) WHERE effect_key IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE ledger_seals (
  tenant_id text NOT NULL,
  sequence bigint NOT NULL,
  entry_id uuid NOT NULL UNIQUE REFERENCES ledger_entries (id),
  hash bytea NOT NULL,
  PRIMARY KEY (tenant_id, sequence)
);
CREATE TRIGGER ledger_seals_append_only BEFORE UPDATE OR DELETE ON ledger_seals
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TABLE ledger_heads (
  tenant_id text PRIMARY KEY,
  sequence bigint NOT NULL,
  hash bytea NOT NULL
);
-- Every entry up to this ordinal is either sealed or was rolled back. One row.
CREATE TABLE ledger_watermark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  ordinal bigint NOT NULL DEFAULT 0
);
INSERT INTO ledger_watermark DEFAULT VALUES;

-- Personal data lies beside the ledger, encrypted under one key per person; erasing the key erases the person.
CREATE TABLE vault_keys (
  tenant_id text NOT NULL,
  person_id text NOT NULL,
  wrapped_key bytea NOT NULL,
  PRIMARY KEY (tenant_id, person_id)
);
CREATE TABLE vault_items (
  id uuid PRIMARY KEY,
  tenant_id text NOT NULL,
  person_id text NOT NULL,
  sealed bytea NOT NULL
);

-- Effects for the platform. Delivered in order per subject, at least once.
CREATE TABLE outbox (
  id uuid PRIMARY KEY,
  tenant_id text NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  position bigint GENERATED ALWAYS AS IDENTITY,
  subject text NOT NULL,
  topic text NOT NULL,
  entry_id uuid,
  body jsonb NOT NULL,
  created_ms bigint NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'parked', 'unsent')),
  attempts int NOT NULL DEFAULT 0,
  next_ms bigint NOT NULL,
  last_error text,
  delivered_ms bigint
);
CREATE INDEX outbox_due ON outbox (next_ms) WHERE state = 'pending';
CREATE INDEX outbox_subject ON outbox (tenant_id, subject, position) WHERE state = 'pending';
CREATE INDEX outbox_cursor ON outbox (tenant_id, xid, position);

-- Expiries, clocks, windows: a row each, claimed with SKIP LOCKED, run in the transaction that deletes it.
CREATE TABLE timers (
  id uuid PRIMARY KEY,
  tenant_id text NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  due_ms bigint NOT NULL,
  body jsonb NOT NULL DEFAULT '{}',
  attempts int NOT NULL DEFAULT 0,
  last_error text,
  UNIQUE (tenant_id, kind, key)
);
CREATE INDEX timers_due ON timers (due_ms);

-- Media kept for review and matching; the bytes are files named by their SHA-256.
CREATE TABLE media (
  tenant_id text NOT NULL,
  sha256 text NOT NULL,
  mime text NOT NULL,
  bytes bigint NOT NULL,
  width int,
  height int,
  pdq text,
  pdq_quality int,
  problem text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, sha256)
);
