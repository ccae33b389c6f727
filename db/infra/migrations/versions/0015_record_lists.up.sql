-- stage: before
-- What a person was last shown of their memory in a session, in the order of the numbers: kinds and ids, and nothing of
-- what they say. It lives and changes hands with its session.
CREATE TABLE record_lists (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    records text[] NOT NULL,
    -- Those that the person was asked about, and when.
    offered text[] NOT NULL DEFAULT '{}',
    offered_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (session_id, user_id) REFERENCES sessions (id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
ALTER TABLE record_lists ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON record_lists USING (user_id = current_person()) WITH CHECK (user_id = current_person());
GRANT SELECT, INSERT, UPDATE, DELETE ON record_lists TO consilium_app;

-- A turn whose answer was made with what has been forgotten is remembered by its question alone. With /forget all nothing
-- of it is, which marks it as remembered.
ALTER TABLE turns NO FORCE ROW LEVEL SECURITY;
-- compatible: only marks what an earlier release does not remember either
UPDATE turns SET remembered = true WHERE forgotten AND NOT remembered;
ALTER TABLE turns FORCE ROW LEVEL SECURITY;
-- compatible: made anew right below; no statement names it
DROP INDEX turns_unremembered;
CREATE INDEX turns_unremembered ON turns (ended_at)
    WHERE kind = 'question' AND state IN ('delivered', 'stopped') AND answer <> '' AND NOT remembered;
-- compatible: the same columns; what it gives is put right for earlier releases in 0021
CREATE OR REPLACE FUNCTION unremembered_turns(of_mind text, quiet interval, most integer)
RETURNS TABLE (id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    RETURN QUERY
        SELECT t.id, t.user_id
        FROM public.turns AS t JOIN public.sessions AS s ON s.id = t.session_id
        WHERE t.kind = 'question' AND t.state IN ('delivered', 'stopped') AND t.answer <> ''
            AND NOT t.remembered
            AND t.ended_at < now() - quiet
            AND starts_with(s.place, of_mind || '/')
        ORDER BY t.ended_at
        LIMIT greatest(most, 0);
    PERFORM set_config('app.overseeing', '', true);
END
$$;
