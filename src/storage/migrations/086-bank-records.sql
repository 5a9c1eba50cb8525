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
