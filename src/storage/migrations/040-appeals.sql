-- Appeals as projected from the ledger. The words of the appellant lie in the vault.
CREATE TABLE appeals (
  tenant_id text NOT NULL,
  id text NOT NULL,
  decision_id text NOT NULL,
  actor_id text NOT NULL,
  appellant_id text NOT NULL,
  relation text NOT NULL,
  statement_ref text,
  language text NOT NULL,
  filed_ms bigint NOT NULL,
  entry_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided')),
  assigned_to text,
  outcome text,
  severity smallint,
  reason text,
  decided_by text,
  decided_ms bigint,
  revision int NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX appeals_once ON appeals (tenant_id, decision_id, appellant_id);
CREATE INDEX appeals_newest ON appeals (tenant_id, filed_ms DESC, id DESC);
CREATE INDEX appeals_actor ON appeals (tenant_id, actor_id);
CREATE INDEX appeals_appellant ON appeals (tenant_id, appellant_id);
