-- Enforcement: policies, decisions and what follows from them, projected from the ledger.

CREATE TABLE policies (
  tenant_id text NOT NULL,
  version int NOT NULL,
  policy_id text NOT NULL,
  text text NOT NULL,
  sha256 text NOT NULL,
  effective_from_ms bigint NOT NULL,
  published_ms bigint NOT NULL,
  author jsonb NOT NULL,
  entry_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, version)
);

-- Each decision as it stands now; `body` is how it was made.
CREATE TABLE decisions (
  tenant_id text NOT NULL,
  id uuid NOT NULL,
  actor_id text NOT NULL,
  item_id text,
  thread_id text,
  event_id text,
  violation text NOT NULL,
  severity smallint NOT NULL,
  context text NOT NULL,
  policy_version int NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'modified', 'reversed')),
  -- From when it counts.
  made_ms bigint NOT NULL,
  recorded_ms bigint NOT NULL,
  author jsonb NOT NULL,
  automation text NOT NULL,
  because jsonb NOT NULL,
  body jsonb NOT NULL,
  statement jsonb NOT NULL,
  proposal_entry_id text,
  job_id text,
  rule_id text,
  rule_version int,
  bank_entry_id text,
  appeal_until_ms bigint NOT NULL,
  -- Counts changes; the ETag.
  revision int NOT NULL DEFAULT 1,
  changed_ms bigint,
  changed_entry_id uuid,
  changed_reason text,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX decisions_newest ON decisions (tenant_id, recorded_ms DESC, id DESC);
CREATE INDEX decisions_actor ON decisions (tenant_id, actor_id, recorded_ms DESC, id DESC);
CREATE INDEX decisions_item ON decisions (tenant_id, item_id) WHERE item_id IS NOT NULL;
CREATE INDEX decisions_thread ON decisions (tenant_id, thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX decisions_bank_entry ON decisions (tenant_id, bank_entry_id) WHERE bank_entry_id IS NOT NULL;
CREATE INDEX decisions_proposal ON decisions (tenant_id, proposal_entry_id) WHERE proposal_entry_id IS NOT NULL;

CREATE TABLE trainings (
  tenant_id text NOT NULL,
  actor_id text NOT NULL,
  entry_id uuid NOT NULL,
  violation text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX trainings_actor ON trainings (tenant_id, actor_id);

CREATE TABLE consequences (
  tenant_id text NOT NULL,
  id text NOT NULL,
  actor_id text NOT NULL,
  context text NOT NULL,
  action text NOT NULL,
  level smallint NOT NULL,
  features text[] NOT NULL,
  from_ms bigint NOT NULL,
  until_ms bigint,
  causes text[] NOT NULL,
  arithmetic text NOT NULL,
  automation text NOT NULL,
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'expired', 'reversed', 'superseded')),
  ended_ms bigint,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX consequences_actor ON consequences (tenant_id, actor_id, from_ms);

-- Gates that are closed now. `until_ms` is checked on reading: a late timer never keeps anybody out.
CREATE TABLE gates (
  tenant_id text NOT NULL,
  id text NOT NULL,
  actor_id text NOT NULL,
  feature text NOT NULL,
  context text NOT NULL,
  until_ms bigint,
  consequence_id text,
  reason text NOT NULL,
  entry_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX gates_actor ON gates (tenant_id, actor_id);

CREATE TABLE standings (
  tenant_id text NOT NULL,
  actor_id text NOT NULL,
  context text NOT NULL,
  points double precision NOT NULL,
  own double precision NOT NULL,
  spilled double precision NOT NULL,
  level smallint NOT NULL,
  action text NOT NULL,
  changed_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, actor_id, context)
);
CREATE INDEX standings_level ON standings (tenant_id, level DESC, points DESC, actor_id) WHERE level > 0;

-- Items and threads that are removed or restricted, and by which decisions. Without a row nothing is.
CREATE TABLE item_status (
  tenant_id text NOT NULL,
  item_id text NOT NULL,
  decisions text[] NOT NULL,
  changed_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, item_id)
);
CREATE TABLE thread_status (
  tenant_id text NOT NULL,
  thread_id text NOT NULL,
  decisions text[] NOT NULL,
  changed_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, thread_id)
);

CREATE TABLE labels (
  tenant_id text NOT NULL,
  subject_kind text NOT NULL,
  subject_id text NOT NULL,
  label text NOT NULL,
  applied_ms bigint NOT NULL,
  expires_ms bigint,
  entry_id uuid NOT NULL,
  because jsonb NOT NULL,
  PRIMARY KEY (tenant_id, subject_kind, subject_id, label)
);
CREATE INDEX labels_label ON labels (tenant_id, label, applied_ms);
