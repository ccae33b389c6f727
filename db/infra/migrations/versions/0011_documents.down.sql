DROP TABLE received;
ALTER TABLE memories NO FORCE ROW LEVEL SECURITY;
DELETE FROM memories WHERE kind IN ('document', 'passage');
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
DROP INDEX memories_document;
ALTER TABLE memories
    DROP COLUMN document_id,
    DROP COLUMN title,
    DROP COLUMN place,
    DROP CONSTRAINT memories_kind_check,
    ADD CONSTRAINT memories_kind_check CHECK (kind IN ('fact', 'episode', 'summary'));
ALTER TABLE turns DROP COLUMN files, DROP COLUMN taken;
