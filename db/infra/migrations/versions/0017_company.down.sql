DROP POLICY company ON said_files;
DROP POLICY company ON parts;
DROP POLICY company ON turns;
DROP POLICY company ON sessions;
DROP FUNCTION is_of_this_company(uuid);
DROP FUNCTION complete_link();
DROP FUNCTION agree_link();
DROP FUNCTION request_link(bytea, text);
DROP POLICY joining_keeps ON users;
DROP POLICY joining_asks ON link_codes;
DROP POLICY joiner_declines ON link_codes;
DROP POLICY joiner_looks ON link_codes;
ALTER TABLE link_codes
    DROP COLUMN account, DROP COLUMN joiner_id, DROP COLUMN joiner_account, DROP COLUMN joiner_agreed;

-- Makes the person of this transaction one with who asked for the code, and ends the code. Gives the person who is left,
-- who may be the same if the code was his own; NULL when there is no such code any more.
CREATE OR REPLACE FUNCTION join_person(asked bytea) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    gone uuid := current_person();
    kept uuid;
    pair record;
BEGIN
    PERFORM set_config('app.joining', gone::text, true);
    SELECT c.user_id INTO kept FROM link_codes AS c WHERE c.digest = asked AND c.expires_at > clock_timestamp();
    IF gone IS NULL OR kept IS NULL OR kept = gone THEN
        PERFORM set_config('app.joining', '', true);
        RETURN CASE WHEN gone IS NOT NULL THEN kept END;
    END IF;

    PERFORM set_config('app.joining', gone || ' ' || kept, true);
    PERFORM FROM users WHERE id IN (gone, kept) ORDER BY id FOR NO KEY UPDATE;
    DELETE FROM link_codes AS c WHERE c.digest = asked AND c.user_id = kept AND c.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        PERFORM set_config('app.joining', '', true);
        RETURN NULL;
    END IF;

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
    RETURN kept;
END
$$;

