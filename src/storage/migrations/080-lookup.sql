-- Media of every kind, with what each signal type made of them.
ALTER TABLE media ADD COLUMN kind text NOT NULL DEFAULT 'photo' CHECK (kind IN ('photo', 'video', 'audio'));
ALTER TABLE media ADD COLUMN animated boolean NOT NULL DEFAULT false;
ALTER TABLE media ADD COLUMN duration_ms bigint;
ALTER TABLE media ADD COLUMN signals jsonb NOT NULL DEFAULT '{}';
-- More readings of a photo, as lookups take them: transformation, hash and quality each.
ALTER TABLE media ADD COLUMN readings jsonb;
-- Algorithms and versions that made the above; a file that comes again is hashed anew when they have changed.
ALTER TABLE media ADD COLUMN hashed_by text NOT NULL DEFAULT '';
-- Entries by MD5 and SHA-1 reach past items by the SHA-256 that those are kept under.
CREATE INDEX media_md5 ON media (tenant_id, (signals ->> 'md5'));
CREATE INDEX media_sha1 ON media (tenant_id, (signals ->> 'sha1'));

-- Content that passed, as hashes, for entries that come later. Not a projection: it is kept for a time and then gone.
-- Written with the cursor of the worker, so that no part is lost or doubled; readers follow (xid, seq).
CREATE TABLE seen (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid xid8 NOT NULL DEFAULT stream_xid(),
  tenant_id text NOT NULL,
  event_id text NOT NULL,
  item_id text NOT NULL,
  -- 'photo:0', 'video:1', 'audio:0', 'text', 'link:2': kind and index in the item.
  part text NOT NULL,
  type text NOT NULL,
  -- Hashes as bytes, everything else as UTF-8.
  signal bytea NOT NULL,
  occurred_ms bigint NOT NULL,
  -- When it arrived; it is kept from then on.
  kept_ms bigint NOT NULL
);
CREATE UNIQUE INDEX seen_once ON seen (tenant_id, event_id, part, type);
CREATE INDEX seen_stream ON seen (type, xid, seq);
CREATE INDEX seen_kept ON seen USING brin (kept_ms);
CREATE INDEX seen_same ON seen (tenant_id, type, md5(signal)) WHERE type IN ('sha256', 'sha1', 'md5', 'text');

-- One entry applied to past items: which were found, what was done with each, and how far that is.
CREATE TABLE retro_batches (
  tenant_id text NOT NULL,
  batch_id text NOT NULL,
  bank_id text NOT NULL,
  entry_id text NOT NULL,
  -- The ledger entry that began it.
  entry text NOT NULL,
  violation text,
  severity smallint,
  route text NOT NULL CHECK (route IN ('review', 'auto')),
  state text NOT NULL CHECK (state IN ('applying', 'applied', 'undoing', 'undone')),
  items int NOT NULL,
  author jsonb NOT NULL,
  undo_author jsonb,
  undo_reason text,
  created_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  PRIMARY KEY (tenant_id, batch_id)
);
CREATE INDEX retro_batches_entry ON retro_batches (tenant_id, entry_id);

CREATE TABLE retro_items (
  tenant_id text NOT NULL,
  batch_id text NOT NULL,
  place int NOT NULL,
  event_id text NOT NULL,
  item_id text NOT NULL,
  part text NOT NULL,
  type text NOT NULL,
  distance double precision NOT NULL,
  similarity double precision NOT NULL,
  transformation text,
  outcome text NOT NULL DEFAULT 'waiting',
  proposal_entry_id text,
  decision_id text,
  job_id text,
  undone text,
  PRIMARY KEY (tenant_id, batch_id, place)
);
