-- stage: before
ALTER TABLE turns
    -- The person has had something of it forgotten: no prompt, summary or memory is made from it any more.
    ADD COLUMN forgotten boolean NOT NULL DEFAULT false,
    -- Its episodes are kept. Those of an earlier release have been, or it is too late for them.
    ADD COLUMN remembered boolean NOT NULL DEFAULT true;
ALTER TABLE turns ALTER COLUMN remembered SET DEFAULT false;

-- Answers that nobody has remembered yet: there are few at any time.
CREATE INDEX turns_unremembered ON turns (ended_at)
    WHERE kind = 'question' AND state IN ('delivered', 'stopped') AND answer <> '' AND NOT remembered AND NOT forgotten;

-- Some of a mind's turns whose process has gone before it had remembered them. Of a turn nothing comes out but that it
-- is there and whose it is. The policy `overseen` opens the table for the function's own statement only.
CREATE FUNCTION unremembered_turns(of_mind text, quiet interval, most integer) RETURNS TABLE (id uuid, user_id uuid)
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
REVOKE ALL ON FUNCTION unremembered_turns(text, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unremembered_turns(text, interval, integer) TO consilium_app;
