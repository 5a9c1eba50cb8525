-- Imports of several files: each chunk says of which file it is and how its rows are written, each error names the file.
ALTER TABLE bank_import_chunks
  ADD COLUMN file text NOT NULL DEFAULT '',
  ADD COLUMN format text,
  ADD COLUMN header jsonb;
UPDATE bank_import_chunks c SET format = i.format, header = i.header
FROM bank_imports i WHERE i.tenant_id = c.tenant_id AND i.import_id = c.import_id;
DELETE FROM bank_import_chunks WHERE format IS NULL;
ALTER TABLE bank_import_chunks ALTER COLUMN format SET NOT NULL, DROP COLUMN first_line;
ALTER TABLE bank_imports DROP COLUMN header;
ALTER TABLE bank_import_errors ADD COLUMN file text NOT NULL DEFAULT '', DROP CONSTRAINT bank_import_errors_pkey;
ALTER TABLE bank_import_errors ADD PRIMARY KEY (tenant_id, import_id, file, line);

-- What came into a bank from another one, for those who follow its changes.
CREATE INDEX ledger_bank_moved ON ledger_entries (tenant_id, (body ->> 'toBankId'), ordinal) WHERE kind = 'bank.entry_moved';

-- The share of lookups that clients of Hasher-Matcher-Actioner set for a bank is the bank's own sampling, in the ledger as
-- such. Told with the id of the transaction before any ordinal is drawn, as every entry is.
WITH x AS MATERIALIZED (SELECT pg_current_xact_id() AS xid),
  set_by AS (SELECT r.tenant_id, r.id AS bank_id, jsonb_build_object('reviewShare', b.sampling -> 'reviewShare', 'trafficShare', r.ratio) AS sampling
    FROM x, hma_ratios r JOIN banks b ON b.tenant_id = r.tenant_id AND b.bank_id = r.id
    WHERE r.what = 'bank' AND NOT r.gone AND r.ratio <> 1),
  told AS (INSERT INTO ledger_entries (id, tenant_id, kind, subject_kind, subject_id, occurred_ms, recorded_ms, author, automation, because, body)
    SELECT gen_random_uuid(), tenant_id, 'bank.updated', 'item', 'custos:bank:' || bank_id,
      (extract(epoch FROM now()) * 1000)::bigint, (extract(epoch FROM now()) * 1000)::bigint,
      '{"kind": "system", "part": "migration"}', 'full', '[]', jsonb_build_object('bankId', bank_id, 'sampling', sampling)
    FROM set_by)
UPDATE banks b SET sampling = s.sampling, version = b.version + 1 FROM set_by s
WHERE b.tenant_id = s.tenant_id AND b.bank_id = s.bank_id;
CREATE TABLE hma_type_ratios (
  tenant_id text NOT NULL,
  type text NOT NULL,
  ratio double precision NOT NULL CHECK (ratio BETWEEN 0 AND 1),
  PRIMARY KEY (tenant_id, type)
);
INSERT INTO hma_type_ratios (tenant_id, type, ratio) SELECT tenant_id, id, ratio FROM hma_ratios WHERE what = 'signal_type';
-- Deleted by such a client: banks stay in the ledger, and are no longer shown to it.
CREATE TABLE hma_gone_banks (
  tenant_id text NOT NULL,
  bank_id text NOT NULL,
  PRIMARY KEY (tenant_id, bank_id)
);
INSERT INTO hma_gone_banks (tenant_id, bank_id) SELECT tenant_id, id FROM hma_ratios WHERE what = 'bank' AND gone;
DROP TABLE hma_ratios;
