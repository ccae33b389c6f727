-- stage: after
ALTER TABLE turns
    -- Files that came with the message and where they are to go; NULL when there were none.
    ADD COLUMN files jsonb,
    -- What has become of each of them so far, in their order.
    ADD COLUMN taken jsonb;

-- A document that a person has sent is a memory, and so is each of its passages, which go when it goes. A document's
-- `title` is its file's name, a passage's the document's title; `place` is where in the document a passage stands.
ALTER TABLE memories
    ADD COLUMN document_id uuid REFERENCES memories ON DELETE CASCADE,
    ADD COLUMN title text,
    ADD COLUMN place text,
    DROP CONSTRAINT memories_kind_check,
    ADD CONSTRAINT memories_kind_check CHECK (kind IN ('fact', 'episode', 'summary', 'document', 'passage')),
    ADD CHECK ((kind = 'passage') = (document_id IS NOT NULL)),
    ADD CHECK (kind NOT IN ('document', 'passage') OR title IS NOT NULL);
CREATE INDEX memories_passages ON memories (document_id) WHERE document_id IS NOT NULL;
-- A turn that is taken up twice keeps a document once.
CREATE UNIQUE INDEX memories_document ON memories (source_turn_id, title) WHERE kind = 'document';

-- Documents that came in a chat and belong to a mind's library, as they were sent: read again whenever the way they are
-- cut changes, by whichever process brings the library up to date.
CREATE TABLE received (
    mind text NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    content bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mind, name)
);
-- Most of what is sent is packed already.
ALTER TABLE received ALTER COLUMN content SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, UPDATE, DELETE ON received TO consilium_app;
