-- stage: before
-- Text as its words are indexed and asked for: composed characters, small Cyrillic letters, е for ё. Explicit about
-- Cyrillic, because a database in the "C" locale knows no capital letters beyond ASCII.
CREATE FUNCTION folded(words text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    normalize(words, NFC),
    'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯё',
    'абвгдеежзийклмнопрстуфхцчшщъыьэюяе'
);

CREATE TABLE memories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_id uuid,
    source_turn_id uuid,
    kind text NOT NULL CHECK (kind IN ('fact', 'episode', 'summary')),
    content text NOT NULL,
    language text NOT NULL CHECK (language IN ('russian', 'english', 'simple')),
    -- Vectors of several models may lie side by side; only those of the same model are ever compared.
    embedder text,
    embedding halfvec,
    -- Of a very long text its head: a tsvector holds at most 1 MB.
    words tsvector NOT NULL GENERATED ALWAYS AS (
        CASE language
            WHEN 'russian' THEN to_tsvector('pg_catalog.russian'::regconfig, folded(left(content, 100000)))
            WHEN 'english' THEN to_tsvector('pg_catalog.english'::regconfig, folded(left(content, 100000)))
            ELSE to_tsvector('pg_catalog.simple'::regconfig, folded(left(content, 100000)))
        END
    ) STORED,
    -- The clock, not the transaction's start: memories made together keep their order.
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_until timestamptz,
    CHECK ((embedding IS NULL) = (embedder IS NULL)),
    FOREIGN KEY (session_id, user_id) REFERENCES sessions (id, user_id) ON DELETE SET NULL (session_id),
    FOREIGN KEY (source_turn_id, user_id) REFERENCES turns (id, user_id) ON DELETE SET NULL (source_turn_id)
)
-- Keeps vectors of up to some 3,000 dimensions in the row: reading them back from TOAST costs more than comparing them.
WITH (toast_tuple_target = 8160);

-- One person's rows, read whole: exact, and fast enough by far. An index on the vectors or words of everybody would
-- be of no use behind row-level security.
CREATE INDEX memories_user ON memories (user_id);
CREATE INDEX memories_session ON memories (session_id);
CREATE INDEX memories_source_turn ON memories (source_turn_id);

ALTER TABLE memories ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON memories USING (user_id = current_person()) WITH CHECK (user_id = current_person());

GRANT SELECT, INSERT, UPDATE, DELETE ON memories TO consilium_app;
