-- Rules as they stand and as they were, what became of their proposals, and how often they hit.

-- Projections of the ledger.
CREATE TABLE rules (
  tenant_id text NOT NULL,
  rule_id text NOT NULL,
  version int NOT NULL,
  mode text NOT NULL CHECK (mode IN ('live', 'shadow', 'off')),
  text text NOT NULL,
  sha256 text NOT NULL,
  changed_ms bigint NOT NULL,
  tripped text,
  PRIMARY KEY (tenant_id, rule_id)
);
CREATE TABLE rule_versions (
  tenant_id text NOT NULL,
  rule_id text NOT NULL,
  version int NOT NULL,
  mode text NOT NULL,
  text text NOT NULL,
  sha256 text NOT NULL,
  entry_id uuid NOT NULL,
  published_ms bigint NOT NULL,
  author jsonb NOT NULL,
  PRIMARY KEY (tenant_id, rule_id, version)
);
-- Goes up with every change of a tenant's rules: what readers of compiled rules look at.
CREATE TABLE rule_revisions (
  tenant_id text PRIMARY KEY,
  revision bigint NOT NULL
);
CREATE TABLE rule_proposals (
  tenant_id text NOT NULL,
  proposal_id text NOT NULL,
  rule_id text NOT NULL,
  version int NOT NULL,
  -- decided: acted on at once, without a person.
  state text NOT NULL CHECK (state IN ('open', 'confirmed', 'dismissed', 'decided')),
  PRIMARY KEY (tenant_id, proposal_id)
);
CREATE INDEX rule_proposals_rule ON rule_proposals (tenant_id, rule_id);
CREATE TABLE rule_decisions (
  tenant_id text NOT NULL,
  decision_id text NOT NULL,
  rule_id text NOT NULL,
  version int NOT NULL,
  -- Whether a person made it, or looked at it in an appeal and upheld it.
  seen boolean NOT NULL,
  overturned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, decision_id)
);
CREATE INDEX rule_decisions_rule ON rule_decisions (tenant_id, rule_id);

-- Plain counters, written with the cursor of the stream: shadow hits are in no ledger.
CREATE TABLE rule_stats (
  tenant_id text NOT NULL,
  rule_id text NOT NULL,
  version int NOT NULL,
  mode text NOT NULL,
  hour_ms bigint NOT NULL,
  hits bigint NOT NULL,
  samples jsonb NOT NULL,
  PRIMARY KEY (tenant_id, rule_id, hour_ms, version, mode)
);
