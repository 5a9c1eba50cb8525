-- What the operator's models make of bank entries, one row for each entry and model. No projection: it follows from the
-- text or file of the entry, and is made anew for every other model.
CREATE TABLE entry_vectors (
  tenant_id text NOT NULL,
  entry_id text NOT NULL,
  -- Name and version: 'small@1'.
  model text COLLATE "C" NOT NULL,
  -- The signal type that it is searched under.
  type text NOT NULL CHECK (type IN ('embedding-photo', 'embedding-text')),
  -- 'small@1:' and base64; null where the model makes nothing of the entry, and why.
  vector text COLLATE "C",
  because text,
  PRIMARY KEY (tenant_id, entry_id, model)
);
CREATE INDEX entry_vectors_model ON entry_vectors (model, tenant_id, entry_id);
