-- stage: before
-- NULL: a program from before this migration, which says nothing of itself.
ALTER TABLE processes
    ADD COLUMN version text,
    -- The newest migration that it knows.
    ADD COLUMN revision text;

-- Since 0015, turns of which something has been forgotten are remembered by their questions. An earlier release, which
-- calls the function of that name, would remember such a turn whole: to it, they do not exist again.
CREATE FUNCTION turns_to_remember(of_mind text, quiet interval, most integer)
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
REVOKE ALL ON FUNCTION turns_to_remember(text, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION turns_to_remember(text, interval, integer) TO consilium_app;

-- compatible: it gives what it gave until 0015, and later releases no longer call it
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
            AND NOT t.remembered AND NOT t.forgotten
            AND t.ended_at < now() - quiet
            AND starts_with(s.place, of_mind || '/')
        ORDER BY t.ended_at
        LIMIT greatest(most, 0);
    PERFORM set_config('app.overseeing', '', true);
END
$$;
