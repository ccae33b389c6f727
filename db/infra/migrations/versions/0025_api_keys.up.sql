-- stage: before
-- Keys of programs that use the HTTP channel. Of a key only its digest is stored: 238 random bits cannot be guessed, so
-- that no slow hash is needed, and none would let many requests through.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    mind text NOT NULL,
    -- Whose people these are: two keys of one name know the same people.
    name text NOT NULL CHECK (name ~ '^[^:\s]{1,64}$'),
    -- The beginning of the key, for people to tell keys apart.
    prefix text NOT NULL,
    -- SHA-256 of the whole key.
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    rights text[] NOT NULL CHECK (rights <@ ARRAY['read', 'write']),
    -- Modes in canonical form; null: all.
    models text[],
    -- Names of people, or beginnings of names with a *; null: everybody; empty: nobody.
    people text[],
    -- By what people may be named: a field, headers of a front end.
    people_from text[] NOT NULL,
    -- Null: no limit of its own.
    requests_per_minute integer CHECK (requests_per_minute > 0),
    requests_per_day integer CHECK (requests_per_day > 0),
    tokens_per_minute integer CHECK (tokens_per_minute > 0),
    tokens_per_day integer CHECK (tokens_per_day > 0),
    at_once integer CHECK (at_once > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
-- Keys are made and revoked by the owner, on the command line: a service that is taken over can make itself none.
GRANT SELECT ON api_keys TO consilium_app;
GRANT UPDATE (last_used_at) ON api_keys TO consilium_app;

-- What a turn is counted as where all share something: an API key, or the program or platform it comes from. Old
-- programs leave it empty, and their turns count together.
ALTER TABLE turns ADD COLUMN share text;

-- How many turns have not ended, counted up to a number, and how many of those are of one share.
CREATE FUNCTION open_turns_of(asked_share text, most integer) RETURNS TABLE (of_all bigint, of_share bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    RETURN QUERY
        SELECT count(*), count(*) FILTER (WHERE waiting.share = asked_share) FROM (
            SELECT t.share FROM public.turns AS t WHERE t.state IN ('accepted', 'thinking', 'answering') LIMIT most
        ) AS waiting;
    PERFORM set_config('app.overseeing', '', true);
END
$$;
REVOKE ALL ON FUNCTION open_turns_of(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_turns_of(text, integer) TO consilium_app;

-- The person that a platform knows by this id; null when there is none. Unlike identify(), it makes nobody.
CREATE FUNCTION find_person(asked_platform text, asked_external_id text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT user_id FROM public.identities WHERE platform = asked_platform AND external_id = asked_external_id;
$$;
REVOKE ALL ON FUNCTION find_person(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_person(text, text) TO consilium_app;
