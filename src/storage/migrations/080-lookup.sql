-- Media of every kind, with what each signal type made of them.
ALTER TABLE media ADD COLUMN kind text NOT NULL DEFAULT 'photo' CHECK (kind IN ('photo', 'video', 'audio'));
ALTER TABLE media ADD COLUMN animated boolean NOT NULL DEFAULT false;
ALTER TABLE media ADD COLUMN duration_ms bigint;
ALTER TABLE media ADD COLUMN signals jsonb NOT NULL DEFAULT '{}';
-- More readings of a photo, as lookups take them: transformation, hash and quality each.
ALTER TABLE media ADD COLUMN readings jsonb;
-- Algorithms and versions that made the above; a file that comes again is hashed anew when they have changed.
ALTER TABLE media ADD COLUMN hashed_by text NOT NULL DEFAULT '';
