-- stage: after
ALTER TABLE turns
    ADD COLUMN kind text NOT NULL DEFAULT 'question' CHECK (kind IN ('question', 'command')),
    -- What the platform calls the update it came by: handed over twice, it is taken in once.
    ADD COLUMN update_id text,
    -- How it is to be answered, fixed when it is taken in: what is switched later is for later messages.
    ADD COLUMN asked_mode text,
    ADD COLUMN roles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN language text,
    -- Where the answer goes, in the platform's own terms; NULL when the process that took it in shows it itself.
    ADD COLUMN address jsonb,
    -- Rows that a command's answer shows beside its text.
    ADD COLUMN said_table jsonb,
    -- How often it has been taken up. Also the fencing token: only who took it up last may write.
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    -- How often it has been taken up without coming to an end.
    ADD COLUMN setbacks integer NOT NULL DEFAULT 0,
    ADD COLUMN process_id uuid,
    ADD COLUMN give_up_at timestamptz,
    ADD COLUMN stop_asked boolean NOT NULL DEFAULT false,
    ADD COLUMN sources jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN recalled jsonb NOT NULL DEFAULT '[]',
    -- Seconds of each stage.
    ADD COLUMN timings jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN ended_at timestamptz;

CREATE UNIQUE INDEX turns_update ON turns (session_id, update_id) WHERE update_id IS NOT NULL;
CREATE INDEX turns_waiting ON turns (session_id, seq)
    WHERE kind = 'question' AND state IN ('accepted', 'thinking', 'answering');
CREATE INDEX turns_open ON turns (updated_at) WHERE state IN ('accepted', 'thinking', 'answering');
CREATE INDEX turns_created ON turns (created_at);

-- The messages an answer is shown in, in order, each written down as soon as the platform has given it an id.
CREATE TABLE parts (
    turn_id uuid NOT NULL,
    user_id uuid NOT NULL,
    n integer NOT NULL CHECK (n >= 0),
    message_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (turn_id, n),
    FOREIGN KEY (turn_id, user_id) REFERENCES turns (id, user_id) ON DELETE CASCADE
);
ALTER TABLE parts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON parts USING (user_id = current_person()) WITH CHECK (user_id = current_person());
GRANT SELECT, INSERT, UPDATE, DELETE ON parts TO consilium_app;

-- What each person and each chat has used: counts under a key, and nothing of what was said.
CREATE TABLE allowances (
    key text PRIMARY KEY,
    day date NOT NULL,
    used integer NOT NULL,
    -- A token bucket: how many messages may come at once, refilled with time.
    tokens double precision NOT NULL,
    refilled_at timestamptz NOT NULL
) WITH (fillfactor = 70);
GRANT SELECT, INSERT, UPDATE, DELETE ON allowances TO consilium_app;

-- Processes at work; who has not been seen for a while is gone.
CREATE TABLE processes (
    id uuid PRIMARY KEY,
    role text NOT NULL,
    mind text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    draining boolean NOT NULL DEFAULT false
);
GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO consilium_app;

-- The functions below run as the tables' owner, on whom row-level security is forced too. The policy opens turns and
-- sessions for their own statements only, and what comes out of a turn is never what was said in it.
CREATE POLICY overseen ON turns FOR SELECT TO CURRENT_USER USING (current_setting('app.overseeing', true) = 'turns');
CREATE POLICY overseen ON sessions FOR SELECT TO CURRENT_USER USING (current_setting('app.overseeing', true) = 'turns');

CREATE FUNCTION open_turns(most integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    counted bigint;
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    SELECT count(*) INTO counted FROM (
        SELECT FROM public.turns WHERE state IN ('accepted', 'thinking', 'answering') LIMIT most
    ) AS waiting;
    PERFORM set_config('app.overseeing', '', true);
    RETURN counted;
END
$$;

CREATE FUNCTION turn_states(since timestamptz) RETURNS TABLE (state text, turns bigint, oldest double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    RETURN QUERY
        SELECT t.state, count(*), extract(epoch FROM now() - min(t.created_at))::double precision
        FROM public.turns AS t
        WHERE t.state IN ('accepted', 'thinking', 'answering') OR t.created_at >= since
        GROUP BY t.state;
    PERFORM set_config('app.overseeing', '', true);
END
$$;

CREATE FUNCTION oversee_turns(of_state text, most integer) RETURNS TABLE (
    id uuid, user_id uuid, session_id uuid, platform text, place text, seq bigint, kind text, state text, mode text,
    attempts integer, setbacks integer, created_at timestamptz, updated_at timestamptz, ended_at timestamptz
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    RETURN QUERY
        SELECT t.id, t.user_id, t.session_id, s.platform, s.place, t.seq, t.kind, t.state, t.mode, t.attempts,
            t.setbacks, t.created_at, t.updated_at, t.ended_at
        FROM public.turns AS t JOIN public.sessions AS s ON s.id = t.session_id
        WHERE of_state IS NULL OR t.state = of_state
        ORDER BY t.created_at DESC, t.seq DESC
        LIMIT greatest(most, 0);
    PERFORM set_config('app.overseeing', '', true);
END
$$;

CREATE FUNCTION owner_of_turn(asked text) RETURNS TABLE (id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.overseeing', 'turns', true);
    -- The beginning of an id will do, as a range of uuids.
    RETURN QUERY
        SELECT t.id, t.user_id FROM public.turns AS t
        WHERE t.id BETWEEN
            overlay('00000000-0000-0000-0000-000000000000' PLACING asked FROM 1 FOR length(asked))::uuid
            AND overlay('ffffffff-ffff-ffff-ffff-ffffffffffff' PLACING asked FROM 1 FOR length(asked))::uuid
        LIMIT 2;
    PERFORM set_config('app.overseeing', '', true);
END
$$;

-- Turns of a mind's sessions that nobody will take up by himself: the first that waits in its session, with no job in
-- the queue; and those that a process was to show itself, when that process is gone.
CREATE FUNCTION stranded_turns(of_mind text, quiet interval, gone interval) RETURNS TABLE (
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

DO $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'open_turns(integer)', 'turn_states(timestamptz)', 'oversee_turns(text, integer)', 'owner_of_turn(text)',
        'stranded_turns(text, interval, interval)'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO consilium_app', made);
    END LOOP;
END
$$;
