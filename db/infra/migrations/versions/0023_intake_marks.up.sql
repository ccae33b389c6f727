-- stage: before
-- How far a platform's messages have been taken in without a gap: what it does not deliver twice is fetched from there.
-- Old programs know nothing of it.
CREATE TABLE intake_marks (
    platform text NOT NULL,
    -- Of what is received over one connection: a shard and their number.
    part text NOT NULL,
    -- The platform's id of a message: it and all before it are stored, or were not for us.
    mark bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, part)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON intake_marks TO consilium_app;

-- Where people write to the service alone, the last used first: places, nobody's names or words.
CREATE FUNCTION direct_places(of_platform text, of_mind text, most integer) RETURNS TABLE (place text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    RETURN QUERY
        SELECT substr(s.place, length(of_mind) + 2)
        FROM public.sessions AS s
        WHERE s.platform = of_platform AND s.chat IS NULL AND starts_with(s.place, of_mind || '/')
        ORDER BY s.updated_at DESC
        LIMIT most;
    PERFORM set_config('app.overseeing', '', true);
END
$$;
REVOKE ALL ON FUNCTION direct_places(text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION direct_places(text, text, integer) TO consilium_app;
