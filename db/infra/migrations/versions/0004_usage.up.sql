-- stage: before
-- All that hot_modes() and the policies it passes read, so that no turn itself has to be. created_at and not updated_at,
-- which changes with every step of a turn.
CREATE INDEX turns_modes ON turns (created_at) INCLUDE (mode, user_id) WHERE mode IS NOT NULL;

-- hot_modes() runs as the table's owner, on whom row-level security is forced too. It opens the table for its own
-- statement only: the policy is the owner's alone, and at any other time the owner sees no turn either.
CREATE POLICY hot_modes_counts ON turns FOR SELECT TO CURRENT_USER
USING (current_setting('app.counting', true) = 'modes');

-- Counts modes over everybody's turns. Of a turn nothing comes out but that it was answered in a mode.
CREATE FUNCTION hot_modes(since timestamptz, most integer) RETURNS TABLE (mode text, turns bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.counting', 'modes', true);
    RETURN QUERY
        SELECT t.mode, count(*) FROM public.turns AS t
        WHERE t.mode IS NOT NULL AND t.created_at >= since
        GROUP BY t.mode
        ORDER BY count(*) DESC, t.mode COLLATE "C"
        LIMIT greatest(most, 0);
    PERFORM set_config('app.counting', '', true);
END
$$;

REVOKE ALL ON FUNCTION hot_modes(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hot_modes(timestamptz, integer) TO consilium_app;
