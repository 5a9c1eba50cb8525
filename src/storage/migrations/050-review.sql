-- Review: jobs as projected from the ledger, the queues they lie in, and who holds which job right now.

CREATE TABLE jobs (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  queue text NOT NULL,
  question text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided', 'withdrawn')),
  priority double precision NOT NULL,
  subject_kind text NOT NULL,
  subject_id text NOT NULL,
  event_id text,
  actor_id text,
  item_id text,
  violation text,
  severity smallint,
  -- All proposals that this job asks about, and those of them that nothing has settled yet.
  proposals text[] NOT NULL DEFAULT '{}',
  waiting text[] NOT NULL DEFAULT '{}',
  appeal_id text,
  decision_id text,
  excluded_people text[] NOT NULL DEFAULT '{}',
  skipped_by text[] NOT NULL DEFAULT '{}',
  created_entry text NOT NULL,
  created_ms bigint NOT NULL,
  due_ms bigint,
  -- Counts what changed the question; part of the ETag that a decision must name.
  version int NOT NULL DEFAULT 1,
  decided_by text,
  closed_ms bigint,
  handling_ms bigint,
  verdict text,
  decided_violation text,
  decided_severity smallint,
  withdrawn_reason text,
  PRIMARY KEY (tenant_id, job_id)
);
CREATE INDEX jobs_next ON jobs (tenant_id, queue, priority DESC, created_ms, job_id) WHERE state = 'open';
CREATE INDEX jobs_due ON jobs (tenant_id, queue, due_ms) WHERE state = 'open' AND due_ms IS NOT NULL;
CREATE INDEX jobs_list ON jobs (tenant_id, state, priority DESC, job_id);
CREATE INDEX jobs_item ON jobs (tenant_id, item_id) WHERE item_id IS NOT NULL;
CREATE INDEX jobs_subject ON jobs (tenant_id, subject_kind, subject_id);
CREATE INDEX jobs_proposals ON jobs USING gin (proposals) WHERE state = 'open';
CREATE INDEX jobs_appeal ON jobs (tenant_id, appeal_id) WHERE appeal_id IS NOT NULL;
CREATE INDEX jobs_decision ON jobs (tenant_id, decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX jobs_decided ON jobs (tenant_id, decided_by, closed_ms) WHERE state = 'decided';

CREATE TABLE queues (
  tenant_id text NOT NULL,
  queue text NOT NULL,
  title text NOT NULL,
  needs text NOT NULL,
  sla_ms bigint,
  rush_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, queue)
);

-- Locks that expire. Not a projection: heartbeats move them without an entry; the ledger keeps when a claim began.
CREATE TABLE job_claims (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  person_id text NOT NULL,
  claimed_ms bigint NOT NULL,
  until_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, job_id)
);
CREATE INDEX job_claims_person ON job_claims (tenant_id, person_id);
