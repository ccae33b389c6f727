-- stage: before
-- A turn that has been given up for good, because every attempt at it failed or its process died of it: an operator can
-- revive it. It only widens what is allowed, so that the release before can run beside this one.
-- compatible: the constraint of this name that follows allows more
ALTER TABLE turns DROP CONSTRAINT turns_state_check;
-- compatible: it allows all that the one before allowed
ALTER TABLE turns ADD CONSTRAINT turns_state_check
    CHECK (state IN ('accepted', 'thinking', 'answering', 'delivered', 'stopped', 'failed', 'dead')) NOT VALID;
ALTER TABLE turns VALIDATE CONSTRAINT turns_state_check;

-- Seconds for which it has waited between attempts, each wait counted up to a limit: a step of the database's clock adds
-- no more than that, where the difference of two times would hold all of it.
ALTER TABLE turns ADD COLUMN waited double precision NOT NULL DEFAULT 0;

-- What could not be processed and was set aside: updates that could not be stored, jobs that could not be read. It holds
-- names and reasons, and nothing of what anybody said.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('update', 'job')),
    -- The platform of an update, the entrypoint of a job.
    source text NOT NULL,
    -- What the platform calls the update; the dedupe key of a job, which is its turn's id.
    reference text NOT NULL,
    reason text NOT NULL,
    -- The job as it was queued, to be queued again.
    payload bytea,
    priority integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX dead_letters_created ON dead_letters (created_at);
GRANT SELECT, INSERT, DELETE ON dead_letters TO consilium_app;

-- A time in the future was written before the database's clock was set back: it is as old as any that is long past.
-- compatible: the same columns, of the same turns unless the clock was set
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
            AND t.updated_at NOT BETWEEN now() - quiet AND now() + quiet
            AND starts_with(s.place, of_mind || '/')
            AND CASE WHEN t.address IS NULL
                THEN NOT EXISTS (
                    SELECT FROM public.processes AS p
                    WHERE p.id = t.process_id AND p.seen_at BETWEEN now() - gone AND now() + gone
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
