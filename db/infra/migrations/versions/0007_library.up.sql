-- stage: before
-- The library belongs to minds and not to people: no row has a user_id, and no policy stands before them.
CREATE TABLE collections (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mind text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    trust text NOT NULL,
    -- Chunks of it when they were last counted: enough to choose how to search, not to be shown.
    size bigint NOT NULL DEFAULT 0,
    UNIQUE (mind, name)
);

CREATE TABLE documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id integer NOT NULL REFERENCES collections ON DELETE CASCADE,
    uri text NOT NULL,
    -- Named on the command line, and not by the collection's patterns.
    given boolean NOT NULL,
    title text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT '',
    -- Of the file's bytes, and of all that decides how it is cut: while both stay, so do its chunks.
    content_hash text NOT NULL,
    chunking_hash text NOT NULL,
    -- Why it was left out: an error's name and its details. Such a document has no chunks.
    skipped jsonb,
    read_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (collection_id, uri)
);

CREATE TABLE chunks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
    collection_id integer NOT NULL REFERENCES collections ON DELETE CASCADE,
    n integer NOT NULL,
    -- What stands above it: the title, the headings, the table's caption. Searched with it, not quoted.
    lead text NOT NULL,
    content text NOT NULL,
    -- Characters at its beginning that repeat the end of the chunk before it.
    repeats integer NOT NULL,
    place text NOT NULL,
    language text NOT NULL CHECK (language IN ('russian', 'english', 'simple')),
    dated date,
    content_hash text NOT NULL,
    words tsvector NOT NULL GENERATED ALWAYS AS (
        CASE language
            WHEN 'russian' THEN to_tsvector('pg_catalog.russian'::regconfig, folded(left(lead || ' ' || content, 100000)))
            WHEN 'english' THEN to_tsvector('pg_catalog.english'::regconfig, folded(left(lead || ' ' || content, 100000)))
            ELSE to_tsvector('pg_catalog.simple'::regconfig, folded(left(lead || ' ' || content, 100000)))
        END
    ) STORED,
    -- Checked at the end, so that chunks can change places.
    UNIQUE (document_id, n) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX chunks_words ON chunks USING gin (words);
CREATE INDEX chunks_collection ON chunks (collection_id, id);
-- The statistics of `words` are what tells common words from rare ones in a search.
ALTER TABLE chunks ALTER COLUMN words SET STATISTICS 300;

CREATE TABLE embedders (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    dimensions integer NOT NULL CHECK (dimensions BETWEEN 1 AND 4000),
    -- Whether its vectors have an index.
    indexed boolean NOT NULL DEFAULT false
);

-- Beside the chunks and narrow, because an exact search reads it whole. What it filters by is repeated here.
CREATE TABLE vectors (
    chunk_id bigint NOT NULL REFERENCES chunks ON DELETE CASCADE,
    embedder smallint NOT NULL REFERENCES embedders,
    collection_id integer NOT NULL,
    language text NOT NULL,
    dated date,
    embedding halfvec NOT NULL,
    PRIMARY KEY (chunk_id, embedder)
)
WITH (toast_tuple_target = 8160);
CREATE INDEX vectors_collection ON vectors (collection_id, embedder);
CREATE INDEX vectors_embedder ON vectors (embedder);

-- What only the tables' owner may do after the library has changed: gather statistics, make the index of vectors once
-- there are more than `threshold` of the current embedder, and drop what belongs to embedders that have none left. The
-- index is made in one go and not CONCURRENTLY, which no function can: meanwhile searches go on and other ingests wait.
CREATE FUNCTION settle_library(current_embedder smallint, threshold bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    extension_schema name;
    size integer;
    gone smallint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('settle_library', 0));
    FOR gone IN
        SELECT e.id FROM public.embedders AS e
        WHERE e.id <> current_embedder AND NOT EXISTS (SELECT FROM public.vectors AS v WHERE v.embedder = e.id)
        FOR UPDATE SKIP LOCKED
    LOOP
        EXECUTE format('DROP INDEX IF EXISTS public.vectors_of_%s', gone);
        DELETE FROM public.embedders WHERE id = gone;
    END LOOP;
    SELECT e.dimensions INTO size FROM public.embedders AS e WHERE e.id = current_embedder AND NOT e.indexed;
    IF size IS NOT NULL AND (
        SELECT count(*) > threshold FROM public.vectors AS v WHERE v.embedder = current_embedder
    ) THEN
        SELECT n.nspname INTO extension_schema
        FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace WHERE x.extname = 'vector';
        PERFORM set_config('maintenance_work_mem', '512MB', true);
        -- Workers share memory through /dev/shm, of which a container has little.
        PERFORM set_config('max_parallel_maintenance_workers', '0', true);
        EXECUTE format(
            'CREATE INDEX vectors_of_%1$s ON public.vectors'
            ' USING hnsw ((embedding::%2$I.halfvec(%3$s)) %2$I.halfvec_cosine_ops) WHERE embedder = %1$s',
            current_embedder, extension_schema, size
        );
        UPDATE public.embedders SET indexed = true WHERE id = current_embedder;
    END IF;
    ANALYZE public.chunks, public.vectors;
    -- Last, because whoever brings his collections up to date waits for these rows.
    UPDATE public.collections AS c SET size = counted.size
    FROM (
        SELECT o.id, (SELECT count(*) FROM public.chunks AS h WHERE h.collection_id = o.id) AS size
        FROM public.collections AS o
    ) AS counted
    WHERE counted.id = c.id AND counted.size <> c.size;
END
$$;

REVOKE ALL ON FUNCTION settle_library(smallint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_library(smallint, bigint) TO consilium_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON collections, documents, chunks, embedders, vectors TO consilium_app;
