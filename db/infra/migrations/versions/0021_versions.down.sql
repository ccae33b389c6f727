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
DROP FUNCTION turns_to_remember(text, interval, integer);
ALTER TABLE processes DROP COLUMN version, DROP COLUMN revision;
