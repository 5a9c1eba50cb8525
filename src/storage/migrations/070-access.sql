-- Who may do what: staff, their sessions and sign-in links, API keys, links for affected persons; idempotency; webhooks.
-- Of every token only its SHA-256 is stored: a copy of the database opens no door.

ALTER TABLE tenants ADD COLUMN settings_version bigint NOT NULL DEFAULT 1;

CREATE TABLE people (
  id uuid PRIMARY KEY,
  -- What the person signs in with: an e-mail address or a handle, in lower case.
  handle text NOT NULL UNIQUE,
  name text NOT NULL,
  password_hash text,
  created_ms bigint NOT NULL,
  disabled_ms bigint,
  last_sign_in_ms bigint,
  version bigint NOT NULL DEFAULT 1
);

CREATE TABLE person_roles (
  tenant_id text NOT NULL REFERENCES tenants (id),
  person_id uuid NOT NULL REFERENCES people (id),
  roles text[] NOT NULL,
  PRIMARY KEY (tenant_id, person_id)
);
CREATE INDEX person_roles_person ON person_roles (person_id);

CREATE TABLE sessions (
  hash bytea PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES people (id),
  -- The tenant that the person works in at the moment.
  tenant_id text NOT NULL REFERENCES tenants (id),
  created_ms bigint NOT NULL,
  seen_ms bigint NOT NULL,
  expires_ms bigint NOT NULL
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_expiry ON sessions (expires_ms);

CREATE TABLE sign_in_links (
  hash bytea PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES people (id),
  tenant_id text NOT NULL REFERENCES tenants (id),
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  used_ms bigint
);
CREATE INDEX sign_in_links_person ON sign_in_links (person_id);
CREATE INDEX sign_in_links_expiry ON sign_in_links (expires_ms);

CREATE TABLE api_keys (
  id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants (id),
  name text NOT NULL,
  hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_ms bigint NOT NULL,
  created_by text,
  expires_ms bigint,
  last_used_ms bigint,
  revoked_ms bigint
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, created_ms, id);

CREATE TABLE subject_links (
  hash bytea PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants (id),
  actor_id text NOT NULL,
  created_ms bigint NOT NULL,
  expires_ms bigint NOT NULL
);
CREATE INDEX subject_links_actor ON subject_links (tenant_id, actor_id);
CREATE INDEX subject_links_expiry ON subject_links (expires_ms);

-- One row a request with an Idempotency-Key. `claim` fences: only who holds it may commit the change it stands for.
CREATE TABLE idempotency_keys (
  tenant_id text NOT NULL,
  caller text NOT NULL,
  key_sha256 bytea NOT NULL,
  request_sha256 bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'committed', 'done')),
  claim uuid NOT NULL,
  lease_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  status int,
  -- Headers and body of the answer, encrypted: it may hold a secret that is shown once.
  answer bytea,
  PRIMARY KEY (tenant_id, caller, key_sha256)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_ms);

CREATE TABLE webhooks (
  id uuid PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants (id),
  url text NOT NULL,
  -- Empty for every topic; "decision.*" for all of a family.
  topics text[] NOT NULL DEFAULT '{}',
  -- Where the vault holds the signing secret.
  secret_ref uuid NOT NULL,
  created_ms bigint NOT NULL,
  disabled_ms bigint,
  disabled_because text,
  last_ms bigint,
  last_status int,
  last_error text,
  delivered bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0
);
CREATE INDEX webhooks_tenant ON webhooks (tenant_id);

-- Which webhook already took an effect, so that a retry for the others does not repeat it there.
CREATE TABLE webhook_deliveries (
  outbox_id uuid NOT NULL REFERENCES outbox (id),
  webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  delivered_ms bigint NOT NULL,
  PRIMARY KEY (outbox_id, webhook_id)
);

-- The audit log asks by author and by time. Persons and keys only: rules write too much to pay for an index on them.
CREATE INDEX ledger_author ON ledger_entries (tenant_id, (author ->> 'id'), ordinal) WHERE (author ->> 'kind') IN ('person', 'platform');
CREATE INDEX ledger_recorded ON ledger_entries USING brin (recorded_ms);
CREATE INDEX outbox_parked ON outbox (tenant_id, position) WHERE state = 'parked';
