-- stage: before
-- A code links nobody by itself any more: whoever enters it only asks, and both accounts have to agree. Both are named by
-- what they were called when they wrote.
ALTER TABLE link_codes
    ADD COLUMN account text NOT NULL DEFAULT '',
    -- Who has entered the code; NULL until somebody has.
    ADD COLUMN joiner_id uuid REFERENCES users ON DELETE CASCADE,
    ADD COLUMN joiner_account text,
    ADD COLUMN joiner_agreed boolean NOT NULL DEFAULT false;
CREATE INDEX link_codes_joiner ON link_codes (joiner_id) WHERE joiner_id IS NOT NULL;

CREATE POLICY joiner_looks ON link_codes FOR SELECT TO consilium_app USING (joiner_id = current_person());
CREATE POLICY joiner_declines ON link_codes FOR DELETE TO consilium_app USING (joiner_id = current_person());
-- For the functions below, which run as the owner.
CREATE POLICY joining_asks ON link_codes FOR UPDATE TO CURRENT_USER
USING (nullif(current_setting('app.joining', true), '') IS NOT NULL)
WITH CHECK (nullif(current_setting('app.joining', true), '') IS NOT NULL);
CREATE POLICY joining_keeps ON users FOR UPDATE TO CURRENT_USER USING (is_joining(id)) WITH CHECK (is_joining(id));

-- Notes that the person of this transaction has entered a code. Gives who has asked for the code, who may be the same;
-- nothing when there is no such code, or somebody else has entered it.
CREATE FUNCTION request_link(asked bytea, by_account text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    me uuid := current_person();
    asker uuid;
BEGIN
    PERFORM set_config('app.joining', me::text, true);
    IF me IS NOT NULL THEN
        SELECT c.user_id INTO asker FROM link_codes AS c WHERE c.digest = asked AND c.expires_at > clock_timestamp();
    END IF;
    IF asker <> me THEN
        UPDATE link_codes SET joiner_id = NULL, joiner_account = NULL, joiner_agreed = false
        WHERE joiner_id = me AND digest <> asked;
        UPDATE link_codes AS c SET joiner_id = me, joiner_account = by_account, joiner_agreed = false
        WHERE c.digest = asked AND (c.joiner_id IS NULL OR c.joiner_id = me);
        IF NOT FOUND THEN
            asker := NULL;
        END IF;
    END IF;
    PERFORM set_config('app.joining', '', true);
    RETURN asker;
END
$$;

-- The person who has entered a code agrees. Says whether there is anything to agree to.
CREATE FUNCTION agree_link() RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    me uuid := current_person();
    agreed boolean;
BEGIN
    PERFORM set_config('app.joining', me::text, true);
    UPDATE link_codes AS c SET joiner_agreed = true WHERE c.joiner_id = me AND c.expires_at > clock_timestamp();
    agreed := FOUND;
    PERFORM set_config('app.joining', '', true);
    RETURN agreed;
END
$$;

-- The person who has asked for the code agrees as well: everything of the other becomes theirs, and the other is deleted.
-- Gives who is gone; NULL when the other has not agreed, or the time is over.
CREATE FUNCTION complete_link() RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    kept uuid := current_person();
    gone uuid;
    pair record;
BEGIN
    PERFORM set_config('app.joining', kept::text, true);
    SELECT c.joiner_id INTO gone FROM link_codes AS c
    WHERE c.user_id = kept AND c.joiner_agreed AND c.expires_at > clock_timestamp();
    IF gone IS NULL THEN
        PERFORM set_config('app.joining', '', true);
        RETURN NULL;
    END IF;

    PERFORM set_config('app.joining', gone || ' ' || kept, true);
    PERFORM FROM users WHERE id IN (gone, kept) ORDER BY id FOR NO KEY UPDATE;
    DELETE FROM link_codes AS c
    WHERE c.user_id = kept AND c.joiner_id = gone AND c.joiner_agreed AND c.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        PERFORM set_config('app.joining', '', true);
        RETURN NULL;
    END IF;

    UPDATE users AS k SET locale = coalesce(k.locale, g.locale) FROM users AS g WHERE k.id = kept AND g.id = gone;
    SET CONSTRAINTS turns_session_id_user_id_fkey, parts_turn_id_user_id_fkey, memories_session_id_user_id_fkey,
        memories_source_turn_id_user_id_fkey, said_files_turn DEFERRED;
    PERFORM FROM sessions WHERE user_id IN (gone, kept) ORDER BY id FOR UPDATE;
    FOR pair IN
        SELECT g.id AS gone, k.id AS kept FROM sessions AS g JOIN sessions AS k USING (platform, place)
        WHERE g.user_id = gone AND k.user_id = kept
    LOOP
        PERFORM merge_session(pair.gone, pair.kept);
    END LOOP;
    UPDATE sessions SET user_id = kept WHERE user_id = gone;
    UPDATE turns SET user_id = kept WHERE user_id = gone;
    UPDATE parts SET user_id = kept WHERE user_id = gone;
    UPDATE memories SET user_id = kept WHERE user_id = gone;
    UPDATE said_files SET user_id = kept WHERE user_id = gone;
    UPDATE identities SET user_id = kept WHERE user_id = gone;
    -- Whoever is at work on one of the turns does not hold it any more, and it is taken up in the new name.
    UPDATE consilium_pgqueuer AS q
    SET payload = convert_to(json_build_object('turn', t.id, 'user', kept)::text, 'UTF8')
    FROM turns AS t
    WHERE t.user_id = kept AND t.state IN ('accepted', 'thinking', 'answering') AND q.dedupe_key = t.id::text;
    DELETE FROM users WHERE id = gone;
    SET CONSTRAINTS turns_session_id_user_id_fkey, parts_turn_id_user_id_fkey, memories_session_id_user_id_fkey,
        memories_source_turn_id_user_id_fkey, said_files_turn IMMEDIATE;
    PERFORM set_config('app.joining', '', true);
    RETURN gone;
END
$$;

-- What an earlier release calls when somebody enters a code: to it there is no such code any more.
-- compatible: it says what it said of a code that has expired
CREATE OR REPLACE FUNCTION join_person(asked bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT NULL::uuid $$;

-- In a chat with others, what was said in private, or in another chat, does not exist: as for memories, so for sessions,
-- turns, and what hangs on turns.
-- compatible: an earlier release enters a chat only to look at memories
CREATE POLICY company ON sessions AS RESTRICTIVE FOR SELECT TO consilium_app USING (
    nullif(current_setting('app.chat', true), '') IS NULL
    OR platform || ':' || chat = current_setting('app.chat', true)
);

-- A function, so that whether a turn is visible is not planned anew with each statement.
CREATE FUNCTION is_of_this_company(asked uuid) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.sessions AS s WHERE s.id = asked);
END
$$;

-- compatible: an earlier release enters a chat only to look at memories
CREATE POLICY company ON turns AS RESTRICTIVE FOR SELECT TO consilium_app USING (
    nullif(current_setting('app.chat', true), '') IS NULL OR is_of_this_company(session_id)
);
-- compatible: an earlier release enters a chat only to look at memories
CREATE POLICY company ON parts AS RESTRICTIVE FOR SELECT TO consilium_app USING (
    nullif(current_setting('app.chat', true), '') IS NULL
    OR EXISTS (SELECT FROM turns AS t WHERE t.id = turn_id)
);
-- compatible: an earlier release enters a chat only to look at memories
CREATE POLICY company ON said_files AS RESTRICTIVE FOR SELECT TO consilium_app USING (
    nullif(current_setting('app.chat', true), '') IS NULL
    OR EXISTS (SELECT FROM turns AS t WHERE t.id = turn_id)
);

DO $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY['request_link(bytea, text)', 'agree_link()', 'complete_link()'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO consilium_app', made);
    END LOOP;
END
$$;
