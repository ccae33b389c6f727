CREATE OR REPLACE FUNCTION stranded_turns(of_mind text, quiet interval, gone interval) RETURNS TABLE (
    id uuid, user_id uuid, kind text, shown_elsewhere boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    RETURN QUERY
        SELECT t.id, t.user_id, t.kind, t.address IS NOT NULL
        FROM public.turns AS t JOIN public.sessions AS s ON s.id = t.session_id
        WHERE t.state IN ('accepted', 'thinking', 'answering')
            AND t.updated_at < now() - quiet
            AND starts_with(s.place, of_mind || '/')
            AND CASE WHEN t.address IS NULL
                THEN NOT EXISTS (
                    SELECT FROM public.processes AS p WHERE p.id = t.process_id AND p.seen_at > now() - gone
                )
                ELSE NOT EXISTS (
                    SELECT FROM public.consilium_pgqueuer AS q
                    WHERE q.dedupe_key = t.id::text AND q.status IN ('queued', 'picked')
                )
                AND (t.kind = 'command' OR NOT EXISTS (
                    SELECT FROM public.turns AS e
                    WHERE e.session_id = t.session_id AND e.seq < t.seq AND e.kind = 'question'
                        AND e.address IS NOT NULL AND e.state IN ('accepted', 'thinking', 'answering')
                ))
            END
        ORDER BY t.updated_at
        LIMIT 200;
    PERFORM set_config('app.overseeing', '', true);
END
$$;
DROP TABLE dead_letters;
ALTER TABLE turns DROP COLUMN waited;
-- Row-level security is forced on the owner too, who has to see every row for once.
ALTER TABLE turns NO FORCE ROW LEVEL SECURITY;
UPDATE turns SET state = 'failed' WHERE state = 'dead';
ALTER TABLE turns FORCE ROW LEVEL SECURITY;
ALTER TABLE turns DROP CONSTRAINT turns_state_check;
ALTER TABLE turns ADD CONSTRAINT turns_state_check
    CHECK (state IN ('accepted', 'thinking', 'answering', 'delivered', 'stopped', 'failed'));
