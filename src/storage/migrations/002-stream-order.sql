-- The order of streams is (xid, position). Transaction ids start anew in another cluster, so a restored database adds a
-- base to its own: every cursor that anyone holds stays valid, and what is new sorts after all that was restored.

CREATE FUNCTION stream_base() RETURNS bigint LANGUAGE sql IMMUTABLE RETURN 0;

-- The id that rows of this transaction carry.
CREATE FUNCTION stream_xid() RETURNS xid8 LANGUAGE sql STABLE
  RETURN ((pg_current_xact_id()::text::bigint + stream_base())::text)::xid8;

-- Rows at or above this may still be joined by others that commit later; readers stop short of it.
CREATE FUNCTION stream_horizon() RETURNS xid8 LANGUAGE sql STABLE
  RETURN ((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + stream_base())::text)::xid8;

ALTER TABLE events ALTER COLUMN xid SET DEFAULT stream_xid();
ALTER TABLE outbox ALTER COLUMN xid SET DEFAULT stream_xid();
