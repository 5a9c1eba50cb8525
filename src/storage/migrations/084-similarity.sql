-- Pairs of content and bank entry with what a person said of them, and the classifiers that were trained on such pairs.

CREATE TABLE match_pairs (
  tenant_id text NOT NULL,
  pair_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  item_id text,
  part text NOT NULL,
  features jsonb NOT NULL,
  -- Whether both are the same content; null until somebody looked.
  same boolean,
  -- 'pair' where a person compared both, 'verdict' where it follows from a decision.
  source text,
  decision_id text,
  found_ms bigint NOT NULL,
  judged_ms bigint,
  PRIMARY KEY (tenant_id, pair_id)
);
CREATE INDEX match_pairs_open ON match_pairs (tenant_id, found_ms, pair_id) WHERE same IS NULL;
CREATE INDEX match_pairs_judged ON match_pairs (tenant_id, judged_ms) WHERE same IS NOT NULL;
CREATE INDEX match_pairs_decision ON match_pairs (tenant_id, decision_id) WHERE decision_id IS NOT NULL;

CREATE TABLE match_classifiers (
  tenant_id text NOT NULL,
  classifier_id text NOT NULL,
  scope text NOT NULL,
  version int NOT NULL,
  mode text NOT NULL CHECK (mode IN ('shadow', 'live', 'retired')),
  model jsonb NOT NULL,
  report jsonb NOT NULL,
  trained_ms bigint NOT NULL,
  trained_by jsonb NOT NULL,
  moved_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, classifier_id),
  UNIQUE (tenant_id, scope, version)
);
