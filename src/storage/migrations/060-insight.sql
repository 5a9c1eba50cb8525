-- Insight: what the overview counts, and the truth of the simulator, which no detector reads.

-- Arrival follows time closely, so that a small index of ranges finds a period without slowing down inserts.
CREATE INDEX events_occurred ON events USING brin (occurred_ms) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX events_received ON events USING brin (received_ms) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE sim_truth (
  tenant_id text NOT NULL,
  event_id text NOT NULL,
  actor_id text NOT NULL,
  item_id text,
  role text NOT NULL,
  violating boolean NOT NULL,
  violation text,
  ring text,
  note text,
  PRIMARY KEY (tenant_id, event_id),
  CHECK (violating = (violation IS NOT NULL))
);
CREATE INDEX sim_truth_violating ON sim_truth (tenant_id, violation, actor_id) WHERE violating;
CREATE INDEX sim_truth_actor ON sim_truth (tenant_id, actor_id);
CREATE INDEX sim_truth_item ON sim_truth (tenant_id, item_id) WHERE item_id IS NOT NULL;
